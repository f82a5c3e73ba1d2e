"""The benchmark compares like with like: every contender concludes the same. Time is not asserted."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import benchmarks.__main__
import polars as pl
import pytest
from benchmarks.__main__ import main
from benchmarks.browser import COMMAND, FIRST_ANSWER, LISTENS, OPENED, PAGE, InBrowser, measure_browser
from benchmarks.cohort_report import CohortRun, cohort_section
from benchmarks.cohorts import (
    READ,
    RIVALS,
    Cohorts,
    Command,
    RowByRow,
    Sizes,
    measure_cohorts,
    measure_row_by_row,
    repeated,
    run,
)
from benchmarks.conclusions import conclusions_of, differences
from benchmarks.contenders import CLIPS, DECISION, DURABLE, LABELS, PLAIN, ZEN, Contender, compare, contenders
from benchmarks.form import Edits, measure_edits
from benchmarks.form_report import FormRun, form_section
from benchmarks.patients import edits, example_patients, example_records, limits_of, varied_patients
from benchmarks.plain import PlainRules
from benchmarks.report import Run, markdown, rules_of
from benchmarks.sections import with_section
from benchmarks.timing import measure
from benchmarks.zen import ZenRules

from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import Patient, parse_patient


@pytest.fixture(scope="module")
def patients(knowledge: Knowledge) -> list[Patient]:
    nothing_known = parse_patient({})
    return [*example_patients(knowledge), *varied_patients(knowledge, 30, seed=3), nothing_known]


@pytest.fixture(scope="module")
def rivals(knowledge: Knowledge, patients: list[Patient]) -> list[Contender]:
    return contenders(knowledge, patients[0])


def test_every_contender_concludes_what_hcc_decide_concludes(
    knowledge: Knowledge, rivals: list[Contender], patients: list[Patient]
) -> None:
    wrong = compare(knowledge, rivals, patients)
    assert {DECISION, DURABLE, CLIPS, ZEN, PLAIN} <= wrong.keys()
    assert not any(wrong.values()), wrong


def test_zen_tells_a_number_at_a_limit_from_the_nearest_numbers_beside_it(knowledge: Knowledge) -> None:
    zen, plain = ZenRules(knowledge), PlainRules(knowledge)
    tried = 0
    for fact, limits in limits_of(knowledge).items():
        if knowledge.vocabulary.facts[fact].kind == "number" and fact in Patient.model_fields:
            for limit in limits:
                for value in (limit, math.nextafter(limit, math.inf), math.nextafter(limit, -math.inf)):
                    # Nothing is below 0, and what is next to it is 0 to Zen.
                    if value > 0 and limit > 0:
                        patient = parse_patient({fact: value})
                        assert differences(zen.conclude(patient), plain.conclude(patient)) == []
                        tried += 1
    assert tried > 9


def test_a_difference_in_any_part_is_found(knowledge: Knowledge, engine: Engine, patients: list[Patient]) -> None:
    ours = conclusions_of(engine.infer(patients[0]), knowledge)
    assert differences(ours, ours) == []
    rule, held = next(iter(ours.results.items()))
    option = next(iter(ours.verdicts))
    for other in (
        replace(ours, results={**ours.results, rule: not held}),
        replace(ours, results={name: value for name, value in ours.results.items() if name != rule}),
        replace(ours, verdicts={**ours.verdicts, option: ("undetermined", "ineligible")}),
        replace(ours, derived={**ours.derived, "setting": frozenset(["elsewhere"])}),
        replace(ours, disagreements={"bclc_stage": "A"}),
    ):
        assert len(differences(ours, other)) == 1


def test_the_same_seed_gives_the_same_patients(knowledge: Knowledge) -> None:
    assert varied_patients(knowledge, 20, seed=5) == varied_patients(knowledge, 20, seed=5)
    assert varied_patients(knowledge, 20, seed=5) != varied_patients(knowledge, 20, seed=6)


def test_the_report_has_a_row_for_every_contender(
    knowledge: Knowledge, rivals: list[Contender], patients: list[Patient]
) -> None:
    times = measure(rivals, patients[:2], rounds=1)
    run = Run(
        machine={"Date": "2000-01-01"},
        busy=False,
        rules=rules_of(knowledge),
        patients="two",
        compared=2,
        rounds=1,
        times=times,
        built={rival.key: rival.seconds_to_build for rival in rivals},
        wrong=compare(knowledge, rivals, patients[:2]),
        memory={},
        startup={},
    )
    report = markdown(run)
    assert all(f"| {label} |" in report for label in LABELS.values())


# The form


@pytest.fixture(scope="module")
def edited(knowledge: Knowledge) -> dict[str, Edits]:
    return measure_edits(knowledge, count=1, seed=2, pages=("Patient", "Answer"))


def test_an_edit_of_the_form_is_one_decision_and_a_run_without_an_edit_is_none(edited: dict[str, Edits]) -> None:
    assert edited.keys() == {"Patient", "Answer"}
    for seen in edited.values():
        assert len(seen.runs) == len(example_records())
        assert len(seen.decisions) == len(seen.runs)
        assert seen.again == 0
        assert all(0 < decision < run for decision, run in zip(seen.decisions, seen.runs, strict=True))


def test_edits_add_up_and_each_changes_one_thing(knowledge: Knowledge) -> None:
    record = parse_patient(next(iter(example_records().values())), knowledge.option_ids).to_record()
    found = edits(record, knowledge, 20, "seed")
    assert found == edits(record, knowledge, 20, "seed") != edits(record, knowledge, 20, "another")
    for before, after in zip([record, *found], found, strict=False):
        changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        assert len(changed) == 1
        assert parse_patient(after, knowledge.option_ids).to_record() == after


BROWSER = InBrowser(
    "150.0",
    3,
    {LISTENS: 0.8, PAGE: 1.5, FIRST_ANSWER: 1.6, OPENED: 0.7, COMMAND: 0.8},
    (0.050, 0.060, 0.070, 0.080),
)


def test_the_section_about_the_form_says_what_was_measured(edited: dict[str, Edits]) -> None:
    section = form_section(FormRun({"Date": "2000-01-01"}, False, edited, BROWSER))
    assert section.startswith("## The form\n")
    assert section.count("\n## ") == 0
    assert all(f"| {title} | {len(example_records())} |" in section for title in edited)
    assert "| the page shows an answer | 1,600 |" in section
    assert "to the answer it takes 800 ms" in section
    assert "from opening to its answer | 700 |" in section
    assert "2.0 times as" in section
    assert "p50 60 ms" in section
    server_only = form_section(FormRun({"Date": "2000-01-01"}, True, edited, None))
    assert "browser" not in server_only
    assert "Other work ran" in server_only


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ("# Benchmarks\n\ntext\n", "# Benchmarks\n\ntext\n\n## The form\n\nnew\n"),
        ("# Benchmarks\n\n## The form\n\n### old\n\nold\n", "# Benchmarks\n\n## The form\n\nnew\n"),
        ("# B\n\n## The form\n\nold\n\n## Memory\n\nm\n", "# B\n\n## The form\n\nnew\n\n## Memory\n\nm\n"),
    ],
)
def test_the_section_about_the_form_takes_the_place_of_the_one_that_was_there(report: str, expected: str) -> None:
    assert with_section(report, "## The form\n\nnew") == expected


def test_the_form_alone_is_measured_and_written_without_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n\nwhat was measured before\n")
    monkeypatch.setattr(benchmarks.__main__, "REPORT", page)
    monkeypatch.setattr(benchmarks.__main__, "measure_edits", lambda *_: {"Patient": Edits([0.2, 0.1], [0.05], 0)})
    monkeypatch.setattr(benchmarks.__main__, "measure_browser", lambda *_: BROWSER)
    assert main(["--only", "form", "--write"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("## The form\n")
    assert page.read_text() == f"# Benchmarks\n\nwhat was measured before\n\n{printed}"


def test_what_lies_beyond_one_decision_is_measured_and_written_without_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n\n## Beyond one decision\n\nold\n\n## The form\n\nas it was\n")
    monkeypatch.setattr(benchmarks.__main__, "REPORT", page)
    monkeypatch.setattr(benchmarks.__main__, "measure_ahead", lambda _: ("### One\n\n1", "### Two\n\n2"))
    assert main(["--only", "ahead", "--write"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("## Beyond one decision\n")
    assert "old" not in page.read_text()
    assert page.read_text() == f"# Benchmarks\n\n{printed}\n## The form\n\nas it was\n"


COHORTS = Cohorts(
    Sizes(rows=(1_000,), runs=1, seconds=2),
    (RowByRow(READ, 2_000, 0.2, None), RowByRow(CLIPS, 500, 2.0, 0), RowByRow(PLAIN, 4_000, 2.0, 3)),
    (Command(1_000, 990, 1, 2.0, 900, 150.4), Command(1_000, 990, 2, 0.25, 900, 300.0)),
    (Command(100_000, 100, 1, 3.0, 80, 200.0),),
)


def test_the_section_about_cohorts_says_what_was_measured() -> None:
    section = cohort_section(CohortRun({"Date": "2000-01-01"}, False, COHORTS))
    assert section.startswith("## Cohorts\n")
    assert "| reading and checking the row alone | 2,000 | 0.10 | 10,000 |  |" in section
    assert f"| {LABELS[CLIPS]} | 500 | 4.00 | 250 | 0 |" in section
    assert f"| {LABELS[PLAIN]} | 4,000 | 0.50 | 2,000 | 3 |" in section
    assert "| 1,000 | 1 | 2.00 | 500 | 990 | 900 | 150 |" in section
    assert "| 1,000 | 2 | 0.25 | 4,000 | 990 | 900 | 300 |" in section
    assert "| 100 | 80 | 3.00 | 33,333 |" in section
    assert (
        f"in 2 processes go through the whole command at 2.0 times the speed of the fastest above ({LABELS[PLAIN]})"
        in (section)
    )
    assert "Other work ran" not in section
    assert "Other work ran" in cohort_section(CohortRun({}, True, COHORTS))


def test_cohorts_are_measured_and_written_without_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n\n## Cohorts\n\nold\n")
    asked: list[Sizes] = []

    def measured(_: Knowledge, sizes: Sizes) -> Cohorts:
        asked.append(sizes)
        return COHORTS

    monkeypatch.setattr(benchmarks.__main__, "REPORT", page)
    monkeypatch.setattr(benchmarks.__main__, "measure_cohorts", measured)
    assert main(["--only", "cohort", "--cohort-rows", "20000", "--write"]) == 0
    assert (asked[0].rows, asked[0].distinct, asked[0].repeated) == ((1_000, 10_000), (100, 1_000, 10_000), 20_000)
    printed = capsys.readouterr().out
    assert printed.startswith("## Cohorts\n")
    assert page.read_text() == f"# Benchmarks\n\n{printed}"


CELLS: list[dict[str, str | None]] = [
    {"case_id": "one", "ecog": "1", "child_pugh_class": "A", "prior_systemic": "sorafenib"},
    {"case_id": "two", "ecog": None, "bclc_stage": "C", "prior_systemic": "[]"},
]


def test_row_by_row_every_engine_takes_rows_until_its_time_is_over(knowledge: Knowledge) -> None:
    seen = {row.key: row for row in measure_row_by_row(knowledge, CELLS * 30, Sizes(seconds=0, compared=2))}
    assert seen.keys() == {READ, *RIVALS}
    assert all(row.rows == 20 and row.seconds > 0 for row in seen.values())
    assert {key: row.wrong for key, row in seen.items()} == {READ: None, **dict.fromkeys(RIVALS, 0)}
    through = [row.rows for row in measure_row_by_row(knowledge, CELLS, Sizes(seconds=60, compared=1))]
    assert through == [2] * len(seen)


def test_the_whole_command_is_run_on_tables_of_each_size(knowledge: Knowledge) -> None:
    sizes = Sizes(rows=(6,), processes=(1,), distinct=(2,), repeated=5, runs=1, seconds=0, compared=1)
    seen = measure_cohorts(knowledge, sizes)
    ((by_rows,), (by_distinct,)) = seen.by_rows, seen.by_distinct
    assert (by_rows.rows, by_rows.processes) == (6, 1)
    assert (by_distinct.rows, by_distinct.distinct) == (5, 2)
    assert 1 <= by_distinct.classes <= 2 <= by_rows.classes <= by_rows.distinct <= 6
    assert all(command.seconds > 0 and command.memory > 20 for command in (by_rows, by_distinct))
    assert {row.key for row in seen.row_by_row} == {READ, *RIVALS}


def test_repeated_rows_are_cases_of_their_own() -> None:
    table = pl.DataFrame(CELLS)
    more = repeated(table, 5)
    assert more["ecog"].to_list() == ["1", None, "1", None, "1"]
    assert more["case_id"].n_unique() == 5
    assert repeated(table, 1)["case_id"].to_list() == ["one"]


HUNGRY = "import subprocess, sys; data = b'1' * 60_000_000; print('done'); subprocess.run([sys.executable, '-c', sys.argv[1]])"
CHILD = "data = b'1' * 60_000_000; import time; time.sleep(0.5)"


def test_a_command_is_watched_with_the_processes_that_it_starts() -> None:
    seen = run([sys.executable, "-c", HUNGRY, CHILD])
    assert seen.said == "done\n"
    assert 0.5 < seen.seconds < 30
    assert 120 < seen.memory < 1_000
    with pytest.raises(RuntimeError, match=r"ended with 3: no such table"):
        run([sys.executable, "-c", "import sys; print('no such table'); sys.exit(3)"])


def test_without_a_browser_the_rest_of_the_form_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    monkeypatch.setattr(benchmarks.__main__, "measure_edits", lambda *_: {"Patient": Edits([0.2, 0.1], [0.05], 0)})
    assert main(["--only", "form"]) == 0
    said = capsys.readouterr()
    assert "| Patient | 2 |" in said.out
    assert "/nowhere/chromium is no program" in said.err


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_the_form_is_started_opened_and_typed_into_in_a_real_browser(knowledge: Knowledge) -> None:
    seen = measure_browser(knowledge, starts=1, entries=2)
    assert len(seen.typed) == 2
    assert all(seconds > 0 for seconds in seen.typed)
    assert 0 < seen.medians[LISTENS] < seen.medians[PAGE] <= seen.medians[FIRST_ANSWER]
    assert seen.medians[OPENED] > 0
    assert seen.medians[COMMAND] > 0
