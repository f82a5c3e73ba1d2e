"""The order of options for whole columns of patients: each distinct set of standings is ranked once, as `ranking` ranks one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from hcc_decide.cohort.judge import Alike, Judged, Standings
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
        same: the number of the first ranking with the same cell; groups may differ where the order does not.
    """

    parts: tuple[str, ...]
    first: tuple[str, ...]
    best: Group | None
    same: int

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


@dataclass(frozen=True)
class _Column:
    """Options that have the same number in every ranking: they stand alike, and the same findings bear on them.

    Attributes:
        alike: the options that stand alike.
        options: those of them that this column is for.
        findings: the findings for (-1) and against them (1): the place of the condition, and for each indication whether
            it bears on it.
    """

    alike: int
    options: tuple[str, ...]
    findings: tuple[tuple[int, int, tuple[bool, ...]], ...]


class _Numbers:
    """Numbers of what was met in one column; 0 stands for options that are not listed."""

    def __init__(self, options: int) -> None:
        self.of_code: npt.NDArray[np.uint16] = np.zeros(UNDETERMINED * 2 * _USE * _BALANCE, dtype=np.uint16)
        self.standings: list[list[int]] = [[0] for _ in range(options)]
        """For each option of the column, by number, its place among all standings that were met."""


class Places:
    """Ranks the options of whole columns of patients; options of equal group are put in order once, wherever they meet."""

    def __init__(self, tables: Tables) -> None:
        """Rank nothing yet.

        Raises:
            ValueError: an option has more indications or findings than a ranking can tell apart.
        """
        check_size(tables.knowledge)
        self._tables = tables
        self._columns: dict[int, tuple[_Column, ...]] = {}
        self._numbers: dict[_Column, _Numbers] = {}
        # 0 stands for an option that is not listed.
        self._standings: list[_Standing] = [_Standing("", (0, 0, 0, 0), None, "not_applicable", None)]
        self._group_of = np.zeros(1, dtype=np.int64)
        self._groups: dict[tuple[int, bytes], tuple[str, int, tuple[str, ...]]] = {}
        self.rankings: list[Ranking] = []
        """Every ranking met so far, by its number."""
        self._distinct: dict[tuple[_Column, ...], Distinct] = {}
        self._same: dict[bytes, int] = {}

    @property
    def options(self) -> Mapping[str, Treatment]:
        """The catalogue."""
        return self._tables.knowledge.options

    def make_room(self) -> None:
        """Forget all rankings when very many have been met; numbers begin anew with a new list of `rankings`."""
        if len(self.rankings) > MOST_RANKINGS:
            self.rankings = []
            self._distinct.clear()
            self._same.clear()

    def rank(self, judged: Judged) -> npt.NDArray[np.int32]:
        """Return for each class the number of its ranking."""
        columns: list[_Column] = []
        found: list[npt.NDArray[np.uint16]] = []
        for alike, standings in judged.groups:
            standing = standings.standing
            listed = (standing < len(LISTED)) | ((standing >= UNDETERMINED) & (standing != NOT_APPLICABLE))
            code = (standing.astype(np.int32) * _USE + standings.use) * _BALANCE + _BALANCE // 2
            for column in self._columns_of(alike):
                columns.append(column)
                own = code + self._balance(column, standings, judged) if column.findings else code
                found.append(self._number(column, own, listed))
        key = tuple(columns)
        distinct = self._distinct.get(key)
        if distinct is None:
            distinct = self._distinct[key] = Distinct(lambda rows: self._rank(self._spread(key, rows)), self.rankings)
        return distinct.number(np.stack(found, axis=1))

    def _columns_of(self, alike: Alike) -> tuple[_Column, ...]:
        found = self._columns.get(alike.number)
        if found is None:
            columns: dict[tuple[tuple[int, int, tuple[bool, ...]], ...], list[str]] = {}
            for option in alike.options:
                columns.setdefault(self._findings(option), []).append(option)
            found = tuple(_Column(alike.number, tuple(options), mine) for mine, options in columns.items())
            self._columns[alike.number] = found
        return found

    def _findings(self, option: str) -> tuple[tuple[int, int, tuple[bool, ...]], ...]:
        treatment = self.options[option]
        signs = {"favours": -1, "disfavours": 1}
        return tuple(
            (
                self._tables.condition_of(rule.id),
                signs[rule.effect],
                tuple(use.body.id in rule.indications for use in treatment.uses),
            )
            for rule in treatment.of_kind("preference")
            if rule.effect in signs
        )

    def balance(self, option: str, judged: Judged) -> npt.NDArray[np.int32]:
        """Return for each class the findings against an option less those for it, under the indication that decides."""
        alike, standings = next(item for item in judged.groups if option in item[0].options)
        column = next(item for item in self._columns_of(alike) if option in item.options)
        return self._balance(column, standings, judged)

    @staticmethod
    def _balance(column: _Column, standings: Standings, judged: Judged) -> npt.NDArray[np.int32]:
        found = np.zeros(judged.classes, dtype=np.int32)
        for condition, sign, bears in column.findings:
            held = judged.answers[condition] == YES
            if not all(bears):
                held &= np.array(bears, dtype=bool).take(standings.use, mode="clip")
            if sign > 0:
                found += held
            else:
                found -= held
        return found

    def _number(
        self, column: _Column, code: npt.NDArray[np.int32], listed: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.uint16]:
        numbers = self._numbers.get(column)
        if numbers is None:
            numbers = self._numbers[column] = _Numbers(len(column.options))
        found = numbers.of_code.take(code, mode="clip")
        new = listed & (found == 0)
        if new.any():
            for item in np.unique(code[new]).tolist():
                numbers.of_code[item] = len(numbers.standings[0])
                for option, mine in zip(column.options, numbers.standings, strict=True):
                    mine.append(self._standing(option, item))
            found = numbers.of_code.take(code, mode="clip")
        found *= listed
        return found

    def _spread(self, columns: Sequence[_Column], rows: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
        """Return a table of standings, one column per option in the order of the catalogue, from the numbers of columns."""
        by_option = {
            option: np.array(mine, dtype=np.uint16).take(rows[:, place])
            for place, column in enumerate(columns)
            for option, mine in zip(column.options, self._numbers[column].standings, strict=True)
        }
        return np.stack([by_option[option] for option in self.options if option in by_option], axis=1)

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
        counts = ends.sum(axis=1).tolist()
        lasts = (np.nonzero(ends)[1] + 1).tolist()
        found: list[Ranking] = []
        done = 0
        for number, (row, count) in enumerate(zip(numbers, counts, strict=True), start=len(self.rankings)):
            found.append(self._ranking(number, row, lasts[done : done + count]))
            done += count
        return found

    def _ranking(self, number: int, numbers: npt.NDArray[np.uint16], ends: list[int]) -> Ranking:
        """Return the ranking of options that stand in order of their groups, each of which ends before one of ``ends``."""
        content, size, known = numbers.tobytes(), numbers.itemsize, self._groups
        texts: list[str] = []
        start = begin = 0
        first: tuple[str, ...] = ()
        for place in ends:
            end = place * size
            key = (start, content[begin:end])
            found = known.get(key)
            if found is None:
                found = self._group(*key)
            text, start, leading = found
            if not begin:
                first = leading
            texts.append(text)
            begin = end
        # The texts themselves would take hundreds of megabytes.
        digest = hashlib.blake2b(JOINT.join(texts).encode(), digest_size=16).digest()
        same = self._same.setdefault(digest, number)
        best = self._standings[int(numbers[0])].group if ends else None
        if best is None or VERDICTS[best[0]] not in USABLE:
            return Ranking(tuple(texts), (), None, same)
        return Ranking(tuple(texts), first, best, same)

    def _group(self, start: int, members: bytes) -> tuple[str, int, tuple[str, ...]]:
        """Return the cell of options of one group, the rank of the last one, and the ids of those that stand first."""
        if len(self._groups) >= _MOST:
            self._groups.clear()
        numbers = np.frombuffer(members, dtype=np.uint16).tolist()
        order = ordered(self._standings[number] for number in numbers)
        text = JOINT.join(f"{start + rank}:{item.item}" for rank, _, item in order)
        leading = sorted(item.option for rank, _, item in order if rank == 1)
        found = self._groups[start, members] = (text, start + order[-1][0], tuple(leading))
        return found

    def _standing(self, option: str, code: int) -> int:
        """Return a number for an option as it is ranked."""
        rest, balance = divmod(code, _BALANCE)
        standing, use_place = divmod(rest, _USE)
        treatment = self.options[option]
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
