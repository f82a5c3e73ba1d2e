"""Patients to measure with: the examples, and seeded variations of them drawn from the vocabulary."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from hcc_decide.documents import read
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Span, fact_of
from hcc_decide.knowledge.schema import Fact, Limits
from hcc_decide.patient import Outcome, Patient, PriorLine, RecordError, parse_patient

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
UNKNOWN = 0.2
"""How often a fact that is varied is left out."""
MOST_CHANGES = 12
MOST_LINES = 3
PRIOR = "prior_systemic"


def example_records() -> dict[str, dict[str, Any]]:
    """Return the records of ``examples/`` by file name, sorted."""
    return {path.name: dict(read(str(path)).data) for path in sorted(EXAMPLES.glob("*.yaml"))}


def example_patients(knowledge: Knowledge) -> list[Patient]:
    """Return the patients of ``examples/``."""
    return [parse_patient(record, knowledge.option_ids) for record in example_records().values()]


def varied_patients(knowledge: Knowledge, count: int, seed: int) -> list[Patient]:
    """Return ``count`` patients, each an example with 1 to 12 facts drawn anew from the vocabulary.

    Numbers are drawn at the limits of the rules and at random between them. A record that contradicts itself is
    drawn again.

    Args:
        knowledge: for the vocabulary, the limits that rules name, and the options given earlier.
        count: how many.
        seed: the same seed gives the same patients.
    """
    draw = random.Random(seed)
    examples = list(example_records().values())
    limits = limits_of(knowledge)
    names = _names(knowledge)
    found: list[Patient] = []
    while len(found) < count:
        record = dict(draw.choice(examples))
        for name in draw.sample(names, draw.randint(1, MOST_CHANGES)):
            record[name] = _value(name, knowledge, limits, draw)
        try:
            found.append(parse_patient(record, knowledge.option_ids))
        except RecordError:
            continue
    return found


def edits(record: Mapping[str, Any], knowledge: Knowledge, count: int, seed: str) -> list[dict[str, Any]]:
    """Return ``count`` records, each the one before it with one fact, or the prior lines, drawn anew.

    Args:
        record: where it begins.
        knowledge: as for `varied_patients`.
        count: how many.
        seed: the same seed gives the same records.
    """
    draw = random.Random(seed)
    limits = limits_of(knowledge)
    # A form may show these in another unit than the record, in which the number drawn would mean something else.
    names = [name for name in _names(knowledge) if name == PRIOR or not knowledge.vocabulary.facts[name].also_in]
    here = parse_patient(dict(record), knowledge.option_ids).to_record()
    found: list[dict[str, Any]] = []
    while len(found) < count:
        name = draw.choice(names)
        try:
            edited = parse_patient({**here, name: _value(name, knowledge, limits, draw)}, knowledge.option_ids)
        except RecordError:
            continue
        if edited.to_record() != here:
            here = edited.to_record()
            found.append(here)
    return found


def _names(knowledge: Knowledge) -> list[str]:
    facts = knowledge.vocabulary.facts.items()
    names = [name for name, fact in facts if fact.source in ("record", "record_or_derived")]
    return [name for name in (*names, PRIOR) if name in Patient.model_fields]


def limits_of(knowledge: Knowledge) -> dict[str, list[float]]:
    """Return the finite constants that rules compare each number with."""
    conditions = [value.condition for item in knowledge.staging for value in item.values]
    conditions += [rule.condition or () for item in knowledge.options.values() for rule in item.rules]
    conditions += [rule.condition or () for rule in knowledge.notices]
    found: dict[str, set[float]] = {}
    for condition in conditions:
        for conjunction in condition:
            for literal in conjunction:
                if isinstance(literal.test, Span):
                    ends = {literal.test.low, literal.test.high} - {float("inf"), float("-inf")}
                    found.setdefault(fact_of(literal.attribute), set()).update(ends)
    return {name: sorted(values) for name, values in found.items()}


def _value(name: str, knowledge: Knowledge, limits: Mapping[str, Sequence[float]], draw: random.Random) -> Any:
    if draw.random() < UNKNOWN:
        return None
    if name == PRIOR:
        count = draw.randint(0, MOST_LINES)
        return [_line(knowledge, limits, draw, last=index == count - 1) for index in range(count)]
    fact = knowledge.vocabulary.facts[name]
    if fact.kind == "boolean":
        return draw.random() < 0.5
    if fact.kind == "category":
        return draw.choice(list(fact.values or {}))
    if fact.kind == "set":
        members = [str(value) for value in fact.values or {}]
        return draw.sample(members, draw.randint(0, min(3, len(members))))
    return _number(fact, limits.get(name, ()), draw)


def _number(fact: Fact, limits: Sequence[float], draw: random.Random) -> float | int:
    low, high = _span(fact.plausible, *_span(fact.range, 0, 100))
    if limits:
        low, high = min(low, limits[0]), max(high if fact.plausible or fact.range else 0, 2 * limits[-1])
    value = draw.choice(limits) if limits and draw.random() < 0.4 else draw.uniform(low, high)
    return round(value) if fact.kind == "integer" else round(value, 2)


def _span(limits: Limits | None, low: float, high: float) -> tuple[float, float]:
    if limits is None:
        return low, high
    lowest = limits.at_least if limits.at_least is not None else limits.above
    highest = limits.at_most if limits.at_most is not None else limits.below
    return low if lowest is None else lowest, high if highest is None else highest


def _line(
    knowledge: Knowledge, limits: Mapping[str, Sequence[float]], draw: random.Random, *, last: bool
) -> dict[str, Any]:
    outcomes = [value for value in get_args(Outcome) if last or value != "ongoing"]
    line: dict[str, Any] = {"option": draw.choice(list(knowledge.options)), "outcome": draw.choice(outcomes)}
    for name in PriorLine.model_fields:
        fact = knowledge.vocabulary.facts.get(name)
        if fact is None or draw.random() < 0.5:
            continue
        if fact.kind in ("integer", "number"):
            line[name] = _number(fact, limits.get(name, ()), draw)
        elif "progression" in line["outcome"]:
            line[name] = draw.random() < 0.7
    return line
