"""A row of a cohort table: empty is unknown, `[]` is an empty list, `;` joins."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from hcc_decide.patient import RecordError, parse_patient, record_from_csv
from tests.contract.contract_table import CATEGORIES, EVERY_FACT, LISTS, NUMBERS, WHOLE_NUMBERS, WITH, YES_NO


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(value) if value else "[]"
    return str(value)


def through_csv(record: dict[str, Any]) -> dict[str, Any]:
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, record.keys())
    writer.writeheader()
    writer.writerow({name: cell(value) for name, value in record.items()})
    table.seek(0)
    (row,) = csv.DictReader(table)
    return record_from_csv(row)


def test_a_record_of_every_fact_survives_a_csv_file() -> None:
    assert parse_patient(through_csv(EVERY_FACT)) == parse_patient(EVERY_FACT)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field, values in CATEGORIES.items() for value in values),
        *((field, value) for field in YES_NO for value in (True, False)),
        *((field, value) for field, (values, _) in NUMBERS.items() for value in values),
        *((field, value) for field, (values, _) in WHOLE_NUMBERS.items() for value in values),
        *((field, [member]) for field, members in LISTS.items() for member in members),
        *((field, list(members)) for field, members in LISTS.items()),
        *((field, []) for field in (*LISTS, "prior_systemic")),
        ("prior_systemic", ["sorafenib", "lenvatinib:intolerance", "other"]),
        ("case_id", "007"),
        ("case_id", "true"),
        ("case_id", "1e5"),
        ("case_id", "a;b, c"),
    ],
)
def test_every_fact_survives_a_csv_file(field: str, value: Any) -> None:
    record = {field: value, **WITH.get(field, {})}
    assert parse_patient(through_csv(record)) == parse_patient(record)


def test_an_empty_cell_is_unknown_and_an_empty_list_is_known() -> None:
    assert record_from_csv({"ecog": "", "etiology": "", "prior_systemic": " ", "varices": None}) == {}
    assert record_from_csv({"etiology": "[]", "prior_systemic": "[]", "prior_locoregional": "[]"}) == {
        "etiology": [],
        "prior_systemic": [],
        "prior_locoregional": [],
    }


def test_spaces_around_cells_and_items_mean_nothing() -> None:
    assert record_from_csv({"ecog": " 1 ", "etiology": " hbv ; alcohol "}) == {
        "ecog": 1,
        "etiology": ["hbv", "alcohol"],
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("+5", 5),
        ("-2", -2),
        ("007", 7),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("TRUE", True),
        ("False", False),
        ("none", "none"),
        ("yes", "yes"),
        ("1,5", "1,5"),
        ("1 000", "1 000"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("12 mg/dL", "12 mg/dL"),
        ("1;2", "1;2"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("-Infinity", "-Infinity"),
        ("--5", "--5"),
        ("١٢", "١٢"),
        ("\uff11\uff12", "\uff11\uff12"),
        ("²", "²"),
        ("null", "null"),
        ("[]", "[]"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_cell_is_a_number_or_a_truth_value_only_when_it_plainly_is_one(text: str, value: object) -> None:
    found = record_from_csv({"afp_ng_ml": text})["afp_ng_ml"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"afp_ng_ml": "1_000"}, "afp_ng_ml: '1_000' is refused; a plain number is expected, without a unit"),
        ({"afp_ng_ml": "1,5"}, "afp_ng_ml: '1,5' is refused; a plain number is expected, without a unit"),
        ({"afp_ng_ml": "nan"}, "afp_ng_ml: 'nan' is refused; a plain number is expected, without a unit"),
        ({"afp_ng_ml": "1e999"}, "afp_ng_ml: inf is refused; a finite number is expected"),
        ({"cirrhosis": "yes"}, "cirrhosis: 'yes' is refused; allowed is true or false"),
        ({"cirrhosis": "1"}, "cirrhosis: 1 is refused; allowed is true or false"),
        ({"etiology": "hbv;"}, "etiology[2]: '' is refused; allowed is 'hbv', 'hcv', 'alcohol', 'masld', 'other'"),
        (
            {"etiology": "hbv,hcv"},
            "etiology[1]: 'hbv,hcv' is refused; allowed is 'hbv', 'hcv', 'alcohol', 'masld', 'other'",
        ),
        (
            {"prior_systemic": "sorafenib;;"},
            "prior_systemic[2].option: '' is refused; allowed is text that is not empty",
        ),
    ],
)
def test_a_cell_that_fits_no_type_is_refused_by_name(row: dict[str, str], problem: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_patient(record_from_csv(row))
    assert caught.value.problems[0] == problem
