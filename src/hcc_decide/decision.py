"""The decision: what comes out, verdict by verdict, with reasons and citations."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal[
    "preferred",
    "recommended",
    "alternative",
    "investigational",
    "undetermined",
    "not_recommended",
    "ineligible",
    "not_applicable",
]
VERDICTS: tuple[Verdict, ...] = (
    "preferred",
    "recommended",
    "alternative",
    "investigational",
    "undetermined",
    "not_recommended",
    "ineligible",
    "not_applicable",
)
"""Every verdict, best first."""

LISTED: tuple[Verdict, ...] = VERDICTS[:5]
"""The verdicts that stand under ``options``; the others stand under ``excluded``."""

USABLE: tuple[Verdict, ...] = VERDICTS[:3]
"""The verdicts of what a board can offer outside a trial."""

Setting = Literal[
    "curative",
    "locoregional",
    "first_line",
    "second_line",
    "later_line",
    "adjuvant",
    "neoadjuvant",
    "supportive",
    "liver_metastasis",
    "undetermined",
]
Result = Literal["met", "not_met", "unknown"]
Value = bool | int | float | str | None | list[str]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KnowledgeStamp(_Part):
    """Which knowledge decided: edition, version, and the sha256 of its files."""

    edition: str
    version: str
    sha256: str


class Derivation(_Part):
    """A fact that a staging rule derived, and the facts it was read from."""

    fact: str
    value: Value
    rule: str
    from_: list[str]

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        serialize_by_alias=True,
        alias_generator=lambda n: n.rstrip("_"),
        validate_by_name=True,
    )


class Criterion(_Part):
    """One testable sentence about the patient.

    Attributes:
        kind: ``indication``, ``include``, ``exclude`` or ``reservation``.
        result: ``met`` always speaks for the option: an exclusion that does not apply is ``met``.
        holds: whether the sentence itself is true of the patient; ``None`` when not known.
        facts: the facts it reads, with the patient's own values (``None``: not known).
    """

    rule: str
    kind: Literal["indication", "include", "exclude", "reservation"]
    text: str
    result: Result
    holds: bool | None
    facts: dict[str, Value]
    claims: list[str]
    trials: list[str]


class Caution(_Part):
    """Something that does not exclude the option and must be seen."""

    rule: str
    text: str
    facts: dict[str, Value]
    claims: list[str]


class Preference(_Part):
    """A patient-specific finding for or against the option; ``noted`` findings are shown and not counted."""

    rule: str
    text: str
    effect: Literal["favours", "disfavours", "noted"]
    facts: dict[str, Value]
    claims: list[str]


class Evidence(_Part):
    """One trial behind the option, for or against."""

    trial: str
    name: str
    direction: Literal["supports", "against", "mixed"]
    status: Literal["reported", "ongoing"]
    summary: str
    citation: str
    doi: str | None
    nct: str | None
    unverified: list[str]


class Note(_Part):
    """Counselling knowledge that decides nothing: toxicity, biomarkers, cost, sequence."""

    rule: str
    kind: str
    text: str
    claims: list[str]


class SourceValue(_Part):
    """What one source says."""

    source: str
    value: str


class SourceConflict(_Part):
    """A place where sources disagree and on which the option's entry rests, with the value used and why."""

    id: str
    about: str
    values: list[SourceValue]
    used: str
    why: str


class Option(_Part):
    """An option that stands under ``options``.

    Attributes:
        aliases: other ids that a record may use for it.
        conflicts: where the sources behind this entry disagree.
    """

    rank: int
    id: str
    name: str
    aliases: list[str]
    verdict: Verdict
    evidence_level: int | None
    criteria: list[Criterion]
    cautions: list[Caution]
    preferences: list[Preference]
    notes: list[Note]
    evidence: list[Evidence]
    conflicts: list[SourceConflict]
    would_be: Verdict | None
    regimen: str
    ranked_here_because: str


class Excluded(_Part):
    """An option that does not come into question.

    Attributes:
        criteria: the ones that are not met; none for an option whose evidence is negative or whose setting is another.
        claims: what the verdict rests on.
    """

    id: str
    name: str
    aliases: list[str]
    verdict: Verdict
    criteria: list[Criterion]
    reason: str
    claims: list[str]
    evidence: list[Evidence]
    conflicts: list[SourceConflict]


class FactWorth(_Part):
    """What finding out one missing fact could change while all others stay as they are.

    Attributes:
        first_choices: the first choices that its answers lead to besides today's, each as ids of the usable options of rank 1;
            an empty list stands for none.
        usable: how many options can change their verdict that are usable today or with some answer, or would be if what is
            missing turns out well.
        options: how many options can change their verdict.
    """

    first_choices: list[list[str]]
    usable: int
    options: int


class Missing(_Part):
    """A fact that is not known and that some option hangs on.

    Attributes:
        worth: what finding it out could change; ``None`` where that was not looked at.
    """

    fact: str
    label: str
    question: str
    would_decide: list[str]
    worth: FactWorth | None = None


class Notice(_Part):
    """Something the board should know that decides nothing by itself."""

    rule: str
    text: str
    claims: list[str]
    option: str | None = None


class Step(_Part):
    """One firing of a rule: what it read and what it asserted."""

    step: int
    stratum: Literal["staging", "eligibility", "ranking"]
    rule: str
    matched: dict[str, Value]
    asserted: dict[str, Value]


class Decision(_Part):
    """The whole answer for one patient. Every option of the catalogue appears once, listed or excluded."""

    schema_version: Literal[1] = 1
    knowledge: KnowledgeStamp
    patient: dict[str, Any]
    setting: Setting
    derived: list[Derivation]
    options: list[Option]
    excluded: list[Excluded]
    missing: list[Missing]
    notices: list[Notice]
    intended_use: str
    trace: list[Step]

    @property
    def in_question(self) -> list[Option]:
        """The listed options, in order, without those that are out of the question whatever is still missing."""
        return [item for item in self.options if item.would_be not in ("ineligible", "not_recommended")]

    def verdict_of(self, option_id: str) -> Verdict:
        """Return the verdict of one option; ``KeyError`` when the catalogue lacks it."""
        verdicts: dict[str, Verdict] = {item.id: item.verdict for item in self.options}
        verdicts |= {item.id: item.verdict for item in self.excluded}
        return verdicts[option_id]
