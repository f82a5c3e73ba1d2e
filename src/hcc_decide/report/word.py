"""The report as a Word file: real headings, a table whose header row repeats, a footer with the stamp and page numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from hcc_decide.report.basis import Basis, OptionBasis
from hcc_decide.report.content import Choice, Report
from hcc_decide.report.pdf import Layout, layout
from hcc_decide.report.words import Citation

FONT = "Times New Roman"
_ACCENT = RGBColor(0x0B, 0x6E, 0x75)
_WARNING = RGBColor(0x93, 0x33, 0x00)
_SPEAKS_AGAINST = ("Caution", "Not met", "Exclusion that applies", "Cannot be excluded", "Reservation", "Against")
_WIDTH = Mm(193)


def word(report: Report) -> bytes:
    """Set a report as a Word file (docx), A4, in the size of text that gets the PDF on one page.

    Its properties name the title, the language and the date of the report, and nobody.
    """
    chosen = layout(report)
    document = Document()
    _set_up(document, report, chosen)
    _first_part(document, report, chosen)
    if report.basis is not None:
        _section(document, WD_SECTION.NEW_PAGE, columns=1)
        _full_basis(document, report, report.basis)
    held = io.BytesIO()
    document.save(held)
    return held.getvalue()


def _set_up(document: DocumentObject, report: Report, chosen: Layout) -> None:
    about = document.core_properties
    about.title, about.language = report.title, report.language
    about.author = about.last_modified_by = about.comments = about.keywords = ""
    about.created = about.modified = datetime.fromisoformat(report.date)
    section = document.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(8.5)
    section.top_margin, section.bottom_margin = Mm(8), Mm(12)
    section.header_distance = section.footer_distance = Mm(4)
    sizes = {"Normal": 0.0, "Title": 5.0, "Heading 1": 3.0, "Heading 2": 1.0, "Heading 3": 0.5, "List Bullet": 0.0}
    for name, more in sizes.items():
        style: Any = document.styles[name]
        style.font.name, style.font.size = FONT, Pt(chosen.points + more)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for script in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
            fonts.set(qn(script), FONT)
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(theme), None)
        spacing = style.paragraph_format
        spacing.line_spacing = 1.0
        spacing.space_after = Pt(1)
        spacing.space_before = Pt(4 if name.startswith("Heading") else 0)
        if name.startswith(("Heading", "Title")):
            style.font.color.rgb = _ACCENT
            style.font.bold = True
            style.font.italic = False
    _language(document, report.language)
    _footer(document, report)


def _language(document: DocumentObject, language: str) -> None:
    defaults = document.styles.element.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}")
    found = defaults.find(qn("w:lang"))
    if found is None:
        found = OxmlElement("w:lang")
        defaults.append(found)
    found.set(qn("w:val"), language)


def _footer(document: DocumentObject, report: Report) -> None:
    footer = document.sections[0].footer
    lines: tuple[str, str] = (report.stamp, f"sha256 {report.sha256}")
    place: Any = footer.paragraphs[0]
    place.style = document.styles["Normal"]
    place.add_run(lines[0]).add_break()
    place.add_run(f"{lines[1]} · {report.date} · page ")
    _field(place, "PAGE")
    place.add_run(" of ")
    _field(place, "NUMPAGES")
    for run in place.runs:
        run.font.size = Pt(7.5)


def _field(place: Paragraph, name: str) -> None:
    run = place.add_run()
    for kind in ("begin", None, "end"):
        if kind is None:
            part = OxmlElement("w:instrText")
            part.set(qn("xml:space"), "preserve")
            part.text = name
        else:
            part = OxmlElement("w:fldChar")
            part.set(qn("w:fldCharType"), kind)
        run._r.append(part)


def _section(document: DocumentObject, kind: WD_SECTION, *, columns: int) -> None:
    """Begin a new section with a number of text columns."""
    properties = document.add_section(kind)._sectPr
    column = properties.find(qn("w:cols"))
    if column is None:
        column = OxmlElement("w:cols")
        properties.insert_element_before(column, "w:docGrid")
    column.set(qn("w:num"), str(columns))
    column.set(qn("w:space"), "227")


def _first_part(document: DocumentObject, report: Report, chosen: Layout) -> None:
    document.add_heading(report.title, level=0)
    about = [f"Case {report.case_id}"] if report.case_id else []
    _text(document, " · ".join([*about, report.date]))
    if report.heading:
        _text(document, report.heading, bold=True)
    _text(document, report.headline, bold=True)

    document.add_heading("Patient", level=2)
    for group in report.facts:
        _labelled(document, group.label, "; ".join(group.items))
    if report.derived:
        _labelled(document, "Derived", "; ".join(report.derived))

    document.add_heading("Options", level=2)
    if report.choices:
        _choices(document, report.choices)
    else:
        _text(document, "No option of the catalogue can be offered outside a trial. Discuss.")
    if chosen.halves:
        _section(document, WD_SECTION.CONTINUOUS, columns=2)

    _listed(document, "Not known, and would matter", report.open)
    _named(document, "Only within trials", report.trials_only)
    _named(document, "Not settled, but out of question either way", report.unsettled)
    _listed(document, "Notices", (*report.notices, *report.later))
    for excluded in report.excluded:
        document.add_heading(f"{excluded.label} ({excluded.count})", level=2)
        told = excluded.brief if chosen.brief else excluded.items
        _text(document, "; ".join(told) or "Named in the full basis.")
    if report.elsewhere:
        _labelled(document, "For another setting", f"{report.elsewhere} options")
    if report.citations:
        document.add_heading("Trials cited († figures in part not verified)", level=2)
        for one in report.citations:
            _citation(document, one, "†" if one.remark else "")
    document.add_heading("Intended use", level=2)
    _text(document, report.intended_use)


def _text(document: DocumentObject, text: str, *, bold: bool = False) -> None:
    document.add_paragraph().add_run(text).bold = bold


def _labelled(document: DocumentObject, label: str, text: str) -> None:
    place = document.add_paragraph()
    place.add_run(f"{label}: ").bold = True
    place.add_run(text)


def _listed(document: DocumentObject, title: str, items: Sequence[str], level: int = 2) -> None:
    if items:
        document.add_heading(title, level=level)
        for item in items:
            document.add_paragraph(item, style="List Bullet")


def _named(document: DocumentObject, title: str, names: Sequence[str]) -> None:
    if names:
        document.add_heading(f"{title} ({len(names)})", level=2)
        _text(document, "; ".join(names))


def _choices(document: DocumentObject, choices: Iterable[Choice]) -> None:
    shares = (31, 69)
    titles = ("Rank, option, verdict, regimen", "Why it stands here, cautions, for and against, trials")
    table = _table(document, titles, shares)
    for one in choices:
        left, right = _row(table, shares)
        place = left.paragraphs[0]
        place.add_run(f"{one.rank}. ")
        place.add_run(one.name).bold = True
        place.add_run(": ")
        place.add_run(one.standing).italic = True
        left.add_paragraph(one.regimen)
        place = right.paragraphs[0]
        place.add_run(one.reason)
        for point in one.points:
            head = place.add_run(f" {point.word}: ")
            head.bold = True
            if point.word in _SPEAKS_AGAINST:
                head.font.color.rgb = _WARNING
            place.add_run(f"{point.text}.")
        if one.trials:
            place.add_run(" Trials ").bold = True
            place.add_run(f"{one.trials}.")
        if one.sources:
            place.add_run(f" {one.sources}")


def _table(document: DocumentObject, titles: Sequence[str], shares: Sequence[int]) -> Any:
    """Begin a table with a header row that repeats on every page."""
    table = document.add_table(rows=0, cols=len(titles), style="Table Grid")
    table.autofit = False
    for column, share in zip(table.columns, shares, strict=True):
        column.width = _WIDTH * share // 100
    for cell, title in zip(_row(table, shares), titles, strict=True):
        cell.paragraphs[0].add_run(title).bold = True
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    return table


def _row(table: Any, shares: Sequence[int]) -> Sequence[Any]:
    """Add a row that stays on one page, and return its cells."""
    row = table.add_row()
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    cells: Sequence[Any] = row.cells
    for cell, share in zip(cells, shares, strict=True):
        cell.width = _WIDTH * share // 100
    return cells


def _citation(document: DocumentObject, one: Citation, remark: str) -> None:
    place = document.add_paragraph()
    place.add_run(f"{one.number} ").bold = True
    place.add_run(f"{one.name}. {one.text}")
    if one.doi:
        place.add_run("; ")
        _link(place, f"doi:{one.doi}", f"https://doi.org/{one.doi}")
        place.add_run(one.doi_mark)
    if one.nct:
        place.add_run("; ")
        _link(place, one.nct, f"https://clinicaltrials.gov/study/{one.nct}")
        place.add_run(one.nct_mark)
    if remark:
        place.add_run(f" {remark}")


def _link(place: Paragraph, text: str, address: str) -> None:
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), place.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    run = place.add_run(text)
    run.font.color.rgb = RGBColor(0x0B, 0x5F, 0x8A)
    run.font.underline = True
    link.append(run._r)
    place._p.append(link)


def _full_basis(document: DocumentObject, report: Report, basis: Basis) -> None:
    document.styles["List Bullet"].paragraph_format.space_after = Pt(1)
    document.add_heading("Full basis", level=1)
    if basis.derived:
        document.add_heading("Derived facts", level=2)
        rows = [(one.fact, one.value, one.sources, one.rule) for one in basis.derived]
        _rows(document, ("Fact", "Value", "From", "Rule"), (26, 20, 30, 24), rows)
    for one in basis.options:
        _option(document, one)
    if basis.trials_only:
        document.add_heading("Only within trials, or out of question either way", level=1)
        for one in basis.trials_only:
            _option(document, one)
    for entry in basis.excluded:
        _listed(document, f"Excluded: {entry.title}", entry.items, level=1)
    if basis.passages:
        document.add_heading("What the reviews say", level=1)
        for passage in basis.passages:
            place = document.add_paragraph(style="List Bullet")
            place.add_run(f"{passage.claim} ").bold = True
            place.add_run(f"{passage.statement} ({passage.where})")
    cited = (*report.citations, *basis.citations)
    if cited:
        document.add_heading("Trials cited", level=1)
        for one_cited in cited:
            _citation(document, one_cited, f"({one_cited.remark})" if one_cited.remark else "")


def _option(document: DocumentObject, one: OptionBasis) -> None:
    document.add_heading(f"{one.name}: {one.standing}", level=2)
    _labelled(document, "Why it stands here", one.reason)
    if one.checks:
        titles = ("Kind", "Criterion", "Result", "This patient", "Claims")
        rows = [(item.kind, item.text, item.result, item.values, item.claims) for item in one.checks]
        _rows(document, titles, (12, 33, 15, 24, 16), rows)
    for entry in one.entries:
        _listed(document, entry.title, entry.items, level=3)


def _rows(
    document: DocumentObject, titles: Sequence[str], shares: Sequence[int], rows: Iterable[Sequence[str]]
) -> None:
    table = _table(document, titles, shares)
    for row in rows:
        for cell, text in zip(_row(table, shares), row, strict=True):
            cell.paragraphs[0].add_run(text)
