"""A mutant: a rule file with one place changed. Plain data, before any model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hcc_decide.documents import Path_


class Absent:
    """What stands in the place of a value that is taken out."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Absent)

    def __hash__(self) -> int:
        return hash(Absent)


ABSENT: Final = Absent()


@dataclass(frozen=True)
class Mutant:
    """One small error in one file.

    Attributes:
        name: what it changes, the same on every run, for example
            ``options/some-drug/afp-400-or-more: afp_ng_ml at_least 400 -> 401``.
        kind: the kind of error, for example ``threshold moved``.
        file: path below ``rules/``.
        path: the place in the file.
        value: what stands there instead; `ABSENT` when it is taken out.
    """

    name: str
    kind: str
    file: str
    path: Path_
    value: Any

    def applied(self, data: Any) -> Any:
        """Return the file's data with the error in it; the data given stay as they are."""
        return _replaced(data, self.path, self.value)


def _replaced(data: Any, path: Path_, value: Any) -> Any:
    if not path:
        return value
    changed: Any = list(data) if isinstance(data, list) else dict(data)
    inner = _replaced(data[path[0]], path[1:], value) if len(path) > 1 else value
    if isinstance(inner, Absent):  # not `is`: a mutant may come from another process
        del changed[path[0]]
    else:
        changed[path[0]] = inner
    return changed
