"""The decision as data: it comes back from JSON as it went out, and refuses what the contract does not have."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from hcc_decide.decision import LISTED, VERDICTS, Decision, Setting
from hcc_decide.schemas import decision_schema

VERDICTS_OF_THE_CONTRACT = (
    "preferred",
    "recommended",
    "alternative",
    "investigational",
    "undetermined",
    "not_recommended",
    "ineligible",
    "not_applicable",
)
SETTINGS_OF_THE_CONTRACT = {
    "curative",
    "locoregional",
    "first_line",
    "second_line",
    "later_line",
    "adjuvant",
    "neoadjuvant",
    "supportive",
    "liver_metastasis",
    "undetermined",
}

CRITERION: dict[str, Any] = {
    "rule": "options/ramucirumab/afp",
    "kind": "include",
    "text": "AFP is at least 400 ng/mL",
    "result": "met",
    "holds": True,
    "facts": {"afp_ng_ml": 812, "bclc_stage": "C", "etiology": ["hbv"], "cirrhosis": None, "extrahepatic_spread": True},
    "claims": ["SYS-105"],
    "trials": ["reach-2"],
}
EVIDENCE: dict[str, Any] = {
    "trial": "reach-2",
    "name": "REACH-2",
    "direction": "supports",
    "status": "reported",
    "summary": "Longer survival.",
    "citation": "Lancet Oncol 2019;20:282-296",
    "doi": "10.1016/S1470-2045(18)30937-9",
    "nct": None,
    "unverified": [],
}
DECISION: dict[str, Any] = {
    "schema_version": 1,
    "knowledge": {"edition": "reviews", "version": "2022.1.0", "sha256": "0" * 64},
    "patient": {"tumour": "hcc", "afp_ng_ml": 812.0},
    "setting": "second_line",
    "derived": [
        {"fact": "child_pugh_class", "value": "A", "rule": "staging/child-pugh-class", "from": ["child_pugh_score"]}
    ],
    "options": [
        {
            "rank": 1,
            "id": "ramucirumab",
            "name": "Ramucirumab",
            "aliases": [],
            "verdict": "undetermined",
            "evidence_level": 1,
            "criteria": [CRITERION],
            "cautions": [{"rule": "options/x/c", "text": "Take care", "facts": {}, "claims": []}],
            "preferences": [{"rule": "options/x/p", "text": "For", "effect": "favours", "facts": {}, "claims": []}],
            "notes": [{"rule": "options/x/n", "kind": "cost", "text": "Dear", "claims": []}],
            "evidence": [EVIDENCE],
            "conflicts": [
                {
                    "id": "dose",
                    "about": "The dose",
                    "values": [{"source": "review 000", "value": "8"}, {"source": "publication", "value": "10"}],
                    "used": "8.",
                    "why": "It was checked.",
                }
            ],
            "would_be": "recommended",
            "regimen": "8 mg/kg every 2 weeks",
            "ranked_here_because": "Because.",
        }
    ],
    "excluded": [
        {
            "id": "tace",
            "name": "TACE",
            "aliases": ["chemoembolisation"],
            "verdict": "not_applicable",
            "criteria": [],
            "reason": "Belongs elsewhere.",
            "claims": [],
            "evidence": [],
            "conflicts": [],
        }
    ],
    "missing": [{"fact": "ecog", "label": "ECOG", "question": "ECOG?", "would_decide": ["ramucirumab"], "worth": None}],
    "notices": [{"rule": "notices/x", "text": "Mind.", "claims": [], "option": None}],
    "intended_use": "For health professionals.",
    "trace": [
        {"step": 1, "stratum": "staging", "rule": "staging/x", "matched": {"ecog": 1}, "asserted": {"end_stage": False}}
    ],
}


def test_verdicts_and_settings_are_those_of_the_contract() -> None:
    assert VERDICTS == VERDICTS_OF_THE_CONTRACT
    assert VERDICTS_OF_THE_CONTRACT[:5] == LISTED
    assert set(get_args(Setting)) == SETTINGS_OF_THE_CONTRACT


def test_a_decision_comes_back_from_json_as_it_went_out() -> None:
    decision = Decision.model_validate(DECISION)
    assert decision.model_dump(mode="json") == DECISION
    assert Decision.model_validate_json(json.dumps(decision.model_dump(mode="json"))) == decision
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_a_value_keeps_its_type_on_the_way() -> None:
    facts = Decision.model_validate_json(json.dumps(DECISION)).options[0].criteria[0].facts
    assert [type(value) for value in facts.values()] == [int, str, list, type(None), bool]


def test_a_decision_fits_its_schema() -> None:
    Draft202012Validator(decision_schema()).validate(DECISION)


def test_a_decision_knows_the_verdict_of_every_option_and_of_no_other() -> None:
    decision = Decision.model_validate(DECISION)
    assert decision.verdict_of("ramucirumab") == "undetermined"
    assert decision.verdict_of("tace") == "not_applicable"
    with pytest.raises(KeyError, match="sorafenib"):
        decision.verdict_of("sorafenib")


def _with(*path: str | int, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(DECISION)
    node: Any = changed
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    "broken",
    [
        _with("schema_version", value=2),
        _with("setting", value="third_line"),
        _with("options", 0, "verdict", value="best"),
        _with("excluded", 0, "verdict", value="excluded"),
        _with("options", 0, "criteria", 0, "result", value="maybe"),
        _with("options", 0, "preferences", 0, "effect", value="strongly favours"),
        _with("trace", 0, "stratum", value="guessing"),
        _with("weights", value=[1, 2]),
        _with("options", 0, "score", value=0.7),
    ],
)
def test_a_decision_outside_the_contract_is_refused_by_model_and_schema_alike(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Decision.model_validate(broken)
    assert not Draft202012Validator(decision_schema()).is_valid(broken)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"tumour": "liver_metastasis", "primary_site": "uveal_melanoma"},
        {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 1, "prior_systemic": ["sorafenib"], "afp_ng_ml": 812},
        {"child_pugh_score": 11},
    ],
)
def test_a_decision_of_the_shipped_rules_comes_back_from_json(
    decision_for: Callable[..., Decision], record: dict[str, Any]
) -> None:
    decision = decision_for(**record)
    text = json.dumps(decision.model_dump(mode="json"))
    assert Decision.model_validate_json(text) == decision
    Draft202012Validator(decision_schema()).validate(json.loads(text))
