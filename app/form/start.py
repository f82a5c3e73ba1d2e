"""What pages show that start from the case in the form, when it holds little or there is no answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from form import pages, resources
from form.session import Case, fill_from_example
from form.wording import plain
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import fact_label

FEW = 3
"""With fewer facts than this, a page first offers to fill in the case."""
NOT_FACTS = ("case_id", "tumour", "intent")


def known_facts(record: Mapping[str, Any]) -> int:
    """Count the facts that a record knows, without what every record has."""
    return sum(name not in NOT_FACTS for name in record)


def offer_a_case(now: Case, needs: str, prefix: str, knowledge: Knowledge) -> None:
    """Where the form holds little, say so and offer to fill it in.

    Args:
        now: the case.
        needs: a sentence without its end: what the page does with the case.
        prefix: begins the keys of the page's widgets.
        knowledge: to read examples with.
    """
    known = known_facts(now.record)
    if known >= FEW or now.problems:
        return
    told = "The form is empty" if not known else f"Only {known} {'fact is' if known == 1 else 'facts are'} known"
    st.info(f"{told}. {needs}: fill it in, or take an example.")
    key = f"{prefix}_example"

    def fill_in() -> None:
        name, st.session_state[key] = st.session_state[key], None
        if name is not None:
            fill_from_example(knowledge, name)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Fill in an example", list(resources.examples()), index=None, key=key, on_change=fill_in)
        st.page_link(pages.PATIENT.path, label="Fill in the patient", icon=pages.PATIENT.icon)


def show_no_answer(now: Case, lacking: str, prefix: str, knowledge: Knowledge) -> None:
    """Say why there is nothing to start from: the answer was lost, or the record is refused and why.

    Args:
        now: the case.
        lacking: what a refused record leaves the page without.
        prefix: begins the keys of the page's widgets.
        knowledge: for labels.
    """
    if now.answer is not None:
        st.error(plain(now.answer.failure or ""), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", key=f"{prefix}_retry")
        return
    st.error(f"The record is refused, so there is {lacking}.", icon=":material/error:")
    st.markdown(
        "\n".join(
            f"- {plain(f'{fact_label(knowledge, place)}: ' if place else '')}{plain(problem)}"
            for place, found in now.problems.items()
            for problem in found
        )
    )
    st.page_link(pages.PATIENT.path, label="Mend the entries on the Patient page", icon=pages.PATIENT.icon)
