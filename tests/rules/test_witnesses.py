"""For each indication a patient whom it fits and one with one fact changed whom it does not, through durable-rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hcc_decide.coverage import Coverage, Record, measure
from hcc_decide.engine.engine import Engine
from hcc_decide.patient import parse_patient
from tests.conftest import ROOT

pytestmark = pytest.mark.xdist_group("witnesses")  # the search is made once


@pytest.fixture(scope="module")
def coverage(engine: Engine) -> Coverage:
    return measure(ROOT / "rules", engine)


def test_nothing_is_missing(coverage: Coverage) -> None:
    assert sum(item.missing for item in coverage.reviews) == 0
    assert coverage.untested == ()
    assert coverage.figures == ()
    assert coverage.untaught == ()
    assert coverage.failures == ()
    assert coverage.complete


def test_the_reviews_are_covered_whole(coverage: Coverage) -> None:
    assert [item.review for item in coverage.reviews] == ["000", "001", "003"]
    assert sum(item.actionable for item in coverage.reviews) >= 337
    for item in coverage.reviews:
        assert item.actionable == item.deciding + item.shown + item.listed + item.missing


def test_each_indication_fires_for_one_patient_and_not_for_the_neighbour(engine: Engine, coverage: Coverage) -> None:
    def fires(record: Record, option: str, indication: str) -> bool | None:
        patient = parse_patient(dict(record), engine.knowledge.option_ids)
        return engine.infer(patient, also=[option]).results[f"options/{option}/{indication}"]

    for item in coverage.witnesses:
        assert item.fires is not None
        assert item.misses is not None
        assert fires(item.fires, item.option, item.indication) is True, item
        assert fires(item.misses, item.option, item.indication) is False, item


def test_a_gap_is_named_and_counted(coverage: Coverage) -> None:
    gaps = replace(coverage, untaught=("alpha: preferred",), failures=("vignette x: the setting is y",))
    said = list(gaps.report())
    assert not gaps.complete
    assert "Usable verdicts that no vignette teaches: 1" in said
    assert "  alpha: preferred" in said
    assert "  vignette x: the setting is y" in said
