"""The finitely many classes of everything that can be known of an attribute, as far as rules can tell.

Rules compare facts with constants only. So a number falls into one of finitely many intervals, and two patients whose facts fall
into the same classes get the same verdicts.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import State, fact_of
from hcc_decide.knowledge.schema import Fact, Limits, PartialValue

STEP = 1.0
"""How far beyond the outermost constants a number that stands for its class lies."""


def classes_of(knowledge: Knowledge, attribute: str) -> tuple[State, ...]:
    """Return one state for each class of what can be known of an attribute; the last one is that nothing is known.

    Of a category these are its values, those that leave several values open, and nothing known; of a number the constants
    that rules compare it with, a number between each two of them and beyond the outermost, nothing known, and that it does
    not exist where it belongs to a treatment that may not have been given. A number known as lying between two bounds
    only (`Domain.spans`) has each pair of such numbers.

    Args:
        knowledge: for the vocabulary and the constants of the rules.
        attribute: an attribute that rules read.
    """
    fact = knowledge.vocabulary.facts[fact_of(attribute)]
    domain = knowledge.domain(attribute)
    if domain.values:
        states = [State(values=frozenset([value])) for value in domain.values]
        states += [
            State(values=frozenset(label.means))
            for label in (fact.values or {}).values()
            if isinstance(label, PartialValue)
        ]
        return (*states, State(values=frozenset(domain.values)))
    numbers = representatives(fact, knowledge.limits.get(attribute, ()))
    if domain.spans:
        pairs = [State(low=low, high=high) for low in numbers for high in numbers if low <= high]
        return (*pairs, State())
    absent = [State(applicable=False)] if domain.per_member else []
    return (*(State(low=number, high=number) for number in numbers), *absent, State())


def position(value: float, constants: Sequence[float]) -> int:
    """Return the class of a number: even between two constants or beyond the outermost, odd for a constant itself.

    Args:
        value: the number.
        constants: what rules compare it with, sorted.

    >>> [position(value, (200, 400)) for value in (12, 200, 300, 400, 812)]
    [0, 1, 2, 3, 4]
    """
    return bisect_left(constants, value) + bisect_right(constants, value)


def class_of(state: State, constants: Sequence[float]) -> object:
    """Return the class of what is known of an attribute: equal for states that no rule can tell apart.

    Args:
        state: what is known.
        constants: what rules compare the attribute with, sorted; of no weight unless it is a number.
    """
    if state.values is not None or not state.applicable:
        return state
    return position(state.low, constants), position(state.high, constants)


class AttributeClasses:
    """Numbers the classes of each attribute as they are met, from 0, and keeps the first state met of each."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Number nothing yet."""
        self._limits = knowledge.limits
        self._by_state: dict[str, dict[State, int]] = {name: {} for name in knowledge.attributes()}
        self._by_class: dict[str, dict[object, int]] = {name: {} for name in knowledge.attributes()}
        self._states: dict[str, list[State]] = {name: [] for name in knowledge.attributes()}

    def of(self, attribute: str, state: State) -> int:
        """Return the number of the class that a state of an attribute belongs to."""
        known = self._by_state[attribute]
        found = known.get(state)
        if found is None:
            classes = self._by_class[attribute]
            found = known[state] = classes.setdefault(class_of(state, self._limits.get(attribute, ())), len(classes))
            if found == len(self._states[attribute]):
                self._states[attribute].append(state)
        return found

    def state(self, attribute: str, number: int) -> State:
        """Return the state that stands for a class."""
        return self._states[attribute][number]

    def states(self, attribute: str) -> Sequence[State]:
        """Return the states that stand for the classes of an attribute met so far, by number."""
        return self._states[attribute]


def representatives(fact: Fact, constants: tuple[float, ...]) -> tuple[float, ...]:
    """Return one number for each interval that constants cut a number's range into, and each constant, in order.

    Args:
        fact: the fact, for its range and whether it is a whole number.
        constants: what rules compare it with, sorted.
    """
    if not constants:
        return (_within(fact.range, STEP),)
    points = [constants[0] - STEP]
    for one, other in itertools.pairwise(constants):
        # Between two constants; of whole numbers the next one, if there is room.
        points += [one, one + STEP if fact.kind == "integer" and one + STEP < other else (one + other) / 2]
    points += [constants[-1], constants[-1] + STEP]
    if fact.kind == "integer":
        points = [point for point in points if point.is_integer()]
    low = points[0]
    if not _allowed(fact.range, low):
        # Whatever lies below the lowest constant may be less than a step away from the end of the range.
        low = _between(fact.range, constants[0])
    return tuple(dict.fromkeys(point for point in (low, *points[1:]) if _allowed(fact.range, point)))


def _between(limits: Limits | None, constant: float) -> float:
    least = limits.at_least if limits and limits.at_least is not None else limits.above if limits else None
    return constant - STEP if least is None else (float(least) + constant) / 2


def _within(limits: Limits | None, number: float) -> float:
    if _allowed(limits, number):
        return number
    assert limits is not None
    known = [float(bound) for bound in (limits.at_least, limits.at_most) if bound is not None]
    return known[0]


def _allowed(limits: Limits | None, number: float) -> bool:
    if limits is None:
        return True
    return not (
        (limits.at_least is not None and number < limits.at_least)
        or (limits.at_most is not None and number > limits.at_most)
        or (limits.above is not None and number <= limits.above)
        or (limits.below is not None and number >= limits.below)
    )
