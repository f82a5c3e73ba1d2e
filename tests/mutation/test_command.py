"""The report: survivors are listed with a reason, and the list holds nothing else."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hcc_decide.cli import app
from hcc_decide.documents import DocumentError
from hcc_decide.mutation.command import UnsoundError, run
from hcc_decide.mutation.survivors import SurvivorsError, read_survivors
from hcc_decide.verify.exceptions import read_exceptions
from hcc_decide.verify.run import unproved
from tests.conftest import ROOT
from tests.knowledge.conftest import RuleBase
from tests.mutation.conftest import ALPHA

LIST = "survivors.yaml"
OPTIONS = "options/"
FIRST_LINE = "options/alpha/first-line: evidence"
SURVIVES = "options/alpha/first-line: evidence_level 1 -> 2"
NOTICED = "options/alpha/bleeding: dropped"
PROOFS = partial(unproved, reviewed=frozenset())


def listed(*names: str) -> str:
    """Return a list of survivors with one reason."""
    return "survivors:\n  - reason: for the test\n    mutants:\n" + "".join(f'      - "{name}"\n' for name in names)


@pytest.mark.xdist_group("mutation")
def test_a_sample_of_the_shipped_rule_base_is_noticed() -> None:
    proofs = partial(unproved, reviewed=read_exceptions(ROOT / "rules").subjects())
    report = run(ROOT / "rules", sample=150, seed=1, proofs=proofs)
    assert report.survivors == ()
    assert report.stale == ()
    assert report.strangers == ()
    assert len(report.outcomes) == 150
    assert report.share > 0.95


def test_the_shipped_list_gives_every_survivor_a_reason() -> None:
    reasons = read_survivors(ROOT / "rules")
    assert reasons
    assert all(len(reason) > 40 for reason in reasons.values())


def test_a_survivor_that_is_not_listed_fails(taught: RuleBase) -> None:
    report = run(taught.folder, only=OPTIONS)
    assert SURVIVES in report.survivors
    assert not report.passed
    assert f"  {SURVIVES}" in list(report.lines())


def test_with_every_survivor_listed_the_rule_base_passes(taught: RuleBase) -> None:
    first = run(taught.folder, only=OPTIONS)
    taught.write(LIST, listed(*first.survivors))
    second = run(taught.folder, only=OPTIONS)
    assert second.survivors == ()
    assert second.reviewed == first.survivors
    assert second.passed
    assert second.share == first.share


def test_a_listed_survivor_that_is_noticed_by_now_fails(taught: RuleBase) -> None:
    taught.write(LIST, listed(*run(taught.folder, only=OPTIONS).survivors))
    taught.change(ALPHA, "cases:\n", "cases:\n  - {rule: first-line, evidence_level: 1}\n")
    report = run(taught.folder, only=OPTIONS)
    assert [item.mutant.name for item in report.stale] == [SURVIVES]
    assert report.survivors == ()
    assert not report.passed
    assert f"  {SURVIVES} (by cases)" in list(report.lines())


def test_a_listed_survivor_that_is_no_error_of_this_rule_base_fails(taught: RuleBase) -> None:
    taught.write(LIST, listed("options/gamma/gone: dropped"))
    report = run(taught.folder, sample=5)
    assert report.strangers == ("options/gamma/gone: dropped",)
    assert not report.passed


def test_a_rule_base_that_fails_its_own_checks_is_not_tried(taught: RuleBase) -> None:
    taught.change(ALPHA, "met: [{ecog: 2}]", "met: [{ecog: 1}]")
    taught.change("vignettes/curable.yaml", "verdict: preferred", "verdict: recommended")
    with pytest.raises(UnsoundError) as refused:
        run(taught.folder)
    assert "options/alpha/ecog-2 is not met for {'ecog': 1}" in str(refused.value)
    assert "curable: beta is preferred, expected is recommended" in str(refused.value)


def test_part_of_a_rule_base_can_be_tried_alone(taught: RuleBase) -> None:
    report = run(taught.folder, only="options/beta/")
    assert report.outcomes
    assert all(item.mutant.name.startswith("options/beta/") for item in report.outcomes)


def test_two_processes_report_what_one_reports(taught: RuleBase) -> None:
    one, two = run(taught.folder, sample=60), run(taught.folder, sample=60, jobs=2)
    assert one == two
    assert 0 < one.share < 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("survivors:\n  - reason: x\n    mutants: []\n", "survivors.0.mutants: list should have at least 1 item"),
        ("survivors:\n  - mutants: [a]\n", "survivors.0.reason: field required"),
        (listed("a", "a"), "names 'a' twice"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / LIST).write_text(text, encoding="utf-8")
    with pytest.raises(SurvivorsError, match=message):
        read_survivors(tmp_path)


def test_a_list_that_is_no_document_is_refused(tmp_path: Path) -> None:
    (tmp_path / LIST).write_text("survivors: [", encoding="utf-8")
    with pytest.raises(DocumentError):
        read_survivors(tmp_path)


def command(*arguments: str) -> Result:
    """Run ``hcc-decide rules mutate``."""
    return CliRunner().invoke(app, ["rules", "mutate", "--processes", "1", *arguments])


def test_the_command_prints_counts_and_says_by_its_status_whether_it_passed(taught: RuleBase) -> None:
    arguments = [str(taught.folder), "--only", FIRST_LINE]
    tried = run(taught.folder, only=FIRST_LINE, proofs=PROOFS)
    ran = command(*arguments)
    assert ran.exit_code == 1
    lines = ran.stdout.splitlines()
    assert lines[0].split() == [
        "mutant",
        "made",
        "load",
        "checks",
        "cases",
        "vignettes",
        "coverage",
        "proofs",
        "survived",
    ]
    (whole,) = [line for line in lines if line.startswith("all ")]
    assert whole.split()[1] == str(len(tried.outcomes)) != "0"
    taught.write(LIST, listed(*tried.survivors))
    assert command(*arguments).exit_code == 0


def test_the_command_refuses_a_rule_base_with_findings(taught: RuleBase) -> None:
    taught.change(ALPHA, "once daily", "")
    ran = command(str(taught.folder))
    assert (ran.exit_code, "K02" in ran.stderr) == (1, True)
    taught.write(LIST, "survivors: []\n")
    taught.change(ALPHA, "  text: \n", "  text: once daily\n")
    taught.write(LIST, listed(NOTICED, NOTICED))
    ran = command(str(taught.folder))
    assert (ran.exit_code, "twice" in ran.stderr) == (1, True)


@pytest.mark.xdist_group("mutation")
def test_an_error_that_only_the_proofs_see_is_noticed_by_them() -> None:
    name = "staging/albi-grade/1: albi_score at_most -> below -2.6"
    proofs = partial(unproved, reviewed=read_exceptions(ROOT / "rules").subjects())
    without, with_proofs = (run(ROOT / "rules", only=name, proofs=given).outcomes for given in (None, proofs))
    assert [item.kill for item in without] == [None]
    assert [item.kill.by for item in with_proofs if item.kill] == ["proofs"]


def test_the_command_tries_a_sample_of_the_shipped_rule_base() -> None:
    ran = command("--only", "options/apatinib/", "--sample", "10")
    assert ran.exit_code == 0
    assert next(line for line in ran.stdout.splitlines() if line.startswith("all ")).split()[1] == "10"
    assert "Noticed: 100.00%" in ran.output


@pytest.mark.parametrize(
    ("arguments", "status", "said"), [(["/nowhere"], 2, "is not a folder"), (["--sample", "0"], 2, "sample")]
)
def test_the_command_says_what_was_asked_wrongly(arguments: list[str], status: int, said: str) -> None:
    ran = command(*arguments)
    assert ran.exit_code == status
    assert said in ran.output
