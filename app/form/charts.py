"""Charts that several pages share. Each has its figures beside it as a table.

Charts are Vega-Lite specifications. Written out they cost nothing to make, and text takes the colours of the theme.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from form.wording import cited, plain
from hcc_decide.browse.results import ForestRow, measure_text, outcome_text, ratio_text, values_text, verified_text
from hcc_decide.theme import DARK, LIGHT, PLOT_COLOURS

ROW_HEIGHT = 44
"""Height of one row of a forest plot in pixels: two lines of text."""

FEW_ROWS = 4
"""Up to so many rows the table stands open below the plot."""

FRAME = 176
"""Height of the legend, the heads of the columns and the axis together, in pixels."""

LABEL_WIDTH = 360
"""Width of the row labels of a forest plot in pixels; the table has them in full."""

SURVIVAL = "overall_survival"

Spec = dict[str, Any]


def show_plot(rows: Sequence[ForestRow], *, key: str, alt: str) -> None:
    """Show hazard ratios as a forest plot without its table; for places that have the figures beside it anyway.

    Args:
        rows: what to show, from top to bottom; those without a hazard ratio are left out.
        key: key of the plot.
        alt: what the plot shows, for those who cannot see it.
    """
    plotted = tuple(row for row in rows if row.hr is not None)
    if plotted:
        show_spec(forest_spec(plotted), key=key, alt=alt)


def show_spec(spec: Spec, *, key: str, alt: str) -> None:
    """Show a chart as wide as the page.

    Args:
        spec: its Vega-Lite specification.
        key: its key.
        alt: what it shows, for those who cannot see it.
    """
    st.vega_lite_chart(legible(spec, st.context.theme.type), width="stretch", key=key, alt=alt)


def legible(spec: Spec, theme: str | None) -> Spec:
    """Return a chart whose text has the full colour of the theme; the grey of Streamlit's charts is hard to read from afar.

    Args:
        spec: the chart's Vega-Lite specification.
        theme: light or dark; ``None``: not known, so the chart stays as it is.
    """
    colour = {"light": LIGHT, "dark": DARK}.get(theme or "", {}).get("textColor")
    if colour is None:
        return spec
    text = {"labelColor": colour, "titleColor": colour}
    return {**spec, "config": {**spec.get("config", {}), "axis": text, "legend": text}}


def show_forest(rows: Sequence[ForestRow], *, key: str, alt: str) -> None:
    """Show hazard ratios as a forest plot with the medians side by side, and the same figures as a table.

    Args:
        rows: what to show, from top to bottom; those without a hazard ratio stand in the table only.
        key: prefix of the keys of what is shown, unique on the page.
        alt: what the plot shows, for those who cannot see it.
    """
    show_plot(rows, key=f"{key}_chart", alt=alt)
    if not rows:
        return
    if len(rows) <= FEW_ROWS:
        st.table(forest_table(rows), hide_index=True)
        return
    table = st.expander(f"The same figures as a table ({len(rows)} rows)", key=f"{key}_table", on_change="rerun")
    if table.open:
        table.table(forest_table(rows), hide_index=True)


def forest_table(rows: Iterable[ForestRow]) -> list[dict[str, str]]:
    """Return the rows of the table that goes with a forest plot, as Markdown."""
    return [
        {
            "Trial": f"**{plain(row.name)}**",
            "Comparison": plain(comparison(row)),
            "Endpoint": plain(_endpoint(row)),
            "Treatment vs control": plain(values_text(row)),
            "Hazard ratio (interval)": plain(ratio_text(row)),
            "P": plain(row.p or "–"),
            "Primary endpoint of the trial": primary(row),
            "How sure": _sure(row),
            "Source": cited(row),
        }
        for row in rows
    ]


def comparison(row: ForestRow) -> str:
    """Say what was compared with what."""
    return f"{row.treatment} vs {row.control}" if row.control else f"{row.treatment}, no control"


def primary(row: ForestRow) -> str:
    """Say what a trial's primary endpoint was and what came of it, as Markdown."""
    return f"**{outcome_text(row.primary)}**" + (f": {plain(row.primary_endpoint)}" if row.primary_endpoint else "")


@st.cache_data(max_entries=256, show_spinner=False)
def forest_spec(rows: tuple[ForestRow, ...]) -> Spec:
    """Return the Vega-Lite specification of a forest plot.

    Args:
        rows: rows with a hazard ratio, from top to bottom.
    """
    names = [str(number) for number, _ in enumerate(rows)]
    low, high = _domain(rows)
    several = len({row.measure for row in rows}) > 1 or rows[0].measure != SURVIVAL
    scale = {"type": "log", "base": 2, "domain": [low, high], "nice": False}
    axis = {
        "values": _ticks(low, high),
        "format": "~g",
        "title": "Hazard ratio, log scale",
        "labelExpr": "datum.value == 0.5 ? ['0.5', '◀ favours treatment'] : "
        "datum.value == 2 ? ['2', 'favours control ▶'] : datum.label",
        "labelOverlap": False,
        "gridOpacity": 0.5,
    }
    labels = [_label(row, measure=several) for row in rows]
    left = _rows(names, labels, None, orient="left", labelLimit=LABEL_WIDTH, labelAlign="right", labelOffset=-8)
    tooltip = [
        {"field": field, "type": "nominal", "title": field}
        for field in ("Trial", "Comparison", "Values", "Hazard ratio", "P", "Primary endpoint", "Figures")
    ]
    marks: list[Spec] = [
        {
            "mark": {"type": "rule", "strokeDash": [5, 4], "size": 1.5, "color": PLOT_COLOURS[6]},
            "data": {"values": [{"one": 1}]},
            "encoding": {"x": {"field": "one", "type": "quantitative", "scale": scale, "axis": axis}},
        },
        {
            "mark": {"type": "rule", "size": 2.5},
            "transform": [{"filter": "isValid(datum.low)"}],
            "encoding": {
                "x": {"field": "low", "type": "quantitative", "scale": scale, "axis": axis},
                "x2": {"field": "high"},
                "y": {**left, "axis": None},
                "color": _by_outcome(rows, _COLOURS),
                "tooltip": tooltip,
            },
        },
        {
            "mark": {"type": "point", "size": 130, "strokeWidth": 2.5, "opacity": 1},
            "encoding": {
                "x": {"field": "hr", "type": "quantitative", "scale": scale, "axis": axis},
                "y": left,
                "color": _by_outcome(rows, _COLOURS),
                "fill": _by_outcome(rows, _FILLS),
                "shape": _by_outcome(rows, _SHAPES),
                "tooltip": tooltip,
            },
        },
    ]
    columns = (
        ([values_text(row) for row in rows], "Treatment vs control", 12),
        ([f"HR {ratio_text(row)}" for row in rows], "Hazard ratio (interval)", 180),
    )
    for texts, title, offset in columns:
        # A layer that draws nothing but its axis: so the columns keep their place whatever the width.
        right = _rows(names, texts, title, orient="right", offset=offset, labelLimit=230, labelAlign="left")
        marks.append({"mark": {"type": "point", "opacity": 0, "tooltip": None}, "encoding": {"y": right}})
    return {
        "height": ROW_HEIGHT * len(rows) + FRAME,
        "data": {"values": [_point(name, row) for name, row in zip(names, rows, strict=True)]},
        "layer": marks,
        "resolve": {"axis": {"y": "independent"}},
        "config": {"view": {"stroke": None}},
    }


_BLUE, _VERMILION, _GREEN, _PURPLE, _AMBER, _SKY, _GREY = PLOT_COLOURS
_OUTCOMES = ("met", "partly met", "missed", "not tested", "awaited")
_COLOURS = dict(zip(_OUTCOMES, (_BLUE, _GREEN, _VERMILION, _GREY, _PURPLE), strict=True))
_FILLS = _COLOURS | dict.fromkeys(("missed", "not tested", "awaited"), "transparent")
_SHAPES = dict(zip(_OUTCOMES, ("circle", "triangle-up", "square", "diamond", "cross"), strict=True))


def _by_outcome(rows: Sequence[ForestRow], looks: Mapping[str, str]) -> Spec:
    """Encode what came of the primary endpoint; the same title and values everywhere join the legends into one."""
    found = {outcome_text(row.primary) for row in rows}
    domain = [name for name in _OUTCOMES if name in found]
    return {
        "field": "outcome",
        "type": "nominal",
        "title": "Primary endpoint of the trial",
        "scale": {"domain": domain, "range": [looks[name] for name in domain]},
        "legend": {"orient": "top", "direction": "horizontal"},
    }


def _rows(names: Sequence[str], texts: Sequence[str | list[str]], title: str | None, **axis: Any) -> Spec:
    """Encode the rows, with one text for each beside the plot."""
    lookup = json.dumps(dict(zip(names, texts, strict=True)), ensure_ascii=False)
    head = {"title": title, "titleAngle": 0, "titleAlign": "left", "titleAnchor": "start", "titleY": -12, "titleX": 0}
    return {
        "field": "row",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": list(names)},
        "axis": {
            **(head if title else {"title": None}),
            "labelExpr": f"({lookup})[datum.value]",
            "labelLineHeight": 15,
            "labelOverlap": False,
            "ticks": False,
            "domain": False,
            "grid": False,
            **axis,
        },
    }


def _label(row: ForestRow, *, measure: bool) -> list[str]:
    """Return the two lines of a row's label."""
    remarks = [measure_text(row.measure)] if measure else []
    remarks += [row.analysis] if row.analysis else []
    remarks += [verified_text(row)] if row.not_verified else []
    return [f"{row.name}: {comparison(row)}", "; ".join(remarks)]


def _point(name: str, row: ForestRow) -> Spec:
    return {
        "row": name,
        "hr": row.hr,
        "low": row.low,
        "high": row.high,
        "outcome": outcome_text(row.primary),
        "Trial": row.name,
        "Comparison": comparison(row),
        "Values": f"{_endpoint(row)}: {values_text(row)}",
        "Hazard ratio": ratio_text(row),
        "P": row.p or "–",
        "Primary endpoint": outcome_text(row.primary),
        "Figures": verified_text(row),
    }


def _domain(rows: Sequence[ForestRow]) -> tuple[float, float]:
    """Return powers of two that hold every interval; never less than 0.25 to 2, so that plots compare at a glance."""
    ends = [value for row in rows for value in (row.hr, row.low, row.high) if value]
    return 2.0 ** math.floor(math.log2(min(0.25, *ends))), 2.0 ** math.ceil(math.log2(max(2, *ends)))


def _ticks(low: float, high: float) -> list[float]:
    return [2.0**power for power in range(round(math.log2(low)), round(math.log2(high)) + 1)]


def _endpoint(row: ForestRow) -> str:
    return measure_text(row.measure) + (f" ({row.analysis})" if row.analysis else "")


def _sure(row: ForestRow) -> str:
    """Say what has been confirmed and what a review prints differently, as Markdown."""
    sign = ":orange[:material/help:]" if row.not_verified else ":green[:material/check:]"
    printed = f". A review prints: {plain(row.review_prints)}" if row.review_prints else ""
    return f"{sign} {plain(verified_text(row))}{printed}"


def timeline_spec(lanes: Sequence[str], names: Mapping[tuple[str, int], Sequence[str]]) -> Spec:
    """Return the Vega-Lite specification of a line of time with one row for each kind of event.

    Args:
        lanes: the kinds, from top to bottom.
        names: what happened, by kind and year.
    """
    years = [year for _, year in names]
    values = [
        {"lane": lane, "year": year, "count": len(found), "names": ", ".join(found)}
        for (lane, year), found in names.items()
    ]
    domain = [min(years) - 1, max(years) + 1]
    x = {
        "field": "year",
        "type": "quantitative",
        "scale": {"domain": domain, "nice": False, "zero": False},
        "axis": {"format": "d", "title": "Year", "tickMinStep": 1, "gridOpacity": 0.5},
    }
    y = {
        "field": "lane",
        "type": "nominal",
        "sort": list(lanes),
        "axis": {"title": None, "grid": True, "gridOpacity": 0.5, "labelLimit": 220},
    }
    tooltip = [
        {"field": "lane", "type": "nominal", "title": "Kind"},
        {"field": "year", "type": "quantitative", "title": "Year"},
        {"field": "count", "type": "quantitative", "title": "Events"},
        {"field": "names", "type": "nominal", "title": "What"},
    ]
    size = {
        "field": "count",
        "type": "quantitative",
        "scale": {"domain": [1, max(map(len, names.values()))], "range": [190, 800]},
        "legend": None,
    }
    return {
        "height": 34 * len(lanes) + 60,
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "circle", "opacity": 1, "color": PLOT_COLOURS[0]},
                "encoding": {"x": x, "y": y, "size": size, "tooltip": tooltip},
            },
            {
                "mark": {"type": "text", "fontSize": 11, "fontWeight": "bold", "color": "#ffffff", "tooltip": None},
                "encoding": {"x": x, "y": y, "text": {"field": "count", "type": "quantitative"}},
            },
        ],
        "config": {"view": {"stroke": None}},
    }
