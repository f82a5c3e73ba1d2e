"""An engine that errs is found out: the shadow, or a check of the engine's own messages, refuses the decision."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import durable_rules_engine
import pytest

from hcc_decide.decide import decide
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.inference import ShadowError
from hcc_decide.engine.network import EngineError, RuleSet
from hcc_decide.engine.rules import NetFact
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import Patient, parse_patient
from tests.engine.building import is_, rule, within, yes

Message = dict[str, Any]


class Tampered:
    """The engine, with one of its messages changed on the way.

    Args:
        change: what becomes of the message; ``None`` leaves the firing out.
        at: which firing, counted over all rulesets and without sentinels; by default none.
    """

    def __init__(self, change: Callable[[str, Message], dict[str, Message] | None], at: int = -1) -> None:
        self.change, self.at, self.seen, self.changed = change, at, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(durable_rules_engine, name)

    def start_action_for_state(self, handle: int, state: Any) -> Any:
        first, message = durable_rules_engine.start_action_for_state(handle, state)
        return first, self._passed_on(handle, state, message)

    def complete_and_start_action(self, handle: int, state: Any) -> str | None:
        return self._passed_on(handle, state, durable_rules_engine.complete_and_start_action(handle, state))

    def _passed_on(self, handle: int, state: Any, message: str | None) -> str | None:
        if message is None or '{"begin"' in message[:10]:
            return message
        self.seen += 1
        if self.seen - 1 != self.at:
            return message
        ((name, matched),) = json.loads(message).items()
        changed = self.change(name, matched)
        self.changed += 1
        if changed is None:
            return self.complete_and_start_action(handle, state)
        return json.dumps(changed)


def drop(name: str, matched: Message) -> None:
    """Leave the firing out."""


PATIENT = {
    "bclc_stage": "C",
    "child_pugh_class": "A",
    "ecog": 0,
    "afp_ng_ml": 800,
    "prior_systemic": ["sorafenib:progression"],
    "varices": "none",
    "autoimmune_disease": False,
}


@pytest.fixture(scope="module")
def patient(knowledge: Knowledge) -> Patient:
    return parse_patient(PATIENT, knowledge.option_ids)


def outcome(knowledge: Knowledge, patient: Patient, module: Tampered) -> str:
    """Return the kind of error with which a decision is refused, or all that the decision says of the patient.

    By which of two rules that both hold a fact was derived is left out, like the trace.
    """
    engine = Engine(knowledge, module=module)
    try:
        decision = decide(patient, engine)
        derived = {item.fact: item.value for item in decision.derived}
        return decision.model_dump_json(exclude={"trace", "derived"}) + json.dumps(derived)
    except EngineError as error:
        return type(error).__name__
    finally:
        module.at = -1
        engine.close()


def number_of_firings(knowledge: Knowledge, patient: Patient) -> int:
    """Count the firings of one decision."""
    module = Tampered(drop)
    outcome(knowledge, patient, module)
    return module.seen


def test_a_lost_firing_never_changes_a_decision_unnoticed(knowledge: Knowledge, patient: Patient) -> None:
    right = outcome(knowledge, patient, Tampered(drop))
    total = number_of_firings(knowledge, patient)
    found: Counter[str] = Counter()
    for at in range(0, total, max(1, total // 35)):
        module = Tampered(drop, at)
        answer = outcome(knowledge, patient, module)
        assert module.changed == 1
        # A firing that another one repeats (two alternatives of one rule that both hold) may be lost without harm.
        assert answer in {right, "ShadowError", "EngineError"}
        found[answer if answer != right else "harmless"] += 1
    assert found["ShadowError"] > found["harmless"]


def test_a_firing_of_another_rule_never_changes_a_decision_unnoticed(knowledge: Knowledge, patient: Patient) -> None:
    right = outcome(knowledge, patient, Tampered(drop))
    total = number_of_firings(knowledge, patient)
    found: Counter[str] = Counter()
    for at in range(0, total, max(1, total // 25)):
        module = Tampered(lambda name, matched: {str(int(name) + 1): matched}, at)
        answer = outcome(knowledge, patient, module)
        assert module.changed == 1
        # Harmless only if the other rule holds as well and the lost firing is repeated by another.
        assert answer in {right, "ShadowError", "EngineError"}
        found[answer if answer != right else "harmless"] += 1
    assert found["EngineError"] > 5 * found["harmless"]


def test_a_firing_on_another_value_than_the_patients_is_refused(knowledge: Knowledge, patient: Patient) -> None:
    def flip(name: str, matched: Message) -> dict[str, Message]:
        fact = matched["m0"]
        fact |= {"s": "another"} if "s" in fact else {"b": not fact["b"]} if "b" in fact else {"n": fact["n"] + 1}
        return {name: matched}

    total = number_of_firings(knowledge, patient)
    for at in range(0, total, max(1, total // 25)):
        module = Tampered(flip, at)
        assert outcome(knowledge, patient, module) == "EngineError"
        assert module.changed == 1


def test_without_the_shadow_a_lost_firing_would_give_another_decision(knowledge: Knowledge, patient: Patient) -> None:
    # This shows that the tests above do test the shadow.
    right = decide(patient, Engine(knowledge)).model_dump_json(exclude={"trace"})
    total = number_of_firings(knowledge, patient)
    wrong = 0
    for at in range(total // 3, total, max(1, total // 20)):
        module = Tampered(drop, at)
        engine = Engine(knowledge, check=False, module=module)
        try:
            wrong += decide(patient, engine).model_dump_json(exclude={"trace"}) != right
        except EngineError:
            continue
        finally:
            engine.close()
    assert wrong > 0


def test_the_next_decision_of_an_engine_that_failed_once_is_right(knowledge: Knowledge, patient: Patient) -> None:
    right = decide(patient, Engine(knowledge)).model_dump_json()
    module = Tampered(lambda name, matched: {}, 40)
    engine = Engine(knowledge, module=module)
    with pytest.raises(EngineError):
        decide(patient, engine)
    assert decide(patient, engine).model_dump_json() == right


def test_the_shadow_names_what_it_judges_differently(knowledge: Knowledge, patient: Patient) -> None:
    total = number_of_firings(knowledge, patient)
    refused = []
    for at in range(0, total, max(1, total // 30)):
        module = Tampered(drop, at)
        engine = Engine(knowledge, module=module)
        try:
            decide(patient, engine)
        except ShadowError as error:
            refused.append(str(error))
        except EngineError:
            continue
        finally:
            engine.close()
    assert refused
    assert all("no decision is given" in message for message in refused)
    # Messages may go to a log, so they name rules and facts and never a patient's values.
    assert not any("800" in message for message in refused)


# One ruleset


RULES = [rule("a", yes("a")), rule("stage", is_("stage", "C"), yes("a")), rule("x", within("x", low=1.0))]
FACTS = [NetFact("a", True), NetFact("stage", "C"), NetFact("x", 2.0)]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"7": {}},
        {"-9": {"m0": {"a": "a", "b": True}}},
        {"no number": {}},
        {"0": {}},
        {"0": {"m0": {}}},
        {"0": {"m0": {"a": "a"}}},
        {"0": {"m0": {"a": "a", "b": True, "s": "C"}}},
        {"0": {"m0": {"a": "a", "b": False}}},
        {"0": {"m0": {"a": "stage", "s": "C"}}},
        {"0": {"m0": [1]}},
        {"0": None},
        {"0": {"m0": {"a": "a", "b": True}}, "1": {}},
    ],
    ids=str,
)
def test_a_message_that_is_no_firing_of_this_patient_gives_no_answer(message: dict[str, Any]) -> None:
    ruleset = RuleSet("tampered", RULES, module=Tampered(lambda name, matched: message, 0))
    with pytest.raises(EngineError):
        ruleset.run(FACTS)
    assert {firing.rule.source for firing in ruleset.run(FACTS)} == {"a", "stage", "x"}


def test_a_sentinel_that_does_not_fire_gives_no_answer() -> None:
    class Silent:
        def __getattr__(self, name: str) -> Any:
            return getattr(durable_rules_engine, name)

        def start_action_for_state(self, handle: int, state: Any) -> None:
            return None

    with pytest.raises(EngineError, match="sentinel"):
        RuleSet("silent", RULES, module=Silent()).run(FACTS)


@pytest.mark.parametrize("function", ["assert_facts", "assert_fact"])
@pytest.mark.parametrize("code", [1, 2, 3])
def test_an_answer_other_than_zero_to_facts_gives_no_decision(function: str, code: int) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> Any:
            real = getattr(durable_rules_engine, name)
            return (lambda *arguments: (code, real(*arguments)[1])) if name == function else real

    chain = [*RULES, rule("derived", is_("fired", "a"))]
    with pytest.raises(EngineError, match=f"answered {code}"):
        RuleSet("refusing", chain, chain=True, module=Refusing()).run(FACTS)
