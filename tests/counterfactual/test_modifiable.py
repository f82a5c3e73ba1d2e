"""What can be done about a fact stands in the vocabulary, and what makes no sense there is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema import Fact

GRADES = {"none": "none", "mild": "mild", "severe": "severe", "some": {"label": "some", "means": ["mild", "severe"]}}
CATEGORY: dict[str, Any] = {
    "label": "Grade",
    "kind": "category",
    "source": "record",
    "group": "liver",
    "values": GRADES,
}
YES_NO: dict[str, Any] = {"label": "Done", "kind": "boolean", "source": "record", "group": "safety"}
NUMBER: dict[str, Any] = {"label": "Count", "kind": "number", "source": "record", "group": "liver"}


def fact(body: dict[str, Any], **modifiable: Any) -> Fact:
    return Fact.model_validate({**body, "modifiable": {"how": "by rest", **modifiable}})


def test_what_becomes_of_a_value_can_be_looked_up() -> None:
    grade = fact(CATEGORY, to={"severe": ["mild", "none"]}).modifiable
    done = fact(YES_NO, to={"false": [True]}).modifiable
    count = fact(NUMBER, direction="lower").modifiable
    assert grade is not None
    assert done is not None
    assert count is not None
    assert grade.becomes("severe") == ["mild", "none"]
    assert grade.becomes("none") == []
    assert done.becomes(False) == [True]
    assert done.becomes(True) == []
    assert count.becomes(3) == []


@pytest.mark.parametrize(
    ("body", "modifiable", "message"),
    [
        (CATEGORY, {"to": {"severe": ["gone"]}}, "no exact value"),
        (CATEGORY, {"to": {"gone": ["none"]}}, "no exact value"),
        (CATEGORY, {"to": {"some": ["none"]}}, "no exact value"),
        (CATEGORY, {"to": {"mild": ["mild"]}}, "into itself"),
        (CATEGORY, {"direction": "lower"}, "has a `to`"),
        (CATEGORY, {}, "has a `to`"),
        (YES_NO, {"to": {"false": [1]}}, "no exact value"),
        (YES_NO, {"to": {"maybe": [True]}}, "no exact value"),
        (NUMBER, {"to": {"1": [2]}}, "has a `direction`"),
        (NUMBER, {}, "has a `direction`"),
        (NUMBER, {"direction": "sideways"}, "'lower' or 'higher'"),
        ({**NUMBER, "source": "computed"}, {"direction": "lower"}, "that a record can hold"),
        ({**CATEGORY, "kind": "set"}, {"to": {"mild": ["none"]}}, "boolean or category"),
    ],
)
def test_a_mark_that_does_not_fit_its_fact_is_refused(
    body: dict[str, Any], modifiable: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        fact(body, **modifiable)


def test_marks_of_the_shipped_vocabulary_are_of_what_can_be_done_something_about(knowledge: Knowledge) -> None:
    marked = {name: item.modifiable for name, item in knowledge.vocabulary.facts.items() if item.modifiable}
    assert {"varices", "ascites", "child_pugh_class", "bilirubin_umol_l"} <= marked.keys()
    assert not {"ecog", "bclc_stage", "etiology", "afp_ng_ml"} & marked.keys()
    # It follows the arrow in the text, so it begins in the middle of a sentence.
    assert all(mark.how[0].islower() for mark in marked.values())
