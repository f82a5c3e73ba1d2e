"""What a patient record may say, field by field, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcc_decide.patient import Patient, RecordError, parse_patient
from tests.contract.contract_table import (
    CATEGORIES,
    EVERY_FACT,
    FIELDS,
    LISTS,
    NUMBERS,
    OUTCOMES,
    WHOLE_NUMBERS,
    WITH,
    YES_NO,
)

CATALOGUE = {"sorafenib": "sorafenib", "nexavar": "sorafenib", "lenvatinib": "lenvatinib"}
UNKNOWN_FIELD = "allowed are the fields of `hcc-decide schema patient`"


def problems(record: object, options: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(RecordError) as caught:
        parse_patient(record, options)
    return caught.value.problems


def kept(field: str, value: object) -> object:
    return parse_patient({field: value, **WITH.get(field, {})}).to_record()[field]


def pairs(table: dict[str, tuple[Any, ...]]) -> list[tuple[str, Any]]:
    return [(field, value) for field, values in table.items() for value in values]


# What is accepted


def test_the_record_has_the_fields_of_the_contract_and_no_others() -> None:
    assert set(Patient.model_fields) == FIELDS


def test_an_empty_record_is_a_patient_of_whom_only_the_defaults_are_known() -> None:
    assert parse_patient({}).to_record() == {"tumour": "hcc", "intent": "treatment"}


@pytest.mark.parametrize(("field", "value"), pairs(CATEGORIES))
def test_every_value_of_a_category_is_accepted_and_kept(field: str, value: str) -> None:
    assert kept(field, value) == value


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("field", YES_NO)
def test_a_yes_no_fact_keeps_true_and_false(field: str, value: bool) -> None:
    assert kept(field, value) is value


@pytest.mark.parametrize(("field", "value"), pairs({name: row[0] for name, row in NUMBERS.items()}))
def test_a_number_inside_its_limits_is_kept(field: str, value: float) -> None:
    assert kept(field, value) == value


@pytest.mark.parametrize(("field", "value"), pairs({name: row[0] for name, row in WHOLE_NUMBERS.items()}))
def test_a_whole_number_inside_its_limits_is_kept_even_when_written_with_a_point(field: str, value: int) -> None:
    assert kept(field, value) == value
    written_with_point = kept(field, float(value))
    assert written_with_point == value
    assert type(written_with_point) is int


@pytest.mark.parametrize("field", LISTS)
def test_a_list_takes_each_of_its_members_and_an_empty_list_is_kept_apart_from_unknown(field: str) -> None:
    assert kept(field, []) == []
    assert kept(field, list(LISTS[field])) == sorted(LISTS[field])
    for member in LISTS[field]:
        assert kept(field, [member]) == [member]
    assert field not in parse_patient({}).to_record()


def test_a_list_is_a_set_so_order_and_repetition_mean_nothing() -> None:
    once = parse_patient({"etiology": ["alcohol", "hbv"]})
    assert parse_patient({"etiology": ["hbv", "alcohol", "hbv"]}) == once


def test_a_pseudonym_has_at_most_64_characters() -> None:
    assert kept("case_id", "x" * 64) == "x" * 64
    assert problems({"case_id": "x" * 65}) == (
        f"case_id: '{'x' * 56}... is refused; allowed are at most 64 characters",
    )


def test_a_bare_zero_is_bclc_stage_0() -> None:
    assert kept("bclc_stage", 0) == "0"


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_null_means_left_out(field: str) -> None:
    assert parse_patient({field: None}) == parse_patient({})


# What is refused


@pytest.mark.parametrize("value", ["nonsense", "", " ", True, 1, 1.5, [], ["A"], {}])
@pytest.mark.parametrize("field", CATEGORIES)
def test_a_category_refuses_what_is_not_listed_and_lists_what_is(field: str, value: object) -> None:
    (problem,) = problems({field: value})
    assert problem.startswith(f"{field}: {'true' if value is True else repr(value)} is refused; allowed is ")
    assert problem.endswith(", ".join(repr(allowed) for allowed in CATEGORIES[field]))


@pytest.mark.parametrize(
    ("field", "value"),
    [("bclc_stage", "a"), ("bclc_stage", "C "), ("child_pugh_class", "D"), ("tumour", "HCC"), ("varices", "true")],
)
def test_values_of_a_category_are_written_exactly(field: str, value: str) -> None:
    assert problems({field: value})[0].startswith(f"{field}: {value!r} is refused; allowed is '")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1, "1"), (0, "0"), (1.0, "1.0"), ("true", "'true'"), ("yes", "'yes'"), ("", "''"), ([], "[]"), ({}, "{}")],
)
@pytest.mark.parametrize("field", YES_NO)
def test_a_yes_no_fact_takes_neither_numbers_nor_text(field: str, value: object, shown: str) -> None:
    assert problems({field: value, **WITH.get(field, {})}) == (
        f"{field}: {shown} is refused; allowed is true or false",
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (field, value, said)
        for table in (NUMBERS, WHOLE_NUMBERS)
        for field, (_, refused) in table.items()
        for value, said in refused.items()
    ],
)
def test_a_number_out_of_range_is_refused_with_the_limit(field: str, value: float, said: str) -> None:
    assert problems({field: value}) == (f"{field}: {value!r} {said}",)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12 mg/dL", "'12 mg/dL'"),
        ("12", "'12'"),
        ("", "''"),
        (True, "true"),
        (False, "false"),
        ([1], "[1]"),
        ({"value": 1}, "{'value': 1}"),
    ],
)
@pytest.mark.parametrize("field", [*NUMBERS, *WHOLE_NUMBERS])
def test_a_number_takes_neither_text_nor_units_nor_truth_values(field: str, value: object, shown: str) -> None:
    assert problems({field: value}) == (f"{field}: {shown} is refused; a plain number is expected, without a unit",)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", [*NUMBERS, *WHOLE_NUMBERS])
def test_a_number_is_finite(field: str, value: float) -> None:
    assert problems({field: value}) == (f"{field}: {value!r} is refused; a finite number is expected",)


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("field", [*NUMBERS, *WHOLE_NUMBERS])
def test_a_number_of_absurd_length_is_refused_like_any_other(field: str, digits: int) -> None:
    (problem,) = problems({field: 10**digits})
    assert problem.startswith(f"{field}: ")
    assert problem.endswith(" is refused; a finite number is expected")
    assert len(problem) < 160


@pytest.mark.parametrize("field", WHOLE_NUMBERS)
def test_a_whole_number_is_whole(field: str) -> None:
    assert problems({field: 2.5}) == (f"{field}: 2.5 is refused; a whole number is expected",)


@pytest.mark.parametrize("field", LISTS)
def test_a_list_is_a_list_of_its_members(field: str) -> None:
    allowed = ", ".join(repr(member) for member in LISTS[field])
    assert problems({field: "hbv"}) == (f"{field}: 'hbv' is refused; a list is expected",)
    assert problems({field: {"hbv": True}}) == (f"{field}: {{'hbv': True}} is refused; a list is expected",)
    assert problems({field: [LISTS[field][0], "HBV"]}) == (f"{field}[2]: 'HBV' is refused; allowed is {allowed}",)
    assert problems({field: [1]}) == (f"{field}[1]: 1 is refused; allowed is {allowed}",)


def test_a_pseudonym_is_text() -> None:
    assert problems({"case_id": 7}) == ("case_id: 7 is refused; allowed is text",)


@pytest.mark.parametrize("name", ["ECOG", "tumor", "ecog ", "afp", ""])
def test_an_unknown_field_is_refused_by_name(name: str) -> None:
    (problem,) = problems({name: 1})
    shown = name or "''"
    assert problem == f"{shown}: 1 is given for an unknown field; {UNKNOWN_FIELD}"


@pytest.mark.parametrize(("key", "shown"), [(1, "1"), (True, "true"), (None, "null"), ("\ud800", "'\\ud800'")])
def test_a_key_that_cannot_be_a_field_name_is_refused(key: object, shown: str) -> None:
    assert problems({key: 2}) == (f"{shown}: is no field's name; {UNKNOWN_FIELD}",)


@pytest.mark.parametrize(
    ("record", "kind"),
    [(None, "empty"), ([], "a list"), ("ecog: 1", "text"), (1, "a number"), (1.5, "a number"), (True, "a truth value")],
)
def test_a_record_is_a_mapping(record: object, kind: str) -> None:
    assert problems(record) == (f"the record is {kind}; a mapping of fields is expected",)


def test_all_problems_come_at_once_one_line_each_naming_field_value_and_what_is_allowed() -> None:
    record = {
        "ecog": 7,
        "bilirubin_umol_l": "1.2 mg/dL",
        "albumin_g_l": math.nan,
        "cirrhosis": "yes",
        "bclc_stage": "E",
        "etiology": ["hbv", "hdv"],
        "prior_systemic": ["aspirin", "sorafenib:cured", {"outcome": "progression"}],
        "tumor": "hcc",
        "refractory_to_tace": True,
        "amenable_to_tace": True,
    }
    assert set(problems(record, CATALOGUE)) == {
        "ecog: 7 is refused; allowed is 4 or less",
        "bilirubin_umol_l: '1.2 mg/dL' is refused; a plain number is expected, without a unit",
        "albumin_g_l: nan is refused; a finite number is expected",
        "cirrhosis: 'yes' is refused; allowed is true or false",
        "bclc_stage: 'E' is refused; allowed is '0', 'A', 'B', 'C', 'D'",
        "etiology[2]: 'hdv' is refused; allowed is 'hbv', 'hcv', 'alcohol', 'masld', 'other'",
        "prior_systemic[1].option: 'aspirin' is not an option of the catalogue; "
        "allowed are its option ids, or `other` with a `name`",
        "prior_systemic[2].outcome: 'cured' is refused; allowed is 'progression', 'intolerance', "
        "'progression_and_intolerance', 'completed', 'ongoing'",
        "prior_systemic[3].option: is missing; allowed is an option id, or `other`",
        f"tumor: 'hcc' is given for an unknown field; {UNKNOWN_FIELD}",
        "refractory_to_tace: true contradicts amenable_to_tace: true; TACE that has failed is not feasible, "
        "allowed is one of the two",
    }


def test_a_refusal_stays_on_one_short_line_whatever_was_typed() -> None:
    said = problems({"ecog": "1\nforged: line\x1b[2J" + "x" * 500, "a\nb\x1b[2J" + "y" * 500: "\u2028"})
    assert len(said) == 2
    for line in said:
        assert line.isprintable()
        assert len(line) < 260


# Prior systemic therapy


def lines(*written: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = parse_patient({"prior_systemic": list(written)}, CATALOGUE).to_record()[
        "prior_systemic"
    ]
    return found


def test_an_option_alone_means_progression_on_it() -> None:
    assert lines("sorafenib") == [{"option": "sorafenib", "outcome": "progression"}]
    assert lines({"option": "sorafenib"}) == lines("sorafenib")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_short_form_with_a_colon_names_the_outcome(outcome: str) -> None:
    assert lines(f"sorafenib:{outcome}") == [{"option": "sorafenib", "outcome": outcome}]
    assert lines(f" sorafenib : {outcome} ") == lines({"option": "sorafenib", "outcome": outcome})


def test_a_line_in_full_keeps_everything_said() -> None:
    line = {
        "option": "sorafenib",
        "outcome": "progression",
        "radiological_progression": True,
        "last_daily_dose_mg": 400,
        "tolerated_days_of_last_28": 20,
    }
    assert lines(line) == [line]


def test_null_inside_a_line_means_left_out() -> None:
    nulls = dict.fromkeys(["name", "radiological_progression", "last_daily_dose_mg", "tolerated_days_of_last_28"])
    assert lines({"option": "sorafenib", "outcome": "completed", **nulls}) == lines("sorafenib:completed")


def test_no_line_yet_is_not_the_same_as_lines_unknown() -> None:
    assert lines() == []
    assert parse_patient({}).prior_systemic is None


def test_the_order_of_lines_matters() -> None:
    assert lines("sorafenib", "lenvatinib") == lines("lenvatinib", "sorafenib")[::-1]
    one, other = (parse_patient({"prior_systemic": order}) for order in (["a", "b"], ["b", "a"]))
    assert one != other


def test_another_name_of_an_option_stands_for_its_id() -> None:
    assert lines("nexavar:intolerance") == [{"option": "sorafenib", "outcome": "intolerance"}]


def test_a_drug_outside_the_catalogue_counts_as_a_line_with_or_without_its_name() -> None:
    assert lines("other") == [{"option": "other", "outcome": "progression"}]
    named = {"option": "other", "name": "linifanib", "outcome": "intolerance"}
    assert lines(named) == [named]


ALLOWED_OUTCOMES = "allowed is 'progression', 'intolerance', 'progression_and_intolerance', 'completed', 'ongoing'"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "prior_systemic[1].option: '' is refused; allowed is text that is not empty"),
        ("sorafenib:", f"prior_systemic[1].outcome: '' is refused; {ALLOWED_OUTCOMES}"),
        ("sorafenib:cured", f"prior_systemic[1].outcome: 'cured' is refused; {ALLOWED_OUTCOMES}"),
        (
            "aspirin",
            "prior_systemic[1].option: 'aspirin' is not an option of the catalogue; "
            "allowed are its option ids, or `other` with a `name`",
        ),
        (7, "prior_systemic[1]: 7 is refused; allowed is an option id, or a mapping with `option` and `outcome`"),
        (None, "prior_systemic[1]: null is refused; allowed is an option id, or a mapping with `option` and `outcome`"),
        ({}, "prior_systemic[1].option: is missing; allowed is an option id, or `other`"),
        ({"option": 7}, "prior_systemic[1].option: 7 is refused; allowed is text"),
        (
            {"option": "sorafenib", "dose": 800},
            f"prior_systemic[1].dose: 800 is given for an unknown field; {UNKNOWN_FIELD}",
        ),
        (
            {"option": "sorafenib", "radiological_progression": 1},
            "prior_systemic[1].radiological_progression: 1 is refused; allowed is true or false",
        ),
        (
            {"option": "sorafenib", "last_daily_dose_mg": "800 mg"},
            "prior_systemic[1].last_daily_dose_mg: '800 mg' is refused; a plain number is expected, without a unit",
        ),
        (
            {"option": "sorafenib", "last_daily_dose_mg": -1},
            "prior_systemic[1].last_daily_dose_mg: -1 is refused; allowed is 0 or more",
        ),
        (
            {"option": "sorafenib", "tolerated_days_of_last_28": 29},
            "prior_systemic[1].tolerated_days_of_last_28: 29 is refused; allowed is 28 or less",
        ),
        (
            {"option": "sorafenib", "tolerated_days_of_last_28": 2.5},
            "prior_systemic[1].tolerated_days_of_last_28: 2.5 is refused; a whole number is expected",
        ),
        ({"option": "sorafenib", "name": "Nexavar"}, "prior_systemic[1]: `name` goes with the option `other` only"),
    ],
)
def test_a_line_that_says_something_impossible_is_refused_by_its_number(line: object, problem: str) -> None:
    assert problems({"prior_systemic": [line]}, CATALOGUE) == (problem,)


def test_lines_come_as_a_list_of_at_most_40() -> None:
    assert len(lines(*["sorafenib"] * 40)) == 40
    assert problems({"prior_systemic": ["sorafenib"] * 41})[0].endswith("is refused; allowed are at most 40 items")
    assert problems({"prior_systemic": "sorafenib"}) == ("prior_systemic: 'sorafenib' is refused; allowed is a list",)


# Facts that cannot both hold


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (
            {"refractory_to_tace": True, "amenable_to_tace": True},
            "refractory_to_tace: true contradicts amenable_to_tace: true; TACE that has failed is not feasible, "
            "allowed is one of the two",
        ),
        (
            {"refractory_to_tace": True, "prior_locoregional": ["ablation"]},
            "refractory_to_tace: true contradicts prior_locoregional, which does not name tace; "
            "allowed is false, or a list that names tace",
        ),
        (
            {"primary_site": "renal"},
            "primary_site: 'renal' contradicts tumour: hcc; it belongs to tumour: liver_metastasis only",
        ),
        (
            {"tumour": "hcc", "liver_metastasis_resectable": False},
            "liver_metastasis_resectable: false contradicts tumour: hcc; it belongs to tumour: liver_metastasis only",
        ),
        (
            {"prior_systemic": ["sorafenib:ongoing", "lenvatinib"]},
            "prior_systemic[1].outcome: ongoing contradicts the lines after it; only the last line can be ongoing",
        ),
        *(
            (
                {"prior_systemic": [{"option": "sorafenib", "outcome": outcome, "radiological_progression": True}]},
                f"prior_systemic[1]: `radiological_progression: true` contradicts the outcome `{outcome}`",
            )
            for outcome in ("intolerance", "completed", "ongoing")
        ),
    ],
)
def test_facts_that_contradict_each_other_are_refused(record: dict[str, object], problem: str) -> None:
    assert problems(record) == (problem,)


@pytest.mark.parametrize(
    "record",
    [
        {"refractory_to_tace": True, "amenable_to_tace": False},
        {"refractory_to_tace": False, "amenable_to_tace": True},
        {"refractory_to_tace": False, "prior_locoregional": []},
        {"refractory_to_tace": True, "prior_locoregional": ["ablation", "tace"]},
        {"refractory_to_tace": True},
        {"prior_systemic": ["sorafenib", "lenvatinib:ongoing"]},
        {"tumour": "liver_metastasis", "primary_site": "renal", "liver_metastasis_resectable": True},
        {
            "prior_systemic": [
                {"option": "x", "outcome": "progression_and_intolerance", "radiological_progression": True},
                {"option": "y", "outcome": "completed", "radiological_progression": False},
            ]
        },
    ],
)
def test_facts_that_go_together_are_not_called_contradictory(record: dict[str, object]) -> None:
    assert (
        parse_patient(record).to_record().items() >= {k: v for k, v in record.items() if k != "prior_systemic"}.items()
    )


def test_a_wrong_tumour_is_not_also_called_a_contradiction() -> None:
    assert problems({"tumour": "liver", "primary_site": "renal"}) == (
        "tumour: 'liver' is refused; allowed is 'hcc', 'liver_metastasis'",
    )


# The same patient


@given(st.permutations(list(EVERY_FACT.items())))
def test_the_order_of_fields_means_nothing(items: list[tuple[str, Any]]) -> None:
    usual, shuffled = parse_patient(EVERY_FACT), parse_patient(dict(items))
    assert shuffled == usual
    assert json.dumps(shuffled.to_record()) == json.dumps(usual.to_record())


@given(st.permutations(EVERY_FACT["etiology"]), st.permutations(EVERY_FACT["prior_locoregional"]))
def test_the_order_inside_a_set_means_nothing(etiology: list[str], locoregional: list[str]) -> None:
    shuffled = parse_patient({**EVERY_FACT, "etiology": etiology, "prior_locoregional": locoregional})
    assert json.dumps(shuffled.to_record()) == json.dumps(parse_patient(EVERY_FACT).to_record())


def test_a_record_of_every_fact_comes_back_as_it_went_in() -> None:
    expected = EVERY_FACT | {
        "prior_systemic": [
            {"option": "sorafenib", "outcome": "progression"},
            {"option": "lenvatinib", "outcome": "ongoing"},
        ]
    }
    assert parse_patient(EVERY_FACT).to_record() == expected
    assert parse_patient(expected) == parse_patient(EVERY_FACT)
    assert json.loads(json.dumps(parse_patient(expected).to_record())) == expected


def test_a_patient_cannot_be_changed_afterwards() -> None:
    patient = parse_patient({"ecog": 1})
    with pytest.raises(ValueError, match="frozen"):
        patient.ecog = 2  # type: ignore[misc]
