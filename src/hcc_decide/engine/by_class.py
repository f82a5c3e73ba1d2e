"""One inference for each class of patients: what was judged once is remembered by what the rules could tell.

Rules compare facts with constants only. So two patients whose facts lie alike between these constants get the same answers,
and each option, the notices and staging need to be judged once for each combination of what they read. The answers are those
of `Engine.infer`, without its trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hcc_decide.classes.attributes import AttributeClasses
from hcc_decide.decision import Value
from hcc_decide.engine.facts import Reader, States
from hcc_decide.engine.fold import Fold
from hcc_decide.engine.inference import (
    Derived,
    Inference,
    Staged,
    Standing,
    check_results,
    check_staging,
    check_standing,
    judge_option,
    judge_rules,
    stage,
)
from hcc_decide.engine.program import Program
from hcc_decide.engine.shadow import Shadow
from hcc_decide.knowledge.catalogue import Knowledge, Treatment, read_by_staging
from hcc_decide.knowledge.condition import Scalar, State
from hcc_decide.patient import Patient

Key = tuple[int, ...]
Answers = Mapping[str, bool | None]
MOST = 200_000
"""Classes that are remembered at once, about 200 MB; beyond, all are forgotten and judged anew when met."""
NOWHERE = Standing("not_applicable", None, None, {})
"""An option none of whose settings is possible."""


class Judgement(NamedTuple):
    """What one option, or all notices, came to for a class.

    Attributes:
        results: for each rule judged: true, false, or ``None`` while a fact is missing.
        standing: the verdict of the option; of notices that of an option of no setting.
    """

    results: Answers
    standing: Standing


class _Derivation(NamedTuple):
    """What staging came to for a class: all that it adds to a record."""

    states: Mapping[str, State]
    derived: tuple[Derived, ...]
    disagreements: Mapping[str, Value]


class ByClass:
    """Infers once for each class of patients and remembers the answers; get one from `Engine.by_class`.

    Attributes:
        knowledge: the rule base.
        judged: how many classes of options, notices and staging have been judged by the engine so far.
    """

    def __init__(
        self, knowledge: Knowledge, program: Program, fold: Fold, *, attributes: tuple[str, ...], check: bool
    ) -> None:
        """Remember nothing yet.

        Args:
            knowledge: the rule base.
            program: its compiled rulesets.
            fold: the rules that turn criteria into verdicts.
            attributes: every attribute that rules read (``knowledge.attributes()``).
            check: let the shadow judge each class when it is new.
        """
        self.knowledge = knowledge
        self.judged = 0
        self._program = program
        self._fold = fold
        self._attributes = attributes
        self._reader = Reader(knowledge, attributes)
        self._check = check
        self._classes = AttributeClasses(knowledge)
        self._last: tuple[Patient | None, States] = (None, {})
        self._staging_reads = read_by_staging(knowledge)
        self._notices_read = tuple(sorted({name for rule in knowledge.notices for name in rule.attributes}))
        self._forget()

    def _forget(self) -> None:
        self._remembered = 0
        self._derivations: dict[Key, _Derivation] = {}
        self._judgements: dict[str, dict[Key, Judgement]] = {name: {} for name in self.knowledge.options}
        self._notices: dict[Key, Judgement] = {}

    def infer(self, patient: Patient) -> Inference:
        """Run the rule base for one patient; the trace is empty, all else is as `Engine.infer` gives it.

        Raises:
            EngineError: there is no decision; the next one is not affected.
        """
        if self._remembered > MOST:
            self._forget()
        record = self._read(patient)
        shadow = _Once(lambda: Shadow(self.knowledge, record))
        derivation = self._derive(record, shadow)
        states = {**record, **derivation.states}
        numbers = {name: self._classes.of(name, state) for name, state in states.items()}
        possible = states["setting"].values or frozenset()
        results: dict[str, bool | None] = dict(self._judge_notices(states, numbers, shadow).results)
        standings: dict[str, Standing] = {}
        for name, treatment in self.knowledge.options.items():
            if possible.isdisjoint(treatment.settings):
                standings[name] = NOWHERE
                continue
            judgement = self._judge_option(treatment, states, numbers, shadow)
            results.update(judgement.results)
            standings[name] = judgement.standing
        return Inference(patient, states, derivation.derived, derivation.disagreements, results, standings, ())

    def _derive(self, record: States, shadow: _Once) -> _Derivation:
        key = tuple(self._classes.of(name, record[name]) if name in record else -1 for name in self._staging_reads)
        found = self._derivations.get(key)
        if found is None:
            staged: Staged = stage(record, self.knowledge, self._program)
            if self._check:
                check_staging(shadow(), staged)
            made = {item.fact: staged.states[item.fact] for item in self.knowledge.staging}
            found = self._derivations[key] = _Derivation(made, staged.derived, staged.disagreements)
            self._count()
        return found

    def _judge_notices(self, states: States, numbers: Mapping[str, int], shadow: _Once) -> Judgement:
        key = tuple(numbers[name] for name in self._notices_read)
        found = self._notices.get(key)
        if found is None:
            read = {name: states[name] for name in self._notices_read}
            results = judge_rules(self._program.notices, read, self.knowledge)
            if self._check:
                check_results(shadow(), results)
            found = self._notices[key] = Judgement(results, NOWHERE)
            self._count()
        return found

    def _judge_option(
        self, treatment: Treatment, states: States, numbers: Mapping[str, int], shadow: _Once
    ) -> Judgement:
        key = tuple([numbers[name] for name in treatment.attributes])
        known = self._judgements[treatment.id]
        found = known.get(key)
        if found is None:
            read = {name: states[name] for name in treatment.attributes}
            results, standing = judge_option(
                treatment,
                read,
                self.knowledge,
                self._program,
                self._fold,
                settings=states["setting"].values or frozenset[Scalar](),
            )
            if self._check:
                check_results(shadow(), results)
                check_standing(shadow(), treatment, standing)
            found = known[key] = Judgement(results, standing)
            self._count()
        return found

    def _read(self, patient: Patient) -> States:
        """Return what the record says; whoever asks for the class of a patient mostly asks for the answers next."""
        last, states = self._last
        if last is not patient:
            states = self._reader.read(patient)
            self._last = (patient, states)
        return states

    def _count(self) -> None:
        self.judged += 1
        self._remembered += 1

    def key(self, patient: Patient) -> Key:
        """Return the class of a patient: equal for two patients of whom the rules can tell nothing different."""
        record = self._read(patient)
        return tuple(self._classes.of(name, record[name]) if name in record else -1 for name in self._attributes)


class _Once:
    """The shadow of one record, made when it is first asked for."""

    def __init__(self, make: Callable[[], Shadow]) -> None:
        self._make = make
        self._made: Shadow | None = None

    def __call__(self) -> Shadow:
        if self._made is None:
            self._made = self._make()
        return self._made
