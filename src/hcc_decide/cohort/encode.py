"""From rows as read to the class of each row: every distinct cell is checked once, by the model that checks single records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from hcc_decide.classes.records import RecordClasses
from hcc_decide.cohort.shape import Chunk, Refused
from hcc_decide.documents import DocumentError, parse
from hcc_decide.engine.tables import Lookup
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import (
    CONTRADICTING,
    MAX_CASE_ID,
    Patient,
    RecordError,
    contradictions,
    parse_patient,
    record_from_csv,
)
from hcc_decide.scores import RUNNING

Codes = npt.NDArray[np.int32]
REFUSED = -1
CASE = "case_id"
MOST = 500_000
"""Distinct cells of one column that are remembered at once."""


class _Cell(NamedTuple):
    """What a distinct cell means: its class, or `REFUSED`, its value, and whether it tells any."""

    code: int
    value: Any
    given: bool = False


@dataclass(frozen=True)
class Encoded:
    """The accepted rows of a chunk, by class.

    Attributes:
        rows: places of the accepted rows in the chunk.
        refused: the others.
        inverse: for each accepted row, the place of its class among the distinct classes.
        codes: for each field, and each running score, the code of each distinct class.
        keys: a number for each distinct class, the same in every chunk of a table; for counting classes over chunks.
        given: how many accepted rows give each field.
        numbers: the value of each accepted row by field, not a number where it is not known; for numbers only.
    """

    rows: npt.NDArray[np.int64]
    refused: tuple[Refused, ...]
    inverse: npt.NDArray[np.int64]
    codes: Mapping[str, Codes]
    keys: npt.NDArray[np.uint64]
    given: Mapping[str, int]
    numbers: Mapping[str, npt.NDArray[np.float64]]

    @property
    def classes(self) -> int:
        """How many distinct classes there are."""
        return len(self.keys)


class Encoder:
    """Tells the class of each row of a table; remembers the meaning of every cell it has seen.

    Attributes:
        classes: what makes records of one class.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        """Remember nothing yet."""
        self.classes = RecordClasses(knowledge)
        self._knowledge = knowledge
        self._numbers: dict[str, TypeAdapter[Any]] = {}
        for name, info in Patient.model_fields.items():
            fact = knowledge.vocabulary.facts.get(name)
            if fact is not None and fact.kind in ("integer", "number"):
                self._numbers[name] = TypeAdapter(info.rebuild_annotation())
        self._codes: dict[str, dict[Hashable, int]] = {name: {} for name in self.classes.parts}
        self._values: dict[str, list[Any]] = {name: [] for name in self.classes.parts}
        self._contradictions = {group: Lookup(group, self.count) for group in CONTRADICTING}
        self._hashes: dict[str, npt.NDArray[np.uint64]] = {}
        self._cells: dict[tuple[str, str], dict[Any, _Cell]] = {}
        for name in self.classes.fields:
            self._code(name, Patient.model_fields[name].default)

    def value(self, part: str, code: int) -> Any:
        """Return a value that stands for a class: of a running score, the two values that it is computed from."""
        return self._values[part][code]

    def count(self, part: str) -> int:
        """Return how many classes of a field or running score have been met."""
        return len(self._values[part])

    def _code(self, part: str, value: Any, kind: Hashable = ...) -> int:
        known = self._codes[part]
        found = self.classes.of_field(part, value) if kind is ... else kind
        code = known.get(found)
        if code is None:
            code = known[found] = len(known)
            self._values[part].append(value)
        return code

    def encode(self, chunk: Chunk) -> Encoded:
        """Check the rows of a chunk and tell their classes.

        Args:
            chunk: the rows; columns that are no fields of the record are ignored.
        """
        columns: dict[str, Codes] = {}
        values: dict[str, npt.NDArray[np.float64]] = {}
        wrong = np.zeros(chunk.cells.height, dtype=bool)
        given: dict[str, npt.NDArray[np.bool_]] = {}
        for name in Patient.model_fields:
            if name not in chunk.cells.columns:
                continue
            series = chunk.cells[name]
            if name == CASE:
                wrong |= _wrong_case_ids(series, json_text=name in chunk.json)
                continue
            indices, distinct = _distinct(series)
            cells = [self._cell(name, item, json_text=name in chunk.json) for item in distinct]
            unknown = _Cell(0, Patient.model_fields[name].default)
            codes = np.array([*(cell.code for cell in cells), unknown.code], dtype=np.int32)[indices]
            wrong |= codes == REFUSED
            given[name] = np.array([*(cell.given for cell in cells), False])[indices]
            if name in self.classes.fields:
                columns[name] = codes
            if name in self._numbers:
                known = [np.nan if cell.value is None else float(cell.value) for cell in (*cells, unknown)]
                values[name] = np.array(known)[indices]
        # A cell that is refused stands for no class; its row is, too.
        wrong |= self._contradicting(columns, ~wrong)
        rows = np.flatnonzero(~wrong)
        kept = {name: codes[rows] for name, codes in columns.items()}
        numbers = {name: found[rows] for name, found in values.items()}
        for score in self.classes.scores:
            first, second = RUNNING[score][0]
            if first in numbers and second in numbers:
                kept[score] = self._score(score, numbers[first], numbers[second])
        codes_of, inverse, classes = _classes(kept, len(rows))
        for part in self.classes.parts:
            if part not in codes_of:
                missing = self._code(part, None, None) if part in self.classes.scores else 0
                codes_of[part] = np.full(classes, missing, dtype=np.int32)
        return Encoded(
            rows,
            tuple(self.refuse(chunk, int(row)) for row in np.flatnonzero(wrong)),
            inverse,
            codes_of,
            self._keys(codes_of, classes),
            {name: int(known[rows].sum()) for name, known in given.items()},
            numbers,
        )

    def refuse(self, chunk: Chunk, row: int) -> Refused:
        """Return why a row is refused, in the words that a single record gets.

        Raises:
            RuntimeError: the row is accepted as a single record.
        """
        record, problems = self._record(chunk, row)
        whole = chunk.cells.row(row, named=True)
        try:
            parse_patient(record, self._knowledge.option_ids)
        except RecordError as error:
            return Refused(int(chunk.lines[row]), (*problems, *error.problems), whole)
        if not problems:
            raise RuntimeError(f"line {chunk.lines[row]} is refused in a table and accepted alone")
        return Refused(int(chunk.lines[row]), problems, whole)

    def patient(self, chunk: Chunk, row: int) -> Patient:
        """Return the patient of an accepted row.

        Raises:
            RecordError: the row is refused.
        """
        record, problems = self._record(chunk, row)
        if problems:
            raise RecordError(problems)
        return parse_patient(record, self._knowledge.option_ids)

    def _record(self, chunk: Chunk, row: int) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return the record of a row, and a line for each cell that cannot be read."""
        record: dict[str, Any] = {}
        unreadable: list[str] = []
        for name, cell in chunk.cells.row(row, named=True).items():
            if name in Patient.model_fields and cell is not None:
                try:
                    record.update(_plain(name, cell, json_text=name in chunk.json))
                except DocumentError as error:
                    unreadable.append(f"{name}: the cell {error}")
        return record, tuple(unreadable)

    def _cell(self, name: str, item: Any, *, json_text: bool) -> _Cell:
        # Text, numbers and truth values that Python holds equal (1, 1.0, true) may mean different things.
        known = self._cells.setdefault((name, f"{type(item).__name__}{json_text}"), {})
        found = known.get(item)
        if found is None:
            if len(known) >= MOST:
                known.clear()
            found = known[item] = self._read(name, item, json_text=json_text)
        return found

    def _read(self, name: str, item: Any, *, json_text: bool) -> _Cell:
        try:
            record = _plain(name, item, json_text=json_text)
        except DocumentError:
            return _Cell(REFUSED, None)
        given = record.get(name)
        try:
            if given is not None and name in self._numbers:
                value = self._numbers[name].validate_python(given)
            else:
                patient = Patient.model_validate({name: given}, context=self._knowledge.option_ids)
                value = getattr(patient, name)
        except ValidationError:
            return _Cell(REFUSED, None)
        return _Cell(self._code(name, value) if name in self._codes else 0, value, given is not None)

    def _contradicting(self, columns: Mapping[str, Codes], sound: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which rows contradict themselves; each distinct combination of what can contradict is looked at once."""
        found = np.zeros(len(sound), dtype=bool)
        rows = np.flatnonzero(sound)
        for group, lookup in self._contradictions.items():
            codes = {name: columns[name][rows] for name in group if name in columns}
            codes |= {name: np.zeros(len(rows), dtype=np.int32) for name in group if name not in columns}

            def look(row: int, group: tuple[str, ...] = group, codes: Mapping[str, Codes] = codes) -> int:
                values = {name: self._values[name][int(codes[name][row])] for name in group}
                return bool(contradictions(Patient.model_construct(**values)))

            found[rows] |= lookup.find(codes, len(rows), look).astype(bool)
        return found

    def _keys(self, codes: Mapping[str, Codes], classes: int) -> npt.NDArray[np.uint64]:
        """Return a number for each class that does not hang on the order in which classes were met."""
        found = np.zeros(classes, dtype=np.uint64)
        for part, mine in codes.items():
            hashes = self._hashes.get(part, np.zeros(0, dtype=np.uint64))
            kinds = self._codes[part]
            if len(kinds) > len(hashes):
                new = [_number(f"{part}={kind!r}") for kind in islice(kinds, len(hashes), None)]
                hashes = self._hashes[part] = np.append(hashes, np.array(new, dtype=np.uint64))
            found += hashes.take(mine, mode="clip")
        return found

    def _score(self, score: str, first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> Codes:
        pairs = pl.DataFrame({"first": first, "second": second})
        distinct, inverse = _distinct_rows(pairs)
        codes = []
        for one, other in distinct.iter_rows():
            known = None if one != one or other != other else (one, other)  # noqa: PLR0124 - not a number
            kind = self.classes.of_score(score, *(known or (None, None)))
            codes.append(self._code(score, known, kind))
        return np.array(codes, dtype=np.int32)[inverse]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _plain(name: str, cell: Any, *, json_text: bool) -> dict[str, Any]:
    """Return a record of one field from its cell; empty when the cell says that the fact is not known.

    Raises:
        DocumentError: the cell is no JSON value.
    """
    if json_text:
        found = parse(f"[{cell}]".encode(), json_only=True).data
        return {} if found == [None] else {name: found[0] if len(found) == 1 else found}
    return record_from_csv({name: cell}) if isinstance(cell, str) else {name: cell}


def _wrong_case_ids(series: pl.Series, *, json_text: bool) -> npt.NDArray[np.bool_]:
    """Tell which case ids the record would refuse."""
    if series.dtype == pl.Null:
        return np.zeros(len(series), dtype=bool)
    if series.dtype != pl.String:
        return np.asarray(series.is_not_null().to_numpy(), dtype=bool)
    if json_text:
        values = [None if text is None else json.loads(text) for text in series]
        return np.array([not (v is None or (isinstance(v, str) and len(v) <= MAX_CASE_ID)) for v in values], dtype=bool)
    too_long = (series.str.strip_chars().str.len_chars() > MAX_CASE_ID).fill_null(value=False)
    return np.asarray(too_long.to_numpy(), dtype=bool)


def _distinct(series: pl.Series) -> tuple[npt.NDArray[np.int64], list[Any]]:
    """Return for each row the place of its cell among the distinct ones, and these; null comes after the last one."""
    if series.dtype == pl.Null:
        return np.zeros(len(series), dtype=np.int64), []
    array = series.to_arrow(compat_level=pl.CompatLevel.oldest())
    encoded: Any = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    distinct: list[Any] = encoded.dictionary.to_pylist()
    indices = encoded.indices.cast(pa.int64()).fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    return indices, distinct


def _distinct_rows(frame: pl.DataFrame) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    """Return the distinct rows of a frame, in the order of their first appearance, and for each row its place there."""
    places = frame.with_row_index("__row")
    firsts = places.group_by(frame.columns, maintain_order=True).agg(pl.first("__row"), pl.col("__row").alias("__rows"))
    inverse = np.empty(frame.height, dtype=np.int64)
    lengths = firsts["__rows"].list.len().to_numpy()
    inverse[firsts["__rows"].explode().to_numpy()] = np.repeat(np.arange(firsts.height), lengths)
    return firsts.select(frame.columns), inverse


def _classes(columns: Mapping[str, Codes], rows: int) -> tuple[dict[str, Codes], npt.NDArray[np.int64], int]:
    """Return the distinct combinations of codes, column by column, the place of each row's, and how many there are."""
    if not columns or not rows:
        return {name: codes[:0] for name, codes in columns.items()}, np.zeros(rows, dtype=np.int64), min(rows, 1)
    distinct, inverse = _distinct_rows(_words(columns))
    first = np.zeros(distinct.height, dtype=np.int64)
    first[inverse[::-1]] = np.arange(rows)[::-1]
    return {name: codes[first] for name, codes in columns.items()}, inverse, distinct.height


def _words(columns: Mapping[str, Codes]) -> pl.DataFrame:
    """Pack the codes of each row into a few whole numbers, without loss."""
    words: list[npt.NDArray[np.int64]] = []
    room = 0
    for codes in columns.values():
        bits = max(int(codes.max()).bit_length(), 1)
        if not words or bits > room:
            words.append(np.zeros(len(codes), dtype=np.int64))
            room = 62
        words[-1] = (words[-1] << bits) | codes
        room -= bits
    return pl.DataFrame({str(number): word for number, word in enumerate(words)})
