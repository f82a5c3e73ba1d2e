"""The fields of the form, made from the vocabulary. Every clinical fact can be left as not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from form import state
from form.wording import option_name, plain
from hcc_decide.decision import USABLE
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema import Fact, LineField
from hcc_decide.patient import OTHER

COLUMNS = 4
PRIOR_GROUP = "prior_treatment"
OTHER_LABEL = "another treatment"


def show_form(knowledge: Knowledge, entries: Mapping[str, Any], problems: state.Problems) -> None:
    """Show all fields, group by group, each with the problems that concern it.

    Args:
        knowledge: for labels, units, questions and values.
        entries: what stands in the form, by key.
        problems: what the record refuses, by field.
    """
    facts = state.shown(knowledge, entries)
    for group in dict.fromkeys(fact.group for fact in facts.values()):
        names = [name for name, fact in facts.items() if fact.group == group]
        if group == PRIOR_GROUP:
            names.append(state.PRIOR)
        with st.container(border=True):
            st.subheader(group.replace("_", " ").capitalize(), anchor=False)
            # Row by row, so that the tab key goes the way people read.
            for start in range(0, len(names), COLUMNS):
                for column, name in zip(st.columns(COLUMNS), names[start : start + COLUMNS], strict=False):
                    with column:
                        if name == state.PRIOR:
                            _prior(knowledge)
                        else:
                            _fact(name, facts[name])
                        _refusal(problems.get(name, ()))
            if group == PRIOR_GROUP and entries[state.PRIOR] == state.LINES:
                _prior_lines(knowledge, problems)


def _refusal(messages: Iterable[str]) -> None:
    for message in messages:
        st.error(plain(message), icon=":material/error:")


def _fact(name: str, fact: Fact) -> None:
    label = plain(f"{fact.label} ({fact.unit})" if fact.unit else fact.label)
    helped = plain(" ".join(text for text in (fact.question, fact.description) if text)) or None
    key, tokens = state.key_of(name), state.choices(fact)
    if fact.kind == "set":
        st.multiselect(
            label,
            [state.NONE, *(tokens or ())],
            format_func=lambda token: token if token == state.NONE else state.choice_label(fact, token),
            placeholder=state.NOT_KNOWN,
            select_all=False,
            key=key,
            help=helped,
        )
    elif tokens is None:
        # No limits: the browser would drop a number outside them, where the record says what is wrong.
        st.number_input(
            label,
            value=None,
            step=_step(fact),
            format="%g",
            placeholder=state.NOT_KNOWN,
            key=key,
            help=helped,
        )
    else:
        _choice(label, tokens if state.default_of(name) else [state.NOT_KNOWN, *tokens], fact, key, helped)


def _choice(label: str, tokens: Iterable[str], fact: Fact, key: str, helped: str | None) -> None:
    st.selectbox(label, list(tokens), format_func=lambda token: state.choice_label(fact, token), key=key, help=helped)


def _step(fact: Fact) -> float:
    fine = fact.kind == "number" and fact.plausible is not None and (fact.plausible.at_least or 1) < 1
    return 0.1 if fine else 1.0


def _prior(knowledge: Knowledge) -> None:
    prior = knowledge.vocabulary.prior_systemic
    answers = [state.NOT_KNOWN, state.NONE, state.LINES]
    st.selectbox(plain(prior.label), answers, key=state.PRIOR, help=plain(prior.question))


def _prior_lines(knowledge: Knowledge, problems: state.Problems) -> None:
    count = st.session_state[state.PRIOR_COUNT]
    for number in range(1, count + 1):
        with st.container(border=True):
            st.markdown(f"**Line {number}**")
            _refusal(problems.get(f"{state.PRIOR}[{number}]", ()))
            _line(number, knowledge, problems)
    with st.container(horizontal=True):
        st.button("Add a line", icon=":material/add:", key="add_line", on_click=_count_lines, args=(count + 1,))
        if count > 1:
            remove = f"Remove line {count}"
            st.button(remove, icon=":material/delete:", key="remove_line", on_click=_count_lines, args=(count - 1,))


def _count_lines(count: int) -> None:
    if count > st.session_state[state.PRIOR_COUNT]:
        st.session_state.update(state.line_state(count, {}))
    st.session_state[state.PRIOR_COUNT] = count


def _line(number: int, knowledge: Knowledge, problems: state.Problems) -> None:
    for key, value in state.line_state(number, {}).items():
        st.session_state.setdefault(key, value)
    fields = knowledge.vocabulary.prior_systemic.fields
    other = st.session_state[state.line_key(number, "option")] == OTHER
    names = [name for name in fields if name != "name" or other]
    for row in (names[:3], names[3:]):
        for column, name in zip(st.columns(3), row, strict=False):
            with column:
                _line_field(number, name, fields[name], knowledge)
                _refusal(problems.get(f"{state.PRIOR}[{number}].{name}", ()))


def _line_field(number: int, name: str, field: LineField, knowledge: Knowledge) -> None:
    label = plain(f"{field.label} ({field.unit})" if field.unit else field.label)
    common: dict[str, Any] = {"key": state.line_key(number, name), "help": plain(field.question)}
    if name == "option":
        labels = {state.CHOOSE: state.CHOOSE, **_treatments(knowledge), OTHER: OTHER_LABEL}
        chosen = st.session_state[state.line_key(number, name)]
        labels.setdefault(chosen, option_name(knowledge, chosen))
        st.selectbox(label, list(labels), format_func=lambda token: labels.get(token, token), **common)
    elif name == "name":
        st.text_input(label, max_chars=120, **common)
    elif field.values is not None:
        named = field.values
        st.selectbox(label, [state.CHOOSE, *named], format_func=lambda token: named.get(token, token), **common)
    elif field.unit is not None:
        st.number_input(label, value=None, step=1.0, format="%g", placeholder=state.NOT_KNOWN, **common)
    else:
        st.selectbox(label, [state.NOT_KNOWN, *state.YES_NO], **common)


def _treatments(knowledge: Knowledge) -> Mapping[str, str]:
    """Return the options that can have been a line of therapy: those in use by name, then those of trials."""
    given = [item for item in knowledge.options.values() if item.body.drugs]
    in_use = {item.id for item in given if any(use.body.verdict in USABLE for use in item.uses)}
    ordered = sorted(given, key=lambda item: (item.id not in in_use, option_name(knowledge, item.id).lower()))
    return {item.id: option_name(knowledge, item.id) for item in ordered}
