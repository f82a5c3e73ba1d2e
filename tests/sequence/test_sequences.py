"""Sequences from the reviews, as a look ahead shows them."""

from __future__ import annotations

import re

import pytest

from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.engine import Engine
from hcc_decide.patient import parse_patient
from hcc_decide.sequence.build import build
from hcc_decide.sequence.drawing import dot, mermaid
from hcc_decide.sequence.plan import Assumption, Plan, PlanError, TooManyStatesError
from hcc_decide.sequence.shape import Lost, Node, SequenceTree, Step
from hcc_decide.sequence.words import alt_text, text
from tests.sequence.conftest import Look, example

UNTREATED = example("advanced-untreated")
TOLERATED = (
    Assumption(fact="prior_systemic[sorafenib].last_daily_dose_mg", value=400),
    Assumption(fact="prior_systemic[sorafenib].tolerated_days_of_last_28", value=20),
)
TACE = {
    "bclc_stage": "B",
    "child_pugh_class": "A",
    "ecog": 0,
    "amenable_to_tace": True,
    "amenable_to_resection": False,
    "amenable_to_ablation": False,
    "amenable_to_transplant": False,
    "prior_systemic": [],
    "prior_locoregional": [],
    "extrahepatic_spread": False,
    "portal_vein_invasion": "none",
    "hepatic_vein_or_ivc_invasion": False,
}


def step(tree: SequenceTree, option: str, ending: str, source: str = "1") -> Step:
    (found,) = [item for item in tree.steps_from(source) if (item.option, item.ending) == (option, ending)]
    return found


def after(tree: SequenceTree, option: str, ending: str) -> Node:
    return tree.node(step(tree, option, ending).target)


def lost(items: list[Lost], option: str) -> Lost:
    (found,) = [item for item in items if item.option == option]
    return found


def test_tolerated_sorafenib_opens_regorafenib_and_the_trial_of_that_sequence_is_shown(look: Look) -> None:
    tree = look(UNTREATED, choices=["sorafenib"], width=1, depth=1, assumptions=TOLERATED)
    found = step(tree, "sorafenib", "progression")
    assert "regorafenib" in {item.option for item in found.opens}
    assert after(tree, "sorafenib", "progression").verdicts["regorafenib"] == "recommended"
    (known,) = [item for item in found.measured if item.option == "regorafenib"]
    assert (known.figures[0].value, known.figures[0].control_value) == (26.0, 19.2)
    assert "SYS-070" in known.claims
    assert [trial.nct for trial in known.trials] == ["NCT01774344"]
    assert ("opens", "regorafenib") in {(item.kind, item.option) for item in found.said}


def test_without_the_dose_regorafenib_waits_for_it(look: Look) -> None:
    tree = look(UNTREATED, choices=["sorafenib"], width=1, depth=1)
    (offer,) = [item for item in after(tree, "sorafenib", "progression").offers if item.option == "regorafenib"]
    assert (offer.verdict, offer.would_be) == ("undetermined", "recommended")
    assert "prior_systemic[sorafenib].last_daily_dose_mg" in {fact.fact for fact in offer.waits_for}


@pytest.mark.parametrize(("dose", "verdict"), [(399, "ineligible"), (400, "recommended"), (800, "recommended")])
def test_the_dose_of_sorafenib_decides_and_the_evidence_goes_with_it(look: Look, dose: int, verdict: str) -> None:
    doses = (Assumption(fact="prior_systemic[sorafenib].last_daily_dose_mg", value=dose), TOLERATED[1])
    tree = look(UNTREATED, choices=["sorafenib"], width=1, depth=1, assumptions=doses)
    assert after(tree, "sorafenib", "progression").verdicts["regorafenib"] == verdict
    measured = {item.option for item in step(tree, "sorafenib", "progression").measured}
    assert ("regorafenib" in measured) is (verdict == "recommended")


def test_sorafenib_that_is_not_tolerated_forgoes_regorafenib_by_a_named_criterion(look: Look) -> None:
    tree = look(UNTREATED, choices=["sorafenib"], width=1, depth=1)
    found = lost(step(tree, "sorafenib", "intolerance").foregone, "regorafenib")
    assert found.verdict == "ineligible"
    assert "options/regorafenib/sorafenib-intolerance" in {item.rule for item in found.criteria}
    assert "Sorafenib was not tolerated" in found.reason
    assert found.kept_by == ["Sorafenib that ends with progression"]


def test_another_first_line_forgoes_what_needs_sorafenib(look: Look) -> None:
    tree = look(UNTREATED, choices=["sorafenib", "lenvatinib"], width=2, depth=1)
    found = lost(step(tree, "lenvatinib", "progression").foregone, "regorafenib")
    assert found.kept_by == ["Sorafenib"]
    assert "sorafenib" in found.reason.lower()
    assert not [item for item in step(tree, "sorafenib", "progression").foregone if item.option == "regorafenib"]


def test_after_atezolizumab_with_bevacizumab_kinase_inhibitors_follow_without_a_figure(look: Look) -> None:
    tree = look(UNTREATED, depth=1)
    found = step(tree, "atezolizumab+bevacizumab", "progression")
    known = {item.option: item for item in found.known}
    assert known["sorafenib"].figures == known["lenvatinib"].figures == []
    assert "SYS-331" in known["sorafenib"].claims
    assert known["nivolumab+ipilimumab"].figures[0].value == 10.9
    assert {"sorafenib", "lenvatinib"} <= set(found.not_measured)
    # The entries that explain why something is not offered are no evidence for what is.
    assert "regorafenib" not in known


def test_a_third_line_after_sorafenib_names_that_its_trial_took_two_earlier_drugs(look: Look) -> None:
    record = example("after-sorafenib-afp-812")
    tree = look(record, choices=["regorafenib"], width=1, depth=1, endings=["progression"])
    (known,) = [item for item in step(tree, "regorafenib", "progression").known if item.option == "cabozantinib"]
    assert (known.id, known.further_lines) == ("sorafenib-regorafenib-cabozantinib", 0)


def test_an_entry_says_when_lines_came_before_that_it_does_not_name(look: Look) -> None:
    record = example("after-atezolizumab-bevacizumab")
    tree = look(record, choices=["sorafenib"], width=1, depth=1, endings=["progression"], assumptions=TOLERATED)
    known = {item.id: item for item in step(tree, "sorafenib", "progression").known}
    assert known["atezolizumab-bevacizumab-sorafenib-cabozantinib"].further_lines == 0
    assert known["sorafenib-cabozantinib"].further_lines == 1


def test_what_is_known_after_the_last_line_so_far_is_told_for_today(look: Look) -> None:
    tree = look(example("after-sorafenib-afp-812"), depth=1)
    assert "sorafenib-regorafenib" in {item.id for item in tree.known_today}
    assert look(UNTREATED, depth=1).known_today == []


def test_tace_that_fails_leads_to_systemic_therapy(look: Look) -> None:
    tree = look(TACE, depth=2, width=1)
    assert tree.nodes[0].setting == "locoregional"
    following = after(tree, "tace", "progression")
    assert following.setting == "first_line"
    assert following.record["refractory_to_tace"] is True
    assert following.record["prior_locoregional"] == ["tace"]
    assert "amenable_to_tace" not in following.record
    assert following.record["prior_systemic"] == []
    assert not [item for item in tree.steps_from("1") if item.ending == "intolerance"]
    assert any("TACE has failed" in text for text in tree.assumed)
    assert following.verdicts["tace"] == "not_applicable"
    assert {item.option for item in tree.steps_from(following.id)} == {"sorafenib"}


def test_tace_with_a_drug_is_a_line_and_a_procedure(look: Look) -> None:
    tree = look(TACE, depth=1, width=1, choices=["tace+lenvatinib"])
    failed, not_tolerated = (after(tree, "tace+lenvatinib", name) for name in ("progression", "intolerance"))
    assert failed.record["refractory_to_tace"] is True
    assert failed.record["prior_systemic"][0]["option"] == "tace+lenvatinib"
    assert "refractory_to_tace" not in not_tolerated.record
    assert not_tolerated.record["prior_locoregional"] == ["tace"]


def test_a_curative_choice_is_shown_and_not_followed_with_the_sentence_of_the_rules(look: Look) -> None:
    tree = look(example("early-single-nodule"))
    (today,) = tree.nodes
    assert today.stop is not None
    assert today.stop.kind == "not_followed"
    assert all("stage at recurrence" in (offer.not_followed or "") for offer in today.offers[:2])


def test_adjuvant_treatment_is_not_followed(look: Look) -> None:
    with pytest.raises(PlanError, match="recurrence"):
        look(example("adjuvant-high-risk"), choices=["cytokine_induced_killer_cells"])


def test_a_line_that_runs_counts_as_completed_once_another_begins(look: Look) -> None:
    running = [{"option": "sorafenib", "outcome": "ongoing"}]
    tree = look(example("after-sorafenib-afp-812", prior_systemic=running), depth=1, choices=["nivolumab"], width=1)
    lines = after(tree, "nivolumab", "progression").record["prior_systemic"]
    assert [line["outcome"] for line in lines] == ["completed", "progression"]
    assert any("completed" in text for text in tree.assumed)


def test_an_unknown_history_is_told_and_the_lines_on_the_way_count_as_the_only_ones(look: Look) -> None:
    record = example("advanced-untreated", prior_systemic=None)
    tree = look(record, depth=1, width=1, choices=["sorafenib"])
    assert len(after(tree, "sorafenib", "progression").record["prior_systemic"]) == 1
    assert any("not known" in text for text in tree.assumed)


def test_what_is_not_assumed_stays_and_is_named_with_today_s_value(look: Look) -> None:
    tree = look(UNTREATED, depth=1, assumptions=[Assumption(after=1, fact="ecog", value=2)])
    named = {item.fact: item.text for item in tree.as_today}
    # Worked out from today's laboratory values, which the record holds instead.
    assert named["child_pugh_class"] == "A"
    assert named["afp_ng_ml"] == "260 ng/mL"
    assert "ecog" not in named
    assert any("ECOG" in text and "2" in text for text in tree.assumed)


def test_an_assumption_holds_from_the_line_that_it_names(look: Look) -> None:
    worse = [Assumption(after=2, fact="child_pugh_class", value="C")]
    tree = look(UNTREATED, depth=2, width=1, assumptions=worse)
    by_line = {node.ahead: node for node in tree.nodes}
    assert "child_pugh_class" not in by_line[1].record
    assert by_line[2].setting == "supportive"


def test_a_fact_can_become_unknown(look: Look) -> None:
    record = example("after-sorafenib-afp-812")
    forgotten = [Assumption(after=1, fact="afp_ng_ml", value=None)]
    tree = look(record, depth=1, width=1, assumptions=forgotten)
    (ramucirumab,) = [offer for offer in tree.nodes[1].offers if offer.option == "ramucirumab"]
    assert [fact.fact for fact in ramucirumab.waits_for] == ["afp_ng_ml"]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"choices": ["aspirin"]}, "'aspirin' is no option of the catalogue"),
        ({"choices": ["tace"]}, "does not come into question today"),
        ({"choices": ["best_supportive_care"]}, "not a line that another one follows"),
        ({"endings": ["cure"]}, "allowed are progression, intolerance"),
        ({"assumptions": [Assumption(fact="ecog", value=7)]}, "assumption ecog=7: ecog: 7 is refused"),
        ({"assumptions": [Assumption(fact="mood", value=1)]}, "assumption mood=1: is refused"),
        ({"assumptions": [Assumption(fact="case_id", value="x")]}, "is refused; allowed are the facts"),
        ({"assumptions": [Assumption(fact="prior_systemic[x].last_daily_dose_mg", value=1)]}, "'x' is no option"),
        ({"assumptions": [Assumption(fact="prior_systemic[sorafenib].outcome", value="x")]}, "'outcome' is refused"),
        (
            {"assumptions": [Assumption(fact="prior_systemic[sorafenib].last_daily_dose_mg", value=-1)]},
            "last_daily_dose_mg: -1 is refused",
        ),
        (
            {
                "assumptions": [
                    Assumption(fact="refractory_to_tace", value=True),
                    Assumption(fact="prior_locoregional", value=[]),
                ]
            },
            "makes a record that is refused: refractory_to_tace: true contradicts prior_locoregional",
        ),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_in_words(look: Look, plan: dict[str, object], message: str) -> None:
    with pytest.raises(PlanError, match=re.escape(message)):
        look(UNTREATED, **plan)


def test_too_many_decisions_are_refused_with_what_to_ask_less_of(look: Look) -> None:
    with pytest.raises(TooManyStatesError, match="depth 3 and width 3 come to more than 20 decisions"):
        look(UNTREATED, depth=3, width=3, most=20)


def test_choices_come_first_and_fill_up_to_the_width(look: Look) -> None:
    tree = look(UNTREATED, depth=1, width=2, choices=["nivolumab"], endings=["progression"])
    assert [item.option for item in tree.steps] == ["nivolumab", "atezolizumab+bevacizumab"]


def test_options_that_share_the_last_rank_are_all_followed(look: Look) -> None:
    tree = look(example("sorafenib-intolerance"), depth=1, width=1, endings=["progression"])
    ranks = {offer.option: offer.rank for offer in tree.nodes[0].offers}
    assert {ranks[item.option] for item in tree.steps} == {1}
    wide = look(example("sorafenib-intolerance"), depth=1, width=3, endings=["progression"])
    last = max(ranks[item.option] for item in wide.steps)
    drugs = {name for name, rank in ranks.items() if rank == last and name != "best_supportive_care"}
    assert drugs <= {item.option for item in wide.steps}


def test_equal_decisions_are_shared_so_that_four_lines_stay_few(look: Look, by_class: ByClass) -> None:
    tree = look(example("after-atezolizumab-bevacizumab"), depth=4)
    assert tree.ways > 4 * len(tree.nodes)
    before = by_class.judged
    assert look(example("after-atezolizumab-bevacizumab"), depth=4) == tree
    assert by_class.judged == before


def test_a_wide_look_judges_far_fewer_classes_than_it_meets_options(engine: Engine) -> None:
    anew = engine.by_class()
    tree = build(parse_patient(UNTREATED, engine.knowledge.option_ids), anew, Plan(depth=3))
    assert len(tree.nodes) > 100
    assert anew.judged < len(tree.nodes) * len(engine.knowledge.options) / 50


@pytest.mark.parametrize("full", [True, False])
def test_the_text_fits_80_columns_and_writes_each_decision_once(look: Look, full: bool) -> None:
    tree = look(example("after-sorafenib-afp-812"), depth=3)
    lines = [line.text for line in text(tree, full=full)]
    assert max(map(len, lines)) <= 80
    for node in tree.nodes:
        headed = [line for line in lines if line.strip().startswith(f"[{node.id}] ") and "as above" not in line]
        assert len(headed) == 1, node.id
    assert any("as above" in line for line in lines)
    assert "INTENDED USE" in lines


def test_the_text_in_short_leaves_out_reasons_and_neither_cautions_nor_what_is_lost(look: Look) -> None:
    tree = look(example("after-sorafenib-afp-812"), depth=2)
    short, full = (" ".join(" ".join(line.text for line in text(tree, full=way)).split()) for way in (False, True))
    assert len(short) < len(full) / 2
    for node in tree.nodes:
        for offer in node.offers:
            for caution in offer.cautions:
                assert " ".join(caution.text.split()) in short
    for step in tree.steps:
        for lost in (*step.closes, *step.foregone):
            assert lost.name in short
            assert " ".join(lost.reason.split()) in full
    # What is known of a sequence is told in full once.
    assert full.count("against placebo in patients with sorafenib before, however long it had been given") == 1


def test_the_pictures_hold_every_step_and_name_what_was_measured(look: Look) -> None:
    tree = look(UNTREATED, choices=["sorafenib"], assumptions=TOLERATED)
    for drawn, solid, dashed in ((dot(tree), "style=solid", "style=dashed"), (mermaid(tree), "-->", "-.->")):
        assert solid in drawn
        assert dashed in drawn
        assert "progression (measured)" in drawn
        assert "first line of systemic therapy, today" in drawn
    names = {line.split()[0] for line in dot(tree).splitlines() if " [label=<" in line}
    ends = set(re.findall(r"-> (n\d+):w", dot(tree)))
    assert ends <= names
    assert len(names) <= len(tree.nodes)
    assert f"{len(tree.nodes)} decisions" in alt_text(tree)
