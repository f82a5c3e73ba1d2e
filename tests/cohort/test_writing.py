"""The files of a run appear together and whole, or not at all."""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import os
import resource
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcc_decide.cohort.read import open_table
from hcc_decide.cohort.shape import CohortError, Refused
from hcc_decide.cohort.write import Outputs
from tests.cohort.rows import frame_from

SCHEMA = {"line": pl.Int64, "case_id": pl.String, "options": pl.String}
FRAME = pl.DataFrame(
    {"line": [2, 3], "case_id": ["=1+1", None], "options": ['1:a:preferred;2:"b",c', "x\ny"]}, schema=SCHEMA
)
FORMATS = ("csv", "parquet", "jsonl")


def names(folder: Path) -> set[str]:
    """Everything in a folder, hidden files too."""
    return {path.name for path in folder.iterdir()}


def as_read(path: Path) -> list[dict[str, Any]]:
    """Read a table with other readers than ours."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()  # type: ignore[no-any-return]
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def refusal(work: Callable[[], object]) -> CohortError:
    """Return what was refused, which is one line."""
    with pytest.raises(CohortError) as caught:
        work()
    assert len(caught.value.problems) == 1
    assert "\n" not in caught.value.problems[0]
    return caught.value


def table_at(path: Path, *, force: bool = False, inputs: tuple[Path, ...] = ()) -> None:
    with Outputs(force=force, inputs=inputs) as outputs:
        outputs.table(path, SCHEMA).write(FRAME)
        outputs.commit()


@pytest.mark.parametrize("kind", [*FORMATS, "ndjson"])
def test_a_table_is_written_as_its_name_says(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out.{kind}"
    with Outputs() as outputs:
        table = outputs.table(path, SCHEMA)
        table.write(FRAME.select("options", "line", "case_id"))
        table.write(FRAME.clear())
        table.write(FRAME)
        assert not path.exists()
        outputs.commit()
    expected = FRAME.to_dicts() * 2
    if kind == "csv":
        expected = [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in expected]
    assert as_read(path) == expected
    assert list(as_read(path)[0]) == list(SCHEMA)
    assert names(tmp_path) == {path.name}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_table_without_rows_has_its_columns_where_the_format_has_any(tmp_path: Path, kind: str) -> None:
    with Outputs() as outputs:
        outputs.table(tmp_path / f"out.{kind}", SCHEMA)
        outputs.commit()
    content = (tmp_path / f"out.{kind}").read_bytes()
    if kind == "parquet":
        assert pq.read_schema(tmp_path / "out.parquet").names == list(SCHEMA)
    else:
        assert content == {"csv": b"line,case_id,options\n", "jsonl": b""}[kind]


def test_parquet_holds_plain_text_even_when_it_was_held_in_categories(tmp_path: Path) -> None:
    with Outputs() as outputs:
        table = outputs.table(tmp_path / "out.parquet", SCHEMA | {"options": pl.Categorical()})
        for frame in (FRAME, FRAME.with_columns(options=pl.Series(["other", None]))):
            table.write(frame.with_columns(pl.col("options").cast(pl.Categorical())))
        outputs.commit()
    assert [row["options"] for row in as_read(tmp_path / "out.parquet")] == [*FRAME["options"], "other", None]
    assert str(pq.read_schema(tmp_path / "out.parquet").field("options").type) == "string"


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_table_of_arrow_is_written_as_the_same_table_of_polars(tmp_path: Path, kind: str) -> None:
    schema = SCHEMA | {"options": pl.Categorical()}
    frame = FRAME.with_columns(pl.col("options").cast(pl.Categorical()))
    arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    other = frame.with_columns(pl.col("options").cast(pl.String)).select("case_id", "line", "options").to_arrow()
    for name, written in (("polars", frame), ("arrow", arrow), ("other types and order", other)):
        with Outputs() as outputs:
            table = outputs.table(tmp_path / f"{name}.{kind}", schema)
            table.write(written)
            table.write(written)
            outputs.commit()
    expected = as_read(tmp_path / f"polars.{kind}")
    assert expected[: len(FRAME)] == expected[len(FRAME) :]
    assert as_read(tmp_path / f"arrow.{kind}") == as_read(tmp_path / f"other types and order.{kind}") == expected


def test_a_column_that_changes_its_type_is_written_only_where_no_value_changes(tmp_path: Path) -> None:
    with Outputs() as outputs:
        table = outputs.table(tmp_path / "out.jsonl", {"age": pl.Float64, "count": pl.Int64})
        table.write(pl.DataFrame({"age": [1, None], "count": pl.Series([None, None], dtype=pl.String)}))
        error = refusal(lambda: table.write(pl.DataFrame({"age": [1.5], "count": [2.5]})))
        assert "the column 'count' held Int64 at first, and further down Float64" in str(error)
        outputs.commit()
    assert as_read(tmp_path / "out.jsonl") == [{"age": 1.0, "count": None}, {"age": None, "count": None}]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8) | st.text('",;\r\n a', max_size=8)


@given(rows=st.lists(st.tuples(texts, st.none() | texts), min_size=1, max_size=4), kind=st.sampled_from(FORMATS))
def test_any_text_comes_back_from_what_is_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str | None]], kind: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any_text.{kind}"
    schema = {"a": pl.String, "b": pl.String}
    with Outputs(force=True) as outputs:
        outputs.table(path, schema).write(pl.DataFrame(rows, schema=schema, orient="row"))
        outputs.commit()
    with open_table(path) as table:
        (chunk,) = table.chunks()
    read = [
        tuple(None if cell is None else json.loads(cell) if name in chunk.json else cell for name, cell in row.items())
        for row in frame_from(chunk).to_dicts()
    ]
    # An empty cell of a CSV file is null, whatever it was.
    assert read == [(a or None, b or None) if kind == "csv" else (a, b) for a, b in rows]


REFUSED = (
    Refused(4, ("ecog: 7 is refused", "inr: is refused"), {"case_id": "x", "ecog": "7", "note": 'a,"b"\r\nc\rd'}),
    Refused(5, ("has 1 cell, the header has 3",), text='lost "row'),
    Refused(6, ("no",), {"case_id": None, "ecog": 1.5, "note": ["a", "ü"]}),
)


def test_refused_rows_go_to_a_csv_file_as_they_were_read(tmp_path: Path) -> None:
    with Outputs() as outputs:
        rejects = outputs.rejects(tmp_path / "rejects.csv", ("case_id", "ecog", "note"))
        rejects.write(REFUSED[:1])
        rejects.write(())
        rejects.write(REFUSED[1:])
        assert rejects.count == 3
        outputs.commit()
    assert as_read(tmp_path / "rejects.csv") == [
        {
            "line": "4",
            "reasons": "ecog: 7 is refused | inr: is refused",
            "row_as_read": "",
            "case_id": "x",
            "ecog": "7",
            "note": 'a,"b"\r\nc\rd',
        },
        {
            "line": "5",
            "reasons": "has 1 cell, the header has 3",
            "row_as_read": 'lost "row',
            "case_id": "",
            "ecog": "",
            "note": "",
        },
        {"line": "6", "reasons": "no", "row_as_read": "", "case_id": "", "ecog": "1.5", "note": '["a", "ü"]'},
    ]


def test_a_column_of_the_table_keeps_its_name_among_the_refused_rows(tmp_path: Path) -> None:
    with Outputs() as outputs:
        outputs.rejects(tmp_path / "rejects.csv", ("line", "ecog")).write([Refused(9, ("no",), {"line": "first"})])
        outputs.commit()
    assert as_read(tmp_path / "rejects.csv") == [
        {"rejected_line": "9", "reasons": "no", "row_as_read": "", "line": "first", "ecog": ""}
    ]


def test_refused_rows_go_to_json_lines_with_their_values(tmp_path: Path) -> None:
    with Outputs() as outputs:
        outputs.rejects(tmp_path / "rejects.jsonl", ("case_id",)).write(REFUSED)
        outputs.commit()
    assert as_read(tmp_path / "rejects.jsonl") == [
        {"line": 4, "reasons": list(REFUSED[0].problems), "row": REFUSED[0].row},
        {"line": 5, "reasons": ["has 1 cell, the header has 3"], "text": 'lost "row'},
        {"line": 6, "reasons": ["no"], "row": REFUSED[2].row},
    ]


def test_no_file_of_refused_rows_appears_when_there_are_none_and_an_old_one_goes(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("stale")
    with Outputs(force=True) as outputs:
        outputs.table(tmp_path / "out.csv", SCHEMA)
        outputs.rejects(tmp_path / "old.csv", ("a",))
        outputs.rejects(tmp_path / "new.jsonl", ("a",))
        assert (tmp_path / "old.csv").read_text() == "stale"
        outputs.commit()
    assert names(tmp_path) == {"out.csv"}


def test_refused_rows_are_not_written_as_parquet(tmp_path: Path) -> None:
    with Outputs() as outputs:
        error = refusal(lambda: outputs.rejects(tmp_path / "rejects.parquet", ("a",)))
    assert "allowed are .csv, .jsonl and .ndjson" in str(error)
    assert names(tmp_path) == set()


def test_what_exists_is_replaced_only_by_force_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    path.chmod(0o640)
    assert str(refusal(lambda: table_at(path))) == f"{path}: exists; give another name, or --force to replace it"
    assert path.read_text() == "old"
    table_at(path, force=True)
    assert len(as_read(path)) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == {"out.csv"}


def test_a_link_stays_a_link_to_the_new_content(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real.csv").write_text("old")
    (tmp_path / "out.csv").symlink_to(tmp_path / "there" / "real.csv")
    table_at(tmp_path / "out.csv", force=True)
    assert (tmp_path / "out.csv").is_symlink()
    assert len(as_read(tmp_path / "there" / "real.csv")) == 2


def test_what_cannot_be_an_output_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    cohort = tmp_path / "cohort.csv"
    cohort.write_text("a\n1\n")
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "soft.csv").symlink_to(cohort)
    (tmp_path / "hard.csv").hardlink_to(cohort)
    (tmp_path / "circle.csv").symlink_to(tmp_path / "circle.csv")
    before = names(tmp_path)
    for name, message in {
        "folder.csv": "is a folder, not a file",
        "pipe.csv": "is not a plain file",
        "none/out.csv": f"its folder {tmp_path / 'none'} does not exist",
        "cohort.csv": "is the table that is read",
        "folder.csv/../cohort.csv": "is the table that is read",
        "soft.csv": "is the table that is read",
        "hard.csv": "is the table that is read",
        "circle.csv": "is no name of a file",
        "zero\0.csv": "is no name of a file",
        "x" * 300 + ".csv": "cannot be written (File name too long)",
        "out.xlsx": "the name must end with one of .csv, .parquet, .jsonl, .ndjson",
        "out.csv.gz": "the name must end with one of",
    }.items():
        error = refusal(lambda name=name: table_at(tmp_path / name, force=True, inputs=(cohort,)))  # type: ignore[misc]
        assert message in str(error), name
        assert str(error).startswith(f"{tmp_path / name}: ")
        assert error.refused
    assert names(tmp_path) == before
    assert cohort.read_text() == "a\n1\n"


def test_two_outputs_cannot_be_one_file(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "out.csv")
    for other in ("out.csv", "link.csv"):
        with Outputs(force=True) as outputs:
            outputs.table(tmp_path / "out.csv", SCHEMA)
            error = refusal(lambda other=other: outputs.rejects(tmp_path / other, ("a",)))  # type: ignore[misc]
        assert "stands for two outputs" in str(error)
    assert names(tmp_path) == {"link.csv"}


def test_a_folder_that_may_not_be_written_to_is_refused() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        with _ordinary_user():
            error = refusal(lambda: table_at(folder / "out.csv"))
        assert "cannot be written (Permission denied)" in str(error)
        assert error.refused


@contextlib.contextmanager
def _ordinary_user() -> Iterator[None]:
    """Be somebody whom permissions concern."""
    administrator = os.geteuid() == 0
    if administrator:
        os.seteuid(65534)
    try:
        yield
    finally:
        if administrator:
            os.seteuid(0)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError, None])
def test_nothing_appears_of_a_run_that_does_not_end(
    tmp_path: Path, kind: str, reason: type[BaseException] | None
) -> None:
    (tmp_path / f"out.{kind}").write_text("old")

    def run() -> None:
        with Outputs(force=True) as outputs:
            outputs.table(tmp_path / f"out.{kind}", SCHEMA).write(FRAME)
            outputs.rejects(tmp_path / "rejects.csv", ("a",)).write(REFUSED)
            outputs.text(tmp_path / "report.html").write("<p>ü</p>")
            if reason:
                raise reason

    if reason:
        with pytest.raises(reason):
            run()
    else:
        run()
    assert names(tmp_path) == {f"out.{kind}"}
    assert (tmp_path / f"out.{kind}").read_text() == "old"


def test_reports_are_written_in_utf_8_with_the_rest(tmp_path: Path) -> None:
    with Outputs() as outputs:
        outputs.table(tmp_path / "out.csv", SCHEMA)
        outputs.text(tmp_path / "report.md").write("≥ 5 cm\n")
        outputs.text(tmp_path / "plot.png").write(b"\x89PNG")
        outputs.commit()
    assert (tmp_path / "report.md").read_bytes() == "≥ 5 cm\n".encode()
    assert (tmp_path / "plot.png").read_bytes() == b"\x89PNG"


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with Outputs() as outputs:
        outputs.table(tmp_path / "out.csv", SCHEMA).write(FRAME)
        outputs.text(tmp_path / "report.md").write("new")
        (tmp_path / "out.csv").write_text("of somebody else")
        assert "exists" in str(refusal(outputs.commit))
    assert names(tmp_path) == {"out.csv"}
    assert (tmp_path / "out.csv").read_text() == "of somebody else"


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("failure", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_old_files_are_back_when_the_last_one_cannot_be_put_into_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, links: bool
) -> None:
    old = {"out.parquet": "old table", "rejects.csv": "old rejects", "report.md": "old report"}
    for name, content in old.items():
        (tmp_path / name).write_text(content)
    replace, hardlink_to = Path.replace, Path.hardlink_to
    order: list[str] = []

    def failing(self: Path, target: Path) -> Path:
        order.append(target.name)
        if target.name == "out.parquet" and order.count("out.parquet") == 1:
            raise failure
        return replace(self, target)

    def linking(self: Path, target: Path) -> None:
        if not links:
            raise OSError(errno.EPERM, "Operation not permitted")
        hardlink_to(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    monkeypatch.setattr(Path, "hardlink_to", linking)
    with Outputs(force=True) as outputs:
        outputs.table(tmp_path / "out.parquet", SCHEMA).write(FRAME)
        outputs.rejects(tmp_path / "rejects.csv", ("a",))
        outputs.text(tmp_path / "report.md").write("new")
        outputs.text(tmp_path / "second.md").write("new")
        if isinstance(failure, OSError):
            error = refusal(outputs.commit)
            assert "out.parquet: cannot be written (Input/output error)" in str(error)
            assert not error.refused
        else:
            with pytest.raises(KeyboardInterrupt):
                outputs.commit()
    assert order[:3] == ["second.md", "report.md", "out.parquet"]
    assert {name: (tmp_path / name).read_text() for name in names(tmp_path)} == old


ROOM = 200_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Make ``tmp_path / "disk"`` a file system of 200 kB, or, who may not do that, allow no file larger than that.

    What is given fills it to the last byte.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mount.returncode == 0:

        def fill() -> None:
            with (disk / "filler").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
                while True:
                    stream.write(b"x" * 4096)

        try:
            yield fill
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    else:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
        try:
            yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _assert_full(error: CohortError, path: Path) -> None:
    assert str(error).startswith(f"{path}: cannot be written (")
    assert any(reason in str(error) for reason in ("No space left on device", "File too large"))
    assert not error.refused


@pytest.mark.parametrize("kind", FORMATS)
def test_a_disk_that_is_full_while_a_table_is_written_leaves_the_old_file(
    tmp_path: Path, small_disk: Callable[[], None], kind: str
) -> None:
    path = tmp_path / "disk" / f"out.{kind}"
    path.write_text("old")
    noise = pl.DataFrame(
        {"line": range(40_000), "case_id": [os.urandom(9).hex() for _ in range(40_000)], "options": "x"}
    )

    def run() -> None:
        with Outputs(force=True) as outputs:
            table = outputs.table(path, SCHEMA)
            table.write(noise)
            table.write(noise)
            outputs.commit()

    _assert_full(refusal(run), path)
    assert names(path.parent) == {path.name}
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", [*(f"out.{kind}" for kind in FORMATS), "rejects.csv", "rejects.jsonl", "report.md"])
def test_a_disk_that_is_full_in_the_end_leaves_every_old_file(
    tmp_path: Path, small_disk: Callable[[], None], name: str
) -> None:
    disk = tmp_path / "disk"
    (disk / name).write_text("old")
    (tmp_path / "elsewhere.md").write_text("old")
    with Outputs(force=True) as outputs:
        outputs.text(tmp_path / "elsewhere.md").write("")
        small_disk()
        if name.startswith("out"):
            outputs.table(disk / name, SCHEMA).write(FRAME)
        elif name.startswith("rejects"):
            outputs.rejects(disk / name, ("a",)).write(REFUSED)
        else:
            outputs.text(disk / name).write("new")
        _assert_full(refusal(outputs.commit), disk / name)
    assert names(disk) <= {name, "filler"}
    assert (disk / name).read_text() == "old"
    assert (tmp_path / "elsewhere.md").read_text() == "old"


def test_a_report_for_which_there_is_no_room_is_told(tmp_path: Path, small_disk: Callable[[], None]) -> None:
    path = tmp_path / "disk" / "report.html"
    with Outputs() as outputs:
        _assert_full(refusal(lambda: outputs.text(path).write("x" * 2 * ROOM)), path)
    assert names(path.parent) == set()
