"""What was given beside what the rules say, row by row and in rates."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hcc_decide.cohort.concordance import (
    AGREEMENTS,
    JUDGED,
    Concord,
    Rate,
    concord,
    score,
)
from hcc_decide.cohort.tally import Tally
from hcc_decide.decision import VERDICTS
from hcc_decide.knowledge.catalogue import Knowledge
from tests.conftest import ROOT

ALREADY_FAILED = "options/sorafenib/already-failed"
CHILD_PUGH = "options/sorafenib/child-pugh-b"


@dataclass(frozen=True)
class Row:
    """One decided row: how the option that was given stands, and what was written."""

    given: str | None
    verdict: str = "recommended"
    rank: int | None = 1
    setting: str = "first_line"
    would_be: str | None = None
    not_met: str | None = None
    first_choice: str = "lenvatinib"


@dataclass(frozen=True)
class ByHand:
    """Standings made by hand; they say how an option stands for the rows that are asked about, in that order."""

    rows: tuple[Row, ...]

    @property
    def lines(self) -> pl.Series:
        return pl.Series(range(2, len(self.rows) + 2))

    @property
    def case_ids(self) -> pl.Series:
        return pl.Series([f"case-{number}" for number, _ in enumerate(self.rows)])

    @property
    def setting(self) -> pl.Series:
        return pl.Series([row.setting for row in self.rows])

    @property
    def first_choice(self) -> pl.Series:
        return pl.Series([row.first_choice for row in self.rows])

    def of(self, option: str, rows: np.ndarray) -> pl.DataFrame:
        asked = [self.rows[place] for place in rows]
        return pl.DataFrame(
            {
                "rank": [row.rank for row in asked],
                "verdict": [row.verdict for row in asked],
                "would_be": [row.would_be for row in asked],
                "not_met": [row.not_met for row in asked],
            },
            schema={"rank": pl.Int32, "verdict": pl.String, "would_be": pl.String, "not_met": pl.String},
        )


def compared(knowledge: Knowledge, *rows: Row, tally: Tally | None = None) -> Concord:
    given = pl.Series("treatment", [row.given for row in rows], dtype=pl.String)
    return concord(given, ByHand(rows), knowledge, Tally() if tally is None else tally)


def agreement(knowledge: Knowledge, row: Row) -> str:
    return str(compared(knowledge, row).columns["agreement"].item())


@pytest.mark.parametrize("verdict", ["preferred", "recommended", "alternative"])
def test_a_usable_option_of_rank_1_is_a_first_choice_and_below_it_is_usable(knowledge: Knowledge, verdict: str) -> None:
    assert agreement(knowledge, Row("sorafenib", verdict, rank=1)) == "first_choice"
    assert agreement(knowledge, Row("sorafenib", verdict, rank=2)) == "usable"


def test_an_investigational_option_is_no_first_choice_even_where_nothing_stands_above_it(knowledge: Knowledge) -> None:
    assert agreement(knowledge, Row("nivolumab", "investigational", rank=1)) == "investigational"


@pytest.mark.parametrize("verdict", ["ineligible", "not_recommended"])
def test_what_the_patient_fails_or_the_evidence_speaks_against_is_against(knowledge: Knowledge, verdict: str) -> None:
    assert agreement(knowledge, Row("sorafenib", verdict, rank=None)) == "against"
    assert agreement(knowledge, Row("sorafenib", verdict, rank=None, setting="undetermined")) == "against"


def test_an_option_of_another_setting_is_elsewhere_unless_the_setting_is_open(knowledge: Knowledge) -> None:
    assert agreement(knowledge, Row("regorafenib", "not_applicable", rank=None)) == "elsewhere"
    assert agreement(knowledge, Row("regorafenib", "not_applicable", None, "undetermined")) == "undetermined"


def test_an_undetermined_option_is_not_judged_whatever_it_would_be(knowledge: Knowledge) -> None:
    for would_be in ("preferred", "ineligible"):
        assert agreement(knowledge, Row("sorafenib", "undetermined", rank=1, would_be=would_be)) == "undetermined"


def test_every_verdict_has_its_agreement(knowledge: Knowledge) -> None:
    found = {agreement(knowledge, Row("sorafenib", verdict, rank=3)) for verdict in VERDICTS}
    assert found == {"usable", "investigational", "undetermined", "against", "elsewhere"}


@pytest.mark.parametrize("text", [None, "", "  ", "\t"])
def test_an_empty_cell_is_not_told(knowledge: Knowledge, text: str | None) -> None:
    found = compared(knowledge, Row(text)).columns
    assert found["agreement"].item() == "not_told"
    assert found["given"].item() == text


@pytest.mark.parametrize("text", ["sorafenib;lenvatinib", "other", "Nexavar", "sorafenib!", "soraf"])
def test_a_text_that_is_not_one_option_is_not_understood_and_never_guessed(knowledge: Knowledge, text: str) -> None:
    tally = Tally()
    found = compared(knowledge, Row(f" {text} "), tally=tally).columns
    assert found.row(0) == (f" {text} ", None, None, None, None, None, "not_understood")
    assert tally.not_understood == {text: 1}
    assert tally.concordance == {("first_line", "not_understood", ""): 1}


def test_ids_and_aliases_are_understood_in_any_letter_case_and_with_blanks_around_them(knowledge: Knowledge) -> None:
    rows = [Row(text) for text in ("sorafenib", " SORAFENIB ", "rfa", "Bevacizumab+Sorafenib")]
    found = compared(knowledge, *rows).columns
    assert found["given_option"].to_list() == ["sorafenib", "sorafenib", "ablation", "sorafenib+bevacizumab"]
    assert found["given"].to_list() == [row.given for row in rows]


def test_every_id_and_alias_of_the_catalogue_is_understood(knowledge: Knowledge) -> None:
    found = compared(knowledge, *(Row(name.upper()) for name in knowledge.option_ids)).columns
    assert found["given_option"].to_list() == list(knowledge.option_ids.values())


def test_columns_keep_the_order_of_the_rows_whatever_option_each_was_given(knowledge: Knowledge) -> None:
    rows = (
        Row("lenvatinib", rank=1),
        Row("sorafenib", "ineligible", None, not_met=f"{ALREADY_FAILED};{CHILD_PUGH}"),
        Row(None),
        Row("LENVATINIB", "undetermined", 4, would_be="recommended"),
        Row("sorafenib", rank=2),
    )
    assert compared(knowledge, *rows).columns.rows() == [
        ("lenvatinib", "lenvatinib", 1, "recommended", None, None, "first_choice"),
        ("sorafenib", "sorafenib", None, "ineligible", None, f"{ALREADY_FAILED};{CHILD_PUGH}", "against"),
        (None, None, None, None, None, None, "not_told"),
        ("LENVATINIB", "lenvatinib", 4, "undetermined", "recommended", None, "undetermined"),
        ("sorafenib", "sorafenib", 2, "recommended", None, None, "usable"),
    ]


def test_a_disagreement_is_every_judged_row_that_is_no_first_choice(knowledge: Knowledge) -> None:
    rows = (
        Row("lenvatinib"),
        Row("sorafenib", rank=2),
        Row("nivolumab", "investigational", 5),
        Row("sorafenib", "ineligible", None, not_met=ALREADY_FAILED),
        Row("regorafenib", "not_applicable", None),
        Row("sorafenib", "undetermined", 3, would_be="recommended"),
        Row("???"),
        Row(""),
    )
    found = compared(knowledge, *rows).disagreements
    assert found.rows() == [
        (3, "case-1", "first_line", "sorafenib", "usable", 2, "recommended", None, None, "lenvatinib"),
        (4, "case-2", "first_line", "nivolumab", "investigational", 5, "investigational", None, None, "lenvatinib"),
        (5, "case-3", "first_line", "sorafenib", "against", None, "ineligible", None, ALREADY_FAILED, "lenvatinib"),
        (6, "case-4", "first_line", "regorafenib", "elsewhere", None, "not_applicable", None, None, "lenvatinib"),
    ]


def test_the_tally_grows_by_each_part_and_equals_that_of_the_whole(knowledge: Knowledge) -> None:
    rows = [
        Row("sorafenib", "ineligible", None, not_met=f"{ALREADY_FAILED};{CHILD_PUGH}"),
        Row("sorafenib", "ineligible", None, not_met=ALREADY_FAILED),
        Row("lenvatinib", setting="second_line"),
        Row("what", setting="second_line"),
        Row(None),
    ]
    whole, parts = Tally(), Tally()
    compared(knowledge, *rows, tally=whole)
    for row in rows:
        part = Tally()
        compared(knowledge, row, tally=part)
        parts.add(part)
    assert parts == whole
    assert whole.concordance == {
        ("first_line", "against", "sorafenib"): 2,
        ("second_line", "first_choice", "lenvatinib"): 1,
        ("second_line", "not_understood", ""): 1,
        ("first_line", "not_told", ""): 1,
    }
    assert whole.reasons == {("sorafenib", ALREADY_FAILED): 2, ("sorafenib", CHILD_PUGH): 1}


def test_a_chunk_without_rows_gives_empty_columns_of_the_same_names(knowledge: Knowledge) -> None:
    found, full = compared(knowledge), compared(knowledge, Row("sorafenib"))
    assert found.columns.schema == full.columns.schema
    assert found.disagreements.columns == full.disagreements.columns
    assert len(found.columns) == 0


def test_another_number_of_cells_than_of_rows_is_an_error(knowledge: Knowledge) -> None:
    with pytest.raises(ValueError, match="2 cells of what was given for 1 decided rows"):
        concord(pl.Series(["sorafenib", None]), ByHand((Row("sorafenib"),)), knowledge, Tally())


def test_each_option_is_asked_for_once_and_many_rows_take_no_time(knowledge: Knowledge) -> None:
    count = 100_000
    asked: list[str] = []

    class Many:
        lines = pl.Series(np.arange(count))
        case_ids = pl.Series(["c"] * count)
        setting = pl.Series(["first_line"] * count)
        first_choice = pl.Series(["lenvatinib"] * count)

        def of(self, option: str, rows: np.ndarray) -> pl.DataFrame:
            asked.append(option)
            verdict = pl.repeat("recommended", len(rows), eager=True)
            none = pl.repeat(None, len(rows), dtype=pl.String, eager=True)
            return pl.DataFrame({"rank": rows % 3 + 1, "verdict": verdict, "would_be": none, "not_met": none})

    names = list(knowledge.options)
    standings, tally = Many(), Tally()
    start = time.perf_counter()
    found = concord(pl.Series([names[row % len(names)] for row in range(count)]), standings, knowledge, tally)
    assert time.perf_counter() - start < 3
    assert sorted(asked) == sorted(names)
    assert found.columns["given_rank"].to_list()[:4] == [1, 2, 3, 1]
    assert score(tally).first_choice == Rate(33334, count)


@pytest.mark.parametrize(
    ("numerator", "denominator", "low", "high"),
    # Newcombe, Stat Med 1998;17:857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_that_the_literature_prints(
    numerator: int, denominator: int, low: float, high: float
) -> None:
    found = Rate(numerator, denominator).interval
    assert found is not None
    assert found == pytest.approx((low, high), abs=0.00005)


def test_a_rate_of_nobody_has_no_share_and_one_of_all_ends_at_1() -> None:
    assert (Rate(0, 0).share, Rate(0, 0).interval) == (None, None)
    assert Rate(20, 20).interval == pytest.approx((0.8389, 1.0), abs=0.00005)


def test_rates_divide_by_what_is_judged() -> None:
    tally = Tally()
    for place, kind in enumerate(AGREEMENTS, start=1):
        tally.concordance["first_line", kind, "sorafenib"] = place
        tally.concordance["second_line", kind, "lenvatinib"] = 100
    found = score(tally, setting="first_line")
    assert found.judged == 1 + 2 + 3 + 4 + 5
    assert found.told == sum(range(1, 8))
    assert (found.first_choice, found.usable) == (Rate(1, 15), Rate(3, 15))
    assert score(tally, option="lenvatinib").first_choice == Rate(100, 500)
    assert score(tally).first_choice == Rate(101, 515)
    assert score(tally, setting="curative").judged == 0


def test_the_rule_of_scoring_in_the_docs_is_the_one_of_the_program() -> None:
    text = (Path(ROOT) / "docs" / "concordance.md").read_text(encoding="utf-8")
    for name, meaning in AGREEMENTS.items():
        assert f"| `{name}` | {meaning} | {'yes' if name in JUDGED else 'no'} |" in text
