"""Records that Hypothesis draws, from the contract's own lists."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from hcc_decide.patient import OUTCOMES

YES_NO = [
    "hepatic_vein_or_ivc_invasion",
    "bile_duct_invasion",
    "extrahepatic_spread",
    "microvascular_invasion",
    "cirrhosis",
    "refractory_to_tace",
    "amenable_to_resection",
    "amenable_to_ablation",
    "amenable_to_transplant",
    "amenable_to_tace",
    "bleeding_within_6_months",
    "endoscopy_within_6_months",
    "autoimmune_disease",
    "high_recurrence_risk",
    "msi_high",
    "tmb_high",
    "pd_l1_positive",
]
PRIMARY_SITES = [
    *("colorectal", "cutaneous_melanoma", "uveal_melanoma", "nsclc", "breast"),
    *("pancreatic", "urothelial", "renal", "other"),
]
CHOICES: dict[str, list[Any]] = {
    "intent": ["treatment", "treatment", "treatment", "adjuvant", "neoadjuvant"],
    "bclc_stage": ["0", "A", "B", "C", "C", "D"],
    "portal_vein_invasion": ["none", "branch", "main", "unspecified"],
    "child_pugh_class": ["A", "A", "B", "C"],
    "ascites": ["none", "mild", "moderate_severe"],
    "encephalopathy": ["none", "grade_1_2", "grade_3_4"],
    "albi_grade": [1, 2, 3],
    "ecog": [0, 1, 1, 2, 3, 4],
    "region": ["us", "eu", "china", "japan", "other"],
    "varices": ["none", "treated", "untreated", "unspecified"],
    "child_pugh_score": list(range(5, 16)),
    "tumour_count": [1, 2, 3, 4, 9],
}
NUMBERS: dict[str, st.SearchStrategy[float]] = {
    "largest_tumour_cm": st.sampled_from([1.9, 2.0, 2.1, 3.0, 3.1, 8.0]),
    "liver_involvement_percent": st.sampled_from([0.0, 49.9, 50.0, 100.0]),
    "bilirubin_umol_l": st.floats(0.1, 500),
    "albumin_g_l": st.floats(5, 60),
    "inr": st.floats(0.5, 6),
    "age_years": st.floats(0, 110),
    "weight_kg": st.sampled_from([45.0, 59.9, 60.0, 90.0]),
    "afp_ng_ml": st.sampled_from([0.0, 199.0, 200.0, 201.0, 399.9, 400.0, 401.0, 1e9]),
    "nlr": st.floats(0.1, 50),
}


def lines(options: list[str]) -> st.SearchStrategy[list[Any]]:
    """Draw lines of prior systemic therapy."""
    detailed = st.fixed_dictionaries(
        {
            "option": st.sampled_from(options),
            "outcome": st.sampled_from(["progression", "progression_and_intolerance"]),
        },
        optional={
            "radiological_progression": st.booleans(),
            "last_daily_dose_mg": st.sampled_from([200, 399, 400, 800]),
            "tolerated_days_of_last_28": st.sampled_from([0, 19, 20, 28]),
        },
    )
    short = st.builds(
        "{}:{}".format, st.sampled_from(options), st.sampled_from([o for o in OUTCOMES if o != "ongoing"])
    )
    other = st.sampled_from([{"option": "other"}, {"option": "other", "name": "a trial drug"}])
    return st.lists(st.one_of(detailed, short, other), max_size=4)


def records(options: list[str], *, tumour: str = "hcc") -> st.SearchStrategy[dict[str, Any]]:
    """Draw a record; any fact may be missing. Contradictory ones are mended, not drawn again."""
    optional: dict[str, st.SearchStrategy[Any]] = {name: st.booleans() for name in YES_NO}
    optional |= {name: st.sampled_from(values) for name, values in CHOICES.items()}
    optional |= dict(NUMBERS)
    optional["etiology"] = st.lists(st.sampled_from(["hbv", "hcv", "alcohol", "masld", "other"]), unique=True)
    places = ["resection", "ablation", "transplant", "tace", "tare", "sbrt", "haic"]
    optional["prior_locoregional"] = st.lists(st.sampled_from(places), unique=True)
    optional["prior_systemic"] = lines(options)
    if tumour == "liver_metastasis":
        optional["primary_site"] = st.sampled_from(PRIMARY_SITES)
        optional["liver_metastasis_resectable"] = st.booleans()
    return st.fixed_dictionaries({"tumour": st.just(tumour)}, optional=optional).map(mended)


def mended(record: dict[str, Any]) -> dict[str, Any]:
    """Take back what contradicts a failure of TACE."""
    record = dict(record)
    if record.get("refractory_to_tace"):
        if record.get("amenable_to_tace"):
            del record["amenable_to_tace"]
        if "prior_locoregional" in record and "tace" not in record["prior_locoregional"]:
            record["prior_locoregional"] = [*record["prior_locoregional"], "tace"]
    return record
