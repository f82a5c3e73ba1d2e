"""Theorems about derived facts."""

from __future__ import annotations

import z3

from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge
from hcc_decide.knowledge.condition import Condition, attributes_of
from hcc_decide.verify.asking import Asker
from hcc_decide.verify.fields import Saying
from hcc_decide.verify.results import Failure, Tally
from hcc_decide.verify.truth import ALWAYS, Truth, judge
from hcc_decide.verify.world import World


class StagingProofs:
    """The theorems about one derived fact and one patient."""

    def __init__(self, knowledge: Knowledge, fact: str, refused: tuple[tuple[Saying, Saying], ...]) -> None:
        """Make the patient."""
        self._item: DerivedFact = next(item for item in knowledge.staging if item.fact == fact)
        self.world = World(knowledge, [fact], refused)
        self.tally = Tally()
        self._ask = Asker([self.world], self.tally)
        guard = self._item.guard
        self._concerned: Truth = judge(guard, self.world.states) if guard is not None else ALWAYS

    def run(self) -> Tally:
        """Prove everything."""
        self._one_value()
        for value in self._item.values:
            truth = judge(value.condition, self.world.states)
            self._found("live", value.rule, f"can never hold: {value.text}", truth.true, self._concerned.true)
            self._found("not-vacuous", value.rule, f"always holds: {value.text}", truth.false, self._concerned.true)
            for number, part in enumerate(value.condition, start=1):
                self._part(value.rule, number, value.condition, part)
        if self._item.excludes:
            self._known_when_complete()
        return self.tally

    def _found(self, theorem: str, subject: str, text: str, *wanted: z3.BoolRef) -> None:
        if self._ask.possible(*wanted) is not None:
            self.tally.hold(theorem)
        else:
            self.tally.fail(Failure(theorem, subject, text))

    def _one_value(self) -> None:
        """Show that no two values are asserted at once and that one is always left."""
        judged = [judge(value.condition, self.world.states).true for value in self._item.values]
        derived = self.world.derived[self._item.fact].possible
        wrong = [z3.Not(z3.Or(list(derived.values())))]
        if len(judged) > 1:
            wrong.append(z3.And(self._concerned.true, z3.Not(z3.AtMost(*judged, 1))))
        model = self._ask.smallest(z3.Or(wrong))
        if model is None:
            self.tally.hold("one-value")
        else:
            text = "several values are asserted at once, or none is left"
            self.tally.fail(Failure("one-value", self._item.rule, text, self.world.record(model)))

    def _part(self, rule: str, number: int, condition: Condition, part: tuple[object, ...]) -> None:
        """Show that one of several ways to a value can hold alone: without it somebody would be judged otherwise."""
        if len(condition) < 2:
            return
        others = judge(tuple(other for other in condition if other is not part), self.world.states)
        own = judge((part,), self.world.states)  # type: ignore[arg-type]
        reads = ", ".join(attributes_of((part,)))  # type: ignore[arg-type]
        text = f"one of its ways never counts alone ({reads})"
        self._found("not-subsumed", f"{rule}/{number}", text, own.true, z3.Not(others.true), self._concerned.true)

    def _known_when_complete(self) -> None:
        """Show that of a complete record the fact is known, for those whom it concerns."""
        derived = self.world.derived[self._item.fact].possible
        model = self._ask.smallest(self.world.complete, self._concerned.true, z3.Not(z3.AtMost(*derived.values(), 1)))
        if model is None:
            self.tally.hold("known-when-complete")
        else:
            text = "is not known although everything it is derived from is"
            self.tally.fail(Failure("known-when-complete", self._item.rule, text, self.world.record(model)))
