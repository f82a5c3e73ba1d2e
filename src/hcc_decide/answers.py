"""The finitely many answers to a question about one patient, as far as rules can tell them apart.

Rules compare facts with constants only, and scores step or run through their cut-offs. So for each fact that a record can hold
there are finitely many answers that can make a difference; one value stands for each.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hcc_decide.classes.attributes import representatives
from hcc_decide.decision import VERDICTS
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Span, fact_of, member_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, choice_label, option_name, value_text
from hcc_decide.knowledge.phrasing import test_text
from hcc_decide.knowledge.schema import Fact, PartialValue
from hcc_decide.patient import Patient
from hcc_decide.scores import cut_offs

ENDINGS = ("progression", "intolerance")
"""How a line of prior systemic therapy may have ended when nothing is known of it."""

_OF_LINE = re.compile(rf"{PRIOR_SYSTEMIC}\[(?P<option>[^\]]+)\]\.(?P<field>\w+)")


@dataclass(frozen=True)
class Answer:
    """One class of answers to the question about a fact.

    Attributes:
        value: a value of the record that stands for the class.
        text: the class in words, with units.
        span: the numbers of the class; ``None`` for what is no number.
    """

    value: Any
    text: str
    span: Span | None = None


def line_detail(fact: str) -> tuple[str, str] | None:
    """Return the option and the field that a detail of a prior line names; ``None`` for other facts.

    >>> line_detail("prior_systemic[sorafenib].last_daily_dose_mg")
    ('sorafenib', 'last_daily_dose_mg')
    """
    found = _OF_LINE.fullmatch(fact)
    return (found["option"], found["field"]) if found is not None else None


def changed(record: Mapping[str, Any], fact: str, value: Any) -> dict[str, Any]:
    """Return a record with another value of a fact; a detail of prior lines goes to every line of that option.

    Args:
        record: the record as plain data.
        fact: a field of the record, or ``prior_systemic[<option>].<field>``.
        value: the new value; ``None`` leaves the fact out.

    Raises:
        KeyError: the record has no line of that option.
    """
    detail = line_detail(fact)
    if detail is None:
        return {name: old for name, old in {**record, fact: value}.items() if old is not None}
    option, field = detail
    lines = [dict(line) for line in record.get(PRIOR_SYSTEMIC) or ()]
    if all(line["option"] != option for line in lines):
        raise KeyError(fact)
    for line in lines:
        if line["option"] == option:
            line[field] = value
    kept = [{name: old for name, old in line.items() if old is not None} for line in lines]
    return {**record, PRIOR_SYSTEMIC: kept}


def answers(
    knowledge: Knowledge, patient: Patient, fact: str, members: Collection[str] | None = None
) -> tuple[Answer, ...]:
    """Return every answer to the question about one fact that rules can tell apart, in order.

    Of a category these are its values (not those that leave several open), of a number the constants that rules and scores
    compare it with and the spans between, of a set its subsets as far as rules read its members. Of prior systemic therapy
    they are: none, and one line of each kind of treatment that rules tell apart, for each ending. Longer histories are not
    among them.

    Args:
        knowledge: for the vocabulary and the constants of the rules.
        patient: the rest of the record; a score's cut-off in one value depends on the others.
        fact: a field of the record, or a detail of prior lines (`line_detail`).
        members: of a set, the members that can make a difference; left out, all that rules read.
    """
    if fact == PRIOR_SYSTEMIC:
        return tuple(_histories(knowledge))
    detail = line_detail(fact)
    attribute = _attribute(fact)
    known = knowledge.vocabulary.facts[fact_of(attribute)]
    if known.kind == "boolean" or (known.kind == "set" and detail is not None):
        return (Answer(True, "yes"), Answer(False, "no"))
    if known.kind == "set":
        return tuple(_subsets(known, _members(knowledge, fact) if members is None else members))
    if known.kind in ("integer", "number"):
        return tuple(_numbers(knowledge, patient, attribute, known))
    return tuple(
        Answer(value, choice_label(known, str(value)))
        for value, label in (known.values or {}).items()
        if not isinstance(label, PartialValue)
    )


def _numbers(knowledge: Knowledge, patient: Patient, attribute: str, fact: Fact) -> Iterator[Answer]:
    name = fact_of(attribute)
    constants = set(knowledge.limits.get(attribute, ()))
    for score, computed in knowledge.vocabulary.facts.items():
        if name in computed.from_ and score in knowledge.limits:
            constants.update(cut_offs(score, name, dict(patient), knowledge.limits[score]))
    ordered = tuple(sorted({round(float(constant), 9) for constant in constants}))
    for value in representatives(fact, ordered):
        whole = fact.kind == "integer"
        span = _whole(_span(value, ordered)) if whole else _span(value, ordered)
        number: float | int = int(value) if whole else value
        yield Answer(number, span_text(knowledge, attribute, span), span)


def _span(value: float, constants: Sequence[float]) -> Span:
    """Return the class that a number belongs to: a constant, or what lies between two of them or beyond the outermost."""
    if value in constants:
        return Span(value, False, value, False)
    below = [constant for constant in constants if constant < value]
    above = [constant for constant in constants if constant > value]
    return Span(
        below[-1] if below else -math.inf,
        bool(below),
        above[0] if above else math.inf,
        bool(above),
    )


def _whole(span: Span) -> Span:
    """Return the whole numbers of a span as a closed one."""
    return Span(span.low + span.low_open, False, span.high - span.high_open, False)


def span_text(knowledge: Knowledge, fact: str, span: Span) -> str:
    """Write a class of numbers, or several that lie side by side, with the unit.

    Args:
        knowledge: for the unit.
        fact: what the numbers answer, as for `answers`.
        span: the numbers; bounds are written with two decimals, for the cut-offs of a score can have many.
    """
    if math.isinf(span.low) and math.isinf(span.high):
        return "any value"
    rounded = Span(round(span.low, 2), span.low_open, round(span.high, 2), span.high_open)
    return test_text(knowledge, _attribute(fact), rounded)


def _attribute(fact: str) -> str:
    """Return the attribute that rules read for a fact; a detail of prior lines is named by its option there."""
    detail = line_detail(fact)
    return fact if detail is None else f"{detail[1]}[{detail[0]}]"


def _members(knowledge: Knowledge, name: str) -> set[str]:
    """Return the members of a set that rules read."""
    found = (member_of(attribute) for attribute in knowledge.attributes() if fact_of(attribute) == name)
    return {member for member in found if member is not None}


def _subsets(fact: Fact, members: Collection[str]) -> Iterator[Answer]:
    ordered = [str(value) for value in fact.values or () if str(value) in members]
    for count in range(len(ordered) + 1):
        for chosen in itertools.combinations(ordered, count):
            yield Answer(list(chosen), value_text(fact, list(chosen)) if chosen else "none of those that count")


def _histories(knowledge: Knowledge) -> Iterator[Answer]:
    outcomes = knowledge.vocabulary.prior_systemic.fields["outcome"].values or {}
    yield Answer([], "none")
    for option, others in _kinds(knowledge):
        name = option_name(knowledge, option)
        rest = f" or another like it ({others} more)" if others else ""
        for ending in ENDINGS:
            line: dict[str, Any] = {"option": option, "outcome": ending}
            yield Answer([line], f"{name}{rest}: {outcomes.get(ending, ending)}")


def _kinds(knowledge: Knowledge) -> Iterator[tuple[str, int]]:
    """Yield one treatment for each kind that rules about other treatments tell apart, and how many more there are of it."""
    members = [(fact_of(name), member_of(name)) for name in knowledge.attributes()]
    by_option = {name for name, fact in knowledge.vocabulary.facts.items() if fact.members == "options"}
    classes = {member for name, member in members if knowledge.vocabulary.facts[name].members == "classes"}
    named: dict[str, set[str]] = {}
    for rule in knowledge.rules.values():
        for attribute in rule.attributes:
            member = member_of(attribute)
            if fact_of(attribute) in by_option and member is not None and member != rule.option:
                named.setdefault(member, set()).add(attribute)
    kinds: dict[tuple[frozenset[str], str], list[str]] = {}
    for option, treatment in knowledge.options.items():
        if treatment.body.drugs:
            key = (frozenset(treatment.body.classes) & classes, option if option in named else "")
            kinds.setdefault(key, []).append(option)
    for options in kinds.values():
        yield min(options, key=lambda option: _usefulness(knowledge, option)), len(options) - 1


def _usefulness(knowledge: Knowledge, option: str) -> tuple[int, str]:
    """Sort what boards know before what only trials give."""
    return min(VERDICTS.index(use.body.verdict) for use in knowledge.options[option].uses), option
