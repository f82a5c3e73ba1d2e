"""The same rules on GoRules Zen: one decision graph of expression nodes, generated from the conditions.

A patient goes through the graph once: an expression node stages, a switch node takes the settings that are possible,
an expression node for each of them and one for the notices judge the rules, and a last one folds the results into
verdicts. There is no JavaScript in it. Decision tables do not fit: a cell that a fact leaves open makes a row unknown,
not unmet, so nearly every row would need its two conditions written out, as the expressions do.

What is known of a category is one truth value for each of its values: whether it is still possible. Of a number it is
the lowest and the highest value, as in `benchmarks.plain`. To Zen a number nearer to 0 than 28 decimals tell is 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.conclusions import Conclusions
from hcc_decide.decision import VERDICTS, Setting, Value, Verdict
from hcc_decide.engine.facts import read_facts
from hcc_decide.engine.program import concerns, condition_of, settings_of
from hcc_decide.engine.rules import text_of
from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge, Treatment
from hcc_decide.knowledge.condition import (
    Condition,
    Inapplicable,
    Literal,
    OneOf,
    Scalar,
    Span,
    State,
)
from hcc_decide.patient import Patient

DECISION = "hcc"
UNKNOWN = "?"
"""A rule's result while a fact is missing. A rule of a setting that is not possible has none, which Zen reads as null."""
OPEN = 100
"""Added to the place of a verdict that an undetermined option would have."""
NOWHERE = 99
"""In the place of a verdict: the indication does not apply."""
BEYOND = 1e15
"""Where a number without a bound ends, and one farther out than any that rules name: Zen has decimals of 28 digits."""

Expressions = list[tuple[str, str]]


class ZenRules:
    """The rule base as one Zen decision."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Generate and compile the graph."""
        import zen

        self._knowledge = knowledge
        self._attributes = knowledge.attributes()
        self._values = {name: knowledge.domain(name).values for name in self._attributes}
        self._graph = Graph(knowledge)
        self._fragments: dict[tuple[str, State], str] = {}
        self._verdicts = _outcomes()
        # Through a loader: a decision that is made directly compiles its expressions at each patient, four times as slow.
        options: Any = {"loader": {"type": "static", "content": {DECISION: self._graph.content()}}}
        self._engine: Any = zen.ZenEngine(options)

    def conclude(self, patient: Patient) -> Conclusions:
        """Run the rules for one patient."""
        record = read_facts(patient, self._knowledge, self._attributes)
        # As text: numbers that are handed over as floats lose their last digits, and with them which side of a limit they lie on.
        context = "{" + ",".join([self._fragment(name, state) for name, state in record.items()]) + "}"
        found = self._engine.evaluate(DECISION, context)["result"]
        graph, verdicts = self._graph, self._verdicts
        derived: dict[str, frozenset[Scalar]] = {}
        disagreements: dict[str, Value] = {}
        for item in self._knowledge.staging:
            name, values = graph.names[item.fact], self._values[item.fact]
            derived[item.fact] = frozenset(value for index, value in enumerate(values) if found[f"{name}_{index}"])
            if found.get(f"{name}_differs"):
                left = [value for index, value in enumerate(values) if found[f"{name}_{index}_computed"]]
                disagreements[item.fact] = text_of(left[0]) if len(left) == 1 else None
        results = {rule: found[name] for rule, name in graph.rules.items() if name in found}
        return Conclusions(
            derived,
            disagreements,
            {rule: None if result == UNKNOWN else result for rule, result in results.items()},
            {option: verdicts[found[name]] for option, name in graph.options.items()},
        )

    def _fragment(self, attribute: str, state: State) -> str:
        """Return what is known of an attribute as members of a JSON object."""
        key = attribute, state
        found = self._fragments.get(key)
        if found is None:
            found = json.dumps(self._graph.facts(attribute, state))[1:-1]
            if state.values is not None:  # numbers have too many states to keep
                self._fragments[key] = found
        return found


def _outcomes() -> Mapping[float, tuple[Verdict, Verdict | None]]:
    """Return what the number of a verdict stands for, as the last node of the graph gives it."""
    found: dict[float, tuple[Verdict, Verdict | None]] = {}
    for place, verdict in enumerate(VERDICTS):
        found[place] = verdict, None
        found[OPEN + place] = "undetermined", verdict
    return {**found, OPEN + NOWHERE: ("not_applicable", None)}


class Graph:
    """The rule base in Zen's JSON decision model.

    Attributes:
        names: of each attribute; a value of a category is ``<name>_<its place>``.
        rules: the name of each rule's result, by rule id.
        options: the name of each option's verdict, by option id.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        """Name everything."""
        self._knowledge = knowledge
        self._values = {name: knowledge.domain(name).values for name in knowledge.attributes()}
        self._given = {item.fact for item in knowledge.staging if item.given}
        self.names = {name: f"x{number}" for number, name in enumerate(self._values)}
        ids = [rule.id for rule in knowledge.notices]
        ids += [rule.id for treatment in knowledge.options.values() for rule in treatment.rules]
        self.rules = {rule: f"r{number}" for number, rule in enumerate(ids)}
        self.options = {option: f"o{number}" for number, option in enumerate(knowledge.options)}

    def facts(self, attribute: str, state: State) -> dict[str, Any]:
        """Return what a record says of an attribute, as the graph reads it."""
        name = self.names[attribute]
        if state.values is None:
            low, high = (max(-BEYOND, min(BEYOND, bound)) for bound in (state.low, state.high))
            return {f"{name}_low": low, f"{name}_high": high, f"{name}_here": state.applicable}
        # Types tell 1 from True.
        left = {(type(value), value) for value in state.values}
        recorded = "_recorded" if attribute in self._given else ""
        found: dict[str, Any] = {
            f"{name}_{index}{recorded}": (type(value), value) in left
            for index, value in enumerate(self._values[attribute])
        }
        return {**found, f"{name}_given": state.known} if recorded else found

    def content(self) -> dict[str, Any]:
        """Return the decision graph."""
        settings = settings_of(self._knowledge)
        places = self._values["setting"]
        possible = {setting: f"{self.names['setting']}_{places.index(setting)}" for setting in settings}
        nodes = [
            {"id": "record", "type": "inputNode", "name": "record"},
            _expressions("staging", self._staging()),
            # What is derived, and the record: whatever reads a fact reads this.
            _expressions("facts", [], onward=True),
            {
                "id": "settings",
                "type": "switchNode",
                "name": "settings",
                "content": {
                    "hitPolicy": "collect",
                    "statements": [{"id": name, "condition": f"{name} == true"} for name in possible.values()],
                },
            },
            _expressions("notices", self._results((rule.id, rule.condition or ()) for rule in self._knowledge.notices)),
            *(_expressions(setting, self._results(self._eligibility(setting))) for setting in settings),
            _expressions("verdicts", self._verdicts(), onward=True),
            {"id": "conclusions", "type": "outputNode", "name": "conclusions"},
        ]
        ways = [
            ("record", "staging"),
            ("record", "facts"),
            ("staging", "facts"),
            ("staging", "verdicts"),
            ("facts", "notices"),
            ("facts", "settings"),
            ("notices", "verdicts"),
            *((setting, "verdicts") for setting in settings),
            ("verdicts", "conclusions"),
        ]
        edges = [_edge(source, target) for source, target in ways]
        edges += [_edge("settings", setting, name) for setting, name in possible.items()]
        return {"nodes": nodes, "edges": edges}

    def _eligibility(self, setting: Setting) -> Iterable[tuple[str, Condition]]:
        for treatment in self._knowledge.options.values():
            for rule in treatment.rules:
                if concerns(rule, treatment, setting):
                    yield rule.id, condition_of(rule, treatment)

    def _results(self, rules: Iterable[tuple[str, Condition]]) -> Expressions:
        tests = Tests(self.names, self._values)
        return [
            (self.rules[rule], f"{tests.holds(condition)} ? true : {tests.fails(condition)} ? false : '{UNKNOWN}'")
            for rule, condition in rules
        ]

    def _staging(self) -> Expressions:
        derived = {item.fact for item in self._knowledge.staging}
        # Within one node, what was found before has a dollar sign.
        names = {name: f"$.{short}" if name in derived else short for name, short in self.names.items()}
        tests = Tests(names, self._values)
        return [found for item in self._knowledge.staging for found in self._derivation(item, tests)]

    def _derivation(self, item: DerivedFact, tests: Tests) -> Expressions:
        name, values = self.names[item.fact], self._values[item.fact]
        conditions = {value.value: value.condition for value in item.values}
        found: Expressions = []
        surely: dict[Scalar, str] = {}
        for index, value in enumerate(values):
            if value in conditions:
                found.append((f"{name}_{index}_surely", tests.holds(conditions[value])))
                surely[value] = f"$.{name}_{index}_surely"
        computed = "_computed" if item.given else ""
        for index, value in enumerate(values):
            stands = [f"not {other}" for key, other in surely.items() if key != value]
            if item.excludes and value in conditions:
                stands.append(f"not ({tests.fails(conditions[value])})")
            left = " and ".join(stands) or "true"
            if item.guard is not None:
                left = f"{tests.holds(item.guard)} ? ({left}) : true"
            found.append((f"{name}_{index}{computed}", left))
        if item.given:
            places = range(len(values))
            agrees = " or ".join(f"({name}_{index}_recorded and $.{name}_{index}_computed)" for index in places)
            found.append((f"{name}_differs", f"{name}_given and not ({agrees})"))
            found += [
                (f"{name}_{index}", f"{name}_given ? {name}_{index}_recorded : $.{name}_{index}_computed")
                for index in places
            ]
        return found

    def _verdicts(self) -> Expressions:
        options = self._knowledge.options
        return [(self.options[option], self._verdict(treatment)) for option, treatment in options.items()]

    def _verdict(self, treatment: Treatment) -> str:
        """Return docs/semantics.md, "Verdicts", for one option: the place of its verdict in `VERDICTS`."""
        settled, outlooks = "", []
        for use in treatment.uses:
            here, by_kind = self.rules[use.rule.id], _by_kind(treatment, use.body.id)
            names = {kind: [self.rules[rule] for rule in rules] for kind, rules in by_kind.items()}
            blocked = [f"{name} == false" for name in names["include"]]
            blocked += [f"{name} == true" for name in names["exclude"]]
            unsettled = [f"{name} == '{UNKNOWN}'" for rules in names.values() for name in rules]
            verdict = str(VERDICTS.index(use.body.verdict))
            if names["reservation"] and use.body.verdict in ("preferred", "recommended"):
                lowered = " or ".join(f"{name} == true" for name in names["reservation"])
                verdict = f"({lowered}) ? {VERDICTS.index('alternative')} : {verdict}"
            if blocked:
                verdict = f"({' or '.join(blocked)}) ? {VERDICTS.index('ineligible')} : {verdict}"
            settles = f"{here} == true"
            if unsettled:
                known = f"not ({' or '.join(unsettled)})"
                settles += f" and ({' or '.join([*blocked, known])})"
            settled += f"({settles}) ? ({verdict}) : "
            outlooks.append(f"({here} == true or {here} == '{UNKNOWN}' ? ({verdict}) : {NOWHERE})")
        best = outlooks[0] if len(outlooks) == 1 else f"min([{', '.join(outlooks)}])"
        return f"{settled}{OPEN} + {best}"


def _by_kind(treatment: Treatment, indication: str) -> Mapping[str, Sequence[str]]:
    return {
        kind: [rule.id for rule in treatment.rules if rule.kind == kind and indication in rule.indications]
        for kind in ("include", "exclude", "reservation")
    }


def _expressions(name: str, expressions: Expressions, *, onward: bool = False) -> dict[str, Any]:
    """Return an expression node; with ``onward`` it hands on what it reads as well."""
    listed = [{"id": key, "key": key, "value": value} for key, value in expressions]
    content = {"expressions": listed, "passThrough": onward}
    return {"id": name, "type": "expressionNode", "name": name, "content": content}


def _edge(source: str, target: str, statement: str | None = None) -> dict[str, Any]:
    edge = {"id": f"{source}-{target}", "type": "edge", "sourceId": source, "targetId": target}
    return edge if statement is None else {**edge, "sourceHandle": statement}


class Tests:
    """Conditions as expressions: surely true, surely false."""

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Sequence[Scalar]]) -> None:
        """Take how attributes are called, and the values of each category."""
        self._names = names
        self._values = values

    def holds(self, condition: Condition) -> str:
        """Return the expression that says whether a condition surely holds."""
        parts = (" and ".join(self._true(literal) for literal in conjunction) for conjunction in condition)
        return "(" + " or ".join(f"({part})" for part in parts) + ")" if condition else "false"

    def fails(self, condition: Condition) -> str:
        """Return the expression that says whether a condition surely fails."""
        parts = (" or ".join(self._false(literal) for literal in conjunction) for conjunction in condition)
        return "(" + " and ".join(f"({part})" for part in parts) + ")" if condition else "true"

    def _true(self, literal: Literal) -> str:
        name, test = self._names[literal.attribute], literal.test
        if isinstance(test, OneOf):
            return self._none_of(literal.attribute, test, inside=False)
        if isinstance(test, Inapplicable):
            return f"not {name}_here"
        low, high = _limits(test)
        parts = [f"{name}_here"]
        parts += [f"{name}_low {'>' if test.low_open else '>='} {low}"] if low else []
        parts += [f"{name}_high {'<' if test.high_open else '<='} {high}"] if high else []
        return "(" + " and ".join(parts) + ")"

    def _false(self, literal: Literal) -> str:
        name, test = self._names[literal.attribute], literal.test
        if isinstance(test, OneOf):
            return self._none_of(literal.attribute, test, inside=True)
        if isinstance(test, Inapplicable):
            return f"({name}_here and {name}_low == {name}_high)"
        low, high = _limits(test)
        parts = [f"not {name}_here"]
        parts += [f"{name}_high {'<=' if test.low_open else '<'} {low}"] if low else []
        parts += [f"{name}_low {'>=' if test.high_open else '>'} {high}"] if high else []
        return "(" + " or ".join(parts) + ")"

    def _none_of(self, attribute: str, test: OneOf, *, inside: bool) -> str:
        """Return that no value is possible of those inside the test, or of those outside."""
        chosen = {(type(value), value) for value in test.values}
        name = self._names[attribute]
        parts = [
            f"not {name}_{index}"
            for index, value in enumerate(self._values[attribute])
            if ((type(value), value) in chosen) is inside
        ]
        return "(" + " and ".join(parts) + ")" if parts else "true"


def _limits(span: Span) -> tuple[str | None, str | None]:
    return (
        repr(span.low) if span.low > -math.inf else None,
        repr(span.high) if span.high < math.inf else None,
    )
