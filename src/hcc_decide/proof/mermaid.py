"""Proofs drawn as flowcharts in Mermaid, from the patient's facts on the left to the verdict on the right."""

from __future__ import annotations

from collections.abc import Mapping

from hcc_decide.mermaid import quoted
from hcc_decide.proof.drawing import colour_of, kind_text, sign_of
from hcc_decide.proof.nodes import Kind, Node, Proof
from hcc_decide.theme import LIGHT

_EDGES: Mapping[Kind, tuple[str, str]] = {
    "patient": ("[/", "/]"),
    "read": ("[", "]"),
    "derived": ("(", ")"),
    "criterion": ("[", "]"),
    "knowledge": ("[(", ")]"),
    "finding": ("[[", "]]"),
    "verdict": ("([", "])"),
}
"""What stands on either side of a label; it gives the shape."""
_AGAINST = ("{{", "}}")


def mermaid(proof: Proof) -> str:
    """Return a proof as a flowchart in Mermaid.

    Nodes are numbered in the order of the proof. Shape and words say all that colour says.

    Args:
        proof: a proof, or a part of one.
    """
    names = {node.id: f"n{number}" for number, node in enumerate(proof.nodes, 1)}
    lines = ["flowchart LR"]
    for node in proof.nodes:
        opening, closing = _AGAINST if node.result in ("not_met", "unknown") else _EDGES[node.kind]
        lines.append(f"  {names[node.id]}{opening}{quoted(_text(node))}{closing}:::{colour_of(node)}")
    drawn = dict.fromkeys((edge.source, edge.target) for edge in proof.edges)
    lines += [f"  {names[source]} --> {names[target]}" for source, target in drawn]
    lines += [
        f"  classDef {colour} fill:{LIGHT[f'{colour}BackgroundColor']},color:{LIGHT[f'{colour}TextColor']},"
        f"stroke:{LIGHT[f'{colour}Color']}"
        for colour in sorted({colour_of(node) for node in proof.nodes})
    ]
    return "\n".join(lines) + "\n"


def _text(node: Node) -> str:
    return "\n".join([kind_text(node), node.label, f"{sign_of(node)} {node.value}".strip()])
