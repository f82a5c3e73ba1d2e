"""The summary of a cohort as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hcc_decide.cohort.reporting.plots import svg
from hcc_decide.cohort.reporting.shape import Summary
from hcc_decide.theme import DARK, LIGHT

TEMPLATES = Path(__file__).with_name("templates")


def html(summary: Summary) -> str:
    """Write a summary as HTML; the same summary gives the same text.

    Every text is escaped, whatever it holds. The page follows the reader's preference for light or dark, and prints dark on
    white.

    Args:
        summary: what to write.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_kept_together,
    )
    # The only markup that is not escaped is what the plots are drawn as, in which texts are escaped already.
    drawn = {plot.name: Markup(svg(plot)) for section in summary.sections for plot in section.plots}
    return environment.get_template("cohort.html.j2").render(summary=summary, plots=drawn, light=LIGHT, dark=DARK)


def _kept_together(value: object) -> object:
    """Keep a percent sign on the line of its number."""
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return str(value).replace(" %", "\N{NO-BREAK SPACE}%") if plain else value
