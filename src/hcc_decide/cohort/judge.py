"""From the classes of records to the standing of every option: whole columns, looked up in the tables of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hcc_decide.cohort.encode import Encoder
from hcc_decide.decision import Verdict
from hcc_decide.engine.facts import Reader
from hcc_decide.engine.network import EngineError
from hcc_decide.engine.tables import (
    UNDETERMINED,
    Codes,
    Lookup,
    Small,
    Tables,
    narrow,
    opposite,
)
from hcc_decide.knowledge.catalogue import Knowledge, RuleKind, Treatment, Use
from hcc_decide.knowledge.condition import attributes_of, fact_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.patient import Patient
from hcc_decide.scores import RUNNING


@dataclass(frozen=True)
class Standings:
    """How one option stands with each class.

    Attributes:
        standing: `engine.tables.verdict_of` and `would_be_of` tell what each number means.
        use: the place, among the option's indications, of the one that decides or comes nearest.
        by_use: the standing of each indication.
    """

    standing: Small
    use: Small
    by_use: tuple[Small, ...]


@dataclass(frozen=True)
class Judged:
    """What the rules make of some classes of records.

    Attributes:
        classes: how many there are.
        fields: the code of each field (`Encoder`).
        attributes: the class of each attribute, derived facts included; ask by name, it is written out when asked for.
        answers: for each condition of the tables: true, false or unknown.
        options: how each option stands, by id.
        disagreements: by derived fact: the record gives it otherwise than it is derived.
    """

    classes: int
    fields: Mapping[str, Codes]
    attributes: Mapping[str, Codes]
    answers: Sequence[Small]
    options: Mapping[str, Standings]
    disagreements: Mapping[str, npt.NDArray[np.bool_]]


class Judge:
    """Judges classes of records; what the engine told once is looked up.

    Attributes:
        tables: the answers of the engine.
    """

    def __init__(self, tables: Tables, encoder: Encoder) -> None:
        """Know nothing yet.

        Args:
            tables: the answers of the engine.
            encoder: gave, and will give, the codes of the fields.
        """
        self.tables = tables
        self._readings = _readings(tables.knowledge, encoder)
        self._shapes = {treatment.id: _shape(treatment, tables) for treatment in tables.knowledge.options.values()}

    def judge(self, codes: Mapping[str, Codes], classes: int) -> Judged:
        """Judge every rule and every option for some classes.

        Args:
            codes: of each field and running score, the code of each class.
            classes: how many there are.

        Raises:
            EngineError: there is no decision, for any of them.
        """
        read = [reading.read(codes, classes, self.tables) for reading in self._readings]
        record = _Columns(read)
        derived, disagreements = self.tables.stage(record, classes)
        attributes = _Columns(read, derived)
        sources = {name: found for found in read for name in found.attributes if name not in self._derived}
        answers = [self._answer(place, attributes, sources, classes) for place in range(len(self.tables.conditions))]
        stood: dict[_Shape, Standings] = {}
        for option, shape in self._shapes.items():
            if shape not in stood:
                stood[shape] = self._stand(option, shape, answers)
        options = {option: stood[shape] for option, shape in self._shapes.items()}
        return Judged(classes, codes, attributes, answers, options, disagreements)

    @cached_property
    def _derived(self) -> frozenset[str]:
        return frozenset(item.fact for item in self.tables.knowledge.staging)

    def _answer(self, place: int, attributes: Mapping[str, Codes], sources: Mapping[str, _Read], classes: int) -> Small:
        asked = attributes_of(self.tables.conditions[place])
        read = {id(sources.get(name)): sources.get(name) for name in asked}
        if len(read) == 1 and (only := next(iter(read.values()))) is not None:
            # All hangs on one field: each of its classes is judged, not each class of patients.
            return self.tables.answer(place, only.table, only.rows).take(only.places, mode="clip")
        return self.tables.answer(place, attributes, classes)

    def _stand(self, option: str, shape: _Shape, answers: Sequence[Small]) -> Standings:
        outcomes: list[Small] = []
        for base, applies, include, exclude, reservation in shape:
            criteria = _joined(answers, include), opposite(_joined(answers, exclude)), _joined(answers, reservation)
            outcomes.append(self.tables.outcome(base, answers[applies], *criteria))
        standing = outcomes[0].copy()
        use_of = np.zeros(len(standing), dtype=np.uint8)
        for place, outcome in enumerate(outcomes[1:], start=1):
            # What surely applies decides, so no other verdict may apply as surely.
            if ((outcome < UNDETERMINED) & (standing < UNDETERMINED) & (outcome != standing)).any():
                raise EngineError(f"{option} got several verdicts for one patient")
            better = outcome < standing
            np.copyto(standing, outcome, where=better)
            use_of[better] = place
        return Standings(standing, use_of, tuple(outcomes))


def _joined(answers: Sequence[Small], places: tuple[int, ...]) -> Small:
    found = np.zeros(len(answers[0]), dtype=np.uint8)
    for place in places:
        found |= answers[place]
    return found


_Shape = tuple[tuple[Verdict, int, tuple[int, ...], tuple[int, ...], tuple[int, ...]], ...]
"""Of each indication: its verdict by evidence, and the places of the conditions that it hangs on."""


def _shape(treatment: Treatment, tables: Tables) -> _Shape:
    """Return all that the standing of an option hangs on; options of one shape stand alike with everyone."""

    def places(use: Use, kind: RuleKind) -> tuple[int, ...]:
        rules = treatment.by_use[use.body.id].get(kind, ())
        return tuple(sorted({tables.condition_of(rule.id) for rule in rules}))

    return tuple(
        (
            use.body.verdict,
            tables.condition_of(use.rule.id),
            places(use, "include"),
            places(use, "exclude"),
            places(use, "reservation"),
        )
        for use in treatment.uses
    )


@dataclass(frozen=True)
class _Read:
    """What some fields say of attributes.

    Attributes:
        table: for each attribute, its class by place.
        rows: how many places there are.
        places: of each class of records.
    """

    table: Mapping[str, Codes]
    rows: int
    places: Codes

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes."""
        return tuple(self.table)

    def column(self, attribute: str) -> Codes:
        """Return the class of an attribute, for each class of records."""
        return self.table[attribute].take(self.places, mode="clip")


class _Columns(dict[str, Codes]):
    """The class of each attribute for each class of records; a column is written out when it is first asked for."""

    def __init__(self, read: Sequence[_Read], known: Mapping[str, Codes] | None = None) -> None:
        super().__init__(known or {})
        self._sources = {name: found for found in read for name in found.attributes}

    def __missing__(self, attribute: str) -> Codes:
        column = self[attribute] = self._sources[attribute].column(attribute)
        return column


class _Reading:
    """Reads the attributes that hang on the same fields of the record."""

    def __init__(
        self, knowledge: Knowledge, inputs: tuple[str, ...], attributes: tuple[str, ...], encoder: Encoder
    ) -> None:
        self._attributes = attributes
        self._encoder = encoder
        self._reader = Reader(knowledge, attributes)
        self._blank = Patient()
        self._lookup = Lookup(inputs, encoder.count)
        self._read: list[tuple[int, ...]] = []

    def read(self, codes: Mapping[str, Codes], rows: int, tables: Tables) -> _Read:
        """Return the class of each attribute, by place, and the place of every row."""
        places = self._lookup.find(codes, rows, lambda row: self._judge(codes, row, tables))
        table = np.array(self._read, dtype=np.int32).reshape(len(self._read), len(self._attributes))
        columns = {name: narrow(table[:, column].copy()) for column, name in enumerate(self._attributes)}
        return _Read(columns, len(self._read), places)

    def _judge(self, codes: Mapping[str, Codes], row: int, tables: Tables) -> int:
        values: dict[str, Any] = {}
        for part in self._lookup.inputs:
            value = self._encoder.value(part, int(codes[part][row]))
            if part in RUNNING:
                values.update(zip(RUNNING[part][0], value or (None, None), strict=True))
            else:
                values[part] = value
        states = self._reader.read(self._blank.model_copy(update=values))
        self._read.append(tuple(tables.classes.of(name, states[name]) for name in self._attributes))
        return len(self._read) - 1


def _readings(knowledge: Knowledge, encoder: Encoder) -> list[_Reading]:
    """Group the attributes that a record settles by the fields they hang on."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for attribute in knowledge.attributes():
        name = fact_of(attribute)
        fact = knowledge.vocabulary.facts[name]
        if fact.source == "derived":
            continue
        if name in RUNNING:
            inputs: tuple[str, ...] = (name,)
        elif fact.source == "computed":
            inputs = tuple(fact.from_)
        elif fact.source == "history":
            inputs = (PRIOR_SYSTEMIC,)
        else:
            inputs = (name,)
        groups.setdefault(inputs, []).append(attribute)
    return [_Reading(knowledge, inputs, tuple(attributes), encoder) for inputs, attributes in groups.items()]
