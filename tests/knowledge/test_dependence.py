"""Who depends on a fact, directly and through others; who leans on a claim or a trial."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.citing import citing
from hcc_decide.knowledge.condition import Span, fact_of
from hcc_decide.knowledge.dependence import SETTING, Dependence, dependence, paths_from, sources_of, statements
from hcc_decide.knowledge.files import read_files
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.knowledge.uses import citers, trial_uses
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def every(knowledge: Knowledge) -> dict[str, Dependence]:
    return {name: dependence(knowledge, name) for name in (PRIOR_SYSTEMIC, *knowledge.vocabulary.facts)}


def naive(sources: dict[str, frozenset[str]], fact: str) -> set[str]:
    """Everything that comes of a fact, by adding until nothing changes."""
    found = {fact}
    while True:
        more = {name for name, read in sources.items() if read & found} - found
        if not more:
            return found
        found |= more


def test_each_rule_depends_directly_on_exactly_the_facts_that_it_reads(
    knowledge: Knowledge, every: dict[str, Dependence]
) -> None:
    for rule in knowledge.rules.values():
        expected = {fact_of(attribute) for attribute in rule.attributes}
        if rule.kind == "indication":
            expected.add(SETTING)
        found = {
            name
            for name, item in every.items()
            if any(reader.direct and reader.statement.id == rule.id for reader in item.readers)
        }
        assert found == expected, rule.id


def test_each_derivation_depends_directly_on_exactly_the_facts_that_it_reads(
    knowledge: Knowledge, every: dict[str, Dependence]
) -> None:
    for statement in statements(knowledge):
        found = {
            name
            for name, item in every.items()
            if any(reader.direct and reader.statement == statement for reader in item.readers)
        }
        assert found == statement.facts, statement.id


def test_every_statement_of_the_rule_base_is_there_once(knowledge: Knowledge) -> None:
    found = [statement.id for statement in statements(knowledge) if statement.kind != "scope"]
    derived = [value.rule for item in knowledge.staging for value in item.values]
    assert sorted(found) == sorted([*derived, *knowledge.rules])


def test_the_way_through_other_facts_is_the_naive_closure(knowledge: Knowledge, every: dict[str, Dependence]) -> None:
    sources = dict(sources_of(knowledge))
    for name, item in every.items():
        closure = naive(sources, name)
        assert set(item.paths) == closure
        expected = {
            (statement.id, statement.kind, read)
            for statement in statements(knowledge)
            for read in statement.facts & closure
        }
        found = [(reader.statement.id, reader.statement.kind, reader.path[-1]) for reader in item.readers]
        assert len(found) == len(set(found)), name
        assert set(found) == expected, name


def test_each_way_is_made_of_single_steps(knowledge: Knowledge, every: dict[str, Dependence]) -> None:
    sources = sources_of(knowledge)
    for name, item in every.items():
        for path in item.paths.values():
            assert path[0] == name
            assert all(before in sources[after] for before, after in pairwise(path)), path


@given(
    edges=st.dictionaries(st.sampled_from("abcdefg"), st.frozensets(st.sampled_from("abcdefg"), max_size=4)),
    start=st.sampled_from("abcdefg"),
)
def test_ways_through_any_graph_reach_what_can_be_reached_and_are_shortest(
    edges: dict[str, frozenset[str]], start: str
) -> None:
    found = paths_from(start, edges)
    assert set(found) == naive(edges, start)
    for name, path in found.items():
        assert (path[0], path[-1]) == (start, name)
        assert len(path) == len(set(path))
        for before in edges.get(name, frozenset()) & found.keys():
            assert len(path) <= len(found[before]) + 1


def test_bilirubin_reaches_rules_through_the_points_and_the_class(every: dict[str, Dependence]) -> None:
    found = every["bilirubin_umol_l"]
    assert not [reader for reader in found.readers if reader.direct]
    assert found.paths["child_pugh_class"] == ("bilirubin_umol_l", "child_pugh_points", "child_pugh_class")
    ways = {reader.path for reader in found.readers if reader.statement.id == "options/ramucirumab/child-pugh-a"}
    assert ways == {found.paths["child_pugh_class"]}


def test_what_is_read_off_prior_lines_depends_on_them(knowledge: Knowledge, every: dict[str, Dependence]) -> None:
    found = every[PRIOR_SYSTEMIC]
    assert found.paths["prior_option"] == (PRIOR_SYSTEMIC, "prior_option")
    assert any(reader.statement.id == "options/ramucirumab/earlier-sorafenib" for reader in found.readers)
    assert any(reader.statement.id == "notices/line-ongoing" for reader in found.readers)


def test_cut_points_name_who_compares(every: dict[str, Dependence]) -> None:
    found = {
        (item.test.low, item.test.low_open): [statement.id for statement in item.statements]
        for item in every["afp_ng_ml"].comparisons
        if isinstance(item.test, Span)
    }
    assert found == {
        (200.0, True): ["options/lenvatinib/afp-above-200"],
        (400.0, True): ["options/cabozantinib/afp-above-400"],
        (400.0, False): ["options/ramucirumab/afp-400-or-more"],
    }


def test_comparisons_cover_each_test_that_a_rule_makes(knowledge: Knowledge, every: dict[str, Dependence]) -> None:
    for statement in statements(knowledge):
        for literal in {literal for conjunction in statement.condition or () for literal in conjunction}:
            (found,) = [
                item
                for item in every[fact_of(literal.attribute)].comparisons
                if (item.attribute, item.test) == (literal.attribute, literal.test)
            ]
            assert statement in found.statements


def test_a_fact_that_the_vocabulary_does_not_have_is_refused(knowledge: Knowledge) -> None:
    with pytest.raises(KeyError):
        dependence(knowledge, "shoe_size")


def test_who_cites_a_claim_is_found_as_in_the_files(knowledge: Knowledge) -> None:
    assert citers(knowledge) == citing(read_files(ROOT / "rules"))


def test_who_cites_a_claim_is_found_in_a_small_rule_base_too(sound: Path) -> None:
    assert citers(load_knowledge(sound)) == citing(read_files(sound))


def test_a_trial_knows_who_leans_on_it(knowledge: Knowledge) -> None:
    found = trial_uses(knowledge, "reach-2")
    assert ("ramucirumab", "supports") in found.evidence
    assert "options/ramucirumab/afp-400-or-more" in found.rules
    assert found.effects == ("options/ramucirumab/after-sorafenib",)
    assert found.sequences
    assert found.conflicts
    for name in knowledge.trials:
        assert set(trial_uses(knowledge, name).rules) <= knowledge.rules.keys()
