"""The compiled network rules on durable-rules and on CLIPS, driven the same way: staging, then eligibility.

Both get the very same `NetRule` objects and the very same facts; only the engine between them differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from benchmarks.conclusions import Conclusions, PlainFold
from hcc_decide.decision import Setting, Value
from hcc_decide.engine.facts import States, read_facts
from hcc_decide.engine.network import RuleSet
from hcc_decide.engine.program import DISAGREEMENT, MET, Program, given_facts
from hcc_decide.engine.rules import DERIVED, EXCLUDED, NetFact, NetRule, NetTest, NetValue, facts_for, text_of
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import State
from hcc_decide.patient import Patient


class Network(Protocol):
    """One ruleset on some engine."""

    def fired(self, facts: Sequence[NetFact]) -> Iterable[NetRule]:
        """Run to the fixpoint and return the rules that fired."""


class DurableNetwork:
    """A ruleset on durable-rules, as hcc-decide runs it."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._ruleset = ruleset

    def fired(self, facts: Sequence[NetFact]) -> Iterable[NetRule]:
        """Run to the fixpoint and return the rules that fired."""
        return [firing.rule for firing in self._ruleset.run(facts)]


class ClipsNetwork:
    """A ruleset on CLIPS: one environment, reset for each patient.

    A fact is ``(<number of its name> <value>)``, one per attribute. A rule that fires puts its number into a
    global, which is read once; in staging it asserts its fact as well. All facts of a patient go in as one text.
    Of the ways of clipspy that were tried this was the fastest: asserting facts one by one took about twice as
    long, collecting results as facts about three times.
    """

    def __init__(self, ruleset: RuleSet, *, chain: bool = False) -> None:
        """Build the environment.

        Args:
            ruleset: whose rules to run.
            chain: whether what a rule asserts goes back into the network.
        """
        import clips

        self._rules = ruleset.rules
        self._reads = ruleset.reads
        self._names = {name: number for number, name in enumerate(sorted(ruleset.reads))}
        self._texts: dict[NetFact, str] = {}
        self._environment: Any = clips.Environment()
        self._environment.build("(defglobal ?*fired* = (create$))")
        for number, rule in enumerate(self._rules):
            self._environment.build(self._defrule(number, rule, chain=chain))
        self._fired: Any = self._environment.find_global("fired")

    def _defrule(self, number: int, rule: NetRule, *, chain: bool) -> str:
        patterns = " ".join(self._pattern(test, f"?v{index}") for index, test in enumerate(rule.tests))
        action = f"(bind ?*fired* ?*fired* {number})"
        if chain and rule.asserts.name in self._reads:
            action += f" (assert {self._fact(rule.asserts)})"
        return f"(defrule rule-{number} {patterns} => {action})"

    def _pattern(self, test: NetTest, variable: str) -> str:
        span = test.span
        if span is None:
            assert test.value is not None
            return f"({self._relation(test.name, test.value)} {_literal(test.value)})"
        limits = []
        if span.low > -math.inf:
            limits.append(f"({'>' if span.low_open else '>='} {variable} {_literal(span.low)})")
        if span.high < math.inf:
            limits.append(f"({'<' if span.high_open else '<='} {variable} {_literal(span.high)})")
        slot = variable + "".join(f"&:{limit}" for limit in limits) if limits else "?"
        return f"({self._relation(test.name, 0.0)} {slot})"

    def _relation(self, name: str, value: NetValue) -> str:
        # A relation per type, because CLIPS refuses to compare a text with a number.
        kind = "b" if isinstance(value, bool) else "s" if isinstance(value, str) else "n"
        return f"{kind}{self._names[name]}"

    def _fact(self, fact: NetFact) -> str:
        if isinstance(fact.value, float):
            return f"({self._relation(*fact)} {_literal(fact.value)})"
        text = self._texts.get(fact)
        if text is None:
            text = self._texts[fact] = f"({self._relation(*fact)} {_literal(fact.value)})"
        return text

    def fired(self, facts: Sequence[NetFact]) -> Iterable[NetRule]:
        """Run to the fixpoint and return the rules that fired."""
        environment, reads = self._environment, self._reads
        environment.reset()
        text = "".join([self._fact(fact) for fact in facts if fact.name in reads])
        if text:  # clipspy takes no fact at all for an error
            environment.load_facts(text)
        environment.run()
        return [self._rules[number] for number in self._fired.value]


def _literal(value: NetValue) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(float(value))


class NetworkRules:
    """The whole rule base on some engine, with the drive that both engines share."""

    def __init__(self, knowledge: Knowledge, make: Callable[[RuleSet, bool], Network]) -> None:
        """Compile and build every network.

        Args:
            knowledge: the rule base.
            make: makes a network from a ruleset; its second argument says whether rules chain.
        """
        program = Program(knowledge)
        self._knowledge = knowledge
        self._attributes = knowledge.attributes()
        self._derivable = {item.fact for item in knowledge.staging}
        self._staging = make(program.staging, True)
        self._notices = make(program.notices, False), _sources(program.notices)
        self._eligibility: dict[Setting, list[tuple[Network, tuple[str, ...]]]] = {
            setting: [(make(ruleset, False), _sources(ruleset)) for ruleset in group]
            for setting, group in program.eligibility.items()
        }
        self._fold = PlainFold(knowledge)

    def conclude(self, patient: Patient) -> Conclusions:
        """Run the rules for one patient."""
        record = read_facts(patient, self._knowledge, self._attributes)
        states, derived, disagreements = self._stage(record)
        domain = self._knowledge.domain
        facts = [fact for name, state in states.items() for fact in facts_for(name, state, domain(name))]
        networks = [self._notices]
        for setting, group in self._eligibility.items():
            if setting in derived["setting"]:
                networks += group
        results: dict[str, bool | None] = {}
        for _, sources in networks:
            results.update(dict.fromkeys(sources))
        for network, _ in networks:
            for rule in network.fired(facts):
                results[rule.source] = rule.asserts.value == MET
        return Conclusions(derived, disagreements, results, self._fold.verdicts(results))

    def _stage(self, record: States) -> tuple[States, dict[str, Any], dict[str, Value]]:
        facts: list[NetFact] = []
        for name, state in record.items():
            if name in self._derivable:
                known = next(iter(state.values)) if state.values is not None and state.known else None
                facts += given_facts(name, known)
            else:
                facts += facts_for(name, state, self._knowledge.domain(name))
        asserted = {rule.asserts for rule in self._staging.fired(facts)}
        states = dict(record)
        derived: dict[str, Any] = {}
        for item in self._knowledge.staging:
            values = self._knowledge.domain(item.fact).values
            held = [value for value in values if NetFact(item.fact, text_of(value)) in asserted]
            left = [value for value in values if NetFact(item.fact + EXCLUDED, text_of(value)) not in asserted]
            derived[item.fact] = frozenset(held or left)
            states[item.fact] = State(values=derived[item.fact])
        disagreements: dict[str, Value] = {}
        for name in sorted(str(fact.value) for fact in asserted if fact.name == DISAGREEMENT):
            found = [fact.value for fact in asserted if fact.name == name + DERIVED]
            disagreements[name] = found[0] if found else None
        return states, derived, disagreements


def _sources(ruleset: RuleSet) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.source for rule in ruleset.rules))


def on_durable_rules(knowledge: Knowledge) -> NetworkRules:
    """Return the rule base on durable-rules under the benchmark's drive: no trace, no shadow."""
    return NetworkRules(knowledge, lambda ruleset, _: DurableNetwork(ruleset))


def on_clips(knowledge: Knowledge) -> NetworkRules:
    """Return the rule base on CLIPS under the benchmark's drive."""
    return NetworkRules(knowledge, lambda ruleset, chain: ClipsNetwork(ruleset, chain=chain))
