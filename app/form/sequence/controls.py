"""What to look ahead to: how far, how widely, how lines end, what is begun with, and what changes on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from form import state
from form.sections import section
from form.session import entries
from form.wording import plain
from hcc_decide.decision import Decision
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import fact_of, member_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, choice_label
from hcc_decide.knowledge.schema import Fact
from hcc_decide.missing import label_of
from hcc_decide.sequence.plan import DEEPEST, WIDEST, Assumption, Plan

DEPTH = "sequence_depth"
WIDTH = "sequence_width"
ENDINGS = "sequence_endings"
FIRST = "sequence_first"
FACTS = "sequence_facts"
EVERY = "after every line"
VALUE = "sequence_value_"
WHEN = "sequence_when_"

_DETAILS = ("radiological_progression", "last_daily_dose_mg", "tolerated_days_of_last_28")
_NOT_ASSUMED = ("case_id", "tumour")
_COLUMNS = 3


def show_plan(decision: Decision, knowledge: Knowledge) -> Plan:
    """Show what can be asked for, and return it.

    Args:
        decision: today's, for the options to begin with.
        knowledge: for the endings, the facts and their labels.
    """
    course = knowledge.course
    far, wide, how = st.columns([1, 1, 2])
    depth = far.number_input("Lines ahead", 1, DEEPEST, 2, key=DEPTH, persist_state="session")
    width = wide.number_input(
        "Options followed at each decision",
        1,
        WIDEST,
        3,
        key=WIDTH,
        persist_state="session",
        help="Of the usable options those that lead; of those that share the last rank all.",
    )
    every = list(course.endings)
    endings = how.segmented_control(
        "How lines end",
        every,
        selection_mode="multi",
        default=every,
        format_func=lambda name: course.endings[name].label if name in course.endings else name,
        key=ENDINGS,
        persist_state="session",
        help="What each ending assumes stands below.",
    )
    labels = {item.id: f"{item.name} ({item.verdict.replace('_', ' ')})" for item in decision.in_question}
    st.session_state[FIRST] = [name for name in st.session_state.get(FIRST, ()) if name in labels]
    first = st.multiselect(
        "Options to begin with",
        list(labels),
        format_func=lambda option: labels.get(option, option),
        placeholder="Those that lead; choose others to follow them first",
        select_all=False,
        key=FIRST,
        persist_state="session",
        help="Followed from today's decision whatever their rank; those that lead fill up the width.",
    )
    return Plan(
        depth=int(depth),
        width=int(width),
        choices=tuple(first),
        endings=tuple(endings) or None,
        assumptions=tuple(_assumptions(int(depth), knowledge)),
    )


def _assumptions(depth: int, knowledge: Knowledge) -> list[Assumption]:
    offered = _facts(knowledge)
    st.session_state[FACTS] = [name for name in st.session_state.get(FACTS, ()) if name in offered]
    count = len(st.session_state[FACTS])
    shown = section(f"What changes on the way ({count or 'nothing'})", key="sequence_changes", opened=bool(count))
    if shown.open:
        with shown:
            _fields(offered, depth, knowledge)
    return [_assumption(name, offered[name], depth) for name in st.session_state[FACTS]]


def _facts(knowledge: Knowledge) -> dict[str, Fact]:
    """Return what can be assumed, by its name in a plan: facts of the record first, then what rules ask of lines."""
    facts = {name: fact for name, fact in state.shown(knowledge, entries()).items() if name not in _NOT_ASSUMED}
    often = [name for name in knowledge.course.may_change if name in facts]
    found = {name: facts[name] for name in [*often, *(name for name in facts if name not in often)]}
    for attribute in knowledge.attributes():
        if fact_of(attribute) in _DETAILS:
            name = f"{PRIOR_SYSTEMIC}[{member_of(attribute)}].{fact_of(attribute)}"
            found[name] = knowledge.vocabulary.facts[fact_of(attribute)]
    return found


def _fields(offered: Mapping[str, Fact], depth: int, knowledge: Knowledge) -> None:
    names = st.multiselect(
        "Facts that change between lines",
        list(offered),
        format_func=lambda name: label_of(knowledge, name),
        placeholder="Choose facts; type to search",
        select_all=False,
        key=FACTS,
        persist_state="session",
        help="All others stay as they are recorded today.",
    )
    for start in range(0, len(names), _COLUMNS):
        for column, name in zip(st.columns(_COLUMNS), names[start : start + _COLUMNS], strict=False):
            with column:
                _value(name, offered[name], knowledge)
                when = [EVERY, *(f"after line {number}" for number in range(1, depth + 1))]
                if st.session_state.get(WHEN + name) not in when:
                    st.session_state[WHEN + name] = EVERY
                st.selectbox("When", when, key=WHEN + name, persist_state="session")


def _is_set(name: str, fact: Fact) -> bool:
    """Whether several values can be chosen; of a line it is told whether the line's option is among those of a set."""
    return fact.kind == "set" and not name.startswith(PRIOR_SYSTEMIC)


def _tokens(name: str, fact: Fact) -> Mapping[str, bool | int | str] | None:
    if fact.kind == "set" and not _is_set(name, fact):
        return state.YES_NO
    return state.choices(fact)


def _value(name: str, fact: Fact, knowledge: Knowledge) -> None:
    label = plain(f"{label_of(knowledge, name)}{f' ({fact.unit})' if fact.unit else ''}")
    tokens, key = _tokens(name, fact), VALUE + name
    if _is_set(name, fact):
        offered = [state.NONE, *(tokens or ())]
        st.multiselect(
            label,
            offered,
            format_func=lambda token: token if token == state.NONE else choice_label(fact, token),
            placeholder=state.NOT_KNOWN,
            select_all=False,
            key=key,
            persist_state="session",
        )
    elif tokens is not None:
        st.selectbox(
            label,
            [state.NOT_KNOWN, *tokens],
            format_func=lambda token: choice_label(fact, token),
            key=key,
            persist_state="session",
        )
    else:
        st.number_input(
            label, value=None, step=1.0, format="%g", placeholder=state.NOT_KNOWN, key=key, persist_state="session"
        )


def _assumption(name: str, fact: Fact, depth: int) -> Assumption:
    entered: Any = st.session_state.get(VALUE + name)
    tokens = _tokens(name, fact)
    if _is_set(name, fact):
        entered = None if not entered else [] if entered == [state.NONE] else list(entered)
    elif tokens is not None:
        entered = tokens.get(str(entered))
    elif isinstance(entered, float) and entered.is_integer():
        entered = int(entered)
    when = str(st.session_state.get(WHEN + name, EVERY)).removeprefix("after line ")
    return Assumption(after=int(when) if when.isdigit() and int(when) <= depth else None, fact=name, value=entered)
