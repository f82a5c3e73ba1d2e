"""Put the missing facts of a decision in order of worth."""

from __future__ import annotations

from hcc_decide.decision import Decision
from hcc_decide.worth.shape import Worths
from hcc_decide.worth.words import fact_worth


def by_worth(decision: Decision, worths: Worths) -> Decision:
    """Return a decision whose missing facts stand in order of worth, each with what it could change.

    Args:
        decision: the decision.
        worths: what its missing facts are worth, for the same patient and the same knowledge.

    Raises:
        ValueError: the worths are of another patient or of other knowledge.
    """
    missing = {item.fact: item for item in decision.missing}
    if worths.sha256 != decision.knowledge.sha256 or missing.keys() != {item.fact for item in worths.facts}:
        raise ValueError("these worths belong to another decision")
    ordered = [missing[item.fact].model_copy(update={"worth": fact_worth(item, worths.first)}) for item in worths.facts]
    return decision.model_copy(update={"missing": ordered})
