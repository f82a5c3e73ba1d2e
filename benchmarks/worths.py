"""How long it takes to weigh the missing facts of the examples, beside deciding each answer anew."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.patients import example_records
from benchmarks.tables import table
from hcc_decide.answers import changed
from hcc_decide.decide import decide
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import Patient, parse_patient
from hcc_decide.worth.shape import Worths
from hcc_decide.worth.weigh import weigh

HEADING = "### What missing facts are worth"
NOTHING_KNOWN = "nothing known"
ROUNDS = 5

ABOUT = """\
`hcc-decide missing` tries every class of answers to each missing fact of the examples; those that lack none are left out.
Classes judged: how many classes of an option, of the notices or of staging the engine judged that it had not met before. Cold:
the first time, with the rules compiled and nothing remembered. Warm: the median of {rounds} further times. Each anew: a whole
decision for each answer, as `hcc-decide recommend` makes it, without what leads from answers to their worth."""


@dataclass(frozen=True)
class WorthsRow:
    """What weighing the missing facts of one patient took.

    Attributes:
        name: which patient.
        facts: how many facts are missing.
        answers: how many classes of answers were tried.
        judged: how many classes of options, notices and staging were judged for it.
        cold, warm, anew: seconds.
    """

    name: str
    facts: int
    answers: int
    judged: int
    cold: float
    warm: float
    anew: float


def measure_worths(knowledge: Knowledge) -> tuple[WorthsRow, ...]:
    """Weigh the missing facts of every example that lacks some, and of a record without any entry."""
    engine = Engine(knowledge)
    records = {name.removesuffix(".yaml"): record for name, record in example_records().items()} | {NOTHING_KNOWN: {}}
    patients = {name: parse_patient(record, knowledge.option_ids) for name, record in records.items()}
    rows = (_row(name, patient, engine) for name, patient in patients.items())
    return tuple(row for row in rows if row.facts)


def worths_section(rows: Sequence[WorthsRow]) -> str:
    """Return the section, with its heading and without an empty line at its end."""
    header = ("Example", "Facts missing", "Answers tried", "Classes judged", "Cold", "Warm", "Each anew")
    body = [
        (
            row.name,
            *(f"{number:,}" for number in (row.facts, row.answers, row.judged)),
            *(f"{1000 * seconds:,.0f} ms" for seconds in (row.cold, row.warm, row.anew)),
        )
        for row in rows
    ]
    return "\n\n".join([HEADING, ABOUT.format(rounds=ROUNDS), table(header, body, numbers=True)])


def _row(name: str, patient: Patient, engine: Engine) -> WorthsRow:
    by_class = engine.by_class()
    started = time.perf_counter()
    worths = weigh(patient, by_class)
    cold = time.perf_counter() - started
    judged = by_class.judged
    warm = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        weigh(patient, by_class)
        warm.append(time.perf_counter() - started)
    answered = list(_answered(patient, worths, engine.knowledge))
    started = time.perf_counter()
    for other in answered:
        decide(other, engine)
    anew = time.perf_counter() - started
    return WorthsRow(name, len(worths.facts), len(answered), judged, cold, statistics.median(warm), anew)


def _answered(patient: Patient, worths: Worths, knowledge: Knowledge) -> Iterator[Patient]:
    """Yield the patient with each answer that was tried."""
    for item in worths.facts:
        for outcome in item.outcomes:
            for value in outcome.values:
                yield parse_patient(changed(patient.to_record(), item.fact, value), knowledge.option_ids)
