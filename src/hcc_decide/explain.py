"""Why one option stands where it stands: the checklist, and behind each line the rule, the claim and the review's lines."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from hcc_decide.decide import (
    cautions,
    checklist,
    excluded,
    preferences,
    regimen,
)
from hcc_decide.decision import (
    LISTED,
    Caution,
    Criterion,
    Evidence,
    Missing,
    Note,
    Preference,
    Setting,
    SourceConflict,
    Verdict,
)
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge, Treatment, Use
from hcc_decide.knowledge.schema import LaterLine
from hcc_decide.missing import OpenFacts, label_of, question_of
from hcc_decide.patient import Patient
from hcc_decide.ranking import because, governing_use, rank
from hcc_decide.sources import concerns, conflicts, evidence, notes, rationale


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CitedClaim(_Part):
    """A claim with the place where a review makes it.

    Attributes:
        review: number of the review; ``lines``: first and last line in its text.
        references: the review's own reference numbers.
    """

    id: str
    review: str
    lines: tuple[int, int]
    section: str
    references: list[int]
    statement: str
    figures: dict[str, str]
    remark: str | None


class JudgedIndication(_Part):
    """One indication with its checklist."""

    id: str
    text: str
    settings: list[str]
    verdict: str
    evidence_level: int
    decides: bool
    criteria: list[Criterion]
    cautions: list[Caution]
    preferences: list[Preference]


class Microenvironment(_Part):
    """What an option does to one part of the tumour's surroundings; teaching matter that no verdict reads."""

    part: str
    direction: str
    model: str
    text: str
    claims: list[str]


class LaterStep(_Part):
    """What the choice of an option opens or closes for later lines."""

    option: str
    name: str
    effect: Literal["opens", "closes"]
    text: str
    claims: list[str]


class Explanation(_Part):
    """The whole case of one option for one patient.

    Attributes:
        notes: counselling knowledge of the indication that decides, or of all when none does.
        microenvironment: effects on the tumour's surroundings.
        later_lines: what the choice opens and closes.
        conflicts: where the sources behind this option disagree.
    """

    id: str
    name: str
    aliases: list[str]
    verdict: Verdict
    would_be: Verdict | None
    setting: Setting
    reason: str
    regimen: str
    rationale: str
    indications: list[JudgedIndication]
    missing: list[Missing]
    evidence: list[Evidence]
    notes: list[Note]
    microenvironment: list[Microenvironment]
    later_lines: list[LaterStep]
    conflicts: list[SourceConflict]
    claims: list[CitedClaim]


def explain(patient: Patient, engine: Engine, option: str) -> Explanation:
    """Explain the verdict of one option.

    Args:
        patient: the record.
        engine: the compiled rule base.
        option: an option id or alias.

    Raises:
        KeyError: the catalogue has no such option.
        EngineError: the rule base or the engine failed.
    """
    knowledge = engine.knowledge
    treatment = knowledge.options[knowledge.option_ids[option]]
    inference = engine.infer(patient, also=[treatment.id])
    standing = inference.standings[treatment.id]
    governing = governing_use(treatment, standing)
    waiting = OpenFacts(knowledge, inference).behind(treatment) if standing.verdict == "undetermined" else []
    if standing.verdict in LISTED:
        place = next(item for item in rank(knowledge, inference) if item.option == treatment.id)
        reason = because(place, knowledge, [label_of(knowledge, fact) for fact in waiting])
    else:
        reason = excluded(knowledge, inference, treatment).reason
    indications = [
        JudgedIndication(
            id=use.body.id,
            text=use.body.text,
            settings=list(use.settings),
            verdict=use.body.verdict,
            evidence_level=use.body.evidence_level,
            decides=use is governing,
            criteria=checklist(knowledge, inference, treatment, use),
            cautions=cautions(knowledge, inference, treatment, use),
            preferences=preferences(knowledge, inference, treatment, use),
        )
        for use in treatment.uses
    ]
    found_notes = notes(treatment, governing)
    effects = [
        Microenvironment(
            part=item.part, direction=item.direction, model=item.model, text=item.text, claims=list(item.claims)
        )
        for item in treatment.body.microenvironment
        if concerns(item.for_, governing)
    ]
    steps = _later_lines(knowledge, treatment, governing)
    parts: list[Criterion | Caution | Preference | Note | Microenvironment | LaterStep] = []
    for item in indications:
        parts += [*item.criteria, *item.cautions, *item.preferences]
    parts += [*found_notes, *effects, *steps]
    cited = [claim for part in parts for claim in part.claims]
    return Explanation(
        id=treatment.id,
        name=treatment.body.name,
        aliases=list(treatment.body.aliases),
        verdict=standing.verdict,
        would_be=standing.would_be,
        setting=inference.setting,
        reason=reason,
        regimen=regimen(inference, treatment),
        rationale=rationale(treatment, governing),
        indications=indications,
        missing=[
            Missing(
                fact=fact,
                label=label_of(knowledge, fact),
                question=question_of(knowledge, fact),
                would_decide=[treatment.id],
            )
            for fact in waiting
        ],
        evidence=evidence(knowledge, treatment, None),
        notes=found_notes,
        microenvironment=effects,
        later_lines=steps,
        conflicts=conflicts(knowledge, treatment, None),
        claims=[cited_claim(knowledge, claim) for claim in dict.fromkeys(cited)],
    )


def _later_lines(knowledge: Knowledge, treatment: Treatment, use: Use | None) -> list[LaterStep]:
    later = treatment.body.later_lines
    pairs: list[tuple[Literal["opens", "closes"], list[LaterLine]]] = [("opens", later.opens), ("closes", later.closes)]
    return [
        LaterStep(
            option=item.option,
            name=knowledge.options[item.option].body.name,
            effect=effect,
            text=item.text,
            claims=list(item.claims),
        )
        for effect, items in pairs
        for item in items
        if concerns(item.for_, use)
    ]


def cited_claim(knowledge: Knowledge, claim_id: str) -> CitedClaim:
    """Return a claim with its passage."""
    claim = knowledge.claims[claim_id]
    return CitedClaim(
        id=claim.id,
        review=knowledge.claim_reviews[claim.id],
        lines=(claim.lines[0], claim.lines[1]),
        section=claim.section,
        references=list(claim.references),
        statement=claim.statement,
        figures={key: str(value) for key, value in claim.figures.items()},
        remark=claim.remark,
    )
