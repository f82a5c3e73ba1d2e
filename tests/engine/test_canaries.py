"""Why the fences stand: what the pinned durable-rules does outside them. A failure after an upgrade: it has changed."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from tests.engine.building import how_it_ended, program


def test_the_engine_is_the_release_that_the_fences_were_measured_on() -> None:
    assert version("durable-rules") == "2.0.28"


KILLED = {"SIGSEGV", "SIGABRT", "SIGBUS"}


def test_deleting_a_context_in_which_nothing_fired_kills_the_process() -> None:
    assert how_it_ended(program("canaries", "delete_a_context_in_which_nothing_fired")) in KILLED


def test_a_condition_that_more_rules_share_than_a_byte_can_count_kills_the_process() -> None:
    # Whether the first one too many is fatal or the second depends on the C library's heap.
    ends = [how_it_ended(program("canaries", "share_a_condition", str(rules))) for rules in (256, 257)]
    assert KILLED & set(ends), ends


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("write_a_small_number_as_python_does", "first"),
        ("put_a_small_number_into_a_rule", "Could not create ruleset, error code: 204"),
        ("give_a_fact_that_no_rule_reads", "not handled: True"),
        ("meet_two_conditions_with_one_fact", "one"),
        ("give_two_contexts_one_hash", "both"),
        ("take_alternatives_in_one_rule", "7"),
        ("negate_inside_the_network", "blocked"),
    ],
)
def test_one_step_outside_the_corner_gives_a_wrong_answer(step: str, answer: str) -> None:
    process = program("canaries", step)
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines() == [answer, "still alive"]
