"""A table gets the answers of single decisions, whatever is in it and however it is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_decide.cohort import places
from hcc_decide.cohort.columns import LONG, SHORT, Decided
from hcc_decide.cohort.counting import tally_of
from hcc_decide.cohort.decide import Decider
from hcc_decide.cohort.frame import decide_many
from hcc_decide.cohort.shape import CohortError
from hcc_decide.decide import decision_of
from hcc_decide.decision import USABLE, VERDICTS, Decision, Excluded, Option, Verdict
from hcc_decide.engine import tables
from hcc_decide.engine.inference import ShadowError
from hcc_decide.engine.lookup import MergedLookup
from hcc_decide.engine.network import EngineError
from hcc_decide.engine.tables import NO, YES
from hcc_decide.patient import RecordError, parse_patient
from tests.cohort.rows import chunk_of, frame_from, frame_of, items
from tests.conftest import shipped_engine, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
ENGINE = shipped_engine()
DECIDER = Decider(ENGINE)
LINES = sorted(KNOWLEDGE.options)

Record = dict[str, Any]
AFTER_SORAFENIB: Record = {
    "case_id": "a",
    "bclc_stage": "C",
    "child_pugh_class": "A",
    "ecog": 0,
    "afp_ng_ml": 812,
    "prior_systemic": [{"option": "sorafenib", "last_daily_dose_mg": 800, "tolerated_days_of_last_28": 28}],
}
UNTREATED: Record = {"case_id": "b", "bclc_stage": "C", "child_pugh_class": "A", "ecog": 1, "prior_systemic": []}
REFUSED: Record = {"case_id": "c", "ecog": 9, "afp_ng_ml": "high"}

anyone = st.one_of(records(LINES), records(LINES, tumour="liver_metastasis"))


def alone(record: Record) -> Decision:
    return decision_of(KNOWLEDGE, ENGINE.infer(parse_patient(record, KNOWLEDGE.option_ids)))


def accepted(record: Record) -> bool:
    try:
        parse_patient(record, KNOWLEDGE.option_ids)
    except RecordError:
        return False
    return True


def every(decision: Decision) -> list[Option | Excluded]:
    return [*decision.options, *decision.excluded]


def short_row(decision: Decision) -> dict[str, str | None]:
    """Write a decision as a row of a table."""
    first = [option for option in decision.options if option.rank == 1 and option.verdict in USABLE]
    stage = decision.patient.get("bclc_stage") or next(
        (item.value for item in decision.derived if item.fact == "bclc_stage"), None
    )
    rules = [notice.rule for notice in decision.notices if notice.option is None]
    usual = [rule for rule in rules if rule.startswith("vocabulary/")]
    return {
        "setting": decision.setting,
        "bclc_stage": None if stage is None else str(stage),
        "first_choice": ";".join(sorted(option.id for option in first)),
        "options": ";".join(
            f"{option.rank}:{option.id}:{option.verdict}" + (f":{option.would_be}" if option.would_be else "")
            for option in decision.options
        ),
        "missing": ";".join(item.fact for item in decision.missing),
        "notices": ";".join(rule for rule in rules if rule not in usual),
        "cautions": ";".join(sorted(caution.rule for option in first for caution in option.cautions)),
        "unusual": ";".join(sorted(rule.split("/")[1] for rule in usual)),
    }


def sorted_items(text: str) -> str:
    return ";".join(sorted(items(text)))


def assert_as_alone(decided: Decided, decisions: list[Decision]) -> None:
    table = decided.frame()
    for row, decision in zip(table.iter_rows(named=True), decisions, strict=True):
        expected = short_row(decision)
        found = {name: row[name] for name in expected}
        # Cautions and unusual values stand in the order of the catalogue and of the vocabulary.
        found |= {name: sorted_items(row[name]) for name in ("cautions", "unusual")}
        assert found == expected
        assert row["knowledge_version"] == decision.knowledge.version
        assert row["knowledge_sha256"] == decision.knowledge.sha256


def assert_long_as_alone(decided: Decided, decisions: list[Decision]) -> None:
    table = decided.long().with_columns(pl.col(pl.Categorical).cast(pl.String))
    assert table.height == len(decisions) * len(KNOWLEDGE.options)
    for number, decision in enumerate(decisions):
        by_id = {item.id: item for item in every(decision)}
        for row in table.slice(number * len(by_id), len(by_id)).iter_rows(named=True):
            item = by_id[row["option"]]
            assert (row["setting"], row["verdict"]) == (decision.setting, item.verdict)
            failed = [c.rule for c in item.criteria if c.result == "not_met" and c.kind != "reservation"]
            assert items(row["not_met"]) == failed
            if isinstance(item, Option):
                assert (row["rank"], row["would_be"], row["evidence_level"]) == (
                    item.rank,
                    item.would_be,
                    item.evidence_level,
                )
                assert items(row["cautions"]) == [caution.rule for caution in item.cautions]
                assert set(items(row["open"])) == {c.rule for c in item.criteria if c.result == "unknown"}
                assert items(row["reservations"]) == [
                    c.rule for c in item.criteria if c.kind == "reservation" and c.result == "not_met"
                ]
            else:
                assert row["rank"] is None


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(anyone, min_size=1, max_size=6))
def test_every_row_gets_the_decision_of_its_patient_alone(drawn: list[Record]) -> None:
    sound = [record for record in drawn if accepted(record)]
    decided = DECIDER.decide(chunk_of(drawn))
    assert decided.encoded.rows.tolist() == [place for place, record in enumerate(drawn) if accepted(record)]
    decisions = [alone(record) for record in sound]
    assert_as_alone(decided, decisions)
    assert_long_as_alone(decided, decisions)


def test_every_example_gets_the_decision_of_its_patient_alone(examples: list[Record]) -> None:
    decided = DECIDER.decide(chunk_of(examples))
    assert not decided.encoded.refused
    decisions = [alone(record) for record in examples]
    assert_as_alone(decided, decisions)
    assert_long_as_alone(decided, decisions)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(anyone, min_size=1, max_size=4))
def test_a_refused_row_is_told_what_the_record_alone_is_told(drawn: list[Record]) -> None:
    broken = [{**record, "ecog": 7, "refractory_to_tace": True, "amenable_to_tace": True} for record in drawn]
    decided = DECIDER.decide(chunk_of([*drawn, *broken, REFUSED]))
    told = {row.line: row.problems for row in decided.encoded.refused}
    for line, record in enumerate([*drawn, *broken, REFUSED], start=2):
        if accepted(record):
            assert line not in told
        else:
            with pytest.raises(RecordError) as refused:
                parse_patient(record, KNOWLEDGE.option_ids)
            assert list(told[line]) == list(refused.value.problems)


def test_a_row_that_contradicts_itself_is_refused_and_its_neighbours_are_not() -> None:
    wrong = {**UNTREATED, "refractory_to_tace": True, "amenable_to_tace": True}
    decided = DECIDER.decide(chunk_of([UNTREATED, wrong, UNTREATED]))
    assert decided.encoded.rows.tolist() == [0, 2]
    (row,) = decided.encoded.refused
    assert row.line == 3
    assert "contradicts amenable_to_tace" in row.problems[0]
    assert row.row["case_id"] == "b"


@pytest.mark.parametrize(
    ("column", "values", "refused"),
    [
        ("ecog", [0, 1, None], []),
        ("ecog", [0.0, 1.5, None], [1]),
        ("afp_ng_ml", [812.5, float("nan"), None], [1]),
        ("cirrhosis", [True, None, False], []),
        ("cirrhosis", [1, 0, None], [0, 1]),
        ("case_id", ["x" * 64, "x" * 65, None], [1]),
        ("case_id", [17, None, None], [0]),
        ("tumour", ["hcc", "", None], []),
        ("tumour", ["hcc", "lung", None], [1]),
    ],
)
def test_columns_of_numbers_and_truth_values_are_read_as_the_record_reads_them(
    column: str, values: list[Any], refused: list[int]
) -> None:
    cells = pl.DataFrame({column: values}, strict=False)
    chunk = chunk_of([UNTREATED] * 3)
    cells = frame_from(chunk).drop(column).hstack(cells)
    decided = DECIDER.decide(type(chunk)(0, chunk.lines, cells))
    assert [row.line - 2 for row in decided.encoded.refused] == refused


def test_a_json_column_is_read_as_a_record_in_json_is() -> None:
    chunk = chunk_of([UNTREATED] * 3)
    cells = frame_from(chunk).with_columns(pl.Series("ecog", ["1", '"1"', "null"]))
    decided = DECIDER.decide(type(chunk)(0, chunk.lines, cells, frozenset({"ecog"})))
    assert [row.line for row in decided.encoded.refused] == [3]


def test_rows_of_one_class_are_judged_once() -> None:
    fresh = Decider(ENGINE)
    fresh.decide(chunk_of([AFTER_SORAFENIB, UNTREATED]))
    judged = fresh.tables.judged
    again = fresh.decide(chunk_of([{**AFTER_SORAFENIB, "afp_ng_ml": 500 + step} for step in range(50)]))
    assert fresh.tables.judged == judged
    assert again.encoded.classes == 1
    assert again.frame()["options"].n_unique() == 1


def test_a_new_class_costs_only_the_conditions_that_read_what_is_new() -> None:
    fresh = Decider(ENGINE)
    fresh.decide(chunk_of([AFTER_SORAFENIB]))
    judged = fresh.tables.judged
    fresh.decide(chunk_of([{**AFTER_SORAFENIB, "afp_ng_ml": 12}]))
    readers = sum(
        any(literal.attribute == "afp_ng_ml" for part in condition for literal in part)
        for condition in fresh.tables.conditions
    )
    folded = sum(len(treatment.uses) for treatment in KNOWLEDGE.options.values())
    assert 0 < fresh.tables.judged - judged <= readers + folded


def test_however_a_table_is_cut_the_answers_are_the_same(examples: list[Record]) -> None:
    whole = DECIDER.decide(chunk_of(examples)).frame().drop("line")
    parts = [Decider(ENGINE).decide(chunk_of([record])).frame().drop("line") for record in examples[:4]]
    text = [part.with_columns(pl.col(pl.Categorical).cast(pl.String)) for part in parts]
    assert pl.concat(text).equals(whole.head(4).with_columns(pl.col(pl.Categorical).cast(pl.String)))


def test_rankings_that_are_forgotten_are_made_anew(examples: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST_RANKINGS", 1)
    fresh = Decider(ENGINE)
    first = fresh.decide(chunk_of(examples))
    again = fresh.decide(chunk_of(examples))
    assert again.rankings is not first.rankings
    for decided in (again, first):
        assert_as_alone(decided, [alone(record) for record in examples])


def test_a_verdict_that_the_shadow_gives_otherwise_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "indication", lambda *given: ("preferred", None))
    with pytest.raises(ShadowError, match="another verdict"):
        Decider(ENGINE).decide(chunk_of([UNTREATED]))


def test_a_condition_that_the_shadow_judges_otherwise_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "judge", lambda condition, states: None)
    with pytest.raises(ShadowError, match="no decision is given"):
        Decider(ENGINE).decide(chunk_of([UNTREATED]))


def test_classes_have_the_same_number_in_every_part(examples: list[Record]) -> None:
    whole = DECIDER.decide(chunk_of(examples)).encoded
    keys = dict(zip(range(len(examples)), whole.keys[whole.inverse].tolist(), strict=True))
    for place, record in enumerate(reversed(examples)):
        (key,) = Decider(ENGINE).decide(chunk_of([record])).encoded.keys.tolist()
        assert key == keys[len(examples) - 1 - place]


def test_an_answer_that_differs_from_the_single_decision_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., Any] = MergedLookup.find

    def turned(self: MergedLookup, *arguments: Any) -> Any:
        found = find(self, *arguments)
        return np.where(found == YES, NO, found)

    monkeypatch.setattr(MergedLookup, "find", turned)
    with pytest.raises(EngineError, match="line 2 is decided otherwise alone"):
        Decider(ENGINE).decide(chunk_of([AFTER_SORAFENIB]))


def test_the_counts_are_those_of_the_rows(examples: list[Record]) -> None:
    drawn = [*examples, *examples[:3], REFUSED]
    decided = DECIDER.decide(chunk_of(drawn))
    tally = tally_of(decided)
    decisions = [alone(record) for record in drawn[:-1]]
    assert (tally.rows, tally.refused) == (len(decisions), 1)
    assert tally.problems == {"ecog": 1, "afp_ng_ml": 1}
    assert tally.settings == {s: sum(d.setting == s for d in decisions) for s in {d.setting for d in decisions}}
    for (setting, option, verdict), number in tally.verdicts.items():
        assert number == sum(
            d.setting == setting and item.id == option and item.verdict == verdict
            for d in decisions
            for item in every(d)
        )
    expected: dict[tuple[str, str, str], int] = {}
    for decision in decisions:
        for item in decision.excluded:
            if item.verdict == "ineligible":
                for criterion in item.criteria:
                    key = (decision.setting, item.id, criterion.rule)
                    expected[key] = expected.get(key, 0) + 1
    assert tally.excluded == expected
    missing: dict[tuple[str, str], int] = {}
    for decision in decisions:
        for fact in decision.missing:
            missing[decision.setting, fact.fact] = missing.get((decision.setting, fact.fact), 0) + 1
    assert tally.missing == missing
    assert tally.given["ecog"] == sum("ecog" in record for record in drawn[:-1])


def stands(option: Option, verdict: Verdict) -> tuple[int, int, int]:
    """Return what an option is sorted by before effect size, with one verdict."""
    assert option.evidence_level is not None
    effects = [item.effect for item in option.preferences]
    balance = effects.count("disfavours") - effects.count("favours")
    return VERDICTS.index(verdict), option.evidence_level, balance


def test_facts_that_could_bring_an_option_above_the_first_choice_are_counted(examples: list[Record]) -> None:
    drawn = [*examples, {**AFTER_SORAFENIB, "afp_ng_ml": None}, {**UNTREATED, "varices": "none"}]
    expected: dict[str, int] = {}
    for decision in map(alone, drawn):
        first = [stands(option, option.verdict) for option in decision.options if option.verdict in USABLE]
        above = {
            option.id
            for option in decision.options
            if option.would_be in USABLE and all(stands(option, option.would_be) < best for best in first)
        }
        for fact in decision.missing:
            if above & set(fact.would_decide):
                expected[fact.fact] = expected.get(fact.fact, 0) + 1
    assert expected
    assert tally_of(DECIDER.decide(chunk_of(drawn))).missing_first == expected


def test_a_value_in_another_unit_is_hinted_at() -> None:
    tally = tally_of(DECIDER.decide(chunk_of([{**UNTREATED, "bilirubin_umol_l": 1.1}, UNTREATED])))
    assert tally.unusual == {"bilirubin_umol_l": 1}
    assert tally.other_unit == {("bilirubin_umol_l", "mg/dL"): 1}


def test_decide_many_gives_a_frame_of_text_and_whole_numbers() -> None:
    table = decide_many(frame_of([AFTER_SORAFENIB, UNTREATED], "hospital"), ENGINE, keep=["hospital"])
    assert table.columns == ["line", "case_id", "hospital", *list(SHORT)[2:]]
    assert set(table.dtypes) == {pl.Int64, pl.String}
    assert table["setting"].to_list() == ["second_line", "first_line"]
    assert table["line"].to_list() == [1, 2]
    long = decide_many(frame_of([AFTER_SORAFENIB]), ENGINE, long=True)
    assert long.columns == list(LONG)
    assert long.height == len(KNOWLEDGE.options)


def test_decide_many_refuses_what_it_cannot_decide_and_says_where() -> None:
    with pytest.raises(CohortError) as refused:
        decide_many(frame_of([UNTREATED, REFUSED]), ENGINE)
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["row 2", "row 2"]
    with pytest.raises(
        CohortError, match=r"column 'AFP_ng_ml' is no field of the patient record \(is it afp_ng_ml\?\)"
    ):
        decide_many(pl.DataFrame({"AFP_ng_ml": [1.0]}), ENGINE)


def test_a_table_without_rows_has_no_decisions() -> None:
    assert decide_many(frame_of([]), ENGINE).height == 0
    assert decide_many(frame_of([]), ENGINE, long=True).height == 0
