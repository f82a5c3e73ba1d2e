"""Every combination of classes of the facts that an option's rules read: durable-rules and the proof model agree."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_decide.classes.attributes import classes_of, representatives
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Use
from hcc_decide.knowledge.condition import Literal, OneOf, State, attributes_of, fact_of, holds
from hcc_decide.knowledge.schema import Limits
from hcc_decide.verify.exhaustive import Counted, enumerate_option, joined
from hcc_decide.verify.world import Judged
from tests.conftest import shipped_knowledge

KNOWLEDGE = shipped_knowledge()
MOST = 100
"""Combinations of one option in this test; `hcc-decide rules verify --exhaustive` takes as many as are asked for."""


@pytest.fixture(scope="module")
def counted(engine: Engine) -> dict[str, Counted]:
    """What was enumerated, by option."""
    return {option: enumerate_option(engine, option, MOST) for option in KNOWLEDGE.options}


def test_durable_rules_and_the_model_agree_on_every_combination(counted: dict[str, Counted]) -> None:
    assert [failure for item in counted.values() for failure in item.failures] == []


def test_most_options_are_enumerated_whole_and_none_is_left_out(counted: dict[str, Counted]) -> None:
    assert all(item.combinations > 1 for item in counted.values())
    assert sum(item.whole for item in counted.values()) > len(counted) / 2
    assert all(item.combinations <= max(item.of, MOST) for item in counted.values())


def test_facts_that_a_rule_reads_together_are_enumerated_together() -> None:
    for treatment in KNOWLEDGE.options.values():
        groups = joined(treatment)
        assert sorted(name for group in groups for name in group) == sorted(treatment.attributes)
        for rule in treatment.rules:
            assert any(set(rule.attributes) <= set(group) for group in groups)


def test_a_model_that_forgets_exclusions_is_found(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: Judged, use: Use) -> z3.BoolRef:
        return z3.BoolVal(False)

    monkeypatch.setattr(Judged, "blocked", none)
    found = enumerate_option(engine, "apatinib", MOST).failures
    assert "the verdicts are" in found[0].text


def test_a_rule_that_the_engine_judges_otherwise_is_found(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Engine.judge

    def turned(self: Engine, option: str, states: dict[str, State]) -> object:
        results, standing = judged(self, option, states)
        return {rule: (not held if held is not None else None) for rule, held in results.items()}, standing

    monkeypatch.setattr(Engine, "judge", turned)
    assert "in the engine" in enumerate_option(engine, "apatinib", MOST).failures[0].text


# Classes


def _literals() -> Iterator[Literal]:
    for condition in KNOWLEDGE.conditions():
        yield from (part for conjunction in condition for part in conjunction)


NUMBERS = sorted(name for name in KNOWLEDGE.limits if not KNOWLEDGE.domain(name).spans)


@given(st.sampled_from(NUMBERS), st.data())
@settings(max_examples=400, deadline=None)
def test_every_number_is_judged_as_the_one_that_stands_for_its_class(attribute: str, data: st.DataObject) -> None:
    fact = KNOWLEDGE.vocabulary.facts[fact_of(attribute)]
    limits = KNOWLEDGE.limits[attribute]
    near = st.sampled_from([bound + step for bound in limits for step in (-1, -1e-9, 0, 1e-9, 1)])
    number = data.draw(st.one_of(near, st.floats(0, 1e6, allow_nan=False)))
    if fact.kind == "integer":
        number = float(round(number))
    if not _inside(fact.range, number):
        return
    tests = [literal.test for literal in _literals() if literal.attribute == attribute]
    judged = [[holds(test, state) for test in tests] for state in classes_of(KNOWLEDGE, attribute)]
    assert [holds(test, State(low=number, high=number)) for test in tests] in judged


def _inside(limits: Limits | None, number: float) -> bool:
    said = limits.model_dump(exclude_none=True) if limits else {}
    compare = {
        "at_least": number >= said.get("at_least", -math.inf),
        "above": number > said.get("above", -math.inf),
        "at_most": number <= said.get("at_most", math.inf),
        "below": number < said.get("below", math.inf),
    }
    return all(compare[name] for name in said)


@pytest.mark.parametrize("attribute", NUMBERS)
def test_hardly_any_classes_of_a_number_are_judged_alike(attribute: str) -> None:
    tests = [literal.test for literal in _literals() if literal.attribute == attribute]
    fact = KNOWLEDGE.vocabulary.facts[fact_of(attribute)]
    numbers = representatives(fact, KNOWLEDGE.limits[attribute])
    judged = [tuple(holds(test, State(low=number, high=number)) for test in tests) for number in numbers]
    # A constant may lie on either side of what it parts, so it is judged like one of its neighbours.
    assert all(judged.count(answers) <= 3 for answers in judged)


def test_every_value_of_a_category_has_a_class_and_so_has_knowing_nothing() -> None:
    for attribute in KNOWLEDGE.attributes():
        domain = KNOWLEDGE.domain(attribute)
        if domain.values:
            found = [state.values for state in classes_of(KNOWLEDGE, attribute)]
            assert [frozenset([value]) for value in domain.values] == found[: len(domain.values)]
            assert found[-1] == frozenset(domain.values)


def test_what_a_record_may_leave_open_of_the_portal_vein_is_a_class() -> None:
    found = [state.values for state in classes_of(KNOWLEDGE, "portal_vein_invasion")]
    assert frozenset({"branch", "main"}) in found


def test_every_attribute_that_rules_read_has_classes_that_some_test_tells_apart() -> None:
    for condition in KNOWLEDGE.conditions():
        for attribute in attributes_of(condition):
            tests = [literal.test for literal in _literals() if literal.attribute == attribute]
            judged = {tuple(holds(test, state) for test in tests) for state in classes_of(KNOWLEDGE, attribute)}
            assert len(judged) > 1, attribute
            assert any(isinstance(test, OneOf) for test in tests) == bool(KNOWLEDGE.domain(attribute).values)
