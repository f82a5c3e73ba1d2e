"""What missing facts are worth, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hcc_decide.decision import FactWorth
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name, setting_labels
from hcc_decide.knowledge.phrasing import either
from hcc_decide.lines import Line, heading, wrap
from hcc_decide.worth.shape import Outcome, VerdictChange, Worth, Worths

ORDER = (
    "First come facts that can change the first choice, those with the most other first choices first; then those that can "
    "change the verdicts of the most usable options, then of the most options at all. Usable is what is preferred, recommended "
    "or alternative, be it today, with some answer, or if what is missing turns out well. One fact is looked at at a time; all "
    "others stay as they are."
)
"""The order of missing facts, for users."""

NO_FIRST = "no usable option"
PARTLY = (
    "Only histories of at most one line, ended by progression or not tolerated, were tried, with one treatment for all like it; "
    "others are not among these answers."
)
ALONE_NOTHING = "changes no verdict by itself, only together with other facts"

_FEW = 3


def could_change(worth: FactWorth, name: Callable[[str], str] = str) -> str:
    """Say in a phrase what finding out a fact could change.

    Args:
        worth: what it could change.
        name: how an option is called, from its id.

    >>> could_change(FactWorth(first_choices=[["a"], []], usable=1, options=3))
    'can change the first choice (to a; or to no usable option) and 3 verdicts, 1 of a usable option'
    """
    parts = []
    if worth.first_choices:
        if len(worth.first_choices) > _FEW:
            to = f"to {len(worth.first_choices)} others"
        else:
            to = "; or ".join(f"to {first_text(first, name)}" for first in worth.first_choices)
        parts.append(f"the first choice ({to})")
    if worth.options:
        of = "none of a usable option" if not worth.usable else f"{worth.usable} of {_usable(worth.usable)}"
        parts.append(f"{_count(worth.options, 'verdict')}, {of}")
    return f"can change {' and '.join(parts)}" if parts else ALONE_NOTHING


def first_text(first: Sequence[str], name: Callable[[str], str] = str) -> str:
    """Name a first choice; options of equal rank are joined."""
    return either([name(option) for option in first], "and") or NO_FIRST


def fact_worth(worth: Worth, today: tuple[str, ...]) -> FactWorth:
    """Return what a fact could change, without what each answer does.

    Args:
        worth: the fact.
        today: today's first choice.
    """
    firsts = [list(first) for first in worth.firsts(today)]
    return FactWorth(first_choices=firsts, usable=worth.usable, options=worth.options)


def first_words(outcome: Outcome, today: tuple[str, ...], knowledge: Knowledge) -> str:
    """Name the first choice with some answers; *as today* when it is today's."""
    return "as today" if outcome.first == today else first_text(outcome.first, lambda x: option_name(knowledge, x))


def change_parts(outcome: Outcome, knowledge: Knowledge) -> list[str]:
    """Say what some answers change of setting and verdicts: usable options and a few others by name, many by number.

    Args:
        outcome: what the answers lead to.
        knowledge: for names.
    """
    parts = [] if outcome.setting is None else [f"setting: {setting_labels(knowledge)[outcome.setting]}"]
    usable = [item for item in outcome.verdicts if item.usable]
    others = [item for item in outcome.verdicts if not item.usable]
    parts += _named_moves(usable if len(others) > _FEW else [*usable, *others], knowledge)
    if len(others) > _FEW:
        other = "other verdicts" if usable else "verdicts"
        parts.append(f"{len(others)} {other}: {'; '.join(_counted(others))}")
    return parts if outcome.verdicts else [*parts, "no verdict changes"]


def missing_text(outcome: Outcome) -> str:
    """Say how many facts some answers would leave missing."""
    least, most = outcome.still_missing
    if most == 0:
        return "nothing more missing"
    return f"{least} to {most} facts still missing" if least < most else f"{_count(most, 'fact')} still missing"


def worths_text(worths: Worths, knowledge: Knowledge) -> list[Line]:
    """Return what missing facts are worth as terminal text of at most 80 columns."""

    def name(option: str) -> str:
        return option_name(knowledge, option)

    lines = wrap(f"First choice today: {first_text(worths.first, name)}", "", "  ", "title")
    if not worths.facts:
        return lines + wrap("No fact is missing that an option hangs on.", "")
    lines += heading(f"Missing facts by worth ({len(worths.facts)})")
    for number, item in enumerate(worths.facts, 1):
        lines.append(Line(""))
        lines += wrap(f"{item.question} ({item.fact})", f"{number:>2}  ", "    ", "title")
        lines += wrap(f"{could_change(fact_worth(item, worths.first), name)}.", "    ")
        for outcome in item.outcomes:
            lines += wrap(f"{outcome.text}:", "    - ", "      ")
            first = f"first choice: {first_words(outcome, worths.first, knowledge)}"
            for part in [first, *change_parts(outcome, knowledge), missing_text(outcome)]:
                lines += wrap(part, "        ", "          ")
        for remark in remarks(item, knowledge):
            lines += wrap(remark, "    ", role="dim")
    lines += heading("Order")
    return lines + wrap(ORDER, "  ")


def remarks(worth: Worth, knowledge: Knowledge) -> list[str]:
    """Return what has to be said of a fact besides what its answers do."""
    found = []
    if worth.left_open:
        found.append(
            f"{_options(worth.left_open, knowledge)}: with some answers still open until other facts are known."
        )
    if worth.only_together:
        found.append(f"{_options(worth.only_together, knowledge)}: decided only together with other facts.")
    if worth.impossible:
        verb = "is" if worth.impossible == 1 else "are"
        found.append(f"{_count(worth.impossible, 'answer')} {verb} ruled out by the rest of the record.")
    return [*found, PARTLY] if worth.partly else found


def _options(options: Sequence[str], knowledge: Knowledge) -> str:
    """Name a few options, count many."""
    if len(options) > _FEW:
        return f"{len(options)} options"
    return "; ".join(option_name(knowledge, option) for option in options)


def _named_moves(changes: Iterable[VerdictChange], knowledge: Knowledge) -> list[str]:
    """Say what becomes of options by name, those of one move together."""
    by_move: dict[str, list[str]] = {}
    for item in changes:
        by_move.setdefault(_move(item), []).append(option_name(knowledge, item.option))
    return [f"{'; '.join(names)}: {move}" for move, names in by_move.items()]


def _counted(changes: Iterable[VerdictChange]) -> list[str]:
    numbers: dict[str, int] = {}
    for item in changes:
        numbers[_move(item)] = numbers.get(_move(item), 0) + 1
    return [f"{number} {move}" for move, number in numbers.items()]


def _move(change: VerdictChange) -> str:
    outlook = f", would be {_word(change.would_be)}" if change.would_be else ""
    return f"{_word(change.before)} → {_word(change.after)}{outlook}"


def _word(verdict: str) -> str:
    return verdict.replace("_", " ")


def _usable(number: int) -> str:
    return "a usable option" if number == 1 else "usable options"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
