"""What every command of the command line shares: refusing, loading the rules, printing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from hcc_decide.documents import DocumentError, read
from hcc_decide.engine.fences import FenceError
from hcc_decide.engine.network import EngineError
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.findings import KnowledgeError
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.knowledge.locate import bundled
from hcc_decide.patient import Patient, RecordError, parse_patient

if TYPE_CHECKING:
    from hcc_decide.engine.engine import Engine
    from hcc_decide.lines import Line

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


def fail(messages: Iterable[str], status: int) -> NoReturn:
    """End with messages on standard error and a status."""
    for message in messages:
        print(message, file=sys.stderr)
    raise typer.Exit(status)


def one_line(error: BaseException) -> str:
    """Return the message of an error as one line."""
    return " ".join(str(error).split()) or type(error).__name__


def usable_knowledge(
    edition: str, rules: Path | None, load: Callable[[Path | None, str], Knowledge] | None = None
) -> Knowledge:
    """Load a rule base, or end with its findings: status 2 for what was asked wrongly, 1 for what is wrong with the rules.

    Args:
        edition: edition of the knowledge.
        rules: folder of the rules; ``None`` takes the ones that ship with the program.
        load: loads them; left out, `load_knowledge`.
    """
    try:
        folder = rules or bundled("rules")
        if not folder.is_dir():
            fail([f"--rules: {folder} is not a folder"], 2)
        knowledge = (load or load_knowledge)(folder, edition)
    except KnowledgeError as error:
        wrong_edition = all(finding.key == "editions" for finding in error.findings)
        fail(
            [f"--edition: {f.message}" for f in error.findings] if wrong_edition else map(str, error.findings),
            2 if wrong_edition else 1,
        )
    except FileNotFoundError as error:
        fail([str(error)], 1)
    return knowledge


def usable_patient(source: str, knowledge: Knowledge) -> Patient:
    """Read a record, or end with status 2 and one line per problem."""
    name = "standard input" if source == "-" else source
    try:
        return parse_patient(read(source).data, knowledge.option_ids)
    except DocumentError as error:
        fail([f"{name}: {error}"], 2)
    except RecordError as error:
        fail([f"{name}: {problem}" for problem in error.problems], 2)


def unknown_options(knowledge: Knowledge, **named: str) -> list[str]:
    """Return one line for each argument that names no option of the catalogue; the arguments by their names."""
    return [
        f"{argument}: {name!r} is not an option of the catalogue; see `hcc-decide rules list`"
        for argument, name in named.items()
        if name not in knowledge.option_ids
    ]


def usable_options(knowledge: Knowledge, **named: str) -> list[str]:
    """Return the ids of options, or end with status 2 and one line for each that the catalogue lacks."""
    problems = unknown_options(knowledge, **named)
    if problems:
        fail(problems, 2)
    return [knowledge.option_ids[name] for name in named.values()]


def rules_folder(given: Path | None) -> Path:
    """Return the folder of a rule base, or end with status 2 when it is none."""
    folder = given or bundled("rules")
    if not folder.is_dir():
        fail([f"FOLDER: {folder} is not a folder"], 2)
    return folder


def answered(work: Callable[[], Answer]) -> Answer:
    """Return what some work gives, or end with one line and status 1 when the engine failed."""
    try:
        return work()
    except (EngineError, FenceError) as error:
        fail([f"no decision: {one_line(error)}"], 1)


def inferred(knowledge: Knowledge, work: Callable[[Engine], Answer]) -> Answer:
    """Return what some work with a rule base gives, or end with one line and status 1 when the engine failed."""
    from hcc_decide.engine.engine import Engine

    def worked() -> Answer:
        engine = Engine(knowledge)
        try:
            return work(engine)
        finally:
            # A program may run many commands; the networks are memory that nothing else frees.
            engine.close()

    return answered(worked)


def checked_format(chosen: str, allowed: tuple[str, ...]) -> str:
    """Return a format, or end with status 2 when it is not allowed."""
    if chosen not in allowed:
        fail([f"--format: {chosen!r} is refused; allowed are {', '.join(allowed)}"], 2)
    return chosen


def show(lines: Iterable[Line]) -> None:
    """Print lines for a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, width=80)
    for line in lines:
        console.print(Text(line.text, style=_STYLES.get(line.role, "")), soft_wrap=True)


def print_json(data: object) -> None:
    """Print data as JSON."""
    print(json.dumps(data, ensure_ascii=False, indent=2))
