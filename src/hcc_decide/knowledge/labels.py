"""How facts are called, for people."""

from __future__ import annotations

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import fact_of, member_of

PRIOR_SYSTEMIC = "prior_systemic"


def fact_label(knowledge: Knowledge, attribute: str) -> str:
    """Return the label of an attribute, with the option or class that it names spelled out.

    Names that the vocabulary does not have are returned as words.
    """
    if attribute == PRIOR_SYSTEMIC:
        return knowledge.vocabulary.prior_systemic.label
    fact, member = knowledge.vocabulary.facts.get(fact_of(attribute)), member_of(attribute)
    if fact is None:
        return attribute.replace("_", " ")
    if member is None:
        return fact.label
    treatment = knowledge.options.get(member)
    spoken = treatment.body.name.lower() if treatment else knowledge.vocabulary.classes.get(member, member)
    label = fact.label.replace("{member}", spoken)
    return label[:1].upper() + label[1:]


def setting_labels(knowledge: Knowledge) -> dict[str, str]:
    """Return the label of each setting."""
    values = knowledge.vocabulary.facts["setting"].values or {}
    return {str(name): str(label) for name, label in values.items()} | {"undetermined": "undetermined"}
