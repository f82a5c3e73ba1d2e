"""One patient: the form, and the answer for what stands in it."""

from __future__ import annotations

import streamlit as st

from form import resources, state
from form.answer import show_answer
from form.fields import show_form
from form.session import Answer, ask, entries, fill, fill_from_example, outcome
from form.wording import plain

knowledge = resources.knowledge()
for key, value in state.state_of({}, knowledge).items():
    st.session_state.setdefault(key, value)

st.markdown(
    "Enter what is known; what stays *not known* is never taken for *no*. "
    "Nothing that is entered here is stored or leaves this computer."
)
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.text_input(
        "Case",
        key=state.CASE,
        max_chars=64,
        placeholder="optional",
        help="A pseudonym, no name.",
        width=260,
    )
    examples = resources.examples()
    if examples:
        st.selectbox(
            "Fill in an example",
            list(examples),
            index=None,
            placeholder="choose an example patient",
            key="example",
            on_change=fill_from_example,
            args=(knowledge,),
            width=340,
        )
    st.button("Clear the form", icon=":material/backspace:", key="clear", on_click=fill, args=(knowledge, {}))

record = state.record_of(entries(), knowledge)
problems = state.problems_of(record, knowledge)
for problem in problems.get(state.TOP, ()):
    st.error(plain(problem), icon=":material/error:")
show_form(knowledge, entries(), problems)

if st.button("Decide", type="primary", icon=":material/play_arrow:", key="decide"):
    if problems:
        count = sum(len(found) for found in problems.values())
        st.error(
            f"Nothing was decided: {count} {'entry is' if count == 1 else 'entries are'} refused. "
            "The reason stands beside each.",
            icon=":material/error:",
        )
    else:
        with st.spinner("Deciding …"):
            ask(record, knowledge)

answer = outcome()
if isinstance(answer, Answer):
    if answer.record != record:
        st.warning(
            "**Out of date.** The form has changed since this answer was given. Press Decide again.",
            icon=":material/history:",
        )
    show_answer(answer.decision, knowledge)
elif answer is not None:
    st.error(plain(answer), icon=":material/error:")
