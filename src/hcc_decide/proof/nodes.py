"""What a proof is made of, as frozen models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from hcc_decide.decision import Result, Verdict
from hcc_decide.knowledge.catalogue import RuleKind

Kind = Literal["patient", "read", "derived", "criterion", "knowledge", "finding", "verdict"]
"""What a node stands for.

- ``patient``: an entry of the record, or one that the record lacks.
- ``read``: worked out from entries without a rule: scores, and what the prior lines say of one option or class.
- ``derived``: asserted by staging.
- ``criterion``: a sentence of the option about the patient.
- ``knowledge``: what the rule base holds of the option, whoever the patient is.
- ``finding``: what the criteria of one use amount to.
- ``verdict``: the verdict, of one use or of the option.
"""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Node(_Part):
    """One thing that holds, or that would have to be known.

    Attributes:
        id: unique within a proof and within a working memory.
        label: what it is about, in words.
        value: what is the case, in words.
        known: false for what is not known or not settled.
        result: for criteria, whether it speaks for the option (``met``), against it, or is unknown.
        role: for criteria of an option, what the sentence does for it.
        rule: the rule behind it, if one is.
        steps: numbers of the steps that asserted it; none for what was there before the first rule fired.
    """

    id: str
    kind: Kind
    label: str
    value: str
    known: bool = True
    result: Result | None = None
    role: RuleKind | None = None
    rule: str | None = None
    steps: tuple[int, ...] = ()


class Edge(_Part):
    """``target`` rests on ``source``; ``step`` is the number of the step that read it, ``None`` where no rule was needed."""

    source: str
    target: str
    step: int | None = None


class Read(_Part):
    """One thing that a step read.

    Attributes:
        name: the attribute as the trace names it.
        label, value: the same in words.
        origin: in words, where it came from.
        nodes: ids of what it came from.
        steps: numbers of the earlier steps that asserted it; none for what no rule asserted.
    """

    name: str
    label: str
    value: str
    origin: str
    nodes: tuple[str, ...]
    steps: tuple[int, ...] = ()


class Proof(_Part):
    """Why one option has its verdict.

    Attributes:
        option: option id.
        name: its name.
        verdict: the decision's verdict.
        would_be: with ``undetermined``, the verdict if what is missing turns out well.
        root: id of the node of the verdict.
        nodes: each after those it rests on.
        edges: what rests on what.
        steps: numbers of the steps behind the verdict, in order.
    """

    option: str
    name: str
    verdict: Verdict
    would_be: Verdict | None
    root: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    steps: tuple[int, ...]

    def rests_on(self, node: str) -> tuple[Node, ...]:
        """Return what a node rests on directly, each once."""
        found = {edge.source for edge in self.edges if edge.target == node}
        return tuple(item for item in self.nodes if item.id in found)

    @property
    def depth(self) -> int:
        """How many things stand one behind the other on the longest way to the verdict."""
        longest: dict[str, int] = {}
        for node in self.nodes:
            before = (longest[edge.source] for edge in self.edges if edge.target == node.id)
            longest[node.id] = 1 + max(before, default=0)
        return max(longest.values(), default=0)

    def until(self, step: int) -> Proof:
        """Return the part of the proof that stands once a step has fired; after the last one, all of it.

        Args:
            step: one of ``steps``, or 0 for nothing.
        """
        if self.steps and step == self.steps[-1]:
            return self
        fired = frozenset(self.steps[: self.steps.index(step) + 1]) if step in self.steps else frozenset[int]()
        edges = [edge for edge in self.edges if edge.step in fired]
        waiting = [edge for edge in self.edges if edge.step is None]
        shown = _ends(edges)
        # What no rule asserted stands as soon as something that fired reads it.
        while found := [edge for edge in waiting if edge.target in shown]:
            edges += found
            waiting = [edge for edge in waiting if edge not in found]
            shown = _ends(edges)
        kept = tuple(
            item.model_copy(update={"steps": tuple(number for number in item.steps if number in fired)})
            for item in self.nodes
            if item.id in shown
        )
        taken = tuple(number for number in self.steps if number in fired)
        return self.model_copy(update={"nodes": kept, "edges": tuple(edges), "steps": taken})


def _ends(edges: Iterable[Edge]) -> set[str]:
    return {end for edge in edges for end in (edge.source, edge.target)}
