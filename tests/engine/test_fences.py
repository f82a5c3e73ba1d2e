"""Rules and facts that durable-rules would not handle are refused by name; all others it handles rightly."""

from __future__ import annotations

import itertools
import json
import locale
import math
from collections.abc import Sequence
from typing import Any

import durable_rules_engine
import pytest

from hcc_decide.engine.fences import (
    CONTEXTS,
    MAX_NAMES,
    MAX_RULES,
    MAX_SHARING,
    MAX_TESTS_PER_NAME,
    MAX_TESTS_PER_RULE,
    MAX_TEXT,
    FenceError,
    context_hash,
    number_token,
)
from hcc_decide.engine.network import EngineError, Firing, RuleSet
from hcc_decide.engine.program import Program
from hcc_decide.engine.rules import NetFact, NetRule, NetTest
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Span
from tests.engine.building import fired, how_it_ended, is_, program, rule, within, yes
from tests.engine.programs import LIMITS


def refusal(rules: Sequence[NetRule], *, chain: bool = False) -> str:
    """Return the message with which a ruleset is refused."""
    with pytest.raises(FenceError) as caught:
        RuleSet("some-set", rules, chain=chain)
    return str(caught.value)


def beside(*guilty: NetRule) -> list[NetRule]:
    """Put rules after one that is in order, which must not get the blame."""
    return [rule("innocent", yes("a")), *guilty]


# Refused when the rules are loaded


def test_a_rule_without_conditions_is_refused_by_name() -> None:
    assert refusal(beside(rule("options/x/empty"))).startswith("options/x/empty: 0 conditions")


def test_a_rule_with_sixteen_conditions_is_refused_by_name() -> None:
    tests = [yes(f"fact {number}") for number in range(MAX_TESTS_PER_RULE + 1)]
    assert refusal(beside(rule("options/x/long", *tests))).startswith("options/x/long: 16 conditions")


def test_a_condition_shared_by_more_than_250_rules_is_refused_by_the_name_of_a_rule_that_shares_it() -> None:
    rules = [rule(f"options/x/{number}", yes(f"own {number}"), is_("stage", "C")) for number in range(MAX_SHARING + 1)]
    message = refusal(beside(*rules))
    assert message.startswith("options/x/0: ")
    assert "stage is shared by 251 rules" in message


def test_more_than_480_attributes_are_refused_by_the_name_of_the_rule_that_adds_the_last() -> None:
    rules = [rule(f"options/x/{number}", yes(f"fact {number}")) for number in range(MAX_NAMES + 1)]
    assert refusal(rules).startswith(f"options/x/{MAX_NAMES}: ")


def test_more_than_60_different_tests_on_one_attribute_are_refused_by_the_name_of_the_rule_that_adds_the_last() -> None:
    rules = [rule(f"options/x/{number}", within("afp", low=float(number))) for number in range(MAX_TESTS_PER_NAME + 1)]
    assert refusal(rules).startswith(f"options/x/{MAX_TESTS_PER_NAME}: more than 60 different tests on afp")


def test_more_than_4000_rules_are_refused_by_the_name_of_the_first_that_is_too_many() -> None:
    rules = [rule(f"options/x/{number}", yes(f"fact {number % 400}")) for number in range(MAX_RULES + 1)]
    assert refusal(rules).startswith(f"options/x/{MAX_RULES}: ")


@pytest.mark.parametrize(
    "bounds",
    [
        {"low": math.nan},
        {"high": math.nan},
        {"low": math.inf},
        {"high": -math.inf},
        {"low": 2.0**53},
        {"high": -(2.0**53)},
        {"low": 2**53},
        {"high": 1e300},
    ],
)
def test_a_number_that_the_engine_cannot_compare_is_refused_by_the_name_of_its_rule(bounds: dict[str, float]) -> None:
    assert refusal(beside(rule("options/x/number", within("afp", **bounds)))).startswith("options/x/number: ")


UNSAFE_TEXTS = {
    "empty": "",
    "too long": "x" * (MAX_TEXT + 1),
    "very long": "x" * 65_536,
    "not NFC": "Me\u0301dian",
    "a line break": "two\nlines",
    "a null": "nul\0l",
    "a control character": "bell\x07",
    "an invisible mark": "left\u200eright",
    "half a character": "\ud800",
}


@pytest.mark.parametrize("text", UNSAFE_TEXTS.values(), ids=UNSAFE_TEXTS)
def test_text_that_the_engine_would_misread_is_refused_by_the_name_of_its_rule(text: str) -> None:
    for guilty in (is_("stage", text), yes(text)):
        assert refusal(beside(rule("options/x/text", guilty))).startswith("options/x/text: ")


@pytest.mark.parametrize("value", [math.nan, math.inf, "", "two\nlines"])
def test_a_rule_that_would_assert_what_the_engine_cannot_read_is_refused_when_other_rules_read_it(
    value: str | float,
) -> None:
    guilty = NetRule("staging/x/guilty", (yes("a"),), NetFact("derived", value))
    reader = rule("reader", is_("derived", "C"))
    assert refusal([reader, guilty], chain=True).startswith("staging/x/guilty: ")
    assert fired(RuleSet("not chained", [reader, guilty]), [NetFact("a", True)]) == ["staging/x/guilty"]


def test_two_conditions_that_one_fact_would_have_to_meet_are_refused_because_such_a_rule_never_fires() -> None:
    for pair in [
        (within("afp", low=1.0), within("afp", low=2.0)),
        (yes("a"), yes("a")),
        (is_("stage", "C"), is_("stage", "C")),
    ]:
        assert refusal(beside(rule("options/x/twice", *pair))).startswith("options/x/twice: ")


def test_a_condition_without_a_constant_is_refused() -> None:
    for test in (NetTest("afp"), NetTest("afp", span=Span())):
        assert refusal(beside(rule("options/x/any", test))).startswith("options/x/any: ")


def test_two_values_of_one_name_may_stand_in_one_rule_for_they_are_two_facts() -> None:
    ruleset = RuleSet("values", [rule("both", is_("stage!", "A"), is_("stage!", "B"))])
    assert fired(ruleset, [NetFact("stage!", "B"), NetFact("stage!", "A")]) == ["both"]
    assert fired(ruleset, [NetFact("stage!", "B")]) == []


# Refused when a patient's facts come


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, *UNSAFE_TEXTS.values()])
def test_a_fact_that_the_engine_would_misread_is_refused_and_the_next_patient_is_not_affected(
    value: str | float,
) -> None:
    ruleset = RuleSet("facts", [rule("stage", is_("stage", "C")), rule("afp", within("stage", low=1.0))])
    for _ in range(2 * CONTEXTS):
        with pytest.raises(FenceError):
            ruleset.run([NetFact("stage", value)])
    assert fired(ruleset, [NetFact("stage", "C")]) == ["stage"]


def test_a_fact_that_the_engine_would_misread_does_not_matter_if_no_rule_reads_it() -> None:
    assert fired(RuleSet("facts", [rule("a", yes("a"))]), [NetFact("a", True), NetFact("unread", math.nan)]) == ["a"]


# At the limits the engine is right


@pytest.mark.parametrize("name", LIMITS)
def test_a_ruleset_at_the_limit_of_its_fences_fires_exactly_the_rules_that_hold(name: str) -> None:
    assert how_it_ended(program("programs", "limit", name)) == "right"


NUMBERS = [
    -1e300,
    -1e16,
    -4503599627370497.0,
    -400.5,
    -400.0,
    -1e-05,
    -5e-324,
    0.0,
    5e-324,
    2.5e-300,
    1e-10,
    1e-05,
    0.00012,
    0.1,
    0.1 + 0.2,
    1 / 3,
    0.5,
    1.0,
    17.1,
    34.2,
    399.99999999999994,
    400.0,
    400.00000000000006,
    123456789012345.6,
    1e15,
    2.0**53 - 1,
    2.0**53 + 2,
    1e16,
    1.2e21,
    1e300,
    1.7976931348623157e308,
]
BOUNDS = [number for number in NUMBERS if abs(number) < 2**53]


@pytest.mark.parametrize("bound", BOUNDS)
def test_every_number_is_compared_with_a_constant_as_in_arithmetic(bound: float) -> None:
    comparisons = {
        "at least": within("x", low=bound),
        "above": within("x", low=bound, low_open=True),
        "at most": within("x", high=bound),
        "below": within("x", high=bound, high_open=True),
        "equal": within("x", low=bound, high=bound),
    }
    ruleset = RuleSet("numbers", [rule(name, test) for name, test in comparisons.items()])
    neighbours = {math.nextafter(bound, math.inf), math.nextafter(bound, -math.inf), -bound}
    for number in {*NUMBERS, *neighbours}:
        right = {
            "at least": number >= bound,
            "above": number > bound,
            "at most": number <= bound,
            "below": number < bound,
            "equal": number == bound,
        }
        assert fired(ruleset, [NetFact("x", number)]) == sorted(name for name in right if right[name]), number
    ruleset.close()


def test_whole_numbers_may_be_written_as_integers() -> None:
    ruleset = RuleSet("integers", [rule("x", within("x", low=400, high=400))])
    assert fired(ruleset, [NetFact("x", 400)]) == fired(ruleset, [NetFact("x", 400.0)]) == ["x"]
    assert fired(ruleset, [NetFact("x", 401)]) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_neither_changes_on_its_way_through_the_engine_nor_silences_the_facts_after_it(number: float) -> None:
    rules = [
        rule("number", within("x", low=-1.0)),
        rule("other", within("x", high=-1.0, high_open=True)),
        rule("last", yes("last")),
    ]
    firings = RuleSet("numbers", rules).run([NetFact("x", number), NetFact("last", True)])
    assert {firing.rule.source for firing in firings} == {"last", "number" if number >= -1 else "other"}
    assert {firing.matched for firing in firings} == {(NetFact("x", number),), (NetFact("last", True),)}


@pytest.mark.parametrize("number", NUMBERS)
def test_the_token_of_a_number_is_valid_json_for_the_same_number_with_a_point_before_any_exponent(
    number: float,
) -> None:
    token = number_token(number)
    assert json.loads(token) == number
    assert "." in token.partition("e")[0]


def test_unusual_but_plain_text_is_told_apart_exactly() -> None:
    texts = [
        '"',
        "\\",
        "\\n",
        "a\\",
        "{}",
        "true",
        "1",
        "1.0",
        "$m",
        "$begin",
        "é",
        "–",
        "日本",
        "😀",
        "x" * MAX_TEXT,
        "x",
        "X",
        " x",
    ]
    ruleset = RuleSet("texts", [rule(f"value {text}", is_("stage", text)) for text in texts])
    for text in texts:
        assert fired(ruleset, [NetFact("stage", text)]) == [f"value {text}"]
    names = RuleSet("names", [rule(f"name {text}", yes(text)) for text in texts if text != "$begin"])
    for text in texts:
        assert fired(names, [NetFact(text, True)]) == ([f"name {text}"] if text != "$begin" else [])


def test_values_of_different_types_are_never_equal() -> None:
    tests = {
        "text": is_("x", "1"),
        "truth": yes("x"),
        "number": within("x", low=1.0, high=1.0),
        "word": is_("x", "true"),
    }
    ruleset = RuleSet("types", [rule(name, test) for name, test in tests.items()])
    for fact, right in (
        (NetFact("x", "1"), "text"),
        (NetFact("x", True), "truth"),
        (NetFact("x", 1.0), "number"),
        (NetFact("x", "true"), "word"),
    ):
        assert fired(ruleset, [fact]) == [right]


def test_facts_that_differ_only_in_type_and_facts_said_twice_do_not_disturb_each_other() -> None:
    ruleset = RuleSet("twins", [rule("text", is_("x", "1")), rule("number", within("x", low=1.0))])
    assert fired(ruleset, [NetFact("x", "1"), NetFact("x", 1.0), NetFact("x", "1")]) == ["number", "text"]


# Batches and contexts


def test_facts_that_no_rule_reads_do_not_silence_a_batch() -> None:
    ruleset = RuleSet("batch", [rule("a", yes("a"))])
    unread = [NetFact("unread", True), NetFact("also unread", 3.0), NetFact("a ", True)]
    for batch in itertools.permutations([NetFact("a", True), *unread]):
        assert fired(ruleset, batch) == ["a"]


def test_values_that_no_rule_names_do_not_silence_a_batch() -> None:
    ruleset = RuleSet("batch", [rule("a", yes("a")), rule("b", is_("stage", "B"))])
    for batch in itertools.permutations([NetFact("a", True), NetFact("stage", "Z"), NetFact("stage", 5.0)]):
        assert fired(ruleset, batch) == ["a"]


def test_a_patient_of_whom_nothing_is_known_fires_nothing_and_crashes_nothing() -> None:
    assert how_it_ended(program("programs", "nothing_fires")) == "right"


def test_the_ids_of_the_contexts_have_distinct_hashes() -> None:
    module = _Recorder()
    ruleset = RuleSet("ids", [rule("a", yes("a"))], module=module)
    for _ in range(3 * CONTEXTS):
        ruleset.run([NetFact("a", True)])
    used = set(module.created)
    assert len(used) == CONTEXTS == len({context_hash(context) for context in used})


def test_the_hash_is_the_one_by_which_the_engine_confuses_two_contexts() -> None:
    assert context_hash("patient-332789") == context_hash("patient-529192")
    assert context_hash("") == 0x811C9DC5
    assert context_hash("a") == 0xE40C292C


def test_every_context_is_deleted_after_use_and_sixteen_are_enough_for_3000_runs() -> None:
    module = _Recorder()
    ruleset = RuleSet("many", [rule("both", yes("a"), yes("b")), rule("a", yes("a"))], module=module)
    for number in range(3000):
        facts = [[], [NetFact("a", True)], [NetFact("b", True)], [NetFact("a", True), NetFact("b", True)]][number % 4]
        assert fired(ruleset, facts) == [[], ["a"], [], ["a", "both"]][number % 4]
    assert module.created == module.deleted
    assert len(module.created) == 3000
    assert len(set(module.created)) == CONTEXTS


def test_a_ruleset_that_does_not_come_to_an_end_is_stopped_and_the_next_run_is_right() -> None:
    ruleset = RuleSet("runaway", [rule("number", within("x", low=0.0))])
    with pytest.raises(EngineError, match="runaway did not come to an end"):
        ruleset.run([NetFact("x", float(number)) for number in range(200)])
    assert fired(ruleset, [NetFact("x", 1.0)]) == ["number"]


def test_an_engine_that_fires_for_ever_is_stopped() -> None:
    module = _Recorder()
    ruleset = RuleSet("loop", [rule("a", yes("a"))], module=module)
    module.repeat = True
    with pytest.raises(EngineError, match="loop did not come to an end"):
        ruleset.run([NetFact("a", True)])


def test_rules_that_assert_each_others_facts_come_to_an_end() -> None:
    circle = [
        NetRule("a to b", (yes("a"),), NetFact("b", True)),
        NetRule("b to c", (yes("b"),), NetFact("c", True)),
        NetRule("c to a", (yes("c"),), NetFact("a", True)),
        NetRule("c to b", (yes("c"),), NetFact("b", True)),
    ]
    assert fired(RuleSet("circle", circle, chain=True), [NetFact("a", True)]) == sorted(item.source for item in circle)


def test_two_rules_may_assert_the_same_fact_and_a_third_reads_it_once() -> None:
    rules = [
        NetRule("one", (yes("a"),), NetFact("d", True)),
        NetRule("two", (yes("b"),), NetFact("d", True)),
        rule("three", yes("d"), yes("a")),
    ]
    firings: list[Firing] = RuleSet("twice", rules, chain=True).run([NetFact("a", True), NetFact("b", True)])
    assert sorted(firing.rule.source for firing in firings) == ["one", "three", "two"]


# What is emitted


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _all_rulesets(knowledge: Knowledge) -> list[RuleSet]:
    made = Program(knowledge)
    options = [made.option_ruleset(treatment) for treatment in knowledge.options.values()]
    return [made.staging, made.notices, *(item for group in made.eligibility.values() for item in group), *options]


def test_no_ruleset_of_the_shipped_knowledge_uses_disjunction_negation_joins_or_arithmetic(
    knowledge: Knowledge,
) -> None:
    rulesets = _all_rulesets(knowledge)
    assert len(rulesets) > len(knowledge.options)
    for ruleset in rulesets:
        definition = json.loads(ruleset.definition())
        allowed = {"pri", "count", "all", "a", "b", "s", "n", "$and", "$gt", "$gte", "$lt", "$lte", "$ex"}
        positions = {f"m{number}" for number in range(MAX_TESTS_PER_RULE)}
        assert _keys(list(definition.values())) <= allowed | positions
        ordinary = [body for key, body in definition.items() if key not in ("begin", "sink")]
        assert len(ordinary) == len({frozenset(item.tests) for item in ruleset.rules})
        assert "$ex" not in _keys(ordinary)
        for body in ordinary:
            for place, position in enumerate(body["all"]):
                ((name, test),) = position.items()
                assert name == f"m{place}"
                # A comparison is with a constant: the value under it is a number, text or truth value, never a mapping.
                for part in test["$and"]:
                    ((_, value),) = part.items()
                    constant = value["n"] if isinstance(value, dict) else value
                    assert isinstance(constant, (str, bool, float))


def test_every_ruleset_begins_with_a_sentinel_and_ends_with_a_sink_that_never_fires() -> None:
    module = _Recorder()
    ruleset = RuleSet("frame", [rule("a", yes("a"))], module=module)
    definition = json.loads(ruleset.definition())
    assert list(definition) == ["begin", "0", "sink"]
    assert [body["pri"] for body in definition.values()] == [0, 1, 2]
    ruleset.run([NetFact("a", True)])
    assert [next(iter(json.loads(message))) for message in module.messages] == ["begin", "0"]


class _Recorder:
    """The engine, with a record of the contexts that were made and deleted."""

    def __init__(self) -> None:
        self.created: list[str] = []
        self.deleted: list[str] = []
        self.messages: list[str] = []
        self.repeat = False

    def __getattr__(self, name: str) -> Any:
        return getattr(durable_rules_engine, name)

    def assert_facts(self, handle: int, facts: str) -> Any:
        ((context),) = {fact["sid"] for fact in json.loads(facts)}
        self.created.append(context)
        return durable_rules_engine.assert_facts(handle, facts)

    def start_action_for_state(self, handle: int, state: Any) -> Any:
        started = durable_rules_engine.start_action_for_state(handle, state)
        self.messages.append(started[1])
        return started

    def complete_and_start_action(self, handle: int, state: Any) -> str | None:
        if self.repeat:
            return self.messages[-1]
        message: str | None = durable_rules_engine.complete_and_start_action(handle, state)
        if message is not None:
            self.messages.append(message)
        return message

    def delete_state(self, handle: int, context: str) -> None:
        self.deleted.append(context)
        durable_rules_engine.delete_state(handle, context)


def test_a_process_that_writes_decimals_with_a_comma_gets_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    ruleset = RuleSet("some-set", [rule("options/x/y", within("afp", low=400.5))])
    facts = [NetFact("afp", 400.6)]
    assert fired(ruleset, facts) == ["options/x/y"]
    with monkeypatch.context() as changed:
        changed.setattr(locale, "localeconv", lambda: {"decimal_point": ","})
        with pytest.raises(FenceError, match="comma"):
            ruleset.run(facts)
    assert fired(ruleset, facts) == ["options/x/y"]
