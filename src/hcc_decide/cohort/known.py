"""Numbers for rows of words that have been met: a hash table for whole columns, exact because every word is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int32]
WORD_BYTES = 8
UNKNOWN = -1

_FACTORS = tuple(
    np.uint64(factor)
    for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
)
"""Odd numbers whose bits are spread; their products spread the bits of words over the table."""
MOST_WORDS = len(_FACTORS)
_FIRST_BITS = 10
_SPARE = 4
"""How many places there are for each row at least; most rows are then found at the first place that is looked at."""


class Known:
    """Tells the number of each row of words. Rows may be of different width: words that are missing at the end are 0."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._bits = _FIRST_BITS
        self._count = 0
        self._words: list[Words] = [np.zeros(1 << self._bits, dtype=np.uint64)]
        self._numbers: Numbers = np.full(1 << self._bits, UNKNOWN, dtype=np.int32)

    def __len__(self) -> int:
        """Return how many rows are known."""
        return self._count

    def find(self, words: Sequence[Words]) -> Numbers:
        """Return the number of each row, `UNKNOWN` where there is none.

        Args:
            words: the columns of the rows, one to `MOST_WORDS`.
        """
        places = self._home(words)
        numbers = self._numbers.take(places)
        # An empty place ends the search; at a place that another row holds, it goes on with the next one.
        others = np.flatnonzero(~self._equal(words, places) & (numbers != UNKNOWN))
        while len(others):
            places[others] = (places[others] + 1) & (len(self._numbers) - 1)
            mine = [column[others] for column in words]
            numbers[others] = self._numbers.take(places[others])
            others = others[~self._equal(mine, places[others]) & (numbers[others] != UNKNOWN)]
        return numbers

    def add(self, words: Sequence[Words], numbers: npt.NDArray[np.integer[Any]]) -> None:
        """Make rows known.

        Args:
            words: the columns of rows that are distinct and not known.
            numbers: of each, none of them negative.
        """
        while len(self._words) < len(words):
            self._words.append(np.zeros(len(self._numbers), dtype=np.uint64))
        total = self._count + len(numbers)
        if total * _SPARE > len(self._numbers):
            self._grow(total)
        self._put(words, numbers.astype(np.int32))
        self._count = total

    def _home(self, words: Sequence[Words]) -> npt.NDArray[np.int64]:
        mixed = words[0] * _FACTORS[0]
        for column, factor in zip(words[1:], _FACTORS[1:], strict=False):
            mixed += column * factor  # a word that is 0 changes nothing
        mixed >>= np.uint64(64 - self._bits)
        return mixed.view(np.int64)

    def _equal(self, words: Sequence[Words], places: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = np.ones(len(places), dtype=bool)
        for number in range(max(len(words), len(self._words))):
            here = self._words[number].take(places) if number < len(self._words) else np.uint64(0)
            found &= here == (words[number] if number < len(words) else np.uint64(0))
        return found

    def _grow(self, total: int) -> None:
        held = np.flatnonzero(self._numbers != UNKNOWN)
        words, numbers = [column[held] for column in self._words], self._numbers[held]
        while total * _SPARE > 1 << self._bits:
            self._bits += 2
        self._words = [np.zeros(1 << self._bits, dtype=np.uint64) for _ in words]
        self._numbers = np.full(1 << self._bits, UNKNOWN, dtype=np.int32)
        self._put(words, numbers)

    def _put(self, words: Sequence[Words], numbers: Numbers) -> None:
        places = self._home(words)
        rows = np.arange(len(numbers))
        while len(rows):
            wanted = places[rows]
            # Of rows that want one free place the first gets it.
            _, firsts = np.unique(wanted, return_index=True)
            firsts = firsts[self._numbers[wanted[firsts]] == UNKNOWN]
            placed, chosen = wanted[firsts], rows[firsts]
            for column, mine in zip(self._words, words, strict=False):
                column[placed] = mine[chosen]
            self._numbers[placed] = numbers[chosen]
            rows = np.delete(rows, firsts)
            places[rows] = (places[rows] + 1) & (len(self._numbers) - 1)
