"""The evidence: what trials found, when, what is under way, and where sources disagree."""

from __future__ import annotations

import streamlit as st

from form import resources
from form.evidence.sections import show_evidence

st.title("Evidence", anchor=False)
show_evidence(resources.knowledge())
