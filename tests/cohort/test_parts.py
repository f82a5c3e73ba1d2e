"""The patients of each setting are judged by themselves, and options of other settings are left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hcc_decide.cohort.columns import Decided
from hcc_decide.cohort.decide import Decider
from tests.cohort.rows import chunk_of
from tests.conftest import shipped_engine, shipped_knowledge

Record = dict[str, Any]
FIRST_LINE: Record = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 0, "prior_systemic": []}
SECOND_LINE: Record = {**FIRST_LINE, "prior_systemic": [{"option": "sorafenib", "outcome": "progression"}]}
LIVER_METASTASIS: Record = {"tumour": "liver_metastasis", "primary_site": "colorectal"}
NOTHING_KNOWN: Record = {"tumour": "hcc"}


@pytest.fixture(scope="module")
def mixed() -> Decided:
    return Decider(shipped_engine()).decide(
        chunk_of([FIRST_LINE, NOTHING_KNOWN, LIVER_METASTASIS, SECOND_LINE, FIRST_LINE])
    )


def test_every_class_stands_in_exactly_one_part(mixed: Decided) -> None:
    rows = np.concatenate([part.rows for part in mixed.parts])
    assert sorted(rows.tolist()) == list(range(mixed.encoded.classes))
    assert len(mixed.parts) == 4


def test_a_part_judges_the_options_of_its_settings_and_no_others(mixed: Decided) -> None:
    options = shipped_knowledge().options
    for part in mixed.parts:
        setting = mixed.wording.settings[part.setting]
        if setting == "undetermined":
            continue
        expected = {name for name, treatment in options.items() if setting in treatment.settings}
        assert set(part.judged.options) == expected


def test_who_may_be_in_several_settings_is_judged_for_all_of_them(mixed: Decided) -> None:
    settings = mixed.wording.settings
    (open_part,) = (part for part in mixed.parts if settings[part.setting] == "undetermined")
    in_first_line = next(part for part in mixed.parts if settings[part.setting] == "first_line")
    assert set(in_first_line.judged.options) < set(open_part.judged.options)


def test_a_second_table_of_the_same_patients_asks_the_engine_nothing() -> None:
    decider = Decider(shipped_engine())
    decider.decide(chunk_of([FIRST_LINE, SECOND_LINE]))
    judged = decider.tables.judged
    decider.decide(chunk_of([SECOND_LINE, FIRST_LINE]))
    assert decider.tables.judged == judged


def test_rows_come_out_in_the_order_of_the_table_whatever_their_part(mixed: Decided) -> None:
    table = mixed.frame()
    assert table["line"].to_list() == mixed.chunk.lines.to_list()
    assert table["setting"].to_list() == ["first_line", "undetermined", "liver_metastasis", "second_line", "first_line"]
    assert table.row(0)[2:] == table.row(4)[2:]


def test_no_text_stands_twice_in_the_dictionary_of_a_column(mixed: Decided) -> None:
    for name, column in zip(mixed.table().column_names, mixed.table().columns, strict=True):
        for chunk in column.chunks:
            if hasattr(chunk, "dictionary"):
                texts = chunk.dictionary.to_pylist()
                assert len(texts) == len(set(texts)), name
