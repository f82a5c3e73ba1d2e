"""The work on a cohort in Dask workers: processes of this machine, or workers of a scheduler on others.

Whatever Dask prints or logs of a task is its key and the words in which its arguments show themselves; and of one that
fails, what went wrong. So chunks and results travel sealed, as bytes that show nothing, and a task never fails: it answers
what went wrong. The networks of durable-rules belong to a process and take one thread.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import pickle
import re
import tempfile
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from hcc_decide.cohort.runners import AHEAD, Decides
from hcc_decide.cohort.shape import Chunk, CohortError, Result
from hcc_decide.engine.network import EngineError
from hcc_decide.knowledge.files import fingerprint
from hcc_decide.knowledge.locate import bundled

Knowledge = Callable[[], str]
"""Says what knowledge a process would decide with. It can be pickled."""

SECONDS_TO_ANSWER = 5
"""How long a scheduler may take to answer, and a first worker to be there."""
SECONDS_WITHOUT_WORKERS = 60
"""How long a run waits when every worker is gone: they may be on their way back."""
SECONDS_BETWEEN_LOOKS = 1
SECONDS_TO_SETTLE = 1
"""How long a worker that came back is left alone before it gets a chunk under which another one died."""
ATTEMPTS_ALONE = 2
"""How often a chunk under which a worker died is tried again, by itself."""
TOLD = 5
"""Workers that a message names; more are counted."""
HERE = "127.0.0.1"
DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
ADDRESS = re.compile(r"(tcp|tls)://[^/\s]+:[0-9]+")
MISSING = 'running on Dask needs a package that is not installed: pip install "hcc-decide[dask]"'
ALIKE = {
    "python": "Python",
    "hcc_decide": "hcc-decide",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "distributed": "distributed",
}
"""What must be of one version everywhere, because chunks and results are pickled."""


@dataclass(frozen=True, repr=False)
class Sealed:
    """Something pickled. It shows what it is about and nothing of what is in it.

    Attributes:
        about: what may be shown.
        content: the pickle.
    """

    about: str
    content: bytes

    def __repr__(self) -> str:
        return f"<{self.about}>"

    def __sizeof__(self) -> int:
        """Return the bytes that count: Dask plans with them."""
        return len(self.content)

    def open(self) -> Any:
        """Return what is in it."""
        return pickle.loads(self.content)


def sealed(about: str, content: object) -> Sealed:
    """Seal something."""
    return Sealed(about, pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL))


@dataclass(frozen=True)
class Failed:
    """Why a worker has no result for a chunk, in words that quote no patient."""

    problems: tuple[str, ...]
    refused: bool


@dataclass(frozen=True)
class RulesIn:
    """Says the sha256 of the rules in a folder of whichever machine asks.

    Attributes:
        folder: the folder; ``None`` is the one that ships with the installation.
    """

    folder: Path | None = None

    def __call__(self) -> str:
        """Read the files and return the sha256."""
        return fingerprint(self.folder or bundled("rules"))


SHIPPED = RulesIn()


@lru_cache(maxsize=8)
def _known(knowledge: Knowledge) -> str:
    return knowledge()


def work_on(work: Sealed, chunk: Sealed, knowledge: Knowledge, expected: str) -> Sealed | Failed:
    """Do the work on one chunk; this is what a worker runs.

    Args:
        work: what is done with the chunk.
        chunk: the `Chunk`.
        knowledge: says what knowledge this process has.
        expected: the knowledge that the run is about.

    Returns:
        The sealed `Result`, or why there is none.
    """
    try:
        # Here too, because a worker may have come after the run began.
        if _known(knowledge) != expected:
            return Failed(("a worker has another knowledge than this machine",), refused=True)
        return sealed(chunk.about, work.open()(chunk.open()))
    except CohortError as error:
        return Failed(error.problems, error.refused)
    except EngineError as error:
        return Failed((f"{chunk.about}: {type(error).__name__}: {error}",), refused=False)
    except Exception as error:  # whatever it was, but not in its own words: they may quote a patient
        return Failed((f"{chunk.about}: the work failed with {type(error).__name__}",), refused=False)


@dataclass(frozen=True)
class _Task:
    about: str
    chunk: Sealed
    future: Any


class DaskRunner:
    """Runs work on the workers of one Dask scheduler; get one from `on_dask`.

    Attributes:
        address: of the scheduler.
    """

    def __init__(self, client: Any, knowledge: Knowledge) -> None:
        """Take a client that is connected, and what says which knowledge a process has."""
        self._client = client
        self._knowledge = knowledge
        self._expected = knowledge()
        self.address: str = client.scheduler.address

    def workers(self) -> int:
        """Return how many workers there are now."""
        return len(self._ask(self._client.nthreads))

    def map(self, work: Decides, chunks: Iterable[Chunk]) -> Iterator[Result]:
        """Yield the result of each chunk, in the order of the chunks.

        At most `AHEAD` chunks for each worker are under way or waiting to be taken. When a worker dies, another one
        does its chunk again.

        Args:
            work: what is done with each; it must be possible to pickle it.
            chunks: taken one by one, as workers become free.

        Raises:
            CohortError: the work failed, a chunk made worker after worker die, or the scheduler or all workers are
                gone; the message names the lines.
        """
        packed, run = sealed("work", work), uuid.uuid4().hex
        waiting: deque[_Task] = deque()
        coming = iter(chunks)
        try:
            more = True
            while more or waiting:
                while more and len(waiting) < AHEAD * max(1, self.workers()):
                    chunk = next(coming, None)
                    if chunk is None:
                        more = False
                        break
                    waiting.append(self._submit(packed, sealed(_about(chunk), chunk), f"cohort-{run}-{chunk.number}"))
                if waiting:
                    yield self._result(waiting, packed)
        finally:
            self._drop(task.future for task in waiting)

    def _submit(self, work: Sealed, chunk: Sealed, key: str) -> _Task:
        arguments = (work, chunk, self._knowledge, self._expected)
        future = self._ask(partial(self._client.submit, work_on, *arguments, key=key, pure=False))
        return _Task(chunk.about, chunk, future)

    def _result(self, waiting: deque[_Task], work: Sealed) -> Result:
        """Wait for the first task, take it from the list and return its result."""
        task = waiting[0]
        answer = self._answer(task)
        if answer is None:
            # Whatever a dead worker had is given up, not only the chunk that ended it. So this one goes again when no
            # other is under way: if workers end again, it is this one.
            for other in list(waiting)[1:]:
                self._answer(other)
            answer = self._alone(task, work)
        waiting.popleft()
        if isinstance(answer, Failed):
            raise CohortError(*answer.problems, refused=answer.refused)
        result: Result = answer.open()
        return result

    def _alone(self, task: _Task, work: Sealed) -> Sealed | Failed:
        """Do a task again, by itself."""
        for attempt in range(ATTEMPTS_ALONE):
            gone = self._without_workers(task, None)
            while gone is not None:
                time.sleep(SECONDS_BETWEEN_LOOKS)
                gone = self._without_workers(task, gone)
            # Dask brings a worker back that dies at its work, and not one that dies before it is all there.
            time.sleep(SECONDS_TO_SETTLE)
            answer = self._answer(self._submit(work, task.chunk, f"{task.future.key}-alone-{attempt}"))
            if answer is not None:
                return answer
        raise CohortError(
            f"{task.about}: every worker that began this part of the table died; the memory may not be enough",
            refused=False,
        )

    def _answer(self, task: _Task) -> Sealed | Failed | None:
        """Wait for a task; ``None``: Dask gave it up, because workers died under it."""
        distributed = _distributed()
        gone: float | None = None
        while True:
            try:
                answer: Sealed | Failed = self._ask(partial(task.future.result, timeout=SECONDS_BETWEEN_LOOKS))
                return answer
            except distributed.KilledWorker:
                return None
            except distributed.TimeoutError:
                gone = self._without_workers(task, gone)

    def _without_workers(self, task: _Task, gone: float | None) -> float | None:
        """Return since when there is no worker; ``None`` when there is one."""
        if self.workers():
            return None
        now = time.monotonic()
        if gone is not None and now - gone > SECONDS_WITHOUT_WORKERS:
            raise CohortError(
                f"{task.about}: no worker is left, and none came back within {SECONDS_WITHOUT_WORKERS} seconds",
                refused=False,
            )
        return now if gone is None else gone

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Ask the scheduler something; say in one line when it is gone."""
        try:
            return question()
        except _distributed().TimeoutError:
            raise
        except (OSError, CancelledError):
            raise CohortError(f"{self.address}: the connection to the scheduler is lost", refused=False) from None

    def _drop(self, futures: Iterable[Any]) -> None:
        listed = list(futures)
        if listed:
            with contextlib.suppress(OSError, CancelledError):  # nobody is left to be told
                self._client.cancel(listed, force=True)


def _about(chunk: Chunk) -> str:
    lines = [*chunk.lines.head(1), *chunk.lines.tail(1), *(row.line for row in chunk.broken)]
    return f"lines {min(lines)} to {max(lines)}" if lines else f"part {chunk.number}"


@contextlib.contextmanager
def on_dask(
    scheduler: str | None = None, workers: int | None = None, *, knowledge: Knowledge = SHIPPED
) -> Iterator[DaskRunner]:
    """Give a runner for the length of a ``with``.

    Args:
        scheduler: address of a scheduler with workers, as ``tcp://192.0.2.7:8786``; ``None`` starts worker processes on
            this machine, which listen on 127.0.0.1 only, and ends them afterwards.
        workers: how many to start; ``None`` is one for each core. Those of a scheduler are counted by it.
        knowledge: says what knowledge a process would decide with; every worker must say the same as this process.

    Raises:
        CohortError: Dask is not installed, the scheduler cannot be reached or has no worker, or a worker cannot do this
            work: other versions, no hcc-decide, another knowledge, or more than one thread.
    """
    _distributed()
    import dask

    # Chunks of a hundred thousand rows are more than Dask thinks fit to send with a task; but those kept apart are lost
    # with the worker that keeps them.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "4GB"}), contextlib.ExitStack() as opened:
        address = opened.enter_context(_on_this_machine(workers)) if scheduler is None else scheduler
        client = opened.enter_context(_connected(address))
        _check(client, address, knowledge)
        yield DaskRunner(client, knowledge)


def _distributed() -> Any:
    """Return the package, which is not there in every installation."""
    try:
        return importlib.import_module("distributed")
    except ImportError:
        raise CohortError(MISSING) from None


@contextlib.contextmanager
def _on_this_machine(workers: int | None) -> Iterator[str]:
    import dask

    settings = {
        # Nothing of a patient goes to a disk, and nothing is served beside the work.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        # Dask's own would give memory back to the system at every turn, and take it anew: that slows the rule engine.
        "distributed.nanny.pre-spawn-environ": {},
        # Ctrl-C reaches every process of a terminal; whoever started the workers ends them.
        "distributed.worker.preload": [DEAF],
        # A chunk under which a worker died is tried again by itself (`DaskRunner._alone`), not by the next in line.
        "distributed.scheduler.allowed-failures": 0,
    }
    with (
        tempfile.TemporaryDirectory(prefix="hcc-decide-") as folder,
        dask.config.set(settings),
        _distributed().LocalCluster(
            n_workers=workers or os.cpu_count() or 1,
            threads_per_worker=1,
            processes=True,
            host=HERE,
            dashboard_address=f"{HERE}:0",
            silence_logs=logging.CRITICAL,
            memory_limit=0,
            local_directory=folder,
        ) as cluster,
    ):
        yield cluster.scheduler_address


@contextlib.contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    distributed = _distributed()
    if not ADDRESS.fullmatch(scheduler):
        raise CohortError(
            f"{scheduler}: allowed is the address of a Dask scheduler, tcp://host:port or tls://host:port"
        )
    with warnings.catch_warnings():
        # Versions are checked below, those that matter and in one line each.
        warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
        try:
            client = distributed.Client(scheduler, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        except (OSError, ValueError, CancelledError) as error:
            raise CohortError(f"{scheduler}: no Dask scheduler can be reached there ({type(error).__name__})") from None
    try:
        yield client
    finally:
        client.close()


def _check(client: Any, scheduler: str, knowledge: Knowledge) -> None:
    """Refuse workers that cannot do the work as this process would."""
    try:
        client.wait_for_workers(1, timeout=SECONDS_TO_ANSWER)
    except _distributed().TimeoutError:
        raise CohortError(f"{scheduler}: the scheduler has no worker") from None
    threads: Mapping[str, int] = client.nthreads()
    problems = [
        f"worker {address} has {count} threads, allowed is 1: dask worker --nthreads 1"
        for address, count in threads.items()
        if count != 1
    ]
    here = {name: text for name, text in _versions().items() if name in ALIKE}
    for address, there in client.run(_asker(), on_error="return").items():
        if isinstance(there, BaseException):
            problems.append(f"worker {address} could not be asked for its versions ({type(there).__name__})")
            continue
        problems += [
            f"worker {address} has {label} {there[name]}, allowed is {here[name]} as on this machine"
            if there[name]
            else f"worker {address} has no {label}"
            for name, label in ALIKE.items()
            if there[name] != here[name]
        ]
    if not problems:
        expected = knowledge()
        problems += [
            f"worker {address} has another knowledge than this machine"
            for address, found in client.run(_known, knowledge, on_error="return").items()
            if found != expected
        ]
    if problems:
        more = [f"and {len(problems) - TOLD} more"] if len(problems) > TOLD else []
        raise CohortError(*problems[:TOLD], *more)


def _asker() -> Callable[[], dict[str, str | None]]:
    """Return a function that goes to a worker whole, because hcc-decide may not be there."""

    def versions() -> dict[str, str | None]:
        import platform
        from importlib.metadata import version

        found: dict[str, str | None] = {"python": ".".join(platform.python_version_tuple()[:2])}
        for name in ("hcc_decide", "polars", "pyarrow", "distributed"):
            try:
                __import__(name)
                found[name] = version(name)
            except ImportError:
                found[name] = None
        return found

    return versions


def _versions() -> dict[str, str | None]:
    return _asker()()
