"""What a record says after an option was taken and its line has ended, as far as the rules know it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hcc_decide.answers import changed, line_detail
from hcc_decide.decision import Setting
from hcc_decide.knowledge.catalogue import Knowledge, Treatment
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, option_name, value_text
from hcc_decide.knowledge.schema_sources import Procedure
from hcc_decide.missing import label_of
from hcc_decide.patient import OTHER, Patient, PriorLine, RecordError, parse_patient
from hcc_decide.sequence.plan import Assumption, Plan, PlanError

PRIOR_LOCOREGIONAL = "prior_locoregional"
NO_WORD = "The rules do not say what the record is after this"
UNKNOWN_HISTORY = "Which lines of systemic therapy came before is not known; those on the way count as the only ones"
_NOT_ASSUMED = ("case_id", "tumour", PRIOR_SYSTEMIC)
_OF_THE_LINE = ("option", "name", "outcome")
"""What the look ahead itself says of a line."""


def endings_of(knowledge: Knowledge, treatment: Treatment, setting: Setting) -> tuple[str, ...]:
    """Return the ids of the ways in which an option can end; none when what comes after it is not known."""
    course = knowledge.course
    for entry in course.not_followed:
        if (entry.options or entry.settings) and _fits(treatment, setting, entry.options, entry.settings):
            return ()
    procedure = procedure_of(knowledge, treatment, setting)
    if procedure is not None:
        return tuple(name for name in course.endings if name in procedure.after)
    return tuple(course.endings) if treatment.body.drugs else ()


def why_not_followed(knowledge: Knowledge, treatment: Treatment, setting: Setting) -> str | None:
    """Return why nothing is said of what comes after an option; ``None`` when something is."""
    if endings_of(knowledge, treatment, setting):
        return None
    for entry in knowledge.course.not_followed:
        if _fits(treatment, setting, entry.options, entry.settings):
            return entry.text
    return NO_WORD


def procedure_of(knowledge: Knowledge, treatment: Treatment, setting: Setting) -> Procedure | None:
    """Return what the rules say of a record after an option that is a procedure or contains one, in a setting."""
    return next(
        (item for item in knowledge.course.procedures if _fits(treatment, setting, item.options, item.settings)), None
    )


def _fits(
    treatment: Treatment, setting: Setting, options: Iterable[str] | None, settings: Iterable[Setting] | None
) -> bool:
    return (options is None or treatment.id in options) and (settings is None or setting in settings)


def record_after(
    knowledge: Knowledge, record: Mapping[str, Any], treatment: Treatment, setting: Setting, ending: str
) -> dict[str, Any]:
    """Return the record once an option was taken in a setting and has ended in one way (`endings_of`), unchecked."""
    course = knowledge.course
    found = dict(record)
    if treatment.body.drugs:
        lines = [dict(line) for line in record.get(PRIOR_SYSTEMIC) or ()]
        if still_runs(record) and course.still_running is not None:
            lines[-1] |= course.still_running.line
        found[PRIOR_SYSTEMIC] = [*lines, {"option": treatment.id, **course.endings[ending].line}]
    procedure = procedure_of(knowledge, treatment, setting)
    if procedure is not None:
        if PRIOR_LOCOREGIONAL in record:  # which others were given stays unknown otherwise
            found[PRIOR_LOCOREGIONAL] = [*record[PRIOR_LOCOREGIONAL], procedure.adds]
        for fact, value in procedure.after[ending].record.items():
            found = changed(found, fact, value)
    return found


def still_runs(record: Mapping[str, Any]) -> bool:
    """Whether the last line of a record has not ended."""
    lines = list(record.get(PRIOR_SYSTEMIC) or ())
    return bool(lines) and lines[-1]["outcome"] == "ongoing"


def assumed_with(
    knowledge: Knowledge, record: Mapping[str, Any], treatment: Treatment, setting: Setting, ending: str
) -> list[str]:
    """Return what is assumed when an option is taken with a record and ends in one way, one text each."""
    course = knowledge.course
    procedure = procedure_of(knowledge, treatment, setting)
    found = []
    if treatment.body.drugs:
        found.append(f"{course.endings[ending].label.capitalize()}: {course.endings[ending].text}")
        if PRIOR_SYSTEMIC not in record:
            found.append(UNKNOWN_HISTORY)
        if still_runs(record) and course.still_running is not None:
            found.append(course.still_running.text)
    if procedure is not None:
        found.append(f"After {treatment.body.name}, {course.endings[ending].label}: {procedure.after[ending].text}")
    return found


def checked(knowledge: Knowledge, plan: Plan) -> None:
    """Refuse endings that the rules do not have, and assumptions that no record could hold.

    Raises:
        PlanError: with one line per problem.
    """
    known = knowledge.course.endings
    problems = [
        f"ending: {name!r} is refused; allowed are {', '.join(known) or 'none, these rules name no ending'}"
        for name in plan.endings or ()
        if name not in known
    ]
    for assumption in plan.assumptions:
        problems += [f"assumption {written(assumption)}: {text}" for text in _problems_of(assumption, knowledge)]
    if problems:
        raise PlanError(problems)


def _problems_of(assumption: Assumption, knowledge: Knowledge) -> Iterable[str]:
    detail = line_detail(assumption.fact)
    record: dict[str, Any]
    if detail is None:
        if assumption.fact not in Patient.model_fields or assumption.fact in _NOT_ASSUMED:
            return [
                "is refused; allowed are the facts of a record but for "
                f"{', '.join(_NOT_ASSUMED)}, and {PRIOR_SYSTEMIC}[<option>].<field>"
            ]
        record = {assumption.fact: assumption.value}
    else:
        option, field = detail
        allowed = [name for name in PriorLine.model_fields if name not in _OF_THE_LINE]
        if option not in knowledge.options and option != OTHER:
            return [f"{option!r} is no option of the catalogue"]
        if field not in allowed:
            return [f"{field!r} is refused; allowed are {', '.join(allowed)}"]
        record = {PRIOR_SYSTEMIC: [{"option": option, field: assumption.value}]}
    try:
        parse_patient(record, knowledge.option_ids)
    except RecordError as error:
        # What contradicts itself alone may fit the rest of a record; what has a wrong value never does.
        return [problem for problem in error.problems if "contradicts" not in problem]
    return []


def with_assumptions(record: Mapping[str, Any], plan: Plan, ahead: int) -> dict[str, Any]:
    """Return a record with the values that are assumed after so many lines ahead; details of lines that it lacks wait."""
    found = dict(record)
    for assumption in plan.assumptions:
        if assumption.after in (None, ahead):
            detail = line_detail(assumption.fact)
            if detail is None or any(line["option"] == detail[0] for line in found.get(PRIOR_SYSTEMIC) or ()):
                found = changed(found, assumption.fact, assumption.value)
    return found


def written(assumption: Assumption) -> str:
    """Write an assumption as the command line takes it."""
    before = f"{assumption.after}:" if assumption.after is not None else ""
    value = assumption.value
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else value
    return f"{before}{assumption.fact}={text}"


def assumption_text(knowledge: Knowledge, assumption: Assumption) -> str:
    """Write an assumption for people."""
    when = "After every line" if assumption.after is None else f"After line {assumption.after} ahead"
    detail = line_detail(assumption.fact)
    fact = knowledge.vocabulary.facts.get(detail[1] if detail else assumption.fact)
    once = f", once {option_name(knowledge, detail[0])} was given" if detail else ""
    return f"{when}{once}: {label_of(knowledge, assumption.fact)}: {value_text(fact, assumption.value)}"
