"""Who cites a claim: rules that decide, text that shows, or nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hcc_decide.documents import Path_
from hcc_decide.knowledge.files import RawKnowledge, Source
from hcc_decide.knowledge.findings import Finding

Role = Literal["decides", "shown"]
DECIDING = ("indications", "include", "exclude", "reservations", "cautions", "preferences")
"""Keys of an option file whose claims stand behind something that the engine infers."""


@dataclass(frozen=True, order=True)
class Place:
    """A place that cites a claim.

    Attributes:
        role: ``decides`` when a rule of the inference rests on it, ``shown`` when it stands behind a text.
        file: path below ``rules/``.
        name: the entry that cites it.
    """

    role: Role
    file: str
    name: str


def citing(raw: RawKnowledge) -> Mapping[str, tuple[Place, ...]]:
    """Return every place that cites each claim, sorted.

    Conflicts and vignettes do not encode and are left out, and so are cases, which say again what a rule says.
    """
    found: dict[str, set[Place]] = {}
    single = [source for source in (raw.notices, raw.sequences) if source is not None]
    sources: list[Source[Any]] = [*single, *raw.staging, *raw.options, *raw.trials]
    for source in sources:
        for path, claims in _claims(_without_cases(source.document.data), ()):
            place = Place(_role(source, path), source.file, _name(source.document.data, path))
            for claim in claims:
                found.setdefault(claim, set()).add(place)
    return {claim: tuple(sorted(places)) for claim, places in found.items()}


def _without_cases(data: object) -> object:
    return {key: value for key, value in data.items() if key != "cases"} if isinstance(data, dict) else data


def check_citing(raw: RawKnowledge) -> Iterator[Finding]:
    """Yield a finding for each claim that nobody cites and that gives no reason, or that is cited and gives one."""
    places = citing(raw)
    for source in raw.claims:
        for index, claim in enumerate(source.body.claims):
            here = places.get(claim.id, ())
            if not here and claim.not_encoded is None:
                message = f"{claim.id} is cited by no rule and says no reason; cite it or write `not_encoded`"
                yield source.finding("K16", ("claims", index), message)
            elif here and claim.not_encoded is not None:
                message = f"{claim.id} says why nothing encodes it, but {here[0].file} cites it"
                yield source.finding("K16", ("claims", index, "not_encoded"), message)


def _role(source: Source[Any], path: Path_) -> Role:
    if source.file.startswith("staging/") or source.file == "notices.yaml":
        return "decides"
    return "decides" if source.file.startswith("options/") and path[0] in DECIDING else "shown"


def _claims(value: object, path: Path_) -> Iterator[tuple[Path_, list[str]]]:
    if isinstance(value, dict):
        for key, child in value.items():
            if key == "claims" and isinstance(child, list):
                yield path, [name for name in child if isinstance(name, str)]
            else:
                yield from _claims(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _claims(child, (*path, index))


def _name(data: object, path: Path_) -> str:
    """Name the entry by its id where it has one, else by its place."""
    entry: Any = data
    for part in path:
        entry = entry[part]
    if isinstance(entry, dict) and path and isinstance(entry.get("id"), str):
        return str(entry["id"])
    return ".".join(str(part) for part in path if not isinstance(part, int)) or "whole file"
