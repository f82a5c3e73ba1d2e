"""Programs that the tests run in a process of their own: ``python -m tests.engine.programs NAME``. Each ends with ``right``."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from multiprocessing.context import BaseContext
from random import Random

from hcc_decide.decide import decide
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.fences import MAX_NAMES, MAX_RULES, MAX_SHARING, MAX_TESTS_PER_NAME, MAX_TESTS_PER_RULE
from hcc_decide.engine.network import RuleSet
from hcc_decide.engine.rules import NetFact, NetRule
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.patient import parse_patient
from tests.engine.building import ROOT, fired, is_, patients, rule, within, yes

Case = tuple[list[NetRule], list[NetFact], set[str]]


def conditions() -> Case:
    """As many conditions as a rule may have, all but one of them shared by as many rules as may share one."""
    shared = [yes(f"shared {number}") for number in range(MAX_TESTS_PER_RULE - 1)]
    rules = [rule(f"r{number}", *shared, yes(f"own {number}")) for number in range(MAX_SHARING)]
    facts = [NetFact(test.name, True) for test in shared]
    facts += [NetFact(f"own {number}", number % 3 == 0) for number in range(MAX_SHARING)]
    return rules, facts, {f"r{number}" for number in range(0, MAX_SHARING, 3)}


def sharing() -> Case:
    """As many rules as may share one first condition, all of them holding, and a hundred that are alike."""
    rules = [rule(f"r{number}", is_("stage", "C"), yes(f"own {number}")) for number in range(MAX_SHARING - 1)]
    rules += [rule(f"alike {number}", is_("stage", "C")) for number in range(100)]
    facts = [NetFact(f"own {number}", True) for number in range(MAX_SHARING)]
    return rules, [*facts, NetFact("stage", "C")], {item.source for item in rules}


def names() -> Case:
    """As many attributes as there may be, all of them known."""
    rules = [rule(f"r{number}", yes(f"fact {number}")) for number in range(MAX_NAMES)]
    facts = [NetFact(f"fact {number}", number % 2 == 0) for number in range(MAX_NAMES)]
    return rules, facts, {f"r{number}" for number in range(0, MAX_NAMES, 2)}


def spans() -> Case:
    """As many tests on one number as there may be, all true, in as many rules as there may be."""
    each = MAX_RULES // MAX_TESTS_PER_NAME
    rules = [
        rule(f"r{number}-{copy}", within("afp", low=float(number)), yes(f"copy {copy}"))
        for number in range(MAX_TESTS_PER_NAME)
        for copy in range(each)
    ]
    facts = [NetFact(f"copy {copy}", copy != 7) for copy in range(each)]
    return rules, [NetFact("afp", 1e9), *facts], {item.source for item in rules if not item.source.endswith("-7")}


def pairs() -> Case:
    """Two numbers, all their tests true, each with each."""
    limits = range(MAX_TESTS_PER_NAME)
    rules = [rule(f"r{x}-{y}", within("x", low=float(x)), within("y", high=float(y))) for x in limits for y in limits]
    return rules, [NetFact("x", 1e9), NetFact("y", -1e9)], {item.source for item in rules}


def rules() -> Case:
    """As many rules as there may be, over as many attributes, of which most hold."""
    draw, uses = Random(1), Counter[tuple[str, str]]()
    known = {f"fact {number}": f"v{draw.randrange(8)}" for number in range(MAX_NAMES)}
    made: list[NetRule] = []
    for number in range(MAX_RULES):
        tests: dict[str, str] = {}
        while len(tests) < 3:
            name = draw.choice(sorted(known))
            value = known[name] if draw.random() < 0.8 else f"v{draw.randrange(8)}"
            if uses[name, value] < MAX_SHARING:
                uses[name, value] += name not in tests
                tests.setdefault(name, value)
        made.append(rule(f"r{number}", *(is_(name, value) for name, value in tests.items())))
    holding = {item.source for item in made if all(known[test.name] == test.value for test in item.tests)}
    return made, [NetFact(*item) for item in known.items()], holding


LIMITS: dict[str, Callable[[], Case]] = {
    "conditions": conditions,
    "sharing": sharing,
    "names": names,
    "spans": spans,
    "pairs": pairs,
    "rules": rules,
}


def limit(name: str) -> None:
    """Run a ruleset that stands at the limit of its fences, twice, and once more with nothing known."""
    made, facts, holding = LIMITS[name]()
    ruleset = RuleSet(name, made)
    for _ in range(2):
        assert fired(ruleset, facts) == sorted(holding)
    assert fired(ruleset, []) == []


def nothing_fires() -> None:
    """Delete many contexts in which no rule fired: with no fact, with half of what is needed, with other values."""
    ruleset = RuleSet("nothing", [rule("both", yes("a"), yes("b")), rule("stage", is_("stage", "C"))])
    for _ in range(100):
        for facts in ([], [NetFact("a", True)], [NetFact("b", True), NetFact("stage", "A")], [NetFact("unread", True)]):
            assert fired(ruleset, facts) == []
    assert fired(ruleset, [NetFact("a", True), NetFact("b", True)]) == ["both"]


def _engine() -> Engine:
    return Engine(load_knowledge(ROOT / "rules"))


_RECORDS = 8


def _decide_all(engine: Engine) -> list[str]:
    names = engine.knowledge.option_ids
    return [
        decide(parse_patient(record, names), engine).model_dump_json()
        for record in patients(_RECORDS, engine.knowledge.options)
    ]


def decisions() -> None:
    """Decide in memory that was in use before."""
    engine = _engine()
    assert _decide_all(engine) == _decide_all(engine)


def forked() -> None:
    """Fork after the parent has decided; parent and child decide alike afterwards, and so does a child of the child."""
    engine = _engine()
    right = _decide_all(engine)

    def child(depth: int) -> bool:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            with os.fdopen(writing, "w") as pipe:
                json.dump(_decide_all(engine) == right and (depth == 0 or child(depth - 1)), pipe)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            answer = pipe.read()
        os.waitpid(pid, 0)
        return answer == "true"

    assert child(1)
    assert _decide_all(engine) == right
    assert child(0)


def forked_while_a_network_is_built() -> None:
    """Fork while a thread of the parent builds a network; the child does not wait for that thread."""
    building, go_on = threading.Event(), threading.Event()

    class Slow:
        def __getattr__(self, name: str) -> object:
            import durable_rules_engine

            return getattr(durable_rules_engine, name)

        def create_ruleset(self, name: str, definition: str) -> object:
            import durable_rules_engine

            if os.getpid() == parent:
                building.set()
                go_on.wait()
            return durable_rules_engine.create_ruleset(name, definition)

    parent = os.getpid()
    ruleset = RuleSet("slow", [rule("a", yes("a"))], module=Slow())
    thread = threading.Thread(target=ruleset.run, args=([NetFact("a", True)],))
    thread.start()
    building.wait()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if fired(ruleset, [NetFact("a", True)]) == ["a"] else 1)
    _, status = os.waitpid(pid, 0)
    go_on.set()
    thread.join()
    assert status == 0
    assert fired(ruleset, [NetFact("a", True)]) == ["a"]


_shared: Engine | None = None


def _in_child(number: int) -> list[str]:
    return [str(number), *_decide_all(_shared if _shared is not None else _engine())]


def _pool(context: BaseContext) -> None:
    global _shared  # noqa: PLW0603 - what a forked child inherits
    _shared = _engine()
    right = _decide_all(_shared)
    with context.Pool(2) as pool:
        for number, answer in enumerate(pool.map(_in_child, range(2))):
            assert answer == [str(number), *right]
    assert _decide_all(_shared) == right


def fork_pool() -> None:
    """Decide in the children of a pool that inherit the engine."""
    _pool(multiprocessing.get_context("fork"))


def spawn_pool() -> None:
    """Decide in the children of a pool that start afresh."""
    _pool(multiprocessing.get_context("spawn"))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
    print("right")
