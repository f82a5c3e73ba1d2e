"""How far and how widely to look ahead, and what is assumed on the way."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hcc_decide.decision import Value
from hcc_decide.patient import RecordError

DEEPEST = 6
WIDEST = 10
MOST = 500
"""Decisions that a look ahead may come to unless the plan says otherwise."""
HIGHEST = 5000
"""What a plan may allow; beyond, nobody reads the answer."""


class PlanError(RecordError):
    """A look ahead that cannot be made as planned; ``problems`` says why, one line for each reason."""


class TooManyStatesError(PlanError):
    """The look ahead comes to more decisions than the plan allows."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Assumption(_Part):
    """A fact that has another value from some line on.

    Attributes:
        after: after how many lines ahead it changes; ``None``: it holds after every line.
        fact: a field of the record, or ``prior_systemic[<option>].<field>``, which counts once such a line exists.
        value: the value; ``None``: it is no longer known.
    """

    after: Annotated[int, Field(ge=1, le=DEEPEST)] | None = None
    fact: Annotated[str, Field(min_length=1)]
    value: Value


class Plan(_Part):
    """What to look ahead to.

    Attributes:
        depth: how many lines ahead.
        width: how many of the leading usable options are followed at each decision; of those that share the last rank all.
        choices: options to follow first from today's decision, whatever their rank; those that lead fill up the width.
        endings: ids of the ways to end a line that are followed; ``None``: all that the rules know.
        assumptions: facts that change between lines, in order.
        most: decisions that may come up, today's included.
    """

    depth: Annotated[int, Field(ge=1, le=DEEPEST)] = 2
    width: Annotated[int, Field(ge=1, le=WIDEST)] = 3
    choices: tuple[str, ...] = ()
    endings: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    assumptions: tuple[Assumption, ...] = ()
    most: Annotated[int, Field(ge=1, le=HIGHEST)] = MOST
