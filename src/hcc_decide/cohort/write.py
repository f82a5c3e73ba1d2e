"""Writing what came of a cohort: several files that appear together when all are complete, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from hcc_decide.cohort.read import kind_of_table
from hcc_decide.cohort.shape import CohortError
from hcc_decide.cohort.writing.formats import (
    CsvRejects,
    CsvWriter,
    JsonLinesRejects,
    JsonLinesWriter,
    ParquetWriter,
    RejectsWriter,
    Schema,
    TableWriter,
    TextWriter,
    Writer,
)
from hcc_decide.cohort.writing.targets import Target, resolved, same, sync_folder

_W = TypeVar("_W", bound=Writer)


class Outputs:
    """The files of one run. A context manager: left without `commit`, or by an exception, none of them appears.

    The file asked for first is the main one. It is put into its place last: where it stands, the others do.

    A process that is killed outright (``SIGKILL``, power) leaves hidden files that end with ``.part``; they may be deleted.
    """

    def __init__(self, *, force: bool = False, inputs: Iterable[Path] = ()) -> None:
        """Begin without a file.

        Args:
            force: replace files that exist.
            inputs: files that are being read; none of them can be an output.
        """
        self._force = force
        self._inputs = tuple(inputs)
        self._targets: list[Target] = []
        self._writers: list[Writer] = []

    def table(self, path: Path, schema: Schema) -> TableWriter:
        """Begin a table in CSV, Parquet or JSON Lines, as the name says.

        Args:
            path: where it shall stand.
            schema: its columns and their types.

        Raises:
            CohortError: nothing can be written there, or nothing may be: the file exists and is not to be replaced, or is
                a folder, another output or an input; or the name says no format.
        """
        match kind_of_table(path):
            case "csv":
                return self._with(CsvWriter(self._target(path), schema))
            case "parquet":
                return self._with(ParquetWriter(self._target(path), schema))
            case "jsonl":
                return self._with(JsonLinesWriter(self._target(path), schema))

    def rejects(self, path: Path, columns: Sequence[str]) -> RejectsWriter:
        """Begin a file of refused rows, in CSV or JSON Lines, as the name says.

        When no row is refused no file appears, and an old one that may be replaced goes: it would be taken for a part of
        this run.

        Args:
            path: where it shall stand.
            columns: of the table that is read.

        Raises:
            CohortError: see `table`.
        """
        match kind_of_table(path):
            case "csv":
                return self._with(CsvRejects(self._target(path), columns))
            case "jsonl":
                return self._with(JsonLinesRejects(self._target(path)))
            case "parquet":
                raise CohortError(
                    f"{path}: refused rows are not written as Parquet; allowed are .csv, .jsonl and .ndjson"
                )

    def text(self, path: Path) -> TextWriter:
        """Begin a file that is written at once, a report for instance.

        Raises:
            CohortError: see `table`.
        """
        return self._with(TextWriter(self._target(path)))

    def commit(self) -> None:
        """Complete all files and put them into their places, the main one last.

        Raises:
            CohortError: the disk is full or fails, or a file has appeared that may not be replaced. No file was replaced.
        """
        try:
            for writer in self._writers:
                writer.complete()
            for writer in reversed(self._writers):
                writer.place()
            for folder in {target.path.parent for target in self._targets}:
                sync_folder(folder)
        except BaseException:
            for target in self._targets:
                target.take_back()
            self.abort()
            raise
        for target in self._targets:
            target.confirm()
        self._let_go()

    def abort(self) -> None:
        """Remove everything that was written. After `commit` it does nothing."""
        for writer in self._writers:
            writer.forget()
        self._let_go()

    def _let_go(self) -> None:
        for target in self._targets:
            target.discard()
        self._writers.clear()
        self._targets.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.abort()

    def _target(self, path: Path) -> Target:
        place = resolved(path)
        if any(same(place, other) for other in self._inputs):
            raise CohortError(f"{path}: is the table that is read; write to another file")
        if any(same(place, target.path) for target in self._targets):
            raise CohortError(f"{path}: stands for two outputs; each needs a file of its own")
        target = Target(path, place, force=self._force)
        self._targets.append(target)
        return target

    def _with(self, writer: _W) -> _W:
        self._writers.append(writer)
        return writer
