"""The rulesets of a knowledge: one for staging, one for eligibility per setting, one for notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from hcc_decide.decision import Setting
from hcc_decide.engine.network import RuleSet
from hcc_decide.engine.rules import (
    DERIVED,
    EXCLUDED,
    GIVEN,
    NONE,
    NetFact,
    NetRule,
    NetTest,
    narrow,
    rules_for,
    text_of,
)
from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge, Rule, Treatment
from hcc_decide.knowledge.condition import (
    Condition,
    Domain,
    absorb,
    attributes_of,
    conjoin,
    negate,
)

MET, NOT_MET = "met", "not_met"
DISAGREEMENT = "disagreement"
BOOKKEEPING = "/other-values-out"
"""End of the ids of rules that only spell out what a known value excludes; the trace for people leaves them out."""
RULES_PER_SET = 400
"""An eligibility ruleset larger than this is split: each live context costs memory for each condition."""


def settings_of(knowledge: Knowledge) -> tuple[Setting, ...]:
    """Return the settings that some option names, in the vocabulary's order."""
    named = {setting for treatment in knowledge.options.values() for setting in treatment.settings}
    values = knowledge.words.values("setting")
    return tuple(value for value in values if value in named)


def condition_of(rule: Rule, treatment: Treatment) -> Condition:
    """Return the condition of a rule; for an indication that includes its settings."""
    if rule.kind == "indication":
        return next(use.applies for use in treatment.uses if use.rule is rule)
    assert rule.condition is not None
    return rule.condition


def concerns(rule: Rule, treatment: Treatment, setting: Setting) -> bool:
    """Whether a rule bears on some indication of its option in a setting."""
    here = {use.body.id for use in treatment.uses if setting in use.settings}
    return bool(rule.indications & here)


class Program:
    """Every ruleset of one knowledge, compiled and fenced."""

    def __init__(self, knowledge: Knowledge, module: Any = None) -> None:
        """Compile.

        Args:
            knowledge: the rule base.
            module: the engine module, for tests.

        Raises:
            FenceError: naming the rule that durable-rules could not run correctly.
        """
        self._domains: dict[str, Domain] = {name: knowledge.domain(name) for name in knowledge.attributes()}
        # A rule stands in the rulesets of several settings.
        self._of_rule: dict[str, list[NetRule]] = {}
        self.staging = RuleSet("staging", staging_rules(knowledge, self._domains), chain=True, module=module)
        self.notices = RuleSet(
            "notices",
            [found for notice in knowledge.notices for found in self._results(notice.id, notice.condition or ())],
            module=module,
        )
        self.eligibility: dict[Setting, tuple[RuleSet, ...]] = {
            setting: self._eligibility(knowledge, setting, module) for setting in settings_of(knowledge)
        }
        self._module = module
        self._of_option: dict[str, RuleSet] = {}
        self._of_conditions: dict[tuple[str, ...], RuleSet] = {}

    def _results(self, rule_id: str, condition: Condition) -> list[NetRule]:
        found = self._of_rule.get(rule_id)
        if found is None:
            met = rules_for(rule_id, condition, self._domains, NetFact(rule_id, MET))
            missed = rules_for(rule_id, negate(condition, self._domains), self._domains, NetFact(rule_id, NOT_MET))
            found = self._of_rule[rule_id] = met + missed
        return found

    def treatment_rules(self, treatment: Treatment, setting: Setting | None = None) -> list[NetRule]:
        """Return the network rules of one option, of one setting or of all."""
        found: list[NetRule] = []
        for rule in treatment.rules:
            if setting is None or concerns(rule, treatment, setting):
                found += self._results(rule.id, condition_of(rule, treatment))
        return found

    def _eligibility(self, knowledge: Knowledge, setting: Setting, module: Any) -> tuple[RuleSet, ...]:
        groups: list[list[NetRule]] = [[]]
        for treatment in knowledge.options.values():
            rules = self.treatment_rules(treatment, setting)
            if groups[-1] and len(groups[-1]) + len(rules) > RULES_PER_SET:
                groups.append([])
            groups[-1] += rules
        return tuple(
            RuleSet(f"eligibility-{setting}-{number}", rules, module=module)
            for number, rules in enumerate(groups, start=1)
            if rules
        )

    def option_ruleset(self, treatment: Treatment) -> RuleSet:
        """Return a ruleset with all rules of one option, whatever their setting."""
        if treatment.id not in self._of_option:
            rules = self.treatment_rules(treatment)
            self._of_option[treatment.id] = RuleSet(f"option-{treatment.id}", rules, module=self._module)
        return self._of_option[treatment.id]

    def conditions_ruleset(self, conditions: Mapping[str, Condition]) -> RuleSet:
        """Return a ruleset that judges some conditions; it asserts `MET` or `NOT_MET` under the name of each.

        Args:
            conditions: by the name of a rule to which each belongs.

        Raises:
            FenceError: durable-rules could not judge them together, or not one of them.
        """
        key = tuple(conditions)
        found = self._of_conditions.get(key)
        if found is None:
            rules = [rule for name, condition in conditions.items() for rule in self._results(name, condition)]
            found = self._of_conditions[key] = RuleSet(f"conditions-{key[0]}", rules, module=self._module)
        return found

    def close(self) -> None:
        """Free every ruleset."""
        groups = (item for group in self.eligibility.values() for item in group)
        single = (*self._of_option.values(), *self._of_conditions.values())
        for ruleset in (self.staging, self.notices, *groups, *single):
            ruleset.close()


def staging_rules(knowledge: Knowledge, domains: Mapping[str, Domain]) -> list[NetRule]:
    """Return the network rules that derive facts from facts."""
    found: list[NetRule] = []
    for derived in knowledge.staging:
        domain = domains[derived.fact]
        name = derived.fact + (DERIVED if derived.given else "")
        found += _derivations(derived, name, domain, domains)
        if derived.given:
            found += _adoption(derived, domain)
    return found


def _derivations(derived: DerivedFact, name: str, domain: Domain, domains: Mapping[str, Domain]) -> list[NetRule]:
    found: list[NetRule] = []
    boolean = domain.values == (True, False)
    for value in derived.values:
        condition = guarded(derived, value.condition)
        found += rules_for(value.rule, condition, domains, NetFact(name, text_of(value.value)))
        if derived.excludes:
            otherwise = NetFact(name, not value.value) if boolean else NetFact(name + EXCLUDED, text_of(value.value))
            condition = guarded(derived, negate(value.condition, domains))
            found += rules_for(value.rule, condition, domains, otherwise)
    if narrow(domain):
        found += exclusions(derived, name, domain)
    if not boolean and derived.excludes:
        for left in domain.values:
            tests = tuple(NetTest(name + EXCLUDED, text_of(other)) for other in domain.values if other != left)
            found.append(NetRule(f"{derived.rule}/only-value-left", tests, NetFact(name, text_of(left))))
    return found


def guarded(derived: DerivedFact, condition: Condition) -> Condition:
    """Return a condition limited to the patients whom a derived fact concerns."""
    if derived.guard is None:
        return condition
    return absorb(conjoin((*limit, *part)) for limit, part in product(derived.guard, condition))


def exclusions(derived: DerivedFact, name: str, domain: Domain) -> list[NetRule]:
    """Return the rules by which a known value excludes the others (see `narrow`)."""
    return [
        NetRule(
            f"{derived.rule}{BOOKKEEPING}", (NetTest(name, text_of(value)),), NetFact(name + EXCLUDED, text_of(other))
        )
        for value, other in product(domain.values, domain.values)
        if value != other
    ]


def _adoption(derived: DerivedFact, domain: Domain) -> list[NetRule]:
    fact, computed, given = derived.fact, derived.fact + DERIVED, derived.fact + GIVEN
    nothing_given = NetTest(given, NONE)
    found: list[NetRule] = []
    for value in domain.values:
        word = text_of(value)
        here = NetTest(given, word) if isinstance(word, str) else NetTest(given, value=word)
        found.append(NetRule(f"{derived.rule}/as-given", (here,), NetFact(fact, word)))
        found.append(
            NetRule(f"{derived.rule}/as-derived", (nothing_given, NetTest(computed, word)), NetFact(fact, word))
        )
        if domain.values != (True, False):
            gone = NetTest(computed + EXCLUDED, word)
            found.append(NetRule(f"{derived.rule}/as-derived", (nothing_given, gone), NetFact(fact + EXCLUDED, word)))
            found.append(NetRule(f"{derived.rule}/disagreement", (here, gone), NetFact(DISAGREEMENT, fact)))
    if narrow(domain):
        found += exclusions(derived, fact, domain)
    else:
        for one, other in product(domain.values, domain.values):
            if one != other:
                tests = (NetTest(given, text_of(one)), NetTest(computed, text_of(other)))
                found.append(NetRule(f"{derived.rule}/disagreement", tests, NetFact(DISAGREEMENT, fact)))
    return found


def given_facts(name: str, value: object) -> Sequence[NetFact]:
    """Return the facts that say what the record gives for a derivable fact."""
    if value is None:
        return [NetFact(name + GIVEN, NONE)]
    return [NetFact(name + GIVEN, value if isinstance(value, bool) else str(value))]


def read_by(rule: Rule, treatment: Treatment | None) -> tuple[str, ...]:
    """Return the attributes that a rule reads, the setting of an indication included."""
    if treatment is not None and rule.kind == "indication":
        return attributes_of(condition_of(rule, treatment))
    return rule.attributes
