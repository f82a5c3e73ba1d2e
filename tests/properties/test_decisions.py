"""What holds for every patient."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hcc_decide.decide import decide
from hcc_decide.decision import LISTED, VERDICTS, Decision
from hcc_decide.patient import RecordError, parse_patient
from tests.conftest import shipped_engine, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
ENGINE = shipped_engine()
OPTIONS = sorted(KNOWLEDGE.options)
PATIENTS = records(OPTIONS)


def _notes(*, metastasis: bool) -> set[str]:
    """Return the notes of the options that serve both tumours and are for one of them."""
    return {
        f"options/{treatment.id}/{note.id}"
        for treatment in KNOWLEDGE.options.values()
        if "liver_metastasis" in treatment.settings and len(treatment.settings) > 1
        for note in treatment.body.notes
        for use in treatment.uses
        if use.body.id in (note.for_ or ()) and ("liver_metastasis" in use.settings) is metastasis
    }


HCC_NOTES = _notes(metastasis=False)
METASTASIS_NOTES = _notes(metastasis=True)

# What is proved for every patient (docs/assurance.md) is sampled here on whole decisions, to see that the proof is about them.
many = settings(max_examples=90, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def decided(record: dict[str, Any]) -> Decision:
    """Decide; the shadow check is on, so every decision is also judged by the second interpreter."""
    return decide(parse_patient(record, KNOWLEDGE.option_ids), ENGINE)


def verdicts(decision: Decision) -> dict[str, str]:
    """Return the verdict of every option."""
    listed: dict[str, str] = {item.id: item.verdict for item in decision.options}
    return listed | {item.id: item.verdict for item in decision.excluded}


@many
@given(PATIENTS)
def test_every_option_has_exactly_one_verdict_with_a_reason(record: dict[str, Any]) -> None:
    decision = decided(record)
    counted = Counter([*(item.id for item in decision.options), *(item.id for item in decision.excluded)])
    assert counted == Counter(OPTIONS)
    for option in decision.options:
        assert option.verdict in LISTED
        assert option.ranked_here_because
        assert option.criteria
        assert all(item.claims or item.trials for item in option.criteria)
    for excluded in decision.excluded:
        assert excluded.verdict not in LISTED
        assert len(excluded.reason) > 10
        assert all(item.result == "not_met" for item in excluded.criteria)
        assert bool(excluded.criteria) == (excluded.verdict == "ineligible")
        assert excluded.claims or excluded.verdict == "not_applicable"


@many
@given(PATIENTS)
def test_options_stand_in_order_and_undetermined_ones_say_what_they_wait_for(record: dict[str, Any]) -> None:
    decision = decided(record)
    ranks = [item.rank for item in decision.options]
    assert ranks == sorted(ranks)
    assert not ranks or ranks[0] == 1
    order = [VERDICTS.index(item.verdict) for item in decision.options]
    assert order == sorted(order)
    asked = {option for item in decision.missing for option in item.would_decide}
    for option in decision.options:
        assert (option.verdict == "undetermined") == (option.would_be is not None)
        if option.would_be not in (None, "ineligible", "not_recommended"):
            assert option.id in asked


@many
@given(PATIENTS)
def test_nothing_that_failed_before_is_offered(record: dict[str, Any]) -> None:
    decision = decided(record)
    failed = {
        line["option"]
        for line in decision.patient.get("prior_systemic", [])
        if line["outcome"] in ("progression", "intolerance", "progression_and_intolerance")
    }
    usable = {item.id for item in decision.options if item.verdict != "undetermined"}
    assert not {name for name in failed & usable if KNOWLEDGE.options[name].body.drugs}


@settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PATIENTS, st.data())
def test_learning_a_fact_never_contradicts_a_settled_verdict(record: dict[str, Any], data: st.DataObject) -> None:
    known = [name for name in record if name not in ("tumour", "intent")]
    whole = decided(record)
    # A stage or class that is given overrides what other facts say; learning such a contradiction may change anything.
    contradicting = ("disagreement", "child-pugh-score-and-laboratory-values")
    assume(known and not any(notice.rule.rpartition("/")[2] in contradicting for notice in whole.notices))
    hidden = data.draw(st.sets(st.sampled_from(sorted(known)), min_size=1), label="hidden")
    partial = {name: value for name, value in record.items() if name not in hidden}
    before, after = verdicts(decided(partial)), verdicts(whole)
    for option, verdict in before.items():
        if verdict != "undetermined":
            assert after[option] == verdict, option


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PATIENTS, st.randoms(use_true_random=False))
def test_the_order_of_fields_changes_no_byte(record: dict[str, Any], random: Any) -> None:
    shuffled = list(record.items())
    random.shuffle(shuffled)
    assert decided(record).model_dump_json() == decided(dict(shuffled)).model_dump_json()


@settings(max_examples=60, deadline=None)
@given(records(OPTIONS, tumour="liver_metastasis"))
def test_a_patient_with_liver_metastasis_never_sees_treatment_of_hcc(record: dict[str, Any]) -> None:
    decision = decided(record)
    assert decision.setting == "liver_metastasis"
    shown = {item.id for item in decision.options} | {
        item.id for item in decision.excluded if item.verdict != "not_applicable"
    }
    assert all("liver_metastasis" in KNOWLEDGE.options[name].settings for name in shown)
    trials = {item.trial for option in decision.options for item in option.evidence}
    assert all("liver_metastasis" in KNOWLEDGE.trials[name].settings for name in trials)
    notes = {note.rule for option in decision.options for note in option.notes}
    assert notes.isdisjoint(HCC_NOTES)
    if "bclc_stage" not in record:
        assert "bclc_stage" not in {item.fact for item in decision.derived}


@settings(max_examples=60, deadline=None)
@given(records(OPTIONS, tumour="hcc"))
def test_a_patient_with_hcc_never_sees_treatment_of_liver_metastasis(record: dict[str, Any]) -> None:
    decision = decided(record)
    shown = {item.id for item in decision.options} | {
        item.id for item in decision.excluded if item.verdict != "not_applicable"
    }
    assert all(KNOWLEDGE.options[name].settings != {"liver_metastasis"} for name in shown)
    trials = {item.trial for option in decision.options for item in option.evidence}
    assert all(KNOWLEDGE.trials[name].settings != ["liver_metastasis"] for name in trials)
    notes = {note.rule for option in decision.options for note in option.notes}
    assert notes.isdisjoint(METASTASIS_NOTES)


@many
@given(PATIENTS)
def test_the_trace_leads_from_the_record_to_every_verdict(record: dict[str, Any]) -> None:
    decision = decided(record)
    assert [step.step for step in decision.trace] == list(range(1, len(decision.trace) + 1))
    strata = [("staging", "eligibility", "ranking").index(step.stratum) for step in decision.trace]
    assert strata == sorted(strata)
    found = {step.rule for step in decision.trace}
    for item in decision.derived:
        assert item.rule in found or item.rule.startswith("scores/")
    for option in decision.options:
        for line in option.criteria:
            assert (line.rule in found) == (line.result != "unknown")


def test_a_contradictory_record_is_refused_before_the_engine_sees_it() -> None:
    with pytest.raises(RecordError):
        decided({"refractory_to_tace": True, "amenable_to_tace": True})
