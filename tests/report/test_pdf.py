"""The report as a PDF: one page where it can be, all of it in any case, and open to screen readers."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typst
from pypdf import PdfReader

from hcc_decide.decision import Decision
from hcc_decide.report.content import Report
from hcc_decide.report.pdf import LAYOUTS, RUNNING_ON, ReportError, layout, pdf
from hcc_decide.report.words import listed
from tests.report.conftest import EXAMPLES, DecisionOf, Make, squeezed

Decide = Callable[..., Decision]
AWKWARD = '#import "x": * $x$ \\ *bold* _it_ <b> @ref `code` // no "quotes" 100 % ~'


def pages(report: Report) -> list[str]:
    return [squeezed(page.extract_text()) for page in PdfReader(io.BytesIO(pdf(report))).pages]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_fits_on_one_page_and_says_everything(path: Path, decision_of: DecisionOf, make: Make) -> None:
    decision = decision_of(path)
    made = make(decision)
    (text,) = pages(made)
    assert f"sha256{made.sha256}" in text
    assert squeezed(made.headline) in text
    assert squeezed(made.intended_use) in text
    assert layout(made).points >= 7.5
    for group in made.facts:
        for item in group.items:
            assert squeezed(item) in text
    for option in listed(decision):
        assert squeezed(option.name) in text
        for caution in option.cautions:
            assert squeezed(caution.text) in text
    for one in made.citations:
        assert squeezed(one.doi) in text
        assert one.nct in text
    for names in (made.open, made.trials_only, made.unsettled, made.notices, made.later):
        for name in names:
            assert squeezed(name) in text


def test_what_does_not_fit_runs_on_and_is_never_cut(decision_for: Decide, make: Make) -> None:
    made = make(decision_for())
    assert layout(made) == RUNNING_ON
    found = pages(made)
    assert len(found) > 1
    whole = "".join(found)
    for choice in made.choices:
        assert squeezed(choice.reason) in whole
    assert squeezed(made.intended_use) in found[-1]
    assert all(f"sha256{made.sha256}" in page for page in found)


def test_the_full_basis_starts_on_the_next_page_and_leaves_the_first_as_it_was(
    decision_of: DecisionOf, make: Make
) -> None:
    decision = decision_of(next(path for path in EXAMPLES if path.stem == "sorafenib-intolerance"))
    short, full = make(decision), make(decision, full=True)
    assert layout(short) == layout(full)
    found = pages(full)
    assert len(found) > 5
    assert found[0].replace(f"page1of{len(found)}", "page1of1") == pages(short)[0]
    assert found[1].startswith("Fullbasis")
    assert full.basis is not None
    whole = "".join(found)
    for option in full.basis.options:
        for check in option.checks:
            assert squeezed(check.text) in whole
    for passage in full.basis.passages:
        assert passage.claim in whole


def test_it_is_tagged_titled_in_english_and_names_nobody(decision_for: Decide, make: Make) -> None:
    made = make(decision_for(case_id="Jane Roe", ecog=1))
    reader = PdfReader(io.BytesIO(pdf(made)))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert str(root["/Lang"]).lower() == "en-gb"
    assert reader.metadata is not None
    assert reader.metadata.title == made.title
    assert reader.metadata.author in (None, "")
    assert "Jane" not in str(dict(reader.metadata))
    assert reader.xmp_metadata is not None
    about = reader.xmp_metadata.stream.get_data()
    assert b"Jane" not in about
    assert b"pdfuaid" in about
    assert squeezed("Case Jane Roe") in squeezed(reader.pages[0].extract_text())


def test_the_same_report_gives_the_same_bytes(decision_for: Decide, make: Make) -> None:
    made = make(decision_for(ecog=1, bclc_stage="C"))
    assert pdf(made) == pdf(made)


def test_nothing_that_is_typed_is_read_as_markup(decision_for: Decide, make: Make) -> None:
    line = {"option": "other", "name": AWKWARD[:100]}
    (text, *_) = pages(make(decision_for(case_id=AWKWARD[:60], prior_systemic=[line]), heading=AWKWARD))
    assert text.count(squeezed(AWKWARD)) >= 1
    assert squeezed(f"Case {' '.join(AWKWARD[:60].split())}") in text


@pytest.mark.parametrize("heading", ["王小明", "Ωmega – ß", "👩‍⚕️", "עברית", "a" * 500])
def test_any_writing_can_head_a_report(heading: str, decision_for: Decide, make: Make) -> None:
    content = pdf(make(decision_for(ecog=1), heading=heading))
    assert content.startswith(b"%PDF-")


def test_the_roomiest_layout_that_fits_is_taken(decision_of: DecisionOf, make: Make) -> None:
    short = make(decision_of(next(path for path in EXAMPLES if path.stem == "end-stage")))
    assert layout(short) == LAYOUTS[0]
    assert not LAYOUTS[0].halves
    assert LAYOUTS[-1].halves
    assert [one.points for one in LAYOUTS] == sorted((one.points for one in LAYOUTS), reverse=True)


def test_a_failure_says_nothing_of_the_patient(
    decision_for: Decide, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise typst.TypstError("Jane Roe", "Jane Roe")

    made = make(decision_for(case_id="Jane Roe"))
    monkeypatch.setattr(typst, "compile", fail)
    with pytest.raises(ReportError) as caught:
        pdf(made)
    assert "Jane" not in str(caught.value)
    assert caught.value.__cause__ is None
