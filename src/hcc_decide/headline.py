"""The answer in one sentence: setting, liver function, what leads and why."""

from __future__ import annotations

from collections.abc import Sequence

from hcc_decide.decision import USABLE, VERDICTS, Decision, Option, Value
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import setting_labels

LIVER_FUNCTION = "child_pugh_class"
DISPUTED = "staging/child-pugh-class/disagreement"
_NAMED = 3


def headline(decision: Decision, knowledge: Knowledge, *, alone: bool = True) -> str:
    """Return one plain sentence for a decision.

    It names what leads among the options that a board can offer; when there is none, what would lead once more is known, and
    else what only a trial could offer. Options of equal rank lead together.

    Args:
        decision: what was decided.
        knowledge: for labels.
        alone: whether it is read alone, and so names what speaks against the leader; a report lists that right below.
    """
    setting = setting_labels(knowledge)[decision.setting]
    where = "Setting not settled yet" if decision.setting == "undetermined" else setting[:1].upper() + setting[1:]
    return f"{where}, {_liver_function(decision, knowledge)}: {_lead(decision, alone=alone)}"


def _liver_function(decision: Decision, knowledge: Knowledge) -> str:
    label = knowledge.vocabulary.facts[LIVER_FUNCTION].label
    given: Value = decision.patient.get(LIVER_FUNCTION)
    value = given or next((item.value for item in decision.derived if item.fact == LIVER_FUNCTION), None)
    if value is None:
        return f"{label} not known"
    disputed = any(notice.rule == DISPUTED for notice in decision.notices)
    return f"{label.removesuffix(' class')} {value}{' as entered (other entries say otherwise)' if disputed else ''}"


def _lead(decision: Decision, *, alone: bool) -> str:
    usable = [item for item in decision.options if item.verdict in USABLE]
    if usable:
        leaders = [item for item in usable if item.rank == usable[0].rank]
        verb = "leads" if len(leaders) == 1 else "lead, of equal standing"
        sentence = f"{_names(leaders)} {verb} – {_why(leaders)}."
        sentence += _reserve(leaders) if alone else ""
        open_ones = could_lead(decision)
        if open_ones:
            sentence += f" {_names(open_ones)} could come first once more is known."
        return sentence
    waiting = [item for item in decision.options if item.would_be in USABLE]
    if waiting and decision.setting == "undetermined":
        count = len(decision.missing)
        return f"nothing is settled before more is known ({count} missing {'fact' if count == 1 else 'facts'})."
    if waiting:
        leaders = [item for item in waiting if item.rank == waiting[0].rank]
        return f"nothing is settled yet; {_names(leaders)} would be {leaders[0].would_be} if what is missing turns out well."
    if decision.options:
        count = len([item for item in decision.options if "investigational" in (item.verdict, item.would_be)])
        return (
            f"only trials could offer something ({count} {'option' if count == 1 else 'options'} under investigation)."
            if count
            else "nothing of the catalogue comes into question."
        )
    return "nothing of the catalogue comes into question."


def could_lead(decision: Decision) -> list[Option]:
    """Return the undetermined options that would stand before what leads now, by the keys that a decision shows."""
    usable = [item for item in decision.options if item.verdict in USABLE]
    if not usable:
        return []
    return [item for item in decision.options if item.would_be in USABLE and _key(item) < _key(usable[0])]


def _key(item: Option) -> tuple[int, int, int]:
    effects = [found.effect for found in item.preferences]
    balance = effects.count("disfavours") - effects.count("favours")
    return VERDICTS.index(item.would_be or item.verdict), item.evidence_level or len(VERDICTS), balance


def _reserve(leaders: Sequence[Option]) -> str:
    """Name what speaks against the options that lead: a headline is read alone."""
    cautions = list(dict.fromkeys(item.text for leader in leaders for item in leader.cautions))
    reservations = list(
        dict.fromkeys(
            item.text
            for leader in leaders
            for item in leader.criteria
            if item.kind == "reservation" and item.result != "met"
        )
    )
    return _first_of("Reservation", reservations) + _first_of("Caution", cautions)


def _first_of(word: str, texts: Sequence[str]) -> str:
    if not texts:
        return ""
    more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    return f" {word}{more}: {texts[0].rstrip('.')}."


def _names(options: Sequence[Option]) -> str:
    names = [item.name for item in options]
    if len(names) > _NAMED + 1:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _why(leaders: Sequence[Option]) -> str:
    reasons = [item.ranked_here_because.rstrip(".") for item in leaders]
    shared = (
        reasons[0]
        if len(leaders) == 1
        else "; ".join(part for part in reasons[0].split("; ") if _in_all(part, reasons))
    )
    return shared[:1].lower() + shared[1:]


def _in_all(part: str, reasons: Sequence[str]) -> bool:
    return all(part in reason.split("; ") for reason in reasons)
