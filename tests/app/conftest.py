"""The form's modules as the form itself imports them, and one page to fill in."""

from __future__ import annotations

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
        # The tumour and the prior lines decide which fields there are.
        page.selectbox(key=state.key_of("tumour")).select(wanted[state.key_of("tumour")])
        page.selectbox(key=state.PRIOR).select(wanted[state.PRIOR])
        page.run()
        for _ in range(wanted[state.PRIOR_COUNT] - 1):
            page.button(key="add_line").click().run()
        for widget in page.selectbox:
            if widget.key in wanted and widget.value != wanted[widget.key]:
                widget.select(wanted[widget.key])
        for several in page.multiselect:
            several.set_value(wanted[str(several.key)])
        for number in page.number_input:
            number.set_value(wanted[str(number.key)])
        page.run()
        for field in page.text_input:
            field.set_value(wanted[str(field.key)])
        return page.run()

    return run
