"""What missing facts are worth: it agrees with deciding for each value, whatever way the values are found."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_decide.answers import answers, changed
from hcc_decide.decide import decide
from hcc_decide.decision import USABLE, Decision
from hcc_decide.documents import read
from hcc_decide.missing import OpenFacts, missing_facts
from hcc_decide.patient import Patient, RecordError, parse_patient
from hcc_decide.ranking import rank
from hcc_decide.worth.order import by_worth
from hcc_decide.worth.shape import Outcome, Worth, Worths
from hcc_decide.worth.weigh import weigh
from tests.conftest import ROOT, shipped_engine, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
ENGINE = shipped_engine()
BY_CLASS = ENGINE.by_class()
LINES = sorted(KNOWLEDGE.options)
PLACES = ["resection", "ablation", "transplant", "tace", "tare", "sbrt", "haic"]
CAUSES = ["hbv", "hcv", "alcohol", "masld", "other"]
# Values to decide for that nobody took from the rules: finer than any rule, and the round figures of the field.
NUMBERS: dict[str, list[float]] = {
    "afp_ng_ml": [0, 1, 19.9, 20, 199, 199.9, 200, 200.1, 399, 399.9, 400, 400.1, 812, 1e5],
    "bilirubin_umol_l": [2, 8, 12, *(17.1 * half / 2 for half in range(1, 9)), 34.1, 34.3, 51.2, 51.4, 120, 400],
    "albumin_g_l": [*range(15, 56, 2), 27.9, 28, 28.1, 34.9, 35, 35.1],
    "inr": [0.8, 1, 1.69, 1.7, 1.71, 2, 2.29, 2.3, 2.31, 5],
    "largest_tumour_cm": [0.5, 1.9, 2, 2.1, 2.9, 3, 3.1, 4.9, 5, 5.1, 7, 8, 12],
    "liver_involvement_percent": [0, 25, 49.9, 50, 50.1, 75, 100],
    "tumour_count": [1, 2, 3, 4, 5, 6, 20],
    "child_pugh_score": list(range(5, 16)),
    "ecog": [0, 1, 2, 3, 4],
    "age_years": [0, 17, 18, 64, 75, 90],
    "weight_kg": [30, 59.9, 60, 60.1, 120],
    "nlr": [0.5, 2.9, 3, 5, 20],
    "last_daily_dose_mg": [0, 200, 399, 400, 401, 800],
    "tolerated_days_of_last_28": [0, 19, 20, 21, 28],
}
some = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
few = settings(some, max_examples=5)


class Effect(NamedTuple):
    """What a board sees of an answer."""

    setting: str
    first: tuple[str, ...]
    verdicts: frozenset[tuple[str, str]]


def patient_of(record: Mapping[str, Any]) -> Patient:
    return parse_patient(record, KNOWLEDGE.option_ids)


def decided(record: Mapping[str, Any]) -> Decision:
    return decide(patient_of(record), ENGINE)


def seen(decision: Decision) -> Effect:
    first = tuple(item.id for item in decision.options if item.rank == 1 and item.verdict in USABLE)
    every = frozenset((name, str(decision.verdict_of(name))) for name in KNOWLEDGE.options)
    return Effect(decision.setting, tuple(sorted(first)), every)


def judged(record: Mapping[str, Any]) -> tuple[Effect, int]:
    """What the engine comes to for a record, and how many facts are missing; half the time of a decision."""
    inference = ENGINE.infer(patient_of(record))
    first = (place.option for place in rank(KNOWLEDGE, inference) if place.rank == 1 and place.verdict in USABLE)
    every = frozenset((name, str(standing.verdict)) for name, standing in inference.standings.items())
    missing = missing_facts(KNOWLEDGE, inference, OpenFacts(KNOWLEDGE, inference))
    return Effect(inference.setting, tuple(sorted(first)), every), len(missing)


def promised(outcome: Outcome, today: Decision) -> Effect:
    """What an outcome says that a board will see."""
    after: dict[str, str] = {item.option: item.after for item in outcome.verdicts}
    before = seen(today)
    verdicts = frozenset((option, after.get(option, verdict)) for option, verdict in before.verdicts)
    return Effect(outcome.setting or today.setting, tuple(sorted(outcome.first)), verdicts)


def example(name: str) -> dict[str, Any]:
    return patient_of(read(ROOT / "examples" / f"{name}.yaml").data).to_record()


def values(fact: str, draw: random.Random) -> list[Any]:
    """Some values of a fact, from the contract and from figures of the field."""
    field = fact.rpartition(".")[2]
    if field in NUMBERS:
        return draw.sample(NUMBERS[field], 4)
    if fact == "prior_systemic":
        lines = [{"option": option, "outcome": draw.choice(["progression", "intolerance"])} for option in LINES]
        return [[], *([line] for line in draw.sample(lines, 3))]
    if fact in ("etiology", "prior_locoregional"):
        members = PLACES if fact == "prior_locoregional" else CAUSES
        return [draw.sample(members, draw.randint(0, len(members))) for _ in range(4)]
    if field == "radiological_progression":
        return [True, False]
    annotation = Patient.model_fields[fact].annotation
    choices = [value for part in get_args(annotation) for value in get_args(part) if isinstance(value, (str, int))]
    return [value for value in choices if value != "unspecified"] or [True, False]


def outcomes_for(worth: Worth, value: Any, record: dict[str, Any]) -> list[Outcome]:
    """The outcome that a value belongs to; for histories, of which only kinds are told apart, all."""
    if worth.fact == "prior_systemic":
        return [item for item in worth.outcomes if any(bool(found) == bool(value) for found in item.values)]
    if isinstance(value, list):
        members = {member for item in worth.outcomes for found in item.values for member in found}
        stands_for = [sorted(members.intersection(value))]
        return [item for item in worth.outcomes if stands_for[0] in [sorted(found) for found in item.values]]
    spans = [item for item in answers(KNOWLEDGE, patient_of(record), worth.fact) if item.span is not None]
    for item in spans:
        assert item.span is not None
        lower = value > item.span.low or (value == item.span.low and not item.span.low_open)
        if lower and (value < item.span.high or (value == item.span.high and not item.span.high_open)):
            value = item.value
            break
    return [item for item in worth.outcomes if value in item.values]


def tried(record: dict[str, Any], seed: int) -> Iterator[tuple[Worth, Any, Effect, list[Effect]]]:
    """Decide with some values of up to three missing facts; yield what came of each and what was promised for it."""
    draw = random.Random(seed)
    today = decided(record)
    worths = weigh(patient_of(record), BY_CLASS)
    for worth in draw.sample(worths.facts, min(3, len(worths.facts))):
        for value in values(worth.fact, draw):
            try:
                after, _ = judged(changed(record, worth.fact, value))
            except RecordError:
                continue
            yield worth, value, after, [promised(item, today) for item in outcomes_for(worth, value, record)]


@some
@given(
    record=st.one_of(records(LINES), records(LINES), records(LINES, tumour="liver_metastasis")),
    seed=st.integers(0, 10**6),
)
def test_no_value_of_a_missing_fact_does_anything_but_what_its_row_says(record: dict[str, Any], seed: int) -> None:
    for worth, value, after, promises in tried(patient_of(record).to_record(), seed):
        if worth.partly:
            # One treatment stands for all like it, but not for what rules say of each about having been given itself.
            named = {lines[0]["option"] for item in worth.outcomes for lines in item.values if lines}
            named |= {line["option"] for line in value}
            assert without(after, named) in [without(effect, named) for effect in promises], (worth.fact, value)
        else:
            assert promises == [after], (worth.fact, value)


def without(effect: Effect, options: set[str]) -> object:
    """What an effect says of setting and verdicts, some options left out."""
    return effect.setting, {(option, verdict) for option, verdict in effect.verdicts if option not in options}


@pytest.mark.parametrize("name", ["half-known", "child-pugh-b", "adjuvant-high-risk", "end-stage"])
def test_every_row_keeps_its_promise(name: str) -> None:
    check_rows(example(name))


@pytest.mark.parametrize("record", [{}, {"tumour": "liver_metastasis"}, {"bclc_stage": "C", "ecog": 1}])
def test_every_row_keeps_its_promise_when_little_is_known(record: dict[str, Any]) -> None:
    check_rows(patient_of(record).to_record(), most=1)


def test_rows_say_what_is_decided() -> None:
    record = example("half-known")
    today = decided(record)
    for worth in weigh(patient_of(record), BY_CLASS).facts[:3]:
        for outcome in worth.outcomes:
            after = decided(changed(record, worth.fact, outcome.values[-1]))
            assert seen(after) == promised(outcome, today), (worth.fact, outcome.text)
            assert outcome.still_missing[0] <= len(after.missing) <= outcome.still_missing[1]


def check_rows(record: dict[str, Any], most: int | None = None) -> None:
    """Decide for the values of every row, of each row for so many of them."""
    today = decided(record)
    worths = weigh(patient_of(record), BY_CLASS)
    assert sorted(worths.first) == list(seen(today).first)
    assert {item.fact for item in worths.facts} == {item.fact for item in today.missing}
    for worth in worths.facts:
        for outcome in worth.outcomes:
            missing = []
            for value in outcome.values[:most]:
                after, number = judged(changed(record, worth.fact, value))
                assert after == promised(outcome, today), (worth.fact, value)
                missing.append(number)
            least, highest = outcome.still_missing
            assert least <= min(missing) <= max(missing) <= highest
            assert most is not None or (least, highest) == (min(missing), max(missing))


def test_the_rows_of_a_fact_differ_and_hold_each_answer_once() -> None:
    for record in ({}, example("half-known")):
        for worth in weigh(patient_of(record), BY_CLASS).facts:
            effects = [(item.setting, item.first, item.verdicts) for item in worth.outcomes]
            assert len(set(map(str, effects))) == len(effects)
            held = [str(value) for item in worth.outcomes for value in item.values]
            assert len(set(held)) == len(held)
            texts = [item.text for item in worth.outcomes]
            assert all(texts)
            assert len(set(texts)) == len(texts)


@few
@given(record=records(LINES))
def test_facts_stand_in_the_order_that_is_written_down(record: dict[str, Any]) -> None:
    worths = weigh(patient_of(record), BY_CLASS)
    keys = []
    for item in worths.facts:
        firsts = {outcome.first for outcome in item.outcomes}
        moves = [move for outcome in item.outcomes for move in outcome.verdicts]
        usable = {
            move.option
            for move in moves
            if {move.before, move.would_have_been, move.after, move.would_be}.intersection(USABLE)
        }
        waits = len(item.only_together)
        keys.append(
            (-len(firsts - {worths.first}), -len(usable), -len({move.option for move in moves}), -waits, item.fact)
        )
    assert keys == sorted(keys)
    for key, item in zip(keys, worths.facts, strict=True):
        assert (item.first_choices, item.usable, item.options) == tuple(-number for number in key[:3])


def test_what_waits_for_a_fact_is_decided_by_it_or_only_together_with_others() -> None:
    for record in ({}, example("half-known"), example("child-pugh-b")):
        missing = {item.fact: set(item.would_decide) for item in decided(record).missing}
        for item in weigh(patient_of(record), BY_CLASS).facts:
            moved = {move.option for outcome in item.outcomes for move in outcome.verdicts}
            assert missing[item.fact] <= moved | set(item.only_together)
            assert not moved.intersection(item.only_together)
            for option in missing[item.fact] & moved:
                somewhere = [option in {move.option for move in outcome.verdicts} for outcome in item.outcomes]
                assert all(somewhere) == (option not in item.left_open)


def test_the_classes_of_a_number_are_one_row_each_with_its_bounds() -> None:
    record = example("after-sorafenib-afp-812")
    del record["afp_ng_ml"]
    (afp,) = [item for item in weigh(patient_of(record), BY_CLASS).facts if item.fact == "afp_ng_ml"]
    assert [item.text for item in afp.outcomes] == ["below 400 ng/mL", "at least 400 ng/mL"]
    low, high = (
        {move.option: (move.before, move.after) for move in item.verdicts}["ramucirumab"] for item in afp.outcomes
    )
    assert low == ("undetermined", "ineligible")
    assert high == ("undetermined", "recommended")
    assert afp.usable >= 1


def test_answers_that_the_record_rules_out_are_counted_and_have_no_row() -> None:
    record = {"bclc_stage": "B", "child_pugh_class": "A", "ecog": 0, "refractory_to_tace": True}
    found = {item.fact: item for item in weigh(patient_of(record), BY_CLASS).facts}
    places = found["prior_locoregional"]
    assert places.impossible > 0
    assert all("tace" in value for item in places.outcomes for value in item.values)


def test_what_the_record_demands_of_a_set_is_in_its_answers_even_where_no_rule_asks_for_it() -> None:
    record = {"refractory_to_tace": True, "intent": "neoadjuvant"}
    (places,) = [item for item in weigh(patient_of(record), BY_CLASS).facts if item.fact == "prior_locoregional"]
    assert places.outcomes
    assert all("tace" in value for item in places.outcomes for value in item.values)


def test_a_fact_that_changes_nothing_by_itself_has_one_row_and_names_what_waits_for_it() -> None:
    found = [item for item in weigh(patient_of({}), BY_CLASS).facts if not item.options]
    assert found
    for item in found:
        assert [outcome.text for outcome in item.outcomes] == ["whatever the answer"]
        assert item.only_together


def test_a_decision_takes_over_the_order_and_says_what_each_fact_could_change() -> None:
    record = example("half-known")
    today, worths = decided(record), weigh(patient_of(record), BY_CLASS)
    ordered = by_worth(today, worths)
    assert [item.fact for item in ordered.missing] == [item.fact for item in worths.facts]
    assert ordered.model_copy(update={"missing": today.missing}) == today
    for item, worth in zip(ordered.missing, worths.facts, strict=True):
        assert item.worth is not None
        assert len(item.worth.first_choices) == worth.first_choices
        assert list(worths.first) not in item.worth.first_choices
        assert (item.worth.usable, item.worth.options) == (worth.usable, worth.options)
    assert Worths.model_validate_json(worths.model_dump_json()) == worths


def test_a_decision_refuses_the_worths_of_another_patient_or_of_other_rules() -> None:
    today = decided(example("half-known"))
    with pytest.raises(ValueError, match="another decision"):
        by_worth(today, weigh(patient_of({}), BY_CLASS))
    same = weigh(patient_of(example("half-known")), BY_CLASS)
    with pytest.raises(ValueError, match="another decision"):
        by_worth(today, same.model_copy(update={"sha256": "0" * 64}))
