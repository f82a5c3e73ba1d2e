"""What moved between two decisions: the shape of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hcc_decide.decision import USABLE, VERDICTS, Result, Setting, Value, Verdict

OUT_OF_QUESTION: tuple[Verdict, ...] = ("not_recommended", "ineligible", "not_applicable")

Direction = Literal["better", "worse", "settled", "opened", "moved", "same"]
"""What became of an option's standing.

``better`` and ``worse``: whatever is still missing, its verdict is no worse (no better) than before. ``settled``: it was
undetermined and now has a verdict between the best and the worst that were possible; ``opened`` is the reverse. ``moved``: the
verdict is the same and the rank is not, or it is out of question both times and for another reason. ``same``: nothing moved.
"""
_MIRROR: Mapping[Direction, Direction] = {
    "better": "worse",
    "worse": "better",
    "settled": "opened",
    "opened": "settled",
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FactChange(_Part):
    """One fact with its values before and after; ``None`` is not known.

    Attributes:
        fact: its name, or an attribute such as ``prior_option[<option>]``.
        derived: whether neither record gives it, so that staging or arithmetic did.
    """

    fact: str
    label: str
    before: Value
    after: Value
    derived: bool

    @property
    def differs(self) -> bool:
        """Whether the two values differ."""
        return self.before != self.after


class SettingChange(_Part):
    """The use that counted belongs to another setting than the patient is in now, or the other way round."""

    kind: Literal["setting"] = "setting"
    before: Setting
    after: Setting


class Judged(_Part):
    """The indication that an option was judged by, with the verdict that its evidence gives it."""

    rule: str
    text: str
    verdict: Verdict
    evidence_level: int
    claims: list[str]


class IndicationChange(_Part):
    """The option is judged by another indication, or by none; ``facts`` are those that decide which one applies."""

    kind: Literal["indication"] = "indication"
    before: Judged | None
    after: Judged | None
    facts: list[FactChange]


class CriterionChange(_Part):
    """A criterion has another result; ``met`` always speaks for the option, ``None``: not asked of it there."""

    kind: Literal["criterion"] = "criterion"
    rule: str
    of: Literal["indication", "include", "exclude", "reservation"]
    text: str
    before: Result | None
    after: Result | None
    facts: list[FactChange]
    claims: list[str]
    trials: list[str]


class PreferenceChange(_Part):
    """A finding for or against the option came or went."""

    kind: Literal["preference"] = "preference"
    came: bool
    rule: str
    text: str
    effect: Literal["favours", "disfavours", "noted"]
    facts: list[FactChange]
    claims: list[str]


class CautionChange(_Part):
    """A caution came or went."""

    kind: Literal["caution"] = "caution"
    came: bool
    rule: str
    text: str
    facts: list[FactChange]
    claims: list[str]


class RegimenChange(_Part):
    """The option is given in another way; ``facts`` are those that decide how."""

    kind: Literal["regimen"] = "regimen"
    before: str
    after: str
    facts: list[FactChange]


class Displacement(_Part):
    """The option's own standing is the same; others came above it or left from there.

    Attributes:
        came_above, left_above: option ids, in order of rank. Both empty: options above it share ranks otherwise than before.
    """

    kind: Literal["others"] = "others"
    came_above: list[str]
    left_above: list[str]


Reason = Annotated[
    SettingChange
    | IndicationChange
    | CriterionChange
    | PreferenceChange
    | CautionChange
    | RegimenChange
    | Displacement,
    Field(discriminator="kind"),
]


class Place(_Part):
    """Where an option stands; ``rank`` and ``evidence_level`` are ``None`` for one that is excluded."""

    verdict: Verdict
    would_be: Verdict | None
    rank: int | None
    evidence_level: int | None

    @property
    def usable(self) -> bool:
        """Whether a board can offer it, or could if what is missing turns out well."""
        return (self.would_be or self.verdict) in USABLE

    @property
    def out_of_question(self) -> bool:
        """Whether it is excluded, or would be whatever is still missing."""
        return (self.would_be or self.verdict) in OUT_OF_QUESTION

    @property
    def span(self) -> tuple[int, int]:
        """The best and the worst verdict still possible, as places in the order of verdicts; what excludes counts alike."""
        excluded = VERDICTS.index(OUT_OF_QUESTION[0])
        best = min(VERDICTS.index(self.would_be or self.verdict), excluded)
        return best, excluded if self.verdict == "undetermined" else best


class OptionChange(_Part):
    """One option that stands differently, and why.

    Attributes:
        reasons: what changed in the rules behind it; at least one. Those that decide come first.
    """

    option: str
    name: str
    before: Place
    after: Place
    direction: Direction
    reasons: list[Reason]


class Changes(_Part):
    """Everything that differs between two decisions.

    Attributes:
        facts: the facts with another value, as entered first, then derived ones; the setting is one of the latter.
        options: the options that stand differently, usable ones first.
        unchanged: how many options stand exactly as before.
    """

    facts: list[FactChange]
    options: list[OptionChange]
    unchanged: int


def mirrored(direction: Direction) -> Direction:
    """Return the direction of the same change taken back."""
    return _MIRROR.get(direction, direction)
