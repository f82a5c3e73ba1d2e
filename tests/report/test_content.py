"""What the report says: nothing that matters is left out, and nothing is said twice or milder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from hcc_decide.decision import Decision
from hcc_decide.headline import headline
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.render import within_trials
from hcc_decide.report.content import Report
from hcc_decide.report.words import listed
from tests.report.conftest import DAY, EXAMPLES, DecisionOf, Make

Decide = Callable[..., Decision]


def all_text(report: Report) -> str:
    return json.dumps(asdict(report), ensure_ascii=False)


def told(report: Report, *, brief: bool = False) -> str:
    return " ".join(text for group in report.excluded for text in (group.brief if brief else group.items))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_option_of_the_catalogue_is_counted_once(path: Path, decision_of: DecisionOf, make: Make) -> None:
    decision = decision_of(path)
    made = make(decision)
    named = len(made.choices) + len(made.trials_only) + len(made.unsettled)
    assert named == len(decision.options)
    assert sum(group.count for group in made.excluded) + made.elsewhere == len(decision.excluded)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_listed_option_shows_its_cautions_and_all_that_is_not_met(
    path: Path, decision_of: DecisionOf, make: Make
) -> None:
    decision = decision_of(path)
    for option, choice in zip(listed(decision), make(decision).choices, strict=True):
        points = [point.text for point in choice.points]
        assert (choice.rank, choice.name, choice.regimen) == (option.rank, option.name, option.regimen)
        for caution in option.cautions:
            assert any(text.startswith(caution.text) for text in points)
        for criterion in option.criteria:
            if criterion.result != "met":
                assert any(text.startswith(criterion.text) for text in points)
        if option.would_be:
            assert choice.standing == f"undetermined, would be {option.would_be.replace('_', ' ')}"
        for trial in option.evidence:
            assert trial.name in choice.trials


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_negative_trial_of_the_setting_is_hidden_however_short_the_report(
    path: Path, decision_of: DecisionOf, make: Make
) -> None:
    decision = decision_of(path)
    made = make(decision)
    refuted = [item for item in decision.excluded if item.reason.startswith("The evidence for this use is negative")]
    for item in refuted:
        for trial in item.evidence:
            assert trial.name in told(made)
            assert trial.name in told(made, brief=True)
        assert item.name in told(made, brief=True)
    for option in listed(decision):
        against = [trial.name for trial in option.evidence if trial.direction == "against"]
        choice = next(one for one in made.choices if one.name == option.name)
        for name in against:
            assert name in choice.trials.partition("against:")[2]


def test_each_trial_is_cited_once_with_its_identifiers_and_doubts(decision_of: DecisionOf, make: Make) -> None:
    for path in EXAMPLES:
        decision = decision_of(path)
        made = make(decision)
        trials = {trial.trial: trial for option in listed(decision) for trial in option.evidence}
        assert [one.number for one in made.citations] == list(range(1, len(trials) + 1))
        by_name = {one.name: one for one in made.citations}
        for trial in trials.values():
            cited = by_name[trial.name]
            assert (cited.doi, cited.nct) == (trial.doi or "", trial.nct or "")
            assert bool(cited.doi_mark) == bool(trial.doi and "citation.doi" in trial.unverified)
            assert bool(cited.nct_mark) == bool(trial.nct and "nct" in trial.unverified)
            assert ("(not verified)" in cited.text) == ("citation" in trial.unverified)
            rest = set(trial.unverified) - {"citation", "citation.doi", "nct"}
            assert bool(cited.remark) == bool(rest)


def test_it_carries_the_headline_the_stamp_and_the_intended_use(
    decision_for: Decide, make: Make, knowledge: Knowledge
) -> None:
    decision = decision_for(bclc_stage="C", child_pugh_class="A", ecog=1, prior_systemic=[])
    made = make(decision)
    assert made.headline == headline(decision, knowledge, alone=False)
    assert made.sha256 == knowledge.sha256
    assert made.date == DAY.isoformat()
    for part in (knowledge.version, knowledge.edition, "cut-off 2022", "hcc-decide 1.2.3"):
        assert part in made.stamp
    assert made.intended_use == " ".join(decision.intended_use.split())


def test_it_names_nobody_unless_that_was_typed(decision_for: Decide, make: Make) -> None:
    nobody = make(decision_for(ecog=1))
    assert (nobody.case_id, nobody.heading) == ("", "")
    typed = make(decision_for(ecog=1, case_id=" board\n7 "), heading="  Ms\tA. ")
    assert (typed.case_id, typed.heading) == ("board 7", "Ms A.")


def test_known_facts_stand_with_label_and_unit_and_unknown_ones_do_not(
    decision_for: Decide, make: Make, knowledge: Knowledge
) -> None:
    made = make(
        decision_for(
            afp_ng_ml=123456.7,
            bilirubin_umol_l=12,
            bclc_stage="C",
            etiology=[],
            prior_systemic=[
                {"option": "sorafenib", "outcome": "intolerance", "last_daily_dose_mg": 400},
                {
                    "option": "other",
                    "name": "Trial \x00drug",
                    "outcome": "progression",
                    "radiological_progression": True,
                },
            ],
        )
    )
    facts = " ".join(item for group in made.facts for item in group.items)
    assert "Alpha-fetoprotein (AFP): 123456.7 ng/mL" in facts
    assert "Total bilirubin: 12 µmol/L" in facts
    assert "BCLC stage: C (advanced)" in facts
    assert "Cause of the liver disease: none" in facts
    outcomes = knowledge.vocabulary.prior_systemic.fields["outcome"].values or {}
    assert f"1. Sorafenib ({outcomes['intolerance']}, last daily dose: 400 mg)" in facts
    assert f"2. Trial drug ({outcomes['progression']}, " in facts
    assert "radiological progression: yes" in facts
    assert "not known" not in facts
    assert "INR" not in facts


def test_what_is_missing_says_what_it_would_decide(decision_of: DecisionOf, make: Make) -> None:
    decision = decision_of(next(path for path in EXAMPLES if path.stem == "half-known"))
    open_ = " ".join(make(decision).open)
    for missing in decision.missing:
        assert missing.label in open_
    assert "would help to decide Atezolizumab + bevacizumab, Sintilimab + bevacizumab" in open_


def test_an_empty_record_has_a_report_and_says_what_it_would_need(decision_for: Decide, make: Make) -> None:
    made = make(decision_for())
    assert made.headline.startswith("Setting not settled yet")
    assert made.open
    assert all("undetermined" in choice.standing for choice in made.choices)


def test_a_withdrawal_is_told_in_full_and_later_entries_are_counted(
    decision_for: Decide, make: Make, knowledge: Knowledge
) -> None:
    decision = decision_for(bclc_stage="C", child_pugh_class="A", ecog=1, prior_systemic=["sorafenib"])
    later = " ".join(make(decision).later)
    events = {
        f"options/{option.id}/{event.id}": event.kind
        for option in knowledge.options.values()
        for event in option.body.later_evidence
    }
    here = {option.id for option in listed(decision)}
    concerned = [notice for notice in decision.notices if notice.option in here]
    withdrawn = [notice for notice in concerned if events[notice.rule] == "withdrawal"]
    assert withdrawn
    for notice in withdrawn:
        assert notice.text in later
    assert f"{len(concerned) - len(withdrawn)} further entries" in later


def test_notices_about_the_patient_stand_in_full(decision_of: DecisionOf, make: Make) -> None:
    decision = decision_of(next(path for path in EXAMPLES if path.stem == "child-pugh-b"))
    general = tuple(notice.text for notice in decision.notices if notice.option is None)
    assert general
    assert make(decision).notices == general


def test_the_full_basis_holds_every_criterion_passage_and_trial(
    decision_of: DecisionOf, make: Make, knowledge: Knowledge
) -> None:
    decision = decision_of(next(path for path in EXAMPLES if path.stem == "after-sorafenib-afp-812"))
    assert make(decision).basis is None
    made = make(decision, full=True)
    assert made.basis is not None
    text = all_text(made)
    for option, shown in zip(listed(decision), made.basis.options, strict=True):
        assert len(shown.checks) == len(option.criteria)
        assert shown.reason == option.ranked_here_because
        for conflict in option.conflicts:
            assert any(conflict.used.rstrip(".") in item for entry in shown.entries for item in entry.items)
    claims: set[str] = set()
    for option in listed(decision):
        parts: list[Any] = [*option.criteria, *option.cautions, *option.preferences, *option.notes]
        claims.update(claim for part in parts for claim in part.claims)
    assert claims & knowledge.claims.keys() <= {passage.claim for passage in made.basis.passages}
    for passage in made.basis.passages:
        first, last = knowledge.claims[passage.claim].lines
        assert f"lines {first} to {last}" in passage.where
    for item in decision.excluded:
        assert json.dumps(item.name, ensure_ascii=False)[1:-1] in text
    numbers = [one.number for one in (*made.citations, *made.basis.citations)]
    assert numbers == list(range(1, len(numbers) + 1))
    items: list[Any] = [*decision.options, *decision.excluded]
    trials = {trial.name for item in items for trial in item.evidence}
    shown_trials = {one.name for one in (*made.citations, *made.basis.citations)}
    elsewhere = {
        trial.name for item in decision.excluded if item.verdict == "not_applicable" for trial in item.evidence
    }
    assert trials - elsewhere <= shown_trials
    for option in decision.options:
        if within_trials(option):
            for caution in option.cautions:
                assert json.dumps(caution.text, ensure_ascii=False)[1:-1] in text


def test_another_knowledge_than_the_one_that_decided_is_refused(
    decision_for: Decide, make: Make, knowledge: Knowledge
) -> None:
    decision = decision_for()
    stamp = decision.knowledge.model_copy(update={"sha256": "0" * 64})
    other: Any = decision.model_copy(update={"knowledge": stamp})
    with pytest.raises(ValueError, match="other knowledge"):
        make(other)


def test_the_same_decision_gives_the_same_report(decision_for: Decide, make: Make) -> None:
    record = {"bclc_stage": "B", "child_pugh_class": "A", "ecog": 0}
    assert make(decision_for(**record), full=True) == make(decision_for(**dict(reversed(record.items()))), full=True)
    assert replace(make(decision_for(**record))) == make(decision_for(**record))
