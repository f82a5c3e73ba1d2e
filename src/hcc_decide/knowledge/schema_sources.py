"""The shape of what stands behind the rules and what they teach: trials, claims, conflicts, sequences, vignettes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from hcc_decide.decision import Setting, Verdict
from hcc_decide.knowledge.schema import Id, Review, Strict, Text


class Arm(Strict):
    """One arm of a trial."""

    id: Id
    text: Text
    option: Id | None = None
    n: int | None = None


Measure = Literal[
    "overall_survival",
    "progression_free_survival",
    "time_to_progression",
    "time_to_symptomatic_progression",
    "objective_response",
    "disease_control",
    "complete_response",
    "recurrence_free_survival",
    "time_to_recurrence",
    "duration_of_response",
    "disease_free_survival",
    "survival_rate",
    "recurrence_free_survival_rate",
    "pathological_response",
    "conversion_to_local_treatment",
    "quality_of_life",
]


class Endpoint(Strict):
    """One result of a trial."""

    id: Id
    measure: Measure
    arm: Id
    control: Id | None = None
    unit: Literal["months", "weeks", "days", "percent"]
    arm_value: float | int | None = None
    control_value: float | int | None = None
    hr: float | int | None = None
    ci: Annotated[list[float | int], Field(min_length=2, max_length=2)] | None = None
    ci_percent: float | int | None = None
    p: Text | None = None
    analysis: Text | None = None
    verified: bool
    claims: list[str] = Field(default_factory=list)
    review_prints: Text | None = None


class SafetyResult(Strict):
    """One safety result of a trial."""

    text: Text
    claims: list[str] = Field(default_factory=list)


class Citation(Strict):
    """Where a trial is published."""

    authors: Text | None
    journal: Text | None
    year: int | None
    volume: Text | None = None
    pages: Text | None = None
    doi: Annotated[str, Field(pattern=r"^10\.\d{4,9}/\S+$")] | None = None
    pmid: Annotated[str, Field(pattern=r"^\d{1,8}$")] | None = None


class Passage(Strict):
    """A passage of a review, by line."""

    review: Text
    lines: Annotated[list[int], Field(min_length=2, max_length=2)]


class Trial(Strict):
    """``trials/<trial>.yaml``."""

    id: Id
    name: Text
    status: Literal["reported", "ongoing"] = "reported"
    expected_completion: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")] | None = None
    phase: Text
    design: Text
    settings: Annotated[list[Setting], Field(min_length=1)]
    population: Text
    enrolled: int | None
    arms: Annotated[list[Arm], Field(min_length=1)]
    primary_endpoint: Text | None
    primary_endpoint_met: Literal["met", "missed", "partly", "not_tested", "awaited"]
    endpoints: list[Endpoint] = Field(default_factory=list)
    safety: list[SafetyResult] = Field(default_factory=list)
    citation: Citation | None
    nct: Annotated[str, Field(pattern=r"^NCT\d{8}$")] | None
    registry_note: Text | None = None
    unverified: list[str]
    reported_in: list[Passage]
    discrepancies: list[Text]
    summary: Text


class Claim(Strict):
    """One thing that a review claims, in our own words."""

    id: Annotated[str, Field(pattern=r"^[A-Z]{2,4}-\d{3}$")]
    lines: Annotated[list[int], Field(min_length=2, max_length=2)]
    section: Text
    references: list[int]
    kind: Text
    actionable: bool
    subjects: list[str]
    statement: Text
    figures: dict[str, Any]
    remark: Text | None = None
    not_encoded: Text | None = None


class ClaimFile(Strict):
    """``claims/*.yaml``."""

    review: Text
    claims: list[Claim]

    @field_validator("claims")
    @classmethod
    def _in_use(cls, claims: list[Claim]) -> list[Claim]:
        if not claims:
            raise ValueError("holds no claim")
        return claims


class ConflictValue(Strict):
    """One of the values that sources give for the same thing."""

    source: Text
    value: Text
    claims: list[str] = Field(default_factory=list)
    trials: list[Id] = Field(default_factory=list)


class Conflict(Strict):
    """A place where sources disagree, what the rule base uses and why."""

    id: Id
    about: Text
    kind: Literal["within_review", "between_reviews", "review_and_publication", "misprint"]
    values: Annotated[list[ConflictValue], Field(min_length=2)]
    used: Text
    why: Text


class ConflictFile(Strict):
    """``conflicts.yaml``."""

    conflicts: Annotated[list[Conflict], Field(min_length=1)]


class SequenceResult(Strict):
    """A figure that a trial or a review reports for a sequence."""

    measure: Measure
    unit: Literal["months", "weeks", "days", "percent"]
    value: float | int
    control_value: float | int | None = None
    hr: float | int | None = None
    text: Text


class Sequence(Strict):
    """What is known of giving one treatment after another.

    Attributes:
        after: option that came before.
        outcome: how that line ended.
        option: what follows.
        line: details of that line beyond its treatment and outcome.
        standing: what the rule base makes of it; `hcc_decide.teaching` checks it against the decision for ``patient``.
        patient: the record that the standing is checked with, without the line of ``after``.
    """

    id: Id
    after: Id
    outcome: Annotated[list[Literal["progression", "intolerance"]], Field(min_length=1)]
    line: dict[str, Any] = Field(default_factory=dict)
    option: Id
    standing: Literal["offered", "alternative", "investigational", "discouraged", "excluded"]
    text: Text
    results: list[SequenceResult] = Field(default_factory=list)
    claims: Annotated[list[str], Field(min_length=1)]
    trials: list[Id] = Field(default_factory=list)
    patient: dict[str, Any]


class Ending(Strict):
    """One way in which a line of therapy can end.

    Attributes:
        label: a word or two for pictures.
        text: what is assumed with it, for people.
        line: what the line then says beyond its option.
    """

    label: Text
    text: Text
    line: dict[str, Any]


class StillRunning(Strict):
    """What a line that runs today says once the next one begins."""

    text: Text
    line: dict[str, Any]


class ProcedureEnding(Strict):
    """What a record says after a procedure that ended in one way, beyond the procedure itself; ``None`` takes a field out."""

    text: Text
    record: dict[str, Any] = Field(default_factory=dict)


class Procedure(Strict):
    """What becomes of a record after options that are a procedure or contain one.

    Attributes:
        options: the options.
        settings: where this holds; ``None``: everywhere.
        adds: the value that ``prior_locoregional`` gains.
        after: by the id of an ending; other endings are not followed.
    """

    options: Annotated[list[Id], Field(min_length=1)]
    settings: Annotated[list[Setting], Field(min_length=1)] | None = None
    adds: Text
    after: Annotated[dict[Id, ProcedureEnding], Field(min_length=1)]


class NotFollowed(Strict):
    """Why nothing is said of what comes after some options, or after any in some settings; ``None`` stands for all."""

    options: Annotated[list[Id], Field(min_length=1)] | None = None
    settings: Annotated[list[Setting], Field(min_length=1)] | None = None
    text: Text


class Course(Strict):
    """How lines of therapy can end and what the record then says.

    Attributes:
        endings: of a treatment with drugs, which becomes a line; by id.
        still_running: how a line that runs today counts, once another follows.
        procedures: the options that change more than the list of lines, or something else.
        not_followed: why others are not followed; the first entry that fits speaks.
        may_change: facts that often change between two lines.
    """

    endings: dict[Id, Ending] = Field(default_factory=dict)
    still_running: StillRunning | None = None
    procedures: list[Procedure] = Field(default_factory=list)
    not_followed: list[NotFollowed] = Field(default_factory=list)
    may_change: list[Text] = Field(default_factory=list)


class SequenceFile(Course):
    """``sequences.yaml``; with the typical patient, the docs show what the rule base offers after each treatment."""

    typical_patient: dict[str, Any]
    sequences: Annotated[list[Sequence], Field(min_length=1)]


class Expectation(Strict):
    """What a vignette expects of one option, and why."""

    option: Id
    verdict: Verdict
    why: Text
    rank: int | None = None
    rules: list[str] = Field(default_factory=list)


class Vignette(Strict):
    """``vignettes/<vignette>.yaml``: a case for teaching, run as a test."""

    id: Id
    title: Text
    story: Text
    teaches: Text
    patient: dict[str, Any]
    setting: Setting
    expect: Annotated[list[Expectation], Field(min_length=1)]
    missing: list[str] = Field(default_factory=list)
    claims: Annotated[list[str], Field(min_length=1)]
    review: Review
