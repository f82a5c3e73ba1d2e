"""Who notices an error, and that the quick way of finding out agrees with the checks themselves."""

from __future__ import annotations

import json

import pytest

from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.cases import case_findings
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.files import read_files
from hcc_decide.knowledge.findings import KnowledgeError
from hcc_decide.knowledge.load import inspect_knowledge
from hcc_decide.mutation.checks import Checks, Kill
from hcc_decide.mutation.edits import Mutant
from hcc_decide.mutation.mutants import mutants, sampled
from hcc_decide.mutation.reading import QuickEngine, Ward
from hcc_decide.patient import parse_patient
from hcc_decide.teaching import differences
from tests.knowledge.conftest import RuleBase
from tests.mutation.conftest import ALPHA


def kill(rule_base: RuleBase, name: str) -> Kill | None:
    """Return who notices the error of that name in the small rule base."""
    raw = read_files(rule_base.folder)
    (mutant,) = [item for item in mutants(raw) if item.name == name]
    return Checks(raw).kill(mutant)


@pytest.mark.parametrize(
    ("name", "by", "message"),
    [
        ("options/alpha/child-pugh-a: claim TST-001 removed", "load checks", "K02 List should have at least 1 item"),
        ("options/alpha/already-failed: dropped", "load checks", "K14"),
        ("options/alpha/adjuvant: setting first_line added", "load checks", "K09"),
        ("options/alpha/bleeding: dropped", "cases", "K15"),
        ("options/alpha/low-weight: weight_kg below 60 -> 61", "cases", "the rule low-weight is not not met"),
        ("options/alpha/ecog-2: ecog at_least 2 -> 3", "cases", "the rule ecog-2 is not met"),
        ("options/beta/curative: verdict preferred -> recommended", "vignettes", "beta is recommended, expected is preferred"),
        ("staging/setting/curative: end_stage false -> true", "vignettes", "curable: staging leaves no value of setting"),
        ("options/alpha/bleeding: claim TST-009 removed", "coverage", "TST-009 is cited by no rule any more"),
    ],
)  # fmt: skip
def test_an_error_is_noticed_by_the_first_check_that_can(taught: RuleBase, name: str, by: str, message: str) -> None:
    found = kill(taught, name)
    assert found is not None
    assert found.by == by
    assert message in found.message


def test_an_error_that_nobody_can_see_survives(taught: RuleBase) -> None:
    assert kill(taught, "options/alpha/first-line: evidence_level 1 -> 2") is None


def test_a_case_that_states_the_level_notices_a_changed_one(taught: RuleBase) -> None:
    taught.change(ALPHA, "cases:\n", "cases:\n  - {rule: first-line, evidence_level: 1}\n")
    found = kill(taught, "options/alpha/first-line: evidence_level 1 -> 2")
    assert found is not None
    assert "states the evidence_level 1 for first-line, which has 2" in found.message


def test_a_patient_of_an_indication_notices_a_criterion_that_reaches_too_far(taught: RuleBase) -> None:
    taught.change(ALPHA, "  - rule: second-line-hbv\n", "  - rule: second-line-hbv\n    verdict: investigational\n")
    found = kill(taught, "options/alpha/child-pugh-a: child_pugh_class A -> B")
    assert found is not None
    assert found.by == "cases"


def test_a_proof_is_asked_last_and_about_the_option_that_changed(taught: RuleBase) -> None:
    asked: list[str | None] = []

    def proofs(knowledge: Knowledge, option: str | None) -> list[str]:
        asked.append(option)
        return ["no patient gets it"] if option == "alpha" else []

    raw = read_files(taught.folder)
    checks = Checks(raw, proofs)
    by_name = {item.name: item for item in mutants(raw)}
    assert checks.kill(by_name["options/alpha/bleeding: dropped"]) != Kill("proofs", "no patient gets it")
    assert asked == []
    assert checks.kill(by_name["options/alpha/first-line: evidence_level 1 -> 2"]) == Kill(
        "proofs", "no patient gets it"
    )
    assert checks.kill(by_name["staging/albi-grade: otherwise -> unknown"]) is None
    assert asked == ["alpha", None]


def test_a_rule_base_with_findings_is_not_tried(taught: RuleBase) -> None:
    taught.change(ALPHA, "child_pugh_class: A}\n    claims", "child_pugh_class: F}\n    claims")
    with pytest.raises(KnowledgeError, match="K03"):
        Checks(read_files(taught.folder))


def test_what_the_load_checks_and_cases_are_said_to_find_they_find(taught: RuleBase) -> None:
    raw = read_files(taught.folder)
    checks = Checks(raw)
    documents = {source.file: source.document.data for source in raw.options}
    documents |= {source.file: source.document.data for source in raw.staging}
    tried = [item for item in sampled(mutants(raw), 60, 4) if item.file in documents]
    noticed = 0
    for mutant in tried:
        found = checks.kill(mutant)
        before = taught.text(mutant.file)
        taught.write(mutant.file, json.dumps(mutant.applied(documents[mutant.file])))
        knowledge, findings = inspect_knowledge(taught.folder)
        taught.write(mutant.file, before)
        findings += case_findings(knowledge) if knowledge is not None and not findings else []
        by_findings = found is not None and (found.by == "load checks" or "K15" in found.message)
        assert bool(findings) == by_findings, (mutant.name, found, findings)
        noticed += by_findings
    assert 0 < noticed < len(tried)


def test_the_quick_engine_says_what_the_engine_says(engine: Engine) -> None:
    ward = Ward(engine.knowledge)
    for option in ("ramucirumab", "lenvatinib"):
        quick = QuickEngine(ward, engine.knowledge, option)
        for vignette in list(engine.knowledge.vignettes.values())[::12]:
            patient = parse_patient(dict(vignette.patient), engine.knowledge.option_ids)
            theirs, ours = engine.infer(patient), quick.infer(patient)
            assert {name: (item.verdict, item.would_be, item.indication) for name, item in ours.standings.items()} == {
                name: (item.verdict, item.would_be, item.indication) for name, item in theirs.standings.items()
            }
            assert theirs.results.items() <= ours.results.items()
            assert ours.states == theirs.states
            assert list(differences(vignette, quick)) == []


def test_unchanged_files_are_noticed_by_nobody(taught: RuleBase) -> None:
    raw = read_files(taught.folder)
    assert raw.notices is not None
    checks = Checks(raw)
    documents = {
        raw.options[0].file: (raw.options[0].document.data, "include"),
        raw.staging[0].file: (raw.staging[0].document.data, "values"),
        raw.notices.file: (raw.notices.document.data, "notices"),
    }
    for file, (data, key) in documents.items():
        assert checks.kill(Mutant("nothing", "none", file, (key,), data[key])) is None
