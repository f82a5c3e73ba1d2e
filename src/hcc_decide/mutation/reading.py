"""Reading patients with a changed rule base, quickly: the shadow's judgement over states that are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hcc_decide.decision import Value
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.facts import States, read_facts
from hcc_decide.engine.fold import Outcome, of_option
from hcc_decide.engine.inference import Inference, Standing
from hcc_decide.engine.shadow import Shadow, derive
from hcc_decide.knowledge.catalogue import Knowledge, Treatment, Use
from hcc_decide.patient import Patient, parse_patient

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Bed:
    """One patient of the rule base's files, read once.

    Attributes:
        patient: the record.
        states: what the record says of every attribute that the unchanged rules read.
        derived: the same with the derived facts of the unchanged staging.
        disagreements: derived facts that the record gives otherwise.
    """

    patient: Patient
    states: States
    derived: States
    disagreements: frozenset[str]


class Reading(Shadow):
    """The shadow over states that are derived already.

    Args:
        knowledge: the rules.
        states: every attribute that they read, derived facts included.
        disagreements: derived facts that the record gives otherwise.
    """

    def __init__(self, knowledge: Knowledge, states: States, disagreements: Iterable[str] = ()) -> None:
        """Keep the states; nothing is derived."""
        self._knowledge = knowledge
        self.states = states
        self.disagreements = set(disagreements)
        self._answers: dict[str, bool | None] = {}

    def outcome(self, treatment: Treatment, use: Use) -> Outcome:
        """Return the verdict of one indication, as `hcc_decide.engine.fold` folds it."""
        alone = replace(treatment, uses=(use,))
        verdict, would_be = self.verdict(alone)
        return Outcome(verdict, would_be, ())

    def standing(self, treatment: Treatment) -> Standing:
        """Return the verdict of an option with the indication that decides it."""
        outcomes = {use.body.id: self.outcome(treatment, use) for use in treatment.uses}
        verdict, would_be = of_option(outcomes.values())
        nearest = next(
            (name for name, item in outcomes.items() if (item.verdict, item.would_be) == (verdict, would_be)), None
        )
        return Standing(verdict, would_be, None if verdict == "not_applicable" else nearest, outcomes)


class Ward:
    """The patients of a rule base's files, each read once.

    Args:
        knowledge: the unchanged rule base.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._attributes = knowledge.attributes()
        self._beds: dict[str, Bed] = {}
        self._inferences: dict[str, Inference] = {}

    def bed(self, record: Record) -> Bed:
        """Return a patient.

        Raises:
            RecordError: the record is not a patient record.
        """
        key = repr(record)
        if key not in self._beds:
            self._beds[key] = self._put(parse_patient(dict(record), self._knowledge.option_ids))
        return self._beds[key]

    def _put(self, patient: Patient) -> Bed:
        states = read_facts(patient, self._knowledge, self._attributes)
        derived, disagreements = derive(self._knowledge, states)
        return Bed(patient, states, derived, frozenset(disagreements))

    def inference(self, patient: Patient) -> Inference:
        """Return what the unchanged rules infer for a patient, without the trace."""
        key = patient.model_dump_json()
        if key not in self._inferences:
            bed = self._put(patient)
            reading = Reading(self._knowledge, bed.derived, bed.disagreements)
            results = {name: reading.answer(name) for name in self._knowledge.rules}
            standings = {item.id: reading.standing(item) for item in self._knowledge.options.values()}
            disagreements: dict[str, Value] = dict.fromkeys(sorted(bed.disagreements))
            self._inferences[key] = Inference(patient, bed.derived, (), disagreements, results, standings, ())
        return self._inferences[key]

    def read(self, record: Record, knowledge: Knowledge, attributes: frozenset[str]) -> Reading:
        """Return a patient as changed rules of an option read it; staging is the unchanged one.

        Args:
            record: the patient.
            knowledge: with the changed option.
            attributes: what the changed rules read.
        """
        bed = self.bed(record)
        new = tuple(sorted(attributes - bed.derived.keys()))
        more = read_facts(bed.patient, knowledge, new) if new else {}
        return Reading(knowledge, {**bed.derived, **more}, bed.disagreements)

    def restage(self, record: Record, knowledge: Knowledge, attributes: frozenset[str]) -> Reading:
        """Return a patient as changed staging reads it.

        Args:
            record: the patient.
            knowledge: with the changed staging.
            attributes: what its rules read.
        """
        bed = self.bed(record)
        new = tuple(sorted(attributes - bed.derived.keys()))
        more = read_facts(bed.patient, knowledge, new) if new else {}
        states, disagreements = derive(knowledge, {**bed.states, **more})
        return Reading(knowledge, states, disagreements)


class QuickEngine(Engine):
    """An engine whose answers the shadow reads off, for `hcc_decide.teaching`; it decides for nobody else.

    Args:
        ward: the patients, read with the unchanged rule base.
        changed: the rule base with one option changed.
        option: that option.
    """

    def __init__(self, ward: Ward, changed: Knowledge, option: str) -> None:
        """Compile nothing."""
        self.knowledge = changed
        self._ward = ward
        self._treatment = changed.options[option]
        self._prefix = f"options/{option}/"

    def infer(self, patient: Patient, also: Iterable[str] = ()) -> Inference:
        """Judge one patient; ``also`` changes nothing, since every rule is judged."""
        del also
        basis = self._ward.inference(patient)
        new = tuple(sorted({name for rule in self._treatment.rules for name in rule.attributes} - basis.states.keys()))
        states = {**basis.states, **(read_facts(patient, self.knowledge, new) if new else {})}
        reading = Reading(self.knowledge, states)
        results = {name: held for name, held in basis.results.items() if not name.startswith(self._prefix)}
        results |= {rule.id: reading.answer(rule.id) for rule in self._treatment.rules}
        standings = {**basis.standings, self._treatment.id: reading.standing(self._treatment)}
        return replace(basis, states=states, results=results, standings=standings)

    def close(self) -> None:
        """Nothing is open."""
