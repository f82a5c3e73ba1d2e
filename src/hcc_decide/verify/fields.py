"""The fields of a patient record as z3 variables: everything that a record may say of one fact, or leave unsaid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from typing import Any, Protocol

import z3

from hcc_decide.knowledge.condition import Scalar, fact_of, member_of
from hcc_decide.knowledge.schema import Fact, Limits, PartialValue
from hcc_decide.patient import Patient, RecordError, parse_patient
from hcc_decide.verify.truth import Choice, Known, Quantity, constant


class Field(Protocol):
    """One field of a record."""

    @property
    def known(self) -> z3.BoolRef:
        """When the record says something of it."""

    @property
    def exact(self) -> z3.BoolRef:
        """When the record leaves nothing of it open."""

    def limits(self) -> Iterator[z3.BoolRef]:
        """Yield what every record obeys."""

    def state(self, member: str | None) -> Known:
        """Return what is known of the fact, or of one member of a set."""

    def value(self, model: z3.ModelRef) -> Any:
        """Return the value in a record that a model stands for; ``None`` when it is left out."""

    def refines(self, other: Field) -> z3.BoolRef:
        """Return when this says all that another field says, or more."""


@dataclass(frozen=True)
class Chosen:
    """A boolean or category: at most one value is given, some of which leave several values open.

    Attributes:
        given: for each value that a record may hold, when it is given.
        means: the exact values that each of them leaves possible.
        always: whether a record always says it.
    """

    given: Mapping[Scalar, z3.BoolRef]
    means: Mapping[Scalar, frozenset[Scalar]]
    exact_values: tuple[Scalar, ...]
    always: bool

    @property
    def known(self) -> z3.BoolRef:
        """When the record says something of it."""
        return z3.Or(list(self.given.values()))

    @property
    def exact(self) -> z3.BoolRef:
        """When one exact value is given."""
        return z3.Or([self.given[value] for value in self.exact_values])

    def limits(self) -> Iterator[z3.BoolRef]:
        """Yield that one value is given at most, and one at least where the record has a default."""
        for one, other in combinations(self.given.values(), 2):
            yield z3.Not(z3.And(one, other))
        if self.always:
            yield self.known

    def state(self, member: str | None) -> Choice:
        """Return which values are still possible."""
        assert member is None
        nothing = z3.Not(self.known)
        return Choice(
            {
                value: z3.Or(nothing, *(when for said, when in self.given.items() if value in self.means[said]))
                for value in self.exact_values
            }
        )

    def value(self, model: z3.ModelRef) -> Any:
        """Return the value given."""
        return next((value for value, when in self.given.items() if holds(model, when)), None)

    def refines(self, other: Field) -> z3.BoolRef:
        """Return when no value is possible here that is not possible there."""
        there = other.state(None)
        assert isinstance(there, Choice)
        here = self.state(None)
        return z3.And([z3.Implies(here.possible[value], there.possible[value]) for value in self.exact_values])


@dataclass(frozen=True)
class Number:
    """A number or whole number.

    Attributes:
        number: its value, of no meaning while it is not known.
        log10: its logarithm, where a score needs it.
        marks: values at which number and logarithm are held together: the only ones that rules and scores compare with.
    """

    known: z3.BoolRef
    number: z3.ArithRef
    range: Limits | None
    log10: z3.ArithRef | None = None
    marks: tuple[float, ...] = ()

    @property
    def exact(self) -> z3.BoolRef:
        """When it is given."""
        return self.known

    def limits(self) -> Iterator[z3.BoolRef]:
        """Yield the range of the vocabulary."""
        said = self.range.model_dump(exclude_none=True) if self.range else {}
        for name, limit in said.items():
            bound = constant(float(limit))
            yield {
                "at_least": self.number >= bound,
                "above": self.number > bound,
                "at_most": self.number <= bound,
                "below": self.number < bound,
            }[name]
        if self.log10 is not None:
            for mark in self.marks:
                there = constant(math.log10(mark))
                yield (self.number < constant(mark)) == (self.log10 < there)
                yield (self.number == constant(mark)) == (self.log10 == there)

    def state(self, member: str | None) -> Quantity:
        """Return the number, known exactly or not at all."""
        assert member is None
        return Quantity(self.known, self.number, self.number, z3.BoolVal(True))

    def value(self, model: z3.ModelRef) -> Any:
        """Return the number given."""
        if not holds(model, self.known):
            return None
        found = number_of(model, self.number)
        if self.log10 is not None and found not in self.marks:
            return 10 ** float(number_of(model, self.log10))
        return found

    def refines(self, other: Field) -> z3.BoolRef:
        """Return when a number given there is given here."""
        assert isinstance(other, Number)
        same = [self.number == other.number]
        if self.log10 is not None and other.log10 is not None:
            same.append(self.log10 == other.log10)
        return z3.Implies(other.known, z3.And(self.known, *same))


@dataclass(frozen=True)
class Several:
    """A set: not known, or known member by member."""

    known: z3.BoolRef
    members: Mapping[str, z3.BoolRef]

    @property
    def exact(self) -> z3.BoolRef:
        """When it is given."""
        return self.known

    def limits(self) -> Iterator[z3.BoolRef]:
        """Yield nothing: any set may be given."""
        yield from ()

    def state(self, member: str | None) -> Choice:
        """Return whether a member belongs to it."""
        assert member is not None
        nothing = z3.Not(self.known)
        return Choice({True: z3.Or(nothing, self.members[member]), False: z3.Or(nothing, z3.Not(self.members[member]))})

    def value(self, model: z3.ModelRef) -> Any:
        """Return the members given."""
        if not holds(model, self.known):
            return None
        return [name for name, when in self.members.items() if holds(model, when)]

    def refines(self, other: Field) -> z3.BoolRef:
        """Return when a set given there is given here."""
        assert isinstance(other, Several)
        same = [self.members[name] == other.members[name] for name in self.members]
        return z3.Implies(other.known, z3.And(self.known, *same))


def field(name: str, fact: Fact, prefix: str, marks: Iterable[float] | None = None) -> Field:
    """Make the variables of one field.

    Args:
        name: the field, as in the record.
        fact: its entry in the vocabulary.
        prefix: sets the variables of one patient apart from another's.
        marks: for a number of which a score takes the logarithm, the values that it is compared with.
    """
    label = f"{prefix}.{name}"
    if fact.kind in ("integer", "number"):
        number = z3.ToReal(z3.Int(label)) if fact.kind == "integer" else z3.Real(label)
        log10 = None if marks is None else z3.Real(f"{label}.log10")
        return Number(z3.Bool(f"{label}.known"), number, fact.range, log10, tuple(sorted(set(marks or ()))))
    if fact.kind == "set":
        return Several(
            z3.Bool(f"{label}.known"), {str(value): z3.Bool(f"{label}={value}") for value in fact.values or {}}
        )
    means: dict[Scalar, frozenset[Scalar]] = {}
    for value, text in (dict.fromkeys((True, False), "") if fact.kind == "boolean" else fact.values or {}).items():
        means[value] = frozenset(text.means) if isinstance(text, PartialValue) else frozenset([value])
    return Chosen(
        given={value: z3.Bool(f"{label}={value}") for value in means},
        means=means,
        exact_values=tuple(value for value, exact in means.items() if exact == {value}),
        always=Patient.model_fields[name].default is not None,
    )


Saying = tuple[str, Any]
"""A field and the value that it is given."""


def contradictions(facts: Mapping[str, Fact]) -> tuple[tuple[Saying, Saying], ...]:
    """Return every two sayings that a record is refused for, found by asking the record's own check.

    Only booleans, categories and sets contradict each other, two at a time; numbers may disagree with what is given.
    """
    asked = {
        name: list(_values(fact))
        for name, fact in facts.items()
        if fact.source in ("record", "record_or_derived") and fact.kind in ("boolean", "category", "set")
    }
    defaults = {name for name in asked if Patient.model_fields[name].default is not None}
    # What is refused by itself contradicts a default that the record fills in, and nothing else can be told of it.
    against = {
        name: {
            default
            for default in defaults
            if any(not _refused({name: value, default: other}) for other in asked[default])
        }
        for name, values in asked.items()
        for value in values
        if _refused({name: value})
    }
    found: list[tuple[Saying, Saying]] = []
    for one, other in combinations(asked, 2):
        if (one in against and other not in against[one]) or (other in against and one not in against[other]):
            continue
        for first, second in product(asked[one], asked[other]):
            if _refused({one: first, other: second}):
                found.append(((one, first), (other, second)))
    return tuple(found)


def _values(fact: Fact) -> Iterator[Any]:
    if fact.kind == "boolean":
        yield from (True, False)
    elif fact.kind == "set":
        names = [str(name) for name in fact.values or {}]
        for size in range(len(names) + 1):
            yield from (list(found) for found in combinations(names, size))
    else:
        yield from fact.values or {}


def _refused(record: Mapping[str, Any]) -> bool:
    try:
        parse_patient(dict(record))
    except RecordError:
        return True
    return False


def says(item: Field, value: Any) -> z3.BoolRef:
    """Return when a field holds exactly a value."""
    if isinstance(item, Several):
        return z3.And(item.known, *(when if name in value else z3.Not(when) for name, when in item.members.items()))
    assert isinstance(item, Chosen)
    return item.given[value]


def holds(model: z3.ModelRef, formula: z3.BoolRef) -> bool:
    """Whether a formula is true in a model; what the model leaves open counts as false."""
    return bool(z3.is_true(model.eval(formula, model_completion=True)))


def number_of(model: z3.ModelRef, term: z3.ArithRef) -> float | int:
    """Return the value of a number in a model."""
    found = z3.simplify(model.eval(term, model_completion=True))
    fraction = Fraction(found.numerator_as_long(), found.denominator_as_long())
    return int(fraction) if fraction.denominator == 1 else float(fraction)


def names_of(attribute: str) -> tuple[str, str | None]:
    """Return fact and member of an attribute."""
    return fact_of(attribute), member_of(attribute)
