"""The shadow: a second reading of the same rules, which judges every decision and never makes one.

It shares the loaded knowledge and the states of the record with the engine, and nothing else: conditions are judged directly in
three-valued logic, without networks, negation normal forms or fixpoints.
"""

from __future__ import annotations

from collections.abc import Iterable

from hcc_decide.decision import VERDICTS, Verdict
from hcc_decide.engine.facts import States
from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge, Treatment
from hcc_decide.knowledge.condition import State, judge


def derive(knowledge: Knowledge, record: States) -> tuple[States, set[str]]:
    """Return the states with every derived fact added, and the facts on which record and derivation disagree."""
    states = dict(record)
    disagreements: set[str] = set()
    for item in knowledge.staging:
        derived = _value_of(item, knowledge, states)
        given = record.get(item.fact)
        if item.given and given is not None and given.known:
            if given.values is not None and derived.values is not None and not given.values <= derived.values:
                disagreements.add(item.fact)
        else:
            states[item.fact] = derived
    return states, disagreements


def _value_of(item: DerivedFact, knowledge: Knowledge, states: States) -> State:
    possible = set(knowledge.domain(item.fact).values)
    for value in item.values:
        verdict = judge(value.condition, states)
        if verdict is True:
            possible &= {value.value}
        elif verdict is False and item.excludes:
            possible -= {value.value}
    return State(values=frozenset(possible))


def result(knowledge: Knowledge, treatment: Treatment | None, rule_id: str, states: States) -> bool | None:
    """Judge one rule; an indication holds when its setting and its ``when`` do."""
    if treatment is None:
        notice = next(item for item in knowledge.notices if item.id == rule_id)
        return judge(notice.condition or (), states)
    for use in treatment.uses:
        if use.rule.id == rule_id:
            possible = states["setting"].values or frozenset()
            here = True if possible <= set(use.settings) else None if possible & set(use.settings) else False
            if use.rule.condition is None:
                return here
            return _both(here, judge(use.rule.condition, states))
    rule = next(item for item in treatment.rules if item.id == rule_id)
    return judge(rule.condition or (), states)


def _both(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def verdict(knowledge: Knowledge, treatment: Treatment, states: States) -> tuple[Verdict, Verdict | None]:
    """Return the verdict of one option and, when it is undetermined, what it would be."""
    outlooks: list[Verdict] = []
    for use in treatment.uses:
        here = result(knowledge, treatment, use.rule.id, states)
        if here is False:
            continue

        def answers(kind: str, name: str = use.body.id) -> list[bool | None]:
            rules = [rule for rule in treatment.rules if rule.kind == kind and name in rule.indications]
            return [judge(rule.condition or (), states) for rule in rules]

        failed = False in answers("include") or True in answers("exclude")
        lowered = True in answers("reservation")
        missing = None in (*answers("include"), *answers("exclude"), *answers("reservation"))
        standing: Verdict = use.body.verdict
        if lowered and standing in ("preferred", "recommended"):
            standing = "alternative"
        if failed:
            standing = "ineligible"
        if here and (failed or not missing):
            return standing, None
        outlooks.append(standing)
    return ("undetermined", best(outlooks)) if outlooks else ("not_applicable", None)


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that stands first."""
    return min(verdicts, key=VERDICTS.index)
