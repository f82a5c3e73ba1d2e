"""What durable-rules 2.0.28 does outside the safe corner. ``python -m tests.engine.canaries NAME`` may well crash.

Each program uses the C module as the product does, and leaves the corner by one step only.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import durable_rules_engine as engine

Definition = dict[str, Any]


def _rule(*tests: Definition) -> Definition:
    return {"pri": 1, "count": 1, "all": [{f"m{place}": test} for place, test in enumerate(tests)]}


def _is(name: str) -> Definition:
    return {"$and": [{"a": name}, {"b": True}]}


def _fact(number: int, name: str, **value: Any) -> Definition:
    return {"id": str(number), "sid": "context", "a": name, **value}


def _start(rules: dict[str, Definition]) -> int:
    handle: int = engine.create_ruleset("canary", json.dumps(rules))
    return handle


def _firings(handle: int, facts: str | list[Definition]) -> list[str]:
    """Assert the facts and return the names of the rules that fired."""
    text = facts if isinstance(facts, str) else json.dumps(facts)
    _, state = engine.assert_facts(handle, text)
    started = engine.start_action_for_state(handle, state)
    message = started[1] if started else None
    names: list[str] = []
    while message:
        names += json.loads(message)
        message = engine.complete_and_start_action(handle, state)
    return sorted(names)


def delete_a_context_in_which_nothing_fired() -> None:
    """Without a sentinel rule."""
    handle = _start({"both": _rule(_is("x"), _is("y"))})
    _firings(handle, [_fact(1, "x", b=True)])
    engine.delete_state(handle, "context")


def share_a_condition(rules: str) -> None:
    """More rules than a byte can count."""
    handle = _start({f"r{number}": _rule(_is("x")) for number in range(int(rules))})
    print(len(_firings(handle, [_fact(1, "x", b=True)])))


def write_a_small_number_as_python_does() -> None:
    """The facts after ``1e-05`` are lost."""
    handle = _start({name: _rule({"a": name}) for name in ("first", "small", "last")})
    small = '{"id":"2","sid":"context","a":"small","n":1e-05}'
    first, last = json.dumps(_fact(1, "first", b=True)), json.dumps(_fact(3, "last", b=True))
    print(*_firings(handle, f"[{first},{small},{last}]"))


def put_a_small_number_into_a_rule() -> None:
    """The whole ruleset is refused, for ``1e-05`` is not written as ``1.0e-05``."""
    try:
        _start({"x": _rule({"$and": [{"a": "x"}, {"$gte": {"n": 1e-05}}]})})
    except engine.error as error:
        print(error)


def give_a_fact_that_no_rule_reads() -> None:
    """Without a sink rule: the answer is not 0 and nothing fires."""
    handle = _start({"x": _rule(_is("x"))})
    facts = [_fact(1, "x", b=True), _fact(2, "unread", b=True)]
    code, _ = engine.assert_facts(handle, json.dumps(facts))
    print("not handled:", code == 1)


def meet_two_conditions_with_one_fact() -> None:
    """Both hold of the one fact, yet the rule waits for a second fact."""
    spans = [{"$and": [{"a": "x"}, {"$gte": {"n": limit}}]} for limit in (1, 2)]
    handle = _start({"both": _rule(*spans), "one": _rule(spans[0])})
    print(*_firings(handle, [_fact(1, "x", n=5.0)]))


def give_two_contexts_one_hash() -> None:
    """A fact of one context completes a rule in the other."""
    handle = _start({"both": _rule(_is("x"), _is("y"))})
    firings: list[str] = []
    for number, (context, name) in enumerate((("patient-332789", "x"), ("patient-529192", "y"))):
        firings += _firings(handle, [{"id": str(number), "sid": context, "a": name, "b": True}])
    print(*firings)


def take_alternatives_in_one_rule() -> None:
    """Three alternatives that all hold make the rule fire seven times."""
    tests = [{f"m{place}": _is(name)} for place, name in enumerate("xyz")]
    handle = _start({"any": {"pri": 1, "count": 1, "any": tests}})
    facts = [_fact(number, name, b=True) for number, name in enumerate("xyz")]
    print(len(_firings(handle, facts)))


def negate_inside_the_network() -> None:
    """The blocker comes later in the same batch, and the rule fires all the same."""
    blocked = {"pri": 1, "count": 1, "all": [{"m0": _is("x")}, {"m1$not": _is("blocker")}]}
    handle = _start({"blocked": blocked, "sink": _rule({"$ex": {"a": 1}}, _is("never"))})
    print(*_firings(handle, [_fact(1, "x", b=True), _fact(2, "blocker", b=True)]))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
    print("still alive")
