"""Proofs: from one verdict back through the rules that fired to the patient's facts.

`hcc_decide.proof.chain` says what each step of a decision's trace read and where that came from, `hcc_decide.proof.building`
puts the steps behind one verdict together as a graph, `hcc_decide.proof.words` writes steps as sentences,
`hcc_decide.proof.drawing` and `hcc_decide.proof.mermaid` draw proofs, and `hcc_decide.proof.text` writes them as trees. All
work on a decision and the knowledge behind it; nothing is inferred again.
"""

from hcc_decide.proof.building import proof_of
from hcc_decide.proof.chain import Chain, memory
from hcc_decide.proof.drawing import dot
from hcc_decide.proof.nodes import Edge, Node, Proof, Read
from hcc_decide.proof.text import tree

__all__ = ["Chain", "Edge", "Node", "Proof", "Read", "dot", "memory", "proof_of", "tree"]
