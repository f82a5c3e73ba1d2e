"""The tables of the engine: every answer is that of one condition judged alone, whoever else was judged in the same run."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import durable_rules_engine
import numpy as np
import pytest

from hcc_decide.classes.attributes import classes_of
from hcc_decide.engine import tables as module
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.fences import FenceError
from hcc_decide.engine.inference import ShadowError, Staged, stage
from hcc_decide.engine.lookup import Codes
from hcc_decide.engine.network import RuleSet
from hcc_decide.engine.program import Program
from hcc_decide.engine.tables import NO, OPEN, YES, Tables
from hcc_decide.knowledge.catalogue import Knowledge, read_by_staging
from hcc_decide.knowledge.condition import Condition, State, attributes_of, judge

ANSWERS = {True: YES, False: NO, None: OPEN}
ROWS = 40


@pytest.fixture(scope="module")
def engine(knowledge: Knowledge) -> Iterator[Engine]:
    made = Engine(knowledge)
    yield made
    made.close()


def drawn(knowledge: Knowledge, attributes: Sequence[str], seed: int) -> list[dict[str, State]]:
    """Draw what is known of some attributes, for some rows."""
    chance = random.Random(seed)
    states = {name: classes_of(knowledge, name) for name in attributes}
    return [{name: chance.choice(states[name]) for name in attributes} for _ in range(ROWS)]


def coded(tables: Tables, rows: Sequence[Mapping[str, State]]) -> dict[str, Codes]:
    """Return the class of each attribute, by row."""
    return {name: np.array([tables.classes.of(name, row[name]) for row in rows]) for name in rows[0]}


def asked_together(tables: Tables) -> list[int]:
    """Return the places of conditions that read exactly the same three attributes or more, and are not the same."""
    readers: dict[tuple[str, ...], list[int]] = {}
    for place, condition in enumerate(tables.conditions):
        readers.setdefault(attributes_of(condition), []).append(place)
    return max(
        (places for attributes, places in readers.items() if len(attributes) > 2),
        key=len,
    )


def answers(tables: Tables, place: int, rows: Sequence[Mapping[str, State]]) -> list[int]:
    found: list[int] = tables.answer(place, coded(tables, rows), len(rows)).tolist()
    return found


def test_every_condition_is_answered_as_it_reads(knowledge: Knowledge, engine: Engine) -> None:
    tables = engine.tables()
    for place, condition in enumerate(tables.conditions):
        rows = drawn(knowledge, attributes_of(condition), seed=place)
        assert answers(tables, place, rows) == [ANSWERS[judge(condition, row)] for row in rows], condition


def test_conditions_that_read_the_same_are_answered_by_one_run(
    knowledge: Knowledge, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = engine.tables()
    places = asked_together(tables)
    assert len(places) > 1
    rows = drawn(knowledge, attributes_of(tables.conditions[places[0]]), seed=1)
    runs: list[str] = []
    run = RuleSet.run

    def counted(self: RuleSet, *given: Any) -> Any:
        runs.append(self.name)
        return run(self, *given)

    monkeypatch.setattr(RuleSet, "run", counted)
    alike = [rows[0]] * 3
    for place in places:
        assert answers(tables, place, alike) == [ANSWERS[judge(tables.conditions[place], rows[0])]] * 3
    assert len(runs) == 1
    assert tables.judged == len(places)
    for place in places:
        assert answers(tables, place, rows) == [ANSWERS[judge(tables.conditions[place], row)] for row in rows]
    # Not once for each condition: what another has told is known.
    assert len(runs) < tables.judged


def test_conditions_that_the_fences_keep_apart_get_the_same_answers(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Program.conditions_ruleset

    def narrow(self: Program, conditions: Mapping[str, Condition]) -> RuleSet:
        if len(conditions) > 1:
            raise FenceError("too many rules")
        return real(self, conditions)

    monkeypatch.setattr(Program, "conditions_ruleset", narrow)
    engine = Engine(knowledge)
    tables = engine.tables()
    for place in asked_together(tables):
        condition = tables.conditions[place]
        rows = drawn(knowledge, attributes_of(condition), seed=2)
        assert answers(tables, place, rows) == [ANSWERS[judge(condition, row)] for row in rows]
    engine.close()


def test_a_condition_that_no_fence_allows_is_named(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: Program, conditions: Mapping[str, Condition]) -> RuleSet:
        raise FenceError(f"{next(iter(conditions))}: too many rules")

    monkeypatch.setattr(Program, "conditions_ruleset", never)
    tables = Engine(knowledge).tables()
    place = asked_together(tables)[1]
    rows = drawn(knowledge, attributes_of(tables.conditions[place]), seed=2)
    with pytest.raises(FenceError, match=r"^staging/|^options/|^notices/"):
        answers(tables, place, rows)


def test_an_answer_that_another_condition_brought_along_is_checked_too(
    knowledge: Knowledge, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = engine.tables()
    asked, other = asked_together(tables)[:2]
    rows = drawn(knowledge, attributes_of(tables.conditions[asked]), seed=3)

    def wrong(condition: Condition, states: Mapping[str, State]) -> bool | None:
        held = judge(condition, states)
        return (held is None) if condition == tables.conditions[other] else held

    monkeypatch.setattr(module, "judge", wrong)
    with pytest.raises(ShadowError, match="no decision is given"):
        answers(tables, asked, rows)


class _Deaf:
    """The engine, with every firing but the sentinel's lost."""

    def __getattr__(self, name: str) -> Any:
        return getattr(durable_rules_engine, name)

    def complete_and_start_action(self, handle: int, state: Any) -> str | None:
        while durable_rules_engine.complete_and_start_action(handle, state) is not None:
            pass
        return None


def test_an_engine_that_loses_firings_gives_no_answer(knowledge: Knowledge) -> None:
    tables = Engine(knowledge, module=_Deaf()).tables()
    place = asked_together(tables)[0]
    rows = drawn(knowledge, attributes_of(tables.conditions[place]), seed=4)
    with pytest.raises(ShadowError, match="no decision is given"):
        answers(tables, place, rows)


def test_a_record_is_staged_once_for_all_facts_that_it_is_new_for(
    knowledge: Knowledge, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = engine.tables()
    nothing = {name: classes_of(knowledge, name)[-1] for name in read_by_staging(knowledge)}
    staged: list[Mapping[str, State]] = []

    def counted(record: dict[str, State], *given: Any) -> Staged:
        staged.append(record)
        return stage(record, *given)

    monkeypatch.setattr(module, "stage", counted)
    derived, disagreements = tables.stage(coded(tables, [nothing] * 2), 2)
    assert len(staged) == 1
    assert set(derived) == {item.fact for item in knowledge.staging}
    (only,) = staged
    right = stage(dict(only), knowledge, Program(knowledge))
    for fact, codes in derived.items():
        assert [tables.classes.state(fact, int(code)) for code in codes] == [right.states[fact]] * 2
    assert not any(rows.any() for rows in disagreements.values())
