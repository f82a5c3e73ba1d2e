"""Where sources disagree: every value with its source, the one used and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from form import pages
from form.evidence.record import KINDS
from form.wording import plain
from hcc_decide.browse.lookup import fold
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema_sources import Conflict
from hcc_decide.sources import claims_of, conflicts, trials_of

PAGE = 15
"""Conflicts shown at a time."""

_TEXT, _KINDS, _OPTION, _TRIAL = (
    "evidence_conflict_text",
    "evidence_conflict_kinds",
    "evidence_conflict_option",
    "evidence_conflict_trial",
)


def show_conflicts(knowledge: Knowledge) -> None:
    """Show the filters and the conflicts they find."""
    st.header("Conflicts between sources", anchor=False)
    st.markdown(
        "Where reviews, their tables and the publications differ. Nothing was averaged: one value was used, and why."
    )
    with st.container(border=True):
        words, kinds, option, trial = st.columns([2, 2, 2, 2])
        typed = words.text_input("Words or claim", key=_TEXT, type="search", persist_state="session")
        chosen = kinds.multiselect(
            "Kind", list(KINDS), format_func=KINDS.__getitem__, key=_KINDS, persist_state="session"
        )
        about = option.selectbox(
            "Option",
            sorted(knowledge.options, key=lambda name: knowledge.options[name].body.name.casefold()),
            index=None,
            format_func=lambda name: knowledge.options[name].body.name,
            placeholder="any",
            key=_OPTION,
            persist_state="session",
        )
        named = {name for conflict in knowledge.conflicts for name in trials_of(conflict)}
        within = trial.selectbox(
            "Trial",
            sorted(named, key=lambda name: knowledge.trials[name].name.casefold()),
            index=None,
            format_func=lambda name: knowledge.trials[name].name,
            placeholder="any",
            key=_TRIAL,
            persist_state="session",
        )
    found = find_conflicts(knowledge, text=typed or "", kinds=frozenset(chosen), option=about, trial=within)
    st.markdown(f"**{len(found)} of {len(knowledge.conflicts)} conflicts**")
    if not found:
        st.info("No conflict fits all of these filters.", icon=":material/search_off:")
        return
    start = 0
    if len(found) > PAGE:
        starts = list(range(0, len(found), PAGE))
        start = st.segmented_control(
            "Conflicts",
            starts,
            format_func=lambda first: f"{first + 1} to {min(first + PAGE, len(found))}",
            required=True,
            default=0,
            key=f"evidence_conflict_rows_{len(starts)}",
        )
    for conflict in found[start : start + PAGE]:
        _show(knowledge, conflict)


def find_conflicts(
    knowledge: Knowledge,
    *,
    text: str = "",
    kinds: frozenset[str] = frozenset(),
    option: str | None = None,
    trial: str | None = None,
) -> Sequence[Conflict]:
    """Return the conflicts that fit all of these; what is empty or ``None`` limits nothing.

    Args:
        knowledge: the knowledge.
        text: words that must all begin a word of the conflict, claims and trials by their names included.
        kinds: any of these kinds.
        option: an option whose entry the conflict touches.
        trial: a trial that the conflict names.
    """
    touching = None
    if option is not None:
        touching = {item.id for item in conflicts(knowledge, knowledge.options[option], None)}
    words = [f" {word}" for word in map(fold, text.split()) if word]
    return [
        conflict
        for conflict in knowledge.conflicts
        if (not kinds or conflict.kind in kinds)
        and (touching is None or conflict.id in touching)
        and (trial is None or trial in trials_of(conflict))
        and (not words or all(word in _written(knowledge, conflict) for word in words))
    ]


def _written(knowledge: Knowledge, conflict: Conflict) -> str:
    parts = [conflict.id, conflict.about, conflict.used, conflict.why, *claims_of(conflict)]
    parts += [text for value in conflict.values for text in (value.source, value.value)]
    parts += [knowledge.trials[name].name for name in trials_of(conflict)]
    return " " + fold(" ".join(parts))


def _show(knowledge: Knowledge, conflict: Conflict) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(conflict.about)}** :gray-badge[{KINDS[conflict.kind]}]")
        st.table(
            [
                {
                    "Source": plain(value.source),
                    "Says": plain(value.value),
                    "Claims": plain(", ".join(value.claims) or "–"),
                    "Trials": plain(", ".join(knowledge.trials[name].name for name in value.trials) or "–"),
                }
                for value in conflict.values
            ],
            hide_index=True,
        )
        st.markdown(
            f":material/check: **Used:** {plain(conflict.used)}  \n:material/help_center: **Why:** {plain(conflict.why)}"
        )
        trials = sorted(trials_of(conflict))
        if trials:
            with st.container(horizontal=True):
                for name in trials:
                    st.page_link(
                        pages.EVIDENCE.path,
                        label=plain(knowledge.trials[name].name),
                        icon=pages.EVIDENCE.icon,
                        query_params={"section": "trials", "trial": name},
                    )
