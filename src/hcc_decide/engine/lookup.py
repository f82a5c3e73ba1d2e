"""Tables from the codes of columns to numbers, filled as combinations of codes are met."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hcc_decide.classes.attributes import AttributeClasses
from hcc_decide.knowledge.condition import Condition, Test, holds

Codes = npt.NDArray[np.integer[Any]]


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
        self._merged: list[int] = []
        self._codes: Codes = np.zeros(0, dtype=np.int32)

    @property
    def codes(self) -> Codes:
        """For each class met so far, what it is merged into."""
        if self._grow() > len(self._codes):
            self._codes = np.array(self._merged, dtype=np.int32)
        return self._codes

    def of(self, number: int) -> int:
        """Return what one class is merged into."""
        if number >= len(self._merged):
            self._grow()
        return self._merged[number]

    def _grow(self) -> int:
        states = self._classes.states(self._attribute)
        for state in states[len(self._merged) :] if len(states) > len(self._merged) else ():
            held = tuple([holds(test, state) for test in self._tests])
            self._merged.append(self._known.setdefault(held, len(self._known)))
        return len(states)

    def __len__(self) -> int:
        """Return how many there are after merging."""
        self._grow()
        return len(self._known)


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

    def knows(self, combination: tuple[int, ...]) -> bool:
        """Whether a combination is known."""
        return combination in self._known

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
            new = missing[firsts]
            chosen = {name: codes[name].take(new) for name in self.inputs}
            columns = [(found if views is None else views[name].take(found)).tolist() for name, found in chosen.items()]
            combinations = zip(*columns, strict=True) if columns else [()]
            for row, combination in zip(new.tolist(), combinations, strict=True):
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

    def learn(self, classes: Mapping[str, int], answer: Callable[[], int]) -> None:
        """Make the number for one combination of classes known, if it is not; only then is it asked for."""
        combination = tuple([view.of(classes[name]) for name, view in self._merged.items()])
        if not self._lookup.knows(combination):
            self._lookup.put(combination, answer())
