"""What durable-rules 2.0.28 handles correctly, and how rules and facts are written for it.

Outside these limits the package crashes, hangs or answers wrongly without saying so; each was reproduced.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from hcc_decide.engine.rules import NetFact, NetRule, NetTest
from hcc_decide.knowledge.condition import Span

MAX_RULES = 4000
MAX_SHARING = 250
MAX_NAMES = 480
MAX_TESTS_PER_NAME = 60
MAX_TESTS_PER_RULE = 15
MAX_TEXT = 200
CONTEXTS = 16


class FenceError(ValueError):
    """A ruleset, or a fact, that durable-rules would not handle correctly."""


def number_token(value: float) -> str:
    """Write a finite number as the engine's parser takes it.

    >>> number_token(400.0), number_token(1e-05), number_token(1e300)
    ('400.0', '1.0e-05', '1.0e+300')
    """
    if not math.isfinite(value):
        raise FenceError(f"{value} is not a finite number")
    mantissa, mark, exponent = repr(float(value)).partition("e")
    if mark and "." not in mantissa:
        mantissa += ".0"
    return mantissa + mark + exponent


def check_text(text: str) -> str:
    """Return ``text`` if the engine takes it; raise `FenceError` otherwise."""
    if not text or len(text) > MAX_TEXT:
        raise FenceError(f"text of {len(text)} characters; allowed are 1 to {MAX_TEXT}")
    if unicodedata.normalize("NFC", text) != text or any(unicodedata.category(c)[0] == "C" for c in text):
        raise FenceError(f"{text!r} is not plain NFC text")
    return text


def fact_json(fact: NetFact, fact_id: int, context: str) -> str:
    """Write a fact with its id and context; raise `FenceError` for text or numbers that the parser would misread."""
    value = fact.value
    body = _body(fact.name, value) if isinstance(value, (bool, str)) else _number_body(fact.name, value)
    return f'{{"id":"{fact_id}","sid":"{context}",{body}}}'


@lru_cache(maxsize=8192)
def _body(name: str, value: bool | str) -> str:
    tail = f'"b":{json.dumps(value)}' if isinstance(value, bool) else f'"s":{_text(value)}'
    return f'"a":{_text(name)},{tail}'


def _number_body(name: str, value: float) -> str:
    return f'"a":{_text(name)},"n":{number_token(value)}'


@lru_cache(maxsize=8192)
def _text(text: str) -> str:
    return json.dumps(check_text(text), ensure_ascii=False)


def condition_json(test: NetTest) -> str:
    """Write one condition of a rule."""
    parts = [f'{{"a":{_text(test.name)}}}']
    if isinstance(test.value, bool):
        parts.append(f'{{"b":{json.dumps(test.value)}}}')
    elif test.value is not None:
        parts.append(f'{{"s":{_text(test.value)}}}')
    if test.span is not None:
        low, high = "$gt" if test.span.low_open else "$gte", "$lt" if test.span.high_open else "$lte"
        if test.span.low > -math.inf:
            parts.append(f'{{"{low}":{{"n":{number_token(test.span.low)}}}}}')
        if test.span.high < math.inf:
            parts.append(f'{{"{high}":{{"n":{number_token(test.span.high)}}}}}')
    return f'{{"$and":[{",".join(parts)}]}}'


def rule_json(key: str, priority: int, tests: Sequence[str]) -> str:
    """Write a rule from its written conditions."""
    positions = ",".join(f'{{"m{position}":{test}}}' for position, test in enumerate(tests))
    return f'"{key}":{{"pri":{priority},"count":1,"all":[{positions}]}}'


def check_fences(name: str, rules: Sequence[NetRule]) -> None:
    """Raise `FenceError`, naming a rule, if the ruleset leaves the safe corner."""
    if len(rules) > MAX_RULES:
        first = rules[MAX_RULES].source
        raise FenceError(f"{first}: ruleset {name} has {len(rules)} rules; at most {MAX_RULES} are safe")
    shared = Counter(test for tests, _ in joined(rules) for test in set(tests))
    names: dict[str, set[NetTest]] = {}
    for rule in rules:
        if not 1 <= len(rule.tests) <= MAX_TESTS_PER_RULE:
            raise FenceError(f"{rule.source}: {len(rule.tests)} conditions; 1 to {MAX_TESTS_PER_RULE} are safe")
        for test in rule.tests:
            known = names.setdefault(test.name, set())
            if test not in known:
                known.add(test)
                _check_test(test, rule, shared[test], len(known))
        _check_together(rule)
        if len(names) > MAX_NAMES:
            raise FenceError(f"{rule.source}: ruleset {name} has more than {MAX_NAMES} attributes")


def _check_test(test: NetTest, rule: NetRule, sharing: int, of_name: int) -> None:
    """Check a test, for the first rule that has it."""
    if sharing > MAX_SHARING:
        raise FenceError(
            f"{rule.source}: a condition on {test.name} is shared by {sharing} rules; at most {MAX_SHARING} are safe"
        )
    if of_name > MAX_TESTS_PER_NAME:
        raise FenceError(f"{rule.source}: more than {MAX_TESTS_PER_NAME} different tests on {test.name}")
    span = test.span or Span()
    for bound in (span.low, span.high):
        if math.isnan(bound) or 2**53 <= abs(bound) < math.inf:
            raise FenceError(f"{rule.source}: compares {test.name} with {bound}")
    try:
        condition_json(test)
    except FenceError as error:
        raise FenceError(f"{rule.source}: {error}") from None
    if test.value is None and test.span in (None, Span()):
        raise FenceError(f"{rule.source}: compares {test.name} with no constant")


def _check_together(rule: NetRule) -> None:
    if len({test.name for test in rule.tests}) == len(rule.tests):
        return
    for test in rule.tests:
        same = [other for other in rule.tests if other.name == test.name]
        if len({other.value for other in same}) < len(same):
            raise FenceError(f"{rule.source}: has two conditions on {test.name} that one fact would have to meet")


def check_asserted(rules: Sequence[NetRule], reads: frozenset[str]) -> None:
    """Raise `FenceError`, naming a rule, if it would assert what other rules read and the engine could not take."""
    for rule in rules:
        if rule.asserts.name in reads:
            try:
                fact_json(rule.asserts, 0, "")
            except FenceError as error:
                raise FenceError(f"{rule.source}: {error}") from None


def joined(rules: Sequence[NetRule]) -> tuple[tuple[tuple[NetTest, ...], tuple[NetRule, ...]], ...]:
    """Join rules with the same tests: the network carries each set of tests once, and one firing stands for all of them."""
    joined: dict[frozenset[NetTest], list[NetRule]] = {}
    for rule in rules:
        joined.setdefault(frozenset(rule.tests), []).append(rule)
    return tuple((members[0].tests, tuple(members)) for members in joined.values())


def context_hash(text: str) -> int:
    """Return the 32-bit FNV-1a hash by which the engine tells contexts apart."""
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def context_ids() -> list[str]:
    """Return the ids of all contexts, whose hashes differ."""
    ids = [f"context-{index}" for index in range(CONTEXTS)]
    if len({context_hash(item) for item in ids}) != len(ids):
        raise FenceError("two context ids share a hash")
    return ids
