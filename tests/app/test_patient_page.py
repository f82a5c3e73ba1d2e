"""The patient page: fill in and see the answer at a glance; what is refused or lost says so."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from form import pages, resources, state
from form.session import LOST
from form.wording import plain
from hcc_decide.decision import Decision
from hcc_decide.documents import read
from hcc_decide.headline import headline
from hcc_decide.knowledge.labels import choice_label
from hcc_decide.patient import parse_patient
from hcc_decide.worker import IsolatedEngine
from tests.conftest import ROOT, shipped_knowledge
from tests.properties.strategies import records

Open = Callable[[], AppTest]
Enter = Callable[[AppTest, dict[str, Any]], AppTest]
Decide = Callable[..., Decision]

KNOWLEDGE = shipped_knowledge()
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
BILIRUBIN, ITS_UNIT = "fact_bilirubin_umol_l", "patient_unit_bilirubin_umol_l"


def glance(page: AppTest) -> str:
    """Return what stands at a glance; it is the last column of the page."""
    column = page.columns[-1]
    assert [item.value for item in column.header] == ["At a glance"]
    return "\n".join(item.value for item in [*column.markdown, *column.error])


def field(page: AppTest, label: str) -> Any:
    """Return the field of a number by its label, as people find it."""
    (found,) = [item for item in page.number_input if item.label == label]
    return found


def record_in(page: AppTest) -> dict[str, Any]:
    return state.record_of(page.session_state.to_dict(), KNOWLEDGE)


def beside(page: AppTest, key: str) -> list[str]:
    """Return what is said in the column in which a field stands."""
    for column in page.columns:
        widgets = [
            *column.number_input,
            *column.selectbox,
            *column.segmented_control,
            *column.text_input,
            *column.multiselect,
        ]
        if len(column.columns) == 0 and key in {item.key for item in widgets}:
            return [item.value for item in [*column.error, *column.warning]]
    raise AssertionError(f"no column holds {key}")


def shows(page: AppTest, decision: Decision) -> None:
    """Check that the page gives a decision in short, and nothing but it."""
    assert not page.exception
    text = glance(page)
    assert plain(headline(decision, KNOWLEDGE)) in text
    open_ones = [item for item in decision.options if item.would_be not in ("ineligible", "not_recommended")]
    within_trials = [item for item in open_ones if "investigational" in (item.verdict, item.would_be)]
    offered = [item for item in open_ones if item not in within_trials]
    if decision.setting == "undetermined":
        offered, within_trials = [item for item in offered if item.would_be is None], []
    listed = [line for line in text.splitlines() if line.startswith("- **")]
    assert len(listed) == min(len(offered), 9)
    for line, option in zip(listed, offered, strict=False):
        assert line.startswith(f"- **{option.rank}.** {plain(option.name)} ")
        assert f": {option.verdict.replace('_', ' ')}]" in line
        assert (option.would_be is None) == ("would be" not in line)
        assert ("caution" in line) == bool(option.cautions)
    assert (f"and {len(offered) - 9} more" in text) == (len(offered) > 9)
    assert (f"{len(within_trials)} only within trials" in text) == bool(within_trials)
    count = len(decision.missing)
    assert ("missing:" in text) == bool(count)
    if count:
        assert ("1 fact is missing" if count == 1 else f"{count} facts are missing") in text
        assert plain(decision.missing[0].label) in text
    for derived in decision.derived:
        if not isinstance(derived.value, bool):
            assert plain(KNOWLEDGE.vocabulary.facts[derived.fact].label) in text


def test_the_page_has_a_field_for_every_fact_of_the_record_and_no_button_to_decide(open_form: Open) -> None:
    page = open_form()
    page.selectbox(key="fact_tumour").select("liver_metastasis").run()
    widgets = [*page.number_input, *page.selectbox, *page.segmented_control, *page.multiselect, *page.text_input]
    asked = {state.key_of(name) for name in state.asked(KNOWLEDGE)} | {state.PRIOR, state.CASE}
    assert asked <= {item.key for item in widgets}
    assert all(item.label for item in widgets)
    assert "decide" not in {item.key for item in page.button}
    assert [item.value for item in page.title] == ["Patient"]
    assert [item.value for item in page.header][:-1] == [
        *("Tumour", "Liver", "Patient"),
        *("Prior treatment", "Safety", "Context"),
    ]


def test_every_clinical_fact_can_be_not_known(open_form: Open) -> None:
    page = open_form()
    for item in [*page.selectbox, *page.segmented_control]:
        if str(item.key).startswith("fact_") and state.default_of(str(item.key).removeprefix("fact_")) is None:
            assert item.options[0] == state.NOT_KNOWN
            assert item.value == state.NOT_KNOWN
    assert all(item.value is None for item in page.number_input)


def test_yes_or_no_and_few_short_choices_take_one_click(open_form: Open) -> None:
    page = open_form()
    one_click = {str(item.key).removeprefix("fact_") for item in page.segmented_control}
    assert {"bclc_stage", "child_pugh_class", "ecog", "extrahepatic_spread", "autoimmune_disease"} <= one_click
    assert {name for name, fact in state.asked(KNOWLEDGE).items() if fact.kind == "boolean"} - one_click == {
        "liver_metastasis_resectable"
    }, "it is asked of liver metastases only"


def test_fields_follow_the_vocabulary(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = dict(KNOWLEDGE.vocabulary.facts)
    facts["nlr"] = facts["nlr"].model_copy(
        update={"label": "A *new* ratio", "unit": "x", "seldom_asked": False, "group": "safety"}
    )
    vocabulary = KNOWLEDGE.vocabulary.model_copy(update={"facts": facts})
    changed = dataclasses.replace(KNOWLEDGE, vocabulary=vocabulary)
    monkeypatch.setattr(resources, "knowledge", lambda: changed)
    page = open_form()
    assert not page.exception
    assert page.number_input(key="fact_nlr").label == plain("A *new* ratio (x)")
    assert "More patient facts (0 known)" not in {item.label for item in page.expander}


def test_the_answer_changes_with_every_entry(open_form: Open, enter: Enter, decision_for: Decide) -> None:
    page = open_form()
    shows(page, decision_for())
    enter(page, AFTER_SORAFENIB)
    shows(page, decision_for(**AFTER_SORAFENIB))
    assert "Second line of systemic therapy, Child–Pugh A" in glance(page)
    assert "Ramucirumab" in glance(page)
    page.number_input(key="fact_afp_ng_ml").set_value(120.0).run()
    shows(page, decision_for(**AFTER_SORAFENIB | {"afp_ng_ml": 120}))
    assert "Ramucirumab" not in glance(page)
    page.button(key="clear").click().run()
    shows(page, decision_for())


def test_scores_and_stage_appear_as_one_types(open_form: Open) -> None:
    page = open_form()
    page.number_input(key=BILIRUBIN).set_value(20.0)
    page.number_input(key="fact_albumin_g_l").set_value(40.0).run()
    assert "ALBI score: −2.54" in glance(page)
    assert "ALBI grade: 2" in glance(page)
    page.number_input(key="fact_inr").set_value(1.1)
    page.selectbox(key="fact_ascites").select("none")
    page.selectbox(key="fact_encephalopathy").select("none").run()
    assert "Child–Pugh points: 5" in glance(page)
    assert "Child–Pugh class: A" in glance(page)


def test_unknown_varices_and_treated_ones_read_differently(open_form: Open, enter: Enter, decision_for: Decide) -> None:
    known = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 0, "prior_systemic": [], "autoimmune_disease": False}
    page = open_form()
    for more in ({}, {"varices": "none", "endoscopy_within_6_months": True}, {"varices": "untreated"}):
        shows(enter(page, known | more), decision_for(**known, **more))


def test_a_liver_metastasis_is_asked_for_its_primary(open_form: Open, enter: Enter, decision_for: Decide) -> None:
    page = open_form()
    assert "fact_primary_site" not in {item.key for item in page.selectbox}
    record = {"tumour": "liver_metastasis", "primary_site": "uveal_melanoma"}
    shows(enter(page, record), decision_for(**record))
    page.selectbox(key="fact_tumour").select("hcc").run()
    assert "fact_primary_site" not in {item.key for item in page.selectbox}
    assert not page.error


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fills_the_form_in_one_click(open_form: Open, decision_for: Decide, name: str) -> None:
    page = open_form()
    page.selectbox(key="example").select(name.replace("-", " ")).run()
    record = read(ROOT / "examples" / f"{name}.yaml").data
    assert parse_patient(record_in(page)) == parse_patient(record, KNOWLEDGE.option_ids)
    shows(page, decision_for(**record))
    assert page.selectbox(key="example").value is None, "it can be chosen again after changes"


def test_without_the_examples_the_form_does_not_offer_any(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "examples", dict)
    page = open_form()
    assert not page.exception
    assert "example" not in {item.key for item in page.selectbox}


def test_what_is_refused_is_said_beside_its_field_and_nothing_is_decided(open_form: Open, enter: Enter) -> None:
    page = enter(open_form(), AFTER_SORAFENIB)
    page.number_input(key="fact_afp_ng_ml").set_value(-5.0)
    page.number_input(key="fact_tumour_count").set_value(2.5).run()
    assert beside(page, "fact_afp_ng_ml") == ["-5 is refused; allowed is 0 or more"]
    assert beside(page, "fact_tumour_count") == ["2.5 is refused; a whole number is expected"]
    assert glance(page).splitlines() == [
        "No answer: 2 entries are refused (Number of tumours, Alpha-fetoprotein (AFP)). The reason stands beside each."
    ]
    assert record_in(page)["bclc_stage"] == "C", "the rest is kept"
    page.number_input(key="fact_tumour_count").set_value(2.0).run()
    assert "No answer: 1 entry is refused (" in glance(page)
    page.number_input(key="fact_afp_ng_ml").set_value(5.0).run()
    assert not page.error
    assert "lead" in glance(page)


def test_a_contradiction_is_said_and_goes_when_it_is_mended(open_form: Open) -> None:
    page = open_form()
    page.segmented_control(key="fact_refractory_to_tace").set_value("yes")
    page.segmented_control(key="fact_amenable_to_tace").set_value("yes").run()
    assert "contradicts" in beside(page, "fact_refractory_to_tace")[0]
    page.segmented_control(key="fact_amenable_to_tace").set_value("no").run()
    assert not page.error


def test_an_unusual_value_is_asked_about_beside_its_field(open_form: Open) -> None:
    page = open_form()
    page.number_input(key="fact_weight_kg").set_value(700.0).run()
    assert beside(page, "fact_weight_kg") == ["Body weight of 700 kg is unusual; check the value and its unit."]
    page.number_input(key="fact_weight_kg").set_value(70.0).run()
    assert beside(page, "fact_weight_kg") == []


def test_a_given_value_that_differs_from_the_derived_one_is_asked_about_beside_its_field(open_form: Open) -> None:
    page = open_form()
    page.segmented_control(key="fact_child_pugh_class").set_value("A")
    page.selectbox(key="fact_child_pugh_score").select("9").run()
    (said,) = beside(page, "fact_child_pugh_class")
    assert "Given: A; derived: B" in said


# Units


def test_the_unit_converts_the_number_that_stands_there_and_not_the_record(open_form: Open) -> None:
    page = open_form()
    page.number_input(key=BILIRUBIN).set_value(34.2).run()
    before = record_in(page)
    assert page.segmented_control(key=ITS_UNIT).label == "Unit of Total bilirubin"
    page.segmented_control(key=ITS_UNIT).set_value("mg/dL").run()
    assert field(page, "Total bilirubin").value == pytest.approx(2)
    assert record_in(page) == before
    for unit in ("µmol/L", "mg/dL", "µmol/L"):
        page.segmented_control(key=ITS_UNIT).set_value(unit).run()
        assert record_in(page) == before
    assert field(page, "Total bilirubin").value == 34.2


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(number=st.floats(0.1, 900), turns=st.lists(st.booleans(), min_size=1, max_size=6))
def test_however_often_the_unit_is_changed_the_record_stays(open_form: Open, number: float, turns: list[bool]) -> None:
    page = open_form()
    page.number_input(key=BILIRUBIN).set_value(number).run()
    before = record_in(page)
    for turn in turns:
        page.segmented_control(key=ITS_UNIT).set_value("mg/dL" if turn else "µmol/L").run()
        assert record_in(page) == before
    assert not page.exception


def test_a_number_never_is_read_in_a_unit_other_than_the_one_it_was_typed_in(open_form: Open) -> None:
    """A browser that is one step behind still sends the number of the unit that was shown before."""
    page = open_form()
    page.segmented_control(key=ITS_UNIT).set_value("mg/dL").run()
    behind = field(page, "Total bilirubin")
    field(page, "Total bilirubin").set_value(2.0).run()
    page.segmented_control(key=ITS_UNIT).set_value("µmol/L")
    behind.set_value(2.0)
    page.run()
    page.segmented_control(key=ITS_UNIT).set_value("mg/dL").run()
    assert record_in(page)["bilirubin_umol_l"] == 34.2


def test_a_number_typed_in_the_chosen_unit_is_decided_for(open_form: Open, enter: Enter, decision_for: Decide) -> None:
    page = open_form()
    page.segmented_control(key=ITS_UNIT).set_value("mg/dL")
    page.segmented_control(key="patient_unit_albumin_g_l").set_value("g/dL").run()
    field(page, "Total bilirubin").set_value(3.0)
    field(page, "Albumin").set_value(2.8).run()
    record = {"bilirubin_umol_l": 51.3, "albumin_g_l": 28}
    assert record_in(page) == {"tumour": "hcc", "intent": "treatment", **record}
    shows(page, decision_for(**record))
    shows(enter(page, AFTER_SORAFENIB | record), decision_for(**AFTER_SORAFENIB | record))


def test_the_chosen_unit_stays_for_other_pages_and_for_the_next_patient(open_form: Open) -> None:
    page = open_form()
    page.segmented_control(key=ITS_UNIT).set_value("mg/dL").run()
    field(page, "Total bilirubin").set_value(2.0).run()
    page.switch_page(pages.RULES.path).run().run()
    assert record_in(page)["bilirubin_umol_l"] == 34.2
    page.switch_page(pages.PATIENT.path).run()
    assert page.segmented_control(key=ITS_UNIT).value == "mg/dL"
    assert field(page, "Total bilirubin").value == 2.0
    page.selectbox(key="example").select("advanced untreated").run()
    assert page.segmented_control(key=ITS_UNIT).value == "mg/dL"
    assert field(page, "Total bilirubin").value == pytest.approx(14 / 17.1)
    assert record_in(page)["bilirubin_umol_l"] == 14
    page.button(key="clear").click().run()
    assert page.segmented_control(key=ITS_UNIT).value == "mg/dL"
    assert field(page, "Total bilirubin").value is None


def test_a_refusal_is_told_in_the_unit_that_was_typed(open_form: Open) -> None:
    page = open_form()
    page.segmented_control(key=ITS_UNIT).set_value("mg/dL").run()
    field(page, "Total bilirubin").set_value(-2.0).run()
    said = beside(page, str(field(page, "Total bilirubin").key))
    assert said == ["-2 mg/dL (-34.2 µmol/L) is refused; allowed is a number above 0"]


# What is seldom asked


def opened(page: AppTest) -> dict[str, bool]:
    found = {key: value for key, value in page.session_state.to_dict().items() if key.startswith("patient_open_more_")}
    return {key.removeprefix("patient_open_more_"): value for key, value in found.items()}


def test_what_is_seldom_asked_is_folded_away_until_an_example_knows_it(open_form: Open) -> None:
    page = open_form()
    assert opened(page) == {"tumour": False, "liver": False, "patient": False}
    page.number_input(key="fact_nlr").set_value(3.0).run()
    assert not opened(page)["patient"], "nothing opens or closes while someone types"
    assert "More patient facts (1 known)" in {item.label for item in page.expander}
    page.selectbox(key="example").select("advanced untreated").run()
    assert opened(page) == {"tumour": False, "liver": False, "patient": True}
    page.number_input(key="fact_nlr").set_value(None).run()
    assert opened(page)["patient"], "nothing opens or closes while someone types"
    page.selectbox(key="example").select("adjuvant high risk").run()
    assert opened(page) == {"tumour": True, "liver": False, "patient": False}
    page.button(key="clear").click().run()
    assert not any(opened(page).values())


def test_what_is_seldom_asked_opens_when_something_in_it_is_refused(open_form: Open) -> None:
    page = open_form()
    page.number_input(key="fact_nlr").set_value(-1.0).run()
    assert opened(page)["patient"]
    assert "More patient facts (1 known, 1 refused)" in {item.label for item in page.expander}
    assert beside(page, "fact_nlr") == ["-1 is refused; allowed is a number above 0"]


# Prior lines


def test_prior_lines_are_rows_that_can_be_added_named_and_taken_out(open_form: Open) -> None:
    page = open_form()
    page.segmented_control(key=state.PRIOR).set_value(state.LINES).run()
    assert "No answer: 2 entries are refused (Prior systemic therapy)." in glance(page), (
        "a line wants a treatment and an outcome"
    )
    page.selectbox(key="line_1_option").select("other")
    page.selectbox(key="line_1_outcome").select("intolerance").run()
    page.text_input(key="line_1_name").set_value("a *trial* drug")
    page.button(key="add_line").click().run()
    page.selectbox(key="line_2_option").select("sorafenib")
    page.selectbox(key="line_2_outcome").select("progression").run()
    page.button(key="add_line").click().run()
    page.selectbox(key="line_3_option").select("cabozantinib")
    page.selectbox(key="line_3_outcome").select("progression").run()
    assert not page.error
    page.button(key="remove_line_2").click().run()
    assert not page.error
    assert record_in(page)["prior_systemic"] == [
        {"option": "other", "name": "a *trial* drug", "outcome": "intolerance"},
        {"option": "cabozantinib", "outcome": "progression"},
    ]
    assert "remove_line_3" not in {item.key for item in page.button}
    page.button(key="remove_line_1").click().run()
    page.button(key="remove_line_1").click().run()
    assert "prior_systemic" not in record_in(page)
    assert page.segmented_control(key=state.PRIOR).value == state.NOT_KNOWN


def details_are_open(page: AppTest) -> bool:
    return bool(page.session_state["patient_open_details_1"])


def test_the_details_of_a_line_are_folded_away_unless_known(open_form: Open) -> None:
    page = open_form()
    page.selectbox(key="example").select("sorafenib intolerance").run()
    assert not page.session_state["patient_open_details_1"]
    page.selectbox(key="example").select("after sorafenib afp 812").run()
    assert page.session_state["patient_open_details_1"]
    assert "Details of line 1 (3 known)" in {item.label for item in page.expander}
    page.selectbox(key="example").select("sorafenib intolerance").run()
    page.number_input(key="line_1_tolerated_days_of_last_28").set_value(29.0).run()
    assert details_are_open(page)
    assert beside(page, "line_1_tolerated_days_of_last_28") == ["29 is refused; allowed is 28 or less"]


# Links


def test_a_link_to_an_example_fills_it_in_once(open_form: Open) -> None:
    page = open_form()
    page.query_params["example"] = "after-sorafenib-afp-812"
    page.run()
    assert record_in(page)["afp_ng_ml"] == 812
    assert "?example=after-sorafenib-afp-812" in page.code[0].value
    page.run()
    assert page.query_params.get("example") == "after-sorafenib-afp-812", "the address says what stands in the form"
    page.number_input(key="fact_afp_ng_ml").set_value(120.0).run()
    page.run()
    assert record_in(page)["afp_ng_ml"] == 120
    assert not page.query_params, "the example is no longer what stands in the form"
    assert "example" not in page.code[0].value
    page.query_params["example"] = "after-sorafenib-afp-812"
    page.run()
    assert record_in(page)["afp_ng_ml"] == 812


def test_a_browser_that_is_a_step_behind_does_not_fill_the_example_in_again(open_form: Open) -> None:
    page = open_form()
    for afp in (120.0, 130.0):
        page.query_params["example"] = "after-sorafenib-afp-812"
        page.run()
        page.number_input(key="fact_afp_ng_ml").set_value(afp)
        page.query_params["example"] = "after-sorafenib-afp-812"
        page.run()
        assert record_in(page)["afp_ng_ml"] == afp


def test_a_link_to_no_example_is_said_and_changes_nothing(open_form: Open, enter: Enter) -> None:
    page = enter(open_form(), AFTER_SORAFENIB)
    before = record_in(page)
    page.query_params["example"] = "*nobody*"
    page.run()
    assert [item.value for item in page.error] == [plain("There is no example '*nobody*'.")]
    assert record_in(page) == before
    assert not page.query_params
    assert not page.run().error


def test_nothing_of_a_patient_gets_into_the_address(open_form: Open, enter: Enter) -> None:
    page = open_form()
    for name in ("child-pugh-b", "colorectal-liver-metastases"):
        enter(page, read(ROOT / "examples" / f"{name}.yaml").data)
        assert not page.query_params
        assert "?" not in page.code[0].value
    page.selectbox(key="example").select("child pugh b").run()
    assert page.code[0].value.endswith("?example=child-pugh-b")
    assert not page.query_params


# A worker that is lost


def test_a_lost_request_is_said_to_be_lost_and_can_be_tried_again(open_form: Open, enter: Enter) -> None:
    page = enter(open_form(), AFTER_SORAFENIB)
    assert "lead" in glance(page)
    (worker, *_) = resources.engine().processes()
    # Stopped first, so that it dies with the request in hand and not before.
    os.kill(worker, signal.SIGSTOP)
    timer = threading.Timer(0.5, os.kill, (worker, signal.SIGKILL))
    timer.start()
    page.number_input(key="fact_afp_ng_ml").set_value(813.0).run()
    timer.join()
    assert glance(page).splitlines() == [LOST], "an earlier answer must not pass for this one"
    assert record_in(page)["afp_ng_ml"] == 813
    page.button(key="patient_again").click().run()
    assert "lead" in glance(page)
    assert not page.error


def test_a_worker_that_died_between_requests_costs_nothing(open_form: Open, enter: Enter) -> None:
    page = enter(open_form(), AFTER_SORAFENIB)
    for worker in resources.engine().processes():
        os.kill(worker, signal.SIGKILL)
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
    page.number_input(key="fact_afp_ng_ml").set_value(814.0).run()
    assert not page.error
    assert "lead" in glance(page)


def test_rules_that_changed_meanwhile_are_not_passed_off_as_the_ones_shown(
    open_form: Open, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = enter(open_form(), AFTER_SORAFENIB)
    decision = resources.engine().decide(AFTER_SORAFENIB)
    other = decision.model_copy(update={"knowledge": decision.knowledge.model_copy(update={"sha256": "0" * 64})})
    monkeypatch.setattr(IsolatedEngine, "decide", lambda engine, record: other)
    page.number_input(key="fact_afp_ng_ml").set_value(815.0).run()
    assert "rules were changed" in glance(page)
    assert "lead" not in glance(page)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=st.one_of(records(LINES), records(LINES, tumour="liver_metastasis")))
def test_whatever_is_filled_in_the_page_shows_the_library_s_decision(
    open_form: Open, enter: Enter, decision_for: Decide, record: dict[str, Any]
) -> None:
    clean = parse_patient(record, KNOWLEDGE.option_ids).to_record()
    shows(enter(open_form(), clean), decision_for(**clean))


def test_a_short_choice_says_what_it_means(open_form: Open) -> None:
    page = open_form()
    fact = KNOWLEDGE.vocabulary.facts["bclc_stage"]
    assert choice_label(fact, "C") == "C (advanced)"
    assert plain("C (advanced)") in page.segmented_control(key="fact_bclc_stage").help
