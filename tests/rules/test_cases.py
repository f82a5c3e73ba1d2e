"""Every case that an option file carries, through the engine: the rule fires, nearly fires, or stays open.

The patients whom an indication fits get the verdict, the level and the effect that its case states.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hcc_decide.engine.engine import Engine
from hcc_decide.engine.inference import Inference
from hcc_decide.knowledge.cases import case_findings, expected_patients, unstated
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.files import read_files
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.knowledge.schema import Case
from hcc_decide.patient import parse_patient
from hcc_decide.ranking import rank
from tests.conftest import ROOT

ANSWERS = {"met": True, "not_met": False, "unknown": None}
OPTIONS = [source.body for source in read_files(ROOT / "rules").options]


def _cases() -> list[Any]:
    found = []
    for body in OPTIONS:
        for case in body.cases:
            for answer, expected in ANSWERS.items():
                for number, record in enumerate(getattr(case, answer), start=1):
                    name = f"{body.id}/{case.rule}-{answer}-{number}"
                    found.append(pytest.param(body.id, case.rule, record, expected, id=name))
    return found


def _expected() -> list[Any]:
    return [
        pytest.param(body.id, case, record, id=f"{body.id}/{case.rule}-{number}")
        for body in OPTIONS
        for case in body.cases
        for number, record in enumerate(expected_patients(case), start=1)
    ]


Infer = Callable[[dict[str, Any]], Inference]


@pytest.fixture(scope="module")
def inferred(engine: Engine) -> Infer:
    """Infer once for each of the patients, of whom many cases share one."""
    known: dict[str, Inference] = {}

    def run(record: dict[str, Any]) -> Inference:
        key = json.dumps(record, sort_keys=True)
        if key not in known:
            known[key] = engine.infer(parse_patient(record, engine.knowledge.option_ids))
        return known[key]

    return run


@pytest.mark.parametrize(("option", "rule", "record", "expected"), _cases())
def test_a_rule_answers_its_cases(
    engine: Engine, inferred: Infer, option: str, rule: str, record: dict[str, Any], expected: bool | None
) -> None:
    results, _ = engine.judge(option, inferred(record).states)
    assert results[f"options/{option}/{rule}"] is expected


NOTICES = [
    pytest.param(case.rule, record, expected, id=f"{case.rule}-{answer}-{number}")
    for case in load_knowledge(ROOT / "rules").notice_cases
    for answer, expected in ANSWERS.items()
    for number, record in enumerate(getattr(case, answer), start=1)
]


@pytest.mark.parametrize(("notice", "record", "expected"), NOTICES)
def test_a_notice_answers_its_cases(
    inferred: Infer, notice: str, record: dict[str, Any], expected: bool | None
) -> None:
    assert inferred(record).results[f"notices/{notice}"] is expected


@pytest.mark.parametrize(("option", "case", "record"), _expected())
def test_a_patient_whom_an_indication_fits_gets_what_its_case_states(
    engine: Engine, inferred: Infer, option: str, case: Case, record: dict[str, Any]
) -> None:
    inference = inferred(record)
    standing = inference.standings[option]
    assert (standing.verdict, standing.indication) == (case.verdict, case.rule)
    assert inference.setting in (case.settings or ())
    placed = [place for place in rank(engine.knowledge, inference) if place.option == option]
    if case.verdict == "not_recommended":
        assert placed == []
        return
    (place,) = placed
    assert place.level == case.evidence_level
    assert (place.effect.hr if place.effect else None) == case.hazard_ratio


def test_every_rule_has_cases_on_both_sides_and_one_that_leaves_it_open(knowledge: Knowledge) -> None:
    assert case_findings(knowledge) == []


def test_what_a_rule_says_is_stated_a_second_time_by_its_case(knowledge: Knowledge) -> None:
    assert list(unstated(knowledge)) == []


def _with_case(knowledge: Knowledge, option: str, rule: str, **changes: Any) -> Knowledge:
    """Return the knowledge with one case of an option changed."""
    treatment = knowledge.options[option]
    cases = [case.model_copy(update=changes) if case.rule == rule else case for case in treatment.body.cases]
    body = treatment.body.model_copy(update={"cases": cases})
    return replace(knowledge, options={**knowledge.options, option: replace(treatment, body=body)})


@pytest.mark.parametrize(
    ("rule", "key", "value", "which_has"),
    [
        ("after-sorafenib", "evidence_level", 2, "1"),
        ("after-sorafenib", "verdict", "alternative", "recommended"),
        ("after-sorafenib", "settings", ["first_line"], "second_line, later_line"),
        ("after-sorafenib", "hazard_ratio", 0.5, "0.71"),
        ("earlier-sorafenib", "claims", ["SYS-105"], "SYS-105, SYS-112"),
        ("ecog-2", "bears_on", ["after-sorafenib"], "none to state"),
        ("albi-grade-1", "effect", "noted", "favours"),
        ("albi-grade-1", "verdict", "preferred", "none to state"),
        ("child-pugh-a", "effect", "favours", "none to state"),
    ],
)
def test_a_case_that_says_otherwise_than_its_rule_is_told(
    knowledge: Knowledge, rule: str, key: str, value: object, which_has: str
) -> None:
    (found,) = case_findings(_with_case(knowledge, "ramucirumab", rule, **{key: value}))
    said = ", ".join(value) if isinstance(value, list) else value
    assert (found.file, found.code) == ("options/ramucirumab.yaml", "K15")
    assert found.message == f"states the {key} {said} for {rule}, which has {which_has}"


@pytest.mark.parametrize("key", ["claims", "settings", "verdict", "evidence_level", "hazard_ratio"])
def test_what_the_case_of_an_indication_leaves_out_is_named(knowledge: Knowledge, key: str) -> None:
    changed = _with_case(knowledge, "ramucirumab", "after-sorafenib", **{key: None})
    assert list(unstated(changed)) == [f"options/ramucirumab/after-sorafenib: {key}"]


def test_a_preference_whose_direction_no_case_states_is_named(knowledge: Knowledge) -> None:
    changed = _with_case(knowledge, "ramucirumab", "albi-grade-1", effect=None)
    assert list(unstated(changed)) == ["options/ramucirumab/albi-grade-1: effect"]
