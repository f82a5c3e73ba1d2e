"""What stands behind an option: trials, notes, conflicts between sources, later events. Nothing here decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hcc_decide.decision import Evidence, Note, SourceConflict, SourceValue
from hcc_decide.knowledge.catalogue import Knowledge, Treatment, Use
from hcc_decide.knowledge.schema import LaterEvidence
from hcc_decide.knowledge.schema_sources import Citation, Conflict


def cite(citation: Citation | None) -> str:
    """Write a citation in one line; parts that are not known are left out."""
    if citation is None:
        return "Ongoing trial, no publication"
    source = " ".join(str(part) for part in (citation.journal, citation.year) if part is not None)
    if citation.volume:
        source += f";{citation.volume}" + (f":{citation.pages}" if citation.pages else "")
    return ". ".join(part for part in ((citation.authors or "").rstrip("."), source) if part) or "Citation not known"


def concerns(limited: Sequence[str] | None, use: Use | None) -> bool:
    """Whether an entry limited to some indications belongs to this one; ``None`` asks for the whole option."""
    return use is None or limited is None or use.body.id in limited


def evidence(knowledge: Knowledge, treatment: Treatment, use: Use | None) -> list[Evidence]:
    """Return the trials behind one indication, or behind the whole option."""
    found = []
    for item in treatment.body.evidence:
        if concerns(item.for_, use):
            trial = knowledge.trials[item.trial]
            found.append(
                Evidence(
                    trial=trial.id,
                    name=trial.name,
                    direction=item.direction,
                    status=trial.status,
                    summary=trial.summary,
                    citation=cite(trial.citation),
                    doi=trial.citation.doi if trial.citation else None,
                    nct=trial.nct,
                    unverified=list(trial.unverified),
                )
            )
    return found


def notes(treatment: Treatment, use: Use | None) -> list[Note]:
    """Return the notes of one indication, or all of an option's."""
    return [
        Note(rule=f"options/{treatment.id}/{note.id}", kind=note.kind, text=note.text, claims=list(note.claims))
        for note in treatment.body.notes
        if concerns(note.for_, use)
    ]


def rationale(treatment: Treatment, use: Use | None) -> str:
    """Return why the option stands where it stands, for one indication where it has its own."""
    own = use.body.rationale if use is not None else None
    return (own or treatment.body.rationale).strip()


def later_events(treatment: Treatment, use: Use | None) -> list[LaterEvidence]:
    """Return what happened after the edition's cut-off and concerns one indication, or the whole option."""
    return [event for event in treatment.body.later_evidence if concerns(event.for_, use)]


def conflicts(knowledge: Knowledge, treatment: Treatment, use: Use | None) -> list[SourceConflict]:
    """Return the disagreements between sources that touch what an option's entry shows.

    A conflict touches it when both cite one claim or one trial. For one indication that is what its verdict and rank rest
    on: rules, regimen and evidence; for the whole option also its notes and teaching matter. What is a mere misprint shows
    with the whole option only: nothing was decided by the wrong reading.
    """
    index = knowledge.conflicts_of
    places = frozenset[int]().union(*(index.get(name, ()) for name in _shown(treatment, use)))
    return [
        SourceConflict(
            id=item.id,
            about=item.about,
            values=[SourceValue(source=value.source, value=value.value) for value in item.values],
            used=item.used,
            why=item.why,
        )
        for item in (knowledge.conflicts[place] for place in sorted(places))
        if use is None or item.kind != "misprint"
    ]


def claims_of(conflict: Conflict) -> frozenset[str]:
    """Return every claim that a conflict names."""
    return frozenset(claim for value in conflict.values for claim in value.claims)


def trials_of(conflict: Conflict) -> frozenset[str]:
    """Return every trial that a conflict names."""
    return frozenset(trial for value in conflict.values for trial in value.trials)


def _shown(treatment: Treatment, use: Use | None) -> Iterator[str]:
    """Yield the claims and trials that the decision on one indication rests on, or all that the whole option shows."""
    body = treatment.body
    yield from body.regimen.claims
    for rule in treatment.rules:
        if use is None or use.body.id in rule.indications:
            yield from rule.claims
            yield from rule.trials
    for item in body.evidence:
        if concerns(item.for_, use):
            yield item.trial
            yield from item.claims
    if use is None:
        steps = (*body.later_lines.opens, *body.later_lines.closes)
        yield from (name for note in body.notes for name in (*note.claims, *note.trials))
        yield from (name for step in steps for name in (*step.claims, *step.trials))
        for effect in body.microenvironment:
            yield from effect.claims
