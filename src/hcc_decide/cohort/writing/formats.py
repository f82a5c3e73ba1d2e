"""Formats of what is written: tables of decisions, refused rows, reports."""

from __future__ import annotations

import contextlib
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hcc_decide.cohort.shape import CohortError, Refused
from hcc_decide.cohort.writing.targets import Target, failed
from hcc_decide.refusals import shown

_SLICE = 10_000
"""Rows turned into text at a time."""

_DICTIONARY_BYTES = 64 << 20
"""Of one column of one row group. Answers repeat, and are long; Parquet writes each once while the dictionary has room."""

_ZSTD_LEVEL = 3
"""As quick as 1 on answers, which repeat, and a sixth smaller."""

Schema = Mapping[str, pl.DataType | type[pl.DataType]]


class Writer:
    """Something that is written to one target."""

    def __init__(self, target: Target) -> None:
        self._target = target

    @property
    def keep(self) -> bool:
        """Whether there shall be a file in the end."""
        return True

    def finish(self) -> None:
        """Write what stands behind the last row. Mostly nothing does."""

    def forget(self) -> None:
        """Let go of the file without finishing it."""

    def complete(self) -> None:
        """Finish the file and bring it to the disk."""
        self.finish()
        self._told(self._target.seal)

    def place(self) -> None:
        """Put the file into its place."""
        self._told(self._target.place if self.keep else self._target.leave_out)

    def _told(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            raise failed(self._target.shown, error) from None


class TableWriter(Writer, ABC):
    """A table that grows frame by frame.

    Attributes:
        schema: its columns and their types.
    """

    def __init__(self, target: Target, schema: Schema) -> None:
        """Begin the table."""
        super().__init__(target)
        self.schema = pl.DataFrame(schema=schema).schema

    def write(self, table: pl.DataFrame | pa.Table) -> None:
        """Add rows.

        Args:
            table: with the columns of the table, in any order.

        Raises:
            CohortError: the disk is full or fails; or a column holds something else than at first, as it can where a table
                is JSON Lines.
        """
        frame = table if isinstance(table, pl.DataFrame) else pl.DataFrame(table)
        chosen = frame.select(self._fitting(frame[name], type_) for name, type_ in self.schema.items())
        self._told(lambda: self._write(chosen))

    def _fitting(self, column: pl.Series, type_: pl.DataType) -> pl.Series:
        """Return a column as the type of its table, when that changes no value."""
        if column.dtype == type_:
            return column
        if column.dtype == pl.Categorical and type_ == pl.Categorical:
            return column  # each part of a table may have categories of its own
        text = (pl.String, pl.Categorical, pl.Enum)
        same = type_ in text and (column.dtype in text or not column.dtype.is_nested())
        if same or column.null_count() == len(column) or (type_ == pl.Float64 and column.dtype.is_integer()):
            return column.cast(type_)
        raise CohortError(
            f"{self._target.shown}: the column {shown(column.name)} held {type_} at first, and further down {column.dtype}; "
            "give it one type in the whole table",
            refused=False,
        )

    @abstractmethod
    def _write(self, frame: pl.DataFrame) -> None: ...


class CsvWriter(TableWriter):
    """A table in CSV: UTF-8, commas, quotation marks where needed, null is an empty cell.

    Text that begins with ``=``, ``+``, ``-`` or ``@`` is written as it is, since data must come out unchanged; a spreadsheet
    may take it for a formula.
    """

    def __init__(self, target: Target, schema: Schema) -> None:
        super().__init__(target, schema)
        self._told(lambda: self._put(pl.DataFrame(schema=self.schema), header=True))

    def _write(self, frame: pl.DataFrame) -> None:
        for rows in frame.iter_slices(_SLICE):
            self._put(rows, header=False)

    def _put(self, rows: pl.DataFrame, *, header: bool) -> None:
        # Polars hides what was wrong with the file when it writes to one.
        text = io.BytesIO()
        rows.write_csv(text, include_header=header)
        self._target.stream.write(text.getbuffer())


class JsonLinesWriter(TableWriter):
    """A table in JSON Lines: one object per row, every column in each."""

    def _write(self, frame: pl.DataFrame) -> None:
        for rows in frame.iter_slices(_SLICE):
            text = io.BytesIO()
            rows.write_ndjson(text)
            self._target.stream.write(text.getbuffer())


class ParquetWriter(TableWriter):
    """A table in Parquet, one row group per frame. Text that repeats is written once per row group."""

    def __init__(self, target: Target, schema: Schema) -> None:
        super().__init__(target, schema)
        self._arrow = self._converted(pl.DataFrame(schema=self.schema)).schema
        self._told(self._begin)

    def _begin(self) -> None:
        self._parquet = pq.ParquetWriter(
            self._target.stream,
            self._arrow,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            write_statistics=[name for name, type_ in self.schema.items() if type_ != pl.Categorical],
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
            store_schema=False,  # plain Parquet types, the same to every reader
        )

    def _converted(self, frame: pl.DataFrame) -> pa.Table:
        return frame.to_arrow(compat_level=pl.CompatLevel.oldest())

    def write(self, table: pl.DataFrame | pa.Table) -> None:
        """Add rows (`TableWriter.write`); what has the types of the table goes into it as it is."""
        if isinstance(table, pa.Table) and table.schema.equals(self._arrow):
            self._told(lambda: self._put(table))
        else:
            super().write(table)

    def _write(self, frame: pl.DataFrame) -> None:
        self._put(self._converted(frame))

    def _put(self, table: pa.Table) -> None:
        if len(table):
            self._parquet.write_table(table, row_group_size=len(table))

    def finish(self) -> None:
        """Write the footer."""
        self._told(self._parquet.close)

    def forget(self) -> None:
        """Close the writer, whose end is not wanted any more."""
        with contextlib.suppress(OSError, pa.ArrowException, ValueError):
            self._parquet.close()
        self._parquet.is_open = False  # it would try again when it is thrown away


class RejectsWriter(Writer, ABC):
    """The rows without a decision, as they were read, with line and reasons. No file when there is none.

    Attributes:
        count: how many rows were written.
    """

    def __init__(self, target: Target) -> None:
        """Begin with no row."""
        super().__init__(target)
        self.count = 0

    @property
    def keep(self) -> bool:
        """Whether there was any row."""
        return self.count > 0

    def write(self, refused: Sequence[Refused]) -> None:
        """Add rows.

        Raises:
            CohortError: the disk is full or fails.
        """
        self._told(lambda: self._target.stream.write(self._text(refused).encode()))
        self.count += len(refused)

    @abstractmethod
    def _text(self, refused: Sequence[Refused]) -> str: ...


class CsvRejects(RejectsWriter):
    """Columns ``line``, ``reasons`` and ``row_as_read``, then those of the table. A name that is taken gets a prefix."""

    def __init__(self, target: Target, columns: Sequence[str]) -> None:
        super().__init__(target)
        self._columns = tuple(columns)
        own = [name if name not in columns else f"rejected_{name}" for name in ("line", "reasons", "row_as_read")]
        header = _csv_text([[*own, *columns]])
        self._told(lambda: target.stream.write(header.encode()))

    def _text(self, refused: Sequence[Refused]) -> str:
        return _csv_text(
            [row.line, " | ".join(row.problems), row.text or "", *(_cell(row.row.get(name)) for name in self._columns)]
            for row in refused
        )


class JsonLinesRejects(RejectsWriter):
    """Objects with ``line``, ``reasons``, and ``row`` or, of what is no row, ``text``."""

    def _text(self, refused: Sequence[Refused]) -> str:
        return "".join(
            json.dumps(
                {"line": row.line, "reasons": list(row.problems)}
                | ({"row": dict(row.row)} if row.text is None else {"text": row.text}),
                ensure_ascii=False,
            )
            + "\n"
            for row in refused
        )


class TextWriter(Writer):
    """A file that is written at once."""

    def write(self, content: str | bytes) -> None:
        """Write the whole file; text in UTF-8.

        Raises:
            CohortError: the disk is full or fails.
        """
        self._told(lambda: self._target.stream.write(content.encode() if isinstance(content, str) else content))


def _csv_text(rows: Iterable[Iterable[object]]) -> str:
    cells = [[None if item is None or item == "" else str(item) for item in row] for row in rows]
    if not cells:
        return ""
    # Not with `csv.writer`, which leaves a lone carriage return without quotation marks.
    text = pl.DataFrame(
        cells, schema={str(place): pl.String for place in range(len(cells[0]))}, orient="row"
    ).write_csv(include_header=False)
    return str(text)


def _cell(value: Any) -> str:
    """Write a value as a cell of a CSV file: text as it is, null as nothing, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)
