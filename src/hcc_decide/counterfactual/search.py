"""Every smallest set of facts whose change would give an option a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from hcc_decide.counterfactual.question import Question
from hcc_decide.counterfactual.shape import GOALS, WAYS_ABOUT, Answer, Change, Counterfactuals, Turned, Way
from hcc_decide.counterfactual.values import Values
from hcc_decide.counterfactual.ways import Found, Ways
from hcc_decide.decision import USABLE, VERDICTS
from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.inference import Inference
from hcc_decide.engine.program import condition_of
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import judge
from hcc_decide.missing import label_of
from hcc_decide.patient import Patient
from hcc_decide.ranking import governing_use
from hcc_decide.verify.fields import contradictions

MOST = 50
"""Answers that are looked for unless more are asked for."""


def search(
    patient: Patient, by_class: ByClass, option: str, to: str | None = None, *, most: int = MOST
) -> Counterfactuals:
    """Find every smallest set of facts whose change would give an option a verdict, and the values that do.

    The sets come from a proof over all records: none is missing, unless there are more than ``most``. Every value that is
    told has been confirmed by the engine.

    Args:
        patient: the record at hand.
        by_class: what infers, of the knowledge in question.
        option: id or alias of an option.
        to: the verdict that is wanted; ``None`` takes any with which a board can offer it.
        most: as many sets are looked for.

    Raises:
        KeyError: the catalogue lacks the option.
        ValueError: no such verdict can be wanted, or ``most`` is not positive.
        SolverError: the solver gave up.
        EngineError: the engine failed, or does not confirm what was proved.
    """
    knowledge = by_class.knowledge
    treatment = knowledge.options[knowledge.option_ids[option]]
    if to is not None and to not in GOALS:
        raise ValueError(f"{to!r} is refused; allowed are {', '.join(GOALS)}")
    if most < 1:
        raise ValueError(f"{most} answers are refused; allowed is 1 or more")
    wanted = USABLE if to is None else tuple(verdict for verdict in GOALS if verdict == to)
    before = by_class.infer(patient)
    standing = before.standings[treatment.id]
    found: list[Answer] = []
    whole = True
    if standing.verdict not in wanted:
        question = Question(knowledge, before, treatment.id, wanted, contradictions(knowledge.vocabulary.facts))
        values = Values(knowledge, before, question)
        ways = Ways(by_class, treatment.id, before, question, values)
        sets, whole = question.smallest_sets(most)
        found = [_answer(knowledge, treatment.id, before, facts, ways, values) for facts in sets]
    return Counterfactuals(
        sha256=knowledge.sha256,
        option=treatment.id,
        name=treatment.body.name,
        wanted=list(wanted),
        verdict=standing.verdict,
        would_be=standing.would_be,
        answers=sorted(found, key=lambda item: (WAYS_ABOUT.index(item.by), len(item.facts))),
        whole=whole,
    )


def _answer(
    knowledge: Knowledge, option: str, before: Inference, facts: Sequence[str], ways: Ways, values: Values
) -> Answer:
    found, whole = ways.of(facts)
    told = [
        Way(
            verdict=item.verdict,
            changes=[_change(knowledge, name, item, values) for name in facts],
            turns=_turned(knowledge, option, before, item.after),
        )
        for item in found
    ]
    told.sort(key=lambda way: (WAYS_ABOUT.index(way.by), VERDICTS.index(way.verdict)))
    return Answer(facts=list(facts), ways=told, whole=whole)


def _change(knowledge: Knowledge, fact: str, found: Found, values: Values) -> Change:
    candidates = found.values[fact]
    return Change(
        fact=fact,
        label=label_of(knowledge, fact),
        now=values.now(fact),
        needed=values.needed(fact, candidates),
        how=values.how(fact) if candidates[0].by == "treatment" else None,
        value=candidates[0].value,
    )


def _turned(knowledge: Knowledge, option: str, before: Inference, after: Inference) -> list[Turned]:
    """Return the rules behind the new verdict that were answered otherwise for the record at hand."""
    treatment = knowledge.options[option]
    use = governing_use(treatment, after.standings[option])
    if use is None:
        use = governing_use(treatment, before.standings[option])
    rules = treatment.of_kind("indication", "include", "exclude", "reservation")
    turned: list[Turned] = []
    for rule in rules:
        if use is not None and use.body.id in rule.indications:
            condition = condition_of(rule, treatment)
            if judge(condition, before.states) is not judge(condition, after.states):
                turned.append(Turned(rule=rule.id, text=rule.text, claims=list(rule.claims)))
    return turned
