"""What every table that is read has in common."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

from hcc_decide.cohort.shape import Chunk, CohortError
from hcc_decide.refusals import shown

Kind = Literal["csv", "parquet", "jsonl"]

MAX_COLUMNS = 2_000
"""More than any registry has; a file that is not what its name says may seem to have any number."""

MAX_ROW_BYTES = 1_000_000
"""Of one row of a text file. A row is a few kB; what is longer is a quotation mark that was never closed, or no table."""


class Table(ABC):
    """A table of patients that is open for reading. A context manager: leaving it closes the file.

    Attributes:
        path: where it stands.
        kind: its format.
        columns: their names, in order, as they stand in the file; never empty, none without a name, none twice.
        size: of the file, bytes.
        rows: how many rows a chunk has at most.
    """

    kind: Kind

    def __init__(self, path: Path, rows: int) -> None:
        """Open the file; a format then finds out the columns.

        Raises:
            CohortError: it is missing, empty, a folder, or cannot be read.
        """
        self.path = path
        self.rows = rows
        self.columns: tuple[str, ...] = ()
        self._stream = _opened(path)
        state = os.fstat(self._stream.fileno())
        self.size = state.st_size
        self._state = (state.st_size, state.st_mtime_ns)
        if not self.size:
            self.close()
            raise CohortError(f"{path}: is empty")

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows in order. Each call begins anew at the first row, and ends the one before.

        Memory does not grow with the table.

        Raises:
            CohortError: the file cannot be read to its end as what it is; one line that says where and why.
        """

    def close(self) -> None:
        """Close the file. Closing it again does nothing."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except OSError as error:
            raise unreadable(self.path, error) from None

    def _check_unchanged(self) -> None:
        """Refuse to go on with a file that somebody writes to: what was read is then neither the old nor the new one."""
        state = os.fstat(self._stream.fileno())
        if (state.st_size, state.st_mtime_ns) != self._state:
            raise CohortError(
                f"{self.path}: changed while it was read; nothing was written, run again when it is complete",
                refused=False,
            )


def unreadable(path: Path, error: OSError) -> CohortError:
    """Say that reading failed on the way."""
    return CohortError(f"{path}: cannot be read ({error.strerror or error})", refused=False)


def checked_columns(path: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the columns.

    Raises:
        CohortError: there are none or too many, or some are empty or given twice; one line per problem.
    """
    columns = tuple(names)
    if not columns:
        raise CohortError(f"{path}: has no columns; a table of patients has one for each field that is given")
    if len(columns) > MAX_COLUMNS:
        raise CohortError(f"{path}: has {len(columns)} columns; allowed are at most {MAX_COLUMNS}")
    problems = [
        f"{path}: column {number} has no name; each column needs one"
        for number, name in enumerate(columns, 1)
        if not name.strip()
    ]
    twice = [name for name, count in Counter(columns).items() if count > 1 and name.strip()]
    problems += [f"{path}: the column {shown(name)} stands there twice; each may stand there once" for name in twice]
    if problems:
        raise CohortError(*problems)
    return columns


def _opened(path: Path) -> BinaryIO:
    try:
        # Asked first: to open a named pipe would wait for somebody to write to it.
        if path.is_dir():
            raise CohortError(f"{path}: is a folder, not a file")
        if path.exists() and not path.is_file():
            raise CohortError(f"{path}: is not a plain file; a table is read from a file on disk")
        return path.open("rb", buffering=0)
    except FileNotFoundError:
        raise CohortError(f"{path}: does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise CohortError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
