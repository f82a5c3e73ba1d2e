"""The fields of the form, made from the vocabulary. Every clinical fact can be left as not known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import streamlit as st

from form import resources, state, units
from form.numbers import show_number
from form.patient.folds import fold
from form.patient.lines import KEPT, show_lines, show_prior
from form.session import Case, entries
from form.wording import plain
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import choice_label
from hcc_decide.knowledge.schema import Fact
from hcc_decide.plausible import implausible

COLUMNS = 3
PRIOR_GROUP = "prior_treatment"
CASE_GROUP = "context"
MORE = "more_"
"""Before the group's name: what is seldom asked."""

MOST_SEGMENTS = 6
LONGEST_ROW = 22
"""How many choices, and how many letters of their labels, stand side by side in one column."""

_BESIDE = re.compile(r"staging/(?P<stage>[\w-]+)/disagreement")


def show_form(case: Case, knowledge: Knowledge) -> None:
    """Show all fields, group by group, each with what concerns it: why it is refused, or what is unusual.

    Args:
        case: the case as it stands.
        knowledge: for labels, units, questions and values.
    """
    facts = state.shown(knowledge, entries())
    remarks = remarks_of(case)
    for group in get_args(Fact.model_fields["group"].annotation):
        members = {name: fact for name, fact in facts.items() if fact.group == group}
        first = [name for name, fact in members.items() if not fact.seldom_asked]
        first += [state.PRIOR] * (group == PRIOR_GROUP) + [state.CASE] * (group == CASE_GROUP)
        with st.container(border=True, key=f"patient_group_{group}"):
            st.header(_words(group).capitalize(), anchor=False)
            _rows(first, case, knowledge, remarks)
            if group == PRIOR_GROUP and entries()[state.PRIOR] == state.LINES:
                show_lines(knowledge, case.problems)
            _more(group, [name for name, fact in members.items() if fact.seldom_asked], case, knowledge, remarks)


def remarks_of(case: Case) -> Mapping[str, Sequence[str]]:
    """Return what there is to remark about single entries, by fact: unusual values, and values that differ from derived ones.

    What is unusual is said even while another entry is refused and nothing is decided.
    """
    unusual = implausible(resources.knowledge(), case.record)
    found = {name: [text] for name, text in unusual.items() if name not in case.problems}
    for notice in case.decision.notices if case.decision else ():
        about = _BESIDE.fullmatch(notice.rule)
        if about is not None:
            found.setdefault(about["stage"].replace("-", "_"), []).append(notice.text)
    return found


def refusal(messages: Iterable[str]) -> None:
    """Show why an entry is refused."""
    for message in messages:
        st.error(plain(message), icon=":material/error:")


def _words(group: str) -> str:
    return group.replace("_", " ")


def _rows(names: Sequence[str], case: Case, knowledge: Knowledge, remarks: Mapping[str, Sequence[str]]) -> None:
    # Row by row, so that the tab key goes the way people read.
    for start in range(0, len(names), COLUMNS):
        for column, name in zip(st.columns(COLUMNS), names[start : start + COLUMNS], strict=False):
            with column:
                _field(name, case, knowledge)
                for remark in remarks.get(name, ()):
                    st.warning(plain(remark), icon=":material/warning:")


def _field(name: str, case: Case, knowledge: Knowledge) -> None:
    problems = case.problems.get(name, ())
    if name == state.PRIOR:
        show_prior(knowledge)
    elif name == state.CASE:
        st.text_input(
            "Case",
            key=state.CASE,
            placeholder="optional",
            help="A pseudonym, no name. Nothing is logged.",
            persist_state=KEPT,
        )
    else:
        fact = knowledge.vocabulary.facts[name]
        show_fact(name, fact)
        number, unit = entries().get(state.key_of(name)), units.unit_of(name, fact, entries())
        if fact.also_in:
            problems = [units.as_typed(problem, number, case.record.get(name), fact, unit) for problem in problems]
    refusal(problems)


def _more(
    group: str, names: Sequence[str], case: Case, knowledge: Knowledge, remarks: Mapping[str, Sequence[str]]
) -> None:
    if not names:
        return
    known, refused = sum(name in case.record for name in names), sum(name in case.problems for name in names)
    with fold(MORE + group, f"More {_words(group)} facts", known=known, refused=refused):
        _rows(names, case, knowledge, remarks)


def show_fact(name: str, fact: Fact) -> None:
    """Show the field of one fact. What is typed goes into the form, on whatever page it stands.

    Args:
        name: the fact's name.
        fact: the fact, one that the record holds.
    """
    label = plain(f"{fact.label} ({fact.unit})" if fact.unit and not fact.also_in else fact.label)
    key, tokens = state.key_of(name), state.choices(fact)
    if fact.kind == "set":
        st.multiselect(
            label,
            [state.NONE, *(tokens or ())],
            format_func=lambda token: token if token == state.NONE else choice_label(fact, token),
            placeholder=state.NOT_KNOWN,
            select_all=False,
            key=key,
            help=help_of(fact),
            persist_state=KEPT,
        )
    elif tokens is None:
        show_number(name, fact, label, help_of(fact))
    else:
        _choice(fact, label, tokens if state.default_of(name) else [state.NOT_KNOWN, *tokens], key)


def help_of(fact: Fact, *more: str) -> str | None:
    """Return what stands beside a field as help."""
    return plain(" ".join(text for text in (fact.question, fact.description, *more) if text)) or None


def _choice(fact: Fact, label: str, tokens: Iterable[str], key: str) -> None:
    offered = list(tokens)
    values = [token for token in offered if token != state.NOT_KNOWN]
    short = all(len(token) <= 1 for token in values)
    labels = {token: token if short else choice_label(fact, token) for token in offered}
    if len(offered) <= MOST_SEGMENTS and sum(len(labels[token]) for token in values) <= LONGEST_ROW:
        meanings = [choice_label(fact, token) for token in values] if short and fact.values else []
        st.segmented_control(
            label,
            offered,
            format_func=lambda token: labels.get(token, token),
            required=True,
            key=key,
            help=help_of(fact, "; ".join(meanings)),
            wrap=True,
            persist_state=KEPT,
        )
    else:
        st.selectbox(
            label,
            offered,
            format_func=lambda token: choice_label(fact, token),
            key=key,
            help=help_of(fact),
            persist_state=KEPT,
        )
