"""Commands of the command line: what a change of facts does, and which change would do what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from hcc_decide.cli_common import (
    EditionOption,
    PatientArgument,
    RulesOption,
    checked_format,
    fail,
    inferred,
    print_json,
    show,
    unknown_options,
    usable_knowledge,
    usable_patient,
)
from hcc_decide.documents import DocumentError, parse
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.knowledge.load import DEFAULT_EDITION
from hcc_decide.patient import Patient, RecordError, parse_patient

changes_app = typer.Typer()


@changes_app.command()
def whatif(
    patient: PatientArgument,
    changes: Annotated[
        list[str],
        typer.Argument(metavar="FACT=VALUE...", help="Values as in YAML, such as ascites=mild; FACT= is not known."),
    ],
    format_: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Change facts, and see what moves: before and after, each move with the rule behind it."""
    from hcc_decide.changes import changes as changes_between
    from hcc_decide.decide import decide
    from hcc_decide.render_changes import changes_text, in_short

    checked_format(format_, ("text", "json"))
    knowledge = usable_knowledge(edition, rules)
    before = usable_patient(patient, knowledge)
    after = _changed_patient(before, changes, knowledge)
    one, two = inferred(knowledge, lambda engine: (decide(before, engine), decide(after, engine)))
    found = changes_between(one, two, knowledge)
    if format_ == "json":
        print_json(
            {
                "schema_version": 1,
                "knowledge": one.knowledge.model_dump(mode="json"),
                "before": in_short(one, knowledge),
                "after": in_short(two, knowledge),
                "changes": found.model_dump(mode="json"),
                "intended_use": one.intended_use,
            }
        )
    elif after == before:
        print("Nothing changes: the record has these values already.")
    else:
        show(changes_text(one, two, found, knowledge))


@changes_app.command()
def counterfactual(
    patient: PatientArgument,
    option: Annotated[str, typer.Argument(metavar="OPTION", help="Option id; see `hcc-decide rules list`.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERDICT", help="The verdict that is wanted; left out, any that can be offered."),
    ] = None,
    most: Annotated[int, typer.Option("--most", help="Most sets of facts to look for.", min=1)] = 50,
    format_: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Say what it would take: the smallest changes of facts that give an option a verdict, all of them."""
    from hcc_decide.counterfactual.search import search
    from hcc_decide.counterfactual.shape import GOALS
    from hcc_decide.counterfactual.text import text

    checked_format(format_, ("text", "json"))
    knowledge = usable_knowledge(edition, rules)
    problems = unknown_options(knowledge, OPTION=option)
    if to is not None and to not in GOALS:
        problems.append(f"--to: {to!r} is refused; allowed are {', '.join(GOALS)}")
    if problems:
        fail(problems, 2)
    record = usable_patient(patient, knowledge)
    found = inferred(knowledge, lambda engine: search(record, engine.by_class(), option, to, most=most))
    if format_ == "json":
        print_json(
            {
                "schema_version": 1,
                **found.model_dump(mode="json"),
                "intended_use": knowledge.manifest.intended_use,
            }
        )
    else:
        stamp = f"hcc-decide, edition {knowledge.edition}, knowledge {knowledge.version}, sha256 {found.sha256[:16]}"
        show(text(found, stamp=stamp))


def _changed_patient(patient: Patient, changes: Sequence[str], knowledge: Knowledge) -> Patient:
    """Return the patient with changes, or end with status 2 and one line per problem."""
    from hcc_decide.answers import changed, line_detail

    problems: list[str] = []
    values: dict[str, Any] = {}
    for change in changes:
        fact, sign, written = change.partition("=")
        fact = fact.strip()
        if not sign:
            problems.append(f"FACT=VALUE: {change!r} is refused; allowed is a fact, =, and a value")
        elif fact in values:
            problems.append(f"{fact}: is given twice; allowed is one value")
        else:
            values[fact] = None
            try:
                values[fact] = _read(written)
            except DocumentError as error:
                problems.append(f"{fact}: {written!r} cannot be read as YAML ({error})")
    record = patient.to_record()
    whole = [fact for fact in values if line_detail(fact) is None]
    problems += [problem for fact in whole for problem in _refused(fact, knowledge)]
    if problems:
        fail(problems, 2)
    for fact in whole:
        record = changed(record, fact, values[fact])
    found = _accepted(record, knowledge)
    # Details are those of the new lines, and lines have a short form, which the record spells out.
    record = found.to_record()
    details = [fact for fact in values if line_detail(fact) is not None]
    problems += [problem for fact in details for problem in _refused_detail(fact, record, knowledge)]
    if problems:
        fail(problems, 2)
    for fact in details:
        record = changed(record, fact, values[fact])
    return _accepted(record, knowledge) if details else found


def _accepted(record: Mapping[str, Any], knowledge: Knowledge) -> Patient:
    """Return the patient of a changed record, or end with status 2 and one line per problem."""
    try:
        return parse_patient(record, knowledge.option_ids)
    except RecordError as error:
        fail([f"the changed record: {problem}" for problem in error.problems], 2)


def _read(written: str) -> Any:
    """Read a value as YAML; nothing is not known.

    Raises:
        DocumentError: it is no YAML.
    """
    found = parse(f"value: {written}".encode()).data
    if not isinstance(found, Mapping) or list(found) != ["value"]:
        raise DocumentError("one value is expected")
    return found["value"]


def _refused(fact: str, knowledge: Knowledge) -> Iterator[str]:
    facts = knowledge.vocabulary.facts
    known = [name for name, item in facts.items() if item.source in ("record", "record_or_derived")]
    if fact not in (*known, PRIOR_SYSTEMIC):
        yield f"{fact!r} is not a fact of the record; see `hcc-decide schema patient`"


def _refused_detail(fact: str, record: Mapping[str, Any], knowledge: Knowledge) -> Iterator[str]:
    from hcc_decide.answers import line_detail

    option, field = line_detail(fact) or ("", "")
    fields = [name for name in knowledge.vocabulary.prior_systemic.fields if name not in ("option", "name")]
    if field not in fields:
        yield f"{fact}: {field!r} is not a detail of a line; allowed are {', '.join(fields)}"
    given = [line["option"] for line in record.get(PRIOR_SYSTEMIC, ())]
    if option not in given:
        yield f"{fact}: the record has no line of {option!r}; allowed are those of its lines: {', '.join(given) or 'none'}"
