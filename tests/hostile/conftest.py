"""The form's modules as the form itself imports them, and the form as a browser opens it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "app"))


@pytest.fixture(scope="session")
def open_form() -> Iterator[Callable[[], AppTest]]:
    """Open the form anew, as a browser would."""
    from form import resources

    def run() -> AppTest:
        return AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120).run()

    yield run
    resources.engine().close()
