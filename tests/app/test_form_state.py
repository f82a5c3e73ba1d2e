"""The form's state and the record say the same, and the form asks no more and no less than the record holds."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from form import state, units
from form.wording import badge, plain, source
from hcc_decide.decision import VERDICTS, Evidence
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema import Fact
from hcc_decide.patient import OTHER, Patient, parse_patient
from hcc_decide.scores import UMOL_L_PER_MG_DL, bilirubin_points
from tests.conftest import ROOT, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
FACTS = state.asked(KNOWLEDGE)
ENGINE = ("hcc_decide.engine", "hcc_decide.decide", "hcc_decide.explain", "hcc_decide.compare")
IN_SEVERAL_UNITS = [name for name, fact in FACTS.items() if fact.also_in]


@settings(max_examples=200, deadline=None)
@given(st.one_of(records([*KNOWLEDGE.options, OTHER]), records(list(KNOWLEDGE.options), tumour="liver_metastasis")))
def test_a_record_put_into_the_form_comes_out_the_same(record: dict[str, Any]) -> None:
    clean = parse_patient(record, KNOWLEDGE.option_ids).to_record()
    back = state.record_of(state.state_of(clean, KNOWLEDGE), KNOWLEDGE)
    assert parse_patient(back, KNOWLEDGE.option_ids).to_record() == clean
    assert state.problems_of(back, KNOWLEDGE) == {}


def test_an_empty_form_is_an_empty_record(knowledge: Knowledge) -> None:
    record = state.record_of(state.state_of({}, knowledge), knowledge)
    assert parse_patient(record) == Patient()
    assert set(record) == {name for name, field in Patient.model_fields.items() if field.default is not None}


def test_the_form_asks_for_every_field_of_the_record(knowledge: Knowledge) -> None:
    assert {*state.asked(knowledge), state.CASE, state.PRIOR} == set(Patient.model_fields)


def test_facts_that_the_record_refuses_for_a_tumour_are_not_asked_for(knowledge: Knowledge) -> None:
    assert state.hidden(knowledge, "hcc") == {"primary_site", "liver_metastasis_resectable"}
    assert state.hidden(knowledge, "liver_metastasis") == set()


def test_unknown_and_none_are_two_answers(knowledge: Knowledge) -> None:
    for name in ("etiology", "prior_locoregional", "prior_systemic"):
        unknown = state.record_of(state.state_of({}, knowledge), knowledge)
        none = state.record_of(state.state_of({name: []}, knowledge), knowledge)
        assert name not in unknown
        assert none[name] == []


def test_none_beside_another_choice_is_refused_at_the_field(knowledge: Knowledge) -> None:
    entries = state.state_of({}, knowledge) | {"fact_etiology": ["none", "hbv"]}
    assert list(state.problems_of(state.record_of(entries, knowledge), knowledge)) == ["etiology"]


@pytest.mark.parametrize("missing", ["option", "outcome"])
def test_a_line_takes_nothing_for_granted(knowledge: Knowledge, missing: str) -> None:
    line = {"option": OTHER, "outcome": "completed"}
    entries = state.state_of({"prior_systemic": [line]}, knowledge) | {f"line_1_{missing}": state.CHOOSE}
    assert list(state.problems_of(state.record_of(entries, knowledge), knowledge)) == [f"prior_systemic[1].{missing}"]


@given(st.integers(1, 5), st.data())
def test_any_line_can_be_taken_out_and_the_others_keep_their_order(count: int, data: st.DataObject) -> None:
    lines: list[dict[str, Any]] = [
        {"option": OTHER, "name": f"drug {n}", "outcome": "completed"} for n in range(1, count + 1)
    ]
    lines[-1] |= {"last_daily_dose_mg": 400, "tolerated_days_of_last_28": 20}
    entries = state.state_of({"prior_systemic": lines}, KNOWLEDGE)
    gone = data.draw(st.integers(1, count))
    record = state.record_of(entries | state.without_line(entries, gone), KNOWLEDGE)
    left = lines[: gone - 1] + lines[gone:]
    assert record.get("prior_systemic", []) == left
    assert ("prior_systemic" in record) == bool(left), "without any line it is not known, which is not none"


def test_a_line_is_added_after_the_others_with_everything_still_to_be_chosen(knowledge: Knowledge) -> None:
    line = {"option": OTHER, "outcome": "completed"}
    entries = state.state_of({"prior_systemic": [line]}, knowledge)
    record = state.record_of(entries | state.with_line(entries), knowledge)
    assert record["prior_systemic"] == [line, {}]
    assert list(state.problems_of(record, knowledge)) == ["prior_systemic[2].outcome", "prior_systemic[2].option"]


def test_the_factor_of_bilirubin_is_the_one_that_the_scores_use(knowledge: Knowledge) -> None:
    assert FACTS["bilirubin_umol_l"].also_in == {"mg/dL": UMOL_L_PER_MG_DL}
    assert FACTS["albumin_g_l"].also_in == {"g/dL": 10}


def typed(name: str, number: float | None, unit: str) -> dict[str, Any]:
    return state.state_of({}, KNOWLEDGE) | {state.key_of(name): number, units.unit_key(name): unit}


@pytest.mark.parametrize(
    ("name", "number", "unit", "value"),
    [
        ("bilirubin_umol_l", 2, "mg/dL", 34.2),
        ("bilirubin_umol_l", 3, "mg/dL", 51.3),
        ("bilirubin_umol_l", 0.8, "mg/dL", 13.68),
        ("bilirubin_umol_l", 34.2, "µmol/L", 34.2),
        ("albumin_g_l", 3.5, "g/dL", 35),
        ("albumin_g_l", 2.8, "g/dL", 28),
        ("afp_ng_ml", 400, "µg/L", 400),
        ("bilirubin_umol_l", None, "mg/dL", None),
        ("bilirubin_umol_l", 20, "a unit that nobody knows", 20),
    ],
)
def test_a_number_typed_in_another_unit_is_the_right_one_in_the_record(
    name: str, number: float | None, unit: str, value: float | None
) -> None:
    assert state.record_of(typed(name, number, unit), KNOWLEDGE).get(name) == value


@given(st.integers(1, 400).map(lambda tenths: tenths / 10))
def test_child_pugh_points_in_mg_per_dl_change_at_exactly_two_and_three(mg_dl: float) -> None:
    record = state.record_of(typed("bilirubin_umol_l", mg_dl, "mg/dL"), KNOWLEDGE)
    assert bilirubin_points(record["bilirubin_umol_l"]) == (1 if mg_dl < 2 else 2 if mg_dl <= 3 else 3)


@given(
    name=st.sampled_from(IN_SEVERAL_UNITS),
    value=st.floats(0.001, 1e6).map(lambda drawn: float(f"{drawn:.{units.DIGITS}g}")),
)
def test_a_value_shown_in_another_unit_and_taken_back_is_the_same_value(name: str, value: float) -> None:
    for unit in units.units_of(FACTS[name]):
        shown = units.from_record(value, FACTS[name], unit)
        assert units.to_record(shown, FACTS[name], unit) == value


@pytest.mark.parametrize("name", IN_SEVERAL_UNITS)
def test_what_is_typed_is_shown_as_typed(name: str) -> None:
    for unit in units.units_of(FACTS[name]):
        for hundredths in range(1, 2000):
            value = units.to_record(hundredths / 100, FACTS[name], unit)
            assert units.from_record(value, FACTS[name], unit) == hundredths / 100


def test_the_unit_that_was_chosen_is_no_part_of_the_record() -> None:
    for name in IN_SEVERAL_UNITS:
        (other,) = FACTS[name].also_in
        entries = state.state_of({name: 20}, KNOWLEDGE) | {units.CHOSEN: {name: other}}
        assert units.unit_of(name, FACTS[name], entries) == other
        assert state.record_of(entries, KNOWLEDGE) == {"tumour": "hcc", "intent": "treatment", name: 20}
        assert not state.is_field(units.CHOSEN)


def test_a_refusal_names_the_number_as_typed_with_its_unit() -> None:
    fact = FACTS["bilirubin_umol_l"]
    record = state.record_of(typed("bilirubin_umol_l", -2, "mg/dL"), KNOWLEDGE)
    (message,) = state.problems_of(record, KNOWLEDGE)["bilirubin_umol_l"]
    told = units.as_typed(message, -34.2, record["bilirubin_umol_l"], fact, "mg/dL")
    assert told == "-2 mg/dL (-34.2 µmol/L) is refused; allowed is a number above 0"
    assert units.as_typed(message, -34.2, -34.2, fact, "µmol/L") == message


def test_a_converted_number_is_shown_short_and_a_typed_one_in_full() -> None:
    assert units.number_format(14 / 17.1, converted=True) == "%.4g"
    assert units.number_format(1.25, converted=True) == "%g"
    assert units.number_format(14 / 17.1, converted=False) == "%g"
    assert units.number_format(None, converted=True) == "%g"


@pytest.mark.parametrize(
    "wrong",
    [
        {"also_in": {"mg/dL": 17.1}},
        {"unit": "g/L", "also_in": {"g/L": 1}},
        {"unit": "g/L", "also_in": {"g/dL": 0}},
        {"unit": "g/L", "kind": "boolean", "also_in": {"g/dL": 10}},
    ],
)
def test_the_vocabulary_refuses_other_units_that_make_no_sense(wrong: dict[str, Any]) -> None:
    body = {"label": "A", "kind": "number", "source": "record", "group": "liver"}
    with pytest.raises(ValidationError):
        Fact.model_validate(body | wrong)


def test_problems_are_sorted_by_the_field_they_name(knowledge: Knowledge) -> None:
    found = state.by_place(
        [
            "afp_ng_ml: -5 is refused",
            "etiology[2]: 'x' is refused",
            "prior_systemic[2].outcome: no",
            "the record is odd",
        ],
        knowledge,
    )
    assert found == {
        "afp_ng_ml": ["-5 is refused"],
        "etiology": ["'x' is refused"],
        "prior_systemic[2].outcome": ["no"],
        state.TOP: ["the record is odd"],
    }


@pytest.mark.parametrize("text", ["*a* _b_ [c](d) `e` <f> $g$ ~h~ #i | :red[j] :material/add:", "a\n\n# b"])
def test_text_is_shown_as_it_is(text: str) -> None:
    escaped = plain(text)
    assert escaped.replace("\\", "") == " ".join(text.split())
    for found in "*_[]`<>$~#|":
        assert escaped.count(found) == escaped.count("\\" + found)


def test_every_verdict_has_a_word_and_a_sign_beside_its_colour() -> None:
    written = [badge(verdict) for verdict in VERDICTS]
    for verdict, text in zip(VERDICTS, written, strict=True):
        assert verdict.replace("_", " ") in text
        assert ":material/" in text
    assert len({text.split(":material/")[1].partition(":")[0] for text in written}) == len(VERDICTS)


def test_a_source_links_and_says_what_is_not_verified() -> None:
    item = Evidence(
        trial="a", name="A", direction="supports", status="reported", summary="s", citation="B. C 2020", doi="10.1016/S1(22)6-6",
        nct="NCT00000001", unverified=["nct", "endpoints.os"],
    )  # fmt: skip
    text = source(item)
    assert "](https://doi.org/10.1016/S1%2822%296-6)" in text
    assert "](https://clinicaltrials.gov/study/NCT00000001) (not verified)" in text
    assert "not verified: endpoints os" in text


def test_the_form_never_imports_the_engine_and_names_no_option_or_trial(knowledge: Knowledge) -> None:
    names = {*knowledge.options, *knowledge.trials, *(item.body.name.lower() for item in knowledge.options.values())}
    names -= {"search"}  # a trial, but also what one does in a list, and the sign for it
    for path in sorted((ROOT / "app").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not {name for name in imported if any(f"{name}.".startswith(f"{module}.") for module in ENGINE)}, path
        words = {
            node.value.lower()
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not words & names, path
