"""What it would take: every smallest change of facts that gives an option the verdict that somebody wants."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import streamlit as st

from form import resources, state
from form.session import CHANGED, kept
from form.what_if.controls import try_out
from form.wording import badge, plain
from hcc_decide.answers import changed, line_detail
from hcc_decide.counterfactual.shape import GOALS, Change, Counterfactuals, Way
from hcc_decide.counterfactual.text import ORIGINS, in_groups, needed_text, others_text, summary
from hcc_decide.decision import USABLE, Decision, Verdict
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import RecordError, parse_patient
from hcc_decide.worker import WorkerError

OPTION = "whatif_takes_option"
GOAL = "whatif_takes_verdict"
ANY = "any that can be offered"
"""Stands for every verdict with which a board can offer an option."""
LOST = "This search was lost; the answer itself is not affected."

_FOUND = "whatif_takes_found"


def show_what_it_takes(
    record: Mapping[str, Any], decision: Decision, offered: Collection[str], knowledge: Knowledge
) -> None:
    """Ask for an option and a verdict, and show every smallest change of facts that gives it.

    Args:
        record: the case.
        decision: what was decided for it.
        offered: the entries of the case that can be tried out, by key.
        knowledge: for names.
    """
    st.markdown(
        "Choose an option and the verdict that it should have for the case in the form. You get every smallest set of facts "
        "that would have to be otherwise, while all others stay as they are."
    )
    left, right = st.columns(2)
    options = _options(decision, knowledge)
    option = left.selectbox(
        "Option",
        list(options),
        index=None,
        format_func=lambda name: options.get(name, name),
        placeholder="Choose an option; type to search",
        key=OPTION,
        persist_state="session",
    )
    goal = right.selectbox(
        "Verdict",
        [ANY, *GOALS],
        format_func=lambda verdict: verdict.replace("_", " "),
        key=GOAL,
        persist_state="session",
    )
    if option is None:
        return
    try:
        to = None if goal in (None, ANY) else goal
        found = kept(
            _FOUND,
            [decision.knowledge.sha256, option, to, record],
            lambda: resources.engine().ask(Counterfactuals, "counterfactual", record, option=option, to=to),
        )
    except WorkerError:
        st.error(LOST, icon=":material/error:")
        st.button("Search again", icon=":material/refresh:", key="whatif_takes_again")
        return
    if found.sha256 != knowledge.sha256:
        st.error(CHANGED, icon=":material/error:")
        return
    _show(record, found, offered, knowledge)


def _options(decision: Decision, knowledge: Knowledge) -> dict[str, str]:
    """Return the name of each option with its verdict: first what a board could offer were the case another."""
    verdicts: dict[str, Verdict] = {item.id: item.verdict for item in decision.options}
    verdicts |= {item.id: item.verdict for item in decision.excluded}

    def place(option: str) -> tuple[bool, bool, str]:
        ever = any(use.body.verdict in USABLE for use in knowledge.options[option].uses)
        return verdicts[option] in USABLE, not ever, knowledge.options[option].body.name.lower()

    return {
        option: f"{knowledge.options[option].body.name} ({verdicts[option].replace('_', ' ')})"
        for option in sorted(verdicts, key=place)
    }


def _show(record: Mapping[str, Any], found: Counterfactuals, offered: Collection[str], knowledge: Knowledge) -> None:
    sentence = plain(summary(found))
    if found.already or found.impossible:
        st.info(sentence, icon=":material/check:" if found.already else ":material/block:")
        return
    st.markdown(sentence)
    number = 0
    for title, answers in in_groups(found):
        st.markdown(f"**{title}**")
        for answer in answers:
            for way in answer.ways:
                number += 1
                with st.container(border=True, key=f"whatif_takes_card_{number}"):
                    _card(number, record, way, offered, knowledge)
            if not answer.whole:
                st.caption("Other combinations of values of these facts may do as well.")


def _card(number: int, record: Mapping[str, Any], way: Way, offered: Collection[str], knowledge: Knowledge) -> None:
    lines = [f"- {text}" for change in way.changes for text in _texts(change)]
    st.markdown("\n".join([f"Then {badge(way.verdict)}", "", *lines]))
    for rule in way.turns:
        st.caption(f"Turns: {plain(rule.text)} ({', '.join(plain(name) for name in (rule.rule, *rule.claims))})")
    other = _changed(record, way, knowledge)
    fits = other is not None and all(key in offered for change in way.changes for key in _keys(change, record))
    st.button(
        "Try this out",
        icon=":material/science:",
        key=f"whatif_takes_try_{number}",
        on_click=try_out,
        args=(record, other, knowledge),
        disabled=not fits,
        help="Takes the place of what is tried out now."
        if fits
        else "The case has no entry for one of these facts; change it on the Patient page.",
    )


def _texts(change: Change) -> list[str]:
    how = f": {change.how}" if change.how else ""
    found = f"**{plain(change.label)}:** {plain(change.now)} → {plain(needed_text(change, change.by))}"
    texts = [f"{found} *({plain(f'{ORIGINS[change.by]}{how}')})*"]
    others = others_text(change)
    return [*texts, f"also {plain(others)}"] if others else texts


def _changed(record: Mapping[str, Any], way: Way, knowledge: Knowledge) -> dict[str, Any] | None:
    """Return the record with the changes, ``None`` when it is refused."""
    other = dict(record)
    for change in way.changes:
        other = changed(other, change.fact, change.value)
    try:
        return parse_patient(other, knowledge.option_ids).to_record()
    except RecordError:
        return None


def _keys(change: Change, record: Mapping[str, Any]) -> list[str]:
    """Return the entries that a change needs."""
    detail = line_detail(change.fact)
    if detail is None:
        return [state.PRIOR if change.fact == state.PRIOR else state.key_of(change.fact)]
    lines = enumerate(record.get(state.PRIOR) or (), start=1)
    return [state.line_key(number, detail[1]) for number, line in lines if line["option"] == detail[0]]
