"""The headline: one sentence that agrees with the decision it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_decide.decision import USABLE, VERDICTS, Decision
from hcc_decide.documents import read
from hcc_decide.headline import could_lead, headline
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import setting_labels
from tests.conftest import ROOT, shipped_knowledge
from tests.properties.strategies import records

Decide = Callable[..., Decision]

KNOWLEDGE = shipped_knowledge()
ADVANCED: dict[str, Any] = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 0, "prior_systemic": []}


def test_it_names_setting_liver_function_leader_and_why(knowledge: Knowledge, decision_for: Decide) -> None:
    decision = decision_for(**ADVANCED, varices="none", endoscopy_within_6_months=True, autoimmune_disease=False)
    first = decision.options[0]
    text = headline(decision, knowledge)
    assert text.startswith(
        f"{setting_labels(knowledge)['first_line'].capitalize()}, Child–Pugh A: {first.name} leads – "
    )
    assert first.ranked_here_because.rstrip(".").partition("; ")[2] in text


def test_options_of_equal_rank_lead_together(knowledge: Knowledge, decision_for: Decide) -> None:
    decision = decision_for(bclc_stage="A", child_pugh_class="A", ecog=0, tumour_count=1, largest_tumour_cm=2.5,
                            amenable_to_resection=True, amenable_to_ablation=True, prior_systemic=[])  # fmt: skip
    leaders = [item.name for item in decision.options if item.rank == 1]
    assert len(leaders) == 2
    assert f"{' and '.join(leaders)} lead, of equal standing" in headline(decision, knowledge)


def test_an_empty_record_names_no_leader(knowledge: Knowledge, decision_for: Decide) -> None:
    text = headline(decision_for(), knowledge)
    assert text.startswith("Setting not settled yet, Child–Pugh class not known: nothing is settled")
    assert "lead" not in text


def test_an_open_option_of_better_evidence_is_named_though_its_verdict_is_the_same(
    knowledge: Knowledge, decision_for: Decide
) -> None:
    record = read(ROOT / "examples" / "advanced-untreated.yaml").data
    record.pop("bilirubin_umol_l", None)
    decision = decision_for(**record)
    leader = next(item for item in decision.options if item.verdict in USABLE)
    better = [
        item.name
        for item in decision.options
        if item.would_be == leader.verdict and (item.evidence_level or 9) < (leader.evidence_level or 9)
    ]
    assert better
    assert {item.name for item in could_lead(decision)} >= set(better)


def test_what_speaks_against_the_leader_stands_beside_it(knowledge: Knowledge, decision_for: Decide) -> None:
    decision = decision_for(**read(ROOT / "examples" / "child-pugh-b.yaml").data)
    text = headline(decision, knowledge)
    leader = decision.options[0]
    reservation = next(item for item in leader.criteria if item.kind == "reservation" and item.result != "met")
    assert f"Reservation: {reservation.text}" in text
    assert leader.cautions
    assert f"Caution (and {len(leader.cautions) - 1} more): {leader.cautions[0].text}" in text


def test_a_child_pugh_class_that_other_entries_contradict_is_marked(knowledge: Knowledge, decision_for: Decide) -> None:
    laboratory = {"bilirubin_umol_l": 60, "albumin_g_l": 25, "inr": 2.5, "ascites": "mild", "encephalopathy": "none"}
    assert "Child–Pugh A as entered (other entries say otherwise)" in headline(
        decision_for(**ADVANCED, **laboratory), knowledge
    )
    assert "as entered" not in headline(decision_for(**ADVANCED), knowledge)


def test_it_says_what_could_still_come_first(knowledge: Knowledge, decision_for: Decide) -> None:
    decision = decision_for(**ADVANCED)
    open_ones = [item.name for item in decision.options if item.would_be == "preferred"]
    assert open_ones
    assert all(name in headline(decision, knowledge) for name in open_ones[:1])
    assert "once more is known" in headline(decision, knowledge)


@settings(max_examples=80, deadline=None)
@given(st.one_of(records(list(KNOWLEDGE.options)), records(list(KNOWLEDGE.options), tumour="liver_metastasis")))
def test_it_never_names_a_leader_that_the_ranking_does_not(
    knowledge: Knowledge, decision_for: Decide, record: dict[str, Any]
) -> None:
    decision = decision_for(**record)
    text = headline(decision, knowledge)
    assert text.endswith(".")
    assert "\n" not in text
    usable = [item for item in decision.options if item.verdict in USABLE]
    assert (" lead" in text) == bool(usable)
    if usable:
        assert usable[0].name in text
        assert VERDICTS.index(usable[0].verdict) == min(VERDICTS.index(item.verdict) for item in usable)
