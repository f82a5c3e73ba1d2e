"""The answers of the engine as tables: a condition is judged once for each class of what it reads, for any number of patients.

Rules compare facts with constants only, and combine these comparisons without looking at anything else. So the answer to a
condition hangs on the classes of the few attributes it reads, and the verdict of an option on the answers to its rules. The
engine gives each of these answers once, the shadow judges it, and a table keeps it: whole columns of patients are then looked up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from hcc_decide.classes.attributes import AttributeClasses
from hcc_decide.decision import VERDICTS, Result, Verdict
from hcc_decide.engine.fold import BASE, Findings, Fold
from hcc_decide.engine.inference import ShadowError, check_staging, judge_rules, stage
from hcc_decide.engine.program import Program, condition_of
from hcc_decide.engine.shadow import Shadow, indication
from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge, read_by_staging
from hcc_decide.knowledge.condition import Condition, Test, attributes_of, holds, judge

Codes = npt.NDArray[np.integer[Any]]
Small = npt.NDArray[np.uint8]
YES, NO, OPEN = 1, 2, 4
"""Answers to a condition: true, false, unknown. They are bits, so that those to several conditions can be joined."""
UNDETERMINED = 16
"""A standing is the place of its verdict among `VERDICTS`; an undetermined one is this plus that of what it would be."""
NOT_APPLICABLE = 254
_NEW = 255

_RESULTS: Mapping[int, Result] = {YES: "met", NO: "not_met", OPEN: "unknown"}
_HELD: Mapping[int, bool | None] = {YES: True, NO: False, OPEN: None}


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


def narrow(codes: Codes) -> Codes:
    """Return codes in as few bytes as they fit into: what is looked up a million times is read from the memory as often."""
    return codes.astype(np.uint8) if not len(codes) or codes.max() < 256 else codes


class Merged:
    """Merges the classes of an attribute that some tests judge alike: a rule need not tell apart what only others do."""

    def __init__(self, attribute: str, tests: Iterable[Test], classes: AttributeClasses) -> None:
        """Merge nothing yet.

        Args:
            attribute: the attribute.
            tests: what is asked of it.
            classes: its classes; there may be more of them later.
        """
        self._attribute, self._tests, self._classes = attribute, tuple(dict.fromkeys(tests)), classes
        self._known: dict[tuple[bool | None, ...], int] = {}
        self._codes: Codes = np.zeros(0, dtype=np.int32)

    @property
    def codes(self) -> Codes:
        """For each class met so far, what it is merged into."""
        states = self._classes.states(self._attribute)
        if len(states) > len(self._codes):
            new = [
                self._known.setdefault(tuple(holds(test, state) for test in self._tests), len(self._known))
                for state in states[len(self._codes) :]
            ]
            self._codes = np.append(self._codes, np.array(new, dtype=np.int32))
        return self._codes

    def __len__(self) -> int:
        """Return how many there are after merging."""
        return len(self.codes) and len(self._known)


class Lookup:
    """A table from codes to a number, filled as combinations of codes are met."""

    def __init__(self, inputs: Sequence[str], count: Callable[[str], int]) -> None:
        """Know nothing yet.

        Args:
            inputs: the names of what the number hangs on.
            count: how many codes there are of one of them by now; it may grow.
        """
        self.inputs = tuple(inputs)
        self._count = count
        self._known: dict[tuple[int, ...], int] = {}
        self._room: tuple[int, ...] | None = None
        self._table: Codes = np.full(1, -1, dtype=np.int32)

    def __len__(self) -> int:
        """Return how many combinations are known."""
        return len(self._known)

    def put(self, combination: tuple[int, ...], value: int) -> None:
        """Make a combination known; one that is known stays as it is."""
        if combination not in self._known:
            self._known[combination] = value
            if self._room is not None and all(map(int.__lt__, combination, self._room)):
                self._table[self._place(combination, self._room)] = value

    def find(
        self,
        codes: Mapping[str, Codes],
        rows: int,
        judge_row: Callable[[int], int],
        views: Mapping[str, Codes] | None = None,
    ) -> Codes:
        """Return the number for each row.

        Args:
            codes: of each input, the code of each row.
            rows: how many rows there are.
            judge_row: gives the number for the combination that a row has; asked once for each new combination.
            views: of each input, what each code stands for here; left out, for itself.
        """
        places = np.zeros(rows, dtype=np.int32)
        room = self._grown()
        stride = math.prod(room)
        for name, size in zip(self.inputs, room, strict=True):
            stride //= size
            view = np.arange(size, dtype=np.int32) if views is None else views[name]
            places += (view * np.int32(stride)).take(codes[name], mode="clip")
        found = self._table.take(places, mode="clip")
        if rows and found.min() < 0:
            missing = np.flatnonzero(found < 0)
            _, firsts = np.unique(places[missing], return_index=True)
            for row in missing[firsts].tolist():
                combination = tuple(
                    int(codes[name][row]) if views is None else int(views[name][codes[name][row]])
                    for name in self.inputs
                )
                if combination not in self._known:  # judging one row may have told of others
                    self.put(combination, judge_row(row))
            found = self._table.take(places, mode="clip")
        return found

    def _grown(self) -> tuple[int, ...]:
        room = tuple(max(4, 1 << (self._count(name) - 1).bit_length()) for name in self.inputs)
        if room != self._room:
            self._room = room
            self._table = np.full(math.prod(room), -1, dtype=np.int32)
            for combination, value in self._known.items():
                self._table[self._place(combination, room)] = value
        return room

    def _place(self, combination: tuple[int, ...], rooms: tuple[int, ...]) -> int:
        place = 0
        for code, room in zip(combination, rooms, strict=True):
            place = place * room + code
        return place


class MergedLookup:
    """A table from what is known of attributes to a number that hangs on how a condition judges them."""

    def __init__(self, condition: Condition, classes: AttributeClasses) -> None:
        """Know nothing yet.

        Args:
            condition: the condition.
            classes: the classes of its attributes; there may be more of them later.
        """
        tests: dict[str, list[Test]] = {}
        for literal in (part for conjunction in condition for part in conjunction):
            tests.setdefault(literal.attribute, []).append(literal.test)
        self._merged = {name: Merged(name, mine, classes) for name, mine in sorted(tests.items())}
        self._lookup = Lookup(tuple(self._merged), lambda name: len(self._merged[name]))

    def find(self, codes: Mapping[str, Codes], rows: int, judge_row: Callable[[int], int]) -> Codes:
        """Return the number for each row (`Lookup.find`), from the class of each attribute."""
        return self._lookup.find(codes, rows, judge_row, {name: view.codes for name, view in self._merged.items()})


class _Layered(dict[str, Codes]):
    """Columns of which some stand before others of the same name."""

    def __init__(self, first: Mapping[str, Codes], then: Mapping[str, Codes]) -> None:
        self._first, self._then = first, then

    def __missing__(self, name: str) -> Codes:
        return self._first[name] if name in self._first else self._then[name]


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
        self._owners: dict[Condition, str] = {}
        for rule_id, condition in self._rules():
            self._owners.setdefault(condition, rule_id)
        self.conditions = tuple(self._owners)
        places = {condition: place for place, condition in enumerate(self.conditions)}
        self._of_rule = {rule_id: places[condition] for rule_id, condition in self._rules()}
        self._answers = [MergedLookup(condition, self.classes) for condition in self.conditions]
        self._staging_reads = read_by_staging(knowledge)
        self._derived = {item.fact: self._of_derived(item, places) for item in knowledge.staging}
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
        states = {name: self.classes.state(name, int(record[name][row])) for name in self._staging_reads}
        staged = stage(states, self.knowledge, self._program)
        if self._check:
            check_staging(Shadow(self.knowledge, states), staged)
        self.judged += 1
        return self.classes.of(fact, staged.states[fact]) << 1 | (fact in staged.disagreements)

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
        condition = self.conditions[place]
        rule_id = self._owners[condition]
        states = {name: self.classes.state(name, int(codes[name][row])) for name in attributes_of(condition)}
        held = judge_rules(self._program.condition_ruleset(rule_id, condition), states, self.knowledge)[rule_id]
        if self._check and held is not judge(condition, states):
            raise ShadowError(f"the shadow judges {rule_id} differently; no decision is given")
        self.judged += 1
        return OPEN if held is None else YES if held else NO

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
                include=_joined(include),
                exclude=_joined(exclude),
                reservation=_joined(reservation),
            )
        )
        if self._check:
            # The engine reads an exclusion that applies as one that is not met; the shadow reads it as it is.
            read = _held(include), _held(int(opposite(np.array(exclude, dtype=np.uint8)))), _held(reservation)
            if indication(base, _HELD[applies], *read) != (outcome.verdict, outcome.would_be):
                raise ShadowError(
                    f"the shadow gives an indication that is {base} by evidence another verdict; no decision is given"
                )
        self.judged += 1
        return _standing(outcome.verdict, outcome.would_be)


def _joined(bits: int) -> frozenset[Result]:
    return frozenset(result for bit, result in _RESULTS.items() if bits & bit)


def _held(bits: int) -> frozenset[bool | None]:
    return frozenset(held for bit, held in _HELD.items() if bits & bit)


def _standing(verdict: Verdict, would_be: Verdict | None) -> int:
    if verdict == "not_applicable":
        return NOT_APPLICABLE
    return VERDICTS.index(verdict) if would_be is None else UNDETERMINED + VERDICTS.index(would_be)
