"""The rules: search by drug, fact or trial, browse, and read each thing with its claims and the YAML behind."""

from __future__ import annotations

import streamlit as st

from form import resources
from form.rules.browser import choose, show_found, show_search
from form.rules.detail import show_chosen

knowledge = resources.knowledge()
st.title("Rules", anchor=False)
hits = show_search(knowledge)
listing, detail = st.columns([1, 2.3], gap="large")
chosen = choose(knowledge)
with listing:
    show_found(knowledge, hits, chosen)
with detail:
    show_chosen(knowledge, chosen)
