"""From the classes of records to the standing of every option: whole columns, looked up in the tables of the engine.

Classes are judged in parts, one for each setting and one for those whose setting is open: an option that has no indication in a
setting is not looked at there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hcc_decide.cohort.encode import Encoder
from hcc_decide.decision import Setting, Verdict
from hcc_decide.engine.facts import Reader
from hcc_decide.engine.lookup import Codes, Lookup, narrow
from hcc_decide.engine.network import EngineError
from hcc_decide.engine.tables import UNDETERMINED, Small, Tables, opposite
from hcc_decide.knowledge.catalogue import Knowledge, RuleKind, Treatment, Use
from hcc_decide.knowledge.condition import State, attributes_of, fact_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.patient import Patient
from hcc_decide.scores import RUNNING

Places = npt.NDArray[np.int64]
SETTING = "setting"


@dataclass(frozen=True)
class Standings:
    """How one option stands with each class.

    Attributes:
        standing: `engine.tables.verdict_of` and `would_be_of` tell what each number means.
        use: the place, among the option's indications, of the one that decides or comes nearest.
        by_use: the standing of each indication, by place; those of other settings are left out.
    """

    standing: Small
    use: Small
    by_use: Mapping[int, Small]


class Criteria(NamedTuple):
    """What the standing of one indication hangs on: its verdict by evidence, and the places of its conditions."""

    base: Verdict
    settings: frozenset[Setting]
    applies: int
    include: tuple[int, ...]
    exclude: tuple[int, ...]
    reservation: tuple[int, ...]


Shape = tuple[Criteria, ...]
"""All that the standing of an option hangs on, by indication; options of one shape stand alike with everyone."""


@dataclass(frozen=True)
class Alike:
    """Options of one shape.

    Attributes:
        number: of the shape.
        shape: what they hang on.
        options: their ids, in the order of the catalogue.
    """

    number: int
    shape: Shape
    options: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What is known of some classes of records.

    Attributes:
        classes: how many there are.
        fields: the code of each field (`Encoder`).
        attributes: the class of each attribute, derived facts included.
        answers: for each condition of the tables: true, false or unknown.

    All are worked out when they are first asked for.
    """

    classes: int
    fields: Mapping[str, Codes]
    attributes: Mapping[str, Codes]
    answers: Mapping[int, Small]


@dataclass(frozen=True)
class Judged(Known):
    """How the options stand with some classes of records.

    Attributes:
        groups: the options that have an indication in the settings of these classes, with how they stand.
        options: how each of these options stands, by id; any other is not applicable.
    """

    groups: Sequence[tuple[Alike, Standings]]

    @cached_property
    def options(self) -> Mapping[str, Standings]:
        """How each option stands, by id."""
        return {option: standings for alike, standings in self.groups for option in alike.options}


@dataclass(frozen=True)
class Staged(Known):
    """What is known of the classes of a chunk, facts from facts derived.

    Attributes:
        disagreements: by derived fact: the record gives it otherwise than it is derived.
        parts: the places of the classes of each setting, and of those whose setting is open, with the settings that are
            possible for them.
    """

    disagreements: Mapping[str, npt.NDArray[np.bool_]]
    parts: Sequence[tuple[frozenset[Setting], Places]]
    _read: Sequence[_Read]
    _derived: Mapping[str, Codes]


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
        derived = {item.fact for item in tables.knowledge.staging}
        reading_of = {
            name: place for place, item in enumerate(self._readings) for name in item.attributes if name not in derived
        }
        # A condition that hangs on the attributes of one reading is judged for what is read, not for each class of patients.
        self._read_by: list[int | None] = []
        for condition in tables.conditions:
            read = {reading_of.get(name) for name in attributes_of(condition)}
            self._read_by.append(read.pop() if len(read) == 1 else None)
        self._alike = _alike(tables)
        self._within: dict[frozenset[Setting], tuple[Alike, ...]] = {}

    def stage(self, codes: Mapping[str, Codes], classes: int) -> Staged:
        """Read and derive the facts of some classes.

        Args:
            codes: of each field and running score, the code of each class.
            classes: how many there are.

        Raises:
            EngineError: there is no decision, for any of them.
        """
        read = [reading.read(codes, classes, self.tables) for reading in self._readings]
        derived, disagreements = self.tables.stage(_columns(read, {}, None), classes)
        attributes = _columns(read, derived, None)
        answers = _Made(lambda place: self._answer(place, attributes, read, classes))
        parts = self._parts(derived[SETTING])
        return Staged(classes, codes, attributes, answers, disagreements, parts, read, derived)

    def judge(self, staged: Staged, possible: frozenset[Setting], rows: Places) -> Judged:
        """Judge the options for one part of the classes of a chunk.

        Args:
            staged: what is known of them.
            possible: their settings.
            rows: their places.

        Raises:
            EngineError: there is no decision, for any of them.
        """
        size = len(rows)
        read = [item.part(rows) for item in staged._read]
        attributes = _columns(read, staged._derived, rows)
        fields = _Made(lambda name: staged.fields[name].take(rows, mode="clip"))
        answers = _Made(lambda place: self._answer(place, attributes, read, size))
        joined = _Made(lambda places: _joined(answers, places, size))
        groups = [(alike, self._stand(alike, possible, answers, joined)) for alike in self._among(possible)]
        return Judged(size, fields, attributes, answers, groups)

    def _parts(self, settings: Codes) -> list[tuple[frozenset[Setting], Places]]:
        """Return the places of the classes of each setting, and of those that may have several."""
        found: list[tuple[frozenset[Setting], Places]] = []
        several: list[Places] = []
        open_ones: frozenset[Setting] = frozenset()
        for number, state in enumerate(self.tables.classes.states(SETTING)):
            rows = np.flatnonzero(settings == number)
            if not len(rows):
                continue
            possible: frozenset[Any] = frozenset(state.values or ())
            if len(possible) == 1:
                found.append((possible, rows))
            else:
                several.append(rows)
                open_ones |= possible
        if several:
            found.append((open_ones, np.sort(np.concatenate(several))))
        return found

    def _among(self, possible: frozenset[Setting]) -> tuple[Alike, ...]:
        found = self._within.get(possible)
        if found is None:
            found = self._within[possible] = tuple(
                alike for alike in self._alike if any(possible & criteria.settings for criteria in alike.shape)
            )
        return found

    def _answer(self, place: int, attributes: Mapping[str, Codes], read: Sequence[_Read], classes: int) -> Small:
        reading = self._read_by[place]
        if reading is None:
            return self.tables.answer(place, attributes, classes)
        found = self._readings[reading].answer(place, self.tables)
        return found.take(read[reading].places, mode="clip")

    def _stand(
        self,
        alike: Alike,
        possible: frozenset[Setting],
        answers: Mapping[int, Small],
        joined: Mapping[tuple[int, ...], Small],
    ) -> Standings:
        outcomes: dict[int, Small] = {}
        for place, item in enumerate(alike.shape):
            if possible & item.settings:
                criteria = joined[item.include], opposite(joined[item.exclude]), joined[item.reservation]
                outcomes[place] = self.tables.outcome(item.base, answers[item.applies], *criteria)
        (first, found), *others = outcomes.items()
        standing, use_of = found, np.full(len(found), first, dtype=np.uint8)
        for place, outcome in others:
            # What surely applies decides, so no other verdict may apply as surely.
            if ((outcome < UNDETERMINED) & (standing < UNDETERMINED) & (outcome != standing)).any():
                raise EngineError(f"{alike.options[0]} got several verdicts for one patient")
            better = outcome < standing
            standing = np.minimum(standing, outcome)
            use_of[better] = place
        return Standings(standing, use_of, outcomes)


def _joined(answers: Mapping[int, Small], places: tuple[int, ...], classes: int) -> Small:
    if len(places) == 1:
        return answers[places[0]]
    found = np.zeros(classes, dtype=np.uint8)
    for place in places:
        found |= answers[place]
    return found


def _alike(tables: Tables) -> tuple[Alike, ...]:
    """Group the options of the catalogue by what their standing hangs on."""
    found: dict[Shape, list[str]] = {}
    for treatment in tables.knowledge.options.values():
        found.setdefault(_shape(treatment, tables), []).append(treatment.id)
    return tuple(Alike(number, shape, tuple(options)) for number, (shape, options) in enumerate(found.items()))


def _shape(treatment: Treatment, tables: Tables) -> Shape:
    def places(use: Use, kind: RuleKind) -> tuple[int, ...]:
        rules = treatment.by_use[use.body.id].get(kind, ())
        return tuple(sorted({tables.condition_of(rule.id) for rule in rules}))

    return tuple(
        Criteria(
            use.body.verdict,
            frozenset(use.settings),
            tables.condition_of(use.rule.id),
            places(use, "include"),
            places(use, "exclude"),
            places(use, "reservation"),
        )
        for use in treatment.uses
    )


class _Made(dict[Any, Any]):
    """Values that are made when they are first asked for."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __missing__(self, key: Any) -> Any:
        found = self[key] = self._make(key)
        return found


@dataclass(frozen=True)
class _Read:
    """What some fields say of attributes.

    Attributes:
        table: for each attribute, its class by place.
        places: of each class of records.
    """

    table: Mapping[str, Codes]
    places: Codes

    def part(self, rows: Places) -> _Read:
        """Return the same for some of the classes of records."""
        return _Read(self.table, self.places.take(rows, mode="clip"))


def _columns(read: Sequence[_Read], derived: Mapping[str, Codes], rows: Places | None) -> Mapping[str, Codes]:
    """Return the class of each attribute for each class of records, or of some of them; written out when asked for.

    Args:
        read: what the fields say, of these classes.
        derived: facts that were derived, of all classes.
        rows: the places of some of them; ``None``: all.
    """
    sources = {name: found for found in read for name in found.table}

    def column(attribute: str) -> Codes:
        if attribute in derived:
            return derived[attribute] if rows is None else derived[attribute].take(rows, mode="clip")
        source = sources[attribute]
        return source.table[attribute].take(source.places, mode="clip")

    return _Made(column)


class _Reading:
    """Reads the attributes that hang on the same fields of the record; what was read once is remembered."""

    def __init__(
        self, knowledge: Knowledge, inputs: tuple[str, ...], attributes: tuple[str, ...], encoder: Encoder
    ) -> None:
        self.attributes = attributes
        self._encoder = encoder
        self._reader = Reader(knowledge, attributes)
        self._blank = Patient()
        self._lookup = Lookup(inputs, encoder.count)
        self._read: list[tuple[int, ...]] = []
        self._last: dict[str, tuple[State, int]] = {}
        self._table: dict[str, Codes] = {name: np.zeros(0, dtype=np.uint8) for name in attributes}
        self._rows = 0
        self._answers: dict[int, Small] = {}

    def read(self, codes: Mapping[str, Codes], rows: int, tables: Tables) -> _Read:
        """Return the class of each attribute, by place, and the place of every row."""
        places = self._lookup.find(codes, rows, lambda row: self._judge(codes, row, tables))
        new = self._read[self._rows :]
        if new:
            columns = np.array(new, dtype=np.int32).T
            for name, column in zip(self.attributes, columns, strict=True):
                self._table[name] = narrow(np.append(self._table[name], column))
            self._rows = len(self._read)
        return _Read(dict(self._table), places)

    def answer(self, place: int, tables: Tables) -> Small:
        """Judge a condition that reads these attributes only, by place of what was read."""
        known = self._answers.get(place, np.zeros(0, dtype=np.uint8))
        if len(known) < self._rows:
            new = {name: column[len(known) :] for name, column in self._table.items()}
            known = np.append(known, tables.answer(place, new, self._rows - len(known)))
            self._answers[place] = known
        return known

    def _judge(self, codes: Mapping[str, Codes], row: int, tables: Tables) -> int:
        values: dict[str, Any] = {}
        for part in self._lookup.inputs:
            value = self._encoder.value(part, int(codes[part][row]))
            if part in RUNNING:
                values.update(zip(RUNNING[part][0], value or (None, None), strict=True))
            else:
                values[part] = value
        states = self._reader.read(self._blank.model_copy(update=values))
        self._read.append(tuple([self._number(name, states[name], tables) for name in self.attributes]))
        return len(self._read) - 1

    def _number(self, attribute: str, state: State, tables: Tables) -> int:
        # Of a history most attributes say the same as of the one before, and mostly it is the very same object.
        last = self._last.get(attribute)
        if last is None or last[0] is not state:
            last = self._last[attribute] = (state, tables.classes.of(attribute, state))
        return last[1]


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
