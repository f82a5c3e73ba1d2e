"""The form's state and the patient record: one from the other, both ways, without Streamlit.

The state maps the key of each field to what stands in it. A choice holds a token (``yes``, ``A``,
``not known``), a number holds a number or ``None``, a set holds a list of tokens. A number is in the fact's own unit; a
state may name another beside it (see `form.units`). Nothing that is not known gets into the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from form import units
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema import Fact
from hcc_decide.patient import OTHER, Patient, RecordError, parse_patient

NOT_KNOWN = "not known"
NONE = "none"
LINES = "as follows"
CHOOSE = "choose one"
YES_NO: Mapping[str, bool] = {"yes": True, "no": False}

CASE = "case_id"
PRIOR = "prior_systemic"
PRIOR_COUNT = "prior_systemic_count"
SETTLED = "form_settled"
"""Stands in the form once the patient page has taken up what was filled in; filling the form in anew takes it out."""
TOP = ""
"""Where a problem stands that belongs to no field."""

MAX_CHOICES = 12
"""Whole numbers with at most as many values are chosen from a list."""

Problems = dict[str, list[str]]
_PLACE = re.compile(r"([a-z0-9_]+(?:\[\d+\](?:\.[a-z0-9_]+)?)?): ")


def key_of(name: str) -> str:
    """Return the key of a fact's field."""
    return f"fact_{name}"


def line_key(number: int, field: str) -> str:
    """Return the key of a field of a prior line; lines count from 1."""
    return f"line_{number}_{field}"


def is_field(key: str) -> bool:
    """Whether a key belongs to the form's fields."""
    return key in (CASE, PRIOR, PRIOR_COUNT, SETTLED) or key.startswith(("fact_", "line_", "unit_"))


def asked(knowledge: Knowledge) -> dict[str, Fact]:
    """Return the facts that the record can hold, in the order of the vocabulary."""
    facts = knowledge.vocabulary.facts
    return {name: fact for name, fact in facts.items() if fact.source in ("record", "record_or_derived")}


def choices(fact: Fact) -> dict[str, bool | int | str] | None:
    """Return what can be chosen for a fact, token by token; ``None`` for a number that is typed in."""
    if fact.kind == "boolean":
        return dict(YES_NO)
    if fact.values is not None:
        return {str(value): value for value in fact.values}
    limits = fact.range
    if fact.kind == "integer" and limits and limits.at_least is not None and limits.at_most is not None:
        values = range(int(limits.at_least), int(limits.at_most) + 1)
        if len(values) <= MAX_CHOICES:
            return {str(value): value for value in values}
    return None


def default_of(name: str) -> str | None:
    """Return what the record takes when a fact is left out; ``None`` where left out means not known."""
    default = Patient.model_fields[name].default
    return None if default is None else str(default)


def hidden(knowledge: Knowledge, tumour: str) -> frozenset[str]:
    """Return the facts that the record refuses for a tumour, whatever their value."""
    found = set()
    for name, fact in asked(knowledge).items():
        values = choices(fact)
        if values and fact.kind != "set" and default_of(name) is None:
            try:
                parse_patient({"tumour": tumour, name: next(iter(values.values()))})
            except RecordError:
                found.add(name)
    return frozenset(found)


def shown(knowledge: Knowledge, state: Mapping[str, Any]) -> dict[str, Fact]:
    """Return the facts that the form asks for as it stands."""
    tumour = state.get(key_of("tumour")) or default_of("tumour")
    gone = hidden(knowledge, str(tumour))
    return {name: fact for name, fact in asked(knowledge).items() if name not in gone}


def state_of(record: Mapping[str, Any], knowledge: Knowledge) -> dict[str, Any]:
    """Return the state of a form that holds a record.

    Args:
        record: a record as `Patient.to_record` gives it; an empty one gives an empty form.
        knowledge: for the facts and their values.
    """
    state: dict[str, Any] = {CASE: record.get(CASE, "")}
    for name, fact in asked(knowledge).items():
        value = record.get(name)
        if fact.kind == "set":
            state[key_of(name)] = [] if value is None else list(value) or [NONE]
        elif choices(fact) is None:
            state[key_of(name)] = None if value is None else float(value)
        elif value is None:
            state[key_of(name)] = default_of(name) or NOT_KNOWN
        else:
            state[key_of(name)] = ("yes" if value else "no") if fact.kind == "boolean" else str(value)
    lines = record.get(PRIOR)
    state[PRIOR] = NOT_KNOWN if lines is None else LINES if lines else NONE
    state[PRIOR_COUNT] = max(1, len(lines or ()))
    for number, line in enumerate(lines or (), start=1):
        state |= line_state(number, line)
    return state


def line_state(number: int, line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of the fields of one prior line; an empty line has everything still to be chosen."""
    imaging = {None: NOT_KNOWN, True: "yes", False: "no"}[line.get("radiological_progression")]
    dose, days = line.get("last_daily_dose_mg"), line.get("tolerated_days_of_last_28")
    return {
        line_key(number, "option"): line.get("option", CHOOSE),
        line_key(number, "name"): line.get("name", ""),
        line_key(number, "outcome"): line.get("outcome", CHOOSE),
        line_key(number, "radiological_progression"): imaging,
        line_key(number, "last_daily_dose_mg"): None if dose is None else float(dose),
        line_key(number, "tolerated_days_of_last_28"): None if days is None else float(days),
    }


def with_line(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that add an empty line after the others."""
    count = int(state[PRIOR_COUNT]) + 1
    return {PRIOR_COUNT: count, **line_state(count, {})}


def without_line(state: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the entries that take a line out; those after it move up. Without the only one it is not known if there are any."""
    count, fields = int(state[PRIOR_COUNT]), [key.removeprefix(line_key(1, "")) for key in line_state(1, {})]
    found: dict[str, Any] = {PRIOR_COUNT: max(1, count - 1), **line_state(count, {})}
    for later in range(number + 1, count + 1):
        found |= {line_key(later - 1, field): state.get(line_key(later, field)) for field in fields}
    return found if count > 1 else found | {PRIOR: NOT_KNOWN}


def record_of(state: Mapping[str, Any], knowledge: Knowledge) -> dict[str, Any]:
    """Return the record that the form holds, unchecked; what is not known is left out."""
    record: dict[str, Any] = {}
    case = _text(state.get(CASE))
    if case is not None:
        record[CASE] = case
    for name, fact in shown(knowledge, state).items():
        value = _entered(name, fact, state)
        if value is not None:
            record[name] = value
    if state.get(PRIOR) == NONE:
        record[PRIOR] = []
    elif state.get(PRIOR) == LINES:
        record[PRIOR] = [_line(number, state) for number in range(1, state[PRIOR_COUNT] + 1)]
    return record


def _entered(name: str, fact: Fact, state: Mapping[str, Any]) -> Any:
    value = state.get(key_of(name))
    if fact.kind == "set":
        chosen = list(value or ())
        return None if not chosen else [] if chosen == [NONE] else chosen
    tokens = choices(fact)
    if tokens is not None:
        return tokens.get(str(value))
    return _plain_number(units.to_record(value, fact, units.stands_in(name, fact, state)))


def _line(number: int, state: Mapping[str, Any]) -> dict[str, Any]:
    def entry(field: str) -> Any:
        return state.get(line_key(number, field))

    line = {
        "option": entry("option") if entry("option") != CHOOSE else None,
        "name": _text(entry("name")) if entry("option") == OTHER else None,
        "outcome": entry("outcome") if entry("outcome") != CHOOSE else None,
        "radiological_progression": YES_NO.get(str(entry("radiological_progression"))),
        "last_daily_dose_mg": _plain_number(entry("last_daily_dose_mg")),
        "tolerated_days_of_last_28": _plain_number(entry("tolerated_days_of_last_28")),
    }
    return {field: value for field, value in line.items() if value is not None}


def _text(value: Any) -> str | None:
    # Blanks alone say nothing. Around something they stay, as in a case file, so that a loaded case is saved as it was.
    text = str(value or "")
    return text if text.strip() else None


def _plain_number(value: float | None) -> float | int | None:
    # The browser sends every number with a decimal point; people do not write 3 tumours as 3.0. Beyond what people write
    # a whole number stays as it is, as in a case file.
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def problems_of(record: Mapping[str, Any], knowledge: Knowledge) -> Problems:
    """Return why a record is refused, by field; empty when it is accepted.

    The form refuses a little more than the record: it asks where the record would take an answer for granted.
    """
    found: list[str] = []
    for name, fact in asked(knowledge).items():
        chosen = record.get(name)
        if fact.kind == "set" and chosen and NONE in chosen:
            found.append(f"{name}: {NONE!r} excludes the other choices")
    for number, line in enumerate(record.get(PRIOR) or (), start=1):
        if "outcome" not in line:
            found.append(f"{PRIOR}[{number}].outcome: choose how the line ended")
        if "option" not in line:
            found.append(f"{PRIOR}[{number}].option: choose the treatment, or 'another treatment'")
    asked_here = by_place(found, knowledge)
    try:
        parse_patient(record, knowledge.option_ids)
    except RecordError as error:
        # A line that is still to be filled in hides nothing that is wrong elsewhere.
        return asked_here | {
            place: told for place, told in by_place(error.problems, knowledge).items() if place not in asked_here
        }
    return asked_here


def by_place(problems: Iterable[str], knowledge: Knowledge) -> Problems:
    """Sort lines of a refusal by the field that each names first; the others stand under `TOP`."""
    fields = {CASE, PRIOR, *asked(knowledge)}
    found: Problems = {}
    for problem in problems:
        named = _PLACE.match(problem)
        name = named.group(1).partition("[")[0] if named else TOP
        if named is None or name not in fields:
            found.setdefault(TOP, []).append(problem)
        else:
            place = named.group(1) if name == PRIOR else name
            found.setdefault(place, []).append(problem[named.end() :])
    return found
