"""Cells of text for whole columns: each distinct text is written once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

JOINT = ";"
"""Between the items of a cell."""


class Distinct:
    """Numbers distinct rows of numbers as they are met, and keeps what is made of each."""

    def __init__(self, make: Callable[[npt.NDArray[Any]], Sequence[Hashable]]) -> None:
        """Know nothing yet.

        Args:
            make: what to make of each of some rows that are new.
        """
        self._make = make
        self._known: dict[bytes, int] = {}
        self.made: list[Any] = []

    def number(self, rows: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """Return the number of each row of a table; ``made`` has what was made of it at this place."""
        table = np.ascontiguousarray(rows)
        width = table.dtype.itemsize * table.shape[1]
        keys = cast("list[bytes]", table.view(np.dtype((np.void, width))).ravel().tolist() if len(table) else [])
        known = self._known
        new = {key: row for row, key in enumerate(keys) if key not in known}
        if new:
            known.update(zip(new, range(len(self.made), len(self.made) + len(new)), strict=True))
            self.made += self._make(table[list(new.values())])
        return np.array([known[key] for key in keys], dtype=np.int32)

    def forget(self) -> None:
        """Begin anew; whoever holds ``made`` keeps it as it was."""
        self._known, self.made = {}, []


class Flags:
    """Turns rows of yes and no into cells that name what holds."""

    def __init__(self, names: Sequence[str]) -> None:
        """Write nothing yet.

        Args:
            names: of what may hold, in the order in which a cell names it.
        """
        self.names = tuple(names)
        self._distinct = Distinct(self._texts)

    def cells(self, held: Sequence[npt.NDArray[np.bool_]], rows: int) -> tuple[npt.NDArray[np.int32], list[str]]:
        """Return the place of each row's cell among the texts, and these.

        Args:
            held: for each name the rows where it holds.
            rows: how many rows there are.
        """
        # Mostly little holds, and rows that are alike are many: those are told first where nothing does.
        table = np.zeros((rows, -(-len(self.names) // 8) or 1), dtype=np.uint8)
        for place, where in enumerate(held):
            if where.any():
                table[:, place // 8] |= where.view(np.uint8) << (7 - place % 8)
        something = np.flatnonzero(table.any(axis=1))
        nothing = self._distinct.number(np.zeros((1, table.shape[1]), dtype=np.uint8))[0]
        places = np.full(rows, nothing, dtype=np.int32)
        places[something] = self._distinct.number(table[something])
        return places, self._distinct.made

    def _texts(self, rows: npt.NDArray[np.uint8]) -> list[str]:
        return [JOINT.join(self.names[place] for place in np.flatnonzero(row)) for row in np.unpackbits(rows, axis=1)]


def cells(places: npt.NDArray[Any], texts: Sequence[str | None]) -> pl.Series:
    """Return a column of repeated texts."""
    used, inverse = np.unique(places, return_inverse=True)
    column = pl.Series([texts[place] for place in used.tolist()], dtype=pl.String)
    # Categories of their own: those that all columns share would outlive the chunk.
    return column.cast(pl.Categorical(pl.Categories.random())).gather(inverse)
