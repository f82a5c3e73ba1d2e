"""No page throws, whatever stands in the form: accepted records, refused ones, and what nobody would type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from form import pages, state
from hcc_decide.patient import parse_patient
from tests.conftest import shipped_knowledge
from tests.properties.strategies import records

Open = Callable[[], AppTest]

KNOWLEDGE = shipped_knowledge()
LINES = [item.id for item in KNOWLEDGE.options.values() if item.body.kind in ("drug", "combination")]
ENTRIES = [entry for section in pages.SECTIONS.values() for entry in section]
LAZY = ("answer_", "whatif_", "teach_", "evidence_", "rules_", "report_", "patient_", "sequence_")


def filled(page: AppTest, entries: dict[str, Any]) -> AppTest:
    """Put entries into the form as if they had been typed on the patient page."""
    for key, value in entries.items():
        page.session_state[key] = value
    return page


def visited(page: AppTest) -> None:
    """Open every page, and everything that opens only on request, and look for exceptions."""
    for entry in ENTRIES:
        page.switch_page(entry.path).run()
        assert not page.exception, f"{entry.title}: {page.exception[0].message}"
        assert page.title or entry is pages.PATIENT, entry.title
        lazy = [key for key in page.session_state.to_dict() if _is_closed(page, key)]
        for key in lazy:
            page.session_state[key] = True
        if lazy:
            page.run()
            assert not page.exception, f"{entry.title}, opened: {page.exception[0].message}"


def _is_closed(page: AppTest, key: str) -> bool:
    value = page.session_state[key]
    widgets = {item.key for item in [*page.button, *page.checkbox, *page.toggle]}
    return key.startswith(LAZY) and value is False and key not in widgets


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=st.one_of(records(LINES), records(LINES, tumour="liver_metastasis")))
def test_no_page_throws_on_any_record(open_form: Open, record: dict[str, Any]) -> None:
    clean = parse_patient(record, KNOWLEDGE.option_ids).to_record()
    visited(filled(open_form(), state.state_of(clean, KNOWLEDGE)))


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a state of the form as a browser could send it, sensible or not."""
    found = state.state_of({}, KNOWLEDGE)
    for name, fact in state.asked(KNOWLEDGE).items():
        key, tokens = state.key_of(name), state.choices(fact)
        if fact.kind == "set":
            found[key] = draw(st.lists(st.sampled_from([state.NONE, *(tokens or ())]), max_size=3, unique=True))
        elif tokens is None:
            found[key] = draw(st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.just(-1.0))
        elif state.default_of(name):
            found[key] = draw(st.sampled_from(list(tokens)))
        else:
            found[key] = draw(st.sampled_from([state.NOT_KNOWN, *tokens]))
    found[state.CASE] = draw(st.text(max_size=64))
    return found


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(typed=entries())
def test_no_page_throws_on_entries_that_contradict_one_another(open_form: Open, typed: dict[str, Any]) -> None:
    visited(filled(open_form(), typed))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.title)
def test_every_page_says_what_it_is_for_and_which_knowledge_it_has(open_form: Open, entry: pages.Entry) -> None:
    page = open_form().switch_page(entry.path).run()
    said = "\n".join(item.value for item in page.caption)
    assert KNOWLEDGE.sha256 in said
    assert KNOWLEDGE.version in said
    assert "Intended use" in said
    assert len(page.title) == 1
