"""The evidence page: each section shows what it says, filters give exactly what fits, and addresses open what they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from hcc_decide.browse.results import forest_rows, measure_text
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.sources import trials_of

PATH = "app_pages/evidence.py"


@pytest.fixture
def evidence(open_form: Callable[[], AppTest]) -> AppTest:
    """The page as it opens."""
    page = open_form().switch_page(PATH).run()
    assert not page.exception
    return page


def _go(page: AppTest, section: str) -> AppTest:
    page.segmented_control(key="evidence_section").set_value(section).run()
    assert not page.exception
    return page


def _texts(page: AppTest) -> str:
    return "\n".join(str(item.value) for item in page.markdown)


def _charts(page: AppTest) -> list[Any]:
    return [item.proto for item in page.get("vega_lite_chart")]


def test_the_page_opens_on_the_trials_with_one_title_and_no_skipped_heading(
    evidence: AppTest, knowledge: Knowledge
) -> None:
    assert [item.value for item in evidence.title] == ["Evidence"]
    assert [item.value for item in evidence.header] == ["Trials"]
    count = len(knowledge.trials)
    assert f"**{count} of {count} trials**" in _texts(evidence)
    assert len(evidence.table[0].value) == 40


@pytest.mark.parametrize("section", ["trials", "forest", "timeline", "ongoing", "conflicts"])
def test_every_section_opens_by_its_address(open_form: Callable[[], AppTest], section: str) -> None:
    page = open_form().switch_page(PATH)
    page.query_params["section"] = section
    page.run()
    assert not page.exception
    assert len(page.header) == 1
    assert page.segmented_control(key="evidence_section").value == section


def test_choosing_a_section_writes_it_into_the_address(evidence: AppTest) -> None:
    _go(evidence, "conflicts")
    assert dict(evidence.query_params) == {"section": "conflicts"}


def test_a_trial_opens_by_its_address_and_is_left_by_choosing_none(
    open_form: Callable[[], AppTest], knowledge: Knowledge
) -> None:
    trial = next(item for item in knowledge.trials.values() if any(end.hr for end in item.endpoints))
    page = open_form().switch_page(PATH)
    page.query_params["trial"] = trial.id
    page.run()
    assert not page.exception
    assert page.subheader[0].value == trial.name
    assert _charts(page)
    page.selectbox(key="evidence_trial").set_value(None).run()
    assert trial.name not in [item.value for item in page.subheader]
    assert "trial" not in page.query_params


def test_an_address_that_names_no_trial_or_no_section_is_said_to(open_form: Callable[[], AppTest]) -> None:
    page = open_form().switch_page(PATH)
    page.query_params["trial"] = "no-such-trial"
    page.query_params["section"] = "nowhere"
    page.run()
    assert not page.exception
    told = [item.value for item in page.warning]
    assert told == ["There is no trial no-such-trial.", "There is no section nowhere."]


def test_an_open_trial_stays_open_when_the_filters_leave_it_out(evidence: AppTest, knowledge: Knowledge) -> None:
    trial = next(item for item in knowledge.trials.values() if item.status == "reported")
    evidence.selectbox(key="evidence_trial").set_value(trial.id).run()
    evidence.selectbox(key="evidence_status").set_value("ongoing").run()
    assert not evidence.exception
    assert evidence.selectbox(key="evidence_trial").value == trial.id


def test_the_address_never_holds_anything_of_the_patient(
    open_form: Callable[[], AppTest], enter: Callable[[AppTest, dict[str, Any]], AppTest]
) -> None:
    page = enter(open_form(), {"tumour": "hcc", "afp_ng_ml": 812, "case_id": "board-7"})
    page.switch_page(PATH).run()
    _go(page, "timeline")
    assert set(dict(page.query_params)) == {"section"}


@pytest.mark.parametrize(
    "record",
    [{}, {"child_pugh_class": "A"}, {"tumour": "liver_metastasis"}, {"child_pugh_class": "A", "child_pugh_score": 12}],
    ids=["empty", "half known", "liver metastasis", "disagreeing"],
)
def test_the_evidence_does_not_depend_on_the_record(
    open_form: Callable[[], AppTest], enter: Callable[[AppTest, dict[str, Any]], AppTest], record: dict[str, Any]
) -> None:
    page = enter(open_form(), record).switch_page(PATH).run()
    assert not page.exception
    assert [item.value for item in page.header] == ["Trials"]


def test_every_trial_can_be_written_out_in_full(knowledge: Knowledge) -> None:
    from form.evidence import record
    from form.evidence.trials import trial_rows
    from hcc_decide.browse.results import result_rows

    for trial in knowledge.trials.values():
        rows = result_rows(knowledge, [trial.id], None)
        assert len(record.results_of(knowledge, trial, rows)) == len(trial.endpoints)
        assert len(record.arms_of(knowledge, trial)) == len(trial.arms)
        assert len(record.safety_of(trial)) == len(trial.safety)
        facts = {line[""]: line[" "] for line in record.facts_of(knowledge, trial)}
        for part, title in (("phase", "Phase"), ("enrolled", "Patients enrolled"), ("population", "Population")):
            assert ("(not verified)" in facts[f"**{title}**"]) == (part in trial.unverified)
        if "primary_endpoint_met" not in trial.unverified and trial.primary_endpoint_met == "missed":
            assert facts["**Result of the primary endpoint**"] == "missed"
        assert record.alt_of(trial, rows)
        assert record.passages_text(trial)
        assert trial_rows(knowledge, [trial])
        record.claims_of(knowledge, trial)


@pytest.mark.parametrize("kind", ["most endpoints", "ongoing with a later result", "no endpoint", "most conflicts"])
def test_unusual_trials_open_on_the_page(open_form: Callable[[], AppTest], knowledge: Knowledge, kind: str) -> None:
    from hcc_decide.browse.trials import later_about

    trials = knowledge.trials.values()
    trial = {
        "most endpoints": lambda: max(trials, key=lambda item: len(item.endpoints)),
        "ongoing with a later result": lambda: next(
            item for item in trials if item.status == "ongoing" and later_about(knowledge, item)
        ),
        "no endpoint": lambda: next(item for item in trials if item.status == "reported" and not item.endpoints),
        "most conflicts": lambda: max(trials, key=lambda item: len(knowledge.conflicts_of.get(item.id, ()))),
    }[kind]()
    page = open_form().switch_page(PATH)
    page.query_params["trial"] = trial.id
    page.run()
    assert not page.exception
    assert page.subheader[0].value.replace("\\", "") == trial.name


def test_filters_of_the_page_give_exactly_the_matching_trials(evidence: AppTest, knowledge: Knowledge) -> None:
    evidence.multiselect(key="evidence_outcomes").set_value(["missed"])
    evidence.multiselect(key="evidence_settings").set_value(["second_line"]).run()
    expected = [
        trial
        for trial in knowledge.trials.values()
        if trial.primary_endpoint_met == "missed" and "second_line" in trial.settings
    ]
    assert f"**{len(expected)} of {len(knowledge.trials)} trials**" in _texts(evidence)
    assert len(evidence.table[0].value) == len(expected)


def test_a_filter_that_nothing_fits_says_so(evidence: AppTest) -> None:
    evidence.text_input(key="evidence_text").set_value("xyzzy").run()
    assert not evidence.exception
    assert any("No trial fits" in item.value for item in evidence.info)


def test_narrowing_the_years_leaves_out_trials_without_a_year(evidence: AppTest, knowledge: Knowledge) -> None:
    low, high = evidence.slider(key="evidence_years").value
    evidence.slider(key="evidence_years").set_value((low + 1, high)).run()
    count = sum(
        trial.citation is not None and trial.citation.year is not None and trial.citation.year > low
        for trial in knowledge.trials.values()
    )
    assert f"**{count} of {len(knowledge.trials)} trials**" in _texts(evidence)


@pytest.mark.parametrize("order", ["newest first", "most patients first"])
def test_the_table_can_be_ordered(evidence: AppTest, order: str) -> None:
    evidence.selectbox(key="evidence_sort").set_value(order).run()
    column = {"newest first": "Year", "most patients first": "Patients"}[order]
    values = [int(value) for value in evidence.table[0].value[column] if str(value).isdigit()]
    assert values == sorted(values, reverse=True)
    assert values


def test_forest_plots_hold_every_ratio_of_their_line_negative_trials_included(
    evidence: AppTest, knowledge: Knowledge
) -> None:
    from form.evidence.forest import by_comparator

    page = _go(evidence, "forest")
    for setting in page.segmented_control(key="evidence_forest_setting").options:
        assert setting
    for setting in ("first_line", "second_line", "adjuvant"):
        page.segmented_control(key="evidence_forest_setting").set_value(setting).run()
        assert not page.exception
        measure = str(page.segmented_control(key="evidence_forest_measure").value)
        rows = [row for row in forest_rows(knowledge, knowledge.trials, [measure]) if setting in row.settings]
        grouped = [row for _, group in by_comparator(knowledge, rows) for row in group]
        assert sorted((row.trial, row.endpoint) for row in grouped) == sorted((row.trial, row.endpoint) for row in rows)
        charts = _charts(page)
        assert len(charts) == len(by_comparator(knowledge, rows)) == len(page.subheader)
        assert all(measure_text(measure) in chart.alt for chart in charts)
        assert any("does not mean a better treatment" in item.value for item in page.warning)


def test_a_forest_plot_mixes_comparators_only_under_a_title_that_says_so(knowledge: Knowledge) -> None:
    from form.evidence.forest import by_comparator

    rows = forest_rows(knowledge, knowledge.trials)
    for title, group in by_comparator(knowledge, rows):
        if len({row.comparator for row in group}) > 1:
            assert "each row its own" in title


def test_the_endpoint_falls_back_when_a_line_does_not_have_it(evidence: AppTest) -> None:
    page = _go(evidence, "forest")
    page.segmented_control(key="evidence_forest_setting").set_value("second_line").run()
    page.segmented_control(key="evidence_forest_measure").set_value("time_to_progression").run()
    page.segmented_control(key="evidence_forest_setting").set_value("adjuvant").run()
    assert not page.exception
    assert page.segmented_control(key="evidence_forest_measure").value != "time_to_progression"


def test_the_line_of_time_has_a_chart_in_words_and_a_table(evidence: AppTest) -> None:
    page = _go(evidence, "timeline")
    (chart,) = _charts(page)
    assert "endpoint missed" in chart.alt
    page.session_state["evidence_timeline_table_False"] = True
    page.session_state["evidence_timeline_undated"] = True
    page.run()
    assert not page.exception
    assert len(page.table) == 2
    page.multiselect(key="evidence_timeline_lanes").set_value(["withdrawal"]).run()
    assert not page.exception
    page.selectbox(key="evidence_timeline_setting").set_value("neoadjuvant").run()
    assert not page.exception


def test_ongoing_trials_stand_under_each_of_their_settings(evidence: AppTest, knowledge: Knowledge) -> None:
    page = _go(evidence, "ongoing")
    ongoing = [trial for trial in knowledge.trials.values() if trial.status == "ongoing"]
    settings = {setting for trial in ongoing for setting in trial.settings}
    assert len(page.table) == len(settings)
    assert sum(len(table.value) for table in page.table) == sum(len(trial.settings) for trial in ongoing)
    page.segmented_control(key="evidence_ongoing_setting").set_value("adjuvant").run()
    assert len(page.table) == 1
    assert len(page.table[0].value) == sum("adjuvant" in trial.settings for trial in ongoing)


def test_conflicts_show_every_value_the_one_used_and_why(evidence: AppTest, knowledge: Knowledge) -> None:
    from form.wording import plain

    page = _go(evidence, "conflicts")
    count = len(knowledge.conflicts)
    assert f"**{count} of {count} conflicts**" in _texts(page)
    shown = _texts(page)
    for conflict, table in zip(knowledge.conflicts, page.table, strict=False):
        assert plain(conflict.used) in shown
        assert plain(conflict.why) in shown
        assert list(table.value["Says"]) == [plain(value.value) for value in conflict.values]


def test_filters_of_conflicts_give_exactly_those_that_fit(knowledge: Knowledge) -> None:
    from form.evidence.conflicts import find_conflicts

    every = knowledge.conflicts
    assert list(find_conflicts(knowledge)) == list(every)
    misprints = [item for item in every if item.kind == "misprint"]
    assert list(find_conflicts(knowledge, kinds=frozenset({"misprint"}))) == misprints
    trial = next(iter(trials_of(next(item for item in every if trials_of(item)))))
    named = [item for item in every if trial in trials_of(item)]
    assert list(find_conflicts(knowledge, trial=trial)) == named
    claim = next(claim for item in every for value in item.values for claim in value.claims)
    found = find_conflicts(knowledge, text=claim)
    assert {item.id for item in every if any(claim in value.claims for value in item.values)} <= {
        item.id for item in found
    }
    assert not find_conflicts(knowledge, text="xyzzy")


def test_conflicts_can_be_limited_to_an_option_on_the_page(evidence: AppTest, knowledge: Knowledge) -> None:
    from hcc_decide.sources import conflicts

    page = _go(evidence, "conflicts")
    option = max(knowledge.options, key=lambda name: len(conflicts(knowledge, knowledge.options[name], None)))
    page.selectbox(key="evidence_conflict_option").set_value(option).run()
    assert not page.exception
    count = len(conflicts(knowledge, knowledge.options[option], None))
    assert f"**{count} of {len(knowledge.conflicts)} conflicts**" in _texts(page)
    page.text_input(key="evidence_conflict_text").set_value("xyzzy").run()
    assert any("No conflict fits" in item.value for item in page.info)


def test_what_was_chosen_survives_a_look_at_another_page(evidence: AppTest) -> None:
    _go(evidence, "ongoing")
    evidence.switch_page("app_pages/patient.py").run()
    evidence.switch_page(PATH).run()
    assert not evidence.exception
    assert [item.value for item in evidence.header] == ["Ongoing trials"]
