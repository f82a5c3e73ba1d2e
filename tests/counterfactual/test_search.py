"""What it would take: cases from the reviews, and what every answer promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_decide.answers import changed
from hcc_decide.counterfactual import ways
from hcc_decide.counterfactual.search import search
from hcc_decide.counterfactual.shape import GOALS, Change, Counterfactuals
from hcc_decide.counterfactual.text import text
from hcc_decide.decide import decide
from hcc_decide.decision import USABLE
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.inference import Inference
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.patient import Patient, parse_patient
from hcc_decide.scores import albi_score
from tests.conftest import ROOT
from tests.counterfactual.conftest import Search
from tests.properties.strategies import records

ADVANCED: dict[str, Any] = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1}
UNTREATED: dict[str, Any] = {**ADVANCED, "prior_systemic": []}
AFTER_SORAFENIB: dict[str, Any] = {**ADVANCED, "prior_systemic": ["sorafenib"]}
ATEZO_BEV = "atezolizumab+bevacizumab"
SAFE: dict[str, Any] = {
    "varices": "none",
    "endoscopy_within_6_months": True,
    "bleeding_within_6_months": False,
    "autoimmune_disease": False,
}
OPTIONS = ["ramucirumab", "regorafenib", ATEZO_BEV, "sorafenib", "resection", "tace", "cabozantinib"]
IDS = load_knowledge(ROOT / "rules").option_ids


def only_change(found: Counterfactuals) -> Change:
    """Return the change of the one answer, when it is of one fact and in one way."""
    (answer,) = found.answers
    (way,) = answer.ways
    (change,) = way.changes
    return change


def needed(change: Change, by: str) -> list[str]:
    return [item.text for item in change.needed if item.by == by]


def test_an_afp_that_is_not_known_is_to_be_found_out(search_for: Search) -> None:
    found = search_for("ramucirumab", **AFTER_SORAFENIB)
    change = only_change(found)
    assert (found.verdict, found.would_be) == ("undetermined", "recommended")
    assert (change.fact, change.by, change.now) == ("afp_ng_ml", "test", "not known")
    assert needed(change, "test") == ["at least 400 ng/mL"]
    (way,) = found.answers[0].ways
    assert way.verdict == "recommended"
    assert [rule.rule for rule in way.turns] == ["options/ramucirumab/afp-400-or-more"]
    assert found.whole
    assert found.answers[0].actionable


def test_a_low_afp_cannot_be_changed(search_for: Search) -> None:
    change = only_change(search_for("ramucirumab", afp_ng_ml=120, **AFTER_SORAFENIB))
    assert (change.by, change.value, change.how) == ("fixed", 400, None)


def test_untreated_varices_are_to_be_treated(search_for: Search) -> None:
    found = search_for(ATEZO_BEV, **UNTREATED, **SAFE | {"varices": "untreated"})
    change = only_change(found)
    assert (change.fact, change.by, change.value) == ("varices", "treatment", "treated")
    assert needed(change, "treatment") == ["present and treated"]
    assert needed(change, "fixed") == ["none"]
    assert change.how is not None
    assert [rule.rule for rule in found.answers[0].ways[0].turns] == [
        "options/atezolizumab+bevacizumab/varices-absent-or-treated"
    ]


def test_whether_known_varices_are_treated_can_be_found_out(search_for: Search) -> None:
    change = only_change(search_for(ATEZO_BEV, **UNTREATED, **SAFE | {"varices": "unspecified"}))
    assert needed(change, "test") == ["present and treated"]
    assert needed(change, "fixed") == ["none"]


def test_child_pugh_b_by_class_has_to_become_a(search_for: Search) -> None:
    change = only_change(search_for(ATEZO_BEV, **UNTREATED | {"child_pugh_class": "B"}, **SAFE))
    assert (change.fact, change.by, change.value) == ("child_pugh_class", "treatment", "A")


def test_child_pugh_b_from_laboratory_values_names_every_pair_that_does(search_for: Search) -> None:
    laboratory = {"bilirubin_umol_l": 44, "albumin_g_l": 31, "inr": 1.3, "ascites": "mild", "encephalopathy": "none"}
    record = {name: value for name, value in UNTREATED.items() if name != "child_pugh_class"}
    found = search_for(ATEZO_BEV, **record, **laboratory, **SAFE)
    assert {frozenset(answer.facts) for answer in found.answers} == {
        frozenset(pair)
        for pair in (
            ("bilirubin_umol_l", "albumin_g_l"),
            ("bilirubin_umol_l", "ascites"),
            ("albumin_g_l", "ascites"),
        )
    }
    by_fact = {change.fact: change for answer in found.answers for way in answer.ways for change in way.changes}
    assert needed(by_fact["bilirubin_umol_l"], "treatment") == ["below 34.2 µmol/L"]
    assert needed(by_fact["albumin_g_l"], "treatment") == ["above 35 g/L"]
    assert all(answer.actionable for answer in found.answers)


def test_a_class_is_not_changed_without_the_score_that_it_rests_on(search_for: Search) -> None:
    record = {**UNTREATED, "child_pugh_class": "B", "child_pugh_score": 8}
    found = search_for(ATEZO_BEV, **record, **SAFE)
    assert [set(answer.facts) for answer in found.answers] == [{"child_pugh_class", "child_pugh_score"}]
    # Where the record contradicts itself already, the class counts, as it does today.
    disputed = search_for(ATEZO_BEV, **record | {"child_pugh_score": 5}, **SAFE)
    assert only_change(disputed).fact == "child_pugh_class"


def test_progression_after_intolerance_is_no_matter_of_treatment(search_for: Search) -> None:
    found = search_for("regorafenib", **ADVANCED, prior_systemic=["sorafenib:intolerance"])
    change = only_change(found)
    assert (change.fact, change.by) == ("prior_systemic", "fixed")
    assert not found.answers[0].actionable


def test_a_dose_that_is_not_known_is_a_fact_of_its_own(search_for: Search) -> None:
    line = {
        "option": "sorafenib",
        "outcome": "progression",
        "radiological_progression": True,
        "tolerated_days_of_last_28": 28,
    }
    change = only_change(search_for("regorafenib", **ADVANCED, prior_systemic=[line]))
    assert (change.fact, change.by) == ("prior_systemic[sorafenib].last_daily_dose_mg", "test")
    assert needed(change, "test") == ["at least 400 mg"]
    known = only_change(search_for("regorafenib", **ADVANCED, prior_systemic=[{**line, "last_daily_dose_mg": 200}]))
    assert (known.fact, known.by) == ("prior_systemic[sorafenib].last_daily_dose_mg", "fixed")


def test_a_line_that_nobody_has_had_yet_comes_with_the_course_of_the_disease(search_for: Search) -> None:
    found = search_for("ramucirumab", **UNTREATED, afp_ng_ml=812)
    (answer,) = found.answers
    assert answer.facts == ["prior_systemic"]
    assert answer.by == "course"
    assert answer.ways[0].changes[0].needed[0].text.startswith("a first line: Sorafenib")


def test_a_further_line_keeps_the_recorded_ones(search_for: Search) -> None:
    found = search_for("regorafenib", **ADVANCED, prior_systemic=[ATEZO_BEV])
    change = found.answers[0].ways[0].changes[0]
    assert change.by == "course"
    assert change.value[0]["option"] == ATEZO_BEV
    assert change.value[-1]["option"] == "sorafenib"


def test_a_line_that_goes_on_has_to_end_first(search_for: Search) -> None:
    found = search_for(
        "cabozantinib", to="ineligible", **ADVANCED, prior_systemic=[{"option": ATEZO_BEV, "outcome": "ongoing"}]
    )
    lines = [
        change.value
        for answer in found.answers
        for way in answer.ways
        for change in way.changes
        if change.fact == "prior_systemic" and change.by == "course"
    ]
    assert lines
    assert all(line["outcome"] != "ongoing" for history in lines for line in history[:1])


def test_an_option_that_has_the_verdict_needs_nothing(search_for: Search) -> None:
    found = search_for("ramucirumab", afp_ng_ml=812, **AFTER_SORAFENIB)
    assert found.already
    assert found.answers == []
    assert not found.impossible


def test_an_option_of_another_tumour_is_proved_to_be_out_of_reach(search_for: Search) -> None:
    found = search_for("ramucirumab", tumour="liver_metastasis", primary_site="colorectal")
    assert found.impossible
    assert not found.already


def test_no_answer_makes_a_fact_unknown_or_breaks_a_record(search_for: Search) -> None:
    found = search_for("tace", **UNTREATED, refractory_to_tace=True, prior_locoregional=["tace"])
    for answer in found.answers:
        for way in answer.ways:
            assert all(change.value is not None for change in way.changes)


def test_other_verdicts_can_be_wanted(search_for: Search) -> None:
    found = search_for("ramucirumab", to="ineligible", afp_ng_ml=812, **AFTER_SORAFENIB)
    assert found.wanted == ["ineligible"]
    assert "afp_ng_ml" in {fact for answer in found.answers for fact in answer.facts}


def test_what_is_not_all_says_so(search_for: Search) -> None:
    record = {"tumour_count": 1, "largest_tumour_cm": 1.5, "ecog": 0, "child_pugh_class": "A", "prior_systemic": []}
    few = search_for("sorafenib", most=2, **record)
    every = search_for("sorafenib", **record)
    assert len(few.answers) == 2
    assert not few.whole
    assert every.whole
    assert len(every.answers) > 2
    assert max(len(answer.facts) for answer in few.answers) <= min(len(answer.facts) for answer in every.answers[2:])


def test_another_name_of_an_option_asks_for_the_same(search_for: Search) -> None:
    assert search_for("transplant", **UNTREATED) == search_for("transplantation", **UNTREATED)


@pytest.mark.parametrize("to", ["undetermined", "good"])
def test_what_can_be_no_goal_is_refused(search_for: Search, to: str) -> None:
    with pytest.raises(ValueError, match="is refused; allowed are preferred"):
        search_for("ramucirumab", to=to)


def test_an_unknown_option_and_no_answers_at_all_are_refused(search_for: Search) -> None:
    with pytest.raises(KeyError):
        search_for("water")
    with pytest.raises(ValueError, match="1 or more"):
        search_for("ramucirumab", most=0)


def test_what_the_engine_does_not_confirm_is_an_error(by_class: ByClass, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = parse_patient(AFTER_SORAFENIB, IDS)
    really = by_class.infer

    def contrary(asked: Patient) -> Inference:
        found = really(asked)
        if asked == patient:
            return found
        standing = replace(found.standings["ramucirumab"], verdict="ineligible")
        return replace(found, standings={**found.standings, "ramucirumab": standing})

    monkeypatch.setattr(by_class, "infer", contrary)
    with pytest.raises(ways.UnconfirmedError, match="does not confirm"):
        search(patient, by_class, "ramucirumab")


def test_a_grade_that_is_given_does_not_change_with_one_laboratory_value_alone(search_for: Search) -> None:
    laboratory = {"bilirubin_umol_l": 40, "albumin_g_l": 36, "inr": 1.8, "ascites": "none", "encephalopathy": "none"}
    record = {name: value for name, value in AFTER_SORAFENIB.items() if name != "child_pugh_class"}
    found = search_for("ramucirumab", **record, **laboratory, afp_ng_ml=500, albi_grade=2)
    for answer in found.answers:
        for way in answer.ways:
            values: dict[str, Any] = {**laboratory, "albi_grade": 2} | {
                change.fact: change.value for change in way.changes
            }
            score = albi_score(values["bilirubin_umol_l"], values["albumin_g_l"])
            assert values["albi_grade"] == (1 if score <= -2.6 else 2 if score <= -1.39 else 3)


def test_a_record_that_says_nothing_has_answers_that_the_engine_confirms(search_for: Search) -> None:
    found = search_for("regorafenib")
    assert found.answers
    assert all(answer.by == "test" for answer in found.answers)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=records(sorted(set(OPTIONS) - {"resection", "tace"})), option=st.sampled_from(OPTIONS), data=st.data())
def test_every_change_keeps_its_promise(
    engine: Engine, by_class: ByClass, record: dict[str, Any], option: str, data: st.DataObject
) -> None:
    goal = data.draw(st.sampled_from([None, *GOALS]))
    patient = parse_patient(record, engine.knowledge.option_ids)
    found = search(patient, by_class, option, goal, most=3)
    assert max((len(line.text) for line in text(found, stamp="")), default=0) <= 80
    wanted = USABLE if goal is None else (goal,)
    for answer in found.answers[:1]:
        for way in answer.ways[:1]:
            other = patient.to_record()
            for change in way.changes:
                other = changed(other, change.fact, change.value)
            decision = decide(parse_patient(other, engine.knowledge.option_ids), engine)
            verdicts = {item.id: item.verdict for item in decision.options}
            verdicts |= {item.id: item.verdict for item in decision.excluded}
            assert verdicts[option] == way.verdict
            assert way.verdict in wanted
