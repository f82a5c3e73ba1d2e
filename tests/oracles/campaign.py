"""Compare all readers on many random records, in one process or in several."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.oracles.agreement import Readers
from tests.oracles.drawing import batches
from tests.oracles.shrink import smallest_disagreement

RULES = Path(__file__).resolve().parents[2] / "rules"
BATCH = 20
PORTION = 1000
SHOWN = 20
"""How many different disagreements are shrunk and printed for each portion; the others are counted."""


@dataclass(frozen=True)
class Portion:
    """What came of some records drawn from one seed."""

    records: int
    judged: int
    settings: dict[str, int]
    disagreeing: int
    disagreements: tuple[tuple[dict[str, Any], tuple[str, ...]], ...]


def drawn(
    strategy: SearchStrategy[list[dict[str, Any]]], number: int, from_seed: int
) -> Iterator[list[dict[str, Any]]]:
    """Draw records, always the same ones for a seed, in lists of `BATCH`."""
    found: list[list[dict[str, Any]]] = []

    @seed(from_seed)
    @settings(
        max_examples=-(-number // BATCH),
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(records: list[dict[str, Any]]) -> None:
        found.append(records)

    draw()
    for records in found:
        yield records[:number]
        number -= len(records)
        if number <= 0:
            return


def compared(readers: Readers, strategy: SearchStrategy[list[dict[str, Any]]], number: int, from_seed: int) -> Portion:
    """Draw and compare some records, and shrink those on which the readers disagree."""
    count = judged = disagreeing = 0
    by_setting: dict[str, int] = {}
    shown: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}
    for records in drawn(strategy, number, from_seed):
        count += len(records)
        for record, (differences, program) in zip(records, readers.compared(records), strict=True):
            if program is not None:
                judged += len(program.rules)
                found = program.derived["setting"]
                name = str(next(iter(found))) if len(found) == 1 else "undetermined"
                by_setting[name] = by_setting.get(name, 0) + 1
            if differences:
                disagreeing += 1
                if differences[0] not in shown and len(shown) < SHOWN:
                    less, said = smallest_disagreement(readers, record, differences[0])
                    shown[differences[0]] = (less, tuple(said))
    return Portion(count, judged, by_setting, disagreeing, tuple(shown.values()))


def _work(portions: Sequence[tuple[int, int]], rules: Path, read_by_oracles: Path, results: Any) -> None:
    for portion in _in_turn(portions, rules, read_by_oracles):
        results.put(portion)


def _in_turn(portions: Sequence[tuple[int, int]], rules: Path, read_by_oracles: Path) -> Iterator[Portion]:
    readers, strategy = Readers(rules, read_by_oracles), batches(rules, BATCH)
    for number, from_seed in portions:
        yield compared(readers, strategy, number, from_seed)


def portions_of(records: int, first_seed: int) -> list[tuple[int, int]]:
    """Cut the work into portions with a seed each, the same whatever the number of processes."""
    whole, rest = divmod(records, PORTION)
    sizes = [PORTION] * whole + ([rest] if rest else [])
    return [(size, first_seed * 1_000_003 + index) for index, size in enumerate(sizes)]


def compare_all(portions: Sequence[tuple[int, int]], processes: int, rules: Path, oracles: Path) -> Iterator[Portion]:
    """Compare portion by portion, in the order in which they are done.

    Args:
        portions: how many records to draw, and from which seed.
        processes: how many processes share the work.
        rules: what the program and its shadow read.
        oracles: what the oracles read.
    """
    if processes == 1:
        yield from _in_turn(portions, rules, oracles)
        return
    # Spawned, because a forked child would share the networks of durable-rules.
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [
        context.Process(target=_work, args=(portions[start::processes], rules, oracles, results))
        for start in range(processes)
    ]
    for worker in workers:
        worker.start()
    left = len(portions)
    while left:
        if results.empty() and not any(worker.is_alive() for worker in workers) and results.empty():
            raise SystemExit("a process ended before its work was done")
        try:
            yield results.get(timeout=5)
            left -= 1
        except queue.Empty:
            continue
    for worker in workers:
        worker.join()
