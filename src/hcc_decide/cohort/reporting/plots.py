"""Plots of a summary as SVG, drawn by Altair and vl-convert without a browser. Nothing in them is loaded or run."""

from __future__ import annotations

import io
from typing import Any

import altair as alt

from hcc_decide.cohort.reporting.shape import Plot
from hcc_decide.theme import LIGHT, PLOT_COLOURS

ROW_HEIGHT = 22
"""Height of one bar with its gap, in pixels."""

WIDTH = 460
"""Width of the bars of a plot, in pixels; labels stand beside it."""

LABEL_WIDTH = 320
"""Width of a label in pixels; a longer one is cut, and the table has it in full."""

_FONT = "Arial, Helvetica, Liberation Sans, sans-serif"
LETTER_WIDTH = 7.5
"""Room for one letter of a label in pixels, more than most letters need."""

_WIDE_TEXT = 1.18
"""How much longer than the longest bar the axis is, so that the figure behind that bar has room."""


def svg(plot: Plot) -> str:
    """Draw a plot.

    The same plot gives the same text. Texts in it are escaped; colours are those of the light theme, on no background, and a
    style sheet may give its texts and lines others.

    Args:
        plot: what to draw, with at least one bar.
    """
    rows = list(dict.fromkeys(bar.label for bar in plot.bars))
    order = [name for name, _ in plot.series]
    data = [
        {
            "label": bar.label,
            "value": bar.value,
            "text": bar.text,
            "series": bar.series,
            "place": order.index(bar.series) if bar.series else 0,
        }
        for bar in plot.bars
    ]
    longest = max(sum(bar.value for bar in plot.bars if bar.label == label) for label in rows)
    room = 1.0 if plot.series else _WIDE_TEXT
    end = (plot.full or longest or 1.0) * room
    # Whoever opens the file may have a wider font than the one that the drawing was measured with.
    room_for_labels = min(LABEL_WIDTH, LETTER_WIDTH * max(map(len, rows)))
    base = alt.Chart(alt.InlineData(values=data)).encode(
        y=alt.Y(
            "label:N",
            sort=rows,
            title=None,
            axis=alt.Axis(labelLimit=LABEL_WIDTH, minExtent=room_for_labels, ticks=False, domain=False),
        )
    )
    x = alt.X(
        "value:Q",
        title=plot.axis,
        scale=alt.Scale(domain=[0, end], nice=False),
        axis=alt.Axis(format=",.0f", tickCount=5, tickMinStep=1),
        stack="zero" if plot.series else None,
    )
    if plot.series:
        colour: Any = alt.Color(
            "series:N",
            sort=order,
            title=None,
            scale=alt.Scale(domain=order, range=[found for _, found in plot.series]),
            legend=alt.Legend(
                orient="top",
                direction="horizontal",
                columns=3,
                columnPadding=40,
                labelLimit=LABEL_WIDTH,
                symbolType="square",
            ),
        )
        chart: Any = base.mark_bar(size=ROW_HEIGHT - 6).encode(x=x, color=colour, order=alt.Order("place:Q"))
    else:
        chart = base.mark_bar(size=ROW_HEIGHT - 6, color=PLOT_COLOURS[0]).encode(x=x) + base.mark_text(
            align="left", baseline="middle", dx=4, color=LIGHT["textColor"]
        ).encode(x=x, text="text:N")
    chart = chart.properties(width=WIDTH, height=ROW_HEIGHT * len(rows), background="transparent")
    text = LIGHT["textColor"]
    chart = (
        chart.configure(font=_FONT)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=text,
            titleColor=text,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=LIGHT["borderColor"],
        )
        .configure_legend(labelColor=text, labelFontSize=12)
        .configure_text(fontSize=12)
    )
    drawn = io.StringIO()
    chart.save(drawn, format="svg")
    return drawn.getvalue()
