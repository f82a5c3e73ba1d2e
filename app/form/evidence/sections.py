"""The evidence page: trials, forest plots, the line of time, ongoing trials, and where sources disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from form.evidence.address import SECTION, SECTIONS, follow_address, write_address
from form.evidence.conflicts import show_conflicts
from form.evidence.forest import show_forests
from form.evidence.ongoing import show_ongoing
from form.evidence.timeline import show_timeline
from form.evidence.trials import show_trials
from hcc_decide.knowledge.catalogue import Knowledge

_SHOWN: Mapping[str, tuple[str, Callable[[Knowledge], None]]] = {
    "trials": ("Trials", show_trials),
    "forest": ("Forest plot", show_forests),
    "timeline": ("Timeline", show_timeline),
    "ongoing": ("Ongoing", show_ongoing),
    "conflicts": ("Conflicts", show_conflicts),
}


def show_evidence(knowledge: Knowledge) -> None:
    """Show the section that was chosen, or that the address names; the others cost nothing."""
    follow_address(knowledge)
    st.session_state.setdefault(SECTION, "trials")
    section = st.segmented_control(
        "Section",
        SECTIONS,
        format_func=lambda name: _SHOWN[name][0],
        required=True,
        key=SECTION,
        on_change=write_address,
        persist_state="session",
    )
    _SHOWN[section or "trials"][1](knowledge)
