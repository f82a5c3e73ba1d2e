"""The report as a PDF: tagged for screen readers, on one A4 page where its first part fits on one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import typst

from hcc_decide.report.content import Report

TEMPLATE = Path(__file__).with_name("report.typ")


class ReportError(RuntimeError):
    """The report could not be set. The message holds nothing that was typed in."""


@dataclass(frozen=True)
class Layout:
    """How large the text is, and how much is said.

    Attributes:
        points: size of the text, in points.
        brief: whether excluded options are told as briefly as can be.
    """

    points: float
    brief: bool

    @property
    def halves(self) -> bool:
        """Whether what follows the table of options stands in two columns."""
        return self.points < 9


LAYOUTS = (
    *(Layout(points, brief=False) for points in (9.5, 9, 8.5, 8, 7.5)),
    Layout(7.5, brief=True),
)
"""From roomy to dense. The first is taken that gets the first part on one page."""
RUNNING_ON = Layout(8.5, brief=False)
"""For a first part that no layout gets on one page: it runs on, and nothing is cut."""


def layout(report: Report) -> Layout:
    """Return the roomiest layout that gets the first part of a report on one page."""
    first = replace(report, basis=None)
    return next((one for one in LAYOUTS if _pages(first, one) == 1), RUNNING_ON)


def pdf(report: Report) -> bytes:
    """Set a report as PDF/UA.

    The same report gives the same bytes. Fonts come with the library; only writing that they lack is set in fonts of this
    machine, and where there are none either, the file is tagged and not PDF/UA.

    Raises:
        ReportError: it could not be set.
    """
    inputs = _inputs(report, layout(report))
    for own_fonts, accessible in ((True, True), (False, True), (False, False)):
        try:
            return typst.compile(
                TEMPLATE.read_bytes(),
                sys_inputs=inputs,
                ignore_system_fonts=own_fonts,
                pdf_standards="ua-1" if accessible else None,
            )
        except typst.TypstError:
            continue
    raise ReportError("the report could not be set as a PDF")


def _inputs(report: Report, chosen: Layout) -> dict[str, str]:
    # As JSON, so that nothing in it is ever read as markup.
    data = json.dumps(asdict(report))
    return {"data": data, "points": f"{chosen.points:g}", "detail": "brief" if chosen.brief else "full"}


def _pages(report: Report, chosen: Layout) -> int:
    try:
        return int(
            json.loads(
                typst.query(
                    TEMPLATE.read_bytes(),
                    "<end-of-first-part>",
                    field="value",
                    one=True,
                    sys_inputs=_inputs(report, chosen),
                    ignore_system_fonts=True,
                )
            )
        )
    except typst.TypstError:
        raise ReportError("the report could not be set as a PDF") from None
