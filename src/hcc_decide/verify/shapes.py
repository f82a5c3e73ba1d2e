"""Options that no theorem can tell apart: the same uses and rules, each about the option itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hcc_decide.knowledge.catalogue import Knowledge, RuleKind, Treatment
from hcc_decide.knowledge.condition import Condition, Literal

JUDGED: tuple[RuleKind, ...] = ("include", "exclude", "reservation")
ITSELF = "[this option]"


def by_shape(knowledge: Knowledge, options: Iterable[str]) -> Mapping[object, list[str]]:
    """Group options by what decides their verdicts, with the option's own id left out."""
    found: dict[object, list[str]] = {}
    for option in options:
        found.setdefault(_shape(knowledge.options[option]), []).append(option)
    return found


def _shape(treatment: Treatment) -> object:
    places = {use.body.id: place for place, use in enumerate(treatment.uses)}
    uses = tuple((use.settings, use.body.verdict, _condition(treatment, use.rule.condition)) for use in treatment.uses)
    rules = frozenset(
        (rule.kind, _condition(treatment, rule.condition), tuple(sorted(places[name] for name in rule.indications)))
        for rule in treatment.of_kind(*JUDGED)
    )
    by_class = any("_class[" in attribute for rule in treatment.of_kind(*JUDGED) for attribute in rule.attributes)
    by_class |= any("_class[" in attribute for use in treatment.uses for attribute in use.rule.attributes)
    return uses, rules, frozenset(treatment.body.classes) if by_class else None


def _condition(treatment: Treatment, condition: Condition | None) -> object:
    if condition is None:
        return None
    own = f"[{treatment.id}]"
    return frozenset(
        frozenset(Literal(part.attribute.replace(own, ITSELF), part.test) for part in conjunction)
        for conjunction in condition
    )
