from __future__ import annotations

from typing import Any

import pytest

from hcc_decide.documents import read
from hcc_decide.patient import parse_patient
from tests.conftest import ROOT, shipped_knowledge


@pytest.fixture(scope="session")
def examples() -> list[dict[str, Any]]:
    """The examples as records."""
    known = shipped_knowledge().option_ids
    paths = sorted((ROOT / "examples").glob("*.yaml"))
    return [parse_patient(read(str(path)).data, known).to_record() for path in paths]
