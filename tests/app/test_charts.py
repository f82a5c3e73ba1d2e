"""Charts are valid, show every figure, and say in words what they show by colour."""

from __future__ import annotations

from typing import Any

import altair
from streamlit.testing.v1 import AppTest

from hcc_decide.browse.events import events
from hcc_decide.browse.results import ForestRow, forest_rows, ratio_text, values_text
from hcc_decide.knowledge.catalogue import Knowledge


def _rows(knowledge: Knowledge) -> tuple[ForestRow, ...]:
    return tuple(forest_rows(knowledge, knowledge.trials))


def _valid(spec: dict[str, Any]) -> None:
    altair.LayerChart.from_dict(spec, validate=True)


def test_a_forest_plot_is_a_valid_chart_with_one_point_for_each_row(knowledge: Knowledge) -> None:
    from form.charts import forest_spec

    rows = _rows(knowledge)
    spec = forest_spec(rows)
    _valid(spec)
    values = spec["data"]["values"]
    assert [value["hr"] for value in values] == [row.hr for row in rows]
    assert [value["low"] for value in values] == [row.low for row in rows]


def test_a_forest_plot_of_one_row_is_valid(knowledge: Knowledge) -> None:
    from form.charts import forest_spec

    _valid(forest_spec(_rows(knowledge)[:1]))


def test_every_interval_lies_within_the_axis_and_one_is_on_it(knowledge: Knowledge) -> None:
    from form.charts import forest_spec

    rows = _rows(knowledge)
    low, high = forest_spec(rows)["layer"][1]["encoding"]["x"]["scale"]["domain"]
    ends = [end for row in rows for end in (row.hr, row.low, row.high) if end is not None]
    assert low <= min(ends)
    assert max(ends) <= high
    ticks = forest_spec(rows)["layer"][1]["encoding"]["x"]["axis"]["values"]
    assert {0.25, 0.5, 1.0, 2.0} <= set(ticks)


def test_the_outcome_of_the_primary_endpoint_has_a_shape_a_filling_and_a_word(knowledge: Knowledge) -> None:
    from form.charts import forest_spec

    encoding = forest_spec(_rows(knowledge))["layer"][2]["encoding"]
    for channel in ("color", "fill", "shape"):
        assert encoding[channel]["field"] == "outcome"
    shapes = dict(zip(encoding["shape"]["scale"]["domain"], encoding["shape"]["scale"]["range"], strict=True))
    fills = dict(zip(encoding["fill"]["scale"]["domain"], encoding["fill"]["scale"]["range"], strict=True))
    assert len(set(shapes.values())) == len(shapes)
    assert fills["missed"] == "transparent"
    assert fills["met"] != "transparent"


def test_rows_that_are_not_verified_say_so_in_their_label(knowledge: Knowledge) -> None:
    from form.charts import forest_spec

    for row in _rows(knowledge):
        label = forest_spec((row,))["layer"][2]["encoding"]["y"]["axis"]["labelExpr"]
        assert ("not verified" in label) == bool(row.not_verified)
        if row.not_verified == ("all figures",):
            assert "as the review prints it" in label


def test_the_table_holds_the_same_figures_as_the_plot(knowledge: Knowledge) -> None:
    from form.charts import forest_table
    from form.wording import plain

    rows = _rows(knowledge)
    table = forest_table(rows)
    assert len(table) == len(rows)
    for row, line in zip(rows, table, strict=True):
        assert line["Hazard ratio (interval)"] == plain(ratio_text(row))
        assert line["Treatment vs control"] == plain(values_text(row))
        assert ("not verified" in line["How sure"]) == bool(row.not_verified)
        if row.doi:
            assert "https://doi.org/" in line["Source"]
        if row.nct:
            assert f"https://clinicaltrials.gov/study/{row.nct}" in line["Source"]
        if row.primary == "missed":
            assert line["Primary endpoint of the trial"].startswith("**missed**")


def test_a_line_of_time_is_a_valid_chart_that_counts_every_event(knowledge: Knowledge) -> None:
    from form.evidence.timeline import timeline

    found = events(knowledge)
    spec = timeline(found)
    _valid(spec)
    assert sum(value["count"] for value in spec["data"]["values"]) == len(found)
    _valid(timeline(found[:1]))


def _show(count: int) -> None:
    from form import resources
    from form.charts import show_forest
    from hcc_decide.browse.results import forest_rows

    knowledge = resources.knowledge()
    rows = forest_rows(knowledge, knowledge.trials)[:count]
    show_forest(rows, key="evidence_some", alt="Some hazard ratios")


def test_a_short_plot_has_its_table_open_below_it() -> None:
    page = AppTest.from_function(_show, args=(3,), default_timeout=60).run()
    assert not page.exception
    assert len(page.table) == 1
    assert len(page.table[0].value) == 3


def test_a_long_plot_has_its_table_behind_a_click() -> None:
    page = AppTest.from_function(_show, args=(30,), default_timeout=60).run()
    assert not page.table
    page.session_state["evidence_some_table"] = True
    page.run()
    assert len(page.table[0].value) == 30


def test_without_rows_nothing_is_shown() -> None:
    page = AppTest.from_function(_show, args=(0,), default_timeout=60).run()
    assert not page.exception
    assert not page.table


def test_text_of_charts_takes_the_colour_of_the_theme(knowledge: Knowledge) -> None:
    from form.charts import forest_spec, legible
    from hcc_decide.theme import DARK, LIGHT

    spec = forest_spec(_rows(knowledge)[:2])
    for theme, colours in (("light", LIGHT), ("dark", DARK)):
        shown = legible(spec, theme)
        _valid(shown)
        assert shown["config"]["axis"]["labelColor"] == colours["textColor"]
    assert legible(spec, None) == spec
