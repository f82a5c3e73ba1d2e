"""Fixtures that every part of the tests shares."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from hcc_decide.decide import decide
from hcc_decide.decision import Decision
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.patient import parse_patient

ROOT = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=1)
def shipped_knowledge() -> Knowledge:
    """Return the shipped rule base, read once in a process; many modules want it before any fixture is there."""
    return load_knowledge(ROOT / "rules")


@lru_cache(maxsize=1)
def shipped_engine() -> Engine:
    """Return the shipped rule base, compiled once in a process, with the shadow check on."""
    return Engine(shipped_knowledge())


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """The shipped rule base."""
    return shipped_knowledge()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Put the main module back: tests of the form leave the form's script in its place, which new processes would run."""
    before = sys.modules["__main__"]
    try:
        return (yield)
    finally:
        sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The shipped rule base, compiled, with the shadow check on."""
    return shipped_engine()


@pytest.fixture(scope="session")
def decision_for(engine: Engine) -> Callable[..., Decision]:
    """Decide for a record given as keywords."""

    def run(**record: Any) -> Decision:
        return decide(parse_patient(record, engine.knowledge.option_ids), engine)

    return run
