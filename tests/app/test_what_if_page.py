"""The what-if page: a fact changes, and before and after stand side by side with the rules that made the difference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from form import pages, state
from form.session import LOST
from hcc_decide.documents import read
from hcc_decide.patient import parse_patient
from hcc_decide.worker import IsolatedEngine, WorkerError
from tests.conftest import ROOT, shipped_knowledge

Open = Callable[[], AppTest]

KNOWLEDGE = shipped_knowledge()
AFP = "fact_afp_ng_ml"


def example(name: str) -> dict[str, Any]:
    return parse_patient(read(str(ROOT / "examples" / f"{name}.yaml")).data, KNOWLEDGE.option_ids).to_record()


def holding(open_form: Open, record: dict[str, Any]) -> AppTest:
    """Open the page with a case in the form."""
    page = open_form()
    for key, value in state.state_of(record, KNOWLEDGE).items():
        page.session_state[key] = value
    page.run()
    return page.switch_page(pages.WHAT_IF.path).run()


def in_form(page: AppTest, key: str) -> Any:
    return page.session_state["case_entries"][key]


def first_option(page: AppTest) -> str:
    """Return the id of the option that leads in the case."""
    latest = list(page.session_state["case_answers"].values())[-1]
    return str(latest.decision.options[0].id)


def change(page: AppTest, *keys: str) -> AppTest:
    page.multiselect(key="whatif_chosen").set_value(list(keys)).run()
    assert not page.exception
    return page


def control(page: AppTest, key: str) -> Any:
    name = f"whatif_entry_{key}"
    every = [*page.selectbox, *page.segmented_control, *page.multiselect, *page.number_input]
    return next(widget for widget in every if widget.key == name)


def said(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(
        str(item.value) for item in [*page.markdown, *page.info, *page.error, *page.warning, *page.success]
    )


def tables(page: AppTest) -> list[list[list[str]]]:
    return [table.value.astype(str).values.tolist() for table in page.table]


def test_a_number_changes_and_the_rule_that_falls_is_named(open_form: Open) -> None:
    page = change(holding(open_form, example("after-sorafenib-afp-812")), AFP)
    assert control(page, AFP).value == 812
    assert "Nothing is changed yet" in said(page)
    control(page, AFP).set_value(120.0).run()
    text = said(page)
    assert "812 ng/mL → 120 ng/mL" in text
    card = next(item.value for item in page.markdown if "afp-400-or-more" in item.value)
    assert "Needs: AFP is at least 400 ng/mL" in card
    assert "met → :red[:material/close:] NOT met" in card
    assert "SYS-105" in card
    before, after = tables(page)
    assert any("Ramucirumab" in row[1] and "gone" in row[3] and "ineligible" in row[3] for row in before)
    assert not any("Ramucirumab" in row[1] for row in after)
    assert any("Regorafenib" in row[1] and "up from 3" in row[3] for row in after)
    assert "exactly as before" in text
    # The form itself is as it was.
    assert in_form(page, AFP) == 812


def test_a_yes_or_no_changes_and_a_caution_that_comes_is_shown(open_form: Open) -> None:
    page = change(holding(open_form, example("advanced-untreated")), "fact_autoimmune_disease")
    assert control(page, "fact_autoimmune_disease").value == "no"
    control(page, "fact_autoimmune_disease").set_value("yes").run()
    assert "Autoimmune disease:** no → yes" in said(page)
    assert "autoimmune" in said(page).lower()
    assert len(tables(page)) >= 2


def test_a_category_can_become_not_known(open_form: Open) -> None:
    page = change(holding(open_form, example("advanced-untreated")), "fact_varices")
    control(page, "fact_varices").set_value(state.NOT_KNOWN).run()
    assert "none → not known" in said(page)
    assert "no longer settled" in said(page) or "worse" in said(page)


def test_a_set_changes_and_what_does_not_hang_on_it_stays(open_form: Open) -> None:
    page = change(holding(open_form, example("advanced-untreated")), "fact_etiology")
    assert control(page, "fact_etiology").value == ["hbv"]
    control(page, "fact_etiology").set_value(["alcohol", "hcv"]).run()
    assert "hepatitis B virus → " in said(page)


def test_nothing_moves_is_said(open_form: Open) -> None:
    page = change(holding(open_form, example("after-sorafenib-afp-812")), "fact_age_years")
    control(page, "fact_age_years").set_value(67.0).run()
    assert "Nothing moves" in said(page)


def test_a_refused_value_is_explained_beside_it_and_gives_no_answer(open_form: Open) -> None:
    page = change(holding(open_form, example("after-sorafenib-afp-812")), AFP)
    control(page, AFP).set_value(-5.0).run()
    assert any("-5" in item.value and "0" in item.value for item in page.error)
    assert "No answer for the change" in said(page)
    assert not page.table
    assert page.button(key="whatif_apply").disabled


def test_values_that_contradict_each_other_are_refused_with_the_reason(open_form: Open) -> None:
    page = change(holding(open_form, example("tace-refractory")), "fact_amenable_to_tace")
    control(page, "fact_amenable_to_tace").set_value("yes").run()
    assert any("contradicts" in item.value for item in page.error)
    assert not page.table


def test_a_line_of_therapy_can_be_added_and_taken_back(open_form: Open) -> None:
    page = holding(open_form, example("advanced-untreated"))
    leader = page.pills(key="whatif_after").options[0]
    page.pills(key="whatif_after").set_value(first_option(page)).run()
    text = said(page)
    assert "first line of systemic therapy → second line of systemic therapy" in text
    assert leader.lower() in text.lower()
    assert page.selectbox(key="whatif_line_1_outcome").value == "progression"
    page.selectbox(key="whatif_line_1_outcome").set_value("intolerance").run()
    assert "not tolerated" in said(page)
    page.button(key="whatif_take_back_1").click().run()
    assert not page.table
    assert "Before and after" not in [item.value for item in page.header]


def test_two_lines_can_be_added_one_after_the_other(open_form: Open) -> None:
    page = holding(open_form, example("advanced-untreated"))
    page.selectbox(key="whatif_next").set_value("sorafenib").run()
    page.selectbox(key="whatif_next").set_value("regorafenib").run()
    assert "third or later line" in said(page)
    assert page.selectbox(key="whatif_line_2_option").value == "regorafenib"
    page.button(key="whatif_take_back_2").click().run()
    assert "second line of systemic therapy" in said(page)


def test_a_line_after_one_that_is_ongoing_is_refused_with_the_reason(open_form: Open) -> None:
    record = example("advanced-untreated") | {"prior_systemic": [{"option": "sorafenib", "outcome": "ongoing"}]}
    page = holding(open_form, record)
    page.selectbox(key="whatif_next").set_value("regorafenib").run()
    assert any("ongoing" in item.value and "Line 1" in item.value for item in page.error)
    change(page, "line_1_outcome")
    control(page, "line_1_outcome").set_value("progression").run()
    assert not page.error
    assert len(page.table) >= 2


def test_a_missing_fact_is_answered_with_one_click(open_form: Open) -> None:
    page = holding(open_form, example("half-known"))
    asked = [item for item in page.pills if str(item.key).startswith("whatif_ask_")]
    assert asked
    varices = next(item for item in asked if item.key == "whatif_ask_fact_varices")
    varices.set_value("none").run()
    assert page.multiselect(key="whatif_chosen").value == ["fact_varices"]
    assert control(page, "fact_varices").value == "none"
    assert "not known → none" in said(page)
    assert "whatif_ask_fact_varices" not in [item.key for item in page.pills]


def test_the_change_goes_into_the_form_with_one_click(open_form: Open) -> None:
    page = change(holding(open_form, example("after-sorafenib-afp-812")), AFP)
    control(page, AFP).set_value(120.0).run()
    page.button(key="whatif_apply").click().run()
    assert "The form now holds the changed case" in said(page)
    assert in_form(page, AFP) == 120
    assert in_form(page, "line_1_option") == "sorafenib"
    assert page.multiselect(key="whatif_chosen").value == []
    page.run()
    assert "The form now holds" not in said(page)


def test_start_over_takes_everything_back(open_form: Open) -> None:
    page = change(holding(open_form, example("after-sorafenib-afp-812")), AFP, "fact_ecog")
    page.selectbox(key="whatif_next").set_value("cabozantinib").run()
    page.button(key="whatif_start_over").click().run()
    assert page.multiselect(key="whatif_chosen").value == []
    assert not page.table
    assert in_form(page, AFP) == 812


def test_changes_survive_another_page(open_form: Open) -> None:
    page = change(holding(open_form, example("after-sorafenib-afp-812")), AFP)
    page.selectbox(key="whatif_next").set_value("cabozantinib").run()
    control(page, AFP).set_value(120.0).run()
    page.switch_page(pages.EVIDENCE.path).run()
    page.switch_page(pages.WHAT_IF.path).run()
    assert control(page, AFP).value == 120
    assert page.selectbox(key="whatif_line_1_option").value == "cabozantinib"
    assert len(page.table) >= 2


def test_changes_wait_when_the_form_holds_another_case(open_form: Open) -> None:
    page = change(holding(open_form, example("after-sorafenib-afp-812")), AFP)
    control(page, AFP).set_value(120.0).run()
    page.switch_page(pages.PATIENT.path).run()
    page.session_state["fact_ecog"] = "2"
    page.run()
    page.switch_page(pages.WHAT_IF.path).run()
    assert "ECOG performance status" in page.warning[0].value
    assert control(page, AFP).value == 120
    assert not page.table
    page.button(key="whatif_use").click().run()
    assert not page.warning
    assert "812 ng/mL → 120 ng/mL" in said(page)
    assert len(page.table) >= 2


def test_changes_of_entries_that_another_case_lacks_are_taken_back_and_said(open_form: Open) -> None:
    page = change(holding(open_form, example("after-sorafenib-afp-812")), "line_1_last_daily_dose_mg")
    for key, value in state.state_of(example("advanced-untreated"), KNOWLEDGE).items():
        page.session_state[key] = value
    page.run()
    assert "1 change was taken back" in said(page)
    assert page.multiselect(key="whatif_chosen").value == []


def test_a_change_of_the_tumour_hides_what_belongs_to_the_other(open_form: Open) -> None:
    page = change(holding(open_form, example("colorectal-liver-metastases")), "fact_tumour")
    control(page, "fact_tumour").set_value("hcc").run()
    assert "liver metastasis of another tumour → hepatocellular carcinoma" in said(page)
    assert not page.error


def test_an_empty_form_offers_an_example(open_form: Open) -> None:
    page = open_form().switch_page(pages.WHAT_IF.path).run()
    assert "The form is empty" in page.info[0].value
    assert not page.multiselect
    page.selectbox(key="whatif_example").set_value("tace refractory").run()
    assert in_form(page, "fact_bclc_stage") == "B"
    assert page.multiselect(key="whatif_chosen").value == []
    assert not any("empty" in item.value for item in page.info)


def test_a_refused_record_says_so_and_gives_no_answer(open_form: Open) -> None:
    page = open_form()
    page.session_state["fact_inr"] = -1.0
    page.session_state["fact_ecog"] = "1"
    page.run()
    page.switch_page(pages.WHAT_IF.path).run()
    assert "refused" in page.error[0].value
    assert "INR" in said(page)
    assert not page.table
    assert not page.multiselect


def test_a_lost_request_is_said_and_can_be_tried_again(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    page = change(holding(open_form, example("after-sorafenib-afp-812")), AFP)

    def lost(engine: IsolatedEngine, record: Any) -> Any:
        raise WorkerError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(IsolatedEngine, "decide", lost)
        control(page, AFP).set_value(121.0).run()
        assert LOST in said(page)
        assert not page.table
    page.button(key="whatif_retry").click().run()
    assert not page.error
    assert len(page.table) >= 2


def test_what_only_a_trial_could_offer_is_told_on_request(open_form: Open) -> None:
    page = holding(open_form, example("advanced-untreated"))
    page.selectbox(key="whatif_next").set_value("sorafenib").run()
    closed = len(page.table)
    for key in ("whatif_elsewhere", "whatif_trials", "whatif_hopeless"):
        page.session_state[key] = True
    page.run()
    assert not page.exception
    assert len(page.table) > closed


def test_a_number_is_changed_in_the_unit_of_the_form(open_form: Open) -> None:
    fact = KNOWLEDGE.vocabulary.facts["bilirubin_umol_l"]
    unit, factor = next(iter(fact.also_in.items()))
    page = holding(open_form, example("advanced-untreated"))
    page.switch_page(pages.PATIENT.path).run()
    page.segmented_control(key="patient_unit_bilirubin_umol_l").set_value(unit).run()
    page.switch_page(pages.WHAT_IF.path).run()
    change(page, "fact_bilirubin_umol_l")
    number = control(page, "fact_bilirubin_umol_l")
    assert unit in number.label
    assert "Nothing is changed yet" in said(page)
    number.set_value(4.0).run()
    assert f"→ {4 * factor:g} {fact.unit}" in said(page)
    # The number keeps its unit when the form takes up another.
    page.switch_page(pages.PATIENT.path).run()
    page.segmented_control(key="patient_unit_bilirubin_umol_l").set_value(fact.unit).run()
    page.switch_page(pages.WHAT_IF.path).run()
    assert unit in control(page, "fact_bilirubin_umol_l").label
    assert f"→ {4 * factor:g} {fact.unit}" in said(page)
