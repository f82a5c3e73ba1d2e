"""One patient of whom anything may be recorded: what a record may say, and what follows from it by the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import z3

from hcc_decide.decision import VERDICTS, Verdict
from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge, Rule, RuleKind, Treatment, Use
from hcc_decide.knowledge.condition import attributes_of
from hcc_decide.verify import scores
from hcc_decide.verify.fields import Field, Saying, field, holds, names_of, says
from hcc_decide.verify.history import History
from hcc_decide.verify.truth import ALWAYS, Choice, Known, Quantity, Truth, both, judge

LOWERED: tuple[Verdict, ...] = ("preferred", "recommended")
"""The verdicts that a reservation lowers, and to what comes after them."""


class Reading:
    """What is known of some attributes, and how rules judge it.

    Attributes:
        states: what is known of each.
    """

    def __init__(self, states: Mapping[str, Known]) -> None:
        """Keep what is known."""
        self.states: dict[str, Known] = dict(states)

    def judge(self, rule: Rule, treatment: Treatment | None = None) -> Truth:
        """Return when a rule is true and when it is false; an indication holds when its settings and its ``when`` do."""
        held = judge(rule.condition, self.states) if rule.condition is not None else ALWAYS
        if rule.kind != "indication" or treatment is None:
            return held
        use = next(use for use in treatment.uses if use.rule is rule)
        return both([self.among("setting", use.settings), held])

    def among(self, fact: str, values: Iterable[Any]) -> Truth:
        """Return when a category surely is, and surely is not, one of some values."""
        state = self.states[fact]
        assert isinstance(state, Choice)
        chosen = set(values)
        return Truth(state.among(chosen), state.among(set(state.possible) - chosen))


class World(Reading):
    """One patient, as far as some attributes are concerned.

    Attributes:
        attributes: those in question, and all that they are derived from.
        states: what is known of each.
        derived: what staging makes of each derived fact, whatever the record gives.
        disagreements: for each fact that a record may give though it is derived, when the two differ.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        attributes: Iterable[str],
        refused: Iterable[tuple[Saying, Saying]],
        prefix: str = "patient",
        apart: str | None = None,
    ) -> None:
        """Make the variables.

        Args:
            knowledge: the rule base.
            attributes: what rules in question read.
            refused: what no record may say (`fields.contradictions`).
            prefix: sets this patient's variables apart from another's.
            apart: the one field whose variables are this patient's own, while the others are those of whoever has ``prefix``.
        """
        super().__init__({})
        self.knowledge = knowledge
        self.attributes = closure(knowledge, attributes)
        facts = knowledge.vocabulary.facts
        names = {name: facts[name] for name, _ in map(names_of, self.attributes)}
        recorded = {name for name, fact in names.items() if fact.source in ("record", "record_or_derived")}
        for fact in names.values():
            if fact.source == "computed":
                recorded.update(fact.from_)
        marks = scores.marks("albi_score" in names, knowledge.limits)
        self.fields: Mapping[str, Field] = {
            name: field(name, facts[name], f"{prefix}, otherwise" if name == apart else prefix, marks.get(name))
            for name in facts
            if name in recorded
        }
        history = [item for item in map(names_of, self.attributes) if facts[item[0]].source == "history"]
        self.history = History(knowledge, history, prefix) if history else None
        self._refused = [
            z3.Not(z3.And(*(says(self.fields[name], value) for name, value in pair)))
            for pair in refused
            if all(name in self.fields for name, _ in pair)
        ]
        self.derived: dict[str, Choice] = {}
        self.disagreements: dict[str, z3.BoolRef] = {}
        self._read()

    def _read(self) -> None:
        facts = self.knowledge.vocabulary.facts
        for attribute in self.attributes:
            name, member = names_of(attribute)
            source = facts[name].source
            if source == "record":
                self.states[attribute] = self.fields[name].state(member)
            elif source == "computed":
                self.states[attribute] = scores.computed(name, self.fields)
            elif source == "history":
                assert self.history is not None
                self.states[attribute] = self.history.state(name, member)
        for item in self.knowledge.staging:
            if item.fact in self.attributes:
                self._derive(item)

    def _derive(self, item: DerivedFact) -> None:
        derived = self.derived[item.fact] = self._value_of(item)
        if not item.given:
            self.states[item.fact] = derived
            return
        given = self.fields[item.fact]
        said = given.state(None)
        assert isinstance(said, Choice)
        self.states[item.fact] = Choice(
            {value: z3.If(given.known, said.possible[value], when) for value, when in derived.possible.items()}
        )
        self.disagreements[item.fact] = z3.And(
            given.known, z3.Or([z3.And(said.possible[value], z3.Not(when)) for value, when in derived.possible.items()])
        )

    def _value_of(self, item: DerivedFact) -> Choice:
        judged = [(value.value, judge(value.condition, self.states)) for value in item.values]
        possible: dict[Any, z3.BoolRef] = {}
        for value in self.knowledge.domain(item.fact).values:
            left = [z3.Not(truth.true) for other, truth in judged if other != value]
            if item.excludes:
                left += [z3.Not(truth.false) for other, truth in judged if other == value]
            possible[value] = z3.And(left)
        if item.guard is not None:
            concerned = judge(item.guard, self.states).true
            possible = {value: z3.Or(z3.Not(concerned), when) for value, when in possible.items()}
        return Choice(possible)

    @cached_property
    def limits(self) -> z3.BoolRef:
        """What every record obeys."""
        found = [limit for item in self.fields.values() for limit in item.limits()]
        if self.history is not None:
            found += self.history.limits()
        return z3.And(found + self._refused)

    @cached_property
    def complete(self) -> z3.BoolRef:
        """When the record leaves nothing open; what follows from the rest may be left out."""
        follows = scores.OVERRIDING | {item.fact for item in self.knowledge.staging if item.excludes}
        parts = [item.exact for name, item in self.fields.items() if name not in follows]
        if self.history is not None:
            parts.append(self.history.exact)
        return z3.And(parts)

    def record(self, model: z3.ModelRef) -> dict[str, Any]:
        """Return the record that a model stands for, without what is not known."""
        found = {name: item.value(model) for name, item in self.fields.items()}
        if self.history is not None:
            found["prior_systemic"] = self.history.value(model)
        return {name: value for name, value in found.items() if value is not None}

    def said(self) -> Iterator[z3.BoolRef]:
        """Yield, for each field that a record may leave out, when it does not."""
        yield from (item.known for item in self.fields.values())
        if self.history is not None:
            yield from self.history.said()

    @cached_property
    def coherent(self) -> z3.BoolRef:
        """When nothing that the record gives contradicts what the rest of it says."""
        parts = [z3.Not(when) for when in self.disagreements.values()]
        if self.fields.keys() >= scores.OVERRIDING:
            beyond = scores.computed("child_pugh_points_beyond_score", self.fields)
            assert isinstance(beyond, Quantity)
            parts.append(z3.Implies(beyond.known, beyond.high == 0))
        return z3.And(parts)

    def refines(self, other: World) -> z3.BoolRef:
        """Return when this patient's record says all that another's says, or more."""
        parts = [item.refines(other.fields[name]) for name, item in self.fields.items()]
        if self.history is not None and other.history is not None:
            parts.append(self.history.refines(other.history))
        return z3.And(parts)


def closure(knowledge: Knowledge, attributes: Iterable[str]) -> tuple[str, ...]:
    """Return attributes with all that they are derived from, sorted."""
    derived = {item.fact: item for item in knowledge.staging}
    found: set[str] = set()
    pending = list(attributes)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            if name in derived:
                item = derived[name]
                pending += attributes_of(item.guard or ())
                pending += [read for value in item.values for read in attributes_of(value.condition)]
    return tuple(sorted(found))


class Judged:
    """How one option fares with one patient: each of its rules, each indication, and its verdict.

    Attributes:
        rules: by rule id.
        verdicts: for each verdict, when the option has it.
        would_be: for each verdict, when an undetermined option would have it if what is missing turned out well.
    """

    def __init__(self, world: Reading, treatment: Treatment) -> None:
        """Judge every rule of the option."""
        self.treatment = treatment
        self.rules: Mapping[str, Truth] = {
            rule.id: world.judge(rule, treatment)
            for rule in treatment.rules
            if rule.condition is not None or rule.kind == "indication"
        }
        settled: dict[Verdict, list[z3.BoolRef]] = {verdict: [] for verdict in VERDICTS}
        hoped: dict[Verdict, list[z3.BoolRef]] = {verdict: [] for verdict in VERDICTS}
        for use in treatment.uses:
            applies = self.rules[use.rule.id]
            blocked, reserved = self.blocked(use), self.reserved(use)
            decided = z3.And(applies.true, z3.Or(blocked, z3.Not(self.open(use))))
            waits = z3.Or(applies.unknown, z3.And(applies.true, z3.Not(blocked), self.open(use)))
            base: Verdict = use.body.verdict
            lowered: Verdict = "alternative" if base in LOWERED else base
            outcomes: tuple[tuple[Verdict, z3.BoolRef], ...] = (
                ("ineligible", blocked),
                (lowered, z3.And(z3.Not(blocked), reserved)),
                (base, z3.And(z3.Not(blocked), z3.Not(reserved))),
            )
            for verdict, when in outcomes:
                settled[verdict].append(z3.And(decided, when))
                hoped[verdict].append(z3.And(waits, when))
        any_settled = z3.Or([when for group in settled.values() for when in group])
        any_hoped = z3.Or([when for group in hoped.values() for when in group])
        self.verdicts: dict[Verdict, z3.BoolRef] = {
            verdict: z3.Or(group) for verdict, group in settled.items() if group
        }
        self.verdicts["undetermined"] = z3.And(z3.Not(any_settled), any_hoped)
        self.verdicts["not_applicable"] = z3.And(z3.Not(any_settled), z3.Not(any_hoped))
        self.would_be: dict[Verdict, z3.BoolRef] = {}
        better = z3.BoolVal(False)
        for verdict in VERDICTS:
            here = z3.Or(hoped[verdict])
            self.would_be[verdict] = z3.And(self.verdicts["undetermined"], here, z3.Not(better))
            better = z3.Or(better, here)

    def of(self, use: Use, *kinds: RuleKind) -> list[Truth]:
        """Return how the rules of some kinds fare that bear on an indication."""
        return [self.rules[rule.id] for kind in kinds for rule in self.treatment.by_use[use.body.id].get(kind, ())]

    def blocked(self, use: Use) -> z3.BoolRef:
        """Return when a criterion is surely not met or an exclusion surely applies."""
        return z3.Or([item.false for item in self.of(use, "include")] + [item.true for item in self.of(use, "exclude")])

    def open(self, use: Use) -> z3.BoolRef:
        """Return when a criterion, exclusion or reservation is unknown."""
        return z3.Or([item.unknown for item in self.of(use, "include", "exclude", "reservation")])

    def reserved(self, use: Use) -> z3.BoolRef:
        """Return when a reservation surely applies."""
        return z3.Or([item.true for item in self.of(use, "reservation")])

    def any_of(self, verdicts: Iterable[Verdict]) -> z3.BoolRef:
        """Return when the option has one of some verdicts."""
        return z3.Or([self.verdicts[verdict] for verdict in verdicts if verdict in self.verdicts])

    def at_best(self, verdict: Verdict) -> z3.BoolRef:
        """Return when the option has a verdict, or would have it if what is missing turned out well."""
        return z3.Or(self.verdicts.get(verdict, z3.BoolVal(False)), self.would_be[verdict])

    def found(self, model: z3.ModelRef) -> tuple[list[Verdict], list[Verdict]]:
        """Return the verdicts, and what it would be, in a model."""
        return (
            [verdict for verdict, when in self.verdicts.items() if holds(model, when)],
            [verdict for verdict, when in self.would_be.items() if holds(model, when)],
        )
