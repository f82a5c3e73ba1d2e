"""Trials as people look for them: by words, setting, phase, outcome and year, and with what hangs on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from hcc_decide.browse.lookup import fold
from hcc_decide.knowledge.catalogue import Knowledge, Rule
from hcc_decide.knowledge.schema import LaterEvidence
from hcc_decide.knowledge.schema_sources import Trial

PHASES: tuple[str, ...] = ("1", "1/2", "2", "2/3", "3", "4", "pooled", "retrospective", "not stated")
"""Groups of phases, in order. What a review prints is free text; a trial keeps its own beside its group."""

_PHASE = re.compile(r"(\d)[ab]?(?:(?:/| and )(\d)[ab]?)?")


@dataclass(frozen=True)
class TrialFilter:
    """Which trials are wanted; what is empty or ``None`` limits nothing.

    Attributes:
        text: words that must all stand at the beginning of a word somewhere in the trial's entry.
        settings: any of these settings.
        phases: any of these groups of `PHASES`.
        status: reported or ongoing.
        outcomes: any of these results of the primary endpoint.
        years: first and last year of publication; a trial without a known year is then left out.
        verified: whether every part is confirmed; ``False`` asks for trials with something that is not.
        option: an option that cites the trial as evidence or is given in one of its arms.
    """

    text: str = ""
    settings: frozenset[str] = frozenset()
    phases: frozenset[str] = frozenset()
    status: Literal["reported", "ongoing"] | None = None
    outcomes: frozenset[str] = frozenset()
    years: tuple[int, int] | None = None
    verified: bool | None = None
    option: str | None = None


@dataclass(frozen=True)
class CitingOption:
    """An option that cites a trial.

    Attributes:
        option: its id.
        directions: how the trial counts there: supports, against or mixed, with the indications that this is limited to.
        rules: its rules that name the trial as their basis.
    """

    option: str
    directions: tuple[tuple[str, tuple[str, ...]], ...]
    rules: tuple[Rule, ...]


def phase_group(phase: str) -> str:
    """Return the group of `PHASES` that a phase as printed belongs to."""
    found = _PHASE.fullmatch(phase)
    if found is not None:
        name = found[1] if found[2] in (None, found[1]) else f"{found[1]}/{found[2]}"
        return name if name in PHASES else "not stated"
    if phase.startswith(("pooled", "meta-analysis")):
        return "pooled"
    return "retrospective" if phase.startswith("retrospective") else "not stated"


def year_of(trial: Trial) -> int | None:
    """Return the year of publication, where it is known."""
    return trial.citation.year if trial.citation is not None else None


def all_verified(trial: Trial) -> bool:
    """Whether every part of a trial's entry has been confirmed by a source other than the review."""
    return not trial.unverified and all(end.verified for end in trial.endpoints)


def search_text(knowledge: Knowledge, trial: Trial) -> str:
    """Return everything by which a trial can be found, folded (see `hcc_decide.browse.lookup.fold`)."""
    options = [knowledge.options[arm.option].body for arm in trial.arms if arm.option is not None]
    parts = [
        *(trial.id, trial.name, trial.nct or "", trial.population, trial.design, trial.summary),
        *(trial.primary_endpoint or "", trial.citation.authors or "" if trial.citation else ""),
        *(text for arm in trial.arms for text in (arm.text, arm.id)),
        *(text for body in options for text in (body.id, body.name, *body.aliases, *body.drugs)),
    ]
    return " " + fold(" ".join(parts))


def find_trials(knowledge: Knowledge, wanted: TrialFilter, texts: Mapping[str, str] | None = None) -> tuple[Trial, ...]:
    """Return the trials that a filter asks for, by name.

    Args:
        knowledge: the knowledge.
        wanted: the filter.
        texts: `search_text` of each trial, for callers that ask often.
    """
    words = [f" {word}" for word in map(fold, wanted.text.split()) if word]
    found = [trial for trial in knowledge.trials.values() if _fits(knowledge, trial, wanted)]
    if words:
        written = texts or {trial.id: search_text(knowledge, trial) for trial in found}
        found = [trial for trial in found if all(word in written[trial.id] for word in words)]
    return tuple(sorted(found, key=lambda trial: (trial.name.casefold(), trial.id)))


def _fits(knowledge: Knowledge, trial: Trial, wanted: TrialFilter) -> bool:
    year = year_of(trial)
    return (
        (not wanted.settings or not wanted.settings.isdisjoint(trial.settings))
        and (not wanted.phases or phase_group(trial.phase) in wanted.phases)
        and (wanted.status is None or trial.status == wanted.status)
        and (not wanted.outcomes or trial.primary_endpoint_met in wanted.outcomes)
        and (wanted.years is None or (year is not None and wanted.years[0] <= year <= wanted.years[1]))
        and (wanted.verified is None or all_verified(trial) == wanted.verified)
        and (wanted.option is None or wanted.option in _options_of(knowledge, trial))
    )


def _options_of(knowledge: Knowledge, trial: Trial) -> Iterator[str]:
    yield from (arm.option for arm in trial.arms if arm.option is not None)
    yield from (item.option for item in citing_options(knowledge, trial.id))


def citing_options(knowledge: Knowledge, trial: str) -> tuple[CitingOption, ...]:
    """Return the options that cite a trial as evidence or as the basis of a rule, by name."""
    found = []
    for treatment in knowledge.options.values():
        directions = tuple(
            (item.direction, tuple(item.for_ or ())) for item in treatment.body.evidence if item.trial == trial
        )
        rules = tuple(rule for rule in treatment.rules if trial in rule.trials)
        if directions or rules:
            found.append(CitingOption(treatment.id, directions, rules))
    return tuple(sorted(found, key=lambda item: knowledge.options[item.option].body.name.casefold()))


def claims_about(trial: Trial) -> tuple[str, ...]:
    """Return the claims that a trial's figures and safety results rest on, each once."""
    cited = [*(end.claims for end in trial.endpoints), *(item.claims for item in trial.safety)]
    return tuple(dict.fromkeys(claim for claims in cited for claim in claims))


def later_about(knowledge: Knowledge, trial: Trial) -> tuple[LaterEvidence, ...]:
    """Return what later evidence tells of a trial, by date; the same words count once. It changes no verdict.

    An event concerns a trial when it is called after it, or tells of it by its name or registry number.
    """
    named = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in (trial.name, trial.nct) if name))
    found = {
        (event.date, event.text): event
        for treatment in knowledge.options.values()
        for event in treatment.body.later_evidence
        if event.id == trial.id or event.id.startswith(f"{trial.id}-") or named.search(f"{event.text} {event.source}")
    }
    return tuple(found[key] for key in sorted(found))


def years(trials: Iterable[Trial]) -> tuple[int, int] | None:
    """Return the first and the last known year of publication; ``None`` when none is known."""
    known = [year for year in map(year_of, trials) if year is not None]
    return (min(known), max(known)) if known else None
