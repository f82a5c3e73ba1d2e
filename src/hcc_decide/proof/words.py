"""How facts, criteria and findings of a proof are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hcc_decide.decision import Result, Value
from hcc_decide.knowledge.catalogue import Knowledge, Rule, RuleKind
from hcc_decide.knowledge.condition import fact_of, member_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, choice_label, fact_label, option_name, value_text

NOT_GIVEN = "none given"
"""How the trace says that the record does not give a fact, or that a number does not exist for this patient."""

_KINDS: Mapping[RuleKind, str] = {
    "indication": "Indication",
    "include": "Needs",
    "exclude": "Exclusion",
    "reservation": "Reservation",
    "caution": "Caution",
    "preference": "For and against",
    "variant": "Regimen",
    "notice": "Notice",
}
_REQUIRED = {True: "met", False: "NOT met", None: "not known"}
_OTHERWISE = {True: "applies", False: "does not apply", None: "not known"}
_EXCLUSION = {True: "APPLIES", False: "does not apply", None: "cannot be excluded"}
_FINDINGS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "applies": ("The use fits this patient", {"met": "yes", "not_met": "no", "unknown": "not known"}),
    "include": ("A needed criterion", {"met": "met", "not_met": "NOT met", "unknown": "not known"}),
    "exclude": (
        "An exclusion",
        {"met": "does not apply", "not_met": "APPLIES", "unknown": "cannot be excluded"},
    ),
    "reservation": ("A reservation", {"met": "applies", "not_met": "does not apply", "unknown": "not known"}),
    "blocked": ("Something stands against the use", {}),
    "open": ("Something is still open", {}),
    "reserved": ("A reservation applies", {}),
    "base": ("The evidence for this use", {}),
    "outlook": ("The verdict of the use, if what is missing turns out well", {}),
}


def kind_word(kind: RuleKind) -> str:
    """Name what a sentence does for its option."""
    return _KINDS[kind]


def result_of(held: bool | None, *, against: bool = False) -> Result:
    """Name a three-valued answer; with ``against``, a sentence that holds is not met."""
    return "unknown" if held is None else "not_met" if held is against else "met"


def points_against(rule: Rule) -> bool:
    """Whether a sentence speaks against its option when it holds."""
    return rule.kind in ("exclude", "reservation")


def criterion_text(rule: Rule, held: bool | None) -> str:
    """Say how a sentence about the patient turned out."""
    if rule.kind in ("indication", "include"):
        return _REQUIRED[held]
    return (_EXCLUSION if rule.kind == "exclude" else _OTHERWISE)[held]


def name_of_attribute(knowledge: Knowledge, attribute: str) -> str:
    """Return the label of an attribute; a member of a set that the record lists is spelled out."""
    fact, member = knowledge.vocabulary.facts[fact_of(attribute)], member_of(attribute)
    label = fact_label(knowledge, attribute)
    return f"{label}: {choice_label(fact, member)}" if member and fact.source == "record" else label


def value_of(knowledge: Knowledge, attribute: str, value: Value) -> str:
    """Write the value of an attribute."""
    if value == NOT_GIVEN:
        return "does not exist"
    if member_of(attribute) is not None and isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and not value.is_integer():
        value = round(value, 2)
    return value_text(knowledge.vocabulary.facts[fact_of(attribute)], value)


def derived_label(knowledge: Knowledge, fact: str, space: str, *, given: bool) -> str:
    """Return the label of a fact that staging asserts; one that the record may give says which of the two it is."""
    label = fact_label(knowledge, fact)
    return label if not given else f"{label}, as derived" if space == "derived" else f"{label} in force"


def record_text(knowledge: Knowledge, fact: str, value: Any) -> str:
    """Write an entry of the record."""
    if fact != PRIOR_SYSTEMIC:
        return value_text(knowledge.vocabulary.facts[fact], value)
    if value is None:
        return "not known"
    return "; ".join(_line(knowledge, line) for line in value) or "none"


def _line(knowledge: Knowledge, line: Mapping[str, Any]) -> str:
    fields = knowledge.vocabulary.prior_systemic.fields
    named = line.get("name") or option_name(knowledge, str(line["option"]))
    parts = [(fields["outcome"].values or {}).get(str(line["outcome"]), str(line["outcome"]).replace("_", " "))]
    for name, value in line.items():
        if name not in ("option", "name", "outcome") and value is not None:
            text = (
                ("yes" if value else "no")
                if isinstance(value, bool)
                else f"{value:g} {fields[name].unit or ''}".strip()
            )
            parts.append(f"{fields[name].label.lower()}: {text}")
    return f"{named}, {', '.join(parts)}"


def finding_text(knowledge: Knowledge, option: str, name: str, value: str) -> tuple[str, str]:
    """Return label and value of what the ranking stratum reads and asserts."""
    if name == "verdict":
        return f"{option_name(knowledge, option)}: verdict of the use", value.replace("_", " ")
    label, words = _FINDINGS[name]
    return label, words.get(value, value.replace("_", " "))
