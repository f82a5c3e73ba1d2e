"""Unusual values are asked about, whatever else stands in the record; nothing is refused for them."""

from __future__ import annotations

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.plausible import implausible


def test_a_value_outside_its_usual_span_is_named_with_its_unit(knowledge: Knowledge) -> None:
    found = implausible(knowledge, {"bilirubin_umol_l": 2, "albumin_g_l": 4.0, "afp_ng_ml": 812, "inr": -3})
    assert found["bilirubin_umol_l"] == "Total bilirubin of 2 µmol/L is unusual; check the value and its unit."
    assert "albumin_g_l" in found
    assert "afp_ng_ml" not in found


def test_what_is_no_number_is_left_alone(knowledge: Knowledge) -> None:
    assert implausible(knowledge, {"bilirubin_umol_l": "2", "inr": None, "albumin_g_l": True}) == {}


def test_a_bilirubin_in_the_other_unit_falls_outside(knowledge: Knowledge) -> None:
    for mg_dl in (0.3, 0.8, 1.5, 2.5):
        assert "bilirubin_umol_l" in implausible(knowledge, {"bilirubin_umol_l": mg_dl})
