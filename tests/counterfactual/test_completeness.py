"""Nothing is missing and nothing is too large: the search against an enumeration of all values, judged by the engine."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from hcc_decide.answers import answers, changed
from hcc_decide.counterfactual.question import Question, contradicted
from hcc_decide.counterfactual.values import Candidate, Values
from hcc_decide.counterfactual.ways import Ways
from hcc_decide.decision import USABLE, Verdict
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.inference import Inference
from hcc_decide.patient import RecordError, parse_patient
from hcc_decide.verify.fields import contradictions

LINES = "prior_systemic"
Change = tuple[tuple[str, Any], ...]
MOST = 3
"""Facts that change together."""

CASES: list[tuple[dict[str, Any], list[str], list[str]]] = [
    (
        {
            **{"bclc_stage": "C", "ecog": 1, "child_pugh_class": "B", "child_pugh_score": 8, LINES: []},
            **{"varices": "untreated", "endoscopy_within_6_months": True, "bleeding_within_6_months": False},
        },
        ["child_pugh_class", "child_pugh_score", "varices", "endoscopy_within_6_months", "ecog"],
        ["atezolizumab+bevacizumab", "lenvatinib"],
    ),
    (
        {
            **{"tumour_count": 1, "largest_tumour_cm": 2.5, "child_pugh_class": "A", "ecog": 1},
            **{"portal_vein_invasion": "none", "hepatic_vein_or_ivc_invasion": False, "extrahepatic_spread": True},
        },
        ["largest_tumour_cm", "extrahepatic_spread", "ecog", "amenable_to_resection", "amenable_to_ablation"],
        ["resection", "ablation"],
    ),
    (
        {"bclc_stage": "C", "ecog": 2, "child_pugh_class": "A", "albi_grade": 2, "bilirubin_umol_l": 20},
        [LINES, "afp_ng_ml", "ecog"],
        ["ramucirumab", "cabozantinib"],
    ),
]


class Enumeration:
    """All changes of up to `MOST` of some facts, judged by the engine one by one; for all options at once."""

    def __init__(self, by_class: ByClass, record: Mapping[str, Any], facts: Sequence[str]) -> None:
        self._by_class = by_class
        self._ids = by_class.knowledge.option_ids
        patient = parse_patient(dict(record), self._ids)
        self._record = patient.to_record()
        self._allowed = contradicted(by_class.infer(patient))
        self._judged: list[tuple[Change, Inference]] = []
        offered = {name: [item.value for item in answers(by_class.knowledge, patient, name)] for name in facts}
        for size in range(1, MOST + 1):
            for chosen in itertools.combinations(facts, size):
                for values in itertools.product(*(offered[name] for name in chosen)):
                    self._judge(tuple(zip(chosen, values, strict=True)))

    def _judge(self, change: Change) -> None:
        record = self._record
        for name, value in change:
            record = changed(record, name, value)
        try:
            found = self._by_class.infer(parse_patient(record, self._ids))
        except RecordError:
            return
        if not contradicted(found) - self._allowed:
            self._judged.append((change, found))

    def giving(self, option: str, wanted: Iterable[Verdict]) -> list[Change]:
        """Return every change that gives an option a wanted verdict and of whose facts no fewer do."""
        verdicts = set(wanted)
        found = [change for change, after in self._judged if after.standings[option].verdict in verdicts]
        sets = {frozenset(name for name, _ in change) for change in found}
        smallest = {one for one in sets if not any(other < one for other in sets)}
        return [change for change in found if frozenset(name for name, _ in change) in smallest]


def smallest(by_class: ByClass, before: Inference, option: str) -> set[frozenset[str]]:
    """Return every smallest set of facts that the search finds."""
    knowledge = by_class.knowledge
    assert before.standings[option].verdict not in USABLE
    question = Question(knowledge, before, option, USABLE, contradictions(knowledge.vocabulary.facts))
    sets, whole = question.smallest_sets(2000)
    assert whole
    return {frozenset(facts) for facts in sets}


def named(changes: Iterable[Change]) -> set[frozenset[str]]:
    return {frozenset(name for name, _ in change) for change in changes}


@pytest.mark.parametrize(("record", "facts", "options"), CASES, ids=["liver function", "early tumour", "lines"])
def test_the_smallest_sets_are_those_of_an_enumeration(
    by_class: ByClass, record: dict[str, Any], facts: list[str], options: list[str]
) -> None:
    enumerated = Enumeration(by_class, record, facts)
    patient = parse_patient(record, by_class.knowledge.option_ids)
    met = 0
    before = by_class.infer(patient)
    for option in options:
        told = smallest(by_class, before, option)
        # Of the facts that were enumerated: sets of fewer facts are within these, so they are the same.
        ours = {one for one in told if one <= set(facts) and len(one) <= MOST}
        theirs = named(enumerated.giving(option, USABLE))
        met += len(theirs)
        # Longer histories than those enumerated may do where those do not.
        assert {one for one in ours if LINES not in one} == {one for one in theirs if LINES not in one}, option
        for one in theirs:
            assert any(smaller <= one for smaller in told), option
        for one in told:
            assert not any(other < one for other in told)
    assert met, "the enumeration found nothing to compare with"


@pytest.mark.parametrize(("record", "facts", "options"), CASES[:2], ids=["liver function", "early tumour"])
def test_the_values_are_those_of_an_enumeration(
    by_class: ByClass, record: dict[str, Any], facts: list[str], options: list[str]
) -> None:
    knowledge = by_class.knowledge
    enumerated = Enumeration(by_class, record, facts)
    before = by_class.infer(parse_patient(record, knowledge.option_ids))
    refused = contradictions(knowledge.vocabulary.facts)
    for option in options:
        if before.standings[option].verdict in USABLE:
            continue
        question = Question(knowledge, before, option, USABLE, refused)
        ways = Ways(by_class, option, before, question, Values(knowledge, before, question))
        changes = enumerated.giving(option, USABLE)
        for names in named(changes):
            found, whole = ways.of(sorted(names))
            assert whole
            enough = [dict(change) for change in changes if {name for name, _ in change} == names]
            for change in itertools.product(*([*_values(found, name)] for name in sorted(names))):
                values = dict(zip(sorted(names), change, strict=True))
                held = any(all(_holds(way.values[name], values[name]) for name in names) for way in found)
                assert held is any(
                    all(_same(found, name, values[name], other[name]) for name in names) for other in enough
                ), (option, values)
            for values in enough:
                assert any(all(_holds(way.values[name], values[name]) for name in names) for way in found), values


def _values(found: Iterable[Any], name: str) -> list[Any]:
    return [item.value for way in found for item in way.values[name]]


def _same(found: Iterable[Any], name: str, one: Any, other: Any) -> bool:
    """Whether two values are of one class."""
    return any(_holds((item,), one) and _holds((item,), other) for way in found for item in way.values[name])


def _holds(items: Iterable[Candidate], value: Any) -> bool:
    for item in items:
        if item.span is None:
            if item.value == value and type(item.value) is type(value):
                return True
        elif item.span.low <= value <= item.span.high:
            on_low, on_high = value == item.span.low, value == item.span.high
            if not (on_low and item.span.low_open) and not (on_high and item.span.high_open):
                return True
    return False


def test_random_records_agree_with_an_enumeration_of_single_facts(by_class: ByClass) -> None:
    draw = random.Random(20)
    facts = ["bclc_stage", "child_pugh_class", "ecog", "afp_ng_ml", "amenable_to_tace", "intent"]
    ids = by_class.knowledge.option_ids
    offered = {name: [item.value for item in answers(by_class.knowledge, parse_patient({}), name)] for name in facts}
    met = 0
    for _ in range(4):
        record = {name: value for name in facts if (value := draw.choice([None, *offered[name]])) is not None}
        record[LINES] = draw.choice([[], ["sorafenib"], ["sorafenib:intolerance", "lenvatinib"]])
        before = by_class.infer(parse_patient(record, ids))
        after = [
            (name, found)
            for name in facts
            for value in offered[name]
            if value != record.get(name) and (found := _accepted(by_class, {**record, name: value})) is not None
        ]
        for option in ("ramucirumab", "tace", "resection", "sorafenib", "cabozantinib"):
            if before.standings[option].verdict in USABLE:
                continue
            told = smallest(by_class, before, option)
            single = {name for name in facts if frozenset([name]) in told}
            enough = {
                name
                for name, found in after
                if found.standings[option].verdict in USABLE and not contradicted(found) - contradicted(before)
            }
            assert single == enough, (record, option)
            met += len(enough)
    assert met


def _accepted(by_class: ByClass, record: Mapping[str, Any]) -> Inference | None:
    try:
        return by_class.infer(parse_patient(dict(record), by_class.knowledge.option_ids))
    except RecordError:
        return None
