"""Sequence: the lines that may follow today's choices, decision by decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from form import resources
from form.sequence.controls import show_plan
from form.sequence.detail import show_decision
from form.sequence.picture import show_assumed, show_downloads, show_picture
from form.session import CHANGED, case, kept, said
from form.start import known_facts, offer_a_case, show_no_answer
from form.wording import plain
from hcc_decide.decision import Decision
from hcc_decide.patient import RecordError
from hcc_decide.sequence.shape import SequenceTree
from hcc_decide.sequence.words import BASIS
from hcc_decide.worker import WorkerError

_KEPT = 8
_ASKED = "sequence_answers"


def _sequence(record: Mapping[str, Any], decision: Decision) -> None:
    plan = show_plan(decision, knowledge)
    try:
        asked = plan.model_dump(mode="json")
        tree = kept(
            _ASKED,
            [knowledge.sha256, record, asked],
            lambda: resources.engine().ask(SequenceTree, "sequence", record, plan=asked),
            most=_KEPT,
        )
    except RecordError as error:
        st.error("Nothing is shown, because this cannot be followed:", icon=":material/error:")
        st.markdown("\n".join(f"- {plain(problem)}" for problem in error.problems))
        return
    except WorkerError:
        st.error("This look ahead was lost; the answer itself is not affected.", icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", key="sequence_again")
        return
    if tree.sha256 != knowledge.sha256:
        st.error(CHANGED, icon=":material/error:")
        return
    show_picture(tree)
    show_downloads(tree)
    show_assumed(tree)
    show_decision(tree)


knowledge = resources.knowledge()
st.title("Sequence", anchor=False)
st.markdown(f"Where today's choices lead. {BASIS}")
for message in said():
    st.error(plain(message), icon=":material/error:")
now = case(knowledge)
offer_a_case(now, "Sequence looks ahead from the case in the form", "sequence", knowledge)
if now.decision is None:
    show_no_answer(now, "no decision to look ahead from", "sequence", knowledge)
elif known_facts(now.record):
    _sequence(now.record, now.decision)
