"""Each theorem fails for a rule base that breaks it, with the smallest patient who shows it."""

from __future__ import annotations

import pytest
import z3

from hcc_decide.decision import USABLE
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge, Use
from hcc_decide.patient import parse_patient
from hcc_decide.verify import scores, whole
from hcc_decide.verify.options import OptionProofs
from hcc_decide.verify.pairs import PairProofs, transitions
from hcc_decide.verify.replay import replay
from hcc_decide.verify.results import Failure, Tally
from hcc_decide.verify.staging import StagingProofs
from hcc_decide.verify.whole import GAPS, gaps, order
from hcc_decide.verify.world import Judged
from tests.verification.conftest import Change, Refused

REGORAFENIB = "options/regorafenib.yaml"
CHILD_PUGH_A = "    text: Child–Pugh class is A\n    when: {child_pugh_class: A}\n"
AFTER_SORAFENIB = "    settings: [second_line, later_line]\n    verdict: recommended\n"
EXCLUSIONS = "exclude:\n  - id: sorafenib-intolerance\n"


def failures(tally: Tally, theorem: str) -> list[Failure]:
    """Return what failed of one theorem."""
    return [item for item in tally.failures if item.theorem == theorem]


def only(tally: Tally, theorem: str) -> Failure:
    """Return the one failure of a theorem."""
    (found,) = failures(tally, theorem)
    return found


def test_a_criterion_that_nobody_can_meet_is_dead(changed: Change, refused: Refused) -> None:
    # Child–Pugh C is end-stage disease, in which the indication does not apply.
    knowledge = changed((REGORAFENIB, CHILD_PUGH_A, CHILD_PUGH_A.replace(": A}", ": C}")))
    found = failures(OptionProofs(knowledge, "regorafenib", refused).run(), "live")
    # Nor can a reservation count where nobody is left.
    assert {item.subject for item in found} == {f"options/regorafenib/{name}" for name in ("child-pugh-a", "ecog-2")}


def test_a_criterion_that_everybody_meets_is_vacuous(changed: Change, refused: Refused) -> None:
    knowledge = changed((REGORAFENIB, CHILD_PUGH_A, CHILD_PUGH_A.replace("child_pugh_class: A", "ecog: {at_most: 2}")))
    found = only(OptionProofs(knowledge, "regorafenib", refused).run(), "not-vacuous")
    assert found.subject == "options/regorafenib/child-pugh-a"


def test_an_exclusion_that_a_criterion_says_already_is_subsumed(changed: Change, refused: Refused) -> None:
    more = "exclude:\n  - {id: poor-liver, text: Child–Pugh B, when: {child_pugh_class: B}, claims: [SYS-073]}\n"
    knowledge = changed((REGORAFENIB, EXCLUSIONS, EXCLUSIONS.replace("exclude:\n", more)))
    found = failures(OptionProofs(knowledge, "regorafenib", refused).run(), "not-subsumed")
    assert "options/regorafenib/poor-liver" in {item.subject for item in found}
    assert all("says only what" in item.text for item in found)


def test_an_option_that_forgets_that_it_failed_is_found_with_the_smallest_patient(
    changed: Change, refused: Refused
) -> None:
    when = "when: {failed_option: {any_of: [regorafenib]}}"
    knowledge = changed((REGORAFENIB, when, when.replace("failed_option", "not_tolerated")))
    found = only(OptionProofs(knowledge, "regorafenib", refused).run(), "failed-not-offered")
    assert found.patient is not None
    record = dict(found.patient)
    lines = {line["option"]: line["outcome"] for line in record.pop("prior_systemic")}
    assert lines["regorafenib"] == "progression"
    assert record == {"tumour": "hcc", "intent": "treatment"}, "nothing else needs to be known"
    parse_patient(dict(found.patient), knowledge.option_ids)


def test_two_indications_that_apply_at_once_clash(changed: Change, refused: Refused) -> None:
    second = (
        "  - {id: again, text: once more, settings: [second_line], verdict: alternative, evidence_level: 1, "
        "provenance: review, claims: [SYS-062]}\n"
    )
    knowledge = changed((REGORAFENIB, "include:\n", f"{second}include:\n"))
    found = only(OptionProofs(knowledge, "regorafenib", refused).run(), "one-verdict")
    assert found.patient is not None
    assert len(found.patient["prior_systemic"]) == 1


def test_an_exclusion_that_does_not_exclude_is_found(
    knowledge: Knowledge, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    def criteria_only(self: Judged, use: Use) -> z3.BoolRef:
        return z3.Or([item.false for item in self.of(use, "include")])

    monkeypatch.setattr(Judged, "blocked", criteria_only)
    found = failures(OptionProofs(knowledge, "regorafenib", refused).run(), "excluded-not-usable")
    assert {item.subject for item in found} == {
        "options/regorafenib/sorafenib-intolerance",
        "options/regorafenib/already-failed",
    }


def test_a_first_line_that_comes_after_a_line_is_found(changed: Change, refused: Refused) -> None:
    line = "systemic_therapy_indicated: true, systemic_lines: {at_most: 0}}"
    knowledge = changed(("staging/setting.yaml", line, line.replace("at_most: 0", "at_most: 1")))
    found = only(OptionProofs(knowledge, "atezolizumab+cabozantinib", refused).run(), "first-line-only")
    assert found.patient is not None
    assert len(found.patient["prior_systemic"]) == 1


def test_two_values_of_one_fact_at_once_are_found(changed: Change, refused: Refused) -> None:
    knowledge = changed(("staging/child-pugh-class.yaml", "{at_most: 6}", "{at_most: 7}"))
    found = only(StagingProofs(knowledge, "child_pugh_class", refused).run(), "one-value")
    assert found.patient == {"child_pugh_score": 7}


def test_a_fact_without_a_value_is_found(changed: Change, refused: Refused) -> None:
    knowledge = changed(("staging/child-pugh-class.yaml", "{at_least: 7, at_most: 9}", "{at_least: 7, at_most: 8}"))
    found = only(StagingProofs(knowledge, "child_pugh_class", refused).run(), "one-value")
    assert found.patient == {"child_pugh_score": 9}


def test_a_fact_that_stays_open_with_a_complete_record_is_found(changed: Change, refused: Refused) -> None:
    file = "staging/macrovascular-invasion.yaml"
    knowledge = changed((file, "values:\n", "otherwise: unknown\nvalues:\n"))
    found = only(StagingProofs(knowledge, "bclc_stage", refused).run(), "known-when-complete")
    assert found.patient is not None
    assert found.patient["portal_vein_invasion"] == "none"


def test_a_way_to_a_value_that_never_counts_alone_is_found(changed: Change, refused: Refused) -> None:
    knowledge = changed(
        (
            "staging/end-stage.yaml",
            "      - {ecog: {at_least: 3}}\n",
            "      - {ecog: {at_least: 3}}\n      - {ecog: {at_least: 4}}\n",
        )
    )
    found = failures(StagingProofs(knowledge, "end_stage", refused).run(), "not-subsumed")
    assert len(found) == 1
    assert "ecog" in found[0].text


@pytest.mark.parametrize(
    ("theorem", "when"),
    [
        ("worse-child-pugh", "child_pugh_class: B"),
        ("worse-ecog", "ecog: {at_least: 2}"),
        ("untreated-varices", "varices: untreated"),
    ],
)
def test_an_option_for_those_who_are_worse_off_is_found(
    changed: Change, refused: Refused, theorem: str, when: str
) -> None:
    knowledge = changed((REGORAFENIB, CHILD_PUGH_A, CHILD_PUGH_A.replace("child_pugh_class: A", when)))
    found = only(PairProofs(knowledge, "regorafenib", refused).run(), theorem)
    assert found.patient is not None
    assert found.other is not None
    differing = {key for key in found.other if found.other.get(key) != found.patient.get(key)}
    assert len(differing) == 1, "the two patients differ in what is worse alone"
    engine = Engine(knowledge)
    before, after = (
        engine.infer(parse_patient(dict(record), knowledge.option_ids)).standings["regorafenib"]
        for record in (found.patient, found.other)
    )
    assert before.verdict != after.verdict or before.would_be != after.would_be


@pytest.mark.parametrize("theorem", ["learning-keeps-verdicts", "outlook-is-the-best"])
def test_a_verdict_that_does_not_wait_for_what_is_missing_is_found(
    knowledge: Knowledge, refused: Refused, monkeypatch: pytest.MonkeyPatch, theorem: str
) -> None:
    def nothing_open(self: Judged, use: Use) -> z3.BoolRef:
        return z3.BoolVal(False)

    def everything_reserved(self: Judged, use: Use) -> z3.BoolRef:
        return z3.Or([z3.Not(item.false) for item in self.of(use, "reservation")])

    if theorem == "learning-keeps-verdicts":
        monkeypatch.setattr(Judged, "open", nothing_open)
    else:
        monkeypatch.setattr(Judged, "reserved", everything_reserved)
    found = only(PairProofs(knowledge, "regorafenib", refused).run(), theorem)
    assert found.patient is not None
    assert found.other is not None


def test_a_change_of_setting_that_nobody_expects_is_found(knowledge: Knowledge, refused: Refused) -> None:
    tally = transitions(
        knowledge, refused, {"child_pugh_class": [("curative", "supportive"), ("adjuvant", "curative")]}
    )
    found = {item.subject: item for item in failures(tally, "worse-changes-setting")}
    assert found["child_pugh_class: adjuvant to curative"].text == "is expected and cannot happen"
    assert found["child_pugh_class: adjuvant to supportive"].patient is not None
    assert "child_pugh_class: curative to supportive" not in found


def test_a_hole_in_the_second_line_is_found(changed: Change, refused: Refused) -> None:
    later = "without a control arm\n    settings: [second_line, later_line]\n    verdict: alternative\n"
    knowledge = changed(("options/nivolumab.yaml", later, later.replace("alternative", "investigational")))
    found = only(gaps(knowledge, refused, "usable-second-line"), "usable-second-line")
    assert found.patient is not None
    engine = Engine(knowledge)
    standings = engine.infer(parse_patient(dict(found.patient), knowledge.option_ids)).standings
    care = {name for name, item in knowledge.options.items() if item.body.kind == "care"}
    assert {name for name, item in standings.items() if item.verdict in USABLE} <= care


def test_the_shipped_rules_have_no_hole(knowledge: Knowledge, refused: Refused) -> None:
    for theorem in GAPS:
        assert gaps(knowledge, refused, theorem).failures == []


def test_an_order_that_disagrees_with_the_ratios_is_found(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert order(knowledge).failures == []
    monkeypatch.setattr(whole, "behind", lambda place, group: len(group) - list(group).index(place))
    found = failures(order(knowledge), "order-agrees")
    assert any("does not stand before" in item.text for item in found)
    assert any("the order in which" in item.text for item in found)


def test_a_model_that_counts_points_otherwise_than_the_engine_is_found(
    engine: Engine, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replay(engine, "best_supportive_care", refused).failures == []
    monkeypatch.setattr(scores, "POINTS", {**scores.POINTS, "ascites": {"none": 3, "mild": 3, "moderate_severe": 3}})
    monkeypatch.setattr(scores, "ALBUMIN_G_L", (2.8, 3.5))
    monkeypatch.setattr(scores, "INR", (17, 23))
    # Which patient the solver picks is its own affair, so options are tried until one has laboratory values that matter.
    replays = (replay(engine, option, refused).failures for option in engine.knowledge.options)
    found = next((failures for failures in replays if failures), [])
    assert found
    assert all("the engine says" in item.text for item in found)
