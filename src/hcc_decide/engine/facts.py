"""From a patient record to what is known of each attribute that rules read. Reading and arithmetic only, no rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from hcc_decide.decision import Value
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Domain, Scalar, State, fact_of, member_of
from hcc_decide.knowledge.schema import Fact, PartialValue
from hcc_decide.patient import OTHER, Patient, PriorLine
from hcc_decide.scores import albi_score, child_pugh_points

States = dict[str, State]


def unknown(domain: Domain) -> State:
    """Return the state of an attribute of which nothing is known."""
    return State(values=frozenset(domain.values)) if domain.values else State()


def exactly(value: Scalar) -> State:
    """Return the state of a boolean or category that is known."""
    return State(values=frozenset([value]))


def number(value: float) -> State:
    """Return the state of a number that is known."""
    return State(low=float(value), high=float(value))


def read_facts(patient: Patient, knowledge: Knowledge, attributes: tuple[str, ...]) -> States:
    """Return the state of every attribute that the record itself settles or leaves open (`Reader.read`)."""
    return Reader(knowledge, attributes).read(patient)


class Reader:
    """Reads records: what is known of the attributes that rules read. Whoever reads many keeps one."""

    def __init__(self, knowledge: Knowledge, attributes: Iterable[str]) -> None:
        """Look up what has to be read where.

        Args:
            knowledge: for the vocabulary and for what class an option belongs to.
            attributes: the attributes that rules read.
        """
        self._knowledge = knowledge
        self._recorded: list[tuple[str, Fact, str, str | None, Domain]] = []
        self._computed: list[tuple[str, str, State]] = []
        self._told: dict[str, list[tuple[str, str]]] = {}
        self._history: list[tuple[str, str, str, Domain]] = []
        for attribute in attributes:
            name, member = fact_of(attribute), member_of(attribute)
            fact, domain = knowledge.vocabulary.facts[name], knowledge.domain(attribute)
            if fact.source == "computed":
                self._computed.append((attribute, name, unknown(domain)))
            elif fact.source == "history" and name in _TOLD:
                self._told.setdefault(name, []).append((attribute, member or ""))
            elif fact.source == "history":
                self._history.append((attribute, name, member or "", domain))
            elif fact.source != "derived":
                self._recorded.append((attribute, fact, name, member, domain))

    def read(self, patient: Patient) -> States:
        """Return the state of every attribute that a record itself settles or leaves open.

        Derived facts are not here unless the record gives them.
        """
        states: States = {}
        for attribute, fact, name, member, domain in self._recorded:
            states[attribute] = _recorded(patient, fact, name, member, domain)
        if self._computed:
            scores = _scores(patient)
            states.update((attribute, scores.get(name, nothing)) for attribute, name, nothing in self._computed)
        if self._told or self._history:
            history = _History(patient, self._knowledge)
            for name, asked in self._told.items():
                members, otherwise = history.told(name)
                states.update((attribute, _YES if member in members else otherwise) for attribute, member in asked)
            for attribute, name, member, domain in self._history:
                states[attribute] = history.state(name, member, domain)
        return states


def _recorded(patient: Patient, fact: Fact, name: str, member: str | None, domain: Domain) -> State:
    value = getattr(patient, name)
    if value is None:
        return unknown(domain)
    if fact.kind == "set":
        return exactly(member in value)
    if fact.kind in ("integer", "number"):
        return number(value)
    label = (fact.values or {}).get(value)
    if isinstance(label, PartialValue):
        return State(values=frozenset(label.means))
    return exactly(value)


def _scores(patient: Patient) -> States:
    low, high = child_pugh_points(
        patient.bilirubin_umol_l, patient.albumin_g_l, patient.inr, patient.ascites, patient.encephalopathy
    )
    states: States = {"child_pugh_points": State(low=float(low), high=float(high))}
    given = patient.child_pugh_score
    if given is not None:
        states["child_pugh_points"] = number(given)
        states["child_pugh_points_beyond_score"] = number(max(low - given, given - high, 0))
    if patient.bilirubin_umol_l is not None and patient.albumin_g_l is not None:
        states["albi_score"] = number(albi_score(patient.bilirubin_umol_l, patient.albumin_g_l))
    return states


_YES, _NO = exactly(True), exactly(False)
_EITHER = State(values=frozenset([True, False]))
_TOLD: Mapping[str, Callable[[PriorLine], bool]] = {
    "prior_option": lambda _: True,
    "prior_class": lambda _: True,
    "progressed_on": lambda line: line.progressed,
    "progressed_on_class": lambda line: line.progressed,
    "not_tolerated": lambda line: line.not_tolerated,
    "failed_option": lambda line: line.progressed or line.not_tolerated,
}
"""Of which lines a set of options or classes tells."""


class _History:
    """What the lines of prior systemic therapy say of options and classes."""

    def __init__(self, patient: Patient, knowledge: Knowledge) -> None:
        self.lines = patient.prior_systemic
        self._knowledge = knowledge

    def told(self, name: str) -> tuple[frozenset[str], State]:
        """Return the members that a set surely has, and what is known of all others."""
        return (frozenset(), _EITHER) if self.lines is None else self._set(name)

    def state(self, name: str, member: str, domain: Domain) -> State:
        """Return what is known of what the history tells otherwise than as a set."""
        if self.lines is None:
            return unknown(domain)
        if name == "systemic_lines":
            return number(len(self.lines))
        if name == "any_progression":
            return exactly(any(line.progressed for line in self.lines))
        if name == "ongoing_line":
            return exactly(any(line.outcome == "ongoing" for line in self.lines))
        if name == "radiological_progression":
            return self._imaging(member)
        return self._detail(name, member, domain)

    def _set(self, name: str) -> tuple[frozenset[str], State]:
        lines = [line for line in self.lines or () if _TOLD[name](line)]
        by_class = name.endswith("_class")
        options = self._knowledge.options
        members = (
            frozenset(kind for line in lines if line.option in options for kind in options[line.option].body.classes)
            if by_class
            else frozenset(line.option for line in lines)
        )
        # A drug outside the catalogue is none of its options, but its class is unknown; an unnamed one may be any.
        obscure = any(line.option == OTHER and (by_class or line.name is None) for line in lines)
        return members, _EITHER if obscure else _NO

    def _may_be(self, line: PriorLine, option: str) -> bool:
        return line.option == option or (line.option == OTHER and line.name is None)

    def _detail(self, name: str, option: str, domain: Domain) -> State:
        lines = [line for line in self.lines or () if self._may_be(line, option)]
        if not lines:
            return State(applicable=False)
        # An unnamed drug may have been the option again, with a dose that nobody knows.
        value = getattr(lines[-1], name) if lines[-1].option == option else None
        return unknown(domain) if value is None else number(value)

    def _imaging(self, option: str) -> State:
        answers = {
            (line.radiological_progression if line.progressed else False, line.option == option)
            for line in self.lines or ()
            if self._may_be(line, option)
        }
        if (True, True) in answers:
            return exactly(True)
        return _NO if all(shown is False for shown, _ in answers) else _EITHER


def shown(state: State, fact: Fact) -> Value:
    """Return a state as a value for people: the value, a span as text, or ``None`` when not known."""
    if not state.applicable:
        return "none"
    if state.values is not None:
        if len(state.values) == 1:
            return next(iter(state.values))
        labels = {frozenset(v.means): k for k, v in (fact.values or {}).items() if isinstance(v, PartialValue)}
        partial = labels.get(frozenset(map(str, state.values)))
        return partial
    if state.low == state.high:
        return int(state.low) if state.low.is_integer() and abs(state.low) < 2**53 else state.low
    if math.isfinite(state.low) and math.isfinite(state.high):
        return f"{state.low:g} to {state.high:g}"
    return None
