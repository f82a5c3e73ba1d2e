"""Cells of text for whole columns: each distinct text is written once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

JOINT = ";"
"""Between the items of a cell."""


class Distinct:
    """Numbers distinct rows of numbers as they are met, and keeps what is made of each."""

    def __init__(self, make: Callable[[npt.NDArray[Any]], Sequence[Hashable]], made: list[Any] | None = None) -> None:
        """Know nothing yet.

        Args:
            make: what to make of each of some rows that are new.
            made: where it is kept, when tables of other columns share the numbers; ``None``: in a list of its own.
        """
        self._make = make
        self._known: dict[bytes, int] = {}
        self.made: list[Any] = [] if made is None else made

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


class Flags:
    """Turns rows of yes and no into cells that name what holds."""

    def __init__(self, names: Sequence[str]) -> None:
        """Write nothing yet.

        Args:
            names: of what may hold, in the order in which a cell names it.
        """
        self.names = tuple(names)
        self._distinct = Distinct(self._texts)

    @property
    def texts(self) -> list[str]:
        """Every cell that was written."""
        return self._distinct.made

    @cached_property
    def nothing(self) -> int:
        """The place of the empty cell among the texts."""
        return int(self._distinct.number(np.zeros((1, self._width), dtype=np.uint8))[0])

    @property
    def _width(self) -> int:
        return -(-len(self.names) // 8) or 1

    def cells(self, held: Sequence[npt.NDArray[np.bool_]], rows: int) -> tuple[npt.NDArray[np.int32], list[str]]:
        """Return the place of each row's cell among the texts, and these.

        Args:
            held: for each name the rows where it holds.
            rows: how many rows there are.
        """
        # Mostly little holds, and rows that are alike are many: those are told first where nothing does.
        table = np.zeros((rows, self._width), dtype=np.uint8)
        for place, where in enumerate(held):
            if where.any():
                table[:, place // 8] |= where.view(np.uint8) << (7 - place % 8)
        something = np.flatnonzero(table.any(axis=1))
        places = np.full(rows, self.nothing, dtype=np.int32)
        places[something] = self._distinct.number(table[something])
        return places, self.texts

    def _texts(self, rows: npt.NDArray[np.uint8]) -> list[str]:
        return [JOINT.join(self.names[place] for place in np.flatnonzero(row)) for row in np.unpackbits(rows, axis=1)]


def used(places: npt.NDArray[Any], size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return the distinct numbers among some that are less than ``size``, sorted, and for each its place among them."""
    present = np.zeros(size, dtype=bool)
    present[places] = True
    return np.flatnonzero(present), (np.cumsum(present, dtype=np.int32) - np.int32(1)).take(places, mode="clip")


def cells(places: npt.NDArray[Any], texts: Sequence[str | None]) -> pa.DictionaryArray:
    """Return a column of repeated texts.

    Args:
        places: for each row the place of its text among ``texts``.
        texts: the texts; ``None`` is null.
    """
    numbers, inverse = used(places, len(texts))
    # Different places may have the same text, and Parquet would write a dictionary that has one twice row by row.
    distinct: dict[str, int] = {}
    found = [texts[place] for place in numbers.tolist()]
    codes = np.array(
        [0 if text is None else distinct.setdefault(text, len(distinct)) for text in found], dtype=np.int32
    )
    valid = np.array([text is not None for text in found], dtype=bool).take(inverse) if None in found else None
    return _dictionary(codes.take(inverse) if found else inverse, list(distinct), valid)


def long_cells(places: npt.NDArray[Any], texts: Sequence[str]) -> pa.DictionaryArray:
    """Return a column of long texts that repeat.

    Args:
        places: for each row the place of its text among ``texts``.
        texts: the texts, none twice; they may be made when they are asked for.
    """
    numbers, inverse = used(places, len(texts))
    return _dictionary(inverse, [texts[place] for place in numbers.tolist()], None)


def _dictionary(
    places: npt.NDArray[np.int32], texts: Sequence[str], valid: npt.NDArray[np.bool_] | None
) -> pa.DictionaryArray:
    column = pl.Series(texts, dtype=pl.String)
    distinct = column.to_arrow(compat_level=pl.CompatLevel.oldest())
    return pa.DictionaryArray.from_arrays(numbers_column(places.astype(np.uint32), valid), distinct)


def numbers_column(numbers: npt.NDArray[np.integer[Any]], valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Return a column of whole numbers, null where they are not valid."""
    # Not with `pa.array`, which imports Pandas, for half a second, when it is given an array of numpy.
    bits = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    whole = np.ascontiguousarray(numbers)
    return pa.Array.from_buffers(pa.from_numpy_dtype(whole.dtype), len(whole), [bits, pa.py_buffer(whole)])
