"""What a rule's `when` may say, and what it then means."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest

from hcc_decide.documents import parse
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import (
    Condition,
    ConditionError,
    Inapplicable,
    Literal,
    OneOf,
    Span,
    State,
    holds,
    judge,
    negate,
)
from hcc_decide.knowledge.schema import Conditional
from hcc_decide.knowledge.wording import Words


@pytest.fixture(scope="module")
def words(knowledge: Knowledge) -> Words:
    return Words.of(knowledge.vocabulary, ["sorafenib", "lenvatinib", "tace"])


def compiled(words: Words, when: str) -> Condition | None:
    """Compile a condition as written in a file; several alternatives come as a list."""
    found = parse(when.encode()).data
    return words.condition(Conditional(when_any=found) if isinstance(found, list) else Conditional(when=found))


def one_of(attribute: str, *values: Any) -> Literal:
    return Literal(attribute, OneOf(frozenset(values)))


def span(attribute: str, low: float = -math.inf, high: float = math.inf, *, without: str = "") -> Literal:
    return Literal(attribute, Span(low, "low" in without, high, "high" in without))


@pytest.mark.parametrize(
    ("when", "meaning"),
    [
        # yes or no
        ("{cirrhosis: true}", [[one_of("cirrhosis", True)]]),
        ("{cirrhosis: false}", [[one_of("cirrhosis", False)]]),
        ("{cirrhosis: {any_of: [true]}}", [[one_of("cirrhosis", True)]]),
        ("{cirrhosis: {none_of: [true]}}", [[one_of("cirrhosis", False)]]),
        # categories
        ("{child_pugh_class: A}", [[one_of("child_pugh_class", "A")]]),
        ("{child_pugh_class: {any_of: [A, B]}}", [[one_of("child_pugh_class", "A", "B")]]),
        ("{child_pugh_class: {none_of: [C]}}", [[one_of("child_pugh_class", "A", "B")]]),
        ("{child_pugh_class: {any_of: [A, B], none_of: [B]}}", [[one_of("child_pugh_class", "A")]]),
        ('{bclc_stage: {any_of: ["0", A]}}', [[one_of("bclc_stage", "0", "A")]]),
        ("{albi_grade: 1}", [[one_of("albi_grade", 1)]]),
        ("{portal_vein_invasion: {none_of: [main]}}", [[one_of("portal_vein_invasion", "none", "branch")]]),
        # numbers
        ("{ecog: {at_most: 1}}", [[span("ecog", high=1)]]),
        ("{ecog: {below: 2}}", [[span("ecog", high=2, without="high")]]),
        ("{afp_ng_ml: {at_least: 400}}", [[span("afp_ng_ml", low=400)]]),
        ("{afp_ng_ml: {above: 400.5}}", [[span("afp_ng_ml", low=400.5, without="low")]]),
        ("{weight_kg: {at_least: 40, below: 60}}", [[span("weight_kg", 40, 60, without="high")]]),
        ("{systemic_lines: {at_least: 1, at_most: 1}}", [[span("systemic_lines", 1, 1)]]),
        ("{albi_score: {above: -2.6, at_most: -1.39}}", [[span("albi_score", -2.6, -1.39, without="low")]]),
        (
            "{last_daily_dose_mg: {of: sorafenib, at_least: 400}}",
            [[span("last_daily_dose_mg[sorafenib]", low=400)]],
        ),
        # sets
        ("{etiology: {any_of: [hbv]}}", [[one_of("etiology[hbv]", True)]]),
        ("{etiology: {any_of: [hbv, hcv]}}", [[one_of("etiology[hbv]", True)], [one_of("etiology[hcv]", True)]]),
        ("{etiology: {all_of: [hbv, hcv]}}", [[one_of("etiology[hbv]", True), one_of("etiology[hcv]", True)]]),
        ("{etiology: {none_of: [hbv, hcv]}}", [[one_of("etiology[hbv]", False), one_of("etiology[hcv]", False)]]),
        (
            "{etiology: {any_of: [hbv], none_of: [hcv]}}",
            [[one_of("etiology[hbv]", True), one_of("etiology[hcv]", False)]],
        ),
        ("{failed_option: {any_of: [sorafenib]}}", [[one_of("failed_option[sorafenib]", True)]]),
        ("{prior_class: {none_of: [tki]}}", [[one_of("prior_class[tki]", False)]]),
        # together
        ("{ecog: {at_most: 1}, cirrhosis: true}", [[one_of("cirrhosis", True), span("ecog", high=1)]]),
        ("[{cirrhosis: true}, {ecog: {at_most: 1}}]", [[one_of("cirrhosis", True)], [span("ecog", high=1)]]),
        ("[{cirrhosis: true}, {cirrhosis: true}]", [[one_of("cirrhosis", True)]]),
        ("[{cirrhosis: true}, {cirrhosis: true, ecog: {at_most: 1}}]", [[one_of("cirrhosis", True)]]),
    ],
)
def test_a_condition_means_what_it_says(words: Words, when: str, meaning: list[list[Literal]]) -> None:
    condition = compiled(words, when)
    assert condition is not None
    assert [list(conjunction) for conjunction in condition] == meaning


LIMITS = "allowed are at_least, above, at_most, below"


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("{}", "has an empty condition; it would always hold"),
        ("[{cirrhosis: true}, {}]", "has an empty condition; it would always hold"),
        ("{ECOG: 1}", "names the fact `ECOG`, which vocabulary.yaml does not have"),
        ("{not: {cirrhosis: true}}", "names the fact `not`, which vocabulary.yaml does not have"),
        ("{cirrhosis: yes}", "gives `cirrhosis` the value 'yes'; allowed are true, false"),
        ("{cirrhosis: 1}", "gives `cirrhosis` the value 1; allowed are true, false"),
        ("{cirrhosis: null}", "gives `cirrhosis` the value None; allowed are true, false"),
        ("{cirrhosis: {}}", "tests `cirrhosis` with nothing; allowed are a value, any_of and none_of"),
        ("{cirrhosis: {any_of: [true, false]}}", "tests `cirrhosis` so that it always holds"),
        ("{child_pugh_class: D}", "gives `child_pugh_class` the value 'D'; allowed are A, B, C"),
        ("{child_pugh_class: a}", "gives `child_pugh_class` the value 'a'; allowed are A, B, C"),
        ("{child_pugh_class: [A, B]}", "gives `child_pugh_class` the value ['A', 'B']; allowed are A, B, C"),
        ("{child_pugh_class: {any_of: A}}", "tests `child_pugh_class` with 'A'; a list of values is expected"),
        ("{child_pugh_class: {any_of: []}}", "tests `child_pugh_class` with []; a list of values is expected"),
        ("{child_pugh_class: {any_of: [A, A]}}", "lists a value of `child_pugh_class` twice"),
        ("{child_pugh_class: {any_of: [A, B, C]}}", "tests `child_pugh_class` so that it always holds"),
        ("{child_pugh_class: {any_of: [A], none_of: [A]}}", "tests `child_pugh_class` so that it never holds"),
        (
            "{child_pugh_class: {all_of: [A]}}",
            "tests `child_pugh_class` with ['all_of']; allowed are a value, any_of and none_of",
        ),
        (
            "{child_pugh_class: {at_most: B}}",
            "tests `child_pugh_class` with ['at_most']; allowed are a value, any_of and none_of",
        ),
        ("{bclc_stage: 0}", "gives `bclc_stage` the value 0; allowed are 0, A, B, C, D"),
        ('{albi_grade: "1"}', "gives `albi_grade` the value '1'; allowed are 1, 2, 3"),
        ("{albi_grade: true}", "gives `albi_grade` the value True; allowed are 1, 2, 3"),
        (
            "{portal_vein_invasion: unspecified}",
            "gives `portal_vein_invasion` the value 'unspecified'; allowed are none, branch, main",
        ),
        ("{ecog: 1}", f"tests the number `ecog` with 1; {LIMITS}"),
        ("{ecog: {}}", f"tests the number `ecog` wrongly; {LIMITS}"),
        ("{ecog: {any_of: [0, 1]}}", f"tests the number `ecog` wrongly; {LIMITS}"),
        ("{ecog: {less_than: 2}}", f"tests the number `ecog` wrongly; {LIMITS}"),
        ("{ecog: {of: sorafenib, at_most: 2}}", f"tests the number `ecog` wrongly; {LIMITS}"),
        ("{ecog: {at_most: '2'}}", "compares `ecog` with '2' (at_most); a finite number is expected"),
        ("{ecog: {at_most: true}}", "compares `ecog` with True (at_most); a finite number is expected"),
        ("{ecog: {at_most: .inf}}", "compares `ecog` with inf (at_most); a finite number is expected"),
        ("{ecog: {at_least: .nan}}", "compares `ecog` with nan (at_least); a finite number is expected"),
        ("{ecog: {at_least: 1, above: 1}}", "gives `ecog` two lower or two upper limits; keep one"),
        ("{ecog: {at_most: 1, below: 2}}", "gives `ecog` two lower or two upper limits; keep one"),
        ("{ecog: {at_least: 2, at_most: 1}}", "gives `ecog` limits that no number meets"),
        ("{ecog: {at_least: 1, below: 1}}", "gives `ecog` limits that no number meets"),
        ("{ecog: {above: 1, at_most: 1}}", "gives `ecog` limits that no number meets"),
        (
            "{last_daily_dose_mg: {at_least: 400}}",
            "tests `last_daily_dose_mg` without `of:` and one of the options",
        ),
        (
            "{last_daily_dose_mg: {of: aspirin, at_least: 400}}",
            "tests `last_daily_dose_mg` without `of:` and one of the options",
        ),
        ("{last_daily_dose_mg: {of: sorafenib}}", f"tests the number `last_daily_dose_mg` wrongly; {LIMITS}"),
        ("{etiology: hbv}", "tests the set `etiology` wrongly; allowed are any_of, none_of and all_of"),
        ("{etiology: [hbv]}", "tests the set `etiology` wrongly; allowed are any_of, none_of and all_of"),
        ("{etiology: {}}", "tests the set `etiology` wrongly; allowed are any_of, none_of and all_of"),
        ("{etiology: {some_of: [hbv]}}", "tests the set `etiology` wrongly; allowed are any_of, none_of and all_of"),
        ("{etiology: {any_of: hbv}}", "tests `etiology` with 'hbv'; a list of values is expected"),
        (
            "{etiology: {any_of: [hdv]}}",
            "gives `etiology` the value 'hdv'; allowed are hbv, hcv, alcohol, masld, other",
        ),
        ("{etiology: {any_of: [hbv, hbv]}}", "lists a value of `etiology` twice"),
        (
            "{etiology: {any_of: [hbv], none_of: [hbv]}}",
            "lists a value of `etiology` under two of any_of, none_of and all_of; keep one",
        ),
        (
            "{failed_option: {any_of: [aspirin]}}",
            "gives `failed_option` the value 'aspirin'; allowed are sorafenib, lenvatinib, tace",
        ),
        (
            "{prior_class: {any_of: [sorafenib]}}",
            "gives `prior_class` the value 'sorafenib'; allowed are tki, anti_vegf, pd_1_inhibitor, "
            "pd_l1_inhibitor, ctla_4_inhibitor, chemotherapy, other_checkpoint_inhibitor, other_targeted_agent, "
            "cytokine, cell_therapy, vaccine, oncolytic_virus, traditional_chinese_medicine",
        ),
    ],
)
def test_a_condition_that_does_not_fit_the_vocabulary_is_refused(words: Words, when: str, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        compiled(words, when)
    assert str(caught.value) == message


def test_a_limit_of_absurd_length_is_refused(words: Words) -> None:
    with pytest.raises(ConditionError, match=r"a finite number is expected$"):
        compiled(words, f"{{ecog: {{at_most: {'9' * 399}}}}}")


def test_when_and_when_any_do_not_stand_together(words: Words) -> None:
    with pytest.raises(ConditionError, match=r"^has both `when` and `when_any`; keep one$"):
        words.condition(Conditional(when={"cirrhosis": True}, when_any=[{"cirrhosis": False}]))


def test_without_when_there_is_no_condition(words: Words) -> None:
    assert words.condition(Conditional()) is None


def test_a_condition_of_too_many_combinations_is_refused(words: Words) -> None:
    members = "any_of: [hbv, hcv, alcohol, masld, other]"
    places = "any_of: [resection, ablation, transplant, tace, tare, sbrt, haic]"
    classes = "any_of: [tki, anti_vegf, chemotherapy]"
    assert len(compiled(words, f"{{etiology: {{{members}}}, prior_locoregional: {{{places}}}}}") or ()) == 35
    with pytest.raises(ConditionError, match="needs more than 96 combinations; split it into smaller derived facts"):
        compiled(words, f"{{etiology: {{{members}}}, prior_locoregional: {{{places}}}, prior_class: {{{classes}}}}}")


# Three-valued truth

OPEN = frozenset([True, False])


@pytest.mark.parametrize(
    ("state", "below_2", "not_below_2"),
    [
        (State(low=1, high=1), True, False),
        (State(low=2, high=2), False, True),
        (State(low=1.99, high=1.99), True, False),
        (State(low=0, high=4), None, None),
        (State(low=2, high=4), False, True),
        (State(low=0, high=2), None, None),
        (State(), None, None),
        (State(applicable=False), False, False),
    ],
)
def test_a_limit_is_judged_exactly_and_stays_open_while_the_span_crosses_it(
    words: Words, state: State, below_2: bool | None, not_below_2: bool | None
) -> None:
    below, at_least = (compiled(words, f"{{ecog: {{{limit}: 2}}}}") or () for limit in ("below", "at_least"))
    assert judge(below, {"ecog": state}) is below_2
    assert judge(at_least, {"ecog": state}) is not_below_2


def test_a_set_is_judged_member_by_member(words: Words) -> None:
    condition = compiled(words, "{etiology: {any_of: [hbv], none_of: [hcv]}}") or ()
    for (hbv, hcv), expected in {
        (True, False): True,
        (True, True): False,
        (False, False): False,
        (None, False): None,
        (True, None): None,
        (False, None): False,
        (None, True): False,
        (None, None): None,
    }.items():
        states = {
            "etiology[hbv]": State(OPEN if hbv is None else frozenset([hbv])),
            "etiology[hcv]": State(OPEN if hcv is None else frozenset([hcv])),
        }
        assert judge(condition, states) is expected


@pytest.mark.parametrize(
    "when",
    [
        "{cirrhosis: true, ecog: {at_most: 1}}",
        "[{cirrhosis: true}, {ecog: {above: 1}}]",
        "[{cirrhosis: true, ecog: {at_least: 1, below: 3}}, {cirrhosis: false, ecog: {at_most: 0}}]",
    ],
)
def test_the_negation_holds_exactly_where_the_condition_fails(words: Words, when: str) -> None:
    condition = compiled(words, when) or ()
    negation = negate(condition, {name: words.domain(name) for name in ("cirrhosis", "ecog")})
    answers = set()
    for cirrhosis, ecog in product((True, False), (0, 1, 2, 3, 4)):
        states = {"cirrhosis": State(frozenset([cirrhosis])), "ecog": State(low=ecog, high=ecog)}
        assert judge(negation, states) is not judge(condition, states)
        answers.add(judge(condition, states))
    assert answers == {True, False}


def test_the_dose_of_a_drug_never_given_fails_every_limit_and_meets_the_negation(words: Words) -> None:
    name = "last_daily_dose_mg[sorafenib]"
    condition = compiled(words, "{last_daily_dose_mg: {of: sorafenib, at_least: 400}}") or ()
    negation = negate(condition, {name: words.domain(name)})
    assert negation == ((Literal(name, Inapplicable()),), (span(name, high=400, without="high"),))
    never_given = {name: State(applicable=False)}
    assert judge(condition, never_given) is False
    assert judge(negation, never_given) is True


def test_a_negation_of_too_many_combinations_is_refused(words: Words) -> None:
    facts = ["cirrhosis", "extrahepatic_spread", "msi_high", "tmb_high", "pd_l1_positive", "autoimmune_disease"]
    when = ", ".join(
        f"{{{fact}: true, {other}: {{at_most: 1}}}}"
        for fact, other in zip(facts, ["ecog", "inr", "nlr", "age_years", "weight_kg", "afp_ng_ml"], strict=True)
    )
    condition = compiled(words, f"[{when}, {{cirrhosis: false, nlr: {{above: 2}}}}]") or ()
    assert len(condition) == 7
    domains = {literal.attribute: words.domain(literal.attribute) for part in condition for literal in part}
    with pytest.raises(ConditionError, match="needs more than 96 combinations"):
        negate(condition, domains)


def test_a_number_that_may_not_exist_is_not_taken_to_exist() -> None:
    assert holds(Span(), State()) is None
    assert holds(Span(), State(low=400, high=400)) is True
    assert holds(Span(), State(applicable=False)) is False
