"""The classes of whole records: each field cut at the constants that anything in a decision compares it with.

Two records of one class get the same decision but for the values that it repeats: the same verdicts, ranks, reasons, missing
facts and notices.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, cast

from hcc_decide.classes.attributes import position
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import fact_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.patient import OTHER, Patient, PriorLine
from hcc_decide.scores import POINTS, RUNNING, cut_offs

Canonical = tuple[Hashable, ...]
"""The canonical form of a record: the class of each field of `RecordClasses.parts`."""

DETAILS = ("last_daily_dose_mg", "tolerated_days_of_last_28")
"""The numbers of a prior line."""


def constants_of(knowledge: Knowledge, field: str) -> tuple[float, ...]:
    """Return what a number of the record is compared with, sorted: by rules, by steps of scores, by its usual span.

    Args:
        knowledge: the rules, and the vocabulary for the usual span.
        field: a field of the record.
    """
    found = {float(limit) for limit in knowledge.limits.get(field, ())}
    for score, computed in knowledge.vocabulary.facts.items():
        if field in computed.from_ and score in knowledge.limits:
            found.update(map(float, cut_offs(score, field, {}, knowledge.limits[score])))
    usual = knowledge.vocabulary.facts[field].plausible
    if usual is not None:
        bounds = (usual.at_least, usual.above, usual.at_most, usual.below)
        found.update(float(bound) for bound in bounds if bound is not None)
    return tuple(sorted(found))


class RecordClasses:
    """Tells the class of a record.

    Attributes:
        knowledge: the rule base.
        parts: what the class of a record is made of, in order: the fields that can make a difference, and the scores that
            run with two of them (`scores.RUNNING`).
    """

    def __init__(self, knowledge: Knowledge) -> None:
        """Look up which fields matter, and where."""
        self.knowledge = knowledge
        facts = knowledge.vocabulary.facts
        attributes = frozenset(knowledge.attributes())
        options = (*knowledge.options, OTHER)
        # What rules read of the lines of an option: the constants that its details are compared with, and its imaging.
        self._limits = {
            option: tuple(knowledge.limits.get(f"{name}[{option}]") for name in DETAILS) for option in options
        }
        self._detailed = {option for option in options if any(f"{name}[{option}]" in attributes for name in DETAILS)}
        self._imaged = {option for option in options if f"radiological_progression[{option}]" in attributes}
        # A drug without a name may have been any.
        self._imaged.add(OTHER)
        read = {fact_of(name) for name in knowledge.attributes()}
        computed = {name for name in read if facts[name].source == "computed"}
        self._scores = tuple(sorted(computed & RUNNING.keys()))
        used = read | {item for name in computed for item in facts[name].from_}
        fields = [name for name in Patient.model_fields if name in facts and (name in used or facts[name].plausible)]
        numbers = [name for name in fields if facts[name].kind in ("integer", "number")]
        # A score that is given is compared with the points computed, whatever these are.
        whole = {name for name in numbers if facts[name].kind == "integer" and _scored(knowledge, name)}
        self._constants = {name: constants_of(knowledge, name) for name in numbers if name not in whole}
        self.fields = (*fields, PRIOR_SYSTEMIC)
        self.parts = (*self.fields, *self._scores)

    def of_field(self, field: str, value: Any) -> Hashable:
        """Return the class of one field's value; of equal class are values that make no difference to any decision.

        Args:
            field: one of `fields`.
            value: as the patient model holds it; ``None`` when it is not known.
        """
        if value is None:
            return None
        if field == PRIOR_SYSTEMIC:
            return self._history(value)
        constants = self._constants.get(field)
        if constants is None:
            return cast("Hashable", value)
        points = POINTS.get(field)
        # Points are told after rounding, so a value next to a cut-off may lie on its other side.
        return position(value, constants) if points is None else (position(value, constants), points(value))

    def of_score(self, score: str, first: float | None, second: float | None) -> Hashable:
        """Return the class of a running score, from the two values it is computed from (`scores.RUNNING`)."""
        if first is None or second is None:
            return None
        return position(RUNNING[score][1](first, second), self.knowledge.limits[score])

    def of(self, patient: Patient) -> Canonical:
        """Return the canonical form of a record: equal exactly for records of one class."""
        fields = [self.of_field(name, getattr(patient, name)) for name in self.fields]
        scores = [self.of_score(name, *(getattr(patient, item) for item in RUNNING[name][0])) for name in self._scores]
        return (*fields, *scores)

    @property
    def scores(self) -> tuple[str, ...]:
        """The running scores that rules read."""
        return self._scores

    def _history(self, lines: tuple[PriorLine, ...]) -> Hashable:
        found = [self._line(line) for line in lines]
        # Only the last line of a drug tells its dose, and only the last line of all may still run.
        detailed = [line.option for line in lines if line.option in self._detailed]
        if len(set(detailed)) == len(detailed) and all(line.option != OTHER for line in lines):
            found.sort(key=repr)
        return tuple(found), any(line.outcome == "ongoing" for line in lines[:-1])

    def _line(self, line: PriorLine) -> Hashable:
        details = [
            None if value is None or constants is None else position(value, constants)
            for value, constants in zip(
                (getattr(line, name) for name in DETAILS), self._limits[line.option], strict=True
            )
        ]
        told = line.radiological_progression if line.option in self._imaged else None
        return line.option, line.name is None, line.outcome, told, *details


def _scored(knowledge: Knowledge, field: str) -> bool:
    return any(
        field in fact.from_ and name in knowledge.limits
        for name, fact in knowledge.vocabulary.facts.items()
        if fact.source == "computed"
    )
