"""Case files: what is written reads back as the same patient; what cannot be read completely is refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_decide.case_file import Format, file_name, read_case, write_case
from hcc_decide.documents import MAX_BYTES, read
from hcc_decide.patient import Patient, RecordError, parse_patient
from tests.conftest import ROOT, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
OPTIONS = KNOWLEDGE.option_ids
FORMATS: list[Format] = ["json", "yaml"]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
NEWER = "a newer version of hcc-decide may have written this file"


def refusal(content: bytes | str, name: str = "") -> tuple[str, ...]:
    with pytest.raises(RecordError) as caught:
        read_case(content.encode() if isinstance(content, str) else content, OPTIONS, name)
    for problem in caught.value.problems:
        assert problem.isprintable()
    return caught.value.problems


def decision(**changes: Any) -> str:
    """Write what a saved decision looks like around its record."""
    saved = {"schema_version": 1, "knowledge": {"edition": "reviews"}, "patient": {"ecog": 1}, "options": []} | changes
    return json.dumps(saved)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_survives_being_saved_and_loaded(path: Any, format_: Format) -> None:
    patient = parse_patient(read(path).data, OPTIONS)
    assert read_case(path.read_bytes(), OPTIONS, path.name) == patient
    assert read_case(write_case(patient.to_record(), format_), OPTIONS, f"case.{format_}") == patient


@pytest.mark.parametrize("format_", FORMATS)
@given(
    record=st.one_of(records(list(KNOWLEDGE.options)), records(list(KNOWLEDGE.options), tumour="liver_metastasis")),
    case_id=st.none() | st.text(max_size=64).filter(lambda text: text.isprintable()) | st.text(max_size=64),
)
@settings(max_examples=150, deadline=None)
def test_a_saved_case_reads_back_as_the_same_patient(
    format_: Format, record: dict[str, Any], case_id: str | None
) -> None:
    patient = parse_patient(record | {"case_id": case_id}, OPTIONS)
    content = write_case(patient.to_record(), format_)
    again = read_case(content, OPTIONS, f"case.{format_}")
    assert again == patient
    assert write_case(again.to_record(), format_) == content
    # Another reader of YAML, of version 1.1, takes text for text too.
    plain = yaml.safe_load(content) if format_ == "yaml" else json.loads(content)
    assert parse_patient(plain, OPTIONS) == patient


@pytest.mark.parametrize(
    "text",
    ["0", "012", "1e-5", "no", "Yes", "null", "~", "", " a", "- a", "a: b", "# a", "{}", ".inf", "é\n\u2028\x00"],
)
@pytest.mark.parametrize("format_", FORMATS)
def test_text_stays_text_whatever_it_looks_like(format_: Format, text: str) -> None:
    record = {"case_id": text, "bclc_stage": "0"}
    again = read_case(write_case(record, format_), OPTIONS)
    assert (again.case_id, again.bclc_stage) == (text, "0")


def test_equal_records_give_equal_files_in_the_order_of_the_contract() -> None:
    line = {"outcome": "progression", "option": "sorafenib"}
    one = write_case({"prior_systemic": [line], "ecog": 1, "bclc_stage": "C", "inr": None}, "yaml")
    other = write_case({"bclc_stage": "C", "ecog": 1, "prior_systemic": [dict(reversed(line.items()))]}, "yaml")
    assert one == other
    assert one.decode() == "bclc_stage: C\necog: 1\nprior_systemic:\n- option: sorafenib\n  outcome: progression\n"


def test_whole_numbers_are_written_as_people_write_them() -> None:
    assert write_case({"afp_ng_ml": 812.0, "inr": 1.1}, "yaml") == b"inr: 1.1\nafp_ng_ml: 812\n"
    assert json.loads(write_case({"afp_ng_ml": 812.0}, "json")) == {"afp_ng_ml": 812}
    assert b"812.0" not in write_case({"afp_ng_ml": 812.0}, "json")


def test_an_empty_case_is_a_case() -> None:
    for format_ in FORMATS:
        assert read_case(write_case({}, format_), OPTIONS) == Patient()


def test_a_saved_decision_gives_its_patient(decision_for: Any) -> None:
    decided = decision_for(bclc_stage="C", ecog=1, prior_systemic=["sorafenib"])
    content = json.dumps(decided.model_dump(mode="json")).encode()
    assert read_case(content, OPTIONS, "decision.json").to_record() == decided.patient


@pytest.mark.parametrize("version", [2, 3, 10**30])
def test_a_file_of_a_newer_version_is_refused_by_its_version_alone(version: int) -> None:
    (problem,) = refusal(decision(schema_version=version, patient={"something": "new"}, new=1))
    assert "a newer version of hcc-decide wrote this file" in problem
    assert problem.endswith("this one reads 1")


@pytest.mark.parametrize("version", [0, -1, "1", 1.5, True, None, [1]])
def test_a_version_that_is_none_is_refused(version: Any) -> None:
    (problem,) = refusal(decision(schema_version=version))
    assert problem.startswith("schema_version: ")
    assert problem.endswith("is refused; allowed is 1")


def test_a_decision_that_lacks_its_version_or_its_record_is_refused() -> None:
    assert refusal('{"patient": {"ecog": 1}}')[0].startswith("schema_version: is missing")
    assert refusal('{"schema_version": 1}') == ("patient: is missing; a saved decision holds the record there",)
    assert refusal("schema_version: 1\npatient: [1]") == ("the record is a list; a mapping of fields is expected",)


def test_nothing_beside_the_record_of_a_decision_is_dropped_in_silence() -> None:
    assert refusal(decision(ecog=2)) == (f"ecog: is no part of a saved decision; {NEWER}",)


def test_all_problems_of_a_file_are_told_at_once() -> None:
    problems = refusal("schema_version: '1'\npatient: {ecog: 9, karnofsky: 80}\nbody: 2")
    assert [problem.partition(":")[0] for problem in problems] == ["schema_version", "body", "ecog", "karnofsky"]


def test_an_unknown_field_is_named_with_what_may_be_behind_it() -> None:
    problems = refusal("karnofsky: 80\nprior_systemic: [{option: sorafenib, cycles: 3}, brandnewinib]\necog: 7")
    told = {problem.partition(":")[0]: problem for problem in problems}
    assert told["karnofsky"].startswith("karnofsky: 80 is given for an unknown field")
    for name in ("karnofsky", "prior_systemic[1].cycles", "prior_systemic[2].option"):
        assert told[name].endswith(NEWER)
    assert told["ecog"] == "ecog: 7 is refused; allowed is 4 or less"


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.yaml", "the file is empty"),
        (b"\xff\xfe\x00", "a.yaml", "is not UTF-8 text"),
        (b"PK\x03\x04\x00", "a.yaml", "is not text"),
        (b"ecog: 1", "a.json", "is not well-formed JSON"),
        (b"ecog: [1", "a.yaml", "is not well-formed YAML"),
        (b"a: &x 1\nb: *x", "a.yaml", "uses an anchor or alias"),
        (b"ecog: 1\necog: 2", "a.yml", "gives the key 'ecog' twice"),
        (b"- 1", "a.yaml", "the record is a list"),
        (b"text", "a.yaml", "the record is text"),
        (b" " * (MAX_BYTES + 1), "a.yaml", "is larger than 1000 kB"),
    ],
)
def test_a_broken_file_is_refused_with_the_reason(content: bytes, name: str, reason: str) -> None:
    (problem,) = refusal(content, name)
    assert reason in problem


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_whatever_the_file_it_is_read_or_refused(content: bytes) -> None:
    try:
        read_case(content, OPTIONS)
    except RecordError as error:
        assert error.problems


@pytest.mark.parametrize(
    ("case_id", "name"),
    [
        (None, "case.yaml"),
        ("", "case.yaml"),
        ("Board 7/2026", "Board-7-2026.yaml"),
        ("../../etc/passwd", "etc-passwd.yaml"),
        ("Ångström ÷ 3", "Angstrom-3.yaml"),
        ("王", "case.yaml"),
        ("NUL", "case-NUL.yaml"),
        ("com1.a", "case-com1.a.yaml"),
        (".hidden", "hidden.yaml"),
        ("x" * 64, "x" * 60 + ".yaml"),
    ],
)
def test_a_file_is_named_after_the_case_id_as_far_as_file_systems_allow(case_id: str | None, name: str) -> None:
    assert file_name({"case_id": case_id}, "yaml") == name
