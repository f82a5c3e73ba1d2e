"""Teach: step through the inference for the case in the form, and practise on teaching cases."""

from __future__ import annotations

import streamlit as st

from form import resources
from form.session import said
from form.teach import exercises, steps
from form.wording import plain

STEPS, EXERCISES = "Step by step", "Exercises"

knowledge = resources.knowledge()
st.title("Teach", anchor=False)
for message in said():
    st.info(plain(message), icon=":material/info:")
for link, taken in ((steps.take_link(knowledge), STEPS), (exercises.take_link(knowledge), EXERCISES)):
    if link:
        st.session_state["teach_part"] = taken
    elif link is False:
        st.warning("The address of this page names something that the rules do not have.", icon=":material/link_off:")
part = st.segmented_control(
    "What to do",
    [STEPS, EXERCISES],
    default=None if "teach_part" in st.session_state else STEPS,
    required=True,
    key="teach_part",
    persist_state="session",
)
if part == EXERCISES:
    exercises.show_exercises(knowledge)
else:
    steps.show_steps(knowledge)
