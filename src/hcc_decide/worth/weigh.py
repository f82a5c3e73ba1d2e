"""Weigh missing facts: what each answer to each question would change, every class of answers tried."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from hcc_decide.answers import Answer, answers, changed
from hcc_decide.decision import USABLE, VERDICTS, Missing
from hcc_decide.engine.by_class import NOWHERE, ByClass
from hcc_decide.engine.inference import Inference
from hcc_decide.engine.program import read_by
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import attributes_of, fact_of, member_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.missing import OpenFacts, missing_facts
from hcc_decide.patient import Patient, RecordError, parse_patient
from hcc_decide.ranking import rank
from hcc_decide.worth.shape import Outcome, VerdictChange, Worth, Worths
from hcc_decide.worth.values import joined


def weigh(patient: Patient, by_class: ByClass) -> Worths:
    """Weigh every missing fact of a patient, see `Worths` for the order.

    Args:
        patient: the record, checked by `hcc_decide.patient.parse_patient`.
        by_class: the engine that judges each class of patients once.

    Raises:
        EngineError: the rule base or the engine failed; nothing is weighed.
    """
    knowledge = by_class.knowledge
    today = by_class.infer(patient)
    first = first_choice(knowledge, today)
    missing = missing_facts(knowledge, today, OpenFacts(knowledge, today))
    worths = [_Question(by_class, today, first, item).worth() for item in missing]
    return Worths(first=first, facts=tuple(sorted(worths, key=lambda item: item.order)), sha256=knowledge.sha256)


def first_choice(knowledge: Knowledge, inference: Inference) -> tuple[str, ...]:
    """Return every option of rank 1 that is usable, sorted; none when no option is usable."""
    best = min(inference.standings.values(), key=lambda standing: VERDICTS.index(standing.verdict)).verdict
    if best not in USABLE:
        return ()
    # The verdict sorts first, so the others need no place.
    leading = {
        option: standing if standing.verdict == best else NOWHERE for option, standing in inference.standings.items()
    }
    return tuple(place.option for place in rank(knowledge, replace(inference, standings=leading)) if place.rank == 1)


class _Question:
    """One missing fact, with all its answers tried."""

    def __init__(self, by_class: ByClass, today: Inference, first: tuple[str, ...], missing: Missing) -> None:
        self._knowledge = by_class.knowledge
        self._by_class = by_class
        self._today = today
        self._first = first
        self._missing = missing

    def worth(self) -> Worth:
        fact, patient = self._missing.fact, self._today.patient
        members = _members(self._knowledge, self._today, fact)
        asked = answers(self._knowledge, patient, fact, members)
        every: list[Answer] = []
        by_effect: dict[Outcome, list[tuple[Answer, int]]] = {}
        for answer in asked:
            possible = self._possible(answer, members)
            if possible is not None:
                effect, still_missing = self._effect(possible[1])
                every.append(possible[0])
                by_effect.setdefault(effect, []).append((possible[0], still_missing))
        outcomes = [self._outcome(effect, found, every) for effect, found in by_effect.items()]
        changes = [item for outcome in outcomes for item in outcome.verdicts]
        moved = {item.option for item in changes}
        settled = [{item.option for item in outcome.verdicts} for outcome in outcomes]
        always = set[str].intersection(*settled) if settled else set[str]()
        waiting = self._missing.would_decide
        return Worth(
            fact=fact,
            label=self._missing.label,
            question=self._missing.question,
            outcomes=tuple(outcomes),
            impossible=len(asked) - len(every),
            first_choices=len({outcome.first for outcome in outcomes} - {self._first}),
            usable=len({item.option for item in changes if item.usable}),
            options=len(moved),
            only_together=tuple(option for option in waiting if option not in moved),
            left_open=tuple(option for option in waiting if option in moved - always),
            partly=fact == PRIOR_SYSTEMIC,
        )

    def _possible(self, answer: Answer, members: Collection[str] | None) -> tuple[Answer, Patient] | None:
        """Return an answer that the rest of the record allows and the patient with it; ``None`` when it allows none.

        What the record demands of a set may be a member that makes no difference; so sets with such members are tried too.
        """
        known = self._knowledge.vocabulary.facts.get(self._missing.fact)
        spare = [str(value) for value in (known.values or {} if known else {}) if str(value) not in (members or ())]
        for count in range(len(spare) + 1 if members is not None else 1):
            for added in itertools.combinations(spare, count):
                value = [*answer.value, *added] if members is not None else answer.value
                record = changed(self._today.patient.to_record(), self._missing.fact, value)
                try:
                    return replace(answer, value=value), parse_patient(record, self._knowledge.option_ids)
                except RecordError:
                    continue
        return None

    def _effect(self, patient: Patient) -> tuple[Outcome, int]:
        """Return what one answer leads to, without the answer itself, and how many facts are then missing."""
        then = self._by_class.infer(patient)
        verdicts = tuple(
            VerdictChange(
                option=option,
                before=before.verdict,
                would_have_been=before.would_be,
                after=after.verdict,
                would_be=after.would_be,
            )
            for option, before in self._today.standings.items()
            if (after := then.standings[option]).verdict != before.verdict
        )
        effect = Outcome(
            text="",
            values=(),
            setting=then.setting if then.setting != self._today.setting else None,
            verdicts=verdicts,
            first=first_choice(self._knowledge, then),
            still_missing=(0, 0),
        )
        return effect, len(missing_facts(self._knowledge, then, OpenFacts(self._knowledge, then)))

    def _outcome(self, effect: Outcome, found: Iterable[tuple[Answer, int]], every: list[Answer]) -> Outcome:
        chosen, counts = zip(*found, strict=True)
        return effect.model_copy(
            update={
                "text": joined(self._knowledge, self._missing.fact, chosen, every),
                "values": tuple(answer.value for answer in chosen),
                "still_missing": (min(counts), max(counts)),
            }
        )


def _members(knowledge: Knowledge, today: Inference, fact: str) -> Collection[str] | None:
    """Return the members of a set that can still make a difference; ``None`` for a fact that is no set.

    What a rule says although the set is not known, it says whatever the set is. So only members count that staging or a rule
    without an answer reads.
    """
    known = knowledge.vocabulary.facts.get(fact)
    if known is None or known.kind != "set":
        return None
    read: set[str] = set()
    for rule_id, held in today.results.items():
        if held is None:
            rule = knowledge.rules[rule_id]
            read.update(read_by(rule, knowledge.options.get(rule.option or "")))
    for item in knowledge.staging:
        read.update(attributes_of(item.guard or ()))
        read.update(name for value in item.values for name in attributes_of(value.condition))
    found: Mapping[str, str | None] = {name: member_of(name) for name in read if fact_of(name) == fact}
    return {member for member in found.values() if member is not None}
