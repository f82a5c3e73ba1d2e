"""A whole run: a table of patients in; decisions, refused rows, disagreements and reports out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from hcc_decide.cohort.columns import LONG, SHORT
from hcc_decide.cohort.concordance import COLUMNS, DISAGREEMENTS
from hcc_decide.cohort.frame import check_columns
from hcc_decide.cohort.read import open_table
from hcc_decide.cohort.reading.table import Table
from hcc_decide.cohort.reporting.summary import MOST_DISAGREEMENTS, About, first_disagreements, summary
from hcc_decide.cohort.runners import Runner
from hcc_decide.cohort.shape import Chunk, CohortError, Result
from hcc_decide.cohort.tally import Tally
from hcc_decide.cohort.work import Work
from hcc_decide.cohort.write import Outputs
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import Patient

ROWS, LONG_ROWS = 48_000, 2_000
"""Rows that are worked on at once in all processes of a machine, of which each becomes one row or one for each option."""
LEAST_ROWS = 12_000
"""Of one process: what is done once for each part would cost more than its rows."""
REPORTS = (".html", ".md")

Told = Callable[[int, int], None]
"""Hears of progress: bytes of the table that have been read, rows that are done."""


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        input: the table of patients.
        output: where the decisions go; its name says the format.
        rejects: where refused rows go; ``None``: beside the output.
        disagreements: where disagreements go, when there is a column of what was given; ``None``: beside the output.
        reports: summaries, HTML or Markdown as their names say.
        keep: columns that are carried over.
        ignore: columns that are left out.
        given: column of what each patient was given.
        long: one row per patient and option.
        force: replace files that exist.
        rows: rows of a part of the table; ``None`` takes what fits.
        processes: how many processes of one machine work on parts at once.
    """

    input: Path
    output: Path
    rejects: Path | None = None
    disagreements: Path | None = None
    reports: tuple[Path, ...] = ()
    keep: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    given: str | None = None
    long: bool = False
    force: bool = False
    rows: int | None = None
    processes: int = 1

    def work(self, edition: str, rules: Path | None) -> Work:
        """Return what is done with each chunk."""
        return Work(edition, rules, self.keep, self.given, self.long)

    @property
    def rows_at_once(self) -> int:
        """How many rows a part of the table has at most; the answers are the same whatever it is."""
        if self.rows is not None:
            return self.rows
        return LONG_ROWS if self.long else max(ROWS // self.processes, LEAST_ROWS)

    def rejects_of(self, table: Table) -> Path:
        """Return where refused rows go."""
        suffix = ".csv" if table.kind == "csv" else ".jsonl"
        return self.rejects or self.output.with_suffix(f".rejects{suffix}")

    @property
    def disagreements_file(self) -> Path:
        """Where disagreements go."""
        return self.disagreements or self.output.with_suffix(".disagreements.csv")


@dataclass
class _Came:
    """What has come of a run so far."""

    tally: Tally = field(default_factory=Tally)
    classes: list[pl.Series] = field(default_factory=list)
    disagreements: list[pl.DataFrame] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.tally.add(result.tally)
        self.classes.append(result.classes)
        if len(self.classes) > 64:  # a number for each class and chunk would grow with the table
            self.classes = [pl.concat(self.classes).unique()]
        if result.disagreements is not None and sum(map(len, self.disagreements)) < MOST_DISAGREEMENTS:
            self.disagreements.append(result.disagreements.head(MOST_DISAGREEMENTS))

    def distinct(self) -> int:
        return pl.concat(self.classes).n_unique() if self.classes else 0


def run(
    order: Order,
    knowledge: Knowledge,
    work: Work,
    runner: AbstractContextManager[Runner],
    told: Told | None = None,
) -> tuple[Tally, About]:
    """Decide for a whole table. The files appear when all is done, or none does.

    Args:
        order: what is asked for.
        knowledge: the rule base that ``work`` decides with, for labels.
        work: what is done with each chunk.
        runner: where it is done; opened when nothing speaks against the order any more.
        told: hears of progress; ``None``: nobody does.

    Returns:
        The counts over the table, and what else a summary tells.

    Raises:
        CohortError: the order was refused, or the run could not go on; no file was written or replaced.
        EngineError: the engine failed.
    """
    began = time.monotonic()
    with open_table(order.input, rows=order.rows_at_once, others=(*order.keep, *order.ignore)) as table:
        _check(order, table)
        with Outputs(force=order.force, inputs=[order.input]) as outputs:
            chunks = table.chunks()
            first = next(chunks, None)
            # A column of JSON Lines may be of one type here and of another further down.
            kept = {} if first is None else {name: first.cells.schema[name] for name in order.keep}
            if table.kind == "jsonl":
                kept = dict.fromkeys(kept, pl.String())
            decisions = outputs.table(order.output, _schema(order, kept))
            rejects = outputs.rejects(order.rejects_of(table), table.columns)
            disagreements = (
                outputs.table(order.disagreements_file, dict(DISAGREEMENTS)) if order.given is not None else None
            )
            reports = {path: outputs.text(path) for path in order.reports}
            came = _Came()

            def write(result: Result) -> None:
                decisions.write(result.decided)
                rejects.write(result.refused)
                if disagreements is not None and result.disagreements is not None:
                    disagreements.write(result.disagreements)

            # Each part is written while the next one is worked on.
            with runner as opened, ThreadPoolExecutor(1) as writer:
                positions: dict[int, int] = {}
                every = chain([] if first is None else [first], _ahead(chunks))
                written: Future[None] | None = None
                for result in opened.map(work, _noted(every, positions)):
                    if written is not None:
                        written.result()
                    written = writer.submit(write, result)
                    came.add(result)
                    position = positions.pop(result.number)
                    if told is not None:
                        told(position, came.tally.rows + came.tally.refused)
                if written is not None:
                    written.result()
                if positions:
                    raise CohortError(
                        f"{order.input}: {len(positions)} parts came back without an answer", refused=False
                    )
            came.tally.classes = came.distinct()
            about = _about(order, table, came, time.monotonic() - began)
            for path, content in _reports(order, came.tally, knowledge, about).items():
                reports[path].write(content)
            outputs.commit()
    return came.tally, about


def _ahead(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Read each chunk while the one before it is worked on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, chunks, None)
            yield chunk


def _noted(chunks: Iterable[Chunk], positions: dict[int, int]) -> Iterator[Chunk]:
    """Pass chunks on, remembering how much of the table had been read with each."""
    for chunk in chunks:
        positions[chunk.number] = chunk.position
        yield chunk


def _check(order: Order, table: Table) -> None:
    known = (*order.ignore, *([order.given] if order.given is not None else []))
    problems: list[str] = []
    try:
        check_columns(table.columns, order.keep, known)
    except CohortError as error:
        problems += error.problems
    if order.given is not None and order.given not in table.columns:
        problems.append(f"--given: {order.given!r} is refused; the table has no column of that name")
    taken = [name for name in order.keep if name in _schema(order, {})]
    problems += [f"--keep: the table of decisions has a column {name!r} of its own; rename yours" for name in taken]
    if not set(table.columns) & (set(Patient.model_fields) - {"case_id"}):
        problems.append(f"{order.input}: has no column that is a field of the patient record")
    problems += [
        f"--report: {path} is refused; allowed are files that end with {' or '.join(REPORTS)}"
        for path in order.reports
        if path.suffix.lower() not in REPORTS
    ]
    if problems:
        raise CohortError(*problems)


def _schema(order: Order, kept: Mapping[str, Any]) -> dict[str, Any]:
    own = dict(LONG if order.long else SHORT)
    beside = dict(COLUMNS) if order.given is not None and not order.long else {}
    head = {name: own.pop(name) for name in ("line", "case_id")}
    return {**head, **kept, **own, **beside}


def _about(order: Order, table: Table, came: _Came, seconds: float) -> About:
    tally = came.tally
    fields = [name for name in Patient.model_fields if name != "case_id"]
    listed = pl.concat(came.disagreements) if came.disagreements else None
    return About(
        input=order.input.name,
        output=order.output.name,
        date=date.today().isoformat(),
        seconds=seconds,
        synthetic=bool(tally.rows) and tally.synthetic == tally.rows,
        absent=tuple(name for name in fields if name not in table.columns),
        ignored=tuple(name for name in order.ignore if name in table.columns),
        rejects=order.rejects_of(table).name if tally.refused else None,
        given=order.given,
        disagreements=() if listed is None else first_disagreements(listed),
        disagreements_file=order.disagreements_file.name if order.given is not None else None,
    )


def _reports(order: Order, tally: Tally, knowledge: Knowledge, about: About) -> dict[Path, str]:
    if not order.reports:
        return {}
    from hcc_decide.cohort.reporting.html import html
    from hcc_decide.cohort.reporting.markdown import markdown

    found = summary(tally, knowledge, about)
    return {path: (html if path.suffix.lower() == ".html" else markdown)(found) for path in order.reports}
