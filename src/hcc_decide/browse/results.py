"""What trials found, as rows for tables and forest plots. Nothing here decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from hcc_decide.decision import Setting
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import setting_labels
from hcc_decide.knowledge.schema_sources import Arm, Endpoint, Trial
from hcc_decide.sources import cite

Outcome = Literal["met", "missed", "partly", "not_tested", "awaited"]

MEASURES: tuple[str, ...] = ("overall_survival", "progression_free_survival", "time_to_progression")
"""The measures that forest plots show unless told otherwise; of the times to an event those that most trials report."""

NO_FIGURE = "–"
"""Stands for a figure that no source gives: a median not reached, or one that was not printed."""

_PARTS = {
    "arm_value": "value with treatment",
    "control_value": "value with control",
    "hr": "hazard ratio",
    "ci": "interval",
    "ci_percent": "level of the interval",
    "p": "P",
    "analysis": "analysis",
}


@dataclass(frozen=True)
class Publication:
    """Where a trial is published and registered.

    Attributes:
        citation, doi, nct: the publication in one line, its identifier and the registry number.
        unverified: names of those among ``citation``, ``citation.doi`` and ``nct`` that have not been confirmed.
    """

    citation: str
    doi: str | None
    nct: str | None
    unverified: tuple[str, ...]


@dataclass(frozen=True)
class ForestRow:
    """One endpoint of one trial.

    Attributes:
        trial, name: the trial's id and name.
        endpoint: the endpoint's id within the trial.
        measure: what was measured.
        settings: where the trial belongs; ``setting_text`` has them in words.
        treatment, control: the two arms in words; no control: nothing was compared.
        treatment_text, control_text: the arms as the trial's file describes them, with doses.
        comparator: what the control arm is, as an option id or the arm's own id, to group trials by.
        hr: hazard ratio, below 1 when it favours the treatment; ``None`` when none is given.
        low, high: its interval; ``None`` when none is given.
        level: of the interval, in percent.
        p: the P value as printed.
        unit: of the values: months, weeks, days or percent.
        treatment_value, control_value: median (or what ``analysis`` says) in each arm.
        analysis: which analysis this is, where it matters.
        primary_endpoint, primary: the trial's primary endpoint and what came of it; not always this row's endpoint.
        verified: whether a source other than the review confirmed the row as a whole.
        not_verified: which of its figures have not been confirmed, in words; empty when all have.
        review_prints: what a review prints differently.
        citation, doi, nct: the publication and the registry number.
        unverified: names of those among ``citation``, ``citation.doi`` and ``nct`` that have not been confirmed.
    """

    trial: str
    name: str
    endpoint: str
    measure: str
    settings: tuple[Setting, ...]
    setting_text: str
    treatment: str
    control: str | None
    treatment_text: str
    control_text: str | None
    comparator: str | None
    hr: float | None
    low: float | None
    high: float | None
    level: float | None
    p: str | None
    unit: str
    treatment_value: float | None
    control_value: float | None
    analysis: str | None
    primary_endpoint: str | None
    primary: Outcome
    verified: bool
    not_verified: tuple[str, ...]
    review_prints: str | None
    citation: str
    doi: str | None
    nct: str | None
    unverified: tuple[str, ...]


def forest_rows(knowledge: Knowledge, trials: Iterable[str], measures: Sequence[str] = MEASURES) -> list[ForestRow]:
    """Return every endpoint with a hazard ratio, with or without an interval.

    Args:
        knowledge: the knowledge.
        trials: trial ids, in the order wanted; repeated ones count once.
        measures: the measures wanted, in the order wanted.

    Raises:
        KeyError: there is no such trial.
    """
    return [row for row in result_rows(knowledge, trials, measures) if row.hr is not None]


def result_rows(
    knowledge: Knowledge, trials: Iterable[str], measures: Sequence[str] | None = MEASURES
) -> list[ForestRow]:
    """Return every endpoint of some measures, those of single-arm trials and without a hazard ratio included.

    Args:
        knowledge: the knowledge.
        trials: trial ids, in the order wanted; repeated ones count once.
        measures: the measures wanted, in the order wanted; ``None``: all, in the order of the trial's file.

    Raises:
        KeyError: there is no such trial.
    """
    labels = setting_labels(knowledge)
    return [
        row for name in dict.fromkeys(trials) for row in _rows_of(knowledge, knowledge.trials[name], measures, labels)
    ]


def _rows_of(
    knowledge: Knowledge, trial: Trial, measures: Sequence[str] | None, labels: dict[str, str]
) -> Iterator[ForestRow]:
    arms = {arm.id: arm for arm in trial.arms}
    published = publication(trial)
    wanted: Iterable[Endpoint] = trial.endpoints
    if measures is not None:
        wanted = [end for measure in dict.fromkeys(measures) for end in trial.endpoints if end.measure == measure]
    for end in wanted:
        arm, control = arms[end.arm], arms[end.control] if end.control is not None else None
        yield ForestRow(
            trial=trial.id,
            name=trial.name,
            endpoint=end.id,
            measure=end.measure,
            settings=tuple(trial.settings),
            setting_text=", ".join(labels.get(name, name) for name in trial.settings),
            treatment=arm_name(knowledge, arm),
            control=arm_name(knowledge, control) if control else None,
            treatment_text=arm.text,
            control_text=control.text if control else None,
            comparator=(control.option or control.id) if control else None,
            hr=end.hr,
            low=end.ci[0] if end.ci else None,
            high=end.ci[1] if end.ci else None,
            level=end.ci_percent,
            p=end.p,
            unit=end.unit,
            treatment_value=end.arm_value,
            control_value=end.control_value,
            analysis=end.analysis,
            primary_endpoint=trial.primary_endpoint,
            primary=trial.primary_endpoint_met,
            verified=end.verified,
            not_verified=not_verified(trial, end),
            review_prints=end.review_prints,
            citation=published.citation,
            doi=published.doi,
            nct=published.nct,
            unverified=published.unverified,
        )


def publication(trial: Trial) -> Publication:
    """Return where a trial is published and registered."""
    return Publication(
        citation=cite(trial.citation),
        doi=trial.citation.doi if trial.citation else None,
        nct=trial.nct,
        unverified=tuple(name for name in trial.unverified if name in ("citation", "citation.doi", "nct")),
    )


def arm_name(knowledge: Knowledge, arm: Arm) -> str:
    """Return what an arm is called: its option's name, or what the file says of it when it is no option.

    Doses and schedules are left out where the text begins with the arm's own name, as in "placebo once daily".
    """
    if arm.option is not None:
        return knowledge.options[arm.option].body.name
    name = arm.id.replace("-", " ")
    return name if arm.text.lower().startswith(name) else arm.text


def not_verified(trial: Trial, endpoint: Endpoint) -> tuple[str, ...]:
    """Return which figures of an endpoint no retrieved source confirmed, in words; ``("all figures",)`` when none was."""
    place = f"endpoints.{endpoint.id}"
    parts = tuple(
        _PARTS.get(part, part.replace("_", " "))
        for part in (name.removeprefix(f"{place}.") for name in trial.unverified if name.startswith(f"{place}."))
    )
    whole = place in trial.unverified or "endpoints" in trial.unverified
    return ("all figures",) if whole or (not endpoint.verified and not parts) else parts


def measure_text(measure: str) -> str:
    """Return a measure in words."""
    return measure.replace("_free_", "-free ").replace("_", " ")


def outcome_text(outcome: str) -> str:
    """Say what came of a trial's primary endpoint."""
    return {
        "met": "met",
        "missed": "missed",
        "partly": "partly met",
        "not_tested": "not tested",
        "awaited": "awaited",
    }[outcome]


def values_text(row: ForestRow) -> str:
    """Write the values of the two arms side by side, as ``8.5 vs 7.3 months``; a missing one is a dash."""
    unit = "%" if row.unit == "percent" else row.unit
    if row.treatment_value is None and row.control_value is None:
        return NO_FIGURE
    if row.control is None:
        return f"{_number(row.treatment_value)} {unit}"
    return f"{_number(row.treatment_value)} vs {_number(row.control_value)} {unit}"


def ratio_text(row: ForestRow) -> str:
    """Write a hazard ratio with its interval, as ``0.71 (0.53–0.95)``; the level stands there unless it is 95 %."""
    if row.hr is None:
        return NO_FIGURE
    if row.low is None or row.high is None:
        return f"{_ratio(row.hr)} (no interval)"
    level = "" if row.level == 95 else f"{row.level:g} %: " if row.level is not None else "level not given: "
    return f"{_ratio(row.hr)} ({level}{_ratio(row.low)}–{_ratio(row.high)})"


def verified_text(row: ForestRow) -> str:
    """Say what of a row has been confirmed, and what stands there as the review prints it."""
    if not row.not_verified:
        return "verified"
    if row.not_verified == ("all figures",):
        return "not verified: as the review prints it"
    return f"not verified: {', '.join(row.not_verified)}"


def _number(value: float | None) -> str:
    # As the file has it: 8.0 months are not 8 months.
    return NO_FIGURE if value is None else str(value)


def _ratio(value: float) -> str:
    """Write a ratio with two decimals, as publications do, or with more where the file has more."""
    short = f"{value:.2f}"
    return short if float(short) == value else f"{value:g}"
