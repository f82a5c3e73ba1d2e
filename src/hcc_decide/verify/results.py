"""What a proof found: how much was shown for every patient, and the smallest patients for whom something is otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Record = Mapping[str, Any]

THEOREMS: Mapping[str, str] = {
    "one-value": "staging never asserts two values of a fact, and never leaves none",
    "known-when-complete": "with a complete record every derived fact is known",
    "one-verdict": "every option has exactly one verdict, whatever is known",
    "live": "every rule can hold for a patient whom it is about",
    "not-vacuous": "every rule can fail to hold for a patient whom it is about",
    "not-subsumed": "no rule says only what another rule of the option says already",
    "excluded-not-usable": "no option is usable while one of its exclusions applies",
    "failed-not-offered": "no treatment is offered that failed or was not tolerated before",
    "first-line-only": "after a line of systemic therapy nothing is offered that only a first line may have",
    "learning-keeps-verdicts": "learning a missing fact never contradicts a settled verdict",
    "outlook-is-the-best": "what an undetermined option would be is the best that it can become",
    "worse-child-pugh": "a worse Child–Pugh class raises no option within its setting",
    "worse-ecog": "a worse performance status raises no option within its setting",
    "untreated-varices": "untreated varices raise no option within its setting",
    "worse-changes-setting": "a worse liver, performance status or varices change the setting in known ways only",
    "usable-first-line": "whoever is complete, advanced, Child–Pugh A and ECOG 0 to 2 has a usable treatment in the first line",
    "usable-second-line": "and in the second line, after drugs of the catalogue",
    "order-agrees": "of two options in one group, the one with the smaller ratio against the same comparator stands first",
    "every-combination": "durable-rules and the proof agree on every combination of classes of what an option's rules read",
    "model-is-the-engine": "durable-rules gives the patients found the derived facts, criteria and verdicts of the proof",
}
"""Every theorem by its name, as a sentence."""


@dataclass(frozen=True)
class Failure:
    """Somebody for whom a theorem does not hold.

    Attributes:
        theorem: name of the theorem.
        subject: the rule, option or fact that it fails for; with the theorem it names the failure.
        text: what was found, in a sentence.
        patient: the smallest record that shows it, where one does.
        other: the record that it is compared with, where the theorem is about two.
    """

    theorem: str
    subject: str
    text: str
    patient: Record | None = None
    other: Record | None = None


@dataclass
class Tally:
    """What was shown of each theorem.

    Attributes:
        proved: by theorem, for how many subjects it holds for every patient.
        failures: for which subjects it does not.
        queries: how many questions the solver was asked.
        combinations: how many combinations of classes were judged by the proof and by durable-rules.
        enumerated: of how many options all of them were.
    """

    proved: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    queries: int = 0
    combinations: int = 0
    enumerated: int = 0

    def hold(self, theorem: str) -> None:
        """Note that a theorem holds for one subject more."""
        self.proved[theorem] = self.proved.get(theorem, 0) + 1

    def fail(self, failure: Failure) -> None:
        """Note that a theorem does not hold for a subject."""
        self.failures.append(failure)

    def add(self, others: Iterable[Tally]) -> Tally:
        """Add what others showed."""
        for other in others:
            for name, count in other.proved.items():
                self.proved[name] = self.proved.get(name, 0) + count
            self.failures += other.failures
            self.queries += other.queries
            self.combinations += other.combinations
            self.enumerated += other.enumerated
        return self
