"""Dask workers give the results of this process, in order; what dies is done again, and what fails says so in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import polars as pl
import psutil
import pytest
from distributed import Client

from hcc_decide.cohort import on_dask as module
from hcc_decide.cohort.on_dask import DaskRunner, RulesIn, on_dask, sealed
from hcc_decide.cohort.run import Order, run
from hcc_decide.cohort.runners import AHEAD, InThisProcess
from hcc_decide.cohort.shape import Broken, Chunk, CohortError, Result
from hcc_decide.cohort.tally import Tally
from hcc_decide.cohort.work import Work
from hcc_decide.engine.network import EngineError
from hcc_decide.knowledge.catalogue import Knowledge
from tests.cohort.rows import frame_from

ROOT = Path(__file__).resolve().parents[2]
ROWS = 20
PATIENT = "a-name-that-no-log-may-show"

pytestmark = pytest.mark.xdist_group("dask")


@dataclass(frozen=True)
class Doubling:
    """Work that doubles a number, and can do harm on the way.

    Attributes:
        seconds: how long each chunk takes.
        kills: number of a chunk under which the process is killed: once when ``mark`` is a file, every time without it.
        mark: a file that says that it has been killed already.
    """

    seconds: float = 0.0
    kills: int | None = None
    mark: str | None = None

    def __call__(self, chunk: Chunk) -> Result:
        if chunk.number == self.kills and not (self.mark and Path(self.mark).exists()):
            if self.mark:
                Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.seconds)
        rows = frame_from(chunk).select("number", twice=2 * pl.col("number"), process=pl.lit(os.getpid()))
        return Result(chunk.number, rows.to_arrow(), None, (), Tally(rows=rows.height), pl.Series(dtype=pl.UInt64))


@dataclass(frozen=True)
class Failing:
    """Work that fails, quoting the patient where an error of a library would."""

    kind: str

    def __call__(self, chunk: Chunk) -> Result:
        if self.kind == "cohort":
            raise CohortError("line 7: the table is not as it was", refused=False)
        if self.kind == "engine":
            raise EngineError("a rule fired twice")
        raise ValueError(f"could not read {chunk.cells['case_id'][0]}")


def chunks(size: int, rows: int = ROWS) -> Iterator[Chunk]:
    for number, start in enumerate(range(0, rows, size)):
        numbers = range(start, min(start + size, rows))
        cells = pl.DataFrame({"number": numbers, "case_id": [PATIENT] * len(numbers)})
        yield Chunk(number, pl.Series("line", numbers) + 2, cells)


def rows_of(results: list[Result]) -> list[tuple[int, int]]:
    return [(row["number"], row["twice"]) for result in results for row in result.decided.to_pylist()]


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskRunner]:
    with on_dask(workers=2) as running:
        yield running


@pytest.fixture
def runner(cluster: DaskRunner) -> DaskRunner:
    """Workers that the test before has killed are back."""
    until(lambda: cluster.workers() == 2)
    return cluster


def test_results_come_in_the_order_of_the_chunks_whatever_their_size(runner: DaskRunner) -> None:
    here = rows_of([Doubling()(chunk) for chunk in chunks(ROWS)])
    assert len(here) == ROWS
    for size in (1, 7, ROWS):
        results = list(runner.map(Doubling(), chunks(size)))
        assert [result.number for result in results] == list(range(len(results)))
        assert rows_of(results) == here


def test_the_work_is_done_in_other_processes_all_of_them(runner: DaskRunner) -> None:
    results = list(runner.map(Doubling(seconds=0.05), chunks(1)))
    processes = {row["process"] for result in results for row in result.decided.to_pylist()}
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_a_table_without_rows_gives_no_result(runner: DaskRunner) -> None:
    assert list(runner.map(Doubling(), iter(()))) == []


def test_only_some_chunks_are_under_way_at_once(runner: DaskRunner) -> None:
    taken = 0

    def counted() -> Iterator[Chunk]:
        nonlocal taken
        for chunk in chunks(1):
            taken += 1
            yield chunk

    results = runner.map(Doubling(), counted())
    for done in range(1, 4):
        next(results)
        assert taken < done + AHEAD * 2
    results.close()  # type: ignore[attr-defined]
    assert rows_of(list(runner.map(Doubling(), chunks(7))))[-1] == (ROWS - 1, 2 * ROWS - 2)


def test_a_worker_that_is_killed_loses_nothing(runner: DaskRunner, tmp_path: Path) -> None:
    mark = tmp_path / "killed"
    results = list(runner.map(Doubling(kills=3, mark=str(mark)), chunks(2)))
    assert mark.exists()
    assert rows_of(results) == rows_of([Doubling()(chunk) for chunk in chunks(2)])


def test_a_chunk_that_kills_every_worker_ends_the_run_and_is_named(runner: DaskRunner) -> None:
    results = runner.map(Doubling(kills=2), chunks(3))
    assert [next(results).number, next(results).number] == [0, 1]
    with pytest.raises(CohortError, match=r"^lines 8 to 10: every worker that began .* died") as raised:
        next(results)
    assert not raised.value.refused
    # Those who died are replaced.
    assert len(rows_of(list(runner.map(Doubling(), chunks(3))))) == ROWS


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cohort", "line 7: the table is not as it was"),
        ("engine", "lines 2 to 6: EngineError: a rule fired twice"),
        ("value", "lines 2 to 6: the work failed with ValueError"),
    ],
)
def test_work_that_fails_ends_the_run_with_its_message_and_without_the_patient(
    runner: DaskRunner, kind: str, message: str
) -> None:
    with pytest.raises(CohortError) as raised:
        list(runner.map(Failing(kind), chunks(5)))
    assert raised.value.problems == (message,)
    assert not raised.value.refused


def test_a_message_names_rows_that_could_not_be_read_too(runner: DaskRunner) -> None:
    none = Chunk(0, pl.Series("line", [], dtype=pl.Int64), pl.DataFrame(), broken=(Broken(5, "x", "y"),))
    with pytest.raises(CohortError, match=r"^lines 5 to 5: the work failed"):
        list(runner.map(Failing("value"), [none]))


def test_what_is_sent_shows_nothing_of_a_patient() -> None:
    chunk = next(chunks(2))
    packed = sealed("lines 2 to 3", chunk)
    assert repr(packed) == str(packed) == "<lines 2 to 3>"
    assert frame_from(packed.open()).equals(frame_from(chunk))


def test_nothing_listens_to_other_machines(runner: DaskRunner) -> None:
    me = psutil.Process()
    addresses = {
        connection.laddr.ip
        for process in (me, *me.children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


ENDLESS = """
from tests.cohort.test_on_dask import Doubling, chunks
from hcc_decide.cohort.on_dask import on_dask
try:
    with on_dask(workers=1) as runner:
        for result in runner.map(Doubling(seconds=0.01), chunks(1, rows=1_000_000)):
            print(result.number, flush=True)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupted_run_ends_its_workers_without_a_word_of_theirs() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        workers = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert [line for line in said.splitlines() if not line.isdigit()] == ["interrupted"]
    assert workers
    until(lambda: not any(lives(worker) for worker in workers))


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# The real work


def order_of(folder: Path, name: str) -> Order:
    cases = ["a,C,A,0,[]", "b,C,A,1,sorafenib", "c,C,A,9,[]", "d,A,B,,", "e,D,C,3,[]"]
    path = folder / "cohort.csv"
    path.write_text("\n".join(["case_id,bclc_stage,child_pugh_class,ecog,prior_systemic", *cases]) + "\n")
    return Order(path, folder / f"{name}.csv", rows=2)


def test_a_whole_run_writes_what_it_writes_in_one_process(
    runner: DaskRunner, knowledge: Knowledge, tmp_path: Path
) -> None:
    tallies = []
    for name, used in (("here", InThisProcess()), ("there", runner)):
        order = order_of(tmp_path, name)
        work = order.work("reviews", None)
        tallies.append(run(order, knowledge, work, nullcontext(used))[0])
        work.close()
    assert tallies[0] == tallies[1]
    assert (tallies[0].rows, tallies[0].refused) == (4, 1)
    for end in (".csv", ".rejects.csv"):
        assert (tmp_path / f"here{end}").read_text() == (tmp_path / f"there{end}").read_text()


def test_a_run_that_ends_early_leaves_no_file(runner: DaskRunner, knowledge: Knowledge, tmp_path: Path) -> None:
    order = order_of(tmp_path, "never")
    with pytest.raises(CohortError, match=r"^lines 2 to 3: EngineError"):
        run(order, knowledge, cast("Work", Failing("engine")), nullcontext(runner))
    assert [path.name for path in tmp_path.iterdir()] == ["cohort.csv"]


# Schedulers that run already


@contextmanager
def started(*arguments: str, log: Path | None = None, path: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a Python for the length of a ``with``; its log goes to a file."""
    environment = os.environ | {"PYTHONPATH": path or os.pathsep.join(sys.path)}
    with log.open("w") if log else open(os.devnull, "w") as told:
        process = subprocess.Popen([sys.executable, *arguments], stdout=told, stderr=told, text=True, env=environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def worker_of(address: str, threads: int = 1) -> list[str]:
    options = [
        "--nthreads",
        str(threads),
        "--no-nanny",
        "--no-dashboard",
        "--host",
        "127.0.0.1",
        "--death-timeout",
        "30",
    ]
    return ["-m", "distributed.cli.dask_worker", address, *options]


def until(found: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_scheduler_that_runs_already_is_used_and_left_running(runner: DaskRunner) -> None:
    for _ in range(2):
        with on_dask(runner.address) as other:
            assert other.workers() == 2
            assert len(rows_of(list(other.map(Doubling(), chunks(7))))) == ROWS


def test_workers_with_another_knowledge_are_refused(runner: DaskRunner) -> None:
    with (
        pytest.raises(CohortError, match="another knowledge than this machine") as raised,
        on_dask(runner.address, knowledge=other_in_each_process),
    ):
        pass
    assert len(raised.value.problems) == 2
    assert raised.value.refused


def test_a_worker_with_another_knowledge_that_came_late_ends_the_run(runner: DaskRunner) -> None:
    with Client(runner.address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        late = DaskRunner(client, other_in_each_process)
        with pytest.raises(CohortError, match="a worker has another knowledge"):
            list(late.map(Doubling(), chunks(7)))


def other_in_each_process() -> str:
    return str(os.getpid())


def bare_worker_of(address: str, threads: int = 1) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run a worker that lacks hcc-decide: without `site`, nothing leads from the packages to the sources."""
    return started("-S", *worker_of(address, threads), path=str(Path(pl.__file__).parents[1]))


def test_workers_without_hcc_decide_or_with_more_threads_are_refused(runner: DaskRunner) -> None:
    with bare_worker_of(runner.address, threads=2):
        until(lambda: runner.workers() == 3)
        with pytest.raises(CohortError) as raised, on_dask(runner.address):
            pass
    (threads, missing) = raised.value.problems
    assert threads.endswith("has 2 threads, allowed is 1: dask worker --nthreads 1")
    assert missing.endswith("has no hcc-decide")


def test_a_worker_without_hcc_decide_that_comes_late_loses_nothing(runner: DaskRunner) -> None:
    def slowly() -> Iterator[Chunk]:
        for chunk in chunks(1):
            if chunk.number == 5:
                until(lambda: runner.workers() == 3)
            yield chunk

    with bare_worker_of(runner.address) as late:
        results = list(runner.map(Doubling(seconds=0.05), slowly()))
        assert rows_of(results) == rows_of([Doubling()(chunk) for chunk in chunks(1)])
        until(lambda: late.poll() is not None)  # it was given work, could not read it, and left


def test_logs_of_workers_show_no_patient_and_a_scheduler_that_dies_ends_the_run(tmp_path: Path) -> None:
    log, file = tmp_path / "worker.log", tmp_path / "scheduler.json"
    scheduler = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with started(*scheduler, "--scheduler-file", str(file)) as process:
        until(file.exists)
        until(lambda: "tcp://" in file.read_text())
        address = file.read_text().partition('"address": "')[2].partition('"')[0]
        with started(*worker_of(address), log=log):
            until(lambda: "Registered to" in log.read_text())
            with on_dask(address) as other:
                with pytest.raises(CohortError, match="failed with ValueError"):
                    list(other.map(Failing("value"), chunks(5)))
                assert PATIENT not in log.read_text()
                results = other.map(Doubling(seconds=0.2), chunks(1))
                next(results)
                process.kill()
                with pytest.raises(CohortError, match="the connection to the scheduler is lost"):
                    list(results)


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "here", "http://127.0.0.1:8786", "tcp://127.0.0.1"])
def test_what_is_no_address_is_refused_and_told_what_one_looks_like(address: str) -> None:
    with pytest.raises(CohortError, match=r"allowed is .* tcp://host:port") as raised, on_dask(address):
        pass
    assert raised.value.problems[0].startswith(f"{address}: ")


def test_a_scheduler_that_cannot_be_reached_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_TO_ANSWER", 0.3)
    with (
        pytest.raises(CohortError, match=r"^tcp://127\.0\.0\.1:9: no Dask scheduler can be reached") as raised,
        on_dask("tcp://127.0.0.1:9"),
    ):
        pass
    assert len(raised.value.problems) == 1


def test_without_dask_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CohortError, match=r'pip install "hcc-decide\[dask\]"'), on_dask():
        pass


def test_the_knowledge_that_is_compared_is_that_of_the_folder(tmp_path: Path) -> None:
    assert RulesIn()() == RulesIn(ROOT / "rules")()
    (tmp_path / "knowledge.yaml").write_text("other: true\n")
    assert RulesIn(tmp_path)() != RulesIn()()


# The recipe for Spark


def test_the_recipe_for_spark_decides_pandas_tables_of_text(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "many-machines.md").read_text()
    code = page.partition("<!-- tested: decide_in_spark.py -->\n```python\n")[2].partition("```")[0]
    recipe: dict[str, Any] = {}
    exec(compile(code, "decide_in_spark.py", "exec"), recipe)
    rows = {"case_id": ["a", "b"], "ecog": ["1", None], "prior_systemic": ["[]", "sorafenib"], "hospital": ["x", "y"]}
    batch = pl.DataFrame(rows).to_pandas()
    first, second = recipe["decide"](iter([batch, batch[1:]]))
    assert first["case_id"].tolist() == ["a", "b"]
    assert first["hospital"].tolist() == ["x", "y"]
    assert first["setting"].notna().all()
    assert second.iloc[0].equals(first.iloc[1])
    assert recipe["SCHEMA"] == ", ".join(f"{name} string" for name in first.columns)
    with pytest.raises(RuntimeError, match="a row is refused") as raised:
        list(recipe["decide"](iter([batch.assign(ecog="9")])))
    assert raised.value.__suppress_context__
    recipe["engine"]().close()
