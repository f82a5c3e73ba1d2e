"""Looking ahead: how many decisions a look comes to, how many ways lead to them, and how long it takes, cold and warm."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.patients import example_patients
from benchmarks.tables import table
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import Patient
from hcc_decide.sequence.build import build
from hcc_decide.sequence.plan import HIGHEST, Plan, TooManyStatesError

HEADING = "### Looking ahead"
DEPTHS = (1, 2, 3, 4)
WIDTHS = (1, 2, 3, 4, 5)

ABOUT = """\
`hcc-decide sequence` from each example that has something to follow ({patients} of {examples}), all endings, with at most
{most:,} decisions. Decisions: what the look comes to when equal ones are shared; ways: how many there would be otherwise. Each
figure is the median over these examples, and after it the largest. Cold: with nothing judged yet, so that rules are run for
every class that comes up, and checked by the second interpreter; warm: the same look once more. Judged: classes of options,
notices and staging that the engine ran rules for. In the form, a look is as warm as what was asked of the same worker before
allows."""


@dataclass(frozen=True)
class Row:
    """One depth and width, with a figure for each patient that has something to follow.

    Attributes:
        depth, width: how far and how widely was looked.
        states, ways: decisions shared, and ways to them.
        cold, warm: seconds with nothing judged yet, and once more.
        judged: classes judged in the cold run.
        beyond: how many patients came to more decisions than a plan may allow; they have no figure.
    """

    depth: int
    width: int
    states: Sequence[int]
    ways: Sequence[int]
    cold: Sequence[float]
    warm: Sequence[float]
    judged: Sequence[int]
    beyond: int


def measure_sequences(
    knowledge: Knowledge, depths: Sequence[int] = DEPTHS, widths: Sequence[int] = WIDTHS
) -> list[Row]:
    """Look ahead from every example, for each depth and width.

    Args:
        knowledge: the rule base.
        depths: lines ahead, each 1 to 6.
        widths: options followed, each 1 to 10.
    """
    engine = Engine(knowledge)
    patients = followed_patients(engine)
    rows = [_row(engine, patients, depth, width) for depth in depths for width in widths]
    engine.close()
    return rows


def followed_patients(engine: Engine) -> list[Patient]:
    """Return the examples from whose decision something is followed."""
    by_class = engine.by_class()
    patients = example_patients(engine.knowledge)
    return [patient for patient in patients if build(patient, by_class, Plan(depth=1, width=1)).steps]


def _row(engine: Engine, patients: Sequence[Patient], depth: int, width: int) -> Row:
    states: list[int] = []
    ways: list[int] = []
    cold: list[float] = []
    warm: list[float] = []
    judged: list[int] = []
    beyond = 0
    plan = Plan(depth=depth, width=width, most=HIGHEST)
    for patient in patients:
        by_class = engine.by_class()
        try:
            seconds, count, every = _timed(patient, by_class, plan)
        except TooManyStatesError:
            beyond += 1
            continue
        states.append(count)
        ways.append(every)
        cold.append(seconds)
        judged.append(by_class.judged)
        warm.append(_timed(patient, by_class, plan)[0])
    return Row(depth, width, states, ways, cold, warm, judged, beyond)


def _timed(patient: Patient, by_class: ByClass, plan: Plan) -> tuple[float, int, int]:
    started = time.perf_counter()
    tree = build(patient, by_class, plan)
    return time.perf_counter() - started, len(tree.nodes), tree.ways


def sequences_section(rows: Sequence[Row], patients: int, examples: int) -> str:
    """Return the section, with its heading and without an empty line at its end.

    Args:
        rows: what was measured.
        patients: how many examples have something to follow.
        examples: how many examples there are.
    """
    header = ("lines ahead", "width", "decisions", "ways", "cold, ms", "warm, ms", "judged")
    body = [
        (
            str(row.depth),
            str(row.width),
            _both(row.states),
            _both(row.ways),
            _both([1000 * seconds for seconds in row.cold]),
            _both([1000 * seconds for seconds in row.warm]),
            _both(row.judged),
        )
        for row in rows
    ]
    parts = [
        HEADING,
        ABOUT.format(patients=patients, examples=examples, most=HIGHEST),
        table(header, body, numbers=True),
    ]
    told = [
        f"With {row.depth} lines ahead and width {row.width}, {row.beyond} of them came to more and are left out."
        for row in rows
        if row.beyond
    ]
    return "\n\n".join([*parts, *(["\n".join(told)] if told else [])])


def _both(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.0f}; {max(values):,.0f}" if values else "none"
