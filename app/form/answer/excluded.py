"""What does not come into question, grouped by what speaks against it, and found by a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from form.answer.cards import DISAGREE
from form.answer.search import found, words_of
from form.answer.trial_only import failures
from form.sections import section
from form.sources import conflicts_in_short, later_text, trials_text, without_empty_columns
from form.wording import badge, plain
from hcc_decide.decision import Decision, Excluded, Notice
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import facts_text, setting_labels
from hcc_decide.render import grouped

SOUGHT = "answer_sought"
_NAMED = 4
"""How many groups are named beside a verdict while it is closed."""


@dataclass(frozen=True)
class Group:
    """Options that one thing excludes.

    Attributes:
        label: what excludes them, in words.
        members: the options, by name as the decision lists them.
    """

    label: str
    members: tuple[Excluded, ...]


def verdict_key(verdict: str) -> str:
    """Return the key of the section of one verdict."""
    return f"answer_excluded_{verdict}"


def groups(members: Sequence[Excluded], knowledge: Knowledge) -> list[Group]:
    """Group the options of one verdict by what excludes them, the largest group first.

    An option that fails several criteria stands under the one that excludes most options.
    """
    failing = Counter(text for item in members for text in set(_failing(item, knowledge)))
    by_label: dict[str, list[Excluded]] = {}
    for item in members:
        by_label.setdefault(_label(item, knowledge, failing), []).append(item)
    found_groups = [Group(label, tuple(items)) for label, items in by_label.items()]
    return sorted(found_groups, key=lambda group: (-len(group.members), group.label))


def _failing(item: Excluded, knowledge: Knowledge) -> list[str]:
    return [facts_text(knowledge, criterion.facts) for criterion in item.criteria]


def _label(item: Excluded, knowledge: Knowledge, failing: Mapping[str, int]) -> str:
    texts = _failing(item, knowledge)
    if texts:
        return max(texts, key=lambda text: failing[text])
    uses = knowledge.options[item.id].uses
    near = [use for use in uses if use.body.text in item.reason]
    if item.verdict == "not_recommended":
        level = min((use.body.evidence_level for use in near if use.body.verdict == item.verdict), default=None)
        levels = knowledge.manifest.evidence_levels
        return "the evidence is negative" if level is None else f"evidence level {level}: {levels[level].label}"
    if near:
        return "this setting, but none of its uses fits"
    labels = setting_labels(knowledge)
    settings = [label for name, label in labels.items() if name in knowledge.options[item.id].settings]
    return f"belongs to {', '.join(settings)}"


def show_excluded(decision: Decision, knowledge: Knowledge, notices: Mapping[str, Sequence[Notice]]) -> None:
    """Show what is excluded, with a search over all of it.

    Args:
        decision: for the options that are excluded, and those that a search finds among the listed ones.
        knowledge: for labels, drugs and trials.
        notices: notices by option.
    """
    if decision.excluded:
        st.header(f"Excluded ({len(decision.excluded)})", anchor=False)
        _searched(decision, knowledge, notices)


@st.fragment
def _searched(decision: Decision, knowledge: Knowledge, notices: Mapping[str, Sequence[Notice]]) -> None:
    typed = st.text_input(
        "Find an excluded option by name, drug, reason or trial",
        type="search",
        key=SOUGHT,
        persist_state="session",
        live=True,
    )
    if words_of(typed):
        _hits(typed or "", decision, knowledge, notices)
        return
    for verdict, members in grouped(decision.excluded):
        found_groups = groups(members, knowledge)
        count = "1 option" if len(members) == 1 else f"{len(members)} options"
        shown = section(f"{badge(members[0].verdict)} {count}", key=verdict_key(verdict))
        if not shown.open:
            st.caption(_in_short(found_groups))
            continue
        with shown:
            if verdict == "not_applicable":
                _elsewhere(found_groups)
            else:
                _by_group(found_groups, knowledge, notices)


def _in_short(found_groups: Sequence[Group]) -> str:
    named = [f"{plain(group.label)} ({len(group.members)})" for group in found_groups[:_NAMED]]
    rest = sum(len(group.members) for group in found_groups[_NAMED:])
    return "By reason: " + " · ".join([*named, *([f"other reasons ({rest})"] if rest else [])])


def _hits(typed: str, decision: Decision, knowledge: Knowledge, notices: Mapping[str, Sequence[Notice]]) -> None:
    hits = [item for item in decision.excluded if found(item, typed, knowledge)]
    st.caption(f"{len(hits)} of {len(decision.excluded)} excluded options found")
    listed = [item for item in decision.options if found(item, typed, knowledge)]
    if listed:
        named = ", ".join(f"{plain(item.name)} (rank {item.rank}) {badge(item.verdict)}" for item in listed)
        st.markdown(f"Not excluded, but listed above: {named}")
    if hits:
        rows = [
            {"Option": plain(item.name), "Verdict": badge(item.verdict), **_row(item, knowledge, notices)}
            for item in hits
        ]
        st.table(without_empty_columns(rows), hide_index=True, alt="Excluded options that were found")


def _by_group(found_groups: Sequence[Group], knowledge: Knowledge, notices: Mapping[str, Sequence[Notice]]) -> None:
    for group in found_groups:
        st.subheader(f"{plain(group.label[:1].upper() + group.label[1:])} ({len(group.members)})", anchor=False)
        rows = [{"Option": plain(item.name), **_row(item, knowledge, notices)} for item in group.members]
        st.table(without_empty_columns(rows), hide_index=True, alt=f"Excluded: {group.label}")


def _row(item: Excluded, knowledge: Knowledge, notices: Mapping[str, Sequence[Notice]]) -> dict[str, str]:
    # The criteria say the same as the reason, with labels and units in place of names.
    return {
        "Reason": failures(item.criteria, knowledge) or plain(item.reason),
        "Evidence": trials_text(item.evidence, knowledge),
        DISAGREE: conflicts_in_short(item.conflicts),
        "Later than the reviews": later_text(notices.get(item.id, ())),
    }


def _elsewhere(found_groups: Sequence[Group]) -> None:
    """Show what belongs elsewhere in one table; options that share a reason share a row."""
    rows = []
    for group in found_groups:
        by_reason: dict[str, list[str]] = {}
        for item in group.members:
            by_reason.setdefault(item.reason, []).append(item.name)
        rows += [
            {
                "Reason": plain(reason),
                "Options": plain("; ".join(names)),
                "Number": str(len(names)),
            }
            for reason, names in by_reason.items()
        ]
    st.table(without_empty_columns(rows), hide_index=True, alt="Options that belong to another setting")
