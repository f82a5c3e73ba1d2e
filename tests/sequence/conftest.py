"""Looking ahead with the shipped rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hcc_decide.documents import read
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.engine import Engine
from hcc_decide.patient import parse_patient
from hcc_decide.sequence.build import build
from hcc_decide.sequence.plan import Plan
from hcc_decide.sequence.shape import SequenceTree
from tests.conftest import ROOT

Look = Callable[..., SequenceTree]


@pytest.fixture(scope="session")
def by_class(engine: Engine) -> ByClass:
    """The shipped rule base, judging each class once for all tests."""
    return engine.by_class()


@pytest.fixture(scope="session")
def look(by_class: ByClass) -> Look:
    """Look ahead from a record."""

    def run(record: dict[str, Any], **plan: Any) -> SequenceTree:
        return build(parse_patient(record, by_class.knowledge.option_ids), by_class, Plan(**plan))

    return run


def example(name: str, **changes: Any) -> dict[str, Any]:
    """Return an example's record with changes; ``None`` leaves a fact out."""
    record = {**read(str(ROOT / "examples" / f"{name}.yaml")).data, **changes}
    return {fact: value for fact, value in record.items() if value is not None}
