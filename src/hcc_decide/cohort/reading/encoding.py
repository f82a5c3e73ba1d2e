"""Whether the bytes of a table are text in UTF-8, and if not, where and what they look like."""

from __future__ import annotations

import codecs
from pathlib import Path

from hcc_decide.cohort.shape import CohortError

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHER_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a file compressed with gzip",
    b"\x28\xb5\x2f\xfd": "a file compressed with Zstandard",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF file",
}


def check_start(path: Path, start: bytes) -> None:
    """Refuse a file whose first bytes say that it is no text in UTF-8.

    Raises:
        CohortError: it looks like UTF-16, or like a file of another format.
    """
    # Text in UTF-16 that says so, or has a zero byte for every letter of the header.
    if start.startswith(_UTF_16) or (len(start) > 3 and 0 in (start[0], start[1]) and start[2:4].count(0) == 1):
        raise CohortError(f"{path}: looks like UTF-16 text; save it as UTF-8")
    for magic, what in _OTHER_FORMATS.items():
        if start.startswith(magic):
            raise CohortError(f"{path}: is {what}, whatever its name says; save the table as UTF-8 text")


def check_text(path: Path, block: bytes, line: int) -> None:
    """Refuse bytes that are no text in UTF-8.

    Args:
        path: the file, for the message.
        block: whole lines of it.
        line: the line on which they begin, from 1.

    Raises:
        CohortError: with the line of the first byte that is wrong.
    """
    zero = block.find(0)
    if zero >= 0:
        raise CohortError(
            f"{path}: line {line + line_breaks(block[:zero])} holds a zero byte; it is not text, or it is damaged"
        )
    if block.isascii():
        return
    try:
        codecs.utf_8_decode(block, "strict", True)
    except UnicodeDecodeError as error:
        where = line + line_breaks(block[: error.start])
        raise CohortError(
            f"{path}: line {where} is not UTF-8 text (byte 0x{block[error.start]:02X}){_guess(block, error.start)}; "
            "save it as UTF-8"
        ) from None


def line_breaks(block: bytes) -> int:
    """Count line breaks: LF, CR LF, and CR alone."""
    return block.count(b"\n") + (block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else 0)


def _guess(block: bytes, wrong: int) -> str:
    """Say what the text seems to be, unless correct UTF-8 before the wrong byte says that the file is damaged."""
    if not block[:wrong].isascii():
        return ""
    line = block[block.rfind(b"\n", 0, wrong) + 1 :].split(b"\n", 1)[0]
    try:
        line.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return ", it looks like Windows-1252 or Latin-1"
