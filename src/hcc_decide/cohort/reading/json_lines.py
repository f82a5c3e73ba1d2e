"""Tables in JSON Lines: one object per line, whose keys are the columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic_core import from_json

from hcc_decide.cohort.reading.encoding import check_text
from hcc_decide.cohort.reading.json_by_arrow import EXACT_IN_FLOAT, columns_of, table_of_lines
from hcc_decide.cohort.reading.records import split_lines
from hcc_decide.cohort.reading.table import checked_columns
from hcc_decide.cohort.reading.text import Block, TextTable
from hcc_decide.cohort.shape import Broken, Chunk, CohortError
from hcc_decide.documents import DocumentError, parse
from hcc_decide.refusals import kind_of, one_line

_STEP = 5_000
_write = json.JSONEncoder(ensure_ascii=False).encode


class JsonLinesTable(TextTable):
    """A JSON Lines file. What a line leaves out, or gives as null, is null.

    In each chunk a column of numbers or of truth values alone is one of these; any other is JSON, so that the text ``"1"``
    stays text.
    """

    kind = "jsonl"
    _why_too_long = "each line must hold one object"
    _split = staticmethod(split_lines)

    def __init__(self, path: Path, rows: int) -> None:
        """Open the file and read it once for the keys, in the order of their first appearance.

        Raises:
            CohortError: see `TextTable`; or no line holds an object.
        """
        super().__init__(path, rows)
        try:
            self.columns = checked_columns(path, self._keys())
        except CohortError:
            self.close()
            raise

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows in order; see `Table.chunks`.

        A line that is no JSON object, gives a key twice or has one without a name is `Broken`. Empty lines are skipped.
        """
        number = 0
        for block in self._blocks(self._start, 1, self.rows):
            check_text(self.path, block.content, block.line)
            chunk = self._at_a_glance(number, block) or self._line_by_line(number, block)
            if chunk.cells.height or chunk.broken:
                yield chunk
                number += 1

    def _at_a_glance(self, number: int, block: Block) -> Chunk | None:
        """Return a block as Arrow reads it, when that is certainly what stands there."""
        table = table_of_lines(block)
        columns = None if table is None else columns_of(block, table, self.columns)
        if columns is None:
            return None
        lines = block.line + np.arange(len(block.records.ends))
        return _chunk(number, lines.tolist(), columns, [], block.position)

    def _line_by_line(self, number: int, block: Block) -> Chunk:
        lines: list[int] = []
        broken: list[Broken] = []
        columns: list[list[Any]] = [[] for _ in self.columns]
        # A few objects at a time: they take many times the memory of their columns.
        for objects in _objects(block, lines, broken):
            for values, more in zip(columns, self._cells(objects), strict=True):
                values.extend(more)
        made = [_column(name, values) for name, values in zip(self.columns, columns, strict=True)]
        return _chunk(number, lines, made, broken, block.position)

    def _cells(self, objects: list[dict[str, Any]]) -> Iterable[Iterable[Any]]:
        """Return the values of each column."""
        if not objects:
            return [()] * len(self.columns)
        if len(self.columns) == 1:
            return [[row.get(self.columns[0]) for row in objects]]
        pick = itemgetter(*self.columns)
        try:
            rows = list(map(pick, objects))
        except KeyError:
            null: dict[str, Any] = dict.fromkeys(self.columns)
            rows = [pick(null | row) for row in objects]
        return zip(*rows, strict=True)

    def _keys(self) -> Iterable[str]:
        keys: dict[str, None] = {}
        found = False
        for block in self._blocks(self._start, 1, 2 * _STEP):
            check_text(self.path, block.content, block.line)
            table = table_of_lines(block)
            if table is not None:
                found = True
                keys.update(dict.fromkeys(table.schema.names))
                continue
            for objects in _objects(block, [], []):
                found = found or bool(objects)
                keys.update(dict.fromkeys(key for row in objects for key in row))
        if not found:
            raise CohortError(f"{self.path}: no line holds a JSON object; one per line is expected")
        return keys


def _chunk(
    number: int, lines: list[int], columns: list[tuple[pl.Series, bool]], broken: list[Broken], position: int
) -> Chunk:
    return Chunk(
        number=number,
        lines=pl.Series("line", lines, dtype=pl.Int64),
        cells=pl.DataFrame([series for series, _ in columns]),
        json=frozenset(series.name for series, as_json in columns if as_json),
        broken=tuple(broken),
        position=position,
    )


def _objects(block: Block, lines: list[int], broken: list[Broken]) -> Iterator[list[dict[str, Any]]]:
    """Yield the objects, some at a time.

    Args:
        block: lines of text in UTF-8.
        lines: is given the line of each object.
        broken: is given the lines that hold anything else; empty lines are neither.
    """
    texts = block.content.removesuffix(b"\n").split(b"\n")
    for first in range(0, len(texts), _STEP):
        part = texts[first : first + _STEP]
        begin = block.line + first
        objects = _all_in_order(b"\n".join(part), part)
        if objects is not None:
            lines.extend(range(begin, begin + len(part)))
            yield objects
            continue
        objects = []
        for line, text in enumerate(part, begin):
            value, reason = _object(text)
            if reason is not None:
                broken.append(Broken(line, text.decode().removesuffix("\r"), reason))
            elif value is not None:
                lines.append(line)
                objects.append(value)
        yield objects


def _all_in_order(content: bytes, texts: list[bytes]) -> list[dict[str, Any]] | None:
    """Return the objects when every line holds one and none has a key twice, as far as can be told at a glance."""
    try:
        objects = list(map(from_json, texts))
    except ValueError:
        return None
    if set(map(type, objects)) != {dict} or "" in set().union(*objects):
        return None
    return objects if _as_many_keys(content, sum(map(len, objects))) else None


def _object(text: bytes) -> tuple[dict[str, Any] | None, str | None]:
    """Return the object of a line, or what is wrong with it; neither of an empty line."""
    if not text.strip():
        return None, None
    try:
        value = from_json(text)
    except ValueError as error:
        return None, _not_json(error)
    if not isinstance(value, dict):
        return None, f"is {kind_of(value)}; a JSON object is expected"
    if "" in value:
        return None, "has a key without a name"
    if not (_as_many_keys(text, len(value)) or _as_many_keys(text, _count_keys(value))):
        try:
            parse(text, json_only=True)
        except DocumentError as error:
            return None, str(error)
    return value, None


def _as_many_keys(text: bytes, keys: int) -> bool:
    """Whether a text of JSON certainly has no more keys than the parser found, which tells of one that is given twice once."""
    # Each key has a colon of its own.
    if text.count(b":") == keys:
        return True
    # Where no quotation mark is escaped and no space stands before a colon, each key ends with a quotation mark and a colon.
    if b"\\" in text or b" :" in text or b"\t:" in text or b"\r:" in text or b"\n:" in text:
        return False
    return text.count(b'":') == keys


def _not_json(error: ValueError) -> str:
    message = str(error).replace(" at line 1 column ", " in column ")
    return f"is not well-formed JSON: {one_line(message, 120)}"


def _count_keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_count_keys(item) for item in value.values() if isinstance(item, (dict, list)))
    return sum(_count_keys(item) for item in value if isinstance(item, (dict, list)))


def _column(name: str, values: list[Any]) -> tuple[pl.Series, bool]:
    """Return a column, and whether its cells are JSON."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pl.Series(name, values, dtype=pl.String), False
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean), False
    if kinds <= {int, float}:
        whole = [value for value in values if type(value) is int]
        limit = EXACT_IN_FLOAT if float in kinds else 2**63 - 1
        if not whole or (min(whole) >= -limit and max(whole) <= limit):
            return pl.Series(name, values, dtype=pl.Float64 if float in kinds else pl.Int64), False
    if kinds == {str}:
        # A cell of a cohort is one of few, mostly.
        texts = {text: _write(text) for text in set(values) if text is not None}
        return pl.Series(name, list(map(texts.get, values)), dtype=pl.String), True
    return pl.Series(name, [None if value is None else _write(value) for value in values], dtype=pl.String), True
