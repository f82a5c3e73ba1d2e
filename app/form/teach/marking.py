"""Exercises on teaching cases: what is asked, what was answered and what was right. Without Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from hcc_decide.decision import Decision
from hcc_decide.knowledge.schema_sources import Expectation, Vignette

NOBODY = "none"
"""The answer that no option of the catalogue comes first."""


@dataclass(frozen=True)
class Commitment:
    """What a learner committed to; ``None`` where nothing was answered.

    Attributes:
        setting: the setting.
        verdicts: verdict by option id.
        first: option id of the first choice, or `NOBODY`.
    """

    setting: str | None
    verdicts: Mapping[str, str | None]
    first: str | None


@dataclass(frozen=True)
class Mark:
    """One answer beside what was expected and what the system found.

    Attributes:
        option: the option asked about; ``None`` for the setting and the first choice.
        question: ``setting``, ``verdict`` or ``first``.
        given: the answer, ``None`` when there was none.
        expected: what the case expects; several where they stand equal.
        found: what the system decided.
        right: ``None`` when nothing was answered, or nothing was decided to compare with.
    """

    question: str
    option: str | None
    given: str | None
    expected: tuple[str, ...]
    found: tuple[str, ...]
    right: bool | None


def asked(vignette: Vignette) -> list[Expectation]:
    """Return the options that an exercise asks about, shuffled the same way each time.

    As written, the order of the expectations often gives the best one away.
    """
    return sorted(vignette.expect, key=lambda item: crc32(f"{vignette.id}/{item.option}".encode()))


def first_choices(decision: Decision) -> tuple[str, ...]:
    """Return the options that stand first, or `NOBODY`."""
    options = decision.in_question
    return tuple(item.id for item in options if item.rank == options[0].rank) or (NOBODY,)


def marks(vignette: Vignette, commitment: Commitment, decision: Decision | None) -> list[Mark]:
    """Compare a commitment with what the case expects and with the decision.

    Args:
        vignette: the teaching case.
        commitment: the learner's answers.
        decision: the system's decision for the case; ``None`` when the request was lost.
    """
    setting = (vignette.setting,)
    found = (str(decision.setting),) if decision is not None else ()
    result = [Mark("setting", None, commitment.setting, setting, found, _right(commitment.setting, setting))]
    for item in asked(vignette):
        given, expected = commitment.verdicts.get(item.option), (str(item.verdict),)
        found = (str(decision.verdict_of(item.option)),) if decision is not None else ()
        result.append(Mark("verdict", item.option, given, expected, found, _right(given, expected)))
    first = first_choices(decision) if decision is not None else ()
    result.append(Mark("first", None, commitment.first, first, first, _right(commitment.first, first)))
    return result


def _right(given: str | None, expected: tuple[str, ...]) -> bool | None:
    return None if given is None or not expected else given in expected


@dataclass(frozen=True)
class Score:
    """How many answers were right, wrong and left out."""

    right: int = 0
    wrong: int = 0
    left_out: int = 0

    @classmethod
    def of(cls, found: Sequence[Mark]) -> Score:
        """Count marks."""
        return cls(
            sum(mark.right is True for mark in found),
            sum(mark.right is False for mark in found),
            sum(mark.right is None for mark in found),
        )

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.wrong + other.wrong, self.left_out + other.left_out)
