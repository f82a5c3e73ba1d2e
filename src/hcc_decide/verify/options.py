"""Theorems about one option: each is shown for every patient, or the smallest patient is found who breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import z3

from hcc_decide.decision import LISTED, USABLE
from hcc_decide.knowledge.catalogue import Knowledge, Rule, Treatment, Use
from hcc_decide.verify.asking import Asker
from hcc_decide.verify.fields import Saying
from hcc_decide.verify.results import Failure, Tally
from hcc_decide.verify.truth import Truth
from hcc_decide.verify.world import Judged, World

BLOCKING = ("include", "exclude")
SHOWN = ("caution", "preference", "variant")


class OptionProofs:
    """The theorems about one option and one patient."""

    def __init__(self, knowledge: Knowledge, option: str, refused: tuple[tuple[Saying, Saying], ...]) -> None:
        """Make the patient and judge the option."""
        self._knowledge = knowledge
        self.treatment: Treatment = knowledge.options[option]
        failed = f"failed_option[{option}]"
        self.world = World(knowledge, (*self.treatment.attributes, failed, "systemic_lines"), refused)
        self.judged = Judged(self.world, self.treatment)
        self._failed = failed
        self.tally = Tally()

    @cached_property
    def _ask(self) -> Asker:
        return Asker([self.world], self.tally)

    def run(self) -> Tally:
        """Prove everything."""
        self._one_verdict()
        for rule in self.treatment.rules:
            if rule.id in self.judged.rules:
                self._live(rule)
        self._subsumed()
        self._excluded()
        self._never_again()
        self._first_line_only()
        return self.tally

    def _claim(self, theorem: str, subject: str, text: str, *against: z3.BoolRef) -> None:
        """Prove that nobody is as ``against`` says, or keep the smallest patient who is."""
        model = self._ask.smallest(*against)
        if model is None:
            self.tally.hold(theorem)
        else:
            self.tally.fail(Failure(theorem, subject, text, self.world.record(model)))

    def _found(self, theorem: str, subject: str, text: str, *wanted: tuple[z3.BoolRef, ...]) -> None:
        """Prove that somebody is as one of ``wanted`` says."""
        if any(self._ask.possible(*what) is not None for what in wanted):
            self.tally.hold(theorem)
        else:
            self.tally.fail(Failure(theorem, subject, text))

    def _one_verdict(self) -> None:
        every = list(self.judged.verdicts.values())
        wrong = z3.Or(z3.Not(z3.AtMost(*every, 1)), z3.Not(z3.Or(every)))
        self._claim("one-verdict", self.treatment.id, "has several verdicts at once, or none", wrong)

    def _uses(self, rule: Rule) -> list[Use]:
        return [use for use in self.treatment.uses if use.body.id in rule.indications or use.rule is rule]

    def _live(self, rule: Rule) -> None:
        """Show that a rule can be true and can be false where it matters."""
        truth = self.judged.rules[rule.id]
        here = [()] if rule.kind == "indication" else [tuple(self._where(rule, use)) for use in self._uses(rule)]
        dead = f"can never hold for a patient whom it is about: {rule.text}"
        self._found("live", rule.id, dead, *((truth.true, *place) for place in here))
        vacuous = f"holds for every patient whom it is about: {rule.text}"
        self._found("not-vacuous", rule.id, vacuous, *((truth.false, *place) for place in here))

    def _where(self, rule: Rule, use: Use) -> Iterator[z3.BoolRef]:
        """Yield what holds of a patient whom a rule is about: the indication applies; what is only shown is shown."""
        yield self.judged.rules[use.rule.id].true
        if rule.kind in SHOWN or rule.kind == "reservation":
            yield z3.Not(self.judged.blocked(use))

    def _subsumed(self) -> None:
        rules = self.treatment.of_kind("include", "exclude", "reservation", "caution", "preference")
        for rule in rules:
            others = [other for other in rules if other is not rule and self._alike(rule, other)]
            uses = self._uses(rule)
            covering = [
                [other for other in others if other in self._bearing(use) and self._implied(rule, other, use)]
                for use in uses
            ]
            common = [other for other in others if all(other in found for found in covering)]
            if common and uses:
                text = f"says only what {common[0].name} says already: {rule.text}"
                self.tally.fail(Failure("not-subsumed", rule.id, text))
            else:
                self.tally.hold("not-subsumed")

    @staticmethod
    def _alike(rule: Rule, other: Rule) -> bool:
        if rule.kind in BLOCKING:
            return other.kind in BLOCKING
        return other.kind == rule.kind and other.effect == rule.effect

    def _bearing(self, use: Use) -> list[Rule]:
        return [rule for rule in self.treatment.rules if use.body.id in rule.indications]

    def _implied(self, rule: Rule, other: Rule, use: Use) -> bool:
        """Whether a rule never speaks but when another does; one that is only shown must also speak whenever that does."""
        applies = self.judged.rules[use.rule.id].true
        one, two = self._speaks(rule), self._speaks(other)
        if self._ask.possible(applies, one.true, z3.Not(two.true)) is not None:
            return False
        if rule.kind in BLOCKING or rule.kind == "reservation":
            # One that can never speak is dead, which is told elsewhere.
            return self._ask.possible(applies, one.true) is not None
        return self._ask.possible(applies, two.true, z3.Not(one.true)) is None

    def _speaks(self, rule: Rule) -> Truth:
        truth = self.judged.rules[rule.id]
        return Truth(truth.false, truth.true) if rule.kind == "include" else truth

    def _excluded(self) -> None:
        usable = self.judged.any_of(USABLE)
        for rule in self.treatment.of_kind("exclude"):
            here = z3.Or([self.judged.rules[use.rule.id].true for use in self._uses(rule)])
            self._claim(
                "excluded-not-usable",
                rule.id,
                "is met, and still the option is usable",
                here,
                self.judged.rules[rule.id].true,
                usable,
            )

    def _never_again(self) -> None:
        if not self.treatment.body.drugs:
            return
        failed = self.world.among(self._failed, [True])
        self._claim(
            "failed-not-offered",
            self.treatment.id,
            "failed or was not tolerated, and still comes into question",
            failed.true,
            z3.Or([self.judged.at_best(verdict) for verdict in LISTED if verdict != "undetermined"]),
        )

    def _first_line_only(self) -> None:
        history = self.world.history
        assert history is not None
        for use in self.treatment.uses:
            if use.settings == ("first_line",):
                self._claim(
                    "first-line-only",
                    use.rule.id,
                    "may apply after a line of systemic therapy",
                    history.known,
                    history.count > 0,
                    z3.Not(self.judged.rules[use.rule.id].false),
                )
