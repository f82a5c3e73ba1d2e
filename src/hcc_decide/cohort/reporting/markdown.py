"""The summary of a cohort as Markdown.

Plots become bars of text in code blocks. So the file stays one file that shows the same wherever Markdown is read: pictures in
a folder beside it get lost when it is moved, and most readers drop drawings that stand inside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hcc_decide.cohort.reporting.shape import Plot, Summary, Table

BAR_WIDTH = 40
"""Characters of the longest bar."""

LABEL_WIDTH = 44
"""Characters of a label; a longer one is cut, and the table has it in full."""

# Whatever Markdown or HTML reads as more than the character itself; also what turns into a link or a mention by itself.
_MARKUP = re.compile(
    r"[\\`*_{}\[\]<>#|~$&@!]|:(?=/)|(?<=\bwww)\.|^[-+=](?=[\s=-])|(?<=^\d)[.)](?=\s)|(?<=^\d\d)[.)](?=\s)"
)


def markdown(summary: Summary) -> str:
    """Write a summary as Markdown with tables; the same summary gives the same text.

    Every text is escaped, whatever it holds.

    Args:
        summary: what to write.
    """
    return "\n".join(_lines(summary)) + "\n"


def escaped(text: str) -> str:
    r"""Escape a text so that it shows as it is, on one line, whatever Markdown or HTML it looks like.

    >>> escaped("a|b <i>\n*c*")
    'a\\|b \\<i\\> \\*c\\*'
    """
    return _MARKUP.sub(lambda found: "\\" + found.group(), " ".join(text.split()))


def _lines(summary: Summary) -> Iterator[str]:
    if summary.synthetic:
        yield f"> **{escaped(summary.synthetic)}**"
        yield ""
    yield f"# {escaped(summary.title)}"
    yield ""
    yield f"*{escaped(summary.intended_use)}*"
    yield ""
    for warning in summary.warnings:
        yield f"> **Warning.** {escaped(warning)}"
        yield ""
    for label, value in summary.stamp:
        yield f"- **{escaped(label)}:** {escaped(value)}"
    for section in summary.sections:
        yield ""
        yield f"## {escaped(section.title)}"
        for sentence in (section.sentence, *section.remarks):
            yield ""
            yield escaped(sentence)
        for plot in section.plots:
            yield ""
            yield from _plot(plot)
        for table in section.tables:
            yield ""
            yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"**{escaped(table.caption)}**"
    yield ""
    if table.rows:
        yield _row(column.title for column in table.columns)
        yield "| " + " | ".join("---:" if column.number else "---" for column in table.columns) + " |"
        for row in table.rows:
            yield _row(row)
    else:
        yield "None."
    if table.more:
        yield ""
        yield escaped(table.more)


def _row(cells: Iterator[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(escaped(cell) for cell in cells) + " |"


def _plot(plot: Plot) -> Iterator[str]:
    yield f"**{escaped(plot.title)}** ({escaped(plot.axis)})"
    yield ""
    yield "```text"
    longest = plot.full or max(bar.value for bar in plot.bars) or 1.0
    labels = [_code(bar.label) for bar in plot.bars]
    pieces = [_code(bar.series) for bar in plot.bars]
    width, piece = max(map(len, labels)), max(map(len, pieces))
    before = None
    for bar, label, series in zip(plot.bars, labels, pieces, strict=True):
        if series and not bar.value:
            continue
        # Pieces of one bar stand below each other; only the first has the label.
        head = f"{'' if series and label == before else label:<{width}}" + (f"  {series:<{piece}}" if piece else "")
        length = max(1, round(BAR_WIDTH * bar.value / longest)) if bar.value else 0
        yield f"{head}  {'█' * length}{' ' if length else ''}{_code(bar.text)}"
        before = label
    yield "```"


def _code(text: str) -> str:
    """Cut a text for a code block, which it cannot end."""
    line = " ".join(text.split()).replace("`", "'")
    return line if len(line) <= LABEL_WIDTH else line[: LABEL_WIDTH - 1] + "…"
