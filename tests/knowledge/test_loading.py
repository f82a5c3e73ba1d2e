"""Loading: the stamp of the knowledge, the order of derivation, names and editions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hcc_decide import documents
from hcc_decide.knowledge import files
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import attributes_of, fact_of
from hcc_decide.knowledge.files import fingerprint
from hcc_decide.knowledge.findings import KnowledgeError
from hcc_decide.knowledge.load import load_knowledge
from tests.conftest import ROOT
from tests.knowledge.conftest import RuleBase

ALPHA = "options/alpha.yaml"


# The stamp


def test_the_stamp_is_a_sha256_over_all_files(knowledge: Knowledge) -> None:
    assert len(knowledge.sha256) == 64
    assert set(knowledge.sha256) <= set("0123456789abcdef")
    assert knowledge.sha256 == fingerprint(ROOT / "rules")
    assert knowledge.edition == "reviews"


def test_the_stamp_changes_with_any_byte_of_any_file(rule_base: RuleBase) -> None:
    stamps = {fingerprint(rule_base.folder)}
    files = sorted(rule_base.folder.rglob("*.yaml"))
    for file in files:
        content = file.read_bytes()
        for position in (0, len(content) // 2, len(content) - 1):
            changed = bytes([content[position] ^ 1])
            file.write_bytes(content[:position] + changed + content[position + 1 :])
            stamps.add(fingerprint(rule_base.folder))
        file.write_bytes(content + b"#")
        stamps.add(fingerprint(rule_base.folder))
        file.write_bytes(content)
    assert len(stamps) == 1 + 4 * len(files)
    assert fingerprint(rule_base.folder) in stamps


def test_the_stamp_changes_when_a_file_is_renamed_added_removed_or_split(rule_base: RuleBase) -> None:
    before = fingerprint(rule_base.folder)
    (rule_base.folder / ALPHA).rename(rule_base.folder / "options" / "alpha2.yaml")
    renamed = fingerprint(rule_base.folder)
    (rule_base.folder / "options" / "alpha2.yaml").unlink()
    removed = fingerprint(rule_base.folder)
    rule_base.write("options/empty.yaml", "")
    added = fingerprint(rule_base.folder)
    beta = rule_base.text("options/beta.yaml")
    rule_base.write("options/beta.yaml", beta[:10])
    rule_base.write("options/empty.yaml", beta[10:])
    split = fingerprint(rule_base.folder)
    assert len({before, renamed, removed, added, split}) == 5


def test_the_stamp_does_not_depend_on_line_endings(rule_base: RuleBase) -> None:
    before = fingerprint(rule_base.folder)
    for file in rule_base.folder.rglob("*.yaml"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert fingerprint(rule_base.folder) == before
    assert load_knowledge(rule_base.folder).sha256 == before


def test_the_stamp_does_not_depend_on_place_or_the_order_in_which_files_were_written(
    rule_base: RuleBase, tmp_path: Path
) -> None:
    for name, order in (("forwards", 1), ("backwards", -1)):
        for file in sorted(rule_base.folder.rglob("*.yaml"))[::order]:
            target = tmp_path / name / file.relative_to(rule_base.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        assert fingerprint(tmp_path / name) == fingerprint(rule_base.folder)


def test_the_stamp_heeds_rule_files_only(rule_base: RuleBase) -> None:
    before = fingerprint(rule_base.folder)
    rule_base.write("README.md", "How to read these files.")
    rule_base.write("options/.alpha.yaml.swp", "x")
    assert fingerprint(rule_base.folder) == before


def test_the_same_files_give_the_same_knowledge(rule_base: RuleBase) -> None:
    assert load_knowledge(rule_base.folder) == load_knowledge(rule_base.folder)


def test_a_rule_base_without_findings_is_read_once_and_no_places_are_looked_up(
    rule_base: RuleBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def read(path: Path) -> documents.Document:
        names.append(path.name)
        return documents.read(path)

    monkeypatch.setattr(files, "read", read)
    monkeypatch.setattr(documents.Document, "places", property(lambda self: pytest.fail("a place was looked up")))
    load_knowledge(rule_base.folder)
    assert sorted(names) == sorted(path.name for path in rule_base.folder.rglob("*.yaml"))


# Derived facts


def test_every_derived_fact_stands_after_the_ones_it_reads(knowledge: Knowledge) -> None:
    place = {item.fact: number for number, item in enumerate(knowledge.staging)}
    read = {
        (item.fact, fact_of(name))
        for item in knowledge.staging
        for value in item.values
        for name in attributes_of(value.condition)
    }
    among_themselves = [(fact, source) for fact, source in read if source in place]
    assert ("setting", "end_stage") in among_themselves
    assert all(place[source] < place[fact] for fact, source in among_themselves)


def test_the_order_of_derivation_is_the_order_of_need_then_of_names(knowledge: Knowledge) -> None:
    assert [item.fact for item in knowledge.staging] == [
        "albi_grade",
        "amenable_to_tace",
        "child_pugh_class",
        "curative_treatment_possible",
        "macrovascular_invasion",
        "bclc_stage",
        "end_stage",
        "systemic_therapy_indicated",
        "setting",
    ]


def test_a_fact_that_the_record_may_give_is_marked_so(knowledge: Knowledge) -> None:
    assert [item.fact for item in knowledge.staging if item.given] == [
        "albi_grade",
        "amenable_to_tace",
        "child_pugh_class",
        "bclc_stage",
    ]
    assert [item.fact for item in knowledge.staging if not item.excludes] == ["amenable_to_tace"]


def test_a_value_that_is_derived_has_a_rule_of_its_own(knowledge: Knowledge) -> None:
    rules = [value.rule for item in knowledge.staging for value in item.values]
    assert len(set(rules)) == len(rules)
    assert {
        "staging/albi-grade/1",
        "staging/end-stage/true",
        "staging/bclc-stage/0",
        "staging/setting/first-line",
    } <= set(rules)


# Names


def test_options_stand_by_id_and_go_by_their_other_names(rule_base: RuleBase) -> None:
    knowledge = load_knowledge(rule_base.folder)
    assert list(knowledge.options) == ["alpha", "beta"]
    assert knowledge.option_ids == {"alpha": "alpha", "alphamab": "alpha", "beta": "beta"}
    assert knowledge.sources == {"alpha": ALPHA, "beta": "options/beta.yaml"}


def test_a_rule_bears_on_every_indication_it_can_change_unless_it_says_for_which(rule_base: RuleBase) -> None:
    knowledge = load_knowledge(rule_base.folder)
    bears_on = {rule.name: rule.indications for rule in knowledge.options["alpha"].rules}
    assert bears_on == {
        "first-line": {"first-line"},
        "second-line-hbv": {"second-line-hbv"},
        "adjuvant": {"adjuvant"},
        "child-pugh-a": {"first-line", "second-line-hbv"},
        "already-failed": {"first-line", "second-line-hbv"},
        "ecog-2": {"first-line"},
        "bleeding": {"first-line", "second-line-hbv", "adjuvant"},
        "low-weight": {"first-line", "second-line-hbv", "adjuvant"},
    }


def test_a_rule_is_found_by_its_full_id(rule_base: RuleBase) -> None:
    knowledge = load_knowledge(rule_base.folder)
    rule = knowledge.rules["options/alpha/ecog-2"]
    assert (rule.kind, rule.text, rule.name, rule.attributes) == ("reservation", "ECOG above one", "ecog-2", ("ecog",))
    notice = knowledge.rules["notices/child-pugh-b"]
    assert notice.kind == "notice"
    assert "options/alpha/nowhere" not in knowledge.rules


def test_an_edition_is_loaded_by_name_only(rule_base: RuleBase) -> None:
    assert load_knowledge(rule_base.folder, "reviews").edition == "reviews"
    with pytest.raises(KnowledgeError, match="has no edition 'Reviews'; allowed is reviews"):
        load_knowledge(rule_base.folder, "Reviews")


def test_an_empty_folder_is_no_rule_base(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError) as caught:
        load_knowledge(tmp_path)
    assert [finding.file for finding in caught.value.findings] == ["knowledge.yaml", "notices.yaml", "vocabulary.yaml"]
