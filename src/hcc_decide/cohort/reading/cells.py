"""The cells of CSV rows where they stand in the bytes of the file: what is not looked at is never copied or decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from hcc_decide.cohort.known import MOST_WORDS, WORD_BYTES, Words

Offsets = npt.NDArray[np.int32]

_LF, _CR, _COMMA, _QUOTE = b'\n\r,"'
_SPARE = WORD_BYTES * (MOST_WORDS + 1)
"""Zero bytes behind the last row, so that a word may be read from where any cell begins."""
_LONGEST = WORD_BYTES * MOST_WORDS
_AT_ONCE = 2_000
"""Rows that are cut at once: what is made on the way fits into the cache of a processor."""
_MASKS = np.array([(1 << (8 * length)) - 1 for length in range(WORD_BYTES + 1)], dtype=np.uint64)
_MASKS.flags.writeable = False


@dataclass(frozen=True, eq=False)
class CsvCells:
    """The cells of some rows of a CSV file, each as long as the header. It reads like a frame of text.

    Attributes:
        content: the rows, and zero bytes behind them; there are none within.
        columns: the names.
        begins: the offset of each row.
        ends: for each column, the offset behind each cell.
    """

    content: bytes
    columns: list[str]
    begins: Offsets
    ends: npt.NDArray[np.int32]

    @property
    def height(self) -> int:
        """How many rows there are."""
        return len(self.begins)

    def __len__(self) -> int:
        return self.height

    @property
    def schema(self) -> pl.Schema:
        """Every column is text."""
        return pl.Schema(dict.fromkeys(self.columns, pl.String()))

    def spans(self, name: str) -> tuple[Offsets, Offsets]:
        """Return where the cells of a column begin, and how many bytes they have as they stand, quotation marks included."""
        column = self._places[name]
        starts = self.begins if not column else self.ends[column - 1] + np.int32(1)
        return starts, self.ends[column] - starts

    def words(self, name: str) -> tuple[list[Words], npt.NDArray[np.int64]]:
        """Return the cells of a column, as they stand in the file, as rows of whole numbers: equal for equal cells only.

        Returns:
            As many words as the longest cell needs, `MOST_WORDS` at most, and the rows whose cells are longer than that.
        """
        starts, lengths = self.spans(name)
        longest = int(lengths.max(initial=0))
        # Zero bytes behind the end of a cell; there are none in it.
        found = [self._words[starts] & _MASKS.take(lengths, mode="clip")]
        for begin in range(WORD_BYTES, min(longest, _LONGEST), WORD_BYTES):
            rows = np.flatnonzero(lengths > begin)
            word = np.zeros(len(lengths), dtype=np.uint64)
            word[rows] = self._words[starts[rows] + np.int32(begin)]
            word[rows] &= _MASKS.take(lengths[rows] - np.int32(begin), mode="clip")
            found.append(word)
        return found, np.flatnonzero(lengths > _LONGEST) if longest > _LONGEST else np.zeros(0, dtype=np.int64)

    def raw(self, name: str, rows: npt.NDArray[np.integer[Any]]) -> list[bytes]:
        """Return some cells of a column as they stand in the file."""
        starts, lengths = self.spans(name)
        begin, content = starts[rows], self.content
        spans = zip(begin.tolist(), (begin + lengths[rows]).tolist(), strict=True)
        return [content[start:end] for start, end in spans]

    def __getitem__(self, name: str) -> pl.Series:
        """Return a column of text, null where the cell is empty."""
        starts, lengths = self.spans(name)
        bytes_ = np.frombuffer(self.content, dtype=np.uint8)
        if (bytes_[starts[lengths > 0]] == _QUOTE).any():
            every = self.raw(name, np.arange(self.height))
            return pl.Series(name, [text_of(cell) for cell in every], dtype=pl.String)
        offsets = np.zeros(self.height + 1, dtype=np.int32)
        np.cumsum(lengths, out=offsets[1:])
        places = np.repeat(starts - offsets[:-1], lengths)
        places += np.arange(len(places), dtype=np.int32)
        valid = np.packbits(lengths > 0, bitorder="little")
        buffers = (pa.py_buffer(offsets), pa.py_buffer(bytes_[places]), pa.py_buffer(valid))
        return cast(pl.Series, pl.from_arrow(pa.StringArray.from_buffers(self.height, *buffers))).alias(name)

    def row(self, index: int, *, named: Literal[True]) -> dict[str, Any]:  # noqa: ARG002 - as a frame of Polars has it
        """Return a row by column, ``None`` where the cell is empty."""
        start, found = int(self.begins[index]), {}
        for name, end in zip(self.columns, self.ends[:, index].tolist(), strict=True):
            found[name] = text_of(self.content[start:end])
            start = end + 1
        return found

    def frame(self) -> pl.DataFrame:
        """Return all cells as a frame."""
        return pl.DataFrame([self[name] for name in self.columns])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.columns)}

    @cached_property
    def _words(self) -> npt.NDArray[np.uint64]:
        """The word that begins with each byte."""
        size = len(self.content) - WORD_BYTES + 1
        words: npt.NDArray[np.uint64] = np.ndarray((size,), dtype="<u8", buffer=self.content, strides=(1,))
        return words

    def __getstate__(self) -> dict[str, Any]:
        return {"content": self.content, "columns": self.columns, "begins": self.begins, "ends": self.ends}


def text_of(cell: bytes) -> str | None:
    """Return the text of a cell as it stands in the file; ``None`` when it is empty."""
    if cell.startswith(b'"'):
        cell = cell[1:-1].replace(b'""', b'"')
    return cell.decode() or None


def cut(content: bytes, columns: Sequence[str], ends: npt.NDArray[np.int64]) -> CsvCells | None:
    """Find the cells of some rows.

    Args:
        content: the rows. Quotation marks stand in place in them: they open and close cells, or are doubled.
        columns: their names.
        ends: the offset behind each row and its line break.

    Returns:
        The cells; ``None`` when a row is not as long as the header, or empty.
    """
    width, height = len(columns), len(ends)
    if width < 2:  # of one column, an empty cell is no row
        return None
    codes = np.frombuffer(content, dtype=np.uint8)
    found = np.empty((width, height), dtype=np.int32)
    for first in range(0, height, _AT_ONCE):
        begin, rows = int(ends[first - 1]) if first else 0, ends[first : first + _AT_ONCE]
        table = _table(codes[begin : int(rows[-1])], rows - begin, width)
        if table is None:
            return None
        np.add(table.T, np.int32(begin), out=found[:, first : first + _AT_ONCE])
    begins = np.concatenate((np.zeros(1, dtype=np.int32), found[-1, :-1] + np.int32(1)))
    if b"\r" in content:
        found[-1] -= codes[found[-1] - 1] == _CR
    return CsvCells(content + bytes(_SPARE), list(columns), begins, found)


def _table(codes: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], width: int) -> Offsets | None:
    """Return the offset behind each cell of each row, its line break apart; ``None`` when a row has another width."""
    places = np.flatnonzero((codes == _COMMA) | (codes == _LF))
    quotes = np.flatnonzero(codes == _QUOTE)
    if len(quotes):
        places = places[~_quoted(quotes, places)]
    if codes[-1] != _LF:
        places = np.append(places, len(codes))
    if len(places) != width * len(ends):
        return None
    table = places.astype(np.int32).reshape(len(ends), width)
    # Rows end where so many cells end. With as many cells in all, no row can then have more or fewer.
    return None if (table[:-1, -1] + 1 != ends[:-1]).any() else table


def _quoted(quotes: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell which places stand between quotation marks."""
    opening, closing = quotes[::2], quotes[1::2]
    apart = opening[1:] != closing[:-1] + 1  # a doubled one closes and opens
    first = np.searchsorted(places, opening[np.append(True, apart)])
    behind = np.searchsorted(places, closing[np.append(apart, True)])
    some = first < behind
    steps = np.zeros(len(places) + 1, dtype=np.int8)
    steps[first[some]] = 1
    steps[behind[some]] = -1  # never where the next one begins: between two cells stands a comma or line break
    return np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_)
