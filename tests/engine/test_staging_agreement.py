"""Derived facts: chaining in the network reaches what the shadow's direct reading of the same rules reaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st

from hcc_decide.engine import shadow
from hcc_decide.engine.fences import FenceError
from hcc_decide.engine.inference import _canonical, stage
from hcc_decide.engine.network import EngineError, RuleSet
from hcc_decide.engine.program import Program, staging_rules
from hcc_decide.engine.rules import MAX_NARROW
from hcc_decide.knowledge.catalogue import Derivation, DerivedFact, Knowledge
from hcc_decide.knowledge.condition import (
    Condition,
    ConditionError,
    Conjunction,
    Domain,
    Literal,
    OneOf,
    Scalar,
    Span,
    State,
    conjoin,
)
from tests.engine.test_agreement import all_states, all_tests

BASE = {
    "ascites": Domain(values=("none", "mild", "severe")),
    "invasion": Domain(values=("none", "branch", "main"), partial=True),
    "spread": Domain(values=(True, False)),
    "points": Domain(spans=True),
    "afp": Domain(),
}
DERIVED = [
    Domain(values=(True, False)),
    Domain(values=("A", "B"), partial=True),
    Domain(values=("0", "A", "B", "C"), partial=True),
    Domain(values=(1, 2, 3), partial=True),
    Domain(values=tuple(f"v{number}" for number in range(MAX_NARROW + 1)), partial=True),
]
FEW = [Span(low=7.0), Span(high=7.0, high_open=True), Span(low=5.0, high=6.0), Span(low=10.0)]


@dataclass(frozen=True)
class Staging:
    """Derived facts, each after those it reads, and what is recorded of one patient."""

    facts: tuple[DerivedFact, ...]
    domains: dict[str, Domain]
    record: dict[str, State]

    @property
    def knowledge(self) -> Knowledge:
        """As much of a knowledge as staging needs."""
        return cast("Knowledge", SimpleNamespace(staging=self.facts, domain=self.domains.__getitem__))

    def program(self) -> Program:
        """As much of a program as staging needs."""
        rules = staging_rules(self.knowledge, self.domains)
        return cast("Program", SimpleNamespace(staging=RuleSet("staging", rules, chain=True)))


def derived_fact(name: str, values: list[tuple[Scalar, Condition]], *, given: bool, excludes: bool) -> DerivedFact:
    """Return a derived fact without its file."""
    derivations = tuple(Derivation(f"staging/{name}/{value}", value, str(value), when) for value, when in values)
    return DerivedFact(cast("Any", SimpleNamespace(fact=name)), derivations, given, excludes)


@st.composite
def stagings(draw: st.DrawFn) -> Staging:
    """One to four derived facts over a handful of recorded ones."""
    domains, facts = dict(BASE), []
    record = {name: draw(st.sampled_from(all_states(domain)[-60:])) for name, domain in BASE.items()}
    some = st.integers(1, 2)

    def conjunction() -> Conjunction:
        names = [draw(st.sampled_from(list(domains))) for _ in range(draw(some))]
        return conjoin(
            Literal(n, draw(st.sampled_from(all_tests(domains[n]) if domains[n].values else FEW))) for n in names
        )

    for number in range(draw(st.integers(1, 4))):
        name, domain = f"derived_{number}", draw(st.sampled_from(DERIVED))
        chosen = [value for value in domain.values if draw(st.integers(0, 3))] or [domain.values[0]]
        if domain.values == (True, False):
            chosen = chosen[:1]
        values = [(value, tuple(dict.fromkeys(conjunction() for _ in range(draw(some))))) for value in chosen]
        is_given = draw(st.booleans())
        facts.append(derived_fact(name, values, given=is_given, excludes=draw(st.booleans())))
        if is_given:
            given_value = draw(st.sampled_from([None, *domain.values]))
            known = domain.values if given_value is None else [given_value]
            record[name] = State(values=frozenset(known))
        domains[name] = domain
    return Staging(tuple(facts), domains, record)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stagings())
def test_chained_rules_derive_what_a_direct_reading_derives_or_refuse_a_contradiction(staging: Staging) -> None:
    try:
        program = staging.program()
    except (ConditionError, FenceError):
        reject()
    states, disagreements = shadow.derive(staging.knowledge, staging.record)
    contradiction = any(not states[item.fact].values for item in staging.facts)
    event(f"contradiction: {contradiction}, disagreements: {bool(disagreements)}")
    try:
        if contradiction:
            with pytest.raises(EngineError):
                stage(staging.record, staging.knowledge, program)
            return
        derived, named, disputed, steps = stage(staging.record, staging.knowledge, program)
        assert derived == states
        assert set(disputed) == disagreements
        assert {item.fact for item in named} <= {item.fact for item in staging.facts if states[item.fact].known}
        assert len(_canonical(list(steps))) == len(set(steps))
    finally:
        program.staging.close()


# Cases with a name

YES, NO = OneOf(frozenset([True])), OneOf(frozenset([False]))
STAGES = Domain(values=("A", "B", "C"), partial=True)


def _stage_of(given: str | None, *, excludes: bool = True) -> Callable[..., tuple[State, dict[str, Any]]]:
    domains = {f"is {value}": Domain(values=(True, False)) for value in STAGES.values} | {"stage": STAGES}
    values: list[tuple[Scalar, Condition]] = [(v, ((Literal(f"is {v}", YES),),)) for v in STAGES.values]
    fact = derived_fact("stage", values, given=True, excludes=excludes)

    def run(**answers: bool | None) -> tuple[State, dict[str, Any]]:
        record = {
            f"is {v}": State(
                values=frozenset([True, False] if answers.get(str(v)) is None else [bool(answers[str(v)])])
            )
            for v in STAGES.values
        }
        record["stage"] = State(values=frozenset(STAGES.values if given is None else [given]))
        staging = Staging((fact,), domains, record)
        states, _, disputed, _ = stage(record, staging.knowledge, staging.program())
        return states["stage"], dict(disputed)

    return run


def test_a_stage_follows_from_its_own_rule() -> None:
    assert _stage_of(None)(B=True) == (State(values=frozenset("B")), {})


def test_the_only_stage_that_is_left_is_the_stage() -> None:
    assert _stage_of(None)(A=False, C=False) == (State(values=frozenset("B")), {})


def test_a_stage_that_is_ruled_out_leaves_the_others_open() -> None:
    assert _stage_of(None)(C=False) == (State(values=frozenset("AB")), {})
    assert _stage_of(None, excludes=False)(C=False) == (State(values=frozenset("ABC")), {})


def test_the_stage_that_the_record_gives_is_used_and_a_derived_one_that_differs_is_reported() -> None:
    assert _stage_of("A")(A=True) == (State(values=frozenset("A")), {})
    assert _stage_of("A")(B=True) == (State(values=frozenset("A")), {"stage": "B"})


def test_a_given_stage_that_the_rules_exclude_is_reported_without_another_one() -> None:
    assert _stage_of("A")(A=False) == (State(values=frozenset("A")), {"stage": None})


def test_two_stages_at_once_are_refused() -> None:
    with pytest.raises(EngineError, match="at once"):
        _stage_of(None)(A=True, B=True)


def test_no_stage_at_all_is_refused() -> None:
    with pytest.raises(EngineError):
        _stage_of(None)(A=False, B=False, C=False)
