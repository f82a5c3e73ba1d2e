"""Every case that an option file carries, through the engine: the rule fires, nearly fires, or stays open."""

from __future__ import annotations

from typing import Any

import pytest

from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.cases import case_findings
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.files import read_files
from hcc_decide.patient import parse_patient
from tests.conftest import ROOT

ANSWERS = {"met": True, "not_met": False, "unknown": None}


def _cases() -> list[Any]:
    found = []
    for source in read_files(ROOT / "rules").options:
        for case in source.body.cases:
            for answer, expected in ANSWERS.items():
                for number, record in enumerate(getattr(case, answer), start=1):
                    name = f"{source.body.id}/{case.rule}-{answer}-{number}"
                    found.append(pytest.param(source.body.id, case.rule, record, expected, id=name))
    return found


@pytest.mark.parametrize(("option", "rule", "record", "expected"), _cases())
def test_a_rule_answers_its_cases(
    engine: Engine, option: str, rule: str, record: dict[str, Any], expected: bool | None
) -> None:
    patient = parse_patient(record, engine.knowledge.option_ids)
    results = engine.infer(patient, also=[option]).results
    assert results[f"options/{option}/{rule}"] is expected


def test_every_rule_has_cases_on_both_sides_and_one_that_leaves_it_open(knowledge: Knowledge) -> None:
    assert case_findings(knowledge) == []
