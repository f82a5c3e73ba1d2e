"""Reports to look at: of every example, of an empty record, and of a made-up one with awkward text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from hcc_decide.decide import decide
from hcc_decide.decision import Decision
from hcc_decide.documents import read
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import parse_patient
from hcc_decide.report.content import Report, report
from tests.conftest import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
DAY = date(2026, 1, 31)

Make = Callable[..., Report]
DecisionOf = Callable[[Path], Decision]


def squeezed(text: str) -> str:
    """Return text without spaces and ligatures, so that breaks of lines do not matter."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


@pytest.fixture(scope="session")
def decision_of(engine: Engine) -> DecisionOf:
    """Decide for an example, once."""
    kept: dict[Path, Decision] = {}

    def run(path: Path) -> Decision:
        if path not in kept:
            kept[path] = decide(parse_patient(read(path).data, engine.knowledge.option_ids), engine)
        return kept[path]

    return run


@pytest.fixture(scope="session")
def make(knowledge: Knowledge) -> Make:
    """Make a report of a fixed day."""

    def run(decision: Decision, *, heading: str = "", full: bool = False) -> Report:
        return report(decision, knowledge, on=DAY, heading=heading, full=full, program="1.2.3")

    return run
