"""What only a trial could offer, and what is out of question however it turns out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from form.answer.cards import DISAGREE
from form.answer.search import found, words_of
from form.sections import section
from form.sources import conflicts_in_short, later_text, trials_text, without_empty_columns
from form.wording import badge, facts_text, plain, result
from hcc_decide.decision import Criterion, Notice, Option
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.render import kind_text

TRIALS_KEY = "answer_trials_only"
OPEN_KEY = "answer_out_of_question"


def show_trial_only(
    options: Sequence[Option], knowledge: Knowledge, notices: Mapping[str, Sequence[Notice]], *, opened: bool
) -> None:
    """Show what only a trial could offer in one table, which can be filtered.

    Args:
        options: the options, by rank.
        knowledge: for labels and trials.
        notices: notices by option.
        opened: whether the table is open at first.
    """
    if not options:
        return
    shown = section(f"{badge('investigational')} Only within trials ({len(options)})", key=TRIALS_KEY, opened=opened)
    if shown.open:
        with shown:
            _filtered(options, knowledge, notices)


@st.fragment
def _filtered(options: Sequence[Option], knowledge: Knowledge, notices: Mapping[str, Sequence[Notice]]) -> None:
    typed = st.text_input(
        "Filter by name, drug or trial",
        type="search",
        key="answer_trials_filter",
        persist_state="session",
        live=True,
    )
    hits = [item for item in options if found(item, typed, knowledge)]
    if words_of(typed):
        st.caption(f"{len(hits)} of {len(options)} shown")
    if hits:
        st.table(
            without_empty_columns([_row(item, knowledge, notices.get(item.id, ())) for item in hits]),
            hide_index=True,
            alt="Options that only a trial could offer",
        )


def _row(item: Option, knowledge: Knowledge, notices: Sequence[Notice]) -> dict[str, str]:
    outlook = f" would be {badge(item.would_be)}" if item.would_be else ""
    cautions = "  \n".join(
        f":material/warning: {plain(caution.text)} ({facts_text(knowledge, caution.facts)})"
        for caution in item.cautions
    )
    return {
        "Option": f"**{item.rank}. {plain(item.name)}** {badge(item.verdict)}{outlook}  \n{plain(item.criteria[0].text)}",
        "Cautions": cautions,
        "Trials": trials_text(item.evidence, knowledge),
        DISAGREE: conflicts_in_short(item.conflicts),
        "Later than the reviews": later_text(notices),
    }


def show_out_of_question(options: Sequence[Option], knowledge: Knowledge) -> None:
    """Show the undetermined options that come into question whichever way what is missing turns out."""
    if not options:
        return
    shown = section(f"Not settled, but out of question either way ({len(options)})", key=OPEN_KEY)
    if shown.open:
        shown.table(
            [
                {
                    "Option": plain(item.name),
                    "Would be": badge(item.would_be) if item.would_be else "",
                    "Why": failures(item.criteria, knowledge) or "the evidence for this use is negative",
                }
                for item in options
            ],
            hide_index=True,
            alt="Options that are not settled, but out of question either way",
        )


def failures(criteria: Iterable[Criterion], knowledge: Knowledge) -> str:
    """Write the criteria that exclude an option, with the patient's own values; empty when none does."""
    return "; ".join(
        f"{kind_text(item)}: {plain(item.text)}: {result(item)} ({facts_text(knowledge, item.facts)})"
        for item in criteria
        if item.result == "not_met" and item.kind != "reservation"
    )
