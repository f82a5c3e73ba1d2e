"""A rule base with something wrong: what is said, of which file and line, under which code."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from hcc_decide.cli import app
from hcc_decide.knowledge.cases import case_findings
from hcc_decide.knowledge.findings import CODES, Finding, KnowledgeError
from hcc_decide.knowledge.load import inspect_knowledge, load_knowledge
from tests.conftest import ROOT
from tests.knowledge.conftest import RuleBase

ALPHA, BETA, TRIAL = "options/alpha.yaml", "options/beta.yaml", "trials/trial-1.yaml"
VOCABULARY, NOTICES, MANIFEST, CLAIMS = "vocabulary.yaml", "notices.yaml", "knowledge.yaml", "claims/all.yaml"
END_STAGE = "staging/end-stage.yaml"
SHAPE = "is not a key of this file; see rules/README.md for the shape"
BETA_INDICATIONS = """\
indications:
  - id: curative
    text: early stage
    settings: [curative]
    verdict: preferred
    evidence_level: 2
    provenance: review
    claims: [TST-001]
"""
FOLLOWS = {
    "K02-unknown-key": {"K10"},
    "K02-unknown-nested-key": {"K10"},
    "K02-missing-key": {"K04"},
    "K02-text-for-a-number": {"K04"},
    "K02-registry-number": {"K04"},
    "K02-doi": {"K04"},
    "K02-choice": {"K04"},
}
"""A file out of shape is not there for the files that name it."""
ALSO = {"K07-not-derived": 2}
"""A file that derives another fact leaves its own one underived."""


# Nothing wrong


def test_the_shipped_rules_have_no_findings() -> None:
    knowledge, findings = inspect_knowledge(ROOT / "rules")
    assert findings == []
    assert knowledge is not None
    assert case_findings(knowledge) == []


def test_the_small_rule_base_has_no_findings_before_it_is_broken(rule_base: RuleBase) -> None:
    assert rule_base.findings == []
    assert case_findings(load_knowledge(rule_base.folder)) == []


def test_the_codes_are_k01_to_k20_each_with_a_meaning() -> None:
    assert list(CODES) == [f"K{number:02}" for number in range(1, 21)]
    assert all(CODES.values())


# One thing wrong: file, old text, new text; then the finding's place (text on its line, or the number), code, key, message

ONE_THING_WRONG: dict[str, tuple[str, str, str, str | int, str, str, str]] = {
    "K02-unknown-key": (
        ALPHA,
        "rationale: It works.",
        "rational: It works.\nrationale: It works.",
        "rational: It",
        "K02",
        "rational",
        SHAPE,
    ),
    "K02-unknown-nested-key": (
        BETA,
        "    settings: [curative]\n",
        "    settings: [curative]\n    strength: 3\n",
        "strength",
        "K02",
        "indications[1].strength",
        SHAPE,
    ),
    "K02-missing-key": (TRIAL, "design: randomised\n", "", 1, "K02", "design", "is missing"),
    "K02-text-for-a-number": (
        TRIAL,
        "enrolled: 100",
        "enrolled: '100'",
        "enrolled",
        "K02",
        "enrolled",
        "input should be a valid integer; found '100'",
    ),
    "K02-registry-number": (
        TRIAL,
        "nct: null",
        "nct: NCT123",
        "nct:",
        "K02",
        "nct",
        r"string should match pattern '^NCT\d{8}$'; found 'NCT123'",
    ),
    "K02-doi": (
        TRIAL,
        "year: 2020}",
        "year: 2020, doi: doi.org/10.1}",
        "citation",
        "K02",
        "citation.doi",
        r"string should match pattern '^10\.\d{4,9}/\S+$'; found 'doi.org/10.1'",
    ),
    "K02-choice": (
        TRIAL,
        "primary_endpoint_met: met",
        "primary_endpoint_met: yes",
        "primary_endpoint_met",
        "K02",
        "primary_endpoint_met",
        "input should be 'met', 'missed', 'partly', 'not_tested' or 'awaited'; found 'yes'",
    ),
    "K02-notice-without-condition": (
        NOTICES,
        "notices:\n",
        "notices:\n  - {id: empty, text: Always.}\n",
        "id: empty",
        "K02",
        "notices[1]",
        "needs `when` or `when_any`",
    ),
    "K02-rule-without-condition": (
        ALPHA,
        "    when: {bleeding_within_6_months: true}\n",
        "",
        "id: bleeding",
        "K02",
        "cautions[1]",
        "needs `when` or `when_any`",
    ),
    "K02-version": (
        MANIFEST,
        'version: "2022.4.0"',
        "version: 2022.1",
        "version: 2022.1",
        "K02",
        "version",
        "input should be a valid string; found 2022.1",
    ),
    "K03-unknown-fact": (
        ALPHA,
        "when: {child_pugh_class: A}",
        "when: {child_pugh: A}",
        "child_pugh: A}",
        "K03",
        "include[1].when",
        "names the fact `child_pugh`, which vocabulary.yaml does not have",
    ),
    "K03-unknown-value": (
        ALPHA,
        "when: {child_pugh_class: A}",
        "when: {child_pugh_class: D}",
        "class: D}",
        "K03",
        "include[1].when",
        "gives `child_pugh_class` the value 'D'; allowed are A, B, C",
    ),
    "K03-variant": (
        ALPHA,
        "when: {weight_kg: {below: 60}}",
        "when: {weight_kg: {less_than: 60}}",
        "less_than",
        "K03",
        "regimen.variants[1].when",
        "tests the number `weight_kg` wrongly; allowed are at_least, above, at_most, below",
    ),
    "K03-indication": (
        ALPHA,
        "when: {etiology: {any_of: [hbv]}}",
        "when: {etiology: hbv}",
        "etiology: hbv}",
        "K03",
        "indications[2].when",
        "tests the set `etiology` wrongly; allowed are any_of, none_of and all_of",
    ),
    "K03-notice": (
        NOTICES,
        "when: {ongoing_line: true}",
        "when: {ongoing_line: 1}",
        "ongoing_line: 1",
        "K03",
        "notices[3].when",
        "gives `ongoing_line` the value 1; allowed are true, false",
    ),
    "K03-staging": (
        END_STAGE,
        "      - {tumour: hcc, bclc_stage: D}",
        "      - {bclc_stage: E}",
        "when_any",
        "K03",
        "values[1].when_any",
        "gives `bclc_stage` the value 'E'; allowed are 0, A, B, C, D",
    ),
    "K03-derived-value": (
        END_STAGE,
        "value: true",
        "value: perhaps",
        "value: perhaps",
        "K03",
        "values[1].value",
        "derives a value that `end_stage` cannot have: 'perhaps'",
    ),
    "K03-derived-value-of-another-type": (
        "staging/albi-grade.yaml",
        "{value: 1, ",
        '{value: "1", ',
        'value: "1"',
        "K03",
        "values[1].value",
        "derives a value that `albi_grade` cannot have: '1'",
    ),
    "K04-trial-of-a-rule": (
        ALPHA,
        "    trials: [trial-1]",
        "    trials: [trial-2]",
        "[trial-2]",
        "K04",
        "include[1].trials[1]",
        "cites the trial trial-2, which rules/trials does not have",
    ),
    "K04-trial-of-an-effect": (
        ALPHA,
        "effect: {trial: trial-1, endpoint: os}",
        "effect: {trial: trial-2, endpoint: os}",
        "trial-2",
        "K04",
        "indications[1].effect",
        "cites the trial trial-2, which rules/trials does not have",
    ),
    "K04-endpoint": (
        ALPHA,
        "endpoint: os",
        "endpoint: pfs",
        "endpoint: pfs",
        "K04",
        "indications[1].effect",
        "cites the endpoint pfs, which trial-1 does not have",
    ),
    "K04-evidence": (
        ALPHA,
        "- {trial: trial-1, direction",
        "- {trial: trial-2, direction",
        "trial-2",
        "K04",
        "evidence[1].trial",
        "cites the trial trial-2, which rules/trials does not have",
    ),
    "K04-arm": (
        TRIAL,
        "    arm: alpha",
        "    arm: gamma",
        "arm: gamma",
        "K04",
        "endpoints[1].arm",
        "names the arm gamma, which the trial does not have",
    ),
    "K04-control": (
        TRIAL,
        "control: placebo",
        "control: sham",
        "control: sham",
        "K04",
        "endpoints[1].control",
        "names the arm sham, which the trial does not have",
    ),
    "K05-option": (
        ALPHA,
        "opens:\n    - {option: beta, text: beta comes next, claims: [TST-001]}",
        "opens:\n    - {option: beta, text: beta comes next, claims: [TST-001, TST-002]}",
        "TST-002",
        "K05",
        "later_lines.opens[1].claims[2]",
        "cites the claim TST-002, which rules/claims does not have",
    ),
    "K05-staging": (
        END_STAGE,
        "claims: [",
        "claims: [TST-999, ",
        "TST-999",
        "K05",
        "claims[1]",
        "cites the claim TST-999, which rules/claims does not have",
    ),
    "K05-trial": (
        TRIAL,
        "verified: true",
        "verified: true\n    claims: [TST-999]",
        "TST-999",
        "K05",
        "endpoints[1].claims[1]",
        "cites the claim TST-999, which rules/claims does not have",
    ),
    "K05-notice": (
        NOTICES,
        "notices:\n",
        "notices:\n  - {id: x, text: X., when: {cirrhosis: true}, claims: [TST-999]}\n",
        "TST-999",
        "K05",
        "notices[1].claims[1]",
        "cites the claim TST-999, which rules/claims does not have",
    ),
    "K06-alias": (
        BETA,
        "name: Beta",
        "name: Beta\naliases: [alphamab]",
        "id: beta",
        "K06",
        "id",
        f"uses the name alphamab, which {ALPHA} uses already",
    ),
    "K06-alias-like-an-id": (
        BETA,
        "name: Beta",
        "name: Beta\naliases: [alpha]",
        "id: beta",
        "K06",
        "id",
        f"uses the name alpha, which {ALPHA} uses already",
    ),
    "K06-rule": (
        ALPHA,
        "- id: bleeding",
        "- id: child-pugh-a # again",
        "# again",
        "K06",
        "cautions[1].id",
        "uses the rule id child-pugh-a twice",
    ),
    "K06-variant": (
        ALPHA,
        "{id: low-weight,",
        "{id: first-line,",
        "half the dose",
        "K06",
        "regimen.variants[1].id",
        "uses the rule id first-line twice",
    ),
    "K07-from-itself": (
        "staging/macrovascular-invasion.yaml",
        "- {hepatic_vein_or_ivc_invasion: true}",
        "- {macrovascular_invasion: true}",
        "fact:",
        "K07",
        "fact",
        "derives `macrovascular_invasion` from itself, directly or in a circle",
    ),
    "K07-not-derived": (
        "staging/macrovascular-invasion.yaml",
        "fact: macrovascular_invasion",
        "fact: cirrhosis",
        "fact: cirrhosis",
        "K07",
        "fact",
        "derives `cirrhosis`, which vocabulary.yaml does not list as derived",
    ),
    "K08-no-indication": (
        BETA,
        BETA_INDICATIONS,
        "indications: []\n",
        "indications",
        "K08",
        "indications",
        "names no indication, so nobody could ever be given it",
    ),
    "K09-same-setting": (
        ALPHA,
        "settings: [second_line]",
        "settings: [first_line, second_line]",
        "id: second-line-hbv",
        "K09",
        "indications[2]",
        "can apply together with first-line; give both a condition on one fact that tells them apart",
    ),
    "K10-class": (
        ALPHA,
        "classes: [tki]",
        "classes: [tki, nanobots]",
        "nanobots",
        "K10",
        "classes[2]",
        "names the class nanobots, which vocabulary.yaml does not have",
    ),
    "K10-later-line": (
        ALPHA,
        "{option: beta, text",
        "{option: gamma, text",
        "option: gamma",
        "K10",
        "later_lines.opens[1]",
        "names gamma, which rules/options does not have",
    ),
    "K10-arm": (
        TRIAL,
        "option: alpha",
        "option: gamma",
        "option: gamma",
        "K10",
        "arms[1].option",
        "names gamma, which rules/options does not have",
    ),
    "K10-evidence": (
        ALPHA,
        "direction: supports, for: [first-line]",
        "direction: supports, for: [third-line]",
        "third-line",
        "K10",
        "evidence[1].for",
        "names an indication that this file does not have",
    ),
    "K12-values": (
        VOCABULARY,
        "      branch: a branch (Vp1 to Vp3)\n",
        "      branch: a branch (Vp1 to Vp3)\n      hilum: the hilum\n",
        "portal_vein_invasion:",
        "K12",
        "facts.portal_vein_invasion",
        "lists the values ['none', 'branch', 'hilum', 'main', 'unspecified'], "
        "the record allows ['none', 'branch', 'main', 'unspecified']",
    ),
    "K12-no-question": (
        VOCABULARY,
        "    question: Is there cirrhosis?\n",
        "",
        "  cirrhosis:",
        "K12",
        "facts.cirrhosis",
        "needs a question for the form",
    ),
    "K12-unknown-field": (
        VOCABULARY,
        "facts:\n",
        "facts:\n  shoe_size: {label: Shoe size, question: Size?, kind: number, source: record, group: patient}\n",
        "shoe_size",
        "K12",
        "facts.shoe_size",
        "is read from the record, which has no such field",
    ),
    "K12-missing-field": (
        VOCABULARY,
        "    label: High tumour mutational burden\n    question: Is the tumour mutational burden high?\n"
        "    kind: boolean\n    source: record\n",
        "    label: High tumour mutational burden\n    kind: boolean\n    source: history\n",
        "facts:",
        "K12",
        "facts",
        "lacks `tmb_high`, which the record has",
    ),
    "K12-means": (
        VOCABULARY,
        "means: [treated, untreated]",
        "means: [treated, banded]",
        "banded",
        "K12",
        "facts.varices.values.unspecified",
        "means values that the fact does not have",
    ),
    "K12-range": (
        VOCABULARY,
        "    range: {at_least: 5, at_most: 15}",
        "    range: {at_least: 5, at_most: 14}",
        "at_most: 14",
        "K12",
        "facts.child_pugh_score.range",
        "is {'at_least': 5, 'at_most': 14}, the record allows {'at_least': 5, 'at_most': 15}",
    ),
    "K13-reservation": (
        ALPHA,
        "    when: {ecog: {at_least: 2}}\n    for: [first-line]",
        "    when: {ecog: {at_least: 2}}\n    for: [second-line-hbv]",
        "for: [second-line-hbv]",
        "K13",
        "reservations[1].for",
        "names second-line-hbv, where a rule of `reservations` changes nothing",
    ),
    "K13-include": (
        ALPHA,
        "    trials: [trial-1]",
        "    for: [first-line, adjuvant]",
        "for: [first-line, adjuvant]",
        "K13",
        "include[1].for",
        "names adjuvant, where a rule of `include` changes nothing",
    ),
    "K14-not-excluded": (
        ALPHA,
        "when: {failed_option: {any_of: [alpha]}}",
        "when: {prior_option: {any_of: [alpha]}}",
        "exclude:",
        "K14",
        "exclude",
        "needs an exclusion `failed_option: {any_of: [alpha]}` for all its indications",
    ),
    "K14-for-one-indication-only": (
        ALPHA,
        "when: {failed_option: {any_of: [alpha]}}",
        "when: {failed_option: {any_of: [alpha]}}\n    for: [first-line]",
        "exclude:",
        "K14",
        "exclude",
        "needs an exclusion `failed_option: {any_of: [alpha]}` for all its indications",
    ),
}


@pytest.mark.parametrize("name", ONE_THING_WRONG)
def test_one_thing_wrong_is_the_one_thing_found(rule_base: RuleBase, name: str) -> None:
    file, old, new, place, code, key, message = ONE_THING_WRONG[name]
    rule_base.change(file, old, new)
    line = place if isinstance(place, int) else rule_base.line(file, place)
    found = rule_base.findings
    assert Finding(file, line, code, key, message) in found
    assert [finding.code for finding in found].count(code) == ALSO.get(name, 1)
    assert {finding.code for finding in found} - {code} == FOLLOWS.get(name, set())
    assert name.startswith(code)


# K01: what is no document


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"# soon\n", "the file is empty"),
        (b"\xff\xfe", "the file is not UTF-8 text (byte 1); is it a binary file?"),
        (b"id: beta\nid: beta\n", "the file gives the key 'id' twice (line 2)"),
        (b"id: &x beta\n", "the file uses an anchor or alias in line 1; write the value out"),
        (
            b"id: !!python/name:os.system\n",
            "the file uses the tag 'tag:yaml.org,2002:python/name:os.system' in line 1; tags are not allowed",
        ),
        (
            b"id: beta\nname: a: b\n",
            "the file is not well-formed YAML: line 2, column 8: mapping values are not allowed in this context",
        ),
        (b"x" * 1_000_001, "the file is larger than 1000 kB; a record or rule file is a few kB"),
    ],
)
def test_k01_a_file_that_is_no_document_is_named_with_the_reason(
    rule_base: RuleBase, content: bytes, message: str
) -> None:
    (rule_base.folder / BETA).write_bytes(content)
    assert Finding(BETA, 1, "K01", "", message) in rule_base.findings


@pytest.mark.parametrize("file", [MANIFEST, VOCABULARY, NOTICES])
def test_k01_without_one_of_its_three_first_files_there_is_no_knowledge(rule_base: RuleBase, file: str) -> None:
    (rule_base.folder / file).unlink()
    knowledge, findings = inspect_knowledge(rule_base.folder)
    assert knowledge is None
    assert findings == [Finding(file, 1, "K01", "", "the file does not exist")]


def test_k01_a_folder_that_looks_like_a_file_is_a_finding(rule_base: RuleBase) -> None:
    (rule_base.folder / "options" / "gamma.yaml").mkdir()
    assert rule_base.findings == [Finding("options/gamma.yaml", 1, "K01", "", "the file is a folder, not a file")]


@pytest.mark.parametrize("content", ["- a\n- b\n", "text\n", "7\n"])
def test_k02_a_file_that_is_no_mapping_lacks_the_shape(rule_base: RuleBase, content: str) -> None:
    rule_base.write(CLAIMS, content)
    (finding, *_) = [item for item in rule_base.findings if item.code == "K02"]
    assert (finding.file, finding.line, finding.key) == (CLAIMS, 1, "")
    assert finding.message.startswith("input should be a valid dictionary or instance of ClaimFile; found ")


# What no change of one text shows


def test_k06_a_file_is_named_after_its_id(rule_base: RuleBase) -> None:
    (rule_base.folder / BETA).rename(rule_base.folder / "options" / "delta.yaml")
    (rule_base.folder / TRIAL).rename(rule_base.folder / "trials" / "trial-one.yaml")
    assert rule_base.findings == [
        Finding("options/delta.yaml", 1, "K06", "id", "calls itself beta; the file must be named beta.yaml"),
        Finding("trials/trial-one.yaml", 1, "K06", "id", "calls itself trial-1; the file must be named trial-1.yaml"),
    ]


def test_k06_an_option_is_described_once(rule_base: RuleBase) -> None:
    rule_base.write("options/zeta.yaml", rule_base.text(BETA))
    assert rule_base.findings == [
        Finding("options/zeta.yaml", 1, "K06", "id", "calls itself beta; the file must be named beta.yaml"),
        Finding("options/zeta.yaml", 1, "K06", "id", f"uses the name beta, which {BETA} uses already"),
    ]


def test_k06_a_claim_is_made_once(rule_base: RuleBase) -> None:
    claim = (
        "id: TST-001, lines: [1, 2], section: S, references: [], kind: k, actionable: true, subjects: [], "
        "statement: S., figures: {}"
    )
    rule_base.write("claims/more.yaml", f'review: "001"\nclaims:\n  - {{{claim}}}\n')
    assert rule_base.findings == [
        Finding("claims/more.yaml", 3, "K06", "claims[1].id", f"repeats the claim TST-001 of {CLAIMS}")
    ]


def test_k07_a_fact_is_derived_once(rule_base: RuleBase) -> None:
    rule_base.write("staging/zz.yaml", rule_base.text(END_STAGE))
    assert rule_base.findings == [
        Finding("staging/zz.yaml", 1, "K06", "fact", "derives end_stage; the file must be named end-stage.yaml"),
        Finding("staging/zz.yaml", 1, "K07", "fact", f"derives `end_stage`, which {END_STAGE} derives already"),
    ]


def test_k07_a_derived_fact_needs_its_derivation(rule_base: RuleBase) -> None:
    (rule_base.folder / END_STAGE).unlink()
    assert rule_base.findings == [
        Finding("vocabulary.yaml", 1, "K07", "facts.end_stage", "is derived, but no staging file derives it")
    ]


def test_k07_a_circle_names_every_fact_caught_in_it(rule_base: RuleBase) -> None:
    rule_base.change(
        "staging/macrovascular-invasion.yaml", "- {hepatic_vein_or_ivc_invasion: true}", "- {end_stage: true}"
    )
    rule_base.change(END_STAGE, "- {tumour: hcc, bclc_stage: D}", "- {macrovascular_invasion: true}")
    assert rule_base.findings == [
        Finding(END_STAGE, 1, "K07", "fact", "derives `end_stage` from itself, directly or in a circle"),
        Finding(
            "staging/macrovascular-invasion.yaml",
            1,
            "K07",
            "fact",
            "derives `macrovascular_invasion` from itself, directly or in a circle",
        ),
    ]


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ("{ecog: {at_most: 1}}", "{ecog: {above: 1}}", True),
        ("{ecog: {at_most: 1}}", "{ecog: {at_least: 1}}", False),
        ("{ecog: {below: 1}}", "{ecog: {at_least: 1}}", True),
        ("{child_pugh_class: A}", "{child_pugh_class: {any_of: [B, C]}}", True),
        ("{child_pugh_class: {any_of: [A, B]}}", "{child_pugh_class: {any_of: [B, C]}}", False),
        ("{cirrhosis: true}", "{cirrhosis: false}", True),
        ("{cirrhosis: true}", "{bleeding_within_6_months: false}", False),
        ("{etiology: {any_of: [hbv]}}", "{etiology: {none_of: [hbv]}}", True),
        ("{etiology: {any_of: [hbv, hcv]}}", "{etiology: {none_of: [hbv]}}", False),
        ("{etiology: {any_of: [hbv]}}", "{etiology: {any_of: [hcv]}}", False),
    ],
)
def test_k09_two_indications_of_a_setting_exclude_each_other_by_one_fact(
    rule_base: RuleBase, first: str, second: str, apart: bool
) -> None:
    rule_base.change(ALPHA, "    when: {etiology: {any_of: [hbv]}}\n", f"    when: {second}\n")
    rule_base.change(ALPHA, "settings: [second_line]\n", "settings: [first_line]\n")
    rule_base.change(
        ALPHA, "yet\n    settings: [first_line]\n", f"yet\n    settings: [first_line]\n    when: {first}\n"
    )
    assert [item.code for item in rule_base.findings] == ([] if apart else ["K09"])


def test_k10_an_edition_that_is_not_there_is_answered_with_those_that_are(rule_base: RuleBase) -> None:
    knowledge, findings = inspect_knowledge(rule_base.folder, "tomorrow")
    assert knowledge is None
    line = rule_base.line(MANIFEST, "editions:")
    assert findings == [Finding(MANIFEST, line, "K10", "editions", "has no edition 'tomorrow'; allowed is reviews")]


def test_k10_a_rule_bears_on_indications_of_its_file(rule_base: RuleBase) -> None:
    rule_base.change(ALPHA, "    trials: [trial-1]", "    for: [third-line]")
    line = rule_base.line(ALPHA, "third-line")
    assert Finding(ALPHA, line, "K10", "include[1].for", "names third-line, which is no indication here") in (
        rule_base.findings
    )


def lint(rule_base: RuleBase) -> list[str]:
    result = CliRunner().invoke(app, ["rules", "lint", str(rule_base.folder)])
    assert result.exit_code == (0 if result.stdout.startswith("no findings") else 1)
    return result.stdout.splitlines()


def test_k11_a_rule_of_too_many_conditions_is_named(rule_base: RuleBase) -> None:
    facts = [
        "cirrhosis", "extrahepatic_spread", "bile_duct_invasion", "microvascular_invasion", "refractory_to_tace",
        "amenable_to_resection", "amenable_to_ablation", "amenable_to_transplant", "bleeding_within_6_months",
        "endoscopy_within_6_months", "autoimmune_disease", "high_recurrence_risk", "msi_high", "tmb_high",
        "pd_l1_positive", "hepatic_vein_or_ivc_invasion",
    ]  # fmt: skip
    many = ", ".join(f"{fact}: true" for fact in facts)
    rule_base.change(END_STAGE, "      - {tumour: hcc, bclc_stage: D}", f"      - {{{many}}}")
    assert rule_base.findings == []
    (line,) = lint(rule_base)
    assert line == "staging/end-stage.yaml:1: K11 staging/end-stage/true: 16 conditions; 1 to 15 are safe"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("met: [{ecog: 2}]", "met: []", "has no case in which the rule ecog-2 is met"),
        ("not_met: [{ecog: 1}]", "not_met: []", "has no case in which the rule ecog-2 is not met"),
        (
            "  - rule: bleeding\n    met: [{bleeding_within_6_months: true}]\n"
            "    not_met: [{bleeding_within_6_months: false}]\n    unknown: [{}]\n",
            "",
            "has no case for the rule bleeding",
        ),
        (
            "cases:\n",
            "cases:\n  - {rule: gone, met: [{}], not_met: [{}], unknown: [{}]}\n",
            "has a case for gone, which is no rule of this file",
        ),
        (
            "not_met: [{weight_kg: 60}]\n    unknown: [{}]",
            "not_met: [{weight_kg: 60}]",
            "has no case in which the rule low-weight is unknown",
        ),
    ],
)
def test_k15_every_rule_has_a_case_that_fires_it_a_near_miss_and_an_unknown(
    rule_base: RuleBase, old: str, new: str, message: str
) -> None:
    rule_base.change(ALPHA, old, new)
    assert rule_base.findings == []
    assert case_findings(load_knowledge(rule_base.folder)) == [Finding(ALPHA, 1, "K15", "cases", message)]
    assert lint(rule_base) == [f"{ALPHA}:1: K15 cases: {message}"]


def test_k15_a_rule_that_only_asks_for_a_number_needs_no_near_miss(rule_base: RuleBase) -> None:
    rule_base.change(ALPHA, "when: {ecog: {at_least: 2}}", "when: {ecog: {at_least: 0}}")
    rule_base.change(ALPHA, "not_met: [{ecog: 1}]", "not_met: []")
    assert case_findings(load_knowledge(rule_base.folder)) == []


def test_a_sound_rule_base_passes_the_lint(rule_base: RuleBase) -> None:
    (line,) = lint(rule_base)
    assert line.startswith("no findings: 2 options, 1 trials, ")


# All of it at once


def test_every_finding_comes_at_once_in_order_of_file_and_line(rule_base: RuleBase) -> None:
    rule_base.change(ALPHA, "when: {child_pugh_class: A}", "when: {child_pugh_class: D}")
    rule_base.change(ALPHA, "classes: [tki]", "classes: [nanobots]")
    rule_base.change(TRIAL, "    arm: alpha", "    arm: gamma")
    rule_base.change(NOTICES, "when: {ongoing_line: true}", "when: {ongoing_line: 1}")
    found = rule_base.findings
    assert [(item.file, item.code) for item in found] == [
        (NOTICES, "K03"),
        (ALPHA, "K10"),
        (ALPHA, "K03"),
        (TRIAL, "K04"),
    ]
    with pytest.raises(KnowledgeError) as caught:
        load_knowledge(rule_base.folder)
    assert list(caught.value.findings) == found
    assert str(caught.value).splitlines() == [str(item) for item in found]


def test_a_finding_reads_as_file_line_code_key_and_sentence() -> None:
    assert str(Finding(ALPHA, 7, "K03", "include[1].when", "is wrong")) == (
        "options/alpha.yaml:7: K03 include[1].when: is wrong"
    )
    assert str(Finding(ALPHA, 1, "K01", "", "the file is empty")) == "options/alpha.yaml:1: K01 the file is empty"


def test_a_rule_base_with_a_finding_is_never_used(rule_base: RuleBase) -> None:
    rule_base.change(ALPHA, "classes: [tki]", "classes: [nanobots]")
    result = CliRunner().invoke(app, ["recommend", "-", "--rules", str(rule_base.folder)], input="ecog: 1\n")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        "options/alpha.yaml:6: K10 classes[1]: names the class nanobots, which vocabulary.yaml does not have\n"
    )


def test_k01_a_file_that_would_never_be_read_is_named(rule_base: RuleBase) -> None:
    rule_base.write("options/forgotten.yml", "id: forgotten")
    (rule_base.folder / "options" / "old").mkdir()
    rule_base.write("options/old/forgotten.yaml", "id: forgotten")
    message = "the file would not be read; files end in .yaml and stand in their kind's folder"
    assert rule_base.findings == [
        Finding("options/forgotten.yml", 1, "K01", "", message),
        Finding("options/old/forgotten.yaml", 1, "K01", "", message),
    ]
