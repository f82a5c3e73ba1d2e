"""The part of the benchmark's report about cohorts; it can be measured and written without the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.cohorts import BETWEEN_LOOKS, READ, Cohorts, Command, RowByRow
from benchmarks.contenders import LABELS
from benchmarks.tables import table

HEADING = "## Cohorts"


@dataclass(frozen=True)
class CohortRun:
    """What one run of the benchmark saw of cohorts.

    Attributes:
        machine: the rows that describe machine, versions, knowledge and date.
        busy: whether other work ran on the machine when the run began.
        measured: what was measured.
    """

    machine: Mapping[str, str]
    busy: bool
    measured: Cohorts


ABOUT = """\
All on the rows of one synthetic cohort (seed {seed}), which stands for no real population: how often patients are alike decides
how fast a cohort is, and a real one may be less or more varied."""

ROW_BY_ROW = """\
Each engine decides one row after the other, from the cells of a CSV file to derived facts, results and verdicts; reading and
checking the row is part of all. They take turns until each has had {seconds:,.0f} seconds, or is through with {most:,} rows.
Nothing is extrapolated: the rows are those that were decided. Wrong: of the first {compared:,} rows, those on which an engine
concludes something else than hcc-decide."""

BY_ROWS = """\
`hcc-decide cohort TABLE.csv --out TABLE.parquet --workers N`, from the start of the program to the complete file: each row read
and checked, with setting, stage, ranked options with verdicts, missing facts and notices written. Median of {runs} runs.
Classes: how many of the patients the rules can tell apart. Memory: the highest seen of all processes together, looked at every
{looks:.0f} ms; a page that they share counts for each."""

BY_DISTINCT = """\
{rows:,} rows in one process, more and more of them distinct, the others the same rows again with other case ids."""


def cohort_section(run: CohortRun) -> str:
    """Return the section, with its heading and without an empty line at its end."""
    measured, sizes = run.measured, run.measured.sizes
    parts = [HEADING, table(("", ""), run.machine.items())]
    if run.busy:
        parts.append("Other work ran on the machine at the time.")
    most = max((row.rows for row in measured.row_by_row), default=0)
    parts += [
        ABOUT.format(seed=sizes.seed),
        "### Row by row",
        _row_by_row(measured.row_by_row),
        ROW_BY_ROW.format(seconds=sizes.seconds, most=most, compared=sizes.compared),
        "### The whole command",
        _by_rows(measured.by_rows),
        BY_ROWS.format(runs=sizes.runs, looks=1000 * BETWEEN_LOOKS),
        *_remarks(measured),
        "### Distinct patients",
        _by_distinct(measured.by_distinct),
        BY_DISTINCT.format(rows=sizes.repeated),
    ]
    return "\n\n".join(parts)


def _row_by_row(rows: Sequence[RowByRow]) -> str:
    body = [
        (
            "reading and checking the row alone" if row.key == READ else LABELS[row.key],
            f"{row.rows:,}",
            f"{1000 * row.seconds / row.rows:.2f}",
            f"{row.rows / row.seconds:,.0f}",
            "" if row.wrong is None else str(row.wrong),
        )
        for row in rows
    ]
    return table(("", "rows decided", "ms per row", "rows per second", "wrong"), body, numbers=True)


def _by_rows(rows: Sequence[Command]) -> str:
    body = [
        (
            f"{row.rows:,}",
            str(row.processes),
            f"{row.seconds:.2f}",
            f"{row.rows / row.seconds:,.0f}",
            f"{row.distinct:,}",
            f"{row.classes:,}",
            f"{row.memory:,.0f}",
        )
        for row in rows
    ]
    header = ("rows", "processes", "seconds", "rows per second", "distinct rows", "classes", "memory, MB")
    return table(header, body, numbers=True)


def _by_distinct(rows: Sequence[Command]) -> str:
    body = [
        (f"{row.distinct:,}", f"{row.classes:,}", f"{row.seconds:.2f}", f"{row.rows / row.seconds:,.0f}")
        for row in rows
    ]
    return table(("distinct rows", "classes", "seconds", "rows per second"), body, numbers=True)


def _remarks(measured: Cohorts) -> list[str]:
    """Say how the whole command compares with the fastest engine that decides row by row."""
    deciding = [row for row in measured.row_by_row if row.key != READ]
    if not deciding or not measured.by_rows:
        return []
    fastest = max(deciding, key=lambda row: row.rows / row.seconds)
    most = max(row.rows for row in measured.by_rows)
    lines = [
        f"- {row.rows:,} rows in {row.processes} {'process' if row.processes == 1 else 'processes'} go through the whole "
        f"command at {row.rows / row.seconds * fastest.seconds / fastest.rows:,.1f} times the speed of the fastest above "
        f"({LABELS[fastest.key]}), which writes nothing."
        for row in measured.by_rows
        if row.rows == most
    ]
    return ["In this run:", "\n".join(lines)]
