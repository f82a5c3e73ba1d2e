"""Columns of repeated texts: each text once, whatever stands in them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from hcc_decide.cohort.texts import Flags, cells, long_cells, numbers_column, used

texts = st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=8)


@given(st.data())
def test_a_column_says_what_its_places_say_with_no_text_twice(data: st.DataObject) -> None:
    choice = data.draw(texts)
    places = data.draw(st.lists(st.integers(0, len(choice) - 1), max_size=30))
    column = cells(np.array(places, dtype=np.int64), choice)
    assert column.to_pylist() == [choice[place] for place in places]
    distinct = column.dictionary.to_pylist()
    assert len(distinct) == len(set(distinct))
    assert set(distinct) == {choice[place] for place in places} - {None}


@given(st.lists(st.integers(0, 5), max_size=30))
def test_a_column_of_long_texts_holds_those_that_are_used(places: list[int]) -> None:
    choice = [f"text {number}" for number in range(6)]
    column = long_cells(np.array(places, dtype=np.int64), choice)
    assert column.to_pylist() == [choice[place] for place in places]
    assert len(column.dictionary) == len(set(places))


@given(st.lists(st.tuples(st.integers(-9, 9), st.booleans()), max_size=40))
def test_numbers_that_are_not_valid_are_null(drawn: list[tuple[int, bool]]) -> None:
    numbers = np.array([number for number, _ in drawn], dtype=np.int32)
    column = numbers_column(numbers, np.array([valid for _, valid in drawn], dtype=bool))
    column.validate(full=True)
    assert column.to_pylist() == [number if valid else None for number, valid in drawn]
    assert numbers_column(numbers).to_pylist() == [number for number, _ in drawn]
    assert column.type == pa.int32()


@given(st.lists(st.integers(0, 20), max_size=40))
def test_the_numbers_in_use_are_told_in_order_with_the_place_of_each(drawn: list[int]) -> None:
    distinct, places = used(np.array(drawn, dtype=np.int64), 21)
    assert distinct.tolist() == sorted(set(drawn))
    assert distinct[places].tolist() == drawn


def test_flags_name_what_holds_and_nothing_else() -> None:
    flags = Flags(["a", "b", "c"])
    held = [np.array([True, False, False]), np.array([True, True, False]), np.array([False, False, False])]
    places, written = flags.cells(held, 3)
    assert [written[place] for place in places] == ["a;b", "b", ""]
    assert written[flags.nothing] == ""


def test_writing_a_column_does_not_load_pandas() -> None:
    program = (
        "import sys, numpy as np\n"
        "from hcc_decide.cohort.texts import cells, numbers_column\n"
        "cells(np.array([0, 1]), ['a', None]); numbers_column(np.array([1]), np.array([True]))\n"
        "print('pandas' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
