"""The answer page: what a board reads, opens, asks and answers there."""

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
from form.answer.cards import card_key
from form.answer.excluded import SOUGHT, groups, verdict_key
from form.answer.missing import IN_FULL
from form.answer.search import found
from form.answer.trial_only import OPEN_KEY, TRIALS_KEY
from form.answer.why import FIRST, KEYS, SECOND
from form.session import LOST
from form.sources import unverified_text
from form.wording import badge, plain
from hcc_decide.browse.results import forest_rows
from hcc_decide.comparison import Comparison
from hcc_decide.decision import USABLE, Decision, Option
from hcc_decide.documents import read
from hcc_decide.headline import headline
from hcc_decide.patient import parse_patient
from hcc_decide.render import grouped, within_trials
from hcc_decide.sources import evidence
from hcc_decide.worker import IsolatedEngine, WorkerError
from tests.conftest import ROOT, shipped_knowledge
from tests.properties.strategies import records

Open = Callable[[], AppTest]
Decide = Callable[..., Decision]

KNOWLEDGE = shipped_knowledge()
LINES = [item.id for item in KNOWLEDGE.options.values() if item.body.kind in ("drug", "combination")]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.yaml"))
PAGE = "app_pages/answer.py"
AFTER_SORAFENIB: dict[str, Any] = {
    "bclc_stage": "C",
    "child_pugh_class": "A",
    "ecog": 1,
    "afp_ng_ml": 812,
    "prior_systemic": [{"option": "sorafenib", "outcome": "progression"}],
}
UNTREATED: dict[str, Any] = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1, "prior_systemic": []}


def answer(open_form: Open, record: dict[str, Any]) -> AppTest:
    """Open the answer page with a record in the form."""
    page = open_form()
    put(page, record)
    return shown(page.switch_page(PAGE))


def put(page: AppTest, record: dict[str, Any]) -> None:
    clean = parse_patient(record, KNOWLEDGE.option_ids).to_record()
    for key, value in state.state_of(clean, KNOWLEDGE).items():
        page.session_state[key] = value


def shown(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def opened(page: AppTest, decision: Decision) -> AppTest:
    """Open everything that opens."""
    for option in decision.options:
        for key in (card_key(option.id), f"answer_notes_{option.id}", f"answer_passages_{option.id}"):
            page.session_state[key] = True
    for key in (TRIALS_KEY, OPEN_KEY, IN_FULL, "answer_derived"):
        page.session_state[key] = True
    for verdict in ("not_recommended", "ineligible", "not_applicable"):
        page.session_state[verdict_key(verdict)] = True
    return shown(page)


def control(page: AppTest, key: str) -> Any:
    """Find a segmented control, which this version of AppTest has no list of."""
    return next(item for item in page.get("button_group") if item.key == key)


def in_question(decision: Decision) -> list[Option]:
    return [item for item in decision.options if item.would_be not in ("ineligible", "not_recommended")]


def cards(page: AppTest) -> list[str]:
    return [item.label for item in page.expander if item.label.startswith("**")]


def text_of(page: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "warning", "error", "header", "subheader")
    return "\n".join(item.value for kind in kinds for item in getattr(page, kind))


def tables(page: AppTest) -> str:
    return "\n".join("\n".join(map(str, table.value.to_numpy().ravel())) for table in page.table)


def shows(page: AppTest, decision: Decision) -> None:
    """Check that the page, with everything open, shows a decision: setting, order, verdicts, reasons and sources."""
    text, cells = text_of(page), tables(page)
    assert [item.value for item in page.title] == ["Answer"]
    assert page.header[0].value == plain(headline(decision, KNOWLEDGE))
    for option in decision.options:
        if option.verdict in USABLE:
            assert f"- **{option.rank}. {plain(option.name)}** " in text
    for notice in decision.notices:
        if notice.option is None:
            assert any(plain(notice.text) in item.value for item in page.info)
    listed = in_question(decision)
    trial_only = [item for item in listed if within_trials(item)]
    _shows_cards(page, [item for item in listed if item not in trial_only])
    assert any(f"Only within trials ({len(trial_only)})" in item.label for item in page.expander) == bool(trial_only)
    _shows_trial_only(cells, trial_only)
    for option in decision.options:
        assert option in listed or plain(option.name) in cells
    for missing in decision.missing:
        assert plain(missing.question) in text
        for name in missing.would_decide:
            assert plain(KNOWLEDGE.options[name].body.name) in cells
    _shows_excluded(page, decision)
    for derived in decision.derived:
        assert derived.rule in cells


def _shows_trial_only(cells: str, trial_only: list[Option]) -> None:
    for option in trial_only:
        assert plain(option.name) in cells
        assert plain(option.criteria[0].text) in cells
        for caution in option.cautions:
            assert plain(caution.text) in cells
        for trial in option.evidence:
            assert trial.nct is None or f"https://clinicaltrials.gov/study/{trial.nct}" in cells
        for conflict in option.conflicts:
            assert plain(conflict.about.rstrip(".")) in cells


def _shows_excluded(page: AppTest, decision: Decision) -> None:
    cells = tables(page)
    for excluded in decision.excluded:
        assert plain(excluded.name) in cells
        if excluded.verdict == "not_applicable":
            assert plain(excluded.reason) in cells
        for criterion in excluded.criteria:
            assert plain(criterion.text) in cells
        if excluded.verdict != "not_applicable":
            for trial in excluded.evidence:
                assert plain(trial.summary) in cells
            for conflict in excluded.conflicts:
                assert plain(conflict.about.rstrip(".")) in cells
    for verdict, members in grouped(decision.excluded):
        count = f"{len(members)} option"
        assert any(f": {verdict.replace('_', ' ')}] {count}" in item.label for item in page.expander)


def _shows_cards(page: AppTest, listed: list[Option]) -> None:
    text, cells = text_of(page), tables(page)
    assert len(cards(page)) == len(listed)
    for label, option in zip(cards(page), listed, strict=True):
        assert label.startswith(f"**{option.rank}. {plain(option.name)}**")
        assert badge(option.verdict) in label
        assert option.would_be is None or f"would be {badge(option.would_be)}" in label
        assert (f"{len(option.cautions)} caution" in label) == bool(option.cautions)
        assert plain(option.regimen) in text
        assert plain(option.ranked_here_because) in text
        for criterion in option.criteria:
            assert plain(criterion.text[:1].upper() + criterion.text[1:]) in cells
        for caution in option.cautions:
            assert any(plain(caution.text) in item.value for item in page.warning)
        assert all(plain(finding.text) in text for finding in option.preferences)
        assert all(plain(note.text) in text for note in option.notes)
        for trial in option.evidence:
            assert plain(trial.summary) in text
            assert trial.doi is None or f"https://doi.org/{trial.doi[:8]}" in text
            assert trial.nct is None or f"https://clinicaltrials.gov/study/{trial.nct}" in text
        for conflict in option.conflicts:
            assert plain(conflict.about.rstrip(".")) in text
            assert plain(conflict.used) in text
            assert plain(conflict.why) in text
            assert all(plain(value.value) in text for value in conflict.values)
        cited = {claim for criterion in option.criteria for claim in criterion.claims}
        cited |= {claim for caution in option.cautions for claim in caution.claims}
        cited |= {claim for finding in option.preferences for claim in finding.claims}
        cited |= {claim for note in option.notes for claim in note.claims}
        for name in cited:
            assert plain(KNOWLEDGE.claims[name].statement) in cells


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_answer_to_an_example_is_shown_whole(open_form: Open, decision_for: Decide, name: str) -> None:
    record = read(ROOT / "examples" / f"{name}.yaml").data
    decision = decision_for(**record)
    shows(opened(answer(open_form, record), decision), decision)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=st.one_of(records(LINES), records(LINES, tumour="liver_metastasis")))
def test_whatever_the_record_the_page_shows_the_library_s_decision(
    open_form: Open, decision_for: Decide, record: dict[str, Any]
) -> None:
    clean = parse_patient(record, KNOWLEDGE.option_ids).to_record()
    decision = decision_for(**clean)
    shows(opened(answer(open_form, clean), decision), decision)


@pytest.mark.parametrize(
    "record",
    [{}, {"tumour": "liver_metastasis"}, {"tumour": "liver_metastasis", "primary_site": "uveal_melanoma"}],
)
def test_little_or_nothing_known_still_gives_an_answer_with_its_questions(
    open_form: Open, decision_for: Decide, record: dict[str, Any]
) -> None:
    decision = decision_for(**record)
    page = answer(open_form, record)
    assert f"Missing facts ({len(decision.missing)})" in [item.value for item in page.header]
    shows(opened(page, decision), decision)


def test_the_first_card_is_open_and_the_others_hold_nothing_until_they_are_opened(
    open_form: Open, decision_for: Decide
) -> None:
    decision = decision_for(**AFTER_SORAFENIB)
    page = answer(open_form, AFTER_SORAFENIB)
    first, second = decision.options[:2]
    assert plain(first.regimen) in text_of(page)
    assert plain(second.regimen) not in text_of(page)
    page.session_state[card_key(second.id)] = True
    assert plain(second.regimen) in text_of(shown(page))


def test_a_card_stays_open_when_an_edit_changes_its_rank_and_verdict(open_form: Open, decision_for: Decide) -> None:
    record = {**UNTREATED, "bleeding_within_6_months": False, "endoscopy_within_6_months": True, "region": "eu"}
    before, after = (decision_for(**record, varices=varices) for varices in ("none", "untreated"))
    page = answer(open_form, {**record, "varices": "none"})
    kept = after.options[0].id
    place = next(item for item in before.options if item.id == kept)
    assert place.rank > after.options[0].rank
    page.session_state[card_key(before.options[2].id)] = True
    page.session_state[card_key(kept)] = True
    shown(page)
    page.session_state[state.key_of("varices")] = "untreated"
    shown(page)
    still = {item.id: item for item in after.options}
    assert plain(after.options[0].regimen) in text_of(page)
    assert plain(still[before.options[2].id].regimen) in text_of(page)


def test_what_leads_after_an_edit_is_open(open_form: Open, decision_for: Decide) -> None:
    record = {**UNTREATED, "bleeding_within_6_months": False, "endoscopy_within_6_months": True}
    page = answer(open_form, {**record, "varices": "none"})
    page.session_state[state.key_of("varices")] = "untreated"
    shown(page)
    assert plain(decision_for(**record, varices="untreated").options[0].regimen) in text_of(page)


def test_what_stays_open_is_open_again_after_another_page(open_form: Open, decision_for: Decide) -> None:
    second = decision_for(**AFTER_SORAFENIB).options[1]
    page = answer(open_form, AFTER_SORAFENIB)
    page.session_state[card_key(second.id)] = True
    shown(page)
    shown(page.switch_page("app_pages/rules.py"))
    assert plain(second.regimen) in text_of(shown(page.switch_page(PAGE)))


def test_cautions_are_counted_on_the_closed_card_and_stand_first_in_the_open_one(
    open_form: Open, decision_for: Decide
) -> None:
    record = {**UNTREATED, "child_pugh_class": "B"}
    options = [item for item in in_question(decision_for(**record)) if not within_trials(item)]
    assert options[0].cautions
    page = answer(open_form, record)
    for label, option in zip(cards(page), options, strict=True):
        assert (f"{len(option.cautions)} caution" in label) == bool(option.cautions)
    card = next(item for item in page.expander if item.label.startswith("**1. "))
    kinds = [item.type for item in card]
    assert "warning" in kinds
    assert kinds.index("warning") < kinds.index("markdown")


def test_what_could_come_first_once_more_is_known_stands_in_the_headline(open_form: Open) -> None:
    page = answer(open_form, read(ROOT / "examples" / "half-known.yaml").data)
    assert "Could come before it" in text_of(page)
    assert "Could come before it" not in text_of(answer(open_form, AFTER_SORAFENIB))


def test_hazard_ratios_of_an_option_stand_in_a_forest_plot(open_form: Open, decision_for: Decide) -> None:
    first = decision_for(**AFTER_SORAFENIB).options[0]
    assert forest_rows(KNOWLEDGE, [item.trial for item in first.evidence])
    page = answer(open_form, AFTER_SORAFENIB)
    assert page.get("vega_lite_chart") or page.get("arrow_vega_lite_chart")


@pytest.mark.parametrize("trial", sorted(KNOWLEDGE.trials))
def test_what_is_not_verified_is_said_in_words(trial: str) -> None:
    option = next(
        (
            item
            for treatment in KNOWLEDGE.options.values()
            for item in evidence(KNOWLEDGE, treatment, None)
            if item.trial == trial
        ),
        None,
    )
    if option is None:
        return
    words = unverified_text(option, KNOWLEDGE)
    rest = set(option.unverified) - {"citation", "citation.doi", "nct"}
    assert bool(words) == bool(rest)
    assert "_" not in words
    assert "endpoints." not in words
    for name in rest:
        if name.startswith("endpoints."):
            end = next(item for item in KNOWLEDGE.trials[trial].endpoints if item.id == name.split(".")[1])
            assert end.measure.split("_")[0] in words


def test_the_filter_of_trial_only_options_takes_names_drugs_and_trials(open_form: Open, decision_for: Decide) -> None:
    listed = [item for item in in_question(decision_for(**UNTREATED)) if within_trials(item)]
    page = answer(open_form, UNTREATED)
    page.session_state[TRIALS_KEY] = True
    shown(page)
    wanted = next(item for item in listed if any(trial.nct for trial in item.evidence))
    number = next(trial.nct for trial in wanted.evidence if trial.nct)
    for typed in (number, KNOWLEDGE.options[wanted.id].body.drugs[0], wanted.name.upper()):
        page.text_input(key="answer_trials_filter").set_value(typed)
        cells = tables(shown(page))
        hits = [item for item in listed if found(item, typed, KNOWLEDGE)]
        assert wanted in hits
        assert len(hits) < len(listed)
        assert all(plain(item.name) in cells for item in hits)
        assert f"{len(hits)} of {len(listed)} shown" in text_of(page)


def test_every_excluded_option_is_found_by_its_name(decision_for: Decide) -> None:
    for record in ({}, UNTREATED, AFTER_SORAFENIB):
        for item in decision_for(**record).excluded:
            assert found(item, item.name, KNOWLEDGE)
            assert all(found(item, alias, KNOWLEDGE) for alias in item.aliases)
            assert all(found(item, drug, KNOWLEDGE) for drug in KNOWLEDGE.options[item.id].body.drugs)
            assert all(found(item, trial.name, KNOWLEDGE) for trial in item.evidence)
            assert found(item, item.reason, KNOWLEDGE)
            assert not found(item, "no such thing", KNOWLEDGE)


def test_the_search_shows_its_hits_at_once_and_what_is_listed_instead(open_form: Open, decision_for: Decide) -> None:
    decision = decision_for(**AFTER_SORAFENIB)
    page = answer(open_form, AFTER_SORAFENIB)
    excluded = next(item for item in decision.excluded if item.verdict == "not_applicable")
    assert plain(excluded.name) not in tables(page)
    page.text_input(key=SOUGHT).set_value(excluded.name)
    assert plain(excluded.name) in tables(shown(page))
    assert plain(excluded.reason) in tables(page)
    listed = decision.options[0]
    page.text_input(key=SOUGHT).set_value(listed.name)
    assert f"{plain(listed.name)} (rank {listed.rank})" in text_of(shown(page))
    page.text_input(key=SOUGHT).set_value("no such thing")
    assert f"0 of {len(decision.excluded)} excluded options found" in text_of(shown(page))


def test_excluded_options_are_grouped_by_what_excludes_them_each_once(decision_for: Decide) -> None:
    decision = decision_for(**{**AFTER_SORAFENIB, "child_pugh_class": "C", "ecog": 1, "bclc_stage": "C"})
    for _, members in grouped(decision.excluded):
        found_groups = groups(members, KNOWLEDGE)
        assert sorted(item.id for group in found_groups for item in group.members) == [item.id for item in members]
        sizes = [len(group.members) for group in found_groups]
        assert sizes == sorted(sizes, reverse=True)
        assert len({group.label for group in found_groups}) == len(found_groups)
    ineligible = [item for item in decision_for(**{**UNTREATED, "child_pugh_class": "B"}).excluded if item.criteria]
    assert "Child–Pugh class: B" in {group.label for group in groups(ineligible, KNOWLEDGE)}


def test_the_reasons_are_counted_while_the_excluded_options_are_closed(open_form: Open) -> None:
    page = answer(open_form, {**UNTREATED, "child_pugh_class": "B"})
    captions = [item.value for item in page.caption if item.value.startswith("By reason")]
    assert captions
    assert any(f"{plain('Child–Pugh class: B')} (" in value for value in captions)


def test_the_two_that_lead_are_compared_until_others_are_chosen(open_form: Open, decision_for: Decide) -> None:
    decision = decision_for(**AFTER_SORAFENIB)
    first, second = decision.options[:2]
    page = answer(open_form, AFTER_SORAFENIB)
    assert f"{plain(first.name)} stands above {plain(second.name)}" in text_of(page)
    table = next(item.value for item in page.table if plain(KEYS["effect_size"]) in item.value.to_string())
    assert len(table) == len(KEYS)
    assert sum("decides" in value for value in table["Counts"]) == 1
    excluded = decision.excluded[0]
    page.selectbox(key=SECOND).select(excluded.id)
    shown(page)
    assert f"{plain(first.name)} stands above {plain(excluded.name)}" in text_of(page)
    page.selectbox(key=FIRST).select(excluded.id)
    assert "Choose two different options" in text_of(shown(page))


def test_the_comparison_follows_the_answer_while_nobody_has_chosen(open_form: Open, decision_for: Decide) -> None:
    page = answer(open_form, AFTER_SORAFENIB)
    page.session_state[state.key_of("afp_ng_ml")] = 120.0
    shown(page)
    first, second = decision_for(**{**AFTER_SORAFENIB, "afp_ng_ml": 120}).options[:2]
    assert page.selectbox(key=FIRST).value == first.id
    assert page.selectbox(key=SECOND).value == second.id


def test_a_comparison_is_asked_for_once(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    compare = IsolatedEngine.compare

    def counted(engine: IsolatedEngine, record: dict[str, Any], first: str, second: str) -> Comparison:
        asked.append(record)
        return compare(engine, record, first, second)

    monkeypatch.setattr(IsolatedEngine, "compare", counted)
    page = answer(open_form, AFTER_SORAFENIB)
    shown(page)
    assert len(asked) == 1


def test_a_lost_comparison_is_said_and_the_rest_of_the_page_stands(
    open_form: Open, decision_for: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*given: object) -> object:
        raise WorkerError("the decision process has stopped")

    with monkeypatch.context() as patch:
        patch.setattr(IsolatedEngine, "compare", lost)
        page = answer(open_form, AFTER_SORAFENIB)
        assert any("comparison was lost" in item.value for item in page.error)
        assert cards(page)
    page.button(key="answer_why_again").click()
    assert "stands above" in text_of(shown(page))


def test_a_missing_fact_is_answered_in_place_and_can_be_mended_until_the_page_is_left(
    open_form: Open, decision_for: Decide
) -> None:
    record = {**UNTREATED, "bleeding_within_6_months": False, "endoscopy_within_6_months": True}
    asked = {item.fact for item in decision_for(**record).missing}
    assert "varices" in asked
    page = answer(open_form, record)
    key = state.key_of("varices")
    page.selectbox(key=key).select("none")
    shown(page)
    assert plain(headline(decision_for(**record, varices="none"), KNOWLEDGE)) in text_of(page)
    assert "answered: " in text_of(page)
    page.selectbox(key=key).select("untreated")
    shown(page)
    assert plain(headline(decision_for(**record, varices="untreated"), KNOWLEDGE)) in text_of(page)
    page.selectbox(key=key).select(state.NOT_KNOWN)
    assert "answered: " not in text_of(shown(page))
    page.selectbox(key=key).select("none")
    shown(page)
    shown(page.switch_page("app_pages/rules.py"))
    shown(page.switch_page(PAGE))
    assert "answered: " not in text_of(page)
    assert key not in {item.key for item in page.selectbox}
    assert plain(headline(decision_for(**record, varices="none"), KNOWLEDGE)) in text_of(page)


def test_a_field_that_is_opened_here_holds_what_the_patient_page_held(open_form: Open) -> None:
    page = answer(open_form, {**UNTREATED, "bleeding_within_6_months": False})
    assert control(page, state.key_of("endoscopy_within_6_months")).value == state.NOT_KNOWN


def test_a_refused_answer_is_said_beside_its_field_and_can_be_mended_there(open_form: Open) -> None:
    record = {key: value for key, value in AFTER_SORAFENIB.items() if key != "afp_ng_ml"}
    page = answer(open_form, record)
    page.number_input(key=state.key_of("afp_ng_ml")).set_value(-5.0)
    shown(page)
    assert "1 entry is refused" in text_of(page)
    assert not cards(page)
    beside = [column for column in page.columns if column.error]
    assert {item.key for column in beside for item in column.number_input} == {"fact_afp_ng_ml"}
    assert "answered: " not in text_of(page)
    page.number_input(key=state.key_of("afp_ng_ml")).set_value(812.0)
    shown(page)
    assert cards(page)
    assert not page.error


def test_a_refused_record_gives_no_answer_and_says_where_it_is_refused(open_form: Open) -> None:
    page = open_form()
    put(page, AFTER_SORAFENIB)
    page.session_state[state.key_of("afp_ng_ml")] = -5.0
    page.session_state[state.key_of("tumour_count")] = 2.5
    shown(page.switch_page(PAGE))
    text = text_of(page)
    assert "2 entries are refused" in text
    for name in ("afp_ng_ml", "tumour_count"):
        assert f"- {plain(KNOWLEDGE.vocabulary.facts[name].label)}: " in text
    assert not cards(page)
    assert not page.table
    assert any("Patient page" in item.proto.label for item in page.get("page_link"))


def test_a_refused_prior_line_is_named_by_its_number(open_form: Open) -> None:
    page = open_form()
    put(page, AFTER_SORAFENIB)
    page.session_state[state.line_key(1, "outcome")] = state.CHOOSE
    shown(page.switch_page(PAGE))
    assert "Line 1 of prior systemic therapy, Outcome: choose how the line ended" in text_of(page)
    assert not cards(page)


def test_no_prior_therapy_is_said_with_one_click_and_taken_back_with_another(
    open_form: Open, decision_for: Decide
) -> None:
    record = {key: value for key, value in UNTREATED.items() if key != "prior_systemic"}
    assert "prior_systemic" in {item.fact for item in decision_for(**record).missing}
    page = answer(open_form, record)
    page.button(key="answer_no_prior").click()
    shown(page)
    assert plain(headline(decision_for(**UNTREATED), KNOWLEDGE)) in text_of(page)
    page.button(key="answer_prior_back").click()
    shown(page)
    assert plain(headline(decision_for(**record), KNOWLEDGE)) in text_of(page)


def test_a_detail_of_a_prior_line_is_answered_in_place(open_form: Open, decision_for: Decide) -> None:
    decision = decision_for(**AFTER_SORAFENIB)
    details = [item.fact for item in decision.missing if item.fact.startswith("prior_systemic[")]
    assert details
    page = answer(open_form, AFTER_SORAFENIB)
    line = dict(AFTER_SORAFENIB["prior_systemic"][0])
    for fact in details:
        field = fact.rpartition(".")[2]
        key = state.line_key(1, field)
        if field == "radiological_progression":
            control(page, key).set_value("yes")
            line[field] = True
        else:
            line[field] = 800 if field == "last_daily_dose_mg" else 28
            page.number_input(key=key).set_value(float(line[field]))
        shown(page)
    after = decision_for(**{**AFTER_SORAFENIB, "prior_systemic": [line]})
    assert page.header[0].value == plain(headline(after, KNOWLEDGE))
    assert f"Missing facts ({len(after.missing)})" in [item.value for item in page.header]


def test_a_lost_request_is_said_and_trying_again_works(open_form: Open) -> None:
    page = answer(open_form, AFTER_SORAFENIB)
    assert cards(page)
    worker = resources.engine().processes()[-1]  # the one that was given back last is taken next
    # Stopped first, so that it dies with the request in hand and not before.
    os.kill(worker, signal.SIGSTOP)
    timer = threading.Timer(0.5, os.kill, (worker, signal.SIGKILL))
    timer.start()
    page.session_state[state.key_of("afp_ng_ml")] = 813.0
    shown(page)
    timer.join()
    assert plain(LOST) in [item.value for item in page.error]
    assert not cards(page), "an earlier answer must not pass for this one"
    page.button(key="answer_retry").click()
    shown(page)
    assert cards(page)
    assert not page.error


def test_the_whole_decision_can_be_downloaded_and_the_steps_are_a_link_away(open_form: Open) -> None:
    page = answer(open_form, AFTER_SORAFENIB)
    assert [item.proto.label for item in page.get("download_button")] == ["Download this decision (JSON)"]
    assert any("step by step" in item.proto.label for item in page.get("page_link"))
