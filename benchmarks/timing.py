"""Interleaved timing: the contenders take turns on the same few patients; a busy machine slows all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.contenders import Contender
from benchmarks.tables import quantile
from hcc_decide.patient import Patient

PER_TURN = 25


@dataclass(frozen=True)
class Times:
    """How long one contender took.

    Attributes:
        per_second: decisions per second, the median of the rounds.
        p50, p95: milliseconds of one warm decision, over all rounds.
    """

    per_second: float
    p50: float
    p95: float


def measure(rivals: Sequence[Contender], patients: Sequence[Patient], rounds: int) -> dict[str, Times]:
    """Time every contender on every patient, ``rounds`` times, after one round that is not counted.

    Wall-clock time; the garbage collector runs as it does in use, and is emptied between turns.
    """
    seconds: dict[str, list[list[float]]] = {rival.key: [] for rival in rivals}
    turn = 0
    for number in range(rounds + 1):
        for taken in seconds.values():
            taken.append([])
        for start in range(0, len(patients), PER_TURN):
            turn += 1
            # Each turn begins with another contender, and in the other direction every second time.
            order = [*rivals[turn % len(rivals) :], *rivals[: turn % len(rivals)]][:: 1 if turn % 2 else -1]
            for rival in order:
                gc.collect()
                _turn(rival, patients[start : start + PER_TURN], seconds[rival.key][number])
    return {key: _times(taken[1:]) for key, taken in seconds.items()}


def _turn(rival: Contender, patients: Sequence[Patient], taken: list[float]) -> None:
    run, clock = rival.run, time.perf_counter
    run(patients[0])  # warms the processor's caches after the contender before
    for patient in patients:
        started = clock()
        run(patient)
        taken.append(clock() - started)


def _times(rounds: Sequence[Sequence[float]]) -> Times:
    every = [1000 * taken for one in rounds for taken in one]
    return Times(
        per_second=statistics.median(len(one) / sum(one) for one in rounds),
        p50=statistics.median(every),
        p95=quantile(every, 0.95),
    )
