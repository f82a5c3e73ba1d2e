"""The shadow: a second reading of the same rules, which judges every decision and never makes one.

It shares the loaded knowledge and the states of the record with the engine, and nothing else: conditions are judged directly in
three-valued logic, without networks, negation normal forms or fixpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

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
    if item.guard is not None and judge(item.guard, states) is not True:
        return State(values=frozenset(possible))
    for value in item.values:
        verdict = judge(value.condition, states)
        if verdict is True:
            possible &= {value.value}
        elif verdict is False and item.excludes:
            possible -= {value.value}
    return State(values=frozenset(possible))


class Shadow:
    """The second reading of one patient.

    Attributes:
        states: what is known of every attribute, derived facts included.
        disagreements: facts that the record gives otherwise than staging derives them.
    """

    def __init__(self, knowledge: Knowledge, record: States) -> None:
        """Derive facts; rules are judged when asked."""
        self._knowledge = knowledge
        self.states, self.disagreements = derive(knowledge, record)
        self._answers: dict[str, bool | None] = {}

    def answer(self, rule_id: str) -> bool | None:
        """Judge one rule; an indication holds when its setting and its ``when`` do."""
        if rule_id not in self._answers:
            rule = self._knowledge.rules[rule_id]
            held = judge(rule.condition, self.states) if rule.condition is not None else True
            if rule.kind == "indication" and rule.option is not None:
                held = _both(self._here(self._knowledge.options[rule.option], rule.name), held)
            self._answers[rule_id] = held
        return self._answers[rule_id]

    def _here(self, treatment: Treatment, indication: str) -> bool | None:
        settings = next(set(use.settings) for use in treatment.uses if use.body.id == indication)
        possible = self.states["setting"].values or frozenset()
        return True if possible <= settings else None if possible & settings else False

    def verdict(self, treatment: Treatment) -> tuple[Verdict, Verdict | None]:
        """Return the verdict of one option and, when it is undetermined, what it would be."""
        outlooks: list[Verdict] = []
        for use in treatment.uses:
            found: dict[str, set[bool | None]] = {"include": set(), "exclude": set(), "reservation": set()}
            for rule in treatment.rules:
                if rule.kind in found and use.body.id in rule.indications:
                    found[rule.kind].add(self.answer(rule.id))
            verdict, would_be = indication(use.body.verdict, self.answer(use.rule.id), **found)
            if verdict not in ("not_applicable", "undetermined"):
                return verdict, None
            if would_be is not None:
                outlooks.append(would_be)
        return ("undetermined", best(outlooks)) if outlooks else ("not_applicable", None)


def indication(
    base: Verdict,
    applies: bool | None,
    include: Set[bool | None],
    exclude: Set[bool | None],
    reservation: Set[bool | None],
) -> tuple[Verdict, Verdict | None]:
    """Return the verdict of one indication and, when it is undetermined, what it would be.

    Args:
        base: the verdict that the evidence gives it.
        applies: whether its setting and ``when`` hold.
        include: the answers to its criteria.
        exclude: the answers to its exclusions; true where one applies.
        reservation: the answers to its reservations; true where one applies.
    """
    if applies is False:
        return "not_applicable", None
    failed = False in include or True in exclude
    missing = None in include or None in exclude or None in reservation
    standing = base
    if True in reservation and standing in ("preferred", "recommended"):
        standing = "alternative"
    if failed:
        standing = "ineligible"
    return (standing, None) if applies and (failed or not missing) else ("undetermined", standing)


def _both(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that stands first."""
    return min(verdicts, key=VERDICTS.index)
