"""What it would take to give an option another verdict: the shape of the answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from hcc_decide.decision import VERDICTS, Verdict

By = Literal["test", "treatment", "course", "fixed"]
"""How a value can come about.

``test``: it is not known today and can be found out. ``treatment``: treatment, preparation or waiting can bring it about.
``course``: only the further course of the disease brings it, such as a further line of therapy. ``fixed``: nothing does.
"""
WAYS_ABOUT: tuple[By, ...] = ("test", "treatment", "course", "fixed")
"""What comes about most easily first."""
ACTIONABLE: tuple[By, ...] = WAYS_ABOUT[:2]
"""What a board can do something about."""

GOALS: tuple[Verdict, ...] = tuple(verdict for verdict in VERDICTS if verdict != "undetermined")
"""The verdicts that can be wanted: what is not known is no goal."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Needed(_Part):
    """Values of one fact that do, as far as they come about in the same way.

    Attributes:
        text: the values in words, with units.
        by: how they can come about.
    """

    text: str
    by: By


class Change(_Part):
    """One fact that has to have another value.

    Attributes:
        fact: a field of the record, or a detail of prior lines such as ``prior_systemic[<option>].last_daily_dose_mg``.
        now: its value today in words.
        needed: every value that does, what comes about most easily first; of prior lines the shortest that do.
        how: what brings it about, where treatment can.
        value: one value that does, as a record holds it; among the first of ``needed``.
    """

    fact: str
    label: str
    now: str
    needed: list[Needed]
    how: str | None
    value: Any

    @property
    def by(self) -> By:
        """How the value that comes about most easily does so."""
        return self.needed[0].by


class Turned(_Part):
    """A rule that kept the option from the verdict and no longer does."""

    rule: str
    text: str
    claims: list[str]


class Way(_Part):
    """Values for the facts of one answer; any of the values of each fact does, together with any of the others.

    Attributes:
        verdict: what the option then gets.
        changes: one for each fact of the answer.
        turns: the rules that turn, with the ``value`` of each change.
    """

    verdict: Verdict
    changes: list[Change]
    turns: list[Turned]

    @property
    def by(self) -> By:
        """How the hardest of its changes comes about."""
        return max((change.by for change in self.changes), key=WAYS_ABOUT.index)


class Answer(_Part):
    """Facts that suffice when they have other values, while all others stay as they are; fewer of them do not.

    Attributes:
        facts: their names; ``prior_systemic`` stands for the lines with all their details.
        ways: with which values, what comes about most easily first.
        whole: whether ``ways`` covers all values that suffice; otherwise there are more.
    """

    facts: list[str]
    ways: list[Way]
    whole: bool

    @property
    def by(self) -> By:
        """How the easiest of its ways comes about."""
        return min((way.by for way in self.ways), key=WAYS_ABOUT.index)

    @property
    def actionable(self) -> bool:
        """Whether tests and treatment can bring one of its ways about."""
        return self.by in ACTIONABLE


class Counterfactuals(_Part):
    """Every smallest set of facts whose change would give an option a verdict.

    Attributes:
        sha256: of the knowledge.
        option, name: the option.
        wanted: the verdicts of which one is wanted.
        verdict, would_be: what the option has today.
        answers: what comes about most easily first, then the fewest facts first; empty when it has the verdict already.
        whole: whether there are no more answers than these.
    """

    sha256: str
    option: str
    name: str
    wanted: list[Verdict]
    verdict: Verdict
    would_be: Verdict | None
    answers: list[Answer]
    whole: bool

    @property
    def already(self) -> bool:
        """Whether the option has a wanted verdict today."""
        return self.verdict in self.wanted

    @property
    def impossible(self) -> bool:
        """Whether it is proved that no change of facts gives it."""
        return not self.already and not self.answers and self.whole
