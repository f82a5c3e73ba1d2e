"""Five readers of the same rules, three of them without a line in common with the program, say the same of everybody."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from tests.conftest import ROOT
from tests.oracles.agreement import Readers, differences, program_answer
from tests.oracles.answer import Answer
from tests.oracles.drawing import Drawn, batches
from tests.oracles.shrink import smallest, smallest_disagreement

HERE = Path(__file__).parent
RULES = ROOT / "rules"
ORACLES = ["the naive reader", "clingo", "CLIPS"]
SECOND_LINE: dict[str, Any] = {
    "bclc_stage": "C",
    "child_pugh_class": "A",
    "ecog": 0,
    "afp_ng_ml": 420,
    "prior_systemic": ["sorafenib"],
}


@pytest.fixture(scope="module")
def readers() -> Readers:
    return Readers(RULES)


# A disagreement is shrunk record by record: Hypothesis would spend minutes on lists of records.
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(batches(RULES, 20))
def test_all_readers_agree_on_every_derived_fact_rule_and_verdict(
    readers: Readers, records: list[dict[str, Any]]
) -> None:
    for record, found in zip(records, readers.differences(records), strict=True):
        assert not found, smallest_disagreement(readers, record, found[0])


def test_they_agree_on_every_vignette(readers: Readers) -> None:
    records = [
        yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)["patient"]
        for path in sorted((RULES / "vignettes").glob("*.yaml"))
    ]
    assert len(records) > 50
    assert readers.differences(records) == [[] for _ in records]


LINES: list[Any] = [
    "sorafenib",
    "regorafenib:intolerance",
    {"option": "sorafenib", "last_daily_dose_mg": 400, "tolerated_days_of_last_28": 20},
    {"option": "sorafenib", "radiological_progression": True, "last_daily_dose_mg": 200},
    {"option": "sorafenib", "outcome": "completed"},
    {"option": "other"},
    {"option": "other", "outcome": "completed", "last_daily_dose_mg": 400},
    {"option": "other", "outcome": "intolerance"},
    {"option": "other", "radiological_progression": False},
    {"option": "other", "name": "a trial drug", "radiological_progression": True},
]


def test_they_agree_on_every_pair_of_lines_with_known_named_and_unnamed_drugs(readers: Readers) -> None:
    record = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 0}
    pairs = [[line] for line in LINES] + [[first, second] for first in LINES for second in LINES]
    found = readers.differences([{**record, "prior_systemic": pair} for pair in pairs])
    assert {str(pair): said for pair, said in zip(pairs, found, strict=True) if said} == {}


# A comparison that could not fail would prove nothing


def _threshold(rules: Path) -> None:
    _change(rules / "options" / "ramucirumab.yaml", "afp_ng_ml: {at_least: 400}", "afp_ng_ml: {at_least: 450}")


def _criterion_dropped(rules: Path) -> None:
    path = rules / "options" / "regorafenib.yaml"
    text = path.read_text(encoding="utf-8")
    start = text.index("  - id: sorafenib-dose\n")
    _change(path, text[start : text.index("  - id: ", start + 1)], "")


def _staging(rules: Path) -> None:
    _change(rules / "staging" / "child-pugh-class.yaml", "{at_most: 6}", "{at_most: 7}")
    _change(rules / "staging" / "child-pugh-class.yaml", "{at_least: 7, at_most: 9}", "{at_least: 8, at_most: 9}")


def _base_verdict(rules: Path) -> None:
    _change(rules / "options" / "cabozantinib.yaml", "verdict: recommended", "verdict: investigational")


def _change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} no longer says {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


CHANGES: dict[str, tuple[Callable[[Path], None], dict[str, Any], str]] = {
    "a threshold": (_threshold, SECOND_LINE, "options/ramucirumab/"),
    "a criterion dropped": (
        _criterion_dropped,
        SECOND_LINE,
        "options/regorafenib/sorafenib-dose is None by the program",
    ),
    "a staging limit": (_staging, {"child_pugh_score": 7}, "child_pugh_class can be 'B' by the program, 'A' by"),
    "a verdict": (_base_verdict, SECOND_LINE, "cabozantinib is "),
}


@pytest.fixture(scope="module", params=CHANGES)
def changed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Readers]:
    folder = Path(shutil.copytree(RULES, tmp_path_factory.mktemp("changed") / "rules"))
    CHANGES[request.param][0](folder)
    return request.param, Readers(RULES, folder)


@pytest.mark.parametrize("oracle", ORACLES)
def test_a_changed_rule_is_noticed(changed: tuple[str, Readers], readers: Readers, oracle: str) -> None:
    name, others = changed
    _, record, sentence = CHANGES[name]
    assert readers.differences([record]) == [[]]
    found = others.differences([record])[0]
    assert any(sentence in line and line.endswith(f"by {oracle}") for line in found), found


def _answer(readers: Readers) -> Answer:
    return program_answer(readers.engine, SECOND_LINE)


@pytest.mark.parametrize(
    ("altered", "sentence"),
    [
        ({"derived": {"setting": frozenset(["first_line"])}}, "setting can be 'second_line' by the program"),
        ({"disagreements": frozenset(["bclc_stage"])}, "given against derived"),
        ({"rules": {}}, "is True by the program, not judged by x"),
        ({"verdicts": {}}, "by the program, absent by x"),
    ],
)
def test_each_part_of_an_answer_is_compared(readers: Readers, altered: dict[str, Any], sentence: str) -> None:
    program = _answer(readers)
    assert differences(program, {"x": program}) == []
    assert any(sentence in line for line in differences(program, {"x": replace(program, **altered)}))


def test_one_possible_value_more_is_a_difference_and_so_is_true_for_one(readers: Readers) -> None:
    program = replace(_answer(readers), derived={"x": frozenset([1])})
    for values in (frozenset([1, 2]), frozenset(["1"]), frozenset([True]), frozenset[int]()):
        assert differences(program, {"other": replace(program, derived={"x": values})})


# What the comparison rests on


@pytest.mark.parametrize("module", ["naive", "asp", "clips_oracle", "reading", "answer"])
def test_an_oracle_uses_nothing_of_the_program_and_no_other_oracle(module: str) -> None:
    tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not [name for name in names if name.startswith("hcc_decide")]
    shared = {"tests.oracles.answer"} | ({"tests.oracles.reading"} if module in ("asp", "clips_oracle") else set())
    assert {name for name in names if name.startswith("tests")} <= shared


def test_records_are_drawn_at_every_limit_of_the_rules_and_on_both_sides() -> None:
    drawn = Drawn(RULES)
    assert {399.9, 400, 400.1} <= set(drawn.beside("afp_ng_ml"))
    assert {19, 20, 21} <= set(drawn.beside("tolerated_days_of_last_28"))
    for fact in [*drawn.recorded, "last_daily_dose_mg"]:
        near = drawn.beside(fact)
        for limit in drawn.limits[fact]:
            lowest = drawn.ranges[fact].get("at_least", drawn.ranges[fact].get("above", float("-inf")))
            assert limit in near or limit <= lowest, (fact, limit)
            assert any(number > limit for number in near), (fact, limit)
            assert limit <= lowest or any(number < limit for number in near), (fact, limit)


def test_shrinking_keeps_only_what_is_needed() -> None:
    record = {"ecog": 1, "prior_systemic": ["gemox", {"option": "sorafenib", "outcome": "progression"}], "etiology": []}
    assert smallest(record, lambda less: "sorafenib" in str(less)) == {"prior_systemic": [{"option": "sorafenib"}]}


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.oracles", "--records", "40", "--seed", "3", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_command_counts_what_it_compared() -> None:
    done = _command()
    assert (done.returncode, done.stderr) == (0, "")
    assert "40 records compared" in done.stdout
    assert done.stdout.rstrip().endswith("0 disagree")


def test_the_command_ends_with_status_1_and_shows_the_smallest_record(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(RULES, tmp_path / "rules"))
    _change(folder / "staging" / "end-stage.yaml", "{at_least: 3}", "{at_least: 2}")
    done = _command("--oracle-rules", str(folder), "--processes", "2")
    assert (done.returncode, done.stderr) == (1, "")
    assert "end_stage can be " in done.stdout
    assert "\n  ecog: 2\n" in done.stdout
    assert "prior_systemic" not in done.stdout
