"""Commands of the command line: a table of patients."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from hcc_decide.cli_common import EditionOption, RulesOption, answered, fail, show, usable_knowledge
from hcc_decide.knowledge.load import DEFAULT_EDITION

if TYPE_CHECKING:
    from hcc_decide.cohort.runners import Runner
    from hcc_decide.knowledge.catalogue import Knowledge

SOME_REFUSED = 3
"""Exit status of a run that is complete and has refused rows."""
ENGINES = ("local", "dask")


class _TableOrCommand(TyperGroup):
    """Takes a table where another group only takes the name of a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; without the name of a command they are those of `decide`."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["decide", *args]
        return super().parse_args(ctx, args)


cohort_app = typer.Typer(
    cls=_TableOrCommand,
    no_args_is_help=True,
    help="Decide for a table of patients: hcc-decide cohort INPUT --out OUTPUT. Or draw a synthetic one: synth.",
)


@cohort_app.command()
def decide(  # noqa: PLR0913, PLR0917 - typer makes each an option of the command line
    table: Annotated[Path, typer.Argument(metavar="INPUT", help="CSV, Parquet or JSON Lines file, a row a patient.")],
    out: Annotated[Path, typer.Option("--out", metavar="OUTPUT", help="Decisions: .csv, .parquet or .jsonl.")],
    long: Annotated[bool, typer.Option("--long", help="One row per patient and option.")] = False,
    report: Annotated[
        list[Path] | None, typer.Option("--report", metavar="FILE", help="Summary, .html or .md; repeat for both.")
    ] = None,
    given: Annotated[
        str | None,
        typer.Option("--given", metavar="COLUMN", help="Column of what each patient was given, for concordance."),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", metavar="COLUMN", help="Column to carry over; repeat for more.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="COLUMN", help="Column to leave out; repeat for more.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", metavar="FILE", help="Refused rows; beside OUTPUT when left out.")
    ] = None,
    disagreements: Annotated[
        Path | None,
        typer.Option(
            "--disagreements", metavar="FILE", help="With --given: disagreements; beside OUTPUT when left out."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; one when left out, with Dask one per core.")
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="local, or dask for many machines.")] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Dask scheduler, such as tcp://192.0.2.7:8786."),
    ] = None,
    rows: Annotated[int | None, typer.Option("--rows", min=1, help="Rows that are worked on at once.")] = None,
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Decide for every row of a table, by the same rules and with the same answers as one decision per patient."""
    if engine not in ENGINES:
        fail([f"--engine: {engine!r} is refused; allowed are {', '.join(ENGINES)}"], 2)
    if scheduler is not None and engine != "dask":
        fail(["--scheduler: goes with --engine dask"], 2)
    if scheduler is not None and workers is not None:
        fail(["--workers: goes without --scheduler, which has workers of its own"], 2)
    if disagreements is not None and given is None:
        fail(["--disagreements: goes with --given"], 2)
    with ExitStack() as opened:
        opened.enter_context(_rules_out_of_the_way())
        knowledge, runner = _begin(edition, rules, engine, scheduler, workers, opened)
        # Not before: these begin threads.
        from hcc_decide.cohort.reporting.terminal import summary_lines
        from hcc_decide.cohort.run import Order, run
        from hcc_decide.cohort.shape import CohortError

        order = Order(
            input=table,
            output=out,
            rejects=rejects,
            disagreements=disagreements,
            reports=tuple(report or ()),
            keep=tuple(keep or ()),
            ignore=tuple(ignore or ()),
            given=given,
            long=long,
            force=force,
            rows=rows,
            # How many workers of Dask share a machine is not known here; small parts suit any number.
            processes=workers or (1 if engine == "local" else 4),
        )
        work = order.work(edition, rules)

        def worked() -> Any:
            try:
                with _ended_in_order() as may_end, _progress(table) as shown:

                    def told(position: int, rows: int) -> None:
                        shown(position, rows)
                        may_end()

                    return run(order, knowledge, work, runner, told)
            except CohortError as error:
                fail(error.problems, 2 if error.refused else 1)
            finally:
                work.close()

        tally, about = answered(worked)
    show(summary_lines(tally, knowledge, about))
    if tally.refused:
        raise typer.Exit(SOME_REFUSED)


def _begin(
    edition: str, rules: Path | None, engine: str, scheduler: str | None, workers: int | None, opened: ExitStack
) -> tuple[Knowledge, AbstractContextManager[Runner]]:
    """Load the rules and say where the work is done. Processes of this machine begin here, and share the rules."""
    from hcc_decide.cohort.work import Work, knowledge_of

    # Loaded where the work finds it, so that it is loaded once.
    knowledge = usable_knowledge(edition, rules, lambda _, name: knowledge_of(name, rules))
    gc.freeze()
    if engine == "dask":
        from hcc_decide.cohort.on_dask import RulesIn, on_dask

        return knowledge, on_dask(scheduler, workers, knowledge=RulesIn(rules))
    from hcc_decide.cohort.runners import in_processes

    return knowledge, nullcontext(opened.enter_context(in_processes(workers or 1, Work(edition, rules).prepare)))


@contextmanager
def _rules_out_of_the_way() -> Iterator[None]:
    """Let the collector of garbage pass over what was there before the first row, once it is frozen, until the end."""
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _ended_in_order() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C and SIGTERM end a run between two parts of the table, where nothing is left half-way; a second one at once.

    Yields:
        What to call where the run may end: it raises `KeyboardInterrupt`, or `SystemExit` with the status of the signal.
    """
    asked: list[int] = []

    def end(number: int, _: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            may_end()

    def may_end() -> None:
        if asked:
            raise KeyboardInterrupt if asked[0] == signal.SIGINT else SystemExit(128 + asked[0])

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield may_end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(table: Path) -> Iterator[Callable[[int, int], None]]:
    """Show how far a run has come, on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as progress:
        size = table.stat().st_size if table.is_file() else 0
        task = progress.add_task("reading the rules", total=max(size, 1))

        def told(position: int, rows: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0
            rate = f", {rows / elapsed:,.0f} a second" if elapsed else ""
            progress.update(task, completed=position, description=f"{rows:,} rows{rate}")

        yield told


@cohort_app.command()
def synth(
    n: Annotated[int, typer.Option("--n", metavar="N", help="How many patients.")],
    out: Annotated[Path, typer.Option("--out", metavar="OUTPUT", help="Table: .csv, .parquet or .jsonl.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same patients.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    edition: EditionOption = DEFAULT_EDITION,
    rules: RulesOption = None,
) -> None:
    """Draw patients who do not exist, for teaching and benchmarks. No statement about any population."""
    from hcc_decide.cohort.shape import CohortError
    from hcc_decide.cohort.synthetic import synthesise
    from hcc_decide.cohort.write import Outputs
    from hcc_decide.knowledge.findings import KnowledgeError
    from hcc_decide.knowledge.synthetic_checks import load_synthetic

    knowledge = usable_knowledge(edition, rules)
    try:
        recipe = load_synthetic(knowledge, rules)
        with Outputs(force=force) as outputs:
            parts = synthesise(recipe, n, seed)
            first = next(parts)
            writer = outputs.table(out, first.schema)
            writer.write(first)
            for part in parts:
                writer.write(part)
            outputs.commit()
    except KnowledgeError as error:
        fail(map(str, error.findings), 1)
    except CohortError as error:
        fail(error.problems, 2 if error.refused else 1)
    print(f"{out}: {n:,} synthetic patients, seed {seed}. They do not exist, and stand for no real population.")
