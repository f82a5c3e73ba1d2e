"""What is compared: all that an inference concludes about a patient, and the verdict fold in plain code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hcc_decide.decision import VERDICTS, Value, Verdict
from hcc_decide.engine.inference import Inference
from hcc_decide.knowledge.catalogue import Knowledge, Treatment
from hcc_decide.knowledge.condition import Scalar

Results = Mapping[str, bool | None]
Verdicts = Mapping[str, tuple[Verdict, Verdict | None]]


@dataclass(frozen=True)
class Conclusions:
    """What one way of running the rules concludes about one patient.

    Attributes:
        derived: for each fact that staging derives, the values still possible.
        disagreements: facts that the record gives otherwise than staging derives them, with the
            derived value.
        results: for each rule judged: true, false, or ``None`` while a fact is missing.
        verdicts: for each option its verdict and, when undetermined, what it would be.
    """

    derived: Mapping[str, frozenset[Scalar]]
    disagreements: Mapping[str, Value]
    results: Results
    verdicts: Verdicts


def conclusions_of(inference: Inference, knowledge: Knowledge) -> Conclusions:
    """Return what hcc-decide concluded."""
    return Conclusions(
        derived={item.fact: inference.states[item.fact].values or frozenset() for item in knowledge.staging},
        disagreements=inference.disagreements,
        results=inference.results,
        verdicts={name: (item.verdict, item.would_be) for name, item in inference.standings.items()},
    )


def possible_settings(derived: Mapping[str, frozenset[Scalar]]) -> frozenset[Scalar]:
    """Return the settings that staging leaves possible."""
    return derived["setting"]


@dataclass(frozen=True)
class _Use:
    rule: str
    base: Verdict
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    reservation: tuple[str, ...]


class PlainFold:
    """From results to verdicts in plain code, prepared once: docs/semantics.md, "Verdicts"."""

    def __init__(self, knowledge: Knowledge) -> None:
        """Note which rules bear on which indication."""
        self._uses = {name: _uses(treatment) for name, treatment in knowledge.options.items()}

    def verdicts(self, results: Results) -> Verdicts:
        """Return the verdict of every option."""
        return {name: _verdict(uses, results) for name, uses in self._uses.items()}


def _uses(treatment: Treatment) -> tuple[_Use, ...]:
    def ids(kind: str, indication: str) -> tuple[str, ...]:
        rules = (rule for rule in treatment.rules if rule.kind == kind and indication in rule.indications)
        return tuple(rule.id for rule in rules)

    return tuple(
        _Use(
            use.rule.id,
            use.body.verdict,
            ids("include", use.body.id),
            ids("exclude", use.body.id),
            ids("reservation", use.body.id),
        )
        for use in treatment.uses
    )


def _verdict(uses: tuple[_Use, ...], results: Results) -> tuple[Verdict, Verdict | None]:
    outlooks: list[Verdict] = []
    for use in uses:
        here = results.get(use.rule, False)
        if here is False:
            continue
        include = [results[name] for name in use.include]
        exclude = [results[name] for name in use.exclude]
        reservation = [results[name] for name in use.reservation]
        verdict = use.base
        if True in reservation and verdict in ("preferred", "recommended"):
            verdict = "alternative"
        blocked = False in include or True in exclude
        if blocked:
            verdict = "ineligible"
        if here and (blocked or None not in (*include, *exclude, *reservation)):
            return verdict, None
        outlooks.append(verdict)
    return ("undetermined", min(outlooks, key=VERDICTS.index)) if outlooks else ("not_applicable", None)


def differences(one: Conclusions, other: Conclusions) -> list[str]:
    """Name every part in which two conclusions differ; an empty list means that they are equal."""
    found: list[str] = []
    for part in ("derived", "disagreements", "results", "verdicts"):
        left, right = getattr(one, part), getattr(other, part)
        found += [
            f"{part} {name}: {left.get(name, 'absent')} and {right.get(name, 'absent')}"
            for name in sorted({*left, *right})
            if name not in left or name not in right or left[name] != right[name]
        ]
    return found
