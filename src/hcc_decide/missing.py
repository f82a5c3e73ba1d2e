"""Which facts are missing, and which options hang on each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hcc_decide.decision import VERDICTS, Missing
from hcc_decide.engine.inference import Inference
from hcc_decide.engine.program import condition_of
from hcc_decide.knowledge.catalogue import Knowledge, Treatment
from hcc_decide.knowledge.condition import Condition, State, fact_of, holds, member_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, fact_label
from hcc_decide.patient import PriorLine

OF_LINE = ("radiological_progression", "last_daily_dose_mg", "tolerated_days_of_last_28")
"""What may be missing of one prior line."""


def missing_facts(knowledge: Knowledge, inference: Inference, open_facts: OpenFacts) -> list[Missing]:
    """Return each missing fact with the options it would help to decide, the weightiest first.

    Options that would be excluded whatever the answer ask for nothing.
    """
    decides: dict[str, list[str]] = {}
    for option, standing in inference.standings.items():
        if standing.verdict == "undetermined" and standing.would_be not in ("ineligible", "not_recommended"):
            for fact in open_facts.behind(knowledge.options[option]):
                decides.setdefault(fact, []).append(option)

    def weight(item: tuple[str, list[str]]) -> tuple[int, int, str]:
        best = min(VERDICTS.index(inference.standings[option].would_be or "undetermined") for option in item[1])
        return best, -len(item[1]), item[0]

    return [
        Missing(
            fact=fact,
            label=label_of(knowledge, fact),
            question=question_of(knowledge, fact),
            would_decide=sorted(options),
        )
        for fact, options in sorted(decides.items(), key=weight)
    ]


class OpenFacts:
    """The facts that one patient's record lacks behind what is open. Each is looked for once."""

    def __init__(self, knowledge: Knowledge, inference: Inference) -> None:
        """Look for nothing yet."""
        self._knowledge = knowledge
        self._inference = inference
        self._of_attribute: dict[str, tuple[str, ...]] = {}
        self._of_option: dict[str, tuple[str, ...]] = {}

    def behind(self, treatment: Treatment) -> tuple[str, ...]:
        """Return the facts of the record that an undetermined option hangs on, sorted."""
        if treatment.id not in self._of_option:
            self._of_option[treatment.id] = tuple(sorted(self._option(treatment)))
        return self._of_option[treatment.id]

    def _option(self, treatment: Treatment) -> set[str]:
        inference = self._inference
        found: set[str] = set()
        for use in treatment.uses:
            outcome = inference.standings[treatment.id].outcomes.get(use.body.id)
            if outcome is None or outcome.verdict != "undetermined" or outcome.would_be == "ineligible":
                continue
            for rule in treatment.of_kind("indication", "include", "exclude", "reservation"):
                if use.body.id in rule.indications and inference.results.get(rule.id) is None:
                    found.update(self._condition(condition_of(rule, treatment)))
        return found

    def _condition(self, condition: Condition) -> Iterator[str]:
        """Yield the askable facts behind every literal that leaves a condition open."""
        for attribute in open_attributes(condition, self._inference.states):
            yield from self._attribute(attribute)

    def _attribute(self, attribute: str) -> tuple[str, ...]:
        if attribute not in self._of_attribute:
            self._of_attribute[attribute] = tuple(self._askable(attribute))
        return self._of_attribute[attribute]

    def _askable(self, attribute: str) -> Iterable[str]:
        name = fact_of(attribute)
        fact = self._knowledge.vocabulary.facts[name]
        patient = self._inference.patient
        if fact.source == "history":
            member = member_of(attribute)
            return [askable_of_history(patient.prior_systemic or (), name, member)]
        if fact.source == "computed":
            return [item for item in fact.from_ if getattr(patient, item) is None]
        if fact.source != "derived":
            return [name]
        derived = next(item for item in self._knowledge.staging if item.fact == name)
        possible = self._inference.states[name].values or frozenset()
        return sorted(
            {
                found
                for value in derived.values
                if value.value in possible or possible == frozenset([True, False])
                for found in self._condition(value.condition)
            }
        )


def askable_of_history(lines: Iterable[PriorLine], name: str, member: str | None) -> str:
    """Return what to ask for when a fact of the history is open.

    Args:
        lines: the prior lines as recorded.
        name: the fact.
        member: the option or class that it is about, if any.
    """
    # Known of the drug's own lines, it hangs on what drug a line without a name was.
    if name in OF_LINE and member and any(getattr(line, name) is None for line in lines if line.option == member):
        return f"{PRIOR_SYSTEMIC}[{member}].{name}"
    return PRIOR_SYSTEMIC


def open_attributes(condition: Condition, states: Mapping[str, State]) -> Iterator[str]:
    """Yield the attribute of every literal that leaves a condition open; the same may come up again."""
    for conjunction in condition:
        judged = [(literal, holds(literal.test, states[literal.attribute])) for literal in conjunction]
        if not any(answer is False for _, answer in judged):
            yield from (literal.attribute for literal, answer in judged if answer is None)


def label_of(knowledge: Knowledge, fact: str) -> str:
    """Return the label of a fact as `missing_facts` names it."""
    name, member = _parts(fact)
    return fact_label(knowledge, f"{name}[{member}]" if member else name)


def question_of(knowledge: Knowledge, fact: str) -> str:
    """Return the question that a fact answers."""
    name, member = _parts(fact)
    lines = knowledge.vocabulary.prior_systemic
    if name == PRIOR_SYSTEMIC:
        return lines.question
    if member:
        return f"{knowledge.options[member].body.name}: {lines.fields[name].question}"
    return knowledge.vocabulary.facts[name].question or knowledge.vocabulary.facts[name].label


def _parts(fact: str) -> tuple[str, str | None]:
    if fact.startswith(PRIOR_SYSTEMIC + "["):
        member, _, name = fact[len(PRIOR_SYSTEMIC) + 1 :].partition("].")
        return name, member
    return fact, None
