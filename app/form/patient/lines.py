"""Prior lines of systemic therapy, one row each, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from form import state
from form.patient.folds import fold, forget_folds
from form.session import entries
from form.wording import plain
from hcc_decide.decision import USABLE
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name
from hcc_decide.knowledge.schema import LineField
from hcc_decide.patient import OTHER

OTHER_LABEL = "another treatment"
KEPT: Literal["session"] = "session"
"""Of every field of the form. The record is kept without it too, but a field that comes back after another page, or in place
of another field, would show as empty what the form still holds."""

DETAILS = "details_"
"""Before the line's number: what is seldom told of it."""

_ROW = ("option", "name", "outcome")


def show_prior(knowledge: Knowledge) -> None:
    """Ask whether there have been lines of systemic therapy."""
    prior = knowledge.vocabulary.prior_systemic
    answers = [state.NOT_KNOWN, state.NONE, state.LINES]
    st.segmented_control(
        plain(prior.label),
        answers,
        required=True,
        key=state.PRIOR,
        help=plain(prior.question),
        wrap=True,
        persist_state=KEPT,
    )


def show_lines(knowledge: Knowledge, problems: state.Problems) -> None:
    """Show a row for each line, and the ways to add one and to take one out.

    Args:
        knowledge: for the treatments, labels and questions.
        problems: why entries are refused, by place.
    """
    count = int(entries()[state.PRIOR_COUNT])
    for number in range(1, count + 1):
        _line(number, knowledge, problems)
    st.button("Add a line", icon=":material/add:", key="add_line", on_click=_change, args=(None,))


def _change(without: int | None) -> None:
    if without is None:
        st.session_state.update(state.with_line(entries()))
    else:
        st.session_state.update(state.without_line(entries(), without))
        forget_folds()


def _line(number: int, knowledge: Knowledge, problems: state.Problems) -> None:
    for key, value in state.line_state(number, {}).items():
        st.session_state.setdefault(key, value)
    fields = knowledge.vocabulary.prior_systemic.fields
    other = entries()[state.line_key(number, "option")] == OTHER
    row = [name for name in fields if name in _ROW and (name != "name" or other)]
    with st.container(border=True, key=f"patient_line_{number}"):
        _refusal(problems, number)
        columns = st.columns([3] * len(row) + [1], vertical_alignment="bottom")
        for column, name in zip(columns, row, strict=False):
            with column:
                _line_field(number, name, fields[name], knowledge)
        with columns[-1]:
            key = f"remove_line_{number}"
            st.button(f"Remove line {number}", key=key, on_click=_change, args=(number,), type="tertiary")
        for name in row:
            _refusal(problems, number, name)
        _details(number, [name for name in fields if name not in _ROW], knowledge, problems)


def _details(number: int, names: Sequence[str], knowledge: Knowledge, problems: state.Problems) -> None:
    fields = knowledge.vocabulary.prior_systemic.fields
    empty = state.line_state(number, {})
    known = sum(entries()[state.line_key(number, name)] != empty[state.line_key(number, name)] for name in names)
    refused = sum(f"{state.PRIOR}[{number}].{name}" in problems for name in names)
    with fold(f"{DETAILS}{number}", f"Details of line {number}", known=known, refused=refused):
        for column, name in zip(st.columns(3), names, strict=False):
            with column:
                _line_field(number, name, fields[name], knowledge)
                _refusal(problems, number, name)


def _refusal(problems: state.Problems, number: int, name: str | None = None) -> None:
    place = f"{state.PRIOR}[{number}]"
    for message in problems.get(f"{place}.{name}" if name else place, ()):
        st.error(plain(message), icon=":material/error:")


def _line_field(number: int, name: str, field: LineField, knowledge: Knowledge) -> None:
    label = plain(f"{field.label} ({field.unit})" if field.unit else field.label)
    common: dict[str, Any] = {"key": state.line_key(number, name), "help": plain(field.question), "persist_state": KEPT}
    if name == "option":
        labels = {state.CHOOSE: state.CHOOSE, **treatments(knowledge), OTHER: OTHER_LABEL}
        chosen = entries()[state.line_key(number, name)]
        labels.setdefault(chosen, option_name(knowledge, chosen))
        st.selectbox(
            f"{label} of line {number}", list(labels), format_func=lambda token: labels.get(token, token), **common
        )
    elif name == "name":
        st.text_input(label, **common)
    elif field.values is not None:
        named = field.values
        st.selectbox(
            f"{label} of line {number}",
            [state.CHOOSE, *named],
            format_func=lambda token: named.get(token, token),
            **common,
        )
    elif field.unit is not None:
        st.number_input(label, value=None, step=1.0, format="%g", placeholder=state.NOT_KNOWN, **common)
    else:
        st.segmented_control(label, [state.NOT_KNOWN, *state.YES_NO], required=True, wrap=True, **common)


def treatments(knowledge: Knowledge) -> Mapping[str, str]:
    """Return the options that can have been a line of therapy: those in use by name, then those of trials."""
    given = [item for item in knowledge.options.values() if item.body.drugs]
    in_use = {item.id for item in given if any(use.body.verdict in USABLE for use in item.uses)}
    ordered = sorted(given, key=lambda item: (item.id not in in_use, option_name(knowledge, item.id).lower()))
    return {item.id: option_name(knowledge, item.id) for item in ordered}
