"""What was decided for a chunk of a table, as columns: one row per patient, or one per patient and option."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from hcc_decide.cohort.encode import CASE, Encoded, Encoder
from hcc_decide.cohort.gaps import NOBODY, Missing
from hcc_decide.cohort.judge import Judged
from hcc_decide.cohort.places import Places, Ranking
from hcc_decide.cohort.shape import Chunk
from hcc_decide.cohort.texts import JOINT, Distinct, Flags, cells
from hcc_decide.engine.tables import NO, NOT_APPLICABLE, OPEN, YES, Codes, Small, Tables, verdict_of, would_be_of
from hcc_decide.knowledge.catalogue import Rule, Treatment
from hcc_decide.plausible import implausible

Rows = npt.NDArray[np.bool_]
STAGE = "bclc_stage"
_STAMP: Mapping[str, type[pl.DataType]] = {"knowledge_version": pl.Categorical, "knowledge_sha256": pl.Categorical}
_WHOSE: Mapping[str, type[pl.DataType]] = {"line": pl.Int64, "case_id": pl.String}
SHORT: Mapping[str, type[pl.DataType]] = {
    **_WHOSE,
    "setting": pl.Categorical,
    "bclc_stage": pl.Categorical,
    "first_choice": pl.Categorical,
    "options": pl.Categorical,
    "missing": pl.Categorical,
    "notices": pl.Categorical,
    "cautions": pl.Categorical,
    "unusual": pl.Categorical,
    **_STAMP,
}
"""The columns of a table of one row per patient; columns that are kept come after ``case_id``."""
LONG: Mapping[str, type[pl.DataType]] = {
    **_WHOSE,
    "setting": pl.Categorical,
    "option": pl.Categorical,
    "rank": pl.Int32,
    "verdict": pl.Categorical,
    "would_be": pl.Categorical,
    "evidence_level": pl.Int32,
    "not_met": pl.Categorical,
    "reservations": pl.Categorical,
    "open": pl.Categorical,
    "cautions": pl.Categorical,
    **_STAMP,
}
"""The columns of a table of one row per patient and option."""


def plain_text(chunk: Chunk, name: str) -> pl.Series:
    """Return a column; JSON texts without their quotation marks, anything else as it stands."""
    column = chunk.cells[name]
    if name not in chunk.json:
        return column
    distinct = column.unique().drop_nulls().to_list()
    values = {text: found if isinstance(found := json.loads(text), str) else text for text in distinct}
    return column.replace(values)


class Criteria:
    """The criteria of one option, with the indications that each bears on."""

    def __init__(self, tables: Tables, treatment: Treatment) -> None:
        """Look up the rules.

        Args:
            tables: the answers of the engine.
            treatment: the option.
        """
        self.treatment = treatment
        self._tables = tables
        # In the order of a checklist: the indication, then what it asks for.
        self.decisive = (*(use.rule for use in treatment.uses), *treatment.of_kind("include", "exclude"))
        self.reserving = treatment.of_kind("reservation")
        self.cautioning = treatment.of_kind("caution")
        rules = (*self.decisive, *self.reserving, *self.cautioning)
        self._bears = {
            rule.id: np.array([use.body.id in rule.indications for use in treatment.uses], dtype=bool) for rule in rules
        }
        self.not_met = Flags([rule.id for rule in self.decisive])
        self.reservations = Flags([rule.id for rule in self.reserving])
        self.open = Flags([rule.id for rule in (*self.decisive, *self.reserving)])
        self.cautions = Flags([rule.id for rule in self.cautioning])

    def concerned(self, rule: Rule, judged: Judged) -> Rows:
        """Return the classes whose deciding indication a rule bears on; none where the option belongs elsewhere."""
        standings = judged.options[self.treatment.id]
        bears: Rows = self._bears[rule.id].take(standings.use, mode="clip")
        bears &= standings.standing != NOT_APPLICABLE
        return bears

    def _answered(self, rule: Rule, judged: Judged, answer: int) -> Rows:
        found: Rows = judged.answers[self._tables.condition_of(rule.id)] == answer
        return found & self.concerned(rule, judged)

    def fails(self, rule: Rule, judged: Judged) -> Rows:
        """Return the classes that fail a criterion, or to whom an exclusion applies."""
        return self._answered(rule, judged, YES if rule.kind == "exclude" else NO)

    def holds(self, rule: Rule, judged: Judged) -> Rows:
        """Return the classes to whom a reservation or a caution applies."""
        return self._answered(rule, judged, YES)

    def waits(self, rule: Rule, judged: Judged) -> Rows:
        """Return the classes for whom a criterion is open."""
        return self._answered(rule, judged, OPEN)


class Wording:
    """Writes cells; what was written once is remembered for the next chunk.

    Attributes:
        tables: the answers of the engine.
        encoder: gave the codes of the fields.
        places: gave the rankings.
        criteria: by option.
        usual: the fields whose values can be unusual.
        notices: ids of what may be noticed of a patient, in the order of a decision.
    """

    def __init__(self, tables: Tables, encoder: Encoder, places: Places) -> None:
        """Write nothing yet."""
        knowledge = tables.knowledge
        self.tables, self.encoder, self.places = tables, encoder, places
        self.criteria = {name: Criteria(tables, treatment) for name, treatment in knowledge.options.items()}
        facts = knowledge.vocabulary.facts
        self.usual = tuple(name for name, fact in facts.items() if fact.plausible is not None)
        self.disagreeing = tuple(item for item in knowledge.staging if item.given)
        self.notices = (
            *(f"{item.rule}/disagreement" for item in self.disagreeing),
            *(rule.id for rule in knowledge.notices),
        )
        self.notice_cells = Flags(self.notices)
        self.unusual_cells = Flags(self.usual)
        self.caution_cells = Flags([rule.id for criteria in self.criteria.values() for rule in criteria.cautioning])
        self.settings = (*map(str, knowledge.words.values("setting")), "undetermined")
        self.missing_cells: dict[tuple[str, ...], Distinct] = {}

    def is_unusual(self, field: str, judged: Judged) -> Rows:
        """Return the classes whose value of a field lies outside its usual span."""
        values = [self.encoder.value(field, code) for code in range(self.encoder.count(field))]
        unusual = [bool(implausible(self.tables.knowledge, {field: value})) for value in values]
        return np.array(unusual, dtype=bool)[judged.fields[field]]

    def missing(self, found: Missing) -> tuple[Codes, list[str]]:
        """Return the place of each class's cell of missing facts among the texts, and these."""
        facts = found.facts
        writer = self.missing_cells.get(facts)
        if writer is None:
            writer = self.missing_cells[facts] = Distinct(
                lambda rows: [JOINT.join(facts[place] for place in row if place != NOBODY) for row in rows.tolist()]
            )
        return writer.number(found.order), writer.made


@dataclass(frozen=True)
class Decided:
    """What was decided for a chunk.

    Attributes:
        chunk: the rows as read.
        encoded: the accepted ones, by class.
        judged: how every option stands with each class.
        rankings: the rankings by number.
        ranking: the number of the ranking of each class.
        gaps: what is missing for each class.
        wording: writes the cells.
    """

    chunk: Chunk
    encoded: Encoded
    judged: Judged
    rankings: Sequence[Ranking]
    ranking: Codes
    gaps: Missing
    wording: Wording

    @cached_property
    def weights(self) -> npt.NDArray[np.int64]:
        """How many rows each class has."""
        return np.bincount(self.encoded.inverse, minlength=self.encoded.classes)

    @cached_property
    def settings(self) -> npt.NDArray[np.int32]:
        """For each class the place of its setting among `Wording.settings`."""
        names = self.wording.settings
        states = self.wording.tables.classes.states("setting")
        places = [
            names.index(str(next(iter(state.values)))) if state.values and len(state.values) == 1 else len(names) - 1
            for state in states
        ]
        return np.array(places, dtype=np.int32)[self.judged.attributes["setting"]]

    @cached_property
    def stages(self) -> tuple[Codes, list[str | None]]:
        """For each class the place of its BCLC stage among the values that follow; ``None`` while it is open."""
        states = self.wording.tables.classes.states(STAGE)
        values = [str(next(iter(state.values))) if state.values and state.known else None for state in states]
        return self.judged.attributes[STAGE], values

    @cached_property
    def first_choices(self) -> tuple[Codes, list[str]]:
        """For each class the place of its first choice among the texts that follow."""
        numbers, inverse = np.unique(self.ranking, return_inverse=True)
        places: dict[str, int] = {}
        found = [places.setdefault(self.rankings[number].first_text, len(places)) for number in numbers.tolist()]
        return np.array(found, dtype=np.int32)[inverse], list(places)

    @property
    def _order(self) -> tuple[Codes, list[str]]:
        numbers, inverse = np.unique(self.ranking, return_inverse=True)
        return inverse.astype(np.int32), [self.rankings[number].text for number in numbers.tolist()]

    def is_first(self, option: str) -> Rows:
        """Return the classes of which an option is a first choice."""
        codes, texts = self.first_choices
        return np.array([option in text.split(JOINT) for text in texts], dtype=bool)[codes]

    @cached_property
    def noticed(self) -> list[Rows]:
        """For each of `Wording.notices` the classes it is shown to."""
        tables = self.wording.tables
        return [
            *(self.judged.disagreements[item.fact] for item in self.wording.disagreeing),
            *(self.judged.answers[tables.condition_of(rule.id)] == YES for rule in tables.knowledge.notices),
        ]

    @cached_property
    def unusual(self) -> list[Rows]:
        """For each of `Wording.usual` the classes with an unusual value."""
        return [self.wording.is_unusual(name, self.judged) for name in self.wording.usual]

    @cached_property
    def first_cautions(self) -> list[tuple[str, Rule, Rows]]:
        """The cautions, with their options and the classes to whom they apply as to a first choice."""
        found = []
        firsts = {option for text in self.first_choices[1] for option in text.split(JOINT)}
        nobody = np.zeros(self.encoded.classes, dtype=bool)
        for option, criteria in self.wording.criteria.items():
            first = self.is_first(option) if option in firsts and criteria.cautioning else nobody
            for rule in criteria.cautioning:
                found.append((option, rule, first & criteria.holds(rule, self.judged) if first.any() else nobody))
        return found

    def answer(self, place: int) -> tuple[str, str, str]:
        """Return setting, options and missing facts of an accepted row, as their cells tell them."""
        found = int(self.encoded.inverse[place])
        order, facts = self.gaps.order[found], self.gaps.facts
        return (
            self.wording.settings[int(self.settings[found])],
            self.rankings[int(self.ranking[found])].text,
            JOINT.join(facts[item] for item in order.tolist() if item != NOBODY),
        )

    def _column(self, places: npt.NDArray[Any], texts: Sequence[str | None]) -> pl.Series:
        return cells(places[self.encoded.inverse], texts)

    def _flags(self, flags: Flags, held: Iterable[Rows]) -> pl.Series:
        return self._column(*flags.cells(list(held), self.encoded.classes))

    def _constant(self, text: str) -> pl.Series:
        return cells(np.zeros(len(self.encoded.rows), dtype=np.int32), [text])

    @cached_property
    def lines(self) -> pl.Series:
        """Where each accepted row stands in the table."""
        return self.chunk.lines.gather(self.encoded.rows).cast(pl.Int64)

    @cached_property
    def case_ids(self) -> pl.Series:
        """The pseudonym of each accepted row, null where there is none."""
        if CASE not in self.chunk.cells.columns:
            return pl.Series([None] * len(self.encoded.rows), dtype=pl.String)
        stripped = plain_text(self.chunk, CASE).gather(self.encoded.rows).cast(pl.String).str.strip_chars()
        return stripped.set(stripped == "", None)

    @cached_property
    def setting(self) -> pl.Series:
        """The setting of each accepted row."""
        return self._column(self.settings, self.wording.settings)

    @cached_property
    def first_choice(self) -> pl.Series:
        """The first choice of each accepted row: ids joined with ``;``, empty when no option is usable."""
        return self._column(*self.first_choices)

    def of(self, option: str, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
        """Return how an option stands with some accepted rows: ``rank``, ``verdict``, ``would_be``, ``not_met``.

        Args:
            option: its id.
            rows: places among the accepted rows.
        """
        classes = self.encoded.inverse[rows]
        judged, criteria = self.judged, self.wording.criteria[option]
        ranks = self._ranks(option)
        not_met = criteria.not_met.cells(
            [criteria.fails(rule, judged) for rule in criteria.decisive], self.encoded.classes
        )
        standing = judged.options[option].standing[classes]
        return pl.DataFrame(
            {
                "rank": _null_if_zero(ranks[classes]),
                "verdict": _standings(standing, would_be=False),
                "would_be": _standings(standing, would_be=True),
                "not_met": cells(not_met[0][classes], not_met[1]),
            }
        )

    def frame(self, kept: Sequence[str] = ()) -> pl.DataFrame:
        """Return one row per accepted patient (`SHORT`).

        Args:
            kept: columns of the table that are carried over, as they were read.
        """
        knowledge = self.wording.tables.knowledge
        columns = {
            "setting": self.setting,
            "bclc_stage": self._column(*self.stages),
            "first_choice": self.first_choice,
            "options": self._column(*self._order),
            "missing": self._column(*self.wording.missing(self.gaps)),
            "notices": self._flags(self.wording.notice_cells, self.noticed),
            "cautions": self._flags(self.wording.caution_cells, (rows for _, _, rows in self.first_cautions)),
            "unusual": self._flags(self.wording.unusual_cells, self.unusual),
            "knowledge_version": self._constant(knowledge.version),
            "knowledge_sha256": self._constant(knowledge.sha256),
        }
        return pl.DataFrame({**self._head(kept), **columns})

    def _head(self, kept: Sequence[str]) -> dict[str, pl.Series]:
        carried = {name: plain_text(self.chunk, name).gather(self.encoded.rows) for name in kept}
        return {"line": self.lines, "case_id": self.case_ids, **carried}

    def long(self, kept: Sequence[str] = ()) -> pl.DataFrame:
        """Return one row per accepted patient and option of the catalogue (`LONG`), in the order of the catalogue.

        Args:
            kept: columns of the table that are carried over, as they were read.
        """
        knowledge = self.wording.tables.knowledge
        options = list(knowledge.options)
        ranks = np.stack([self._ranks(name) for name in options], axis=1)
        standings = np.stack([self.judged.options[name].standing for name in options], axis=1)
        parts = [self._option_cells(name) for name in options]
        head = pl.DataFrame({**self._head(kept), "setting": self.setting})
        rows, inverse = len(self.encoded.rows), self.encoded.inverse
        repeated = head.select(pl.all().gather(np.repeat(np.arange(rows), len(options))))
        levels = np.stack([part["level"] for part in parts], axis=1)[inverse].ravel()
        columns = {
            "option": cells(np.tile(np.arange(len(options)), rows), options),
            "rank": _null_if_zero(ranks[inverse].ravel()),
            "verdict": _standings(standings[inverse].ravel(), would_be=False),
            "would_be": _standings(standings[inverse].ravel(), would_be=True),
            "evidence_level": _null_if_zero(levels),
            **{name: self._of_options([part[name] for part in parts]) for name in _REASONS},
            "knowledge_version": cells(np.zeros(rows * len(options), dtype=np.int32), [knowledge.version]),
            "knowledge_sha256": cells(np.zeros(rows * len(options), dtype=np.int32), [knowledge.sha256]),
        }
        return repeated.with_columns(**columns)

    def _ranks(self, option: str) -> npt.NDArray[np.int32]:
        """Return the rank of an option for each class, 0 where it does not come into question."""
        ranks, inverse = self._ranks_of
        return np.array([mine.get(option, 0) for mine in ranks], dtype=np.int32)[inverse]

    @cached_property
    def _ranks_of(self) -> tuple[list[Mapping[str, int]], npt.NDArray[np.int64]]:
        numbers, inverse = np.unique(self.ranking, return_inverse=True)
        return [self.rankings[number].ranks for number in numbers.tolist()], inverse

    def _option_cells(self, option: str) -> dict[str, Any]:
        criteria, judged, classes = self.wording.criteria[option], self.judged, self.encoded.classes
        standings = judged.options[option]
        levels = np.array([use.body.evidence_level for use in criteria.treatment.uses], dtype=np.int32)
        return {
            "level": np.where(standings.standing == NOT_APPLICABLE, 0, levels[standings.use]),
            "not_met": criteria.not_met.cells([criteria.fails(rule, judged) for rule in criteria.decisive], classes),
            "reservations": criteria.reservations.cells(
                [criteria.holds(rule, judged) for rule in criteria.reserving], classes
            ),
            "open": criteria.open.cells(
                [criteria.waits(rule, judged) for rule in (*criteria.decisive, *criteria.reserving)], classes
            ),
            "cautions": criteria.cautions.cells(
                [criteria.holds(rule, judged) for rule in criteria.cautioning], classes
            ),
        }

    def _of_options(self, parts: Sequence[tuple[Codes, list[str]]]) -> pl.Series:
        """Return a column of one cell per accepted row and option, from each option's cells by class."""
        places: dict[str, int] = {}
        columns = []
        for codes, texts in parts:
            table = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int32)
            columns.append(table[codes])
        return cells(np.stack(columns, axis=1)[self.encoded.inverse].ravel(), list(places))


_REASONS = ("not_met", "reservations", "open", "cautions")


def _null_if_zero(numbers: npt.NDArray[np.int32]) -> pl.Series:
    found = pl.Series(numbers, dtype=pl.Int32)
    return found.set(found == 0, None)


def _standings(standing: Small, *, would_be: bool) -> pl.Series:
    """Return a column of verdicts, or of what they would be."""
    numbers, places = np.unique(standing, return_inverse=True)
    texts: list[str | None] = [would_be_of(int(number)) if would_be else verdict_of(int(number)) for number in numbers]
    return cells(places, texts)
