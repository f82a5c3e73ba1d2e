"""The values with which a set of facts suffices: proved for all that they stand for, and confirmed by the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import z3

from hcc_decide.counterfactual.question import Question, contradicted
from hcc_decide.counterfactual.values import Candidate, Values
from hcc_decide.decision import Verdict
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.inference import Inference
from hcc_decide.engine.network import EngineError
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC

MOST_WAYS = 4
"""Combinations of values of one set that are told; more of them nobody reads."""

Box = dict[str, tuple[Candidate, ...]]


class UnconfirmedError(EngineError):
    """The engine does not confirm what was proved; there is no answer."""


@dataclass(frozen=True)
class Found:
    """Values that suffice, any of each fact with any of the others.

    Attributes:
        verdict: what the option gets.
        values: the values of each fact, what comes about most easily first.
        after: what the engine infers for the first value of each fact.
    """

    verdict: Verdict
    values: Box
    after: Inference


class Ways:
    """Looks for the values with which facts suffice."""

    def __init__(self, by_class: ByClass, option: str, before: Inference, question: Question, values: Values) -> None:
        """Look for nothing yet.

        Args:
            by_class: what confirms.
            option: id of the option.
            before: what was inferred of the record at hand.
            question: the question.
            values: the values that facts may take.
        """
        self._by_class = by_class
        self._option = option
        self._allowed = contradicted(before)
        self._question = question
        self._values = values
        self._either: dict[tuple[int, ...], tuple[z3.BoolRef, tuple[Candidate, ...]]] = {}

    def of(self, facts: Sequence[str]) -> tuple[list[Found], bool]:
        """Return the values with which a smallest set of facts suffices, and whether these are all.

        Raises:
            SolverError: the solver gave up.
            EngineError: the engine failed, or does not confirm what was proved.
        """
        found: list[Found] = []
        known: list[z3.BoolRef] = []
        whole = True
        # On the very edge of such a score proof and engine can differ by the last digit; such values are not told.
        rounded = any(self._values.by_rounded_score(name) for name in facts)
        for verdict in self._question.wanted:
            while (point := self._question.example(facts, verdict, map(z3.Not, known))) is not None:
                if len(known) == MOST_WAYS or (rounded and found):
                    return found, False
                box, exact = self._box(facts, verdict, point, known)
                whole = whole and exact
                # With the same values of the others, other lines of therapy are not looked for; there is no end of them.
                known.append(self._question.named(z3.And(self._of_others(box))))
                for goal, values in (verdict, box), *self._other_verdicts(facts, verdict, box):
                    confirmed = self._confirmed(values, goal)
                    whole = whole and confirmed is not None
                    if confirmed is not None:
                        found.append(Found(goal, values, confirmed))
                    elif exact and not rounded:
                        raise UnconfirmedError(f"the engine does not confirm what would make {self._option} {goal}")
        if not found:
            raise UnconfirmedError(f"the engine confirms no values that would give {self._option} its verdict")
        return found, whole

    def _other_verdicts(self, facts: Sequence[str], found: Verdict, box: Box) -> Iterator[tuple[Verdict, Box]]:
        """Yield the other verdicts that short histories bring with the same values of the other facts."""
        if PRIOR_SYSTEMIC not in facts:
            return
        for verdict in self._question.wanted:
            fits = self._short_lines(facts, verdict, box) if verdict != found else ()
            if fits:
                yield verdict, {**box, PRIOR_SYSTEMIC: fits}

    def _short_lines(self, facts: Sequence[str], verdict: Verdict, box: Box) -> tuple[Candidate, ...]:
        others = self._of_others(box)
        return tuple(
            item
            for item in self._values.of(PRIOR_SYSTEMIC, {})
            if self._question.suffices(facts, verdict, [*others, item.when])
        )

    def _box(
        self, facts: Sequence[str], verdict: Verdict, point: Mapping[str, Any], known: Sequence[z3.BoolRef]
    ) -> tuple[Box, bool]:
        """Return values that suffice, as many as do with one another; and whether they are whole classes."""
        offered = {name: self._offered(name, point) for name in facts}
        start, point = self._start(facts, verdict, known, offered)
        exact = self._question.suffices(facts, verdict, self._values_of(start))
        if not exact:
            # Two numbers of one score can matter together; then only single values can be told.
            start = {name: (self._values.exactly(name, point[name]),) for name in facts}
        box = start
        for name in facts:
            if name != PRIOR_SYSTEMIC:
                others = self._values_of({other: items for other, items in box.items() if other != name})
                fits = [item for item in offered[name] if self._question.suffices(facts, verdict, [*others, item.when])]
                box = {**box, name: tuple(fits) or box[name]}
        if PRIOR_SYSTEMIC in facts:
            box = {**box, PRIOR_SYSTEMIC: self._lines(facts, verdict, box, point[PRIOR_SYSTEMIC])}
        return box, exact

    def _offered(self, name: str, point: Mapping[str, Any]) -> tuple[Candidate, ...]:
        return () if name == PRIOR_SYSTEMIC else self._values.nearest_first(name, self._values.of(name, point))

    def _start(
        self,
        facts: Sequence[str],
        verdict: Verdict,
        known: Sequence[z3.BoolRef],
        offered: Mapping[str, Sequence[Candidate]],
    ) -> tuple[Box, Mapping[str, Any]]:
        """Return values to start from, one for each fact, and an example: fact by fact what comes about most easily.

        What the solver happened upon first would do as well, but the same question shall have the same answer.
        """
        start: Box = {}
        rest = [z3.Not(values) for values in known]
        for name in facts:
            for item in offered[name]:
                if self._question.possible(facts, verdict, [*rest, *self._values_of(start), item.when]):
                    start = {**start, name: (item,)}
                    break
        better = self._question.example(facts, verdict, [*rest, *self._values_of(start)])
        assert better is not None
        return {name: start.get(name) or (self._values.exactly(name, better[name]),) for name in facts}, better

    def _lines(self, facts: Sequence[str], verdict: Verdict, box: Box, solved: Any) -> tuple[Candidate, ...]:
        """Return the short histories that do, else those that go on from the recorded one, else the one of the solver."""
        short = self._short_lines(facts, verdict, box)
        if short:
            return self._values.nearest_first(PRIOR_SYSTEMIC, short)
        others = self._of_others(box)
        going_on = tuple(
            item
            for item in self._values.extending(solved)
            if self._question.suffices(facts, verdict, [*others, item.when])
        )
        return going_on or (self._values.exactly(PRIOR_SYSTEMIC, solved),)

    def _of_others(self, box: Box) -> list[z3.BoolRef]:
        return self._values_of({name: items for name, items in box.items() if name != PRIOR_SYSTEMIC})

    def _values_of(self, box: Box) -> list[z3.BoolRef]:
        """Return one variable for each fact, true exactly when it has one of its values."""
        found = []
        for items in box.values():
            key = tuple(id(item) for item in items)
            if key not in self._either:
                several = (
                    self._question.named(z3.Or([item.when for item in items])) if len(items) > 1 else items[0].when
                )
                # With the values themselves, so that none of them goes and another takes its identity.
                self._either[key] = several, items
            found.append(self._either[key][0])
        return found

    def _confirmed(self, box: Box, verdict: Verdict) -> Inference | None:
        """Return what the engine infers for the first values, ``None`` when it does not give the verdict for some."""
        first: Inference | None = None
        for combination in _combinations(box):
            patient = self._values.with_values({name: item.value for name, item in combination.items()})
            inference = self._by_class.infer(patient)
            if inference.standings[self._option].verdict != verdict or contradicted(inference) - self._allowed:
                return None
            first = first or inference
        return first


def _combinations(box: Box) -> Iterator[dict[str, Candidate]]:
    """Yield combinations in which each value occurs, the first values first; all others are proved with them."""
    for place in range(max(len(items) for items in box.values())):
        yield {name: items[place % len(items)] for name, items in box.items()}
