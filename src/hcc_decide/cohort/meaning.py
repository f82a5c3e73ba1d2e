"""What each distinct cell of a column means: checked once, by the model that checks single records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from types import GenericAlias
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from hcc_decide.cohort.known import UNKNOWN, Known, Numbers, Words
from hcc_decide.cohort.reading.cells import CsvCells, text_of
from hcc_decide.cohort.shape import Cells, Chunk
from hcc_decide.documents import DocumentError, parse
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import MAX_CASE_ID, Patient, record_from_csv

REFUSED = -1
MOST = 500_000
"""Distinct cells of one column that are remembered at once."""
_FIRST_LOOK = 256
"""Cells that are new and looked at one by one; what they mean mostly tells of all others."""


class Cell(NamedTuple):
    """What a distinct cell means: the class of its value, or `REFUSED`, the value, and whether it tells any."""

    code: int
    value: Any
    given: bool = False


class Column:
    """Numbers the distinct cells of one field, and keeps what each means. Number 0 is the empty cell.

    Attributes:
        codes: by number, the class of the value, or `REFUSED`.
        given: by number, whether the cell tells a value.
        values: by number, the value; not a number where there is none. Of fields that are no numbers these are all 0.
    """

    def __init__(self, empty: Cell, read: Callable[[Sequence[Any], bool], list[Cell]], *, numeric: bool) -> None:
        """Know the empty cell only.

        Args:
            empty: what it means.
            read: says what other cells mean, which are text in the way of a CSV file, JSON texts (then with ``True``), or
                values.
            numeric: whether the field is a number.
        """
        self._empty, self._read, self._numeric = empty, read, numeric
        self._forget()

    def find(self, cells: Cells, name: str, *, json_text: bool) -> Numbers:
        """Return the number of each row's cell.

        Args:
            cells: the rows.
            name: of the column.
            json_text: whether its text is JSON.
        """
        if len(self.codes) > MOST:
            self._forget()
        if isinstance(cells, CsvCells):
            return self._find_raw(cells, name)
        indices, distinct = _distinct(cells[name])
        numbers = self._number(distinct, json_text=json_text)
        return np.array([*numbers, 0], dtype=np.int32)[indices]

    def _forget(self) -> None:
        # Text, numbers and truth values that Python holds equal (1, 1.0, true) may mean different things.
        self._items: dict[tuple[type, bool], dict[Any, int]] = {}
        self._short = Known()
        self._short.add([np.zeros(1, dtype=np.uint64)], np.zeros(1, dtype=np.int32))
        self._long: dict[bytes, int] = {}
        self.codes = np.zeros(0, dtype=np.int32)
        self.given = np.zeros(0, dtype=bool)
        self.values = np.zeros(0, dtype=np.float64)
        self._keep([self._empty])

    def _keep(self, cells: Sequence[Cell]) -> None:
        self.codes = np.append(self.codes, np.array([cell.code for cell in cells], dtype=np.int32))
        self.given = np.append(self.given, np.array([cell.given for cell in cells], dtype=bool))
        values = (
            [np.nan if cell.value is None else float(cell.value) for cell in cells]
            if self._numeric
            else np.zeros(len(cells))
        )
        self.values = np.append(self.values, np.array(values, dtype=np.float64))

    def _number(self, items: Sequence[Any], *, json_text: bool) -> list[int]:
        """Return the numbers of cells that are of one type."""
        if not items:
            return []
        known = self._items.setdefault((type(items[0]), json_text), {})
        new = [item for item in items if item not in known]
        known.update(zip(new, self._learn(new, json_text=json_text), strict=True))
        return [known[item] for item in items]

    def _learn(self, items: Sequence[Any], *, json_text: bool) -> range:
        """Have new cells read, and return their numbers."""
        first = len(self.codes)
        if items:
            self._keep(self._read(items, json_text))
        return range(first, len(self.codes))

    def _find_raw(self, cells: CsvCells, name: str) -> Numbers:
        words, long = cells.words(name)
        numbers = self._short.find(words)
        if len(long):
            raw = cells.raw(name, long)
            self._learn_long(dict.fromkeys(raw))
            numbers[long] = [self._long[cell] for cell in raw]
        new = np.flatnonzero(numbers == UNKNOWN)
        look = _FIRST_LOOK
        while len(new):
            self._learn_short(cells.raw(name, new[:look]), [word[new[:look]] for word in words])
            numbers[new] = self._short.find([word[new] for word in words])
            new = new[numbers[new] == UNKNOWN]
            look *= 8
        return numbers

    def _learn_long(self, raw: Iterable[bytes]) -> None:
        new = [cell for cell in raw if cell not in self._long]
        self._long.update(zip(new, self._number_raw(new), strict=True))

    def _learn_short(self, raw: Sequence[bytes], words: Sequence[Words]) -> None:
        firsts: dict[bytes, int] = {}
        for row, cell in enumerate(raw):
            firsts.setdefault(cell, row)
        numbers = np.array(self._number_raw(list(firsts)), dtype=np.int32)
        rows = list(firsts.values())
        self._short.add([word[rows] for word in words], numbers)

    def _number_raw(self, raw: Sequence[bytes]) -> list[int]:
        texts = [text_of(cell) for cell in raw]
        numbers = iter(self._learn([text for text in texts if text is not None], json_text=False))
        return [0 if text is None else next(numbers) for text in texts]


class Model:
    """The patient model, cell by cell."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Look up which fields are numbers."""
        self._options = knowledge.option_ids
        self._fields: dict[str, Callable[..., Any]] = {}
        validated = {
            field for found in Patient.__pydantic_decorators__.field_validators.values() for field in found.info.fields
        }
        facts = knowledge.vocabulary.facts
        self.numbers = tuple(
            name for name in Patient.model_fields if name in facts and facts[name].kind in ("integer", "number")
        )
        for name in (*self.numbers, "prior_systemic"):
            # The type is all of the check of a field that has no function of its own.
            if name not in validated:
                several: Any = GenericAlias(list, (Patient.model_fields[name].rebuild_annotation(),))
                self._fields[name] = TypeAdapter(several).validator.validate_python

    def values(self, name: str, items: Sequence[Any], *, json_text: bool) -> list[tuple[Any, bool] | None]:
        """Return for each cell the value of a field that it tells, and whether it tells any; ``None`` where it is refused.

        Args:
            name: the field.
            items: the cells.
            json_text: whether they are JSON texts.
        """
        if name in self._fields and len(items) > 1:
            try:
                given = [plain(name, item, json_text=json_text).get(name) for item in items]
                if all(item is not None for item in given):
                    return [(value, True) for value in self._fields[name](given, context=self._options)]
            except (DocumentError, ValidationError):
                pass  # one by one then, to tell which
        return [self._value(name, item, json_text=json_text) for item in items]

    def _value(self, name: str, item: Any, *, json_text: bool) -> tuple[Any, bool] | None:
        try:
            given = plain(name, item, json_text=json_text).get(name)
            if given is not None and name in self._fields:
                return self._fields[name]([given], context=self._options)[0], True
            patient = Patient.model_validate({name: given}, context=self._options)
        except (DocumentError, ValidationError):
            return None
        return getattr(patient, name), given is not None


def plain(name: str, cell: Any, *, json_text: bool) -> dict[str, Any]:
    """Return a record of one field from its cell; empty when the cell says that the fact is not known.

    Raises:
        DocumentError: the cell is no JSON value.
    """
    if json_text:
        found = parse(f"[{cell}]".encode(), json_only=True).data
        return {} if found == [None] else {name: found[0] if len(found) == 1 else found}
    return record_from_csv({name: cell}) if isinstance(cell, str) else {name: cell}


def wrong_case_ids(chunk: Chunk, name: str) -> npt.NDArray[np.bool_]:
    """Tell which case ids the record would refuse."""
    cells = chunk.cells
    if isinstance(cells, CsvCells) and cells.spans(name)[1].max(initial=0) <= MAX_CASE_ID:
        return np.zeros(cells.height, dtype=bool)  # a character has one byte at least
    series = cells[name]
    if series.dtype == pl.Null:
        return np.zeros(len(series), dtype=bool)
    if series.dtype != pl.String:
        return np.asarray(series.is_not_null().to_numpy(), dtype=bool)
    if name in chunk.json:
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
