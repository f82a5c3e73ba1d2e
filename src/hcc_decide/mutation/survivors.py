"""The mutants that nobody notices and that were looked at: ``survivors.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from hcc_decide.documents import read
from hcc_decide.knowledge.files import SURVIVORS
from hcc_decide.knowledge.schema import Strict, Text


class SurvivorsError(ValueError):
    """The list of survivors cannot be used; the message says why."""


class Group(Strict):
    """Mutants that survive for one reason.

    Attributes:
        reason: why no check of the rule base can notice them, or need not.
        mutants: their names, written out.
    """

    reason: Text
    mutants: Annotated[list[Text], Field(min_length=1)]


class SurvivorFile(Strict):
    """``survivors.yaml``."""

    survivors: list[Group]


def read_survivors(folder: Path) -> Mapping[str, str]:
    """Return the reason of each reviewed survivor by its name; nothing when the rule base has no list.

    Raises:
        DocumentError: the file cannot be read.
        SurvivorsError: it does not have the shape, or names a mutant twice.
    """
    path = folder / SURVIVORS
    if not path.exists():
        return {}
    try:
        groups = SurvivorFile.model_validate(read(path).data).survivors
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise SurvivorsError(f"{SURVIVORS}: {where}: {problem['msg'][0].lower()}{problem['msg'][1:]}") from None
    found: dict[str, str] = {}
    for name, reason in _each(groups):
        if name in found:
            raise SurvivorsError(f"{SURVIVORS}: names {name!r} twice")
        found[name] = reason
    return found


def _each(groups: list[Group]) -> Iterator[tuple[str, str]]:
    for group in groups:
        for name in group.mutants:
            yield name, group.reason
