"""Classes, grades, stages, settings and lines, on both sides of every boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hcc_decide.decision import Decision

Decide = Callable[..., Decision]

LABS = {"bilirubin_umol_l": 20, "albumin_g_l": 40, "inr": 1.1, "ascites": "none", "encephalopathy": "none"}
BURDEN = {
    "tumour_count": 1,
    "largest_tumour_cm": 2.0,
    "portal_vein_invasion": "none",
    "hepatic_vein_or_ivc_invasion": False,
    "extrahepatic_spread": False,
}
WELL = {"child_pugh_class": "A", "ecog": 0}
ADVANCED = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1}


def derived(decision: Decision, fact: str) -> object:
    """Return a derived value, or ``None`` when it was not derived."""
    return next((item.value for item in decision.derived if item.fact == fact), None)


@pytest.mark.parametrize(
    ("labs", "expected"),
    [
        (LABS, "A"),
        ({**LABS, "bilirubin_umol_l": 34.2}, "A"),  # 6 points
        ({**LABS, "bilirubin_umol_l": 51.4}, "B"),  # 7 points
        ({**LABS, "bilirubin_umol_l": 51.4, "ascites": "moderate_severe"}, "B"),  # 9 points
        ({**LABS, "bilirubin_umol_l": 51.4, "ascites": "moderate_severe", "inr": 1.7}, "C"),  # 10 points
        ({"child_pugh_score": 6}, "A"),
        ({"child_pugh_score": 7}, "B"),
        ({"child_pugh_score": 9}, "B"),
        ({"child_pugh_score": 10}, "C"),
    ],
)
def test_child_pugh_class_follows_from_laboratory_values_or_score(
    decision_for: Decide, labs: dict[str, Any], expected: str
) -> None:
    assert derived(decision_for(**labs), "child_pugh_class") == expected


def test_child_pugh_class_is_derived_as_soon_as_what_is_missing_cannot_change_it(
    decision_for: Decide,
) -> None:
    settled = {
        "bilirubin_umol_l": 60,
        "albumin_g_l": 25,
        "ascites": "moderate_severe",
    }  # 9 points and two items open
    assert derived(decision_for(**settled), "child_pugh_class") == "C"
    open_span = {"bilirubin_umol_l": 20, "albumin_g_l": 40, "ascites": "none"}
    assert derived(decision_for(**open_span), "child_pugh_class") is None


@pytest.mark.parametrize(
    ("bilirubin", "albumin", "grade"),
    [
        (10.0, 38.4, 1),  # −2.604
        (10.0, 38.3, 2),  # −2.5955
        (10.0, 24.2, 2),  # −1.397
        (10.0, 24.1, 3),  # −1.3885
    ],
)
def test_albi_grade_changes_at_minus_2_60_and_minus_1_39(
    decision_for: Decide, bilirubin: float, albumin: float, grade: int
) -> None:
    decision = decision_for(bilirubin_umol_l=bilirubin, albumin_g_l=albumin)
    assert derived(decision, "albi_grade") == grade


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({}, "0"),
        ({"largest_tumour_cm": 2.1}, "A"),
        ({"largest_tumour_cm": 9}, "A"),
        ({"child_pugh_class": "B"}, "A"),
        ({"tumour_count": 3, "largest_tumour_cm": 3}, "A"),
        ({"tumour_count": 3, "largest_tumour_cm": 3.1}, "B"),
        ({"tumour_count": 4, "largest_tumour_cm": 1}, "B"),
        ({"portal_vein_invasion": "branch"}, "C"),
        ({"portal_vein_invasion": "unspecified"}, "C"),
        ({"hepatic_vein_or_ivc_invasion": True}, "C"),
        ({"extrahepatic_spread": True}, "C"),
        ({"ecog": 1}, "C"),
        ({"ecog": 2}, "C"),
        ({"ecog": 3}, "D"),
        ({"child_pugh_class": "C"}, "D"),
        ({"extrahepatic_spread": True, "child_pugh_class": "C"}, "D"),
    ],
)
def test_bclc_stage_follows_from_burden_liver_and_performance_status(
    decision_for: Decide, changes: dict[str, Any], stage: str
) -> None:
    assert derived(decision_for(**{**BURDEN, **WELL, **changes}), "bclc_stage") == stage


def test_bclc_stage_stays_open_while_hepatic_vein_invasion_is_not_known(decision_for: Decide) -> None:
    record = {**BURDEN, **WELL}
    del record["hepatic_vein_or_ivc_invasion"]
    assert derived(decision_for(**record), "bclc_stage") is None


@pytest.mark.parametrize(
    ("record", "setting"),
    [
        ({**ADVANCED, "prior_systemic": []}, "first_line"),
        ({**ADVANCED, "prior_systemic": ["sorafenib"]}, "second_line"),
        ({**ADVANCED, "prior_systemic": ["sorafenib", "regorafenib"]}, "later_line"),
        ({**ADVANCED, "prior_systemic": [{"option": "other", "name": "a trial drug"}]}, "second_line"),
        (ADVANCED, "undetermined"),
        ({**WELL, "bclc_stage": "A", "amenable_to_ablation": True}, "curative"),
        (
            {
                **WELL,
                "bclc_stage": "A",
                "amenable_to_resection": False,
                "amenable_to_ablation": False,
                "amenable_to_transplant": False,
                "amenable_to_tace": True,
            },
            "locoregional",
        ),
        ({**WELL, "bclc_stage": "B", "amenable_to_tace": True}, "locoregional"),
        ({**WELL, "bclc_stage": "B", "refractory_to_tace": True, "prior_systemic": []}, "first_line"),
        (
            {**WELL, "bclc_stage": "B", "amenable_to_tace": False, "prior_systemic": ["lenvatinib"]},
            "second_line",
        ),
        ({**WELL, "bclc_stage": "B"}, "undetermined"),
        ({**WELL, "intent": "adjuvant"}, "adjuvant"),
        ({**WELL, "intent": "neoadjuvant"}, "neoadjuvant"),
        ({"child_pugh_class": "C"}, "supportive"),
        ({"ecog": 3}, "supportive"),
        ({"ecog": 4, "child_pugh_class": "A"}, "supportive"),
        ({"bclc_stage": "D"}, "supportive"),
        ({**ADVANCED, "intent": "adjuvant", "ecog": 3}, "supportive"),
        ({"tumour": "liver_metastasis"}, "liver_metastasis"),
        ({}, "undetermined"),
    ],
)
def test_setting_follows_from_stage_intent_amenability_and_prior_lines(
    decision_for: Decide, record: dict[str, Any], setting: str
) -> None:
    assert decision_for(**record).setting == setting


def test_a_stage_that_is_given_is_used_and_the_disagreement_is_told(decision_for: Decide) -> None:
    decision = decision_for(**{**BURDEN, **WELL}, bclc_stage="B", amenable_to_tace=True)
    assert decision.setting == "locoregional"
    notice = next(item for item in decision.notices if item.rule == "staging/bclc-stage/disagreement")
    assert "Given: B; derived: 0" in notice.text


def test_a_class_that_agrees_with_the_laboratory_values_gives_no_notice(decision_for: Decide) -> None:
    rules = [item.rule for item in decision_for(**LABS, child_pugh_class="A").notices]
    assert "staging/child-pugh-class/disagreement" not in rules
    rules = [item.rule for item in decision_for(**LABS, child_pugh_class="B").notices]
    assert "staging/child-pugh-class/disagreement" in rules


def test_a_score_that_cannot_come_from_the_laboratory_values_gives_a_notice(decision_for: Decide) -> None:
    rule = "notices/child-pugh-score-and-laboratory-values"
    assert rule in [item.rule for item in decision_for(**LABS, child_pugh_score=8).notices]
    assert rule not in [item.rule for item in decision_for(**LABS, child_pugh_score=5).notices]


def test_an_unusual_laboratory_value_asks_for_its_unit(decision_for: Decide) -> None:
    found = [
        [item.rule for item in decision_for(albumin_g_l=value).notices if item.option is None] for value in (3.9, 39)
    ]
    assert found == [["vocabulary/albumin_g_l/plausible"], []]


def test_a_liver_metastasis_has_no_barcelona_stage_but_can_be_end_stage(decision_for: Decide) -> None:
    metastasis = {"tumour": "liver_metastasis", **LABS, "ecog": 1}
    decision = decision_for(**metastasis)
    assert decision.setting == "liver_metastasis"
    assert derived(decision, "bclc_stage") is None
    assert derived(decision, "systemic_therapy_indicated") is None
    assert derived(decision, "child_pugh_class") == "A"
    assert derived(decision, "end_stage") is False
    assert derived(decision_for(**metastasis | {"ecog": 3}), "end_stage") is True
    assert derived(decision_for(**{**LABS, **BURDEN, "ecog": 1}), "bclc_stage") == "C"


def test_an_end_stage_patient_with_liver_metastases_is_pointed_to_supportive_care(decision_for: Decide) -> None:
    metastasis = {"tumour": "liver_metastasis", "child_pugh_class": "A"}
    said = {name: {notice.rule for notice in decision_for(**metastasis, ecog=name).notices} for name in (2, 3)}
    assert "notices/liver-metastasis-end-stage" in said[3]
    assert "notices/liver-metastasis-end-stage" not in said[2]
    assert "notices/liver-metastasis-and-checkpoint-inhibitors" in said[2]
    assert "notices/liver-metastasis-and-checkpoint-inhibitors" not in {
        notice.rule for notice in decision_for(**WELL).notices
    }
