"""Child–Pugh points and ALBI: both sides of every published limit."""

from __future__ import annotations

import doctest
from itertools import product

import pytest

from hcc_decide import patient, scores
from hcc_decide.scores import albi_score, albumin_points, bilirubin_points, child_pugh_points, inr_points


@pytest.mark.parametrize(
    ("umol_l", "points"),
    [
        (0.1, 1),
        (17.1, 1),
        (34.19, 1),
        (34.2, 2),  # 2 mg/dL
        (34.21, 2),
        (51.29, 2),
        (51.3, 2),  # 3 mg/dL
        (51.31, 3),
        (600, 3),
    ],
)
def test_bilirubin_gives_2_points_from_2_to_3_mg_dl(umol_l: float, points: int) -> None:
    assert bilirubin_points(umol_l) == points


@pytest.mark.parametrize(("mg_dl", "points"), [(1.9, 1), (1.99, 1), (2.0, 2), (2.5, 2), (3.0, 2), (3.01, 3), (3.1, 3)])
def test_bilirubin_converted_from_mg_dl_keeps_its_points(mg_dl: float, points: int) -> None:
    assert bilirubin_points(mg_dl * 17.1) == points


@pytest.mark.parametrize(
    ("g_l", "points"), [(60, 1), (35.1, 1), (35.01, 1), (35, 2), (34.9, 2), (28.1, 2), (28, 2), (27.99, 3), (10, 3)]
)
def test_albumin_gives_2_points_from_28_to_35_g_l(g_l: float, points: int) -> None:
    assert albumin_points(g_l) == points


@pytest.mark.parametrize(
    ("inr", "points"), [(0.8, 1), (1.69, 1), (1.7, 2), (1.71, 2), (2.29, 2), (2.3, 2), (2.31, 3), (6, 3)]
)
def test_inr_gives_2_points_from_1_7_to_2_3(inr: float, points: int) -> None:
    assert inr_points(inr) == points


@pytest.mark.parametrize(("ascites", "total"), [("none", 5), ("mild", 6), ("moderate_severe", 7)])
def test_ascites_adds_1_to_3_points(ascites: str, total: int) -> None:
    assert child_pugh_points(17, 40, 1.0, ascites, "none") == (total, total)


@pytest.mark.parametrize(("encephalopathy", "total"), [("none", 5), ("grade_1_2", 6), ("grade_3_4", 7)])
def test_encephalopathy_adds_1_to_3_points(encephalopathy: str, total: int) -> None:
    assert child_pugh_points(17, 40, 1.0, "none", encephalopathy) == (total, total)


def test_five_known_items_sum_to_5_at_best_and_15_at_worst() -> None:
    assert child_pugh_points(17, 40, 1.0, "none", "none") == (5, 5)
    assert child_pugh_points(100, 20, 3.0, "moderate_severe", "grade_3_4") == (15, 15)
    assert child_pugh_points(40, 30, 2.0, "mild", "grade_1_2") == (10, 10)


def test_each_missing_item_leaves_1_to_3_points_open() -> None:
    assert child_pugh_points(None, None, None, None, None) == (5, 15)
    assert child_pugh_points(None, 40, 1.0, "none", "none") == (5, 7)
    assert child_pugh_points(17, None, 1.0, "none", "none") == (5, 7)
    assert child_pugh_points(17, 40, None, "none", "none") == (5, 7)
    assert child_pugh_points(17, 40, 1.0, None, "none") == (5, 7)
    assert child_pugh_points(17, 40, 1.0, "none", None) == (5, 7)
    assert child_pugh_points(100, 20, None, None, None) == (9, 15)


def test_what_is_open_always_holds_what_it_turns_out_to_be() -> None:
    for known in product((17, None), (30, None), (2.0, None), ("mild", None), ("grade_3_4", None)):
        low, high = child_pugh_points(*known)
        assert low <= 10 <= high
        assert high - low == 2 * known.count(None)


@pytest.mark.parametrize(
    ("bilirubin", "albumin", "score"),
    [
        (10, 40, -2.74),
        (1, 40, -3.4),
        (100, 20, -0.38),
        (1000, 30, -0.57),
        (17.1, 35, -2.161222567),
    ],
)
def test_albi_is_the_published_sum(bilirubin: float, albumin: float, score: float) -> None:
    assert albi_score(bilirubin, albumin) == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize(
    ("bilirubin", "albumin", "score"),
    [
        (1, 2.60 / 0.085, -2.60),  # grade 1 up to here
        (1, 1.39 / 0.085, -1.39),  # grade 2 up to here
    ],
)
def test_albi_at_a_limit_between_grades_is_the_limit_itself(bilirubin: float, albumin: float, score: float) -> None:
    assert albi_score(bilirubin, albumin) == score


@pytest.mark.parametrize("limit", [-2.60, -1.39])
def test_albi_tells_the_two_sides_of_a_limit_apart(limit: float) -> None:
    at_limit = -limit / 0.085
    assert albi_score(1, at_limit + 0.001) < limit < albi_score(1, at_limit - 0.001)


@pytest.mark.parametrize("module", [scores, patient], ids=["scores", "patient"])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted >= 1
    assert result.failed == 0
