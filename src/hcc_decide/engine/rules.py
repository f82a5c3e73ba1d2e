"""From knowledge to the rules of a network: literal positive conditions on small facts, nothing else.

Facts of the network have a name and one value. The names are built here and nowhere else:

========================  ==========================================================
``bclc_stage``            the value in force
``bclc_stage!``           a value that is excluded
``bclc_stage@``           the value that the record gives, or that it gives none
``bclc_stage~``           the value that staging derives, to be compared or adopted
``bclc_stage~!``          a value that staging excludes
``child_pugh_points<``    lower bound of a number known as a span (``>``: upper bound)
========================  ==========================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import product
from typing import NamedTuple

from hcc_decide.knowledge.condition import (
    Condition,
    Conjunction,
    Domain,
    Inapplicable,
    Literal,
    OneOf,
    Scalar,
    Span,
    State,
)

EXCLUDED, GIVEN, DERIVED, LOWER, UPPER = "!", "@", "~", "<", ">"
NONE = "none given"

MAX_NARROW = 5

NetValue = bool | str | float


class NetFact(NamedTuple):
    """One fact of the network."""

    name: str
    value: NetValue


class NetTest(NamedTuple):
    """One condition of a network rule: a fact of this name with this value, or between these bounds."""

    name: str
    value: bool | str | None = None
    span: Span | None = None


class NetRule(NamedTuple):
    """A rule of the network.

    Attributes:
        source: the id of the knowledge rule it stands for.
        tests: all must hold.
        asserts: what it asserts when it fires.
    """

    source: str
    tests: tuple[NetTest, ...]
    asserts: NetFact


def text_of(value: Scalar) -> bool | str:
    """Return a category's value as the network carries it: truth values as they are, all else as text."""
    return value if isinstance(value, bool) else str(value)


def narrow(domain: Domain) -> bool:
    """Whether a known value of this domain always comes with the exclusion of its few other values.

    A test for one of several values then needs one conjunction, where otherwise each value would need its own.
    """
    return domain.partial and len(domain.values) <= MAX_NARROW


def alternatives(literal: Literal, domain: Domain) -> list[tuple[NetTest, ...]]:
    """Return the conjunctions of network tests of which one must hold for ``literal`` to hold."""
    name, test = literal.attribute, literal.test
    if isinstance(test, Inapplicable):
        return [(NetTest(name, NONE),)]
    if isinstance(test, Span):
        if not domain.spans:
            return [(NetTest(name, span=test),)]
        low = NetTest(name + LOWER, span=Span(low=test.low, low_open=test.low_open))
        high = NetTest(name + UPPER, span=Span(high=test.high, high_open=test.high_open))
        return [tuple(part for part, limit in ((low, test.low), (high, test.high)) if math.isfinite(limit))]
    assert isinstance(test, OneOf)
    chosen = [value for value in domain.values if value in test.values]
    others = [value for value in domain.values if value not in test.values]
    by_exclusion = tuple(NetTest(name + EXCLUDED, text_of(value)) for value in others)
    if narrow(domain) and len(chosen) > 1 and others:
        return [by_exclusion]
    found: list[tuple[NetTest, ...]] = [(NetTest(name, text_of(value)),) for value in chosen]
    if domain.partial and len(chosen) > 1 and others:
        found.append(by_exclusion)
    return found


def tests_for(conjunction: Conjunction, domains: Mapping[str, Domain]) -> Iterable[tuple[NetTest, ...]]:
    """Yield every conjunction of network tests that makes ``conjunction`` hold."""
    for choice in product(*(alternatives(literal, domains[literal.attribute]) for literal in conjunction)):
        tests = _one_span_each(test for part in choice for test in part)
        if tests is not None:
            yield tests


def _one_span_each(tests: Iterable[NetTest]) -> tuple[NetTest, ...] | None:
    """Join the spans on one name, because one fact cannot stand for two conditions; ``None`` if no number meets them."""
    found: dict[object, NetTest] = {}
    for test in tests:
        if test.span is None:
            found[test] = test
            continue
        span = test.span if test.name not in found else _intersection(found[test.name].span or Span(), test.span)
        if span.low > span.high or (span.low == span.high and (span.low_open or span.high_open)):
            return None
        found[test.name] = NetTest(test.name, span=span)
    return tuple(found.values())


def _intersection(one: Span, other: Span) -> Span:
    low, low_open = max((one.low, one.low_open), (other.low, other.low_open))
    high, high_closed = min((one.high, not one.high_open), (other.high, not other.high_open))
    return Span(low=low, low_open=low_open, high=high, high_open=not high_closed)


def rules_for(source: str, condition: Condition, domains: Mapping[str, Domain], asserts: NetFact) -> list[NetRule]:
    """Return the network rules that assert ``asserts`` when ``condition`` holds."""
    seen: dict[frozenset[NetTest], NetRule] = {}
    for conjunction in condition:
        for tests in tests_for(conjunction, domains):
            seen.setdefault(frozenset(tests), NetRule(source, tests, asserts))
    return list(seen.values())


def facts_for(attribute: str, state: State, domain: Domain) -> list[NetFact]:
    """Return the network facts that say what is known of an attribute."""
    if not state.applicable:
        return [NetFact(attribute, NONE)]
    if state.values is not None:
        held = [NetFact(attribute, text_of(value)) for value in state.values] if len(state.values) == 1 else []
        if held and not narrow(domain):
            return held
        gone = [value for value in domain.values if value not in state.values] if domain.partial else []
        return [*held, *(NetFact(attribute + EXCLUDED, text_of(value)) for value in gone)]
    if domain.spans:
        bounds = ((LOWER, state.low), (UPPER, state.high))
        return [NetFact(attribute + mark, bound) for mark, bound in bounds if math.isfinite(bound)]
    return [NetFact(attribute, state.low)] if state.low == state.high else []
