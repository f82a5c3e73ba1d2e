"""The errors that are made: every kind, each with a stable name, and none that changes nothing."""

from __future__ import annotations

import pickle

import pytest

from hcc_decide.knowledge.files import read_files
from hcc_decide.mutation.edits import ABSENT, Mutant
from hcc_decide.mutation.mutants import mutants, sampled
from tests.knowledge.conftest import RuleBase
from tests.mutation.conftest import ALPHA, BETA

KINDS = {
    "alternative dropped", "caution dropped", "claim removed", "comparison flipped", "condition dropped", "criterion dropped",
    "effect of a preference flipped", "effect size dropped", "effect size of another endpoint", "evidence level changed",
    "exclusion dropped", "for dropped", "indication dropped", "limit dropped", "list reversed", "notice dropped",
    "otherwise changed", "preference dropped", "reservation dropped", "setting added", "setting dropped",
    "staging value dropped", "threshold moved", "value added", "value dropped", "value swapped", "variant dropped",
    "verdict changed",
}  # fmt: skip

PFS = (
    "{id: pfs, measure: progression_free_survival, arm: alpha, control: placebo, unit: months, hr: 0.5, verified: true}"
)


def named(rule_base: RuleBase, file: str | None = None) -> dict[str, Mutant]:
    """Return the mutants by name, of one file or of all."""
    return {item.name: item for item in mutants(read_files(rule_base.folder)) if file in (None, item.file)}


def test_every_kind_of_error_is_made(rule_base: RuleBase) -> None:
    rule_base.change(ALPHA, "settings: [second_line]", "settings: [second_line, later_line]")
    rule_base.change(
        ALPHA,
        "preferences: []",
        "preferences:\n  - {id: liked, text: liked, when: {albi_grade: 1}, effect: favours, claims: [TST-001]}",
    )
    rule_base.change("trials/trial-1.yaml", "endpoints:\n", f"endpoints:\n  - {PFS}\n")
    assert {item.kind for item in named(rule_base).values()} == KINDS


@pytest.mark.parametrize(
    "name",
    [
        "options/alpha/low-weight: weight_kg below 60 -> 61",
        "options/alpha/low-weight: weight_kg below 60 -> 54",
        "options/alpha/low-weight: weight_kg below -> at_least 60",
        "options/alpha/low-weight: dropped",
        "options/alpha/first-line: verdict recommended -> preferred",
        "options/alpha/first-line: verdict recommended -> alternative",
        "options/alpha/first-line: evidence_level 1 -> 2",
        "options/alpha/first-line: effect dropped",
        "options/alpha/first-line: setting adjuvant added",
        "options/alpha/second-line-hbv: when dropped",
        "options/alpha/second-line-hbv: etiology any_of -> none_of",
        "options/alpha/second-line-hbv: etiology any_of hbv -> alcohol",
        "options/alpha/child-pugh-a: child_pugh_class B added",
        "options/alpha/already-failed: failed_option any_of alpha -> beta",
        "options/alpha/bleeding: bleeding_within_6_months true -> false",
        "options/alpha/ecog-2: for dropped",
        "options/alpha/ecog-2: claim TST-001 removed",
        "options/alpha/ecog-2: dropped",
        "staging/child-pugh-class/b: child_pugh_points at_most 9 dropped",
        "staging/bclc-stage/d: [2] ecog at_least 3 -> 4",
        "staging/macrovascular-invasion/true: [2] dropped",
        "staging/setting/first_line: intent dropped",
        "notices/line-ongoing: dropped",
    ],
)
def test_an_error_has_a_name_that_says_it(rule_base: RuleBase, name: str) -> None:
    assert name in named(rule_base)


def test_an_error_changes_one_place_and_leaves_the_file_as_it_is(rule_base: RuleBase) -> None:
    (source,) = [item for item in read_files(rule_base.folder).options if item.file == ALPHA]
    before = pickle.dumps(source.document.data)
    changed = named(rule_base, ALPHA)["options/alpha/ecog-2: ecog at_least 2 -> 3"].applied(source.document.data)
    assert changed["reservations"][0]["when"] == {"ecog": {"at_least": 3}}
    assert {**changed, "reservations": source.document.data["reservations"]} == source.document.data
    assert pickle.dumps(source.document.data) == before


def test_an_error_that_takes_something_out_does_so_in_another_process_too() -> None:
    mutant = pickle.loads(pickle.dumps(Mutant("x", "dropped", "file", ("list", 0), ABSENT)))
    assert mutant.applied({"list": [1, 2]}) == {"list": [2]}


@pytest.mark.parametrize(
    ("written", "unmade"),
    [
        ("{ecog: {at_least: 2}}", "options/alpha/ecog-2: ecog at_least -> above 1"),
        ("{etiology: {any_of: [hbv]}}", "options/alpha/ecog-2: etiology any_of -> all_of"),
        ("{nlr: {above: 0}}", "options/alpha/ecog-2: nlr above 0 -> -1"),
        ("{child_pugh_score: {at_least: 7, at_most: 15}}", "options/alpha/ecog-2: child_pugh_score at_most 15 -> 16"),
    ],
)  # fmt: skip
def test_what_means_the_same_is_not_made(rule_base: RuleBase, written: str, unmade: str) -> None:
    rule_base.change(ALPHA, "{ecog: {at_least: 2}}", written)
    found = named(rule_base, ALPHA)
    fact = written.partition(":")[0].strip("{")
    assert any(name.startswith(f"options/alpha/ecog-2: {fact}") for name in found)
    assert unmade not in found


def test_an_effect_without_a_ratio_is_no_effect_size_to_lose(rule_base: RuleBase) -> None:
    rule_base.change("trials/trial-1.yaml", "    hr: 0.7\n", "")
    assert not [name for name in named(rule_base, ALPHA) if ": effect " in name]


def test_names_and_order_are_the_same_on_every_run(rule_base: RuleBase) -> None:
    once, again = (mutants(read_files(rule_base.folder)) for _ in range(2))
    assert once == again
    assert len({item.name for item in once}) == len(once)


def test_a_sample_depends_on_number_and_seed_alone(rule_base: RuleBase) -> None:
    every = mutants(read_files(rule_base.folder))
    assert sampled(every, 50, 1) == sampled(every, 50, 1)
    assert sampled(every, 50, 1) != sampled(every, 50, 2)
    assert len(sampled(every, 50, 1)) == 50
    assert sampled(every, len(every) + 5, 1) == every


def test_a_changed_file_leaves_the_sample_of_the_others_nearly_as_it_was(rule_base: RuleBase) -> None:
    def of_staging() -> set[str]:
        return {item.name for item in sampled(mutants(read_files(rule_base.folder)), 200, 1) if item.file != BETA}

    before = of_staging()
    rule_base.change(BETA, "evidence_level: 2", "evidence_level: 3")
    assert len(before ^ of_staging()) <= 4
