"""What moved between two decisions, in words: for the terminal, and the sentences that the form shows too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hcc_decide.decision import Criterion, Decision, Option, Result
from hcc_decide.headline import headline
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import fact_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, option_name, setting_labels, value_text
from hcc_decide.lines import Line, heading, wrap
from hcc_decide.movement import (
    Changes,
    CriterionChange,
    Direction,
    Displacement,
    FactChange,
    IndicationChange,
    Judged,
    OptionChange,
    Place,
    PreferenceChange,
    Reason,
)
from hcc_decide.render import kind_text, result_text, within_trials

DIRECTIONS: Mapping[Direction, str] = {
    "better": "better",
    "worse": "worse",
    "settled": "settled",
    "opened": "no longer settled",
    "moved": "moved",
    "same": "stands as before",
}
"""What became of an option's standing, in words."""
_EFFECTS = {
    ("favours", True): "Speaks for it now",
    ("favours", False): "No longer speaks for it",
    ("disfavours", True): "Speaks against it now",
    ("disfavours", False): "No longer speaks against it",
    ("noted", True): "Noted now",
    ("noted", False): "No longer noted",
}
_MOST_NAMES = 4


@dataclass(frozen=True)
class Sorted:
    """The options that stand differently, by what they mean to a board.

    Attributes:
        own: a board could offer them before or after, and something of their own changed.
        displaced: a board could offer them; only others came above them or left from there.
        elsewhere: they belong to another setting or use now.
        trials: only within trials.
        hopeless: out of question before and after.
    """

    own: Sequence[OptionChange]
    displaced: Sequence[OptionChange]
    elsewhere: Sequence[OptionChange]
    trials: Sequence[OptionChange]
    hopeless: Sequence[OptionChange]

    @property
    def folded(self) -> Iterator[tuple[str, str, Sequence[OptionChange]]]:
        """What a reader opens on demand: a short name, a title, the options."""
        yield "elsewhere", "Belong to another setting or use now", self.elsewhere
        yield "trials", "Only within trials", self.trials
        yield "hopeless", "Out of question before and after", self.hopeless


def sorted_out(found: Changes) -> Sorted:
    """Sort the options that stand differently by what they mean to a board."""
    elsewhere = [item for item in found.options if _left(item)]
    rest = [item for item in found.options if item not in elsewhere]
    usable = [item for item in rest if item.before.usable or item.after.usable]
    own = [item for item in usable if changed_itself(item)]
    hopeless = [item for item in rest if item.before.out_of_question and item.after.out_of_question]
    return Sorted(
        own=own,
        displaced=[item for item in usable if item not in own],
        elsewhere=elsewhere,
        trials=[item for item in rest if item not in usable and item not in hopeless],
        hopeless=hopeless,
    )


def _left(item: OptionChange) -> bool:
    return item.after.verdict == "not_applicable" and item.before.verdict != "not_applicable"


def changed_itself(item: OptionChange) -> bool:
    """Whether something of an option's own changed, not only what stands above it."""
    return any(reason.kind != "others" for reason in item.reasons)


def nothing_moves(found: Changes) -> str | None:
    """Say that nothing moves, as far as that is so; ``None`` when something does that a board could offer."""
    if not found.options:
        return "Nothing moves: every option stands exactly as before, for the same reasons."
    if not any(item.direction != "same" for item in found.options):
        return "Nothing moves: every verdict and every rank is as before. What else differs:"
    parts = sorted_out(found)
    if not (parts.own or parts.displaced or parts.elsewhere):
        return "Nothing moves that a board could offer outside a trial."
    return None


def unchanged_text(count: int) -> str:
    """Say how many options stand as before."""
    return f"{count} {'option stands' if count == 1 else 'options stand'} exactly as before."


def told(item: OptionChange) -> list[Reason]:
    """Return the reasons to tell; findings of an option that is out of question now are no longer told."""
    out = item.after.rank is None
    return [
        reason
        for reason in item.reasons
        if not (out and reason.kind in ("preference", "caution")) or len(item.reasons) == 1
    ]


def offered(decision: Decision) -> list[Option]:
    """Return what a board could offer, now or once more is known."""
    return [item for item in decision.in_question if not within_trials(item)]


def effect_text(reason: PreferenceChange) -> str:
    """Say what became of a finding."""
    return _EFFECTS[reason.effect, reason.came]


def indication_text(reason: IndicationChange) -> str:
    """Say by which of its uses an option is judged."""
    one, two = reason.before, reason.after
    if one is not None and two is not None:
        return f"Judged by another of its uses: {_use(one)} before, {_use(two)} now"
    if two is not None:
        return f"A use of it applies now: {_use(two)}"
    return f"A use of it no longer applies: {_use(one)}" if one is not None else "No use of it applies"


def _use(item: Judged) -> str:
    verdict = item.verdict.replace("_", " ")
    return f"“{item.text}” ({verdict} by the evidence, level {item.evidence_level})"


def bases(reason: IndicationChange) -> list[str]:
    """Return the rules and claims behind the uses."""
    uses = [item for item in (reason.before, reason.after) if item is not None]
    return [part for item in uses for part in (item.rule, *item.claims)]


def displacement_text(reason: Displacement, knowledge: Knowledge) -> str:
    """Say which options came above one or left from there."""
    parts = []
    if reason.came_above:
        parts.append(f"{_names(reason.came_above, knowledge)} came above it")
    if reason.left_above:
        parts.append(f"{_names(reason.left_above, knowledge)} no longer above it")
    return "; ".join(parts) or "options above it share ranks otherwise than before"


def _names(options: Sequence[str], knowledge: Knowledge) -> str:
    names = [option_name(knowledge, option) for option in options]
    if len(names) > _MOST_NAMES + 1:
        names = [*names[:_MOST_NAMES], f"{len(names) - _MOST_NAMES} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def as_criterion(item: CriterionChange, found: Result) -> Criterion:
    """Return a criterion with one of its two results."""
    return Criterion(
        rule=item.rule,
        kind=item.of,
        text=item.text,
        result=found,
        holds=None,
        facts={},
        claims=item.claims,
        trials=item.trials,
    )


def facts_shown(facts: Iterable[FactChange]) -> list[FactChange]:
    """Return the facts behind a reason that differ, or all where none does."""
    every = list(facts)
    return [item for item in every if item.differs] or every


def values_text(item: FactChange, knowledge: Knowledge) -> str:
    """Write a fact's values before and after, or its one value."""
    if item.fact == PRIOR_SYSTEMIC:
        return _lines(item)
    fact = knowledge.vocabulary.facts.get(fact_of(item.fact))
    before, after = (
        f"{value:.3g}".replace("-", "−")
        if isinstance(value, float) and item.derived and fact is not None and fact.source == "computed"
        else value_text(fact, value)
        for value in (item.before, item.after)
    )
    return f"{before} → {after}" if item.differs else after


def _lines(item: FactChange) -> str:
    """Write lines of therapy; where some were added, only those."""
    before, after = item.before, item.after
    if isinstance(before, list) and isinstance(after, list) and after[: len(before)] == before:
        return f"added: {_numbered(after, len(before))}"
    return " → ".join(
        _numbered(lines, 0) if isinstance(lines, list) else value_text(None, lines) for lines in (before, after)
    )


def _numbered(lines: Sequence[str], known: int) -> str:
    found = [f"line {number}: {line}" for number, line in enumerate(lines, start=1) if number > known]
    return "; ".join(found) or "none"


# For the terminal.


def changes_text(before: Decision, after: Decision, found: Changes, knowledge: Knowledge) -> list[Line]:
    """Return before and after as terminal text of at most 80 columns.

    Args:
        before: the decision for the record at hand.
        after: the decision for the changed one.
        found: what differs between them.
        knowledge: for labels.
    """
    stamp = before.knowledge
    lines = wrap(
        f"hcc-decide, edition {stamp.edition}, knowledge {stamp.version}, sha256 {stamp.sha256[:16]}", "", role="dim"
    )
    lines += heading("Changed")
    for item in found.facts:
        if item.fact == "setting":  # has a line of its own
            continue
        lead = "    follows: " if item.derived else "  "
        lines += wrap(f"{item.label}: {values_text(item, knowledge)}", lead, "      ")
    named = setting_labels(knowledge)
    one, two = named[before.setting], named[after.setting]
    lines += wrap(f"{one} → {two}" if one != two else f"{one}, as before", "  Setting: ", "      ", "title")
    lines += heading("Before") + wrap(headline(before, knowledge), "  ")
    lines += heading("After") + wrap(headline(after, knowledge), "  ")
    lines += heading("What moved and by which rule")
    note = nothing_moves(found)
    if note is not None:
        lines += wrap(note, "  ")
    parts = sorted_out(found)
    for change in (*parts.own, *parts.displaced):
        lines += _option_text(change, knowledge)
    for _, title, items in parts.folded:
        lines += _folded_text(title, items)
    lines += [Line(""), *wrap(unchanged_text(found.unchanged), "  ")]
    lines += heading("Intended use")
    return lines + wrap(after.intended_use, "  ")


def _option_text(item: OptionChange, knowledge: Knowledge) -> list[Line]:
    role = item.after.would_be or item.after.verdict
    lines = [Line(""), *wrap(item.name, "  ", "    ", role), *wrap(standings_text(item), "    ", "      ", role)]
    for reason in told(item):
        lines += wrap(reason_text(reason, knowledge), "    - ")
    return lines


def _folded_text(title: str, items: Sequence[OptionChange]) -> list[Line]:
    """Return the options that matter less, by where they stood and stand; the form and JSON have their reasons."""
    if not items:
        return []
    lines = [Line(""), Line(f"  {title} ({len(items)})", "title")]
    by_move: dict[str, list[str]] = {}
    for item in items:
        if changed_itself(item):
            by_move.setdefault(_move(item), []).append(item.name)
    for move, names in by_move.items():
        lines += wrap(f"{move}: {', '.join(names)}", "    ", "      ")
    displaced = sum(not changed_itself(item) for item in items)
    return lines + (wrap(f"only displaced, with the same standing: {displaced}", "    ") if displaced else [])


def _move(item: OptionChange) -> str:
    one, two = (_verdict(place) for place in (item.before, item.after))
    return f"{one} → {two}" if one != two else f"{one}, as before"


def standings_text(item: OptionChange) -> str:
    """Write verdict and rank before and after, and what that means."""
    return f"{_standing(item.before)} → {_standing(item.after)}: {DIRECTIONS[item.direction]}"


def _standing(place: Place) -> str:
    rank = f", rank {place.rank}" if place.rank is not None else ""
    return f"{_verdict(place)}{rank}"


def _verdict(place: Place) -> str:
    outlook = f", would be {place.would_be}" if place.would_be else ""
    return f"{place.verdict}{outlook}".replace("_", " ")


def reason_text(reason: Reason, knowledge: Knowledge) -> str:
    """Write one reason with the patient's values and what it rests on."""
    if reason.kind == "setting":
        named = setting_labels(knowledge)
        return f"Setting: {named[reason.before]} → {named[reason.after]}"
    if reason.kind == "others":
        return displacement_text(reason, knowledge)
    values = "; ".join(f"{item.label}: {values_text(item, knowledge)}" for item in facts_shown(reason.facts))
    brackets = f" ({values})" if values else ""
    if reason.kind == "indication":
        return f"{indication_text(reason)}{brackets} [{', '.join(bases(reason))}]"
    if reason.kind == "regimen":
        return f"Regimen: {reason.before} → {reason.after}{brackets}"
    basis = f" [{', '.join((reason.rule, *reason.claims))}]"
    if reason.kind == "criterion":
        results = " → ".join(
            "not asked" if found is None else result_text(as_criterion(reason, found))
            for found in (reason.before, reason.after)
        )
        return f"{kind_text(as_criterion(reason, 'unknown'))}: {reason.text}: {results}{brackets}{basis}"
    if reason.kind == "preference":
        return f"{effect_text(reason)}: {reason.text}{brackets}{basis}"
    return f"{'Caution now' if reason.came else 'Caution no longer applies'}: {reason.text}{brackets}{basis}"


def in_short(decision: Decision, knowledge: Knowledge) -> dict[str, Any]:
    """Return a decision in short as plain data: the record, the setting, the headline and where each option stands."""
    return {
        "patient": decision.patient,
        "setting": decision.setting,
        "headline": headline(decision, knowledge),
        "options": [
            {"rank": item.rank, "id": item.id, "verdict": item.verdict, "would_be": item.would_be}
            for item in decision.options
        ],
        "excluded": [{"id": item.id, "verdict": item.verdict} for item in decision.excluded],
    }
