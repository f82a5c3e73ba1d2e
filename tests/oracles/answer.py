"""What every reader of the rules says of one patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
"""A patient record as the contract has it, before anything is checked or derived."""

Value = str | int | bool
"""A value of a derived fact."""


@dataclass(frozen=True)
class Answer:
    """One reader's answer.

    Attributes:
        derived: for each fact that staging derives, the values that are still possible.
        disagreements: facts that are given and that staging derives otherwise.
        rules: for each rule judged whether it holds; ``None`` while a fact is missing. Every rule of an option one of
            whose settings is possible is judged, and every notice; a reader may judge more.
        verdicts: for each option its verdict, and with ``undetermined`` the verdict that it would be.
    """

    derived: Mapping[str, frozenset[Value]]
    disagreements: frozenset[str]
    rules: Mapping[str, bool | None]
    verdicts: Mapping[str, tuple[str, str | None]]


class OracleError(Exception):
    """The rules contradict themselves for this patient, so that there is no answer."""
