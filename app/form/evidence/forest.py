"""Forest plots across trials, one line of treatment and one comparator at a time."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from form.charts import forest_table, show_forest
from hcc_decide.browse.results import ForestRow, forest_rows, measure_text, result_rows
from hcc_decide.browse.trials import year_of
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name, setting_labels

_SETTING, _MEASURE, _WITHOUT = "evidence_forest_setting", "evidence_forest_measure", "evidence_forest_without"
_ALONE = 1

UNKNOWN_YEAR = 9999
"""Sorts trials without a known year of publication behind the others."""


def show_forests(knowledge: Knowledge) -> None:
    """Show the forest plots of one setting and one measure."""
    st.header("Forest plot across trials", anchor=False)
    labels = setting_labels(knowledge)
    every = forest_rows(knowledge, _by_year(knowledge), _measures(knowledge))
    settings = [name for name in labels if any(name in row.settings for row in every)]
    st.session_state.setdefault(_SETTING, max(settings, key=lambda name: sum(name in row.settings for row in every)))
    setting = st.segmented_control(
        "Setting",
        settings,
        format_func=labels.__getitem__,
        required=True,
        key=_SETTING,
        persist_state="session",
    )
    here = [row for row in every if setting in row.settings]
    measures = list(dict.fromkeys(row.measure for row in here))
    if st.session_state.get(_MEASURE) not in measures:
        st.session_state[_MEASURE] = measures[0]
    measure = st.segmented_control(
        "Endpoint",
        measures,
        format_func=_capital,
        required=True,
        key=_MEASURE,
        persist_state="session",
    )
    rows = [row for row in here if row.measure == measure]
    in_words = f"{measure_text(str(measure))} of {{}} in the setting {labels[str(setting)]}"
    st.warning(
        "Each row compares the two arms of one trial. The trials had different patients, controls and years, so a ratio "
        "further left does not mean a better treatment than the one below it. No pooled estimate is drawn.",
        icon=":material/balance:",
    )
    st.markdown(
        f"{_trials(rows)}, those that missed their endpoint included, the oldest first; {len(rows)} hazard ratios."
    )
    for title, group in by_comparator(knowledge, rows):
        st.subheader(title, anchor=False)
        show_forest(
            group,
            key=f"evidence_forest_{setting}_{measure}_{group[0].trial}",
            alt=f"{title}: hazard ratios for {in_words.format(_trials(group))}, with intervals. "
            "The figures stand in the table below.",
        )
    _without_ratio(knowledge, str(setting), str(measure))


def by_comparator(knowledge: Knowledge, rows: Sequence[ForestRow]) -> list[tuple[str, list[ForestRow]]]:
    """Group rows by what the control arm was; comparators of a single trial stand together under a title that says so.

    Args:
        knowledge: for the names of options.
        rows: rows with a control.

    Returns:
        Titles and rows, the comparator with most trials first.
    """
    groups: dict[str, list[ForestRow]] = {}
    for row in rows:
        groups.setdefault(row.comparator or "", []).append(row)
    several = {name: group for name, group in groups.items() if len({row.trial for row in group}) > _ALONE}
    rest = [row for name, group in groups.items() if name not in several for row in group]
    order = sorted(several, key=lambda name: (-len({row.trial for row in several[name]}), name))
    found = [(f"Against {_comparator(knowledge, several[name])}", several[name]) for name in order]
    if rest:
        alone = len({row.comparator for row in rest}) == 1
        title = f"Against {_comparator(knowledge, rest)}" if alone else "Against other comparators, each row its own"
        found.append((title, rest))
    return found


def _comparator(knowledge: Knowledge, rows: Sequence[ForestRow]) -> str:
    name = rows[0].comparator or ""
    if name in knowledge.options:
        return option_name(knowledge, name)
    texts = {row.control for row in rows}
    return str(rows[0].control) if len(texts) == 1 else name.replace("-", " ")


def _by_year(knowledge: Knowledge) -> list[str]:
    """Return every trial, the oldest first; those without a known year of publication come last."""
    return sorted(knowledge.trials, key=lambda name: (year_of(knowledge.trials[name]) or UNKNOWN_YEAR, name))


def _measures(knowledge: Knowledge) -> tuple[str, ...]:
    """Return the measures that some trial gives a hazard ratio for, the most frequent first."""
    ratios = [end.measure for trial in knowledge.trials.values() for end in trial.endpoints if end.hr is not None]
    return tuple(sorted(set(ratios), key=lambda measure: (-ratios.count(measure), measure)))


def _without_ratio(knowledge: Knowledge, setting: str, measure: str) -> None:
    """Show what trials of the setting report without a hazard ratio: single arms, or none printed."""
    trials = [trial.id for trial in knowledge.trials.values() if setting in trial.settings]
    rows = [row for row in result_rows(knowledge, trials, [measure]) if row.hr is None]
    if not rows:
        return
    with_none = st.expander(
        f"Reported without a hazard ratio ({_trials(rows)})",
        key=f"{_WITHOUT}_{setting}_{measure}",
        on_change="rerun",
    )
    if with_none.open:
        with with_none:
            st.markdown("Single-arm trials, and comparisons for which no hazard ratio is given; no plot can show them.")
            st.table(forest_table(rows), hide_index=True)


def _trials(rows: Sequence[ForestRow]) -> str:
    count = len({row.trial for row in rows})
    return "1 trial" if count == 1 else f"{count} trials"


def _capital(measure: str) -> str:
    text = measure_text(measure)
    return text[:1].upper() + text[1:]
