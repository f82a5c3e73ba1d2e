"""The cases that option files carry: each rule fired, nearly fired and left open, and what each indication is meant to give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hcc_decide.knowledge.catalogue import Knowledge, Rule, Treatment, Use
from hcc_decide.knowledge.condition import Span
from hcc_decide.knowledge.findings import Finding
from hcc_decide.knowledge.schema import Case, RuleBody
from hcc_decide.patient import Patient

_OF_INDICATIONS = ("settings", "verdict", "evidence_level", "hazard_ratio")
_STATED = ("claims", "bears_on", *_OF_INDICATIONS, "effect")
"""What a case can state a second time."""


def case_findings(knowledge: Knowledge) -> list[Finding]:
    """Return a finding for each rule that lacks a case, and for each case that says otherwise than its rule.

    A rule lacks a case when none fires it, none misses it or none leaves it open. An indication without a condition needs
    none. Whether patients get what a case states is for the engine to find.
    """
    of_options = [finding for treatment in knowledge.options.values() for finding in findings_of(treatment, knowledge)]
    return [*of_options, *notice_findings(knowledge)]


def notice_findings(knowledge: Knowledge) -> list[Finding]:
    """Return the findings about the cases of notices (see `case_findings`)."""
    return [Finding("notices.yaml", 1, "K15", "cases", message) for message in _notice_messages(knowledge)]


def _notice_messages(knowledge: Knowledge) -> Iterator[str]:
    rules = {rule.name: rule for rule in knowledge.notices}
    yield from _missing_cases(rules, knowledge.notice_cases, knowledge)
    for case in knowledge.notice_cases:
        if case.rule in rules:
            claims = list(rules[case.rule].claims)
            # One claim more or less is seen only when the case states them.
            if _plain(case.claims or claims[:1]) != _plain(claims):
                yield f"states the claims {_shown(case.claims)} for {case.rule}, which has {_shown(claims)}"


def findings_of(treatment: Treatment, knowledge: Knowledge) -> list[Finding]:
    """Return the findings about the cases of one option (see `case_findings`)."""
    return [
        Finding(knowledge.sources[treatment.id], 1, "K15", "cases", message)
        for message in (*_gaps(treatment, knowledge), *_contradictions(treatment, knowledge))
    ]


def unstated(knowledge: Knowledge) -> Iterator[str]:
    """Yield, as ``options/<option>/<rule>: <key>``, each thing that a rule says and its case does not state a second time.

    A single claim needs no second mention, because a rule without any claim is refused. An indication needs a patient, too.
    """
    for treatment in knowledge.options.values():
        cases = {case.rule: case for case in treatment.body.cases}
        said = _said(treatment, knowledge)
        for rule in treatment.rules:
            case = cases.get(rule.name)
            for key in _STATED:
                if said[rule.name].get(key) is not None and (case is None or getattr(case, key) is None):
                    yield f"{rule.id}: {key}"
            if rule.kind == "indication" and (case is None or not case.met):
                yield f"{rule.id}: met"


def hazard_ratio(use: Use, knowledge: Knowledge) -> float | None:
    """Return the hazard ratio of an indication's effect; ``None`` when it names none or its endpoint has no ratio."""
    effect = use.body.effect
    if effect is None or effect.trial not in knowledge.trials:
        return None
    ends = [end for end in knowledge.trials[effect.trial].endpoints if end.id == effect.endpoint]
    return next((float(end.hr) for end in ends if end.hr is not None and end.control is not None), None)


def _gaps(treatment: Treatment, knowledge: Knowledge) -> Iterator[str]:
    yield from _missing_cases({rule.name: rule for rule in treatment.rules}, treatment.body.cases, knowledge)


def _missing_cases(every: Mapping[str, Rule], stated: Iterable[Case], knowledge: Knowledge) -> Iterator[str]:
    cases = {case.rule: case for case in stated}
    rules = {name: rule for name, rule in every.items() if rule.kind != "indication" or rule.condition}
    for name in sorted(cases.keys() - every.keys()):
        yield f"has a case for {name}, which is no rule of this file"
    for name, rule in rules.items():
        case = cases.get(name)
        if case is None:
            if rule.kind != "indication":
                yield f"has no case for the rule {name}"
            continue
        for answer in ("met", "not_met", "unknown"):
            if not getattr(case, answer) and not _impossible(rule, answer, knowledge):
                yield f"has no case in which the rule {name} is {answer.replace('_', ' ')}"


def _said(treatment: Treatment, knowledge: Knowledge) -> Mapping[str, Mapping[str, object]]:
    """Return by rule what cases are to state: each key with what the rule says, ``None`` where nothing need be stated."""
    said: dict[str, dict[str, object]] = {rule.name: {} for rule in treatment.rules}
    body = treatment.body
    rules: list[RuleBody] = [*body.include, *body.exclude, *body.reservations, *body.cautions, *body.preferences]
    claims = {item.id: item.claims for item in rules} | {item.id: item.claims for item in body.indications}
    for name, cited in claims.items():
        said.setdefault(name, {})["claims"] = cited if len(cited) > 1 else None
    compiled = {rule.name: rule for rule in treatment.rules}
    for item in rules:
        if item.for_ is not None and item.id in compiled:
            said[item.id]["bears_on"] = sorted(compiled[item.id].indications)
    for use in treatment.uses:
        said[use.body.id] |= {key: getattr(use.body, key) for key in _OF_INDICATIONS[:3]}
        said[use.body.id]["hazard_ratio"] = hazard_ratio(use, knowledge)
    for rule in treatment.of_kind("preference"):
        said[rule.name]["effect"] = rule.effect
    return said


def _contradictions(treatment: Treatment, knowledge: Knowledge) -> Iterator[str]:
    """Compare what cases state with the rules themselves."""
    said = _said(treatment, knowledge)
    for case in treatment.body.cases:
        for key in _STATED:
            stated = getattr(case, key)
            if stated is None or case.rule not in said:
                continue
            found = said[case.rule].get(key)
            if _plain(stated) != _plain(found):
                yield f"states the {key} {_shown(stated)} for {case.rule}, which has {_shown(found)}"


def _plain(value: object) -> object:
    return frozenset(value) if isinstance(value, list) else value


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "none to state" if value is None else str(value)


def _impossible(rule: Rule, answer: str, knowledge: Knowledge) -> bool:
    """Whether no patient can give a rule an answer."""
    if answer == "not_met":
        return _only_unknown_can_fail(rule)
    return answer == "unknown" and all(_always_known(name, knowledge) for name in rule.attributes)


def _always_known(attribute: str, knowledge: Knowledge) -> bool:
    """Whether every record says it, because it has a default."""
    field = Patient.model_fields.get(attribute)
    return field is not None and field.default is not None and knowledge.vocabulary.facts[attribute].source == "record"


def _only_unknown_can_fail(rule: Rule) -> bool:
    """Whether a rule merely asks that a number is known, so that no number fails it."""
    return all(
        isinstance(literal.test, Span) and literal.test.low <= 0 and literal.test.high == float("inf")
        for conjunction in rule.condition or ()
        for literal in conjunction
    )


def expected_patients(case: Case) -> list[dict[str, object]]:
    """Return the whole records of a case that states a verdict: each of them gets it."""
    return [dict(record) for record in case.met] if case.verdict is not None else []
