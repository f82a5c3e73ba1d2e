"""What passes between the parts of a cohort run: rows as read, rows as answered, rows refused. Plain data that can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hcc_decide.cohort.tally import Tally

if TYPE_CHECKING:  # whoever forks processes has not begun Polars yet, whose threads no fork survives
    import polars as pl
    import pyarrow as pa


class CohortError(Exception):
    """A run that cannot go on, or was refused before it began.

    Attributes:
        problems: one line each, naming the file or argument, what is wrong with it and what is allowed.
        refused: whether what was asked for is wrong (exit status 2), not what happened on the way (1).
    """

    def __init__(self, *problems: str, refused: bool = True) -> None:
        """Keep the lines."""
        self.problems = problems
        self.refused = refused
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Broken:
    """A row that cannot be read as a row of the table.

    Attributes:
        line: where it stands (see `Chunk.lines`).
        text: the row as it stands in the file.
        reason: what is wrong with it, one line.
    """

    line: int
    text: str
    reason: str


class Cells(Protocol):
    """The cells of some rows: a frame of Polars, or what reads like one and copies only what is asked for."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""

    @property
    def height(self) -> int:
        """How many rows there are."""

    @property
    def schema(self) -> pl.Schema:
        """The type of each column."""

    def __getitem__(self, name: str, /) -> pl.Series:
        """Return a column."""

    def row(self, index: int, /, *, named: Literal[True]) -> dict[str, Any]:
        """Return a row by column."""


@dataclass(frozen=True)
class Chunk:
    """Some rows of a table, as read and unchecked.

    Attributes:
        number: the place of the chunk in the table, from 0.
        lines: where each row stands: the line of a text file on which it begins, from 1, the header counted; of a Parquet
            file its row, from 1.
        cells: the rows. A column of text holds cells in the way of a CSV file (`patient.record_from_csv`), unless it is
            one of ``json``; one of numbers or truth values holds these. Null is not known.
        json: the columns whose text is one JSON value per cell.
        broken: rows between these that cannot be read.
        position: how much of the file has been read with this chunk, in bytes; for the progress bar.
    """

    number: int
    lines: pl.Series
    cells: Cells
    json: frozenset[str] = frozenset()
    broken: tuple[Broken, ...] = ()
    position: int = 0


@dataclass(frozen=True)
class Refused:
    """A row that has no decision.

    Attributes:
        line: where it stands (see `Chunk.lines`).
        problems: why, one line per problem.
        row: the row as plain data, every column; empty when it could not be read as one.
        text: the row as it stands in the file, when it could not be read as one.
    """

    line: int
    problems: tuple[str, ...]
    row: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None


@dataclass(frozen=True)
class Result:
    """What came of one chunk.

    Attributes:
        number: of the chunk.
        decided: one row per accepted patient, or per accepted patient and option, in the order of the table. Arrow, in the
            types that Polars gives: sent and written as it is, the texts of a column that repeats once each.
        disagreements: one row per accepted patient who was given what the rules would not have put first; ``None`` unless
            there is a column of what was given.
        refused: the rows without a decision, in the order of the table.
        tally: counts over the chunk.
        classes: a number for each distinct class of patients of the chunk, the same in every chunk.
    """

    number: int
    decided: pa.Table
    disagreements: pl.DataFrame | None
    refused: tuple[Refused, ...]
    tally: Tally
    classes: pl.Series
