"""The question as formulas: which facts of a record have to change, and which values of them do."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import z3

from hcc_decide.answers import line_detail
from hcc_decide.decision import Verdict
from hcc_decide.engine.facts import read_facts
from hcc_decide.engine.inference import Inference
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Scalar, Span, State, fact_of, member_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.patient import OTHER, Patient
from hcc_decide.verify.asking import MILLISECONDS, SolverError
from hcc_decide.verify.fields import Chosen, Number, Saying, Several, holds, number_of, says
from hcc_decide.verify.history import MOST_LINES
from hcc_decide.verify.truth import Choice, Known, Quantity, constant
from hcc_decide.verify.truth import test as judge_test
from hcc_decide.verify.world import Judged, World, closure

BEYOND = "child_pugh_points_beyond_score"
"""What tells that a score is given against the items that it is the sum of."""
IMAGING = "radiological_progression"
DETAILS = (IMAGING, "last_daily_dose_mg", "tolerated_days_of_last_28")
"""What can be found out of a prior line later, without another line."""
LEVEL = 4
"""So many times the sets asked for are looked at, at most, to find all of one size before some of them are told."""
_ROUNDING = 1e-8
"""How far, in its logarithm, a number stays from a cut-off that a score has in it; such cut-offs have nine digits."""


def contradicted(inference: Inference) -> frozenset[str]:
    """Return the facts that a record gives against what the rest of it says."""
    beyond = inference.states.get(BEYOND)
    score = {BEYOND} if beyond is not None and beyond.known and beyond.low > 0 else set[str]()
    return frozenset(inference.disagreements) | score


@dataclass(frozen=True)
class _Fact:
    """One fact that may change.

    Attributes:
        same: when it is as in the record at hand.
        told: when the record says one exact thing of it.
        changed: true lets it change.
    """

    same: z3.BoolRef
    told: z3.BoolRef
    changed: z3.BoolRef


class Question:
    """Which changes of one record give one option a verdict.

    A change never makes a fact unknown. The changed record is one that is accepted, and it does not contradict itself where
    the record at hand does not.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        inference: Inference,
        option: str,
        wanted: Sequence[Verdict],
        refused: Sequence[tuple[Saying, Saying]],
    ) -> None:
        """Make the formulas.

        Args:
            knowledge: the rule base.
            inference: what was inferred of the record at hand.
            option: id of the option.
            wanted: the verdicts of which one is wanted.
            refused: what no record may say (`verify.fields.contradictions`).
        """
        self._knowledge = knowledge
        self._patient = inference.patient
        whole = knowledge.options[option]
        # Findings for and against and cautions bear on no verdict.
        treatment = replace(whole, rules=whole.of_kind("indication", "include", "exclude", "reservation"))
        # What is refused is part of the question here, not of what every record obeys.
        self._world = World(knowledge, self._concerned(treatment.attributes, refused), ())
        judged = Judged(self._world, treatment)
        sound = z3.And(*self._coherent(contradicted(inference)), *self._accepted(refused))
        self._details = dict(self._own_details())
        self._facts: Mapping[str, _Fact] = dict(self._all_facts())
        self._names = 0
        self._holding: dict[frozenset[str], Sequence[z3.BoolRef]] = {}
        self._solver = z3.Solver()
        self._solver.set("timeout", MILLISECONDS)
        self._solver.add(self._world.limits)
        for name, fact in self._facts.items():
            self._solver.add(z3.Or(fact.changed, fact.same))
            if name in self._details:
                # Other lines of therapy come with other details.
                self._solver.add(z3.Implies(self._facts[PRIOR_SYSTEMIC].changed, fact.changed))
        # Asked for by a name each, so that the solver takes the formulas in once.
        self._gives = {name: z3.Bool(f"gives {name}") for name in wanted if name in judged.verdicts}
        for verdict, gives in self._gives.items():
            self._solver.add(gives == z3.And(judged.verdicts[verdict], sound))
        self._all_told = z3.Bool("all told")
        self._solver.add(z3.Implies(self._all_told, z3.And(*self._told())))

    def _concerned(self, attributes: Iterable[str], refused: Sequence[tuple[Saying, Saying]]) -> list[str]:
        """Return the attributes of an option, and those that a change may bring into conflict with the rest of a record."""
        facts = self._knowledge.vocabulary.facts
        given = [item.fact for item in self._knowledge.staging if item.given]
        found = list(closure(self._knowledge, attributes))
        found += closure(self._knowledge, [name for name in given if getattr(self._patient, name) is not None])
        found += [BEYOND] if BEYOND in facts and set(facts[BEYOND].from_) & self._fields_of(found) else []
        for name in dict.fromkeys(name for pair in refused for name, _ in pair):
            if not any(fact_of(attribute) == name for attribute in found):
                found.append(f"{name}[{next(iter(facts[name].values or ()))}]" if facts[name].kind == "set" else name)
        return found

    def _fields_of(self, attributes: Iterable[str]) -> set[str]:
        facts = self._knowledge.vocabulary.facts
        names = {fact_of(attribute) for attribute in attributes}
        return names | {item for name in names for item in facts[name].from_}

    def _coherent(self, allowed: Collection[str]) -> Iterator[z3.BoolRef]:
        for name, when in self._world.disagreements.items():
            if name not in allowed:
                yield z3.Not(when)
        beyond = self._world.states.get(BEYOND)
        if isinstance(beyond, Quantity) and BEYOND not in allowed:
            yield z3.Implies(beyond.known, beyond.high == 0)

    def _accepted(self, refused: Sequence[tuple[Saying, Saying]]) -> Iterator[z3.BoolRef]:
        fields = self._world.fields
        for pair in refused:
            yield z3.Not(z3.And(*(says(fields[name], value) for name, value in pair)))

    def _own_details(self) -> Iterator[tuple[str, str]]:
        """Yield each detail of prior lines that is a fact of its own, with its attribute.

        Where a drug that is not named was given, a detail can hang on what it was; lines and details are one fact then.
        """
        lines = self._patient.prior_systemic or ()
        if any(line.option == OTHER and line.name is None for line in lines):
            return
        for attribute in self._world.attributes:
            name, option = fact_of(attribute), member_of(attribute)
            mine = [line for line in lines if line.option == option]
            if name in DETAILS and mine and (name != IMAGING or all(line.progressed for line in mine)):
                yield f"{PRIOR_SYSTEMIC}[{option}].{name}", attribute

    def _all_facts(self) -> Iterator[tuple[str, _Fact]]:
        for name, item in self._world.fields.items():
            value = getattr(self._patient, name)
            same = z3.Not(item.known) if value is None else self.given(name, value)
            yield name, _Fact(same, item.exact, z3.Bool(f"{name} changes"))
        if self._world.history is None:
            return
        now = self._history_of(self._patient)
        apart = set(self._details.values())
        same = z3.And([_is(self._world.states[name], state) for name, state in now.items() if name not in apart])
        yield PRIOR_SYSTEMIC, _Fact(same, self._world.history.known, z3.Bool(f"{PRIOR_SYSTEMIC} changes"))
        for name, attribute in self._details.items():
            state = self._world.states[attribute]
            told = (
                state.known if isinstance(state, Quantity) else z3.Or(self.given(name, True), self.given(name, False))
            )
            yield name, _Fact(_is(state, now[attribute]), told, z3.Bool(f"{name} changes"))

    def _history_of(self, patient: Patient) -> Mapping[str, State]:
        facts = self._knowledge.vocabulary.facts
        read = [name for name in self._world.attributes if facts[fact_of(name)].source == "history"]
        return read_facts(patient, self._knowledge, tuple(read))

    # Formulas of values, for those who look for the values of an answer.

    def reads(self, attribute: str) -> bool:
        """Whether the verdict, or what makes a record contradict itself, can depend on an attribute."""
        return attribute in self._world.attributes

    def named(self, formula: z3.BoolRef) -> z3.BoolRef:
        """Return a variable that is true exactly when a formula is: the solver takes the formula in once."""
        self._names += 1
        name = z3.Bool(f"formula {self._names}")
        self._solver.add(name == formula)
        return name

    def given(self, name: str, value: Any) -> z3.BoolRef:
        """Return when a field, or a detail of prior lines, has exactly a value."""
        if line_detail(name) is not None:
            state = self._of_line(name)
            whole = State(values=frozenset([value])) if isinstance(state, Choice) else State(low=value, high=value)
            return _is(state, whole)
        item = self._world.fields[name]
        if isinstance(item, Number):
            parts = [item.known, item.number == constant(float(value))]
            if item.log10 is not None:
                parts.append(item.log10 == constant(math.log10(value)))
            return z3.And(parts)
        assert isinstance(item, (Chosen, Several))
        return says(item, value)

    def within(self, name: str, span: Span) -> z3.BoolRef:
        """Return when a number lies in a span."""
        if line_detail(name) is not None:
            return judge_test(span, self._of_line(name)).true
        item = self._world.fields[name]
        assert isinstance(item, Number)
        inside = judge_test(span, item.state(None)).true
        if item.log10 is None:
            return inside
        parts = [inside]
        if span.low > 0:
            parts.append(item.log10 > constant(math.log10(span.low) + (_ROUNDING if span.low_open else -_ROUNDING)))
        if span.high < math.inf:
            parts.append(item.log10 < constant(math.log10(span.high) - (_ROUNDING if span.high_open else -_ROUNDING)))
        return z3.And(parts)

    def lines(self, patient: Patient) -> tuple[tuple[tuple[str, State], ...], z3.BoolRef]:
        """Return what the rules of the option can tell of a record's lines, and when it is that."""
        told = tuple(sorted(self._history_of(patient).items(), key=lambda item: item[0]))
        return told, z3.And([_is(self._world.states[name], state) for name, state in told])

    def _of_line(self, name: str) -> Known:
        detail = line_detail(name)
        assert detail is not None
        return self._world.states[f"{detail[1]}[{detail[0]}]"]

    # Answers.

    def smallest_sets(self, most: int) -> tuple[list[tuple[str, ...]], bool]:
        """Return the smallest sets of facts that suffice, those of fewest facts first, and whether these are all there are.

        Args:
            most: how many to look for.

        Raises:
            SolverError: the solver gave up.
        """
        found: list[tuple[str, ...]] = []
        switches = [fact.changed for fact in self._facts.values()]
        solver = self._solver
        solver.push()
        try:
            solver.add(z3.Or(list(self._gives.values())), self._all_told)
            size = 0
            # A set of the least size that holds none found before has no smaller one within it.
            while _check(solver) is not None:
                size += 1
                solver.push()
                solver.add(z3.AtMost(*switches, size))
                blocked: list[z3.BoolRef] = []
                while (model := _check(solver)) is not None:
                    if len(found) > LEVEL * most:
                        solver.pop()
                        return self._first(found, most), False
                    changed = [name for name, fact in self._facts.items() if holds(model, fact.changed)]
                    blocked.append(z3.Not(z3.And([self._facts[name].changed for name in changed])))
                    solver.add(blocked[-1])
                    found.append(self._named(changed))
                solver.pop()
                solver.add(*blocked)
                if len(found) > most:
                    return self._first(found, most), False
            return self._first(found, most), True
        finally:
            solver.pop()

    def _first(self, sets: Iterable[tuple[str, ...]], most: int) -> list[tuple[str, ...]]:
        """Return the sets in an order that does not depend on how the solver came upon them."""
        order = {name: place for place, name in enumerate(self._facts)}
        return sorted(sets, key=lambda names: (len(names), [order[name] for name in names]))[:most]

    @property
    def wanted(self) -> tuple[Verdict, ...]:
        """The verdicts of which one is wanted and that some record can have."""
        return tuple(self._gives)

    def _told(self) -> Iterator[z3.BoolRef]:
        for name, fact in self._facts.items():
            told = z3.Or(fact.same, fact.told)
            yield z3.Or(told, self._facts[PRIOR_SYSTEMIC].changed) if name in self._details else told

    def _named(self, changed: Sequence[str]) -> tuple[str, ...]:
        """Return the facts of a set; the lines of therapy stand for their details too."""
        whole = PRIOR_SYSTEMIC in changed
        return tuple(name for name in changed if not (whole and name in self._details))

    def _held(self, facts: Collection[str]) -> Sequence[z3.BoolRef]:
        """Return what holds all facts fast but some."""
        free = frozenset({*facts, *(self._details if PRIOR_SYSTEMIC in facts else ())})
        if free not in self._holding:
            self._holding[free] = [z3.Not(fact.changed) for name, fact in self._facts.items() if name not in free]
        return self._holding[free]

    def example(self, facts: Collection[str], verdict: Verdict, values: Iterable[z3.BoolRef]) -> dict[str, Any] | None:
        """Return values of some facts that give a verdict, with the fewest lines of therapy; ``None`` when there are none.

        Args:
            facts: the facts that change.
            verdict: one of `wanted`.
            values: variables of `named`, or their negations, that shall be true of the values.

        Raises:
            SolverError: the solver gave up.
        """
        asked = [self._gives[verdict], self._all_told, *self._held(facts), *values]
        model = _check(self._solver, *asked)
        if model is not None and PRIOR_SYSTEMIC in facts:
            model = self._shortest_lines(model, asked)
        return None if model is None else {name: self._value(model, name) for name in facts}

    def possible(self, facts: Collection[str], verdict: Verdict, values: Iterable[z3.BoolRef]) -> bool:
        """Whether some facts give a verdict with some of certain values; the arguments are those of `example`.

        Raises:
            SolverError: the solver gave up.
        """
        return _satisfiable(self._solver, self._gives[verdict], self._all_told, *self._held(facts), *values)

    def _shortest_lines(self, found: z3.ModelRef, asked: Sequence[z3.BoolRef]) -> z3.ModelRef:
        """Return a model with the fewest lines of therapy, of which as little as possible is said."""
        history = self._world.history
        assert history is not None
        said = list(history.said())
        for lines in range(MOST_LINES):
            self._solver.push()
            self._solver.add(history.count <= lines)
            fewest = _check(self._solver, *asked)
            for count in range(len(said)) if fewest is not None else ():
                self._solver.push()
                self._solver.add(z3.AtMost(*said, count))
                shortest = _check(self._solver, *asked)
                self._solver.pop()
                if shortest is not None:
                    fewest = shortest
                    break
            self._solver.pop()
            if fewest is not None:
                return fewest
        return found

    def _value(self, model: z3.ModelRef, name: str) -> Any:
        if name == PRIOR_SYSTEMIC:
            assert self._world.history is not None
            return self._world.history.value(model)
        if line_detail(name) is None:
            return self._world.fields[name].value(model)
        state = self._of_line(name)
        return number_of(model, state.low) if isinstance(state, Quantity) else holds(model, self.given(name, True))

    def suffices(self, facts: Collection[str], verdict: Verdict, values: Iterable[z3.BoolRef]) -> bool:
        """Whether every record in which some facts have certain values, and all others stay, gives a verdict.

        Raises:
            SolverError: the solver gave up.
        """
        return not _satisfiable(self._solver, z3.Not(self._gives[verdict]), *self._held(facts), *values)


def _is(state: Known, now: State) -> z3.BoolRef:
    """Return when exactly that is known of an attribute."""
    if isinstance(state, Choice):
        left: frozenset[Scalar] = now.values or frozenset()
        return z3.And([when == z3.BoolVal(value in left) for value, when in state.possible.items()])
    if not now.applicable:
        return z3.Not(state.applicable)
    if not now.known:
        return z3.And(state.applicable, z3.Not(state.known))
    return z3.And(state.applicable, state.known, state.low == constant(float(now.low)))


def _check(solver: z3.Solver, *asked: z3.BoolRef) -> z3.ModelRef | None:
    return solver.model() if _satisfiable(solver, *asked) else None


def _satisfiable(solver: z3.Solver, *asked: z3.BoolRef) -> bool:
    found = solver.check(*asked)
    if found == z3.unknown:
        raise SolverError(f"the solver gave up: {solver.reason_unknown()}")
    return bool(found == z3.sat)
