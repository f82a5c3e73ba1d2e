"""Proofs drawn as graphs in Graphviz's DOT language, from the patient's facts on the left to the verdict on the right."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from hcc_decide.proof.nodes import Kind, Node, Proof
from hcc_decide.proof.words import kind_word
from hcc_decide.theme import LIGHT

_WIDTH = 26
_LONGEST = 150
_EDGE = "#7a878d"
"""Shows on white and on the dark background."""
_SHAPES: Mapping[Kind, tuple[str, str, str]] = {
    "patient": ("note", "gray", "patient fact"),
    "read": ("tab", "gray", "worked out"),
    "derived": ("box", "blue", "derived fact"),
    "criterion": ("box", "green", "criterion"),
    "knowledge": ("cylinder", "violet", "rule base"),
    "finding": ("folder", "violet", "finding"),
    "verdict": ("doubleoctagon", "violet", "verdict"),
}
_RESULTS: Mapping[str, tuple[str, str, str]] = {
    "met": ("box", "green", "✓"),
    "not_met": ("octagon", "red", "✗"),
    "unknown": ("hexagon", "orange", "?"),
}
_RESERVED: Mapping[str, tuple[str, str, str]] = {**_RESULTS, "not_met": ("octagon", "orange", "!")}
"""A reservation that applies lowers a verdict and excludes nothing."""


def dot(proof: Proof, now: int | None = None) -> str:
    """Return a proof as a graph in DOT.

    Nodes are filled and carry their own text colour, on a transparent background, so that the graph reads on light and on dark
    pages. Shape and words say all that colour says.

    Args:
        proof: a proof, or a part of one.
        now: number of the step to point out; what it asserted gets a thick border and the word *now*.
    """
    lines = [
        "digraph proof {",
        '  graph [rankdir=LR, bgcolor="transparent", nodesep=0.16, ranksep=0.38, margin=0];',
        '  node [fontname="sans-serif", fontsize=12, style=filled, margin="0.10,0.05", height=0.3];',
        f'  edge [color="{_EDGE}", arrowsize=0.7];',
    ]
    # Names stay the same from part to part of a proof: a page that redraws it then moves each node and keeps its shape.
    names = {node.id: _quoted(node.id) for node in proof.nodes}
    lines += [f"  {names[node.id]} [{_attributes(node, now)}];" for node in proof.nodes]
    drawn = dict.fromkeys((edge.source, edge.target) for edge in proof.edges)
    lines += [f"  {names[source]} -> {names[target]};" for source, target in drawn]
    return "\n".join([*lines, "}"]) + "\n"


def kind_text(node: Node) -> str:
    """Say in a word or two what a node stands for."""
    word = kind_word(node.role).lower() if node.role is not None else _SHAPES[node.kind][2]
    return word if node.known else f"{word}, not known"


def colour_of(node: Node) -> str:
    """Return the name of a node's colour in the theme."""
    return _look(node)[1]


def sign_of(node: Node) -> str:
    """Return the sign that says in one character how a criterion turned out; empty for what has none."""
    return _look(node)[2]


def _look(node: Node) -> tuple[str, str, str]:
    """Return shape, colour and sign."""
    if node.result is not None:
        return _RESULTS[node.result] if node.role != "reservation" else _RESERVED[node.result]
    shape, colour, _ = _SHAPES[node.kind]
    return (shape, colour, "") if node.known else (shape, "orange", "?")


def _attributes(node: Node, now: int | None) -> str:
    shape, colour, sign = _look(node)
    style = "filled"
    if not node.known:
        style = "filled,dashed"
    elif node.kind == "derived":
        style = "filled,rounded"
    here = now is not None and now in node.steps
    head = f"NOW: {kind_text(node)}" if here else kind_text(node)
    value = f"{sign} {node.value}".strip()
    text = "\n".join([head, *_wrapped(node.label), *_wrapped(value)])
    return ", ".join(
        [
            f"label={_quoted(text)}",
            f"tooltip={_quoted(node.rule or node.label)}",
            f"shape={shape}",
            f'style="{style}"',
            f'fillcolor="{LIGHT[f"{colour}BackgroundColor"]}"',
            f'fontcolor="{LIGHT[f"{colour}TextColor"]}"',
            f'color="{LIGHT[f"{colour}Color"]}"',
            f"penwidth={5 if here else 1.2}",
        ]
    )


def _wrapped(text: str) -> list[str]:
    short = textwrap.shorten(text, _LONGEST, placeholder=" …")
    return textwrap.wrap(short, _WIDTH, break_long_words=True) or [""]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
