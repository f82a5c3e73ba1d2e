"""What was decided for a chunk of a table, as columns: one row per patient, or one per patient and option."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from hcc_decide.cohort.encode import CASE, Encoded
from hcc_decide.cohort.gaps import Missing
from hcc_decide.cohort.judge import Judged, Staged
from hcc_decide.cohort.places import Ranking, sortable
from hcc_decide.cohort.shape import Chunk
from hcc_decide.cohort.texts import JOINT, Flags, cells, long_cells, numbers_column, used
from hcc_decide.cohort.wording import Rows, Wording
from hcc_decide.engine.lookup import Codes
from hcc_decide.engine.tables import NOT_APPLICABLE, YES, Small, verdict_of, would_be_of
from hcc_decide.knowledge.catalogue import Rule

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


@dataclass(frozen=True)
class Part:
    """The classes of one setting, or those whose setting is open, and what the rules make of them.

    Attributes:
        setting: the place of their setting among `Wording.settings`.
        rows: their places among the classes of the chunk.
        judged: how the options stand with them.
        ranking: the number of the ranking of each.
        gaps: what is missing for each.
        missing: the place of the cell that says so among the texts of missing facts.
    """

    setting: int
    rows: npt.NDArray[np.int64]
    judged: Judged
    ranking: Codes
    gaps: Missing
    missing: Codes


@dataclass(frozen=True)
class Decided:
    """What was decided for a chunk.

    Attributes:
        chunk: the rows as read.
        encoded: the accepted ones, by class.
        staged: what is known of each class.
        parts: the classes by setting, judged and ranked.
        rankings: the rankings by number.
        missing_texts: the cells of missing facts by number.
        wording: writes the cells.
    """

    chunk: Chunk
    encoded: Encoded
    staged: Staged
    parts: Sequence[Part]
    rankings: Sequence[Ranking]
    missing_texts: Sequence[str]
    wording: Wording

    @cached_property
    def weights(self) -> npt.NDArray[np.int64]:
        """How many rows each class has."""
        return np.bincount(self.encoded.inverse, minlength=self.encoded.classes)

    def _gathered(self, of_part: Callable[[Part], Any], default: int = 0) -> Codes:
        """Return one number for each class, from those of its part."""
        found = np.full(self.encoded.classes, default, dtype=np.int32)
        for part in self.parts:
            found[part.rows] = of_part(part)
        return found

    @cached_property
    def settings(self) -> Codes:
        """For each class the place of its setting among `Wording.settings`."""
        return self._gathered(lambda part: part.setting)

    @cached_property
    def ranking(self) -> Codes:
        """For each class the number of its ranking."""
        return self._gathered(lambda part: part.ranking)

    @cached_property
    def stages(self) -> tuple[Codes, list[str | None]]:
        """For each class the place of its BCLC stage among the values that follow; ``None`` while it is open."""
        states = self.wording.tables.classes.states(STAGE)
        values = [str(next(iter(state.values))) if state.values and state.known else None for state in states]
        return self.staged.attributes[STAGE], values

    @cached_property
    def _ranked(self) -> tuple[list[Ranking], Codes]:
        """The rankings of the chunk, and for each class the place of its own among them."""
        numbers, inverse = used(self.ranking, len(self.rankings))
        return [self.rankings[number] for number in numbers.tolist()], inverse

    @cached_property
    def first_choices(self) -> tuple[Codes, list[str]]:
        """For each class the place of its first choice among the texts that follow."""
        rankings, inverse = self._ranked
        places: dict[str, int] = {}
        found = [places.setdefault(ranking.first_text, len(places)) for ranking in rankings]
        return np.array(found, dtype=np.int32).take(inverse), list(places)

    def best(self, worst: int) -> npt.NDArray[np.int64]:
        """Return for each class what its first choice is sorted by (`places.sortable`), or a number where there is none."""
        rankings, inverse = self._ranked
        found = [worst if ranking.best is None else sortable(*ranking.best) for ranking in rankings]
        return np.array(found, dtype=np.int64).take(inverse)

    def is_first(self, option: str) -> Rows:
        """Return the classes of which an option is a first choice."""
        codes, texts = self.first_choices
        return np.array([option in text.split(JOINT) for text in texts], dtype=bool).take(codes)

    @cached_property
    def noticed(self) -> list[Rows]:
        """For each of `Wording.notices` the classes it is shown to."""
        tables = self.wording.tables
        return [
            *(self.staged.disagreements[item.fact] for item in self.wording.disagreeing),
            *(self.staged.answers[tables.condition_of(rule.id)] == YES for rule in tables.knowledge.notices),
        ]

    @cached_property
    def unusual(self) -> list[Rows]:
        """For each of `Wording.usual` the classes with an unusual value."""
        return [self.wording.is_unusual(name, self.staged) for name in self.wording.usual]

    @cached_property
    def first_cautions(self) -> list[tuple[str, Rule, Rows]]:
        """The cautions, with their options and the classes to whom they apply as to a first choice."""
        codes, texts = self.first_choices
        leads = {option: np.zeros(len(texts), dtype=bool) for option in self.wording.criteria}
        for place, text in enumerate(texts):
            for option in text.split(JOINT) if text else ():
                leads[option][place] = True
        nobody = np.zeros(self.encoded.classes, dtype=bool)
        found = [
            (option, rule, nobody) for option, criteria in self.wording.criteria.items() for rule in criteria.cautioning
        ]
        places = {rule.id: place for place, (_, rule, _) in enumerate(found)}
        for part in self.parts:
            mine = codes[part.rows]
            present = np.bincount(mine, minlength=len(texts)) > 0
            for option in part.judged.options:
                cautioning = self.wording.criteria[option].cautioning
                if not cautioning or not (leads[option] & present).any():
                    continue
                first = leads[option].take(mine)
                for rule in cautioning:
                    held = first & self.wording.criteria[option].holds(rule, part.judged)
                    if held.any():
                        _, _, rows = found[places[rule.id]]
                        rows = rows.copy() if rows is nobody else rows
                        rows[part.rows] = held
                        found[places[rule.id]] = (option, rule, rows)
        return found

    def answer(self, place: int) -> tuple[str, str, str]:
        """Return setting, options and missing facts of an accepted row, as their cells tell them."""
        found = int(self.encoded.inverse[place])
        part = next(part for part in self.parts if found in part.rows)
        here = int(np.searchsorted(part.rows, found))
        return (
            self.wording.settings[part.setting],
            self.rankings[int(part.ranking[here])].text,
            self.missing_texts[int(part.missing[here])],
        )

    def _column(self, places: npt.NDArray[Any], texts: Sequence[str | None]) -> pa.DictionaryArray:
        return cells(places.take(self.encoded.inverse), texts)

    @property
    def _options(self) -> pa.DictionaryArray:
        rankings, inverse = self._ranked
        numbers, places = used(np.array([ranking.same for ranking in rankings], dtype=np.int64), len(self.rankings))
        texts = [self.rankings[number].text for number in numbers.tolist()]
        return long_cells(places.take(inverse).take(self.encoded.inverse), texts)

    def _flags(self, flags: Flags, held: Iterable[Rows]) -> pa.DictionaryArray:
        return self._column(*flags.cells(list(held), self.encoded.classes))

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
        return pl.Series(self._column(self.settings, self.wording.settings))

    @cached_property
    def first_choice(self) -> pl.Series:
        """The first choice of each accepted row: ids joined with ``;``, empty when no option is usable."""
        return pl.Series(self._column(*self.first_choices))

    def of(self, option: str, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
        """Return how an option stands with some accepted rows: ``rank``, ``verdict``, ``would_be``, ``not_met``.

        Args:
            option: its id.
            rows: places among the accepted rows.
        """
        classes = self.encoded.inverse[rows]
        ranks = self._ranks(option)
        not_met = self._flagged(option, "not_met")
        standing = self._standing(option)[classes]
        columns = {
            "rank": _null_if_zero(ranks[classes]),
            "verdict": _standings(standing, would_be=False),
            "would_be": _standings(standing, would_be=True),
            "not_met": cells(not_met[0][classes], not_met[1]),
        }
        return pl.DataFrame({name: pl.Series(column) for name, column in columns.items()})

    def table(self, kept: Sequence[str] = ()) -> pa.Table:
        """Return one row per accepted patient (`SHORT`), as Arrow.

        Args:
            kept: columns of the table that are carried over, as they were read.
        """
        columns = {
            "setting": self._column(self.settings, self.wording.settings),
            "bclc_stage": self._column(*self.stages),
            "first_choice": self._column(*self.first_choices),
            "options": self._options,
            "missing": self._column(self._gathered(lambda part: part.missing), self.missing_texts),
            "notices": self._flags(self.wording.notice_cells, self.noticed),
            "cautions": self._flags(self.wording.caution_cells, (rows for _, _, rows in self.first_cautions)),
            "unusual": self._flags(self.wording.unusual_cells, self.unusual),
            **self._stamp(len(self.encoded.rows)),
        }
        return pa.table({**self._head(kept), **columns})

    def frame(self, kept: Sequence[str] = ()) -> pl.DataFrame:
        """Return `table` as a frame of Polars."""
        return pl.DataFrame(self.table(kept))

    def _head(self, kept: Sequence[str]) -> dict[str, pa.Array]:
        carried = {name: plain_text(self.chunk, name).gather(self.encoded.rows) for name in kept}
        head = {"line": self.lines, "case_id": self.case_ids, **carried}
        return {name: column.to_arrow(compat_level=pl.CompatLevel.oldest()) for name, column in head.items()}

    def _stamp(self, rows: int) -> dict[str, pa.DictionaryArray]:
        knowledge = self.wording.tables.knowledge
        nowhere = np.zeros(rows, dtype=np.int32)
        return {
            "knowledge_version": cells(nowhere, [knowledge.version]),
            "knowledge_sha256": cells(nowhere, [knowledge.sha256]),
        }

    def long_table(self, kept: Sequence[str] = ()) -> pa.Table:
        """Return one row per accepted patient and option of the catalogue (`LONG`), in its order, as Arrow.

        Args:
            kept: columns of the table that are carried over, as they were read.
        """
        options = list(self.wording.tables.knowledge.options)
        ranks = np.stack([self._ranks(name) for name in options], axis=1)
        standings = np.stack([self._standing(name) for name in options], axis=1)
        levels = np.stack([self._level(name) for name in options], axis=1)
        rows, inverse = len(self.encoded.rows), self.encoded.inverse
        head = pa.table({**self._head(kept), "setting": self._column(self.settings, self.wording.settings)})
        repeated = head.take(numbers_column(np.repeat(np.arange(rows), len(options))))
        columns = {
            "option": cells(np.tile(np.arange(len(options)), rows), options),
            "rank": _null_if_zero(ranks[inverse].ravel()),
            "verdict": _standings(standings[inverse].ravel(), would_be=False),
            "would_be": _standings(standings[inverse].ravel(), would_be=True),
            "evidence_level": _null_if_zero(levels[inverse].ravel()),
            **{name: self._of_options([self._flagged(option, name) for option in options]) for name in _REASONS},
            **self._stamp(rows * len(options)),
        }
        for name, column in columns.items():
            repeated = repeated.append_column(name, column)
        return repeated

    def long(self, kept: Sequence[str] = ()) -> pl.DataFrame:
        """Return `long_table` as a frame of Polars."""
        return pl.DataFrame(self.long_table(kept))

    def _ranks(self, option: str) -> Codes:
        """Return the rank of an option for each class, 0 where it does not come into question."""
        _, inverse = self._ranked
        return np.array([mine.get(option, 0) for mine in self._ranks_of], dtype=np.int32)[inverse]

    @cached_property
    def _ranks_of(self) -> list[Mapping[str, int]]:
        return [ranking.ranks for ranking in self._ranked[0]]

    def _concerned(self, option: str) -> list[Part]:
        return [part for part in self.parts if option in part.judged.options]

    def _standing(self, option: str) -> Small:
        """Return the standing of an option with each class."""
        found = np.full(self.encoded.classes, NOT_APPLICABLE, dtype=np.uint8)
        for part in self._concerned(option):
            found[part.rows] = part.judged.options[option].standing
        return found

    def _level(self, option: str) -> Codes:
        """Return the level of evidence of an option for each class, 0 where it is not applicable."""
        uses = self.wording.criteria[option].treatment.uses
        levels = np.array([use.body.evidence_level for use in uses], dtype=np.int32)
        found = np.zeros(self.encoded.classes, dtype=np.int32)
        for part in self._concerned(option):
            standings = part.judged.options[option]
            found[part.rows] = np.where(standings.standing == NOT_APPLICABLE, 0, levels[standings.use])
        return found

    def _flagged(self, option: str, reason: str) -> tuple[Codes, list[str]]:
        """Return the place of each class's cell of reasons among the texts, and these."""
        found = self.wording.criteria[option].reasons[reason]
        places = np.full(self.encoded.classes, found.flags.nothing, dtype=np.int32)
        for part in self._concerned(option):
            held = [found.held(rule, part.judged) for rule in found.rules]
            places[part.rows], _ = found.flags.cells(held, part.judged.classes)
        return places, found.flags.texts

    def _of_options(self, parts: Sequence[tuple[Codes, list[str]]]) -> pa.DictionaryArray:
        """Return a column of one cell per accepted row and option, from each option's cells by class."""
        places: dict[str, int] = {}
        columns = []
        for codes, texts in parts:
            table = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int32)
            columns.append(table[codes])
        return cells(np.stack(columns, axis=1)[self.encoded.inverse].ravel(), list(places))


_REASONS = ("not_met", "reservations", "open", "cautions")


def _null_if_zero(numbers: Codes) -> pa.Array:
    return numbers_column(numbers.astype(np.int32), numbers != 0)


def _standings(standing: Small, *, would_be: bool) -> pa.DictionaryArray:
    """Return a column of verdicts, or of what they would be."""
    numbers, places = np.unique(standing, return_inverse=True)
    texts: list[str | None] = [would_be_of(int(number)) if would_be else verdict_of(int(number)) for number in numbers]
    return cells(places, texts)
