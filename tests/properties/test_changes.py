"""What a change of facts moves: every move has its reason, and nothing else is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_decide.changes import changes
from hcc_decide.decide import decide
from hcc_decide.decision import Decision
from hcc_decide.documents import read
from hcc_decide.movement import Changes, CriterionChange, OptionChange, mirrored
from hcc_decide.patient import RecordError, parse_patient
from hcc_decide.ranking import governing_use
from tests.conftest import ROOT, shipped_engine, shipped_knowledge
from tests.properties.strategies import mended, records

Decide = Callable[..., Decision]

KNOWLEDGE = shipped_knowledge()
ENGINE = shipped_engine()
OPTIONS = sorted(KNOWLEDGE.options)
PATIENTS = st.one_of(records(OPTIONS), records(OPTIONS), records(OPTIONS, tumour="liver_metastasis"))
many = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def decided(record: dict[str, Any]) -> Decision:
    return decide(parse_patient(record, KNOWLEDGE.option_ids), ENGINE)


def example(name: str) -> dict[str, Any]:
    return parse_patient(read(str(ROOT / "examples" / f"{name}.yaml")).data, KNOWLEDGE.option_ids).to_record()


def standing(decision: Decision) -> dict[str, tuple[Any, ...]]:
    listed = {item.id: (item.verdict, item.would_be, item.rank) for item in decision.options}
    return listed | {item.id: (item.verdict, None, None) for item in decision.excluded}


def of(found: Changes, option: str) -> OptionChange:
    return next(item for item in found.options if item.option == option)


def between(before: dict[str, Any], **changed: Any) -> Changes:
    return changes(decided(before), decided(before | changed), KNOWLEDGE)


def criterion(found: OptionChange, rule: str) -> CriterionChange:
    return next(item for item in found.reasons if item.kind == "criterion" and item.rule == rule)


def test_afp_below_the_limit_makes_ramucirumab_ineligible_by_the_rule_that_says_so() -> None:
    found = between(example("after-sorafenib-afp-812"), afp_ng_ml=120)
    assert [(item.fact, item.before, item.after) for item in found.facts] == [("afp_ng_ml", 812, 120)]
    moved = of(found, "ramucirumab")
    assert (moved.before.verdict, moved.after.verdict, moved.direction) == ("recommended", "ineligible", "worse")
    reason = criterion(moved, "options/ramucirumab/afp-400-or-more")
    assert (reason.before, reason.after) == ("met", "not_met")
    assert [(item.fact, item.before, item.after) for item in reason.facts] == [("afp_ng_ml", 812, 120)]
    assert reason.claims
    assert found.options[0].option == "ramucirumab"


def test_who_was_only_displaced_names_who_left() -> None:
    found = between(example("after-sorafenib-afp-812"), afp_ng_ml=120)
    (reason,) = of(found, "regorafenib").reasons
    assert reason.kind == "others"
    assert reason.left_above == ["ramucirumab"]
    assert not reason.came_above


def test_another_line_is_told_as_a_change_of_setting_and_of_use() -> None:
    found = between(example("advanced-untreated"), prior_systemic=["sorafenib"])
    assert next(item for item in found.facts if item.fact == "setting").derived
    prior = next(item for item in found.facts if item.fact == "prior_systemic")
    assert (prior.before, prior.after) == ([], ["Sorafenib, progression"])
    came = of(found, "cabozantinib")
    assert came.before.verdict == "not_applicable"
    assert came.direction == "better"
    assert [item.kind for item in came.reasons[:2]] == ["setting", "indication"]
    left = of(found, "atezolizumab+bevacizumab")
    assert left.direction == "worse"


def test_a_caution_or_finding_that_comes_is_told_though_nothing_moves() -> None:
    found = between(example("after-sorafenib-afp-812"), bleeding_within_6_months=True)
    moved = of(found, "ramucirumab")
    reason = next(item for item in moved.reasons if item.kind == "caution")
    assert reason.came
    assert reason.rule == "options/ramucirumab/bleeding-risk"


def test_a_regimen_that_depends_on_weight_is_told() -> None:
    record = example("advanced-untreated")
    moved = of(between(record, weight_kg=55), "lenvatinib")
    reason = next(item for item in moved.reasons if item.kind == "regimen")
    assert reason.before != reason.after
    assert [(item.fact, item.before, item.after) for item in reason.facts] == [("weight_kg", record["weight_kg"], 55)]


def test_a_fact_that_becomes_unknown_opens_what_hung_on_it() -> None:
    record = example("after-sorafenib-afp-812")
    without = {name: value for name, value in record.items() if name != "afp_ng_ml"}
    moved = of(changes(decided(record), decided(without), KNOWLEDGE), "ramucirumab")
    assert (moved.after.verdict, moved.after.would_be, moved.direction) == ("undetermined", "recommended", "worse")
    back = of(changes(decided(without), decided(record), KNOWLEDGE), "ramucirumab")
    assert back.direction == "better"


def test_decisions_of_other_knowledge_are_refused() -> None:
    decision = decided({})
    other = decision.model_copy(update={"knowledge": decision.knowledge.model_copy(update={"sha256": "0" * 64})})
    with pytest.raises(ValueError, match="different knowledge"):
        changes(decision, other, KNOWLEDGE)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw two records: unrelated ones, or as people compare them, with few facts that differ."""
    one, two = draw(PATIENTS), draw(PATIENTS)
    if draw(st.booleans()):
        return one, two
    names = draw(st.lists(st.sampled_from(sorted({*one, *two} - {"tumour"}) or ["ecog"]), max_size=3))
    near = dict(one)
    for name in names:
        near.pop(name, None)
        if name in two and (name not in ("primary_site", "liver_metastasis_resectable") or "primary_site" in one):
            near[name] = two[name]
    return one, mended(near)


def both(pair: tuple[dict[str, Any], dict[str, Any]]) -> tuple[Decision, Decision] | None:
    try:
        return decided(pair[0]), decided(pair[1])
    except RecordError:
        return None


@many
@given(pairs())
def test_it_reports_exactly_the_options_that_moved_each_with_a_reason(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    decisions = both(pair)
    if decisions is None:
        return
    before, after = decisions
    found = changes(before, after, KNOWLEDGE)
    one, two = standing(before), standing(after)
    moved = {item.option for item in found.options if item.direction != "same"}
    assert moved == {option for option in one if one[option] != two[option]}
    assert len(found.options) + found.unchanged == len(OPTIONS)
    for item in found.options:
        assert (item.before.verdict, item.before.would_be, item.before.rank) == one[item.option]
        assert (item.after.verdict, item.after.would_be, item.after.rank) == two[item.option]
        assert item.reasons, item.option


@many
@given(pairs())
def test_whoever_stands_as_before_with_the_same_findings_is_not_reported(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    decisions = both(pair)
    if decisions is None:
        return
    before, after = decisions
    reported = {item.option for item in changes(before, after, KNOWLEDGE).options}
    others = {item.id: item for item in after.options}
    for item in before.options:
        other = others.get(item.id)
        if other is None:
            continue
        shown = [
            (
                [(part.rule, part.result) for part in option.criteria],
                {part.rule for part in option.cautions},
                {part.rule for part in option.preferences},
                (option.rank, option.verdict, option.would_be, option.regimen),
            )
            for option in (item, other)
        ]
        assert (item.id in reported) == (shown[0] != shown[1]), item.id


@many
@given(pairs())
def test_taking_a_change_back_mirrors_it(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    decisions = both(pair)
    if decisions is None:
        return
    there, back = changes(*decisions, KNOWLEDGE), changes(decisions[1], decisions[0], KNOWLEDGE)
    assert [item.option for item in there.options] == [item.option for item in back.options]
    assert [(item.fact, item.before, item.after) for item in there.facts] == [
        (item.fact, item.after, item.before) for item in back.facts
    ]
    for one, two in zip(there.options, back.options, strict=True):
        assert (one.before, one.after) == (two.after, two.before)
        assert one.direction == mirrored(two.direction)
        assert sorted(item.kind for item in one.reasons) == sorted(item.kind for item in two.reasons)


@many
@given(PATIENTS)
def test_nothing_is_reported_between_equal_decisions(record: dict[str, Any]) -> None:
    decision = decided(record)
    found = changes(decision, decided(record), KNOWLEDGE)
    assert not found.facts
    assert not found.options
    assert found.unchanged == len(OPTIONS)


@many
@given(pairs())
def test_a_criterion_that_changed_names_a_fact_that_changed(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    decisions = both(pair)
    if decisions is None:
        return
    for item in changes(*decisions, KNOWLEDGE).options:
        for reason in item.reasons:
            if reason.kind == "criterion" and reason.before and reason.after:
                assert any(fact.differs for fact in reason.facts), (item.option, reason)
            elif reason.kind in ("preference", "caution", "criterion"):
                assert reason.rule in KNOWLEDGE.rules
            elif reason.kind == "indication" and not any(other.kind == "setting" for other in item.reasons):
                # Without a fact of its own, the use in force changes with the criteria of its uses.
                assert reason.facts or any(other.kind == "criterion" for other in item.reasons), item


@many
@given(PATIENTS)
def test_it_reads_the_indication_and_every_result_off_the_decision_as_the_engine_has_them(
    record: dict[str, Any],
) -> None:
    from hcc_decide.changes import _View

    inference = ENGINE.infer(parse_patient(record, KNOWLEDGE.option_ids))
    view = _View(decided(record), KNOWLEDGE)
    for treatment in KNOWLEDGE.options.values():
        use = governing_use(treatment, inference.standings[treatment.id])
        assert view.use(treatment) is use
        for rule in treatment.of_kind("indication", "include", "exclude", "reservation"):
            result = view.result(rule, treatment)
            assert (result is None) == (rule.id not in inference.results)
            if result is not None:
                held = inference.results[rule.id]
                assert (result == "unknown") == (held is None)
