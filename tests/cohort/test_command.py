"""The command line for a table of patients: what it writes, what it refuses, and what it says of both."""

from __future__ import annotations

import csv
import datetime as dt
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcc_decide.cohort import work
from hcc_decide.cohort.concordance import COLUMNS
from hcc_decide.cohort.read import kind_of_table
from hcc_decide.cohort.run import LEAST_ROWS, Order, run
from hcc_decide.cohort.shape import Chunk, CohortError, Result
from hcc_decide.cohort.work import Work
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.load import DEFAULT_EDITION, load_knowledge
from tests.cli.conftest import Answer, Invoke, Run
from tests.cli.conftest import invoke as invoke  # noqa: PLC0414 - a fixture
from tests.cli.conftest import run as process  # noqa: F401 - a fixture
from tests.cohort.rows import frame_of
from tests.cohort.test_writing import as_read, names
from tests.cohort.test_writing import small_disk as small_disk  # noqa: PLC0414 - a fixture
from tests.conftest import shipped_knowledge

Record = dict[str, Any]
FORMATS = ("csv", "parquet", "jsonl")
HEADER = "case_id,bclc_stage,child_pugh_class,ecog,prior_systemic,hospital,given\n"
SOUND = "a,C,A,0,[],north,best_supportive_care\n"
AGAIN = "e,C,A,1,[],south,durvalumab+tremelimumab\n"
AFTER = 'f,C,A,0,"[{""option"": ""sorafenib"", ""last_daily_dose_mg"": 800}]",south,cabozantinib\n'


def _load(rules: Path | None, edition: str) -> Knowledge:
    shipped = rules is None and edition == DEFAULT_EDITION
    return shipped_knowledge() if shipped else load_knowledge(rules, edition)


@pytest.fixture(scope="module", autouse=True)
def _loaded_once() -> Iterator[None]:
    """Keep the rules loaded between runs."""
    close = Work.close
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "load_knowledge", _load)
        patch.setattr(Work, "close", lambda self: None)
        yield
    close(Work(DEFAULT_EDITION))


@pytest.fixture
def cohort(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Run ``hcc-decide cohort`` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: invoke("cohort", *arguments)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three patients with a hospital and what they were given."""
    path = tmp_path / "in.csv"
    path.write_text(HEADER + SOUND + AGAIN + AFTER)
    return path


def as_text(path: Path) -> list[dict[str, str]]:
    """Read a table of decisions with null as an empty cell, so that formats can be compared."""
    return [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in as_read(path)]


def without_place(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Leave out where a row stands, which a format with a header counts otherwise."""
    return [{name: cell for name, cell in row.items() if name != "line"} for row in rows]


def assert_refused(answer: Answer, *said: str, status: int = 2) -> None:
    """See that it ends with one line that says so."""
    assert answer.status == status, answer.err or answer.out
    assert not answer.out
    assert len(answer.err.strip().splitlines()) == 1, answer.err
    assert "Traceback" not in answer.err
    for part in said:
        assert part in answer.err


def test_every_format_has_the_same_rows_and_gives_the_same_answers(
    cohort: Callable[..., Answer], tmp_path: Path, examples: list[Record]
) -> None:
    fields = [name for name in frame_of(examples).columns if any(name in record for record in examples)]
    frame_of(examples).select(fields).write_csv("in.csv")
    Path("in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in examples))
    pl.DataFrame(
        {name: [record.get(name) for record in examples] for name in fields}, strict=False, infer_schema_length=None
    ).write_parquet("in.parquet")
    first: list[dict[str, str]] = []
    for source in FORMATS:
        for target in FORMATS if source == "csv" else ("csv",):
            answer = cohort(f"in.{source}", "--out", f"{source}.{target}")
            assert (answer.status, answer.err) == (0, "")
            assert f"{len(examples)} of {len(examples)} (100\N{NO-BREAK SPACE}%) rows decided" in answer.out
            rows = without_place(as_text(tmp_path / f"{source}.{target}"))
            first = first or rows
            assert rows == first
    assert [row["case_id"] for row in first] == [record.get("case_id", "") for record in examples]
    assert len({row["options"] for row in first}) > len(examples) // 2
    assert [row["line"] for row in as_text(tmp_path / "csv.csv")] == [str(2 + n) for n in range(len(examples))]
    assert [row["line"] for row in as_text(tmp_path / "parquet.csv")] == [str(1 + n) for n in range(len(examples))]
    made = {f"in.{kind}" for kind in FORMATS} | {f"csv.{kind}" for kind in FORMATS} | {"parquet.csv", "jsonl.csv"}
    assert names(tmp_path) == made  # no file of refused rows among them


BROKEN = "c,C,A\n"
WRONG = (
    ("b,C,A,9,[],north,\n", "ecog: 9 is refused"),
    ("d,C,A,high,[],south,\n", "ecog: 'high' is refused"),
    ('g,C,A,0,"[{""option"": ""sorafenib"", ""outcome"": ""ongoing""}, ""regorafenib""]",,\n', "contradicts the lines"),
)


def test_refused_rows_stand_whole_with_line_and_reason_and_the_others_are_decided(
    cohort: Callable[..., Answer], tmp_path: Path
) -> None:
    body = [SOUND, WRONG[0][0], BROKEN, WRONG[1][0], AGAIN, WRONG[2][0], AFTER]
    (tmp_path / "in.csv").write_text(HEADER + "".join(body))
    answer = cohort("in.csv", "--out", "out.csv", "--keep", "hospital", "--ignore", "given")
    assert answer.status == 3
    assert "3 of 7 (42.9\N{NO-BREAK SPACE}%) rows decided" in answer.out
    assert "Refused: 4, kept in out.rejects.csv; " in answer.out
    decided = as_text(tmp_path / "out.csv")
    assert [(row["line"], row["case_id"], row["hospital"]) for row in decided] == [
        ("2", "a", "north"),
        ("6", "e", "south"),
        ("8", "f", "south"),
    ]
    rejects = as_text(tmp_path / "out.rejects.csv")
    assert [row["line"] for row in rejects] == ["3", "4", "5", "7"]
    assert rejects[1]["row_as_read"] == BROKEN.strip()
    assert rejects[1]["reasons"] == "has 3 cells, the header has 7"
    columns = HEADER.strip().split(",")
    whole = [row for row in rejects if row["case_id"]]
    for found, (row, reason) in zip(whole, WRONG, strict=True):
        assert reason in found["reasons"]
        assert [found[name] for name in columns] == next(csv.reader([row]))
    for place, suffix in (("refused.jsonl", "jsonl"), ("refused.csv", "csv")):
        answer = cohort(
            "in.csv", "--out", f"{suffix}.csv", "--rejects", place, "--ignore", "hospital", "--ignore", "given"
        )
        assert (answer.status, len(as_read(tmp_path / place))) == (3, 4)
        assert not (tmp_path / f"{suffix}.rejects.csv").exists()


def test_a_long_table_has_a_row_for_each_patient_and_option(cohort: Callable[..., Answer], table: Path) -> None:
    arguments = ("in.csv", "--ignore", "hospital", "--ignore", "given")
    assert cohort(*arguments, "--out", "long.parquet", "--long").status == 0
    assert cohort(*arguments, "--out", "short.parquet").status == 0
    long, short = as_read(Path("long.parquet")), as_read(Path("short.parquet"))
    assert [(row["case_id"], row["option"]) for row in long] == [
        (case, option) for case in "aef" for option in shipped_knowledge().options
    ]
    for patient in short:
        mine = [row for row in long if row["line"] == patient["line"] and row["rank"] is not None]
        listed = {
            f"{row['rank']}:{row['option']}:{row['verdict']}" + (f":{row['would_be']}" if row["would_be"] else "")
            for row in mine
        }
        assert listed == set(patient["options"].split(";"))


def test_kept_columns_are_carried_over_as_they_are(cohort: Callable[..., Answer], tmp_path: Path) -> None:
    day = dt.date(2021, 5, 4)
    shape = {"case_id": ["a", "b"], "bclc_stage": ["C", "C"], "ecog": [0, 1]}
    pl.DataFrame({**shape, "seen": [day, None], "left": [day, day]}).write_parquet("in.parquet")
    assert cohort("in.parquet", "--out", "out.parquet", "--keep", "seen", "--ignore", "left").status == 0
    assert [row["seen"] for row in as_read(Path("out.parquet"))] == [day, None]
    assert "left" not in as_read(Path("out.parquet"))[0]
    assert list(as_read(Path("out.parquet"))[0])[:4] == ["line", "case_id", "seen", "setting"]
    assert cohort("in.parquet", "--out", "out.csv", "--keep", "seen", "--ignore", "left").status == 0
    assert [row["seen"] for row in as_text(Path("out.csv"))] == ["2021-05-04", ""]
    # A column of JSON Lines may begin as a number and go on as text, or begin further down.
    rows = [{"ecog": 0, "site": 7}, {"ecog": 1, "site": "north", "note": "x"}, {"ecog": 1}]
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    answer = cohort("in.jsonl", "--out", "out.jsonl", "--keep", "site", "--keep", "note", "--rows", "1")
    assert (answer.status, answer.err) == (0, "")
    assert [(row["site"], row["note"]) for row in as_read(Path("out.jsonl"))] == [
        ("7", None),
        ("north", "x"),
        (None, None),
    ]


def test_columns_that_are_not_known_are_refused(cohort: Callable[..., Answer], tmp_path: Path) -> None:
    Path("in.csv").write_text("case_id,ECOG ,setting\na,1,x\n")
    answer = cohort("in.csv", "--out", "out.csv", "--keep", "setting", "--keep", "nowhere")
    assert answer.status == 2
    assert "column 'ECOG ' is no field of the patient record (is it ecog?)" in answer.err
    assert "the table of decisions has a column 'setting' of its own" in answer.err
    assert "column 'nowhere' is asked for" in answer.err
    Path("in.csv").write_text("case_id\na\n")
    assert_refused(cohort("in.csv", "--out", "out.csv"), "in.csv: has no column that is a field")
    Path("in.parquet").touch()
    pl.DataFrame({"ecog": [1], "seen": [dt.date(2021, 5, 4)]}).write_parquet("in.parquet")
    assert_refused(cohort("in.parquet", "--out", "out.csv"), "'seen' holds date32")
    assert names(tmp_path) == {"in.csv", "in.parquet"}


def test_a_column_of_what_was_given_that_is_not_there_is_refused(cohort: Callable[..., Answer], tmp_path: Path) -> None:
    Path("in.csv").write_text("case_id,ecog\na,1\n")
    assert_refused(cohort("in.csv", "--out", "out.csv", "--given", "nowhere"), "'nowhere'")
    assert names(tmp_path) == {"in.csv"}


def test_what_was_given_is_set_beside_the_decisions(cohort: Callable[..., Answer], table: Path) -> None:
    arguments = ("in.csv", "--ignore", "hospital", "--given", "given")
    answer = cohort(*arguments, "--out", "out.csv", "--report", "out.html", "--report", "out.md")
    assert (answer.status, answer.err) == (0, "")
    rows = as_text(Path("out.csv"))
    assert list(rows[0])[-len(COLUMNS) :] == list(COLUMNS)
    assert [row["given_option"] for row in rows] == [
        "best_supportive_care",
        "durvalumab+tremelimumab",
        "cabozantinib",
    ]
    for row in rows:
        firsts = row["first_choice"].split(";")
        assert (row["agreement"] == "first_choice") is (row["given_option"] in firsts)
    judged = {"usable", "investigational", "against", "elsewhere"}
    differing = [row for row in rows if row["agreement"] in judged]
    assert [row["agreement"] for row in rows][:2] == ["usable", "first_choice"]
    assert [
        (row["case_id"], row["given_option"], row["agreement"], row["rank"], row["verdict"])
        for row in as_text(Path("out.disagreements.csv"))
    ] == [
        (row["case_id"], row["given_option"], row["agreement"], row["given_rank"], row["given_verdict"])
        for row in differing
    ]
    assert "Concordance: " in answer.out
    for report in ("out.html", "out.md"):
        text = Path(report).read_text("utf-8")
        assert "Concordance with what was given" in text
        assert "out.disagreements.csv" in text
    assert cohort(*arguments, "--out", "b.csv", "--disagreements", "d.jsonl", "--long").status == 0
    assert [row["line"] for row in as_text(Path("d.jsonl"))] == [row["line"] for row in differing]


def test_a_report_without_what_was_given_has_no_concordance(cohort: Callable[..., Answer], table: Path) -> None:
    arguments = ("in.csv", "--out", "out.csv", "--ignore", "hospital", "--ignore", "given")
    assert_refused(cohort(*arguments, "--report", "out.pdf"), "--report: out.pdf is refused", ".html or .md")
    assert not Path("out.csv").exists()
    assert cohort(*arguments, "--report", "out.md").status == 0
    text = Path("out.md").read_text("utf-8")
    assert shipped_knowledge().sha256 in text
    assert "Concordance with" not in text


def test_what_exists_is_replaced_by_force_only(cohort: Callable[..., Answer], table: Path, tmp_path: Path) -> None:
    arguments = ("in.csv", "--ignore", "hospital", "--given", "given", "--report", "out.md")
    places = ("out.csv", "out.md", "out.disagreements.csv")
    for name in places:
        Path(name).write_text("old")
        assert_refused(cohort(*arguments, "--out", "out.csv"), f"{name}: exists", "--force")
        assert Path(name).read_text() == "old"
        assert names(tmp_path) == {"in.csv", name}
        Path(name).unlink()
    for name in (*places, "out.rejects.csv"):
        Path(name).write_text("old")
    assert cohort(*arguments, "--out", "out.csv", "--force").status == 0
    assert all(Path(name).read_text("utf-8") != "old" for name in places)
    assert not Path("out.rejects.csv").exists()  # no row was refused in this run
    assert_refused(cohort(*arguments, "--out", "in.csv", "--force"), "is the table that is read")
    assert table.read_text() == HEADER + SOUND + AGAIN + AFTER


def test_a_table_that_cannot_be_read_is_refused_in_one_line(cohort: Callable[..., Answer], tmp_path: Path) -> None:
    Path("folder.csv").mkdir()
    pl.DataFrame({"ecog": list(range(5)) * 50}).write_parquet("whole.parquet")
    Path("cut.parquet").write_bytes(Path("whole.parquet").read_bytes()[:-20])
    Path("latin.csv").write_bytes("case_id,ecog\nMüller,1\n".encode("latin-1"))
    Path("semicolon.csv").write_text("case_id;ecog;age_years\na;1;60\n")
    Path("empty.csv").touch()
    before = names(tmp_path)
    for name, said in {
        "none.csv": "does not exist",
        "folder.csv": "is a folder",
        "cut.parquet": "cannot be read as a Parquet file",
        "latin.csv": "UTF-8",
        "semicolon.csv": "semicolon",
        "empty.csv": "is empty",
        "table.xlsx": "the name must end with one of",
    }.items():
        assert_refused(cohort(name, "--out", "out.csv"), name, said)
        assert names(tmp_path) == before
    row = b"a,1," + b"x" * 200 + b"\n"
    Path("deep.csv").write_bytes(b"case_id,ecog,note\n" + row * 70_000 + b"\xff,1,\n")
    assert_refused(cohort("deep.csv", "--out", "out.csv", "--ignore", "note"), "deep.csv: line 70002", "UTF-8")
    assert names(tmp_path) == before | {"deep.csv"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--engine", "xyz"), "--engine: 'xyz' is refused; allowed are local, dask"),
        (("--scheduler", "tcp://192.0.2.7:8786"), "--scheduler: goes with --engine dask"),
        (
            ("--engine", "dask", "--scheduler", "tcp://192.0.2.7:8786", "--workers", "2"),
            "--workers: goes without --scheduler",
        ),
        (("--disagreements", "d.csv"), "--disagreements: goes with --given"),
        (("--out", "out.xlsx"), "out.xlsx: the name must end with one of"),
        (("--out", "none/out.csv"), "none/out.csv: its folder"),
        (("--rejects", "r.parquet"), "r.parquet: refused rows are not written as Parquet"),
        (("--rejects", "out.csv"), "out.csv: stands for two outputs"),
        (("--edition", "xyz"), "--edition: "),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_done(
    cohort: Callable[..., Answer], tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    Path("in.csv").write_text("ecog\n1\n")
    assert_refused(cohort("in.csv", "--out", "out.csv", *arguments), said)
    assert names(tmp_path) == {"in.csv"}


def test_a_full_disk_ends_the_run_with_what_stood_there_before(
    cohort: Callable[..., Answer], tmp_path: Path, table: Path, small_disk: Callable[[], None]
) -> None:
    place = tmp_path / "disk" / "out.csv"
    place.write_text("old")
    small_disk()
    answer = cohort("in.csv", "--out", str(place), "--force", "--ignore", "hospital", "--ignore", "given")
    assert_refused(answer, f"{place}: cannot be written (", status=1)
    assert names(place.parent) <= {"out.csv", "filler"}
    assert place.read_text() == "old"


class _Losing:
    """Loses the second part."""

    def map(self, work: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        yield from (work(chunk) for chunk in chunks if chunk.number != 1)


def test_a_part_that_comes_back_without_an_answer_ends_the_run(table: Path, tmp_path: Path) -> None:
    order = Order(table, tmp_path / "out.csv", ignore=("hospital", "given"), rows=1)
    with pytest.raises(CohortError, match="1 parts came back without an answer") as ended:
        run(order, shipped_knowledge(), order.work(DEFAULT_EDITION, None), nullcontext(_Losing()))
    assert not ended.value.refused
    assert names(tmp_path) == {"in.csv"}


def test_processes_of_one_machine_share_the_rows_that_are_worked_on_at_once() -> None:
    order = Order(Path("table.csv"), Path("out.csv"))
    assert replace(order, processes=2).rows_at_once * 2 == order.rows_at_once
    assert replace(order, processes=1000).rows_at_once == LEAST_ROWS
    assert replace(order, long=True).rows_at_once < LEAST_ROWS
    assert replace(order, rows=7, long=True, processes=2).rows_at_once == 7


def test_the_rows_worked_on_at_once_make_no_difference(
    cohort: Callable[..., Answer], examples: list[Record], tmp_path: Path
) -> None:
    frame_of([*examples[:5], {"ecog": 9}, examples[0]]).write_csv("in.csv")
    for suffix in FORMATS[::2]:
        for long in ((), ("--long",)):
            for rows in ("1", "3", "1000"):
                out = f"{rows}{len(long)}.{suffix}"
                arguments = ("in.csv", "--out", out, "--rejects", f"{rows}.rejects.csv", "--force")
                assert cohort(*arguments, "--rows", rows, *long).status == 3
            contents = {Path(f"{rows}{len(long)}.{suffix}").read_bytes() for rows in ("1", "3", "1000")}
            assert len(contents) == 1
    assert len(list(tmp_path.glob("*.rejects.csv"))) == 3
    assert len({path.read_bytes() for path in tmp_path.glob("*.rejects.csv")}) == 1


def test_two_processes_write_what_one_writes(process: Run, tmp_path: Path, examples: list[Record]) -> None:  # noqa: F811
    frame_of([*examples[:3], {"ecog": 9}]).write_csv(tmp_path / "in.csv")
    for workers in ("1", "2"):
        done = process(
            "cohort", str(tmp_path / "in.csv"), "--out", str(tmp_path / f"{workers}.csv"),
            *("--report", str(tmp_path / f"{workers}.md"), "--rows", "2", "--workers", workers),
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (3, b"")
        assert b"3 of 4" in done.stdout
    for name in ("{}.csv", "{}.rejects.csv"):
        assert (tmp_path / name.format(1)).read_bytes() == (tmp_path / name.format(2)).read_bytes()
    shown = [
        [
            line
            for line in (tmp_path / f"{workers}.md").read_text("utf-8").splitlines()
            if not line.startswith(("- **Decisions", "- **Run")) and "rejects.csv" not in line
        ]
        for workers in (1, 2)
    ]
    assert shown[0] == shown[1]


def test_a_synthetic_cohort_is_drawn_again_from_its_seed_and_decided(cohort: Callable[..., Answer]) -> None:
    for place in ("one.csv", "two.csv", "three.parquet"):
        answer = cohort("synth", "--n", "40", "--seed", "5", "--out", place)
        assert answer.status == 0
        assert "They do not exist" in answer.out
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()
    assert len(as_read(Path("three.parquet"))) == 40
    assert_refused(cohort("synth", "--n", "40", "--seed", "6", "--out", "one.csv"), "one.csv: exists")
    assert cohort("synth", "--n", "40", "--seed", "6", "--out", "two.csv", "--force").status == 0
    assert Path("one.csv").read_bytes() != Path("two.csv").read_bytes()
    answer = cohort("one.csv", "--out", "out.csv", "--report", "out.md")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("SYNTHETIC")
    assert "synthetic" in Path("out.md").read_text("utf-8").lower()
    assert len(as_read(Path("out.csv"))) == 40


@pytest.mark.parametrize("kind", FORMATS)
def test_a_table_without_rows_has_no_decisions_and_no_refusals(
    cohort: Callable[..., Answer], tmp_path: Path, table: Path, kind: str
) -> None:
    Path("none.csv").write_text("case_id,ecog,given\n")
    answer = cohort(
        "none.csv", "--out", f"out.{kind}", "--given", "given", "--report", "out.html", "--report", "out.md"
    )
    assert (answer.status, answer.err) == (0, "")
    assert kind_of_table(tmp_path / f"out.{kind}") == kind
    assert as_read(tmp_path / f"out.{kind}") == []
    assert names(tmp_path) == {"in.csv", "none.csv", f"out.{kind}", "out.disagreements.csv", "out.html", "out.md"}


def test_without_arguments_the_command_shows_what_it_can_do(cohort: Callable[..., Answer]) -> None:
    shown = cohort().out + cohort().err
    assert "hcc-decide cohort INPUT --out OUTPUT" in shown
    assert "synth" in shown
    assert cohort("--help").status == 0


def test_a_run_that_is_told_to_end_leaves_no_file_behind(tmp_path: Path) -> None:
    table, out = tmp_path / "many.csv", tmp_path / "out.csv"
    rows = "".join(f"case-{number},C,A,{number % 3}\n" for number in range(300_000))
    table.write_text(f"case_id,bclc_stage,child_pugh_class,ecog\n{rows}", encoding="utf-8")
    program = [sys.executable, "-c", "from hcc_decide.cli import main; main()"]
    command = [*program, "cohort", str(table), "--out", str(out), "--rows", "500"]
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".*.part")) and started.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.glob(".*.part")), "the run ended before it was told to"
    started.terminate()
    assert started.wait(60) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == [table]
