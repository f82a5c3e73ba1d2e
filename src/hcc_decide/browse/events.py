"""What happened when: publications of trials, approvals that the reviews date, and what the reviews do not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from hcc_decide.decision import Setting
from hcc_decide.knowledge.catalogue import Knowledge, Treatment
from hcc_decide.knowledge.schema_sources import Claim
from hcc_decide.sources import cite

Lane = Literal[
    "trial_met",
    "trial_partly",
    "trial_missed",
    "trial_not_tested",
    "approval",
    "withdrawal",
    "readout",
    "guideline",
    "safety",
]
LANES: tuple[Lane, ...] = get_args(Lane)
"""Kinds of events, in the order in which they are shown."""

_YEAR = re.compile(r"\b(1[89]|2[01])\d\d\b")
_DATED = ("year", "date")


@dataclass(frozen=True)
class Event:
    """One thing on the line of time.

    Attributes:
        lane: its kind.
        date: year, year and month, or full date.
        name: of the trial, or of the options concerned.
        text: what happened.
        settings: the settings concerned.
        source: where it is published, or which claim says so.
        options: ids of the options concerned.
        trial: id of the trial, for a publication.
        beyond_reviews: whether the reviews do not have it, so that it changes no verdict.
        year_verified: whether the year has been confirmed.
    """

    lane: Lane
    date: str
    name: str
    text: str
    settings: tuple[Setting, ...]
    source: str
    options: tuple[str, ...] = ()
    trial: str | None = None
    beyond_reviews: bool = False
    year_verified: bool = True

    @property
    def year(self) -> int:
        """The year."""
        return int(self.date[:4])


def events(knowledge: Knowledge) -> tuple[Event, ...]:
    """Return everything that has a date, by date; within a year what is dated to the day stands last.

    An entry of later evidence that several options share word for word is one event.
    """
    found = [*_publications(knowledge), *_approvals(knowledge), *_later(knowledge)]
    return tuple(sorted(found, key=lambda event: (event.date, LANES.index(event.lane), event.name.casefold())))


def undated_approvals(knowledge: Knowledge) -> tuple[Claim, ...]:
    """Return the claims of the reviews about approvals that give no year, so that they stand on no line."""
    return tuple(claim for claim in knowledge.claims.values() if claim.kind == "approval" and _date_of(claim) is None)


def undated_trials(knowledge: Knowledge) -> tuple[str, ...]:
    """Return the reported trials whose year of publication is not known."""
    return tuple(
        trial.id
        for trial in knowledge.trials.values()
        if trial.status == "reported" and (trial.citation is None or trial.citation.year is None)
    )


def _publications(knowledge: Knowledge) -> Iterator[Event]:
    lanes: dict[str, Lane] = {
        "met": "trial_met",
        "partly": "trial_partly",
        "missed": "trial_missed",
        "not_tested": "trial_not_tested",
    }
    for trial in knowledge.trials.values():
        year = trial.citation.year if trial.citation is not None else None
        if year is not None and trial.primary_endpoint_met in lanes:
            yield Event(
                lane=lanes[trial.primary_endpoint_met],
                date=str(year),
                name=trial.name,
                text=trial.summary,
                settings=tuple(trial.settings),
                source=cite(trial.citation),
                options=tuple(dict.fromkeys(arm.option for arm in trial.arms if arm.option is not None)),
                trial=trial.id,
                year_verified=not {"citation", "citation.year"} & set(trial.unverified),
            )


def _approvals(knowledge: Knowledge) -> Iterator[Event]:
    for claim in knowledge.claims.values():
        date = _date_of(claim)
        if claim.kind == "approval" and date is not None:
            options = tuple(name for name in claim.subjects if name in knowledge.options)
            first, last = claim.lines
            yield Event(
                lane="approval",
                date=date,
                name=_names(knowledge, options) or ", ".join(claim.subjects),
                text=claim.statement,
                settings=_settings(tuple(knowledge.options[name] for name in options)),
                source=f"{claim.id}, review {knowledge.claim_reviews[claim.id]}, lines {first} to {last}",
                options=options,
                year_verified=False,
            )


def _later(knowledge: Knowledge) -> Iterator[Event]:
    joined: dict[tuple[str, str, str, str], list[tuple[Treatment, tuple[Setting, ...]]]] = {}
    for treatment in knowledge.options.values():
        for event in treatment.body.later_evidence:
            uses = [use for use in treatment.uses if event.for_ is None or use.body.id in event.for_]
            settings = tuple(setting for use in uses for setting in use.settings)
            joined.setdefault((event.kind, event.date, event.text, event.source), []).append((treatment, settings))
    lanes = {str(lane): lane for lane in LANES}
    for (kind, date, text, source), holders in joined.items():
        options = tuple(treatment.id for treatment, _ in holders)
        yield Event(
            lane=lanes[kind],
            date=date,
            name=_names(knowledge, options),
            text=text,
            settings=tuple(dict.fromkeys(setting for _, settings in holders for setting in settings)),
            source=source,
            options=options,
            beyond_reviews=True,
        )


def _date_of(claim: Claim) -> str | None:
    """Return the year that a claim gives for what it says; the year of a trial that it mentions is another matter."""
    found = (_YEAR.search(str(claim.figures.get(name, ""))) for name in _DATED)
    return next((match.group() for match in found if match is not None), None)


def _names(knowledge: Knowledge, options: tuple[str, ...]) -> str:
    return ", ".join(knowledge.options[name].body.name for name in options)


def _settings(treatments: tuple[Treatment, ...]) -> tuple[Setting, ...]:
    found = (setting for treatment in treatments for use in treatment.uses for setting in use.settings)
    return tuple(dict.fromkeys(found))
