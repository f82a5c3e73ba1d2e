"""What a summary of a cohort holds: sections of sentences, tables and plots, as plain data. Renderers add no content.

Texts may come from the table of patients (case ids, cells, names of files); every renderer escapes them.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

MOST_DISAGREEMENTS = 200
"""Disagreements that a report lists; a file lists all."""

MOST_ROWS = 100
"""Rows of a table of a report; a table with more says how many are left out."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Disagreement(_Part):
    """One judged patient who was not given a first choice.

    Attributes:
        line: where the patient stands in the table.
        case_id: the pseudonym; ``None`` where there is none.
        setting: the setting.
        option: id of the option given.
        agreement: how it stands, one of `cohort.concordance.JUDGED`.
        rank: its rank; ``None`` when it is excluded.
        verdict: its verdict.
        would_be: its verdict if what is missing turns out well; ``None`` unless it is undetermined.
        not_met: ids of the criteria that it fails, joined with ``;``.
        first_choice: ids of the first choices, joined with ``;``; empty when no option is usable.
    """

    line: int
    case_id: str | None
    setting: str
    option: str
    agreement: str
    rank: int | None
    verdict: str
    would_be: str | None
    not_met: str
    first_choice: str


class About(_Part):
    """What a run was about, besides its counts.

    Attributes:
        input: name of the table of patients.
        output: name of the table of decisions.
        date: when it was run, as it is to be shown.
        seconds: how long it took.
        synthetic: whether every case id is that of a generated patient.
        absent: fields of the record that the table has no column for.
        ignored: columns of the table that were not read.
        rejects: name of the file of refused rows; ``None`` when there is none.
        given: name of the column of what was given; ``None`` when there is none.
        disagreements: the first of them, at most `MOST_DISAGREEMENTS`.
        disagreements_file: name of the file that lists all; ``None`` when there is none.
    """

    input: str
    output: str
    date: str
    seconds: float
    synthetic: bool = False
    absent: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    rejects: str | None = None
    given: str | None = None
    disagreements: tuple[Disagreement, ...] = ()
    disagreements_file: str | None = None


class Column(_Part):
    """The head of a column; numbers stand to the right."""

    title: str
    number: bool = False


class Table(_Part):
    """A table.

    Attributes:
        caption: what it shows.
        columns: heads.
        rows: cells as text, one for each column.
        more: what is left out; empty when nothing is.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""


class Bar(_Part):
    """One bar, or one piece of a bar.

    Attributes:
        label: what it stands for; pieces of one bar share it.
        value: its length.
        text: the same in words.
        series: which piece it is; empty where bars have no pieces.
    """

    label: str
    value: float
    text: str
    series: str = ""


class Plot(_Part):
    """A chart of horizontal bars, whose figures stand in a table of the same section.

    Attributes:
        name: unique within the summary: lower-case words joined by ``-``.
        title: what it shows.
        axis: what its lengths are.
        alt: the same in words, for those who cannot see it.
        bars: from top to bottom; pieces from left to right.
        series: the pieces, in order, each with its colour; empty where bars have none.
        full: length of the axis; ``None``: as long as the longest bar.
    """

    name: str
    title: str
    axis: str
    alt: str
    bars: tuple[Bar, ...]
    series: tuple[tuple[str, str], ...] = ()
    full: float | None = None


class Section(_Part):
    """One section.

    Attributes:
        name: unique within the summary: lower-case words joined by ``-``.
        title: its heading.
        sentence: what it says, in a sentence or two.
        remarks: how to read it.
        tables, plots: figures.
    """

    name: str
    title: str
    sentence: str
    remarks: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()


class Summary(_Part):
    """A whole summary.

    Attributes:
        title: its title.
        synthetic: what is said on top when no patient is real; empty otherwise.
        warnings: what must be seen before anything else.
        stamp: what was run on what, as pairs of label and value.
        intended_use: what it is meant for.
        sections: in order.
    """

    title: str
    synthetic: str
    warnings: tuple[str, ...]
    stamp: tuple[tuple[str, str], ...]
    intended_use: str
    sections: tuple[Section, ...]
