"""Where the chunks of a table are worked on: in this process, or in several of this machine."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Protocol

from hcc_decide.cohort.shape import Chunk, CohortError, Result

AHEAD = 2
"""Chunks under way for each process: one in work, one waiting."""
BEHIND = 2
"""Results for each process that wait for one before them."""
_THREADS = Path("/proc/self/task")

Decides = Callable[[Chunk], Result]
Prepares = Callable[[], object]


class Runner(Protocol):
    """Works on chunks."""

    def map(self, work: Decides, chunks: Iterable[Chunk]) -> Iterator[Result]:
        """Yield the result of each chunk, in the order of the chunks; only a few are under way at once.

        Args:
            work: what is done with each; it can be pickled.
            chunks: taken one by one.
        """


class InThisProcess:
    """Works on one chunk after the other."""

    def map(self, work: Decides, chunks: Iterable[Chunk]) -> Iterator[Result]:
        """Yield the result of each chunk (`Runner.map`)."""
        for chunk in chunks:
            yield work(chunk)


class InProcesses:
    """Works in this process and in others of this machine, each of which has the rules loaded."""

    def __init__(self, pool: ProcessPoolExecutor, others: int) -> None:
        """Take the other processes."""
        self._pool, self._others = pool, others

    def map(self, work: Decides, chunks: Iterable[Chunk]) -> Iterator[Result]:
        """Yield the result of each chunk (`Runner.map`).

        The other processes are served first; what they cannot take is done here, where nothing need be sent.

        Raises:
            CohortError: a process died; nothing of the run is kept.
        """
        waiting: deque[Future[Result]] = deque()
        coming = iter(chunks)
        most = (AHEAD + BEHIND) * (self._others + 1)
        try:
            while True:
                while _under_way(waiting) < AHEAD * self._others and (chunk := next(coming, None)) is not None:
                    waiting.append(self._pool.submit(work, chunk))
                first_is_there = bool(waiting) and waiting[0].done()
                if not first_is_there and len(waiting) < most and (chunk := next(coming, None)) is not None:
                    waiting.append(_done(work(chunk)))
                elif waiting:
                    yield waiting.popleft().result()
                else:
                    return
        except BrokenProcessPool:
            raise CohortError(
                "a process that decides has died; the memory may not be enough for so many at once", refused=False
            ) from None
        finally:
            for future in waiting:
                future.cancel()


@contextlib.contextmanager
def in_processes(workers: int, prepare: Prepares | None = None) -> Iterator[Runner]:
    """Give a runner for the length of a ``with``.

    Processes are forked while this one has a single thread, and share what it has loaded until then. Otherwise they are
    started anew: no thread survives a fork, and who waits for one waits forever. Polars, Arrow and numpy begin threads when
    they are imported, so whoever wants the fork calls this before.

    Args:
        workers: how many processes decide, this one among them.
        prepare: loads in each of the others what the first chunk will need; it can be pickled.
    """
    if workers == 1:
        yield InThisProcess()
        return
    pool = ProcessPoolExecutor(workers - 1, mp_context=_context(), initializer=_begin, initargs=(prepare,))
    try:
        # A pool that forks starts all its processes with the first thing to do.
        pool.submit(_nothing)
        yield InProcesses(pool, workers - 1)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    # Elsewhere the libraries of the system have threads of their own, or there is no fork.
    alone = sys.platform == "linux" and _THREADS.is_dir() and len(list(_THREADS.iterdir())) == 1
    return multiprocessing.get_context("fork" if alone else "spawn")


def _begin(prepare: Prepares | None) -> None:
    """Begin a process that decides."""
    # Ctrl-C reaches every process of a terminal; the one that started the others ends them. Blocked and not ignored,
    # because Polars takes the signal for itself when it is imported.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        # Whatever is wrong is found again with the first chunk, and told then.
        with contextlib.suppress(Exception):
            prepare()
    # What stays is not looked through again and again.
    gc.freeze()


def _end_with_parent() -> None:
    """End this process when the one that started it was killed and nobody will ask for its results."""
    process = multiprocessing.parent_process()
    if process is not None:
        wait([process.sentinel])
        os._exit(1)


def _nothing() -> None:
    """Do nothing, in another process."""


def _under_way(waiting: Iterable[Future[Result]]) -> int:
    return sum(not future.done() for future in waiting)


def _done(result: Result) -> Future[Result]:
    future: Future[Result] = Future()
    future.set_result(result)
    return future
