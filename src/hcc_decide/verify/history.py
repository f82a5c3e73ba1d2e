"""Prior systemic therapy as z3 variables: every list of lines that a record may hold, as far as rules can tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import z3

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Scalar
from hcc_decide.patient import OTHER
from hcc_decide.verify.fields import holds, number_of
from hcc_decide.verify.truth import Choice, Known, Quantity

MOST_LINES = 40
"""As many lines as a record may have."""
NAMED, UNNAMED = "other, named", "other, unnamed"
BY_OPTION = (
    "prior_option",
    "progressed_on",
    "not_tolerated",
    "failed_option",
    "radiological_progression",
    "last_daily_dose_mg",
    "tolerated_days_of_last_28",
)
BY_CLASS = ("prior_class", "progressed_on_class")


@dataclass(frozen=True)
class Given:
    """What the lines of one drug, or of drugs that no rule tells apart, say together.

    Attributes:
        given: whether there is a line.
        progressed, not_tolerated: whether one of them ended so.
        ongoing: whether the last of them is still given.
        imaged, not_imaged: whether imaging showed, or surely did not show, the progression on a line.
        dose_known, dose, days_known, days: the details of the last line.
        followed: whether a line of a drug that is not named comes after the last one; it may have been this drug again.
    """

    given: z3.BoolRef
    progressed: z3.BoolRef
    not_tolerated: z3.BoolRef
    ongoing: z3.BoolRef
    imaged: z3.BoolRef
    not_imaged: z3.BoolRef
    dose_known: z3.BoolRef
    dose: z3.ArithRef
    days_known: z3.BoolRef
    days: z3.ArithRef
    followed: z3.BoolRef

    @property
    def unsure(self) -> z3.BoolRef:
        """Whether imaging showed a progression, or may have."""
        return z3.And(self.progressed, z3.Not(self.not_imaged))

    @property
    def failed(self) -> z3.BoolRef:
        """Whether a line ended with progression or was not tolerated."""
        return z3.Or(self.progressed, self.not_tolerated)

    @property
    def lines(self) -> z3.ArithRef:
        """The least number of lines that say all this: a line that goes on has not ended with either."""
        return z3.If(self.given, 1, 0) + z3.If(z3.And(self.ongoing, self.failed), 1, 0)

    def limits(self) -> Iterator[z3.BoolRef]:
        """Yield what every list of lines obeys."""
        nothing = z3.Not(self.given)
        for flag in (
            self.progressed,
            self.not_tolerated,
            self.ongoing,
            self.dose_known,
            self.days_known,
            self.followed,
        ):
            yield z3.Implies(nothing, z3.Not(flag))
        yield z3.Implies(z3.Or(self.imaged, self.not_imaged), self.progressed)
        yield z3.Not(z3.And(self.imaged, self.not_imaged))
        yield self.dose >= 0
        yield self.days >= 0
        yield self.days <= 28


class History:
    """The lines of prior systemic therapy.

    Drugs that no rule in question names are taken together when they belong to the same classes in question.

    Attributes:
        known: when the record has a list of lines.
        count: how many lines it has.
        groups: what the lines of each drug say; the first id of a group stands for it.
    """

    def __init__(self, knowledge: Knowledge, attributes: Iterable[tuple[str, str | None]], prefix: str) -> None:
        """Make the variables for the attributes in question."""
        asked = list(attributes)
        named = {member for name, member in asked if name in BY_OPTION and member}
        classes = {member for name, member in asked if name in BY_CLASS and member}
        self._classes: dict[str, frozenset[str]] = {}
        alike: dict[frozenset[str], str] = {}
        for option, treatment in knowledge.options.items():
            of = frozenset(treatment.body.classes) & classes
            if option in named or alike.setdefault(of, option) == option:
                self._classes[option] = of
        self.known = z3.Bool(f"{prefix}.prior_systemic.known")
        self.count = z3.Int(f"{prefix}.prior_systemic.count")
        self.groups: Mapping[str, Given] = {
            name: _given(f"{prefix}.prior_systemic[{name}]") for name in (*self._classes, NAMED, UNNAMED)
        }

    @property
    def exact(self) -> z3.BoolRef:
        """When the lines leave nothing open: each drug is in the catalogue, with its classes, and each detail known."""
        parts = [self.known, *(z3.Not(self.groups[name].given) for name in (NAMED, UNNAMED))]
        for item in self.groups.values():
            parts.append(z3.Implies(item.given, z3.And(item.dose_known, item.days_known)))
            parts.append(z3.Implies(item.progressed, z3.Or(item.imaged, item.not_imaged)))
        return z3.And(parts)

    def limits(self) -> Iterator[z3.BoolRef]:
        """Yield what every list of lines obeys."""
        groups = list(self.groups.values())
        for item in groups:
            yield from item.limits()
        yield z3.AtMost(*(item.ongoing for item in groups), 1)
        unnamed = self.groups[UNNAMED]
        yield z3.Not(unnamed.followed)
        for item in groups:
            if item is not unnamed:
                yield z3.Implies(item.followed, unnamed.given)
                # What goes on is the last line of all.
                yield z3.Implies(item.ongoing, z3.Not(item.followed))
                yield z3.Implies(z3.And(item.given, unnamed.ongoing), item.followed)
        yield self.count >= z3.Sum([item.lines for item in groups])
        yield self.count <= MOST_LINES
        yield z3.Implies(self.count > 0, z3.Or([item.given for item in groups]))

    def state(self, name: str, member: str | None) -> Known:
        """Return what is known of an attribute that is read off the lines."""
        every = list(self.groups.values())
        unnamed = self.groups[UNNAMED].given
        if name == "systemic_lines":
            count = z3.ToReal(self.count)
            return Quantity(self.known, count, count, z3.BoolVal(True))
        if name in ("any_progression", "ongoing_line"):
            flags = [item.progressed if name == "any_progression" else item.ongoing for item in every]
            return self._choice(z3.Or(flags), z3.BoolVal(False))
        assert member is not None
        if name == "last_daily_dose_mg":
            return self._detail(self.groups[member], unnamed, lambda item: (item.dose_known, item.dose))
        if name == "tolerated_days_of_last_28":
            return self._detail(self.groups[member], unnamed, lambda item: (item.days_known, z3.ToReal(item.days)))
        if name == "radiological_progression":
            item = self.groups[member]
            return self._choice(item.imaged, z3.Or(item.unsure, self.groups[UNNAMED].unsure))
        flag: dict[str, Callable[[Given], z3.BoolRef]] = {
            "prior_option": lambda item: item.given,
            "prior_class": lambda item: item.given,
            "progressed_on": lambda item: item.progressed,
            "progressed_on_class": lambda item: item.progressed,
            "not_tolerated": lambda item: item.not_tolerated,
            "failed_option": lambda item: item.failed,
        }
        of = flag[name]
        obscure = of(self.groups[UNNAMED])
        if name not in BY_CLASS:
            return self._choice(of(self.groups[member]), obscure)
        mine = [of(self.groups[option]) for option, classes in self._classes.items() if member in classes]
        return self._choice(z3.Or(mine), z3.Or(obscure, of(self.groups[NAMED])))

    def _choice(self, yes: z3.BoolRef, obscure: z3.BoolRef) -> Choice:
        """Return a state: true when a line says so, open when a drug that is not named may."""
        nothing = z3.Not(self.known)
        possible: dict[Scalar, z3.BoolRef] = {
            True: z3.Or(nothing, yes, obscure),
            False: z3.Or(nothing, z3.Not(yes)),
        }
        return Choice(possible)

    def _detail(
        self,
        item: Given,
        unnamed: z3.BoolRef,
        of: Callable[[Given], tuple[z3.BoolRef, z3.ArithRef]],
    ) -> Quantity:
        known, number = of(item)
        given = z3.And(self.known, item.given)
        return Quantity(
            known=z3.And(given, known, z3.Not(item.followed)),
            low=number,
            high=number,
            applicable=z3.Or(z3.Not(self.known), item.given, unnamed),
        )

    def said(self) -> Iterator[z3.BoolRef]:
        """Yield, for everything that a list may leave out, when it does not."""
        yield self.known
        for item in self.groups.values():
            yield from (item.given, item.progressed, item.not_tolerated, item.ongoing)
            yield from (item.dose_known, item.days_known, z3.Or(item.imaged, item.not_imaged))

    def value(self, model: z3.ModelRef) -> Any:
        """Return the lines that a model stands for; ``None`` when the record has no list."""
        if not holds(model, self.known):
            return None
        # First what an unnamed drug follows, then that drug, then the rest, and last what goes on.
        places: dict[int, list[dict[str, Any]]] = {place: [] for place in range(4)}
        for name, item in self.groups.items():
            if holds(model, item.given):
                last = holds(model, item.ongoing)
                place = 3 if last else 1 if name == UNNAMED else 0 if holds(model, item.followed) else 2
                places[place] += _lines(name, item, model)
        found = [line for lines in places.values() for line in lines]
        count = int(number_of(model, z3.ToReal(self.count)))
        # What is left over repeats a line that says nothing new.
        while found and len(found) < count:
            found.insert(
                0, {**{key: found[0][key] for key in ("option", "name") if key in found[0]}, "outcome": "completed"}
            )
        return found

    def refines(self, other: History) -> z3.BoolRef:
        """Return when these lines may be those of another record, of which less is known.

        A drug that is not named there may be named here, whichever it was. More pairs of records than there are pass for
        such, so what is shown of all of them holds.
        """
        same: list[z3.BoolRef] = [self.count == other.count]
        obscure = other.groups[UNNAMED]
        for name in self.groups:
            here, there = self.groups[name], other.groups[name]
            for key in ("given", "progressed", "not_tolerated", "ongoing"):
                one, two, hidden = getattr(here, key), getattr(there, key), getattr(obscure, key)
                same.append(z3.Implies(one, z3.Or(two, hidden)))
                if name != UNNAMED:
                    same.append(z3.Implies(two, one))
            same.append(z3.Implies(here.unsure, z3.Or(there.unsure, obscure.unsure)))
            if name == UNNAMED:
                continue
            same.append(z3.Implies(there.imaged, here.imaged))
            same.append(z3.Implies(here.followed, z3.Or(there.followed, z3.Not(there.given))))
            for key in ("dose", "days"):
                kept = z3.And(getattr(here, f"{key}_known"), getattr(here, key) == getattr(there, key))
                same.append(z3.Implies(z3.And(getattr(there, f"{key}_known"), z3.Not(there.followed)), kept))
        return z3.Implies(other.known, z3.And(self.known, *same))


def _given(label: str) -> Given:
    made: dict[str, Any] = {item.name: z3.Bool(f"{label}.{item.name}") for item in fields(Given)}
    return Given(**made | {"dose": z3.Real(f"{label}.dose"), "days": z3.Int(f"{label}.days")})


def _lines(name: str, item: Given, model: z3.ModelRef) -> Iterator[dict[str, Any]]:
    """Yield the fewest lines of one drug that say what a model says; the last carries the details."""
    drug: dict[str, Any] = {"option": name}
    if name in (NAMED, UNNAMED):
        drug = {"option": OTHER, "name": "another drug"} if name == NAMED else {"option": OTHER}
    progressed, not_tolerated = holds(model, item.progressed), holds(model, item.not_tolerated)
    ended = {
        (True, True): "progression_and_intolerance",
        (True, False): "progression",
        (False, True): "intolerance",
        (False, False): "completed",
    }[progressed, not_tolerated]
    line: dict[str, Any] = {**drug, "outcome": ended}
    if holds(model, item.imaged) or holds(model, item.not_imaged):
        line["radiological_progression"] = holds(model, item.imaged)
    ongoing = holds(model, item.ongoing)
    if ongoing and (progressed or not_tolerated):
        yield line
        line = {**drug, "outcome": "ongoing"}
    elif ongoing:
        line["outcome"] = "ongoing"
    if holds(model, item.dose_known):
        line["last_daily_dose_mg"] = number_of(model, item.dose)
    if holds(model, item.days_known):
        line["tolerated_days_of_last_28"] = number_of(model, z3.ToReal(item.days))
    yield line
