"""Cohorts: one decision per row on every engine, and the whole command on tables of growing size and variety."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import psutil

from benchmarks.contenders import CLIPS, DURABLE, PLAIN, ZEN, Contender, compare, contenders
from hcc_decide.cohort.encode import Encoder
from hcc_decide.cohort.read import open_table
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import Patient, parse_patient, record_from_csv

COHORT = (sys.executable, "-m", "hcc_decide", "cohort")
READ = "read"
"""In the place of a contender: a row is read and checked, and nothing is decided."""
RIVALS = (DURABLE, CLIPS, ZEN, PLAIN)
TURN = 20
"""Rows that a contender takes before the next one takes its own."""
BETWEEN_LOOKS = 0.02
"""Seconds between two looks at the memory of a command."""


@dataclass(frozen=True)
class Sizes:
    """How large the benchmark is.

    Attributes:
        rows: sizes of the tables that the command decides.
        processes: with how many worker processes.
        distinct: of a table of ``repeated`` rows, how many of them are distinct.
        repeated: see there.
        runs: how often each command runs.
        seconds: how long each contender decides row by row.
        compared: on how many rows the contenders' conclusions are compared.
        seed: of the synthetic cohort.
    """

    rows: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    processes: tuple[int, ...] = (1, 2)
    distinct: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    repeated: int = 100_000
    runs: int = 3
    seconds: float = 20
    compared: int = 200
    seed: int = 1

    def at_most(self, rows: int) -> Sizes:
        """Return the same without what is larger."""
        return replace(
            self,
            rows=tuple(size for size in self.rows if size <= rows) or (rows,),
            distinct=tuple(size for size in self.distinct if size <= rows) or (rows,),
            repeated=min(self.repeated, rows),
        )


@dataclass(frozen=True)
class RowByRow:
    """One way of deciding row by row.

    Attributes:
        key: of the contender, or `READ`.
        rows: how many rows it took in its time.
        seconds: how long it took for them.
        wrong: of the rows compared, on how many it concludes something else than hcc-decide; ``None`` when it concludes
            nothing.
    """

    key: str
    rows: int
    seconds: float
    wrong: int | None


@dataclass(frozen=True)
class Command:
    """The whole command on one table.

    Attributes:
        rows: rows of the table.
        distinct: how many of them differ in more than their case id.
        processes: worker processes.
        seconds: from start to end, the median.
        classes: how many classes of patients they belong to: what is inferred once.
        memory: MB, the highest that was seen of all its processes together; a page they share counts for each.
    """

    rows: int
    distinct: int
    processes: int
    seconds: float
    classes: int
    memory: float


@dataclass(frozen=True)
class Cohorts:
    """What was measured.

    Attributes:
        sizes: how large the benchmark was.
        row_by_row: the engines, one decision per row.
        by_rows: the command on more and more rows.
        by_distinct: the command on as many rows, more and more of them distinct.
    """

    sizes: Sizes
    row_by_row: tuple[RowByRow, ...]
    by_rows: tuple[Command, ...]
    by_distinct: tuple[Command, ...]


def measure_cohorts(knowledge: Knowledge, sizes: Sizes, command: Sequence[str] = COHORT) -> Cohorts:
    """Draw one synthetic cohort and measure everything on its rows.

    Args:
        knowledge: the rule base, for what decides row by row.
        sizes: how large.
        command: ``hcc-decide cohort`` and what comes before it.
    """
    with tempfile.TemporaryDirectory(prefix="hcc-decide-") as name:
        folder = Path(name)
        whole = folder / "whole.csv"
        most = max(*sizes.rows, sizes.repeated)
        run([*command, "synth", "--n", str(most), "--seed", str(sizes.seed), "--out", str(whole)])
        table = pl.read_csv(whole, infer_schema=False)
        watch = _Watch(knowledge, sizes.runs, command, folder)
        first = table.head(max(20_000, sizes.compared)).rows(named=True)
        return Cohorts(
            sizes,
            tuple(measure_row_by_row(knowledge, first, sizes)),
            tuple(_by_rows(table, sizes, watch)),
            tuple(_by_distinct(table, sizes, watch)),
        )


def measure_row_by_row(knowledge: Knowledge, rows: Sequence[Mapping[str, Any]], sizes: Sizes) -> Iterator[RowByRow]:
    """Let the contenders take turns at the rows, each until its time is over or the rows are.

    Timed is the row as the cells of a CSV file, to the contender's answer: reading and checking it is part of all.
    """
    options = knowledge.option_ids
    patients = [parse_patient(record_from_csv(row), options) for row in rows[: sizes.compared]]
    rivals = contenders(knowledge, patients[0], RIVALS)
    wrong = compare(knowledge, rivals, patients)

    def reading(row: Mapping[str, Any]) -> Patient:
        return parse_patient(record_from_csv(row), options)

    def deciding(rival: Contender) -> Callable[[Mapping[str, Any]], Any]:
        decide = rival.run
        return lambda row: decide(parse_patient(record_from_csv(row), options))

    ways: dict[str, Callable[[Mapping[str, Any]], Any]] = {READ: reading}
    ways |= {rival.key: deciding(rival) for rival in rivals}
    done, taken = dict.fromkeys(ways, 0), dict.fromkeys(ways, 0.0)
    running = list(ways)
    while running:
        for key in list(running):
            turn = rows[done[key] : done[key] + TURN]
            taken[key] += _timed(ways[key], turn)
            done[key] += len(turn)
            if taken[key] >= sizes.seconds or done[key] == len(rows):
                running.remove(key)
    for key in ways:
        yield RowByRow(key, done[key], taken[key], len(wrong[key]) if key in wrong else None)


def _timed(decide: Callable[[Mapping[str, Any]], Any], rows: Sequence[Mapping[str, Any]]) -> float:
    decide(rows[0])  # warms the processor's caches after the contender before
    started = time.perf_counter()
    for row in rows:
        decide(row)
    return time.perf_counter() - started


def _by_rows(table: pl.DataFrame, sizes: Sizes, watch: _Watch) -> Iterator[Command]:
    for rows in sizes.rows:
        yield from watch.commands(table.head(rows), sizes.processes)


def _by_distinct(table: pl.DataFrame, sizes: Sizes, watch: _Watch) -> Iterator[Command]:
    different = table.unique(_facts(table), keep="first", maintain_order=True)
    for count in sizes.distinct:
        yield from watch.commands(repeated(different.head(count), sizes.repeated), (1,))


def repeated(table: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Return as many rows, those of a table again and again; each is a case of its own."""
    times = -(-rows // table.height)
    found = pl.concat([table] * times).head(rows)
    return found.with_columns(case_id=pl.format("synthetic-{}", pl.int_range(1, rows + 1))) if times > 1 else found


def _facts(table: pl.DataFrame) -> list[str]:
    return [name for name in table.columns if name != "case_id"]


class _Watch:
    """Runs the command on tables."""

    def __init__(self, knowledge: Knowledge, runs: int, command: Sequence[str], folder: Path) -> None:
        self._encoder = Encoder(knowledge)
        self._runs = runs
        self._command = command
        self._folder = folder

    def commands(self, table: pl.DataFrame, processes: Sequence[int]) -> Iterator[Command]:
        """Run the command on a table with each number of processes; these take turns."""
        path, out = self._folder / "cohort.csv", self._folder / "decided.parquet"
        table.write_csv(path)
        distinct, classes = table.n_unique(_facts(table)), self._classes(path)
        ran: dict[int, list[Ran]] = {count: [] for count in processes}
        for _ in range(self._runs):
            for count, runs in ran.items():
                runs.append(run([*self._command, str(path), "--out", str(out), "--workers", str(count)]))
                decided = pl.scan_parquet(out).select(pl.len()).collect().item()
                if decided != table.height:
                    raise RuntimeError(f"of {table.height} rows of a synthetic cohort {decided} were decided")
                for made in self._folder.glob("decided*"):
                    made.unlink()
        for count, runs in ran.items():
            seconds = statistics.median(one.seconds for one in runs)
            memory = max(one.memory for one in runs)
            yield Command(table.height, distinct, count, seconds, classes, memory)

    def _classes(self, path: Path) -> int:
        with open_table(path) as table:
            keys = [pl.Series(self._encoder.encode(chunk).keys) for chunk in table.chunks()]
        return pl.concat(keys).n_unique()


@dataclass(frozen=True)
class Ran:
    """One run of a command.

    Attributes:
        seconds: from start to end.
        memory: MB, the highest seen of it and the processes that it started, together.
        said: what it printed.
    """

    seconds: float
    memory: float
    said: str


def run(command: Sequence[str]) -> Ran:
    """Run a command, and look again and again at its memory.

    Raises:
        RuntimeError: it did not end with 0.
    """
    memory = 0.0
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                memory = max(memory, _resident(process.pid))
                time.sleep(BETWEEN_LOOKS)
            seconds = time.perf_counter() - started
        finally:
            process.kill()  # does nothing to one that has ended
            process.wait()
        said.seek(0)
        text = said.read()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {text[-500:].strip()}")
    return Ran(seconds, memory, text)


def _resident(pid: int) -> float:
    """Return what a process and those below it have in memory, MB."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0.0
    found = 0
    for process in family:
        try:
            found += process.memory_info().rss
        except psutil.Error:
            continue  # it has ended since
    return found / 2**20
