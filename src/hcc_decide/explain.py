"""Why one option stands where it stands: the checklist, and behind each line the rule, the claim and the review's lines."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from hcc_decide.decide import (
    cautions,
    checklist,
    evidence,
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
    Preference,
    Setting,
    Verdict,
)
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.missing import label_of, question_of, waiting_for
from hcc_decide.patient import Patient
from hcc_decide.ranking import because, governing_use, rank


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


class Explanation(_Part):
    """The whole case of one option for one patient."""

    id: str
    name: str
    verdict: Verdict
    would_be: Verdict | None
    setting: Setting
    reason: str
    regimen: str
    rationale: str
    indications: list[JudgedIndication]
    missing: list[Missing]
    evidence: list[Evidence]
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
    waiting = waiting_for(knowledge, inference, treatment) if standing.verdict == "undetermined" else []
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
    cited: list[str] = []
    for item in indications:
        for criterion in item.criteria:
            cited += criterion.claims
        for caution in item.cautions:
            cited += caution.claims
        for preference in item.preferences:
            cited += preference.claims
    return Explanation(
        id=treatment.id,
        name=treatment.body.name,
        verdict=standing.verdict,
        would_be=standing.would_be,
        setting=inference.setting,
        reason=reason,
        regimen=regimen(inference, treatment),
        rationale=treatment.body.rationale.strip(),
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
        claims=[cited_claim(knowledge, claim) for claim in dict.fromkeys(cited)],
    )


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
