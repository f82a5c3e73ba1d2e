"""Programs that read thousands of hostile inputs under limits, and what they report of it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from tests.conftest import ROOT

MEMORY = 1_500_000_000
"""Bytes of address space that a program may take. An input that outgrows it is a failure, not the end of the machine."""

HANG = 60
"""Seconds after which an input counts as one that never ends; all of them together take less."""

MOST_LINES = 300
WARM = 200
"""Inputs after which everything is imported and compiled, so that memory has no reason to grow."""

CALLS = 30_000
CALLS_PER_BYTE = 60
"""Calls of functions that one input may cost, whatever it is: a measure of work that no busy machine changes."""

Input = tuple[str, int, int, Callable[[], tuple[str, list[str]]]]
"""Its kind, the seed that repeats it, its length in bytes, and what tries it: that returns the outcome with the lines that
were told, or raises what should never be raised."""


@dataclass
class Report:
    """What a program saw.

    Attributes:
        count: inputs that were tried.
        outcomes: how many ended how, by kind of input and outcome.
        failures: what went wrong, each with the kind and seed that repeat it.
        longest_line: characters of the longest line of a refusal.
        most_calls: the largest number of calls for one input, as a share of what is allowed.
        grown_mb: by how much the program's memory grew after the first `WARM` inputs, in MB.
        peak_mb: the most memory that it ever held, in MB.
    """

    count: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    longest_line: int = 0
    most_calls: float = 0.0
    grown_mb: float = 0.0
    peak_mb: float = 0.0

    def ended(self, kind: str, outcome: str) -> int:
        """Return how many inputs of a kind ended so."""
        return self.outcomes.get(f"{kind}: {outcome}", 0)


class HangError(Exception):
    """An input took so long that it would never end."""


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise HangError(f"took more than {HANG} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HANG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def counted(work: Callable[[], str]) -> tuple[str, int]:
    """Return what some work returns, and how many functions it called."""
    calls = 0

    def note(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        return work(), calls
    finally:
        sys.setprofile(None)


LONGEST_LINE = 1000
"""Characters; a finding may list all values that are allowed. For records a test asks for less."""


def wrong_lines(lines: Iterable[str]) -> list[str]:
    """Return what is wrong with the lines of a refusal: each is one line, printable, short, and says something."""
    told = list(lines)
    found = [] if 0 < len(told) <= MOST_LINES else [f"{len(told)} lines"]
    for line in told:
        if len(line.splitlines()) != 1 or not line.isprintable():
            found.append(f"not one printable line: {line[:200]!r}")
        if not 10 <= len(line) <= LONGEST_LINE:
            found.append(f"a line of {len(line)} characters: {line[:100]!r}")
    return found


def watch(inputs: Iterable[Input], every: int) -> Report:
    """Try inputs one by one and report what came of them. Calls are counted for one input of ``every``."""
    report, outcomes, first = Report(), Counter[str](), 0.0
    for kind, seed, length, work in inputs:
        told: list[str] = []

        def attempt(work: Callable[[], tuple[str, list[str]]] = work, told: list[str] = told) -> str:
            outcome, lines = work()
            told.extend(lines)
            return outcome

        try:
            with _alarm():
                outcome, calls = counted(attempt) if report.count % every == 0 else (attempt(), 0)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            outcome, calls = "failed", 0
            report.failures.append(f"{kind} {seed}: {type(error).__name__}: {str(error)[:300]}")
        share = calls / (CALLS + CALLS_PER_BYTE * length)
        if share > 1:
            report.failures.append(f"{kind} {seed}: {calls} calls for {length} bytes")
        if outcome == "refused":
            report.failures += [f"{kind} {seed}: {wrong}" for wrong in wrong_lines(told)]
        outcomes[f"{kind}: {outcome}"] += 1
        report.count += 1
        report.most_calls = max(report.most_calls, share)
        report.longest_line = max([report.longest_line, *map(len, told)])
        if report.count == WARM:
            first = _memory_mb()
    report.outcomes = dict(sorted(outcomes.items()))
    report.grown_mb = _memory_mb() - first
    report.peak_mb = _peak_mb()
    return report


def _memory_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss / 1e6)


def _peak_mb() -> float:
    """Return the most memory that this program ever held."""
    status = Path("/proc/self/status")
    if status.exists():
        # What the kernel reports of its use counts in whoever started it.
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return float(fields["VmHWM"].split()[0]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main(inputs: Iterable[Input], every: int = 1) -> None:
    """Run as a program: try all inputs under the limits and print the report."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print(json.dumps(asdict(watch(inputs, every))))


def run(module: str, *arguments: str) -> Report:
    """Start one of these programs in a process of its own and return its report."""
    ended = subprocess.run(
        [sys.executable, "-m", f"tests.hostile.{module}", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return Report(**json.loads(ended.stdout))
