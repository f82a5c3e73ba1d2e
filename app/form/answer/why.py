"""Why one option stands above another: any two, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from form import resources
from form.session import CHANGED, kept
from form.wording import plain
from hcc_decide.compare_text import KEY_LABELS, counts
from hcc_decide.comparison import Comparison
from hcc_decide.decision import Decision
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name
from hcc_decide.worker import WorkerError

FIRST = "answer_why_first"
SECOND = "answer_why_second"

KEYS = KEY_LABELS
"""How each key is called, as on the command line."""

_DEFAULTS = "answer_why_defaults"
_COMPARED = "answer_compared"


def show_why(record: Mapping[str, Any], decision: Decision, knowledge: Knowledge) -> None:
    """Ask for two options and say which stands above the other, and by which key.

    Args:
        record: what was decided for.
        decision: for the options in order; at first the two that lead are compared.
        knowledge: for names.
    """
    st.header("Why is one option above another?", anchor=False)
    labels = {item.id: f"{item.rank}. {item.name}" for item in decision.options}
    labels |= {item.id: f"{item.name} ({item.verdict.replace('_', ' ')})" for item in decision.excluded}
    options = list(labels)
    _follow(options[0], options[1])
    left, right = st.columns(2)
    for column, key, label in ((left, FIRST, "One option"), (right, SECOND, "Another option")):
        column.selectbox(
            label, options, format_func=lambda option: labels.get(option, option), key=key, persist_state="session"
        )
    first, second = st.session_state[FIRST], st.session_state[SECOND]
    if first == second:
        st.markdown("Choose two different options.")
        return
    try:
        comparison = kept(
            _COMPARED,
            [decision.knowledge.sha256, first, second, record],
            lambda: resources.engine().compare(record, first, second),
        )
    except WorkerError:
        st.error("This comparison was lost; the answer itself is not affected.", icon=":material/error:")
        st.button("Compare again", icon=":material/refresh:", key="answer_why_again")
        return
    if comparison.sha256 != knowledge.sha256:
        st.error(CHANGED, icon=":material/error:")
        return
    _show(comparison, knowledge)


def _follow(first: str, second: str) -> None:
    """Compare what leads, as long as nobody has chosen other options."""
    chosen = (st.session_state.get(FIRST), st.session_state.get(SECOND))
    if None in chosen or chosen == st.session_state.get(_DEFAULTS):
        st.session_state[FIRST], st.session_state[SECOND] = first, second
    st.session_state[_DEFAULTS] = (first, second)


def _show(comparison: Comparison, knowledge: Knowledge) -> None:
    st.markdown(plain(comparison.sentence))
    first, second = (option_name(knowledge, option) for option in (comparison.first, comparison.second))
    rows = []
    for item, word in zip(comparison.differences, counts(comparison), strict=True):
        mark = "**" if item.decides else ""
        rows.append(
            {
                "Key, the weightiest first": f"{mark}{KEYS[item.key]}{mark}",
                plain(first): plain(item.first),
                plain(second): plain(item.second),
                "Counts": f":material/arrow_back: **{word}**" if item.decides else word,
            }
        )
    st.table(rows, hide_index=True, alt=f"{first} and {second}, key by key")
