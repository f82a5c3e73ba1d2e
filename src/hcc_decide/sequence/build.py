"""Looking ahead: from today's record the decisions that may follow, line by line, by the same rules as today's.

Records of which the rules can tell nothing different are one decision, so the number of decisions grows far slower than the
number of ways to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hcc_decide.decide import stamp
from hcc_decide.decision import LISTED, USABLE
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.facts import shown
from hcc_decide.knowledge.catalogue import Knowledge, Treatment
from hcc_decide.knowledge.labels import fact_label, option_name, value_text
from hcc_decide.patient import Patient, RecordError, parse_patient
from hcc_decide.ranking import governing_use
from hcc_decide.sequence.decisions import Met
from hcc_decide.sequence.measured import has_had, known_after, lines_before
from hcc_decide.sequence.onward import (
    assumed_with,
    assumption_text,
    checked,
    endings_of,
    record_after,
    why_not_followed,
    with_assumptions,
    written,
)
from hcc_decide.sequence.plan import Plan, PlanError, TooManyStatesError
from hcc_decide.sequence.shape import AsToday, Lost, Said, SequenceTree, Step, Stop, Taken
from hcc_decide.sources import concerns

Key = tuple[object, ...]


class Move(NamedTuple):
    """An option that is taken and how it ends, the decision that this leads to, and the patient who comes this way.

    The decision is shared, and keeps the patient who came first.
    """

    option: str
    ending: str
    target: Met
    patient: Patient


def build(patient: Patient, by_class: ByClass, plan: Plan) -> SequenceTree:
    """Look ahead from a record.

    Args:
        patient: today's record.
        by_class: judges the records.
        plan: how far, how widely, and what is assumed.

    Raises:
        PlanError: the plan names what does not exist or cannot come into question, or an assumption makes a record
            that is refused.
        TooManyStatesError: more decisions come up than the plan allows.
        EngineError: the rule base or the engine failed; there is no answer.
    """
    return _Walk(patient, by_class, plan).tree()


class _Walk:
    def __init__(self, patient: Patient, by_class: ByClass, plan: Plan) -> None:
        self.knowledge: Knowledge = by_class.knowledge
        self.by_class = by_class
        self.plan = plan
        self.met: list[Met] = []
        self.moves: dict[str, list[Move]] = {}
        self.assumed: dict[str, None] = {}
        self.with_history = [entry for entry in self.knowledge.sequences if lines_before(entry)]
        checked(self.knowledge, plan)
        self.today = self._new(patient, patient.to_record(), 0, ())

    def tree(self) -> SequenceTree:
        choices = self._choices()
        level = [self.today]
        for ahead in range(1, self.plan.depth + 1):
            known: dict[Key, Met] = {}
            for met in level:
                met.followed = self._followed(met, choices if met is self.today else ())
                self.moves[met.id] = [
                    move for option in met.followed for move in self._moves(met, option, ahead, known)
                ]
            level = list(known.values())
        nodes = [met.node(self._stop(met)) for met in self.met]
        return SequenceTree(
            knowledge=stamp(self.knowledge),
            patient=dict(self.today.record),
            plan=self.plan,
            assumed=[*self.assumed, *(assumption_text(self.knowledge, item) for item in self.plan.assumptions)],
            as_today=self._as_today(),
            nodes=nodes,
            steps=[step for met in self.met for step in self._steps(met)],
            known_today=known_after(self.knowledge, self.today.patient, self.today.offered),
            ways=sum(met.ways for met in self.met),
            intended_use=self.knowledge.manifest.intended_use,
        )

    def _new(self, patient: Patient, record: Mapping[str, Any], ahead: int, taken: tuple[Taken, ...]) -> Met:
        if len(self.met) >= self.plan.most:
            raise TooManyStatesError(
                [
                    f"depth {self.plan.depth} and width {self.plan.width} come to more than {self.plan.most} decisions; "
                    "ask for less of one of them or for fewer endings, or allow more decisions"
                ]
            )
        inference = self.by_class.infer(patient)
        met = Met(self.knowledge, str(len(self.met) + 1), ahead, patient, record, inference, taken)
        self.met.append(met)
        return met

    def _choices(self) -> tuple[str, ...]:
        """Return the ids of the options to follow first, and refuse what cannot be begun with."""
        found: dict[str, None] = {}
        problems = []
        for name in self.plan.choices:
            option = self.knowledge.option_ids.get(name)
            if option is None:
                problems.append(f"first choice: {name!r} is no option of the catalogue")
                continue
            standing = self.today.inference.standings[option]
            why = why_not_followed(self.knowledge, self.knowledge.options[option], self.today.setting)
            if (standing.would_be or standing.verdict) not in LISTED:
                lost = self.today.lost(option)
                word = lost.verdict if lost.would_be is None else lost.would_be
                problems.append(
                    f"first choice: {option} does not come into question today ({_words(word)}): {lost.reason}"
                )
            elif why is not None:
                problems.append(f"first choice: {option} cannot be followed. {why}")
            elif not self._endings(self.today, option):
                problems.append(f"first choice: {option} cannot end in any of the ways that are asked for")
            found[option] = None
        if problems:
            raise PlanError(problems)
        return tuple(found)

    def _followed(self, met: Met, choices: Sequence[str]) -> tuple[str, ...]:
        """Return the options to go on from: the choices, then those that lead as far as the width goes, with equal ranks."""
        found = list(choices)
        last = None
        for place in met.places:
            if place.verdict not in USABLE or place.option in choices or not self._endings(met, place.option):
                continue
            if len(found) >= self.plan.width and place.rank != last:
                break
            found.append(place.option)
            last = place.rank
        return tuple(found)

    def _endings(self, met: Met, option: str) -> tuple[str, ...]:
        every = endings_of(self.knowledge, self.knowledge.options[option], met.setting)
        wanted = self.plan.endings
        return tuple(name for name in every if wanted is None or name in wanted)

    def _moves(self, met: Met, option: str, ahead: int, known: dict[Key, Met]) -> list[Move]:
        treatment = self.knowledge.options[option]
        found = []
        for ending in self._endings(met, option):
            patient = self._patient_after(met, treatment, ending, ahead)
            key = self._key(patient)
            target = known.get(key)
            if target is None:
                label = self._label(ending)
                taken = Taken(option=option, name=treatment.body.name, ending=ending, ending_label=label)
                target = known[key] = self._new(patient, patient.to_record(), ahead, (*met.taken, taken))
                target.ways = 0
            target.ways += met.ways
            found.append(Move(option, ending, target, patient))
            texts = assumed_with(self.knowledge, met.record, treatment, met.setting, ending)
            self.assumed |= dict.fromkeys(texts)
        return found

    def _patient_after(self, met: Met, treatment: Treatment, ending: str, ahead: int) -> Patient:
        where = f"after {treatment.body.name} and {self._label(ending)}, {ahead} ahead"
        before = record_after(self.knowledge, met.record, treatment, met.setting, ending)
        try:
            parse_patient(before, self.knowledge.option_ids)
        except RecordError as error:
            raise PlanError(f"{where}, the record is refused: {problem}" for problem in error.problems) from None
        try:
            return parse_patient(with_assumptions(before, self.plan, ahead), self.knowledge.option_ids)
        except RecordError as error:
            made = ", ".join(written(item) for item in self.plan.assumptions if item.after in (None, ahead))
            raise PlanError(
                f"{where}, what is assumed ({made}) makes a record that is refused: {problem}"
                for problem in error.problems
            ) from None

    def _key(self, patient: Patient) -> Key:
        """Return what two decisions, equally far ahead, have alike when they are the same for the rules and the evidence."""
        lines = patient.prior_systemic or ()
        had = tuple(has_had(self.knowledge, lines, entry) for entry in self.with_history)
        return (self.by_class.key(patient), len(lines), had)

    def _stop(self, met: Met) -> Stop | None:
        if self.moves.get(met.id):
            return None
        usable = [place.option for place in met.places if place.verdict in USABLE]
        if not usable:
            if met.offered:
                text = "No option is usable before what is missing is known"
            else:
                text = "The rules know no usable option here"
            return Stop(kind="nothing_usable", text=text)
        if not any(self._endings(met, option) for option in usable):
            reasons = dict.fromkeys(
                why_not_followed(self.knowledge, self.knowledge.options[option], met.setting)
                or "None of the endings that are asked for applies to what is usable here"
                for option in usable
            )
            return Stop(kind="not_followed", text="; ".join(reasons))
        return Stop(kind="depth", text=f"As far as it was asked to look: {_count(met.ahead, 'line')} ahead")

    def _steps(self, met: Met) -> list[Step]:
        moves = self.moves.get(met.id, [])
        return [self._step(met, move, moves) for move in moves]

    def _step(self, met: Met, move: Move, moves: Sequence[Move]) -> Step:
        option, ending, target, patient = move
        before, after = frozenset(met.offered), frozenset(target.offered)
        # What is no line has none after it.
        line = bool(self.knowledge.options[option].body.drugs)
        known = known_after(self.knowledge, patient, target.offered) if line else []
        measured = {item.option for item in known if item.figures}
        return Step(
            source=met.id,
            target=target.id,
            option=option,
            name=option_name(self.knowledge, option),
            ending=ending,
            ending_label=self._label(ending),
            opens=[target.opened(name) for name in target.offered if name not in before],
            closes=[target.lost(name) for name in met.offered if name not in after and name != option],
            foregone=self._foregone(move, moves),
            said=self._said(met, option, target),
            known=known,
            not_measured=[
                name for name in target.offered if name not in measured and self.knowledge.options[name].body.drugs
            ],
        )

    def _label(self, ending: str) -> str:
        return self.knowledge.course.endings[ending].label

    def _foregone(self, move: Move, moves: Sequence[Move]) -> list[Lost]:
        """Return what another choice with the same ending keeps, or this one with another ending."""
        within = {*move.target.offered, move.option}
        kept: dict[str, list[str]] = {}
        for other in moves:
            # Two differences at once would not say which of them it was.
            if (other.option == move.option) is (other.ending == move.ending):
                continue
            name = option_name(self.knowledge, other.option)
            how = name if other.option != move.option else f"{name} that ends with {self._label(other.ending)}"
            for option in other.target.offered:
                if option not in within:
                    kept.setdefault(option, []).append(how)
        return [move.target.lost(name).model_copy(update={"kept_by": names}) for name, names in kept.items()]

    def _said(self, met: Met, option: str, target: Met) -> list[Said]:
        treatment = self.knowledge.options[option]
        use = governing_use(treatment, met.inference.standings[option])
        later = treatment.body.later_lines
        within = frozenset(target.offered)
        kinds = (("opens", later.opens), ("closes", later.closes))
        return [
            Said(
                kind="opens" if kind == "opens" else "closes",
                option=item.option,
                name=option_name(self.knowledge, item.option),
                text=item.text,
                claims=list(item.claims),
            )
            for kind, items in kinds
            for item in items
            if concerns(item.for_, use) and (item.option in within) is (kind == "opens")
        ]

    def _as_today(self) -> list[AsToday]:
        changing = {item.fact for item in self.plan.assumptions}
        found = []
        for name in self.knowledge.course.may_change:
            if name in changing:
                continue
            fact = self.knowledge.vocabulary.facts[name]
            value = getattr(self.today.patient, name)
            state = self.today.inference.states.get(name)
            if value is None and state is not None and state.known:
                value = shown(state, fact)
            text = value_text(fact, value)
            found.append(AsToday(fact=name, label=fact_label(self.knowledge, name), value=value, text=text))
        return found


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
