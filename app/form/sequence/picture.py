"""The look ahead drawn, with a table that says the same, and as files."""

from __future__ import annotations

import streamlit as st

from form.sections import section
from form.wording import plain
from hcc_decide.sequence.drawing import dot, mermaid
from hcc_decide.sequence.shape import SequenceTree
from hcc_decide.sequence.words import alt_text, known_text, offers_text, step_text, summary_text, way_text


def show_picture(tree: SequenceTree) -> None:
    """Show the tree, what it assumes, and the tables that say what it shows."""
    st.header("What may follow", anchor=False)
    st.caption(
        f"{plain(summary_text(tree))}. From today on the left, an arrow leads from each option that is followed to the "
        "decision after it: a solid one for progression or whatever ending comes first above, a dashed one for others. "
        "*Measured*: a trial measured what may come next after this line."
    )
    st.graphviz_chart(dot(tree), width="content", alt=alt_text(tree))
    shown = section("The picture as tables", key="sequence_tables")
    if shown.open:
        with shown:
            st.table(_decisions(tree), hide_index=True, alt="Every decision with its first way and its options")
            if tree.steps:
                st.table(_steps(tree), hide_index=True, alt="Every step from one decision to the next")


def show_assumed(tree: SequenceTree) -> None:
    """Say what is assumed, and what stays as it is today."""
    st.header("What is assumed", anchor=False)
    st.markdown("\n".join(f"- {plain(text)}" for text in tree.assumed) or "Nothing: no line is followed.")
    kept = "; ".join(f"{plain(fact.label)}: {plain(fact.text)}" for fact in tree.as_today)
    st.markdown(f"**As recorded today, and not assumed to change:** {kept}. All else stays as it is recorded, too.")


def show_downloads(tree: SequenceTree) -> None:
    """Offer the look ahead as files."""
    files = (
        ("JSON", "json", "application/json", lambda: tree.model_dump_json(indent=2)),
        ("DOT", "dot", "text/vnd.graphviz", lambda: dot(tree)),
        ("Mermaid", "mmd", "text/plain", lambda: mermaid(tree)),
    )
    with st.container(horizontal=True):
        for name, ending, kind, content in files:
            st.download_button(
                name,
                content,
                file_name=f"sequence.{ending}",
                mime=kind,
                icon=":material/download:",
                key=f"sequence_download_{ending}",
                on_click="ignore",
            )


def _decisions(tree: SequenceTree) -> list[dict[str, str]]:
    return [
        {
            "Decision": node.id,
            "First way there": plain(way_text(node)),
            "Setting": plain(node.setting_label),
            "Options": plain(offers_text(node)),
            "Ends here because": plain(node.stop.text) if node.stop is not None else "",
        }
        for node in tree.nodes
    ]


def _steps(tree: SequenceTree) -> list[dict[str, str]]:
    return [
        {
            "From": step.source,
            "Line": plain(step_text(step)),
            "To": step.target,
            "Measured": plain("; ".join(known_text(item) for item in step.measured)) or "no",
        }
        for step in tree.steps
    ]
