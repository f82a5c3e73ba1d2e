"""One inference: staging, then eligibility, then verdicts, each to its fixpoint, each reading only what is below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, cast

from hcc_decide.decision import Result, Setting, Value, Verdict
from hcc_decide.engine.facts import States, read_facts
from hcc_decide.engine.fold import Findings, Fold, Outcome, of_option
from hcc_decide.engine.network import EngineError, Firing, RuleSet
from hcc_decide.engine.program import DISAGREEMENT, MET, Program, given_facts
from hcc_decide.engine.rules import DERIVED, EXCLUDED, GIVEN, LOWER, UPPER, NetFact, facts_for, text_of
from hcc_decide.engine.shadow import Shadow
from hcc_decide.knowledge.catalogue import Knowledge, Rule, RuleKind, Treatment
from hcc_decide.knowledge.condition import Scalar, State, fact_of
from hcc_decide.patient import Patient


class ShadowError(EngineError):
    """The independent interpreter judged differently; there is no decision."""


@dataclass(frozen=True)
class Derived:
    """A fact that staging established.

    Attributes:
        fact: its name.
        rule: the staging rule that established it.
        read: the attributes that the rule read.
    """

    fact: str
    rule: str
    read: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """The verdict of one option, and how each of its indications fared.

    Attributes:
        would_be: with ``undetermined``, the verdict if what is missing turns out well.
        indication: the indication that decides, or that is nearest to it; ``None`` when none can apply.
        outcomes: by indication; empty when no setting of the option is possible.
    """

    verdict: Verdict
    would_be: Verdict | None
    indication: str | None
    outcomes: Mapping[str, Outcome]


Stratum = Literal["staging", "eligibility", "ranking"]


class TraceStep(NamedTuple):
    """One firing, in the canonical order of the trace."""

    stratum: Stratum
    rule: str
    matched: tuple[NetFact, ...]
    asserted: NetFact


@dataclass(frozen=True)
class Inference:
    """Everything that one run established.

    Attributes:
        patient: the record.
        states: what is known of every attribute, derived facts included.
        derived: facts that staging established, in order of derivation.
        disagreements: facts that the record gives otherwise than staging derives them, with the derived value, or ``None``
            where staging only rules the given value out.
        results: for each rule judged: true, false, or ``None`` while a fact is missing.
        standings: for each option of the catalogue.
        steps: every firing.
    """

    patient: Patient
    states: Mapping[str, State]
    derived: tuple[Derived, ...]
    disagreements: Mapping[str, Value]
    results: Mapping[str, bool | None]
    standings: Mapping[str, Standing]
    steps: tuple[TraceStep, ...]

    @property
    def setting(self) -> Setting:
        """The setting, ``undetermined`` while several are possible."""
        possible = self.states["setting"].values or frozenset()
        if len(possible) != 1:
            return "undetermined"
        return cast("Setting", next(iter(possible)))


def infer(
    patient: Patient,
    knowledge: Knowledge,
    program: Program,
    fold: Fold,
    *,
    attributes: tuple[str, ...],
    also: Iterable[Treatment] = (),
    check: bool = True,
) -> Inference:
    """Run the rule base for one patient.

    Args:
        patient: the record.
        knowledge: the rule base.
        program: its compiled rulesets.
        fold: the rules that turn criteria into verdicts.
        attributes: every attribute that rules read (``knowledge.attributes()``).
        also: options whose rules are to be judged although their setting is out of question.
        check: let the shadow judge the result.

    Raises:
        EngineError: the rule base contradicts itself or the engine failed.
        ShadowError: the shadow judged differently.
    """
    record = read_facts(patient, knowledge, attributes)
    staged = stage(record, knowledge, program)
    states, steps = staged.states, list(staged.steps)
    facts = [fact for name, state in states.items() for fact in facts_for(name, state, knowledge.domain(name))]
    possible = states["setting"].values or frozenset()
    rulesets = [program.notices]
    rulesets += [item for setting, group in program.eligibility.items() if setting in possible for item in group]
    judged = dict.fromkeys(rule.source for ruleset in rulesets for rule in ruleset.rules)
    for treatment in also:
        ruleset = program.option_ruleset(treatment)
        judged |= dict.fromkeys(rule.source for rule in ruleset.rules)
        rulesets.append(ruleset)
    results: dict[str, bool | None] = dict.fromkeys(judged)
    for ruleset in rulesets:
        for firing in ruleset.run(facts):
            steps.append(_step("eligibility", firing))
            _note(results, firing)
    standings: dict[str, Standing] = {}
    for treatment in knowledge.options.values():
        standing = _standing(treatment, results, fold)
        standings[treatment.id] = standing
        for outcome in standing.outcomes.values():
            steps += [_step("ranking", firing, treatment.id) for firing in outcome.firings]
    inference = Inference(patient, states, staged.derived, staged.disagreements, results, standings, _canonical(steps))
    if check:
        shadow = Shadow(knowledge, record)
        check_staging(shadow, staged)
        check_results(shadow, results)
        for treatment in knowledge.options.values():
            check_standing(shadow, treatment, standings[treatment.id])
    return inference


class Staged(NamedTuple):
    """What staging made of a record; the parts are those of `Inference`."""

    states: States
    derived: tuple[Derived, ...]
    disagreements: Mapping[str, Value]
    steps: tuple[TraceStep, ...]


def stage(record: States, knowledge: Knowledge, program: Program) -> Staged:
    """Derive facts from facts.

    Args:
        record: what the record itself says (`read_facts`).
        knowledge: the rule base.
        program: its compiled rulesets.

    Raises:
        EngineError: the rules derive two values of one fact, or none, or the engine failed.
    """
    derivable = {item.fact for item in knowledge.staging}
    facts: list[NetFact] = []
    for name, state in record.items():
        if name in derivable:
            known = next(iter(state.values)) if state.values is not None and state.known else None
            facts += given_facts(name, known)
        else:
            facts += facts_for(name, state, knowledge.domain(name))
    firings = program.staging.run(facts)
    asserted = {firing.rule.asserts for firing in firings}
    states = dict(record)
    derived: list[Derived] = []
    for item in knowledge.staging:
        domain = knowledge.domain(item.fact)
        held = [value for value in domain.values if NetFact(item.fact, text_of(value)) in asserted]
        left = [value for value in domain.values if NetFact(item.fact + EXCLUDED, text_of(value)) not in asserted]
        if len(held) > 1:
            raise EngineError(f"staging derives {item.fact} as {held} at once")
        values = frozenset(held or left)
        if not values or (held and held[0] not in left and NetFact(item.fact + EXCLUDED, text_of(held[0])) in asserted):
            raise EngineError(f"staging leaves no value of {item.fact}")
        states[item.fact] = State(values=values)
        given = item.given and record[item.fact].known if item.fact in record else False
        if held and not given:
            derived.append(_derivation(item.fact, text_of(held[0]), firings))
    disagreements: dict[str, Value] = {}
    for fact in sorted(str(fact.value) for fact in asserted if fact.name == DISAGREEMENT):
        computed = [found.value for found in asserted if found.name == fact + DERIVED]
        disagreements[fact] = computed[0] if computed else None
    return Staged(states, tuple(derived), disagreements, tuple(_step("staging", firing) for firing in firings))


def _derivation(fact: str, value: object, firings: list[Firing]) -> Derived:
    """Name the rule behind a derived value; adoption only passes on what another rule derived."""
    names = {fact, fact + DERIVED}
    found = [
        f
        for f in firings
        if f.rule.asserts.name in names and f.rule.asserts.value == value and not f.rule.source.endswith("/as-derived")
    ]
    found.sort(key=lambda f: (f.rule.source.endswith("/only-value-left"), f.rule.source, [str(m) for m in f.matched]))
    firing = found[0]
    return Derived(fact, firing.rule.source, tuple(dict.fromkeys(plain_name(item.name) for item in firing.matched)))


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Return the attribute behind a network fact's name."""
    return name.rstrip(EXCLUDED + LOWER + UPPER + GIVEN + DERIVED)


def _step(stratum: Stratum, firing: Firing, option: str | None = None) -> TraceStep:
    asserted = firing.rule.asserts
    matched = firing.matched
    if option is not None:
        matched = (NetFact("option", option), *matched)
    return TraceStep(stratum, firing.rule.source, matched, asserted)


_STRATA: tuple[Stratum, ...] = ("staging", "eligibility", "ranking")


def _canonical(steps: list[TraceStep]) -> tuple[TraceStep, ...]:
    """Order the trace by stratum; in staging each step after those it reads, elsewhere by option and rule."""
    staging = [step for step in steps if step.stratum == "staging"]
    made = {step.asserted for step in staging}
    ordered: list[TraceStep] = []
    done: set[NetFact] = set()
    waiting = sorted(set(staging), key=_order)
    while waiting:
        ready = [step for step in waiting if all(fact in done or fact not in made for fact in step.matched)]
        if not ready:
            raise EngineError("the trace of staging runs in a circle")
        ordered += ready
        done |= {step.asserted for step in ready}
        settled = set(ready)
        waiting = [step for step in waiting if step not in settled]
    rest = sorted({step for step in steps if step.stratum != "staging"}, key=_order)
    return (*ordered, *rest)


def _order(step: TraceStep) -> tuple[int, str, str, str]:
    option = str(step.matched[0].value) if step.stratum == "ranking" else ""
    return (
        _STRATA.index(step.stratum),
        option,
        step.rule,
        "|".join(f"{fact.name}={fact.value}" for fact in step.matched),
    )


def result_of(holds: bool | None, *, wanted: bool = True) -> Result:
    """Name a three-valued answer; ``wanted`` is the answer that speaks for the option."""
    return "unknown" if holds is None else "met" if holds is wanted else "not_met"


def _standing(treatment: Treatment, results: Mapping[str, bool | None], fold: Fold) -> Standing:
    outcomes: dict[str, Outcome] = {}
    for use in treatment.uses:
        if use.rule.id not in results:
            continue

        rules = treatment.by_use[use.body.id]

        def answers(
            kind: RuleKind, wanted: bool, rules: Mapping[RuleKind, tuple[Rule, ...]] = rules
        ) -> frozenset[Result]:
            return frozenset(result_of(results[rule.id], wanted=wanted) for rule in rules.get(kind, ()))

        outcomes[use.body.id] = fold.indication(
            Findings(
                base=use.body.verdict,
                applies=result_of(results[use.rule.id]),
                include=answers("include", True),
                exclude=answers("exclude", False),
                reservation=answers("reservation", True),
            )
        )
    verdict, would_be = of_option(outcomes.values())
    if verdict == "not_applicable":
        return Standing(verdict, None, None, outcomes)
    if verdict == "undetermined":
        nearest = next(
            name for name, outcome in outcomes.items() if outcome.verdict == verdict and outcome.would_be == would_be
        )
    else:
        nearest = next(name for name, outcome in outcomes.items() if outcome.verdict == verdict)
    return Standing(verdict, would_be, nearest, outcomes)


def judge_option(
    treatment: Treatment,
    states: Mapping[str, State],
    knowledge: Knowledge,
    program: Program,
    fold: Fold,
    *,
    settings: Set[Scalar] | None = None,
) -> tuple[dict[str, bool | None], Standing]:
    """Judge the rules of one option and its verdict, for what is known of its attributes.

    Args:
        treatment: the option.
        states: what is known of each attribute that its rules read, derived facts and the setting included.
        knowledge: the rule base.
        program: its compiled rulesets.
        fold: the rules that turn criteria into verdicts.
        settings: leave out the rules that bear on no indication of these settings; ``None`` keeps all.

    Raises:
        EngineError: a rule is both met and not met, or the engine failed.
    """
    results = judge_rules(program.option_ruleset(treatment), states, knowledge)
    if settings is not None:
        kept = {use.body.id for use in treatment.uses if not settings.isdisjoint(use.settings)}
        results = {
            rule.id: results[rule.id] for rule in treatment.rules if rule.id in results and rule.indications & kept
        }
    return results, _standing(treatment, results, fold)


def judge_rules(ruleset: RuleSet, states: Mapping[str, State], knowledge: Knowledge) -> dict[str, bool | None]:
    """Judge every rule of a ruleset for what is known of the attributes that it reads.

    Raises:
        EngineError: a rule is both met and not met, or the engine failed.
    """
    facts = [fact for name, state in states.items() for fact in facts_for(name, state, knowledge.domain(name))]
    return judge_facts(ruleset, facts)


def judge_facts(ruleset: RuleSet, facts: Sequence[NetFact]) -> dict[str, bool | None]:
    """Judge every rule of a ruleset, as `judge_rules` does, from the facts of the network.

    Raises:
        EngineError: a rule is both met and not met, or the engine failed.
    """
    results: dict[str, bool | None] = dict.fromkeys(ruleset.sources)
    for firing in ruleset.run(facts):
        _note(results, firing)
    return results


def _note(results: dict[str, bool | None], firing: Firing) -> None:
    held = firing.rule.asserts.value == MET
    if results[firing.rule.source] not in (None, held):
        raise EngineError(f"{firing.rule.source} is both met and not met")
    results[firing.rule.source] = held


def check_staging(shadow: Shadow, staged: Staged) -> None:
    """Compare what staging derived with the shadow's reading.

    Raises:
        ShadowError: they differ.
    """
    for name, state in shadow.states.items():
        if state != staged.states.get(name):
            raise ShadowError(f"the shadow reads {fact_of(name)} differently; no decision is given")
    if shadow.disagreements != set(staged.disagreements):
        raise ShadowError("the shadow finds other disagreements; no decision is given")


def check_results(shadow: Shadow, results: Mapping[str, bool | None]) -> None:
    """Compare the answers of rules with the shadow's reading.

    Raises:
        ShadowError: they differ.
    """
    for rule_id, held in results.items():
        if shadow.answer(rule_id) is not held:
            raise ShadowError(f"the shadow judges {rule_id} differently; no decision is given")


def check_standing(shadow: Shadow, treatment: Treatment, standing: Standing) -> None:
    """Compare the verdict of an option with the shadow's reading.

    Raises:
        ShadowError: they differ.
    """
    if shadow.verdict(treatment) != (standing.verdict, standing.would_be):
        raise ShadowError(f"the shadow gives {treatment.id} another verdict; no decision is given")
