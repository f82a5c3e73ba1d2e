"""What is read from a table, where it stands, and what is said of a table that cannot be read."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcc_decide.cohort.read import open_table
from hcc_decide.cohort.reading.records import split
from hcc_decide.cohort.shape import Broken, Chunk, CohortError
from tests.cohort.rows import frame_from

Rows = list[tuple[int, dict[str, Any]]]


def chunks_of(path: Path, rows: int = 100_000) -> list[Chunk]:
    with open_table(path, rows=rows) as table:
        return list(table.chunks())


def read(path: Path, rows: int = 100_000) -> tuple[Rows, list[Broken]]:
    """Read a table whole: each row with its place, and the broken ones."""
    chunks = chunks_of(path, rows)
    lines = [line for chunk in chunks for line in chunk.lines]
    cells = [row for chunk in chunks for row in frame_from(chunk).to_dicts()]
    return list(zip(lines, cells, strict=True)), [row for chunk in chunks for row in chunk.broken]


def values(path: Path, rows: int = 100_000) -> list[dict[str, Any]]:
    """Read a table whole, and its JSON cells as what they say."""
    found = []
    for chunk in chunks_of(path, rows):
        for row in frame_from(chunk).to_dicts():
            found.append({k: json.loads(v) if k in chunk.json and v is not None else v for k, v in row.items()})
    return found


def refusal(path: Path, rows: int = 10) -> str:
    """Return the one line that is said of a table when it is read to its end."""
    with pytest.raises(CohortError) as caught:
        chunks_of(path, rows)
    assert len(caught.value.problems) == 1
    assert "\n" not in caught.value.problems[0]
    assert caught.value.problems[0].startswith(f"{path}: ")
    return caught.value.problems[0].removeprefix(f"{path}: ")


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of that content."""

    def write(content: str | bytes, name: str = "cohort.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_csv_file_is_read_as_text_with_null_for_an_empty_cell(written: Callable[..., Path]) -> None:
    path = written('case_id,ecog,etiology\nx,1,hbv;alcohol\ny,,"[]"\nz, 1 ,""\n')
    with open_table(path) as table:
        assert (table.columns, table.kind, table.size) == (("case_id", "ecog", "etiology"), "csv", path.stat().st_size)
        (chunk,) = table.chunks()
        assert frame_from(chunk).rows() == [("x", "1", "hbv;alcohol"), ("y", None, "[]"), ("z", " 1 ", None)]
        assert list(chunk.lines) == [2, 3, 4]
        assert chunk.position == table.size
        assert set(frame_from(chunk).dtypes) == {pl.String}


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_line_numbers_are_those_of_the_file(written: Callable[..., Path], line_break: str) -> None:
    text = '\n\na,b\n\n1,2\n3\n\n\n"x\ny",4\n"one\n\ntwo",""""\n5,6,7\n8,9'
    rows, broken = read(written(text.replace("\n", line_break)))
    inner = line_break
    assert rows == [
        (5, {"a": "1", "b": "2"}),
        (9, {"a": f"x{inner}y", "b": "4"}),
        (11, {"a": f"one{inner}{inner}two", "b": '"'}),
        (15, {"a": "8", "b": "9"}),
    ]
    assert broken == [
        Broken(6, "3", "has 1 cell, the header has 2"),
        Broken(14, "5,6,7", "has 3 cells, the header has 2"),
    ]


def test_a_quotation_mark_within_a_plain_cell_is_read_as_it_stands(written: Callable[..., Path]) -> None:
    rows, broken = read(written('a,b\n5" tumour,1\nx"y"z,"q"\n'))
    assert rows == [(2, {"a": '5" tumour', "b": "1"}), (3, {"a": 'x"y"z', "b": "q"})]
    assert not broken


def test_a_row_with_text_behind_a_closing_quotation_mark_is_broken_and_the_next_is_read(
    written: Callable[..., Path],
) -> None:
    rows, broken = read(written('a,b\n"x"y,1\n"never\nclosed here "before this",2\n3,4\n'))
    assert rows == [(5, {"a": "3", "b": "4"})]
    assert [(row.line, row.text) for row in broken] == [(2, '"x"y,1'), (3, '"never\nclosed here "before this",2')]
    assert all("must be doubled" in row.reason for row in broken)


def test_a_byte_order_mark_is_no_part_of_the_first_name_but_one_further_down_is_data(
    written: Callable[..., Path],
) -> None:
    rows, _ = read(written("\ufeffa,b\n\ufeff1,2\n"))
    assert rows == [(2, {"a": "\ufeff1", "b": "2"})]


def test_a_table_of_one_column_has_an_empty_cell_where_it_is_quoted(written: Callable[..., Path]) -> None:
    rows, _ = read(written('case_id\nx\n\n""\ny'))
    assert rows == [(2, {"case_id": "x"}), (4, {"case_id": None}), (5, {"case_id": "y"})]


@pytest.mark.parametrize("rows", [1, 2, 7, 1000])
def test_chunks_hold_so_many_rows_at_most_and_miss_none(written: Callable[..., Path], rows: int) -> None:
    path = written("a,b\n" + "".join(f'{n},"x\n{n}"\n' if n % 5 else f"{n}\n\n" for n in range(50)))
    chunks = chunks_of(path, rows)
    assert all(0 < chunk.cells.height + len(chunk.broken) <= rows for chunk in chunks)
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert [int(cell) for chunk in chunks for cell in chunk.cells["a"]] == [n for n in range(50) if n % 5]
    assert [int(row.text) for chunk in chunks for row in chunk.broken] == [n for n in range(50) if not n % 5]
    positions = [chunk.position for chunk in chunks]
    assert positions == sorted(positions)
    assert read(path, rows) == read(path, 13)


def test_a_table_can_be_read_twice(written: Callable[..., Path]) -> None:
    for name, content in (("c.csv", "a\n1\n2\n"), ("c.jsonl", '{"a":1}\n{"a":2}\n')):
        with open_table(written(content, name)) as table:
            first, second = ([frame_from(chunk).rows() for chunk in table.chunks()] for _ in range(2))
            assert first == second != []


def test_a_header_alone_is_a_table_without_rows(written: Callable[..., Path]) -> None:
    assert chunks_of(written("a,b\n")) == []


def test_a_row_longer_than_a_block_of_the_reader_is_read(written: Callable[..., Path]) -> None:
    long = "x\n" * 300_000
    rows, _ = read(written("a,b\n" + f'"{long}",1\n' * 3 + "2,3\n"), rows=2)
    assert [(line, row["b"], len(row["a"])) for line, row in rows] == [
        (2, "1", 600_000),
        (300_003, "1", 600_000),
        (600_004, "1", 600_000),
        (900_005, "3", 1),
    ]


# Zero bytes and what is no text are refused.
cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6) | st.text('",\r\n a', max_size=8)


@given(
    table=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1)
    ),
    # With other line breaks the csv module of Python 3.11 leaves a carriage return in a cell bare.
    form=st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r")]),
    blank=st.lists(st.booleans(), min_size=1, max_size=5),
    rows=st.integers(1, 5),
)
def test_what_the_csv_module_writes_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[list[str]],
    form: tuple[Any, str],
    blank: list[bool],
    rows: int,
) -> None:
    text = io.StringIO(newline="")
    quoting, end = form
    writer = csv.writer(text, quoting=quoting, lineterminator=end)
    names = [f"c{number}" for number in range(len(table[0]))]
    writer.writerow(names)
    expected: Rows = []
    for index, row in enumerate(table):
        if blank[index % len(blank)]:
            text.write(end)
        so_far = text.getvalue()
        line = so_far.count("\n") + so_far.count("\r") - so_far.count("\r\n") + 1
        writer.writerow(row)
        expected.append((line, {name: cell or None for name, cell in zip(names, row, strict=True)}))
    path = tmp_path_factory.getbasetemp() / "round_trip.csv"
    path.write_bytes(text.getvalue().encode())
    assert read(path, rows) == (expected, [])


@given(st.text('",\r\n\na ', max_size=40), st.integers(0, 40))
def test_rows_are_found_the_same_whether_the_file_comes_at_once_or_in_two_parts(text: str, cut: int) -> None:
    block = text.encode()
    whole = split(block, at_end=True)
    ends = list(whole.ends)
    first = list(split(block[:cut], at_end=False).ends)
    assert ends[: len(first)] == first
    rest = block[first[-1] if first else 0 :]
    assert ends[len(first) :] == [end + len(block) - len(rest) for end in split(rest, at_end=True).ends]


@given(st.lists(st.lists(st.text(st.sampled_from('",\n a'), max_size=4), min_size=2, max_size=3), max_size=6))
def test_the_fast_and_the_exact_way_to_find_rows_agree(table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(table)
    plain = text.getvalue().encode()
    fast = split(plain, at_end=True)
    # A stray quotation mark in front has all the rest found the exact way.
    exact = split(b'x"\n' + plain, at_end=True)
    assert [end - 3 for end in exact.ends[1:]] == list(fast.ends)
    assert [line - 1 for line in exact.lines[1:]] == list(fast.lines)
    assert exact.unclear == fast.unclear == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n\n", "has no header; its first line must name the columns"),
        (b"\xef\xbb\xbf", "has no header"),
        (b"case_id;ecog\nx;1\n", "line 1: the columns are separated by semicolons; save the table with commas"),
        (b"\ncase_id\tecog\nx\t1\n", "line 2: the columns are separated by tabs"),
        (b"case_id|ecog\nx|1\n", "line 1: the columns are separated by vertical bars"),
        (b"ecog,age_years,ecog\n1,2,3\n", "the column 'ecog' stands there twice"),
        (b"ecog,,age_years\n1,2,3\n", "column 2 has no name"),
        (b'"ecog"x,b\n1,2\n', "line 1: the names of the columns cannot be read"),
        (b"a,b\n1,2\n3,M\xfcller\n", "line 3 is not UTF-8 text (byte 0xFC), it looks like Windows-1252 or Latin-1"),
        ("a,b\n1,é\n".encode() + b"2,\xff\n", "line 3 is not UTF-8 text (byte 0xFF); save it as UTF-8"),
        (b"a,b\n1,2\n\n3,\x81\n", "line 4 is not UTF-8 text (byte 0x81); save it as UTF-8"),
        (b"a,M\xfcller\n1,2\n", "line 1 is not UTF-8 text (byte 0xFC), it looks like Windows-1252"),
        ("a,b\n1,2\n".encode("utf-16"), "looks like UTF-16 text; save it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "looks like UTF-16 text"),
        ("a,b\n1,2\n".encode("utf-16-be"), "looks like UTF-16 text"),
        (b"a,b\n1,2\n3,\x004\n", "line 3 holds a zero byte"),
        (b"PK\x03\x04\x14\x00", "is an Excel workbook or a zip archive, whatever its name says"),
        (b"\x1f\x8b\x08\x00", "is a file compressed with gzip"),
        (b'a,b\n1,2\n\n3,"four\n5,6\n', "line 4: a quotation mark in the row that begins here is never closed"),
        (b'a,b\n1,"' + b"x,\n" * 400_000, "line 2: the row that begins here is longer than 1000 kB"),
        (b"a,b\n1,2\n" + b"x" * 1_000_001 + b"\n", "line 3: the row that begins here is longer than 1000 kB"),
        (b"a" * 1_200_000, "line 1: the row that begins here is longer than 1000 kB"),
        (b",".join(b"a%d" % n for n in range(2_001)) + b"\n", "has 2001 columns; allowed are at most 2000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_csv_file_that_cannot_be_read_is_refused_in_one_line(
    written: Callable[..., Path], content: bytes, message: str
) -> None:
    assert message in refusal(written(content))


def test_wrong_bytes_deep_in_the_file_are_found_with_their_line(written: Callable[..., Path]) -> None:
    content = b'a,b\n"x\ny",2\n' + b"1,2\n" * 300_000 + b"3,\xe9\n" + b"1,2\n" * 10
    assert refusal(written(content), rows=100_000).startswith("line 300004 is not UTF-8 text (byte 0xE9)")


def test_wrong_bytes_in_a_broken_row_are_found_too(written: Callable[..., Path]) -> None:
    assert refusal(written(b"a,b\n1,2,\xe9\n")).startswith("line 2 is not UTF-8 text")


def test_places_that_hold_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "circle.csv").symlink_to(tmp_path / "circle.csv")
    assert refusal(tmp_path / "nothing.csv") == "does not exist"
    assert refusal(tmp_path / "folder.csv") == "is a folder, not a file"
    assert refusal(tmp_path / "pipe.csv").startswith("is not a plain file")
    assert refusal(tmp_path / "circle.csv").startswith("cannot be read (")
    assert refusal(tmp_path / "zero\0.csv").startswith("cannot be read (")
    for name in ("cohort.xlsx", "cohort.csv.gz", "cohort"):
        assert ".csv, .parquet, .jsonl, .ndjson" in refusal(tmp_path / name)


def test_a_file_that_may_not_be_read_is_refused(written: Callable[..., Path]) -> None:
    path = written("a,b\n1,2\n")
    path.chmod(0)
    administrator = os.geteuid() == 0
    try:
        if administrator:
            # The administrator may read anything; the folders above stay open to the other user by name only.
            for folder in path.parents[:3]:
                folder.chmod(0o755)
            os.seteuid(65534)
        assert refusal(path) == "cannot be read (Permission denied)"
    finally:
        if administrator:
            os.seteuid(0)


def test_a_file_that_changes_while_it_is_read_ends_the_run(written: Callable[..., Path]) -> None:
    path = written("a,b\n" + "1,2\n" * 100)
    with open_table(path, rows=10) as table:
        chunks = table.chunks()
        next(chunks)
        with path.open("a") as stream:
            stream.write("3,4\n")
        with pytest.raises(CohortError, match="changed while it was read") as caught:
            list(chunks)
    assert not caught.value.refused


def test_a_file_is_closed_when_its_header_is_refused(
    written: Callable[..., Path], recwarn: pytest.WarningsRecorder
) -> None:
    for name, content in (("a.csv", b"a,\n"), ("a.jsonl", b"[]\n"), ("a.parquet", b"nothing"), ("b.csv", b"\xff\xfe")):
        assert refusal(written(content, name))
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    table = pa.table(
        {
            "case_id": pa.array(["x", None]),
            "ecog": pa.array([1, None], pa.int8()),
            "afp_ng_ml": pa.array([float("nan"), None]),
            "albumin_g_l": pa.array([32.5, 40], pa.float16()),
            "cirrhosis": pa.array([True, None]),
            "varices": pa.array(["none", "treated"]).dictionary_encode(),
            "inr": pa.nulls(2),
            "etiology": pa.array([["hbv", "a;b"], None], pa.large_list(pa.large_string())),
            "prior_systemic": pa.array(
                [[{"option": "sorafenib", "last_daily_dose_mg": float("nan")}, {"option": "x"}], []]
            ),
        }
    )
    pq.write_table(table, path)
    (chunk,) = chunks_of(path)
    assert list(chunk.lines) == [1, 2]
    assert chunk.json == {"etiology", "prior_systemic"}
    assert frame_from(chunk).drop("afp_ng_ml", "prior_systemic").rows() == [
        ("x", 1, 32.5, True, "none", None, '["hbv", "a;b"]'),
        (None, None, 40.0, None, "treated", None, None),
    ]
    assert chunk.cells["afp_ng_ml"].is_nan().to_list() == [True, None]
    # What is not finite stays visible; a member that is null is as if it had been left out.
    assert chunk.cells["prior_systemic"].to_list() == [
        '[{"option": "sorafenib", "last_daily_dose_mg": NaN}, {"option": "x"}]',
        "[]",
    ]
    assert [chunk.cells[name].dtype for name in ("varices", "inr", "ecog")] == [pl.String, pl.String, pl.Int8]


def test_a_parquet_file_comes_in_chunks_with_the_numbers_of_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    pq.write_table(pa.table({"n": list(range(25))}), path, row_group_size=7)
    chunks = chunks_of(path, rows=10)
    assert all(chunk.cells.height <= 10 for chunk in chunks)
    assert [value for chunk in chunks for value in chunk.cells["n"]] == list(range(25))
    assert [line for chunk in chunks for line in chunk.lines] == list(range(1, 26))
    assert chunks[-1].position == path.stat().st_size


@pytest.mark.parametrize(
    ("column", "called"),
    [
        (pa.array([date(2024, 1, 1)]), "date32[day]"),
        (pa.array([Decimal("1.50")]), "decimal128(3, 2)"),
        (pa.array([b"x"]), "binary"),
        (pa.array([[date(2024, 1, 1)]]), "list<"),
        (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())), "map<"),
    ],
)
def test_a_parquet_column_of_another_type_is_refused_by_name(tmp_path: Path, column: Any, called: str) -> None:
    pq.write_table(pa.table({"case_id": ["x"], "seen": column}), tmp_path / "cohort.parquet")
    message = refusal(tmp_path / "cohort.parquet")
    assert message.startswith(f"the column 'seen' holds {called}")
    assert "allowed are text, numbers, true/false" in message


def test_a_parquet_file_with_a_name_twice_or_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["ecog", "ecog"]), path)
    assert "'ecog' stands there twice" in refusal(path)
    pq.write_table(pa.table([pa.array([1])], names=[""]), path)
    assert "column 1 has no name" in refusal(path)
    pq.write_table(pa.table({}), path)
    assert "has no columns" in refusal(path)


def test_a_damaged_parquet_file_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    pq.write_table(pa.table({"a": ["x" * n for n in range(2_000)]}), path, use_dictionary=False, compression="snappy")
    whole = path.read_bytes()
    damaged = "cannot be read as a Parquet file; it is damaged, cut off or of another kind"
    for content in (whole[: len(whole) // 2], whole[:-1], b"PAR1", b"case_id,ecog\nx,1\n"):
        path.write_bytes(content)
        assert damaged in refusal(path)
    path.write_bytes(whole[:100] + b"\xff" * 5_000 + whole[5_100:])
    assert damaged in refusal(path)
    path.write_bytes(b"")
    assert refusal(path) == "is empty"


def test_text_in_parquet_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    wrong = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    pq.write_table(pa.table({"case_id": wrong}), path)
    assert "cannot be read as a Parquet file" in refusal(path)


def test_json_lines_say_which_type_a_value_has(written: Callable[..., Path]) -> None:
    path = written(
        '{"case_id":"x","ecog":1,"afp_ng_ml":2.5,"cirrhosis":true,"etiology":["hbv"]}\r\n'
        "\n   \n"
        '{"afp_ng_ml":3,"inr":null,"case_id":null,"note":"a : \\"b\\"","ecog":2}',
        "cohort.jsonl",
    )
    with open_table(path) as table:
        assert table.columns == ("case_id", "ecog", "afp_ng_ml", "cirrhosis", "etiology", "inr", "note")
        (chunk,) = table.chunks()
    assert list(chunk.lines) == [1, 4]
    assert chunk.json == {"case_id", "etiology", "note"}
    assert frame_from(chunk).rows() == [
        ('"x"', 1, 2.5, True, '["hbv"]', None, None),
        (None, 2, 3.0, None, None, None, '"a : \\"b\\""'),
    ]


def test_text_in_json_lines_stays_text_and_numbers_stay_exact(written: Callable[..., Path]) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "1", "mixed": 1, "long": 2**63, "close": 2**53 + 1, "yes": True, "list": []},
        {"text": "true", "mixed": "1", "long": 1, "close": 0.5, "yes": 1, "list": [{"option": None}]},
        {"text": "", "mixed": None, "long": -1, "close": None, "yes": None, "list": "[]"},
    ]
    path = written("\n".join(map(json.dumps, rows)), "cohort.ndjson")
    assert values(path) == rows
    (chunk,) = chunks_of(path)
    assert chunk.json == {"text", "mixed", "long", "close", "yes", "list"}


scalars = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | cells


@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), scalars | st.lists(scalars) | st.dictionaries(cells, scalars)))
)
def test_what_the_json_module_writes_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [{"a": None}, *rows]))
    keys = dict.fromkeys(key for row in [{"a": None}, *rows] for key in row)
    assert values(path) == [{key: row.get(key) for key in keys} for row in [{}, *rows]]


kinds = st.sampled_from(
    [
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.integers(-5, 5) | st.floats(-5, 5),
        st.floats(allow_nan=False),
        cells,
        st.dates().map(str) | st.datetimes().map(str),
        st.lists(st.none() | cells, max_size=2),
        st.lists(st.dates().map(str), max_size=2),
        st.fixed_dictionaries({}, optional={"option": cells, "name": st.none()}),
    ]
)


@given(
    rows=st.fixed_dictionaries({}, optional=dict.fromkeys("abc", kinds)).flatmap(
        lambda columns: st.lists(
            st.fixed_dictionaries({}, optional={name: st.none() | kind for name, kind in columns.items()}), min_size=1
        )
    ),
    chunk=st.sampled_from([1, 3, 1000]),
)
def test_columns_of_one_kind_are_read_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], chunk: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "by_kind.jsonl"
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [{"n": 0}, *rows]), "utf-8", newline=""
    )
    keys = dict.fromkeys(key for row in [{"n": 0}, *rows] for key in row)
    assert values(path, chunk) == [{key: row.get(key) for key in keys} for row in [{"n": 0}, *rows]]


@pytest.mark.parametrize(
    "value",
    [
        [None, None],
        [None, "a"],
        ["a"],
        [],
        [[]],
        ["2024-01-01"],
        "2024-01-01",
        "2024-01-01T00:00:00Z",
        {},
        {"outcome": None},
        [{"option": "x", "outcome": None}],
        2**53,
        2**63,
        -(2**63),
        1e300,
        "\u2028",
        "\x7f",
    ],
)
def test_a_value_alone_in_its_column_is_read_as_it_was(written: Callable[..., Path], value: Any) -> None:
    rows = [{"v": value}, {"v": None}, {"v": value}]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert values(written(text, "cohort.jsonl")) == rows


def test_no_line_is_taken_for_another_however_objects_are_spread_over_lines(written: Callable[..., Path]) -> None:
    path = written('{"a":1}\n{"a":2}{"a":3}\n{"a":\n4}\n{"a":5}', "cohort.jsonl")
    rows, broken = read(path)
    assert rows == [(1, {"a": 1}), (5, {"a": 5})]
    assert [row.line for row in broken] == [2, 3, 4]


def test_a_line_that_is_no_proper_object_is_broken(written: Callable[..., Path]) -> None:
    wrong = {
        "[1]": "is a list; a JSON object is expected",
        '"x"': "is text; a JSON object is expected",
        "nul": "is not well-formed JSON",
        '{"a":1} {"b":2}': "is not well-formed JSON",
        '{"a":1': "is not well-formed JSON",
        '{"a":"\\ud800"}': "is not well-formed JSON",
        '{"a":1,"a":2}': "gives the key 'a' twice",
        '{"a":":x","b" :1,"b" :2}': "gives the key 'b' twice",
        '{"a":[{"o":1,"o":"x:y"}]}': "gives the key 'o' twice",
        '{"a\\u0062":1,"ab":":"}': "gives the key 'ab' twice",
        '{"":1}': "has a key without a name",
    }
    text = "".join(f'{{"a":{n},"b":"sorafenib:intolerance"}}\n{line}\n' for n, line in enumerate(wrong))
    rows, broken = read(written(text, "cohort.jsonl"))
    assert [row["a"] for _, row in rows] == list(range(len(wrong)))
    assert [line for line, _ in rows] == list(range(1, 2 * len(wrong), 2))
    assert [(row.line, row.text) for row in broken] == list(zip(range(2, 2 * len(wrong) + 1, 2), wrong, strict=True))
    for row, reason in zip(broken, wrong.values(), strict=True):
        assert reason in row.reason
        assert "line 1" not in row.reason


def test_json_lines_come_in_chunks_and_one_chunk_may_have_other_types(written: Callable[..., Path]) -> None:
    path = written("".join(json.dumps({"n": n if n < 25 else str(n)}) + "\n" for n in range(40)), "cohort.jsonl")
    chunks = chunks_of(path, rows=10)
    assert [chunk.cells.height for chunk in chunks] == [10, 10, 10, 10]
    assert [chunk.json for chunk in chunks] == [frozenset(), frozenset(), {"n"}, {"n"}]
    assert [chunk.number for chunk in chunks] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "no line holds a JSON object"),
        (b"[1]\nx\n", "no line holds a JSON object"),
        (b"{}\n{}\n", "has no columns"),
        (b'{"a":1}\n{"a":"M\xfcller"}\n', "line 2 is not UTF-8 text (byte 0xFC), it looks like Windows-1252"),
        (b'{"a":1}\n{"a":"\0"}\n', "line 2 holds a zero byte"),
        (b'{"a":1}\n{"a":"' + b"x" * 1_000_000 + b'"}\n', "line 2: the row that begins here is longer than 1000 kB"),
        (b"[" + b'{"a":1},' * 200_000 + b"]", "each line must hold one object"),
        (json.dumps(dict.fromkeys(map(str, range(2_001)), 1)).encode(), "has 2001 columns"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_json_lines_file_that_cannot_be_read_is_refused_in_one_line(
    written: Callable[..., Path], content: bytes, message: str
) -> None:
    assert message in refusal(written(content, "cohort.jsonl"))
