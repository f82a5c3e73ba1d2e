"""Tables in CSV: the first line names the columns, commas separate the cells, every cell is text."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from hcc_decide.cohort.reading.cells import cut
from hcc_decide.cohort.reading.encoding import check_text, line_breaks
from hcc_decide.cohort.reading.records import split
from hcc_decide.cohort.reading.table import checked_columns
from hcc_decide.cohort.reading.text import Block, TextTable
from hcc_decide.cohort.shape import Broken, Chunk, CohortError

_ARROW_BLOCK = 1 << 20
"""Larger than any row (`MAX_ROW_BYTES`): Arrow reads none that reaches over three blocks."""

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_UNCLEAR = "has text after a closing quotation mark; a quotation mark within a quoted cell must be doubled"


class CsvTable(TextTable):
    """A CSV file. An empty cell is null; empty lines are skipped; a byte order mark is allowed."""

    kind = "csv"
    _why_too_long = "a quotation mark in it may never be closed"

    def __init__(self, path: Path, rows: int) -> None:
        """Open the file and read its header.

        Raises:
            CohortError: see `TextTable`; or there is no header, or none whose columns are separated by commas.
        """
        super().__init__(path, rows)
        try:
            self.columns = checked_columns(path, self._header())
        except CohortError:
            self.close()
            raise

    _split = staticmethod(split)

    def _header(self) -> list[str]:
        """Return the names of the columns, and remember where the rows below begin."""
        for block in self._blocks(self._start, 1, rows=1000):
            for index, end in enumerate(block.records.ends):
                if header := block.row(index):
                    line = block.line + int(block.records.lines[index])
                    check_text(self.path, header, line)
                    self._body = block.position - len(block.content) + int(end)
                    self._first_line = block.line + line_breaks(block.content[:end])
                    return self._names(header.decode(), line)
        raise CohortError(f"{self.path}: has no header; its first line must name the columns")

    def _names(self, header: str, line: int) -> list[str]:
        try:
            names = next(csv.reader(io.StringIO(header, newline=""), strict=True))
        except csv.Error as error:
            raise CohortError(f"{self.path}: line {line}: the names of the columns cannot be read ({error})") from None
        if len(names) == 1:
            for separator, called in _SEPARATORS.items():
                if separator in header:
                    raise CohortError(
                        f"{self.path}: line {line}: the columns are separated by {called}; save the table with commas"
                    )
        return names

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows in order; see `Table.chunks`.

        A row with too few or too many cells, or with text behind a closing quotation mark, is `Broken`.
        """
        number = 0
        for block in self._blocks(self._body, self._first_line, self.rows):
            chunk = self._chunk(number, block)
            if chunk.cells.height or chunk.broken:
                yield chunk
                number += 1

    def _chunk(self, number: int, block: Block) -> Chunk:
        check_text(self.path, block.content, block.line)
        content, records, starts = block.content, block.records, block.starts()
        if records.in_place and (found := cut(content, self.columns, records.ends)) is not None:
            return Chunk(
                number=number,
                lines=pl.Series("line", records.lines + block.line, dtype=pl.Int64),
                cells=found,
                position=block.position,
            )
        # Only an empty line begins with a line break.
        begins = np.frombuffer(content, dtype=np.uint8)[starts]
        readable = (begins != ord("\n")) & (begins != ord("\r"))
        readable[list(records.unclear)] = False
        indices = np.flatnonzero(readable)
        if records.unclear:
            content = b"".join(content[starts[index] : records.ends[index]] for index in indices)
        cells, wrong = self._cells(content, len(indices))
        reasons = dict.fromkeys(records.unclear, _UNCLEAR)
        for place, count in wrong:
            reasons[int(indices[place])] = f"has {_counted(count)}, the header has {len(self.columns)}"
        lines = block.line + np.delete(records.lines[indices], [place for place, _ in wrong])
        return Chunk(
            number=number,
            lines=pl.Series("line", lines, dtype=pl.Int64),
            cells=cells,
            broken=tuple(
                Broken(block.line + int(records.lines[index]), block.row(index).decode(), reasons[index])
                for index in sorted(reasons)
            ),
            position=block.position,
        )

    def _cells(self, content: bytes, count: int) -> tuple[pl.DataFrame, list[tuple[int, int]]]:
        """Return the cells of the rows that are as long as the header, and of the others their place and number of cells.

        Args:
            content: the rows, empty lines between them.
            count: how many there are.
        """
        wrong: list[tuple[int, int]] = []

        def remember(row: Any) -> str:
            wrong.append((row.number - 1, row.actual_columns))
            return "skip"

        if not count:
            return pl.DataFrame(schema=dict.fromkeys(self.columns, pl.String)), wrong
        if content.startswith(codecs.BOM_UTF8):
            content = b"\n" + content  # it is part of the first cell, which Arrow would not believe
        try:
            table = self._parse(content, None)
        except pa.ArrowInvalid:
            table = self._parse(content, remember)
        assert table.num_rows + len(wrong) == count, f"{count} rows, {table.num_rows} and {len(wrong)} of them read"
        return cast(pl.DataFrame, pl.from_arrow(table)), wrong

    def _parse(self, content: bytes, wrong_length: Callable[[Any], str] | None) -> Any:
        """Return the cells as an Arrow table. Only one thread alone knows where a row of the wrong length stands."""
        return arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                column_names=self.columns, use_threads=wrong_length is None, block_size=_ARROW_BLOCK
            ),
            parse_options=arrow_csv.ParseOptions(
                newlines_in_values=b'"' in content, invalid_row_handler=wrong_length, ignore_empty_lines=True
            ),
            convert_options=arrow_csv.ConvertOptions(
                check_utf8=False,  # checked before, with the line
                column_types=dict.fromkeys(self.columns, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )


def _counted(cells: int) -> str:
    return f"{cells} cell{'s' if cells > 1 else ''}"
