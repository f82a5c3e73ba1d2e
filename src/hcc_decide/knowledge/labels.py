"""How facts are called, for people."""

from __future__ import annotations

from collections.abc import Mapping

from hcc_decide.decision import Value
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import fact_of, member_of
from hcc_decide.knowledge.schema import Fact, PartialValue

PRIOR_SYSTEMIC = "prior_systemic"

MEMBER = "{member}"
"""Where a label has a place for an option or a class."""


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
    if MEMBER in fact.label:
        return capital(fact.label.replace(MEMBER, spoken(knowledge, fact, member)))
    return f"{fact.label}: {choice_label(fact, member)}"


def spoken(knowledge: Knowledge, fact: Fact, member: str) -> str:
    """Return how a member of a fact is called within a sentence; abbreviations keep their capitals.

    The fact says what its members are: an option and a class may share an id.
    """
    if "classes" in (fact.members, fact.per):
        return knowledge.vocabulary.classes.get(member, member)
    treatment = knowledge.options.get(member)
    return uncapital(treatment.body.name) if treatment else member


def capital(text: str) -> str:
    """Begin a text with a capital."""
    return text[:1].upper() + text[1:]


def uncapital(text: str) -> str:
    """Begin a text with a small letter, unless its first word is an abbreviation or a proper name."""
    first = text.split(" ", 1)[0]
    return text if any(letter.isupper() or letter.isdigit() for letter in first[1:]) else text[:1].lower() + text[1:]


def setting_labels(knowledge: Knowledge) -> dict[str, str]:
    """Return the label of each setting."""
    values = knowledge.vocabulary.facts["setting"].values or {}
    return {str(name): str(label) for name, label in values.items()} | {"undetermined": "undetermined"}


def choice_label(fact: Fact, token: str) -> str:
    """Write one of a fact's values for people: short codes stand beside their label."""
    label = next((label for value, label in (fact.values or {}).items() if str(value) == token), token)
    text = label.label if isinstance(label, PartialValue) else label
    return f"{token} ({text})" if len(token) == 1 and text != token else text


def value_text(fact: Fact | None, value: Value) -> str:
    """Write a value with its label and unit; a value that is missing is *not known*."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "not known"
    if isinstance(value, list):
        return ", ".join(choice_label(fact, item) if fact else item for item in value) or "none"
    if fact is not None and isinstance(value, (int, float)) and fact.kind in ("integer", "number"):
        shown = round(value, 2) if fact.source == "computed" else value
        return f"{shown:g} {fact.unit or ''}".strip()
    token = str(value)
    return choice_label(fact, token) if fact is not None and fact.values and len(token) > 1 else token


def facts_text(knowledge: Knowledge, facts: Mapping[str, Value]) -> str:
    """Write the patient's own values behind a statement, each with its label."""
    known = knowledge.vocabulary.facts
    return "; ".join(
        f"{fact_label(knowledge, name)}: {value_text(known.get(fact_of(name)), value)}" for name, value in facts.items()
    )


def option_name(knowledge: Knowledge, option: str) -> str:
    """Return the name of an option; what is no option of the catalogue is returned as it is."""
    return knowledge.options[option].body.name if option in knowledge.options else option
