"""The order of options: verdict, then evidence level, then patient-specific findings, then effect size.

Nothing else enters. The keys that sort are the ones that the sentence of each option quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from hcc_decide.decision import LISTED, VERDICTS, Verdict
from hcc_decide.engine.inference import Inference, Standing
from hcc_decide.knowledge.catalogue import Knowledge, Rule, Treatment, Use

Group = tuple[int, int, int, int]
"""Verdict, would-be verdict, evidence level and balance of findings, as sorted."""

USUAL_PERCENT = 95.0
"""Level of an interval that goes without saying."""


@dataclass(frozen=True)
class EffectSize:
    """The hazard ratio that stands for an indication.

    Attributes:
        ci, ci_percent: the interval and its level; the usual 95 where the file names none.
        counted: the ratio that ranks: the trial's own, or 1 when its interval includes 1 or the endpoint was missed.
        verified: whether the figures were confirmed in the publication; otherwise they are as a review prints them.
    """

    trial: str
    measure: str
    comparator: str
    comparator_name: str
    hr: float
    ci: tuple[float, float] | None
    ci_percent: float
    counted: float
    verified: bool

    @property
    def interval(self) -> str:
        """The interval in brackets after a blank, with its level unless that is the usual one; empty when there is none."""
        if self.ci is None:
            return ""
        level = f"{self.ci_percent:g} % interval " if self.ci_percent != USUAL_PERCENT else ""
        return f" ({level}{self.ci[0]:g} to {self.ci[1]:g})"


@dataclass(frozen=True)
class Place:
    """Where an option stands and by which keys.

    Attributes:
        option: option id.
        verdict, would_be: its verdict.
        level: evidence level of the indication that decides.
        favours, disfavours: findings that speak for and against it, in file order.
        effect: its effect size, if a randomised trial gives one.
        behind: how many options of equal keys have a better effect against the same comparator.
        rank: 1 for the first; equal keys share a rank.
    """

    option: str
    verdict: Verdict
    would_be: Verdict | None
    level: int
    favours: tuple[Rule, ...]
    disfavours: tuple[Rule, ...]
    effect: EffectSize | None
    behind: int = 0
    rank: int = 0

    @property
    def group(self) -> Group:
        """Verdict, would-be verdict, evidence level and balance of findings, as sorted."""
        would_be = VERDICTS.index(self.would_be) if self.would_be else 0
        return VERDICTS.index(self.verdict), would_be, self.level, len(self.disfavours) - len(self.favours)

    @property
    def key(self) -> tuple[int, int, int, int, int]:
        """The whole key; equal keys share a rank."""
        return (*self.group, self.behind)


def governing_use(treatment: Treatment, standing: Standing) -> Use | None:
    """Return the indication that decides an option's verdict, or comes nearest to it."""
    return next((use for use in treatment.uses if use.body.id == standing.indication), None)


def effect_size(knowledge: Knowledge, use: Use) -> EffectSize | None:
    """Return the effect size that an indication names, ``None`` when it names none or the trial reports no ratio."""
    named = use.body.effect
    if named is None:
        return None
    trial = knowledge.trials[named.trial]
    end = next(item for item in trial.endpoints if item.id == named.endpoint)
    if end.hr is None or end.control is None:
        return None
    arm = next(item for item in trial.arms if item.id == end.control)
    ci = (float(end.ci[0]), float(end.ci[1])) if end.ci else None
    decisive = ci is not None and (ci[1] < 1 or ci[0] > 1) and trial.primary_endpoint_met != "missed"
    comparator = arm.option or arm.id
    name = knowledge.options[arm.option].body.name.lower() if arm.option else arm.id.replace("-", " ")
    return EffectSize(
        trial.name,
        end.measure,
        comparator,
        name,
        float(end.hr),
        ci,
        float(end.ci_percent or USUAL_PERCENT),
        float(end.hr) if decisive else 1.0,
        end.verified,
    )


def rank(knowledge: Knowledge, inference: Inference) -> list[Place]:
    """Return the options that come into question, in order."""
    places = [
        _place(knowledge, inference, treatment, inference.standings[treatment.id])
        for treatment in knowledge.options.values()
        if inference.standings[treatment.id].verdict in LISTED
    ]
    return [replace(place, behind=behind, rank=rank) for rank, behind, place in ordered(places)]


class Ranked(Protocol):
    """What ranks an option."""

    @property
    def option(self) -> str:
        """Option id."""

    @property
    def group(self) -> Group:
        """Verdict, would-be verdict, evidence level and balance of findings, as sorted."""

    @property
    def effect(self) -> EffectSize | None:
        """Its effect size, if a randomised trial gives one."""


Standings = TypeVar("Standings", bound=Ranked)


def ordered(items: Iterable[Standings]) -> list[tuple[int, int, Standings]]:
    """Put options in order.

    Returns:
        For each option its rank, from 1, how many of its group did better against the same comparator, and the option;
        equal standing shares a rank.
    """
    groups: dict[Group, list[Standings]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    found: list[tuple[int, int, Standings]] = []
    for _, group in sorted(groups.items()):
        better = _behind(group)
        group.sort(key=lambda item: (better[item.option], item.option))
        places = sorted(set(better.values()))
        before = found[-1][0] if found else 0
        found += [(before + 1 + places.index(better[item.option]), better[item.option], item) for item in group]
    return found


def _place(knowledge: Knowledge, inference: Inference, treatment: Treatment, standing: Standing) -> Place:
    use = governing_use(treatment, standing)
    assert use is not None
    held = [
        rule
        for rule in treatment.of_kind("preference")
        if use.body.id in rule.indications and inference.results.get(rule.id)
    ]
    return Place(
        option=treatment.id,
        verdict=standing.verdict,
        would_be=standing.would_be,
        level=use.body.evidence_level,
        favours=tuple(rule for rule in held if rule.effect == "favours"),
        disfavours=tuple(rule for rule in held if rule.effect == "disfavours"),
        effect=effect_size(knowledge, use),
    )


def behind(place: Ranked, group: Sequence[Ranked]) -> int:
    """Count the options of the group that did better against the same comparator.

    An option that others were compared with stands in their row with a ratio of 1. Options of different rows are not
    compared; one without any effect size comes after those that have one.
    """
    return _behind(group)[place.option]


def _behind(group: Sequence[Ranked]) -> Mapping[str, int]:
    """Count for each option of a group those that did better (see `behind`)."""
    rows = _rows(group)
    if not rows:
        return {item.option: 0 for item in group}
    compared = {option for row in rows.values() for option in row}
    found = {item.option: len(compared) for item in group}
    for row in rows.values():
        found.update({option: sum(ratio < own for ratio in row.values()) for option, own in row.items()})
    return found


def _rows(members: Sequence[Ranked]) -> Mapping[str, Mapping[str, float]]:
    compared = {place.effect.comparator for place in members if place.effect is not None}
    rows: dict[str, dict[str, float]] = {}
    for place in members:
        if place.option in compared:
            rows.setdefault(place.option, {})[place.option] = 1.0
        elif place.effect is not None:
            rows.setdefault(place.effect.comparator, {})[place.option] = place.effect.counted
    return rows


def because(place: Place, knowledge: Knowledge, waiting_for: Sequence[str] = ()) -> str:
    """Say in one sentence which keys put an option where it stands.

    Args:
        place: the option's place.
        knowledge: for the wording of evidence levels.
        waiting_for: labels of the facts that an undetermined option hangs on.
    """
    parts: list[str] = []
    if place.would_be is not None:
        facts = ", ".join(waiting_for)
        parts.append(
            f"Undetermined until more is known{f' ({facts})' if facts else ''}, would be {place.would_be.replace('_', ' ')}"
        )
    else:
        parts.append(place.verdict.capitalize())
    parts.append(f"evidence level {place.level} ({knowledge.manifest.evidence_levels[place.level].label})")
    if place.favours or place.disfavours:
        parts.append(f"{_count(len(place.favours))} for it and {len(place.disfavours) or 'none'} against")
    if place.effect is not None:
        effect = place.effect
        interval = effect.interval
        measure = f"{effect.measure.replace('_', ' ')} against {effect.comparator_name}"
        text = f"hazard ratio {effect.hr:g}{interval} for {measure} in {effect.trial}"
        text += "" if effect.verified else ", as the review prints it"
        parts.append(text if effect.counted != 1.0 else f"{text}, which does not count as a difference")
    return "; ".join(parts) + "."


def _count(number: int) -> str:
    return "no finding" if number == 0 else "1 finding" if number == 1 else f"{number} findings"
