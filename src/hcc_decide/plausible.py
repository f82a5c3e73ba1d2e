"""Values that are allowed and unusual: perhaps a slip of the pen, perhaps another unit."""

from __future__ import annotations

from collections.abc import Mapping

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema import Limits


def implausible(knowledge: Knowledge, record: Mapping[str, object]) -> dict[str, str]:
    """Return a sentence for each fact whose value lies outside its usual span, by fact.

    Args:
        knowledge: for the spans.
        record: facts of a patient by name; it need not be complete or accepted.
    """
    found = {}
    for name, fact in knowledge.vocabulary.facts.items():
        value = record.get(name)
        if fact.plausible is None or isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if not _within(value, fact.plausible):
            given = f"{fact.label} of {value:g} {fact.unit or ''}".strip()
            found[name] = f"{given} is unusual; check the value and its unit."
    return found


def _within(value: float, limits: Limits) -> bool:
    low = limits.at_least if limits.at_least is not None else limits.above
    high = limits.at_most if limits.at_most is not None else limits.below
    return (low is None or value >= low) and (high is None or value <= high)
