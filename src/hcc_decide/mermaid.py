"""Text for Mermaid diagrams: any words as the label of a node or an edge.

Mermaid reads a quoted label as entities (``#35;``), as Markdown and as HTML. Whatever has a meaning in one of them is written
as an entity, so a label shows the words that were given. Source: https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

import re

LINE_BREAK = "<br/>"

_SPECIAL = re.compile(
    r"""["#&<>\[\]{}|`*~$@\\;]"""  # quotes, entities, tags, brackets, emphasis, formulas, addresses, literal line breaks
    r"|:(?! )"  # icons ("fa:fa-book") and addresses
    r"|(?<!\w)_|_(?!\w)"  # emphasis, which there is none of inside a word
    r"|%(?=%)|(?<=%)%"  # comments
    r"|(?<=\bwww)\."  # addresses
)
_LIST = re.compile(r"^(?P<number>\d*)(?P<mark>[-+=.)])")
"""What Markdown takes for a list or for the underline of a heading, where a line begins."""


def quoted(text: str) -> str:
    r"""Return text as a quoted label of a node or an edge of a flowchart.

    Line breaks stay; other runs of white space and control characters become one blank. A label without a character, which
    Mermaid cannot read, becomes a blank.

    Args:
        text: any words.

    >>> quoted('at least "400" ng/mL')
    '"at least #34;400#34; ng/mL"'
    >>> quoted("one\n2. two")
    '"one<br/>2#46; two"'
    """
    lines = (one_line(line) for line in text.splitlines())
    return f'"{LINE_BREAK.join(lines) or " "}"'


def one_line(line: str) -> str:
    """Return one line of a label, without the quotes around it, for labels that are put together from several.

    >>> one_line("1. A < B")
    '1#46; A #60; B'
    """
    plain = " ".join("".join(char if char.isprintable() else " " for char in line).split())
    escaped = _SPECIAL.sub(lambda found: _entity(found[0]), plain)
    return _LIST.sub(lambda found: found["number"] + _entity(found["mark"]), escaped)


def _entity(char: str) -> str:
    return f"#{ord(char)};"
