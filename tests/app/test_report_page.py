"""The report page: the same content on the screen, as PDF and as Word; refused or lost, there is no report."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import docx
import pytest
import streamlit
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

import form.report
from form import pages, state
from form.session import LOST
from form.wording import plain
from hcc_decide.decide import decide
from hcc_decide.decision import Decision
from hcc_decide.documents import read
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import parse_patient
from hcc_decide.report.content import Report, report
from hcc_decide.worker import IsolatedEngine, WorkerError
from tests.conftest import ROOT

Open = Callable[[], AppTest]
Decide = Callable[..., Decision]
DAY = date(2026, 1, 31)
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
SECOND_LINE = {
    "bclc_stage": "C",
    "child_pugh_class": "A",
    "ecog": 1,
    "afp_ng_ml": 812.0,
    "etiology": ["hbv"],
    "prior_systemic": [{"option": "sorafenib", "outcome": "progression"}],
}


@pytest.fixture(autouse=True)
def _one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form.report, "today", lambda: DAY)


def shown(open_form: Open, knowledge: Knowledge, record: dict[str, Any]) -> AppTest:
    page = open_form()
    for key, value in state.state_of(record, knowledge).items():
        page.session_state[key] = value
    page.switch_page(pages.REPORT.path).run()
    assert not page.exception
    return page


def text_of(page: AppTest) -> str:
    tables = [str(cell) for table in page.table for cell in table.value.to_numpy().ravel()]
    parts = [*page.title, *page.header, *page.subheader, *page.markdown, *page.caption, *page.error]
    return "\n".join([*(item.value for item in parts), *tables])


def of(decision: Decision, knowledge: Knowledge, **wishes: Any) -> Report:
    return report(decision, knowledge, on=DAY, **wishes)


def says(page: AppTest, made: Report) -> None:
    """Check that the page says what the report says."""
    text = text_of(page)
    for passage in (made.title, made.date, made.headline, made.intended_use, *made.open, *made.notices, *made.later):
        assert plain(passage) in text
    for group in made.facts:
        assert plain("; ".join(group.items)) in text
    for choice in made.choices:
        for passage in (choice.name, choice.standing, choice.regimen, choice.reason, choice.trials):
            assert plain(passage) in text
        for point in choice.points:
            assert plain(point.text) in text
    for excluded in made.excluded:
        assert plain("; ".join(excluded.items)) in text
    for names in (made.trials_only, made.unsettled):
        assert plain("; ".join(names)) in text
    for one in made.citations:
        assert f"{one.number}. {plain(one.name)}" in text
        assert not one.nct or f"https://clinicaltrials.gov/study/{one.nct}" in text
        assert not one.doi_mark or f"){one.doi_mark}" in text
    assert made.sha256 in text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_page_says_what_the_report_says(path: Path, open_form: Open, knowledge: Knowledge, engine: Engine) -> None:
    patient = parse_patient(read(path).data, knowledge.option_ids)
    page = shown(open_form, knowledge, patient.to_record())
    says(page, of(decide(patient, engine), knowledge))
    assert [item.value for item in page.title] == ["Report"]


@pytest.mark.parametrize(
    "record",
    [{}, {"bclc_stage": "C", "ecog": 1}, {"tumour": "liver_metastasis", "primary_site": "colorectal", "ecog": 1}],
    ids=["empty", "half known", "liver metastasis"],
)
def test_any_record_has_a_report(record: dict[str, Any], open_form: Open, knowledge: Knowledge, engine: Engine) -> None:
    made = of(decide(parse_patient(record), engine), knowledge)
    says(shown(open_form, knowledge, record), made)


def test_the_heading_that_is_typed_stands_on_the_report_and_is_not_kept(open_form: Open, knowledge: Knowledge) -> None:
    page = shown(open_form, knowledge, SECOND_LINE)
    assert page.text_input(key="report_heading").value == ""
    page.text_input(key="report_heading").set_value("*Board* of $5$").run()
    assert f"**{plain('*Board* of $5$')}**" in text_of(page)
    page.switch_page(pages.PATIENT.path).run()
    page.switch_page(pages.REPORT.path).run()
    assert page.text_input(key="report_heading").value == ""
    assert "Board" not in text_of(page)


def test_the_full_basis_is_shown_on_request(open_form: Open, knowledge: Knowledge, decision_for: Decide) -> None:
    page = shown(open_form, knowledge, SECOND_LINE)
    assert "Full basis" not in text_of(page)
    page.checkbox(key="report_full").check().run()
    assert not page.exception
    text = text_of(page)
    made = of(decision_for(**SECOND_LINE), knowledge, full=True)
    assert made.basis is not None
    for option in made.basis.options:
        for check in option.checks:
            assert plain(check.text) in text
        for entry in option.entries:
            for item in entry.items:
                assert plain(item) in text
    for passage in made.basis.passages:
        assert plain(passage.statement) in text
    for one in (*made.citations, *made.basis.citations):
        assert plain(one.name) in text


def test_both_files_are_made_on_the_click_and_hold_the_report(
    open_form: Open, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: dict[str, tuple[Callable[[], bytes], str]] = {}
    original = streamlit.download_button

    def capture(label: str, data: Any, **wishes: Any) -> bool:
        if wishes["key"] in ("report_pdf", "report_word"):
            offered[wishes["key"]] = (data, wishes["file_name"])
        return original(label, data, **wishes)

    monkeypatch.setattr(streamlit, "download_button", capture)
    shown(open_form, knowledge, SECOND_LINE | {"case_id": "Jane Roe"})
    assert [name for _, name in offered.values()] == [
        "treatment-options-2026-01-31.pdf",
        "treatment-options-2026-01-31.docx",
    ]
    assert all(callable(data) for data, _ in offered.values())
    pdf = offered["report_pdf"][0]()
    assert "Jane Roe" in PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    word = docx.Document(io.BytesIO(offered["report_word"][0]()))
    assert any("Jane Roe" in place.text for place in word.paragraphs)


def test_a_refused_record_has_no_report(open_form: Open, knowledge: Knowledge) -> None:
    page = shown(open_form, knowledge, SECOND_LINE | {"afp_ng_ml": -5.0})
    assert [item.value for item in page.error] == ["There is no report: some entries are refused."]
    assert not page.table
    assert not page.download_button
    assert "Treatment options" not in text_of(page)


def test_a_lost_worker_is_said_and_the_next_try_works(
    open_form: Open, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown(open_form, knowledge, SECOND_LINE)

    def lose(engine: IsolatedEngine, record: object) -> Decision:
        raise WorkerError("the worker stopped")

    with monkeypatch.context() as patch:
        patch.setattr(IsolatedEngine, "decide", lose)
        page.session_state[state.key_of("ecog")] = "0"
        page.run()
        assert [item.value for item in page.error] == [plain(LOST)]
        assert not page.download_button
    page.button(key="report_retry").click().run()
    assert not page.error
    assert page.download_button


def test_a_worker_that_is_killed_costs_no_report(open_form: Open, knowledge: Knowledge) -> None:
    page = shown(open_form, knowledge, SECOND_LINE)
    for worker in list(_workers()):
        os.kill(worker, signal.SIGKILL)
    page.session_state[state.key_of("ecog")] = "2"
    for _ in range(4):
        page.run()
        if not page.error:
            break
        page.button(key="report_retry").click()
    assert page.download_button
    assert "ECOG performance status: 2" in text_of(page)


def _workers() -> list[int]:
    """Return the processes that this process started to decide."""
    import psutil

    found = psutil.Process().children(recursive=True)
    return [child.pid for child in found if "hcc_decide.worker" in " ".join(child.cmdline())]
