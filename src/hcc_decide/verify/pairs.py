"""Theorems about one option and two patients: what a worse condition, or knowing more, can do to its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import z3

from hcc_decide.decision import VERDICTS, Verdict
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Scalar
from hcc_decide.verify.asking import Asker
from hcc_decide.verify.fields import Chosen, Number, Saying
from hcc_decide.verify.results import Failure, Tally
from hcc_decide.verify.truth import Choice
from hcc_decide.verify.world import Judged, World

CHANGES = "worse-changes-setting"
OFFERED: tuple[Verdict, ...] = ("preferred", "recommended", "alternative", "investigational")


@dataclass(frozen=True)
class Axis:
    """One way in which a patient can be worse off.

    Attributes:
        theorem: its name.
        field: the field of the record that is worse.
        order: its values, each worse than those before it; ``None`` for a number, of which more is worse.
        worst: of the second patient only this value counts, where given.
    """

    theorem: str
    field: str
    order: tuple[Scalar, ...] | None = None
    worst: Scalar | None = None


AXES = (
    Axis("worse-child-pugh", "child_pugh_class", ("A", "B", "C")),
    Axis("worse-ecog", "ecog"),
    Axis("untreated-varices", "varices", ("none", "treated", "untreated"), worst="untreated"),
)


def worse(axis: Axis, before: World, after: World) -> z3.BoolRef:
    """Return when the second patient is the first one but for being worse off; both are known to be as they are."""
    one, two = before.fields[axis.field], after.fields[axis.field]
    if isinstance(one, Number):
        assert isinstance(two, Number)
        return z3.And(one.known, two.known, two.number > one.number)
    assert isinstance(one, Chosen)
    assert isinstance(two, Chosen)
    order = axis.order or ()
    steps = [
        z3.And(one.given[better], two.given[value])
        for place, value in enumerate(order)
        for better in order[:place]
        if axis.worst in (None, value)
    ]
    return z3.Or(steps)


class PairProofs:
    """The theorems about one option and two patients."""

    def __init__(self, knowledge: Knowledge, option: str, refused: tuple[tuple[Saying, Saying], ...]) -> None:
        """Make the first patient and judge the option."""
        self._knowledge = knowledge
        self._treatment = knowledge.options[option]
        self._refused = refused
        self._attributes = (*self._treatment.attributes, *(axis.field for axis in AXES))
        self._before = World(knowledge, self._attributes, refused)
        self._one = Judged(self._before, self._treatment)
        self.tally = Tally()

    def run(self) -> Tally:
        """Prove everything."""
        self._learning()
        for axis in AXES:
            self._worse(axis)
        return self.tally

    def _claim(self, ask: Asker, theorem: str, text: str, two: Judged, against: z3.BoolRef) -> None:
        model = ask.smallest(against)
        if model is None:
            self.tally.hold(theorem)
            return
        before, after = (world.record(model) for world in ask.worlds)
        moved = f"{text}: {_shown(*self._one.found(model))}, then {_shown(*two.found(model))}"
        self.tally.fail(Failure(theorem, self._treatment.id, moved, before, after))

    def _learning(self) -> None:
        """Show what knowing more cannot do, as long as nothing given contradicts what the rest says."""
        after = World(self._knowledge, self._attributes, self._refused, "patient, better known")
        two = Judged(after, self._treatment)
        ask = Asker([self._before, after], self.tally, [after.refines(self._before), after.coherent])
        settled = [verdict for verdict in self._one.verdicts if verdict != "undetermined"]
        changed = z3.Or([z3.And(self._one.verdicts[verdict], z3.Not(two.verdicts[verdict])) for verdict in settled])
        self._claim(ask, "learning-keeps-verdicts", "a settled verdict changes when more is known", two, changed)
        best = z3.Or([z3.And(self._one.would_be[verdict], _better(two, verdict)) for verdict in VERDICTS])
        self._claim(ask, "outlook-is-the-best", "becomes better than it was said it would be", two, best)

    def _worse(self, axis: Axis) -> None:
        """Show that being worse off raises nothing to what may be offered, within one setting."""
        after = World(self._knowledge, self._attributes, self._refused, apart=axis.field)
        two = Judged(after, self._treatment)
        here = settings_alike(self._before, after)
        ask = Asker([self._before, after], self.tally, [worse(axis, self._before, after), here])
        raised = z3.Or(
            [
                z3.And(
                    two.at_best(verdict), z3.Not(z3.Or([self._one.at_best(other) for other in OFFERED[: place + 1]]))
                )
                for place, verdict in enumerate(OFFERED)
            ]
        )
        self._claim(ask, axis.theorem, "is raised", two, raised)


def _better(judged: Judged, verdict: Verdict) -> z3.BoolRef:
    """Return when an option has a settled verdict that stands before another."""
    before = [other for other in VERDICTS[: VERDICTS.index(verdict)] if other != "undetermined"]
    return judged.any_of(before)


def settings_alike(before: World, after: World) -> z3.BoolRef:
    """Return when two patients may be in the same settings."""
    one, two = before.states["setting"], after.states["setting"]
    assert isinstance(one, Choice)
    assert isinstance(two, Choice)
    return z3.And([one.possible[value] == two.possible[value] for value in one.possible])


def _shown(verdicts: Sequence[Verdict], would_be: Sequence[Verdict]) -> str:
    return ", ".join((*verdicts, *(f"would be {verdict}" for verdict in would_be)))


def transitions(
    knowledge: Knowledge, refused: tuple[tuple[Saying, Saying], ...], allowed: Mapping[str, Iterable[tuple[str, str]]]
) -> Tally:
    """Show which settings follow which when a patient becomes worse off.

    Args:
        knowledge: the rule base.
        refused: what no record may say.
        allowed: by the axis's field, every change of setting that is expected.
    """
    tally = Tally()
    for axis in AXES:
        before = World(knowledge, ["setting", axis.field], refused)
        after = World(knowledge, ["setting", axis.field], refused, apart=axis.field)
        ask = Asker([before, after], tally, [worse(axis, before, after)])
        settings = [str(value) for value in knowledge.domain("setting").values]
        expected = set(allowed.get(axis.field, ()))
        for one in settings:
            for two in settings:
                if one == two:
                    continue
                model = ask.smallest(before.among("setting", [one]).true, after.among("setting", [two]).true)
                subject = f"{axis.field}: {one} to {two}"
                if (model is not None) == ((one, two) in expected):
                    tally.hold(CHANGES)
                elif model is None:
                    tally.fail(Failure(CHANGES, subject, "is expected and cannot happen"))
                else:
                    text = "happens and is not expected"
                    tally.fail(Failure(CHANGES, subject, text, before.record(model), after.record(model)))
    return tally
