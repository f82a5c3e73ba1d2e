"""Where the rows of a CSV file begin and end. The cells are not looked at, only the quotation marks.

A cell that begins with a quotation mark goes on to the next single one, over commas and line breaks; a doubled one stands
for itself. A quotation mark within any other cell is an ordinary character (RFC 4180 leaves this open; Python's csv
module and Arrow read it so).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hcc_decide.cohort.reading.encoding import line_breaks

Offsets = NDArray[np.int64]

_LF, _CR, _COMMA, _QUOTE = b'\n\r,"'

_QUOTED = rb'"[^"]*+(?:""[^"]*+)*+"'
_PLAIN = rb'(?!")[^,\r\n]*+'
# What follows a closing quotation mark belongs to its cell, and makes the row unclear.
_CELL = rb"(?:" + _QUOTED + rb"[^,\r\n]*+|" + _PLAIN + rb")"
_CLEAR_CELL = rb"(?:" + _QUOTED + rb"(?![^,\r\n])|" + _PLAIN + rb")"
_ROW = re.compile(rb"(?:" + _CELL + rb",)*+" + _CELL)
_CLEAR_ROW = re.compile(rb"(?:" + _CLEAR_CELL + rb",)*+" + _CLEAR_CELL + rb"(?=[\r\n]|\Z)")


@dataclass(frozen=True)
class Records:
    """The complete rows at the beginning of a block, empty lines included.

    Attributes:
        ends: the offset just behind each row and its line break.
        lines: on which line of the block each row begins, from 0.
        unclear: the indices of rows in which text follows a closing quotation mark.
        in_place: whether every quotation mark is known to open or close a cell or to be doubled, and every carriage return
            outside of them to belong to a line break of two characters.
    """

    ends: Offsets
    lines: Offsets
    unclear: tuple[int, ...] = ()
    in_place: bool = False


def split(block: bytes, *, at_end: bool) -> Records:
    """Find the complete rows of a block.

    Args:
        block: bytes from the beginning of a row on.
        at_end: whether the file ends with the block; its last row then needs no line break.
    """
    # At the end of a block the carriage return may be half a line break.
    lone = block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else 0
    if lone - (not at_end and block.endswith(b"\r")):
        return _walk(block, at_end)
    codes = np.frombuffer(block, dtype=np.uint8)
    breaks: Offsets = np.flatnonzero(codes == _LF)
    quotes: Offsets = np.flatnonzero(codes == _QUOTE) if b'"' in block else breaks[:0]
    if not len(quotes):
        ends, lines = breaks + 1, np.arange(len(breaks))
    elif _in_place(codes, quotes):
        # Outside of quotation marks is where an even number of them came before.
        outside = np.flatnonzero(np.searchsorted(quotes, breaks) % 2 == 0)
        ends, lines = breaks[outside] + 1, np.concatenate(([0], outside + 1))[: len(outside)]
    else:
        return _walk(block, at_end)
    last = int(ends[-1]) if len(ends) else 0
    if at_end and last < len(block) and len(quotes) % 2 == 0:
        lines = np.append(lines, line_breaks(block[:last]))
        ends = np.append(ends, len(block))
    return Records(ends, lines, in_place=True)


def split_lines(block: bytes, *, at_end: bool) -> Records:
    """Find the complete lines of a block; as `split`, where quotation marks mean nothing and only LF ends a line."""
    ends: Offsets = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == _LF) + 1
    if at_end and not block.endswith(b"\n"):
        ends = np.append(ends, len(block))
    return Records(ends, np.arange(len(ends)))


def _in_place(codes: NDArray[np.uint8], quotes: Offsets) -> bool:
    """Whether quotation marks open and close in turn, each where a cell begins or ends, or doubled.

    If so, counting them tells what is within a cell.
    """
    opening, closing = quotes[::2], quotes[1::2]
    before = codes[opening[1:] - 1] if opening[0] == 0 else codes[opening - 1]
    after = codes[closing[:-1] + 1] if len(closing) and closing[-1] == len(codes) - 1 else codes[closing + 1]
    edges = np.array([_COMMA, _LF, _CR, _QUOTE], dtype=np.uint8)
    return bool(np.isin(before, edges).all() and np.isin(after, edges).all())


def _walk(block: bytes, at_end: bool) -> Records:
    """Find the rows one by one: exact whatever the quotation marks and line breaks, and slow."""
    ends: list[int] = []
    lines: list[int] = []
    unclear: list[int] = []
    start = line = 0
    while start < len(block):
        row = _ROW.match(block, start)
        if row is None:  # a cell that is not closed
            break
        end = row.end()
        if end == len(block):
            if not at_end:
                break
        elif block.startswith(b"\r\n", end):
            end += 2
        elif block[end] == _CR and end + 1 == len(block) and not at_end:
            break
        else:
            end += 1
        if not _CLEAR_ROW.match(block, start):
            unclear.append(len(ends))
        ends.append(end)
        lines.append(line)
        line += line_breaks(block[start:end])
        start = end
    return Records(np.array(ends, dtype=np.int64), np.array(lines, dtype=np.int64), tuple(unclear))
