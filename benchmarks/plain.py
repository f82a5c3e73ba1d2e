"""The same rules as plain Python: if and else, generated from the conditions and compiled once.

What is known of a category is a set of bits, one per value still possible; of a number, its lowest and highest
value. A condition holds when one of its conjunctions surely holds, and fails when each has a part that surely
fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.conclusions import Conclusions, PlainFold
from hcc_decide.decision import Value
from hcc_decide.engine.facts import States, read_facts
from hcc_decide.engine.program import concerns, condition_of, settings_of
from hcc_decide.engine.rules import text_of
from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge
from hcc_decide.knowledge.condition import (
    Condition,
    Inapplicable,
    Literal,
    OneOf,
    Scalar,
    Span,
    attributes_of,
)
from hcc_decide.patient import Patient

Judge = Callable[..., None]


class PlainRules:
    """The rule base as compiled functions: one for staging, one for notices, one per setting."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Generate and compile the functions."""
        self._knowledge = knowledge
        self._attributes = knowledge.attributes()
        self._names = {name: f"x{number}" for number, name in enumerate(self._attributes)}
        self._values = {name: knowledge.domain(name).values for name in self._attributes}
        self._bits: dict[tuple[str, frozenset[Scalar]], int] = {}
        self._fold = PlainFold(knowledge)
        self._sets = {item.fact: self._subsets(item.fact) for item in knowledge.staging}
        self._stage = self._compile(self._staging(knowledge))
        notices = [(rule.id, rule.condition or ()) for rule in knowledge.notices]
        self._notices = self._compile(self._rules(notices))
        self._eligibility = {
            setting: self._compile(
                self._rules(
                    (rule.id, condition_of(rule, treatment))
                    for treatment in knowledge.options.values()
                    for rule in treatment.rules
                    if concerns(rule, treatment, setting)
                )
            )
            for setting in settings_of(knowledge)
        }

    def conclude(self, patient: Patient) -> Conclusions:
        """Run the rules for one patient."""
        known = self._known(read_facts(patient, self._knowledge, self._attributes))
        found: dict[str, int] = {}
        disagreements: dict[str, Value] = {}
        self._stage(known, found, disagreements)
        derived = {name: self._sets[name][mask] for name, mask in found.items()}
        for name, mask in found.items():
            known[self._names[name]] = mask
        results: dict[str, bool | None] = {}
        self._notices(known, results)
        for setting, judge in self._eligibility.items():
            if setting in derived["setting"]:
                judge(known, results)
        return Conclusions(derived, disagreements, results, self._fold.verdicts(results))

    def _known(self, record: States) -> dict[str, Any]:
        known: dict[str, Any] = {}
        bits = self._bits
        for attribute, state in record.items():
            name = self._names[attribute]
            if state.values is not None:
                key = attribute, state.values
                mask = bits.get(key)
                if mask is None:
                    mask = bits[key] = self._mask(attribute, state.values)
                known[name] = mask
            else:
                known[name] = (state.low, state.high, state.applicable)
        return known

    def _mask(self, attribute: str, values: Iterable[Scalar]) -> int:
        # Types tell 1 from True.
        chosen = {(type(value), value) for value in values}
        domain = self._values[attribute]
        return sum(1 << index for index, value in enumerate(domain) if (type(value), value) in chosen)

    def _subsets(self, fact: str) -> dict[int, frozenset[Scalar]]:
        values = self._values[fact]
        return {
            mask: frozenset(value for index, value in enumerate(values) if mask >> index & 1)
            for mask in range(1 << len(values))
        }

    @staticmethod
    def _compile(lines: Sequence[str]) -> Judge:
        space: dict[str, Any] = {}
        exec(compile("\n".join(lines), "<rules as if and else>", "exec"), space)
        judge: Judge = space["judge"]
        return judge

    def _read(self, attribute: str) -> str:
        name = self._names[attribute]
        if self._values[attribute]:
            return f"  {name} = known['{name}']"
        return f"  {name}_low, {name}_high, {name}_here = known['{name}']"

    def _rules(self, rules: Iterable[tuple[str, Condition]]) -> list[str]:
        listed = list(rules)
        read = dict.fromkeys(name for _, condition in listed for name in attributes_of(condition))
        lines = ["def judge(known, results):", *(self._read(name) for name in read)]
        for rule_id, condition in listed:
            lines += [
                f"  if {self._holds(condition)}: results[{rule_id!r}] = True",
                f"  elif {self._fails(condition)}: results[{rule_id!r}] = False",
                f"  else: results[{rule_id!r}] = None",
            ]
        return [*lines, "  return"]

    def _staging(self, knowledge: Knowledge) -> list[str]:
        derived = {item.fact for item in knowledge.staging}
        conditions = [value.condition for item in knowledge.staging for value in item.values]
        conditions += [item.guard for item in knowledge.staging if item.guard is not None]
        read = dict.fromkeys(
            name for condition in conditions for name in attributes_of(condition) if name not in derived
        )
        lines = ["def judge(known, found, disagreements):", *(self._read(name) for name in read)]
        for item in knowledge.staging:
            lines += self._derivation(item)
        return lines

    def _derivation(self, item: DerivedFact) -> list[str]:
        name, values = self._names[item.fact], self._values[item.fact]
        every = (1 << len(values)) - 1
        lines = [f"  {name} = {every}"]
        # One line of if and else within another needs its own indentation.
        indent = "  "
        if item.guard is not None:
            lines.append(f"  if {self._holds(item.guard)}:")
            indent = "    "
        for value in item.values:
            bit = self._mask(item.fact, [value.value])
            lines.append(f"{indent}if {self._holds(value.condition)}: {name} &= {bit}")
            if item.excludes:
                lines.append(f"{indent}elif {self._fails(value.condition)}: {name} &= {every & ~bit}")
        if item.given:
            words = {1 << index: text_of(value) for index, value in enumerate(values)}
            lines += [
                f"  given = known.get('{name}', {every})",
                "  if given & (given - 1) == 0:",
                f"    if given & ~{name}: disagreements[{item.fact!r}] = {words!r}.get({name})",
                f"    {name} = given",
            ]
        return [*lines, f"  found[{item.fact!r}] = {name}"]

    def _holds(self, condition: Condition) -> str:
        return " or ".join(
            "(" + " and ".join(self._true(literal) for literal in conjunction) + ")" for conjunction in condition
        )

    def _fails(self, condition: Condition) -> str:
        return " and ".join(
            "(" + " or ".join(self._false(literal) for literal in conjunction) + ")" for conjunction in condition
        )

    def _true(self, literal: Literal) -> str:
        name, test = self._names[literal.attribute], literal.test
        if isinstance(test, OneOf):
            others = self._others(literal.attribute, test)
            return f"not {name} & {others}"
        if isinstance(test, Inapplicable):
            return f"not {name}_here"
        limits = _limits(name, test)
        return " and ".join([f"{name}_here", *(limit.inside for limit in limits)])

    def _false(self, literal: Literal) -> str:
        name, test = self._names[literal.attribute], literal.test
        if isinstance(test, OneOf):
            return f"not {name} & {self._mask(literal.attribute, test.values)}"
        if isinstance(test, Inapplicable):
            return f"({name}_here and {name}_low == {name}_high)"
        limits = _limits(name, test)
        return "(" + " or ".join([f"not {name}_here", *(limit.outside for limit in limits)]) + ")"

    def _others(self, attribute: str, test: OneOf) -> int:
        return ((1 << len(self._values[attribute])) - 1) & ~self._mask(attribute, test.values)


class _Limit:
    """One end of a span as two comparisons: surely inside, surely outside."""

    def __init__(self, inside: str, outside: str) -> None:
        self.inside = inside
        self.outside = outside


def _limits(name: str, span: Span) -> list[_Limit]:
    found: list[_Limit] = []
    if span.low > -math.inf:
        inside, outside = (">", "<=") if span.low_open else (">=", "<")
        found.append(_Limit(f"{name}_low {inside} {span.low!r}", f"{name}_high {outside} {span.low!r}"))
    if span.high < math.inf:
        inside, outside = ("<", ">=") if span.high_open else ("<=", ">")
        found.append(_Limit(f"{name}_high {inside} {span.high!r}", f"{name}_low {outside} {span.high!r}"))
    return found
