"""What the cells of a table of decisions say: criteria, notices and missing facts by the ids of their rules and facts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hcc_decide.cohort.encode import Encoder
from hcc_decide.cohort.gaps import NOBODY, Missing
from hcc_decide.cohort.judge import Judged, Known
from hcc_decide.cohort.places import Places
from hcc_decide.cohort.texts import JOINT, Distinct, Flags
from hcc_decide.decision import Setting
from hcc_decide.engine.lookup import Codes
from hcc_decide.engine.tables import NO, NOT_APPLICABLE, OPEN, YES, Tables
from hcc_decide.knowledge.catalogue import Rule, Treatment
from hcc_decide.plausible import implausible

Rows = npt.NDArray[np.bool_]
MOST_TEXTS = 100_000
"""Cells of missing facts that are remembered at once."""


class Reason(NamedTuple):
    """What a cell of reasons is written from: the rules it may name, and where each of them holds."""

    flags: Flags
    rules: Sequence[Rule]
    held: Callable[[Rule, Judged], Rows]


class Criteria:
    """The criteria of one option, with the indications that each bears on.

    Attributes:
        treatment: the option.
        decisive, reserving, cautioning: its rules, in the order of a checklist.
        reasons: the columns of reasons of a long table, by name.
    """

    def __init__(self, tables: Tables, treatment: Treatment) -> None:
        """Look up the rules.

        Args:
            tables: the answers of the engine.
            treatment: the option.
        """
        self.treatment = treatment
        self._tables = tables
        # In the order of a checklist: the indication, then what it asks for.
        self.decisive = (*(use.rule for use in treatment.uses), *treatment.of_kind("include", "exclude"))
        self.reserving = treatment.of_kind("reservation")
        self.cautioning = treatment.of_kind("caution")
        rules = (*self.decisive, *self.reserving, *self.cautioning)
        self._bears = {
            rule.id: np.array([use.body.id in rule.indications for use in treatment.uses], dtype=bool) for rule in rules
        }
        reasons = {
            "not_met": (self.decisive, self.fails),
            "reservations": (self.reserving, self.holds),
            "open": ((*self.decisive, *self.reserving), self.waits),
            "cautions": (self.cautioning, self.holds),
        }
        self.reasons: Mapping[str, Reason] = {
            name: Reason(Flags([rule.id for rule in rules]), rules, held) for name, (rules, held) in reasons.items()
        }

    def asks(self, rule: Rule) -> Hashable:
        """Return what the answers to a rule hang on, besides how its option stands."""
        return self._tables.condition_of(rule.id), rule.kind == "exclude", self._bears[rule.id].tobytes()

    def concerned(self, rule: Rule, judged: Judged) -> Rows:
        """Return the classes whose deciding indication a rule bears on; none where the option belongs elsewhere."""
        standings = judged.options[self.treatment.id]
        bears: Rows = self._bears[rule.id].take(standings.use, mode="clip")
        bears &= standings.standing != NOT_APPLICABLE
        return bears

    def _answered(self, rule: Rule, judged: Judged, answer: int) -> Rows:
        found: Rows = judged.answers[self._tables.condition_of(rule.id)] == answer
        return found & self.concerned(rule, judged)

    def fails(self, rule: Rule, judged: Judged) -> Rows:
        """Return the classes that fail a criterion, or to whom an exclusion applies."""
        return self._answered(rule, judged, YES if rule.kind == "exclude" else NO)

    def holds(self, rule: Rule, judged: Judged) -> Rows:
        """Return the classes to whom a reservation or a caution applies."""
        return self._answered(rule, judged, YES)

    def waits(self, rule: Rule, judged: Judged) -> Rows:
        """Return the classes for whom a criterion is open."""
        return self._answered(rule, judged, OPEN)


class Wording:
    """Writes cells; what was written once is remembered for the next chunk.

    Attributes:
        tables: the answers of the engine.
        encoder: gave the codes of the fields.
        places: gave the rankings.
        criteria: by option.
        usual: the fields whose values can be unusual.
        notices: ids of what may be noticed of a patient, in the order of a decision.
    """

    def __init__(self, tables: Tables, encoder: Encoder, places: Places) -> None:
        """Write nothing yet."""
        knowledge = tables.knowledge
        self.tables, self.encoder, self.places = tables, encoder, places
        self.criteria = {name: Criteria(tables, treatment) for name, treatment in knowledge.options.items()}
        facts = knowledge.vocabulary.facts
        self.usual = tuple(name for name, fact in facts.items() if fact.plausible is not None)
        self.disagreeing = tuple(item for item in knowledge.staging if item.given)
        self.notices = (
            *(f"{item.rule}/disagreement" for item in self.disagreeing),
            *(rule.id for rule in knowledge.notices),
        )
        self.notice_cells = Flags(self.notices)
        self.unusual_cells = Flags(self.usual)
        self.caution_cells = Flags([rule.id for criteria in self.criteria.values() for rule in criteria.cautioning])
        self.settings = (*map(str, knowledge.words.values("setting")), "undetermined")
        self.missing_texts: list[str] = []
        """Every cell of missing facts that was written."""
        self._missing: dict[tuple[str, ...], Distinct] = {}

    def setting(self, possible: Collection[Setting]) -> int:
        """Return the place among `settings` of the only one that is possible, or that says that it is open."""
        return self.settings.index(next(iter(possible))) if len(possible) == 1 else len(self.settings) - 1

    def is_unusual(self, field: str, judged: Known) -> Rows:
        """Return the classes whose value of a field lies outside its usual span."""
        values = [self.encoder.value(field, code) for code in range(self.encoder.count(field))]
        unusual = [bool(implausible(self.tables.knowledge, {field: value})) for value in values]
        return np.array(unusual, dtype=bool)[judged.fields[field]]

    def missing(self, found: Missing) -> Codes:
        """Return the place of each class's cell of missing facts among `missing_texts`."""
        facts = found.facts
        writer = self._missing.get(facts)
        if writer is None:
            writer = self._missing[facts] = Distinct(
                lambda rows: [JOINT.join(facts[place] for place in row if place != NOBODY) for row in rows.tolist()],
                self.missing_texts,
            )
        return writer.number(found.order)

    def make_room(self) -> None:
        """Forget the cells of missing facts when very many have been written; `missing_texts` is a new list then."""
        if len(self.missing_texts) > MOST_TEXTS:
            self.missing_texts = []
            self._missing.clear()
