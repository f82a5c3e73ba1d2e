"""What it would take, as terminal text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hcc_decide.counterfactual.shape import ACTIONABLE, Answer, By, Change, Counterfactuals, Way
from hcc_decide.lines import Line, heading, wrap

MOST_VALUES = 4
"""Values of one fact and origin that are told; of histories there can be many."""
GROUPS: tuple[tuple[str, tuple[By, ...]], ...] = (
    ("Can be brought about by tests and treatment", ACTIONABLE),
    ("Only with the further course of the disease", ("course",)),
    ("Only if what cannot be changed were different", ("fixed",)),
)
"""Answers by how they come about, with a title."""
ORIGINS: dict[By, str] = {
    "test": "find out",
    "treatment": "treat or prepare",
    "course": "further course",
    "fixed": "cannot be changed",
}
"""How values come about, in words."""


def verdicts_text(found: Counterfactuals) -> str:
    """Write the verdicts of which one is wanted."""
    words = [verdict.replace("_", " ") for verdict in found.wanted]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def summary(found: Counterfactuals) -> str:
    """Say in one sentence what came of the question."""
    wanted = verdicts_text(found)
    if found.already:
        return f"{found.name} is {found.verdict.replace('_', ' ')} already; nothing has to change."
    if found.impossible:
        return (
            f"No change of facts can make {found.name} {wanted}, as long as what is known stays known: this is proved "
            "over all records."
        )
    count = len(found.answers)
    sets = "1 smallest set" if count == 1 else f"{count} smallest sets"
    facts = f"{sets} of facts would make {found.name} {wanted}"
    if found.whole:
        return f"{facts}. {'It is' if count == 1 else 'They are'} all there are: this is proved over all records."
    return f"{facts}. There are more: these have the fewest facts. Ask for more of them to see the rest."


def today(found: Counterfactuals) -> str:
    """Write what the option has today."""
    outlook = f", would be {found.would_be}" if found.would_be else ""
    return f"{found.verdict}{outlook}".replace("_", " ")


def needed_text(change: Change, by: By) -> str:
    """Write the values of one origin that do."""
    texts = [item.text for item in change.needed if item.by == by]
    if len(texts) > MOST_VALUES + 1:
        texts = [*texts[:MOST_VALUES], f"{len(texts) - MOST_VALUES} more of the kind"]
    # A text of several parts needs a stronger sign than a word between it and the next.
    return " or ".join(texts) if all(len(text) < 30 for text in texts) else "; or ".join(texts)


def others_text(change: Change) -> str:
    """Write the values of other origins that do as well; empty when there are none."""
    rest = dict.fromkeys(item.by for item in change.needed if item.by != change.by)
    return "; ".join(f"{needed_text(change, by)} ({ORIGINS[by]})" for by in rest)


def in_groups(found: Counterfactuals) -> Iterator[tuple[str, Sequence[Answer]]]:
    """Yield the answers by how they come about, with a title."""
    for title, origins in GROUPS:
        answers = [answer for answer in found.answers if answer.by in origins]
        if answers:
            yield title, answers


def text(found: Counterfactuals, *, stamp: str) -> list[Line]:
    """Return all answers as terminal text of at most 80 columns.

    Args:
        found: the answers.
        stamp: which knowledge they rest on, in one line.
    """
    lines = wrap(stamp, "", role="dim")
    lines += wrap(f"{found.name}: {today(found)} today", "", "  ", found.would_be or found.verdict)
    lines += wrap(summary(found), "", "  ")
    number = 0
    for title, answers in in_groups(found):
        lines += heading(title)
        for answer in answers:
            number += 1
            lines += _answer(number, answer)
    return lines


def _answer(number: int, answer: Answer) -> list[Line]:
    lines: list[Line] = []
    for place, way in enumerate(answer.ways):
        lead = f"{number:>3}  " if place == 0 else "     or "
        names = ", ".join(change.label for change in way.changes)
        lines += [Line(""), *wrap(f"{names}: then {way.verdict.replace('_', ' ')}", lead, "       ", way.verdict)]
        lines += _way(way)
    if not answer.whole:
        lines += wrap("Other combinations of values of these facts may do as well.", "       ", role="dim")
    return lines


def _way(way: Way) -> list[Line]:
    lines: list[Line] = []
    for change in way.changes:
        how = f": {change.how}" if change.how else ""
        body = f"{change.label}: {change.now} → {needed_text(change, change.by)} ({ORIGINS[change.by]}{how})"
        lines += wrap(body, "       - ", "         ")
        others = others_text(change)
        if others:
            lines += wrap(f"also {others}", "         ", role="dim")
    for rule in way.turns:
        claims = f" {', '.join(rule.claims)}" if rule.claims else ""
        lines += wrap(f"turns: {rule.text} [{rule.rule}{claims and ';'}{claims}]", "         ", "           ", "dim")
    return lines
