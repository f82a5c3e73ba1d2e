"""The what-if page says what it would take: an option and a verdict are chosen, and each answer can be tried out."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from form import state
from form.session import CHANGED
from form.what_if import controls
from form.what_if.what_it_takes import ANY, GOAL, LOST, OPTION
from hcc_decide.counterfactual.shape import Counterfactuals
from hcc_decide.worker import IsolatedEngine, WorkerError
from tests.app.test_what_if_page import Open, example, holding, said
from tests.conftest import shipped_knowledge

KNOWLEDGE = shipped_knowledge()
ATEZO_BEV = "atezolizumab+bevacizumab"


def asking(open_form: Open, record: dict[str, Any], option: str, verdict: str = ANY) -> AppTest:
    """Open the section with a case in the form and ask for an option."""
    page = holding(open_form, record)
    page.session_state["whatif_takes"] = True
    page.run()
    page.selectbox(key=OPTION).set_value(option)
    page.selectbox(key=GOAL).set_value(verdict).run()
    assert not page.exception
    return page


def told(page: AppTest) -> str:
    return said(page) + "\n".join(str(item.value) for item in page.caption)


def test_nothing_is_searched_for_while_the_section_is_closed(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(engine: IsolatedEngine, model: Any, work: Any, record: Any, **arguments: Any) -> Any:
        assert work == "decision", work
        return really(engine, model, work, record, **arguments)

    really = IsolatedEngine.ask
    monkeypatch.setattr(IsolatedEngine, "ask", never)
    page = holding(open_form, example("advanced-untreated-varices"))
    assert OPTION not in [widget.key for widget in page.selectbox]
    page.session_state["whatif_takes"] = True
    page.run()
    # And none before an option is chosen.
    assert page.selectbox(key=OPTION).value is None
    assert not page.exception


def test_treatment_of_varices_is_told_and_tried_out(open_form: Open) -> None:
    page = asking(open_form, example("advanced-untreated-varices"), ATEZO_BEV)
    labels = page.selectbox(key=OPTION).options
    assert len(labels) == len(KNOWLEDGE.options)
    # What cannot be offered today comes first.
    usable = [label.endswith(("(recommended)", "(preferred)", "(alternative)")) for label in labels]
    assert usable == sorted(usable)
    text = told(page)
    assert "Can be brought about by tests and treatment" in text
    assert "present and not treated → present and treated" in text
    assert "treat or prepare" in text
    assert "varices-absent-or-treated" in text
    page.button(key="whatif_takes_try_1").click().run()
    assert page.multiselect(key=controls.CHOSEN).value == ["fact_varices"]
    assert "Before and after" in [item.value for item in page.header]
    assert "present and not treated → present and treated" in said(page)
    # The form itself is as it was.
    assert page.session_state["case_entries"]["fact_varices"] == "untreated"


def test_a_further_line_becomes_an_added_line(open_form: Open) -> None:
    page = asking(open_form, example("advanced-untreated") | {"afp_ng_ml": 812}, "ramucirumab")
    assert "Only with the further course of the disease" in told(page)
    page.button(key="whatif_takes_try_1").click().run()
    assert page.selectbox(key="whatif_line_1_option").value == "sorafenib"
    assert "second line of systemic therapy" in said(page)


def test_another_outcome_of_a_line_is_tried_out_on_that_line(open_form: Open) -> None:
    page = asking(open_form, example("sorafenib-intolerance"), "regorafenib")
    assert "Only if what cannot be changed were different" in told(page)
    page.button(key="whatif_takes_try_1").click().run()
    assert "line_1_outcome" in page.multiselect(key=controls.CHOSEN).value
    assert not page.error
    assert any("Regorafenib" in row[1] for row in page.table[1].value.astype(str).values.tolist())


def test_a_verdict_can_be_chosen_and_an_answer_that_is_there_already_is_said(open_form: Open) -> None:
    page = asking(open_form, example("after-sorafenib-afp-812"), "ramucirumab")
    assert "recommended already" in said(page)
    page.selectbox(key=GOAL).set_value("ineligible").run()
    assert "would make Ramucirumab ineligible" in said(page)


def test_what_the_case_has_no_entry_for_cannot_be_tried_out(open_form: Open) -> None:
    page = asking(open_form, example("advanced-untreated"), "resection")
    buttons = [item for item in page.button if str(item.key).startswith("whatif_takes_try_")]
    assert any(item.disabled for item in buttons)
    assert any(not item.disabled for item in buttons)


def test_a_lost_search_and_other_rules_are_said(open_form: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    really = IsolatedEngine.ask
    lose = True

    def sometimes(engine: IsolatedEngine, model: Any, work: Any, record: Any, **arguments: Any) -> Any:
        if work != "counterfactual":
            return really(engine, model, work, record, **arguments)
        if lose:
            raise WorkerError("gone")
        found: Counterfactuals = really(engine, model, work, record, **arguments)
        return found.model_copy(update={"sha256": "another"})

    monkeypatch.setattr(IsolatedEngine, "ask", sometimes)
    page = asking(open_form, example("half-known"), "ramucirumab")
    assert LOST in said(page)
    lose = False
    page.button(key="whatif_takes_again").click().run()
    assert CHANGED in said(page)


@pytest.mark.parametrize(
    ("record", "changed", "chosen", "added"),
    [
        (
            {"prior_systemic": [{"option": "sorafenib", "outcome": "progression"}]},
            {"prior_systemic": [{"option": "sorafenib", "outcome": "progression", "last_daily_dose_mg": 400}]},
            ["line_1_last_daily_dose_mg"],
            0,
        ),
        ({"ecog": 1}, {"ecog": 2}, ["fact_ecog"], 0),
        ({}, {"prior_systemic": []}, [state.PRIOR], 0),
        ({"prior_systemic": []}, {"prior_systemic": [{"option": "sorafenib", "outcome": "progression"}]}, [], 1),
        (
            {"prior_systemic": [{"option": "sorafenib", "outcome": "ongoing"}]},
            {"prior_systemic": [{"option": "sorafenib", "outcome": "progression"}]},
            ["line_1_outcome"],
            0,
        ),
        (
            {"prior_systemic": [{"option": "sorafenib", "outcome": "progression"}]},
            {"prior_systemic": [{"option": "lenvatinib", "outcome": "progression"}]},
            [state.PRIOR],
            1,
        ),
    ],
)
def test_what_is_tried_out_gives_the_record_that_was_wanted(
    monkeypatch: pytest.MonkeyPatch, record: dict[str, Any], changed: dict[str, Any], chosen: list[str], added: int
) -> None:
    held: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", held)
    whole = {"tumour": "hcc", "intent": "treatment"}
    controls.try_out(whole | record, whole | changed, KNOWLEDGE)
    assert controls.chosen() == chosen
    assert controls.added() == added
    assert controls.changed_record(whole | record, KNOWLEDGE) == whole | changed
