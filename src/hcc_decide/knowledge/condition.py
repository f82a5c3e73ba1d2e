"""Conditions on facts: what a rule's ``when`` means.

A condition is a disjunction of conjunctions of literals. Each literal compares one attribute with constants only, so every
attribute falls into finitely many classes. Truth has three values: a literal is unknown while the patient's facts leave it open.

An attribute is a fact, or for sets and per-option facts one member of it, written ``etiology[hbv]``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

Scalar = bool | int | str

MAX_CONJUNCTIONS = 96
"""A condition, or its negation, that needs more conjunctions than this is refused: split it."""


class ConditionError(ValueError):
    """A ``when`` that does not fit the vocabulary. The message is one sentence for a rule author."""


@dataclass(frozen=True)
class OneOf:
    """The value is one of these constants."""

    values: frozenset[Scalar]


@dataclass(frozen=True)
class Span:
    """The number lies between two constants; an open bound excludes the constant itself."""

    low: float = -math.inf
    low_open: bool = False
    high: float = math.inf
    high_open: bool = False


@dataclass(frozen=True)
class Inapplicable:
    """The number does not exist for this patient, for example the dose of a drug never given."""


Test = OneOf | Span | Inapplicable


@dataclass(frozen=True)
class Literal:
    """One test on one attribute."""

    attribute: str
    test: Test


Conjunction = tuple[Literal, ...]
Condition = tuple[Conjunction, ...]


@dataclass(frozen=True)
class Domain:
    """What values an attribute can take.

    Attributes:
        values: every value of a boolean or category, in order; empty for numbers.
        per_member: a number that may not exist for a patient (see `Inapplicable`).
        spans: a number that may be known only as lying between two bounds.
        partial: a category that may be known only as one of several values.
    """

    values: tuple[Scalar, ...] = ()
    per_member: bool = False
    spans: bool = False
    partial: bool = False


@dataclass(frozen=True)
class State:
    """What is known of one attribute of one patient.

    Attributes:
        values: the values still possible, for a boolean or category.
        low, high: the bounds of a number; equal when it is known.
        applicable: false when the number does not exist.
    """

    values: frozenset[Scalar] | None = None
    low: float = -math.inf
    high: float = math.inf
    applicable: bool = True

    @property
    def known(self) -> bool:
        """Whether exactly one value is possible."""
        if not self.applicable:
            return True
        return len(self.values) == 1 if self.values is not None else self.low == self.high


def conjoin(literals: Iterable[Literal]) -> Conjunction:
    """Put literals into one fixed order, each once."""
    distinct = tuple(dict.fromkeys(literals))
    return distinct if len(distinct) < 2 else tuple(sorted(distinct, key=_order))


def _order(literal: Literal) -> tuple[str, str]:
    test = literal.test
    shown = str(sorted(map(str, test.values))) if isinstance(test, OneOf) else str(test)
    return literal.attribute, shown


def absorb(conjunctions: Iterable[Conjunction]) -> Condition:
    """Drop conjunctions that a shorter one already covers."""
    distinct = set(conjunctions)
    if len(distinct) < 2:
        return tuple(distinct)
    kept: dict[Conjunction, frozenset[Literal]] = {}
    for candidate in sorted(distinct, key=lambda c: (len(c), [_order(part) for part in c])):
        literals = frozenset(candidate)
        if not any(other <= literals for other in kept.values()):
            kept[candidate] = literals
    return tuple(kept)


def negate_literal(literal: Literal, domain: Domain) -> list[Literal]:
    """Return the literals of which one must hold for ``literal`` to be false."""
    name, test = literal.attribute, literal.test
    if isinstance(test, OneOf):
        rest = frozenset(domain.values) - test.values
        return [Literal(name, OneOf(rest))] if rest else []
    if isinstance(test, Inapplicable):
        return [Literal(name, Span())]
    parts: list[Literal] = []
    if test.low > -math.inf:
        parts.append(Literal(name, Span(high=test.low, high_open=not test.low_open)))
    if test.high < math.inf:
        parts.append(Literal(name, Span(low=test.high, low_open=not test.high_open)))
    if domain.per_member:
        parts.append(Literal(name, Inapplicable()))
    return parts


def negate(condition: Condition, domains: Mapping[str, Domain]) -> Condition:
    """Return the condition that is true exactly when ``condition`` is false.

    Raises:
        ConditionError: the negation needs more than ``MAX_CONJUNCTIONS`` conjunctions.
    """
    result: Condition = ((),)
    for conjunction in condition:
        failing = [part for literal in conjunction for part in negate_literal(literal, domains[literal.attribute])]
        result = absorb(conjoin((*done, part)) for done, part in product(result, failing))
        if len(result) > MAX_CONJUNCTIONS:
            raise ConditionError(
                f"needs more than {MAX_CONJUNCTIONS} combinations; split it into smaller derived facts"
            )
    return result


def holds(test: Test, state: State) -> bool | None:
    """Judge one test: true, false, or ``None`` while ``state`` leaves it open."""
    if isinstance(test, OneOf):
        if not state.applicable:
            return False
        possible = state.values or frozenset()
        return True if possible <= test.values else False if possible.isdisjoint(test.values) else None
    if isinstance(test, Inapplicable):
        return (not state.applicable) if state.known or not state.applicable else None
    if not state.applicable:
        return False
    if not state.known and test == Span():
        return None  # a number that may not exist at all
    low_inside = state.low > test.low or (state.low == test.low and not test.low_open)
    high_inside = state.high < test.high or (state.high == test.high and not test.high_open)
    if low_inside and high_inside:
        return True
    low_beyond = state.low > test.high or (state.low == test.high and test.high_open)
    high_below = state.high < test.low or (state.high == test.low and test.low_open)
    return False if low_beyond or high_below else None


def judge(condition: Condition, states: Mapping[str, State]) -> bool | None:
    """Judge a condition in three-valued logic."""
    verdict: bool | None = False
    for conjunction in condition:
        whole: bool | None = True
        for literal in conjunction:
            part = holds(literal.test, states[literal.attribute])
            if part is False:
                break
            if part is None:
                whole = None
        else:
            if whole is True:
                return True
            verdict = None
    return verdict


def attributes_of(condition: Condition) -> tuple[str, ...]:
    """Return the attributes that a condition reads, each once, in order."""
    return tuple(sorted({literal.attribute for conjunction in condition for literal in conjunction}))


def fact_of(attribute: str) -> str:
    """Return the fact behind an attribute: ``etiology`` for ``etiology[hbv]``."""
    return attribute.partition("[")[0]


def member_of(attribute: str) -> str | None:
    """Return the member that an attribute names, if any: ``hbv`` for ``etiology[hbv]``."""
    return attribute.partition("[")[2][:-1] or None
