"""The small rule base of the knowledge tests, with a vignette and a claim that a single rule cites."""

from __future__ import annotations

import pytest

from tests.knowledge.conftest import CLAIM, RuleBase, rule_base, sound

__all__ = ["rule_base", "sound", "taught"]

ALPHA = "options/alpha.yaml"
BETA = "options/beta.yaml"
HBV = "{bclc_stage: C, child_pugh_class: A, ecog: 2, etiology: [hbv], prior_systemic: [beta]}"
VIGNETTE = """\
id: curable
title: One small nodule
story: Made up.
teaches: Beta cures.
patient: {bclc_stage: A, child_pugh_class: A, ecog: 0, amenable_to_resection: true}
setting: curative
expect:
  - {option: beta, verdict: preferred, why: It cures.}
claims: [TST-001]
review: {status: draft}
"""


@pytest.fixture
def taught(rule_base: RuleBase) -> RuleBase:
    """The small rule base with all that can notice an error."""
    (rule_base.folder / "vignettes").mkdir()
    rule_base.write("vignettes/curable.yaml", VIGNETTE)
    rule_base.write("claims/all.yaml", rule_base.text("claims/all.yaml") + CLAIM.format(id="TST-009"))
    rule_base.change(
        ALPHA, "text: bled before\n    when: {bleeding_within_6_months: true}\n    claims: [TST-001]",
        "text: bled before\n    when: {bleeding_within_6_months: true}\n    claims: [TST-001, TST-009]",
    )  # fmt: skip
    rule_base.change(ALPHA, "met: [{etiology: [hbv]}]", f"met: [{HBV}]")
    rule_base.change(ALPHA, "not_met: [{etiology: []}]", f"not_met: [{HBV.replace('[hbv]', '[]')}]")
    # The shipped notices stand here, too, and one of them is about drugs that this catalogue lacks.
    rule_base.change("notices.yaml", "any_of: [pd_1_inhibitor, pd_l1_inhibitor, ctla_4_inhibitor]", "any_of: [tki]")
    rule_base.change(
        "notices.yaml",
        "met: [{prior_systemic: [nivolumab]}, {prior_systemic: [durvalumab]}, {prior_systemic: [tremelimumab]}]",
        "met: [{prior_systemic: [alpha]}]",
    )
    rule_base.change(
        "notices.yaml",
        '[{prior_systemic: [sorafenib, linifanib, ramucirumab, doxorubicin]}, {prior_systemic: ["nivolumab:intolerance"]}, ',
        '[{prior_systemic: ["alpha:intolerance"]}, ',
    )
    return rule_base
