"""The report as a Word file: the same content as the PDF, with headings, header rows and a footer, and nobody's name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn

from hcc_decide.decision import Decision
from hcc_decide.report.content import Report
from hcc_decide.report.word import word
from hcc_decide.report.words import listed
from tests.report.conftest import DAY, EXAMPLES, DecisionOf, Make, squeezed

Decide = Callable[..., Decision]


def opened(report: Report) -> Any:
    return docx.Document(io.BytesIO(word(report)))


def text_of(document: Any) -> str:
    return squeezed("".join(found.text or "" for found in document.element.body.iter(qn("w:t"))))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_told_in_full(path: Path, decision_of: DecisionOf, make: Make) -> None:
    decision = decision_of(path)
    made = make(decision)
    document = opened(made)
    text = text_of(document)
    assert squeezed(made.headline) in text
    assert squeezed(made.intended_use) in text
    for group in made.facts:
        assert squeezed("; ".join(group.items)) in text
    for option in listed(decision):
        assert squeezed(option.name) in text
        for caution in option.cautions:
            assert squeezed(caution.text) in text
    for one in made.citations:
        assert squeezed(one.doi) in text
        assert one.nct in text


def test_it_has_real_headings_in_order_and_header_rows_that_repeat(decision_of: DecisionOf, make: Make) -> None:
    made = make(decision_of(EXAMPLES[0]), full=True)
    document = opened(made)
    styles = [place.style.name for place in document.paragraphs if place.style.name.startswith(("Heading", "Title"))]
    assert styles[0] == "Title"
    assert "Heading 2" in styles
    table = document.tables[0]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    for row in table.rows:
        assert row._tr.trPr.find(qn("w:cantSplit")) is not None


def test_the_footer_carries_the_stamp_and_counts_pages(decision_for: Decide, make: Make) -> None:
    made = make(decision_for(ecog=1))
    footer = opened(made).sections[0].footer
    said = "".join(place.text for place in footer.paragraphs)
    assert made.stamp in said
    assert made.sha256 in said
    fields = [found.text for found in footer._element.iter(qn("w:instrText"))]
    assert fields == ["PAGE", "NUMPAGES"]


def test_its_properties_name_the_title_and_nobody(decision_for: Decide, make: Make) -> None:
    made = make(decision_for(case_id="Jane Roe"))
    content = word(made)
    about = docx.Document(io.BytesIO(content)).core_properties
    assert (about.title, about.language) == (made.title, "en-GB")
    assert (about.author, about.last_modified_by, about.comments, about.keywords) == ("", "", "", "")
    assert about.created is not None
    assert about.created.replace(tzinfo=None) == datetime(DAY.year, DAY.month, DAY.day)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        holding = [name for name in archive.namelist() if b"Jane Roe" in archive.read(name)]
    assert holding == ["word/document.xml"]


def test_it_is_a4_and_the_parts_of_the_page_stand_in_schema_order(decision_of: DecisionOf, make: Make) -> None:
    decision = decision_of(next(path for path in EXAMPLES if path.stem == "half-known"))
    document = opened(make(decision, full=True))
    columns = []
    for section in document.sections:
        assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
        tags = [child.tag.rpartition("}")[2] for child in section._sectPr]
        assert tags.index("cols") < tags.index("docGrid")
        columns.append(section._sectPr.find(qn("w:cols")).get(qn("w:num")))
    assert columns == [None, "2", "1"]


def test_the_full_basis_is_appended(decision_of: DecisionOf, make: Make) -> None:
    decision = decision_of(next(path for path in EXAMPLES if path.stem == "end-stage"))
    made = make(decision, full=True)
    assert made.basis is not None
    text = text_of(opened(made))
    for passage in made.basis.passages:
        assert squeezed(passage.statement) in text
    for option in made.basis.options:
        for check in option.checks:
            assert squeezed(check.text) in text
    assert "Fullbasis" not in text_of(opened(make(decision)))


def test_what_no_document_can_hold_is_left_out_of_typed_text(decision_for: Decide, make: Make) -> None:
    made = make(decision_for(case_id="a\x00b\x02c"), heading="x\x07y\u202ez")
    assert (made.case_id, made.heading) == ("abc", "xyz")
    assert "xyz" in text_of(opened(made))
