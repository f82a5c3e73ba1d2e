"""Three-valued sentences as z3 formulas: when a sentence is surely true, and when it is surely false."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import z3

from hcc_decide.knowledge.condition import Condition, Inapplicable, OneOf, Scalar, Span, Test


@dataclass(frozen=True)
class Truth:
    """A sentence about the patient; unknown when neither formula holds.

    Attributes:
        true: when the facts known settle that it holds.
        false: when they settle that it does not.
    """

    true: z3.BoolRef
    false: z3.BoolRef

    @property
    def unknown(self) -> z3.BoolRef:
        """When the facts known leave it open."""
        return z3.Not(z3.Or(self.true, self.false))


ALWAYS = Truth(z3.BoolVal(True), z3.BoolVal(False))


@dataclass(frozen=True)
class Choice:
    """What is known of a boolean or category: for each value, when it is still possible."""

    possible: Mapping[Scalar, z3.BoolRef]

    def among(self, values: Iterable[Scalar]) -> z3.BoolRef:
        """When no value but these is possible."""
        chosen = set(values)
        return z3.And([z3.Not(when) for value, when in self.possible.items() if value not in chosen])


@dataclass(frozen=True)
class Quantity:
    """What is known of a number.

    Attributes:
        known: when its bounds are known; without them it may be any number.
        low, high: the bounds, equal when it is known exactly.
        applicable: when the number exists for the patient.
    """

    known: z3.BoolRef
    low: z3.ArithRef
    high: z3.ArithRef
    applicable: z3.BoolRef


Known = Choice | Quantity


def both(parts: Iterable[Truth]) -> Truth:
    """Kleene's conjunction."""
    found = list(parts)
    return Truth(z3.And([part.true for part in found]), z3.Or([part.false for part in found]))


def either(parts: Iterable[Truth]) -> Truth:
    """Kleene's disjunction."""
    found = list(parts)
    return Truth(z3.Or([part.true for part in found]), z3.And([part.false for part in found]))


def constant(value: float) -> z3.ArithRef:
    """Return a number as z3 reads it, exactly as the engine compares it."""
    return z3.Q(*Fraction(value).as_integer_ratio())


def judge(condition: Condition, states: Mapping[str, Known]) -> Truth:
    """Return when a condition is true and when it is false."""
    return either(both(test(literal.test, states[literal.attribute]) for literal in part) for part in condition)


def test(what: Test, state: Known) -> Truth:
    """Return when one test is true and when it is false."""
    if isinstance(state, Choice):
        assert isinstance(what, OneOf)
        rest = [value for value in state.possible if value not in what.values]
        return Truth(state.among(what.values), state.among(rest))
    if isinstance(what, Inapplicable):
        return Truth(z3.Not(state.applicable), z3.And(state.applicable, state.known))
    assert isinstance(what, Span)
    return _inside(what, state)


def _inside(span: Span, state: Quantity) -> Truth:
    inside: list[z3.BoolRef] = [state.applicable, state.known]
    outside: list[z3.BoolRef] = []
    if span.low > -math.inf:
        limit = constant(span.low)
        inside.append(state.low > limit if span.low_open else state.low >= limit)
        outside.append(state.high <= limit if span.low_open else state.high < limit)
    if span.high < math.inf:
        limit = constant(span.high)
        inside.append(state.high < limit if span.high_open else state.high <= limit)
        outside.append(state.low >= limit if span.high_open else state.low > limit)
    return Truth(z3.And(inside), z3.Or(z3.Not(state.applicable), z3.And(state.known, z3.Or(outside))))
