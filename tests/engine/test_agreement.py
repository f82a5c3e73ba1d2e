"""The core promise: what the network says of a condition is what the condition means.

Vocabularies, conditions and patients are drawn at random. A condition and its negation are compiled as the product compiles
them and run on durable-rules; the answer must be the one of three-valued logic: met, not met, or unknown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import product
from random import Random

import pytest
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st

from hcc_decide.engine.fences import FenceError
from hcc_decide.engine.network import RuleSet
from hcc_decide.engine.rules import MAX_NARROW, NetFact, NetRule, facts_for, rules_for
from hcc_decide.knowledge.condition import (
    Condition,
    ConditionError,
    Conjunction,
    Domain,
    Inapplicable,
    Literal,
    OneOf,
    Scalar,
    Span,
    State,
    conjoin,
    holds,
    judge,
    negate,
)

TRUTH: tuple[Scalar, ...] = (True, False)
WORDS = ["A", "B", "C", "0", "none", "none given", "yes", "true", 'a "b"', "é", "$m0", "a\\"]
# Close together and of every size, so that patients meet the limits themselves.
NUMBERS = [-400.5, -1.0, -1e-05, 0.0, 5e-324, 1e-10, 1e-05, 0.1, 0.30000000000000004, 1.0, 7.0, 400.0, 1e15]

Vocabulary = Mapping[str, Domain]
Patient = Mapping[str, State]
World = tuple[Vocabulary, Mapping[str, Condition], Sequence[Patient]]


def _legal(span: Span) -> bool:
    if math.isinf(span.low) and math.isinf(span.high):
        return False
    return span.low < span.high or (span.low == span.high and not span.low_open and not span.high_open)


# Drawing one thing of many is quicker than drawing its parts, and leaves time for more examples.
SPANS = [
    span
    for low, high, low_open, high_open in product([-math.inf, *NUMBERS], [math.inf, *NUMBERS], TRUTH, TRUTH)
    if _legal(span := Span(low, bool(low_open) and low > -math.inf, high, bool(high_open) and high < math.inf))
]
NEAR = [math.nextafter(number, end) for number in NUMBERS for end in (math.inf, -math.inf)]
KNOWN = [State(low=number, high=number) for number in [*NUMBERS, *NEAR]]
PARTLY = [State(low=low, high=high) for low, high in product([-math.inf, *NUMBERS], [*NUMBERS, math.inf]) if low < high]


def subsets(values: tuple[Scalar, ...]) -> list[frozenset[Scalar]]:
    """Return every subset of a few values."""
    choices = product((False, True), repeat=len(values))
    return [frozenset(value for value, taken in zip(values, choice, strict=True) if taken) for choice in choices]


def all_tests(domain: Domain) -> list[Span | OneOf]:
    """Return the tests that some value meets and some value fails, which are those that the rule files can say."""
    if domain.values:
        return [OneOf(chosen) for chosen in subsets(domain.values) if 0 < len(chosen) < len(domain.values)]
    return [*SPANS]


def all_states(domain: Domain) -> list[State]:
    """Return whatever can be known of an attribute, nothing included."""
    if domain.values:
        sizes = range(1, len(domain.values) + 1) if domain.partial else (1, len(domain.values))
        return [State(values=possible) for possible in subsets(domain.values) if len(possible) in sizes]
    absent = [State(applicable=False)] * 9 if domain.per_member else []
    return [*KNOWN, *[State()] * 9, *absent, *(PARTLY if domain.spans else [])]


CATEGORIES: list[tuple[Scalar, ...]] = [
    ("A", "B"),
    ("0", "A", "B", "C", "D"),
    (1, 2, 3),
    tuple(WORDS[:5]),
    tuple(WORDS[5:10]),
    tuple(f"v{number}" for number in range(MAX_NARROW + 1)),
]
DOMAINS = [Domain(values=TRUTH), Domain(), Domain(per_member=True), Domain(spans=True)]
DOMAINS += [Domain(values=values, partial=partial) for values in CATEGORIES for partial in (True, False)]
TESTS = {domain: st.sampled_from(all_tests(domain)) for domain in DOMAINS}
STATES = {domain: st.sampled_from(all_states(domain)) for domain in DOMAINS}
NAMES = ["afp", "bclc_stage", "child_pugh_points", "prior_option[tace+sorafenib]", "é"]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A vocabulary, rules over it, and what is known of some patients.

    A rule has one to three alternatives of one to three tests; the same attribute may be tested more than once.
    """
    drawn = draw(st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=len(NAMES)))
    vocabulary = dict(zip(NAMES, drawn, strict=False))
    one_of_them = st.sampled_from(list(vocabulary))
    some = st.integers(1, 3)

    def conjunction() -> Conjunction:
        names = [draw(one_of_them) for _ in range(draw(some))]
        return conjoin(Literal(name, draw(TESTS[vocabulary[name]])) for name in names)

    rules = {
        f"options/x/{number}": tuple(dict.fromkeys(conjunction() for _ in range(draw(some))))
        for number in range(draw(some))
    }
    number_of_patients = draw(st.integers(1, 5))
    patients = [{name: draw(STATES[vocabulary[name]]) for name in vocabulary} for _ in range(number_of_patients)]
    return vocabulary, rules, patients


def compiled(vocabulary: Vocabulary, rules: Mapping[str, Condition]) -> list[NetRule]:
    """Compile rules and their negations as the product does."""
    found: list[NetRule] = []
    for name, condition in rules.items():
        found += rules_for(name, condition, vocabulary, NetFact(name, "met"))
        found += rules_for(name, negate(condition, vocabulary), vocabulary, NetFact(name, "not_met"))
    return found


def facts_of(vocabulary: Vocabulary, patient: Patient) -> list[NetFact]:
    """Say what is known as the product does."""
    return [fact for name, state in patient.items() for fact in facts_for(name, state, vocabulary[name])]


def answers(ruleset: RuleSet, facts: list[NetFact], rules: Mapping[str, Condition]) -> dict[str, set[object]]:
    """Run once and return what was asserted of each rule."""
    found: dict[str, set[object]] = {name: set() for name in rules}
    for firing in ruleset.run(facts):
        found[firing.rule.asserts.name].add(firing.rule.asserts.value)
    return found


def within_the_fences(vocabulary: Vocabulary, rules: Mapping[str, Condition]) -> RuleSet:
    """Compile rules, and draw others if there are too many; any other fence is a fault of the compiler."""
    try:
        return RuleSet("agreement", compiled(vocabulary, rules))
    except ConditionError:
        reject()
    except FenceError as error:
        assert re.search("at most|more than|1 to 15 are safe", str(error)), error
        reject()


MEANING: dict[bool | None, set[object]] = {True: {"met"}, False: {"not_met"}, None: set()}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.integers(0, 99))
def test_the_network_answers_as_three_valued_logic_does(world: World, order: int) -> None:
    vocabulary, rules, patients = world
    ruleset = within_the_fences(vocabulary, rules)
    try:
        for patient in patients:
            facts = facts_of(vocabulary, patient)
            Random(order).shuffle(facts)
            right = {name: judge(condition, patient) for name, condition in rules.items()}
            assert answers(ruleset, facts, rules) == {name: MEANING[held] for name, held in right.items()}
            for held in right.values():
                event(f"judged {held}")
    finally:
        ruleset.close()


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_a_negation_means_the_opposite_and_is_unknown_exactly_while_the_condition_is(world: World) -> None:
    vocabulary, rules, patients = world
    opposite = {True: False, False: True, None: None}
    for condition in rules.values():
        try:
            negation = negate(condition, vocabulary)
        except ConditionError:
            continue
        for patient in patients:
            assert judge(negation, patient) is opposite[judge(condition, patient)]


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_what_is_judged_stays_so_when_more_becomes_known(world: World) -> None:
    vocabulary, rules, patients = world
    for patient, condition in product(patients, rules.values()):
        before = judge(condition, patient)
        for name, state in patient.items():
            for value in state.values or ():
                more = {**patient, name: State(values=frozenset([value]))}
                assert before is None or judge(condition, more) is before


# Every small case, so that the property above does not hang on luck


def _exhaustive(domain: Domain, tests: list[Span | OneOf], known: list[State]) -> None:
    """Judge all pairs of tests on one attribute, joined by `and` and by `or`."""
    vocabulary = {"x": domain}
    pairs = [(Literal("x", one), Literal("x", other)) for one, other in product(tests, tests)]
    rules: dict[str, Condition] = {}
    for number, (one, other) in enumerate(pairs):
        both: Conjunction = conjoin([one, other])
        rules |= {f"and/{number}": (both,), f"or/{number}": tuple(dict.fromkeys([(one,), (other,)]))}
    _judge_all(vocabulary, rules, known)


def _judge_all(vocabulary: Vocabulary, rules: Mapping[str, Condition], known: list[State]) -> None:
    """Run rules on one attribute, twenty at a time, for everything that may be known of it."""
    for start in range(0, len(rules), 20):
        part = dict(list(rules.items())[start : start + 20])
        ruleset = RuleSet("pairs", compiled(vocabulary, part))
        for state in known:
            right = {name: MEANING[judge(condition, {"x": state})] for name, condition in part.items()}
            assert answers(ruleset, facts_of(vocabulary, {"x": state}), part) == right
        ruleset.close()


LIMITS: list[Span | OneOf] = [
    Span(low=1.0),
    Span(low=1.0, low_open=True),
    Span(high=1.0),
    Span(high=1.0, high_open=True),
    Span(low=1.0, high=1.0),
    Span(low=0.0, high=1.0, high_open=True),
    Span(low=2.0),
    Span(high=0.0),
]
POINTS = [State(low=number, high=number) for number in (-1.0, 0.0, 0.5, 1.0, math.nextafter(1.0, 2.0), 2.0, 3.0)]


def test_all_pairs_of_tests_on_a_number_are_answered_rightly() -> None:
    _exhaustive(Domain(), LIMITS, [*POINTS, State()])


def test_all_pairs_of_tests_on_a_number_that_may_not_exist_are_answered_rightly() -> None:
    _exhaustive(Domain(per_member=True), LIMITS, [*POINTS, State(), State(applicable=False)])


def test_all_pairs_of_tests_on_a_number_known_as_a_span_are_answered_rightly() -> None:
    ends = [-math.inf, -1.0, 0.0, 0.5, 1.0, 2.0, math.inf]
    spans = [State(low=low, high=high) for low, high in product(ends, ends) if low <= high]
    _exhaustive(
        Domain(spans=True), LIMITS, [state for state in spans if math.isfinite(state.low) or state.low < state.high]
    )


@pytest.mark.parametrize("partial", [True, False])
def test_all_pairs_of_tests_on_a_category_are_answered_rightly(partial: bool) -> None:
    domain = Domain(values=("A", "B", "C", "D"), partial=partial)
    _exhaustive(domain, all_tests(domain), all_states(domain))


@pytest.mark.parametrize("size", [2, MAX_NARROW, MAX_NARROW + 1, MAX_NARROW + 2])
@pytest.mark.parametrize("partial", [True, False])
def test_every_test_on_a_category_of_any_size_is_answered_rightly(partial: bool, size: int) -> None:
    # Categories of more values than MAX_NARROW are encoded in another way.
    domain = Domain(values=tuple(f"v{number}" for number in range(size)), partial=partial)
    rules: dict[str, Condition] = {
        f"x/{number}": ((Literal("x", test),),) for number, test in enumerate(all_tests(domain))
    }
    _judge_all({"x": domain}, rules, all_states(domain))


def test_all_pairs_of_tests_on_a_truth_value_are_answered_rightly() -> None:
    domain = Domain(values=TRUTH)
    _exhaustive(domain, all_tests(domain), all_states(domain))


# Cases with a name


def test_a_number_that_fails_two_alternatives_at_once_is_not_met() -> None:
    # Two upper limits on one number end up in one rule of the negation, and one fact cannot stand for two conditions.
    vocabulary = {"afp": Domain(), "varices": Domain(values=TRUTH)}
    treated = Literal("varices", OneOf(frozenset([True])))
    condition: Condition = ((Literal("afp", Span(low=400.0)),), (Literal("afp", Span(low=200.0)), treated))
    rules = {"options/x/afp": condition}
    ruleset = RuleSet("afp", compiled(vocabulary, rules))
    for value, right in ((100.0, "not_met"), (200.0, "met"), (399.9, "met"), (400.0, "met")):
        facts = [NetFact("afp", value), NetFact("varices", True)]
        assert answers(ruleset, facts, rules) == {"options/x/afp": {right}}
    assert answers(ruleset, [NetFact("afp", 100.0)], rules) == {"options/x/afp": {"not_met"}}
    assert answers(ruleset, [NetFact("afp", 300.0)], rules) == {"options/x/afp": set()}


def test_a_dose_of_a_drug_that_was_never_given_is_not_met_rather_than_unknown() -> None:
    vocabulary = {"dose": Domain(per_member=True)}
    rules: dict[str, Condition] = {"options/x/dose": ((Literal("dose", Span(low=400.0)),),)}
    ruleset = RuleSet("dose", compiled(vocabulary, rules))
    for state, right in (
        (State(applicable=False), {"not_met"}),
        (State(), set()),
        (State(low=400.0, high=400.0), {"met"}),
    ):
        assert answers(ruleset, facts_for("dose", state, vocabulary["dose"]), rules) == {"options/x/dose": right}
    assert holds(Inapplicable(), State(applicable=False)) is True
    assert holds(Inapplicable(), State()) is None


def test_a_stage_that_is_only_known_not_to_be_d_meets_a_test_for_all_the_others() -> None:
    vocabulary = {"stage": Domain(values=("A", "B", "C", "D"), partial=True)}
    rules: dict[str, Condition] = {
        "early or late": ((Literal("stage", OneOf(frozenset("ABC"))),),),
        "terminal": ((Literal("stage", OneOf(frozenset("D"))),),),
        "early": ((Literal("stage", OneOf(frozenset("AB"))),),),
    }
    ruleset = RuleSet("stage", compiled(vocabulary, rules))
    facts = facts_for("stage", State(values=frozenset("ABC")), vocabulary["stage"])
    assert answers(ruleset, facts, rules) == {"early or late": {"met"}, "terminal": {"not_met"}, "early": set()}


def test_equal_rules_are_compiled_once() -> None:
    vocabulary = {"a": Domain(values=TRUTH), "b": Domain(values=TRUTH)}
    one, other = Literal("a", OneOf(frozenset([True]))), Literal("b", OneOf(frozenset([True])))
    assert len(rules_for("x", ((one, other), (other, one), (one, other)), vocabulary, NetFact("x", "met"))) == 1
