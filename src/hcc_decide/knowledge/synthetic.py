"""The recipe of synthetic cohorts, ``synthetic.yaml``: its shape. No rule reads it, and no decision loads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hcc_decide.knowledge.schema import Id, Limits, Scalar, Strict, Text
from hcc_decide.knowledge.schema_sources import Passage

HISTORY = "prior_systemic"
"""The field of the record that the draws named ``line_<n>.<field>`` make up."""
LINE_FIELD = re.compile(r"line_([1-9])\.(\w+)")

Weight = Annotated[float | int, Field(ge=0)]
Share = Annotated[float | int, Field(ge=0, le=1)]
Loading = Annotated[float | int, Field(ge=-1, le=1)]
Places = Annotated[int, Field(ge=0, le=3)]
Test = Limits | Annotated[list[Scalar], Field(min_length=1)] | Scalar


class Basis(Strict):
    """Where a figure is from: the reviews, or nowhere.

    Attributes:
        text: what the source says, with its figures.
        claims, trials, passage: the source: claims, trials of the rule base, lines of a review.
        assumption: what is assumed because no source says it; may stand beside a source, for the rest.
    """

    text: Text | None = None
    claims: list[str] = Field(default_factory=list)
    trials: list[Id] = Field(default_factory=list)
    passage: Passage | None = None
    assumption: Text | None = None

    @model_validator(mode="after")
    def _a_source_says_something(self) -> Self:
        if self.sourced != (self.text is not None):
            raise PydanticCustomError(
                "basis", "`text` says what `claims`, `trials` or `passage` give, and goes with them"
            )
        return self

    @property
    def sourced(self) -> bool:
        """Whether a source is named."""
        return bool(self.claims or self.trials or self.passage)

    @property
    def told(self) -> bool:
        """Whether a source is named or an assumption made."""
        return self.sourced or self.assumption is not None


class Bell(Strict):
    """A normal distribution, cut off at both limits."""

    mean: float | int
    sd: Annotated[float | int, Field(gt=0)]
    at_least: float | int
    at_most: float | int

    @model_validator(mode="after")
    def _limits_hold_the_middle(self) -> Self:
        _hold(self.mean, self.at_least, self.at_most)
        return self


class Skewed(Strict):
    """A log-normal distribution, cut off at both limits.

    Attributes:
        median: before it is cut off.
        spread: by which factor a value one standard deviation above the median exceeds it.
        at_least, at_most: the limits.
    """

    median: Annotated[float | int, Field(gt=0)]
    spread: Annotated[float | int, Field(gt=1)]
    at_least: Annotated[float | int, Field(ge=0)]
    at_most: float | int

    @model_validator(mode="after")
    def _limits_hold_the_middle(self) -> Self:
        _hold(self.median, self.at_least, self.at_most)
        return self


def _hold(middle: float, low: float, high: float) -> None:
    """Refuse limits that do not lie around the middle: too little of the distribution would be left."""
    if not (low <= middle <= high and low < high):
        raise PydanticCustomError("limits", "the middle of a distribution lies between `at_least` and `at_most`")


class Chance(Basis):
    """How a value is drawn for some patients.

    Attributes:
        when: for whom, by what was drawn before; empty: for everybody left. A fact that was not drawn meets no test.
        weights: the values, from the lowest to the highest where they have an order, and how they weigh.
        share: of a fact that is true or false: how often it is true.
        normal, log_normal: of a number.
    """

    when: dict[str, Test] = Field(default_factory=dict)
    weights: Annotated[dict[str | int, Weight], Field(min_length=1)] | None = None
    share: Share | None = None
    normal: Bell | None = None
    log_normal: Skewed | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.weights, self.share, self.normal, self.log_normal)
        if sum(way is not None for way in ways) != 1:
            raise PydanticCustomError("way", "needs one of `weights`, `share`, `normal` and `log_normal`")
        if self.weights is not None and not sum(self.weights.values()) > 0:
            raise PydanticCustomError("weights", "the weights sum to nothing")
        return self

    @property
    def kind(self) -> Literal["choice", "yes_no", "number"]:
        """What comes out."""
        return "choice" if self.weights is not None else "yes_no" if self.share is not None else "number"

    @property
    def shape(self) -> Bell | Skewed | None:
        """The distribution of a number."""
        return self.normal or self.log_normal

    @property
    def odds(self) -> dict[Scalar, float]:
        """The values of a choice, or no and yes, with their probabilities; nothing of a number."""
        if self.share is not None:
            return {False: 1 - self.share, True: float(self.share)}
        total = sum((self.weights or {}).values())
        return {value: weight / total for value, weight in (self.weights or {}).items()}


class Draw(Basis):
    """One fact, or one hidden thing that facts depend on.

    Attributes:
        hidden: whether it is no field of the record and only others depend on it.
        cases: how it is drawn; the first whose ``when`` holds counts. Where none does, there is no value.
        computed: the score that it is computed from what was drawn, instead of cases.
        follows: how strongly it follows each latent number, from -1 to 1.
        decimals: of a number: with how many decimals it is written, or how these weigh.
    """

    hidden: bool = False
    cases: list[Chance] = Field(default_factory=list)
    computed: Literal["child_pugh_points", "albi_score"] | None = None
    follows: dict[Id | str, Loading] = Field(default_factory=dict)
    decimals: Places | Annotated[dict[Places, Weight], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.computed is None) != bool(self.cases):
            raise PydanticCustomError("draw", "needs `cases`, or `computed` and no cases")
        if len({case.kind for case in self.cases}) > 1:
            raise PydanticCustomError("draw", "the cases of a draw are all `weights`, all `share` or all distributions")
        if bool(self.cases and self.cases[0].kind == "number") != (self.decimals is not None):
            raise PydanticCustomError("draw", "`decimals` goes with `normal` and `log_normal`")
        if isinstance(self.decimals, dict) and not sum(self.decimals.values()) > 0:
            raise PydanticCustomError("draw", "the weights of `decimals` sum to nothing")
        if sum(loading**2 for loading in self.follows.values()) > 1:
            raise PydanticCustomError("draw", "the squares of `follows` sum to more than 1")
        if not self.told and not all(case.told for case in self.cases):
            raise PydanticCustomError("draw", "needs a source or an `assumption`, of its own or in every case")
        return self

    @cached_property
    def values(self) -> tuple[Scalar, ...]:
        """Every value that can come out, in the order of the file; nothing of a number."""
        return tuple(dict.fromkeys(value for case in self.cases for value in case.odds))


class Unknown(Strict):
    """What the tables do not tell.

    Attributes:
        together: how strongly the gaps of one patient go together, from 0 to 1.
        shares: by field of the record or of a line: how often it is not known although there is a value.
    """

    assumption: Text
    together: Share
    shares: dict[str, Share]


class Recipe(Strict):
    """``synthetic.yaml``.

    Attributes:
        about: what such a cohort is and is not.
        latent: numbers of every patient that nobody sees, standard normal and independent: what each stands for.
        draws: what is drawn, in this order.
        not_known: how often a value is left out.
    """

    about: Text
    latent: dict[str, Text]
    draws: Annotated[dict[str, Draw], Field(min_length=1)]
    not_known: Unknown

    def lines(self) -> dict[int, list[str]]:
        """Return the fields that are drawn of each line of prior systemic therapy, by its number."""
        found: dict[int, list[str]] = {}
        for name in self.draws:
            if match := LINE_FIELD.fullmatch(name):
                found.setdefault(int(match[1]), []).append(match[2])
        return found

    def chances(self) -> Iterator[tuple[str, Draw, Chance]]:
        """Yield every case with its draw."""
        for name, draw in self.draws.items():
            for chance in draw.cases:
                yield name, draw, chance
