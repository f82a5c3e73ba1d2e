"""A small cohort's counts, made by hand, for tests of what is written about them."""

from __future__ import annotations

from collections import Counter

from hcc_decide.cohort.reporting.summary import About, Disagreement
from hcc_decide.cohort.tally import Tally

HOSTILE = '<script>alert("1")</script> | **a**\n# b'
"""What a cell of a table may hold."""

FIRST = "atezolizumab+bevacizumab"


def tally() -> Tally:
    """Return the counts over 1,000 decided and 20 refused rows."""
    return Tally(
        rows=1000,
        refused=20,
        classes=40,
        problems=Counter({"bilirubin_umol_l": 12, "ecog": 9, f"the record is text: {HOSTILE}": 1}),
        given=Counter(
            {"bilirubin_umol_l": 1000, "albumin_g_l": 900, "ecog": 1000, "afp_ng_ml": 400, "prior_systemic": 950}
        ),
        settings=Counter({"first_line": 600, "second_line": 300, "undetermined": 100}),
        stages=Counter(
            {("first_line", "C"): 500, ("first_line", "B"): 100, ("second_line", "C"): 300, ("undetermined", None): 100}
        ),
        first_choices=Counter(
            {
                ("first_line", FIRST): 550,
                ("first_line", ""): 50,
                ("second_line", "cabozantinib"): 200,
                ("second_line", "cabozantinib;ramucirumab"): 100,
                ("undetermined", ""): 100,
            }
        ),
        verdicts=Counter(
            {
                ("first_line", FIRST, "preferred"): 550,
                ("first_line", FIRST, "ineligible"): 50,
                ("second_line", "cabozantinib", "recommended"): 300,
                ("second_line", "ramucirumab", "undetermined"): 200,
                ("second_line", "ramucirumab", "recommended"): 100,
            }
        ),
        excluded=Counter(
            {
                ("first_line", "sorafenib", "options/sorafenib/already-failed"): 7,
                ("second_line", "sorafenib", "options/sorafenib/already-failed"): 280,
                ("second_line", "ramucirumab", "options/ramucirumab/afp-400-or-more"): 30,
            }
        ),
        missing=Counter(
            {("second_line", "afp_ng_ml"): 200, ("undetermined", "ecog"): 100, ("undetermined", "afp_ng_ml"): 10}
        ),
        missing_first=Counter({"ecog": 100, "afp_ng_ml": 20}),
        notices=Counter({"notices/child-pugh-b": 80, "vocabulary/bilirubin_umol_l/plausible": 850}),
        cautions=Counter({(FIRST, "options/sorafenib/child-pugh-b-toxicity"): 12}),
        unusual=Counter({"bilirubin_umol_l": 850, "afp_ng_ml": 1}),
        other_unit=Counter({("bilirubin_umol_l", "mg/dL"): 849}),
    )


def with_given() -> Tally:
    """Return the same with a column of what was given."""
    found = tally()
    found.concordance = Counter(
        {
            ("first_line", "first_choice", FIRST): 400,
            ("first_line", "usable", "sorafenib"): 100,
            ("first_line", "investigational", "nivolumab"): 10,
            ("first_line", "against", "sorafenib"): 40,
            ("first_line", "elsewhere", "regorafenib"): 20,
            ("first_line", "not_understood", ""): 25,
            ("first_line", "not_told", ""): 5,
            ("second_line", "first_choice", "cabozantinib"): 30,
            ("second_line", "undetermined", "ramucirumab"): 270,
            ("undetermined", "undetermined", "sorafenib"): 100,
        }
    )
    found.reasons = Counter({("sorafenib", "options/sorafenib/already-failed"): 40})
    found.not_understood = Counter({HOSTILE: 24, "sorafenib and tace": 1})
    return found


def about() -> About:
    """Return what else is known of the run."""
    return About(
        input="patients.csv",
        output="decisions.parquet",
        date="2026-01-02 03:04 UTC",
        seconds=1.25,
        absent=("nlr", "varices"),
        ignored=("ward", HOSTILE),
        rejects="decisions.rejects.csv",
    )


def about_given() -> About:
    """Return the same of a run with a column of what was given."""
    wrong = Disagreement(
        line=17,
        case_id=HOSTILE,
        setting="first_line",
        option="sorafenib",
        agreement="against",
        rank=None,
        verdict="ineligible",
        would_be=None,
        not_met="options/sorafenib/already-failed",
        first_choice=FIRST,
    )
    return about().model_copy(
        update={"given": "treatment", "disagreements": (wrong,), "disagreements_file": "disagreements.csv"}
    )
