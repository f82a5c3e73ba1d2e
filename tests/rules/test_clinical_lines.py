"""Lines of the reviews that must hold, written as a board would ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hcc_decide.decision import Decision, Option
from hcc_decide.knowledge.catalogue import Knowledge

Decide = Callable[..., Decision]

FIRST: dict[str, Any] = {
    "bclc_stage": "C",
    "child_pugh_class": "A",
    "ecog": 1,
    "prior_systemic": [],
    "portal_vein_invasion": "none",
    "bile_duct_invasion": False,
    "liver_involvement_percent": 20,
    "varices": "none",
    "endoscopy_within_6_months": True,
    "region": "us",
}
TOLERATED = {
    "option": "sorafenib",
    "outcome": "progression",
    "radiological_progression": True,
    "last_daily_dose_mg": 400,
    "tolerated_days_of_last_28": 20,
}
SECOND: dict[str, Any] = {**FIRST, "prior_systemic": [TOLERATED], "afp_ng_ml": 120}


def option(decision: Decision, name: str) -> Option:
    """Return a listed option."""
    return next(item for item in decision.options if item.id == name)


def test_bevacizumab_needs_varices_looked_for_within_six_months_and_treated(decision_for: Decide) -> None:
    name = "atezolizumab+bevacizumab"
    assert decision_for(**FIRST).verdict_of(name) == "preferred"
    assert decision_for(**{**FIRST, "varices": "treated"}).verdict_of(name) == "preferred"
    assert decision_for(**{**FIRST, "varices": "untreated"}).verdict_of(name) == "ineligible"
    assert decision_for(**{**FIRST, "varices": "unspecified"}).verdict_of(name) == "undetermined"
    assert decision_for(**{**FIRST, "endoscopy_within_6_months": False}).verdict_of(name) == "ineligible"
    assert decision_for(**{**FIRST, "endoscopy_within_6_months": None}).verdict_of(name) == "undetermined"


def test_the_same_holds_for_the_biosimilar_combination(decision_for: Decide) -> None:
    record = {**FIRST, "region": "china"}
    assert decision_for(**record).verdict_of("sintilimab+bevacizumab") == "recommended"
    assert decision_for(**{**record, "varices": "untreated"}).verdict_of("sintilimab+bevacizumab") == "ineligible"


def test_bleeding_within_six_months_is_a_loud_caution_with_bevacizumab(decision_for: Decide) -> None:
    bled = option(decision_for(**{**FIRST, "bleeding_within_6_months": True}), "atezolizumab+bevacizumab")
    assert any("bleeding" in caution.text.lower() for caution in bled.cautions)
    assert any(item.effect == "disfavours" for item in bled.preferences)


def test_untreated_varices_leave_regimens_without_bevacizumab(decision_for: Decide) -> None:
    decision = decision_for(**{**FIRST, "varices": "untreated"})
    assert decision.options[0].id == "durvalumab+tremelimumab"
    assert decision.verdict_of("lenvatinib") == "recommended"
    assert decision.verdict_of("sorafenib") == "recommended"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"liver_involvement_percent": 49.9}, "recommended"),
        ({"liver_involvement_percent": 50}, "ineligible"),
        ({"bile_duct_invasion": True}, "ineligible"),
        ({"portal_vein_invasion": "main"}, "ineligible"),
        ({"portal_vein_invasion": "branch"}, "recommended"),
        ({"portal_vein_invasion": "unspecified"}, "undetermined"),
        ({"child_pugh_class": "B"}, "ineligible"),
    ],
)
def test_lenvatinib_keeps_to_the_population_of_its_trial(
    decision_for: Decide, changes: dict[str, Any], verdict: str
) -> None:
    assert decision_for(**{**FIRST, **changes}).verdict_of("lenvatinib") == verdict


def test_lenvatinib_is_dosed_by_weight_with_60_kg_in_the_upper_band(decision_for: Decide) -> None:
    assert "8 mg" in option(decision_for(**FIRST, weight_kg=59.9), "lenvatinib").regimen
    assert "12 mg" not in option(decision_for(**FIRST, weight_kg=59.9), "lenvatinib").regimen
    assert "12 mg" in option(decision_for(**FIRST, weight_kg=60), "lenvatinib").regimen
    both = option(decision_for(**FIRST), "lenvatinib").regimen
    assert "8 mg" in both
    assert "12 mg" in both


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "recommended"),
        ({"last_daily_dose_mg": 399}, "ineligible"),
        ({"tolerated_days_of_last_28": 19}, "ineligible"),
        ({"radiological_progression": False}, "ineligible"),
        ({"outcome": "intolerance", "radiological_progression": None}, "ineligible"),
        ({"outcome": "progression_and_intolerance"}, "ineligible"),
        ({"last_daily_dose_mg": None}, "undetermined"),
        ({"tolerated_days_of_last_28": None}, "undetermined"),
    ],
)
def test_regorafenib_only_after_tolerated_sorafenib(
    decision_for: Decide, changes: dict[str, Any], verdict: str
) -> None:
    decision = decision_for(**{**SECOND, "prior_systemic": [{**TOLERATED, **changes}]})
    assert decision.verdict_of("regorafenib") == verdict


def test_regorafenib_needs_child_pugh_a(decision_for: Decide) -> None:
    assert decision_for(**{**SECOND, "child_pugh_class": "B"}).verdict_of("regorafenib") == "ineligible"


@pytest.mark.parametrize(
    ("afp", "verdict"),
    [(399.9, "ineligible"), (400, "recommended"), (812, "recommended"), (None, "undetermined")],
)
def test_ramucirumab_from_an_afp_of_400(decision_for: Decide, afp: float | None, verdict: str) -> None:
    decision = decision_for(**{**SECOND, "afp_ng_ml": afp})
    assert decision.verdict_of("ramucirumab") == verdict
    asked = [item.fact for item in decision.missing if "ramucirumab" in item.would_decide]
    assert asked == (["afp_ng_ml"] if afp is None else [])


def test_ramucirumab_only_after_sorafenib(decision_for: Decide) -> None:
    record = {**SECOND, "afp_ng_ml": 812}
    assert decision_for(**{**record, "prior_systemic": ["lenvatinib"]}).verdict_of("ramucirumab") == "ineligible"
    assert (
        decision_for(**{**record, "prior_systemic": ["sorafenib:intolerance"]}).verdict_of("ramucirumab")
        == "recommended"
    )


def test_cabozantinib_as_second_or_third_line_after_sorafenib(decision_for: Decide) -> None:
    lines = ["sorafenib", "regorafenib", "nivolumab"]
    verdicts = [
        decision_for(**{**SECOND, "prior_systemic": lines[:count]}).verdict_of("cabozantinib") for count in (1, 2, 3)
    ]
    assert verdicts == ["recommended", "recommended", "ineligible"]
    assert decision_for(**{**SECOND, "prior_systemic": []}).verdict_of("cabozantinib") == "not_applicable"


@pytest.mark.parametrize("outcome", ["progression", "intolerance", "progression_and_intolerance"])
def test_nothing_that_failed_is_offered_again(knowledge: Knowledge, decision_for: Decide, outcome: str) -> None:
    for name in knowledge.options:
        record = {**FIRST, "region": "china", "prior_systemic": ["gemox", f"{name}:{outcome}"]}
        if knowledge.options[name].body.drugs:
            assert name not in [item.id for item in decision_for(**record).options]


def test_hepatitis_c_speaks_for_sorafenib_and_hepatitis_b_against(decision_for: Decide) -> None:
    with_hcv = option(decision_for(**FIRST, etiology=["hcv"]), "sorafenib")
    assert [item.effect for item in with_hcv.preferences] == ["favours"]
    with_hbv = option(decision_for(**FIRST, etiology=["hbv"]), "sorafenib")
    assert [item.effect for item in with_hbv.preferences] == ["disfavours"]


def test_hepatitis_b_and_a_high_afp_rank_lenvatinib_above_sorafenib(decision_for: Decide) -> None:
    decision = decision_for(**FIRST, etiology=["hbv"], afp_ng_ml=201)
    assert option(decision, "lenvatinib").rank < option(decision, "sorafenib").rank
    decision = decision_for(**FIRST, etiology=["hcv"], afp_ng_ml=200, extrahepatic_spread=False)
    assert option(decision, "lenvatinib").rank > option(decision, "sorafenib").rank


def test_spread_and_a_high_afp_speak_for_cabozantinib(decision_for: Decide) -> None:
    plain = option(decision_for(**{**SECOND, "afp_ng_ml": 400, "extrahepatic_spread": False}), "cabozantinib")
    assert plain.preferences == []
    both = option(decision_for(**{**SECOND, "afp_ng_ml": 401, "extrahepatic_spread": True}), "cabozantinib")
    assert [item.effect for item in both.preferences] == ["favours", "favours"]


def test_the_neutrophil_to_lymphocyte_ratio_is_shown_and_not_counted(decision_for: Decide) -> None:
    with_nlr, without = decision_for(**FIRST, nlr=1.4), decision_for(**FIRST)
    for name in ("sorafenib", "atezolizumab+bevacizumab"):
        assert "noted" in [item.effect for item in option(with_nlr, name).preferences]
    assert [(item.rank, item.id) for item in with_nlr.options] == [(item.rank, item.id) for item in without.options]


def test_child_pugh_b_leaves_alternatives_with_cautions(decision_for: Decide) -> None:
    decision = decision_for(**{**FIRST, "child_pugh_class": "B"})
    assert decision.verdict_of("atezolizumab+bevacizumab") == "ineligible"
    for name in ("sorafenib", "nivolumab", "gemox"):
        assert decision.verdict_of(name) == "alternative"
    assert option(decision, "sorafenib").cautions
    assert option(decision, "nivolumab").cautions
    assert "notices/child-pugh-b" in [item.rule for item in decision.notices]


@pytest.mark.parametrize(
    "record", [{"child_pugh_class": "C", "ecog": 1}, {"ecog": 3}, {"ecog": 4, **{"bclc_stage": "C"}}]
)
def test_child_pugh_c_or_ecog_3_to_4_is_supportive(decision_for: Decide, record: dict[str, Any]) -> None:
    decision = decision_for(**record)
    assert decision.setting == "supportive"
    assert decision.options[0].id == "best_supportive_care"
    assert decision.options[0].verdict == "preferred"
    usable = [item.id for item in decision.options if item.verdict in ("preferred", "recommended", "alternative")]
    assert usable == ["best_supportive_care"]


def test_liver_failure_in_a_transplant_candidate_keeps_transplantation_in_view(decision_for: Decide) -> None:
    verdicts = [
        decision_for(child_pugh_class="C", ecog=1, amenable_to_transplant=answer).verdict_of("transplantation")
        for answer in (True, False, None)
    ]
    assert verdicts == ["recommended", "ineligible", "undetermined"]


def test_regional_options_count_where_they_are_approved(decision_for: Decide) -> None:
    here, elsewhere = decision_for(**{**FIRST, "region": "china"}), decision_for(**FIRST)
    assert here.verdict_of("donafenib") == "recommended"
    assert elsewhere.verdict_of("donafenib") == "alternative"
    assert here.verdict_of("folfox4") == "alternative"
    assert elsewhere.verdict_of("folfox4") == "ineligible"
    assert decision_for(**{**FIRST, "region": None}).verdict_of("donafenib") == "undetermined"


@pytest.mark.parametrize(
    ("name", "record", "words"),
    [
        ("nivolumab", FIRST, "missed"),
        ("pembrolizumab", SECOND, "missed"),
        ("folfox4", {**FIRST, "region": "china"}, "missed"),
    ],
)
def test_a_missed_endpoint_is_said_to_be_missed(
    decision_for: Decide, name: str, record: dict[str, Any], words: str
) -> None:
    shown = option(decision_for(**record), name)
    assert shown.verdict == "alternative"
    assert words in shown.criteria[0].text
    assert any(words in trial.summary for trial in shown.evidence)


def test_tace_plus_sorafenib_is_not_recommended_and_shows_both_sides(decision_for: Decide) -> None:
    decision = decision_for(bclc_stage="B", child_pugh_class="A", ecog=0, amenable_to_tace=True)
    found = next(item for item in decision.excluded if item.id == "tace+sorafenib")
    assert found.verdict == "not_recommended"
    assert {trial.trial for trial in found.evidence} >= {"tactics", "tace-2"}
    assert decision.options[0].id == "tace"
    assert decision.options[0].verdict == "preferred"


def test_adjuvant_sorafenib_is_not_recommended_but_for_a_trial_in_microvascular_invasion(
    decision_for: Decide,
) -> None:
    record: dict[str, Any] = {
        "intent": "adjuvant",
        "child_pugh_class": "A",
        "ecog": 0,
        "prior_locoregional": ["resection"],
        "prior_systemic": [],
    }
    assert decision_for(**record, microvascular_invasion=False).verdict_of("sorafenib") == "not_recommended"
    assert decision_for(**record, microvascular_invasion=True).verdict_of("sorafenib") == "investigational"
    assert decision_for(**record).verdict_of("sorafenib") == "undetermined"


def test_after_atezolizumab_bevacizumab_the_reviews_offer_alternatives_only(decision_for: Decide) -> None:
    decision = decision_for(**{**FIRST, "prior_systemic": ["atezolizumab+bevacizumab"]})
    usable = {item.id: item.verdict for item in decision.options if item.would_be is None}
    assert usable["nivolumab+ipilimumab"] == "alternative"
    assert usable["lenvatinib"] == "alternative"
    assert usable["sorafenib"] == "alternative"
    assert not {"preferred", "recommended"} & set(usable.values())
    assert decision.verdict_of("nivolumab") == "ineligible"
    assert decision.verdict_of("pembrolizumab") in ("ineligible", "not_applicable")


def test_atezolizumab_bevacizumab_after_a_kinase_inhibitor_is_not_recommended(decision_for: Decide) -> None:
    assert decision_for(**SECOND).verdict_of("atezolizumab+bevacizumab") == "not_recommended"


def test_ecog_2_lowers_what_was_tried_in_ecog_0_to_1(decision_for: Decide) -> None:
    decision = decision_for(**{**FIRST, "ecog": 2})
    assert decision.verdict_of("atezolizumab+bevacizumab") == "alternative"
    assert decision.verdict_of("lenvatinib") == "alternative"
    assert decision.verdict_of("sorafenib") == "recommended"


def test_an_early_nodule_gets_the_curative_options_that_the_board_finds_possible(
    decision_for: Decide,
) -> None:
    decision = decision_for(
        bclc_stage="A",
        child_pugh_class="A",
        ecog=0,
        amenable_to_resection=True,
        amenable_to_ablation=True,
        amenable_to_transplant=False,
    )
    assert [(item.rank, item.id, item.verdict) for item in decision.options] == [
        (1, "ablation", "preferred"),
        (1, "resection", "preferred"),
    ]
    assert decision.verdict_of("transplantation") == "ineligible"


def test_the_effect_of_the_combination_ranks_above_drugs_that_did_not_outlive_sorafenib(
    decision_for: Decide,
) -> None:
    order = [item.id for item in decision_for(**{**FIRST, "region": "china"}).options]
    assert order.index("atezolizumab+bevacizumab") == 0
    assert order.index("sintilimab+bevacizumab") < order.index("durvalumab+tremelimumab") < order.index("lenvatinib")


def test_a_withdrawn_approval_is_told_on_the_option(decision_for: Decide) -> None:
    notices = [item for item in decision_for(**SECOND).notices if item.option == "nivolumab"]
    assert any("withdr" in item.text for item in notices)


def test_a_graft_is_warned_of_whatever_leads(decision_for: Decide) -> None:
    advanced = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 0, "prior_systemic": []}
    graft = decision_for(**advanced, prior_locoregional=["transplant"])
    assert "notices/liver-transplant" in {notice.rule for notice in graft.notices}
    resected = decision_for(**advanced, prior_locoregional=["resection"])
    assert "notices/liver-transplant" not in {notice.rule for notice in resected.notices}
