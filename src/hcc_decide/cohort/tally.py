"""Counts over a cohort. They add up: those of two parts of a table give those of the whole, in any order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

LABEL = "synthetic-"
"""What every ``case_id`` of a generated patient begins with."""


@dataclass
class Tally:
    """What a cohort came to, counted in patients unless said otherwise.

    Attributes:
        rows: rows that were decided.
        refused: rows that were not.
        problems: refused rows by what is wrong: the field, or the whole sentence when it is about no field.
        classes: distinct classes of patients; of a whole table only, 0 for a part of one.
        synthetic: rows whose case id says that they are generated.
        given: how many rows give each field of the record.
        settings: by setting.
        stages: by setting and BCLC stage (``None`` while it is open).
        first_choices: by setting and first choice: the ids of every usable option of rank 1 joined with ``;``, empty when
            no option is usable.
        verdicts: by setting, option and verdict; ``not_applicable`` is left out.
        excluded: by setting, option and rule: the criteria that an ineligible option fails.
        missing: by setting and fact: it is not known, and a verdict hangs on it.
        missing_first: by fact: it is not known, and an option hangs on it that would stand above the first choice.
        notices: by rule: notices shown.
        cautions: by option and rule: cautions of first choices.
        unusual: by fact: its value is allowed and unusual, perhaps in another unit.
        other_unit: by fact and unit: the unusual value would be usual if it stood in that unit.
        concordance: by setting, standing and option given, when there is a column of what was given; see
            `cohort.concordance`.
        reasons: by option given and rule: criteria that an option given fails.
        not_understood: by text: what a cell of that column says and no option is called.
    """

    rows: int = 0
    refused: int = 0
    classes: int = 0
    synthetic: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    settings: Counter[str] = field(default_factory=Counter)
    stages: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    first_choices: Counter[tuple[str, str]] = field(default_factory=Counter)
    verdicts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    excluded: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    missing_first: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    cautions: Counter[tuple[str, str]] = field(default_factory=Counter)
    unusual: Counter[str] = field(default_factory=Counter)
    other_unit: Counter[tuple[str, str]] = field(default_factory=Counter)
    concordance: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_understood: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add the counts of another part."""
        for item in fields(self):
            mine: Any = getattr(self, item.name)
            mine += getattr(other, item.name)
            setattr(self, item.name, mine)
