"""Proofs as text: a tree from the verdict down to the patient's facts, and the steps behind it in words."""

from __future__ import annotations

from collections.abc import Iterator

from hcc_decide.lines import Line, wrap
from hcc_decide.proof.chain import Chain
from hcc_decide.proof.drawing import kind_text
from hcc_decide.proof.nodes import Node, Proof
from hcc_decide.proof.sentences import rule_text, sentence

AS_ABOVE = "as above"
FROM_RECORD = "from the record"

_BRANCH, _LAST = ("├─ ", "│  "), ("└─ ", "   ")


def tree(proof: Proof) -> list[Line]:
    """Return a proof as a tree of at most 80 columns: below each thing stands what it rests on.

    What rests on something and stands in the tree already is named again, and said to be as above.

    Args:
        proof: a proof, or a part of one that has its verdict.
    """
    by_id = {node.id: node for node in proof.nodes}
    return list(_branch(proof, by_id[proof.root], "", "", set()))


def steps_text(proof: Proof, chain: Chain) -> list[Line]:
    """Return the steps behind a verdict in the order in which they fired: the rule, what held, and what followed.

    Args:
        proof: the proof.
        chain: the chain that it was made in.
    """
    lines: list[Line] = []
    for number in proof.steps:
        step = chain.step(number)
        rule, told = rule_text(chain.knowledge, step.rule), sentence(chain, step)
        lines.append(Line(""))
        lines += wrap(f"Step {number}, {step.stratum}: {step.rule}", "", "  ", "title")
        lines += wrap(f"{rule.kind}: {rule.text}", "  ")
        for place, condition in enumerate(told.conditions):
            lines += wrap(condition, "  IF   " if place == 0 else "  and  ")
        lines += wrap(told.consequence, "  THEN ")
    return lines


def _branch(proof: Proof, node: Node, first: str, rest: str, shown: set[str]) -> Iterator[Line]:
    below = proof.rests_on(node.id)
    again = node.id in shown and bool(below)
    shown.add(node.id)
    under = "" if again or not below else "│  "
    yield from wrap(_text(node, again=again), first, rest + under, _role(node))
    if again:
        return
    for place, item in enumerate(below):
        mark, indent = _LAST if place == len(below) - 1 else _BRANCH
        yield from _branch(proof, item, rest + mark, rest + indent, shown)


def _text(node: Node, *, again: bool) -> str:
    text = f"{kind_text(node)}: {node.label}: {node.value}"
    if again:
        return f"{text} ({AS_ABOVE})"
    if node.rule is not None:
        return f"{text} [{node.rule}]"
    return f"{text} ({FROM_RECORD})" if node.kind == "patient" and node.known else text


def _role(node: Node) -> str:
    if not node.known or node.result == "unknown":
        return "unknown"
    return "not_met" if node.result == "not_met" else "title" if node.kind == "verdict" else "text"
