"""Which facts are missing for whole columns of patients: as `missing.missing_facts` tells it for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hcc_decide.cohort.encode import Encoder
from hcc_decide.cohort.judge import Alike, Judged, Standings
from hcc_decide.decision import VERDICTS
from hcc_decide.engine.lookup import Lookup, MergedLookup
from hcc_decide.engine.tables import NOT_APPLICABLE, OPEN, UNDETERMINED, Small, Tables
from hcc_decide.knowledge.condition import Condition, attributes_of, fact_of, member_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.missing import OF_LINE, askable_of_history, open_attributes

Rows = npt.NDArray[np.bool_]
Asked = Mapping[str, Rows]
"""For each fact the rows where something hangs on it."""

HOPELESS = tuple(UNDETERMINED + VERDICTS.index(verdict) for verdict in ("ineligible", "not_recommended"))
"""Standings that would be of no use whatever is found out; nothing is asked for them."""


def _open_but(hopeless: Sequence[int]) -> Rows:
    """Tell for each standing whether it is open, and not one of some."""
    found = np.array([UNDETERMINED <= place < NOT_APPLICABLE and place not in hopeless for place in range(256)])
    found.flags.writeable = False
    return found


_WAITS = _open_but(HOPELESS)
_MAY_HELP = _open_but(HOPELESS[:1])
NOBODY = 255
"""In place of a fact, where there is no further one; no rule base asks for so many."""


@dataclass(frozen=True)
class Missing:
    """The missing facts of some classes.

    Attributes:
        facts: every fact that is missing for some class, sorted.
        order: for each class the places of its missing facts among ``facts``, the weightiest first, then `NOBODY`.
        by_option: for each undetermined option that could turn out well, the facts it hangs on and the rows.
    """

    facts: tuple[str, ...]
    order: Small
    by_option: Mapping[str, Asked]


class Gaps:
    """Finds the facts behind what is open; remembers what leaves each condition open."""

    def __init__(self, tables: Tables, encoder: Encoder) -> None:
        """Know nothing yet.

        Args:
            tables: the answers of the engine.
            encoder: gave the codes of the fields.
        """
        self._tables = tables
        self._encoder = encoder
        self._open: dict[Condition, MergedLookup] = {}
        # Of a condition on one attribute, by class of it.
        self._alone: dict[Condition, Rows] = {}
        self._history: dict[tuple[str, str | None], Lookup] = {}
        self._history_facts: list[str] = []

    def missing(self, judged: Judged) -> Missing:
        """Return the missing facts of each class."""
        search = _Search(self, judged)
        by_option: dict[str, Asked] = {}
        weights: dict[str, _Weight] = {}
        for alike, standings in judged.groups:
            asked = self._asked(search, alike, standings)
            if asked:
                by_option.update(dict.fromkeys(alike.options, asked))
            for fact, rows in asked.items():
                weights.setdefault(fact, _Weight(judged.classes)).add(rows, standings.standing, len(alike.options))
        facts = tuple(sorted(weights))
        return Missing(facts, _order([weights[fact].total for fact in facts], judged.classes), by_option)

    @staticmethod
    def _asked(search: _Search, alike: Alike, standings: Standings) -> Asked:
        waiting = _WAITS.take(standings.standing, mode="clip")
        if not waiting.any():
            return {}
        asked = {fact: rows & waiting for fact, rows in search.behind(alike, standings).items()}
        return {fact: rows for fact, rows in asked.items() if rows.any()}

    def left_open_by(self, condition: Condition, judged: Judged) -> Asked:
        """Return for each attribute the rows where it leaves a condition open."""
        attributes = attributes_of(condition)
        if len(attributes) == 1:
            return {attributes[0]: self._left_open_alone(condition, attributes[0], judged)}
        lookup = self._open.get(condition)
        if lookup is None:
            lookup = self._open[condition] = MergedLookup(condition, self._tables.classes)

        def look(row: int) -> int:
            states = {name: self._tables.classes.state(name, int(judged.attributes[name][row])) for name in attributes}
            found = set(open_attributes(condition, states))
            return sum(1 << place for place, name in enumerate(attributes) if name in found)

        bits = lookup.find(judged.attributes, judged.classes, look)
        return {name: (bits >> place & 1).astype(bool) for place, name in enumerate(attributes)}

    def _left_open_alone(self, condition: Condition, attribute: str, judged: Judged) -> Rows:
        states = self._tables.classes.states(attribute)
        known = self._alone.get(condition, np.zeros(0, dtype=bool))
        if len(known) < len(states):
            new = [any(open_attributes(condition, {attribute: state})) for state in states[len(known) :]]
            known = self._alone[condition] = np.append(known, np.array(new, dtype=bool))
        return known.take(judged.attributes[attribute], mode="clip")

    def of_history(self, attribute: str, judged: Judged) -> Asked:
        """Return what to ask for when an attribute of the history is open."""
        name, member = fact_of(attribute), member_of(attribute)
        if name not in OF_LINE:
            return {PRIOR_SYSTEMIC: np.ones(judged.classes, dtype=bool)}
        lookup = self._history.get((name, member))
        if lookup is None:
            lookup = self._history[name, member] = Lookup((PRIOR_SYSTEMIC,), self._encoder.count)

        def look(row: int) -> int:
            lines = self._encoder.value(PRIOR_SYSTEMIC, int(judged.fields[PRIOR_SYSTEMIC][row]))
            fact = askable_of_history(lines or (), name, member)
            if fact not in self._history_facts:
                self._history_facts.append(fact)
            return self._history_facts.index(fact)

        places = lookup.find(judged.fields, judged.classes, look)
        return {self._history_facts[place]: places == place for place in np.unique(places).tolist()}

    def unknown(self, field: str, judged: Judged) -> Rows:
        """Return the rows whose record does not give a field."""
        values = [self._encoder.value(field, code) is None for code in range(self._encoder.count(field))]
        return np.array(values, dtype=bool)[judged.fields[field]]


class _Search:
    """The search for what is missing, for the classes of one chunk. Each condition is looked at once."""

    def __init__(self, gaps: Gaps, judged: Judged) -> None:
        self._gaps, self._judged = gaps, judged
        self._knowledge = gaps._tables.knowledge
        self._places: dict[int, Asked] = {}
        self._conditions: dict[Condition, Asked] = {}
        self._attributes: dict[str, Asked] = {}

    def behind(self, alike: Alike, standings: Standings) -> Asked:
        """Return the facts behind the open indications of some options, with the rows."""
        rows_of: dict[int, Rows] = {}
        for place, standing in standings.by_use.items():
            waiting = _MAY_HELP.take(standing, mode="clip")
            if not waiting.any():
                continue
            use = alike.shape[place]
            for condition in {use.applies, *use.include, *use.exclude, *use.reservation}:
                rows_of[condition] = rows_of[condition] | waiting if condition in rows_of else waiting
        found: dict[str, Rows] = {}
        for condition, rows in rows_of.items():
            _join(found, rows, self._open(condition))
        return found

    def _open(self, place: int) -> Asked:
        """Return the facts behind a condition of the tables where it is open, with the rows."""
        found = self._places.get(place)
        if found is None:
            rows = self._judged.answers[place] == OPEN
            found = {}
            if rows.any():
                asked = self._condition(self._gaps._tables.conditions[place])
                found = {fact: here for fact, where in asked.items() if (here := rows & where).any()}
            self._places[place] = found
        return found

    def _condition(self, condition: Condition) -> Asked:
        found = self._conditions.get(condition)
        if found is None:
            joined: dict[str, Rows] = {}
            for attribute, rows in self._gaps.left_open_by(condition, self._judged).items():
                if rows.any():
                    _join(joined, rows, self._attribute(attribute))
            found = self._conditions[condition] = joined
        return found

    def _attribute(self, attribute: str) -> Asked:
        found = self._attributes.get(attribute)
        if found is None:
            found = self._attributes[attribute] = self._askable(attribute)
        return found

    def _askable(self, attribute: str) -> Asked:
        name = fact_of(attribute)
        fact = self._knowledge.vocabulary.facts[name]
        everyone = np.ones(self._judged.classes, dtype=bool)
        if fact.source == "history":
            return self._gaps.of_history(attribute, self._judged)
        if fact.source == "computed":
            return {item: self._gaps.unknown(item, self._judged) for item in fact.from_}
        if fact.source != "derived":
            return {name: everyone}
        joined: dict[str, Rows] = {}
        for rows, condition in self._ways_to(name):
            _join(joined, rows, self._condition(condition))
        return joined

    def _ways_to(self, name: str) -> Iterator[tuple[Rows, Condition]]:
        """Yield the conditions of the values that a derived fact may still have, with the rows."""
        derived = next(item for item in self._knowledge.staging if item.fact == name)
        states = self._gaps._tables.classes.states(name)
        classes = self._judged.attributes[name]
        for value in derived.values:
            possible = [
                value.value in (state.values or ()) or state.values == frozenset([True, False]) for state in states
            ]
            yield np.array(possible, dtype=bool)[classes], value.condition


def _join(found: dict[str, Rows], rows: Rows, asked: Asked) -> None:
    for fact, where in asked.items():
        here = rows & where
        found[fact] = found[fact] | here if fact in found else here


class _Weight:
    """What hangs on one fact: the best verdict, and how many options."""

    def __init__(self, classes: int) -> None:
        self._best = np.full(classes, 255, dtype=np.uint8)
        self._count = np.zeros(classes, dtype=np.uint8)

    def add(self, rows: Rows, standing: Small, options: int) -> None:
        """Count options that stand alike, and whose verdicts hang on the fact in some rows."""
        # Elsewhere 255, which is no standing.
        np.minimum(self._best, standing | (rows.view(np.uint8) - np.uint8(1)), out=self._best)
        self._count += rows.view(np.uint8) * np.uint8(options)

    @property
    def total(self) -> npt.NDArray[np.uint32]:
        """The weight of each row: the smaller the weightier; the last byte is free, and all ones where nothing hangs on it."""
        total = self._best.astype(np.uint32) << 16 | (255 - self._count.astype(np.uint32)) << 8
        return np.where(self._count == 0, np.uint32(0xFFFFFF00), total)


def _order(weights: Sequence[npt.NDArray[np.uint32]], classes: int) -> Small:
    """Return for each class the places of what has a weight, the weightiest first, then `NOBODY`."""
    if not weights:
        return np.full((classes, 1), NOBODY, dtype=np.uint8)
    table = np.stack([weight | place for place, weight in enumerate(weights)], axis=1)
    table.sort(axis=1)
    return np.where(table >= 0xFFFFFF00, NOBODY, table).astype(np.uint8)
