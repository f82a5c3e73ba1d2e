"""From criteria to verdicts: every combination of findings, judged by the network and by a few lines of logic."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations, product

import pytest

from hcc_decide.decision import VERDICTS, Result, Verdict
from hcc_decide.engine.fold import BASE, Findings, Fold, Outcome, of_option
from hcc_decide.engine.network import EngineError, Firing, RuleSet
from hcc_decide.engine.rules import NetFact

RESULTS: tuple[Result, ...] = ("met", "not_met", "unknown")
SETS = [frozenset(chosen) for chosen in chain.from_iterable(combinations(RESULTS, size) for size in range(4))]


def right(findings: Findings) -> tuple[Verdict, Verdict | None]:
    """Say what the verdict of an indication is, in the words of the design."""
    if findings.applies == "not_met":
        return "not_applicable", None
    verdict: Verdict = findings.base
    if "met" in findings.reservation and verdict in ("preferred", "recommended"):
        verdict = "alternative"
    blocked = "not_met" in findings.include | findings.exclude
    if blocked:
        verdict = "ineligible"
    missing = "unknown" in findings.include | findings.exclude | findings.reservation
    if findings.applies == "unknown" or (missing and not blocked):
        return "undetermined", verdict
    return verdict, None


@pytest.mark.parametrize("base", BASE)
def test_every_combination_of_findings_gets_the_verdict_that_the_design_says(base: Verdict) -> None:
    fold = Fold()
    for applies, include, exclude, reservation in product(RESULTS, SETS, SETS, SETS):
        findings = Findings(base, applies, include, exclude, reservation)
        outcome = fold.indication(findings)
        assert (outcome.verdict, outcome.would_be) == right(findings), findings
        assert outcome.firings
    fold.close()


def test_findings_that_a_ruleset_cannot_tell_apart_are_judged_by_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[str, tuple[object, ...]]] = []
    run = RuleSet.run

    def counted(self: RuleSet, facts: Sequence[NetFact]) -> list[Firing]:
        runs.append((self.name, tuple(facts)))
        return run(self, facts)

    monkeypatch.setattr(RuleSet, "run", counted)
    fold = Fold()
    met = frozenset[Result](["met"])
    for base, applies in product(BASE, RESULTS):
        for include in SETS:
            findings = Findings(base, applies, include, met, frozenset())
            assert (fold.indication(findings).verdict, fold.indication(findings).would_be) == right(findings)
    fold.close()
    assert len(runs) == len(set(runs))
    first = [facts for name, facts in runs if name == "ranking-standing"]
    assert len(first) == len(SETS)


def _outcome(verdict: Verdict, would_be: Verdict | None = None) -> Outcome:
    return Outcome(verdict, would_be, ())


def test_an_option_none_of_whose_indications_applies_is_not_applicable() -> None:
    assert of_option([]) == of_option([_outcome("not_applicable")] * 2) == ("not_applicable", None)


def test_the_indication_that_applies_decides_over_one_that_may_apply() -> None:
    may = _outcome("undetermined", "preferred")
    for settled in ("ineligible", "not_recommended", "alternative"):
        assert of_option([may, _outcome("not_applicable"), _outcome(settled)]) == (settled, None)


def test_an_option_that_waits_shows_the_best_verdict_it_may_get() -> None:
    for first, second in combinations([v for v in VERDICTS if v not in ("undetermined", "not_applicable")], 2):
        waiting = [_outcome("undetermined", second), _outcome("undetermined", first)]
        assert of_option(waiting) == ("undetermined", first)


def test_an_option_with_two_different_verdicts_is_an_error_of_the_rule_base() -> None:
    with pytest.raises(EngineError, match="several verdicts"):
        of_option([_outcome("recommended"), _outcome("ineligible")])
