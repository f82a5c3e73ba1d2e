"""Several processes of this machine give the results of one, in order, and a process that dies ends the run in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psutil
import pytest

from hcc_decide.cohort.runners import AHEAD, BEHIND, in_processes
from hcc_decide.cohort.shape import Chunk, CohortError, Result
from hcc_decide.cohort.tally import Tally
from tests.cli.conftest import PROGRAM, environment

CHUNKS = 12
DIED = "a process that decides has died; the memory may not be enough for so many at once"


@dataclass(frozen=True)
class Doubling:
    """Work that doubles a number, and can do harm in the other processes.

    Attributes:
        here: the process that asks.
        kills: number of a chunk under which another process is killed.
        fails: number of a chunk that cannot be worked on, wherever.
    """

    here: int
    kills: int | None = None
    fails: int | None = None

    def __call__(self, chunk: Chunk) -> Result:
        if chunk.number == self.fails:
            raise ValueError(f"chunk {chunk.number} cannot be worked on")
        if self.kills is not None and chunk.number >= self.kills and os.getpid() != self.here:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        frame = pl.DataFrame({"twice": [2 * chunk.lines[0]], "process": [os.getpid()]})
        return Result(chunk.number, frame.to_arrow(), None, (), Tally(rows=1), pl.Series(dtype=pl.UInt64))


def chunks() -> Iterator[Chunk]:
    for number in range(CHUNKS):
        yield Chunk(number, pl.Series([number]), pl.DataFrame({"ecog": ["0"]}))


def until(found: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_ready(process: psutil.Process) -> bool:
    """Whether a process that decides has come so far that it does not listen to an interruption."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines():
            if line.startswith("SigBlk:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGINT - 1) & 1)
    return False


def test_results_come_in_order_from_this_process_and_others() -> None:
    with in_processes(3) as runner:
        results = [result.decided.to_pylist()[0] for result in runner.map(Doubling(os.getpid()), chunks())]
    assert [row["twice"] for row in results] == [2 * number for number in range(CHUNKS)]
    processes = {row["process"] for row in results}
    assert os.getpid() in processes
    assert 2 <= len(processes) <= 3
    until(lambda: all(map(is_gone, map(psutil.Process, filter(psutil.pid_exists, processes - {os.getpid()})))))


def test_only_some_chunks_are_under_way_at_once() -> None:
    taken = 0

    def counted() -> Iterator[Chunk]:
        nonlocal taken
        for chunk in chunks():
            taken += 1
            yield chunk

    with in_processes(2) as runner:
        for come, _ in enumerate(runner.map(Doubling(os.getpid()), counted()), start=1):
            assert taken - come < 2 * (AHEAD + BEHIND)
    assert taken == CHUNKS


def test_a_process_that_is_killed_ends_the_run() -> None:
    with pytest.raises(CohortError) as raised, in_processes(2) as runner:
        list(runner.map(Doubling(os.getpid(), kills=0), chunks()))
    assert (raised.value.problems, raised.value.refused) == ((DIED,), False)


def test_what_cannot_be_worked_on_is_told_from_whatever_process() -> None:
    for number in (0, CHUNKS - 1):
        with pytest.raises(ValueError, match=f"chunk {number} cannot"), in_processes(2) as runner:
            list(runner.map(Doubling(os.getpid(), fails=number), chunks()))


def test_processes_that_cannot_prepare_leave_it_to_the_first_chunk_to_tell() -> None:
    with in_processes(2, _fails) as runner:
        assert len(list(runner.map(Doubling(os.getpid()), chunks()))) == CHUNKS


def _fails() -> None:
    raise ValueError("nothing can be prepared")


FORKS = """
import sys, threading
from hcc_decide.cohort import runners

def loaded():
    return hasattr(runners, "loaded_before")

if __name__ == "__main__":
    runners.loaded_before = True
    stop = threading.Event()
    if sys.argv[1] == "threads":
        threading.Thread(target=stop.wait, daemon=True).start()
    with runners.in_processes(2) as runner:
        print(runner._pool.submit(loaded).result())
    print(sorted({"polars", "numpy", "pyarrow"} & set(sys.modules)))
    stop.set()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there is a process forked")
@pytest.mark.parametrize(("threads", "shared"), [("none", True), ("threads", False)])
def test_processes_share_what_is_loaded_unless_there_are_threads(tmp_path: Path, threads: str, shared: bool) -> None:
    program = tmp_path / "program.py"
    program.write_text(FORKS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program), threads], env=environment(), capture_output=True, timeout=60, check=False
    )
    # No library that begins threads is needed to get so far.
    assert (done.stdout.decode(), done.stderr.decode()) == (f"{shared}\n[]\n", "")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Many patients."""
    rows = "".join(f"case-{number},C,A,{number % 3}\n" for number in range(200_000))
    (tmp_path / "many.csv").write_text(f"case_id,bclc_stage,child_pugh_class,ecog\n{rows}", encoding="utf-8")
    return tmp_path / "many.csv"


@contextmanager
def _begun(table: Path) -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """Begin a run in two processes, and give both when there is a file on its way."""
    command = [
        *PROGRAM,
        "cohort",
        str(table),
        "--out",
        str(table.with_name("out.csv")),
        "--rows",
        "500",
        "--workers",
        "2",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(), start_new_session=True
    ) as run:
        try:
            until(lambda: list(table.parent.glob(".*.part")) or run.poll() is not None)
            (other,) = psutil.Process(run.pid).children()
            until(lambda: is_ready(other))
            yield run, other
        finally:
            run.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are started anew, beside one that tracks them")
@pytest.mark.parametrize("ended", ["other", "interrupted", "told to end"])
def test_a_run_whose_processes_end_early_leaves_no_file_and_no_process(table: Path, ended: str) -> None:
    with _begun(table) as (run, other):
        if ended == "other":
            other.kill()
        elif ended == "interrupted":
            os.killpg(run.pid, signal.SIGINT)
        else:
            run.terminate()
        said = run.communicate(timeout=60)[1].decode().splitlines()
        assert run.returncode == {"other": 1, "interrupted": 130, "told to end": 128 + signal.SIGTERM}[ended]
        assert said == ([DIED] if ended == "other" else [])
        until(lambda: is_gone(other))
    assert list(table.parent.iterdir()) == [table]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are started anew, beside one that tracks them")
def test_no_process_is_left_when_the_first_one_is_killed(table: Path) -> None:
    with _begun(table) as (run, other):
        run.kill()
        until(lambda: is_gone(other))
