"""Threads, processes, interruptions, long use and the order of things change nothing in an answer."""

from __future__ import annotations

import gc
import json
import random
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import durable_rules_engine
import psutil
import pytest

from hcc_decide.decide import decide
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.fences import CONTEXTS
from hcc_decide.engine.network import EngineError, Firing, RuleSet
from hcc_decide.engine.rules import NetFact, NetRule
from hcc_decide.patient import Patient, parse_patient
from tests.engine.building import fired, how_it_ended, patients, program, rule, within, yes

MEGABYTE = 2**20


@contextmanager
def frequent_switches() -> Iterator[None]:
    """Let threads take turns a thousand times more often than usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 1000)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


# Threads


def test_eight_threads_on_one_engine_decide_as_one_thread_does(
    engine: Engine, cohort: list[Patient], decided: list[str]
) -> None:
    shared = Engine(engine.knowledge)

    def all_in_some_order(seed: int) -> list[str]:
        order = random.Random(seed).sample(range(len(cohort)), k=len(cohort))
        answers = {number: decide(cohort[number], shared).model_dump_json() for number in order}
        return [answers[number] for number in range(len(cohort))]

    with frequent_switches(), ThreadPoolExecutor(8) as pool:
        for answers in pool.map(all_in_some_order, range(8)):
            assert answers == decided
    shared.close()


def test_forty_threads_on_one_ruleset_wait_for_one_of_the_sixteen_contexts() -> None:
    ruleset = RuleSet("busy", [rule(f"{number}", yes(f"fact {number}"), yes("common")) for number in range(40)])
    together = threading.Barrier(40)

    def run(number: int) -> bool:
        together.wait()
        facts = [NetFact("common", True), NetFact(f"fact {number}", True)]
        return all(fired(ruleset, facts) == [f"{number}"] for _ in range(50))

    with frequent_switches(), ThreadPoolExecutor(40) as pool:
        assert all(pool.map(run, range(40)))


def test_runs_that_are_under_way_finish_rightly_while_another_one_fails() -> None:
    # The network that the failed run leaves behind must stay alive for those who still use it.
    ruleset = RuleSet("shared", [rule("x", within("x", low=0.0)), rule("a", yes("a"))])
    inside, go_on = threading.Barrier(2), threading.Event()

    def hold(firing: Firing) -> None:
        inside.wait(10)
        go_on.wait(10)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ruleset.run, [NetFact("a", True)], hold)
        inside.wait(10)
        with pytest.raises(EngineError):
            ruleset.run([NetFact("x", float(number)) for number in range(300)])
        assert fired(ruleset, [NetFact("a", True), NetFact("x", 1.0)]) == ["a", "x"]
        go_on.set()
        assert [firing.rule.source for firing in waiting.result(10)] == ["a"]
    assert fired(ruleset, [NetFact("a", True)]) == ["a"]


def test_a_run_that_waits_for_a_context_is_not_forgotten_when_all_contexts_are_spoilt() -> None:
    ruleset = RuleSet("spoilt", [rule("x", within("x", low=0.0)), rule("a", yes("a"))])
    inside, go_on = threading.Barrier(CONTEXTS + 1), threading.Event()

    runaway = [NetFact("x", float(number)) for number in range(300)]
    with ThreadPoolExecutor(CONTEXTS + 4) as pool:
        once = [_OncePerRun(inside, go_on) for _ in range(CONTEXTS)]
        failing = [pool.submit(ruleset.run, runaway, each) for each in once]
        inside.wait(10)
        waiting = [pool.submit(fired, ruleset, [NetFact("a", True)]) for _ in range(4)]
        go_on.set()
        for future in failing:
            with pytest.raises(EngineError):
                future.result(10)
        assert [future.result(10) for future in waiting] == [["a"]] * 4


class _OncePerRun:
    """Waits at the first firing until the others have come as far."""

    def __init__(self, inside: threading.Barrier, go_on: threading.Event) -> None:
        self.inside, self.go_on, self.waited = inside, go_on, False

    def __call__(self, firing: Firing) -> None:
        if not self.waited:
            self.waited = True
            self.inside.wait(10)
            self.go_on.wait(10)


def test_a_ruleset_is_closed_only_after_the_runs_that_are_under_way_and_may_be_used_again() -> None:
    ruleset = RuleSet("closing", [rule("a", yes("a")), rule("b", yes("b"), yes("a"))])
    facts = [NetFact("a", True), NetFact("b", True)]
    stop = threading.Event()

    def run() -> int:
        runs = 0
        while not stop.is_set():
            assert fired(ruleset, facts) == ["a", "b"]
            runs += 1
        return runs

    with frequent_switches(), ThreadPoolExecutor(4) as pool:
        running = [pool.submit(run) for _ in range(4)]
        for _ in range(30):
            ruleset.close()
        stop.set()
        assert sum(future.result(10) for future in running) > 0
    ruleset.close()
    ruleset.close()
    assert fired(ruleset, facts) == ["a", "b"]


# Processes


def test_a_forked_child_and_its_own_child_decide_rightly_after_the_parent_has_decided() -> None:
    assert how_it_ended(program("programs", "forked")) == "right"


def test_a_child_forked_while_a_thread_of_the_parent_builds_a_network_does_not_hang() -> None:
    assert how_it_ended(program("programs", "forked_while_a_network_is_built", seconds=30)) == "right"


@pytest.mark.parametrize("way", ["fork_pool", "spawn_pool"])
def test_the_children_of_a_pool_decide_as_the_parent_does(way: str) -> None:
    assert how_it_ended(program("programs", way)) == "right"


def test_decisions_do_not_depend_on_what_was_in_memory_before() -> None:
    assert how_it_ended(program("programs", "decisions")) == "right"


# Interruptions

CHAIN = [
    NetRule("one", (yes("a"),), NetFact("b", True)),
    NetRule("two", (yes("b"),), NetFact("c", True)),
    NetRule("three", (yes("c"), yes("a")), NetFact("d", True)),
]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
@pytest.mark.parametrize("at", ["one", "two", "three"])
def test_what_is_raised_at_a_firing_comes_out_and_the_next_runs_are_right(error: type[BaseException], at: str) -> None:
    ruleset = RuleSet("chain", CHAIN, chain=True)

    def fail(firing: Firing) -> None:
        if firing.rule.source == at:
            raise error("at the bedside")

    for _ in range(CONTEXTS + 1):
        with pytest.raises(error, match="at the bedside"):
            ruleset.run([NetFact("a", True)], fail)
    for _ in range(CONTEXTS + 1):
        assert fired(ruleset, []) == []
        assert fired(ruleset, [NetFact("c", True)]) == []
        assert fired(ruleset, [NetFact("b", True)]) == ["two"]
        assert fired(ruleset, [NetFact("a", True)]) == ["one", "three", "two"]


@pytest.mark.parametrize(
    "function", ["assert_facts", "start_action_for_state", "assert_fact", "complete_and_start_action", "delete_state"]
)
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, durable_rules_engine.error])
def test_what_is_raised_inside_the_engine_gives_no_answer_and_the_next_runs_are_right(
    function: str, error: type[BaseException]
) -> None:
    module = _Failing(function, error)
    ruleset = RuleSet("chain", CHAIN, chain=True, module=module)
    for _ in range(2):
        module.armed = True
        with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else EngineError):
            ruleset.run([NetFact("a", True)])
        module.armed = False
        for _ in range(CONTEXTS + 1):
            assert fired(ruleset, [NetFact("b", True)]) == ["two"]
            assert fired(ruleset, [NetFact("a", True)]) == ["one", "three", "two"]


def test_a_network_that_cannot_be_built_is_an_error_of_the_engine_and_is_tried_again() -> None:
    module = _Failing("create_ruleset", durable_rules_engine.error)
    ruleset = RuleSet("unbuilt", CHAIN, chain=True, module=module)
    module.armed = True
    with pytest.raises(EngineError, match="unbuilt"):
        ruleset.run([NetFact("a", True)])
    module.armed = False
    assert fired(ruleset, [NetFact("a", True)]) == ["one", "three", "two"]


class _Failing:
    """The engine, of which one function fails while armed."""

    def __init__(self, function: str, error: type[BaseException]) -> None:
        self.armed, self._function, self._error = False, function, error

    def __getattr__(self, name: str) -> Any:
        function: Callable[..., Any] = getattr(durable_rules_engine, name)
        if name != self._function:
            return function

        def call(*arguments: Any) -> Any:
            if self.armed:
                raise self._error("in the engine")
            return function(*arguments)

        return call


# Long use


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def test_twenty_thousand_runs_of_a_ruleset_take_no_more_than_two_megabytes() -> None:
    ruleset = RuleSet(
        "long", [*CHAIN, *(rule(f"x{number}", within("x", low=float(number))) for number in range(8))], chain=True
    )

    def run(times: int) -> None:
        for number in range(times):
            ruleset.run([NetFact("a", True), NetFact("x", float(number % 10) + number / 1e6)])

    run(2000)
    before = _resident()
    run(20_000)
    assert _resident() - before < 2 * MEGABYTE


def test_four_hundred_decisions_take_no_more_than_four_megabytes(engine: Engine) -> None:
    names = engine.knowledge.option_ids
    records = patients(100, engine.knowledge.options, seed=11)

    def run(times: int) -> None:
        for record in records * times:
            decide(parse_patient(record, names), engine)

    run(1)
    before = _resident()
    run(4)
    assert _resident() - before < 4 * MEGABYTE


def test_closing_frees_the_networks() -> None:
    def use() -> None:
        ruleset = RuleSet("freed", [rule(f"{number}", yes(f"fact {number}")) for number in range(200)])
        assert fired(ruleset, [NetFact("fact 7", True)]) == ["7"]
        ruleset.close()

    for _ in range(20):
        use()
    before = _resident()
    for _ in range(100):
        use()
    assert _resident() - before < 5 * MEGABYTE


# Order


def test_the_order_of_the_fields_of_a_record_changes_nothing(engine: Engine) -> None:
    names = engine.knowledge.option_ids
    for number, record in enumerate(patients(15, engine.knowledge.options, seed=3)):
        shuffled = list(record.items())
        random.Random(number).shuffle(shuffled)
        one, other = (decide(parse_patient(item, names), engine) for item in (record, dict(shuffled)))
        assert one.model_dump_json() == other.model_dump_json()


def test_the_order_of_the_facts_in_a_batch_changes_nothing(
    engine: Engine, cohort: list[Patient], decided: list[str]
) -> None:
    for seed in range(2):
        shuffled = Engine(engine.knowledge, module=_Shuffling(seed))
        for patient, right in zip(cohort[:12], decided, strict=False):
            assert decide(patient, shuffled).model_dump_json() == right
        shuffled.close()


class _Shuffling:
    """The engine, with the facts of every batch in another order, the sentinel's included."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(durable_rules_engine, name)

    def assert_facts(self, handle: int, facts: str) -> Any:
        # The texts of the facts stay as they are: how numbers are written matters.
        parts = facts[1:-1].replace("},{", "}\n{").split("\n")
        self._random.shuffle(parts)
        assert json.loads(f"[{','.join(parts)}]")
        return durable_rules_engine.assert_facts(handle, f"[{','.join(parts)}]")
