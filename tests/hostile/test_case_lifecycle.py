"""The life of a case: entries made, taken back, saved, loaded, refused and decided, in any order.

One machine goes through the functions behind the form and keeps a plain record of its own beside them. A smaller one goes
through the form itself.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from streamlit.testing.v1 import AppTest

from form import pages, state, units
from form.patient.files import LOADED, REFUSED
from form.state import hidden as state_hidden
from hcc_decide.case_file import Format, read_case, write_case
from hcc_decide.compare import compare
from hcc_decide.decide import decide
from hcc_decide.decision import Decision
from hcc_decide.documents import read
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema import Fact
from hcc_decide.patient import OTHER, OUTCOMES, Patient, RecordError, parse_patient
from tests.conftest import ROOT
from tests.hostile import records as malformed
from tests.hostile.watch import wrong_lines
from tests.properties.strategies import CHOICES, NUMBERS, PRIMARY_SITES, YES_NO, records

EXAMPLES = {path.stem.replace("-", " "): path for path in sorted((ROOT / "examples").glob("*.yaml"))}
FORMATS: tuple[Format, ...] = ("json", "yaml")
OVERRIDDEN = ("disagreement", "child-pugh-score-and-laboratory-values")
"""Notices that a given value stands against what other facts say; learning it may change anything."""

SETS = {
    "etiology": ("hbv", "hcv", "alcohol", "masld", "other"),
    "prior_locoregional": ("resection", "ablation", "transplant", "tace", "tare", "sbrt", "haic"),
}
WRONG = {"afp_ng_ml": -5.0, "liver_involvement_percent": 101.0, "inr": 0.0, "largest_tumour_cm": -1.0}
"""Numbers that the record refuses."""

FACTS: dict[str, st.SearchStrategy[Any]] = {
    "tumour": st.sampled_from(["hcc", "hcc", "liver_metastasis"]),
    "primary_site": st.sampled_from(PRIMARY_SITES),
    "liver_metastasis_resectable": st.booleans(),
    **{name: st.booleans() for name in YES_NO},
    **{name: st.sampled_from(values) for name, values in CHOICES.items()},
    **NUMBERS,
    **{name: st.lists(st.sampled_from(values), unique=True) for name, values in SETS.items()},
}
DEFAULTS = {"tumour": "hcc", "intent": "treatment"}
METASTASIS_ONLY = ("primary_site", "liver_metastasis_resectable")
SEVERAL_UNITS = ("bilirubin_umol_l", "albumin_g_l", "afp_ng_ml")


@dataclass(frozen=True)
class Saved:
    """A file that was saved: its content, and the record that it was saved from."""

    content: bytes
    format: Format
    record: dict[str, Any]


def verdicts(decision: Decision) -> dict[str, str]:
    """Return the verdict of every option."""
    found: dict[str, str] = {item.id: item.verdict for item in decision.options}
    return found | {item.id: item.verdict for item in decision.excluded}


def token(name: str, value: Any) -> Any:
    """Return what stands in the field of a fact that has a value."""
    if name in SETS:
        return list(value) or [state.NONE]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return float(value) if name in NUMBERS or name == "tumour_count" else str(value)


def broken_files() -> st.SearchStrategy[tuple[bytes, str]]:
    """Draw a file that no case can be read from, with its name."""
    newer = [
        (b'{"schema_version": 2, "patient": {"ecog": 1}}', "newer.json"),
        (b"ecog: 1\nfrailty_score: 3\n", "newer.yaml"),
        (b"ecog: 1\nprior_systemic: [brandnewinib]\n", "newer.yaml"),
        (b'{"resourceType": "Patient", "id": "x"}', "foreign.json"),
        (b"%PDF-1.7\n\x00", "foreign.yaml"),
        (b"", "empty.yaml"),
    ]
    kinds = st.tuples(st.sampled_from(malformed.ALWAYS_REFUSED), st.integers(0, 600))
    return st.sampled_from(newer) | kinds.map(lambda drawn: _malformed(*drawn))


def _malformed(kind: str, seed: int) -> tuple[bytes, str]:
    ending, content = malformed.content(kind, seed)
    return content, f"case.{ending}"


class CaseLife(RuleBasedStateMachine):
    """A case in the form, and beside it what a person would say that the form holds."""

    knowledge: ClassVar[Knowledge]
    engine: ClassVar[Engine]
    decided: ClassVar[dict[str, str]]
    """Every decision of all runs, by record: another way to the same record must come to the same decision."""

    saved = Bundle("saved")

    def __init__(self) -> None:
        super().__init__()
        self.chosen_units: dict[str, str] = {}
        self.known: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.new()

    # What a person would say that the form holds

    def new(self) -> None:
        """Begin with an empty form."""
        self._fill({})

    def _fill(self, record: dict[str, Any]) -> None:
        """Put a record into the form, as the form does it: all entries are made anew, the chosen units stay."""
        self.entries = state.state_of(record, self.knowledge) | {units.CHOSEN: self.chosen_units}
        self.facts = {name: value for name, value in record.items() if name not in (state.CASE, state.PRIOR)}
        self.case_id = record.get(state.CASE)
        lines = record.get(state.PRIOR)
        self.prior = state.NOT_KNOWN if lines is None else state.LINES if lines else state.NONE
        self.lines: list[dict[str, Any]] = [dict(line) for line in lines or [{}]]
        self.undo: tuple[str, Any] | None = None

    def expected(self) -> dict[str, Any]:
        """Return the record that was entered."""
        record = {**DEFAULTS, **self.facts}
        if record["tumour"] == "hcc":
            record = {name: value for name, value in record.items() if name not in METASTASIS_ONLY}
        if self.case_id is not None:
            record[state.CASE] = self.case_id
        if self.prior != state.NOT_KNOWN:
            record[state.PRIOR] = [dict(line) for line in self.lines] if self.prior == state.LINES else []
        return record

    def record(self) -> dict[str, Any]:
        """Return the record that the form holds."""
        return state.record_of(self.entries, self.knowledge)

    def patient(self) -> Patient | None:
        """Return the patient, ``None`` while the form refuses something."""
        record = self.record()
        if state.problems_of(record, self.knowledge):
            return None
        return parse_patient(record, self.knowledge.option_ids)

    def accepted(self) -> bool:
        """Whether what stands in the form is accepted."""
        return self.patient() is not None

    # Entries

    @initialize(record=records(["sorafenib", "lenvatinib", "nivolumab", "regorafenib"]), empty=st.booleans())
    def begin(self, record: dict[str, Any], empty: bool) -> None:
        if not empty:
            self._fill(parse_patient(record, self.knowledge.option_ids).to_record())

    @rule()
    def clear(self) -> None:
        self.new()

    @rule(data=st.data())
    def learn(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(FACTS)), label="fact")
        self._enter(name, data.draw(FACTS[name], label="value"))

    def _enter(self, name: str, value: Any) -> None:
        self.undo = (name, self.facts.get(name))
        self.facts[name] = value
        self.entries[state.key_of(name)] = token(name, value)

    @rule(name=st.sampled_from(sorted(FACTS.keys() - DEFAULTS.keys())))
    def forget(self, name: str) -> None:
        self.undo = (name, self.facts.get(name))
        self._make_unknown(name)

    def _make_unknown(self, name: str) -> None:
        self.facts.pop(name, None)
        self.entries[state.key_of(name)] = state.state_of({}, self.knowledge)[state.key_of(name)]

    @rule(name=st.sampled_from(sorted(WRONG)))
    def enter_a_wrong_number(self, name: str) -> None:
        before = self.expected()
        self._enter(name, WRONG[name])
        assert name in state.problems_of(self.record(), self.knowledge)
        self.undo_the_last_entry()
        assert self.expected() == before

    @precondition(lambda self: self.undo is not None)
    @rule()
    def take_back(self) -> None:
        self.undo_the_last_entry()

    def undo_the_last_entry(self) -> None:
        """Enter what stood in the last field before."""
        assert self.undo is not None
        name, value = self.undo
        if value is None:
            self._make_unknown(name)
            if name in DEFAULTS:
                self.entries[state.key_of(name)] = DEFAULTS[name]
        else:
            self._enter(name, value)
        self.undo = None

    @rule(text=st.sampled_from(["Board 7", "", " 0", "1e5", "no", "é\u2028", "x" * 64]))
    def name_the_case(self, text: str) -> None:
        self.entries[state.CASE] = text
        self.case_id = text or None

    # Units

    @rule(name=st.sampled_from(SEVERAL_UNITS), data=st.data())
    def choose_a_unit(self, name: str, data: st.DataObject) -> None:
        before = self.record()
        unit = data.draw(st.sampled_from(sorted(units.units_of(self._fact(name)))), label="unit")
        self.chosen_units[name] = unit
        assert self.record() == before, "a unit says how a number is shown, not which it is"
        value = self.entries[state.key_of(name)]
        shown = units.from_record(value, self._fact(name), units.unit_of(name, self._fact(name), self.entries))
        if value is not None:
            assert shown is not None
            assert units.to_record(shown, self._fact(name), unit) == pytest.approx(value, rel=1e-12)

    @rule(name=st.sampled_from(SEVERAL_UNITS), number=st.integers(1, 4000).map(lambda tenths: tenths / 10))
    def type_a_number_in_the_chosen_unit(self, name: str, number: float) -> None:
        unit = units.unit_of(name, self._fact(name), self.entries)
        value = units.to_record(number, self._fact(name), unit)
        assert value is not None
        self._enter(name, value)
        assert units.from_record(value, self._fact(name), unit) == number, "what was typed stays as it was typed"

    def _fact(self, name: str) -> Fact:
        return self.knowledge.vocabulary.facts[name]

    # Lines of therapy

    @rule(answer=st.sampled_from([state.NOT_KNOWN, state.NONE, state.LINES]))
    def say_whether_there_were_lines(self, answer: str) -> None:
        self.prior = self.entries[state.PRIOR] = answer
        if answer == state.LINES:
            # The page gives each line that it shows its fields.
            for number in range(1, self.entries[state.PRIOR_COUNT] + 1):
                self.entries = state.line_state(number, {}) | self.entries

    @precondition(lambda self: self.prior == state.LINES and len(self.lines) < 5)
    @rule()
    def add_a_line(self) -> None:
        self.entries |= state.with_line(self.entries)
        self.lines.append({})

    @precondition(lambda self: self.prior == state.LINES)
    @rule(data=st.data())
    def remove_a_line(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, len(self.lines)), label="line")
        self.entries |= state.without_line(self.entries, number)
        del self.lines[number - 1]
        if not self.lines:
            self.lines, self.prior = [{}], state.NOT_KNOWN

    @precondition(lambda self: self.prior == state.LINES)
    @rule(
        option=st.sampled_from(["sorafenib", "lenvatinib", "atezolizumab+bevacizumab", OTHER]),
        outcome=st.sampled_from(OUTCOMES),
        imaging=st.none() | st.booleans(),
        dose=st.none() | st.sampled_from([200, 400, 800]),
        days=st.none() | st.sampled_from([0, 19, 20, 28, 29]),
        data=st.data(),
    )
    def edit_a_line(
        self, option: str, outcome: str, imaging: bool | None, dose: int | None, days: int | None, data: st.DataObject
    ) -> None:
        number = data.draw(st.integers(1, len(self.lines)), label="line")
        told = {
            "option": option,
            "name": "a trial drug" if option == OTHER else None,
            "outcome": outcome,
            "radiological_progression": imaging,
            "last_daily_dose_mg": dose,
            "tolerated_days_of_last_28": days,
        }
        line = {field: value for field, value in told.items() if value is not None}
        self.lines[number - 1] = line
        self.entries |= state.line_state(number, line)

    # Files

    @rule(name=st.sampled_from(sorted(EXAMPLES)))
    def load_an_example(self, name: str) -> None:
        patient = parse_patient(read(EXAMPLES[name]).data, self.knowledge.option_ids)
        self._fill(patient.to_record())
        assert self.patient() == patient

    @precondition(lambda self: self.accepted())
    @rule(target=saved)
    def save(self) -> Any:
        record = self.record()
        patient = self.patient()
        files = []
        for format_ in FORMATS:
            content = write_case(record, format_)
            again = read_case(content, self.knowledge.option_ids, f"case.{format_}")
            assert again == patient
            assert write_case(again.to_record(), format_) == content, "loading and saving changes no byte"
            files.append(Saved(content, format_, again.to_record()))
        return multiple(*files)

    @rule(file=saved)
    def load_what_was_saved(self, file: Saved) -> None:
        patient = read_case(file.content, self.knowledge.option_ids, f"case.{file.format}")
        self._fill(patient.to_record())
        assert patient.to_record() == file.record
        assert write_case(self.record(), file.format) == file.content

    @rule(file=broken_files())
    def load_a_file_that_is_refused(self, file: tuple[bytes, str]) -> None:
        before, entries = self.record(), dict(self.entries)
        content, name = file
        with pytest.raises(RecordError) as caught:
            read_case(content, self.knowledge.option_ids, name)
        assert wrong_lines(caught.value.problems) == []
        assert (self.record(), self.entries) == (before, entries)

    # Decisions

    @precondition(lambda self: self.accepted())
    @rule()
    def decide(self) -> None:
        self._decide()

    def teardown(self) -> None:
        if self.accepted():
            self._decide()

    def _decide(self) -> None:
        patient = self.patient()
        assert patient is not None
        decision = decide(patient, self.engine)
        record, found = patient.to_record(), verdicts(decision)
        name, content = json.dumps(record, sort_keys=True), decision.model_dump_json()
        assert self.decided.setdefault(name, content) == content, "the same record, another way, another decision"
        assert decision.patient == record
        counted = Counter([*(item.id for item in decision.options), *(item.id for item in decision.excluded)])
        assert counted == Counter(list(self.knowledge.options))
        self._nothing_that_failed_is_offered(decision)
        self._what_was_settled_stays(decision, record, found)
        self.known = [*self.known[-5:], (record, found)]
        # A decision that is saved as a file holds the case.
        loaded = read_case(content.encode(), self.knowledge.option_ids, "decision.json")
        assert loaded == patient

    def _nothing_that_failed_is_offered(self, decision: Decision) -> None:
        over = ("completed", "ongoing")
        lines = decision.patient.get(state.PRIOR, [])
        failed = {line["option"] for line in lines if line["outcome"] not in over}
        offered = {item.id for item in decision.options if item.verdict != "undetermined"}
        assert not {option for option in failed & offered if self.knowledge.options[option].body.drugs}

    def _what_was_settled_stays(self, decision: Decision, record: dict[str, Any], found: dict[str, str]) -> None:
        if any(notice.rule.rpartition("/")[2] in OVERRIDDEN for notice in decision.notices):
            return
        for before, settled in self.known:
            if before.items() <= {name: record[name] for name in before.keys() & record.keys()}.items():
                changed = {name for name, verdict in settled.items() if verdict not in ("undetermined", found[name])}
                assert not changed, "a fact that was learnt contradicts what had been settled"

    @precondition(lambda self: self.accepted())
    @rule(data=st.data())
    def compare_two_options(self, data: st.DataObject) -> None:
        patient = self.patient()
        assert patient is not None
        names = st.sampled_from(
            ["sorafenib", "lenvatinib", "atezolizumab+bevacizumab", "regorafenib", "tace", "resection"]
        )
        one, other = data.draw(names, label="first"), data.draw(names, label="second")
        found = compare(patient, self.engine, one, other)
        assert {found.first, found.second} == {one, other}
        turned = compare(patient, self.engine, other, one)
        assert turned.equal == found.equal
        assert [item.decides for item in turned.differences] == [item.decides for item in found.differences]
        if not found.equal:
            assert turned == found, "which option is named first decides nothing"
        assert self.record() == state.record_of(self.entries, self.knowledge)

    # What always holds

    @invariant()
    def the_form_and_the_record_say_the_same(self) -> None:
        record = self.record()
        expected = self.expected()
        for name in SETS:
            if name in record:
                record[name], expected[name] = sorted(record[name]), sorted(expected[name])
        assert record == expected

    @invariant()
    def the_form_accepts_exactly_what_the_record_accepts(self) -> None:
        expected = self.expected()
        try:
            patient = parse_patient(expected, self.knowledge.option_ids)
        except RecordError:
            assert self.patient() is None
            return
        # The form alone asks how a line ended, where the record takes an answer for granted.
        told_in_full = all({"option", "outcome"} <= line.keys() for line in expected.get(state.PRIOR, ()))
        assert self.patient() == (patient if told_in_full else None)

    @invariant()
    def the_form_shows_the_record_again_as_it_is(self) -> None:
        patient = self.patient()
        if patient is not None:
            again = state.record_of(state.state_of(patient.to_record(), self.knowledge), self.knowledge)
            assert parse_patient(again, self.knowledge.option_ids) == patient


def test_a_case_keeps_its_facts_whatever_is_done_to_it(engine: Engine, knowledge: Knowledge) -> None:
    CaseLife.knowledge, CaseLife.engine, CaseLife.decided = knowledge, engine, {}
    hidden = functools.cache(lambda tumour: state_hidden(knowledge, tumour))
    # It depends on the tumour alone, and is asked for with every look at the form.
    with mock.patch.object(state, "hidden", lambda _, tumour: hidden(tumour)):
        run_state_machine_as_test(
            CaseLife,
            settings=settings(
                max_examples=35, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    assert len(CaseLife.decided) > 15, "the machine hardly ever came to a decision"


class FormLife(RuleBasedStateMachine):
    """The form itself, as a browser uses it, and beside it the record that was put in."""

    knowledge: ClassVar[Knowledge]
    opened: ClassVar[list[Callable[[], AppTest]]]
    """What opens the form, in a list, since a function that a class holds would be taken for one of its methods."""

    def __init__(self) -> None:
        super().__init__()
        self.page = self.opened[0]()
        self.record: dict[str, Any] = dict(DEFAULTS)

    def _held(self) -> dict[str, Any]:
        return state.record_of(self.page.session_state.to_dict(), self.knowledge)

    @rule(name=st.sampled_from(["fact_ecog", "fact_ascites", "fact_region"]), data=st.data())
    def choose(self, name: str, data: st.DataObject) -> None:
        fact = name.removeprefix("fact_")
        value = data.draw(st.sampled_from(CHOICES[fact]), label="value")
        (field,) = [item for item in [*self.page.segmented_control, *self.page.selectbox] if item.key == name]
        field.set_value(str(value)).run()
        self.record[fact] = value

    @rule(number=st.none() | st.integers(1, 900))
    def type_the_afp(self, number: int | None) -> None:
        (field,) = [item for item in self.page.number_input if item.label.startswith("Alpha-fetoprotein")]
        field.set_value(None if number is None else float(number)).run()
        self.record.pop("afp_ng_ml", None)
        if number is not None:
            self.record["afp_ng_ml"] = number

    @rule(unit=st.sampled_from(["mg/dL", "µmol/L"]))
    def choose_the_unit_of_bilirubin(self, unit: str) -> None:
        self.page.segmented_control(key="patient_unit_bilirubin_umol_l").set_value(unit).run()

    @rule(name=st.sampled_from(sorted(EXAMPLES)))
    def load_an_example(self, name: str) -> None:
        self.page.selectbox(key="example").select(name).run()
        self.record = parse_patient(read(EXAMPLES[name]).data, self.knowledge.option_ids).to_record()

    @rule()
    def clear(self) -> None:
        self.page.button(key="clear").click().run()
        self.record = dict(DEFAULTS)

    @rule(format_=st.sampled_from(FORMATS))
    def save_and_load(self, format_: Format) -> None:
        self._load(f"case.{format_}", write_case(self._held(), format_))
        assert [item.value for item in self.page.toast] == [LOADED]

    @rule(file=broken_files())
    def load_a_file_that_is_refused(self, file: tuple[bytes, str]) -> None:
        self._load(file[1], file[0])
        assert any(item.value.startswith(REFUSED) for item in self.page.error)
        self.page.file_uploader[0].set_value(None)
        self.page.run()

    def _load(self, name: str, content: bytes) -> None:
        self.page.file_uploader[0].set_value((name, content, "application/octet-stream"))
        self.page.run()

    @rule()
    def look_at_another_page_and_come_back(self) -> None:
        self.page.switch_page(pages.RULES.path).run()
        self.page.switch_page(pages.PATIENT.path).run()

    @invariant()
    def the_form_holds_what_was_put_in_and_decides_for_it(self) -> None:
        assert not self.page.exception
        held = self._held()
        assert parse_patient(held, self.knowledge.option_ids) == parse_patient(self.record, self.knowledge.option_ids)
        (decided,) = [item for item in self.page.session_state["case_answers"].values() if item.record == held]
        assert decided.decision.patient == parse_patient(held, self.knowledge.option_ids).to_record()


def test_the_form_keeps_the_case_whatever_is_done_in_it(open_form: Callable[[], AppTest], knowledge: Knowledge) -> None:
    FormLife.knowledge, FormLife.opened = knowledge, [open_form]
    run_state_machine_as_test(
        FormLife,
        settings=settings(
            max_examples=3, stateful_step_count=6, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_a_line_still_to_be_filled_in_hides_nothing_that_is_wrong_elsewhere(knowledge: Knowledge) -> None:
    entries = state.state_of({}, knowledge) | {state.PRIOR: state.LINES, "fact_afp_ng_ml": -5.0}
    problems = state.problems_of(state.record_of(entries, knowledge), knowledge)
    assert problems.keys() == {"afp_ng_ml", "prior_systemic[1].option", "prior_systemic[1].outcome"}
    assert all(len(found) == 1 for found in problems.values())


def test_a_set_chosen_in_another_order_is_saved_as_the_same_bytes() -> None:
    for format_ in FORMATS:
        one, other = (write_case({"etiology": chosen}, format_) for chosen in (["hbv", "masld"], ["masld", "hbv"]))
        assert one == other


@pytest.mark.parametrize(
    "record",
    [
        {"afp_ng_ml": 1e300},
        {"case_id": " 7 "},
        {"prior_systemic": [{"option": OTHER, "name": " x", "outcome": "completed"}]},
    ],
)
def test_the_form_saves_a_loaded_case_as_it_was(record: dict[str, Any], knowledge: Knowledge) -> None:
    loaded = parse_patient(record, knowledge.option_ids).to_record()
    held = state.record_of(state.state_of(loaded, knowledge), knowledge)
    for format_ in FORMATS:
        assert write_case(held, format_) == write_case(loaded, format_)
