"""One engine that remembers classes, for all tests of what it would take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hcc_decide.counterfactual.search import search
from hcc_decide.counterfactual.shape import Counterfactuals
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.engine import Engine
from hcc_decide.patient import parse_patient

Search = Callable[..., Counterfactuals]


@pytest.fixture(scope="session")
def by_class(engine: Engine) -> ByClass:
    """The shipped rule base, judging each class once."""
    return engine.by_class()


@pytest.fixture(scope="session")
def search_for(by_class: ByClass) -> Search:
    """Search for an option and a record given as keywords."""

    def run(option: str, *, to: str | None = None, most: int = 50, **record: Any) -> Counterfactuals:
        patient = parse_patient(record, by_class.knowledge.option_ids)
        return search(patient, by_class, option, to, most=most)

    return run
