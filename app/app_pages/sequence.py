"""Sequence: the lines that may follow today's choices, decision by decision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import streamlit as st

from form import pages, resources
from form.sequence.controls import show_plan
from form.sequence.detail import show_decision
from form.sequence.picture import show_assumed, show_downloads, show_picture
from form.session import CHANGED, Case, case, fill_from_example, said
from form.wording import plain
from hcc_decide.decision import Decision
from hcc_decide.knowledge.labels import fact_label
from hcc_decide.patient import RecordError
from hcc_decide.sequence.plan import Plan
from hcc_decide.sequence.shape import SequenceTree
from hcc_decide.sequence.words import BASIS
from hcc_decide.worker import WorkerError

FEW = 3
NOT_FACTS = ("case_id", "tumour", "intent")
_KEPT = 8
_ASKED = "sequence_answers"


def _no_answer(now: Case) -> None:
    if now.answer is not None:
        st.error(plain(now.answer.failure or ""), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", key="sequence_retry")
        return
    st.error("The record is refused, so there is no decision to look ahead from.", icon=":material/error:")
    st.markdown(
        "\n".join(
            f"- {plain(f'{fact_label(knowledge, place)}: ' if place else '')}{plain(problem)}"
            for place, found in now.problems.items()
            for problem in found
        )
    )
    st.page_link(pages.PATIENT.path, label="Mend the entries on the Patient page", icon=pages.PATIENT.icon)


def _little_is_known(known: int) -> None:
    told = "The form is empty" if not known else f"Only {known} {'fact is' if known == 1 else 'facts are'} known"
    st.info(f"{told}. Sequence looks ahead from the case in the form: fill it in, or take an example.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Fill in an example", list(resources.examples()), index=None, key="sequence_example", on_change=_fill_in
        )
        st.page_link(pages.PATIENT.path, label="Fill in the patient", icon=pages.PATIENT.icon)


def _fill_in() -> None:
    name = st.session_state["sequence_example"]
    st.session_state["sequence_example"] = None
    if name is not None:
        fill_from_example(knowledge, name)


def _looked(record: Mapping[str, Any], plan: Plan) -> SequenceTree:
    """Look ahead, or take what was asked before in this session.

    Raises:
        RecordError: the plan cannot be followed for this record.
        WorkerError: nothing was answered; nothing is kept.
    """
    kept = cast("dict[str, SequenceTree]", st.session_state.setdefault(_ASKED, {}))
    asked = plan.model_dump(mode="json")
    name = json.dumps([knowledge.sha256, record, asked], sort_keys=True)
    if name not in kept:
        kept[name] = resources.engine().ask(SequenceTree, "sequence", record, plan=asked)
        for oldest in list(kept)[:-_KEPT]:
            del kept[oldest]
    return kept[name]


def _sequence(record: Mapping[str, Any], decision: Decision) -> None:
    plan = show_plan(decision, knowledge)
    try:
        tree = _looked(record, plan)
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
known = len([name for name in now.record if name not in NOT_FACTS])
if known < FEW and not now.problems:
    _little_is_known(known)
if now.decision is None:
    _no_answer(now)
elif known:
    _sequence(now.record, now.decision)
