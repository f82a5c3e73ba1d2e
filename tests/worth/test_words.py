"""What missing facts are worth, in words: answers in a phrase, and the list for a terminal."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from hcc_decide.answers import Answer, answers
from hcc_decide.decision import FactWorth
from hcc_decide.documents import read
from hcc_decide.engine.engine import Engine
from hcc_decide.patient import parse_patient
from hcc_decide.worth.shape import Worths
from hcc_decide.worth.values import WHATEVER, joined
from hcc_decide.worth.weigh import weigh
from hcc_decide.worth.words import ALONE_NOTHING, NO_FIRST, could_change, worths_text
from tests.conftest import ROOT, shipped_knowledge

KNOWLEDGE = shipped_knowledge()
BY_CLASS = Engine(KNOWLEDGE).by_class()


def worths_of(record: dict[str, Any]) -> Worths:
    return weigh(parse_patient(record, KNOWLEDGE.option_ids), BY_CLASS)


def every(fact: str, members: set[str] | None = None) -> tuple[Answer, ...]:
    return answers(KNOWLEDGE, parse_patient({}, KNOWLEDGE.option_ids), fact, members)


def test_numbers_that_lie_side_by_side_are_one_span_and_others_stand_apart() -> None:
    found = every("ecog")
    assert [answer.value for answer in found] == [0, 1, 2, 3, 4]
    assert joined(KNOWLEDGE, "ecog", found[1:3], found) == "1 to 2"
    assert joined(KNOWLEDGE, "ecog", (found[0], *found[3:]), found) == "0 or at least 3"
    assert joined(KNOWLEDGE, "ecog", found, found) == WHATEVER


def test_values_of_a_category_and_of_yes_or_no_are_joined_by_or() -> None:
    found = every("region")
    assert joined(KNOWLEDGE, "region", found[:2], found) == f"{found[0].text} or {found[1].text}"
    yes = every("cirrhosis")[:1]
    assert joined(KNOWLEDGE, "cirrhosis", yes, every("cirrhosis")) == "yes"


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        ([["hcv"], ["hbv", "hcv"]], "with hepatitis C virus"),
        ([[], ["hbv"]], "without hepatitis C virus"),
        ([["hbv", "hcv"]], "with hepatitis B virus and hepatitis C virus"),
        ([["hcv"]], "with hepatitis C virus, without hepatitis B virus"),
        ([["hbv"], ["hcv"], ["hbv", "hcv"]], "with hepatitis B virus or hepatitis C virus"),
        ([[]], "without hepatitis B virus or hepatitis C virus"),
        (
            [[], ["hbv", "hcv"]],
            "with hepatitis B virus and hepatitis C virus; or without hepatitis B virus or hepatitis C virus",
        ),
    ],
)
def test_sets_are_written_by_what_they_have_and_lack(chosen: list[list[str]], text: str) -> None:
    found = every("etiology", {"hbv", "hcv"})
    taken = [answer for answer in found if sorted(answer.value) in chosen]
    assert joined(KNOWLEDGE, "etiology", taken, found) == text


def test_any_group_of_sets_gets_a_phrase_of_its_own() -> None:
    found = every("etiology", {"hbv", "hcv", "masld"})
    groups = [group for count in range(1, len(found)) for group in itertools.combinations(found, count)]
    texts = {joined(KNOWLEDGE, "etiology", group, found) for group in groups}
    assert len(texts) == len(groups)


def test_treatments_with_the_same_endings_are_written_together() -> None:
    found = every("prior_systemic")
    sorafenib = [answer for answer in found if answer.value and answer.value[0]["option"] == "sorafenib"]
    text = joined(KNOWLEDGE, "prior_systemic", (found[0], *sorafenib), found)
    assert text == "none; Sorafenib: progression or not tolerated"


@pytest.mark.parametrize(
    ("worth", "text"),
    [
        (FactWorth(first_choices=[], usable=0, options=0), ALONE_NOTHING),
        (FactWorth(first_choices=[], usable=0, options=1), "can change 1 verdict, none of a usable option"),
        (FactWorth(first_choices=[], usable=2, options=5), "can change 5 verdicts, 2 of usable options"),
        (FactWorth(first_choices=[["a", "b"]], usable=0, options=0), "can change the first choice (to a and b)"),
        (
            FactWorth(first_choices=[[], ["a"]], usable=1, options=1),
            f"can change the first choice (to {NO_FIRST}; or to a) and 1 verdict, 1 of a usable option",
        ),
        (
            FactWorth(first_choices=[["a"], ["b"], ["c"], ["d"]], usable=0, options=0),
            "can change the first choice (to 4 others)",
        ),
    ],
)
def test_what_a_fact_could_change_is_said_in_a_phrase(worth: FactWorth, text: str) -> None:
    assert could_change(worth) == text


@pytest.mark.parametrize("name", ["half-known", "child-pugh-b", "after-sorafenib-afp-812", None])
def test_the_list_fits_80_columns_and_has_every_fact_row_and_named_option(name: str | None) -> None:
    worths = worths_of({} if name is None else read(ROOT / "examples" / f"{name}.yaml").data)
    lines = worths_text(worths, KNOWLEDGE)
    assert max(len(line.text) for line in lines) <= 80
    text = " ".join(" ".join(line.text.split()) for line in lines)
    places = [text.index(f"{item.question} ({item.fact})") for item in worths.facts]
    assert places == sorted(places)
    for item in worths.facts:
        for outcome in item.outcomes:
            assert f"- {outcome.text}:" in text
            for move in outcome.verdicts:
                assert not move.usable or KNOWLEDGE.options[move.option].body.name in text
    assert ("No fact is missing" in text) == (not worths.facts)
