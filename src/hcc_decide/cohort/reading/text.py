"""Tables that are text: read in blocks of whole rows, so that memory does not grow with the file."""

from __future__ import annotations

import codecs
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hcc_decide.cohort.reading.encoding import check_start, line_breaks
from hcc_decide.cohort.reading.records import Offsets, Records
from hcc_decide.cohort.reading.table import MAX_ROW_BYTES, Table
from hcc_decide.cohort.shape import CohortError

_FIRST_READ = 1 << 20
_MAX_BLOCK_BYTES = 64 << 20
"""A block of long rows holds fewer of them."""


@dataclass(frozen=True)
class Block:
    """Whole rows as they stand in the file, at least one.

    Attributes:
        content: their bytes.
        records: where each row begins and ends in them.
        line: the line of the file on which they begin, from 1.
        position: the offset in the file just behind them.
    """

    content: bytes
    records: Records
    line: int
    position: int

    def starts(self) -> Offsets:
        """Return the offset of each row."""
        return np.concatenate(([0], self.records.ends[:-1]))

    def row(self, index: int) -> bytes:
        """Return a row without its line break."""
        start = self.records.ends[index - 1] if index else 0
        content = self.content[start : self.records.ends[index]]
        return content.removesuffix(b"\n").removesuffix(b"\r") if content[-1:] in b"\r\n" else content


class TextTable(Table):
    """A table whose rows stand one after the other in a text file."""

    _why_too_long: str
    """What a row that is longer than any may come from."""

    def __init__(self, path: Path, rows: int) -> None:
        """Open the file and look at its first bytes.

        Raises:
            CohortError: see `Table`; or it is no text in UTF-8.
        """
        super().__init__(path, rows)
        try:
            start = self._read(16)
            check_start(path, start)
        except CohortError:
            self.close()
            raise
        self._start = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0

    @staticmethod
    @abstractmethod
    def _split(block: bytes, *, at_end: bool) -> Records:
        """Find the complete rows of a block."""

    def _blocks(self, start: int, line: int, rows: int) -> Iterator[Block]:
        """Yield the rows from an offset on, at most so many at a time.

        Raises:
            CohortError: a row never ends, or the file cannot be read or changes.
        """
        self._stream.seek(start)
        buffer, wanted, at_end = b"", _FIRST_READ, False
        while True:
            if not at_end and len(buffer) < wanted:
                more = self._read(wanted - len(buffer))
                at_end = not more
                buffer += more
                if more and len(buffer) < wanted:
                    continue
            if not buffer:
                break
            records = self._split(buffer, at_end=at_end)
            self._check_ends(buffer, records, line, at_end)
            count = len(records.ends)
            if count < rows and not at_end and len(buffer) < _MAX_BLOCK_BYTES:
                # A few more than the rows so far let expect, so that one more look mostly suffices.
                per_row = len(buffer) / max(count, 1)
                wanted = min(max(int(per_row * rows * 1.02), len(buffer) + _FIRST_READ // 8), _MAX_BLOCK_BYTES)
                continue
            begin = taken = 0
            # What is left over and too little for a block is looked at again with what follows it.
            while taken < count and (taken == 0 or at_end or count - taken >= rows):
                block = self._block(buffer, records, slice(taken, min(taken + rows, count)), line, start)
                yield block
                taken += len(block.records.ends)
                begin += len(block.content)
                line += line_breaks(block.content)
                start = block.position
            buffer = buffer[begin:]
        self._check_unchanged()

    @staticmethod
    def _block(buffer: bytes, records: Records, rows: slice, line: int, start: int) -> Block:
        """Return some rows of a buffer, whose first line is ``line`` and which begin at ``start`` in the file."""
        begin = int(records.ends[rows.start - 1]) if rows.start else 0
        content = buffer[begin : int(records.ends[rows.stop - 1])]
        unclear = tuple(index - rows.start for index in records.unclear if rows.start <= index < rows.stop)
        lines = records.lines[rows] - records.lines[rows.start]
        found = Records(records.ends[rows] - begin, lines, unclear, records.in_place)
        return Block(content, found, line, start + len(content))

    def _check_ends(self, buffer: bytes, records: Records, line: int, at_end: bool) -> None:
        """Refuse a row that does not end, before it fills the memory."""
        last = int(records.ends[-1]) if len(records.ends) else 0
        lengths = np.diff(records.ends, prepend=0)
        if (lengths > MAX_ROW_BYTES).any():
            where = line + int(records.lines[int(np.argmax(lengths > MAX_ROW_BYTES))])
        elif len(buffer) - last > MAX_ROW_BYTES:
            where = line + line_breaks(buffer[:last])
        elif at_end and last < len(buffer):
            # A shorter file than at the beginning explains it better.
            self._check_unchanged()
            where = line + line_breaks(buffer[:last])
            raise CohortError(
                f"{self.path}: line {where}: a quotation mark in the row that begins here is never closed; "
                "correct it, or the file was cut off"
            )
        else:
            return
        raise CohortError(
            f"{self.path}: line {where}: the row that begins here is longer than {MAX_ROW_BYTES // 1000} kB; "
            f"{self._why_too_long}"
        )
