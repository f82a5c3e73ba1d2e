"""How the report words what a decision holds: short, without colour, and never milder than the decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hcc_decide.decision import Criterion, Decision, Evidence, Notice, Option, SourceConflict, Value
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import fact_of
from hcc_decide.knowledge.labels import choice_label, fact_label
from hcc_decide.knowledge.schema import Fact
from hcc_decide.render import evidence_word, within_trials

_RESULTS = {
    ("include", "not_met"): "Not met",
    ("include", "unknown"): "Not known",
    ("exclude", "not_met"): "Exclusion that applies",
    ("exclude", "unknown"): "Cannot be excluded",
    ("reservation", "not_met"): "Reservation",
    ("reservation", "unknown"): "Possible reservation, not known",
}
_PARTS = {"citation": "citation", "citation.doi": "doi", "nct": "nct"}


def listed(decision: Decision) -> list[Option]:
    """Return the options that a board can offer, now or once what is missing is known."""
    return [item for item in decision.in_question if not within_trials(item)]


def standing(item: Option) -> str:
    """Write the verdict of a listed option, and what it would be."""
    verdict = item.verdict.replace("_", " ")
    return f"{verdict}, would be {item.would_be.replace('_', ' ')}" if item.would_be else verdict


def finding(item: Criterion) -> str:
    """Name what a criterion that is not met found; for one that is met, say so."""
    if item.result == "met":
        return "Met" if item.kind in ("include", "indication") else "Does not apply"
    return _RESULTS["include" if item.kind == "indication" else item.kind, item.result]


def printable(text: str) -> str:
    """Return what somebody typed without the characters that no document can hold."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def value(fact: Fact | None, given: Value) -> str:
    """Write a value with its label and unit, every digit of it; what is not known is said to be."""
    if given is None:
        return "not known"
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, list):
        return ", ".join(choice_label(fact, item) if fact else item for item in given) or "none"
    if fact is not None and fact.values:
        return choice_label(fact, str(given))
    if isinstance(given, (int, float)):
        return f"{given:.12g} {(fact.unit if fact else None) or ''}".strip()
    return str(given)


def rounded(given: Value) -> Value:
    """Return what a formula gave with as many decimals as people read; what somebody typed is never rounded."""
    return round(given, 2) if isinstance(given, float) else given


def values(knowledge: Knowledge, facts: Mapping[str, Value]) -> str:
    """Write the patient's own values behind a statement, each with its label."""
    known = knowledge.vocabulary.facts
    return "; ".join(
        f"{fact_label(knowledge, name)}: {value(known.get(fact_of(name)), v)}" for name, v in facts.items()
    )


def with_values(knowledge: Knowledge, text: str, facts: Mapping[str, Value]) -> str:
    """Write a statement with the patient's own values behind it."""
    found = values(knowledge, facts)
    return f"{text} ({found})" if found else text


def conflict(item: SourceConflict) -> str:
    """Say in one passage what sources say differently, what is used and why."""
    said = "; ".join(f"{one.source}: {one.value}" for one in item.values)
    return f"{item.about.rstrip('.')}. {said.rstrip('.')}. Used: {item.used.rstrip('.')}. {item.why}"


def notices_of(decision: Decision) -> dict[str | None, list[Notice]]:
    """Return the notices by the option that they concern; those about the patient under ``None``."""
    found: dict[str | None, list[Notice]] = {}
    for notice in decision.notices:
        found.setdefault(notice.option, []).append(notice)
    return found


@dataclass(frozen=True)
class Citation:
    """One trial with its publication.

    Attributes:
        number: how the report refers to it.
        name: the trial.
        text: authors, journal, year, volume and pages, marked where it is not verified.
        doi, nct: identifiers; empty when there is none.
        doi_mark, nct_mark: `` (not verified)`` where they are not.
        remark: what else of the trial is not verified; empty when all is.
    """

    number: int
    name: str
    text: str
    doi: str
    doi_mark: str
    nct: str
    nct_mark: str
    remark: str


class Citations:
    """Numbers trials in the order in which a report names them, each once."""

    def __init__(self) -> None:
        self._found: dict[str, Citation] = {}

    def number(self, item: Evidence) -> int:
        """Return the number of a trial."""
        if item.trial not in self._found:
            marks = {short: " (not verified)" if part in item.unverified else "" for part, short in _PARTS.items()}
            rest = [name for name in item.unverified if name not in _PARTS]
            self._found[item.trial] = Citation(
                number=len(self._found) + 1,
                name=item.name,
                text=item.citation + marks["citation"],
                doi=item.doi or "",
                doi_mark=marks["doi"] if item.doi else "",
                nct=item.nct or "",
                nct_mark=marks["nct"] if item.nct else "",
                remark=f"not verified: {', '.join(rest).replace('_', ' ').replace('.', ' ')}" if rest else "",
            )
        return self._found[item.trial].number

    def numbered(self, items: Iterable[Evidence]) -> str:
        """Write trials by the way they point, each with its number: ``supports: SHARP [1]; against: REACH [2]``."""
        found: dict[str, list[str]] = {}
        for item in items:
            found.setdefault(evidence_word(item), []).append(f"{item.name} [{self.number(item)}]")
        return "; ".join(f"{way}: {', '.join(names)}" for way, names in found.items())

    def since(self, count: int) -> tuple[Citation, ...]:
        """Return the citations after the first ``count``."""
        return tuple(self._found.values())[count:]
