"""Conditions in words: every rule of the shipped rule base, and examples by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Condition, Literal, OneOf, Span, fact_of, member_of
from hcc_decide.knowledge.dependence import statements
from hcc_decide.knowledge.labels import fact_label, spoken
from hcc_decide.knowledge.phrasing import (
    alternatives,
    condition_text,
    either,
    fact_text,
    test_text,
)
from hcc_decide.knowledge.schema import Conditional

words_of_test = test_text  # pytest would take the name of the function for a test
del test_text


def condition(knowledge: Knowledge, *when: dict[str, Any]) -> Condition:
    body = Conditional(when=when[0]) if len(when) == 1 else Conditional(when_any=list(when))
    found = knowledge.words.condition(body)
    assert found is not None
    return found


def written(knowledge: Knowledge, *when: dict[str, Any]) -> str:
    return condition_text(knowledge, condition(knowledge, *when))


def every(knowledge: Knowledge) -> Iterator[tuple[str, Condition]]:
    for statement in statements(knowledge):
        if statement.condition is not None:
            yield statement.id, statement.condition


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ([{"afp_ng_ml": {"at_least": 400}}], "Alpha-fetoprotein (AFP): at least 400 ng/mL"),
        ([{"child_pugh_class": {"any_of": ["A", "B"]}}], "Child–Pugh class: A or B"),
        (
            [{"ecog": {"at_most": 1}, "child_pugh_class": {"any_of": ["A", "B"]}}],
            "Child–Pugh class: A or B, and ECOG performance status: at most 1",
        ),
        (
            [{"varices": "untreated"}, {"bleeding_within_6_months": True}],
            "Gastrointestinal bleeding within 6 months: yes, or oesophageal or gastric varices: present and not treated",
        ),
        (
            [{"child_pugh_class": "C"}, {"tumour": "hcc", "bclc_stage": "D"}],
            "Child–Pugh class: C; or tumour: hepatocellular carcinoma, and BCLC stage: D",
        ),
        ([{"ecog": {"at_most": 0}}], "ECOG performance status: 0"),
        ([{"ecog": {"at_least": 1, "at_most": 2}}], "ECOG performance status: 1 to 2"),
        ([{"systemic_lines": {"at_least": 1, "at_most": 1}}], "Lines of systemic therapy so far: 1"),
        ([{"albi_score": {"above": -2.6, "at_most": -1.39}}], "ALBI score: above −2.6 and at most −1.39"),
        ([{"weight_kg": {"below": 60}}], "Body weight: below 60 kg"),
        ([{"afp_ng_ml": {"at_least": 10_000_000}}], "Alpha-fetoprotein (AFP): at least 10000000 ng/mL"),
        ([{"nlr": {"above": 0}}], "Neutrophil-to-lymphocyte ratio: above 0 (any known value)"),
        ([{"region": {"none_of": ["china"]}}], "Region: not China"),
        (
            [{"primary_site": {"none_of": ["colorectal", "breast"]}}],
            "Primary tumour site: neither colorectal nor breast",
        ),
        (
            [{"varices": {"any_of": ["none", "treated"]}}],
            "Oesophageal or gastric varices: none, or present and treated",
        ),
        ([{"extrahepatic_spread": False}], "Extrahepatic spread: no"),
        ([{"etiology": {"any_of": ["hcv"]}}], "Cause of the liver disease: hepatitis C virus"),
        (
            [{"etiology": {"any_of": ["hcv", "alcohol"], "none_of": ["hbv"]}}],
            "Cause of the liver disease: hepatitis C virus or alcohol, but not hepatitis B virus",
        ),
        (
            [{"etiology": {"none_of": ["hcv", "hbv"]}}],
            "Cause of the liver disease: neither hepatitis B virus nor hepatitis C virus",
        ),
        (
            [{"etiology": {"all_of": ["hcv", "hbv"]}}],
            "Cause of the liver disease: hepatitis B virus and hepatitis C virus",
        ),
    ],
)
def test_a_condition_reads_as_label_and_test(knowledge: Knowledge, when: list[dict[str, Any]], words: str) -> None:
    assert written(knowledge, *when) == words


def test_options_and_classes_stand_within_the_label_and_several_are_put_together_again(knowledge: Knowledge) -> None:
    one, two = "sorafenib", "lenvatinib+pembrolizumab"
    assert written(knowledge, {"prior_option": {"any_of": [one]}}) == "Prior sorafenib: yes"
    assert written(knowledge, {"prior_option": {"none_of": [one, two]}}) == (
        "Prior lenvatinib + pembrolizumab or sorafenib: no"
    )
    assert written(knowledge, {"failed_option": {"any_of": [two, one]}}) == (
        "Lenvatinib + pembrolizumab or sorafenib already failed: yes"
    )
    assert written(knowledge, {"last_daily_dose_mg": {"of": one, "at_least": 400}}) == (
        "Last daily dose of sorafenib: at least 400 mg"
    )
    assert written(
        knowledge, {"prior_class": {"any_of": ["pd_1_inhibitor", "pd_l1_inhibitor"], "none_of": ["tki"]}}
    ) == ("Prior PD-1 inhibitor or PD-L1 inhibitor: yes, and prior tyrosine kinase inhibitor: no")


def test_a_class_keeps_its_name_where_an_option_has_the_same_id(knowledge: Knowledge) -> None:
    (shared,) = [name for name in knowledge.vocabulary.classes if name in knowledge.options]
    label = knowledge.vocabulary.classes[shared]
    assert written(knowledge, {"prior_class": {"any_of": [shared]}}) == f"Prior {label}: yes"
    assert label != knowledge.options[shared].body.name


def test_abbreviations_keep_their_capitals_within_a_sentence(knowledge: Knowledge) -> None:
    failed = knowledge.vocabulary.facts["failed_option"]
    assert spoken(knowledge, failed, "tace+lenvatinib") == "TACE + lenvatinib"
    assert spoken(knowledge, failed, "lenvatinib") == "lenvatinib"


def test_groups_of_two_sets_stay_apart(knowledge: Knowledge) -> None:
    when = {"etiology": {"any_of": ["hbv", "hcv"]}, "prior_locoregional": {"any_of": ["tace", "tare"]}}
    assert len(condition(knowledge, when)) == 4
    assert alternatives(knowledge, condition(knowledge, when)) == (
        "Cause of the liver disease: hepatitis B virus or hepatitis C virus, and prior surgery or locoregional therapy: "
        "transarterial chemoembolisation or transarterial radioembolisation",
    )


def test_alternatives_that_differ_in_more_than_one_member_are_not_put_together(knowledge: Knowledge) -> None:
    found = condition(
        knowledge,
        {"etiology": {"any_of": ["hbv"]}, "ecog": {"at_most": 0}},
        {"etiology": {"any_of": ["hcv"]}, "ecog": {"at_least": 2}},
    )
    assert len(alternatives(knowledge, found)) == 2


def test_every_rule_names_each_fact_by_its_label(knowledge: Knowledge) -> None:
    for name, found in every(knowledge):
        text = condition_text(knowledge, found).lower()
        for attribute in {literal.attribute for conjunction in found for literal in conjunction}:
            label = knowledge.vocabulary.facts[fact_of(attribute)].label
            for piece in label.split("{member}"):
                assert piece.strip().lower() in text, (name, text)
            member = member_of(attribute)
            if member is not None:
                assert member not in fact_label(knowledge, attribute) or "_" not in member
                fact = knowledge.vocabulary.facts[fact_of(attribute)]
                shown = str((fact.values or {}).get(member) or spoken(knowledge, fact, member))
                assert shown.lower() in text, (name, text)


def test_every_rule_shows_each_constant_with_its_unit(knowledge: Knowledge) -> None:
    for name, found in every(knowledge):
        text = condition_text(knowledge, found)
        for literal in {literal for conjunction in found for literal in conjunction}:
            fact = knowledge.vocabulary.facts[fact_of(literal.attribute)]
            if not isinstance(literal.test, Span):
                continue
            for bound in (literal.test.low, literal.test.high):
                if math.isfinite(bound):
                    figure = f"{bound:g}".replace("-", "−")
                    assert re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d.]\d)", text), (name, text)
            if fact.unit:
                assert fact.unit in text, (name, text)


def test_every_rule_reads_as_a_sentence_part(knowledge: Knowledge) -> None:
    for name, found in every(knowledge):
        text = condition_text(knowledge, found)
        assert text[0].isupper() or text[0].isdigit(), (name, text)
        assert not re.search(r"[{}\[\]_]|  |: ,|: ;|: $|,,", text), (name, text)
        assert not re.search(r"\b(or|and|nor|not) (or|and|nor)\b", text), (name, text)
        for part in re.split(r", and |; or ", text):
            assert ": " in part, (name, part)
        assert len(alternatives(knowledge, found)) <= len(found)


def test_two_different_conditions_never_read_alike(knowledge: Knowledge) -> None:
    said: dict[str, Condition] = {}
    for _, found in every(knowledge):
        text = condition_text(knowledge, found)
        assert said.setdefault(text, found) == found, text


def test_facts_with_a_place_for_an_option_have_a_name_of_their_own(knowledge: Knowledge) -> None:
    assert fact_text(knowledge, "prior_option") == "Prior (any option)"
    assert fact_text(knowledge, "prior_class") == "Prior (any drug class)"
    assert fact_text(knowledge, "prior_systemic") == knowledge.vocabulary.prior_systemic.label
    for name in knowledge.vocabulary.facts:
        assert "{" not in fact_text(knowledge, name)


def test_words_are_joined_as_people_do() -> None:
    assert either(["A"]) == "A"
    assert either(["A", "B"]) == "A or B"
    assert either(["A", "B", "C"], "nor") == "A, B nor C"
    assert either(["A", "B, later"]) == "A, or B, later"


def test_tests_that_no_rule_makes_have_words_too(knowledge: Knowledge) -> None:
    assert words_of_test(knowledge, "cirrhosis", OneOf(frozenset([True, False]))) == "yes or no"
    assert words_of_test(knowledge, "age_years", Span()) == "(any known value)"
    literal = Literal("ecog", Span(low=4))
    assert words_of_test(knowledge, literal.attribute, literal.test) == "4"
