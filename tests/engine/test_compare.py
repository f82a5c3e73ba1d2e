"""Why one option stands above another: the same keys that rank, whatever the patient."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_decide.compare import NOT_RANKED, compare
from hcc_decide.comparison import KEYS, Comparison
from hcc_decide.decide import decide
from hcc_decide.decision import Decision, Option
from hcc_decide.engine.engine import Engine
from hcc_decide.patient import parse_patient
from hcc_decide.worker import IsolatedEngine
from tests.conftest import shipped_engine, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
ENGINE = shipped_engine()
OPTIONS = sorted(KNOWLEDGE.options)

Compare = Callable[[str, str], Comparison]


def cached(record: dict[str, Any]) -> tuple[Decision, Compare]:
    """Decide, and compare without inferring anew for each of thousands of pairs."""
    patient = parse_patient(record, KNOWLEDGE.option_ids)
    inference = ENGINE.infer(patient)

    class Once:
        knowledge = KNOWLEDGE

        def infer(self, patient: object, also: object = ()) -> object:
            return inference

    once: Any = Once()
    return decide(patient, ENGINE), lambda first, second: compare(patient, once, first, second)


def own_keys(option: Option) -> tuple[Any, ...]:
    """Read the keys before the effect size from the decision alone."""
    effects = [item.effect for item in option.preferences]
    balance = effects.count("disfavours") - effects.count("favours")
    return option.verdict, option.would_be, option.evidence_level, balance


def pairs(decision: Decision) -> list[tuple[Option, Option]]:
    """Pair neighbours in rank, which share most keys, and a part of the many that stand far apart."""
    every = list(combinations(decision.options, 2))
    near = list(zip(decision.options, decision.options[1:], strict=False))
    return [*near, *every[:: max(1, len(every) // 100)]]


def agrees(found: Comparison, one: Option, two: Option) -> None:
    """Check a comparison of two listed options against the decision; `one` is listed first."""
    names = {one.id, two.id}
    assert {found.first, found.second} == names
    assert [item.key for item in found.differences] == list(KEYS)
    assert found.equal == (one.rank == two.rank)
    deciding = [number for number, item in enumerate(found.differences) if item.decides]
    if found.equal:
        assert deciding == []
        assert "stand equal" in found.sentence
        assert own_keys(one) == own_keys(two)
        return
    assert found.first == one.id
    assert found.sentence.startswith(f"{one.name} stands above {two.name}")
    (number,) = deciding
    assert found.differences[number].first != found.differences[number].second
    assert own_keys(one)[:number] == own_keys(two)[:number]
    assert number == len(KEYS) - 1 or own_keys(one)[number] != own_keys(two)[number]


@settings(max_examples=28, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=st.one_of(records(OPTIONS), records(OPTIONS, tumour="liver_metastasis")))
def test_the_comparison_of_any_two_listed_options_agrees_with_their_ranks(record: dict[str, Any]) -> None:
    decision, compared = cached(record)
    for one, two in pairs(decision):
        agrees(compared(one.id, two.id), one, two)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=records(OPTIONS))
def test_the_order_in_which_two_options_are_asked_for_changes_nothing(record: dict[str, Any]) -> None:
    decision, compared = cached(record)
    for one, two in zip(decision.options, decision.options[1:], strict=False):
        there, back = compared(one.id, two.id), compared(two.id, one.id)
        assert there.equal == back.equal
        if there.equal:
            assert (there.first, there.second) == (back.second, back.first)
        else:
            assert there == back


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=records(OPTIONS))
def test_an_excluded_option_stands_below_every_listed_one_and_says_why(record: dict[str, Any]) -> None:
    decision, compared = cached(record)
    for excluded in decision.excluded[::7]:
        words = excluded.verdict.replace("_", " ")
        for option in decision.options[:2]:
            found = compared(excluded.id, option.id)
            assert (found.first, found.second, found.equal) == (option.id, excluded.id, False)
            assert [item.decides for item in found.differences] == [True, False, False, False, False]
            assert found.differences[0].second.startswith(f"{words} – ")
            assert {item.second for item in found.differences[1:]} == {NOT_RANKED}
            assert all(item.text in found.sentence for item in excluded.criteria)
            if not excluded.criteria:
                assert excluded.reason.rstrip(".") in found.sentence


def test_two_excluded_options_are_not_ranked_against_each_other() -> None:
    decision, compared = cached({"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1, "prior_systemic": []})
    verdicts = {item.verdict: item for item in decision.excluded}
    one, two = verdicts["not_recommended"], verdicts["not_applicable"]
    for first, second in ((one, two), (two, one)):
        found = compared(first.id, second.id)
        assert found.equal
        assert (found.first, found.second) == (first.id, second.id)
        assert found.sentence.startswith("Neither comes into question")
        assert first.name in found.sentence
        assert second.name in found.sentence


def test_every_key_decides_for_some_patient(engine: Engine) -> None:
    base = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1, "bleeding_within_6_months": False}
    cohort: list[dict[str, Any]] = [
        {},
        base | {"prior_systemic": []},
        base | {"prior_systemic": [], "varices": "untreated", "etiology": ["hbv"]},
        base | {"prior_systemic": ["sorafenib"], "afp_ng_ml": 812, "albi_grade": 1},
    ]
    deciding: set[str] = set()
    equal = 0
    for record in cohort:
        decision, compared = cached(record)
        for one, two in pairs(decision):
            found = compared(one.id, two.id)
            agrees(found, one, two)
            equal += found.equal
            deciding |= {item.key for item in found.differences if item.decides}
    assert deciding == set(KEYS)
    assert equal


def test_an_effect_size_is_told_with_its_interval_and_its_place_in_the_comparison() -> None:
    base = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1, "bleeding_within_6_months": False}
    decision, compared = cached(base | {"prior_systemic": [], "varices": "untreated"})
    one, two = next(
        (one, two)
        for one, two in zip(decision.options, decision.options[1:], strict=False)
        if compared(one.id, two.id).differences[-1].decides
    )
    found = compared(one.id, two.id)
    words = found.differences[-1]
    assert "hazard ratio" in words.first
    assert " to " in words.first
    assert "place 1 of" in words.first
    assert words.first in found.sentence
    assert words.second in found.sentence
    assert words.first.partition(";")[0] in one.ranked_here_because


def test_an_alias_is_taken_for_its_option_and_an_unknown_name_is_refused() -> None:
    _, compared = cached({"prior_systemic": []})
    alias, option = next((name, option) for name, option in KNOWLEDGE.option_ids.items() if name != option)
    found = compared(alias, option)
    assert found.equal
    assert found.first == found.second == option
    assert not any(item.decides for item in found.differences)
    with pytest.raises(KeyError):
        compared("no such option", option)


def test_what_an_undetermined_option_waits_for_is_named() -> None:
    decision, compared = cached({"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1, "prior_systemic": []})
    waiting = next(item for item in decision.options if item.would_be == "preferred")
    settled = next(item for item in decision.options if item.would_be is None)
    found = compared(waiting.id, settled.id)
    asked = [item.label for item in decision.missing if waiting.id in item.would_decide]
    assert asked
    assert all(label in found.sentence for label in asked)
    (line,) = [item for item in found.differences if item.key == "outlook"]
    assert "would be preferred" in (line.first, line.second)
    assert "settled" in (line.first, line.second)


def test_the_worker_compares_as_the_library_does(engine: Engine) -> None:
    record: dict[str, Any] = {"bclc_stage": "C", "child_pugh_class": "A", "prior_systemic": ["sorafenib"]}
    patient = parse_patient(record, KNOWLEDGE.option_ids)
    first, second = (item.id for item in decide(patient, engine).options[:2])
    isolated = IsolatedEngine(workers=1)
    try:
        assert isolated.compare(record, first, second) == compare(patient, engine, first, second)
    finally:
        isolated.close()
