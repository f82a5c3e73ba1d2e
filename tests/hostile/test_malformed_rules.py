"""A thousand malformed rule files: each gives findings with file, line, code and a sentence, or is sound, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hcc_decide.documents import parse
from hcc_decide.knowledge.load import inspect_knowledge
from tests.hostile import watch
from tests.hostile.damage import as_yaml
from tests.hostile.rule_files import KINDS, build
from tests.hostile.watch import Report, wrong_lines

COUNT = 500
PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'hcc-decide'; from hcc_decide.cli import main; main()"]
ICARITIN = "options/icaritin.yaml"

together = pytest.mark.xdist_group("malformed-rules")
"""One process runs the tests that read the same report, so that it is made once."""


@pytest.fixture(scope="module")
def report() -> Report:
    """What came of all damaged files, each inspected in its rule base by one program with limits on its memory."""
    return watch.run("rule_files", str(COUNT))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small rule base; not to be written to."""
    folder = tmp_path_factory.mktemp("rules") / "sound"
    build(folder)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy of the small rule base, to be damaged."""
    return Path(shutil.copytree(sound, tmp_path / "rules"))


def change(folder: Path, name: str, **changes: Any) -> None:
    """Change keys of one file."""
    file = folder / name
    file.write_bytes(as_yaml(parse(file.read_bytes()).data | changes))


def lines(folder: Path) -> list[str]:
    """Return the findings as they are told, none of which is long or more than a line."""
    found = [str(finding) for finding in inspect_knowledge(folder)[1]]
    assert not found or wrong_lines(found) == []
    return found


def test_the_small_rule_base_is_sound_before_it_is_damaged(sound: Path) -> None:
    knowledge, findings = inspect_knowledge(sound)
    assert findings == []
    assert knowledge is not None


@together
def test_every_malformed_rule_file_gives_findings_or_a_sound_knowledge(report: Report) -> None:
    assert report.count == COUNT
    assert report.failures == []


@together
def test_files_of_every_kind_were_damaged_and_most_damage_is_found(report: Report) -> None:
    for kind in KINDS:
        refused, passed = report.ended(kind, "refused"), report.ended(kind, "sound")
        assert refused + passed == COUNT // len(KINDS), kind
        # What stands in the cases of a file is looked at by the lint, not on loading.
        assert refused > passed, kind


@together
def test_inspecting_hundreds_of_malformed_rule_bases_takes_bounded_memory(report: Report) -> None:
    assert report.grown_mb < 60
    assert report.peak_mb < 300


@together
def test_the_work_for_a_rule_base_grows_with_its_length_and_no_faster(report: Report) -> None:
    assert 0 < report.most_calls <= 1


@pytest.mark.parametrize("key", ["a\nb", "\u2028", "\x00", "\x1b[31m", "x" * 100_000])
def test_a_key_of_any_shape_is_named_in_one_short_line(folder: Path, key: str) -> None:
    change(folder, ICARITIN, **{key: 1})
    (line,) = [line for line in lines(folder) if "is not a key of this file" in line]
    assert line.startswith(f"{ICARITIN}:")


def test_a_fact_of_any_name_is_named_in_one_short_line(folder: Path) -> None:
    change(folder, "notices.yaml", notices=[{"id": "a", "text": "b", "when": {"a\nb" + "x" * 9000: 1}}])
    (line,) = [line for line in lines(folder) if "names the fact `a?bxx" in line]
    assert len(line) < 700


def test_of_thousands_of_wrong_things_in_one_file_the_first_are_told_and_the_others_counted(folder: Path) -> None:
    change(folder, ICARITIN, **{f"k{number}": 1 for number in range(5000)})
    told = lines(folder)
    assert len([line for line in told if line.startswith(ICARITIN)]) == 101
    assert f"{ICARITIN}:1: K02 4900 more things in this file are wrong" in told


@pytest.mark.parametrize("key", ["claims", "trials"])
def test_a_list_where_a_claim_or_trial_is_named_is_a_finding(folder: Path, key: str) -> None:
    name = "vignettes/supportive-ecog-3.yaml"
    change(folder, name, patient={key: [[1], {"a": 1}]})
    assert any(line.startswith(f"{name}:") for line in lines(folder))


@pytest.mark.parametrize("fact", ["tumour", "intent"])
def test_a_fact_that_the_record_holds_as_no_number_cannot_be_called_one(folder: Path, fact: str) -> None:
    file = folder / "vocabulary.yaml"
    data = parse(file.read_bytes()).data
    data["facts"][fact]["kind"] = "number"
    file.write_bytes(as_yaml(data))
    assert any(": K12 facts." in line for line in lines(folder))


def test_a_file_whose_name_is_no_text_is_a_finding(folder: Path) -> None:
    try:
        shutil.copy(folder / ICARITIN, folder / "options" / os.fsdecode(b"\xff\n.yaml"))
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    assert any(line.startswith("options/??.yaml:") for line in lines(folder))


def test_a_pipe_among_the_rules_is_a_finding_and_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "options" / "pipe.yaml")
    assert lines(folder) == ["options/pipe.yaml:1: K01 the file is no plain file"]


def test_a_file_larger_than_any_rule_file_is_a_finding_and_is_not_read_whole(folder: Path) -> None:
    with (folder / "options" / "large.yaml").open("wb") as file:
        file.truncate(20_000_000_000)  # takes no room on the disk, and more than there is in memory
    (line,) = lines(folder)
    assert line.startswith("options/large.yaml:1: K01 the file is larger than 1000 kB")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_a_finding(folder: Path) -> None:
    (folder / ICARITIN).chmod(0)
    assert f"{ICARITIN}:1: K01 the file cannot be read (Permission denied)" in lines(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (ICARITIN, b"id: icaritin\n\tname: x\n"),
        (ICARITIN, b"\xff\xfe\x00"),
        ("staging/bclc-stage.yaml", b"fact: bclc_stage\nvalues: []\n"),
        ("vocabulary.yaml", b"[" * 100_000),
        ("knowledge.yaml", b"a: &a [1]\nb: *a\n"),
        ("trials/search.yaml", b'id: "a\\nb"\n"a\\nb": 1\n'),
    ],
)
def test_the_lint_names_a_damaged_file_with_line_and_code_and_status_1(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    ended = subprocess.run(
        [*PROGRAM, "rules", "lint", str(folder)], capture_output=True, timeout=120, check=False, env=os.environ
    )
    told = ended.stdout.decode().splitlines()
    assert ended.returncode == 1
    assert b"Traceback" not in ended.stderr
    assert any(line.startswith(f"{name}:") for line in told)
    assert wrong_lines(told) == []
    assert ended.stderr.decode().splitlines()[-1].endswith("see docs/findings.md for what each code asks")


def test_the_lint_of_a_folder_that_is_none_ends_with_status_2(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*PROGRAM, "rules", "lint", str(tmp_path / "none")], capture_output=True, timeout=120, check=False
    )
    assert ended.returncode == 2
    assert ended.stdout == b""
    assert len(ended.stderr.splitlines()) == 1
