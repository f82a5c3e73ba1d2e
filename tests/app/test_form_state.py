"""The form's state and the record say the same, and the form asks no more and no less than the record holds."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from form import state
from form.wording import badge, plain, source
from hcc_decide.decision import VERDICTS, Evidence
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.patient import OTHER, Patient, parse_patient
from tests.conftest import ROOT
from tests.properties.strategies import records

KNOWLEDGE = load_knowledge(ROOT / "rules")


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
    for path in sorted((ROOT / "app").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not {name for name in imported if name.startswith(("hcc_decide.engine", "hcc_decide.decide"))}, path
        words = {
            node.value.lower()
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not words & names, path
