"""Ten thousand malformed records: each is a patient after all or is refused in short plain lines, and never anything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_decide.case_file import read_case
from hcc_decide.documents import MAX_VALUES, DocumentError, parse
from hcc_decide.patient import MAX_PROBLEMS, RecordError, parse_patient
from tests.hostile import records, watch
from tests.hostile.records import ALWAYS_REFUSED, KINDS
from tests.hostile.rule_files import build
from tests.hostile.watch import Report, wrong_lines

SEEDED = 6000
"""Hypothesis draws more below."""

LONGEST_LINE = 500
PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'hcc-decide'; from hcc_decide.cli import main; main()"]

together = pytest.mark.xdist_group("malformed-records")
"""One process runs the tests that read the same report, so that it is made once."""


@pytest.fixture(scope="module")
def report() -> Report:
    """What came of all seeded records, read one after the other by one program with limits on its memory."""
    return watch.run("records", str(SEEDED))


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small rule base, which a command loads faster than the whole one."""
    folder = tmp_path_factory.mktemp("rules")
    build(folder)
    return folder


@together
def test_every_malformed_record_is_a_patient_or_is_refused(report: Report) -> None:
    assert report.count == SEEDED
    assert report.failures == []


@together
def test_no_line_of_a_refusal_is_long(report: Report) -> None:
    assert 30 < report.longest_line <= LONGEST_LINE


@together
def test_reading_ten_thousand_malformed_records_takes_bounded_memory(report: Report) -> None:
    assert report.grown_mb < 60
    assert report.peak_mb < 300


@together
def test_the_work_for_a_record_grows_with_its_length_and_no_faster(report: Report) -> None:
    assert 0 < report.most_calls <= 1
    assert report.ended("large", "refused") >= 2 * records.LARGE


@together
def test_records_of_every_kind_were_tried_and_some_damage_is_harmless(report: Report) -> None:
    for kind in KINDS:
        assert report.ended(kind, "refused") > 100, kind
    for kind in ALWAYS_REFUSED:
        assert report.ended(kind, "accepted") == 0, kind
    assert report.ended("damaged yaml", "accepted") > 10


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=250, deadline=None)
@given(st.dictionaries(st.sampled_from(records.FIELDS) | st.text(max_size=12), VALUES, max_size=6))
def test_fuzz_whatever_stands_in_the_fields_is_a_patient_or_is_refused(data: dict[str, Any]) -> None:
    try:
        patient = parse_patient(data, records.options())
    except RecordError as error:
        assert wrong_lines(error.problems) == []
        assert max(map(len, error.problems)) <= LONGEST_LINE
    else:
        records.read_back(patient)


@settings(max_examples=250, deadline=None)
@given(
    st.binary(max_size=120)
    | st.text(alphabet="{}[]:,-?&*!|>'\"#%@`\\\t\r\n 0aecog\ufeff\u2028\x85\x00", max_size=60).map(str.encode)
)
def test_fuzz_whatever_the_bytes_they_are_read_or_refused(content: bytes) -> None:
    try:
        records.read_back(read_case(content, records.options()))
    except RecordError as error:
        assert wrong_lines(error.problems) == []


def test_a_repeated_key_of_half_a_megabyte_is_told_in_a_short_line() -> None:
    key = "x" * 400_000
    for content in (f'{{"{key}": 1, "{key}": 2}}', f"? {key}\n: 1\n? {key}\n: 2\n"):
        with pytest.raises(DocumentError) as caught:
            parse(content.encode())
        assert "twice" in str(caught.value)
        assert len(str(caught.value)) < 120


def test_json_has_as_many_values_as_yaml_may_have() -> None:
    fits = ",".join(["1"] * (MAX_VALUES - 3))
    assert parse(f'{{"a": [{fits}]}}'.encode()).data["a"]
    assert parse(f"a: [{fits}]".encode()).data["a"]
    for content in (f'{{"a": [{fits}, 1]}}', f"a: [{fits}, 1]"):
        with pytest.raises(DocumentError, match=f"holds more than {MAX_VALUES} values"):
            parse(content.encode())


@pytest.mark.parametrize("field", ["etiology", "prior_locoregional"])
def test_of_thousands_of_problems_the_first_are_told_and_the_others_counted(field: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_patient({field: [1] * 5000, "ecog": 9})
    *told, last = caught.value.problems
    assert len(told) == MAX_PROBLEMS
    assert last == f"and {5001 - MAX_PROBLEMS} more problems"


def test_of_thousands_of_foreign_fields_a_saved_decision_tells_the_first() -> None:
    foreign = "".join(f"k{number}: 1\n" for number in range(MAX_PROBLEMS + 1))
    with pytest.raises(RecordError) as caught:
        read_case(f"schema_version: 1\npatient: {{}}\n{foreign}".encode(), None)
    assert len(caught.value.problems) == MAX_PROBLEMS + 1
    assert caught.value.problems[-1] == "and 1 more problem"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", [*ALWAYS_REFUSED[:7], "noise"])
def test_the_command_refuses_with_status_2_and_plain_lines(kind: str, seed: int, rules: Path, tmp_path: Path) -> None:
    ending, content = records.content(kind, seed)
    file = tmp_path / f"case.{ending}"
    file.write_bytes(content)
    # Every third one comes in through the standard input.
    source, stdin = (str(file), b"") if seed else ("-", content)
    ended = subprocess.run(
        [*PROGRAM, "recommend", source, "--rules", str(rules)],
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )
    told = ended.stderr.decode()
    assert ended.returncode == 2, told
    assert ended.stdout == b""
    assert "Traceback" not in told
    name = "standard input" if source == "-" else source
    assert told.strip()
    assert all(line.startswith(f"{name}: ") for line in told.splitlines()), told
    assert wrong_lines(line.removeprefix(f"{name}: ") for line in told.splitlines()) == []
