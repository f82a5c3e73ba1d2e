"""Tables in Parquet: columns have types, which are kept."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hcc_decide.cohort.reading.table import Table, checked_columns
from hcc_decide.cohort.shape import Chunk, CohortError
from hcc_decide.refusals import one_line, shown

_ALLOWED = "allowed are text, numbers, true/false, and lists or records of these"


class ParquetTable(Table):
    """A Parquet file. Numbers, truth values and text stay what they are; lists and records become JSON.

    A record in a list has every member in Parquet; members that are null are left out, as in a record that never had them.
    """

    kind = "parquet"

    def __init__(self, path: Path, rows: int, others: Collection[str] = ()) -> None:
        """Open the file and look at its columns.

        Args:
            path: where it stands.
            rows: how many rows a chunk has at most.
            others: columns that are no facts of a patient, and may be of any type.

        Raises:
            CohortError: see `Table`; or it is no complete Parquet file, or has columns of other types.
        """
        super().__init__(path, rows)
        try:
            self._parquet = self._open()
            schema = self._parquet.schema_arrow
            self.columns = checked_columns(path, schema.names)
            self._check_types(schema, others)
        except CohortError:
            self.close()
            raise
        self._json = frozenset(field.name for field in schema if _nested(field.type))

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows in order; see `Table.chunks`. Their place is the number of the row."""
        parquet, total, done, number = self._open(), self._parquet.metadata.num_rows, 0, 0
        batches = parquet.iter_batches(batch_size=self.rows)
        while (batch := self._next(batches)) is not None:
            if not batch.num_rows:
                continue
            lines = pl.int_range(done + 1, done + batch.num_rows + 1, eager=True).alias("line")
            done += batch.num_rows
            yield Chunk(
                number=number,
                lines=lines,
                cells=pl.DataFrame([_series(batch, name, name in self._json) for name in self.columns]),
                json=self._json,
                position=self.size * done // total,
            )
            number += 1
        self._check_unchanged()

    def _open(self) -> Any:
        try:
            return pq.ParquetFile(self._stream)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged(error, refused=True) from None

    def _next(self, batches: Iterator[Any]) -> Any:
        """Return the next rows, checked; ``None`` behind the last."""
        try:
            batch = next(batches, None)
            if batch is not None:
                batch.validate(full=True)  # text that is no UTF-8 has got past the reader
        except (pa.ArrowException, OSError, ValueError) as error:
            self._check_unchanged()
            raise self._damaged(error, refused=False) from None
        return batch

    def _damaged(self, error: Exception, *, refused: bool) -> CohortError:
        reason = one_line(" ".join(str(error).split()).rstrip("."), 160)
        return CohortError(
            f"{self.path}: cannot be read as a Parquet file; it is damaged, cut off or of another kind ({reason})",
            refused=refused,
        )

    def _check_types(self, schema: Any, others: Collection[str]) -> None:
        problems = [
            f"{self.path}: the column {shown(field.name)} holds {one_line(str(field.type), 60)}; {_ALLOWED}"
            for field in schema
            if field.name not in others and not _allowed(field.type)
        ]
        if problems:
            raise CohortError(*problems)


def _plain(type_: Any) -> bool:
    types = pa.types
    return bool(
        types.is_integer(type_)
        or types.is_floating(type_)
        or types.is_boolean(type_)
        or types.is_null(type_)
        or types.is_string(type_)
        or types.is_large_string(type_)
        or types.is_string_view(type_)
    )


def _list(type_: Any) -> bool:
    return bool(
        pa.types.is_list(type_)
        or pa.types.is_large_list(type_)
        or pa.types.is_fixed_size_list(type_)
        or pa.types.is_list_view(type_)
        or pa.types.is_large_list_view(type_)
    )


def _nested(type_: Any) -> bool:
    return _list(type_) or bool(pa.types.is_struct(type_))


def _allowed(type_: Any) -> bool:
    if _list(type_) or pa.types.is_dictionary(type_):
        return _allowed(type_.value_type)
    if pa.types.is_struct(type_):
        return all(_allowed(type_.field(index).type) for index in range(type_.num_fields))
    return _plain(type_)


def _series(batch: Any, name: str, as_json: bool) -> pl.Series:
    column = batch.column(name)
    if as_json:
        return _json_texts(column.to_pylist()).alias(name)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        return pl.Series(name, [None] * len(column), dtype=pl.String)
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    return cast(pl.Series, pl.from_arrow(column)).alias(name)


def _json_texts(values: list[Any]) -> pl.Series:
    # Not by Polars, which writes null for a number that is not finite; the record would pass without it.
    write = json.JSONEncoder(ensure_ascii=False).encode
    return pl.Series([None if value is None else write(_without_null(value)) for value in values], dtype=pl.String)


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(item) for name, item in value.items() if item is not None}
    return [_without_null(item) for item in value] if isinstance(value, list) else value
