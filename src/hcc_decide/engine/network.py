"""One ruleset on durable-rules, kept inside the corner in which the engine is correct.

The package is used through its C module, without ``Host``: no timer threads, no swallowed errors, no clock. Each fence below
guards against a crash or a silent error that was reproduced with durable-rules 2.0.28:

* facts are small (one name, one value), conditions compare with constants only, and a rule has at most 15 of them;
* no fact could stand for two conditions of a rule, because such a rule never fires;
* a sentinel rule fires in every context, because deleting a context in which nothing fired kills the process;
* a sink rule mentions every fact, because one unmentioned fact in a batch silences the whole batch;
* context ids come from a fixed pool without hash collisions, and every context is deleted after use;
* numbers are finite and written as the engine's parser takes them; text is NFC without control characters.
"""

from __future__ import annotations

import json
import locale
import math
import os
import queue
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from hcc_decide.engine.rules import NetFact, NetRule, NetTest
from hcc_decide.knowledge.condition import Span, State, holds

MAX_RULES = 4000
MAX_SHARING = 250
MAX_NAMES = 480
MAX_TESTS_PER_NAME = 60
MAX_TESTS_PER_RULE = 15
MAX_TEXT = 200
CONTEXTS = 16

_SENTINEL, _NEVER = "$begin", "$never"


class FenceError(ValueError):
    """A ruleset, or a fact, that durable-rules would not handle correctly."""


class EngineError(RuntimeError):
    """The engine did something that it must not do; there is no decision."""


class Firing(NamedTuple):
    """One firing: the rule, and the facts that it matched."""

    rule: NetRule
    matched: tuple[NetFact, ...]


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


def _fact_json(fact: NetFact, fact_id: int, context: str) -> str:
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


def _test_json(test: NetTest) -> str:
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


def _rule_json(key: str, priority: int, tests: Sequence[str]) -> str:
    positions = ",".join(f'{{"m{position}":{test}}}' for position, test in enumerate(tests))
    return f'"{key}":{{"pri":{priority},"count":1,"all":[{positions}]}}'


def check_fences(name: str, rules: Sequence[NetRule]) -> None:
    """Raise `FenceError`, naming a rule, if the ruleset leaves the safe corner."""
    if len(rules) > MAX_RULES:
        first = rules[MAX_RULES].source
        raise FenceError(f"{first}: ruleset {name} has {len(rules)} rules; at most {MAX_RULES} are safe")
    shared = Counter(test for tests, _ in _shared(rules) for test in set(tests))
    names: dict[str, set[NetTest]] = {}
    for rule in rules:
        if not 1 <= len(rule.tests) <= MAX_TESTS_PER_RULE:
            raise FenceError(f"{rule.source}: {len(rule.tests)} conditions; 1 to {MAX_TESTS_PER_RULE} are safe")
        for test in rule.tests:
            names.setdefault(test.name, set()).add(test)
            if shared[test] > MAX_SHARING:
                raise FenceError(
                    f"{rule.source}: a condition on {test.name} is shared by {shared[test]} rules; at most {MAX_SHARING} are safe"
                )
            if len(names[test.name]) > MAX_TESTS_PER_NAME:
                raise FenceError(f"{rule.source}: more than {MAX_TESTS_PER_NAME} different tests on {test.name}")
            span = test.span or Span()
            for bound in (span.low, span.high):
                if math.isnan(bound) or 2**53 <= abs(bound) < math.inf:
                    raise FenceError(f"{rule.source}: compares {test.name} with {bound}")
            try:
                _test_json(test)
                _check_alone(test, rule)
            except FenceError as error:
                raise FenceError(f"{rule.source}: {error}") from None
        if len(names) > MAX_NAMES:
            raise FenceError(f"{rule.source}: ruleset {name} has more than {MAX_NAMES} attributes")


def _check_alone(test: NetTest, rule: NetRule) -> None:
    if test.value is None and test.span in (None, Span()):
        raise FenceError(f"compares {test.name} with no constant")
    same = [other for other in rule.tests if other.name == test.name]
    if len({other.value for other in same}) < len(same):
        raise FenceError(f"has two conditions on {test.name} that one fact would have to meet")


def _check_asserted(rules: Sequence[NetRule], reads: frozenset[str]) -> None:
    for rule in rules:
        if rule.asserts.name in reads:
            try:
                _fact_json(rule.asserts, 0, "")
            except FenceError as error:
                raise FenceError(f"{rule.source}: {error}") from None


def _shared(rules: Sequence[NetRule]) -> tuple[tuple[tuple[NetTest, ...], tuple[NetRule, ...]], ...]:
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


def _contexts() -> list[str]:
    ids = [f"context-{index}" for index in range(CONTEXTS)]
    if len({context_hash(item) for item in ids}) != len(ids):
        raise FenceError("two context ids share a hash")
    return ids


class _Network(NamedTuple):
    module: Any
    handle: Any
    contexts: queue.SimpleQueue[str]
    """The ids that no run is using; an empty one says that the network was given up."""


class RuleSet:
    """A ruleset that many threads may run, each decision in a context of its own.

    Args:
        name: for messages.
        rules: the rules; their fences are checked here.
        chain: whether what a rule asserts goes back into the network.
        module: the engine; ``None`` imports ``durable_rules_engine`` when first used.
    """

    def __init__(self, name: str, rules: Sequence[NetRule], *, chain: bool = False, module: Any = None) -> None:
        """Check the fences; the network itself is built on first use, in each process anew."""
        check_fences(name, rules)
        self.name = name
        self.rules = tuple(rules)
        self._nodes = _shared(rules)
        self.reads = frozenset(test.name for rule in rules for test in rule.tests)
        self._chain = chain
        if chain:
            _check_asserted(rules, self.reads)
        self._module = module
        # By process, for a child may be forked while a thread of the parent holds the lock.
        self._locks: dict[int, threading.Lock] = {}
        self._network: tuple[int, _Network] | None = None

    def definition(self) -> str:
        """Return the ruleset as durable-rules reads it."""
        parts = [_rule_json("begin", 0, [f'{{"a":"{_SENTINEL}"}}'])]
        for index, (tests, _) in enumerate(self._nodes):
            parts.append(_rule_json(str(index), 1, [_test_json(test) for test in tests]))
        parts.append(_rule_json("sink", 2, [f'{{"a":"{_NEVER}"}}', '{"$ex":{"a":1}}']))
        return f"{{{','.join(parts)}}}"

    def _lock(self) -> threading.Lock:
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def _current(self) -> _Network:
        # A forked child must not share contexts with its parent, so each process builds its own network.
        found = self._network
        if found is None or found[0] != os.getpid():
            with self._lock():
                found = self._network
                if found is None or found[0] != os.getpid():
                    found = self._network = (os.getpid(), self._build())
        return found[1]

    def _build(self) -> _Network:
        if self._module is None:
            import durable_rules_engine

            self._module = durable_rules_engine
        contexts: queue.SimpleQueue[str] = queue.SimpleQueue()
        for context in _contexts():
            contexts.put(context)
        definition = self.definition()
        try:
            handle = self._module.create_ruleset(self.name, definition)
        except Exception as error:
            raise EngineError(f"ruleset {self.name}: create_ruleset failed ({error})") from error
        return _Network(self._module, handle, contexts)

    def _borrow(self) -> tuple[_Network, str]:
        while True:
            network = self._current()
            context = network.contexts.get()
            if context:
                return network, context
            network.contexts.put(context)  # given up meanwhile; the next one that waits learns it too

    def _give_up(self, network: _Network) -> None:
        with self._lock():
            if self._network is not None and self._network[1] is network:
                self._network = None
        network.contexts.put("")

    def run(self, facts: Sequence[NetFact], on_firing: Callable[[Firing], None] | None = None) -> list[Firing]:
        """Run to the fixpoint and return every firing.

        Args:
            facts: what is known; facts that no rule reads are left out.
            on_firing: called at each firing; an exception in it ends the run and is raised to the caller.

        Raises:
            EngineError: the engine refused a fact or did not come to an end.
            FenceError: a fact that the engine would not handle.
        """
        if locale.localeconv()["decimal_point"] != ".":
            raise FenceError(
                "this process writes decimals with a comma (its locale), and the engine would misread numbers"
            )
        wanted = [fact for fact in dict.fromkeys(facts) if fact.name in self.reads]
        network, context = self._borrow()
        try:
            known = set(wanted)
            batch = [f'{{"id":"0","sid":"{context}","a":"{_SENTINEL}"}}']
            batch += [_fact_json(fact, index, context) for index, fact in enumerate(wanted, start=1)]
            code, state = self._ask(network, "assert_facts", f"[{','.join(batch)}]")
            if code != 0:
                raise EngineError(f"ruleset {self.name}: the engine answered {code} to the facts")
            firings, failure = self._drive(network, context, state, known, on_firing)
            self._ask(network, "delete_state", context)
        except FenceError:
            network.contexts.put(context)
            raise
        except BaseException:
            # The context may hold anything now. It is never used again, and the next run builds a new network.
            self._give_up(network)
            raise
        network.contexts.put(context)
        if failure is not None:
            raise failure
        return firings

    def _drive(
        self,
        network: _Network,
        context: str,
        state: Any,
        known: set[NetFact],
        on_firing: Callable[[Firing], None] | None,
    ) -> tuple[list[Firing], BaseException | None]:
        firings: list[Firing] = []
        began = False
        limit = 4 * len(self._nodes) + 100
        started = self._ask(network, "start_action_for_state", state)
        message = started[1] if started else None
        failure: BaseException | None = None
        while message:
            limit -= 1
            if limit < 0:
                raise EngineError(f"ruleset {self.name} did not come to an end")
            fired = self._read(message, known)
            began = began or not fired
            if failure is None:
                try:
                    for firing in fired:
                        self._take(network, context, firing, firings, known, on_firing)
                except BaseException as error:
                    # The context is drained before it is deleted, so that the next decision finds it clean.
                    failure = error
            message = self._ask(network, "complete_and_start_action", state)
        if not began:
            raise EngineError(f"ruleset {self.name}: the sentinel did not fire")
        return firings, failure

    def _ask(self, network: _Network, function: str, *arguments: Any) -> Any:
        try:
            return getattr(network.module, function)(network.handle, *arguments)
        except Exception as error:
            raise EngineError(f"ruleset {self.name}: {function} failed ({error})") from error

    def _take(
        self,
        network: _Network,
        context: str,
        firing: Firing,
        firings: list[Firing],
        known: set[NetFact],
        on_firing: Callable[[Firing], None] | None,
    ) -> None:
        firings.append(firing)
        if on_firing is not None:
            on_firing(firing)
        asserted = firing.rule.asserts
        if self._chain and asserted not in known:
            known.add(asserted)
            self._assert(network, context, asserted, len(known) + 1)

    def _read(self, message: str, known: set[NetFact]) -> list[Firing]:
        """Return the firings that a message reports, none for the sentinel's."""
        try:
            ((name, matched),) = json.loads(message).items()
            if name == "begin":
                return []
            tests, rules = self._nodes[int(name)]
            facts = tuple(_fact_of(matched[f"m{i}"]) for i in range(len(tests)))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise EngineError(f"ruleset {self.name}: the engine sent a message that is no firing") from error
        if not known.issuperset(facts) or not all(map(_meets, facts, tests)):
            raise EngineError(f"{rules[0].source} fired on facts that are not this patient's or do not meet it")
        return [Firing(rule, facts) for rule in rules]

    def _assert(self, network: _Network, context: str, fact: NetFact, fact_id: int) -> None:
        if fact.name not in self.reads:
            return
        code, _ = self._ask(network, "assert_fact", _fact_json(fact, fact_id, context))
        if code != 0:
            raise EngineError(f"ruleset {self.name}: the engine answered {code} to the derived fact {fact.name}")

    def close(self) -> None:
        """Free the network of this process, after the runs that are under way."""
        with self._lock():
            found, self._network = self._network, None
        if found is None or found[0] != os.getpid():
            return
        network = found[1]
        for _ in range(CONTEXTS):
            if not network.contexts.get():
                return  # a run failed meanwhile; a network with a spoilt context is left alone
        network.module.delete_ruleset(network.handle)
        network.contexts.put("")


def _meets(fact: NetFact, test: NetTest) -> bool:
    if fact.name != test.name:
        return False
    if test.span is None or isinstance(fact.value, (bool, str)):
        return fact.value is test.value if isinstance(test.value, bool) else fact.value == test.value
    return holds(test.span, State(low=fact.value, high=fact.value)) is True


def _fact_of(message: dict[str, Any]) -> NetFact:
    (value,) = (message[kind] for kind in ("s", "b", "n") if kind in message)
    return NetFact(message["a"], value)
