"""From an inference to a decision: the answer with its reasons, in the shape of the contract."""

from __future__ import annotations

from collections.abc import Iterable

from hcc_decide.decision import (
    Caution,
    Criterion,
    Decision,
    Derivation,
    Excluded,
    KnowledgeStamp,
    Notice,
    Option,
    Preference,
    Result,
    Step,
    Value,
)
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.facts import shown
from hcc_decide.engine.inference import Inference, TraceStep, plain_name
from hcc_decide.engine.program import BOOKKEEPING, read_by
from hcc_decide.engine.rules import DERIVED, EXCLUDED, NetFact
from hcc_decide.knowledge.catalogue import Knowledge, Rule, RuleKind, Treatment, Use
from hcc_decide.knowledge.condition import fact_of
from hcc_decide.knowledge.labels import fact_label
from hcc_decide.missing import OpenFacts, label_of, missing_facts
from hcc_decide.patient import Patient
from hcc_decide.plausible import implausible
from hcc_decide.ranking import Place, because, governing_use, rank
from hcc_decide.sources import conflicts, evidence, later_events, notes

CRITERIA: tuple[RuleKind, ...] = ("include", "exclude", "reservation")


def decide(patient: Patient, engine: Engine) -> Decision:
    """Decide for one patient.

    Args:
        patient: the record, checked by `hcc_decide.patient.parse_patient`.
        engine: the compiled rule base.

    Raises:
        EngineError: the rule base or the engine failed; there is no answer.
    """
    return decision_of(engine.knowledge, engine.infer(patient))


def decision_of(knowledge: Knowledge, inference: Inference) -> Decision:
    """Return the decision that an inference amounts to."""
    places = rank(knowledge, inference)
    open_facts = OpenFacts(knowledge, inference)
    listed = {place.option for place in places}
    return Decision(
        knowledge=stamp(knowledge),
        patient=inference.patient.to_record(),
        setting=inference.setting,
        derived=_derived(knowledge, inference),
        options=[_option(knowledge, inference, place, open_facts) for place in places],
        excluded=[
            excluded(knowledge, inference, treatment)
            for treatment in knowledge.options.values()
            if treatment.id not in listed
        ],
        missing=missing_facts(knowledge, inference, open_facts),
        notices=_notices(knowledge, inference),
        intended_use=knowledge.manifest.intended_use,
        trace=_trace(inference),
    )


def stamp(knowledge: Knowledge) -> KnowledgeStamp:
    """Return edition, version and hash of the knowledge."""
    return KnowledgeStamp(edition=knowledge.edition, version=knowledge.version, sha256=knowledge.sha256)


def facts_read(knowledge: Knowledge, inference: Inference, attributes: Iterable[str]) -> dict[str, Value]:
    """Return the values of the facts behind some attributes; sets of the record as a whole."""
    values: dict[str, Value] = {}
    for attribute in attributes:
        name = fact_of(attribute)
        fact = knowledge.vocabulary.facts[name]
        if fact.kind == "set" and fact.source == "record":
            recorded = getattr(inference.patient, name)
            values[name] = None if recorded is None else list(recorded)
        else:
            values[attribute] = shown(inference.states[attribute], fact)
    return values


def criterion(knowledge: Knowledge, inference: Inference, treatment: Treatment, rule: Rule) -> Criterion:
    """Return one line of an option's checklist.

    The result speaks for the option: an exclusion or reservation that does not apply is ``met``.
    """
    held = inference.results.get(rule.id)
    wanted = rule.kind in ("indication", "include")
    result: Result = "unknown" if held is None else "met" if held is wanted else "not_met"
    kind = rule.kind
    assert kind in ("indication", "include", "exclude", "reservation")
    return Criterion(
        rule=rule.id,
        kind=kind,
        text=rule.text,
        result=result,
        holds=held,
        facts=facts_read(knowledge, inference, read_by(rule, treatment)),
        claims=list(rule.claims),
        trials=list(rule.trials),
    )


def checklist(knowledge: Knowledge, inference: Inference, treatment: Treatment, use: Use) -> list[Criterion]:
    """Return all criteria of one indication, the indication itself first."""
    rules = [use.rule, *(rule for rule in treatment.of_kind(*CRITERIA) if use.body.id in rule.indications)]
    return [criterion(knowledge, inference, treatment, rule) for rule in rules]


def cautions(knowledge: Knowledge, inference: Inference, treatment: Treatment, use: Use) -> list[Caution]:
    """Return the cautions that apply to the patient."""
    return [
        Caution(
            rule=rule.id,
            text=rule.text,
            facts=facts_read(knowledge, inference, rule.attributes),
            claims=list(rule.claims),
        )
        for rule in treatment.of_kind("caution")
        if use.body.id in rule.indications and inference.results.get(rule.id)
    ]


def preferences(knowledge: Knowledge, inference: Inference, treatment: Treatment, use: Use) -> list[Preference]:
    """Return the patient-specific findings for and against an option."""
    return [
        Preference(
            rule=rule.id,
            text=rule.text,
            effect=rule.effect or "noted",
            facts=facts_read(knowledge, inference, rule.attributes),
            claims=list(rule.claims),
        )
        for rule in treatment.of_kind("preference")
        if use.body.id in rule.indications and inference.results.get(rule.id)
    ]


def regimen(inference: Inference, treatment: Treatment) -> str:
    """Return how the option is given to this patient."""
    for rule in treatment.of_kind("variant"):
        if inference.results.get(rule.id):
            return rule.text
    return treatment.body.regimen.text


def _option(knowledge: Knowledge, inference: Inference, place: Place, open_facts: OpenFacts) -> Option:
    treatment = knowledge.options[place.option]
    use = governing_use(treatment, inference.standings[place.option])
    assert use is not None
    waiting = [label_of(knowledge, fact) for fact in open_facts.behind(treatment)] if place.would_be else []
    return Option(
        rank=place.rank,
        id=treatment.id,
        name=treatment.body.name,
        aliases=list(treatment.body.aliases),
        verdict=place.verdict,
        evidence_level=place.level,
        criteria=checklist(knowledge, inference, treatment, use),
        cautions=cautions(knowledge, inference, treatment, use),
        preferences=preferences(knowledge, inference, treatment, use),
        notes=notes(treatment, use),
        conflicts=conflicts(knowledge, treatment, use),
        evidence=evidence(knowledge, treatment, use),
        would_be=place.would_be,
        regimen=regimen(inference, treatment),
        ranked_here_because=because(place, knowledge, waiting),
    )


def excluded(knowledge: Knowledge, inference: Inference, treatment: Treatment) -> Excluded:
    """Return why an option does not come into question."""
    standing = inference.standings[treatment.id]
    use = governing_use(treatment, standing)
    criteria: list[Criterion] = []
    claims: list[str] = []
    if use is None:
        reason = _elsewhere(knowledge, inference, treatment)
    elif standing.verdict == "not_recommended":
        absent = knowledge.manifest.evidence_levels[use.body.evidence_level].no_patients
        lead = (
            "The reviews report no patient treated for this use" if absent else "The evidence for this use is negative"
        )
        reason = f"{lead}: {use.body.text}."
        claims = list(use.body.claims)
    else:
        criteria = [
            item
            for item in checklist(knowledge, inference, treatment, use)
            if item.result == "not_met" and item.kind != "reservation"
        ]
        reason = "; ".join(_failure(knowledge, item) for item in criteria) + "."
        claims = list(dict.fromkeys(claim for item in criteria for claim in item.claims))
    return Excluded(
        id=treatment.id,
        name=treatment.body.name,
        aliases=list(treatment.body.aliases),
        verdict=standing.verdict,
        criteria=criteria,
        reason=reason,
        claims=claims,
        evidence=evidence(knowledge, treatment, use) if use is not None else [],
        conflicts=conflicts(knowledge, treatment, use) if use is not None else [],
    )


def _failure(knowledge: Knowledge, item: Criterion) -> str:
    facts = ", ".join(f"{fact_label(knowledge, name)}: {_word(value)}" for name, value in item.facts.items())
    return f"{'Excluded' if item.kind == 'exclude' else 'Not met'}: {item.text} ({facts})"


def _word(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "not known" if value is None else str(value)


def _elsewhere(knowledge: Knowledge, inference: Inference, treatment: Treatment) -> str:
    labels = knowledge.vocabulary.facts["setting"].values or {}
    settings = [str(labels[name]) for name in labels if name in treatment.settings]
    possible = inference.states["setting"].values or frozenset()
    near = [use.body.text for use in treatment.uses if possible & set(use.settings)]
    if near:
        return f"None of its uses fits: {'; '.join(near)}."
    here = inference.setting
    now = f"this patient's setting is {labels[here]}" if here != "undetermined" else "this patient's setting is another"
    return f"Belongs to another setting ({', '.join(settings)}); {now}."


def _derived(knowledge: Knowledge, inference: Inference) -> list[Derivation]:
    found: list[Derivation] = []
    for name, fact in knowledge.vocabulary.facts.items():
        state = inference.states.get(name)
        used = _known_inputs(inference.patient, fact.from_)
        if fact.source == "computed" and state is not None and state.known and used:
            value = shown(state, fact)
            if name.endswith("_beyond_score") or (used == ["child_pugh_score"]):
                continue
            found.append(Derivation(fact=name, value=value, rule=f"scores/{name.replace('_', '-')}", from_=used))
    for item in inference.derived:
        sources: list[str] = []
        for attribute in item.read:
            fact = knowledge.vocabulary.facts[fact_of(attribute)]
            sources += _known_inputs(inference.patient, fact.from_) if fact.source == "computed" else [attribute]
        value = shown(inference.states[item.fact], knowledge.vocabulary.facts[item.fact])
        found.append(Derivation(fact=item.fact, value=value, rule=item.rule, from_=list(dict.fromkeys(sources))))
    return found


def _known_inputs(patient: Patient, names: Iterable[str]) -> list[str]:
    return [name for name in names if getattr(patient, name) is not None]


def _notices(knowledge: Knowledge, inference: Inference) -> list[Notice]:
    found: list[Notice] = []
    for item in knowledge.staging:
        if item.fact in inference.disagreements:
            given = getattr(inference.patient, item.fact)
            other = inference.disagreements[item.fact]
            tail = f"Given: {_word(given)}; derived: {_word(other) if other is not None else f'not {_word(given)}'}."
            text = f"{item.body.disagreement or 'Given and derived disagree; the value given is used.'} {tail}"
            found.append(Notice(rule=f"{item.rule}/disagreement", text=text, claims=list(item.body.claims)))
    for name, text in implausible(knowledge, dict(inference.patient)).items():
        found.append(Notice(rule=f"vocabulary/{name}/plausible", text=text, claims=[]))
    for rule in knowledge.notices:
        if inference.results.get(rule.id):
            found.append(Notice(rule=rule.id, text=rule.text, claims=list(rule.claims)))
    for treatment in knowledge.options.values():
        standing = inference.standings[treatment.id]
        if standing.verdict == "not_applicable" or standing.would_be == "ineligible":
            continue
        for event in later_events(treatment, governing_use(treatment, standing)):
            text = f"Beyond the reviews ({event.date}): {event.text.strip().rstrip('.')}. Source: {event.source}."
            found.append(Notice(rule=f"options/{treatment.id}/{event.id}", text=text, claims=[], option=treatment.id))
    return found


def _trace(inference: Inference) -> list[Step]:
    """Return the firings for people: without bookkeeping, and with a known value in place of what it excludes."""
    steps = [step for step in inference.steps if not step.rule.endswith(BOOKKEEPING)]
    return [_step(number, step, inference) for number, step in enumerate(steps, start=1)]


def _step(number: int, step: TraceStep, inference: Inference) -> Step:
    matched: dict[str, Value] = {}
    for fact in step.matched:
        state = inference.states.get(plain_name(fact.name))
        if fact.name.endswith(EXCLUDED) and DERIVED not in fact.name and state is not None and state.known:
            (value,) = state.values or (fact.value,)
            matched[plain_name(fact.name)] = value
        else:
            _put(matched, fact)
    asserted: dict[str, Value] = {}
    _put(asserted, step.asserted)
    return Step(step=number, stratum=step.stratum, rule=step.rule, matched=matched, asserted=asserted)


def _put(target: dict[str, Value], fact: NetFact) -> None:
    """Write a network fact for people: excluded values as a list under ``not <fact>``."""
    value: Value = (
        int(fact.value)
        if isinstance(fact.value, float) and fact.value.is_integer() and abs(fact.value) < 2**53
        else fact.value
    )
    name = plain_name(fact.name)
    if fact.name.endswith(EXCLUDED):
        gone = target.setdefault(f"not {name}", [])
        assert isinstance(gone, list)
        gone.append(str(value))
    elif name in target:
        target[fact.name] = value
    else:
        target[name] = value
