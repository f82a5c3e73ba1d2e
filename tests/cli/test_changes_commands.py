"""`hcc-decide whatif` and `counterfactual`: a change and what moves, and the changes that it would take."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hcc_decide.changes import changes
from hcc_decide.counterfactual.shape import Counterfactuals
from hcc_decide.decision import Decision
from hcc_decide.documents import read
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.movement import Changes
from tests.cli.conftest import Invoke
from tests.conftest import ROOT

AFTER_SORAFENIB = str(ROOT / "examples" / "after-sorafenib-afp-812.yaml")
VARICES = str(ROOT / "examples" / "advanced-untreated-varices.yaml")
HALF_KNOWN = str(ROOT / "examples" / "half-known.yaml")
ATEZO_BEV = "atezolizumab+bevacizumab"

Decide = Callable[..., Decision]


def lines(invoke: Invoke, *arguments: str) -> list[str]:
    answer = invoke(*arguments)
    assert (answer.status, answer.err) == (0, "")
    return answer.out.splitlines()


def flat(shown: list[str]) -> str:
    return " ".join(" ".join(shown).split())


def refused(invoke: Invoke, *arguments: str) -> list[str]:
    answer = invoke(*arguments)
    assert (answer.status, answer.out) == (2, "")
    return answer.err.splitlines()


# whatif


def test_a_change_moves_what_the_rules_say_and_names_the_rule(invoke: Invoke) -> None:
    shown = lines(invoke, "whatif", AFTER_SORAFENIB, "afp_ng_ml=120")
    assert max(map(len, shown)) <= 80
    text = flat(shown)
    assert "Alpha-fetoprotein (AFP): 812 ng/mL → 120 ng/mL" in text
    assert "Setting: second line of systemic therapy, as before" in text
    assert "Ramucirumab recommended, rank 2 → ineligible: worse" in text
    assert "met → NOT met" in text
    assert "[options/ramucirumab/afp-400-or-more, SYS-105" in text
    assert text.index("Ramucirumab recommended") < text.index("Only within trials")


def test_before_and_after_are_the_two_decisions(invoke: Invoke, decision_for: Decide, knowledge: Knowledge) -> None:
    record: dict[str, Any] = read(AFTER_SORAFENIB).data
    before, after = decision_for(**record), decision_for(**record | {"afp_ng_ml": 120, "ecog": 2})
    found = json.loads(invoke("whatif", AFTER_SORAFENIB, "afp_ng_ml=120", "ecog=2", "--format", "json").out)
    assert Changes.model_validate(found["changes"]) == changes(before, after, knowledge)
    for told, decision in ((found["before"], before), (found["after"], after)):
        assert told["patient"] == decision.patient
        assert told["setting"] == decision.setting
        assert [(item["id"], item["rank"], item["verdict"]) for item in told["options"]] == [
            (item.id, item.rank, item.verdict) for item in decision.options
        ]
        assert [item["id"] for item in told["excluded"]] == [item.id for item in decision.excluded]


def test_a_fact_can_become_unknown_and_lines_can_change(invoke: Invoke) -> None:
    text = flat(lines(invoke, "whatif", AFTER_SORAFENIB, "afp_ng_ml="))
    assert "812 ng/mL → not known" in text
    text = flat(lines(invoke, "whatif", HALF_KNOWN, "prior_systemic=[sorafenib]"))
    assert "first line of systemic therapy → second line of systemic therapy" in text
    text = flat(lines(invoke, "whatif", AFTER_SORAFENIB, "prior_systemic[sorafenib].last_daily_dose_mg=200"))
    assert "options/regorafenib/sorafenib-dose" in text
    # A detail of lines that are given in the same breath.
    detail = "prior_systemic[lenvatinib].last_daily_dose_mg=8"
    text = flat(lines(invoke, "whatif", AFTER_SORAFENIB, detail, "prior_systemic=[lenvatinib]"))
    assert "Lenvatinib, progression (last daily dose: 8 mg)" in text


def test_nothing_changes_is_said(invoke: Invoke) -> None:
    assert lines(invoke, "whatif", AFTER_SORAFENIB, "afp_ng_ml=812") == [
        "Nothing changes: the record has these values already."
    ]
    assert "Nothing moves: every option stands exactly as before" in flat(
        lines(invoke, "whatif", AFTER_SORAFENIB, "age_years=67")
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["afp_ng_ml"], "FACT=VALUE: 'afp_ng_ml' is refused; allowed is a fact, =, and a value"),
        (["colour=red"], "'colour' is not a fact of the record; see `hcc-decide schema patient`"),
        (["setting=curative"], "'setting' is not a fact of the record; see `hcc-decide schema patient`"),
        (["ecog=1", "ecog=2"], "ecog: is given twice; allowed is one value"),
        (["afp_ng_ml=-5"], "the changed record: afp_ng_ml: -5 is refused; allowed is 0 or more"),
        (
            ["prior_systemic[lenvatinib].outcome=progression"],
            "prior_systemic[lenvatinib].outcome: the record has no line of 'lenvatinib'; "
            "allowed are those of its lines: sorafenib",
        ),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_with_one_line(invoke: Invoke, given: list[str], problem: str) -> None:
    assert refused(invoke, "whatif", AFTER_SORAFENIB, *given) == [problem]


def test_what_is_no_yaml_or_no_detail_is_refused_by_name(invoke: Invoke) -> None:
    (problem,) = refused(invoke, "whatif", AFTER_SORAFENIB, "etiology=[hbv")
    assert problem.startswith("etiology: '[hbv' cannot be read as YAML")
    (problem,) = refused(invoke, "whatif", AFTER_SORAFENIB, "prior_systemic[sorafenib].colour=red")
    assert "'colour' is not a detail of a line; allowed are outcome" in problem
    assert refused(invoke, "whatif", AFTER_SORAFENIB, "afp_ng_ml=1", "--format", "pdf")


# counterfactual


def test_what_it_takes_is_told_with_how_and_by_which_rules(invoke: Invoke) -> None:
    shown = lines(invoke, "counterfactual", VARICES, ATEZO_BEV)
    assert max(map(len, shown)) <= 80
    text = flat(shown)
    assert "ineligible today" in text
    assert "1 smallest set of facts" in text
    assert "CAN BE BROUGHT ABOUT BY TESTS AND TREATMENT" in text
    assert "present and not treated → present and treated (treat or prepare:" in text
    assert "also none (cannot be changed)" in text
    assert "options/atezolizumab+bevacizumab/varices-absent-or-treated" in text


def test_the_same_question_gives_the_same_bytes_and_json_holds_its_shape(invoke: Invoke) -> None:
    asked = ("counterfactual", HALF_KNOWN, ATEZO_BEV, "--format", "json")
    one, other = invoke(*asked).out, invoke(*asked).out
    assert one == other
    found = json.loads(one)
    assert found.pop("schema_version") == 1
    assert "health professionals" in found.pop("intended_use")
    assert {"varices", "endoscopy_within_6_months"} == set(Counterfactuals.model_validate(found).answers[0].facts)


def test_a_verdict_that_is_there_already_and_one_out_of_reach_are_said(invoke: Invoke) -> None:
    text = flat(lines(invoke, "counterfactual", AFTER_SORAFENIB, "ramucirumab"))
    assert "Ramucirumab is recommended already; nothing has to change." in text
    metastases = str(ROOT / "examples" / "colorectal-liver-metastases.yaml")
    text = flat(lines(invoke, "counterfactual", metastases, "ramucirumab"))
    assert "No change of facts can make Ramucirumab preferred, recommended or alternative" in text


def test_a_verdict_can_be_wanted_and_answers_can_be_few(invoke: Invoke) -> None:
    asked = ("counterfactual", AFTER_SORAFENIB, "ramucirumab", "--to", "ineligible")
    text = flat(lines(invoke, *asked))
    assert "3 smallest sets of facts would make Ramucirumab ineligible. They are all there are" in text
    text = flat(lines(invoke, *asked, "--most", "1"))
    assert "1 smallest set of facts would make Ramucirumab ineligible. There are more" in text


def test_a_question_that_cannot_be_asked_is_refused(invoke: Invoke) -> None:
    problems = refused(invoke, "counterfactual", HALF_KNOWN, "water", "--to", "undetermined")
    assert problems[0].startswith("OPTION: 'water' is not an option")
    assert problems[1].startswith("--to: 'undetermined' is refused; allowed are preferred")
    assert refused(invoke, "counterfactual", HALF_KNOWN, "ramucirumab", "--format", "pdf")
    assert refused(invoke, "counterfactual", HALF_KNOWN, "ramucirumab", "--most", "0")
