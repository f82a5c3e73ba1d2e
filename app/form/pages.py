"""The pages of the form, in the order of the menu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One page.

    Attributes:
        path: its script, beside the entry file, as links between pages name it; the last part of its address too.
        title: its name in the menu.
        icon: its sign in the menu.
    """

    path: str
    title: str
    icon: str


PATIENT = Entry("app_pages/patient.py", "Patient", ":material/person:")
ANSWER = Entry("app_pages/answer.py", "Answer", ":material/format_list_numbered:")
WHAT_IF = Entry("app_pages/what_if.py", "What if", ":material/compare_arrows:")
SEQUENCE = Entry("app_pages/sequence.py", "Sequence", ":material/route:")
REPORT = Entry("app_pages/report.py", "Report", ":material/description:")
TEACH = Entry("app_pages/teach.py", "Teach", ":material/school:")
EVIDENCE = Entry("app_pages/evidence.py", "Evidence", ":material/monitoring:")
RULES = Entry("app_pages/rules.py", "Rules", ":material/menu_book:")

SECTIONS: Mapping[str, tuple[Entry, ...]] = {"": (PATIENT, ANSWER, WHAT_IF, SEQUENCE, REPORT, TEACH, EVIDENCE, RULES)}
"""Pages by heading of the menu; a flat menu has one empty heading."""
