"""Synthetic cohorts: the same rows for the same seed, every one a patient, and distributed as the recipe states."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from hcc_decide.cohort.histories import history_cells
from hcc_decide.cohort.shape import CohortError
from hcc_decide.cohort.synthetic import BLOCK, Choices, Drawn, Numbers, World, draw_world, synthesise
from hcc_decide.cohort.tally import LABEL
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.synthetic import Chance, Draw, Recipe
from hcc_decide.knowledge.synthetic_checks import inspect_synthetic, load_synthetic
from hcc_decide.knowledge.synthetic_text import describe, shares
from hcc_decide.patient import Patient, parse_patient, record_from_csv
from tests.conftest import ROOT, shipped_knowledge

pytestmark = pytest.mark.xdist_group("synthetic")  # the cohort is drawn once
SEED = 11


@lru_cache(maxsize=1)
def recipe() -> Recipe:
    return load_synthetic(shipped_knowledge())


@lru_cache(maxsize=1)
def world() -> World:
    """What is drawn behind the first 20,000 rows, before anything is left out."""
    return draw_world(recipe(), SEED)


@lru_cache(maxsize=1)
def cohort() -> pl.DataFrame:
    return pl.concat(synthesise(recipe(), BLOCK, SEED))


@lru_cache(maxsize=1)
def patients() -> tuple[Patient, ...]:
    options = shipped_knowledge().option_ids
    return tuple(parse_patient(record_from_csv(row), options) for row in islice(cohort().iter_rows(named=True), 4000))


# The same rows again


def test_the_same_seed_gives_the_same_rows() -> None:
    again = pl.concat(synthesise(recipe(), BLOCK, SEED))
    assert again.equals(cohort())


def test_another_seed_gives_other_rows() -> None:
    other = pl.concat(synthesise(recipe(), 1000, SEED + 1))
    assert not other.drop("case_id").equals(cohort().head(1000).drop("case_id"))


@pytest.mark.parametrize("rows", [1, 999, BLOCK + 3])
def test_a_shorter_cohort_is_the_beginning_of_a_longer_one(rows: int) -> None:
    frames = list(synthesise(recipe(), rows, SEED))
    assert sum(frame.height for frame in frames) == rows
    assert max(frame.height for frame in frames) <= BLOCK
    assert frames[0].equals(cohort().head(rows))


def test_two_blocks_are_not_the_same_patients_again() -> None:
    first, second = islice(synthesise(recipe(), 2 * BLOCK, SEED), 2)
    assert not first.drop("case_id").equals(second.drop("case_id"))
    assert second["case_id"][0] == f"{LABEL}{BLOCK + 1:06}"


@pytest.mark.parametrize(
    ("rows", "seed", "named"), [(0, 1, "rows: 0"), (-5, 1, "rows: -5"), (10**12, 1, "rows"), (1, -1, "seed: -1")]
)
def test_a_senseless_number_or_seed_is_refused_at_once(rows: int, seed: int, named: str) -> None:
    with pytest.raises(CohortError, match=named) as caught:
        synthesise(recipe(), rows, seed)
    assert caught.value.refused


# Every row is a patient


def test_every_row_is_accepted_as_a_patient() -> None:
    assert len(patients()) == 4000


def test_every_row_is_labelled_as_synthetic_and_counted() -> None:
    assert cohort()["case_id"].head(2).to_list() == ["synthetic-000001", "synthetic-000002"]
    assert cohort()["case_id"].str.starts_with(LABEL).all()
    assert cohort()["case_id"].n_unique() == BLOCK


def test_every_field_of_the_record_has_a_column_of_text() -> None:
    assert cohort().columns == list(Patient.model_fields)
    assert set(cohort().dtypes) == {pl.String()}


def test_a_derived_stage_class_or_grade_that_is_told_fits_what_it_derives_from() -> None:
    from hcc_decide.scores import albi_score, child_pugh_points

    told = 0
    for patient in patients():
        labs = (patient.bilirubin_umol_l, patient.albumin_g_l, patient.inr, patient.ascites, patient.encephalopathy)
        low, high = child_pugh_points(*labs)
        if patient.child_pugh_score is not None:
            told += 1
            assert low <= patient.child_pugh_score <= high
        if patient.child_pugh_class is not None and low == high:
            assert patient.child_pugh_class == ("A" if low <= 6 else "B" if low <= 9 else "C")
        if patient.albi_grade is not None and patient.bilirubin_umol_l and patient.albumin_g_l:
            score = albi_score(patient.bilirubin_umol_l, patient.albumin_g_l)
            assert patient.albi_grade == (1 if score <= -2.6 else 2 if score <= -1.39 else 3)
        if patient.bclc_stage == "0" and patient.largest_tumour_cm is not None:
            assert patient.largest_tumour_cm <= 2
    assert told > 1000


def test_every_line_of_therapy_up_to_the_third_and_every_kind_of_history_occurs() -> None:
    lengths = Counter(None if patient.prior_systemic is None else len(patient.prior_systemic) for patient in patients())
    assert set(lengths) == {None, 0, 1, 2, 3}
    lines = [line for patient in patients() for line in patient.prior_systemic or ()]
    assert any(line.last_daily_dose_mg is not None for line in lines)
    assert any(line.last_daily_dose_mg is None for line in lines)
    assert {line.outcome for line in lines} == {
        *("progression", "intolerance", "progression_and_intolerance", "completed", "ongoing")
    }


def test_numbers_are_written_as_laboratories_write_them() -> None:
    def decimals(name: str) -> set[int]:
        return {len(cell.partition(".")[2]) for cell in cohort()[name].drop_nulls()}

    assert decimals("bilirubin_umol_l") == {0}
    assert decimals("afp_ng_ml") == {0, 1}
    assert decimals("inr") <= {1, 2}
    assert decimals("age_years") == {0}


# As the recipe states


def _depends_on(name: str) -> frozenset[str]:
    """Return the latent numbers behind a draw, through everything it asks for."""
    draw = recipe().draws[name]
    found = set(draw.follows)
    for case in draw.cases:
        for other in case.when:
            found |= _depends_on(other)
    if draw.computed is not None:
        found |= set(recipe().latent)
    return frozenset(found)


def _stated() -> Iterator[tuple[str, int, Draw, Chance]]:
    """Yield the cases whose patients are average in the latent numbers that the draw follows."""
    for name, draw in recipe().draws.items():
        asked: set[str] = set()
        for index, case in enumerate(draw.cases):
            asked |= {latent for other in case.when for latent in _depends_on(other)}
            if not asked & set(draw.follows):
                yield name, index, draw, case


def _those(name: str, index: int) -> npt.NDArray[np.bool_]:
    """Return whom a case concerns: who meets it and none before."""
    left = np.ones(BLOCK, dtype=np.bool_)
    chosen = left
    for case in recipe().draws[name].cases[: index + 1]:
        chosen = left.copy()
        for other, test in case.when.items():
            chosen &= world()[other].meets(test)
        left = left & ~chosen
    return chosen


def test_every_value_is_as_frequent_as_the_recipe_states() -> None:
    wrong, compared = [], 0
    for name, index, _, case in _stated():
        drawn = world()[name]
        if not isinstance(drawn, Choices):
            continue
        codes = drawn.codes[_those(name, index)]
        for value, odds in case.odds.items():
            seen = float(np.mean(codes == _code(drawn, value))) if len(codes) else odds
            # Five standard errors, so that among some hundred comparisons none is beyond by chance.
            error = 5 * math.sqrt(odds * (1 - odds) / max(len(codes), 1)) + 3 / max(len(codes), 1)
            compared += 1
            if abs(seen - odds) > error:
                wrong.append(f"{name}[{index}] {value}: {seen:.3f} of {len(codes)}, stated {odds:.3f}")
    assert wrong == []
    assert compared > 300


def _code(drawn: Choices, value: object) -> int:
    return next(code for code, label in enumerate(drawn.labels) if label == value and type(label) is type(value))


def test_every_number_has_the_middle_and_the_limits_that_the_recipe_states() -> None:
    wrong, compared = [], 0
    for name, index, _, case in _stated():
        drawn, shape = world()[name], case.shape
        if not isinstance(drawn, Numbers) or shape is None:
            continue
        values = drawn.values[_those(name, index)]
        if len(values) < 300:
            continue
        compared += 1
        assert values.min() >= shape.at_least
        assert values.max() <= shape.at_most
        expected = _median(case)
        # The median has a standard error of 0.5 / √n in ranks; rounding moves it by half a unit of the last decimal.
        low, high = np.quantile(values, [0.5 - 2.5 / math.sqrt(len(values)), 0.5 + 2.5 / math.sqrt(len(values))])
        rounding = 0.5 / 10 ** int(drawn.decimals.min())
        if not low - rounding <= expected <= high + rounding:
            wrong.append(f"{name}[{index}]: {low} to {high}, stated {expected}")
    assert wrong == []
    assert compared > 10


def _median(case: Chance) -> float:
    """Return the median of what is left between the limits, by drawing plainly."""
    chance = np.random.default_rng(0)
    if case.normal is not None:
        plain = chance.normal(case.normal.mean, case.normal.sd, 400_000)
        kept = plain[(plain >= case.normal.at_least) & (plain <= case.normal.at_most)]
    else:
        assert case.log_normal is not None
        plain = np.exp(chance.normal(math.log(case.log_normal.median), math.log(case.log_normal.spread), 400_000))
        kept = plain[(plain >= case.log_normal.at_least) & (plain <= case.log_normal.at_most)]
    return float(np.median(kept))


def test_values_are_left_out_as_often_as_the_recipe_states() -> None:
    for name, share in recipe().not_known.shares.items():
        if name.startswith("line_") or name == "prior_systemic":
            continue
        there = world()[name].given()
        seen = cohort()[name].is_null().to_numpy()[there].mean()
        assert abs(seen - share) <= 5 * math.sqrt(share * (1 - share) / there.sum()) + 0.002, name
        assert cohort()[name].is_null().to_numpy()[~there].all(), name


def test_the_gaps_of_one_patient_go_together() -> None:
    gaps = cohort().select(pl.col("afp_ng_ml", "weight_kg", "inr", "amenable_to_tace").is_null().cast(pl.Int8))
    tumour = world()["tumour"].meets("hcc")
    assert np.corrcoef(gaps.to_numpy()[tumour].T).min() > 0.08


# What follows what


def _numbers(name: str, those: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    drawn: Drawn = world()[name]
    return np.asarray(drawn.values[those] if isinstance(drawn, Numbers) else drawn.codes[those].astype(np.float64))


def _ranks(name: str, those: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return values as ranks, so that the shape of their distribution does not matter."""
    return pl.Series(_numbers(name, those)).rank().to_numpy()


@pytest.mark.parametrize(
    ("one", "other", "sign"),
    [
        ("bilirubin_umol_l", "albumin_g_l", -1),
        ("bilirubin_umol_l", "inr", 1),
        ("bilirubin_umol_l", "ascites", 1),
        ("ascites", "encephalopathy", 1),
        ("largest_tumour_cm", "liver_involvement_percent", 1),
        ("largest_tumour_cm", "afp_ng_ml", 1),
        ("portal_vein_invasion", "afp_ng_ml", 1),
        ("age_years", "weight_kg", -1),
    ],
)
def test_facts_go_together_within_a_stage(one: str, other: str, sign: int) -> None:
    """Compare patients of the same stage and regions, so that neither makes the facts go together."""
    those = world()["advanced_by"].meets(["vessels", "spread_and_vessels"]) & world()["region"].meets(["us", "eu"])
    found = np.corrcoef(np.stack([_ranks(name, those) for name in (one, other)]))
    assert sign * found.ravel()[1] > 0.05


def test_more_advanced_disease_means_more_afp_and_more_lines_of_therapy() -> None:
    afp = [
        np.nanmedian(_numbers("afp_ng_ml", world()["disease"].meets(stage)))
        for stage in ("early", "intermediate", "advanced")
    ]
    assert afp == sorted(afp)
    early, advanced = (
        np.mean(_numbers("lines", world()["disease"].meets(stage)) > 0) for stage in ("early", "advanced")
    )
    assert early < 0.1 < advanced


def test_varices_are_seen_with_an_invaded_portal_vein_more_often_than_without() -> None:
    seen = world()["varices"].given() & world()["cirrhosis"].meets(True)
    free = world()["portal_vein_invasion"].meets("none")
    some = ~world()["varices"].meets("none")
    assert some[seen & ~free].mean() > some[seen & free].mean() + 0.05


def test_the_figures_of_the_reviews_come_out() -> None:
    hcc = world()["tumour"].meets("hcc")
    incurable = world()["disease"].meets(["advanced", "terminal"])[hcc].mean()
    assert incurable > 0.5  # SYS-011
    resectable = world()["amenable_to_resection"].meets(True)[hcc].mean()
    assert abs(resectable - 0.2) < 0.015  # SYS-381
    etiology = world()["etiology"]
    assert isinstance(etiology, Choices)
    for region, hbv, hcv in (("china", 0.71, 0.11), ("eu", 0.19, 0.29)):  # SYS-030
        those = hcc & world()["region"].meets(region)
        for cause, stated in (("hbv", hbv), ("hcv", hcv)):
            named = etiology.meets([label for label in etiology.labels if cause in str(label)])
            assert abs(named[those].mean() - stated) < 0.03
    before = [world()["lines"].meets(count) & world()["disease"].meets("advanced") for count in (1, 2)]
    assert abs(before[0].sum() / (before[0].sum() + before[1].sum()) - 0.72) < 0.03  # SYS-098


# Cells of a history


def test_a_history_is_short_where_short_forms_say_all_and_json_where_more_is_told() -> None:
    first = {
        "option": pl.Series([None, "a", "a", "a", "a"]),
        "outcome": pl.Series([None, "progression", "intolerance", "progression", "progression"]),
        "last_daily_dose_mg": pl.Series([None, None, None, "400", None], dtype=pl.String),
    }
    second = {
        "option": pl.Series([None, "b", None, "b", None]),
        "outcome": pl.Series([None, "ongoing", None, "completed", None]),
    }
    cells = history_cells([first, second], np.array([True, True, True, True, False]))
    assert cells.to_list() == [
        "[]",
        "a;b:ongoing",
        "a:intolerance",
        '[{"option": "a", "outcome": "progression", "last_daily_dose_mg": 400}, {"option": "b", "outcome": "completed"}]',
        None,
    ]
    assert record_from_csv({"prior_systemic": cells[3]})["prior_systemic"][0]["last_daily_dose_mg"] == 400


# What the docs print


def test_every_case_is_described_with_its_source_or_an_assumption(knowledge: Knowledge) -> None:
    rows = describe(recipe())
    assert len(rows) == sum(max(len(draw.cases), 1) for draw in recipe().draws.values())
    assert all(row.source or row.assumption for row in rows)
    assert sum(shares(recipe())) == len(rows)
    cited = {
        claim
        for draw in recipe().draws.values()
        for claim in (*draw.claims, *(c for case in draw.cases for c in case.claims))
    }
    assert cited
    assert all(any(claim in row.source for row in rows) for claim in cited)


def test_the_shipped_recipe_has_no_findings(knowledge: Knowledge) -> None:
    assert inspect_synthetic(knowledge, Path(ROOT / "rules"))[1] == []
