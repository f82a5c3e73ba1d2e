"""The recipe of synthetic cohorts in words: what the docs print of it."""

from __future__ import annotations

from dataclasses import dataclass

from hcc_decide.knowledge.schema import Limits
from hcc_decide.knowledge.synthetic import HISTORY, Basis, Chance, Draw, Recipe, Skewed, Test
from hcc_decide.knowledge.synthetic_checks import cell_text


@dataclass(frozen=True)
class DrawnRow:
    """How one value is drawn for some patients.

    Attributes:
        name: the fact, the field of a line, or the hidden thing.
        hidden: whether the table does not show it.
        when: for whom.
        how: the values with their shares in percent, or the distribution.
        follows: the latent numbers it follows.
        not_known: how often it is left out, in percent.
        source: what a source says, with claims, trials or lines; empty when it is all assumed.
        assumption: what is assumed; empty when nothing is.
    """

    name: str
    hidden: bool
    when: str
    how: str
    follows: str
    not_known: str
    source: str
    assumption: str


def describe(recipe: Recipe) -> list[DrawnRow]:
    """Return every case of a recipe in words, in the order of the file."""
    found = []
    for name, draw in recipe.draws.items():
        follows = ", ".join(f"{latent.replace('_', ' ')} ({loading:g})" for latent, loading in draw.follows.items())
        share = recipe.not_known.shares.get(HISTORY if name == "line_1.option" else name)
        gaps = "" if share is None else f"{100 * share:g} %"
        parts: list[tuple[str, str, Basis]] = [
            (_when(case, draw), _how(case, draw), case if case.told else draw) for case in draw.cases
        ]
        if draw.computed is not None:
            parts = [("everybody", f"computed: {draw.computed.replace('_', ' ')}", draw)]
        for when, how, basis in parts:
            found.append(DrawnRow(name, draw.hidden, when, how, follows, gaps, _source(basis), basis.assumption or ""))
    return found


def shares(recipe: Recipe) -> tuple[int, int]:
    """Return how many cases rest on a source, wholly or in part, and how many on assumptions alone."""
    rows = describe(recipe)
    return sum(bool(row.source) for row in rows), sum(not row.source for row in rows)


def _when(case: Chance, draw: Draw) -> str:
    if not case.when:
        return "everybody" if len(draw.cases) == 1 else "everybody else"
    return ", ".join(f"{name}: {_test(test)}" for name, test in case.when.items())


def _test(test: Test) -> str:
    if isinstance(test, Limits):
        words = {"at_least": "at least", "at_most": "at most", "above": "above", "below": "below"}
        return " and ".join(f"{words[key]} {limit:g}" for key, limit in test.model_dump(exclude_none=True).items())
    return " or ".join(cell_text(item) for item in (test if isinstance(test, list) else [test]))


def _how(case: Chance, draw: Draw) -> str:
    shape = case.shape
    if shape is None:
        if case.share is not None:
            return f"true: {100 * case.share:.3g} %"
        return ", ".join(f"{cell_text(value)}: {100 * odds:.3g} %" for value, odds in case.odds.items())
    if isinstance(shape, Skewed):
        text = f"log-normal, median {shape.median:g}, × {shape.spread:g} for one standard deviation"
    else:
        text = f"normal, mean {shape.mean:g}, standard deviation {shape.sd:g}"
    counts = list(draw.decimals) if isinstance(draw.decimals, dict) else [draw.decimals or 0]
    return f"{text}, from {shape.at_least:g} to {shape.at_most:g}; {' or '.join(map(str, counts))} decimals"


def _source(basis: Basis) -> str:
    if basis.text is None:
        return ""
    cited = [*basis.claims, *basis.trials]
    if basis.passage is not None:
        first, last = basis.passage.lines
        cited.append(f"review {basis.passage.review}, lines {first} to {last}")
    return f"{basis.text} ({', '.join(cited)})"
