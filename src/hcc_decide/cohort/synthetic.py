"""Synthetic cohorts: rows drawn from a recipe (``rules/synthetic.yaml``), the same ones for the same seed.

Every draw of a patient is one standard normal number, made of latent numbers that several draws share and of noise; the value
stands at the same place of its own distribution (a Gaussian copula; Nelsen RB, An Introduction to Copulas, 2nd ed. 2006).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from hcc_decide.cohort.histories import history_cells
from hcc_decide.cohort.shape import CohortError
from hcc_decide.cohort.tally import LABEL
from hcc_decide.knowledge.schema import Limits, Scalar
from hcc_decide.knowledge.synthetic import HISTORY, Bell, Chance, Draw, Recipe, Skewed, Test
from hcc_decide.knowledge.synthetic_checks import cell_text
from hcc_decide.patient import Patient
from hcc_decide.scores import albi_score, child_pugh_points

BLOCK = 20_000
"""Rows with random numbers of their own. Another size gives other rows for the same seed."""
MOST_ROWS = 100_000_000

_Floats = npt.NDArray[np.float64]
_Places = npt.NDArray[np.float32]
"""Standard normal numbers."""
_Flags = npt.NDArray[np.bool_]
_STANDARD = NormalDist()
_GRID = np.linspace(-5.0, 5.0, 1001)
"""Where quantiles are computed; between them they are interpolated. A standard normal number is seldom beyond."""
_GRID.flags.writeable = False


@dataclass(frozen=True)
class Choices:
    """Drawn values out of a list.

    Attributes:
        codes: the place of each patient's value in ``labels``; -1 for none.
        labels: the values that can be drawn.
    """

    codes: npt.NDArray[np.int16]
    labels: tuple[Scalar, ...]

    def given(self) -> _Flags:
        """Return who has a value."""
        return self.codes >= 0

    def meets(self, test: Test) -> _Flags:
        """Return who passes a test."""
        passed = np.zeros(len(self.codes), dtype=np.bool_)
        for code, label in enumerate(self.labels):
            if _passes(label, test):
                passed |= self.codes == code
        return passed

    def text(self, told: _Flags | None = None) -> pl.Series:
        """Return the values as cells; of those who are not told, nothing."""
        cells = pl.Series([*(cell_text(label) for label in self.labels), None], dtype=pl.String)
        shown = self.given() if told is None else self.given() & told
        return cells.gather(pl.Series(np.where(shown, self.codes, len(self.labels)).astype(np.uint32)))


@dataclass(frozen=True)
class Numbers:
    """Drawn numbers.

    Attributes:
        values: as they are written; not a number for none.
        decimals: with how many decimals each is written.
    """

    values: _Floats
    decimals: npt.NDArray[np.int8]

    def given(self) -> _Flags:
        """Return who has a value."""
        return ~np.isnan(self.values)

    def meets(self, test: Test) -> _Flags:
        """Return who lies within the limits."""
        if not isinstance(test, Limits):
            raise TypeError("a number is tested with limits; the recipe was not checked")
        return _within(self.values, test)

    def text(self, told: _Flags | None = None) -> pl.Series:
        """Return the values as cells; of those who are not told, nothing."""
        values = pl.Series(self.values if told is None else np.where(told, self.values, np.nan), nan_to_null=True)
        whole = values.cast(pl.Int64).cast(pl.String)
        plain = self.decimals == 0
        return whole if plain.all() else whole.zip_with(pl.Series(plain), values.cast(pl.String))


Drawn = Choices | Numbers
World = Mapping[str, Drawn]
"""What was drawn of some patients, hidden things and values that the table will leave out too, by name."""


def synthesise(recipe: Recipe, rows: int, seed: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of a synthetic cohort, at most `BLOCK` at a time, as cells of a CSV table (`patient.record_from_csv`).

    The same recipe and seed give the same rows on every run; those of a shorter cohort are the first of a longer one.

    Args:
        recipe: what is drawn; checked (`knowledge.synthetic_checks.load_synthetic`).
        rows: how many.
        seed: which ones; a whole number from 0.

    Yields:
        One row per patient, the fields of the record that the recipe draws as columns, text throughout; null is not known.

    Raises:
        CohortError: there are no, or too many, rows to draw, or the seed is negative; raised at once.
    """
    if not 1 <= rows <= MOST_ROWS:
        raise CohortError(f"rows: {rows} is refused; allowed is 1 to {MOST_ROWS}")
    if seed < 0:
        raise CohortError(f"seed: {seed} is refused; allowed is 0 or more")
    return _blocks(recipe, rows, seed)


def _blocks(recipe: Recipe, rows: int, seed: int) -> Iterator[pl.DataFrame]:
    plan = [_Plan(name, draw) for name, draw in recipe.draws.items()]
    for first in range(0, rows, BLOCK):
        chance = _generator(seed, first)
        world = _world(recipe, plan, chance)
        yield _table(recipe, world, chance, first).head(rows - first)


def draw_world(recipe: Recipe, seed: int, block: int = 0) -> World:
    """Return what is drawn behind one block of rows, before anything is left out; for checks of the recipe."""
    plan = [_Plan(name, draw) for name, draw in recipe.draws.items()]
    return _world(recipe, plan, _generator(seed, block * BLOCK))


def _generator(seed: int, first: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(first // BLOCK,))))


def _normal(chance: np.random.Generator) -> _Places:
    return chance.standard_normal(BLOCK, dtype=np.float32)


def _world(recipe: Recipe, plan: Sequence[_Plan], chance: np.random.Generator) -> World:
    latent = {name: _normal(chance) for name in recipe.latent}
    world: dict[str, Drawn] = {}
    for item in plan:
        world[item.name] = item.draw(world, latent, chance)
    return world


class _Plan:
    """One draw of the recipe, with its distributions made ready."""

    def __init__(self, name: str, draw: Draw) -> None:
        self.name = name
        self._body = draw
        self._noise = math.sqrt(max(0.0, 1 - sum(loading**2 for loading in draw.follows.values())))
        codes = {_key(value): code for code, value in enumerate(draw.values)}
        self._makers = [_maker(case, codes) for case in draw.cases]

    def draw(self, world: World, latent: Mapping[str, _Places], chance: np.random.Generator) -> Drawn:
        """Draw for everybody, by what was drawn before."""
        if self._body.computed is not None:
            return _SCORES[self._body.computed](world)
        place = _normal(chance)
        if self._body.follows:
            place *= np.float32(self._noise)
            for name, loading in self._body.follows.items():
                place += np.float32(loading) * latent[name]
        if self._body.decimals is None:
            codes = np.full(BLOCK, -1, dtype=np.int16)
            self._fill(codes, world, place)
            return Choices(codes, self._body.values)
        values = np.full(BLOCK, np.nan)
        self._fill(values, world, place)
        return self._rounded(values, chance)

    def _fill(self, values: npt.NDArray[np.int16] | _Floats, world: World, place: _Places) -> None:
        """Put the values of everybody for whom there is a case into their places."""
        left = np.ones(BLOCK, dtype=np.bool_)
        for case, make in zip(self._body.cases, self._makers, strict=True):
            chosen = left.copy()
            for name, test in case.when.items():
                chosen &= world[name].meets(test)
            those = np.flatnonzero(chosen)
            values[those] = make(place[those])
            left &= ~chosen

    def _rounded(self, values: _Floats, chance: np.random.Generator) -> Numbers:
        weights = self._body.decimals if isinstance(self._body.decimals, dict) else {self._body.decimals or 0: 1}
        bounds = _thresholds(list(weights.values()))
        decimals = np.array(list(weights), dtype=np.int8)[_steps(bounds, _normal(chance))]
        written = values
        for count in weights:
            written = np.where(decimals == count, np.round(values, count), written)
        return Numbers(written, decimals)


def _key(value: Scalar) -> tuple[type, Scalar]:
    # A yes is no 1 here.
    return type(value), value


def _maker(
    case: Chance, codes: Mapping[tuple[type, Scalar], int]
) -> Callable[[_Places], npt.NDArray[np.int16] | _Floats]:
    """Return what turns standard normal numbers into values (of a choice, their codes)."""
    shape = case.shape
    if shape is None:
        odds = case.odds
        bounds = _thresholds(list(odds.values()))
        own = np.array([codes[_key(value)] for value in odds], dtype=np.int16)
        return lambda place: own[_steps(bounds, place)]
    quantiles = _quantiles(shape)
    if isinstance(shape, Skewed):
        return lambda place: np.clip(np.exp(np.interp(place, _GRID, quantiles)), shape.at_least, shape.at_most)
    return lambda place: np.clip(np.interp(place, _GRID, quantiles), shape.at_least, shape.at_most)


def _steps(bounds: _Floats, place: _Places) -> npt.NDArray[np.intp]:
    """Return how many bounds each number has passed; there are few, and comparing is faster than searching."""
    passed = np.zeros(len(place), dtype=np.intp)
    for bound in bounds.astype(np.float32):
        passed += place > bound
    return passed


def _thresholds(weights: Sequence[float]) -> _Floats:
    """Return where a standard normal number passes from one value to the next."""
    total, summed, found = sum(weights), 0.0, []
    for weight in weights[:-1]:
        summed += weight
        reached = summed / total
        found.append(-math.inf if reached <= 0 else math.inf if reached >= 1 else _STANDARD.inv_cdf(reached))
    return np.array(found, dtype=np.float64)


def _quantiles(shape: Bell | Skewed) -> _Floats:
    """Return the values of a distribution that is cut off at `_GRID`; of a log-normal one, their logarithms."""
    if isinstance(shape, Skewed):
        bell = NormalDist(math.log(shape.median), math.log(shape.spread))
        low, high = bell.cdf(math.log(shape.at_least)) if shape.at_least else 0.0, bell.cdf(math.log(shape.at_most))
    else:
        bell = NormalDist(shape.mean, shape.sd)
        low, high = bell.cdf(shape.at_least), bell.cdf(shape.at_most)
    return np.array([bell.inv_cdf(low + _STANDARD.cdf(float(at)) * (high - low)) for at in _GRID])


def _passes(value: Scalar, test: Test) -> bool:
    if isinstance(test, Limits):
        return isinstance(value, (int, float)) and bool(_within(np.array([float(value)]), test)[0])
    return any(value == item and type(value) is type(item) for item in (test if isinstance(test, list) else [test]))


def _within(values: _Floats, limits: Limits) -> _Flags:
    passed = ~np.isnan(values)
    if limits.at_least is not None:
        passed &= values >= limits.at_least
    if limits.above is not None:
        passed &= values > limits.above
    if limits.at_most is not None:
        passed &= values <= limits.at_most
    if limits.below is not None:
        passed &= values < limits.below
    return passed


_CHILD_PUGH_ITEMS = ("bilirubin_umol_l", "albumin_g_l", "inr", "ascites", "encephalopathy")


def _child_pugh(world: World) -> Numbers:
    """Add the points of the five items. All have been drawn, so the score is no span."""
    total = np.zeros(BLOCK)
    for name in _CHILD_PUGH_ITEMS:
        drawn = world[name]
        if isinstance(drawn, Choices):
            total += np.array([*(_points(name, label) for label in drawn.labels), np.nan])[drawn.codes]
        else:
            unique, places = np.unique(drawn.values, return_inverse=True)
            total += np.array([_points(name, value) for value in unique.tolist()])[places]
    return Numbers(total, np.zeros(BLOCK, dtype=np.int8))


def _points(item: str, value: Any) -> float:
    """Return the points of one item: what it leaves of the lowest sum beside four items that are not known."""
    if isinstance(value, float) and math.isnan(value):
        return math.nan
    items: dict[str, Any] = {**dict.fromkeys(_CHILD_PUGH_ITEMS), item: value}
    return child_pugh_points(**items)[0] - (len(_CHILD_PUGH_ITEMS) - 1)


def _albi(world: World) -> Numbers:
    bilirubin, albumin = world["bilirubin_umol_l"], world["albumin_g_l"]
    if not (isinstance(bilirubin, Numbers) and isinstance(albumin, Numbers)):
        raise TypeError("bilirubin and albumin are numbers; the recipe was not checked")
    # Few pairs are different, and a complex number holds one.
    unique, places = np.unique(bilirubin.values + 1j * albumin.values, return_inverse=True)
    scores = np.array([albi_score(pair.real, pair.imag) for pair in unique.tolist()])
    return Numbers(scores[places], np.full(BLOCK, 2, dtype=np.int8))


_SCORES: Mapping[str, Callable[[World], Numbers]] = {"child_pugh_points": _child_pugh, "albi_score": _albi}


def _table(recipe: Recipe, world: World, chance: np.random.Generator, first: int) -> pl.DataFrame:
    """Leave out what is not known, and write the rest as cells."""
    unknown = recipe.not_known
    gaps = _normal(chance)

    def told(name: str) -> _Flags | None:
        if name not in unknown.shares:
            return None
        place = unknown.together * gaps + math.sqrt(1 - unknown.together**2) * _normal(chance)
        share = unknown.shares[name]
        return np.asarray(place > _thresholds([share, 1 - share])[0])

    cells = {name: world[name].text(told(name)) for name, draw in recipe.draws.items() if not draw.hidden}
    lines = [{field: cells[f"line_{number}.{field}"] for field in found} for number, found in recipe.lines().items()]
    if lines:
        cells[HISTORY] = history_cells(lines, told(HISTORY))
    numbers = pl.int_range(first + 1, first + BLOCK + 1, eager=True).cast(pl.String)
    cells["case_id"] = LABEL + numbers.str.zfill(6)
    return pl.DataFrame({name: cells[name] for name in Patient.model_fields if name in cells})
