"""Every combination of classes, one by one: durable-rules against the proof model, without a search."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import z3

from hcc_decide.classes.attributes import classes_of
from hcc_decide.decision import VERDICTS
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.facts import States
from hcc_decide.knowledge.catalogue import Rule, Treatment
from hcc_decide.knowledge.condition import State
from hcc_decide.verify.results import Failure
from hcc_decide.verify.truth import Choice, Known, Quantity, constant
from hcc_decide.verify.world import Judged, Reading

THEOREM = "every-combination"


@dataclass(frozen=True)
class Counted:
    """What was enumerated of one option.

    Attributes:
        option: the option.
        combinations: how many combinations of classes were judged by both.
        of: how many there are of all the facts that its rules read.
        failures: where the two differ.
    """

    option: str
    combinations: int
    of: int
    failures: tuple[Failure, ...]

    @property
    def whole(self) -> bool:
        """Whether all combinations were judged; otherwise facts that no rule joins were enumerated apart."""
        return self.combinations == self.of


def enumerate_option(engine: Engine, option: str, most: int) -> Counted:
    """Judge one option for every combination of what can be known of the facts that its rules read.

    Facts that no rule reads together are enumerated apart when there would be more than ``most`` combinations: rules judge
    each by itself, and the verdict depends on the facts through the rules' answers alone.

    Args:
        engine: the compiled rule base.
        option: the option.
        most: as many combinations are enumerated as a whole.

    Raises:
        EngineError: the engine failed.
    """
    knowledge = engine.knowledge
    treatment = knowledge.options[option]
    classes = {attribute: classes_of(knowledge, attribute) for attribute in treatment.attributes}
    of = math.prod(len(found) for found in classes.values())
    groups = [tuple(classes)] if of <= most else joined(treatment)
    nothing = {attribute: found[-1] for attribute, found in classes.items()}
    model = _Model(treatment, classes)
    failures: list[Failure] = []
    count = 0
    for group in groups:
        for choice in product(*(classes[attribute] for attribute in group)):
            states = {**nothing, **dict(zip(group, choice, strict=True))}
            count += 1
            wrong = model.difference(engine, states)
            if wrong:
                failures.append(Failure(THEOREM, option, f"{wrong}, for {_shown(states)}"))
    return Counted(option, count, of, tuple(failures))


def joined(treatment: Treatment) -> list[tuple[str, ...]]:
    """Return the attributes that an option's rules read, together where a rule reads them together.

    The setting is read with the condition of each indication, and apart from the rest.
    """
    groups: list[set[str]] = []
    for rule in (*(use.rule for use in treatment.uses), *treatment.rules):
        reads = set(read_by_rule(rule))
        meeting = [group for group in groups if group & reads]
        groups = [group for group in groups if not group & reads] + [reads.union(*meeting)]
    return [tuple(sorted(group)) for group in groups if group]


class _Model:
    """The proof model of one option over facts that are put in, one combination after the other."""

    def __init__(self, treatment: Treatment, classes: Mapping[str, tuple[State, ...]]) -> None:
        self._treatment = treatment
        self._terms = {attribute: _open(attribute, found[-1], found) for attribute, found in classes.items()}
        judged = Judged(Reading(self._terms), treatment)
        rules = {rule.id: rule for rule in (*(use.rule for use in treatment.uses), *treatment.rules)}
        self._rules = {
            name: (
                z3.If(truth.true, z3.IntVal(1), z3.If(truth.false, z3.IntVal(0), z3.IntVal(2))),
                read_by_rule(rules[name]),
            )
            for name, truth in judged.rules.items()
        }
        self._verdicts = _coded(judged.verdicts), _coded(judged.would_be)
        # A term has the variables of the attributes that its rule reads, and of no others, so it need not be put in again
        # for another combination of the rest; the verdict has those of the rules.
        self._known: dict[object, Any] = {}

    def difference(self, engine: Engine, states: States) -> str | None:
        """Return how durable-rules and the model differ for what is known, ``None`` when they agree."""
        results, standing = engine.judge(self._treatment.id, states)
        answers: list[bool | None] = []
        for name, (term, reads) in self._rules.items():
            key = name, tuple(states[attribute] for attribute in reads)
            if key not in self._known:
                self._known[key] = (False, True, None)[self._put_in(term, states)]
            expected = self._known[key]
            if results[name] is not expected:
                return f"{name} is {expected} in the model and {results[name]} in the engine"
            answers.append(expected)
        whole = tuple(answers)
        if whole not in self._known:
            self._known[whole] = tuple(self._put_in(term, states) for term in self._verdicts)
        verdicts = self._known[whole]
        found = (
            1 << VERDICTS.index(standing.verdict),
            1 << VERDICTS.index(standing.would_be) if standing.would_be else 0,
        )
        return None if verdicts == found else f"the verdicts are {verdicts} in the model and {found} in the engine"

    def _put_in(self, term: Any, states: States) -> int:
        values = [pair for attribute, state in states.items() for pair in _values(self._terms[attribute], state)]
        return int(z3.simplify(z3.substitute(term, *values)).as_long())


def read_by_rule(rule: Rule) -> tuple[str, ...]:
    """Return the attributes that a rule reads, the setting with an indication."""
    return ("setting", *rule.attributes) if rule.kind == "indication" else rule.attributes


def _coded(verdicts: Mapping[Any, Any]) -> Any:
    """Return a number with one bit for each verdict that holds."""
    bits = [z3.If(when, z3.IntVal(1 << VERDICTS.index(verdict)), z3.IntVal(0)) for verdict, when in verdicts.items()]
    return z3.Sum(bits)


def _open(attribute: str, unknown: State, classes: tuple[State, ...]) -> Known:
    """Return variables for what is known of an attribute."""
    if unknown.values is not None:
        values = [value for state in classes for value in state.values or () if len(state.values or ()) == 1]
        return Choice({value: z3.Bool(f"{attribute} may be {value}") for value in dict.fromkeys(values)})
    return Quantity(
        z3.Bool(f"{attribute} is known"),
        z3.Real(f"{attribute} at least"),
        z3.Real(f"{attribute} at most"),
        z3.Bool(f"{attribute} exists"),
    )


def _values(term: Known, state: State) -> Iterator[tuple[Any, Any]]:
    """Yield what the variables of an attribute stand for when a state is known."""
    if isinstance(term, Choice):
        for value, when in term.possible.items():
            yield when, z3.BoolVal(value in (state.values or ()))
        return
    known = math.isfinite(state.low) and math.isfinite(state.high)
    yield term.known, z3.BoolVal(known)
    yield term.applicable, z3.BoolVal(state.applicable)
    yield term.low, constant(state.low) if known else z3.RealVal(0)
    yield term.high, constant(state.high) if known else z3.RealVal(0)


def _shown(states: States) -> str:
    parts = []
    for attribute, state in states.items():
        if not state.applicable:
            parts.append(f"{attribute} absent")
        elif state.values is not None:
            parts.append(f"{attribute} in {sorted(map(str, state.values))}")
        else:
            parts.append(f"{attribute} from {state.low:g} to {state.high:g}")
    return ", ".join(parts)
