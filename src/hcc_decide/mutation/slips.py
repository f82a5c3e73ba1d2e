"""Changes of one test on one fact: ``afp_ng_ml: {at_least: 400}`` and what a slip of the pen makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hcc_decide.knowledge.condition import Scalar
from hcc_decide.knowledge.wording import Words

LIMITS = ("at_least", "above", "at_most", "below")
CHOICES = ("any_of", "none_of", "all_of")
FEW = 9
"""A fact of at most so many values has each of them tried; of longer lists only the next one."""


@dataclass(frozen=True)
class Change:
    """A change of a piece of a file.

    Attributes:
        kind: the kind of error.
        label: the change in words, as a rule author would say it.
        value: what the piece becomes.
    """

    kind: str
    label: str
    value: Any


def changed_tests(name: str, test: Any, words: Words) -> Iterator[Change]:
    """Yield every change of one test.

    Args:
        name: the fact.
        test: what the file says of it.
        words: the vocabulary with its members.
    """
    kind = words.facts[name].kind if name in words.facts else None
    if kind in ("integer", "number") and isinstance(test, dict):
        yield from _of_number(test, words, name)
    elif kind == "boolean" and isinstance(test, bool):
        yield Change("value swapped", f"{_shown(test)} -> {_shown(not test)}", not test)
    elif kind == "set" and isinstance(test, dict):
        yield from _of_lists(test, words.values(name))
    elif kind == "category":
        values = words.values(name)
        if isinstance(test, dict):
            yield from _of_lists(test, values, choices=CHOICES[:2])
        else:
            yield from _of_value(test, values)


def _of_number(test: dict[str, Any], words: Words, name: str) -> Iterator[Change]:
    limits = [key for key in LIMITS if key in test]
    for key in limits:
        limit = test[key]
        if isinstance(limit, bool) or not isinstance(limit, (int, float)):
            continue
        for other in _near(limit):
            yield Change("threshold moved", f"{key} {limit:g} -> {other:g}", {**test, key: other})
        for flipped in LIMITS:
            if flipped not in test and _sides(flipped, [item for item in limits if item != key]):
                yield Change("comparison flipped", f"{key} -> {flipped} {limit:g}", _renamed(test, key, flipped))
        if len(limits) > 1:
            rest = {item: value for item, value in test.items() if item != key}
            yield Change("limit dropped", f"{key} {limit:g} dropped", rest)
    member, per = test.get("of"), words.facts[name].per
    if per is not None and member in words.members[per]:
        following = _next(member, words.members[per])
        yield Change("value swapped", f"of {member} -> {following}", {**test, "of": following})


def _near(limit: float) -> list[float]:
    """Return the limit one step lower and higher, and a tenth lower and higher; whole limits stay whole."""
    if isinstance(limit, int) or float(limit).is_integer():
        whole = int(limit)
        found: list[float] = [whole - 1, whole + 1, round(whole * 0.9), round(whole * 1.1)]
    else:
        places = len(str(limit).partition(".")[2])
        step = 10.0**-places
        found = [round(value, places + 1) for value in (limit - step, limit + step, limit * 0.9, limit * 1.1)]
    return [value for value in dict.fromkeys(found) if value != limit]


def _sides(limit: str, others: Sequence[str]) -> bool:
    """Whether a limit can stand beside others: one lower and one upper limit at most."""
    lower = LIMITS[:2]
    return all((limit in lower) != (other in lower) for other in others)


def _renamed(test: dict[str, Any], key: str, other: str) -> dict[str, Any]:
    return {other if item == key else item: value for item, value in test.items()}


def _of_value(test: Any, values: Sequence[Scalar]) -> Iterator[Change]:
    for other in _others([test], values):
        yield Change("value swapped", f"{_shown(test)} -> {_shown(other)}", other)
        if len(values) > 2:
            yield Change("value added", f"{_shown(other)} added", {"any_of": [test, other]})
    yield Change("list reversed", f"{_shown(test)} -> none of it", {"none_of": [test]})


def _of_lists(test: dict[str, Any], values: Sequence[Scalar], choices: Sequence[str] = CHOICES) -> Iterator[Change]:
    every = [member for key in choices for member in test.get(key, [])]
    for key in choices:
        listed = test.get(key)
        if not isinstance(listed, list):
            continue
        for member in listed:
            rest = [item for item in listed if item != member]
            if rest:
                yield Change("value dropped", f"{key} {_shown(member)} dropped", {**test, key: rest})
            elif len(test) > 1:
                less = {item: value for item, value in test.items() if item != key}
                yield Change("value dropped", f"{key} {_shown(member)} dropped", less)
            for other in _others([member, *every], values):
                swapped = [other if item == member else item for item in listed]
                label = f"{key} {_shown(member)} -> {_shown(other)}"
                yield Change("value swapped", label, {**test, key: swapped})
        for other in _others(listed[-1:] + every, values):
            yield Change("value added", f"{key} {_shown(other)} added", {**test, key: [*listed, other]})
        for other_key in choices:
            if other_key not in test:
                yield Change("list reversed", f"{key} -> {other_key}", _renamed(test, key, other_key))


def _others(known: Sequence[Any], values: Sequence[Scalar]) -> list[Scalar]:
    """Return the values that are not known: all where there are few, else the one after the first."""
    left = [value for value in values if value not in known]
    if len(values) <= FEW or not left:
        return left
    start = values.index(known[0]) if known[0] in values else 0
    return [min(left, key=lambda value: (values.index(value) - start) % len(values))]


def _next(value: str, values: Sequence[str]) -> str:
    return values[(values.index(value) + 1) % len(values)]


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
