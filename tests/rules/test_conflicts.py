"""A decision that rests on a conflicted figure shows the conflict, with every value and the one used."""

from __future__ import annotations

from collections.abc import Callable

from hcc_decide.decision import Decision
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.render import markdown, text
from hcc_decide.sources import claims_of, conflicts, evidence, trials_of

ADVANCED = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 0, "prior_systemic": [], "extrahepatic_spread": True}


def test_there_are_at_least_ninety_conflicts_each_with_two_values_and_a_choice(knowledge: Knowledge) -> None:
    assert len(knowledge.conflicts) >= 90
    assert len({item.id for item in knowledge.conflicts}) == len(knowledge.conflicts)
    for item in knowledge.conflicts:
        assert claims_of(item) or trials_of(item), item.id
        assert len({value.value for value in item.values}) > 1, item.id


def test_every_conflict_about_a_cited_claim_shows_with_some_option(knowledge: Knowledge) -> None:
    shown = {item.id for treatment in knowledge.options.values() for item in conflicts(knowledge, treatment, None)}
    hidden = {item.id for item in knowledge.conflicts} - shown
    cited = {claim for treatment in knowledge.options.values() for rule in treatment.rules for claim in rule.claims}
    assert not {item.id for item in knowledge.conflicts if item.id in hidden and claims_of(item) & cited}


def test_an_option_shows_the_conflicts_that_its_use_rests_on_and_no_others(
    decision_for: Callable[..., Decision], knowledge: Knowledge
) -> None:
    decision = decision_for(**ADVANCED)
    by_id = {item.id: item for item in knowledge.conflicts}
    sorafenib = next(item for item in decision.options if item.id == "sorafenib")
    assert sorafenib.conflicts
    trials = {item.trial for item in sorafenib.evidence}
    assert any(trials & trials_of(by_id[item.id]) for item in sorafenib.conflicts)
    assert all(by_id[found.id].kind != "misprint" for found in sorafenib.conflicts)
    for found in sorafenib.conflicts:
        assert [value.value for value in found.values] == [value.value for value in by_id[found.id].values]
        assert (found.used, found.why) == (by_id[found.id].used, by_id[found.id].why)
    # What concerns only its adjuvant use stays out of an answer about advanced disease.
    assert "storm" not in trials
    elsewhere = {item.id for item in knowledge.conflicts if trials_of(item) == {"storm"} and not claims_of(item)}
    assert not elsewhere & {found.id for found in sorafenib.conflicts}


def test_text_and_markdown_print_the_conflicts(decision_for: Callable[..., Decision], knowledge: Knowledge) -> None:
    decision = decision_for(**ADVANCED)
    leading = decision.options[0]
    assert leading.conflicts
    printed = " ".join(" ".join(line.text for line in text(decision, {})).split())
    written = " ".join(markdown(decision, {}).split())
    for found in leading.conflicts:
        for words in (found.about.rstrip("."), found.used.rstrip(".")):
            assert " ".join(words.split()) in printed
        for words in (found.about.rstrip("."), found.why, *(value.value for value in found.values)):
            assert " ".join(words.split()).rstrip(".") in written


def test_options_of_one_tumour_show_no_trial_of_the_other(knowledge: Knowledge) -> None:
    for treatment in knowledge.options.values():
        for use in treatment.uses:
            metastasis = "liver_metastasis" in use.settings
            for item in evidence(knowledge, treatment, use):
                settings = set(knowledge.trials[item.trial].settings)
                fits = "liver_metastasis" in settings if metastasis else settings - {"liver_metastasis"}
                assert fits, f"{use.rule.id} shows {item.trial}"
