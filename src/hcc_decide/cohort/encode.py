"""From rows as read to the class of each row: every distinct cell is checked once, by the model that checks single records."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from hcc_decide.classes.records import RecordClasses
from hcc_decide.cohort.known import UNKNOWN, Known
from hcc_decide.cohort.meaning import MOST, REFUSED, Cell, Column, Model, plain, wrong_case_ids
from hcc_decide.cohort.shape import Chunk, Refused
from hcc_decide.documents import DocumentError
from hcc_decide.engine.lookup import Lookup
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import CONTRADICTING, Patient, RecordError, contradictions, parse_patient
from hcc_decide.scores import RUNNING

Codes = npt.NDArray[np.int32]
CASE = "case_id"


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
        self._model = Model(knowledge)
        self._silent = {name: Patient.model_fields[name].default for group in CONTRADICTING for name in group}
        self._codes: dict[str, dict[Hashable, int]] = {name: {} for name in self.classes.parts}
        self._values: dict[str, list[Any]] = {name: [] for name in self.classes.parts}
        self._contradictions = {group: Lookup(group, self.count) for group in CONTRADICTING}
        self._hashes: dict[str, npt.NDArray[np.uint64]] = {}
        self._columns = {name: self._column(name) for name in Patient.model_fields if name != CASE}
        self._scores = {score: Known() for score in self.classes.scores}

    def _column(self, name: str) -> Column:
        default = Patient.model_fields[name].default
        code = self._code(name, default) if name in self._codes else 0

        classed = name in self._codes

        def read(items: Sequence[Any], json_text: bool) -> list[Cell]:
            return [
                Cell(REFUSED, None) if found is None else Cell(self._code(name, found[0]) if classed else 0, *found)
                for found in self._model.values(name, items, json_text=json_text)
            ]

        return Column(Cell(code, default), read, numeric=name in self._model.numbers)

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
        height = chunk.cells.height
        wrong = np.zeros(height, dtype=bool)
        given: dict[str, npt.NDArray[np.bool_]] = {}
        for name in Patient.model_fields:
            if name not in chunk.cells.columns:
                continue
            if name == CASE:
                wrong |= wrong_case_ids(chunk, name)
                continue
            column = self._columns[name]
            cells = column.find(chunk.cells, name, json_text=name in chunk.json)
            codes = column.codes.take(cells)
            wrong |= codes == REFUSED
            given[name] = column.given.take(cells)
            if name in self.classes.fields:
                columns[name] = codes
            if name in self._model.numbers:
                values[name] = column.values.take(cells)
        # A cell that is refused stands for no class; its row is, too.
        wrong |= self._contradicting(columns, ~wrong)
        rows = np.flatnonzero(~wrong)
        if len(rows) < height:
            columns = {name: codes[rows] for name, codes in columns.items()}
            values = {name: found[rows] for name, found in values.items()}
            given = {name: known[rows] for name, known in given.items()}
        for score in self.classes.scores:
            first, second = RUNNING[score][0]
            if first in values and second in values:
                columns[score] = self._score(score, values[first], values[second])
        keys, inverse, codes_of = _classes(self._keys(columns, len(rows)), columns)
        for part in self.classes.parts:
            if part not in codes_of:
                missing = self._code(part, None, None) if part in self.classes.scores else 0
                codes_of[part] = np.full(len(keys), missing, dtype=np.int32)
                keys = keys + self._hashes_of(part)[missing]
        return Encoded(
            rows,
            tuple(self.refuse(chunk, int(row)) for row in np.flatnonzero(wrong)),
            inverse,
            codes_of,
            keys,
            {name: int(np.count_nonzero(known)) for name, known in given.items()},
            values,
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
                    record.update(plain(name, cell, json_text=name in chunk.json))
                except DocumentError as error:
                    unreadable.append(f"{name}: the cell {error}")
        return record, tuple(unreadable)

    def _contradicting(self, columns: Mapping[str, Codes], sound: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which rows contradict themselves; each distinct combination of what can contradict is looked at once."""
        found = np.zeros(len(sound), dtype=bool)
        rows = np.flatnonzero(sound)
        for group, lookup in self._contradictions.items():
            codes = {name: columns[name][rows] for name in group if name in columns}
            codes |= {name: np.zeros(len(rows), dtype=np.int32) for name in group if name not in columns}

            def look(row: int, group: tuple[str, ...] = group, codes: Mapping[str, Codes] = codes) -> int:
                values = self._silent | {name: self._values[name][int(codes[name][row])] for name in group}
                # As a patient of whom nothing else is known: the other groups have looks of their own.
                return bool(contradictions(cast("Patient", SimpleNamespace(**values))))

            found[rows] |= lookup.find(codes, len(rows), look).astype(bool)
        return found

    def _keys(self, columns: Mapping[str, Codes], rows: int) -> npt.NDArray[np.uint64]:
        """Return a number for the class of each row that does not hang on the order in which classes were met."""
        found = np.zeros(rows, dtype=np.uint64)
        for part, codes in columns.items():
            found += self._hashes_of(part).take(codes, mode="clip")
        return found

    def _hashes_of(self, part: str) -> npt.NDArray[np.uint64]:
        hashes = self._hashes.get(part, np.zeros(0, dtype=np.uint64))
        kinds = self._codes[part]
        if len(kinds) > len(hashes):
            new = [_number(f"{part}={kind!r}") for kind in islice(kinds, len(hashes), None)]
            hashes = self._hashes[part] = np.append(hashes, np.array(new, dtype=np.uint64))
        return hashes

    def _score(self, score: str, first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> Codes:
        """Return the class of a running score for each row; each distinct pair of values is computed once."""
        known = self._scores[score]
        if len(known) > MOST:
            known = self._scores[score] = Known()
        codes = np.full(len(first), self._code(score, None, None), dtype=np.int32)
        rows = np.flatnonzero(~(np.isnan(first) | np.isnan(second)))
        pairs = np.stack([first[rows], second[rows]])
        pairs += 0.0  # of zeros there are two
        words = list(pairs.view(np.uint64))
        found = known.find(words)
        new = np.flatnonzero(found == UNKNOWN)
        if len(new):
            _, firsts = np.unique(pairs[0, new] + 1j * pairs[1, new], return_index=True)
            new = new[firsts]
            made = []
            for one, other in pairs[:, new].T.tolist():
                made.append(self._code(score, (one, other), self.classes.of_score(score, one, other)))
            known.add([word[new] for word in words], np.array(made, dtype=np.int32))
            found = known.find(words)
        codes[rows] = found
        return codes


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _classes(
    keys: npt.NDArray[np.uint64], columns: Mapping[str, Codes]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], dict[str, Codes]]:
    """Return the distinct combinations of codes: the key of each, the place of each row's, and the codes by column.

    Args:
        keys: of each row, equal for equal combinations.
        columns: the codes of each row.
    """
    order = np.argsort(keys)
    ordered = keys[order]
    begins = np.append(True, ordered[1:] != ordered[:-1])
    if begins.all():
        return keys, np.arange(len(keys)), dict(columns)
    # Of each row the first one of its key. Classes come in the order of these: what is alike is looked up together.
    firsts = np.empty(len(keys), dtype=np.int64)
    firsts[order] = np.minimum.reduceat(order, np.flatnonzero(begins))[np.cumsum(begins) - 1]
    rows = np.arange(len(keys))
    again = np.flatnonzero(firsts != rows)
    if any((codes[again] != codes[firsts[again]]).any() for codes in columns.values()):
        return keys, rows, dict(columns)  # two combinations have one key: each row stands for itself
    distinct = firsts == rows
    inverse = (np.cumsum(distinct) - 1)[firsts]
    return keys[distinct], inverse, {name: codes[distinct] for name, codes in columns.items()}
