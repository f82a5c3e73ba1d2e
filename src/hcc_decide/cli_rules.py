"""The commands about the rule base: ``hcc-decide rules …``."""

from __future__ import annotations

from typing import Annotated

import typer

from hcc_decide.cli_common import (
    EditionOption,
    FolderArgument,
    RulesOption,
    answered,
    fail,
    inferred,
    rules_folder,
    show,
    usable_knowledge,
)
from hcc_decide.documents import DocumentError
from hcc_decide.engine.fences import FenceError
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.findings import Finding, KnowledgeError
from hcc_decide.knowledge.load import DEFAULT_EDITION, inspect_knowledge
from hcc_decide.knowledge.locate import bundled

rules_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look into the rule base.")


@rules_app.command("list")
def rules_list(edition: EditionOption = DEFAULT_EDITION, rules: RulesOption = None) -> None:
    """List every option with its indications."""
    from hcc_decide.lines import Line

    knowledge = usable_knowledge(edition, rules)
    lines = [
        Line(
            f"edition {knowledge.edition}, knowledge {knowledge.version}, sha256 {knowledge.sha256}"[:80],
            "dim",
        )
    ]
    for treatment in knowledge.options.values():
        lines.append(Line(treatment.id, "title"))
        for use in treatment.uses:
            settings = ", ".join(use.settings).replace("_", " ")
            lines.append(
                Line(f"  {settings}: {use.body.verdict.replace('_', ' ')}, level {use.body.evidence_level}"[:80])
            )
    show(lines)


@rules_app.command("show")
def rules_show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Option, trial, derived fact, vignette, conflicts or sequences.")
    ],
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Print the file that holds an option, a trial, the derivation of a fact, a vignette, the conflicts or the sequences."""
    knowledge = usable_knowledge(edition, rules)
    folder = rules or bundled("rules")
    target = knowledge.option_ids.get(name, name)
    for kind, known in (
        ("options", knowledge.options),
        ("trials", knowledge.trials),
        ("staging", {item.fact: item for item in knowledge.staging}),
        ("vignettes", knowledge.vignettes),
        ("", {"conflicts": knowledge.conflicts, "sequences": knowledge.sequences}),
    ):
        if known.get(target):
            stem = target.replace("_", "-") if kind == "staging" else target
            print((folder / kind / f"{stem}.yaml").read_text(encoding="utf-8"), end="")
            return
    fail([f"{name!r} is no option, trial, derived fact or vignette; see `hcc-decide rules list`"], 2)


@rules_app.command("lint")
def rules_lint(
    folder: FolderArgument = None,
    edition: EditionOption = DEFAULT_EDITION,
) -> None:
    """Check a rule base and print each finding with file, line and code."""
    from hcc_decide.engine.program import Program
    from hcc_decide.knowledge.cases import case_findings
    from hcc_decide.knowledge.citing import check_citing
    from hcc_decide.knowledge.figures import unsourced
    from hcc_decide.knowledge.files import read_files
    from hcc_decide.knowledge.synthetic_checks import inspect_synthetic

    where = rules_folder(folder)
    knowledge, findings = inspect_knowledge(where, edition)
    if knowledge is not None:
        findings += case_findings(knowledge)
        findings += inspect_synthetic(knowledge, where)[1]
        raw = read_files(where)
        findings += [*check_citing(raw), *unsourced(raw)]
        try:
            Program(knowledge)
        except FenceError as error:
            findings.append(_fence_finding(knowledge, error))
    for finding in sorted(findings):
        print(finding)
    if findings:
        fail(
            [
                f"{len(findings)} finding{'s' if len(findings) > 1 else ''}; see docs/findings.md for what each code asks"
            ],
            1,
        )
    assert knowledge is not None
    print(
        f"no findings: {len(knowledge.options)} options, {len(knowledge.trials)} trials, {len(knowledge.claims)} claims"
    )


@rules_app.command("coverage")
def rules_coverage(
    folder: FolderArgument = None,
    edition: EditionOption = DEFAULT_EDITION,
) -> None:
    """Count what of the reviews is encoded and what of the rules is tested; status 1 when something is missing."""
    from hcc_decide.coverage import measure

    where = rules_folder(folder)
    knowledge = usable_knowledge(edition, where)
    found = inferred(knowledge, lambda engine: measure(where, engine))
    for line in found.report():
        print(line)
    if not found.complete:
        fail(["coverage is not complete; see docs/coverage.md for what each line asks"], 1)


@rules_app.command("verify")
def rules_verify(
    folder: FolderArgument = None,
    edition: EditionOption = DEFAULT_EDITION,
    option: Annotated[list[str] | None, typer.Option("--option", help="Only this option; may be repeated.")] = None,
    processes: Annotated[int, typer.Option(help="Processes that share the work.", min=1, max=64)] = 2,
    exhaustive: Annotated[
        int,
        typer.Option(help="Also judge every combination of classes, of options that have no more than this.", min=0),
    ] = 0,
) -> None:
    """Prove the rule base for every patient; status 1 when something is not as it should be, with the smallest patient."""
    from hcc_decide.verify.asking import SolverError
    from hcc_decide.verify.exceptions import ExceptionsError
    from hcc_decide.verify.run import verify

    where = rules_folder(folder)
    knowledge = usable_knowledge(edition, where)
    chosen = [_option_id(name, knowledge) for name in option or ()]
    try:
        found = answered(lambda: verify(where, edition, options=chosen, processes=processes, most=exhaustive))
    except ExceptionsError as error:
        fail(str(error).splitlines(), 1)
    except SolverError as error:
        fail([f"nothing is proved: {error}"], 1)
    for line in found.lines():
        print(line)
    if not found.proved:
        fail(["the rule base is not as it should be; see docs/assurance.md for what each theorem asks"], 1)


@rules_app.command("mutate")
def rules_mutate(
    folder: FolderArgument = None,
    only: Annotated[str, typer.Option(help="Only mutants whose name begins so, as in options/NAME/.")] = "",
    sample: Annotated[int | None, typer.Option(help="Try so many instead of all.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Which sample.")] = 0,
    processes: Annotated[int, typer.Option(help="Processes that share the work.", min=1, max=64)] = 2,
) -> None:
    """Alter the rules one at a time and say which errors nothing notices; status 1 when there is one that nobody reviewed."""
    from functools import partial

    from hcc_decide.mutation.command import UnsoundError, run
    from hcc_decide.mutation.survivors import SurvivorsError
    from hcc_decide.verify.exceptions import ExceptionsError, read_exceptions
    from hcc_decide.verify.run import unproved

    where = rules_folder(folder)
    try:
        proofs = partial(unproved, reviewed=read_exceptions(where).subjects())
        found = run(where, only=only, sample=sample, seed=seed, jobs=processes, proofs=proofs)
    except (KnowledgeError, UnsoundError, DocumentError, SurvivorsError, ExceptionsError) as error:
        fail(str(error).splitlines(), 1)
    for line in found.lines():
        print(line)
    if not found.passed:
        fail(["some errors in the rules would go unnoticed; see docs/assurance.md for what to do"], 1)


def _option_id(name: str, knowledge: Knowledge) -> str:
    if name not in knowledge.option_ids:
        fail([f"--option: {name!r} is no option; see `hcc-decide rules list`"], 2)
    return knowledge.option_ids[name]


def _fence_finding(knowledge: Knowledge, error: FenceError) -> Finding:
    rule, _, message = str(error).partition(": ")
    kind, _, rest = rule.partition("/")
    file = knowledge.sources.get(rest.partition("/")[0], rule)
    if kind == "staging":
        file = f"staging/{rest.partition('/')[0]}.yaml"
    return Finding(file, 1, "K11", rule, message)
