"""Rows of tables and forest plots say what the trial files say, and searching finds what it says it finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hcc_decide.browse.events import events, undated_approvals, undated_trials
from hcc_decide.browse.results import (
    MEASURES,
    forest_rows,
    not_verified,
    outcome_text,
    ratio_text,
    result_rows,
    values_text,
    verified_text,
)
from hcc_decide.browse.trials import (
    PHASES,
    TrialFilter,
    all_verified,
    citing_options,
    find_trials,
    later_about,
    phase_group,
    year_of,
    years,
)
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema_sources import Trial


def _every_measure(knowledge: Knowledge) -> list[str]:
    return sorted({end.measure for trial in knowledge.trials.values() for end in trial.endpoints})


def test_every_endpoint_with_a_hazard_ratio_is_one_row_and_no_other_is(knowledge: Knowledge) -> None:
    rows = forest_rows(knowledge, knowledge.trials, _every_measure(knowledge))
    expected = {
        (trial.id, end.id) for trial in knowledge.trials.values() for end in trial.endpoints if end.hr is not None
    }
    assert expected
    assert sorted((row.trial, row.endpoint) for row in rows) == sorted(expected)


def test_a_row_holds_the_figures_of_the_trial_file(knowledge: Knowledge) -> None:
    for row in result_rows(knowledge, knowledge.trials, None):
        trial = knowledge.trials[row.trial]
        end = next(item for item in trial.endpoints if item.id == row.endpoint)
        assert (row.hr, row.p, row.unit, row.level) == (end.hr, end.p, end.unit, end.ci_percent)
        assert (row.low, row.high) == (tuple(end.ci) if end.ci else (None, None))
        assert (row.treatment_value, row.control_value) == (end.arm_value, end.control_value)
        assert (row.analysis, row.verified, row.review_prints) == (end.analysis, end.verified, end.review_prints)
        assert (row.primary, row.primary_endpoint) == (trial.primary_endpoint_met, trial.primary_endpoint)
        assert (row.doi, row.nct) == (trial.citation.doi if trial.citation else None, trial.nct)
        assert (row.control is None) == (end.control is None)
        assert row.treatment


def test_results_without_a_filter_are_all_endpoints_once(knowledge: Knowledge) -> None:
    rows = result_rows(knowledge, [*knowledge.trials, *knowledge.trials], None)
    assert len(rows) == sum(len(trial.endpoints) for trial in knowledge.trials.values())


def test_rows_stand_by_trial_and_then_by_measure_as_asked(knowledge: Knowledge) -> None:
    trials = sorted(knowledge.trials)
    rows = result_rows(knowledge, trials)
    assert [row.trial for row in rows] == sorted((row.trial for row in rows), key=trials.index)
    for name in trials:
        found = [MEASURES.index(row.measure) for row in rows if row.trial == name]
        assert found == sorted(found)


def test_an_unknown_trial_is_an_error(knowledge: Knowledge) -> None:
    with pytest.raises(KeyError):
        forest_rows(knowledge, ["no-such-trial"])


def test_what_is_not_verified_is_always_said(knowledge: Knowledge) -> None:
    for row in result_rows(knowledge, knowledge.trials, None):
        if not row.verified:
            assert row.not_verified
            assert verified_text(row).startswith("not verified")
    partly = [
        (trial, end)
        for trial in knowledge.trials.values()
        for end in trial.endpoints
        if any(name.startswith(f"endpoints.{end.id}.") for name in trial.unverified)
    ]
    assert partly
    for trial, end in partly:
        assert not_verified(trial, end)


def test_ratios_and_values_are_written_as_in_publications(knowledge: Knowledge) -> None:
    for row in forest_rows(knowledge, knowledge.trials):
        text = ratio_text(row)
        assert f"{row.hr:g}" in text or f"{row.hr:.2f}" in text
        if row.low is None:
            assert "no interval" in text
        elif row.level != 95:
            assert "%" in text or "level not given" in text
        if row.treatment_value is None and row.control_value is not None:
            assert values_text(row).startswith("– vs ")


@pytest.mark.parametrize(
    ("phase", "group"),
    [
        ("3", "3"),
        ("2b", "2"),
        ("1b", "1"),
        ("1b/2", "1/2"),
        ("1 and 2", "1/2"),
        ("2/3", "2/3"),
        ("4", "4"),
        ("retrospective", "retrospective"),
        ("pooled analysis of two phase 3 trials", "pooled"),
        ("meta-analysis of eight randomised trials", "pooled"),
        ("not stated by the review", "not stated"),
        ("not confirmed", "not stated"),
        ("3/1", "not stated"),
    ],
)
def test_phases_as_printed_fall_into_groups(phase: str, group: str) -> None:
    assert phase_group(phase) == group
    assert group in PHASES


def test_without_a_filter_every_trial_is_found_by_name(knowledge: Knowledge) -> None:
    found = find_trials(knowledge, TrialFilter())
    assert len(found) == len(knowledge.trials)
    assert [trial.name.casefold() for trial in found] == sorted(trial.name.casefold() for trial in found)


def test_each_filter_gives_exactly_the_trials_that_fit(knowledge: Knowledge) -> None:
    every = knowledge.trials.values()
    first, last = years(every) or (0, 0)
    cases: list[tuple[TrialFilter, Callable[[Trial], bool]]] = [
        (TrialFilter(settings=frozenset({"adjuvant"})), lambda trial: "adjuvant" in trial.settings),
        (TrialFilter(phases=frozenset({"3", "2/3"})), lambda trial: phase_group(trial.phase) in ("3", "2/3")),
        (TrialFilter(status="ongoing"), lambda trial: trial.status == "ongoing"),
        (TrialFilter(outcomes=frozenset({"missed"})), lambda trial: trial.primary_endpoint_met == "missed"),
        (TrialFilter(verified=True), all_verified),
        (TrialFilter(verified=False), lambda trial: not all_verified(trial)),
        (
            TrialFilter(years=(first + 1, last)),
            lambda trial: year_of(trial) is not None and first + 1 <= (year_of(trial) or 0) <= last,
        ),
    ]
    for wanted, fits in cases:
        expected = {trial.id for trial in every if fits(trial)}
        assert expected
        assert {trial.id for trial in find_trials(knowledge, wanted)} == expected


def test_words_numbers_and_drugs_find_a_trial(knowledge: Knowledge) -> None:
    for trial in list(knowledge.trials.values())[::7]:
        assert trial in find_trials(knowledge, TrialFilter(text=trial.name))
        if trial.nct:
            assert trial in find_trials(knowledge, TrialFilter(text=trial.nct.lower()))
        for arm in trial.arms:
            if arm.option is not None:
                assert trial in find_trials(knowledge, TrialFilter(text=knowledge.options[arm.option].body.name))
    assert not find_trials(knowledge, TrialFilter(text="xyzzy"))


def test_an_option_finds_the_trials_that_it_cites(knowledge: Knowledge) -> None:
    for treatment in list(knowledge.options.values())[::20]:
        found = {trial.id for trial in find_trials(knowledge, TrialFilter(option=treatment.id))}
        assert {item.trial for item in treatment.body.evidence} <= found


def test_every_citing_option_is_listed_with_its_direction(knowledge: Knowledge) -> None:
    listed = {
        (item.option, direction, trial)
        for trial in knowledge.trials
        for item in citing_options(knowledge, trial)
        for direction, _ in item.directions
    }
    cited = {
        (treatment.id, item.direction, item.trial)
        for treatment in knowledge.options.values()
        for item in treatment.body.evidence
    }
    assert listed == cited


def test_an_event_named_after_a_trial_concerns_it(knowledge: Knowledge) -> None:
    for trial in knowledge.trials.values():
        named = {
            event.text
            for treatment in knowledge.options.values()
            for event in treatment.body.later_evidence
            if event.id == trial.id
        }
        found = later_about(knowledge, trial)
        assert named <= {event.text for event in found}
        assert [event.date for event in found] == sorted(event.date for event in found)


def test_the_line_of_time_holds_every_dated_thing_and_names_the_rest(knowledge: Knowledge) -> None:
    found = events(knowledge)
    trials = [event.trial for event in found if event.trial is not None]
    reported = [trial.id for trial in knowledge.trials.values() if trial.status == "reported"]
    assert sorted([*trials, *undated_trials(knowledge)]) == sorted(reported)
    later = {
        (event.date, event.text) for treatment in knowledge.options.values() for event in treatment.body.later_evidence
    }
    assert {(event.date, event.text) for event in found if event.beyond_reviews} == later
    approvals = {claim.statement for claim in knowledge.claims.values() if claim.kind == "approval"}
    on_line = {event.text for event in found if event.lane == "approval" and not event.beyond_reviews}
    assert on_line | {claim.statement for claim in undated_approvals(knowledge)} == approvals
    assert on_line.isdisjoint({claim.statement for claim in undated_approvals(knowledge)})
    assert [event.date for event in found] == sorted(event.date for event in found)


def test_a_missed_endpoint_is_never_called_anything_else(knowledge: Knowledge) -> None:
    lanes = {event.trial: event.lane for event in events(knowledge) if event.trial}
    for trial in knowledge.trials.values():
        if trial.primary_endpoint_met == "missed":
            assert outcome_text(trial.primary_endpoint_met) == "missed"
            assert lanes.get(trial.id, "trial_missed") == "trial_missed"
