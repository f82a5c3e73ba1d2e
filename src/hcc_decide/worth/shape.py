"""What finding out each missing fact would change: the shape of the answer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from hcc_decide.decision import USABLE, Setting, Verdict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VerdictChange(_Part):
    """One option whose verdict an answer changes.

    Attributes:
        option: option id.
        before, after: its verdict today and with the answer.
        would_have_been, would_be: with ``undetermined`` today or with the answer, the verdict if all that is then missing
            turns out well.
    """

    option: str
    before: Verdict
    would_have_been: Verdict | None
    after: Verdict
    would_be: Verdict | None

    @property
    def usable(self) -> bool:
        """Whether the option is usable today or with the answer, or would be if what is missing turns out well."""
        return (self.would_have_been or self.before) in USABLE or (self.would_be or self.after) in USABLE


class Outcome(_Part):
    """What some answers to the question about one fact lead to, all of them the same.

    Attributes:
        text: the answers in words, with units.
        values: a value of the record for each class of answers, in order.
        setting: the setting, where it is another than today's; else ``None``.
        verdicts: the options whose verdict is another than today's, in the order of the catalogue.
        first: the first choice with these answers: every option of rank 1 that is usable, by id; empty when none is.
        still_missing: how many facts would still be missing, at least and at most.
    """

    text: str
    values: tuple[Any, ...]
    setting: Setting | None
    verdicts: tuple[VerdictChange, ...]
    first: tuple[str, ...]
    still_missing: tuple[int, int]


class Worth(_Part):
    """What finding out one fact would change while all else stays as it is.

    Attributes:
        fact, label, question: as `hcc_decide.decision.Missing` has them.
        outcomes: each class of answers in one of them, in the order of the answers.
        impossible: how many classes of answers the rest of the record rules out; they have no outcome.
        first_choices: how many first choices the answers lead to, today's not counted.
        usable: how many options can change their verdict that are usable today or with some answer, or would be if what is
            missing turns out well.
        options: how many options can change their verdict.
        only_together: options that wait for this fact and that no answer changes; they need other facts as well.
        left_open: options that wait for this fact, that some answer settles and that another leaves undetermined until other
            facts are known as well.
        partly: whether only some of the possible answers were looked at: of prior systemic therapy, histories of at most
            one line.
    """

    fact: str
    label: str
    question: str
    outcomes: tuple[Outcome, ...]
    impossible: int
    first_choices: int
    usable: int
    options: int
    only_together: tuple[str, ...]
    left_open: tuple[str, ...]
    partly: bool

    def firsts(self, today: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """Return the first choices that answers lead to, each once and without today's, in the order of the answers."""
        return tuple(dict.fromkeys(item.first for item in self.outcomes if item.first != today))

    @property
    def order(self) -> tuple[int, int, int, int, str]:
        """What facts are sorted by, see `Worths`."""
        return -self.first_choices, -self.usable, -self.options, -len(self.only_together), self.fact


class Worths(_Part):
    """Every missing fact of one patient, by worth.

    Facts stand in order of, first, how many first choices their answers lead to besides today's, so that a fact of which every
    answer leaves today's first choice comes after those that can change it; then how many options can change their verdict
    that are usable (preferred, recommended or alternative), be it today, with some answer, or if what is missing turns out
    well; then how many options can at all; then how many options wait for it and for other facts as well; then name.

    One fact is looked at at a time. All others stay as they are, unknown ones unknown.

    Attributes:
        first: today's first choice: every option of rank 1 that is usable; empty when none is.
        facts: the missing facts in order.
        sha256: of the knowledge.
    """

    first: tuple[str, ...]
    facts: tuple[Worth, ...]
    sha256: str
