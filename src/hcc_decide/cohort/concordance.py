"""Concordance: what a patient was given beside what the rules say. The scoring rule stands in ``docs/concordance.md``.

A disagreement is a question, not an error: the record may lack what a board knew, and the knowledge has a date.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, Protocol

import numpy as np
import polars as pl

from hcc_decide.cohort.tally import Tally
from hcc_decide.decision import USABLE
from hcc_decide.knowledge.catalogue import Knowledge

Agreement = Literal[
    "first_choice",
    "usable",
    "investigational",
    "against",
    "elsewhere",
    "undetermined",
    "not_understood",
    "not_told",
]
AGREEMENTS: Mapping[Agreement, str] = {
    "first_choice": "rank 1 and usable, alone or with others of equal rank",
    "usable": "preferred, recommended or alternative, and another option stands above it",
    "investigational": "early data or an ongoing trial only",
    "against": "ineligible, or not recommended in this setting",
    "elsewhere": "not applicable: it belongs to another setting than the patient's",
    "undetermined": "the verdict, or the setting itself, hangs on a fact that is missing",
    "not_understood": "the text is no id and no alias of one option of the catalogue",
    "not_told": "the cell is empty",
}
"""Every way in which what was given can stand to what the rules say, with what it means; those that are judged come first."""

JUDGED: tuple[Agreement, ...] = ("first_choice", "usable", "investigational", "against", "elsewhere")
"""The ways that count in the denominator of a rate; in the others there is nothing to compare."""

NO_OPTION = ""
"""In the place of an option in ``Tally.concordance``, where no option was understood or told."""

CONFIDENCE = 0.95
INTERVAL = "Wilson score interval, 95 %"
"""How the interval around a rate is called (Wilson, J Am Stat Assoc 1927;22:209-212)."""

SEPARATOR = ";"
_STANDING: Mapping[str, type[pl.DataType]] = {
    "rank": pl.Int32,
    "verdict": pl.String,
    "would_be": pl.String,
    "not_met": pl.String,
}


COLUMNS: Mapping[str, type[pl.DataType]] = {
    "given": pl.String,
    "given_option": pl.String,
    "given_rank": pl.Int32,
    "given_verdict": pl.String,
    "given_would_be": pl.String,
    "given_not_met": pl.String,
    "agreement": pl.String,
}
"""The columns that stand beside the decided rows."""
DISAGREEMENTS: Mapping[str, type[pl.DataType]] = {
    "line": pl.Int64,
    "case_id": pl.String,
    "setting": pl.String,
    "given_option": pl.String,
    "agreement": pl.String,
    **_STANDING,
    "first_choice": pl.String,
}
"""The columns of a table of disagreements."""


class Standings(Protocol):
    """How every option stands for the decided rows of one chunk."""

    @property
    def lines(self) -> pl.Series:
        """Where each row stands in the table."""
        ...

    @property
    def case_ids(self) -> pl.Series:
        """The pseudonyms, null where there is none."""
        ...

    @property
    def setting(self) -> pl.Series:
        """The settings, as text."""
        ...

    @property
    def first_choice(self) -> pl.Series:
        """Ids of every usable option of rank 1 joined with ``;``, empty when no option is usable."""
        ...

    def of(self, option: str, rows: np.ndarray) -> pl.DataFrame:
        """Return how one option stands for some rows.

        Args:
            option: its id.
            rows: places in the chunk, from 0.

        Returns:
            One row for each of ``rows``, in their order: ``rank`` (null when excluded), ``verdict``, ``would_be`` (null unless
            undetermined) and ``not_met`` (ids of the criteria that an ineligible option fails, joined with ``;``).
        """
        ...


@dataclass(frozen=True)
class Concord:
    """What came of comparing one chunk.

    Attributes:
        columns: to stand beside the decided rows, in their order: ``given`` as read, ``given_option`` (an id, or null),
            ``given_rank``, ``given_verdict``, ``given_would_be``, ``given_not_met`` and ``agreement``.
        disagreements: every judged row that is not ``first_choice``, with ``line``, ``case_id``, ``setting``,
            ``given_option``, ``agreement``, ``rank``, ``verdict``, ``would_be``, ``not_met`` and ``first_choice``.
    """

    columns: pl.DataFrame
    disagreements: pl.DataFrame


def concord(given: pl.Series, standings: Standings, knowledge: Knowledge, tally: Tally) -> Concord:
    """Compare what was given with what the rules say, row by row.

    Args:
        given: one cell for each decided row, as read: an id or alias of an option of the catalogue, in any letter case and
            with or without blanks around it; null or blank where it is not told.
        standings: how the options stand for the same rows.
        knowledge: for the ids and aliases.
        tally: grows by what is found: ``concordance``, ``reasons`` and ``not_understood``.

    Raises:
        ValueError: there is not one cell for each row.
    """
    if len(given) != len(standings.lines):
        raise ValueError(f"{len(given)} cells of what was given for {len(standings.lines)} decided rows")
    text = given.cast(pl.String).alias("given")
    stripped = text.str.strip_chars().fill_null("").alias("stripped")
    option = _options(stripped, knowledge)
    frame = pl.concat(
        [
            pl.DataFrame(
                [
                    standings.lines.alias("line"),
                    standings.case_ids.alias("case_id"),
                    standings.setting.cast(pl.String).alias("setting"),
                    standings.first_choice.cast(pl.String).alias("first_choice"),
                    text,
                    stripped,
                    option,
                ]
            ),
            _standing(option, standings),
        ],
        how="horizontal",
    ).with_columns(_agreement())
    _count(frame, tally)
    renamed = {name: f"given_{name}" for name in _STANDING}
    wrong = frame.filter(pl.col("agreement").is_in([name for name in JUDGED if name != "first_choice"]))
    disagreements = wrong.select(pl.col(name).cast(kind) for name, kind in DISAGREEMENTS.items())
    columns = frame.rename(renamed).select(*COLUMNS)
    return Concord(columns, disagreements)


def _options(stripped: pl.Series, knowledge: Knowledge) -> pl.Series:
    """Return the option that each text names, or null; each distinct text is looked up once."""
    known = {name.lower(): option for name, option in knowledge.option_ids.items()}
    distinct = stripped.unique().to_list()
    found = pl.DataFrame(
        {"stripped": distinct, "given_option": [known.get(text.lower()) for text in distinct]},
        schema={"stripped": pl.String, "given_option": pl.String},
    )
    joined = stripped.to_frame().join(found, on="stripped", how="left", maintain_order="left")
    return joined["given_option"]


def _standing(option: pl.Series, standings: Standings) -> pl.DataFrame:
    """Return how the option of each row stands, all null where there is none."""
    # The places of the rows are gathered option by option, so that each option is asked for once.
    groups = (
        pl.DataFrame({"option": option, "row": np.arange(len(option))})
        .drop_nulls("option")
        .group_by("option", maintain_order=True)
        .agg("row")
    )
    asked: list[np.ndarray] = []
    frames = [pl.DataFrame(schema=_STANDING)]
    for name, places in zip(groups["option"], groups["row"], strict=True):
        rows = places.to_numpy()
        found = standings.of(name, rows)
        asked.append(rows)
        frames.append(found.select(pl.col(column).cast(kind) for column, kind in _STANDING.items()))
    nothing = pl.DataFrame({column: [None] for column in _STANDING}, schema=_STANDING)
    stacked = pl.concat([*frames, nothing])
    place = np.full(len(option), len(stacked) - 1)
    if asked:
        place[np.concatenate(asked)] = np.arange(len(stacked) - 1)
    return stacked[place]


def _agreement() -> pl.Expr:
    """Apply the scoring rule, one line for each of its lines."""
    verdict = pl.col("verdict")
    usable = verdict.is_in(USABLE)
    open_setting = pl.col("setting") == "undetermined"
    return (
        pl.when(pl.col("stripped") == "")
        .then(pl.lit("not_told"))
        .when(pl.col("given_option").is_null())
        .then(pl.lit("not_understood"))
        .when(usable & (pl.col("rank") == 1))
        .then(pl.lit("first_choice"))
        .when(usable)
        .then(pl.lit("usable"))
        .when(verdict == "investigational")
        .then(pl.lit("investigational"))
        .when(verdict.is_in(["ineligible", "not_recommended"]))
        .then(pl.lit("against"))
        .when((verdict == "not_applicable") & ~open_setting)
        .then(pl.lit("elsewhere"))
        .otherwise(pl.lit("undetermined"))
        .alias("agreement")
    )


def _count(frame: pl.DataFrame, tally: Tally) -> None:
    option = pl.col("given_option").fill_null(NO_OPTION)
    for setting, agreement, name, number in frame.group_by("setting", "agreement", option).len().iter_rows():
        tally.concordance[setting, agreement, name] += number
    rules = (
        frame.filter(pl.col("agreement") == "against", pl.col("not_met").fill_null("") != "")
        .group_by("given_option", "not_met")
        .len()
    )
    for name, not_met, number in rules.iter_rows():
        for rule in dict.fromkeys(not_met.split(SEPARATOR)):
            tally.reasons[name, rule] += number
    unknown = frame.filter(pl.col("agreement") == "not_understood")["stripped"].value_counts()
    for text, number in unknown.iter_rows():
        tally.not_understood[text] += number


@dataclass(frozen=True)
class Rate:
    """A share of patients, never without what it is a share of.

    Attributes:
        numerator: how many.
        denominator: of how many.
    """

    numerator: int
    denominator: int

    @property
    def share(self) -> float | None:
        """The share, from 0 to 1; ``None`` of nobody."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The Wilson score interval with 95 % confidence; ``None`` of nobody.

        It stays between 0 and 1 and keeps its width where few or all agree (Brown, Cai and DasGupta, Stat Sci 2001;16:101-133).

        >>> low, high = Rate(8, 10).interval
        >>> f"{low:.4f} to {high:.4f}"
        '0.4902 to 0.9433'
        """
        if not self.denominator:
            return None
        count, share = self.denominator, self.numerator / self.denominator
        z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
        middle = (share + z * z / (2 * count)) / (1 + z * z / count)
        half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
        low = 0.0 if self.numerator == 0 else max(0.0, middle - half)
        return low, 1.0 if self.numerator == count else min(1.0, middle + half)


@dataclass(frozen=True)
class Score:
    """How what was given stands to what the rules say, over some patients.

    Attributes:
        counts: patients by agreement, every kind.
    """

    counts: Mapping[Agreement, int]

    @property
    def told(self) -> int:
        """Patients whose cell is not empty."""
        return sum(number for name, number in self.counts.items() if name != "not_told")

    @property
    def judged(self) -> int:
        """Patients for whom there is something to compare."""
        return sum(self.counts[name] for name in JUDGED)

    @property
    def first_choice(self) -> Rate:
        """Of the judged, those who were given a first choice."""
        return Rate(self.counts["first_choice"], self.judged)

    @property
    def usable(self) -> Rate:
        """Of the judged, those who were given a usable option, first choice or not."""
        return Rate(self.counts["first_choice"] + self.counts["usable"], self.judged)


def score(tally: Tally, *, setting: str | None = None, option: str | None = None) -> Score:
    """Return how what was given stands to what the rules say.

    Args:
        tally: of a whole table or of a part.
        setting: count the patients of this setting only.
        option: count the patients who were given this option only.
    """
    counts: Counter[str] = Counter()
    for (where, agreement, name), number in tally.concordance.items():
        if setting in (None, where) and option in (None, name):
            counts[agreement] += number
    return Score({name: counts[name] for name in AGREEMENTS})
