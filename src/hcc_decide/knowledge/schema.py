"""The shape of every file under ``rules/``, as frozen pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from hcc_decide.decision import Setting

Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[-_+][a-z0-9]+)*$")]
Text = Annotated[str, Field(min_length=1)]
When = dict[str, Any]
Verdict = Literal["preferred", "recommended", "alternative", "investigational", "not_recommended"]
Scalar = bool | int | float | str


class Strict(BaseModel):
    """Base of all file models: unknown keys are refused, nothing is converted, nothing changes later."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Edition(Strict):
    """One edition of the knowledge."""

    label: Text
    cut_off: Text
    description: Text


class EvidenceLevel(Strict):
    """One level of the scale that says how good the evidence is."""

    label: Text
    description: Text
    no_patients: bool = False


class Manifest(Strict):
    """``knowledge.yaml``."""

    version: Annotated[str, Field(pattern=r"^\d{4}\.\d+\.\d+$")]
    schema_version: Literal[1]
    editions: dict[str, Edition]
    intended_use: Text
    evidence_levels: dict[int, EvidenceLevel]
    verdicts: dict[str, Text]


class PartialValue(Strict):
    """A value of a category that leaves several others open."""

    label: Text
    means: Annotated[list[str], Field(min_length=2)]


class Limits(Strict):
    """Bounds of a number."""

    at_least: float | int | None = None
    at_most: float | int | None = None
    above: float | int | None = None
    below: float | int | None = None


class Code(Strict):
    """A code of a public terminology."""

    system: Text
    code: Text


class Modifiable(Strict):
    """What treatment, preparation or waiting can make of a fact. It decides no verdict.

    Attributes:
        how: what brings it about, in words.
        to: of a boolean or category, the values that can become of a value; a boolean's keys are words (see `becomes`).
        direction: of a number, which way it can go.
    """

    how: Text
    to: Annotated[dict[str | int, Annotated[list[Scalar], Field(min_length=1)]], Field(min_length=1)] | None = None
    direction: Literal["lower", "higher"] | None = None

    def becomes(self, value: Scalar) -> list[Scalar]:
        """Return what can become of a value of a boolean or category; nothing for other values."""
        # A key of a file is a word or a number.
        key = str(value).lower() if isinstance(value, bool) else value
        return next((found for known, found in (self.to or {}).items() if known == key), [])


class Fact(Strict):
    """One fact of the vocabulary.

    Attributes:
        also_in: other units in which people may type it, with how many of its own unit one of them is.
        seldom_asked: whether a form may keep it out of first sight.
        modifiable: what can be done about it; ``None`` where nothing can.
    """

    label: Text
    question: Text | None = None
    description: Text | None = None
    kind: Literal["boolean", "category", "integer", "number", "set"]
    source: Literal["record", "record_or_derived", "derived", "history", "computed"]
    group: Literal["tumour", "liver", "patient", "prior_treatment", "safety", "context"]
    unit: Text | None = None
    range: Limits | None = None
    plausible: Limits | None = None
    values: dict[str | int, Text | PartialValue] | None = None
    members: Literal["options", "classes"] | None = None
    per: Literal["options"] | None = None
    spans: bool = False
    from_: Annotated[list[str], Field(alias="from")] = []
    code: Code | None = None
    also_in: dict[Text, Annotated[float | int, Field(gt=0)]] = {}
    seldom_asked: bool = False
    modifiable: Modifiable | None = None

    @model_validator(mode="after")
    def _what_can_be_done_fits_the_fact(self) -> Self:
        found = self.modifiable
        if found is None:
            return self
        if self.source not in ("record", "record_or_derived"):
            raise PydanticCustomError("modifiable", "`modifiable` goes with a fact that a record can hold")
        if self.kind in ("integer", "number"):
            if found.direction is None or found.to is not None:
                raise PydanticCustomError("modifiable", "`modifiable` of a number has a `direction`, and no `to`")
            return self
        if self.kind == "set" or found.direction is not None or found.to is None:
            raise PydanticCustomError(
                "modifiable", "`modifiable` goes with a number, or with a boolean or category and has a `to`"
            )
        exact = {value: value for value, label in (self.values or {}).items() if not isinstance(label, PartialValue)}
        known: dict[str | int, Scalar] = {"true": True, "false": False} if self.kind == "boolean" else {**exact}
        for key, becomes in found.to.items():
            for value in (known.get(key), *becomes):
                # A yes is no 1 here.
                if not any(value == other and type(value) is type(other) for other in known.values()):
                    message = "`modifiable` names, from or for {key}, what is no exact value of the fact"
                    raise PydanticCustomError("modifiable", message, {"key": key})
            if known[key] in becomes:
                raise PydanticCustomError("modifiable", "`modifiable` turns {key} into itself", {"key": key})
        return self

    @model_validator(mode="after")
    def _other_units_go_with_a_unit(self) -> Self:
        if self.also_in and (self.kind != "number" or self.unit is None or self.unit in self.also_in):
            raise PydanticCustomError(
                "also_in", "`also_in` goes with a number that has a unit, and names others than that"
            )
        return self


class LineField(Strict):
    """One field of a line of prior systemic therapy."""

    label: Text
    question: Text
    unit: Text | None = None
    values: dict[str, Text] | None = None


class PriorLines(Strict):
    """How the lines of prior systemic therapy are asked for."""

    label: Text
    question: Text
    fields: dict[str, LineField]


class Vocabulary(Strict):
    """``vocabulary.yaml``."""

    facts: dict[str, Fact]
    prior_systemic: PriorLines
    classes: dict[Id, Text]


class Conditional(Strict):
    """Anything with a ``when`` (all must hold) or ``when_any`` (one of them suffices)."""

    when: When | None = None
    when_any: Annotated[list[When], Field(min_length=1)] | None = None


class StagingValue(Conditional):
    """One value of a derived fact, and when it holds."""

    value: Scalar
    text: Text


class Staging(Strict):
    """``staging/<fact>.yaml``: a fact derived from others; with ``only``, for patients who meet that condition."""

    fact: str
    title: Text
    source: Text
    claims: Annotated[list[str], Field(min_length=1)]
    disagreement: Text | None = None
    otherwise: Literal["excluded", "unknown"] = "excluded"
    only: When | None = None
    values: Annotated[list[StagingValue], Field(min_length=1)]


class Effect(Strict):
    """The trial result that stands for an indication's effect size."""

    trial: Id
    endpoint: Id


class Indication(Conditional):
    """One use of an option: where it applies and what the evidence makes of it."""

    id: Id
    text: Text
    settings: Annotated[list[Setting], Field(min_length=1)]
    verdict: Verdict
    evidence_level: Literal[1, 2, 3, 4, 5]
    rationale: Text | None = None
    effect: Effect | None = None
    provenance: Literal["review", "update"]
    since: Text | None = None
    until: Text | None = None
    claims: Annotated[list[str], Field(min_length=1)]


class RuleBody(Conditional):
    """A testable sentence with its claims."""

    id: Id
    text: Text
    for_: Annotated[list[Id] | None, Field(alias="for", min_length=1)] = None
    claims: Annotated[list[str], Field(min_length=1)]
    trials: list[Id] = []


class PreferenceBody(RuleBody):
    """A finding for or against an option."""

    effect: Literal["favours", "disfavours", "noted"]


class Variant(Conditional):
    """A regimen for some patients."""

    id: Id
    text: Text


class Regimen(Strict):
    """How the option is given."""

    text: Text
    variants: list[Variant] = []
    claims: list[str] = []


class NoteBody(Strict):
    """Counselling knowledge that no rule decides."""

    id: Id
    kind: Literal["toxicity", "biomarker", "quality_of_life", "cost", "sequence", "dose", "context", "mechanism"]
    text: Text
    for_: Annotated[list[Id] | None, Field(alias="for", min_length=1)] = None
    claims: list[str] = []
    trials: list[Id] = []


class LaterLine(Strict):
    """What an option opens or closes for later lines."""

    option: Id
    text: Text
    for_: Annotated[list[Id] | None, Field(alias="for", min_length=1)] = None
    claims: list[str]
    trials: list[Id] = []


class LaterLines(Strict):
    """Consequences of an option for later lines."""

    opens: list[LaterLine] = []
    closes: list[LaterLine] = []


class EvidenceBody(Strict):
    """A trial behind an option."""

    trial: Id
    direction: Literal["supports", "against", "mixed"]
    for_: Annotated[list[Id] | None, Field(alias="for", min_length=1)] = None
    claims: list[str] = []


class LaterEvidence(Strict):
    """An event after the edition's cut-off; it changes no verdict."""

    id: Id
    kind: Literal["readout", "approval", "withdrawal", "guideline", "safety"]
    date: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
    for_: Annotated[list[Id] | None, Field(alias="for", min_length=1)] = None
    text: Text
    source: Text


class MicroenvironmentEffect(Strict):
    """What an option does to one part of the tumour's surroundings. Teaching matter: no ranking reads it."""

    id: Id
    part: Literal[
        "nk_cells",
        "t_cells",
        "regulatory_t_cells",
        "macrophages",
        "neutrophils",
        "myeloid_suppressor_cells",
        "stellate_cells",
        "dendritic_cells",
        "cytokines",
        "checkpoints",
        "vessels_and_hypoxia",
        "epithelial_mesenchymal_transition",
    ]
    direction: Literal["helps", "hinders", "unchanged", "disputed"]
    model: Literal["cells", "animals", "patients", "mixed", "hypothesis"]
    text: Text
    for_: Annotated[list[Id] | None, Field(alias="for", min_length=1)] = None
    claims: Annotated[list[str], Field(min_length=1)]


class Review(Strict):
    """Who has reviewed a file."""

    status: Literal["draft", "reviewed", "retired"]
    by: Text | None = None
    on: Text | None = None


class Case(Strict):
    """Patient fragments that fire a rule, nearly fire it, or leave it open; and what the rule is meant to bring about.

    What a case states, it states a second time: a slip in the rule then contradicts the case. With a ``verdict``, the ``met``
    patients of an indication are whole records that get it.

    Attributes:
        rule: id of the rule within the file.
        claims: every claim that the rule rests on.
        bears_on: of a rule with ``for``: every indication that it concerns.
        settings: of an indication: every setting in which it applies.
        verdict, evidence_level: of an indication: what its ``met`` patients get.
        hazard_ratio: of an indication: the ratio of its ``effect``, where that has one.
        effect: of a preference: which way it points.
        met, not_met, unknown: fragments of patient records for which the rule is true, false and open.
    """

    rule: Id
    claims: Annotated[list[str], Field(min_length=1)] | None = None
    bears_on: Annotated[list[Id], Field(min_length=1)] | None = None
    settings: Annotated[list[Setting], Field(min_length=1)] | None = None
    verdict: Verdict | None = None
    evidence_level: Literal[1, 2, 3, 4, 5] | None = None
    hazard_ratio: float | int | None = None
    effect: Literal["favours", "disfavours", "noted"] | None = None
    met: list[dict[str, Any]] = []
    not_met: list[dict[str, Any]] = []
    unknown: list[dict[str, Any]] = []


class OptionFile(Strict):
    """``options/<option>.yaml``: everything about one option."""

    id: Id
    name: Text
    aliases: list[Id] = []
    kind: Literal["drug", "combination", "procedure", "care"]
    drugs: list[Text]
    classes: list[Id]
    targets: list[Text]
    regimen: Regimen
    indications: Annotated[list[Indication], Field(max_length=100)]
    include: list[RuleBody] = []
    exclude: list[RuleBody] = []
    reservations: list[RuleBody] = []
    cautions: list[RuleBody] = []
    preferences: list[PreferenceBody] = []
    notes: list[NoteBody] = []
    microenvironment: list[MicroenvironmentEffect] = []
    later_lines: LaterLines = LaterLines()
    evidence: list[EvidenceBody] = []
    rationale: Text
    later_evidence: list[LaterEvidence] = []
    review: Review
    cases: list[Case] = []


class NoticeBody(Conditional):
    """Something the board should know, whatever the options."""

    id: Id
    text: Text
    claims: list[str] = []


class NoticeFile(Strict):
    """``notices.yaml``."""

    notices: list[NoticeBody]
    cases: list[Case] = []
