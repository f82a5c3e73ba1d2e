"""Where the chunks of a table are worked on: in this process, or in several of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

from hcc_decide.cohort.shape import Chunk, CohortError, Result

AHEAD = 2
"""Chunks under way for each process: one in work, one waiting."""

Decides = Callable[[Chunk], Result]


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
    """Works in several processes of this machine, each of which loads the rules once."""

    def __init__(self, pool: ProcessPoolExecutor, workers: int) -> None:
        """Take the processes."""
        self._pool, self._workers = pool, workers

    def map(self, work: Decides, chunks: Iterable[Chunk]) -> Iterator[Result]:
        """Yield the result of each chunk (`Runner.map`).

        Raises:
            CohortError: a process died; nothing of the run is kept.
        """
        waiting: deque[Future[Result]] = deque()
        coming = iter(chunks)
        try:
            while True:
                while len(waiting) < AHEAD * self._workers and (chunk := next(coming, None)) is not None:
                    waiting.append(self._pool.submit(work, chunk))
                if not waiting:
                    return
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise CohortError(
                "a process that decides has died; the memory may not be enough for so many at once", refused=False
            ) from None
        finally:
            for future in waiting:
                future.cancel()


@contextlib.contextmanager
def in_processes(workers: int) -> Iterator[Runner]:
    """Give a runner for the length of a ``with``.

    Args:
        workers: how many processes decide; with one it is this process.
    """
    if workers == 1:
        yield InThisProcess()
        return
    # Started anew, not forked: the engine and its threads do not survive a fork.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield InProcesses(pool, workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
