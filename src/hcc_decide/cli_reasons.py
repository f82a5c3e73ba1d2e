"""Commands of the command line: why options stand as they do, and what is worth finding out."""

from __future__ import annotations

from typing import Annotated

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
    usable_knowledge,
    usable_options,
    usable_patient,
)
from hcc_decide.knowledge.labels import option_name
from hcc_decide.knowledge.load import DEFAULT_EDITION

reasons_app = typer.Typer()

_TextOrJson = Annotated[str, typer.Option("--format", help="text or json.")]


@reasons_app.command()
def missing(
    patient: PatientArgument,
    format_: _TextOrJson = "text",
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """List the facts that are missing by what finding them out could change, answer by answer."""
    from hcc_decide.worth.weigh import weigh
    from hcc_decide.worth.words import worths_text

    checked_format(format_, ("text", "json"))
    knowledge = usable_knowledge(edition, rules)
    record = usable_patient(patient, knowledge)
    worths = inferred(knowledge, lambda engine: weigh(record, engine.by_class()))
    if format_ == "json":
        print_json(worths.model_dump(mode="json"))
    else:
        show(worths_text(worths, knowledge))


@reasons_app.command()
def compare(
    patient: PatientArgument,
    first: Annotated[str, typer.Argument(metavar="A", help="Option id; see `hcc-decide rules list`.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Id of another option; the order does not matter.")],
    format_: _TextOrJson = "text",
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Say which of two options stands above the other, and by which key."""
    from hcc_decide.compare import compare as compare_options
    from hcc_decide.compare_text import comparison_text

    checked_format(format_, ("text", "json"))
    knowledge = usable_knowledge(edition, rules)
    one, other = usable_options(knowledge, A=first, B=second)
    record = usable_patient(patient, knowledge)
    found = inferred(knowledge, lambda engine: compare_options(record, engine, one, other))
    if format_ == "json":
        print_json(found.model_dump(mode="json"))
    else:
        show(comparison_text(found, {option: option_name(knowledge, option) for option in (one, other)}))


@reasons_app.command()
def trace(
    patient: PatientArgument,
    option: Annotated[str, typer.Argument(metavar="OPTION", help="Option id; see `hcc-decide rules list`.")],
    format_: Annotated[str, typer.Option("--format", help="text, dot, mermaid or json.")] = "text",
    steps: Annotated[bool, typer.Option("--steps", help="The firings in order, in words; text only.")] = False,
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Trace one verdict back through the rules that fired to the patient's facts."""
    from hcc_decide.decide import decide
    from hcc_decide.proof.building import proof_in
    from hcc_decide.proof.chain import Chain
    from hcc_decide.proof.drawing import dot
    from hcc_decide.proof.mermaid import mermaid
    from hcc_decide.proof.text import steps_text, tree

    checked_format(format_, ("text", "dot", "mermaid", "json"))
    if steps and format_ != "text":
        fail([f"--steps: refused with --format {format_}; allowed is text"], 2)
    knowledge = usable_knowledge(edition, rules)
    (wanted,) = usable_options(knowledge, OPTION=option)
    record = usable_patient(patient, knowledge)
    chain = Chain(inferred(knowledge, lambda engine: decide(record, engine)), knowledge)
    proof = proof_in(chain, wanted)
    if format_ == "json":
        print_json(proof.model_dump(mode="json"))
    elif format_ == "text":
        show(tree(proof) + (steps_text(proof, chain) if steps else []))
    else:
        print(dot(proof) if format_ == "dot" else mermaid(proof), end="")
