"""What it would take: how long the search takes, how much it finds, and what trying everything would cost instead."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.patients import example_records
from benchmarks.tables import quantile, table
from hcc_decide.answers import answers
from hcc_decide.counterfactual.search import search
from hcc_decide.counterfactual.shape import Counterfactuals
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import fact_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.patient import Patient, parse_patient
from hcc_decide.verify.world import closure

HEADING = "### What it would take"
TOGETHER = 3
"""Facts that trying everything would change together."""
TEXT = """\
For each example patient and each option of the kind that a board cannot offer now: every smallest set of facts whose change would
let it be offered, with the values that do. The engine remembers classes of patients from one search to the next, as in a running
form. Trying everything means all values that rules tell apart of up to {together} facts together. These records are counted, not
judged; the seconds are for {each:.1f} ms each, the time of a class that is known. It would miss the larger sets, which are
{larger:.0%} of those found."""


@dataclass(frozen=True)
class Row:
    """What searches for the options of one kind cost.

    Attributes:
        kind: of the options.
        seconds: of each search.
        sets: how many smallest sets each found.
        larger: how many of them have more than `TOGETHER` facts.
        proved_impossible: how many searches proved that no change does.
        combinations: changed records that trying everything would judge, for each search.
        each: seconds for one of them.
    """

    kind: str
    seconds: Sequence[float]
    sets: Sequence[int]
    larger: int
    proved_impossible: int
    combinations: Sequence[int]
    each: float


def measure_counterfactuals(
    knowledge: Knowledge, records: Sequence[Mapping[str, Any]] | None = None, options: int = 4
) -> list[Row]:
    """Search for some options of each kind, for each record.

    Args:
        knowledge: the rule base.
        records: the patients; ``None`` takes the examples.
        options: at most so many of each kind, those of the most rules.

    Returns:
        One row for each kind of option.
    """
    by_class = Engine(knowledge).by_class()
    chosen = records if records is not None else list(example_records().values())
    patients = [parse_patient(dict(record), knowledge.option_ids) for record in chosen]
    by_kind: dict[str, list[str]] = {}
    for option in sorted(knowledge.options, key=lambda name: -len(knowledge.options[name].rules)):
        by_kind.setdefault(knowledge.options[option].body.kind, []).append(option)
    return [row for kind, names in by_kind.items() if (row := _row(by_class, kind, names[:options], patients))]


def _row(by_class: ByClass, kind: str, options: Sequence[str], patients: Sequence[Patient]) -> Row | None:
    seconds: list[float] = []
    found: list[Counterfactuals] = []
    combinations: list[int] = []
    judged: list[float] = []
    for patient in patients:
        by_class.infer(patient)
        started = time.perf_counter()
        by_class.infer(patient)
        judged.append(time.perf_counter() - started)
        for option in options:
            started = time.perf_counter()
            answer = search(patient, by_class, option)
            taken = time.perf_counter() - started
            if not answer.already:
                seconds.append(taken)
                found.append(answer)
                combinations.append(_combinations(by_class.knowledge, patient, option))
    if not found:
        return None
    return Row(
        kind=kind,
        seconds=seconds,
        sets=[len(item.answers) for item in found],
        larger=sum(len(answer.facts) > TOGETHER for item in found for answer in item.answers),
        proved_impossible=sum(item.impossible for item in found),
        combinations=combinations,
        each=quantile(judged, 0.5),
    )


def _combinations(knowledge: Knowledge, patient: Patient, option: str) -> int:
    """Count the changed records that trying everything would judge."""
    facts: set[str] = set()
    for name in map(fact_of, closure(knowledge, knowledge.options[option].attributes)):
        fact = knowledge.vocabulary.facts[name]
        if fact.source in ("record", "record_or_derived"):
            facts.add(name)
        facts.update(fact.from_)
        if fact.source == "history":
            facts.add(PRIOR_SYSTEMIC)
    counts = [len(answers(knowledge, patient, name)) for name in sorted(facts)]
    return sum(
        math.prod(together) for size in range(1, TOGETHER + 1) for together in itertools.combinations(counts, size)
    )


def counterfactuals_section(rows: Sequence[Row]) -> str:
    """Return the section, with its heading and without an empty line at its end."""
    header = (
        "kind of option",
        "searches",
        "p50, ms",
        "p95, ms",
        "sets, mean",
        "most",
        "proved impossible",
        "trying everything, p50",
    )
    body = [
        (
            row.kind.replace("_", " "),
            str(len(row.seconds)),
            f"{1000 * quantile(row.seconds, 0.5):.0f}",
            f"{1000 * quantile(row.seconds, 0.95):.0f}",
            f"{sum(row.sets) / len(row.sets):.1f}",
            str(max(row.sets)),
            str(row.proved_impossible),
            f"{quantile(row.combinations, 0.5):,.0f} records, {quantile(row.combinations, 0.5) * row.each:,.0f} s",
        )
        for row in rows
    ]
    every = sum(sum(row.sets) for row in rows)
    larger = sum(row.larger for row in rows) / every if every else 0.0
    each = 1000 * quantile([row.each for row in rows], 0.5)
    text = TEXT.format(together=TOGETHER, each=each, larger=larger)
    return "\n\n".join([HEADING, table(header, body, numbers=True), text])
