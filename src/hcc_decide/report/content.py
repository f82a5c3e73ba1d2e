"""What the report says, as plain text in a frozen model. The PDF, the Word file and the page all show this model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from hcc_decide.decision import Decision, Excluded, Notice, Option, Verdict
from hcc_decide.headline import headline
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name
from hcc_decide.patient import OTHER
from hcc_decide.render import within_trials
from hcc_decide.report.basis import Basis, basis
from hcc_decide.report.words import (
    Citation,
    Citations,
    finding,
    listed,
    notices_of,
    printable,
    rounded,
    standing,
    value,
    with_values,
)

TITLE = "Treatment options: decision support for the tumour board"
LANGUAGE = "en-GB"

_NEGATIVE = "The evidence for this use is negative: "
_NAMED = 4
"""So many options are named that a missing fact would decide; of more, their number is said."""


@dataclass(frozen=True)
class Group:
    """Facts or names under one label."""

    label: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Point:
    """One statement with the word that says what it is: a caution, a reservation, for, against."""

    word: str
    text: str


@dataclass(frozen=True)
class Against:
    """Excluded options that share what speaks against them.

    Attributes:
        label: what speaks against them.
        count: how many they are.
        items: each with its reason.
        brief: each as short as it can be told, for a page that would overflow; empty where their number says enough.
    """

    label: str
    count: int
    items: tuple[str, ...]
    brief: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """An option that a board can offer, now or once what is missing is known.

    Attributes:
        rank: options of equal rank are of equal standing.
        standing: the verdict in words, and what it would be.
        reason: why it stands where it stands.
        points: every caution, every criterion that is not met or not known, what speaks for and against it.
        trials: the trials behind it by the way they point, with the numbers of their citations.
        sources: where sources disagree on it, in short; empty when they do not.
    """

    rank: int
    name: str
    verdict: Verdict
    standing: str
    regimen: str
    reason: str
    points: tuple[Point, ...]
    trials: str
    sources: str


@dataclass(frozen=True)
class Report:
    """Everything that the report says.

    Attributes:
        heading: what the user typed to head it; empty by default.
        case_id: the case id, if one was typed.
        facts: the patient's known facts, by group.
        open: facts that are not known and would matter, each with what it would decide.
        derived: what follows from the facts.
        choices: the options, by rank.
        trials_only: the names of the options that only a trial could offer.
        unsettled: the names of those that are not settled and out of question either way.
        excluded: excluded options with their reasons, by what speaks against them.
        elsewhere: how many options belong to another setting.
        notices: what concerns the patient and no option.
        later: what happened after the cut-off of the edition and concerns a listed option, in short.
        citations: the trials that the first part names.
        stamp: edition, cut-off and version of the knowledge, and of the program.
        sha256: of the knowledge, in full.
        basis: the full basis, where it was asked for.
    """

    title: str
    language: str
    date: str
    heading: str
    case_id: str
    headline: str
    facts: tuple[Group, ...]
    open: tuple[str, ...]
    derived: tuple[str, ...]
    choices: tuple[Choice, ...]
    trials_only: tuple[str, ...]
    unsettled: tuple[str, ...]
    excluded: tuple[Against, ...]
    elsewhere: int
    notices: tuple[str, ...]
    later: tuple[str, ...]
    citations: tuple[Citation, ...]
    stamp: str
    sha256: str
    intended_use: str
    basis: Basis | None


def report(
    decision: Decision, knowledge: Knowledge, *, on: date, heading: str = "", full: bool = False, program: str = ""
) -> Report:
    """Say what the report says.

    Args:
        decision: what was decided.
        knowledge: the knowledge that decided it.
        on: date of the report.
        heading: a line that the user typed to head it, such as a pseudonym.
        full: also give the full basis: checklists, evidence, disagreements of sources, passages.
        program: version of the program.

    Raises:
        ValueError: the decision was made with other knowledge.
    """
    if decision.knowledge.sha256 != knowledge.sha256:
        raise ValueError("the decision was made with other knowledge")
    citations = Citations()
    offered = listed(decision)
    choices = tuple(_choice(item, knowledge, citations) for item in offered)
    excluded = tuple(_excluded(decision.excluded))
    own = notices_of(decision)
    first = citations.since(0)
    edition = knowledge.manifest.editions[knowledge.edition]
    stamp = f"Knowledge {knowledge.version}, edition {knowledge.edition} ({edition.label}), cut-off {edition.cut_off}"
    return Report(
        title=TITLE,
        language=LANGUAGE,
        date=on.isoformat(),
        heading=printable(heading),
        case_id=printable(str(decision.patient.get("case_id") or "")),
        headline=headline(decision, knowledge, alone=False),
        facts=_facts(decision, knowledge),
        open=_open(decision, knowledge),
        derived=_derived(decision, knowledge),
        choices=choices,
        trials_only=tuple(item.name for item in decision.options if within_trials(item) and item not in offered),
        unsettled=tuple(item.name for item in decision.options if item not in offered and not within_trials(item)),
        excluded=excluded,
        elsewhere=len([item for item in decision.excluded if item.verdict == "not_applicable"]),
        notices=tuple(notice.text for notice in own.get(None, ())),
        later=_later(offered, own, knowledge),
        citations=first,
        stamp=f"{stamp}; hcc-decide {program}" if program else stamp,
        sha256=knowledge.sha256,
        intended_use=" ".join(decision.intended_use.split()),
        basis=basis(decision, knowledge, citations) if full else None,
    )


def _choice(item: Option, knowledge: Knowledge, citations: Citations) -> Choice:
    points = [Point("Caution", with_values(knowledge, one.text, one.facts)) for one in item.cautions]
    for one in item.criteria:
        if one.result != "met":
            # What is not known stands under its own heading; what is known of the sentence stands here.
            known = {name: given for name, given in one.facts.items() if given is not None}
            points.append(Point(finding(one), with_values(knowledge, one.text, known)))
    words = {"favours": "For", "disfavours": "Against", "noted": "Noted"}
    points += [Point(words[one.effect], one.text) for one in item.preferences]
    count = len(item.conflicts)
    return Choice(
        rank=item.rank,
        name=item.name,
        verdict=item.verdict,
        standing=standing(item),
        regimen=item.regimen,
        reason=_reason(item),
        points=tuple(points),
        trials=citations.numbered(item.evidence),
        sources=f"Sources disagree in {count} {'place' if count == 1 else 'places'}." if count else "",
    )


def _reason(item: Option) -> str:
    """Return why an option stands where it stands; its verdict, and what that hangs on, stand beside it."""
    verdict, found, why = item.ranked_here_because.partition("; ")
    said = verdict.lower().endswith((item.would_be or item.verdict).replace("_", " "))
    reason = why if found and said else item.ranked_here_because
    return reason[:1].upper() + reason[1:]


def _facts(decision: Decision, knowledge: Knowledge) -> tuple[Group, ...]:
    """Return the known facts by the groups of the vocabulary, with the prior lines among the prior treatment."""
    known, record = knowledge.vocabulary.facts, decision.patient
    found: dict[str, list[str]] = {}
    for name, fact in known.items():
        if record.get(name) is not None and fact.source in ("record", "record_or_derived"):
            found.setdefault(fact.group, []).append(f"{fact.label}: {value(fact, record[name])}")
    lines = record.get("prior_systemic")
    if lines is not None:
        told = "; ".join(f"{number}. {_line(line, knowledge)}" for number, line in enumerate(lines, start=1))
        found.setdefault("prior_treatment", []).insert(
            0, f"{knowledge.vocabulary.prior_systemic.label}: {told or 'none'}"
        )
    order = dict.fromkeys(fact.group for fact in known.values())
    return tuple(Group(group.replace("_", " ").capitalize(), tuple(found[group])) for group in order if group in found)


def _line(line: dict[str, object], knowledge: Knowledge) -> str:
    """Write one line of prior systemic therapy: treatment, how it ended, and what else is known of it."""
    fields = knowledge.vocabulary.prior_systemic.fields
    option = str(line["option"])
    name = (
        printable(str(line.get("name") or "another treatment")) if option == OTHER else option_name(knowledge, option)
    )
    told = [(fields["outcome"].values or {}).get(str(line["outcome"]), str(line["outcome"]))]
    for key, field in fields.items():
        if key not in ("option", "name", "outcome") and line.get(key) is not None:
            given = line[key]
            text = ("yes" if given else "no") if isinstance(given, bool) else f"{given:.12g} {field.unit or ''}".strip()
            told.append(f"{field.label[:1].lower()}{field.label[1:]}: {text}")
    return f"{name} ({', '.join(told)})"


def _derived(decision: Decision, knowledge: Knowledge) -> tuple[str, ...]:
    facts = knowledge.vocabulary.facts
    return tuple(
        f"{facts[item.fact].label}: {value(facts[item.fact], rounded(item.value))}"
        for item in decision.derived
        if item.fact != "setting"
    )


def _open(decision: Decision, knowledge: Knowledge) -> tuple[str, ...]:
    """Return what is not known and would matter; facts that would decide the same options share a line."""
    offered = [item.id for item in listed(decision)]
    found: dict[tuple[str, ...], list[str]] = {}
    for item in decision.missing:
        found.setdefault(tuple(item.would_decide), []).append(item.label)
    told = []
    for options, labels in found.items():
        named = [name for name in offered if name in options]
        parts = (
            [option_name(knowledge, name) for name in named]
            if len(named) <= _NAMED
            else [f"{len(named)} of the options above"]
        )
        others = len(options) - len(named)
        if others:
            parts.append(f"{others} under investigation")
        told.append(f"{', '.join(labels)}: would help to decide {', '.join(parts)}")
    return tuple(told)


def _excluded(excluded: Sequence[Excluded]) -> Iterable[Against]:
    """Return excluded options by what speaks against them, with reasons; negative trials are always named."""
    failed = [item for item in excluded if item.verdict == "ineligible"]
    refuted = [item for item in excluded if item.verdict == "not_recommended"]
    negative = [item for item in refuted if item.reason.startswith(_NEGATIVE)]
    untried = [item for item in refuted if item not in negative]
    if failed:
        reasons = tuple(f"{item.name}: {item.reason.rstrip('.').removeprefix('Not met: ')}" for item in failed)
        yield Against("The patient fails a criterion", len(failed), reasons, reasons)
    if negative:
        brief = tuple(_refuted(item, brief=True) for item in negative)
        told = tuple(_refuted(item, brief=False) for item in negative)
        yield Against("Not recommended: the evidence for this use is negative", len(negative), told, brief)
    if untried:
        names = tuple(item.name for item in untried)
        yield Against("Not recommended: no patient reported treated for this use", len(untried), names, ())


def _refuted(item: Excluded, *, brief: bool) -> str:
    """Name an option with what was found; in brief with its trials, and with the finding where no trial is known."""
    setting, _, why = item.reason.rstrip(".").removeprefix(_NEGATIVE).partition("; ")
    found = why or setting
    trials = ", ".join(one.name for one in item.evidence if brief or one.name not in found)
    if brief:
        return f"{item.name} ({trials or found})"
    return f"{item.name}: {found} ({trials})" if trials else f"{item.name}: {found}"


def _later(offered: Iterable[Option], notices: dict[str | None, list[Notice]], knowledge: Knowledge) -> tuple[str, ...]:
    """Return in short what came after the cut-off: withdrawals in full, of the rest how many there are."""
    told, rest = [], 0
    for option in offered:
        events = {
            f"options/{option.id}/{event.id}": event for event in knowledge.options[option.id].body.later_evidence
        }
        for notice in notices.get(option.id, ()):
            event = events.get(notice.rule)
            if event is None or event.kind == "withdrawal":
                told.append(f"{option.name}: {notice.text}")
            else:
                rest += 1
    if rest:
        entries = "entry" if rest == 1 else "entries"
        told.append(f"Later than the reviews, on the options above: {rest} further {entries}; no verdict changes")
    return tuple(told)
