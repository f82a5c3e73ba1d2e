"""The answers of the engine as tables: a condition is judged once for each class of what it reads, for any number of patients.

Rules compare facts with constants only, and combine these comparisons without looking at anything else. So the answer to a
condition hangs on the classes of the few attributes it reads, and the verdict of an option on the answers to its rules. The
engine gives each of these answers once, the shadow judges it, and a table keeps it: whole columns of patients are then looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from hcc_decide.classes.attributes import AttributeClasses
from hcc_decide.decision import VERDICTS, Result, Verdict
from hcc_decide.engine.fences import FenceError
from hcc_decide.engine.fold import BASE, Findings, Fold
from hcc_decide.engine.inference import ShadowError, check_staging, judge_facts, stage
from hcc_decide.engine.lookup import Codes, Lookup, MergedLookup, narrow
from hcc_decide.engine.network import RuleSet
from hcc_decide.engine.program import Program, condition_of
from hcc_decide.engine.rules import NetFact, facts_for
from hcc_decide.engine.shadow import Shadow, indication
from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge, read_by_staging
from hcc_decide.knowledge.condition import Condition, State, attributes_of, judge

Small = npt.NDArray[np.uint8]
YES, NO, OPEN = 1, 2, 4
"""Answers to a condition: true, false, unknown. They are bits, so that those to several conditions can be joined."""
UNDETERMINED = 16
"""A standing is the place of its verdict among `VERDICTS`; an undetermined one is this plus that of what it would be."""
NOT_APPLICABLE = 254
_NEW = 255

_RESULTS: Mapping[int, Result] = {YES: "met", NO: "not_met", OPEN: "unknown"}
_HELD: Mapping[int, bool | None] = {YES: True, NO: False, OPEN: None}
_EACH = np.arange(8, dtype=np.uint8)
"""Every join of answers; those below say what each joins."""
_EACH.flags.writeable = False
_JOINED = tuple(frozenset(result for bit, result in _RESULTS.items() if bits & bit) for bits in range(8))
_HELD_BY = tuple(frozenset(held for bit, held in _HELD.items() if bits & bit) for bits in range(8))


_THREE = np.array([0, 0, 1, 0, 2], dtype=np.int32)
"""The place of an answer among the three, by its bit."""
_THREE.flags.writeable = False


def verdict_of(standing: int) -> Verdict:
    """Return the verdict of a standing."""
    if standing == NOT_APPLICABLE:
        return "not_applicable"
    return "undetermined" if standing >= UNDETERMINED else VERDICTS[standing]


def would_be_of(standing: int) -> Verdict | None:
    """Return what an undetermined standing would be if what is missing turns out well; of others ``None``."""
    return VERDICTS[standing - UNDETERMINED] if UNDETERMINED <= standing < NOT_APPLICABLE else None


def opposite(answers: Small) -> Small:
    """Turn answers round: what was true is false, and what was false true."""
    return cast("Small", (answers & YES) << 1 | (answers & NO) >> 1 | (answers & OPEN))


class _Layered(dict[str, Codes]):
    """Columns of which some stand before others of the same name."""

    def __init__(self, first: Mapping[str, Codes], then: Mapping[str, Codes]) -> None:
        self._first, self._then = first, then

    def __missing__(self, name: str) -> Codes:
        return self._first[name] if name in self._first else self._then[name]


class _Asked(NamedTuple):
    """What judges conditions that read the same attributes.

    Attributes:
        places: of the conditions.
        attributes: what they read.
        ruleset: judges them all.
    """

    places: tuple[int, ...]
    attributes: tuple[str, ...]
    ruleset: RuleSet


class Tables:
    """The tables of one knowledge; get them from `Engine.tables`.

    Attributes:
        knowledge: the rule base.
        classes: the classes of each attribute, as numbers.
        judged: how many classes of conditions, of derived facts and of findings the engine has judged so far.
        conditions: every distinct condition of staging, of the options' rules and of the notices.
    """

    def __init__(self, knowledge: Knowledge, program: Program, fold: Fold, *, check: bool) -> None:
        """Know nothing yet.

        Args:
            knowledge: the rule base.
            program: its compiled rulesets.
            fold: the rules that turn criteria into verdicts.
            check: let the shadow judge each new answer.
        """
        self.knowledge = knowledge
        self.classes = AttributeClasses(knowledge)
        self.judged = 0
        self._program, self._fold, self._check = program, fold, check
        self._of_rule: dict[str, int] = {}
        owners: dict[Condition, str] = {}
        for rule_id, condition in self._rules():
            owners.setdefault(condition, rule_id)
        self.conditions, self._owners = tuple(owners), tuple(owners.values())
        places = {condition: place for place, condition in enumerate(self.conditions)}
        self._of_rule = {rule_id: places[condition] for rule_id, condition in self._rules()}
        self._answers = [MergedLookup(condition, self.classes) for condition in self.conditions]
        self._readers: dict[tuple[str, ...], list[int]] = {}
        for place, condition in enumerate(self.conditions):
            self._readers.setdefault(attributes_of(condition), []).append(place)
        self._asked: dict[int, _Asked] = {}
        self._facts: dict[str, dict[int, list[NetFact]]] = {name: {} for name in knowledge.attributes()}
        self._staging_reads = read_by_staging(knowledge)
        self._derived = {item.fact: self._of_derived(item, places) for item in knowledge.staging}
        self._staged: dict[tuple[int, ...], Mapping[str, int]] = {}
        self._outcomes = np.full((len(BASE), (OPEN + 1) * 512), _NEW, dtype=np.uint8)

    def _rules(self) -> Iterator[tuple[str, Condition]]:
        """Yield every rule with its condition: what staging asks, what options ask, notices."""
        for item in self.knowledge.staging:
            if item.guard is not None:
                yield f"{item.rule}/guard", item.guard
            yield from ((value.rule, value.condition) for value in item.values)
        for treatment in self.knowledge.options.values():
            yield from ((rule.id, condition_of(rule, treatment)) for rule in treatment.rules)
        yield from ((rule.id, rule.condition or ()) for rule in self.knowledge.notices)

    def _of_derived(self, item: DerivedFact, places: Mapping[Condition, int]) -> tuple[tuple[int, ...], Lookup]:
        """Return the conditions that a derived fact hangs on, and a table from their answers to its class."""
        guard = [item.guard] if item.guard is not None else []
        asked = tuple(dict.fromkeys(places[condition] for condition in (*guard, *(v.condition for v in item.values))))
        inputs = (*map(str, asked), *([item.fact] if item.given else []))
        # What the record gives is passed on as it is.
        return asked, Lookup(
            inputs, lambda name: len(self.classes.states(name)) if name == item.fact else len(_RESULTS)
        )

    def condition_of(self, rule_id: str) -> int:
        """Return the place of a rule's condition among `conditions`; an indication's includes its settings."""
        return self._of_rule[rule_id]

    def stage(
        self, record: Mapping[str, Codes], rows: int
    ) -> tuple[dict[str, Codes], dict[str, npt.NDArray[np.bool_]]]:
        """Derive facts from facts, for every row.

        Args:
            record: what the record itself says: for each attribute the class of each row.
            rows: how many rows there are.

        Returns:
            The classes of the derived facts; and for each that can be given, the rows whose record gives it otherwise than
            it is derived.

        Raises:
            EngineError: the rules contradict themselves, or the engine failed.
        """
        done: dict[str, Codes] = {}
        both = _Layered(done, record)
        disagreements: dict[str, npt.NDArray[np.bool_]] = {}
        for item in self.knowledge.staging:
            asked, lookup = self._derived[item.fact]
            answers: dict[str, Codes] = {str(place): self.answer(place, both, rows) for place in asked}
            if item.given:
                answers[item.fact] = record[item.fact]
            views = {str(place): _THREE for place in asked}
            views[item.fact] = np.arange(len(self.classes.states(item.fact)), dtype=np.int32)
            found = lookup.find(answers, rows, lambda row, fact=item.fact: self._derive(fact, record, row), views)  # type: ignore[misc]
            done[item.fact] = narrow(found >> 1)
            if item.given:
                disagreements[item.fact] = (found & 1).astype(bool)
        return done, disagreements

    def _derive(self, fact: str, record: Mapping[str, Codes], row: int) -> int:
        """Stage one row."""
        key = tuple([int(record[name][row]) for name in self._staging_reads])
        found = self._staged.get(key)
        if found is None:
            states = {
                name: self.classes.state(name, number) for name, number in zip(self._staging_reads, key, strict=True)
            }
            staged = stage(states, self.knowledge, self._program)
            if self._check:
                check_staging(Shadow(self.knowledge, states), staged)
            found = self._staged[key] = {
                name: self.classes.of(name, staged.states[name]) << 1 | (name in staged.disagreements)
                for name in self._derived
            }
        self.judged += 1
        return found[fact]

    def answer(self, place: int, codes: Mapping[str, Codes], rows: int) -> Small:
        """Judge one condition for every row: `NO`, `YES` or `OPEN`.

        Args:
            place: of the condition, among `conditions`.
            codes: for each attribute the class of each row, derived facts included.
            rows: how many rows there are.

        Raises:
            EngineError: the engine failed.
            ShadowError: the shadow judged differently.
        """
        found = self._answers[place].find(codes, rows, lambda row: self._judge(place, codes, row))
        return found.astype(np.uint8)

    def _judge(self, place: int, codes: Mapping[str, Codes], row: int) -> int:
        asked = self._asked_with(place)
        numbers = {name: int(codes[name][row]) for name in asked.attributes}
        facts = [fact for name, number in numbers.items() for fact in self._facts_of(name, number)]
        results = judge_facts(asked.ruleset, facts)
        states = {name: self.classes.state(name, number) for name, number in numbers.items()}
        for other in asked.places:
            if other != place:
                held = results[self._owners[other]]
                self._answers[other].learn(numbers, partial(self._checked, other, held, states))
        return self._checked(place, results[self._owners[place]], states)

    def _checked(self, place: int, held: bool | None, states: Mapping[str, State]) -> int:
        """Return an answer that is new."""
        if self._check and held is not judge(self.conditions[place], states):
            raise ShadowError(f"the shadow judges {self._owners[place]} differently; no decision is given")
        self.judged += 1
        return OPEN if held is None else YES if held else NO

    def _asked_with(self, place: int) -> _Asked:
        """Return what judges a condition: together with the others that read the same, if the fences allow it."""
        found = self._asked.get(place)
        if found is None:
            attributes = attributes_of(self.conditions[place])
            places = tuple(self._readers[attributes])
            try:
                ruleset = self._ruleset(places)
            except FenceError:
                # Each of them alone is smaller; if that is still too much, the error names its rule.
                places = (place,)
                ruleset = self._ruleset(places)
            found = _Asked(places, attributes, ruleset)
            self._asked |= dict.fromkeys(places, found)
        return found

    def _ruleset(self, places: tuple[int, ...]) -> RuleSet:
        return self._program.conditions_ruleset({self._owners[place]: self.conditions[place] for place in places})

    def _facts_of(self, attribute: str, number: int) -> list[NetFact]:
        """Return the network facts of a class."""
        known = self._facts[attribute]
        found = known.get(number)
        if found is None:
            state = self.classes.state(attribute, number)
            found = known[number] = facts_for(attribute, state, self.knowledge.domain(attribute))
        return found

    def outcome(self, base: Verdict, applies: Small, include: Small, exclude: Small, reservation: Small) -> Small:
        """Fold the criteria of one indication, for every row.

        Args:
            base: the verdict that the evidence gives it.
            applies: whether its setting and ``when`` hold, as `answer` gives it.
            include: the answers to its criteria, joined.
            exclude: the answers to its exclusions, joined and turned round (`opposite`): one that applies is not met.
            reservation: the answers to its reservations, joined.

        Returns:
            The standing of each row (`verdict_of`, `would_be_of`).

        Raises:
            EngineError: the engine failed.
        """
        table = self._outcomes[BASE.index(base)]
        places = applies.astype(np.uint16)
        for results in (include, exclude, reservation):
            places <<= 3
            places |= results
        found = table.take(places, mode="clip")
        if len(found) and found.max() == _NEW:
            for place in np.unique(places[found == _NEW]).tolist():
                table[place] = self._fold_one(base, place)
            found = table.take(places, mode="clip")
        return cast("Small", found)

    def _fold_one(self, base: Verdict, place: int) -> int:
        applies, include, exclude, reservation = place >> 9, place >> 6 & 7, place >> 3 & 7, place & 7
        outcome = self._fold.indication(
            Findings(
                base=base,
                applies=_RESULTS[applies],
                include=_JOINED[include],
                exclude=_JOINED[exclude],
                reservation=_JOINED[reservation],
            )
        )
        if self._check:
            # The engine reads an exclusion that applies as one that is not met; the shadow reads it as it is.
            applied = int(opposite(_EACH[exclude]))
            read = _HELD_BY[include], _HELD_BY[applied], _HELD_BY[reservation]
            if indication(base, _HELD[applies], *read) != (outcome.verdict, outcome.would_be):
                raise ShadowError(
                    f"the shadow gives an indication that is {base} by evidence another verdict; no decision is given"
                )
        self.judged += 1
        return _standing(outcome.verdict, outcome.would_be)


def _standing(verdict: Verdict, would_be: Verdict | None) -> int:
    if verdict == "not_applicable":
        return NOT_APPLICABLE
    return VERDICTS.index(verdict) if would_be is None else UNDETERMINED + VERDICTS.index(would_be)
