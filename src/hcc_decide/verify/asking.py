"""Asking z3 whether a patient can be found, and for the smallest one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import z3

from hcc_decide.verify.results import Tally
from hcc_decide.verify.world import World

MILLISECONDS = 60_000
"""Time for one question. Each takes some milliseconds; one that takes this long is an error, not an answer."""


class SolverError(RuntimeError):
    """The solver gave up, so nothing is proved."""


class Asker:
    """Questions about one or two patients who obey what every record obeys.

    Args:
        worlds: the patients.
        tally: where questions are counted.
        always: what holds of them besides.
    """

    def __init__(self, worlds: Sequence[World], tally: Tally, always: Iterable[z3.BoolRef] = ()) -> None:
        """Tell the solver what every record obeys."""
        self.worlds = worlds
        self._tally = tally
        self._solver = z3.Solver()
        self._solver.set("timeout", MILLISECONDS)
        for world in worlds:
            self._solver.add(world.limits)
        self._solver.add(*always)

    def possible(self, *what: z3.BoolRef) -> z3.ModelRef | None:
        """Return a model in which all of it holds, ``None`` when there is none.

        Raises:
            SolverError: the solver gave up.
        """
        self._tally.queries += 1
        self._solver.push()
        try:
            self._solver.add(*what)
            found = self._solver.check()
            if found == z3.unknown:
                raise SolverError(f"the solver gave up: {self._solver.reason_unknown()}")
            return self._solver.model() if found == z3.sat else None
        finally:
            self._solver.pop()

    def smallest(self, *what: z3.BoolRef) -> z3.ModelRef | None:
        """Return a model whose records say as little as possible, with the fewest lines of therapy."""
        found = self.possible(*what)
        if found is None:
            return None
        said = [known for world in self.worlds for known in world.said()]
        for count in range(len(said)):
            fewer = self.possible(*what, z3.AtMost(*said, count))
            if fewer is not None:
                return self._fewest_lines([*what, z3.AtMost(*said, count)], fewer)
        return self._fewest_lines(list(what), found)

    def _fewest_lines(self, what: list[z3.BoolRef], found: z3.ModelRef) -> z3.ModelRef:
        counts = [world.history.count for world in self.worlds if world.history is not None]
        for count in range(4):
            fewer = self.possible(*what, *(item <= count for item in counts))
            if fewer is not None:
                return fewer
        return found
