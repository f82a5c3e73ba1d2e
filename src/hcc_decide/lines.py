"""Lines of terminal text, with the role that a terminal may colour."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

WIDTH = 80
"""Columns of terminal text."""


@dataclass(frozen=True)
class Line:
    """One line of terminal text with the role that a terminal may colour."""

    text: str
    role: str = "text"


def wrap(text: str, first: str, rest: str | None = None, role: str = "text") -> list[Line]:
    """Break a text into lines of at most `WIDTH` columns.

    Args:
        text: the text.
        first: what the first line begins with.
        rest: what the others begin with; left out, as many blanks.
        role: what the lines are.
    """
    indent = " " * len(first) if rest is None else rest
    lines = textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
    return [Line(line, role) for line in lines] or [Line(first.rstrip(), role)]


def heading(text: str) -> list[Line]:
    """Return a heading with an empty line before it."""
    return [Line(""), Line(text.upper(), "title")]
