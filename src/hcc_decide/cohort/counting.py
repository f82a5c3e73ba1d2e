"""Counts over a chunk of a table: each class counts as often as there are rows of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from hcc_decide.cohort.columns import Decided, Part
from hcc_decide.cohort.judge import Alike
from hcc_decide.cohort.places import sortable
from hcc_decide.cohort.shape import Broken, Refused
from hcc_decide.cohort.tally import LABEL, Tally
from hcc_decide.cohort.wording import Rows
from hcc_decide.decision import VERDICTS
from hcc_decide.engine.tables import NOT_APPLICABLE, UNDETERMINED, Small, verdict_of
from hcc_decide.plausible import implausible

Key = TypeVar("Key", bound=Hashable)

_FIELD = re.compile(r"([a-z_]+)[\[.:]")
_NO_CHOICE = 1 << 62


def tally_of(decided: Decided) -> Tally:
    """Return the counts over a chunk.

    Args:
        decided: what was decided for it.
    """
    count = _Count(decided)
    found = Tally(
        rows=len(decided.encoded.rows),
        synthetic=int(decided.case_ids.str.starts_with(LABEL).sum()),
        given=Counter(decided.encoded.given),
    )
    count_refused(found, decided.encoded.refused)
    found.settings = Counter({name: number for name, number in count.by_setting(count.everyone).items() if number})
    stages, values = decided.stages
    for place, numbers in count.by_setting_and(stages).items():
        _add(found.stages, ((name, values[place]) for name in count.names), numbers)
    firsts, texts = decided.first_choices
    for place, numbers in count.by_setting_and(firsts).items():
        _add(found.first_choices, ((name, texts[place]) for name in count.names), numbers)
    best = decided.best(_NO_CHOICE)
    for part in decided.parts:
        here = _CountPart(decided, part)
        _count_options(found, here)
        for fact, rows in _missing(part).items():
            found.missing[here.setting, fact] += here.of(rows)
        for fact, rows in _missing_first(here, best[part.rows]).items():
            found.missing_first[fact] += here.of(rows)
    for name, rows in zip(decided.wording.notices, decided.noticed, strict=True):
        found.notices[name] += count.of(rows)
    for option, rule, rows in decided.first_cautions:
        found.cautions[option, rule.id] += count.of(rows)
    _count_unusual(found, decided, count)
    for item in (found.missing_first, found.notices, found.unusual):
        _drop_zeros(item)
    _drop_zeros(found.missing)
    _drop_zeros(found.cautions)
    _drop_zeros(found.other_unit)
    return found


def count_refused(found: Tally, refused: Iterable[Refused | Broken]) -> None:
    """Count rows that have no decision, by what is wrong with them."""
    for row in refused:
        found.refused += 1
        problems = (row.reason,) if isinstance(row, Broken) else row.problems
        names = dict.fromkeys(match[1] if (match := _FIELD.match(text)) else text for text in problems)
        found.problems.update(list(names))


class _Count:
    """Counts rows by their classes."""

    def __init__(self, decided: Decided) -> None:
        self.names = decided.wording.settings
        self.everyone = np.ones(decided.encoded.classes, dtype=bool)
        self._settings = decided.settings.astype(np.int64)
        self._weights = decided.weights

    def of(self, rows: Rows) -> int:
        """Return how many rows are of some classes."""
        return int(self._weights[rows].sum())

    def by_setting(self, rows: Rows) -> dict[str, int]:
        """Return how many rows are of some classes, by setting."""
        found = np.bincount(self._settings[rows], weights=self._weights[rows], minlength=len(self.names))
        return dict(zip(self.names, found.astype(np.int64).tolist(), strict=True))

    def by_setting_and(self, numbers: npt.NDArray[np.integer[Any]]) -> dict[int, dict[str, int]]:
        """Return how many rows are of some classes, by a small number of each class and by setting."""
        size = len(self.names)
        found = np.bincount(numbers * np.int64(size) + self._settings, weights=self._weights)
        table = np.append(found, np.zeros(-len(found) % size)).astype(np.int64).reshape(-1, size)
        rows = np.flatnonzero(table.any(axis=1)).tolist()
        return {number: dict(zip(self.names, table[number].tolist(), strict=True)) for number in rows}


class _CountPart:
    """Counts rows of one part of a chunk."""

    def __init__(self, decided: Decided, part: Part) -> None:
        self.part = part
        self.wording = decided.wording
        self.setting = decided.wording.settings[part.setting]
        self._weights = decided.weights[part.rows]
        # Mostly no two rows of a table are alike, and counting is quicker than adding up.
        self._single = bool((self._weights == 1).all())

    def of(self, rows: Rows) -> int:
        """Return how many rows are of some classes."""
        return int(np.count_nonzero(rows) if self._single else self._weights[rows].sum())

    def by(self, numbers: Small) -> dict[int, int]:
        """Return how many rows are of each of some small numbers."""
        found = np.bincount(numbers, weights=None if self._single else self._weights)
        return {place: int(number) for place, number in enumerate(found.tolist()) if number}


def _add(counter: Counter[Key], keys: Iterable[Key], numbers: dict[str, int]) -> None:
    for key, number in zip(keys, numbers.values(), strict=True):
        if number:
            counter[key] += number


def _drop_zeros(counter: Counter[Key]) -> None:
    for key in [key for key, number in counter.items() if not number]:
        del counter[key]


def _count_options(found: Tally, count: _CountPart) -> None:
    ineligible = VERDICTS.index("ineligible")
    for alike, standings in count.part.judged.groups:
        numbers = count.by(standings.standing)
        for option in alike.options:
            for standing, number in numbers.items():
                if standing != NOT_APPLICABLE:
                    found.verdicts[count.setting, option, verdict_of(standing)] += number
        if ineligible in numbers:
            _count_reasons(found, count, alike, standings.standing == ineligible)


def _count_reasons(found: Tally, count: _CountPart, alike: Alike, failed: Rows) -> None:
    """Count the criteria that ineligible options fail; conditions that options have in common are looked at once."""
    known: dict[Hashable, int] = {}
    for option in alike.options:
        criteria = count.wording.criteria[option]
        for rule in criteria.decisive:
            key = criteria.asks(rule)
            number = known.get(key)
            if number is None:
                number = known[key] = count.of(failed & criteria.fails(rule, count.part.judged))
            if number:
                found.excluded[count.setting, option, rule.id] += number


def _missing(part: Part) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    done: set[int] = set()
    for asked in part.gaps.by_option.values():
        if id(asked) in done:
            continue  # options that stand alike hang on the same
        done.add(id(asked))
        for fact, rows in asked.items():
            found[fact] = found[fact] | rows if fact in found else rows
    return found


def _missing_first(count: _CountPart, best: npt.NDArray[np.int64]) -> dict[str, Rows]:
    """Return by fact the classes where an option hangs on it that would stand above the first choice."""
    places, judged = count.wording.places, count.part.judged
    found: dict[str, Rows] = {}
    usable_below = UNDETERMINED + VERDICTS.index("investigational")
    for option, asked in count.part.gaps.by_option.items():
        treatment = places.options[option]
        standings = judged.options[option]
        rows = np.flatnonzero((standings.standing >= UNDETERMINED) & (standings.standing < usable_below))
        if not len(rows):
            continue
        levels = np.array([use.body.evidence_level for use in treatment.uses], dtype=np.int64)[standings.use[rows]]
        verdict = standings.standing[rows].astype(np.int64) - UNDETERMINED
        would = sortable(verdict, 0, levels, places.balance(option, judged)[rows].astype(np.int64))
        above = np.zeros(judged.classes, dtype=bool)
        above[rows] = would < best[rows]
        for fact, hanging in asked.items():
            here = hanging & above
            found[fact] = found[fact] | here if fact in found else here
    return found


def _count_unusual(found: Tally, decided: Decided, count: _Count) -> None:
    knowledge = decided.wording.tables.knowledge
    for field, classes in zip(decided.wording.usual, decided.unusual, strict=True):
        if not classes.any():
            continue
        found.unusual[field] += count.of(classes)
        values = decided.encoded.numbers[field][classes[decided.encoded.inverse]]
        for unit, factor in knowledge.vocabulary.facts[field].also_in.items():
            meant = [value * factor for value in values.tolist()]
            found.other_unit[field, unit] += sum(not implausible(knowledge, {field: value}) for value in meant)
