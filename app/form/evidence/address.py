"""The address of the evidence page: ``?section=`` and ``?trial=``, so that a place on it can be sent to somebody."""

from __future__ import annotations

import streamlit as st

from form.wording import plain
from hcc_decide.knowledge.catalogue import Knowledge

SECTION, TRIAL = "evidence_section", "evidence_trial"
"""Keys of the choice of a section and of a trial."""

SECTIONS: tuple[str, ...] = ("trials", "forest", "timeline", "ongoing", "conflicts")
"""Sections as an address names them."""

_ADDRESS = "evidence_address"


def write_address() -> None:
    """Write the section and the open trial into the address."""
    section, trial = st.session_state.get(SECTION), st.session_state.get(TRIAL)
    named = (section, trial if section == "trials" else None)
    st.query_params.from_dict({name: value for name, value in zip(("section", "trial"), named, strict=True) if value})
    st.session_state[_ADDRESS] = named


def follow_address(knowledge: Knowledge) -> None:
    """Do what the address says, once; what is chosen afterwards stays chosen."""
    section, trial = st.query_params.get("section"), st.query_params.get("trial")
    if (section, trial) != st.session_state.get(_ADDRESS):
        st.session_state[_ADDRESS] = (section, trial)
        if trial in knowledge.trials:
            st.session_state[TRIAL] = trial
            st.session_state[SECTION] = "trials"
        elif section in SECTIONS:
            st.session_state[SECTION] = section
    if trial is not None and trial not in knowledge.trials:
        st.warning(f"There is no trial {plain(trial)}.", icon=":material/search_off:")
    if section is not None and section not in SECTIONS:
        st.warning(f"There is no section {plain(section)}.", icon=":material/search_off:")
