"""The line of time: trials by year of publication, approvals, readouts and guidelines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from form.charts import Spec, show_spec, timeline_spec
from form.evidence.record import place_text, short_setting
from form.wording import plain
from hcc_decide.browse.events import LANES, Event, Lane, events, undated_approvals, undated_trials
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import setting_labels

LANE_TEXT: dict[Lane, str] = {
    "trial_met": "trial, endpoint met",
    "trial_partly": "trial, endpoint partly met",
    "trial_missed": "trial, endpoint missed",
    "trial_not_tested": "trial, endpoint not tested",
    "approval": "approval or its state",
    "withdrawal": "withdrawal or refusal",
    "readout": "readout or state of a trial",
    "guideline": "guideline",
    "safety": "safety",
}
"""What each kind of event is called."""

FEW = 60
"""Up to so many events the table stands open."""

_SETTING, _LANES, _TABLE = "evidence_timeline_setting", "evidence_timeline_lanes", "evidence_timeline_table"
_UNDATED = "evidence_timeline_undated"


def show_timeline(knowledge: Knowledge) -> None:
    """Show the filters, the chart and the table of events."""
    st.header("Timeline", anchor=False)
    every = _events(knowledge.sha256, knowledge)
    labels = setting_labels(knowledge)
    where, what = st.columns([2, 3])
    present = {setting for event in every for setting in event.settings}
    setting = where.selectbox(
        "Setting",
        [name for name in labels if name in present],
        index=None,
        format_func=labels.__getitem__,
        placeholder="every setting",
        key=_SETTING,
        persist_state="session",
    )
    lanes = what.multiselect(
        "Kind of event",
        LANES,
        format_func=LANE_TEXT.__getitem__,
        placeholder="every kind",
        key=_LANES,
        persist_state="session",
    )
    found = [
        event
        for event in every
        if (setting is None or setting in event.settings) and (not lanes or event.lane in lanes)
    ]
    trials, others = sum(event.trial is not None for event in found), sum(event.trial is None for event in found)
    st.markdown(f"**{trials} trials and {others} other events**")
    if not found:
        st.info("Nothing on the line fits these filters.", icon=":material/search_off:")
        return
    show_spec(
        timeline(found),
        key="evidence_timeline_chart",
        alt=f"Timeline from {found[0].year} to {found[-1].year}: {summary(found)}. The events stand in the table below.",
    )
    _what_is_not_on_it(knowledge)
    few = len(found) <= FEW
    table = st.expander(
        f"The events as a table ({len(found)} rows)", key=f"{_TABLE}_{few}", expanded=few, on_change="rerun"
    )
    if table.open:
        table.table(event_rows(found), hide_index=True)


@st.cache_data(show_spinner=False)
def _events(sha256: str, _knowledge: Knowledge) -> tuple[Event, ...]:
    del sha256  # names the knowledge for the cache
    return events(_knowledge)


def timeline(found: Sequence[Event]) -> Spec:
    """Return the chart of some events: kinds by year, with their number and, on pointing, their names."""
    names: dict[tuple[str, int], list[str]] = {}
    for event in found:
        names.setdefault((LANE_TEXT[event.lane], event.year), []).append(event.name)
    lanes = [LANE_TEXT[lane] for lane in LANES if any(event.lane == lane for event in found)]
    return timeline_spec(lanes, names)


def summary(found: Iterable[Event]) -> str:
    """Say how many events of each kind there are."""
    counts: dict[Lane, int] = {}
    for event in found:
        counts[event.lane] = counts.get(event.lane, 0) + 1
    return ", ".join(f"{LANE_TEXT[lane]} {counts[lane]}" for lane in LANES if lane in counts)


def event_rows(found: Iterable[Event]) -> list[dict[str, str]]:
    """Return events as rows of a table, as Markdown."""
    return [
        {
            "Date": event.date + ("" if event.year_verified else " (not verified)"),
            "Kind": LANE_TEXT[event.lane],
            "What": f"**{plain(event.name)}.** {plain(event.text)}",
            "Setting": ", ".join(short_setting(name) for name in event.settings),
            "Source": plain(event.source),
            "In the reviews": "no; changes no verdict" if event.beyond_reviews else "yes",
        }
        for event in found
    ]


def _what_is_not_on_it(knowledge: Knowledge) -> None:
    """Say what the line leaves out and why."""
    approvals, trials = undated_approvals(knowledge), undated_trials(knowledge)
    st.markdown(
        "On the line: trials by year of publication; approvals that a review dates; and later evidence, which changes no "
        "verdict. An entry on an approval or a trial can also say that nothing was found: read its text in the table."
    )
    left_out = st.expander(
        f"Not on the line: {len(trials)} trials without a known year, {len(approvals)} undated statements on approvals",
        key=_UNDATED,
        on_change="rerun",
    )
    if left_out.open:
        with left_out:
            st.markdown(
                "Reported trials without a known year: "
                + plain(", ".join(knowledge.trials[name].name for name in trials))
            )
            st.markdown("What the reviews say on approvals without giving a year:")
            st.table(
                [
                    {
                        "Claim": claim.id,
                        "Says": plain(claim.statement),
                        "Where": place_text(knowledge.claim_reviews[claim.id], claim.lines),
                    }
                    for claim in approvals
                ],
                hide_index=True,
            )
