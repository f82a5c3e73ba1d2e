"""What the tests of the engine share."""

from __future__ import annotations

import pytest

from hcc_decide.decide import decide
from hcc_decide.engine.engine import Engine
from hcc_decide.patient import Patient, parse_patient
from tests.engine.building import patients


@pytest.fixture(scope="session")
def cohort(engine: Engine) -> list[Patient]:
    """Twenty-four patients, nearly completely known, in all lines of therapy."""
    names = engine.knowledge.option_ids
    return [parse_patient(record, names) for record in patients(24, engine.knowledge.options)]


@pytest.fixture(scope="session")
def decided(engine: Engine, cohort: list[Patient]) -> list[str]:
    """What one thread decides for the cohort."""
    return [decide(patient, engine).model_dump_json() for patient in cohort]
