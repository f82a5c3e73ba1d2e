"""Resident memory over many decisions, each contender in a process of its own."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from benchmarks.contenders import contenders
from benchmarks.patients import example_patients, varied_patients
from hcc_decide.knowledge.load import load_knowledge

WARM = 1000
BATCH = 500


@dataclass(frozen=True)
class Memory:
    """Resident memory of one process, in MB.

    Attributes:
        loaded: with the knowledge loaded and nothing built.
        warm: after the networks are built and the first 1,000 decisions.
        after: after ``decisions`` more, no patient twice.
        decisions: how many.
    """

    loaded: float
    warm: float
    after: float
    decisions: int

    @property
    def growth(self) -> float:
        """MB per 10,000 decisions."""
        return (self.after - self.warm) * 10_000 / self.decisions


def measure_memory(keys: Sequence[str], decisions: int, seed: int) -> dict[str, Memory]:
    """Measure contenders in processes of their own, side by side: only memory counts here."""
    running = {
        key: subprocess.Popen(
            [sys.executable, "-m", "benchmarks.memory", key, str(decisions), str(seed)],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        for key in keys
    }
    found = {}
    try:
        for key, process in running.items():
            out, _ = process.communicate()
            if process.returncode != 0:
                raise RuntimeError(f"measuring the memory of {key} ended with {process.returncode}")
            found[key] = Memory(**json.loads(out))
    finally:
        for process in running.values():
            process.kill()  # does nothing to one that has ended
    return found


def _resident() -> float:
    gc.collect()
    return float(psutil.Process(os.getpid()).memory_info().rss) / 2**20


def main(key: str, decisions: int, seed: int) -> None:
    """Measure one contender in this process and print the result as JSON."""
    knowledge = load_knowledge()
    loaded = _resident()
    (rival,) = contenders(knowledge, example_patients(knowledge)[0], [key])

    def run(count: int, first_seed: int) -> None:
        for start in range(0, count, BATCH):
            for patient in varied_patients(knowledge, min(BATCH, count - start), first_seed + start):
                rival.run(patient)

    run(WARM, seed)
    warm = _resident()
    run(decisions, seed + WARM)
    print(json.dumps({"loaded": loaded, "warm": warm, "after": _resident(), "decisions": decisions}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
