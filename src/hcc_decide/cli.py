"""The command line: a thin face over the library."""

from __future__ import annotations

import io
import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from hcc_decide.case_file import read_case
from hcc_decide.cli_changes import changes_app
from hcc_decide.cli_cohort import cohort_app
from hcc_decide.cli_common import (
    EditionOption,
    FormatOption,
    PatientArgument,
    RulesOption,
    checked_format,
    fail,
    inferred,
    one_line,
    print_json,
    show,
    usable_knowledge,
    usable_options,
    usable_patient,
)
from hcc_decide.cli_reasons import reasons_app
from hcc_decide.cli_rules import rules_app
from hcc_decide.cli_sequence import sequence_app
from hcc_decide.documents import DocumentError, read_bytes
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import setting_labels
from hcc_decide.knowledge.load import DEFAULT_EDITION
from hcc_decide.knowledge.locate import bundled
from hcc_decide.patient import Patient, RecordError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for commands in (sequence_app, changes_app, reasons_app):
    app.add_typer(commands)
app.add_typer(rules_app, name="rules")
app.add_typer(cohort_app, name="cohort")


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
        fail([f"OUTPUT: {output} cannot be written ({error.strerror or error})"], 1)
    finally:
        beside.unlink(missing_ok=True)


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
    """Rank the options for one patient, with reasons, citations and what is missing, by worth."""
    from hcc_decide.decide import decide
    from hcc_decide.render import markdown, text
    from hcc_decide.worth.order import by_worth
    from hcc_decide.worth.weigh import weigh

    checked_format(format_, ("text", "markdown", "json"))
    knowledge = usable_knowledge(edition, rules)
    record = usable_patient(patient, knowledge)
    decision = inferred(knowledge, lambda engine: by_worth(decide(record, engine), weigh(record, engine.by_class())))
    if format_ == "json":
        print_json(decision.model_dump(mode="json"))
    elif format_ == "markdown":
        print(markdown(decision, setting_labels(knowledge)), end="")
    else:
        show(text(decision, setting_labels(knowledge)))


@app.command()
def explain(
    option: Annotated[str, typer.Argument(metavar="OPTION", help="Option id; see `hcc-decide rules list`.")],
    patient: PatientArgument,
    format_: FormatOption = "text",
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Explain the verdict of one option: checklist, rules, claims and the reviews' lines."""
    from hcc_decide.explain import explain as explain_option
    from hcc_decide.render import explanation_text

    checked_format(format_, ("text", "json"))
    knowledge = usable_knowledge(edition, rules)
    (wanted,) = usable_options(knowledge, OPTION=option)
    record = usable_patient(patient, knowledge)
    found = inferred(knowledge, lambda engine: explain_option(record, engine, wanted))
    if format_ == "json":
        print_json(found.model_dump(mode="json"))
    else:
        show(explanation_text(found))


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
    from hcc_decide.report.content import report as report_of
    from hcc_decide.report.pdf import ReportError, pdf
    from hcc_decide.report.word import word

    knowledge = usable_knowledge(edition, rules)
    case = _case(patient, knowledge)
    problems = _output_problems(output, force) + (case if isinstance(case, list) else [])
    if problems or isinstance(case, list):
        fail(problems, 2)
    decision = inferred(knowledge, lambda engine: decide(case, engine))
    made = report_of(decision, knowledge, on=date.today(), heading=heading, full=full, program=version("hcc-decide"))
    try:
        content = pdf(made) if output.suffix.lower() == ".pdf" else word(made)
    except ReportError as error:
        fail([one_line(error)], 1)
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
        fail([f"{which!r} is refused; allowed are patient and decision"], 2)
    print_json(patient_schema(usable_knowledge(edition, None)) if which == "patient" else decision_schema())


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
        fail([f"--port: {error}"], 2)
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
        print(f"hcc-decide: {one_line(error)}", file=sys.stderr)
        sys.exit(1)
