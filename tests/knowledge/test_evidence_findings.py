"""Findings about evidence: claims nobody uses, texts for the wrong tumour, levels, trial status, figures without source."""

from __future__ import annotations

import pytest

from hcc_decide.knowledge.citing import Place, check_citing, citing
from hcc_decide.knowledge.figures import figures, unsourced
from hcc_decide.knowledge.files import read_files
from hcc_decide.knowledge.findings import Finding
from tests.knowledge.conftest import RuleBase

ALPHA, BETA, TRIAL, CLAIMS = "options/alpha.yaml", "options/beta.yaml", "trials/trial-1.yaml", "claims/all.yaml"


# Claims, K16


def test_k16_a_claim_that_nobody_cites_says_why(rule_base: RuleBase) -> None:
    extra = rule_base.text(CLAIMS) + "  - " + CLAIM_NOBODY_CITES
    rule_base.write(CLAIMS, extra)
    (found,) = check_citing(read_files(rule_base.folder))
    assert (found.code, found.line) == ("K16", rule_base.line(CLAIMS, "TST-009"))
    assert found.message == "TST-009 is cited by no rule and says no reason; cite it or write `not_encoded`"
    rule_base.write(CLAIMS, extra + "    not_encoded: Biology that names no treatment.\n")
    assert list(check_citing(read_files(rule_base.folder))) == []


def test_k16_a_claim_that_is_cited_gives_no_reason(rule_base: RuleBase) -> None:
    text = rule_base.text(CLAIMS)
    head, tail = text.split("id: TST-001", 1)
    rule_base.write(CLAIMS, head + "id: TST-001\n    not_encoded: Nobody wants it." + tail)
    (found,) = check_citing(read_files(rule_base.folder))
    assert found.code == "K16"
    assert found.message == "TST-001 says why nothing encodes it, but options/alpha.yaml cites it"


def test_a_claim_behind_a_criterion_decides_and_one_behind_a_note_is_shown(rule_base: RuleBase) -> None:
    rule_base.change(ALPHA, "notes: []", "notes: [{id: hint, kind: context, text: A hint, claims: [TST-009]}]")
    places = citing(read_files(rule_base.folder))
    assert places["TST-009"] == (Place("shown", ALPHA, "hint"),)
    assert Place("decides", ALPHA, "child-pugh-a") in places["TST-001"]
    assert Place("shown", ALPHA, "regimen") in places["TST-001"]


CLAIM_NOBODY_CITES = """\
id: TST-009
    lines: [3, 4]
    section: Background
    references: []
    kind: mechanism
    actionable: false
    subjects: []
    statement: Nobody uses it.
    figures: {}
"""


# K17: two tumours in one file


def both_tumours(rule_base: RuleBase, own: str = "    rationale: It takes the metastasis out.\n") -> None:
    rule_base.change(
        BETA,
        "include: []",
        "  - id: metastasis\n    text: metastasis\n    settings: [liver_metastasis]\n    verdict: preferred\n"
        f"    evidence_level: 2\n{own}    provenance: review\n    claims: [TST-001]\ninclude: []",
    )


def test_k17_an_entry_that_could_show_for_either_tumour_is_named(rule_base: RuleBase) -> None:
    both_tumours(rule_base)
    assert rule_base.findings == []
    note = "notes: [{id: hint, kind: context, text: A hint, claims: [TST-001]}]"
    rule_base.change(BETA, "notes: []", note)
    (found,) = rule_base.findings
    assert (found.code, found.key) == ("K17", "notes[1]")
    assert found.message.startswith("needs `for`")
    rule_base.change(BETA, "A hint, claims", "A hint, for: [curative, metastasis], claims")
    assert [item.code for item in rule_base.findings] == ["K17"]
    rule_base.change(BETA, "for: [curative, metastasis]", "for: [metastasis]")
    assert rule_base.findings == []


def test_k17_the_use_in_liver_metastasis_says_why_by_itself(rule_base: RuleBase) -> None:
    both_tumours(rule_base, own="")
    (found,) = rule_base.findings
    assert (found.code, found.key, found.message) == ("K17", "indications[2]", "needs a `rationale` of its own")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("preferences: []", "cautions: [{id: x, text: x, when: {cirrhosis: true}, claims: [TST-001]}]", "cautions[1]"),
        ("evidence: []", "evidence: [{trial: trial-1, direction: supports}]", "evidence[1]"),
        (
            "later_lines: {opens: [], closes: []}",
            "later_lines: {opens: [{option: alpha, text: next, claims: [TST-001]}], closes: []}",
            "later_lines.opens[1]",
        ),
        (
            "later_evidence: []",
            "later_evidence: [{id: x, kind: readout, date: '2024', text: x, source: x}]",
            "later_evidence[1]",
        ),
    ],
)
def test_k17_looks_at_everything_that_is_shown(rule_base: RuleBase, old: str, new: str, key: str) -> None:
    both_tumours(rule_base)
    if old.startswith("preferences"):
        rule_base.change(BETA, "cautions: []\n", "")
    if old.startswith("evidence"):
        rule_base.change(BETA, "later_evidence: []\n", "")
    rule_base.change(BETA, old, new)
    assert [(item.code, item.key) for item in rule_base.findings] == [("K17", key)]


# Levels, K18


def test_k18_what_nobody_has_been_given_is_not_offered(rule_base: RuleBase) -> None:
    rule_base.change(BETA, "evidence_level: 2", "evidence_level: 5")
    assert rule_base.findings == [
        Finding(
            BETA,
            rule_base.line(BETA, "verdict: preferred"),
            "K18",
            "indications[1].verdict",
            "is preferred although its level says that no patient has been treated (no data from patients)",
        )
    ]
    rule_base.change(BETA, "verdict: preferred", "verdict: not_recommended")
    assert rule_base.findings == []


def test_k18_a_level_stands_in_the_scale(rule_base: RuleBase) -> None:
    text = rule_base.text("knowledge.yaml")
    head, tail = text.split("  5:\n", 1)
    rule_base.write("knowledge.yaml", head + tail.partition("true\n")[2])
    rule_base.change(BETA, "evidence_level: 2", "evidence_level: 5")
    (found,) = rule_base.findings
    assert (found.code, found.message) == ("K18", "names the level 5, which knowledge.yaml does not have")


# K19: status of a trial


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        (
            "primary_endpoint_met: met",
            "primary_endpoint_met: awaited",
            "primary_endpoint_met",
            "is `awaited` exactly while the trial is ongoing",
        ),
        (
            "citation: {authors: A. Author, journal: Journal, year: 2020}",
            "citation: null",
            "citation",
            "is missing although the trial is reported; unknown parts are null",
        ),
        (
            "nct: null",
            "nct: null\nexpected_completion: 2024-10",
            "expected_completion",
            "is given although the trial is reported",
        ),
        (
            "unverified: []",
            "unverified: [endpoints.os.hr, safety, endpoints.pfs]",
            "unverified[3]",
            "names endpoints.pfs, which is no part of this trial file",
        ),
    ],
)
def test_k19_a_reported_trial_fits_its_status(rule_base: RuleBase, old: str, new: str, key: str, message: str) -> None:
    rule_base.change(TRIAL, old, new)
    assert [(item.code, item.key, item.message) for item in rule_base.findings] == [("K19", key, message)]


def test_k19_an_ongoing_trial_has_no_results(rule_base: RuleBase) -> None:
    rule_base.change(TRIAL, "nct: null", "nct: null\nstatus: ongoing")
    assert {item.key for item in rule_base.findings} == {"primary_endpoint_met", "endpoints"}
    assert {item.code for item in rule_base.findings} == {"K19"}


# Figures, K20


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.7 against 7.9 months (HR 0.69, 95 % CI 0.55–0.87)", {10.7, 7.9, 0.69, 95, 0.55, 0.87}),
        ("PD-1, CTLA-4, NCT00105443, Vp4, IL-6 and REACH-2 measure nothing", set()),
        ("a phase 3 trial of level 2 in review 000", set()),
        ("1,504 patients, 400 mg on 20 of 28 days", {1504, 400, 20, 28}),
        ("≥400 ng/mL, 5cm, 2-year survival", {400, 5, 2}),
        ("no figure", set()),
    ],
)
def test_figures_are_numbers_that_measure(text: str, found: set[float]) -> None:
    assert figures(text) == found


def test_k20_a_figure_stands_in_a_source_that_the_text_cites(rule_base: RuleBase) -> None:
    rule_base.change(ALPHA, "text: bled before", "text: bled in the 6 months before")
    (found,) = unsourced(read_files(rule_base.folder))
    assert (found.file, found.code, found.key) == (ALPHA, "K20", "cautions[1].text")
    assert found.message == "gives 6, which no claim or trial cited here contains"
    rule_base.write(CLAIMS, rule_base.text(CLAIMS).replace("figures: {}", "figures: {window: 6 months}"))
    assert list(unsourced(read_files(rule_base.folder))) == []


def test_k20_a_trial_that_the_text_cites_is_a_source(rule_base: RuleBase) -> None:
    rule_base.change(ALPHA, "text: Child–Pugh A\n", "text: Child–Pugh A, as in 0.7 of 100\n")
    assert list(unsourced(read_files(rule_base.folder))) == []
    rule_base.change(TRIAL, "hr: 0.7", "hr: 0.8")
    (found,) = unsourced(read_files(rule_base.folder))
    assert found.message == "gives 0.7, which no claim or trial cited here contains"


def test_k20_the_rationale_may_use_every_source_of_its_file(rule_base: RuleBase) -> None:
    rule_base.change(ALPHA, "rationale: It works.", "rationale: It works in 100.")
    assert list(unsourced(read_files(rule_base.folder))) == []
    rule_base.change(ALPHA, "It works in 100.", "It works in 101.")
    (found,) = unsourced(read_files(rule_base.folder))
    assert (found.key, found.code) == ("rationale", "K20")


def test_k20_a_result_is_confirmed_or_reported(rule_base: RuleBase) -> None:
    assert list(unsourced(read_files(rule_base.folder))) == []
    rule_base.change(TRIAL, "verified: true", "verified: false")
    assert [item.key for item in unsourced(read_files(rule_base.folder))] == ["endpoints[1]"]
