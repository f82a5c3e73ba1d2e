"""The benchmark compares like with like: every contender concludes the same. Time is not asserted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.conclusions import conclusions_of, differences
from benchmarks.contenders import CLIPS, DECISION, DURABLE, LABELS, PLAIN, Contender, compare, contenders
from benchmarks.patients import example_patients, varied_patients
from benchmarks.report import Run, markdown, rules_of
from benchmarks.timing import measure

from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import Patient, parse_patient


@pytest.fixture(scope="module")
def patients(knowledge: Knowledge) -> list[Patient]:
    nothing_known = parse_patient({})
    return [*example_patients(knowledge), *varied_patients(knowledge, 30, seed=3), nothing_known]


@pytest.fixture(scope="module")
def rivals(knowledge: Knowledge, patients: list[Patient]) -> list[Contender]:
    return contenders(knowledge, patients[0])


def test_every_contender_concludes_what_hcc_decide_concludes(
    knowledge: Knowledge, rivals: list[Contender], patients: list[Patient]
) -> None:
    wrong = compare(knowledge, rivals, patients)
    assert {DECISION, DURABLE, CLIPS, PLAIN} <= wrong.keys()
    assert not any(wrong.values()), wrong


def test_a_difference_in_any_part_is_found(knowledge: Knowledge, engine: Engine, patients: list[Patient]) -> None:
    ours = conclusions_of(engine.infer(patients[0]), knowledge)
    assert differences(ours, ours) == []
    rule, held = next(iter(ours.results.items()))
    option = next(iter(ours.verdicts))
    for other in (
        replace(ours, results={**ours.results, rule: not held}),
        replace(ours, results={name: value for name, value in ours.results.items() if name != rule}),
        replace(ours, verdicts={**ours.verdicts, option: ("undetermined", "ineligible")}),
        replace(ours, derived={**ours.derived, "setting": frozenset(["elsewhere"])}),
        replace(ours, disagreements={"bclc_stage": "A"}),
    ):
        assert len(differences(ours, other)) == 1


def test_the_same_seed_gives_the_same_patients(knowledge: Knowledge) -> None:
    assert varied_patients(knowledge, 20, seed=5) == varied_patients(knowledge, 20, seed=5)
    assert varied_patients(knowledge, 20, seed=5) != varied_patients(knowledge, 20, seed=6)


def test_the_report_has_a_row_for_every_contender(
    knowledge: Knowledge, rivals: list[Contender], patients: list[Patient]
) -> None:
    times = measure(rivals, patients[:2], rounds=1)
    run = Run(
        machine={"Date": "2000-01-01"},
        busy=False,
        rules=rules_of(knowledge),
        patients="two",
        compared=2,
        rounds=1,
        times=times,
        built={rival.key: rival.seconds_to_build for rival in rivals},
        wrong=compare(knowledge, rivals, patients[:2]),
        memory={},
        startup={},
    )
    report = markdown(run)
    assert all(f"| {label} |" in report for label in LABELS.values())
