"""From a fresh process to the first decision, and where that time goes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

from benchmarks.patients import EXAMPLES
from benchmarks.steps import PHASES

EXAMPLE = "advanced-untreated.yaml"
COMMAND = "from hcc_decide.cli import main; main()"


def measure_startup(runs: int) -> dict[str, float]:
    """Return seconds, each the median of ``runs`` fresh processes after one that is not counted.

    ``interpreter`` is a Python that does nothing, ``whole`` is ``hcc-decide recommend`` from start to end; the
    other keys are `PHASES`, taken inside processes that do the same steps.
    """
    example = str(EXAMPLES / EXAMPLE)
    taken: dict[str, list[float]] = {"interpreter": [], **{phase: [] for phase in PHASES}, "whole": []}
    for number in range(runs + 1):
        once = {
            "interpreter": _wall(["-c", "pass"]),
            "whole": _wall(["-c", COMMAND, "recommend", example]),
            **_phases(example),
        }
        if number:
            for key, seconds in once.items():
                taken[key].append(seconds)
    return {key: statistics.median(seconds) for key, seconds in taken.items()}


def _wall(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _phases(example: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.steps", example]
    done = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    return dict(json.loads(done.stdout))
