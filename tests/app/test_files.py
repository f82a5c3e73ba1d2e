"""Case files in the form: loading replaces the form when the file is accepted, and changes nothing when it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from form import state
from form.patient.files import LOADED, NOT_SAVED, REFUSED
from form.wording import plain
from hcc_decide.case_file import read_case
from hcc_decide.decision import Decision
from tests.conftest import ROOT, shipped_knowledge

KNOWLEDGE = shipped_knowledge()
Decide = Callable[..., Decision]
EXAMPLE = ROOT / "examples" / "after-sorafenib-afp-812.yaml"


def page() -> None:
    """Show the files alone, over a form that stands in the session as on the Patient page."""
    import streamlit as st

    from form import resources, session
    from form.patient.files import show_files

    knowledge = resources.knowledge()
    session.remember(knowledge, "Patient")
    now = session.case(knowledge)
    show_files(now, knowledge)
    st.json(now.record)


@pytest.fixture
def opened(open_form: Callable[[], AppTest]) -> AppTest:
    """Open the files alone; the worker that decides is the one of all pages, and is stopped with it."""
    return AppTest.from_function(page, default_timeout=60).run()


def record(shown: AppTest) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(shown.json[0].value)
    return held


def load(shown: AppTest, content: bytes | str, name: str = "case.yaml") -> AppTest:
    data = content.encode() if isinstance(content, str) else content
    shown.file_uploader[0].set_value((name, data, "application/octet-stream"))
    shown.run()
    assert not shown.exception
    return shown


def button(shown: AppTest, format_: str) -> Any:
    return next(item for item in shown.download_button if item.key == f"case_file_save_{format_}")


def test_a_case_is_loaded_into_the_form(opened: AppTest) -> None:
    shown = load(opened, EXAMPLE.read_bytes())
    wanted = read_case(EXAMPLE.read_bytes(), KNOWLEDGE.option_ids).to_record()
    assert record(shown) == wanted
    assert [item.value for item in shown.toast] == [LOADED]
    assert not shown.error


def test_a_saved_decision_is_loaded_too(opened: AppTest, decision_for: Decide) -> None:
    decided = decision_for(bclc_stage="B", ecog=0)
    shown = load(opened, json.dumps(decided.model_dump(mode="json")), "decision.json")
    assert record(shown) == decided.patient


def test_what_stood_in_the_form_before_is_gone_after_loading(opened: AppTest) -> None:
    shown = load(load(opened, "ecog: 1\nafp_ng_ml: 5"), "bclc_stage: C")
    assert record(shown) == {"tumour": "hcc", "intent": "treatment", "bclc_stage": "C"}


def test_the_same_file_can_be_loaded_again_after_changes(opened: AppTest) -> None:
    shown = load(opened, "ecog: 1")
    shown.session_state[state.key_of("ecog")] = "2"
    assert record(shown.run())["ecog"] == 2
    assert shown.file_uploader[0].value is None
    assert record(load(shown, "ecog: 1"))["ecog"] == 1


@pytest.mark.parametrize(
    ("content", "name", "reasons"),
    [
        ("ecog: 9\nkarnofsky: 80", "case.yaml", ["ecog: 9 is refused", "karnofsky: 80 is given for an unknown field"]),
        ('{"schema_version": 2, "patient": {"ecog": 1}}', "d.json", ["a newer version of hcc-decide wrote this file"]),
        ("", "case.yml", ["the file is empty"]),
        (b"\xff\xfe", "case.yaml", ["is not UTF-8 text"]),
        ("ecog: [", "case.yaml", ["is not well-formed YAML"]),
        ("ecog: 1", "case.json", ["is not well-formed JSON"]),
        ("prior_systemic: ['**bold**']", "case.yaml", ["is not an option of the catalogue"]),
    ],
)
def test_a_file_that_is_refused_says_why_and_nothing_in_the_form_is_lost(
    opened: AppTest, content: str | bytes, name: str, reasons: list[str]
) -> None:
    shown = load(opened, "ecog: 1\nbclc_stage: C\ncase_id: kept")
    before = record(shown)
    load(shown, content, name)
    assert record(shown) == before
    (told,) = [item.value for item in shown.error]
    assert told.startswith(REFUSED)
    for reason in reasons:
        assert plain(reason) in told
    assert "**bold**" not in told
    # The next file is read as if nothing had been.
    assert record(load(shown, "ecog: 2")) == {"tumour": "hcc", "intent": "treatment", "ecog": 2}
    assert not shown.error


def test_taking_a_refused_file_away_takes_its_reasons_away(opened: AppTest) -> None:
    shown = load(opened, "ecog: 9")
    assert shown.error
    shown.file_uploader[0].set_value(None)
    shown.run()
    assert not shown.error


def test_a_case_is_saved_under_its_id_where_it_has_one(opened: AppTest) -> None:
    assert not button(opened, "yaml").proto.disabled
    shown = load(opened, "case_id: Board 7/2\necog: 1")
    for format_ in ("yaml", "json"):
        assert not button(shown, format_).proto.disabled
        assert button(shown, format_).proto.ignore_rerun


def test_a_case_with_refused_entries_is_not_saved_and_the_reason_is_said(opened: AppTest) -> None:
    opened.session_state[state.key_of("afp_ng_ml")] = -5.0
    opened.run()
    assert button(opened, "yaml").proto.disabled
    assert button(opened, "json").proto.disabled
    assert NOT_SAVED in [item.value for item in opened.caption]
