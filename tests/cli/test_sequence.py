"""`hcc-decide sequence`."""

from __future__ import annotations

import json

import pytest

from hcc_decide.sequence.shape import SequenceTree
from tests.cli.conftest import Invoke
from tests.conftest import ROOT

UNTREATED = str(ROOT / "examples" / "advanced-untreated.yaml")
TOLERATED = (
    *("--assume", "prior_systemic[sorafenib].last_daily_dose_mg=400"),
    *("--assume", "1:prior_systemic[sorafenib].tolerated_days_of_last_28=20"),
)


def test_the_tree_is_printed_with_the_evidence_of_a_sequence(invoke: Invoke) -> None:
    arguments = ("--depth", "1", "--width", "1", "--first", "sorafenib", "--ending", "progression", *TOLERATED)
    answer = invoke("sequence", UNTREATED, *arguments)
    assert (answer.status, answer.err) == (0, "")
    told = " ".join(answer.out.split())
    assert "> Sorafenib, then progression" in told
    assert "Regorafenib: overall survival 26.0 against 19.2 months" in told
    assert "[RESORCE]" in told
    assert "RESORCE (NCT01774344)" in " ".join(invoke("sequence", UNTREATED, *arguments, "--full").out.split())
    assert "After line 1 ahead, once Sorafenib was given" in told
    assert "ECOG performance status: 0" in told
    assert "INTENDED USE" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80


def test_json_is_the_model_and_the_same_each_time(invoke: Invoke) -> None:
    first, again = (invoke("sequence", UNTREATED, "--depth", "1", "--format", "json").out for _ in range(2))
    assert first == again
    tree = SequenceTree.model_validate_json(first)
    decided = json.loads(invoke("recommend", UNTREATED, "--format", "json").out)
    assert tree.knowledge.model_dump() == decided["knowledge"]
    assert tree.intended_use == decided["intended_use"]
    assert [offer.rank for offer in tree.nodes[0].offers][:3] == [option["rank"] for option in decided["options"]][:3]


@pytest.mark.parametrize(("wanted", "begins"), [("dot", "digraph sequence {"), ("mermaid", "flowchart LR")])
def test_pictures_are_printed_as_text(invoke: Invoke, wanted: str, begins: str) -> None:
    answer = invoke("sequence", UNTREATED, "--depth", "1", "--format", wanted)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(begins)


def test_a_fact_can_be_assumed_to_be_no_longer_known(invoke: Invoke) -> None:
    answer = invoke("sequence", UNTREATED, "--depth", "1", "--width", "1", "--assume", "afp_ng_ml=", "--format", "json")
    assert all("afp_ng_ml" not in node["record"] for node in json.loads(answer.out)["nodes"][1:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--depth", "7"), "--depth: 7 is refused; allowed is 1 to 6"),
        (("--width", "0"), "--width: 0 is refused; allowed is 1 to 10"),
        (("--most", "0"), "--most: 0 is refused; allowed is 1 to 5000"),
        (("--most", "5"), "--depth 2 and width 3 come to more than 5 decisions"),
        (("--first", "aspirin"), "--first: 'aspirin' is no option of the catalogue"),
        (("--first", "resection"), "--first: resection does not come into question today"),
        (("--ending", "cure"), "--ending: 'cure' is refused; allowed are progression, intolerance"),
        (("--format", "svg"), "--format: 'svg' is refused"),
        (("--assume", "ecog"), "--assume: 'ecog' is refused; allowed is [N:]FACT=VALUE"),
        (("--assume", "ecog=7"), "--assume ecog=7: ecog: 7 is refused"),
        (("--assume", "9:ecog=1"), "--assume: 9:ecog is refused; allowed are lines 1 to 6"),
        (("--assume", "ecog={a: 1}"), "--assume: ecog is refused"),
        (("--assume", "ecog=[1"), "--assume: 'ecog=[1' has a value that"),
        (("--assume", "mood=good"), "--assume mood=good: is refused; allowed are the facts of a record"),
    ],
)
def test_what_is_asked_wrongly_is_refused_in_one_line(invoke: Invoke, arguments: tuple[str, ...], message: str) -> None:
    answer = invoke("sequence", UNTREATED, *arguments)
    assert (answer.status, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert line.startswith(message)


def test_a_refused_record_is_refused_here_too(invoke: Invoke) -> None:
    answer = invoke("sequence", "-", stdin="ecog: 9")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("standard input: ecog: 9 is refused")
