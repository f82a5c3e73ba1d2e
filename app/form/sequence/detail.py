"""One decision of the look ahead in full: its options, and what each step from it opens, closes and forgoes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from form.sections import section
from form.sources import claims
from form.wording import badge, cited, plain
from hcc_decide.decision import Result
from hcc_decide.sequence.shape import Known, Node, Offer, SequenceTree, Step
from hcc_decide.sequence.words import (
    NOTHING_MEASURED,
    beyond_text,
    figure_text,
    grouped,
    lost_text,
    opened_text,
    steps_text,
    together,
    waiting_text,
    way_text,
)

DECISION = "sequence_decision"


def show_decision(tree: SequenceTree) -> None:
    """Let a decision be chosen, and show it in full."""
    st.header("Each decision", anchor=False)
    nodes = {node.id: node for node in tree.nodes}
    if st.session_state.get(DECISION) not in nodes:
        st.session_state[DECISION] = tree.nodes[0].id
    chosen = st.selectbox(
        "Decision",
        list(nodes),
        format_func=lambda name: _label(nodes[name]) if name in nodes else name,
        key=DECISION,
        persist_state="session",
    )
    node = nodes[chosen]
    if node.offers:
        st.table([_row(offer) for offer in node.offers], hide_index=True, alt=f"Options of decision {node.id}")
    if node.stop is not None:
        st.info(f"{plain(node.stop.text)}.", icon=":material/stop_circle:")
    if node.id == tree.nodes[0].id and tree.known_today:
        shown = section("Known of these options after the last line so far", key="sequence_known_today")
        if shown.open:
            with shown:
                _known(tree.known_today)
    names = {offer.option: offer.name for item in tree.nodes for offer in item.offers}
    for steps in together(tree.steps_from(node.id)):
        label = f"After {plain(steps_text(steps))}: decision {steps[0].target}"
        shown = section(
            label, key=f"sequence_step_{node.id}_{steps[0].option}_{steps[0].ending}", opened=node.ahead == 0
        )
        if shown.open:
            with shown:
                _step(steps[0], names)


def _label(node: Node) -> str:
    return f"{node.id}: {way_text(node)} ({node.setting_label})"


def _row(offer: Offer) -> dict[str, str]:
    results: tuple[tuple[Result, str], ...] = (("met", "met"), ("not_met", "not met"), ("unknown", "not known"))
    counted = [(sum(item.result == result for item in offer.criteria), word) for result, word in results]
    outlook = f" would be {badge(offer.would_be)}" if offer.would_be else ""
    notes = [waiting_text(offer), *(f"caution: {item.text}" for item in offer.cautions)]
    return {
        "Rank": str(offer.rank),
        "Option": plain(offer.name),
        "Verdict": f"{badge(offer.verdict)}{outlook}",
        "Ranked here because": plain(offer.ranked_here_because),
        "Criteria": ", ".join(f"{count} {word}" for count, word in counted if count),
        "To note": plain("; ".join(note for note in notes if note)),
        "Goes on": "yes" if offer.followed else plain(offer.not_followed or "") or "not followed",
    }


def _step(step: Step, names: dict[str, str]) -> None:
    _group("Opens", "add_circle", (opened_text(item) for item in step.opens))
    _group("Closes", "do_not_disturb_on", grouped(step.closes))
    _group("Forgoes, compared with other choices or endings", "call_split", (lost_text(item) for item in step.foregone))
    if step.said:
        st.markdown("**As its own entry says**")
        st.markdown(
            "\n".join(
                f"- {item.kind} {plain(item.name)}: {plain(item.text)}{claims(item.claims)}" for item in step.said
            )
        )
    if step.known:
        st.markdown("**Evidence of the sequence**")
        _known(step.known)
    missing = ", ".join(names[name] for name in step.not_measured if name in names)
    if missing:
        st.markdown(f":material/help: {NOTHING_MEASURED.capitalize()}: {plain(missing)}")


def _group(title: str, icon: str, texts: Iterable[str]) -> None:
    told = [f"- :material/{icon}: {plain(text)}" for text in texts]
    if told:
        st.markdown(f"**{title}**")
        st.markdown("\n".join(told))


def _known(items: Sequence[Known]) -> None:
    st.markdown("\n".join(_known_text(item) for item in items))


def _known_text(item: Known) -> str:
    word = "measured" if item.figures else "no figure"
    figures = "".join(f"\n    - {plain(figure_text(figure))}" for figure in item.figures)
    beyond = f" {plain(beyond_text(item))}." if beyond_text(item) else ""
    trials = "".join(f"\n    - {plain(trial.name)}: {cited(trial)}" for trial in item.trials)
    told = f"- **{plain(item.name)}** ({word}): {plain(item.text.rstrip('.'))}.{beyond}{claims(item.claims)}"
    return told + figures + trials
