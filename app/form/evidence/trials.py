"""Trials of the evidence page: filters, the table, and one trial opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

from form.evidence.address import TRIAL, write_address
from form.evidence.record import short_setting, show_record
from form.wording import plain
from hcc_decide.browse.results import arm_name, outcome_text
from hcc_decide.browse.trials import (
    PHASES,
    TrialFilter,
    all_verified,
    find_trials,
    phase_group,
    search_text,
    year_of,
    years,
)
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import setting_labels
from hcc_decide.knowledge.schema_sources import Trial

PAGE = 40
"""Rows of the table at a time; more would make the browser slow."""

OUTCOMES = ("met", "partly", "missed", "not_tested", "awaited")

_TEXT, _SETTINGS, _PHASES = "evidence_text", "evidence_settings", "evidence_phases"
_STATUS, _OUTCOMES, _YEARS = "evidence_status", "evidence_outcomes", "evidence_years"
_VERIFIED, _SORT, _ROWS = "evidence_verified", "evidence_sort", "evidence_rows"
_STATUSES: dict[str, Literal["reported", "ongoing"] | None] = {
    "any": None,
    "reported": "reported",
    "ongoing": "ongoing",
}
_VERIFIED_CHOICES = {"any": None, "all verified": True, "something not verified": False}
_SORTS = ("name", "newest first", "most patients first")


def show_trials(knowledge: Knowledge) -> None:
    """Show the filters, the trials they find, and the trial that is open."""
    st.header("Trials", anchor=False)
    wanted = _filter(knowledge)
    found = find_trials(knowledge, wanted, _texts(knowledge.sha256, knowledge))
    count, every = len(found), len(knowledge.trials)
    st.markdown(f"**{count} of {every} trials**")
    _open(knowledge, found)
    _table(knowledge, found)


@st.cache_data(show_spinner=False)
def _texts(sha256: str, _knowledge: Knowledge) -> dict[str, str]:
    del sha256  # names the knowledge for the cache
    return {trial.id: search_text(_knowledge, trial) for trial in _knowledge.trials.values()}


def _filter(knowledge: Knowledge) -> TrialFilter:
    labels = setting_labels(knowledge)
    present = {setting for trial in knowledge.trials.values() for setting in trial.settings}
    keep: dict[str, Any] = {"persist_state": "session"}
    span = years(knowledge.trials.values())
    with st.container(border=True):
        text, settings, outcomes = st.columns([2, 2, 2])
        typed = text.text_input(
            "Words, drug or registry number", key=_TEXT, type="search", placeholder="e.g. placebo, NCT0", **keep
        )
        where = settings.multiselect(
            "Setting",
            [name for name in labels if name in present],
            format_func=labels.__getitem__,
            key=_SETTINGS,
            **keep,
        )
        ended = outcomes.multiselect("Primary endpoint", OUTCOMES, format_func=outcome_text, key=_OUTCOMES, **keep)
        phase, status, sure, when, order = st.columns([2, 1.2, 1.6, 2.4, 1.6])
        grouped = {phase_group(trial.phase) for trial in knowledge.trials.values()}
        phases = phase.multiselect("Phase", [name for name in PHASES if name in grouped], key=_PHASES, **keep)
        state = status.selectbox("Status", list(_STATUSES), key=_STATUS, **keep)
        checked = sure.selectbox("Verified", list(_VERIFIED_CHOICES), key=_VERIFIED, **keep)
        chosen = span
        if span is not None and span[0] < span[1]:
            chosen = when.slider(
                "Published",
                *span,
                value=span,
                key=_YEARS,
                help="With the full span, trials without a known year of publication are shown too, ongoing ones included.",
                **keep,
            )
        order.selectbox("Order", _SORTS, key=_SORT, **keep)
    return TrialFilter(
        text=typed or "",
        settings=frozenset(where),
        phases=frozenset(phases),
        status=_STATUSES[state],
        outcomes=frozenset(ended),
        years=None if chosen == span else chosen,
        verified=_VERIFIED_CHOICES[checked],
    )


def _open(knowledge: Knowledge, found: Sequence[Trial]) -> None:
    """Let people open a trial. The open one stays open, whatever the filters say."""
    names = [trial.id for trial in found]
    standing = st.session_state.get(TRIAL)
    if standing is not None and standing in knowledge.trials and standing not in names:
        names = [standing, *names]
    trial = st.selectbox(
        "Open the full record of a trial",
        names,
        index=None,
        format_func=lambda name: knowledge.trials[name].name,
        placeholder="choose a trial",
        key=TRIAL,
        on_change=write_address,
        persist_state="session",
    )
    if trial is not None:
        with st.container(border=True, key="evidence_record"):
            show_record(knowledge, knowledge.trials[trial])


def _table(knowledge: Knowledge, found: Sequence[Trial]) -> None:
    if not found:
        st.info("No trial fits all of these filters.", icon=":material/search_off:")
        return
    st.subheader("The trials found", anchor=False)
    order = st.session_state.get(_SORT)
    if order == "newest first":
        found = sorted(found, key=lambda trial: -(year_of(trial) or 0))
    elif order == "most patients first":
        found = sorted(found, key=lambda trial: -(trial.enrolled or 0))
    start = 0
    if len(found) > PAGE:
        starts = list(range(0, len(found), PAGE))
        start = st.segmented_control(
            "Rows",
            starts,
            format_func=lambda first: f"{first + 1} to {min(first + PAGE, len(found))}",
            required=True,
            default=0,
            key=f"{_ROWS}_{len(starts)}",
        )
    st.table(trial_rows(knowledge, found[start : start + PAGE]), hide_index=True)


def trial_rows(knowledge: Knowledge, trials: Sequence[Trial]) -> list[dict[str, str]]:
    """Return the rows of the table of trials, as Markdown."""
    return [
        {
            "Trial": f"**{plain(trial.name)}**",
            "Setting": ", ".join(short_setting(name) for name in trial.settings),
            "Phase": plain(trial.phase),
            "Arms": plain(" vs ".join(dict.fromkeys(arm_name(knowledge, arm) for arm in trial.arms))),
            "Patients": "–" if trial.enrolled is None else str(trial.enrolled),
            "Status": trial.status,
            "Primary endpoint": outcome_mark(trial.primary_endpoint_met),
            "Year": str(year_of(trial) or "–"),
            "Registry": trial.nct or "–",
            "Verified": ":green[:material/check:] all" if all_verified(trial) else ":orange[:material/help:] not all",
        }
        for trial in trials
    ]


def outcome_mark(outcome: str) -> str:
    """Write what came of a primary endpoint as a sign and a word."""
    icon, colour = {
        "met": ("check_circle", "blue"),
        "partly": ("contrast", "green"),
        "missed": ("cancel", "red"),
        "not_tested": ("remove", "gray"),
        "awaited": ("schedule", "violet"),
    }[outcome]
    return f":{colour}[:material/{icon}:] {outcome_text(outcome)}"
