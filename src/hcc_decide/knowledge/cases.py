"""The cases that option files carry: each rule fired, nearly fired and left open."""

from __future__ import annotations

from collections.abc import Iterator

from hcc_decide.knowledge.catalogue import Knowledge, Rule
from hcc_decide.knowledge.condition import Span
from hcc_decide.knowledge.findings import Finding


def case_findings(knowledge: Knowledge) -> list[Finding]:
    """Return a finding for each rule without a case that fires it, one that misses it, or one that leaves it open."""
    return list(_findings(knowledge))


def _findings(knowledge: Knowledge) -> Iterator[Finding]:
    for treatment in knowledge.options.values():
        file = knowledge.sources[treatment.id]
        cases = {case.rule: case for case in treatment.body.cases}
        rules = {rule.name: rule for rule in treatment.rules if rule.kind != "indication" or rule.condition}
        for name in sorted(cases.keys() - {rule.name for rule in treatment.rules}):
            yield Finding(file, 1, "K15", "cases", f"has a case for {name}, which is no rule of this file")
        for name, rule in rules.items():
            case = cases.get(name)
            if case is None:
                if rule.kind not in ("indication",):
                    yield Finding(file, 1, "K15", "cases", f"has no case for the rule {name}")
                continue
            for answer in ("met", "not_met", "unknown"):
                if not getattr(case, answer) and not (answer == "not_met" and _only_unknown_can_fail(rule)):
                    yield Finding(
                        file,
                        1,
                        "K15",
                        "cases",
                        f"has no case in which the rule {name} is {answer.replace('_', ' ')}",
                    )


def _only_unknown_can_fail(rule: Rule) -> bool:
    """Whether a rule merely asks that a number is known, so that no number fails it."""
    return all(
        isinstance(literal.test, Span) and literal.test.low <= 0 and literal.test.high == float("inf")
        for conjunction in rule.condition or ()
        for literal in conjunction
    )
