"""The whole proof of the shipped rules, the reviewed exceptions, and the command that prints both."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hcc_decide.cli import app
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import RecordError, contradictions, parse_patient
from hcc_decide.verify.exceptions import Exceptions, ExceptionsError, judge_failures, read_exceptions
from hcc_decide.verify.exhaustive import THEOREM as COMBINATIONS
from hcc_decide.verify.fields import Saying
from hcc_decide.verify.results import THEOREMS, Failure
from hcc_decide.verify.run import Report, verify
from hcc_decide.verify.shapes import by_shape
from tests.conftest import ROOT
from tests.verification.conftest import Change

FAILED = Failure("live", "options/regorafenib/child-pugh-a", "can never hold")
RUN = CliRunner()


@pytest.fixture(scope="module")
def report() -> Report:
    """Everything proved, over as many processes as there are cores."""
    return verify(ROOT / "rules", processes=min(4, os.cpu_count() or 1))


@pytest.mark.xdist_group("proof")
def test_every_theorem_holds_for_every_patient_but_for_what_was_reviewed(report: Report) -> None:
    assert "\n".join(f"{item.theorem} {item.subject} {item.text}" for item in report.judgement.open) == ""
    assert report.judgement.stale == ()
    assert report.proved


@pytest.mark.xdist_group("proof")
def test_every_theorem_is_asked_of_every_subject(report: Report, knowledge: Knowledge) -> None:
    reviewed = [failure.theorem for failure, _ in report.judgement.reviewed]
    count = {name: report.tally.proved.get(name, 0) + reviewed.count(name) for name in THEOREMS}
    assert all(count[name] for name in THEOREMS if name != COMBINATIONS)
    options = len(knowledge.options)
    for name in ("one-verdict", "learning-keeps-verdicts", "outlook-is-the-best", "worse-ecog", "untreated-varices"):
        assert count[name] == options
    assert count["worse-child-pugh"] == options
    assert count["excluded-not-usable"] == sum(len(item.of_kind("exclude")) for item in knowledge.options.values())
    assert count["one-value"] == len(knowledge.staging)
    assert count["model-is-the-engine"] > 3 * options


@pytest.mark.xdist_group("proof")
def test_what_is_printed_counts_what_was_proved_and_what_was_reviewed(report: Report) -> None:
    text = "\n".join(report.lines())
    assert all(name in text for name in THEOREMS if name != COMBINATIONS)
    counts = [line.split()[:3] for line in text.splitlines() if line.endswith(tuple(f"({name})" for name in THEOREMS))]
    assert sum(int(reviewed) for _, reviewed, _ in counts) == len(report.judgement.reviewed) > 0
    assert "questions to the solver" in text


def test_options_that_differ_in_name_only_are_proved_together(knowledge: Knowledge) -> None:
    groups = by_shape(knowledge, knowledge.options)
    assert sorted(name for group in groups.values() for name in group) == sorted(knowledge.options)
    assert len(groups) < len(knowledge.options)
    for group in groups.values():
        first, *others = (knowledge.options[name] for name in group)
        for other in others:
            assert [use.settings for use in first.uses] == [use.settings for use in other.uses]
            assert [use.body.verdict for use in first.uses] == [use.body.verdict for use in other.uses]


def test_options_whose_rules_differ_are_not_proved_together(changed: Change, knowledge: Knowledge) -> None:
    before = next(group for group in by_shape(knowledge, knowledge.options).values() if "apatinib" in group)
    assert len(before) > 1
    # Once in the indication; the cases of the file say the same in other words.
    text = 'the table gives no line of therapy"\n    settings: [first_line, second_line, later_line]'
    other = changed(("options/apatinib.yaml", text, text.replace(", later_line", "")))
    after = next(group for group in by_shape(other, other.options).values() if "apatinib" in group)
    assert set(after) & set(before) == {"apatinib"}


# What no record may say


def test_what_a_record_is_refused_for_is_known_to_the_proofs(refused: tuple[tuple[Saying, Saying], ...]) -> None:
    pairs = {frozenset((one[0], other[0])) for one, other in refused}
    assert pairs == {
        frozenset(("tumour", "primary_site")),
        frozenset(("tumour", "liver_metastasis_resectable")),
        frozenset(("refractory_to_tace", "amenable_to_tace")),
        frozenset(("refractory_to_tace", "prior_locoregional")),
    }
    for one, other in refused:
        with pytest.raises(RecordError):
            parse_patient(dict([one, other]))
    assert contradictions(parse_patient({"refractory_to_tace": True, "prior_locoregional": ["tace"]})) == []


# Reviewed exceptions


def exceptions(text: str, tmp_path: Path) -> Exceptions:
    """Read a file of exceptions."""
    (tmp_path / "exceptions.yaml").write_text(text, encoding="utf-8")
    return read_exceptions(tmp_path)


ENTRY = "exceptions:\n  - theorem: live\n    subjects: [options/regorafenib/child-pugh-a]\n    reason: it is meant so\n"


def test_a_failure_that_was_reviewed_is_shown_with_its_reason(tmp_path: Path) -> None:
    found = judge_failures([FAILED], exceptions(ENTRY, tmp_path), whole=True)
    assert found.open == ()
    assert found.stale == ()
    assert [(item.subject, reason) for item, reason in found.reviewed] == [(FAILED.subject, "it is meant so")]


def test_a_failure_of_another_rule_or_theorem_stays_open(tmp_path: Path) -> None:
    others = [Failure("live", "options/regorafenib/ecog-2", ""), Failure("not-vacuous", FAILED.subject, "")]
    found = judge_failures(others, exceptions(ENTRY, tmp_path), whole=True)
    assert list(found.open) == others
    assert found.stale == (("live", FAILED.subject),)


def test_an_exception_is_stale_only_when_everything_was_asked(tmp_path: Path) -> None:
    assert judge_failures([], exceptions(ENTRY, tmp_path), whole=False).stale == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY.replace("theorem: live", "theorem: alive"), "no theorem is called alive"),
        (ENTRY.replace("    reason: it is meant so\n", ""), "exceptions.yaml:2: exceptions[1].reason"),
        (ENTRY.replace("[options/regorafenib/child-pugh-a]", "[]"), "exceptions[1].subjects"),
        ("exceptions: [", "not well-formed YAML"),
        (ENTRY + "more: 1\n", "more"),
    ],
)
def test_a_broken_file_of_exceptions_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ExceptionsError) as caught:
        exceptions(text, tmp_path)
    assert said in str(caught.value)


def test_a_rule_base_without_exceptions_has_none(tmp_path: Path) -> None:
    assert read_exceptions(tmp_path) == Exceptions()


def test_every_shipped_exception_has_a_reason_and_claims_that_exist(knowledge: Knowledge) -> None:
    shipped = read_exceptions(ROOT / "rules")
    assert shipped.exceptions
    for item in shipped.exceptions:
        assert len(item.reason) > 40
        assert set(item.claims) <= set(knowledge.claims)
    for change in shipped.settings_when_worse:
        assert set(change.claims) <= set(knowledge.claims)


# The command


def test_one_option_is_proved_by_the_command() -> None:
    run = RUN.invoke(app, ["rules", "verify", "--option", "apatinib", "--processes", "1", "--exhaustive", "100"])
    assert run.exit_code == 0
    assert "30 combinations of classes, all there are of 1 options" in run.output
    assert "1 options" in run.output
    assert "one-verdict" in run.output


def test_what_is_not_proved_is_printed_with_the_patient_and_ends_with_status_1(changed: Change, folder: Path) -> None:
    text = "Child–Pugh class is A\n    when: {child_pugh_class: A}\n"
    changed(("options/regorafenib.yaml", text, text.replace(": A}", ": B}")))
    run = RUN.invoke(app, ["rules", "verify", str(folder), "--option", "regorafenib", "--processes", "1"])
    assert run.exit_code == 1
    assert "worse-child-pugh: regorafenib is raised" in run.output
    assert '"child_pugh_class": "A"' in run.output
    assert "docs/assurance.md" in run.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--option", "regorafnib"], "no option"), (["--processes", "0"], "processes"), (["/nowhere"], "is not a folder")],
)
def test_what_is_asked_wrongly_ends_with_status_2(arguments: list[str], said: str) -> None:
    run = RUN.invoke(app, ["rules", "verify", *arguments])
    assert run.exit_code == 2
    assert said in run.output
