"""The cells of CSV files as they stand in the bytes, what has been met of them, and what they mean."""

from __future__ import annotations

import csv
import io
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hcc_decide.cohort import encode, meaning
from hcc_decide.cohort.encode import Encoded, Encoder
from hcc_decide.cohort.known import MOST_WORDS, UNKNOWN, Known, Words
from hcc_decide.cohort.meaning import Model
from hcc_decide.cohort.read import open_table
from hcc_decide.cohort.reading.cells import CsvCells
from hcc_decide.cohort.shape import Chunk
from hcc_decide.patient import Patient, PriorLine
from tests.cohort.rows import frame_from, frame_of
from tests.conftest import shipped_knowledge

KNOWLEDGE = shipped_knowledge()
MODEL = Model(KNOWLEDGE)
LONG = 8 * MOST_WORDS
AFTER_SORAFENIB: dict[str, Any] = {"case_id": "a", "bclc_stage": "C", "child_pugh_class": "A", "ecog": 0}
UNTREATED: dict[str, Any] = {"case_id": "b", "bclc_stage": "C", "ecog": 1, "albumin_g_l": 38.5, "prior_systemic": []}
REFUSED: dict[str, Any] = {"case_id": "c", "ecog": 9, "afp_ng_ml": "high"}


def columns(rows: Sequence[tuple[int, ...]], width: int) -> list[Words]:
    return [np.array([row[place] for row in rows], dtype=np.uint64) for place in range(width)]


words = st.sampled_from([0, 1, 2, 1 << 63, (1 << 64) - 1]) | st.integers(0, (1 << 64) - 1)


@given(st.lists(st.lists(words, min_size=1, max_size=MOST_WORDS).map(tuple), max_size=40))
def test_rows_of_words_are_found_by_the_number_that_they_were_added_with(drawn: list[tuple[int, ...]]) -> None:
    known = Known()
    numbers: dict[tuple[int, ...], int] = {}
    for row in drawn:
        whole = (*row, *(0,) * (MOST_WORDS - len(row)))
        (found,) = known.find(columns([row], len(row))).tolist()
        assert found == numbers.get(whole, UNKNOWN)
        if found == UNKNOWN:
            numbers[whole] = len(numbers)
            known.add(columns([row], len(row)), np.array([numbers[whole]]))
    assert known.find(columns(list(numbers), MOST_WORDS)).tolist() == list(numbers.values())


def test_as_many_rows_as_come_are_found_again() -> None:
    known = Known()
    every = np.random.default_rng(1).permutation(np.arange(50_000, dtype=np.uint64) << np.uint64(20))
    for start in range(0, len(every), 7_000):
        part = every[start : start + 7_000]
        assert (known.find([part]) == UNKNOWN).all()
        known.add([part], np.arange(start, start + len(part)))
    assert (known.find([every]) == np.arange(len(every))).all()
    assert (known.find([every + np.uint64(1)]) == UNKNOWN).all()
    assert len(known) == len(every)


def read(path: Path, rows: int = 100_000) -> list[Chunk]:
    with open_table(path, rows=rows) as table:
        return list(table.chunks())


def csv_of(frame: pl.DataFrame, line_break: str = "\n", quoting: Any = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_break, quoting=quoting)
    writer.writerow(frame.columns)
    writer.writerows(frame.rows())
    return text.getvalue()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "cohort.csv"
        path.write_bytes(text.encode())
        return path

    return write


# What the cells of a table may need: quotation marks, more bytes than characters, more bytes than fit into words.
texts = st.text(st.sampled_from('ab",\n\r é€𝄞'), max_size=8) | st.sampled_from(
    ["x" * n for n in (7, 8, 9, 16, LONG, 90)]
)


@given(
    table=st.integers(2, 4).flatmap(
        lambda n: st.lists(st.lists(texts, min_size=n, max_size=n), min_size=1, max_size=6)
    ),
    form=st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_ALL)]),
    cut_off=st.booleans(),
)
def test_cells_are_read_where_they_stand(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]], form: tuple[str, Any], cut_off: bool
) -> None:
    names = [f"c{place}" for place in range(len(table[0]))]
    frame = pl.DataFrame(table, schema=dict.fromkeys(names, pl.String), orient="row")
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    text = csv_of(frame, *form)
    path.write_bytes((text.removesuffix(form[0]) if cut_off else text).encode())
    (chunk,) = read(path)
    expected = [tuple(cell or None for cell in row) for row in table]
    cells = chunk.cells
    assert frame_from(chunk).rows() == expected
    assert [tuple(cells.row(place, named=True).values()) for place in range(cells.height)] == expected
    if isinstance(cells, CsvCells):
        again: CsvCells = pickle.loads(pickle.dumps(cells))
        assert again.frame().rows() == expected
        for name in names:
            found, long = cells.words(name)
            raw = cells.raw(name, np.arange(cells.height))
            assert long.tolist() == [place for place, cell in enumerate(raw) if len(cell) > LONG]
            rows = list(zip(*(word.tolist() for word in found), strict=True))
            for one, first in zip(raw, rows, strict=True):
                for other, second in zip(raw, rows, strict=True):
                    assert (first == second) == (one == other) or max(len(one), len(other)) > LONG


@pytest.mark.parametrize(
    ("text", "in_place"),
    [
        ("a,b\n1,2\n3,4\n", True),
        ('a,b\r\n"1,\n",2\r\n3,"4"', True),
        ("a,b\n1,2\n\n3,4\n", False),
        ("a,b\n1,2\n3\n", False),
        ("a,b\n\n1,2,3\n", False),
        ("a,b\n1,2,3\n4\n", False),
        ('a,b\n1,2\n5" tumour,4\n', False),
        ("a,b\r1,2\r3,4\r", False),
        ("a\n1\n2\n", False),
    ],
)
def test_only_rows_that_are_all_in_order_are_read_where_they_stand(
    written: Callable[[str], Path], text: str, in_place: bool
) -> None:
    (chunk,) = read(written(text))
    assert isinstance(chunk.cells, CsvCells) == in_place


def classes_of(encoder: Encoder, encoded: Encoded) -> list[tuple[Any, ...]]:
    """Return the class of each accepted row: of each part what stands for it."""
    kinds = {part: list(encoder._codes[part]) for part in encoder.classes.parts}
    return [tuple(kinds[part][encoded.codes[part][place]] for part in kinds) for place in encoded.inverse]


def many() -> pl.DataFrame:
    """Rows of more distinct cells than are looked at one by one, some of them refused, some written otherwise."""
    lines = [{"option": "sorafenib", "last_daily_dose_mg": dose, "outcome": "intolerance"} for dose in range(400)]
    records: list[dict[str, Any]] = [
        {
            **AFTER_SORAFENIB,
            "afp_ng_ml": step / 8,
            "bilirubin_umol_l": 5 + step % 40,
            "prior_systemic": [lines[step % 400]],
        }
        for step in range(3_000)
    ]
    frame = frame_of(
        [*records, UNTREATED, REFUSED, {**UNTREATED, "refractory_to_tace": True, "amenable_to_tace": True}]
    )
    other = frame.tail(3).with_columns(ecog=pl.lit(" 1 "), tumour=pl.lit("  "), afp_ng_ml=pl.lit("+12.50"))
    return pl.concat([frame, other, frame.head(300)])


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_rows_of_a_csv_file_are_of_the_same_classes_as_those_of_a_frame(
    written: Callable[[str], Path], quoting: Any
) -> None:
    frame = many()
    (chunk,) = read(written(csv_of(frame, quoting=quoting)))
    assert isinstance(chunk.cells, CsvCells)
    encoders = Encoder(KNOWLEDGE), Encoder(KNOWLEDGE)
    ours, theirs = encoders[0].encode(chunk), encoders[1].encode(Chunk(0, chunk.lines, frame))
    assert ours.rows.tolist() == theirs.rows.tolist()
    assert ours.refused == theirs.refused
    assert len(ours.refused) == 3
    assert classes_of(encoders[0], ours) == classes_of(encoders[1], theirs)
    assert ours.keys[ours.inverse].tolist() == theirs.keys[theirs.inverse].tolist()
    assert ours.given == theirs.given
    for name, numbers in ours.numbers.items():
        assert np.array_equal(numbers, theirs.numbers[name], equal_nan=True)


def test_a_class_is_that_of_the_record_alone_and_each_stands_there_once(written: Callable[[str], Path]) -> None:
    (chunk,) = read(written(csv_of(many())))
    encoder = Encoder(KNOWLEDGE)
    encoded = encoder.encode(chunk)
    found = classes_of(encoder, encoded)
    assert found == [encoder.classes.of(encoder.patient(chunk, row)) for row in encoded.rows.tolist()]
    assert encoded.classes == len(set(found)) < len(found)
    # In the order in which the table has them.
    assert list(dict.fromkeys(encoded.inverse.tolist())) == list(range(encoded.classes))


def test_a_table_without_a_column_that_matters_has_one_class() -> None:
    encoder = Encoder(KNOWLEDGE)
    for height in (0, 1, 3):
        cells = pl.DataFrame({"case_id": ["x"] * height}, schema={"case_id": pl.String})
        encoded = encoder.encode(Chunk(0, pl.Series(range(height), dtype=pl.Int64), cells))
        assert encoded.classes == min(height, 1)
        assert encoded.keys.tolist() == encoder.encode(Chunk(0, pl.Series([0]), cells.head(1))).keys.tolist()


def test_cells_that_are_forgotten_are_read_anew(
    written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(csv_of(many()))
    whole = [encoded.keys[encoded.inverse] for encoded in map(Encoder(KNOWLEDGE).encode, read(path, 500))]
    for module in (meaning, encode):
        monkeypatch.setattr(module, "MOST", 3)
    forgetful = [encoded.keys[encoded.inverse] for encoded in map(Encoder(KNOWLEDGE).encode, read(path, 500))]
    assert len(whole) > 5
    assert [part.tolist() for part in whole] == [part.tolist() for part in forgetful]


def test_classes_whose_keys_are_equal_by_chance_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "_number", lambda text: 7)
    encoder = Encoder(KNOWLEDGE)
    frame = frame_of([UNTREATED, AFTER_SORAFENIB, UNTREATED])
    chunk = Chunk(0, pl.Series([2, 3, 4]), frame)
    encoded = encoder.encode(chunk)
    expected = [encoder.classes.of(encoder.patient(chunk, row)) for row in range(3)]
    assert expected[0] != expected[1]
    assert classes_of(encoder, encoded) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0.01, 500) | st.sampled_from([34.2, 51.3, 10.0]),
            st.floats(1, 60) | st.sampled_from([28.0, 35.0, 40.0]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_a_running_score_is_of_the_class_that_its_two_values_make(pairs: list[tuple[float, float]]) -> None:
    encoder = Encoder(KNOWLEDGE)
    cells = pl.DataFrame(
        {"bilirubin_umol_l": [one for one, _ in pairs] + [None], "albumin_g_l": [other for _, other in pairs] + [1.0]}
    )
    encoded = encoder.encode(Chunk(0, pl.Series(range(cells.height)), cells))
    score = encoder.classes.parts.index("albi_score")
    found = [kinds[score] for kinds in classes_of(encoder, encoded)]
    assert found == [encoder.classes.of_score("albi_score", *pair) for pair in (*pairs, (None, 1.0))]


things: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 200)
    | st.floats()
    | st.sampled_from(["", "A", "sorafenib", "1", "none"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*PriorLine.model_fields, "dose"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*Model(KNOWLEDGE).numbers, "prior_systemic", "tumour", "etiology"]), things)
def test_a_cell_means_what_the_record_of_this_field_alone_means(name: str, item: Any) -> None:
    assume(not isinstance(item, str))  # a text is read as the cell of a CSV table
    try:
        expected = (getattr(Patient.model_validate({name: item}, context=KNOWLEDGE.option_ids), name), item is not None)
    except ValidationError:
        expected = None
    assert MODEL.values(name, [item], json_text=False) == [expected]
    sound = {"prior_systemic": [], "tumour": "hcc", "etiology": ["hbv"]}.get(name, 7 if name != "ecog" else 2)
    if name == "albi_grade":
        sound = 2
    # Beside others it means the same, whatever becomes of these.
    for other in (sound, None, "?"):
        assert MODEL.values(name, [other, item, sound], json_text=False)[1] == expected
