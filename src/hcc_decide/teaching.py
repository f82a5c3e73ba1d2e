"""Teaching vignettes and known sequences, compared with what the rule base decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hcc_decide.decide import decide
from hcc_decide.decision import USABLE, Caution, Criterion, Decision, Preference
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.schema_sources import Sequence, Vignette
from hcc_decide.patient import RecordError, parse_patient

STANDINGS: Mapping[str, frozenset[str]] = {
    "offered": frozenset({"preferred", "recommended"}),
    "alternative": frozenset({"alternative"}),
    "investigational": frozenset({"investigational"}),
    "discouraged": frozenset({"not_recommended"}),
    "excluded": frozenset({"ineligible", "not_applicable"}),
}
"""The verdicts that each standing of a sequence stands for."""


def decision_of_record(record: Mapping[str, Any], engine: Engine) -> Decision:
    """Decide for a record as written in a rule file.

    Raises:
        RecordError: the record is not a patient record.
    """
    return decide(parse_patient(dict(record), engine.knowledge.option_ids), engine)


def differences(vignette: Vignette, engine: Engine) -> Iterator[str]:
    """Yield one sentence for each way in which the rule base answers a vignette otherwise than it expects."""
    try:
        decision = decision_of_record(vignette.patient, engine)
    except RecordError as error:
        yield f"the record is refused: {'; '.join(error.problems)}"
        return
    if decision.setting != vignette.setting:
        yield f"the setting is {decision.setting}, expected is {vignette.setting}"
    ranks = {option.id: option.rank for option in decision.options}
    for expected in vignette.expect:
        found = decision.verdict_of(expected.option)
        if found != expected.verdict:
            yield f"{expected.option} is {found}, expected is {expected.verdict}"
        elif expected.rank is not None and ranks.get(expected.option) != expected.rank:
            yield f"{expected.option} has rank {ranks.get(expected.option)}, expected is {expected.rank}"
        named = _rules_of(decision, expected.option)
        for rule in expected.rules:
            if f"options/{expected.option}/{rule}" not in named:
                yield f"the rule {rule} does not show for {expected.option}"
    asked = {item.fact for item in decision.missing}
    for fact in vignette.missing:
        if fact not in asked:
            yield f"{fact} is not asked for"


def _rules_of(decision: Decision, option_id: str) -> frozenset[str]:
    """Return the rules that bear on an option's verdict: for an excluded one those that fail, else all that show."""
    for option in decision.options:
        if option.id == option_id:
            parts: list[Criterion | Caution | Preference] = [*option.criteria, *option.cautions, *option.preferences]
            return frozenset(part.rule for part in parts)
    return frozenset(
        part.rule for excluded in decision.excluded if excluded.id == option_id for part in excluded.criteria
    )


def record_of(sequence: Sequence, outcome: str) -> dict[str, Any]:
    """Return the record with which a sequence's standing is checked for one outcome of the first treatment."""
    line = {"option": sequence.after, "outcome": outcome, **sequence.line}
    earlier = sequence.patient.get("prior_systemic", [])
    return {**sequence.patient, "prior_systemic": [*earlier, line]}


@dataclass(frozen=True)
class Following:
    """What the rule base offers after one treatment, by verdict.

    Attributes:
        after: option that came before.
        outcome: how that line ended.
        offered: names of the usable options by verdict, in the order of their ranks; under ``undetermined`` those that
            would be usable.
    """

    after: str
    outcome: str
    offered: Mapping[str, tuple[str, ...]]


def followings(engine: Engine) -> Iterator[Following]:
    """Yield what a typical patient is offered after each systemic treatment in use, for each way in which it can end.

    Raises:
        RecordError: the rule base's typical patient is not a patient record.
    """
    knowledge = engine.knowledge
    systemic = {"first_line", "second_line", "later_line"}
    for treatment in knowledge.options.values():
        in_use = any(use.body.verdict in USABLE and systemic & set(use.settings) for use in treatment.uses)
        if not treatment.body.drugs or not in_use:
            continue
        for outcome in ("progression", "intolerance"):
            line: dict[str, Any] = {"option": treatment.id, "outcome": outcome}
            if outcome == "progression":
                line["radiological_progression"] = True
            decision = decision_of_record({**knowledge.typical_patient, "prior_systemic": [line]}, engine)
            offered: dict[str, tuple[str, ...]] = {
                verdict: tuple(item.name for item in decision.options if item.verdict == verdict) for verdict in USABLE
            }
            waiting = tuple(item.name for item in decision.options if item.would_be in USABLE)
            yield Following(treatment.id, outcome, {**offered, "undetermined": waiting})


def disagreements(sequence: Sequence, engine: Engine) -> Iterator[str]:
    """Yield one sentence for each outcome after which the rule base gives a sequence another standing."""
    for outcome in sequence.outcome:
        try:
            patient = parse_patient(record_of(sequence, outcome), engine.knowledge.option_ids)
        except RecordError as error:
            yield f"the record is refused ({outcome}): {'; '.join(error.problems)}"
            continue
        verdict = engine.infer(patient).standings[sequence.option].verdict
        if verdict not in STANDINGS[sequence.standing]:
            yield (
                f"{sequence.option} after {sequence.after} ({outcome}) is {verdict}, the file says {sequence.standing}"
            )
