"""What the rules know of giving one option right after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, option_name
from hcc_decide.knowledge.schema_sources import Sequence as Entry
from hcc_decide.patient import Patient, PriorLine
from hcc_decide.sequence.shape import Figure, Known, Source
from hcc_decide.sources import cite

_AGAINST = ("discouraged", "excluded")
"""Standings of entries that say why an option is not offered; they have nothing to say about one that is."""


def known_after(knowledge: Knowledge, patient: Patient, offered: Iterable[str]) -> list[Known]:
    """Return what is known of giving each of some options after a patient's last line, the closest entries first.

    An entry fits when its treatment is that of the last line and can have ended so, when what it says of that line does
    not contradict the record, and when the lines that its patient had before are among the earlier ones. A number
    contradicts another when a limit of some rule lies between them.

    Args:
        knowledge: for the entries, their trials, and the limits.
        patient: the record; without a line there is nothing to know.
        offered: ids of the options that are offered next.
    """
    lines = patient.prior_systemic or ()
    if not lines:
        return []
    earlier, last = lines[:-1], lines[-1]
    found = []
    for option in offered:
        fitting = [
            entry
            for entry in knowledge.sequences
            if entry.option == option
            and entry.after == last.option
            and entry.standing not in _AGAINST
            and any(outcome in last.outcome for outcome in entry.outcome)
            and _agree(knowledge, last.option, entry.line, last)
            and has_had(knowledge, earlier, entry)
        ]
        fitting.sort(key=lambda entry: -len(lines_before(entry)))
        found += [_known(knowledge, entry, len(earlier)) for entry in fitting]
    return found


def lines_before(entry: Entry) -> tuple[Mapping[str, Any], ...]:
    """Return the lines that an entry's patient had before the one that the entry is about."""
    return tuple(
        PriorLine.model_validate(line).model_dump(exclude_none=True) for line in entry.patient.get(PRIOR_SYSTEMIC) or ()
    )


def has_had(knowledge: Knowledge, lines: Sequence[PriorLine], entry: Entry) -> bool:
    """Whether the earlier lines of an entry's patient are all among some lines."""
    return all(
        any(line.option == wanted["option"] and _agree(knowledge, line.option, wanted, line) for line in lines)
        for wanted in lines_before(entry)
    )


def _agree(knowledge: Knowledge, option: str, wanted: Mapping[str, Any], line: PriorLine) -> bool:
    for name, value in wanted.items():
        recorded = getattr(line, name)
        if recorded is None:
            continue
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            limits = knowledge.limits.get(f"{name}[{option}]", ())
            if bisect_right(limits, value) != bisect_right(limits, recorded):
                return False
        elif name == "outcome":
            if value not in recorded:
                return False
        elif recorded != value:
            return False
    return True


def _known(knowledge: Knowledge, entry: Entry, earlier: int) -> Known:
    return Known(
        id=entry.id,
        option=entry.option,
        name=option_name(knowledge, entry.option),
        text=entry.text.strip(),
        figures=[Figure.model_validate(result.model_dump()) for result in entry.results],
        claims=list(entry.claims),
        trials=[_source(knowledge, trial) for trial in entry.trials],
        further_lines=max(earlier - len(lines_before(entry)), 0),
    )


def _source(knowledge: Knowledge, name: str) -> Source:
    trial = knowledge.trials[name]
    return Source(
        trial=trial.id,
        name=trial.name,
        citation=cite(trial.citation),
        doi=trial.citation.doi if trial.citation else None,
        nct=trial.nct,
        unverified=list(trial.unverified),
    )
