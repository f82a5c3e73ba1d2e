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

import locale
import os
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from hcc_decide.engine.fences import (
    CONTEXTS,
    MAX_TESTS_PER_RULE,
    FenceError,
    check_asserted,
    check_fences,
    condition_json,
    context_ids,
    fact_json,
    joined,
    rule_json,
)
from hcc_decide.engine.rules import NetFact, NetRule, NetTest

_SENTINEL, _NEVER = "$begin", "$never"
_PLACES = tuple(f"m{position}" for position in range(MAX_TESTS_PER_RULE))


class EngineError(RuntimeError):
    """The engine did something that it must not do; there is no decision."""


class Firing(NamedTuple):
    """One firing: the rule, and the facts that it matched."""

    rule: NetRule
    matched: tuple[NetFact, ...]


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
        self.sources = tuple(dict.fromkeys(rule.source for rule in self.rules))
        self._nodes = joined(rules)
        self.reads = frozenset(test.name for rule in rules for test in rule.tests)
        self._chain = chain
        if chain:
            check_asserted(rules, self.reads)
        self._module = module
        # By process, for a child may be forked while a thread of the parent holds the lock.
        self._locks: dict[int, threading.Lock] = {}
        self._network: tuple[int, _Network] | None = None

    def definition(self) -> str:
        """Return the ruleset as durable-rules reads it."""
        parts = [rule_json("begin", 0, [f'{{"a":"{_SENTINEL}"}}'])]
        for index, (tests, _) in enumerate(self._nodes):
            parts.append(rule_json(str(index), 1, [condition_json(test) for test in tests]))
        parts.append(rule_json("sink", 2, [f'{{"a":"{_NEVER}"}}', '{"$ex":{"a":1}}']))
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
        for context in context_ids():
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
            batch = [_sentinel(context)]
            batch += [fact_json(fact, index, context) for index, fact in enumerate(wanted, start=1)]
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
        sentinel = f'{{"begin":{{"m0":{_sentinel(context)}}}}}'
        began = False
        limit = 4 * len(self._nodes) + 100
        started = self._ask(network, "start_action_for_state", state)
        message = started[1] if started else None
        failure: BaseException | None = None
        while message:
            limit -= 1
            if limit < 0:
                raise EngineError(f"ruleset {self.name} did not come to an end")
            # Nearly every other message is the sentinel's, and always the same.
            fired = [] if message == sentinel else self._read(message, known)
            began = began or not fired
            if on_firing is None and not self._chain:
                firings += fired
            elif failure is None:
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
            ((name, matched),) = from_json(message).items()
            if name == "begin":
                return []
            tests, rules = self._nodes[int(name)]
            facts = tuple([_fact_of(matched[place]) for place in _PLACES[: len(tests)]])
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise EngineError(f"ruleset {self.name}: the engine sent a message that is no firing") from error
        if not known.issuperset(facts) or not all(map(_meets, facts, tests)):
            raise EngineError(f"{rules[0].source} fired on facts that are not this patient's or do not meet it")
        return [Firing(rule, facts) for rule in rules]

    def _assert(self, network: _Network, context: str, fact: NetFact, fact_id: int) -> None:
        if fact.name not in self.reads:
            return
        code, _ = self._ask(network, "assert_fact", fact_json(fact, fact_id, context))
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


def _sentinel(context: str) -> str:
    return f'{{"id":"0","sid":"{context}","a":"{_SENTINEL}"}}'


def _meets(fact: NetFact, test: NetTest) -> bool:
    value, span = fact.value, test.span
    if fact.name != test.name:
        return False
    if span is None or isinstance(value, (bool, str)):
        return value is test.value if isinstance(test.value, bool) else value == test.value
    above = value > span.low or (value == span.low and not span.low_open)
    return above and (value < span.high or (value == span.high and not span.high_open))


def _fact_of(message: dict[str, Any]) -> NetFact:
    if len(message) != 4:  # id, context, name and one value
        raise ValueError("a fact with more or less than one value")
    kind = "s" if "s" in message else "b" if "b" in message else "n"
    return NetFact(message["a"], message[kind])
