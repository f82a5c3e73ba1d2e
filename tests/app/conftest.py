"""The form's modules as the form itself imports them, and one page to fill in."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "app"))


@pytest.fixture(scope="session")
def open_form() -> Iterator[Callable[[], AppTest]]:
    """Open the form anew, as a browser would."""
    from form import resources

    def run() -> AppTest:
        return AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60).run()

    yield run
    resources.engine().close()


@pytest.fixture(scope="session")
def enter(knowledge: Any) -> Callable[[AppTest, dict[str, Any]], AppTest]:
    """Put a record into the form, field by field."""
    from form import state

    def run(page: AppTest, record: dict[str, Any]) -> AppTest:
        wanted = state.state_of(record, knowledge)
        for control in page.segmented_control:
            if str(control.key).startswith("patient_unit_"):
                control.set_value(control.options[0])  # the fact's own unit, which the record holds
        # The tumour and the prior lines decide which fields there are.
        page.selectbox(key=state.key_of("tumour")).select(wanted[state.key_of("tumour")])
        page.segmented_control(key=state.PRIOR).set_value(wanted[state.PRIOR])
        page.run()
        if wanted[state.PRIOR] == state.LINES:
            for _ in range(wanted[state.PRIOR_COUNT] - page.session_state[state.PRIOR_COUNT]):
                page.button(key="add_line").click().run()
            for number in range(page.session_state[state.PRIOR_COUNT], wanted[state.PRIOR_COUNT], -1):
                page.button(key=f"remove_line_{number}").click().run()
        for typed in page.number_input:
            # A number whose unit was once chosen has fields of its own, which change with each number from elsewhere.
            of_fact = re.fullmatch(r"typed_(\w+)_\d+", str(typed.key))
            if of_fact is not None:
                typed.set_value(wanted[state.key_of(of_fact[1])])
        for widget in [*page.selectbox, *page.segmented_control, *page.multiselect, *page.number_input]:
            if widget.key in wanted and widget.value != wanted[widget.key]:
                widget.set_value(wanted[widget.key])
        page.run()
        for field in page.text_input:
            if field.key in wanted:
                field.set_value(wanted[field.key])
        return page.run()

    return run
