"""Why one option stands above another, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Literal

from hcc_decide.comparison import Comparison, Key
from hcc_decide.lines import WIDTH, Line, heading, wrap

KEY_LABELS: Mapping[Key, str] = {
    "verdict": "Verdict",
    "outlook": "Verdict it would have",
    "evidence_level": "Evidence level",
    "findings": "Findings for and against",
    "effect_size": "Effect size",
}
"""How each key is called."""

Counts = Literal["decides", "equal", "tells nothing apart", "no longer counts"]

_KEY, _GAP = 15, 2
_CELL = (WIDTH - _KEY - 2 * _GAP) // 2


def counts(comparison: Comparison) -> tuple[Counts, ...]:
    """Say of each key what it did for the order of the two options."""
    found: list[Counts] = []
    for item in comparison.differences:
        if item.decides:
            found.append("decides")
        elif "decides" in found:
            found.append("no longer counts")
        else:
            found.append("tells nothing apart" if comparison.equal else "equal")
    return tuple(found)


def comparison_text(comparison: Comparison, names: Mapping[str, str]) -> list[Line]:
    """Return a comparison as terminal text of at most 80 columns: the sentence, then key by key.

    Args:
        comparison: the comparison.
        names: name of each of the two options, by id.
    """
    lines = [*wrap(comparison.sentence, ""), *heading("Key by key, the weightiest first")]
    lines += _row(["", names[comparison.first], names[comparison.second]], "title")
    for item, word in zip(comparison.differences, counts(comparison), strict=True):
        key = f"{KEY_LABELS[item.key]}: {word.upper() if item.decides else word}"
        role = "title" if item.decides else "dim" if word == "no longer counts" else "text"
        lines += [Line(""), *_row([f"> {key}" if item.decides else key, item.first, item.second], role)]
    return lines


def _row(cells: Sequence[str], role: str) -> list[Line]:
    """Return one row of the table; each cell is broken into lines of its column."""
    widths = (_KEY, _CELL, _CELL)
    columns = [
        textwrap.wrap(cell, width, break_on_hyphens=False) or [""] for cell, width in zip(cells, widths, strict=True)
    ]
    height = max(map(len, columns))
    padded = [[*column, *[""] * (height - len(column))] for column in columns]
    gap = " " * _GAP
    return [
        Line(gap.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip(), role)
        for row in zip(*padded, strict=True)
    ]
