"""The order of options for whole columns of patients: each distinct set of standings is ranked once, as `ranking` ranks one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from hcc_decide.cohort.judge import Judged
from hcc_decide.cohort.texts import JOINT, Distinct
from hcc_decide.decision import LISTED, USABLE, VERDICTS, Verdict
from hcc_decide.engine.tables import NOT_APPLICABLE, UNDETERMINED, YES, Tables, verdict_of, would_be_of
from hcc_decide.knowledge.catalogue import Knowledge, Treatment, Use
from hcc_decide.ranking import EffectSize, Group, effect_size, ordered

_USE, _BALANCE = 32, 64
"""How many indications an option may have, and findings for and against it."""


Whole = TypeVar("Whole", int, npt.NDArray[np.int64])

_UNLISTED = 1 << 60
"""In place of a group that sorts behind all others."""
MOST_RANKINGS = 100_000
"""Rankings that are remembered at once; beyond, all are forgotten and made anew when met."""
_MOST = 200_000
"""Groups that are remembered at once."""


class _Standing(NamedTuple):
    """One option as it is ranked."""

    option: str
    group: Group
    effect: EffectSize | None
    verdict: Verdict
    would_be: Verdict | None

    @property
    def item(self) -> str:
        """How it stands in a cell, after its rank."""
        return f"{self.option}:{self.verdict}" + (f":{self.would_be}" if self.would_be else "")


@dataclass(frozen=True, slots=True)
class Ranking:
    """The options that come into question, in order.

    Attributes:
        parts: the cells of each group; rankings have most of them in common.
        first: the first choice: every usable option of rank 1, by id.
        best: the group of the first choice; ``None`` when no option is usable.
    """

    parts: tuple[str, ...]
    first: tuple[str, ...]
    best: Group | None

    @property
    def text(self) -> str:
        """The cell: ``rank:id:verdict``, for undetermined options ``rank:id:undetermined:would_be``, joined with ``;``."""
        return JOINT.join(self.parts)

    @property
    def first_text(self) -> str:
        """The cell of the first choice."""
        return JOINT.join(self.first)

    @property
    def ranks(self) -> Mapping[str, int]:
        """The rank of each option that comes into question, by id."""
        items = [item.split(":", 2) for part in self.parts for item in part.split(JOINT)]
        return {option: int(rank) for rank, option, _ in items}


class Places:
    """Ranks the options of whole columns of patients; options of equal group are put in order once, wherever they meet."""

    def __init__(self, tables: Tables) -> None:
        """Rank nothing yet.

        Raises:
            ValueError: an option has more indications or findings than a ranking can tell apart.
        """
        check_size(tables.knowledge)
        self._tables = tables
        self._options = tuple(tables.knowledge.options.values())
        codes = UNDETERMINED * 2 * _USE * _BALANCE
        self._tables_of = [np.zeros(codes, dtype=np.uint16) for _ in self._options]
        # 0 stands for an option that is not listed.
        self._standings: list[_Standing] = [_Standing("", (0, 0, 0, 0), None, "not_applicable", None)]
        self._group_of = np.zeros(1, dtype=np.int64)
        self._groups: dict[tuple[int, bytes], tuple[str, int, tuple[str, ...]]] = {}
        self._distinct = Distinct(self._rank)

    @property
    def options(self) -> Mapping[str, Treatment]:
        """The catalogue."""
        return self._tables.knowledge.options

    @property
    def rankings(self) -> list[Ranking]:
        """Every ranking met so far, by its number."""
        return self._distinct.made

    def rank(self, judged: Judged) -> npt.NDArray[np.int32]:
        """Return for each class the number of its ranking.

        When very many rankings have been met, all are forgotten first, and numbers begin anew with a new list of `rankings`.
        """
        if len(self.rankings) > MOST_RANKINGS:
            self._distinct.forget()
        columns = []
        for place, treatment in enumerate(self._options):
            standings = judged.options[treatment.id]
            standing = standings.standing
            listed = (standing < len(LISTED)) | ((standing >= UNDETERMINED) & (standing != NOT_APPLICABLE))
            if not listed.any():
                columns.append(np.zeros(judged.classes, dtype=np.uint16))
                continue
            code = (standing.astype(np.int32) * _USE + standings.use) * _BALANCE + _BALANCE // 2
            if treatment.of_kind("preference"):
                code += self.balance(treatment, judged)
            table = self._tables_of[place]
            numbers = table.take(code, mode="clip")
            numbers[~listed] = 0
            new = np.flatnonzero(listed & (numbers == 0))
            if len(new):
                for found in np.unique(code[new]).tolist():
                    table[found] = self._number(place, found)
                numbers = table.take(code, mode="clip")
                numbers[~listed] = 0
            columns.append(numbers)
        return self._distinct.number(np.stack(columns, axis=1))

    def balance(self, treatment: Treatment, judged: Judged) -> npt.NDArray[np.int32]:
        """Return for each class the findings against an option less those for it, under the indication that decides."""
        found = np.zeros(judged.classes, dtype=np.int32)
        use_of = judged.options[treatment.id].use
        for rule in treatment.of_kind("preference"):
            if rule.effect in ("favours", "disfavours"):
                bears = np.array([use.body.id in rule.indications for use in treatment.uses], dtype=bool)
                held = (judged.answers[self._tables.condition_of(rule.id)] == YES) & bears.take(use_of, mode="clip")
                found += held if rule.effect == "disfavours" else -held.astype(np.int32)
        return found

    def _rank(self, table: npt.NDArray[np.uint16]) -> list[Ranking]:
        groups = np.where(table == 0, _UNLISTED, self._group_of[table])
        order = groups.argsort(axis=1, kind="stable")
        numbers = np.take_along_axis(table, order, axis=1)
        groups = np.take_along_axis(groups, order, axis=1)
        # A group ends where the next one begins; what is not listed comes last.
        ends = np.empty(groups.shape, dtype=bool)
        ends[:, :-1] = groups[:, 1:] != groups[:, :-1]
        ends[:, -1] = True
        ends &= groups != _UNLISTED
        return [self._ranking(row, np.flatnonzero(last).tolist()) for row, last in zip(numbers, ends, strict=True)]

    def _ranking(self, numbers: npt.NDArray[np.uint16], lasts: list[int]) -> Ranking:
        """Return the ranking of options that stand in order of their groups, of each of which the last place is given."""
        content, size = numbers.tobytes(), numbers.itemsize
        texts: list[str] = []
        start = begin = 0
        first: tuple[str, ...] = ()
        for last in lasts:
            end = (last + 1) * size
            text, start, leading = self._group(start, content[begin:end])
            first = first if begin else leading
            texts.append(text)
            begin = end
        best = self._standings[int(numbers[0])].group if lasts else None
        if best is None or VERDICTS[best[0]] not in USABLE:
            return Ranking(tuple(texts), (), None)
        return Ranking(tuple(texts), first, best)

    def _group(self, start: int, members: bytes) -> tuple[str, int, tuple[str, ...]]:
        """Return the cell of options of one group, the rank of the last one, and the ids of those that stand first."""
        found = self._groups.get((start, members))
        if found is None:
            if len(self._groups) >= _MOST:
                self._groups.clear()
            numbers = np.frombuffer(members, dtype=np.uint16).tolist()
            order = ordered(self._standings[number] for number in numbers)
            text = JOINT.join(f"{start + rank}:{item.item}" for rank, _, item in order)
            leading = sorted(item.option for rank, _, item in order if rank == 1)
            found = self._groups[start, members] = (text, start + order[-1][0], tuple(leading))
        return found

    def _number(self, place: int, code: int) -> int:
        """Return a number for an option as it is ranked."""
        rest, balance = divmod(code, _BALANCE)
        standing, use_place = divmod(rest, _USE)
        treatment = self._options[place]
        use = treatment.uses[use_place]
        verdict, would_be = verdict_of(standing), would_be_of(standing)
        group = group_of(verdict, would_be, use, balance - _BALANCE // 2)
        self._standings.append(
            _Standing(treatment.id, group, effect_size(self._tables.knowledge, use), verdict, would_be)
        )
        self._group_of = np.append(self._group_of, np.int64(sortable(*group)))
        return len(self._standings) - 1


def sortable(verdict: Whole, would_be: int, level: Whole, balance: Whole) -> Whole:
    """Return one number that sorts as a group does, of single options or of whole columns."""
    return ((verdict * 16 + would_be) * 64 + level) * 1024 + balance + 512


def group_of(verdict: Verdict, would_be: Verdict | None, use: Use, balance: int) -> Group:
    """Return what an option is sorted by before effect size (`ranking.Place.group`)."""
    return VERDICTS.index(verdict), VERDICTS.index(would_be) if would_be else 0, use.body.evidence_level, balance


def check_size(knowledge: Knowledge) -> None:
    """Refuse a catalogue with more indications or findings for one option than a ranking can tell apart.

    Raises:
        ValueError: naming the option.
    """
    for treatment in knowledge.options.values():
        if len(treatment.uses) > _USE or len(treatment.of_kind("preference")) >= _BALANCE // 2:
            raise ValueError(f"{treatment.id} has too many indications or findings")
