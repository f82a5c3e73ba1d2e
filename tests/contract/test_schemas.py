"""The JSON Schemas say what the code does, and carry labels, units and questions."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.schemas import decision_schema, patient_schema
from tests.conftest import ROOT
from tests.contract.contract_table import (
    CATEGORIES,
    EVERY_FACT,
    FIELDS,
    LISTS,
    NUMBERS,
    OUTCOMES,
    WHOLE_NUMBERS,
    YES_NO,
)

UNITS = {
    "largest_tumour_cm": "cm",
    "liver_involvement_percent": "%",
    "bilirubin_umol_l": "µmol/L",
    "albumin_g_l": "g/L",
    "age_years": "years",
    "weight_kg": "kg",
    "afp_ng_ml": "ng/mL",
}


@pytest.fixture(scope="module")
def schema(knowledge: Knowledge) -> dict[str, Any]:
    return patient_schema(knowledge)


@pytest.fixture(scope="module")
def patients(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema)


def test_both_schemas_are_valid_json_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    Draft202012Validator.check_schema(decision_schema())


def test_the_patient_schema_has_the_fields_of_the_contract_and_requires_none(schema: dict[str, Any]) -> None:
    assert set(schema["properties"]) == FIELDS
    assert schema["additionalProperties"] is False
    assert "required" not in schema


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_field_has_a_label_and_a_description(schema: dict[str, Any], field: str) -> None:
    described = schema["properties"][field]
    assert described["title"].strip()
    assert described["title"] != field
    assert described["description"].strip()
    assert described.get("x-unit") == UNITS.get(field)


@pytest.mark.parametrize("field", sorted(FIELDS - {"case_id"}))
def test_every_field_but_the_pseudonym_has_a_question_for_the_form(schema: dict[str, Any], field: str) -> None:
    assert schema["properties"][field]["x-question"].strip().endswith((".", "?"))


@pytest.mark.parametrize("field", [*CATEGORIES, *LISTS, "albi_grade"])
def test_every_value_that_can_be_chosen_has_a_label(schema: dict[str, Any], field: str) -> None:
    values = {**CATEGORIES, **LISTS, "albi_grade": ("1", "2", "3")}[field]
    labels = schema["properties"][field]["x-labels"]
    assert tuple(labels) == values
    assert all(label.strip() for label in labels.values())


def test_the_fields_of_a_line_have_labels_questions_and_units(schema: dict[str, Any]) -> None:
    fields = schema["$defs"]["PriorLine"]["properties"]
    assert set(fields) == {
        "option",
        "name",
        "outcome",
        "radiological_progression",
        "last_daily_dose_mg",
        "tolerated_days_of_last_28",
    }
    assert all(field["title"].strip() and field["description"].strip() for field in fields.values())
    assert fields["last_daily_dose_mg"]["x-unit"] == "mg"
    assert fields["tolerated_days_of_last_28"]["x-unit"] == "days"
    assert tuple(fields["outcome"]["x-labels"]) == OUTCOMES


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field, values in CATEGORIES.items() for value in values),
        *((field, value) for field in YES_NO for value in (True, False)),
        *(
            (field, value)
            for table in (NUMBERS, WHOLE_NUMBERS)
            for field, (values, _) in table.items()
            for value in values
        ),
        *((field, list(values)) for field, values in LISTS.items()),
        *((field, None) for field in sorted(FIELDS)),
        ("prior_systemic", []),
        ("prior_systemic", ["sorafenib", "lenvatinib:intolerance", {"option": "other", "name": "linifanib"}]),
        ("case_id", "x" * 64),
    ],
)
def test_the_schema_accepts_what_the_contract_accepts(patients: Draft202012Validator, field: str, value: Any) -> None:
    patients.validate({field: value})


WRONG_CATEGORIES: tuple[object, ...] = ("nonsense", "", True, 1, [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in CATEGORIES for value in WRONG_CATEGORIES),
        *((field, value) for field in YES_NO for value in (1, 0, "true", "yes")),
        *((field, value) for field, (_, refused) in NUMBERS.items() for value in refused),
        *((field, value) for field, (_, refused) in WHOLE_NUMBERS.items() for value in refused),
        *((field, value) for field in (*NUMBERS, *WHOLE_NUMBERS) for value in ("12 mg/dL", "12", True)),
        *((field, 2.5) for field in WHOLE_NUMBERS),
        *((field, value) for field in LISTS for value in ("hbv", ["nonsense"], [1])),
        ("case_id", "x" * 65),
        ("case_id", 7),
        ("tumor", "hcc"),
        ("prior_systemic", "sorafenib"),
        ("prior_systemic", ["sorafenib"] * 41),
        ("prior_systemic", [{"outcome": "progression"}]),
        ("prior_systemic", [{"option": "sorafenib", "outcome": "cured"}]),
        ("prior_systemic", [{"option": "sorafenib", "tolerated_days_of_last_28": 29}]),
        ("prior_systemic", [{"option": "sorafenib", "last_daily_dose_mg": -1}]),
        ("prior_systemic", [{"option": "sorafenib", "dose": 1}]),
    ],
)
def test_the_schema_refuses_what_the_contract_refuses(patients: Draft202012Validator, field: str, value: Any) -> None:
    assert not patients.is_valid({field: value})


def test_a_record_of_every_fact_fits_the_schema(patients: Draft202012Validator) -> None:
    patients.validate(EVERY_FACT)


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_fit_the_schema(patients: Draft202012Validator, example: Any) -> None:
    patients.validate(yaml.safe_load(example.read_text(encoding="utf-8")))


def test_the_decision_schema_has_the_parts_of_the_contract() -> None:
    schema = decision_schema()
    assert list(schema["properties"]) == [
        "schema_version",
        "knowledge",
        "patient",
        "setting",
        "derived",
        "options",
        "excluded",
        "missing",
        "notices",
        "intended_use",
        "trace",
    ]
    assert set(schema["$defs"]["Derivation"]["properties"]) == {"fact", "value", "rule", "from"}
    assert set(schema["$defs"]["Option"]["required"]) >= {"rank", "id", "name", "verdict", "evidence_level"}
