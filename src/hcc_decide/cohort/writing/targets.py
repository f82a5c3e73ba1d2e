"""Files on their way: written under a hidden name beside the place where they shall stand, and renamed at the end.

Until then an old file of that name is untouched, and it is there again when renaming fails half-way.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from hcc_decide.cohort.shape import CohortError

_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG})
"""What is wrong with the place itself, and will be so the next time."""

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})
"""A file system on which a file has one name only."""


class Target:
    """A file on its way: written under a hidden name, then put into its place.

    Attributes:
        shown: its name as it was given.
        path: where it shall stand.
        stream: takes its bytes.
    """

    def __init__(self, shown: Path, path: Path, *, force: bool) -> None:
        self.shown, self.path = shown, path
        self._force = force
        self._check_free()
        self._part = _hidden(path)
        self._backup: Path | None = None
        self._placed = False
        try:
            self.stream: BinaryIO = self._part.open("xb")
        except OSError as error:
            raise failed(shown, error) from None

    def seal(self) -> None:
        """Bring everything that was written to the disk."""
        self.stream.flush()
        with contextlib.suppress(
            FileNotFoundError
        ):  # who could read the old file can read the new one, and nobody else
            os.fchmod(self.stream.fileno(), stat.S_IMODE(self.path.stat().st_mode))
        os.fsync(self.stream.fileno())
        self.stream.close()

    def place(self) -> None:
        """Put the file into its place."""
        self._set_aside()
        self._placed = True
        self._part.replace(self.path)

    def leave_out(self) -> None:
        """Have no file in its place."""
        self._set_aside()
        self.path.unlink(missing_ok=True)

    def take_back(self) -> None:
        """Undo `place` and `leave_out`. An old file that cannot be put back stays under its hidden name."""
        with contextlib.suppress(OSError):
            if self._backup is not None:
                self._backup.replace(self.path)
                self._backup.unlink(missing_ok=True)  # still there when both are names of one file
                self._backup = None
            elif self._placed:
                self.path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what was written and not placed."""
        with contextlib.suppress(OSError):  # what cannot be flushed any more is not wanted any more
            self.stream.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    def confirm(self) -> None:
        """Remove the old file, which the new one replaces for good."""
        if self._backup is not None:
            with contextlib.suppress(OSError):
                self._backup.unlink(missing_ok=True)

    def _set_aside(self) -> None:
        self._check_free()  # somebody else may have written it meanwhile
        if self.path.exists():
            self._backup = _second_name(self.path)

    def _check_free(self) -> None:
        if not self._force and self.path.exists():
            raise CohortError(f"{self.shown}: exists; give another name, or --force to replace it")


def resolved(path: Path) -> Path:
    """Return where a file really stands, so that a link to it stays one."""
    try:
        place = path.resolve()
        if place.is_dir():
            raise CohortError(f"{path}: is a folder, not a file")
        if place.exists() and not place.is_file():
            raise CohortError(f"{path}: is not a plain file, and cannot be replaced by one")
        if not place.parent.is_dir():
            raise CohortError(f"{path}: its folder {place.parent} does not exist")
    except OSError as error:
        raise failed(path, error) from None
    except (RuntimeError, ValueError) as error:  # links in a circle; a zero byte in the name
        raise CohortError(f"{path}: is no name of a file ({error})") from None
    return place


def same(one: Path, other: Path) -> bool:
    """Whether two names are those of one file."""
    try:
        return one == other.resolve() or one.samefile(other)
    except (OSError, RuntimeError, ValueError):  # one of them does not exist
        return False


def _hidden(path: Path) -> Path:
    return path.with_name(f".hcc-decide-{secrets.token_hex(8)}.part")


def _second_name(path: Path) -> Path:
    """Give a file a second, hidden name, and where files can have one only, move it there."""
    name = _hidden(path)
    try:
        name.hardlink_to(path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        path.rename(name)
    return name


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where a folder can be asked for that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise failed(folder, error) from None
    finally:
        os.close(handle)


def failed(path: Path, error: OSError) -> CohortError:
    """Return what to say when a file cannot be written."""
    return CohortError(
        f"{path}: cannot be written ({error.strerror or error}); no file was written or replaced",
        refused=error.errno in _NOT_ALLOWED,
    )
