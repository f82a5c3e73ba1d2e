"""The answer at a glance: the headline, what stands behind it, and what the board should know first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from form.sources import claims
from form.wording import badge, plain
from hcc_decide.decision import USABLE, Decision, Notice, Option
from hcc_decide.headline import could_lead, headline
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import value_text


def show_summary(decision: Decision, knowledge: Knowledge) -> None:
    """Show the headline, the setting with what was derived, and the notices about the patient."""
    with st.container(border=True, key="answer_headline"):
        st.header(plain(headline(decision, knowledge)), anchor=False)
        for lines in (_in_order(decision), _lines(decision, knowledge)):
            if lines:
                st.markdown("\n".join(f"- {line}" for line in lines))
    _notices([notice for notice in decision.notices if notice.option is None])


def _lines(decision: Decision, knowledge: Knowledge) -> list[str]:
    facts = knowledge.vocabulary.facts
    lines = []
    stages = [item for item in decision.derived if item.fact != "setting" and not isinstance(item.value, bool)]
    if stages:
        found = "; ".join(f"{facts[item.fact].label}: {value_text(facts[item.fact], item.value)}" for item in stages)
        lines.append(f"**Derived from what was entered:** {plain(found)}")
    for lead, members in (("Could come before it", could_lead(decision)), ("Also open", _also_open(decision))):
        if members:
            named = ", ".join(
                f"**{plain(item.name)}** would be {badge(item.would_be)}" for item in members if item.would_be
            )
            lines.append(f"**{lead}**, depending on what is missing: {named}")
    if decision.missing:
        count = len(decision.missing)
        lines.append(f"{count} missing {'fact' if count == 1 else 'facts'} would help to decide: see *Missing facts*.")
    return lines


def _in_order(decision: Decision) -> list[str]:
    """Name what a board can offer, by rank, so that the whole order is seen before any card is opened."""
    offered = [item for item in decision.options if item.verdict in USABLE]
    # Not as a numbered list: that would count anew and tear options of equal rank apart.
    return [f"**{item.rank}. {plain(item.name)}** {badge(item.verdict)}{_cautions(item)}" for item in offered]


def _cautions(item: Option) -> str:
    count = len(item.cautions)
    return f" :orange[:material/warning:] {count} {'caution' if count == 1 else 'cautions'}" if count else ""


def _also_open(decision: Decision) -> list[Option]:
    """Return the undetermined options that a board could offer, but for those that would come first."""
    first = could_lead(decision)
    return [item for item in decision.options if item.would_be in USABLE and item not in first]


def _notices(notices: Sequence[Notice]) -> None:
    if notices:
        st.info(
            "\n".join(f"- {plain(notice.text)}{claims(notice.claims)}" for notice in notices)
            if len(notices) > 1
            else plain(notices[0].text) + claims(notices[0].claims),
            icon=":material/campaign:",
        )
