"""The lines of therapy that may follow today's decision: the shape of the answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from hcc_decide.decision import Caution, Criterion, KnowledgeStamp, Setting, Value, Verdict
from hcc_decide.sequence.plan import Plan


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Awaited(_Part):
    """A fact that is missing and that an option hangs on."""

    fact: str
    label: str


class Offer(_Part):
    """An option that can be offered at a decision, or could if what is missing turns out well.

    Attributes:
        rank: among all options that come into question there.
        waits_for: the facts that it hangs on while it is undetermined.
        criteria: the checklist of the use that decides.
        followed: whether the look ahead goes on from it.
        not_followed: why the rules say nothing of what comes after it; ``None`` when they do.
    """

    option: str
    name: str
    verdict: Verdict
    would_be: Verdict | None
    evidence_level: int
    rank: int
    ranked_here_because: str
    waits_for: list[Awaited]
    criteria: list[Criterion]
    cautions: list[Caution]
    followed: bool
    not_followed: str | None


class Taken(_Part):
    """A line taken on the way: the option, and how the line ended."""

    option: str
    name: str
    ending: str
    ending_label: str


class Stop(_Part):
    """Why nothing follows a decision here."""

    kind: Literal["depth", "nothing_usable", "not_followed"]
    text: str


class Node(_Part):
    """One decision on the way.

    Attributes:
        id: unique in the tree; today's is the first.
        ahead: how many lines lie between today and this decision.
        taken: the lines on the first way there; other ways may lead to the same decision.
        record: the record it is made for, on that way.
        verdicts: of every option of the catalogue.
        offers: in order of rank.
        stop: ``None`` when steps lead on.
    """

    id: str
    ahead: int
    taken: list[Taken]
    setting: Setting
    setting_label: str
    record: dict[str, Any]
    verdicts: dict[str, Verdict]
    offers: list[Offer]
    stop: Stop | None


class Opened(_Part):
    """An option that a step brings into question."""

    option: str
    name: str
    verdict: Verdict
    would_be: Verdict | None
    waits_for: list[Awaited]


class Lost(_Part):
    """An option that is out of reach after a step.

    Attributes:
        verdict, would_be: what it has after the step.
        reason: one sentence.
        criteria: those that it fails there; none where its setting is another or its evidence is weak.
        kept_by: for what is foregone, the choices after which it would have stayed within reach, in words.
    """

    option: str
    name: str
    verdict: Verdict
    would_be: Verdict | None
    reason: str
    criteria: list[Criterion]
    kept_by: list[str] = []


class Said(_Part):
    """What the option's own entry says that it opens or closes for later lines, where that is what happened."""

    kind: Literal["opens", "closes"]
    option: str
    name: str
    text: str
    claims: list[str]


class Figure(_Part):
    """One result reported for a sequence."""

    measure: str
    unit: str
    value: float | int
    control_value: float | int | None
    hr: float | int | None
    text: str


class Source(_Part):
    """A trial behind a sequence."""

    trial: str
    name: str
    citation: str
    doi: str | None
    nct: str | None
    unverified: list[str]


class Known(_Part):
    """What the rules know of giving one option right after another.

    Attributes:
        id: of the entry in ``sequences.yaml``.
        option, name: what follows.
        figures: what was measured; empty when nobody did.
        further_lines: how many lines before the last one the entry does not name, so that its patients may lack them.
    """

    id: str
    option: str
    name: str
    text: str
    figures: list[Figure]
    claims: list[str]
    trials: list[Source]
    further_lines: int


class Step(_Part):
    """From one decision to the next: an option is taken, and its line ends in one way.

    Attributes:
        source, target: ids of nodes.
        opens: in question as usable at the next decision, and not at this one.
        closes: the reverse; the option taken is not named, it has been given.
        foregone: in question next after another choice at this decision with the same ending, or after this choice with
            another ending, and not after this step.
        said: what the option's entry says of later lines.
        known: what is known of the options offered next, by rank; those with figures were measured in trials.
        not_measured: the drugs offered next for which no trial of the rule base measured this sequence.
    """

    source: str
    target: str
    option: str
    name: str
    ending: str
    ending_label: str
    opens: list[Opened]
    closes: list[Lost]
    foregone: list[Lost]
    said: list[Said]
    known: list[Known]
    not_measured: list[str]

    @property
    def measured(self) -> list[Known]:
        """What is known with figures."""
        return [item for item in self.known if item.figures]


class AsToday(_Part):
    """A fact that often changes between lines and that the look ahead leaves as it is today."""

    fact: str
    label: str
    value: Value
    text: str


class SequenceTree(_Part):
    """Where today's choices lead, decision by decision. Equal decisions are shared, so several steps may lead to one.

    Attributes:
        patient: today's record.
        assumed: everything that is assumed on the way, one sentence each.
        as_today: facts that often change and are not assumed to.
        nodes: today's decision first, then line by line.
        steps: in the order of their sources, options and endings.
        known_today: what is known of giving today's options after the last line so far.
        ways: how many decisions there would be if none were shared.
    """

    schema_version: Literal[1] = 1
    knowledge: KnowledgeStamp
    patient: dict[str, Any]
    plan: Plan
    assumed: list[str]
    as_today: list[AsToday]
    nodes: list[Node]
    steps: list[Step]
    known_today: list[Known]
    ways: int
    intended_use: str

    @property
    def sha256(self) -> str:
        """Of the knowledge that it was made with."""
        return self.knowledge.sha256

    def node(self, name: str) -> Node:
        """Return a decision by its id; ``KeyError`` when there is none."""
        found = next((node for node in self.nodes if node.id == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def steps_from(self, name: str) -> list[Step]:
        """Return the steps that lead on from a decision."""
        return [step for step in self.steps if step.source == name]
