"""The units a number can be typed in. The form and the record hold the fact's own unit, whatever is shown.

A number that is shown in another unit has a field of its own there (see `form.numbers`). So a number is never read in a unit
other than the one it was typed in, however fast someone goes from one unit to the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hcc_decide.knowledge.schema import Fact

CHOSEN = "patient_units"
"""Keeps the units that were chosen, by fact, on all pages and for the next patient too. It is no part of the record."""

DIGITS = 15
"""Significant digits that survive every conversion: 3 mg/dL is 51.3 µmol/L, not 51.300000000000004."""

SHOWN_DIGITS = 4
"""Significant digits that are shown of a number that came of a conversion; nobody reads 0.8187134502923976."""


def unit_key(name: str) -> str:
    """Return the key of an entry that says in which unit a fact's number stands; without it, the number is in the fact's own."""
    return f"unit_{name}"


def units_of(fact: Fact) -> Mapping[str, float]:
    """Return the units of a fact, its own first, with what one of each is in its own; empty when there is no choice."""
    return {fact.unit: 1.0, **fact.also_in} if fact.unit and fact.also_in else {}


def unit_of(name: str, fact: Fact, state: Mapping[str, Any]) -> str | None:
    """Return the unit in which a fact is shown and typed.

    Args:
        name: the fact's name.
        fact: the fact.
        state: what stands in the form, with the units that were chosen.
    """
    chosen = state.get(CHOSEN, {}).get(name)
    return str(chosen) if chosen in fact.also_in else fact.unit


def stands_in(name: str, fact: Fact, state: Mapping[str, Any]) -> str | None:
    """Return the unit in which the number of a fact stands in a state: the one that the state names, or the fact's own."""
    named = state.get(unit_key(name))
    return str(named) if named in fact.also_in else fact.unit


def to_record(number: float | None, fact: Fact, unit: str | None) -> float | None:
    """Convert a number as typed to the fact's own unit.

    Args:
        number: what was typed.
        fact: the fact.
        unit: one of its units.
    """
    if number is None or unit is None or unit == fact.unit:
        return number
    value = number * units_of(fact)[unit]
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else value


def from_record(value: float | None, fact: Fact, unit: str | None) -> float | None:
    """Convert a value in the fact's own unit to another one, so that `to_record` gives back the same value."""
    if value is None or unit is None or unit == fact.unit:
        return value
    number = value / units_of(fact)[unit]
    clean = float(f"{number:.{DIGITS - 3}g}")
    return clean if to_record(clean, fact, unit) == value else number


def number_format(number: float | None, *, converted: bool) -> str:
    """Return how a number is shown: as typed, or shortened when it came of a conversion."""
    if not converted or number is None or float(f"{number:.6g}") == number:
        return "%g"
    return f"%.{SHOWN_DIGITS}g"


def as_typed(message: str, number: float | None, value: object, fact: Fact, unit: str | None) -> str:
    """Write why a value is refused, with the number as it was typed and its unit.

    Args:
        message: why, beginning with the value.
        number: the number that stands in the form, in the fact's own unit.
        value: the value in the record.
        fact: the fact.
        unit: the unit in which it was typed.
    """
    if number is None or unit == fact.unit:
        return message
    told = message.removeprefix(str(value))
    return f"{from_record(number, fact, unit):g} {unit} ({value} {fact.unit}){':' if told == message else ''} {told.strip()}"
