"""A look ahead drawn: in Graphviz's DOT language, and in Mermaid's for Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape

from hcc_decide.decision import Verdict
from hcc_decide.mermaid import LINE_BREAK, one_line, quoted
from hcc_decide.sequence.shape import Node, Offer, SequenceTree, Step
from hcc_decide.sequence.words import verdict_text
from hcc_decide.theme import LIGHT

FEW = 5
"""Options that a box names."""
MEASURED = "measured"
"""On a step after which a trial measured one of the options that come next."""

_WIDTH = 42
_NARROW = 20
_NAMED = 4
"""Decisions whose numbers stand on a box."""
_EDGE = "#7a878d"
"""Shows on white and on the dark background."""
_COLOURS: Mapping[Verdict, str] = {
    "preferred": "green",
    "recommended": "green",
    "alternative": "blue",
    "investigational": "violet",
    "undetermined": "orange",
}


def dot(tree: SequenceTree) -> str:
    """Return a look ahead as a graph, today on the left.

    Each decision is a box with its setting and its first options in order, the verdict in words. Lines lead from the option
    that is taken to the next decision: drawn through for the first way to end that is followed, dashed for others; their
    words say which. Colour repeats what words say. Decisions that show alike and lead nowhere further share a box.
    """
    drawn = _Drawn(tree)
    lines = [
        "digraph sequence {",
        '  graph [rankdir=LR, bgcolor="transparent", nodesep=0.14, ranksep=0.9, margin=0];',
        '  node [fontname="sans-serif", fontsize=11, shape=plain];',
        f'  edge [color="{_EDGE}", fontcolor="{_EDGE}", fontname="sans-serif", fontsize=10, arrowsize=0.7];',
    ]
    lines += [f"  n{node.id} [label={_table(node, drawn.alike(node))}];" for node in drawn.nodes]
    for source, target, steps in drawn.edges:
        taken = textwrap.wrap(f"{steps[0].name}:", _NARROW)
        label = _quoted("\n".join([*taken, *(drawn.label(step) for step in steps)]))
        style = "solid" if drawn.is_first(steps[0]) else "dashed"
        port = f'n{source}:"{steps[0].option}":e'
        lines.append(f"  {port} -> n{target}:w [label={label}, style={style}];")
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(tree: SequenceTree) -> str:
    """Return a look ahead as a flow chart of Mermaid, for Markdown; it shows what `dot` shows."""
    drawn = _Drawn(tree)
    lines = ["flowchart LR"]
    for node in drawn.nodes:
        rows = [f"<b>{one_line(_head(node, drawn.alike(node)))}</b>", *map(one_line, _rows(node))]
        lines.append(f'  n{node.id}["{LINE_BREAK.join(rows)}"]')
    for source, target, steps in drawn.edges:
        arrow = "-->" if drawn.is_first(steps[0]) else "-.->"
        text = quoted("\n".join(f"{step.name}: {drawn.label(step)}" for step in steps))
        lines.append(f"  n{source} {arrow}|{text}| n{target}")
    return "\n".join(lines) + "\n"


class _Drawn:
    """What is drawn: decisions that lead nowhere further and show alike are one box."""

    def __init__(self, tree: SequenceTree) -> None:
        self._endings = list(dict.fromkeys(step.ending for step in tree.steps))
        going_on = {step.source for step in tree.steps}
        boxes: dict[tuple[object, ...], str] = {}
        self._box: dict[str, str] = {}
        for node in tree.nodes:
            alike: tuple[object, ...] = (node.id,)
            if node.id not in going_on:
                offers = tuple((offer.option, offer.verdict, offer.would_be, offer.rank) for offer in node.offers)
                alike = (node.ahead, node.setting, node.stop and node.stop.kind, offers)
            self._box[node.id] = boxes.setdefault(alike, node.id)
        self.nodes = [node for node in tree.nodes if self._box[node.id] == node.id]
        found: dict[tuple[str, str, str, str], list[Step]] = {}
        for step in tree.steps:
            target = self._box[step.target]
            found.setdefault((step.source, target, step.option, step.ending), []).append(step)
        merged: dict[tuple[str, str, str], list[Step]] = {}
        for (source, target, option, _), steps in found.items():
            merged.setdefault((source, target, option), []).extend(steps)
        self.edges = [(source, target, steps) for (source, target, _), steps in merged.items()]

    def is_first(self, step: Step) -> bool:
        """Whether a step ends in the first of the ways to end that come up."""
        return step.ending == self._endings[0]

    def alike(self, node: Node) -> list[str]:
        """Return the ids of all decisions that a box stands for."""
        return [name for name, box in self._box.items() if box == node.id]

    @staticmethod
    def label(step: Step) -> str:
        """Write how a line ends, and whether a trial measured what comes next."""
        return f"{step.ending_label} ({MEASURED})" if step.measured else step.ending_label


def _head(node: Node, alike: Sequence[str]) -> str:
    named = ", ".join(alike[:_NAMED])
    more = f" and {len(alike) - _NAMED} more" if len(alike) > _NAMED else ""
    today = ", today" if not node.ahead else ""
    return f"{named}{more}: {node.setting_label}{today}"


def _rows(node: Node) -> list[str]:
    rows = [_row(offer) for offer in _shown(node)]
    if len(node.offers) > len(rows):
        rows.append(f"and {len(node.offers) - len(rows)} more")
    return rows or ["no option to offer"]


def _shown(node: Node) -> list[Offer]:
    """Return the first options, and those that the look ahead goes on from."""
    return [offer for place, offer in enumerate(node.offers) if place < FEW or offer.followed]


def _row(offer: Offer) -> str:
    return f"{offer.rank}. {offer.name}: {verdict_text(offer)}"


def _table(node: Node, alike: Sequence[str]) -> str:
    rows = [_cells(_head(node, alike), "gray", bold=True)]
    for offer in _shown(node):
        rows.append(_cells(_row(offer), _COLOURS.get(offer.verdict, "gray"), port=offer.option))
    if len(node.offers) > len(_shown(node)) or not node.offers:
        rows.append(_cells(_rows(node)[-1], "gray"))
    frame = f'border="1" color="{LIGHT["grayColor"]}" bgcolor="{LIGHT["backgroundColor"]}"'
    table = f'<table {frame} cellborder="0" cellspacing="0" cellpadding="3">'
    return f"<{table}{''.join(rows)}</table>>"


def _cells(text: str, colour: str, *, port: str | None = None, bold: bool = False) -> str:
    words = '<br align="left"/>'.join(escape(line) for line in textwrap.wrap(text, _WIDTH) or [""])
    inner = f"<b>{words}</b>" if bold else words
    place = f' port="{escape(port)}"' if port else ""
    return (
        f'<tr><td align="left" balign="left"{place} bgcolor="{LIGHT[f"{colour}BackgroundColor"]}">'
        f'<font color="{LIGHT[f"{colour}TextColor"]}">{inner}</font></td></tr>'
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
