"""One inference for each class of patients: the same answers as one for each patient, and no more work than there are classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from hcc_decide.engine import by_class as module
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.inference import Inference, ShadowError
from hcc_decide.engine.shadow import Shadow
from hcc_decide.patient import Patient, RecordError, parse_patient
from tests.conftest import shipped_engine, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
ENGINE = shipped_engine()
BY_CLASS = ENGINE.by_class()

Record = dict[str, Any]
AFTER_SORAFENIB: Record = {
    "bclc_stage": "C",
    "child_pugh_class": "A",
    "ecog": 0,
    "afp_ng_ml": 812,
    "prior_systemic": [{"option": "sorafenib", "last_daily_dose_mg": 800, "tolerated_days_of_last_28": 28}],
}


def patient(record: Record) -> Patient:
    return parse_patient(record, KNOWLEDGE.option_ids)


def parts(inference: Inference) -> tuple[object, ...]:
    """Return everything but the trace."""
    return (
        inference.patient,
        dict(inference.states),
        inference.derived,
        inference.disagreements,
        dict(inference.results),
        dict(inference.standings),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records(sorted(KNOWLEDGE.options)))
def test_every_patient_gets_the_answers_of_an_inference_of_their_own(record: Record) -> None:
    try:
        asked = patient(record)
    except RecordError:
        assume(False)
    assert parts(BY_CLASS.infer(asked)) == parts(ENGINE.infer(asked))


@pytest.mark.parametrize(
    ("fact", "alike", "different"),
    [
        ("afp_ng_ml", [401, 812, 99_999], [400, 399.9, 200, 12]),
        ("ecog", [0], [1, 2, 3]),
        ("age_years", [0, 55, 101], []),
    ],
)
def test_numbers_on_one_side_of_every_constant_are_one_class(
    fact: str, alike: list[float], different: list[float]
) -> None:
    keys = [BY_CLASS.key(patient({**AFTER_SORAFENIB, fact: value})) for value in alike]
    others = [BY_CLASS.key(patient({**AFTER_SORAFENIB, fact: value})) for value in different]
    assert len(set(keys)) == 1
    assert not set(keys) & set(others)
    assert len(set(others)) == len(others)


def test_a_class_that_was_met_before_costs_no_inference() -> None:
    fresh = ENGINE.by_class()
    fresh.infer(patient(AFTER_SORAFENIB))
    judged = fresh.judged
    assert judged > 2
    again = fresh.infer(patient({**AFTER_SORAFENIB, "afp_ng_ml": 1200, "age_years": 70}))
    assert fresh.judged == judged
    assert again.patient.afp_ng_ml == 1200


def test_another_class_costs_only_the_options_that_read_the_fact() -> None:
    fresh = ENGINE.by_class()
    fresh.infer(patient(AFTER_SORAFENIB))
    judged = fresh.judged
    fresh.infer(patient({**AFTER_SORAFENIB, "afp_ng_ml": 12}))
    readers = [option.id for option in KNOWLEDGE.options.values() if "afp_ng_ml" in option.attributes]
    notices = any("afp_ng_ml" in rule.attributes for rule in KNOWLEDGE.notices)
    assert 0 < fresh.judged - judged <= len(readers) + notices


def test_what_is_remembered_is_bounded_and_forgetting_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = ENGINE.by_class()
    first = parts(fresh.infer(patient(AFTER_SORAFENIB)))
    monkeypatch.setattr(module, "MOST", 1)
    judged = fresh.judged
    assert parts(fresh.infer(patient(AFTER_SORAFENIB))) == first
    assert fresh.judged == 2 * judged


def test_a_class_that_the_shadow_judges_otherwise_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(self: Shadow, rule_id: str) -> bool | None:
        return None

    monkeypatch.setattr(Shadow, "answer", other)
    with pytest.raises(ShadowError, match="no decision is given"):
        ENGINE.by_class().infer(patient(AFTER_SORAFENIB))


def test_a_class_that_failed_is_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh: ByClass = ENGINE.by_class()
    real: Callable[..., Any] = Shadow.verdict
    with monkeypatch.context() as patch:
        patch.setattr(Shadow, "verdict", lambda self, treatment: ("preferred", None))
        with pytest.raises(ShadowError):
            fresh.infer(patient(AFTER_SORAFENIB))
    assert Shadow.verdict is real
    assert parts(fresh.infer(patient(AFTER_SORAFENIB))) == parts(ENGINE.infer(patient(AFTER_SORAFENIB)))
