"""`hcc-decide missing`, `compare` and `trace`."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hcc_decide.compare import compare
from hcc_decide.compare_text import KEY_LABELS
from hcc_decide.comparison import Comparison
from hcc_decide.decide import decide
from hcc_decide.documents import read
from hcc_decide.engine.engine import Engine
from hcc_decide.mermaid import quoted
from hcc_decide.patient import Patient, parse_patient
from hcc_decide.proof import Chain, Proof, dot
from hcc_decide.proof.building import by_verdict, proof_in
from hcc_decide.proof.mermaid import mermaid
from hcc_decide.proof.text import AS_ABOVE, steps_text, tree
from hcc_decide.worth.shape import Worths
from tests.cli.conftest import Invoke
from tests.conftest import ROOT

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.yaml"))
NOT_AN_OPTION = "is not an option of the catalogue; see `hcc-decide rules list`"
# The grammar of Mermaid that is emitted; a label holds nothing that has a meaning in Mermaid, Markdown or HTML but entities.
LABEL = r'"(?:[^"#&<>\[\]{}|`*~$@\\;]|#\d+;|<br/>)+"'
SHAPES = [r"\[/{}/\]", r"\[{}\]", r"\({}\)", r"\[\({}\)\]", r"\[\[{}\]\]", r"\(\[{}\]\)", r"\{{\{{{}\}}\}}"]
NODE = re.compile(rf"  (n\d+)(?:{'|'.join(shape.format(LABEL) for shape in SHAPES)}):::([a-z]+)")
EDGE = re.compile(r"  (n\d+) --> (n\d+)")
CLASS = re.compile(r"  classDef ([a-z]+) fill:#[0-9a-f]{6},color:#[0-9a-f]{6},stroke:#[0-9a-f]{6}")


def file(name: str) -> str:
    return str(ROOT / "examples" / f"{name}.yaml")


def patient_of(engine: Engine, name: str) -> Patient:
    return parse_patient(read(file(name)).data, engine.knowledge.option_ids)


def out(invoke: Invoke, *arguments: str) -> str:
    answer = invoke(*arguments)
    assert (answer.status, answer.err) == (0, "")
    return answer.out


def flat(text: str) -> str:
    return " ".join(text.split())


# missing


def test_missing_facts_are_listed_by_worth_as_text_and_as_json(invoke: Invoke) -> None:
    worths = Worths.model_validate_json(out(invoke, "missing", file("half-known"), "--format", "json"))
    text = out(invoke, "missing", file("half-known"))
    assert max(map(len, text.splitlines())) <= 80
    places = [flat(text).index(f"({item.fact})") for item in worths.facts]
    assert len(places) > 3
    assert places == sorted(places)


def test_nothing_missing_is_said(invoke: Invoke) -> None:
    assert "No fact is missing" in out(invoke, "missing", file("after-sorafenib-afp-812"))


# compare


def test_a_comparison_says_the_sentence_and_every_key_and_marks_the_one_that_decides(
    invoke: Invoke, engine: Engine
) -> None:
    name, pair = "after-sorafenib-afp-812", ("regorafenib", "ramucirumab")
    text = out(invoke, "compare", file(name), *pair)
    expected = compare(patient_of(engine, name), engine, *pair)
    assert flat(text).startswith(expected.sentence)
    assert max(map(len, text.splitlines())) <= 80
    lines = text.splitlines()
    for item in expected.differences:
        mark = "> " if item.decides else ""
        assert any(line.startswith(f"{mark}{KEY_LABELS[item.key].split()[0]}") for line in lines), item.key
    assert sum(line.startswith("> ") for line in lines) == 1
    assert "DECIDES" in text
    asked = out(invoke, "compare", file(name), *pair, "--format", "json")
    assert Comparison.model_validate_json(asked) == expected


def test_every_word_of_a_comparison_stands_in_its_table(invoke: Invoke) -> None:
    arguments = ("compare", file("half-known"), "sorafenib", "lenvatinib")
    told = Comparison.model_validate_json(out(invoke, *arguments, "--format", "json"))
    words = set(out(invoke, *arguments).split())
    for item in told.differences:
        assert set(f"{item.first} {item.second}".split()) <= words


def test_the_same_option_twice_or_by_another_name_is_compared_with_itself(invoke: Invoke) -> None:
    for pair in (("sorafenib", "sorafenib"), ("transplant", "transplantation")):
        text = out(invoke, "compare", file("half-known"), *pair)
        assert text.startswith("Both names mean ")
        assert "> " not in text


# trace


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_trace_has_every_node_and_every_edge_of_the_proof(engine: Engine, name: str) -> None:
    chain = Chain(decide(patient_of(engine, name), engine), engine.knowledge)
    options = by_verdict(chain.decision)
    for option in [*options[:6], *options[-3:]]:
        proof = proof_in(chain, option)
        check_tree(proof)
        check_mermaid(proof)
        check_dot(proof)


def check_tree(proof: Proof) -> None:
    lines = tree(proof)
    assert max(len(line.text) for line in lines) <= 80
    text = flat(re.sub(r"[│├└─]", " ", "\n".join(line.text for line in lines)))
    for node in proof.nodes:
        assert flat(f"{node.label}: {node.value}") in text
        # Long ids are broken at the edge of the terminal.
        assert node.rule is None or node.rule.replace(" ", "") in text.replace(" ", "")
    # Each thing is unfolded once; what rests on nothing needs no unfolding.
    drawn = sum(len(proof.rests_on(node.id)) for node in proof.nodes)
    assert sum("─ " in line.text for line in lines) == drawn
    again = sum(
        max(0, sum(edge == node.id for edge in pairs_from(proof)) - 1)
        for node in proof.nodes
        if proof.rests_on(node.id)
    )
    assert text.count(f"({AS_ABOVE})") == again


def pairs_from(proof: Proof) -> list[str]:
    return [source for source, _ in {(edge.source, edge.target) for edge in proof.edges}]


def check_mermaid(proof: Proof) -> None:
    first, *lines = mermaid(proof).splitlines()
    assert first == "flowchart LR"
    nodes = [found for line in lines if (found := NODE.fullmatch(line))]
    edges = [found for line in lines if (found := EDGE.fullmatch(line))]
    classes = [found for line in lines if (found := CLASS.fullmatch(line))]
    assert len(nodes) + len(edges) + len(classes) == len(lines)
    names = {node.id: found[1] for node, found in zip(proof.nodes, nodes, strict=True)}
    assert len(set(names.values())) == len(names)
    drawn = [(found[1], found[2]) for found in edges]
    assert sorted(drawn) == sorted({(names[edge.source], names[edge.target]) for edge in proof.edges})
    assert {found[2] for found in nodes} == {found[1] for found in classes}
    for node, found in zip(proof.nodes, nodes, strict=True):
        assert quoted(node.label)[1:-1] in found[0]


def check_dot(proof: Proof) -> None:
    text = dot(proof)
    for edge in proof.edges:
        source, target = (json.dumps(end, ensure_ascii=False) for end in (edge.source, edge.target))
        assert f"  {source} -> {target};" in text


@pytest.mark.parametrize("option", ["ramucirumab", "lenvatinib", "resection"])
def test_a_trace_comes_as_text_graph_and_json(invoke: Invoke, engine: Engine, option: str) -> None:
    name = "after-sorafenib-afp-812"
    chain = Chain(decide(patient_of(engine, name), engine), engine.knowledge)
    proof = proof_in(chain, option)
    arguments = ("trace", file(name), option, "--format")
    assert Proof.model_validate_json(out(invoke, *arguments, "json")) == proof
    assert out(invoke, *arguments, "dot") == dot(proof)
    assert out(invoke, *arguments, "mermaid") == mermaid(proof)
    assert out(invoke, *arguments, "text").splitlines() == [line.text for line in tree(proof)]


def test_steps_stand_in_the_order_in_which_they_fired_with_what_held_and_what_followed(
    invoke: Invoke, engine: Engine
) -> None:
    name = "after-sorafenib-afp-812"
    chain = Chain(decide(patient_of(engine, name), engine), engine.knowledge)
    proof = proof_in(chain, "ramucirumab")
    text = out(invoke, "trace", file(name), "ramucirumab", "--steps")
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(out(invoke, "trace", file(name), "ramucirumab"))
    assert [int(number) for number in re.findall(r"^Step (\d+),", text, re.MULTILINE)] == list(proof.steps)
    assert text.count("  THEN ") == len(proof.steps)
    assert text.count("  IF   ") == len(proof.steps)
    assert [line.text for line in steps_text(proof, chain)] == text.splitlines()[-len(steps_text(proof, chain)) :]


def test_another_name_of_an_option_traces_the_same_option(invoke: Invoke) -> None:
    first, second = (out(invoke, "trace", file("half-known"), name) for name in ("transplant", "transplantation"))
    assert first == second


# labels of graphs


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("AFP ≥ 400 ng/mL (REACH-2); 5–6", '"AFP ≥ 400 ng/mL (REACH-2)#59; 5–6"'),
        ('say "no" [x] {y} <b> #1 `c` a|b', '"say #34;no#34; #91;x#93; #123;y#125; #60;b#62; #35;1 #96;c#96; a#124;b"'),
        ("1. one\n- two\n3) three", '"1#46; one<br/>#45; two<br/>3#41; three"'),
        ("fa:fa-book x: y", '"fa#58;fa-book x: y"'),
        ("_a_ b_c *d* ~e~ $f$ \\n @g 5 %%", '"#95;a#95; b_c #42;d#42; #126;e#126; #36;f#36; #92;n #64;g 5 #37;#37;"'),
        ("a \t\x00 b", '"a b"'),
        ("", '" "'),
        ("www.example.org", '"www#46;example.org"'),
    ],
)
def test_any_text_can_be_a_label_of_a_flowchart(text: str, label: str) -> None:
    assert quoted(text) == label
    assert re.fullmatch(LABEL, label)


# refusals


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compare", "half-known", "aspirin", "tace"), [f"A: 'aspirin' {NOT_AN_OPTION}"]),
        (
            ("compare", "half-known", "aspirin", "x"),
            [f"A: 'aspirin' {NOT_AN_OPTION}", f"B: 'x' {NOT_AN_OPTION}"],
        ),
        (("compare", "half-known", "tace", "tace", "--format", "dot"), ["--format: 'dot' is refused; allowed are text, json"]),
        (("trace", "half-known", "aspirin"), [f"OPTION: 'aspirin' {NOT_AN_OPTION}"]),
        (
            ("trace", "half-known", "tace", "--format", "svg"),
            ["--format: 'svg' is refused; allowed are text, dot, mermaid, json"],
        ),
        (
            ("trace", "half-known", "tace", "--format", "dot", "--steps"),
            ["--steps: refused with --format dot; allowed is text"],
        ),
        (("missing", "half-known", "--format", "markdown"), ["--format: 'markdown' is refused; allowed are text, json"]),
        (("missing", "half-known", "--edition", "x"), ["--edition: has no edition 'x'; allowed is reviews"]),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_one_line_per_problem(
    invoke: Invoke, arguments: tuple[str, ...], said: list[str]
) -> None:
    command, name, *rest = arguments
    answer = invoke(command, file(name), *rest)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.splitlines() == said


@pytest.mark.parametrize("command", [("missing",), ("compare", "tace", "sorafenib"), ("trace", "tace")])
def test_a_refused_record_is_told_line_by_line(invoke: Invoke, command: tuple[str, ...]) -> None:
    record: dict[str, Any] = {"ecog": 9, "colour": "red"}
    answer = invoke(command[0], "-", *command[1:], stdin=json.dumps(record))
    assert (answer.status, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 2
    assert all(line.startswith("standard input: ") for line in answer.err.splitlines())
