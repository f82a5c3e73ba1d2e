"""The report in parts: each can be measured and written without the rest."""

from __future__ import annotations

import re


def with_section(report: str, section: str) -> str:
    """Return a report with a section in place of the one that has the same heading, or at its end.

    Args:
        report: the whole report.
        section: the section; its first line is its heading.
    """
    heading = section.partition("\n")[0]
    before, found, after = f"{report.rstrip()}\n".partition(f"{heading}\n")
    following = re.search(r"^## ", after, re.MULTILINE)
    rest = f"\n\n{after[following.start() :]}" if found and following else "\n"
    return f"{before.rstrip()}\n\n{section}{rest}"
