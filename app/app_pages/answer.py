"""The answer: what leads and why, every option with its reasons, what is missing, and what is excluded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from form import pages, resources, state
from form.answer.cards import show_cards
from form.answer.excluded import show_excluded
from form.answer.missing import show_missing, weighed
from form.answer.summary import show_summary
from form.answer.trial_only import show_out_of_question, show_trial_only
from form.answer.why import show_why
from form.sections import section
from form.session import Case, case
from form.wording import plain
from hcc_decide.decision import Decision, Notice
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import fact_label, value_text
from hcc_decide.render import within_trials

_OF_LINE = re.compile(r"prior_systemic\[(?P<number>\d+)\](?:\.(?P<field>\w+))?")


def _refused(now: Case) -> None:
    problems = [(place, problem) for place, found in now.problems.items() for problem in found]
    entries = "1 entry is refused" if len(problems) == 1 else f"{len(problems)} entries are refused"
    st.error(f"Nothing is decided: {entries}.", icon=":material/error:")
    st.markdown("\n".join(f"- {plain(_named(place) + problem)}" for place, problem in problems))
    st.page_link(pages.PATIENT.path, label="Mend the entries on the Patient page", icon=pages.PATIENT.icon)


def _named(place: str) -> str:
    """Name the entry that a problem concerns; nothing for one that concerns no single entry."""
    if place in ("", state.CASE):
        return "Case: " if place else ""
    of_line = _OF_LINE.fullmatch(place)
    if of_line is None:
        return f"{fact_label(knowledge, place)}: "
    field = knowledge.vocabulary.prior_systemic.fields.get(of_line["field"] or "")
    return f"Line {of_line['number']} of prior systemic therapy{f', {field.label}' if field else ''}: "


def _lost(sentence: str) -> None:
    st.error(plain(sentence), icon=":material/error:")
    st.button("Try again", icon=":material/refresh:", key="answer_retry")


def _options(decision: Decision, notices: Mapping[str, Sequence[Notice]]) -> None:
    st.header("Options", anchor=False)
    listed = decision.in_question
    cards = [item for item in listed if not within_trials(item)]
    if not listed:
        st.markdown("None of the catalogue comes into question. Discuss.")
    show_cards(cards, knowledge, notices)
    show_trial_only([item for item in listed if within_trials(item)], knowledge, notices, opened=not cards)
    ids = {item.id for item in listed}
    show_out_of_question([item for item in decision.options if item.id not in ids], knowledge)


def _derivation(record: Mapping[str, Any], decision: Decision) -> None:
    st.header("How it came about", anchor=False)
    shown = section(f"Derived facts ({len(decision.derived)})", key="answer_derived")
    if shown.open:
        shown.table(_derived(decision, knowledge), hide_index=True, alt="Derived facts")
    steps = f"See how the rules came to it, step by step ({len(decision.trace)} steps)"
    st.page_link(pages.TEACH.path, label=steps, icon=pages.TEACH.icon)
    st.download_button(
        "Download this decision (JSON)",
        lambda: json.dumps(weighed(record, decision, knowledge).model_dump(mode="json"), ensure_ascii=False, indent=2),
        file_name="decision.json",
        mime="application/json",
        icon=":material/download:",
        key="answer_download",
        on_click="ignore",
    )


def _derived(decision: Decision, knowledge: Knowledge) -> list[dict[str, str]]:
    facts = knowledge.vocabulary.facts
    return [
        {
            "Fact": plain(facts[item.fact].label),
            "Value": plain(value_text(facts[item.fact], item.value)),
            "From": plain(", ".join(fact_label(knowledge, name) for name in item.from_)),
            "Rule": f"`{item.rule}`",
        }
        for item in decision.derived
    ]


knowledge = resources.knowledge()
st.title("Answer", anchor=False)
now = case(knowledge)
if now.decision is not None:
    by_option: dict[str, list[Notice]] = {}
    for notice in now.decision.notices:
        by_option.setdefault(notice.option or "", []).append(notice)
    show_summary(now.decision, knowledge)
    _options(now.decision, by_option)
    # What facts are worth takes longest to find out, so nothing else waits for it.
    missing = st.container()
    show_why(now.record, now.decision, knowledge)
    show_excluded(now.decision, knowledge, by_option)
    _derivation(now.record, now.decision)
    with missing:
        show_missing(now, now.decision, knowledge)
elif now.answer is not None:
    _lost(now.answer.failure or "")
    show_missing(now, None, knowledge)
else:
    _refused(now)
    show_missing(now, None, knowledge)
