"""Commands of the command line: the roads that lie before a patient."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from hcc_decide.cli_common import (
    EditionOption,
    PatientArgument,
    RulesOption,
    checked_format,
    fail,
    inferred,
    print_json,
    show,
    usable_knowledge,
    usable_patient,
)
from hcc_decide.documents import DocumentError, parse
from hcc_decide.knowledge.load import DEFAULT_EDITION
from hcc_decide.sequence.plan import DEEPEST, HIGHEST, MOST, WIDEST, Assumption, Plan, PlanError

sequence_app = typer.Typer()

_FORMATS = ("text", "json", "dot", "mermaid")
_ASSUMED = re.compile(r"(?:(?P<after>[0-9]+):)?(?P<fact>[^=\s]+)=(?P<value>.*)", re.DOTALL)
_NAMED = {"first choice:": "--first:", "ending:": "--ending:", "assumption": "--assume", "depth": "--depth"}
_ALLOWED = {"depth": f"1 to {DEEPEST}", "width": f"1 to {WIDEST}", "most": f"1 to {HIGHEST}"}


@sequence_app.command()
def sequence(  # noqa: PLR0913, PLR0917 - typer makes each an option of the command line
    patient: PatientArgument,
    depth: Annotated[int, typer.Option("--depth", help=f"Lines to look ahead, 1 to {DEEPEST}.")] = 2,
    width: Annotated[
        int, typer.Option("--width", help="Leading usable options that are followed at each decision.")
    ] = 3,
    first: Annotated[
        list[str] | None, typer.Option("--first", metavar="OPTION", help="Option to begin with; repeat for more.")
    ] = None,
    ending: Annotated[
        list[str] | None, typer.Option("--ending", metavar="ENDING", help="How lines end; left out, all ways.")
    ] = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            "--assume",
            metavar="[N:]FACT=VALUE",
            help="A fact that changes after line N, or after every line; FACT= is no longer known.",
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Text with the reason of every option and change, and all sources.")
    ] = False,
    most: Annotated[int, typer.Option("--most", help="Decisions that may come up.")] = MOST,
    format_: Annotated[str, typer.Option("--format", help=f"{', '.join(_FORMATS)}.")] = "text",
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Look ahead: the lines that may follow today's choices, decision by decision, by the same rules."""
    from hcc_decide.sequence.build import build
    from hcc_decide.sequence.drawing import dot, mermaid
    from hcc_decide.sequence.words import text

    checked_format(format_, _FORMATS)
    plan = _plan(
        depth=depth,
        width=width,
        choices=tuple(first or ()),
        endings=tuple(ending) if ending else None,
        assumptions=[_assumption(item) for item in assume or ()],
        most=most,
    )
    knowledge = usable_knowledge(edition, rules)
    record = usable_patient(patient, knowledge)
    try:
        tree = inferred(knowledge, lambda engine: build(record, engine.by_class(), plan))
    except PlanError as error:
        fail((_as_given(problem) for problem in error.problems), 2)
    if format_ == "json":
        print_json(tree.model_dump(mode="json"))
    elif format_ == "text":
        show(text(tree, full=full))
    else:
        print({"dot": dot, "mermaid": mermaid}[format_](tree), end="")


def _as_given(problem: str) -> str:
    """Name an argument as it was typed."""
    for words, option in _NAMED.items():
        if problem.startswith(words):
            return option + problem.removeprefix(words)
    return problem


def _assumption(given: str) -> dict[str, Any]:
    found = _ASSUMED.fullmatch(given)
    if found is None:
        fail([f"--assume: {given!r} is refused; allowed is [N:]FACT=VALUE, such as 1:child_pugh_class=B"], 2)
    try:
        value = parse(found["value"].encode()).data if found["value"].strip() else None
    except DocumentError as error:
        fail([f"--assume: {given!r} has a value that {error}"], 2)
    return {"after": int(found["after"]) if found["after"] else None, "fact": found["fact"], "value": value}


def _plan(**given: Any) -> Plan:
    assumptions = given.pop("assumptions")
    problems = []
    made: list[Assumption] = []
    for item in assumptions:
        try:
            made.append(Assumption.model_validate(item))
        except ValidationError:
            before = f"{item['after']}:" if item["after"] is not None else ""
            problems.append(
                f"--assume: {before}{item['fact']} is refused; "
                f"allowed are lines 1 to {DEEPEST}, and a plain value or a list of words"
            )
    try:
        plan = Plan.model_validate({**given, "assumptions": made})
    except ValidationError as error:
        for found in error.errors(include_url=False):
            name = str(found["loc"][0])
            problems.append(f"--{name}: {found['input']} is refused; allowed is {_ALLOWED[name]}")
        fail(problems, 2)
    if problems:
        fail(problems, 2)
    return plan
