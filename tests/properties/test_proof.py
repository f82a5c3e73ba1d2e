"""Proofs hold for every patient: everything read comes from somewhere, and every verdict is reached."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_decide.decide import decide
from hcc_decide.decision import Decision
from hcc_decide.documents import read
from hcc_decide.engine.fold import standing_rules, verdict_rules
from hcc_decide.patient import parse_patient
from hcc_decide.proof import Chain, Proof, dot, memory, proof_of
from hcc_decide.proof.building import by_verdict, proof_in
from hcc_decide.proof.chain import memory_of
from hcc_decide.proof.sentences import rule_text, sentence
from tests.conftest import ROOT, shipped_engine, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
ENGINE = shipped_engine()
PATIENTS = st.one_of(records(sorted(KNOWLEDGE.options)), records(sorted(KNOWLEDGE.options), tumour="liver_metastasis"))
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.yaml"))
# The first ones of each verdict, which between them have every shape of proof.
SAMPLE = 40

many = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def decided(record: dict[str, Any]) -> Decision:
    return decide(parse_patient(record, KNOWLEDGE.option_ids), ENGINE)


def of_example(name: str) -> Decision:
    return decided(read(ROOT / "examples" / f"{name}.yaml").data)


def check_chain(decision: Decision) -> Chain:
    chain = Chain(decision, KNOWLEDGE)
    assert sorted(step.step for step in chain.steps) == [step.step for step in decision.trace]
    place = {step.step: number for number, step in enumerate(chain.steps)}
    for step in chain.steps:
        found = chain.read(step)
        assert [item.name for item in found] == list(step.matched)
        for item in found:
            assert item.label
            assert item.value
            assert item.nodes or item.name == "option", (step, item)
            assert all(place[number] < place[step.step] for number in item.steps), (step, item)
            for node in item.nodes:
                derived = node.startswith(("fact:", "derived:")) or (node.startswith("ranking:"))
                assert not derived or chain.asserted_by(node, step.step), (step, item)
        assert sentence(chain, step).conditions
        assert rule_text(KNOWLEDGE, step.rule).text
        assert chain.added(step).steps == (step.step,)
    return chain


def check_proof(proof: Proof, decision: Decision) -> None:
    assert proof.verdict == decision.verdict_of(proof.option)
    assert proof.would_be == next((item.would_be for item in decision.options if item.id == proof.option), None)
    names = [node.id for node in proof.nodes]
    assert len(set(names)) == len(names)
    assert names[-1] == proof.root
    place = {name: number for number, name in enumerate(names)}
    for edge in proof.edges:
        assert place[edge.source] < place[edge.target], (proof.option, edge)
    reached = {proof.root}
    for name in reversed(names):
        assert name in reached, (proof.option, name)
        reached |= {edge.source for edge in proof.edges if edge.target == name}
    for node in proof.nodes:
        at_the_start = node.kind in ("patient", "knowledge")
        assert at_the_start != any(edge.target == node.id for edge in proof.edges), (proof.option, node)
        assert set(node.steps) <= set(proof.steps)
    assert set(proof.steps) == {number for node in proof.nodes for number in node.steps}
    shown = f"{proof.verdict}, would be {proof.would_be}" if proof.would_be else proof.verdict
    assert proof.nodes[-1].value == shown.replace("_", " ")


@many
@given(PATIENTS)
def test_everything_that_a_step_reads_is_in_the_record_or_was_asserted_before(record: dict[str, Any]) -> None:
    check_chain(decided(record))


@many
@given(PATIENTS)
def test_every_proof_leads_from_facts_to_the_decision_s_verdict(record: dict[str, Any]) -> None:
    decision = decided(record)
    chain = Chain(decision, KNOWLEDGE)
    options = by_verdict(decision)
    assert sorted(options) == sorted(KNOWLEDGE.options)
    for option in [*options[:SAMPLE], *options[-SAMPLE:]]:
        check_proof(proof_in(chain, option), decision)


@many
@given(PATIENTS)
def test_criteria_of_a_proof_say_what_the_decision_says(record: dict[str, Any]) -> None:
    decision = decided(record)
    chain = Chain(decision, KNOWLEDGE)
    for option in decision.options[:SAMPLE]:
        results = {item.rule: item.result for item in option.criteria}
        shown = {node.rule: node.result for node in proof_in(chain, option.id).nodes if node.kind == "criterion"}
        for rule in results.keys() & shown.keys():
            assert results[rule] == shown[rule]
        if option.verdict == "undetermined" and any(result == "unknown" for result in results.values()):
            assert {rule for rule, result in shown.items() if result == "unknown"}
    for excluded in decision.excluded[:SAMPLE]:
        shown = {node.rule: node.result for node in proof_in(chain, excluded.id).nodes if node.kind == "criterion"}
        assert all(shown[item.rule] == "not_met" for item in excluded.criteria)


@many
@given(PATIENTS)
def test_what_an_undetermined_option_hangs_on_stands_in_its_proof(record: dict[str, Any]) -> None:
    decision = decided(record)
    chain = Chain(decision, KNOWLEDGE)
    for missing in decision.missing[:6]:
        fact = missing.fact.partition("[")[0]
        for option in missing.would_decide[:4]:
            nodes = {node.id for node in proof_in(chain, option).nodes}
            assert f"record:{fact}" in nodes, (missing.fact, option)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_option_of_the_examples_has_a_proof_that_grows_step_by_step(name: str) -> None:
    decision = of_example(name)
    chain = check_chain(decision)
    for option in by_verdict(decision):
        proof = proof_in(chain, option)
        check_proof(proof, decision)
        check_dot(dot(proof, proof.steps[-1] if proof.steps else None), proof)
    for option in by_verdict(decision)[:3]:
        proof = proof_of(decision, KNOWLEDGE, option)
        before: set[str] = set()
        for number in proof.steps:
            part = proof.until(number)
            now = {node.id for node in part.nodes}
            assert before <= now
            assert any(number in node.steps for node in part.nodes)
            assert {end for edge in part.edges for end in (edge.source, edge.target)} == now
            check_dot(dot(part, number), part)
            before = now
        assert proof.until(proof.steps[-1]) == proof
        assert proof.until(0).nodes == ()


def test_the_working_memory_grows_by_what_each_step_asserts() -> None:
    decision = of_example("child-pugh-b")
    chain = Chain(decision, KNOWLEDGE)
    before = {node.id: node for node in memory(decision, KNOWLEDGE, [])}
    assert {node.kind for node in before.values()} == {"patient"}
    assert "record:case_id" not in before
    for number in range(1, 80):
        now = {node.id: node for node in memory_of(chain, chain.steps[:number])}
        added = chain.added(chain.steps[number - 1])
        assert now.keys() == before.keys() | {added.id}
        assert {name: node for name, node in now.items() if name != added.id} == {
            name: node for name, node in before.items() if name != added.id
        }
        assert chain.steps[number - 1].step in now[added.id].steps
        before = now
    assert len(memory(decision, KNOWLEDGE)) > len(before)


def test_a_span_of_points_is_read_as_bounds() -> None:
    decision = decided({"bilirubin_umol_l": 12, "albumin_g_l": 41, "inr": 1.0, "ascites": "none"})
    chain = Chain(decision, KNOWLEDGE)
    shown = {
        item.value for step in chain.steps for item in chain.read(step) if item.name.startswith("child_pugh_points")
    }
    assert shown <= {"at least 5", "at most 7"}
    assert shown


def test_a_score_that_is_given_is_not_said_to_be_worked_out_from_laboratory_values() -> None:
    decision = decided({"child_pugh_score": 6, "albumin_g_l": 31})
    assert Chain(decision, KNOWLEDGE).sources("child_pugh_points") == ("child_pugh_score",)


def test_every_rule_that_folds_criteria_into_verdicts_has_its_words() -> None:
    texts = {rule.source: rule_text(KNOWLEDGE, rule.source).text for rule in (*standing_rules(), *verdict_rules())}
    assert len(set(texts.values())) == len(texts)


def test_an_option_that_the_catalogue_lacks_has_no_proof() -> None:
    with pytest.raises(KeyError):
        proof_of(of_example("half-known"), KNOWLEDGE, "water")


def test_proofs_need_no_compiled_engine() -> None:
    code = "import sys, hcc_decide.proof; sys.exit(any('durable' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# A small reader of DOT, for what proofs use of it.

STRING = r'"(?:[^"\\]|\\.)*"'
NODE = re.compile(rf"  ({STRING}) \[((?:\w+=(?:{STRING}|[\w.]+)(?:, )?)+)\];")
EDGE = re.compile(rf"  ({STRING}) -> ({STRING});")


def check_dot(text: str, proof: Proof) -> None:
    first, *lines, last = text.splitlines()
    assert (first, last) == ("digraph proof {", "}")
    names, edges = set(), []
    for line in lines[3:]:
        if found := NODE.fullmatch(line):
            names.add(found.group(1))
            attributes = dict(re.findall(rf"(\w+)=({STRING}|[\w.]+)", found.group(2)))
            assert {"label", "shape", "fillcolor", "fontcolor", "color", "penwidth"} <= attributes.keys()
        else:
            found = EDGE.fullmatch(line)
            assert found, line
            edges.append((found.group(1), found.group(2)))
    assert len(names) == len(proof.nodes)
    assert {end for edge in edges for end in edge} <= names


def test_labels_are_escaped_and_the_present_step_is_marked_in_words() -> None:
    decision = of_example("after-sorafenib-afp-812")
    proof = proof_of(decision, KNOWLEDGE, decision.options[0].id)
    odd = proof.nodes[0].model_copy(update={"label": 'a "quoted" \\ back\\slash', "value": "{<b>|}"})
    proof = proof.model_copy(update={"nodes": (odd, *proof.nodes[1:])})
    text = dot(proof, proof.steps[0])
    check_dot(text, proof)
    assert text.count("NOW: ") == 1
    assert "penwidth=5" in text
    assert "NOW: " not in dot(proof)
    assert "✓ met" in text
