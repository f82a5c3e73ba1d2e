"""What if: change a fact, and see before and after side by side with what moved and by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from form import resources, state
from form.sections import section
from form.session import Answer, ask, case, said
from form.start import known_facts, offer_a_case, show_no_answer
from form.what_if.controls import (
    Entry,
    any_changes,
    changed_record,
    drop_what_does_not_fit,
    entries_of,
    made_for,
    put_into_form,
    show_changes,
    show_choice,
    start_over,
    use_for,
    was_put_into_form,
)
from form.what_if.moved import show_facts, show_moves, show_side_by_side
from form.what_if.suggestions import leaders, show_suggestions
from form.what_if.what_it_takes import show_what_it_takes
from form.wording import plain
from hcc_decide.changes import changes
from hcc_decide.decision import Decision
from hcc_decide.knowledge.labels import fact_label


def _made_for_another_case(record: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    names = [name for name in {**other, **record} if other.get(name) != record.get(name)]
    named = ", ".join("case" if name == state.CASE else fact_label(knowledge, name) for name in names)
    st.warning(
        f"These changes were made when the form held something else. Since then it differs in: {plain(named)}. "
        "They wait until you say what to do with them.",
        icon=":material/history:",
    )
    with st.container(horizontal=True):
        st.button("Use them for the case as it is now", key="whatif_use", on_click=use_for, args=(record,))
        st.button("Start over", icon=":material/restart_alt:", key="whatif_start_over", on_click=start_over)


def _what_if(record: Mapping[str, Any], decision: Decision) -> None:
    offered = entries_of(record, knowledge)
    gone = drop_what_does_not_fit(offered)
    changed = changed_record(record, knowledge)
    stale = made_for() is not None and made_for() != record
    problems = {} if stale else state.problems_of(changed, knowledge)
    answer = None if stale or problems or changed == record else ask(changed, knowledge)
    # What suggests itself next starts from the answer to what is tried out already.
    latest = answer.decision if answer is not None and answer.decision is not None else decision
    st.header("Change a fact", anchor=False)
    show_choice(record, offered, leaders(latest), knowledge)
    if gone:
        told = "1 change was" if gone == 1 else f"{gone} changes were"
        st.info(f"{told} taken back: the case no longer has that entry.")
    show_changes(record, offered, problems, knowledge)
    if stale:
        _made_for_another_case(record, made_for() or {})
        return
    _suggest(record, latest, offered)
    takes = section("What would it take?", key="whatif_takes")
    if takes.open:
        with takes:
            show_what_it_takes(record, decision, offered, knowledge)
    if any_changes():
        _buttons(changed, ready=answer is not None)
    if problems:
        st.error("No answer for the change: an entry is refused. The reason stands beside it.", icon=":material/error:")
    elif answer is not None:
        _compare(decision, answer)
    elif any_changes():
        st.info("Nothing is changed yet: every value is as in the case.")


def _suggest(record: Mapping[str, Any], decision: Decision, offered: Mapping[str, Entry]) -> None:
    # Open until something is tried out; then the comparison matters more.
    trying = any_changes()
    shown = section("Suggestions", key=f"whatif_suggest_{'more' if trying else 'first'}", opened=not trying)
    if shown.open:
        with shown:
            show_suggestions(record, decision, offered, knowledge)


def _buttons(changed: Mapping[str, Any], *, ready: bool) -> None:
    with st.container(horizontal=True):
        st.button(
            "Put this into the form",
            icon=":material/check:",
            key="whatif_apply",
            on_click=put_into_form,
            args=(changed, knowledge),
            disabled=not ready,
            help="The case in the form becomes the changed one.",
        )
        st.button("Start over", icon=":material/restart_alt:", key="whatif_start_over", on_click=start_over)


def _compare(before: Decision, answer: Answer) -> None:
    if answer.decision is None:
        st.error(plain(answer.failure or ""), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", key="whatif_retry")
        return
    found = changes(before, answer.decision, knowledge)
    st.header("Before and after", anchor=False)
    show_facts(found, knowledge)
    show_side_by_side(before, answer.decision, found, knowledge)
    st.header("What moved and by which rule", anchor=False)
    show_moves(found, knowledge, key="whatif")


knowledge = resources.knowledge()
st.title("What if", anchor=False)
st.markdown("Try out other values on the case in the form. The form stays as it is until you put the change into it.")
for message in said():
    st.error(plain(message), icon=":material/error:")
if was_put_into_form():
    st.success("The form now holds the changed case.", icon=":material/check:")
now = case(knowledge)
offer_a_case(now, "What if compares with the case in the form", "whatif", knowledge)
if now.decision is None:
    show_no_answer(now, "no answer to start from", "whatif", knowledge)
elif known_facts(now.record) or any_changes():
    _what_if(now.record, now.decision)
