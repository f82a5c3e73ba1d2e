"""The command line: a thin face over the library."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from hcc_decide.case_file import read_case
from hcc_decide.documents import DocumentError, read, read_bytes
from hcc_decide.engine.fences import FenceError
from hcc_decide.engine.network import EngineError
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.findings import Finding, KnowledgeError
from hcc_decide.knowledge.labels import setting_labels
from hcc_decide.knowledge.load import DEFAULT_EDITION, inspect_knowledge, load_knowledge
from hcc_decide.knowledge.locate import bundled
from hcc_decide.patient import Patient, RecordError, parse_patient

if TYPE_CHECKING:
    from hcc_decide.render import Line

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
rules_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look into the rule base.")
app.add_typer(rules_app, name="rules")

_STYLES = {
    "title": "bold",
    "dim": "dim",
    "preferred": "bold green",
    "recommended": "green",
    "alternative": "yellow",
    "investigational": "cyan",
    "undetermined": "magenta",
    "caution": "bold yellow",
    "not_met": "red",
    "unknown": "magenta",
}

PatientArgument = Annotated[str, typer.Argument(metavar="PATIENT", help="JSON or YAML file, or - for standard input.")]
EditionOption = Annotated[str, typer.Option("--edition", help="Edition of the knowledge.")]
RulesOption = Annotated[Path | None, typer.Option("--rules", help="Folder of another rule base.")]
FolderArgument = Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="Folder of a rule base.")]
FormatOption = Annotated[str, typer.Option("--format", help="text, markdown or json.")]

Answer = TypeVar("Answer")


def _fail(messages: Iterable[str], status: int) -> NoReturn:
    for message in messages:
        print(message, file=sys.stderr)
    raise typer.Exit(status)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _knowledge(edition: str, rules: Path | None) -> Knowledge:
    try:
        folder = rules or bundled("rules")
        if not folder.is_dir():
            _fail([f"--rules: {folder} is not a folder"], 2)
        knowledge = load_knowledge(folder, edition)
    except KnowledgeError as error:
        wrong_edition = all(finding.key == "editions" for finding in error.findings)
        _fail(
            [f"--edition: {f.message}" for f in error.findings] if wrong_edition else map(str, error.findings),
            2 if wrong_edition else 1,
        )
    except FileNotFoundError as error:
        _fail([str(error)], 1)
    return knowledge


def _folder(given: Path | None) -> Path:
    folder = given or bundled("rules")
    if not folder.is_dir():
        _fail([f"FOLDER: {folder} is not a folder"], 2)
    return folder


def _patient(source: str, knowledge: Knowledge) -> Patient:
    name = "standard input" if source == "-" else source
    try:
        return parse_patient(read(source).data, knowledge.option_ids)
    except DocumentError as error:
        _fail([f"{name}: {error}"], 2)
    except RecordError as error:
        _fail([f"{name}: {problem}" for problem in error.problems], 2)


def _case(source: str, knowledge: Knowledge) -> Patient | list[str]:
    """Return the patient of a case file, or one line per problem."""
    name = "standard input" if source == "-" else source
    try:
        return read_case(read_bytes(source), knowledge.option_ids, source)
    except DocumentError as error:
        return [f"{name}: {error}"]
    except RecordError as error:
        return [f"{name}: {problem}" for problem in error.problems]


def _output_problems(output: Path, force: bool) -> list[str]:
    problems = []
    if output.suffix.lower() not in (".pdf", ".docx"):
        problems.append(f"OUTPUT: {output} is refused; allowed is a name that ends with .pdf or .docx")
    if output.is_dir():
        problems.append(f"OUTPUT: {output} is a folder")
    elif output.exists() and not force:
        problems.append(f"OUTPUT: {output} exists already; --force replaces it")
    elif not output.parent.is_dir():
        problems.append(f"OUTPUT: the folder {output.parent} does not exist")
    return problems


def _write(output: Path, content: bytes) -> None:
    """Write a file beside its place and put it there whole, so that nobody ever finds half of one."""
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(output)
    except OSError as error:
        _fail([f"OUTPUT: {output} cannot be written ({error.strerror or error})"], 1)
    finally:
        beside.unlink(missing_ok=True)


def _format(chosen: str, allowed: tuple[str, ...]) -> str:
    if chosen not in allowed:
        _fail([f"--format: {chosen!r} is refused; allowed are {', '.join(allowed)}"], 2)
    return chosen


def _show(lines: Iterable[Line]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, width=80)
    for line in lines:
        console.print(Text(line.text, style=_STYLES.get(line.role, "")), soft_wrap=True)


def _print_json(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))


def _answer(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except (EngineError, FenceError) as error:
        _fail([f"no decision: {_one_line(error)}"], 1)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"hcc-decide {version('hcc-decide')}")
        raise typer.Exit


@app.callback()
def frame(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the program's version.")
    ] = False,
) -> None:
    """Treatment-line decision support for hepatocellular carcinoma, for health professionals."""


@app.command()
def recommend(
    patient: PatientArgument,
    format_: FormatOption = "text",
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Rank the options for one patient, with reasons and citations."""
    from hcc_decide.decide import decide
    from hcc_decide.engine.engine import Engine
    from hcc_decide.render import markdown, text

    _format(format_, ("text", "markdown", "json"))
    knowledge = _knowledge(edition, rules)
    record = _patient(patient, knowledge)
    decision = _answer(lambda: decide(record, Engine(knowledge)))
    if format_ == "json":
        _print_json(decision.model_dump(mode="json"))
    elif format_ == "markdown":
        print(markdown(decision, setting_labels(knowledge)), end="")
    else:
        _show(text(decision, setting_labels(knowledge)))


@app.command()
def explain(
    option: Annotated[str, typer.Argument(metavar="OPTION", help="Option id; see `hcc-decide rules list`.")],
    patient: PatientArgument,
    format_: FormatOption = "text",
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Explain the verdict of one option: checklist, rules, claims and the reviews' lines."""
    from hcc_decide.engine.engine import Engine
    from hcc_decide.explain import explain as explain_option
    from hcc_decide.render import explanation_text

    _format(format_, ("text", "json"))
    knowledge = _knowledge(edition, rules)
    if option not in knowledge.option_ids:
        _fail([f"OPTION: {option!r} is not an option of the catalogue; see `hcc-decide rules list`"], 2)
    record = _patient(patient, knowledge)
    found = _answer(lambda: explain_option(record, Engine(knowledge), option))
    if format_ == "json":
        _print_json(found.model_dump(mode="json"))
    else:
        _show(explanation_text(found))


@app.command()
def report(
    patient: Annotated[
        str, typer.Argument(metavar="PATIENT", help="Case file: a record or a saved decision, or - for standard input.")
    ],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="File to write; ends with .pdf or .docx.")],
    heading: Annotated[str, typer.Option("--heading", help="Line that heads the report, such as a pseudonym.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Add the full basis from page 2 on.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUTPUT when it exists.")] = False,
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Write the report for the record as PDF or Word: the answer, its reasons and its sources."""
    from importlib.metadata import version

    from hcc_decide.decide import decide
    from hcc_decide.engine.engine import Engine
    from hcc_decide.report.content import report as report_of
    from hcc_decide.report.pdf import ReportError, pdf
    from hcc_decide.report.word import word

    knowledge = _knowledge(edition, rules)
    case = _case(patient, knowledge)
    problems = _output_problems(output, force) + (case if isinstance(case, list) else [])
    if problems or isinstance(case, list):
        _fail(problems, 2)
    decision = _answer(lambda: decide(case, Engine(knowledge)))
    made = report_of(decision, knowledge, on=date.today(), heading=heading, full=full, program=version("hcc-decide"))
    try:
        content = pdf(made) if output.suffix.lower() == ".pdf" else word(made)
    except ReportError as error:
        _fail([_one_line(error)], 1)
    _write(output, content)
    print(f"wrote {output}")


@app.command()
def schema(
    which: Annotated[str, typer.Argument(metavar="patient|decision", help="Which JSON Schema to print.")],
    edition: EditionOption = DEFAULT_EDITION,
) -> None:
    """Print the JSON Schema of the patient record or of the decision."""
    from hcc_decide.schemas import decision_schema, patient_schema

    if which not in ("patient", "decision"):
        _fail([f"{which!r} is refused; allowed are patient and decision"], 2)
    _print_json(patient_schema(_knowledge(edition, None)) if which == "patient" else decision_schema())


@rules_app.command("list")
def rules_list(edition: EditionOption = DEFAULT_EDITION, rules: RulesOption = None) -> None:
    """List every option with its indications."""
    from hcc_decide.render import Line

    knowledge = _knowledge(edition, rules)
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
    _show(lines)


@rules_app.command("show")
def rules_show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Option, trial, derived fact, vignette, conflicts or sequences.")
    ],
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Print the file that holds an option, a trial, the derivation of a fact, a vignette, the conflicts or the sequences."""
    knowledge = _knowledge(edition, rules)
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
    _fail([f"{name!r} is no option, trial, derived fact or vignette; see `hcc-decide rules list`"], 2)


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

    where = _folder(folder)
    knowledge, findings = inspect_knowledge(where, edition)
    if knowledge is not None:
        findings += case_findings(knowledge)
        raw = read_files(where)
        findings += [*check_citing(raw), *unsourced(raw)]
        try:
            Program(knowledge)
        except FenceError as error:
            findings.append(_fence_finding(knowledge, error))
    for finding in sorted(findings):
        print(finding)
    if findings:
        _fail(
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
    from hcc_decide.engine.engine import Engine

    where = _folder(folder)
    knowledge = _knowledge(edition, where)
    found = _answer(lambda: measure(where, Engine(knowledge)))
    for line in found.report():
        print(line)
    if not found.complete:
        _fail(["coverage is not complete; see docs/coverage.md for what each line asks"], 1)


def _fence_finding(knowledge: Knowledge, error: FenceError) -> Finding:
    rule, _, message = str(error).partition(": ")
    kind, _, rest = rule.partition("/")
    file = knowledge.sources.get(rest.partition("/")[0], rule)
    if kind == "staging":
        file = f"staging/{rest.partition('/')[0]}.yaml"
    return Finding(file, 1, "K11", rule, message)


@app.command()
def form(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
) -> None:
    """Open the patient form in the browser. Nothing leaves this machine."""
    from hcc_decide.serve import PortInUseError, serve_form

    try:
        status = serve_form(bundled("app") / "main.py", port=port, headless=headless)
    except PortInUseError as error:
        _fail([f"--port: {error}"], 2)
    raise typer.Exit(status)


def main() -> None:
    """Run the command line; what is not foreseen ends with one line and status 1."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The same patient gives the same bytes in every locale; a terminal shows what its own characters allow.
        if sys.stdout.isatty():
            sys.stdout.reconfigure(errors="replace")
        else:
            sys.stdout.reconfigure(encoding="utf-8")
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except (OSError, RuntimeError) as error:
        print(f"hcc-decide: {_one_line(error)}", file=sys.stderr)
        sys.exit(1)
