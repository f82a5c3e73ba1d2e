"""The benchmark compares like with like: every contender concludes the same. Time is not asserted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import benchmarks.__main__
import pytest
from benchmarks.__main__ import main
from benchmarks.browser import COMMAND, FIRST_ANSWER, LISTENS, OPENED, PAGE, InBrowser, measure_browser
from benchmarks.conclusions import conclusions_of, differences
from benchmarks.contenders import CLIPS, DECISION, DURABLE, LABELS, PLAIN, Contender, compare, contenders
from benchmarks.form import Edits, measure_edits
from benchmarks.form_report import FormRun, form_section
from benchmarks.patients import edits, example_patients, example_records, varied_patients
from benchmarks.report import Run, markdown, rules_of
from benchmarks.sections import with_section
from benchmarks.timing import measure

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
    assert {DECISION, DURABLE, CLIPS, PLAIN} <= wrong.keys()
    assert not any(wrong.values()), wrong


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
