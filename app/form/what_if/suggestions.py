"""Changes that suggest themselves: each missing fact with its answers, what keeps an option out, and the next line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from form import state
from form.what_if.controls import Entry, add_line, chosen, take_up
from form.wording import plain
from hcc_decide.decision import USABLE, Decision, Excluded
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name

MOST_MISSING = 6
MOST_BARRIERS = 6
MOST_LEADERS = 4
MOST_WEIGHTY = 8
ENTER = "enter a value"
_OF_LINE = re.compile(r"prior_systemic\[(?P<option>[^\]]+)\]\.(?P<field>\w+)")


def leaders(decision: Decision) -> list[str]:
    """Return the ids of the options that lead, best first."""
    return [item.id for item in decision.options if item.verdict in USABLE]


def show_suggestions(
    record: Mapping[str, Any], decision: Decision, offered: Mapping[str, Entry], knowledge: Knowledge
) -> None:
    """Show typical changes, each one click away.

    Args:
        record: the case.
        decision: what was decided for it.
        offered: the entries of the case.
        knowledge: for labels.
    """
    drugs = [option for option in leaders(decision) if knowledge.options[option].body.drugs][:MOST_LEADERS]
    if drugs:
        _next_line(record, drugs, knowledge)
    missing = [
        (key, item.question)
        for item in decision.missing
        for key in _keys(item.fact, record)
        if key in offered and key not in chosen()
    ]
    for start in range(0, min(len(missing), MOST_MISSING), 2):
        for column, (key, question) in zip(st.columns(2), missing[start : start + 2], strict=False):
            with column:
                _answers(record, offered[key], question, knowledge)
    if len(missing) > MOST_MISSING:
        st.caption(f"{len(missing) - MOST_MISSING} more missing facts stand in the list of facts.")
    _barriers(record, decision, offered, knowledge)
    _weighty(record, decision, offered, knowledge)


def _keys(fact: str, record: Mapping[str, Any]) -> list[str]:
    """Return the entries that a missing fact asks about; for a line's detail, those of the lines with its treatment."""
    of_line = _OF_LINE.fullmatch(fact)
    if of_line is None:
        return [state.PRIOR if fact == state.PRIOR else state.key_of(fact)]
    lines = enumerate(record.get(state.PRIOR) or (), start=1)
    return [state.line_key(number, of_line["field"]) for number, line in lines if line["option"] == of_line["option"]]


def _next_line(record: Mapping[str, Any], options: Sequence[str], knowledge: Knowledge) -> None:
    key = "whatif_after"

    def follow() -> None:
        option, st.session_state[key] = st.session_state[key], None
        if option:
            add_line(record, option)

    st.pills(
        "And after that? Progression on",
        list(options),
        format_func=lambda option: plain(option_name(knowledge, option)),
        key=key,
        on_change=follow,
    )


def _answers(record: Mapping[str, Any], entry: Entry, question: str, knowledge: Knowledge) -> None:
    tokens = {token: label for token, label in (entry.tokens or {}).items() if token != state.NOT_KNOWN}
    key = f"whatif_ask_{entry.key}"

    def follow() -> None:
        token, st.session_state[key] = st.session_state[key], None
        if token is not None:
            value = None if token == ENTER else [token] if entry.several else token
            take_up(record, entry.key, value, knowledge)

    st.pills(
        plain(f"Missing: {question}"),
        list(tokens) or [ENTER],
        format_func=lambda token: plain(tokens.get(str(token), str(token))),
        key=key,
        on_change=follow,
    )


def _barriers(
    record: Mapping[str, Any], decision: Decision, offered: Mapping[str, Entry], knowledge: Knowledge
) -> None:
    """Offer the facts that alone keep an option out that a board could otherwise use."""
    found: dict[str, list[str]] = {}
    for item in decision.excluded:
        facts = _facts_in_the_way(item, knowledge)
        key = state.key_of(facts[0]) if len(facts) == 1 else ""
        if key in offered and key not in chosen():
            found.setdefault(key, []).append(item.name)
    if not found:
        return
    ordered = sorted(found, key=lambda key: -len(found[key]))[:MOST_BARRIERS]
    pills = "whatif_barrier"

    def follow() -> None:
        key, st.session_state[pills] = st.session_state[pills], None
        if key:
            take_up(record, key, _other_value(record, offered[key]), knowledge)

    def label(key: str) -> str:
        names = found[key]
        rest = f" and {len(names) - 2} more" if len(names) > 2 else ""
        return plain(f"{offered[key].label}: {', '.join(names[:2])}{rest}")

    st.pills("Facts that alone keep an option out", ordered, format_func=label, key=pills, on_change=follow)


def _weighty(record: Mapping[str, Any], decision: Decision, offered: Mapping[str, Entry], knowledge: Knowledge) -> None:
    """Offer the known facts that most of the leading options are judged by."""
    found: dict[str, int] = {}
    for item in decision.options:
        if item.verdict in USABLE:
            read = {state.key_of(name) for part in item.criteria for name in part.facts if name in record}
            for key in read:
                found[key] = found.get(key, 0) + 1
    ordered = [key for key in offered if key in found and key not in chosen()]
    ordered.sort(key=lambda key: -found[key])
    pills = "whatif_weighty"

    def follow() -> None:
        key, st.session_state[pills] = st.session_state[pills], None
        if key:
            take_up(record, key, _other_value(record, offered[key]), knowledge)

    if ordered:
        st.pills(
            "Facts that the leading options are judged by",
            ordered[:MOST_WEIGHTY],
            format_func=lambda key: plain(offered[key].label),
            key=pills,
            on_change=follow,
        )


def _facts_in_the_way(item: Excluded, knowledge: Knowledge) -> list[str]:
    uses = {use.body.id: use.body.verdict for use in knowledge.options[item.id].uses}
    rules = [knowledge.rules[part.rule] for part in item.criteria]
    if not any(uses[name] in USABLE for rule in rules for name in rule.indications if name in uses):
        return []
    return list(dict.fromkeys(fact for part in item.criteria for fact in part.facts))


def _other_value(record: Mapping[str, Any], entry: Entry) -> Any:
    """Return the opposite of a yes or no, else what the case has, to start from."""
    value = record.get(entry.fact or "")
    if isinstance(value, bool):
        return "no" if value else "yes"
    if value is None:
        return state.NOT_KNOWN if entry.tokens else None
    if entry.several:
        return list(value) or [state.NONE]
    return str(value) if entry.tokens is not None else float(value)
