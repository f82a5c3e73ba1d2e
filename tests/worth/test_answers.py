"""The answers to a question: each value belongs to one of them, and all values of one do the same."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_decide.answers import Answer, answers, changed, line_detail
from hcc_decide.knowledge.condition import Span
from hcc_decide.patient import Patient, RecordError, parse_patient
from tests.conftest import shipped_engine, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
ENGINE = shipped_engine()
LINES = sorted(KNOWLEDGE.options)
# From below the lowest value that is allowed to far beyond what any patient has, each with a step finer than rules are.
NUMBERS: dict[str, st.SearchStrategy[float]] = {
    "tumour_count": st.integers(1, 30),
    "largest_tumour_cm": st.integers(1, 300).map(lambda mm: mm / 10),
    "liver_involvement_percent": st.integers(0, 1000).map(lambda tenths: tenths / 10),
    "child_pugh_score": st.integers(5, 15),
    "bilirubin_umol_l": st.one_of(st.integers(1, 6000).map(lambda tenths: tenths / 10), st.sampled_from([34.2, 51.3])),
    "albumin_g_l": st.integers(10, 600).map(lambda tenths: tenths / 10),
    "inr": st.integers(5, 600).map(lambda hundredths: hundredths / 100),
    "ecog": st.integers(0, 4),
    "age_years": st.integers(0, 110),
    "weight_kg": st.integers(300, 1500).map(lambda tenths: tenths / 10),
    "afp_ng_ml": st.one_of(st.integers(0, 10_000).map(lambda tenths: tenths / 10), st.sampled_from([1e4, 1e7])),
    "nlr": st.integers(1, 500).map(lambda tenths: tenths / 10),
}
some = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def patient_of(record: dict[str, Any]) -> Patient:
    return parse_patient(record, KNOWLEDGE.option_ids)


def holds(span: Span | None, value: float) -> bool:
    assert span is not None
    above = value > span.low or (value == span.low and not span.low_open)
    return above and (value < span.high or (value == span.high and not span.high_open))


def class_of(found: tuple[Answer, ...], value: float) -> Answer:
    (only,) = [answer for answer in found if holds(answer.span, value)]
    return only


def judged(record: dict[str, Any]) -> object:
    """All that rules say of a record, except what quotes the value itself."""
    inference = ENGINE.infer(patient_of(record))
    return inference.standings, inference.results, inference.setting


@pytest.mark.parametrize("fact", sorted(NUMBERS))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_number_belongs_to_exactly_one_answer(fact: str, data: st.DataObject) -> None:
    patient = patient_of(data.draw(st.sampled_from([{}, {"bilirubin_umol_l": 22.5, "albumin_g_l": 37.1}])))
    found = answers(KNOWLEDGE, patient, fact)
    value = data.draw(NUMBERS[fact])
    assert holds(class_of(found, value).span, value)
    for answer in found:
        assert class_of(found, answer.value) == answer, "a value that stands for a class lies in it"
        assert getattr(patient_of(changed(patient.to_record(), fact, answer.value)), fact) == answer.value


@some
@given(record=records(LINES), fact=st.sampled_from(sorted(NUMBERS)), data=st.data())
def test_all_numbers_of_one_answer_are_judged_alike(record: dict[str, Any], fact: str, data: st.DataObject) -> None:
    record = patient_of(record).to_record()
    value = data.draw(NUMBERS[fact])
    answer = class_of(answers(KNOWLEDGE, patient_of(record), fact), value)
    assert judged(changed(record, fact, value)) == judged(changed(record, fact, answer.value))


@pytest.mark.parametrize(
    "record", [{}, {"albumin_g_l": 41.0}, {"ascites": "mild", "encephalopathy": "none", "inr": 1.1}]
)
@pytest.mark.parametrize("fact", ["bilirubin_umol_l", "albumin_g_l", "inr"])
def test_answers_to_a_child_pugh_item_are_cut_where_its_points_change(fact: str, record: dict[str, Any]) -> None:
    cuts = {"bilirubin_umol_l": (34.2, 51.3), "albumin_g_l": (28, 35), "inr": (1.7, 2.3)}[fact]
    found = answers(KNOWLEDGE, patient_of(record), fact)
    bounds = {bound for answer in found if answer.span for bound in (answer.span.low, answer.span.high)}
    assert bounds >= set(cuts)
    assert {-math.inf, math.inf} <= bounds


def test_answers_to_an_albi_item_are_cut_where_the_grade_changes() -> None:
    record = {"albumin_g_l": 40.0}
    found = answers(KNOWLEDGE, patient_of(record), "bilirubin_umol_l")
    # ALBI -2.60 is the upper end of grade 1.
    cut = 10 ** ((-2.60 + 0.085 * 40) / 0.66)
    (place,) = [place for place, answer in enumerate(found) if answer.span and abs(answer.span.low - cut) < 1e-6][:1]
    below, above = (
        ENGINE.infer(patient_of({**record, "bilirubin_umol_l": answer.value})).states["albi_grade"]
        for answer in (found[place - 1], found[place + 1])
    )
    assert (below.values, above.values) == (frozenset({1}), frozenset({2}))


def test_every_settled_value_of_a_category_is_an_answer() -> None:
    for name, field in Patient.model_fields.items():
        fact = KNOWLEDGE.vocabulary.facts.get(name)
        if fact is None or fact.kind != "category":
            continue
        values = {value for part in get_args(field.annotation) for value in (get_args(part) or (part,))} - {type(None)}
        settled = {answer.value for answer in answers(KNOWLEDGE, patient_of({}), name)}
        assert settled <= values | {part for value in values for part in get_args(value)}
        assert len(settled) > 1


def test_answers_to_a_set_are_its_subsets_as_far_as_rules_read_it() -> None:
    every = answers(KNOWLEDGE, patient_of({}), "etiology")
    few = answers(KNOWLEDGE, patient_of({}), "etiology", {"hcv"})
    assert [answer.value for answer in few] == [[], ["hcv"]]
    assert len({frozenset(answer.value) for answer in every}) == len(every)
    assert {frozenset(answer.value) for answer in every} >= {frozenset(), frozenset({"hbv"}), frozenset({"hbv", "hcv"})}


def test_histories_are_none_and_one_line_of_each_kind_for_each_ending() -> None:
    found = answers(KNOWLEDGE, patient_of({}), "prior_systemic")
    assert found[0] == Answer([], "none")
    assert all(len(answer.value) == 1 for answer in found[1:])
    assert len({answer.text for answer in found}) == len(found)
    for answer in found:
        assert patient_of({"prior_systemic": answer.value}).to_record()["prior_systemic"] == answer.value


def test_a_line_of_any_drug_is_judged_as_one_of_the_histories() -> None:
    histories = [answer.value for answer in answers(KNOWLEDGE, patient_of({}), "prior_systemic")[1:]]
    progressed = [lines for lines in histories if lines[0]["outcome"] == "progression"]
    named = {lines[0]["option"] for lines in histories}

    def verdicts(lines: list[dict[str, Any]]) -> dict[str, str]:
        record = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1, "prior_systemic": lines}
        return {name: standing.verdict for name, standing in ENGINE.infer(patient_of(record)).standings.items()}

    def of_others(verdicts: dict[str, str], option: str) -> frozenset[tuple[str, str]]:
        """Leave out what was given: rules may tell an option from all others for its own verdict."""
        return frozenset((name, verdict) for name, verdict in verdicts.items() if name != option and name not in named)

    known = [verdicts(lines) for lines in progressed]
    drugs = [name for name, item in KNOWLEDGE.options.items() if item.body.drugs]
    for option in drugs[::5]:
        given_now = verdicts([{"option": option, "outcome": "progression"}])
        assert of_others(given_now, option) in {of_others(history, option) for history in known}, option


def test_a_detail_of_prior_lines_goes_to_every_line_of_its_option() -> None:
    line = {"option": "sorafenib", "outcome": "progression"}
    record = {"ecog": 1, "prior_systemic": [line, {"option": "lenvatinib", "outcome": "progression"}, line]}
    fact = "prior_systemic[sorafenib].last_daily_dose_mg"
    assert line_detail(fact) == ("sorafenib", "last_daily_dose_mg")
    after = changed(record, fact, 400)
    assert [item.get("last_daily_dose_mg") for item in after["prior_systemic"]] == [400, None, 400]
    assert changed(after, fact, None) == record
    with pytest.raises(KeyError):
        changed(record, "prior_systemic[regorafenib].last_daily_dose_mg", 400)
    found = answers(KNOWLEDGE, patient_of(record), fact)
    assert [answer.text for answer in found if holds(answer.span, 400)]
    progressed = answers(KNOWLEDGE, patient_of(record), "prior_systemic[sorafenib].radiological_progression")
    assert [answer.value for answer in progressed] == [True, False]


def test_a_fact_that_is_taken_back_is_left_out() -> None:
    assert changed({"ecog": 1, "afp_ng_ml": 3.0}, "afp_ng_ml", None) == {"ecog": 1}
    with pytest.raises(RecordError):
        patient_of(changed({"refractory_to_tace": True}, "amenable_to_tace", True))
