"""`hcc-decide report`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import docx
import pytest
from pypdf import PdfReader

from hcc_decide.report import pdf as pdf_module
from tests.cli.conftest import Invoke
from tests.conftest import ROOT

CASE = str(ROOT / "examples" / "end-stage.yaml")


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_pdf_is_written(invoke: Invoke, tmp_path: Path) -> None:
    output = tmp_path / "report.pdf"
    answer = invoke("report", CASE, str(output), "--heading", "Board of today")
    assert (answer.status, answer.out, answer.err) == (0, f"wrote {output}\n", "")
    assert "Board of today" in PdfReader(output).pages[0].extract_text()
    assert written(tmp_path) == ["report.pdf"]


def test_a_word_file_is_written(invoke: Invoke, tmp_path: Path) -> None:
    output = tmp_path / "Report.DOCX"
    assert invoke("report", CASE, str(output)).status == 0
    assert docx.Document(str(output)).core_properties.title.startswith("Treatment options")


def test_the_full_basis_is_added_on_request(invoke: Invoke, tmp_path: Path) -> None:
    short, full = tmp_path / "short.pdf", tmp_path / "full.pdf"
    assert invoke("report", CASE, str(short)).status == invoke("report", CASE, str(full), "--full").status == 0
    assert len(PdfReader(short).pages) == 1
    assert len(PdfReader(full).pages) > 1


def test_a_case_comes_from_standard_input_or_from_a_saved_decision(invoke: Invoke, tmp_path: Path) -> None:
    piped = tmp_path / "piped.pdf"
    assert invoke("report", "-", str(piped), stdin="ecog: 1").status == 0
    saved = tmp_path / "decision.json"
    saved.write_text(invoke("recommend", CASE, "--format", "json").out, encoding="utf-8")
    again = tmp_path / "again.pdf"
    assert invoke("report", str(saved), str(again)).status == 0
    assert "example-end-stage" in PdfReader(io.BytesIO(again.read_bytes())).pages[0].extract_text()


def test_a_file_that_exists_is_replaced_only_on_request(invoke: Invoke, tmp_path: Path) -> None:
    output = tmp_path / "report.pdf"
    output.write_bytes(b"mine")
    answer = invoke("report", CASE, str(output))
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == f"OUTPUT: {output} exists already; --force replaces it\n"
    assert output.read_bytes() == b"mine"
    assert invoke("report", CASE, str(output), "--force").status == 0
    assert output.read_bytes().startswith(b"%PDF-")
    assert written(tmp_path) == ["report.pdf"]


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(invoke: Invoke, tmp_path: Path) -> None:
    answer = invoke("report", "-", str(tmp_path / "none" / "report.txt"), stdin="ecog: 9\nkarnofsky: 80")
    assert (answer.status, answer.out) == (2, "")
    lines = answer.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["OUTPUT", "OUTPUT", "standard input", "standard input"]
    assert "allowed is a name that ends with .pdf or .docx" in lines[0]
    assert "does not exist" in lines[1]
    assert "9 is refused" in lines[2]
    assert written(tmp_path) == []


def test_a_newer_case_file_and_a_missing_one_are_refused(invoke: Invoke, tmp_path: Path) -> None:
    newer = tmp_path / "newer.json"
    newer.write_text(json.dumps({"schema_version": 2, "patient": {}}), encoding="utf-8")
    output = str(tmp_path / "report.pdf")
    answer = invoke("report", str(newer), output)
    assert answer.status == 2
    assert "a newer version of hcc-decide wrote this file" in answer.err
    answer = invoke("report", str(tmp_path / "none.yaml"), output)
    assert (answer.status, answer.err) == (2, f"{tmp_path / 'none.yaml'}: does not exist\n")
    assert written(tmp_path) == ["newer.json"]


def test_a_folder_is_no_output(invoke: Invoke, tmp_path: Path) -> None:
    folder = tmp_path / "folder.pdf"
    folder.mkdir()
    answer = invoke("report", CASE, str(folder), "--force")
    assert (answer.status, answer.err) == (2, f"OUTPUT: {folder} is a folder\n")


def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing_behind(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    output = tmp_path / "report.pdf"
    answer = invoke("report", CASE, str(output))
    assert (answer.status, answer.err) == (1, f"OUTPUT: {output} cannot be written (No space left on device)\n")
    assert written(tmp_path) == []


def test_a_report_that_cannot_be_set_is_said_in_one_line(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> bytes:
        raise pdf_module.ReportError("the report could not be set as a PDF")

    monkeypatch.setattr(pdf_module, "pdf", fail)
    answer = invoke("report", CASE, str(tmp_path / "report.pdf"))
    assert (answer.status, answer.err) == (1, "the report could not be set as a PDF\n")
    assert written(tmp_path) == []
