"""What holds of every look ahead, whatever the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_decide.decide import decide
from hcc_decide.decision import USABLE, Verdict
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.engine import Engine
from hcc_decide.patient import parse_patient
from hcc_decide.ranking import rank
from hcc_decide.sequence.shape import SequenceTree
from tests.conftest import shipped_knowledge
from tests.properties.strategies import records
from tests.sequence.conftest import Look, example

KNOWLEDGE = shipped_knowledge()
LINES = [item.id for item in KNOWLEDGE.options.values() if item.body.kind in ("drug", "combination")]
VARIED = (
    *("afp_ng_ml", "ecog", "child_pugh_class", "etiology", "region", "varices", "weight_kg", "portal_vein_invasion"),
    *("autoimmune_disease", "liver_involvement_percent", "bile_duct_invasion", "prior_systemic"),
)
OUTCOMES = {"progression": {"outcome": "progression", "radiological_progression": True}}
OUTCOMES["intolerance"] = {"outcome": "intolerance"}

Verdicts = dict[str, Verdict]
Way = tuple[tuple[str, str], ...]


def advanced(record: dict[str, Any]) -> dict[str, Any]:
    """Return a patient for systemic therapy who differs from the typical one in some of what decides there."""
    varied = {name: value for name, value in record.items() if name in VARIED}
    return {**KNOWLEDGE.typical_patient, "prior_systemic": [], **varied}


for_systemic_therapy = records(LINES).map(advanced)
drawn = records(LINES) | for_systemic_therapy
calm = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def accepted(record: dict[str, Any]) -> dict[str, Any]:
    return parse_patient(record, KNOWLEDGE.option_ids).to_record()


@calm
@given(record=drawn, depth=st.integers(1, 3))
def test_no_option_is_offered_again_once_it_has_failed(look: Look, record: dict[str, Any], depth: int) -> None:
    tree = look(record, depth=depth, width=2)
    for node in tree.nodes:
        failed = {
            line["option"]
            for line in node.record.get("prior_systemic", ())
            if "progression" in line["outcome"] or "intolerance" in line["outcome"]
        }
        # The line of a procedure is no line of drugs; TACE that has failed is told by the record itself.
        failed |= {"tace"} if node.record.get("refractory_to_tace") and node.setting != "liver_metastasis" else set()
        offered = {offer.option for offer in node.offers}
        assert not failed & offered, (node.taken, failed & offered)


@calm
@given(record=drawn, data=st.data())
def test_each_decision_is_the_one_that_is_made_for_its_record(
    look: Look, engine: Engine, record: dict[str, Any], data: st.DataObject
) -> None:
    tree = look(record, depth=2, width=2)
    for node in data.draw(
        st.lists(st.sampled_from(tree.nodes), min_size=1, max_size=3, unique_by=lambda item: item.id)
    ):
        decision = decide(parse_patient(node.record, KNOWLEDGE.option_ids), engine)
        assert node.setting == decision.setting
        assert node.verdicts == {option: decision.verdict_of(option) for option in KNOWLEDGE.options}
        told = {item.id: item for item in decision.options}
        assert {item.id for item in decision.options if (item.would_be or item.verdict) in USABLE} <= {
            offer.option for offer in node.offers
        }
        for offer in node.offers:
            same = told[offer.option]
            assert (offer.rank, offer.verdict, offer.would_be) == (same.rank, same.verdict, same.would_be)
            assert (offer.criteria, offer.cautions) == (same.criteria, same.cautions)
            assert offer.ranked_here_because == same.ranked_here_because


@calm
@given(record=drawn)
def test_what_a_step_opens_and_closes_is_the_difference_of_its_two_decisions(
    look: Look, record: dict[str, Any]
) -> None:
    tree = look(record, depth=2, width=2)
    within = {
        node.id: {offer.option for offer in node.offers if (offer.would_be or offer.verdict) in USABLE}
        for node in tree.nodes
    }
    for step in tree.steps:
        before, after = within[step.source], within[step.target]
        assert {item.option for item in step.opens} == after - before
        assert {item.option for item in step.closes} == before - after - {step.option}
        assert all(item.reason.endswith(".") for item in (*step.closes, *step.foregone))
        assert not after & {item.option for item in step.foregone}
        assert {item.option for item in step.known} <= after


@calm
@given(record=for_systemic_therapy)
def test_sharing_changes_nothing_of_what_can_be_reached(look: Look, by_class: ByClass, record: dict[str, Any]) -> None:
    assert ways_of(look(record, depth=2, width=2)) == walked(by_class, accepted(record), 2, 2)


def test_sharing_changes_nothing_where_much_is_shared(look: Look, by_class: ByClass) -> None:
    record = example("after-sorafenib-afp-812")
    tree = look(record, depth=3, width=2)
    assert tree.ways > len(tree.nodes)
    found = walked(by_class, accepted(record), 3, 2)
    assert len(found) == tree.ways
    assert ways_of(tree) == found


def ways_of(tree: SequenceTree) -> dict[Way, Verdicts]:
    """Return the verdicts at the end of every way through a tree."""
    found: dict[Way, Verdicts] = {}

    def go(name: str, way: Way) -> None:
        found[way] = tree.node(name).verdicts
        for step in tree.steps_from(name):
            go(step.target, (*way, (step.option, step.ending)))

    go(tree.nodes[0].id, ())
    return found


def walked(by_class: ByClass, record: dict[str, Any], depth: int, width: int) -> dict[Way, Verdicts]:
    """Walk every way by itself, with nothing shared and the record written by hand; systemic therapy only."""
    return dict(_walked(by_class, record, depth, width, ()))


def _walked(
    by_class: ByClass, record: dict[str, Any], depth: int, width: int, way: Way
) -> Iterator[tuple[Way, Verdicts]]:
    inference = by_class.infer(parse_patient(record, KNOWLEDGE.option_ids))
    yield way, {name: standing.verdict for name, standing in inference.standings.items()}
    if len(way) == depth:
        return
    places = [
        place
        for place in rank(KNOWLEDGE, inference)
        if place.verdict in USABLE and KNOWLEDGE.options[place.option].body.drugs
    ]
    last = places[min(width, len(places)) - 1].rank if places else 0
    for place in places:
        if place.rank > last:
            continue
        for ending, line in OUTCOMES.items():
            before = [dict(item) for item in record.get("prior_systemic", ())]
            if before and before[-1]["outcome"] == "ongoing":
                before[-1]["outcome"] = "completed"
            after = {**record, "prior_systemic": [*before, {"option": place.option, **line}]}
            yield from _walked(by_class, after, depth, width, (*way, (place.option, ending)))
