"""Checks of how lines of therapy can end: every option, field and value that is named must exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hcc_decide.documents import Path_
from hcc_decide.knowledge.files import RawKnowledge, Source
from hcc_decide.knowledge.findings import Finding
from hcc_decide.knowledge.schema_sources import SequenceFile
from hcc_decide.patient import OTHER, PriorLine, RecordError, parse_patient

_NOT_OF_AN_ENDING = ("option", "name")


def check_course(raw: RawKnowledge) -> Iterator[Finding]:
    """Yield a finding for each option, ending, field or value in the endings of ``sequences.yaml`` that does not exist."""
    source = raw.sequences
    if source is None:
        return
    yield from _endings(source)
    yield from _procedures(source)
    yield from _options(source, {option.body.id for option in raw.options})
    facts = raw.vocabulary.body.facts if raw.vocabulary is not None else {}
    for index, name in enumerate(source.body.may_change):
        if name not in facts or not facts[name].source.startswith("record"):
            yield source.finding("K10", ("may_change", index), f"names {name}, which is no fact of a record")


def _endings(source: Source[SequenceFile]) -> Iterator[Finding]:
    for name, ending in source.body.endings.items():
        yield from _line(source, ("endings", name, "line"), ending.line)
    if source.body.still_running is not None:
        yield from _line(source, ("still_running", "line"), source.body.still_running.line)


def _line(source: Source[SequenceFile], path: Path_, line: Mapping[str, Any]) -> Iterator[Finding]:
    for name in _NOT_OF_AN_ENDING:
        if name in line:
            yield source.finding("K02", (*path, name), "belongs to the treatment and not to how it ended")
            return
    if "outcome" not in line:
        yield source.finding("K02", path, "needs an `outcome`")
    for problem in _problems({"prior_systemic": [{"option": OTHER, **line}]}):
        allowed = ", ".join(name for name in PriorLine.model_fields if name not in _NOT_OF_AN_ENDING)
        yield source.finding("K02", path, f"{problem}; the fields of a line's ending are {allowed}")


def _procedures(source: Source[SequenceFile]) -> Iterator[Finding]:
    for index, procedure in enumerate(source.body.procedures):
        path: Path_ = ("procedures", index)
        added = {"prior_locoregional": [procedure.adds]}
        wrong = _problems(added)
        for problem in wrong:
            yield source.finding("K02", (*path, "adds"), problem)
        for name, ending in procedure.after.items():
            here = (*path, "after", name)
            if name not in source.body.endings:
                yield source.finding("K10", here, f"names the ending {name}, which `endings` does not have")
            # A value that is told already is not told again for each ending.
            for problem in _problems(ending.record if wrong else {**added, **ending.record}):
                yield source.finding("K02", (*here, "record"), problem)


def _options(source: Source[SequenceFile], options: set[str]) -> Iterator[Finding]:
    named = [("procedures", index, item.options) for index, item in enumerate(source.body.procedures)]
    named += [("not_followed", index, item.options or []) for index, item in enumerate(source.body.not_followed)]
    for key, index, names in named:
        for place, name in enumerate(names):
            if name not in options:
                message = f"names {name}, which rules/options does not have"
                yield source.finding("K10", (key, index, "options", place), message)
    seen: set[str] = set()
    for index, procedure in enumerate(source.body.procedures):
        for place, name in enumerate(procedure.options):
            if name in seen:
                path = ("procedures", index, "options", place)
                yield source.finding("K06", path, f"names {name}, which an earlier procedure names already")
            seen.add(name)


def _problems(record: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        parse_patient(record)
    except RecordError as error:
        return error.problems
    return ()
