"""The patient record as the contract writes it, typed out by hand so that a slip in the model shows."""

from __future__ import annotations

from typing import Any

CATEGORIES: dict[str, tuple[Any, ...]] = {
    "tumour": ("hcc", "liver_metastasis"),
    "intent": ("treatment", "adjuvant", "neoadjuvant"),
    "bclc_stage": ("0", "A", "B", "C", "D"),
    "portal_vein_invasion": ("none", "branch", "main", "unspecified"),
    "child_pugh_class": ("A", "B", "C"),
    "ascites": ("none", "mild", "moderate_severe"),
    "encephalopathy": ("none", "grade_1_2", "grade_3_4"),
    "region": ("us", "eu", "china", "japan", "other"),
    "varices": ("none", "treated", "untreated", "unspecified"),
    "primary_site": (
        "colorectal",
        "cutaneous_melanoma",
        "uveal_melanoma",
        "nsclc",
        "breast",
        "pancreatic",
        "urothelial",
        "renal",
        "other",
    ),
}

YES_NO = (
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
    "liver_metastasis_resectable",
)

ABOVE_0 = "is refused; allowed is a number above 0"
AT_LEAST_0 = "is refused; allowed is 0 or more"
# Per field: accepted, and each refused value with what is said of it.
NUMBERS: dict[str, tuple[tuple[float, ...], dict[float, str]]] = {
    "largest_tumour_cm": ((0.1, 5, 31.5), {0: ABOVE_0, -1: ABOVE_0}),
    "liver_involvement_percent": (
        (0, 0.5, 50, 100),
        {-0.1: AT_LEAST_0, 100.1: "is refused; allowed is 100 or less"},
    ),
    "bilirubin_umol_l": ((0.1, 17.1, 600), {0: ABOVE_0, -3: ABOVE_0}),
    "albumin_g_l": ((0.1, 35, 60), {0: ABOVE_0, -3: ABOVE_0}),
    "inr": ((0.1, 1, 2.3), {0: ABOVE_0, -1.1: ABOVE_0}),
    "age_years": ((0, 63, 71.5), {-1: AT_LEAST_0}),
    "weight_kg": ((0.1, 59.9, 60, 140), {0: ABOVE_0, -60: ABOVE_0}),
    "afp_ng_ml": ((0, 0.5, 399.9, 400, 1_000_000), {-0.1: AT_LEAST_0}),
    "nlr": ((0.1, 3, 12.5), {0: ABOVE_0, -2: ABOVE_0}),
}
WHOLE_NUMBERS: dict[str, tuple[tuple[int, ...], dict[int, str]]] = {
    "tumour_count": ((1, 2, 30), {0: "is refused; allowed is 1 or more", -1: "is refused; allowed is 1 or more"}),
    "child_pugh_score": (
        (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        {4: "is refused; allowed is 5 or more", 16: "is refused; allowed is 15 or less"},
    ),
    "ecog": ((0, 1, 2, 3, 4), {-1: AT_LEAST_0, 5: "is refused; allowed is 4 or less"}),
    "albi_grade": (
        (1, 2, 3),
        {0: "is refused; allowed is 1, 2, 3", 4: "is refused; allowed is 1, 2, 3"},
    ),
}

LISTS: dict[str, tuple[str, ...]] = {
    "etiology": ("hbv", "hcv", "alcohol", "masld", "other"),
    "prior_locoregional": ("resection", "ablation", "transplant", "tace", "tare", "sbrt", "haic"),
}

FIELDS = {"case_id", "prior_systemic", *CATEGORIES, *YES_NO, *NUMBERS, *WHOLE_NUMBERS, *LISTS}

OUTCOMES = ("progression", "intolerance", "progression_and_intolerance", "completed", "ongoing")

WITH = {
    "primary_site": {"tumour": "liver_metastasis"},
    "liver_metastasis_resectable": {"tumour": "liver_metastasis"},
}
"""Facts that another fact needs beside it."""

EVERY_FACT: dict[str, Any] = {
    "case_id": "case-7",
    "tumour": "hcc",
    "intent": "treatment",
    "bclc_stage": "C",
    "tumour_count": 3,
    "largest_tumour_cm": 4.5,
    "portal_vein_invasion": "branch",
    "hepatic_vein_or_ivc_invasion": False,
    "bile_duct_invasion": False,
    "liver_involvement_percent": 40,
    "extrahepatic_spread": True,
    "microvascular_invasion": True,
    "child_pugh_class": "A",
    "child_pugh_score": 6,
    "bilirubin_umol_l": 20.5,
    "albumin_g_l": 36,
    "inr": 1.2,
    "ascites": "none",
    "encephalopathy": "none",
    "albi_grade": 2,
    "cirrhosis": True,
    "ecog": 1,
    "age_years": 63,
    "weight_kg": 60,
    "afp_ng_ml": 812,
    "nlr": 2.5,
    "etiology": ["alcohol", "hbv"],
    "region": "eu",
    "prior_systemic": ["sorafenib", "lenvatinib:ongoing"],
    "prior_locoregional": ["resection", "tace"],
    "refractory_to_tace": True,
    "amenable_to_resection": False,
    "amenable_to_ablation": False,
    "amenable_to_transplant": False,
    "amenable_to_tace": False,
    "varices": "treated",
    "bleeding_within_6_months": False,
    "endoscopy_within_6_months": True,
    "autoimmune_disease": False,
    "high_recurrence_risk": True,
    "msi_high": False,
    "tmb_high": False,
    "pd_l1_positive": True,
}
"""A record of a hepatocellular carcinoma with every fact that can be known of one."""
