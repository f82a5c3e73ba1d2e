"""The part of the benchmark's report about what lies beyond one decision; it can be measured and written without the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.counterfactuals import counterfactuals_section, measure_counterfactuals
from benchmarks.patients import example_patients
from benchmarks.sequences import followed_patients, measure_sequences, sequences_section
from benchmarks.tables import table
from benchmarks.worths import measure_worths, worths_section
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge

HEADING = "## Beyond one decision"


@dataclass(frozen=True)
class AheadRun:
    """What one run of the benchmark saw of missing facts, counterfactuals and sequences.

    Attributes:
        machine: the rows that describe machine, versions, knowledge and date.
        busy: whether other work ran on the machine when the run began.
        sections: what was measured, in Markdown.
    """

    machine: Mapping[str, str]
    busy: bool
    sections: tuple[str, ...]


def measure_ahead(knowledge: Knowledge) -> tuple[str, ...]:
    """Measure all three, each in Markdown."""
    engine = Engine(knowledge)
    followed, examples = len(followed_patients(engine)), len(example_patients(knowledge))
    engine.close()
    return (
        worths_section(measure_worths(knowledge)),
        counterfactuals_section(measure_counterfactuals(knowledge)),
        sequences_section(measure_sequences(knowledge), followed, examples),
    )


def ahead_section(run: AheadRun) -> str:
    """Return the section, with its heading and without an empty line at its end."""
    parts = [HEADING, table(("", ""), run.machine.items())]
    if run.busy:
        parts.append("Other work ran on the machine at the time.")
    return "\n\n".join([*parts, *(section.strip() for section in run.sections)])
