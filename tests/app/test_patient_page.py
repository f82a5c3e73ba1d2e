"""The patient page: fill in, decide, read; what is refused, lost or out of date says so."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from form import resources, state
from form.session import LOST
from form.wording import plain
from hcc_decide.decision import Decision
from hcc_decide.documents import read
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.patient import parse_patient
from tests.conftest import ROOT
from tests.properties.strategies import records

Open = Callable[[], AppTest]
Enter = Callable[[AppTest, dict[str, Any]], AppTest]
Decide = Callable[..., Decision]

KNOWLEDGE = load_knowledge(ROOT / "rules")
# What the form offers as a line of systemic therapy: procedures have a field of their own.
LINES = [item.id for item in KNOWLEDGE.options.values() if item.body.kind in ("drug", "combination")]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.yaml"))
AFTER_SORAFENIB = {
    "bclc_stage": "C",
    "child_pugh_class": "A",
    "ecog": 1,
    "afp_ng_ml": 812,
    "prior_systemic": [{"option": "sorafenib", "outcome": "progression"}],
}


def decided(page: AppTest) -> AppTest:
    page.button(key="decide").click().run()
    assert not page.exception
    return page


def cards(page: AppTest) -> list[str]:
    return [item.label for item in page.expander if item.label.startswith("**")]


def text_of(page: AppTest) -> str:
    return "\n".join(item.value for item in [*page.markdown, *page.caption, *page.info, *page.warning, *page.error])


def shows(page: AppTest, decision: Decision) -> None:
    """Check that the page shows a decision: setting, order, verdicts, reasons and sources."""
    text = text_of(page)
    labels = KNOWLEDGE.vocabulary.facts["setting"].values or {}
    assert f"Setting: {labels.get(decision.setting, decision.setting)}" in text
    listed = [item for item in decision.options if item.would_be not in ("ineligible", "not_recommended")]
    within_trials = [item for item in listed if "investigational" in (item.verdict, item.would_be)]
    listed = [item for item in listed if item not in within_trials]
    tables = "\n".join(table.value.to_string() for table in page.table)
    assert any(f"Only within trials ({len(within_trials)})" in item.label for item in page.expander) == bool(
        within_trials
    )
    for option in within_trials:
        assert plain(option.name) in tables
        assert plain(option.criteria[0].text) in tables
        for caution in option.cautions:
            assert plain(caution.text) in tables
        for trial in option.evidence:
            assert trial.nct is None or f"https://clinicaltrials.gov/study/{trial.nct}" in tables
        for conflict in option.conflicts:
            assert plain(conflict.about.rstrip(".")) in tables
    assert len(cards(page)) == len(listed)
    for label, option in zip(cards(page), listed, strict=True):
        assert label.startswith(f"**{option.rank}. {plain(option.name)}**")
        assert f": {option.verdict.replace('_', ' ')}]" in label
        assert plain(option.regimen) in text
        assert plain(option.ranked_here_because) in text
        for trial in option.evidence:
            assert trial.doi is None or f"https://doi.org/{trial.doi[:8]}" in text
            assert trial.nct is None or f"https://clinicaltrials.gov/study/{trial.nct}" in text
        for conflict in option.conflicts:
            assert plain(conflict.about.rstrip(".")) in text
    for missing in decision.missing:
        assert plain(missing.question) in tables
    for excluded in decision.excluded:
        assert plain(excluded.name) in tables


def test_every_page_says_what_it_is_for_and_which_knowledge_it_has(open_form: Open) -> None:
    text = text_of(open_form())
    assert plain(KNOWLEDGE.manifest.intended_use) in text
    assert KNOWLEDGE.version in text
    assert KNOWLEDGE.sha256 in text


def test_a_patient_who_is_filled_in_gets_the_ranked_options(
    open_form: Open, enter: Enter, decision_for: Decide
) -> None:
    page = decided(enter(open_form(), AFTER_SORAFENIB))
    shows(page, decision_for(**AFTER_SORAFENIB))
    assert "Setting: second line of systemic therapy" in text_of(page)
    assert any("Ramucirumab" in label and ": recommended]" in label for label in cards(page))


def test_unknown_varices_and_treated_ones_read_differently(open_form: Open, enter: Enter, decision_for: Decide) -> None:
    known = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 0, "prior_systemic": [], "autoimmune_disease": False}
    for more in ({}, {"varices": "none", "endoscopy_within_6_months": True}, {"varices": "untreated"}):
        page = decided(enter(open_form(), known | more))
        shows(page, decision_for(**known, **more))


def test_the_headline_names_what_could_come_first_once_more_is_known(open_form: Open, enter: Enter) -> None:
    page = decided(enter(open_form(), read(ROOT / "examples" / "half-known.yaml").data))
    assert "Could come before it" in text_of(page)
    page = decided(enter(page, AFTER_SORAFENIB))
    assert "Could come before it" not in text_of(page)


def test_a_liver_metastasis_is_asked_for_its_primary(open_form: Open, enter: Enter, decision_for: Decide) -> None:
    page = open_form()
    keys = {item.key for item in page.selectbox}
    assert "fact_primary_site" not in keys
    record = {"tumour": "liver_metastasis", "primary_site": "uveal_melanoma"}
    page = decided(enter(page, record))
    shows(page, decision_for(**record))
    page.selectbox(key="fact_tumour").select("hcc").run()
    assert "fact_primary_site" not in {item.key for item in page.selectbox}
    assert not page.error


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fills_the_form(open_form: Open, decision_for: Decide, name: str) -> None:
    page = open_form()
    page.selectbox(key="example").select(name.replace("-", " ")).run()
    record = read(ROOT / "examples" / f"{name}.yaml").data
    kept = state.record_of(page.session_state.to_dict(), KNOWLEDGE)
    assert parse_patient(kept) == parse_patient(record, KNOWLEDGE.option_ids)
    shows(decided(page), decision_for(**record))


def test_without_the_examples_the_form_does_not_offer_any(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "examples", dict)
    page = open_form()
    assert not page.exception
    assert "example" not in {item.key for item in page.selectbox}


def test_what_is_refused_is_said_beside_its_field_and_nothing_is_decided(open_form: Open) -> None:
    page = open_form()
    page.number_input(key="fact_afp_ng_ml").set_value(-5.0)
    page.number_input(key="fact_tumour_count").set_value(2.5).run()
    assert {item.value for item in page.error} == {
        "2.5 is refused; a whole number is expected",
        "-5 is refused; allowed is 0 or more",
    }
    beside = [column for column in page.columns if column.error]
    assert {item.key for column in beside for item in column.number_input} == {"fact_afp_ng_ml", "fact_tumour_count"}
    decided(page)
    assert not cards(page)
    assert "Nothing was decided: 2 entries are refused" in text_of(page)


def test_a_contradiction_is_said_and_goes_when_it_is_mended(open_form: Open) -> None:
    page = open_form()
    page.selectbox(key="fact_refractory_to_tace").select("yes")
    page.selectbox(key="fact_amenable_to_tace").select("yes").run()
    assert len(page.error) == 1
    page.selectbox(key="fact_amenable_to_tace").select("no").run()
    assert not page.error


def test_prior_lines_can_be_added_named_and_removed(open_form: Open) -> None:
    page = open_form()
    page.selectbox(key=state.PRIOR).select(state.LINES).run()
    page.selectbox(key="line_1_option").select("other")
    page.selectbox(key="line_1_outcome").select("intolerance").run()
    page.text_input(key="line_1_name").set_value("a *trial* drug")
    page.button(key="add_line").click().run()
    assert len(page.error) == 2, "the new line wants a treatment and an outcome"
    page.button(key="remove_line").click().run()
    assert not page.error
    kept = state.record_of(page.session_state.to_dict(), KNOWLEDGE)
    assert kept["prior_systemic"] == [{"option": "other", "name": "a *trial* drug", "outcome": "intolerance"}]


def test_an_answer_that_no_longer_fits_the_form_says_so(open_form: Open, enter: Enter) -> None:
    page = decided(enter(open_form(), AFTER_SORAFENIB))
    assert "Out of date" not in text_of(page)
    page.number_input(key="fact_afp_ng_ml").set_value(120.0).run()
    assert "Out of date" in text_of(page)
    page.number_input(key="fact_afp_ng_ml").set_value(812.0).run()
    assert "Out of date" not in text_of(page)
    page.number_input(key="fact_afp_ng_ml").set_value(120.0).run()
    decided(page)
    assert "Out of date" not in text_of(page)
    assert not any("Ramucirumab" in label for label in cards(page))
    page.button(key="clear").click().run()
    assert not cards(page)
    assert page.number_input(key="fact_afp_ng_ml").value is None


def test_a_lost_request_is_said_to_be_lost_and_the_next_one_works(open_form: Open, enter: Enter) -> None:
    page = decided(enter(open_form(), AFTER_SORAFENIB))
    assert cards(page)
    (worker, *_) = resources.engine().processes()
    # Stopped first, so that it dies with the request in hand and not before.
    os.kill(worker, signal.SIGSTOP)
    timer = threading.Timer(0.5, os.kill, (worker, signal.SIGKILL))
    timer.start()
    decided(page)
    timer.join()
    assert LOST in [item.value for item in page.error]
    assert not cards(page), "an earlier answer must not pass for this one"
    decided(page)
    assert cards(page)
    assert not page.error


def test_a_worker_that_died_between_requests_costs_nothing(open_form: Open, enter: Enter) -> None:
    page = decided(enter(open_form(), AFTER_SORAFENIB))
    for worker in resources.engine().processes():
        os.kill(worker, signal.SIGKILL)
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
    decided(page)
    assert cards(page)


def test_rules_that_changed_meanwhile_are_not_passed_off_as_the_ones_shown(
    open_form: Open, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = enter(open_form(), AFTER_SORAFENIB)
    decision = resources.engine().decide(AFTER_SORAFENIB)
    other = decision.model_copy(update={"knowledge": decision.knowledge.model_copy(update={"sha256": "0" * 64})})
    monkeypatch.setattr(resources.engine(), "decide", lambda record: other)
    decided(page)
    assert not cards(page)
    assert "rules were changed" in text_of(page)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=st.one_of(records(LINES), records(LINES, tumour="liver_metastasis")))
def test_whatever_is_filled_in_the_page_shows_the_library_s_decision(
    open_form: Open, enter: Enter, decision_for: Decide, record: dict[str, Any]
) -> None:
    clean = parse_patient(record, KNOWLEDGE.option_ids).to_record()
    page = enter(open_form(), clean)
    assert not page.exception
    shows(decided(page), decision_for(**clean))
