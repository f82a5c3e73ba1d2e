"""How a verdict follows from criteria: the same few rules for every option, run on durable-rules like all others.

First what stands against an indication (blocked), what hangs on a missing fact (open) and what lowers it (reserved); then, with
their absence made explicit, the verdict of the indication; then the verdict of the option from its indications.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hcc_decide.decision import VERDICTS, Result, Verdict
from hcc_decide.engine.network import EngineError, Firing, RuleSet
from hcc_decide.engine.rules import NetFact, NetRule, NetTest

BASE: tuple[Verdict, ...] = ("preferred", "recommended", "alternative", "investigational", "not_recommended")


@dataclass(frozen=True)
class Findings:
    """What was found of one indication.

    Attributes:
        base: the verdict that the evidence gives it.
        applies: whether setting and ``when`` hold.
        include, exclude: the distinct results of its criteria (an exclusion that applies is ``not_met``).
        reservation: the distinct results of its reservations (one that applies is ``met``).
    """

    base: Verdict
    applies: Result
    include: frozenset[Result]
    exclude: frozenset[Result]
    reservation: frozenset[Result]


@dataclass(frozen=True)
class Outcome:
    """The verdict of one indication, or of a whole option.

    Attributes:
        verdict: ``not_applicable`` when the indication does not apply.
        would_be: with ``undetermined``: the verdict if what is missing turns out well.
        firings: the rules that led there.
    """

    verdict: Verdict
    would_be: Verdict | None
    firings: tuple[Firing, ...]


def _rule(name: str, asserts: tuple[str, str], **tests: str) -> NetRule:
    return NetRule(f"ranking/{name}", tuple(NetTest(key, value) for key, value in tests.items()), NetFact(*asserts))


def standing_rules() -> list[NetRule]:
    """Return the rules that say what stands against an indication."""
    return [
        _rule("blocked-by-criterion", ("blocked", "yes"), include="not_met"),
        _rule("blocked-by-exclusion", ("blocked", "yes"), exclude="not_met"),
        _rule("open-criterion", ("open", "yes"), include="unknown"),
        _rule("open-exclusion", ("open", "yes"), exclude="unknown"),
        _rule("open-reservation", ("open", "yes"), reservation="unknown"),
        _rule("reserved", ("reserved", "yes"), reservation="met"),
    ]


def verdict_rules() -> list[NetRule]:
    """Return the rules that give an indication its verdict."""
    rules = [
        _rule("not-applicable", ("verdict", "not_applicable"), applies="not_met"),
        _rule("ineligible", ("verdict", "ineligible"), applies="met", blocked="yes"),
        _rule("undetermined", ("verdict", "undetermined"), applies="met", blocked="no", open="yes"),
        _rule("undetermined-setting", ("verdict", "undetermined"), applies="unknown"),
        _rule("outlook-ineligible", ("outlook", "ineligible"), blocked="yes"),
    ]
    for verdict in BASE:
        lowered = "alternative" if verdict in ("preferred", "recommended") else verdict
        rules += [
            _rule(
                f"{verdict}",
                ("verdict", verdict),
                applies="met",
                blocked="no",
                open="no",
                reserved="no",
                base=verdict,
            ),
            _rule(
                f"{verdict}-with-reservation",
                ("verdict", lowered),
                applies="met",
                blocked="no",
                open="no",
                reserved="yes",
                base=verdict,
            ),
            _rule(f"outlook-{verdict}", ("outlook", verdict), blocked="no", reserved="no", base=verdict),
            _rule(
                f"outlook-{verdict}-with-reservation",
                ("outlook", lowered),
                blocked="no",
                reserved="yes",
                base=verdict,
            ),
        ]
    return rules


class Fold:
    """Folds criteria into verdicts. Outcomes are remembered by their findings, of which there are finitely many."""

    def __init__(self, module: Any = None) -> None:
        """Build the two rulesets."""
        self._standing = RuleSet("ranking-standing", standing_rules(), module=module)
        self._verdict = RuleSet("ranking-verdict", verdict_rules(), module=module)
        self._known: dict[Findings, Outcome] = {}
        # Few of the findings that differ differ in what either ruleset reads.
        self._first: dict[tuple[frozenset[Result], ...], list[Firing]] = {}
        self._second: dict[tuple[NetFact, ...], tuple[list[Firing], Verdict, Verdict]] = {}

    def indication(self, findings: Findings) -> Outcome:
        """Return the verdict of one indication."""
        outcome = self._known.get(findings)
        if outcome is None:
            outcome = self._known[findings] = self._infer(findings)
        return outcome

    def _infer(self, findings: Findings) -> Outcome:
        first = self._stand(findings.include, findings.exclude, findings.reservation)
        found = {firing.rule.asserts.name for firing in first}
        facts = [NetFact(name, "yes" if name in found else "no") for name in ("blocked", "open", "reserved")]
        facts += [NetFact("applies", findings.applies), NetFact("base", findings.base)]
        second, verdict, outlook = self._judge(tuple(facts))
        firings = sorted((*first, *second), key=lambda firing: firing.rule.source)
        return Outcome(verdict, outlook if verdict == "undetermined" else None, tuple(firings))

    def _stand(self, *results: frozenset[Result]) -> list[Firing]:
        found = self._first.get(results)
        if found is None:
            kinds = zip(("include", "exclude", "reservation"), results, strict=True)
            facts = [NetFact(kind, result) for kind, held in kinds for result in sorted(held)]
            found = self._first[results] = self._standing.run(facts)
        return found

    def _judge(self, facts: tuple[NetFact, ...]) -> tuple[list[Firing], Verdict, Verdict]:
        found = self._second.get(facts)
        if found is None:
            firings = self._verdict.run(facts)
            verdict, outlook = (
                _only(firing.rule.asserts.value for firing in firings if firing.rule.asserts.name == name)
                for name in ("verdict", "outlook")
            )
            found = self._second[facts] = firings, verdict, outlook
        return found

    def close(self) -> None:
        """Free the rulesets."""
        self._standing.close()
        self._verdict.close()


def _only(values: Iterable[object]) -> Verdict:
    distinct = set(values)
    if len(distinct) != 1:
        raise EngineError(f"an indication got {len(distinct)} verdicts: {sorted(map(str, distinct))}")
    return next(verdict for verdict in VERDICTS if verdict in distinct)


def of_option(outcomes: Iterable[Outcome]) -> tuple[Verdict, Verdict | None]:
    """Return the verdict of an option from its indications, of which at most one applies.

    An indication that surely applies decides. Otherwise one that may apply leaves the option undetermined.
    """
    found = list(outcomes)
    settled = {outcome.verdict for outcome in found if outcome.verdict not in ("not_applicable", "undetermined")}
    if len(settled) > 1:
        raise EngineError(f"an option got several verdicts: {sorted(settled)}")
    if settled:
        return settled.pop(), None
    outlooks = [outcome.would_be for outcome in found if outcome.verdict == "undetermined" and outcome.would_be]
    if outlooks:
        return "undetermined", min(outlooks, key=VERDICTS.index)
    return "not_applicable", None
