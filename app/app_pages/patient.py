"""The patient: what is known, field by field, and the answer in short beside it, while it is typed."""

from __future__ import annotations

import streamlit as st

from form import resources, state
from form.patient import links
from form.patient.fields import refusal, show_form
from form.patient.files import show_files
from form.patient.folds import forget_folds
from form.patient.glance import show_glance
from form.session import Case, case, entries, fill, said
from form.wording import plain


def _choose() -> None:
    name = st.session_state["example"]
    st.session_state["example"] = None  # so that it can be chosen again after changes
    if name is not None:
        links.fill_in_example(knowledge, name)


def _take_up() -> None:
    """Arrange the page for what has just been filled in, wherever that was done."""
    if state.SETTLED not in entries():
        forget_folds()
        st.session_state[state.SETTLED] = True


def _tools(now: Case) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="patient_tools"):
        st.title("Patient", anchor=False, width="stretch")
        examples = resources.examples()
        if examples:
            st.selectbox(
                "Fill in an example",
                list(examples),
                index=None,
                placeholder="choose an example patient",
                key="example",
                on_change=_choose,
                width=280,
            )
        st.button("Clear", icon=":material/backspace:", key="clear", on_click=fill, args=(knowledge, {}))
        with st.popover("Load or save", icon=":material/folder_open:"):
            show_files(now, knowledge)
        with st.popover("Link to this form", icon=":material/link:"):
            name = links.standing_example(now.record)
            holds = f"the example *{plain(name)}*" if name else "an empty form"
            st.markdown(f"This address opens {holds}. No patient data ever stands in it.")
            st.code(links.address(now.record), language=None, wrap_lines=True)


knowledge = resources.knowledge()
links.follow_link(knowledge)
_take_up()
now = case(knowledge)
links.tell_the_truth_in_the_address(now.record)
_tools(now)
for message in said():
    st.error(plain(message), icon=":material/error:")
refusal(now.problems.get(state.TOP, ()))
left, right = st.columns([2, 1], gap="medium")
with left:
    show_form(now, knowledge)
with right:
    show_glance(now, knowledge)
