"""One decision of a look ahead: its options with their reasons, and why others are out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hcc_decide.decide import cautions, checklist, excluded
from hcc_decide.decision import LISTED, USABLE, Criterion, Setting
from hcc_decide.engine.inference import Inference
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name, setting_labels
from hcc_decide.missing import OpenFacts, label_of
from hcc_decide.patient import Patient
from hcc_decide.ranking import Place, because, governing_use, rank
from hcc_decide.sequence.onward import why_not_followed
from hcc_decide.sequence.shape import Awaited, Lost, Node, Offer, Opened, Stop, Taken


@dataclass
class Met:
    """A decision that the look ahead has come to.

    Attributes:
        id: of its node.
        ahead: how many lines ahead it lies.
        patient, record: what it is made for, on the first way there.
        inference: what the rules make of it.
        taken: the lines on the first way there.
        followed: the options that the look ahead goes on from.
        ways: how many ways lead there.
    """

    knowledge: Knowledge
    id: str
    ahead: int
    patient: Patient
    record: Mapping[str, Any]
    inference: Inference
    taken: tuple[Taken, ...]
    followed: tuple[str, ...] = ()
    ways: int = 1
    _lost: dict[str, Lost] = field(default_factory=dict)

    @property
    def setting(self) -> Setting:
        """The setting that the decision is made in."""
        return self.inference.setting

    @cached_property
    def places(self) -> list[Place]:
        """The options that come into question, in order."""
        return rank(self.knowledge, self.inference)

    @cached_property
    def offered(self) -> tuple[str, ...]:
        """The options that are usable, or would be if what is missing turns out well, in order."""
        return tuple(place.option for place in self.places if (place.would_be or place.verdict) in USABLE)

    @cached_property
    def _open_facts(self) -> OpenFacts:
        return OpenFacts(self.knowledge, self.inference)

    def opened(self, option: str) -> Opened:
        """Return an option that has come within reach."""
        standing = self.inference.standings[option]
        return Opened(
            option=option,
            name=option_name(self.knowledge, option),
            verdict=standing.verdict,
            would_be=standing.would_be,
            waits_for=self._awaited(option),
        )

    def lost(self, option: str) -> Lost:
        """Return why an option is out of reach here."""
        found = self._lost.get(option)
        if found is None:
            standing = self.inference.standings[option]
            reason, criteria = self._why_not(option)
            found = self._lost[option] = Lost(
                option=option,
                name=option_name(self.knowledge, option),
                verdict=standing.verdict,
                would_be=standing.would_be,
                reason=reason,
                criteria=criteria,
            )
        return found

    def _why_not(self, option: str) -> tuple[str, list[Criterion]]:
        treatment, standing = self.knowledge.options[option], self.inference.standings[option]
        use = governing_use(treatment, standing)
        if standing.verdict not in LISTED or use is None:
            found = excluded(self.knowledge, self.inference, treatment)
            return found.reason, found.criteria
        criteria = [
            item for item in checklist(self.knowledge, self.inference, treatment, use) if item.result == "not_met"
        ]
        word = (standing.would_be or standing.verdict).replace("_", " ")
        texts = "; ".join(item.text for item in criteria)
        return f"Only {word} here: {use.body.text}{f'; not met: {texts}' if texts else ''}.", criteria

    def _awaited(self, option: str) -> list[Awaited]:
        if self.inference.standings[option].verdict != "undetermined":
            return []
        facts = self._open_facts.behind(self.knowledge.options[option])
        return [Awaited(fact=fact, label=label_of(self.knowledge, fact)) for fact in facts]

    def node(self, stop: Stop | None) -> Node:
        """Return the decision as it is shown."""
        shown = {*self.offered, *self.followed}
        return Node(
            id=self.id,
            ahead=self.ahead,
            taken=list(self.taken),
            setting=self.setting,
            setting_label=setting_labels(self.knowledge)[self.setting],
            record=dict(self.record),
            verdicts={name: standing.verdict for name, standing in self.inference.standings.items()},
            offers=[self._offer(place) for place in self.places if place.option in shown],
            stop=stop,
        )

    def _offer(self, place: Place) -> Offer:
        treatment = self.knowledge.options[place.option]
        use = governing_use(treatment, self.inference.standings[place.option])
        assert use is not None  # what is ranked has one
        awaited = self._awaited(place.option)
        return Offer(
            option=place.option,
            name=treatment.body.name,
            verdict=place.verdict,
            would_be=place.would_be,
            evidence_level=place.level,
            rank=place.rank,
            ranked_here_because=because(place, self.knowledge, [item.label for item in awaited]),
            waits_for=awaited,
            criteria=checklist(self.knowledge, self.inference, treatment, use),
            cautions=cautions(self.knowledge, self.inference, treatment, use),
            followed=place.option in self.followed,
            not_followed=why_not_followed(self.knowledge, treatment, self.setting),
        )
