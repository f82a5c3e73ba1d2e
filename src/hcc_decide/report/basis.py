"""The full basis of a report: checklists, evidence, disagreements of sources and the passages of the reviews."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hcc_decide.decision import Decision, Excluded, Notice, Option
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import fact_label
from hcc_decide.render import evidence_word, within_trials
from hcc_decide.report.words import (
    Citation,
    Citations,
    conflict,
    finding,
    listed,
    notices_of,
    rounded,
    standing,
    value,
    values,
    with_values,
)

_KINDS = {"indication": "Indication", "include": "Needs", "exclude": "Exclusion", "reservation": "Reservation"}


@dataclass(frozen=True)
class Check:
    """One line of a checklist."""

    kind: str
    text: str
    result: str
    values: str
    claims: str


@dataclass(frozen=True)
class Entry:
    """A titled list of statements."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class OptionBasis:
    """What one listed option rests on."""

    name: str
    standing: str
    reason: str
    checks: tuple[Check, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Derived:
    """A fact that was derived, and from what."""

    fact: str
    value: str
    sources: str
    rule: str


@dataclass(frozen=True)
class Passage:
    """What a review says, in our own words, and where."""

    claim: str
    statement: str
    where: str


@dataclass(frozen=True)
class Basis:
    """The full basis.

    Attributes:
        derived: facts that were derived.
        options: the listed options.
        trials_only: the options that only a trial could offer, each with its use, cautions and trials.
        excluded: excluded options by verdict, with reasons and trials.
        passages: the passages that the listed options rest on.
        citations: the trials that only this part names.
    """

    derived: tuple[Derived, ...]
    options: tuple[OptionBasis, ...]
    trials_only: tuple[OptionBasis, ...]
    excluded: tuple[Entry, ...]
    passages: tuple[Passage, ...]
    citations: tuple[Citation, ...]


def basis(decision: Decision, knowledge: Knowledge, citations: Citations) -> Basis:
    """Say what the full basis says; trials are numbered on from those in ``citations``."""
    before = len(citations.since(0))
    notices = notices_of(decision)
    facts = knowledge.vocabulary.facts
    offered = listed(decision)
    options = tuple(_option(item, knowledge, citations, notices) for item in offered)
    trials_only = tuple(
        _option(item, knowledge, citations, notices) for item in decision.options if item not in offered
    )
    excluded = tuple(_excluded(decision.excluded, citations, notices))
    return Basis(
        derived=tuple(
            Derived(
                fact=facts[item.fact].label,
                value=value(facts[item.fact], rounded(item.value)),
                sources=", ".join(fact_label(knowledge, name) for name in item.from_),
                rule=item.rule,
            )
            for item in decision.derived
        ),
        options=options,
        trials_only=trials_only,
        excluded=excluded,
        passages=tuple(_passages(offered, decision, knowledge)),
        citations=citations.since(before),
    )


def _option(
    item: Option, knowledge: Knowledge, citations: Citations, notices: Mapping[str | None, list[Notice]]
) -> OptionBasis:
    brief = within_trials(item)
    checks = [
        Check(
            kind=_KINDS[one.kind],
            text=one.text[:1].upper() + one.text[1:],
            result=finding(one),
            values=values(knowledge, one.facts),
            claims=", ".join(one.claims),
        )
        for one in item.criteria
        if not brief or one.kind == "indication" or one.result != "met"
    ]
    criteria = [f"{one.kind}: {one.text}: {one.result} ({one.values})" for one in checks] if brief else []
    words = {"favours": "For", "disfavours": "Against", "noted": "Noted"}
    entries = (
        ("Criteria", criteria),
        ("Cautions", [with_values(knowledge, one.text, one.facts) + _claims(one.claims) for one in item.cautions]),
        (
            "For and against, in this patient",
            [
                f"{words[one.effect]}: {with_values(knowledge, one.text, one.facts)}{_claims(one.claims)}"
                for one in item.preferences
            ],
        ),
        (
            "Trials",
            [f"{one.name} [{citations.number(one)}], {evidence_word(one)}: {one.summary}" for one in item.evidence],
        ),
        (
            "Where the sources disagree",
            _points(item) if brief else [conflict(one) for one in item.conflicts],
        ),
        (
            "Notes",
            [] if brief else [f"{one.kind.replace('_', ' ')}: {one.text}{_claims(one.claims)}" for one in item.notes],
        ),
        ("Later than the reviews; changes no verdict", [one.text for one in notices.get(item.id, ())]),
    )
    return OptionBasis(
        name=item.name,
        standing=standing(item),
        reason=item.ranked_here_because,
        checks=() if brief else tuple(checks),
        entries=tuple(Entry(title, tuple(found)) for title, found in entries if found),
    )


def _points(item: Option) -> list[str]:
    """Name the points on which sources disagree, in one statement."""
    named = "; ".join(one.about.rstrip(".") for one in item.conflicts)
    return [named] if named else []


def _excluded(
    excluded: Iterable[Excluded], citations: Citations, notices: Mapping[str | None, list[Notice]]
) -> Iterable[Entry]:
    members = list(excluded)
    for verdict, title in (("ineligible", "Ineligible"), ("not_recommended", "Not recommended")):
        told = []
        for item in members:
            if item.verdict == verdict:
                later = " ".join(notice.text for notice in notices.get(item.id, ()))
                trials = citations.numbered(item.evidence)
                told.append(
                    f"{item.name}: {item.reason}{_claims(item.claims)}"
                    f"{f' Trials: {trials}.' if trials else ''}{f' {later}' if later else ''}"
                )
        if told:
            yield Entry(title, tuple(told))
    elsewhere: dict[str, list[str]] = {}
    for item in members:
        if item.verdict == "not_applicable":
            elsewhere.setdefault(item.reason, []).append(item.name)
    if elsewhere:
        yield Entry(
            "For another setting", tuple(f"{', '.join(names)}: {reason}" for reason, names in elsewhere.items())
        )


def _passages(offered: Iterable[Option], decision: Decision, knowledge: Knowledge) -> Iterable[Passage]:
    cited = [claim for notice in decision.notices for claim in notice.claims]
    for item in offered:
        for group in (item.criteria, item.cautions, item.preferences, item.notes):
            cited += [claim for part in group for claim in part.claims]
    for name in sorted(dict.fromkeys(cited)):
        claim = knowledge.claims.get(name)
        if claim is not None:
            first, last = claim.lines
            yield Passage(
                claim=name,
                statement=f"{claim.statement} {claim.remark}" if claim.remark else claim.statement,
                where=f"review {knowledge.claim_reviews[name]}, lines {first} to {last}, {claim.section}",
            )


def _claims(claims: Iterable[str]) -> str:
    found = ", ".join(claims)
    return f" [{found}]" if found else ""
