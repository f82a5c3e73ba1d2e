"""Records of one class get the same decision, and no class is cut where nothing changes."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hcc_decide.classes.records import DETAILS, RecordClasses, constants_of
from hcc_decide.decide import decision_of
from hcc_decide.decision import Criterion, Decision
from hcc_decide.engine.facts import Reader
from hcc_decide.knowledge.condition import Condition, Literal, fact_of, holds
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC
from hcc_decide.patient import CONTRADICTING, OTHER, OUTCOMES, Patient, contradictions, parse_patient
from hcc_decide.plausible import implausible
from hcc_decide.scores import CUT_OFFS, RUNNING, UMOL_L_PER_MG_DL, bilirubin_points, cut_offs
from tests.conftest import shipped_engine, shipped_knowledge
from tests.properties.strategies import records

KNOWLEDGE = shipped_knowledge()
ENGINE = shipped_engine()
CLASSES = RecordClasses(KNOWLEDGE)
READER = Reader(
    KNOWLEDGE, [n for n in KNOWLEDGE.attributes() if KNOWLEDGE.vocabulary.facts[fact_of(n)].source != "derived"]
)
LINES = sorted(KNOWLEDGE.options)
BILIRUBIN, ALBUMIN = RUNNING["albi_score"][0]

Record = dict[str, Any]
Value = float | int


def _kinds() -> tuple[list[str], list[str]]:
    facts = KNOWLEDGE.vocabulary.facts
    numbers = [name for name in CLASSES.fields if name in facts and facts[name].kind in ("integer", "number")]
    return numbers, [name for name in numbers if facts[name].kind == "number"]


NUMBERS, REAL = _kinds()


def conditions() -> Iterator[tuple[str, Condition]]:
    """Yield whatever is judged of a patient, with the name of its rule."""
    for derived in KNOWLEDGE.staging:
        if derived.guard is not None:
            yield f"{derived.rule}/guard", derived.guard
        yield from ((value.rule, value.condition) for value in derived.values)
    for treatment in KNOWLEDGE.options.values():
        rules = (*(use.rule for use in treatment.uses), *treatment.rules)
        yield from ((rule.id, rule.condition) for rule in rules if rule.condition is not None)
    yield from ((rule.id, rule.condition) for rule in KNOWLEDGE.notices if rule.condition is not None)


@cache
def literals() -> tuple[Literal, ...]:
    """Return every literal of every rule that the record itself answers, each once."""
    found = {part for _, condition in conditions() for conjunction in condition for part in conjunction}
    read = READER.read(Patient())
    return tuple(sorted((part for part in found if part.attribute in read), key=repr))


def judged(patient: Patient, *, but: Iterable[str] = (), only: Iterable[str] | None = None) -> tuple[bool | None, ...]:
    """Judge every literal of every rule, but for those of some facts, or those of some facts only."""
    states = READER.read(patient)
    return tuple(
        holds(part.test, states[part.attribute])
        for part in literals()
        if fact_of(part.attribute) not in but and (only is None or fact_of(part.attribute) in only)
    )


def unusual(patient: Patient) -> frozenset[str]:
    return frozenset(implausible(KNOWLEDGE, dict(patient)))


def accepted(field: str, value: Value) -> bool:
    try:
        Patient.model_validate({field: value})
    except ValidationError:
        return False
    return True


@cache
def candidates(field: str) -> tuple[Value, ...]:
    """Return values of a number of the record: at, next to, and far from all that it is compared with."""
    constants = constants_of(KNOWLEDGE, field)
    if field not in REAL:
        found = {int(constant) + step for constant in constants for step in range(-3, 4)} | {0, 5, 12, 15, 40}
        return tuple(sorted(value for value in found if accepted(field, value)))
    steps = (0.0, 1e-10, 4e-10, 9e-10, 1e-6, 1e-3)
    points = {constant + sign * step for constant in constants for step in steps for sign in (1, -1)}
    points |= {math.nextafter(constant, end) for constant in constants for end in (-math.inf, math.inf)}
    points |= {one + (other - one) * part for one, other in itertools.pairwise(constants) for part in (0.25, 0.5, 0.75)}
    points |= {constants[-1] + 1, constants[-1] * 10, constants[0] - 0.5, constants[0] / 3, 1e-6, 0.0}
    return tuple(sorted(value for value in points if accepted(field, value)))


@cache
def by_class(field: str) -> Mapping[Hashable, list[Value]]:
    """Return these values by their class."""
    found: dict[Hashable, list[Value]] = defaultdict(list)
    for value in candidates(field):
        found[CLASSES.of_field(field, value)].append(value)
    return found


@cache
def contexts(field: str) -> tuple[Record, ...]:
    """Return what else is known of a patient, so that whatever is computed from a number is there in every sum."""
    computed = [fact for fact in KNOWLEDGE.vocabulary.facts.values() if field in fact.from_]
    if not computed:
        return ({},)
    found: list[Record] = [{}]
    labs: tuple[Record, ...] = ({BILIRUBIN: 20, ALBUMIN: 40, "inr": 1.1}, {BILIRUBIN: 60, ALBUMIN: 20, "inr": 3})
    for lab, ascites, mind in itertools.product(
        labs, ("none", "mild", "moderate_severe"), ("none", "grade_1_2", "grade_3_4")
    ):
        found.append({**lab, "ascites": ascites, "encephalopathy": mind})
    found += [{**record, "child_pugh_score": score} for record in (found[1], found[-1]) for score in (5, 7, 10, 15)]
    return tuple({name: value for name, value in record.items() if name != field} for record in found)


def signature(field: str, value: Value) -> tuple[object, ...]:
    """Return all that rules tell of a value; scores that run with two values have classes of their own."""
    patients = [Patient.model_validate({**record, field: value}) for record in contexts(field)]
    return (unusual(patients[0]), *(judged(patient, but=RUNNING) for patient in patients))


@pytest.mark.parametrize("field", NUMBERS)
def test_two_numbers_of_one_class_are_alike_to_every_literal_of_every_rule(field: str) -> None:
    classes = by_class(field)
    for members in classes.values():
        told = {signature(field, value) for value in members}
        assert len(told) == 1, members
    if field in REAL:
        # Every interval has several members here, so that there is something to compare.
        within = [kind for kind in classes if (kind[0] if isinstance(kind, tuple) else cast("int", kind)) % 2 == 0]
        assert within
        assert sum(len(classes[kind]) > 1 for kind in within) >= len(constants_of(KNOWLEDGE, field))


def _around(field: str, constant: float) -> list[Value]:
    if field not in REAL:
        return [value for value in range(int(constant) - 1, int(constant) + 2) if accepted(field, value)]
    # Farther than the rounding of points reaches.
    return [value for value in (constant - 1e-6, constant, constant + 1e-6) if accepted(field, value)]


@pytest.mark.parametrize("field", NUMBERS)
def test_no_number_is_cut_where_nothing_changes(field: str) -> None:
    for constant in constants_of(KNOWLEDGE, field):
        around = _around(field, constant)
        if len({CLASSES.of_field(field, value) for value in around}) > 1:
            assert len({signature(field, value) for value in around}) > 1, constant


def test_what_a_rule_reads_is_a_part_of_the_class() -> None:
    facts = KNOWLEDGE.vocabulary.facts
    for rule, condition in conditions():
        for literal in (part for conjunction in condition for part in conjunction):
            fact = facts[fact_of(literal.attribute)]
            if fact.source == "record":
                assert fact_of(literal.attribute) in CLASSES.fields, rule
            elif fact.source == "computed":
                assert set(fact.from_) <= set(CLASSES.fields), rule


HISTORY = frozenset(name for name, fact in KNOWLEDGE.vocabulary.facts.items() if fact.source == "history")
DETAILED = sorted({n.partition("[")[2][:-1] for n in KNOWLEDGE.attributes() if fact_of(n) in DETAILS})
DOSES = (None, 0, 200, 399.9, 400, 401, 800)
DAYS = (None, 0, 19, 20, 21, 28)


def lines_of(option: str, doses: Iterable[float | None], days: Iterable[int | None]) -> list[Record]:
    """Return every line of an option that the record accepts."""
    named: tuple[str | None, ...] = (None, "a trial drug", "another one") if option == OTHER else (None,)
    return [
        {
            "option": option,
            "name": name,
            "outcome": outcome,
            "radiological_progression": shown,
            "last_daily_dose_mg": dose,
            "tolerated_days_of_last_28": day,
        }
        for name, outcome, shown, dose, day in itertools.product(named, OUTCOMES, (None, True, False), doses, days)
        if not (shown and "progression" not in outcome)
    ]


def assert_histories_of_one_class_are_alike(histories: Iterable[list[Record]]) -> int:
    """See that rules tell no two histories of one class apart; return how many were merged with another one."""
    first: dict[Hashable, tuple[tuple[bool | None, ...], list[Record]]] = {}
    merged = 0
    for lines in histories:
        patient = Patient.model_validate({PRIOR_SYSTEMIC: lines})
        told = judged(patient, only=HISTORY), bool(contradictions(patient))
        kind = CLASSES.of_field(PRIOR_SYSTEMIC, patient.prior_systemic)
        known = first.setdefault(kind, (cast("Any", told), lines))
        assert known[0] == cast("Any", told), (known[1], lines)
        merged += known[1] is not lines
    return merged


@pytest.mark.parametrize("option", [*DETAILED, OTHER])
def test_lines_of_one_class_are_alike_to_every_rule_whatever_is_told_of_them(option: str) -> None:
    assert assert_histories_of_one_class_are_alike([line] for line in lines_of(option, DOSES, DAYS)) > 100


def test_lines_of_every_option_that_are_of_one_class_are_alike_to_every_rule() -> None:
    every = [[line] for option in LINES for line in lines_of(option, (None, 399), (None, 21))]
    assert assert_histories_of_one_class_are_alike(every) > len(LINES)


def _few(*outcomes: str) -> list[Record]:
    options = [*DETAILED, *[option for option in ("lenvatinib", "tace+sorafenib") if option in LINES], OTHER]
    return [
        line
        for option in options
        for line in lines_of(option, (None, 800), (21,))
        if line["outcome"] in outcomes
        and line["name"] != "another one"
        and (line["last_daily_dose_mg"] is None or option in DETAILED)
    ]


def test_lines_in_another_order_are_of_one_class_only_where_no_rule_can_tell() -> None:
    pairs = itertools.product(_few(*OUTCOMES), repeat=2)
    assert assert_histories_of_one_class_are_alike(map(list, pairs)) > 100
    triples = itertools.product(_few("intolerance", "ongoing")[::2], repeat=3)
    assert assert_histories_of_one_class_are_alike(map(list, triples)) > 100


def checks(criteria: Iterable[Criterion]) -> list[tuple[object, ...]]:
    return [(item.rule, item.result, item.holds) for item in criteria]


def answer(decision: Decision) -> dict[str, object]:
    """Return a decision but for the values of the record that it repeats."""
    return {
        "setting": decision.setting,
        "derived": [(d.fact, d.from_, d.value) for d in decision.derived if d.rule.startswith("staging/")],
        "options": [
            (o.rank, o.id, o.verdict, o.would_be, o.evidence_level, o.regimen, o.ranked_here_because)
            for o in decision.options
        ],
        "reasons": [
            (
                checks(o.criteria),
                [(c.rule, c.claims) for c in o.cautions],
                [(p.rule, p.effect) for p in o.preferences],
                [e.model_dump() for e in o.evidence],
            )
            for o in decision.options
        ],
        "excluded": [(e.id, e.verdict, checks(e.criteria), e.claims, len(e.evidence)) for e in decision.excluded],
        "missing": [item.model_dump() for item in decision.missing],
        "notices": [(n.rule, n.option) for n in decision.notices],
    }


def _same_class(field: str, value: Any) -> list[Value]:
    kind = CLASSES.of_field(field, value)
    return [other for other in candidates(field) if CLASSES.of_field(field, other) == kind]


@st.composite
def twins(draw: st.DrawFn) -> tuple[Patient, Patient]:
    """Draw two records of one class that differ wherever they can."""
    tumour = draw(st.sampled_from(["hcc", "hcc", "hcc", "liver_metastasis"]))
    record = draw(records(LINES, tumour=tumour))
    patient = parse_patient(record, KNOWLEDGE.option_ids)
    data = patient.to_record()
    other: Record = {**data, "case_id": "another"}

    def keep(changed: Record) -> None:
        twin = Patient.model_validate({**other, **changed})
        if CLASSES.of(twin) == CLASSES.of(patient):
            other.update(changed)

    for field in NUMBERS:
        if field in data and (same := _same_class(field, data[field])):
            keep({field: draw(st.sampled_from(same))})
    lines = data.get(PRIOR_SYSTEMIC, [])
    for place, line in enumerate(lines):
        changes: list[Record] = [{"radiological_progression": None}]
        changes += [{"last_daily_dose_mg": dose} for dose in DOSES[1:]]
        changes += [{"tolerated_days_of_last_28": days} for days in DAYS[1:]]
        changes += [{"name": "a drug of many names"}] if "name" in line else []
        for change in draw(st.permutations(changes)):
            now = other[PRIOR_SYSTEMIC]
            keep({PRIOR_SYSTEMIC: [*now[:place], {**now[place], **change}, *now[place + 1 :]]})
    if lines:
        keep({PRIOR_SYSTEMIC: draw(st.permutations(other[PRIOR_SYSTEMIC]))})
    twin = parse_patient(other, KNOWLEDGE.option_ids)
    assert CLASSES.of(twin) == CLASSES.of(patient)
    return patient, twin


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(twins())
def test_two_records_of_one_class_get_the_same_decision(pair: tuple[Patient, Patient]) -> None:
    one, other = (decision_of(KNOWLEDGE, ENGINE.infer(patient)) for patient in pair)
    assert answer(one) == answer(other)


class _Watched:
    """A record that remembers which of its facts are read."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._patient, name)


def test_contradictions_are_found_by_reading_only_the_facts_that_can_contradict_one_another_group_by_group() -> None:
    yes_no = (None, True, False)
    ongoing = {"option": "sorafenib", "outcome": "ongoing"}
    read: set[str] = set()
    found = 0
    for values in itertools.product(
        yes_no,
        yes_no,
        (None, [], ["tace"], ["resection"]),
        ("hcc", "liver_metastasis"),
        (None, "colorectal"),
        yes_no,
        (None, [], [ongoing], [ongoing, "regorafenib"], ["regorafenib", ongoing]),
    ):
        names = [name for group in CONTRADICTING for name in group]
        patient = Patient.model_validate(dict(zip(names, values, strict=True)))
        watched = _Watched(patient)
        told = contradictions(cast("Patient", watched))
        read |= watched.read
        found += bool(told)
        alone = [
            line
            for group in CONTRADICTING
            for line in contradictions(Patient.model_construct(**{name: getattr(patient, name) for name in group}))
        ]
        assert alone == told
    assert read == {name for group in CONTRADICTING for name in group}
    assert found


def assert_alike_by_class(patients: Iterable[Patient]) -> dict[Hashable, list[Patient]]:
    """See that every literal judges records of one class alike."""
    groups: dict[Hashable, list[Patient]] = defaultdict(list)
    for patient in patients:
        groups[CLASSES.of(patient)].append(patient)
    for members in groups.values():
        assert len({judged(patient) for patient in members}) == 1, members
    return groups


@pytest.mark.parametrize("limit", KNOWLEDGE.limits["albi_score"])
def test_next_to_a_cut_off_of_the_albi_score_records_of_one_class_are_alike(limit: float) -> None:
    patients = []
    for albumin in (29.0, 33.3, 34.9, 36.0, 41.7, 47.0):
        (cut,) = cut_offs("albi_score", BILIRUBIN, {ALBUMIN: albumin}, [limit])
        near = [cut + step for step in (-1e-3, -1e-6, -1e-9, -1e-11, 0, 1e-11, 1e-9, 1e-6, 1e-3)]
        near += [math.nextafter(cut, 0), math.nextafter(cut, math.inf)]
        patients += [Patient.model_validate({BILIRUBIN: value, ALBUMIN: albumin}) for value in near]
    groups = assert_alike_by_class(patients)
    sides = {judged(patient, only=["albi_score"]) for patient in patients}
    assert len(sides) > 1  # the cut-off lies between them
    assert len(groups) < len(patients) / 3


@pytest.mark.parametrize("cut", CUT_OFFS[BILIRUBIN])
def test_next_to_a_cut_off_of_bilirubin_records_of_one_class_are_alike(cut: float) -> None:
    near = [cut + step * 1e-9 for step in range(-30, 31)] + [math.nextafter(cut, end) for end in (0, math.inf)]
    patients = [
        Patient.model_validate({**record, BILIRUBIN: value}) for record in contexts(BILIRUBIN) for value in near
    ]
    assert_alike_by_class(patients)
    sharp = [value / UMOL_L_PER_MG_DL >= 2 if cut < 40 else value / UMOL_L_PER_MG_DL > 3 for value in near]
    told = [bilirubin_points(value) == (2 if cut < 40 else 3) for value in near]
    assert sharp != told  # points are told after rounding, so the cut-off is not where it is written
    assert len(set(told)) == 2
