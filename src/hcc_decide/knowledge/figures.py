"""Checks that every figure in a text of the rule base stands in a source that the text cites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hcc_decide.documents import Path_
from hcc_decide.knowledge.files import RawKnowledge, Source
from hcc_decide.knowledge.findings import Finding
from hcc_decide.knowledge.schema import OptionFile
from hcc_decide.knowledge.schema_sources import Claim, Trial

NUMBER = re.compile(r"(?<![\w.])(?<![A-Za-z]-)\d+(?:\.\d+)?")
"""A number that is no part of a name such as PD-1 or NCT00105443."""
COUNTED = re.compile(r"\b(?:phase|level|reviews?|table|cohort|arm)\s+\d+(?:/\d+)?", re.IGNORECASE)
"""Numbers that name a thing and measure nothing."""
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
DECIMAL_PLACES = 6


def figures(text: str) -> frozenset[float]:
    """Return the figures in a text; a comma before three digits separates thousands."""
    plain = THOUSANDS.sub("", COUNTED.sub(" ", text.replace("·", ".")))
    return frozenset(round(float(number), DECIMAL_PLACES) for number in NUMBER.findall(plain))


def unsourced(raw: RawKnowledge) -> Iterator[Finding]:
    """Yield a finding for each figure of a text that none of the claims and trials it cites contains."""
    claims = {claim.id: claim for source in raw.claims for claim in source.body.claims}
    trials = {source.body.id: source.body for source in raw.trials}
    pool = _Pool(claims, trials)
    for option in raw.options:
        yield from _of_option(option, pool)
    for source in (raw.notices, raw.sequences):
        if source is not None:
            for path, entry in _entries(source.document.data, ()):
                yield from _check(source, path, entry, pool, frozenset())
    if raw.sequences is not None:
        for index, sequence in enumerate(raw.sequences.body.sequences):
            known = pool.of(sequence.claims, sequence.trials)
            for number, result in enumerate(sequence.results):
                given = " ".join(
                    str(part) for part in (result.value, result.control_value, result.hr) if part is not None
                )
                path = ("sequences", index, "results", number)
                yield from _missing(raw.sequences, path, f"{given} {result.text}", pool, known)
    for trial in raw.trials:
        yield from _of_trial(trial)


def unsourced_in(source: Source[Any], claims: Mapping[str, Claim], trials: Mapping[str, Trial]) -> Iterator[Finding]:
    """Yield a finding for each figure of a text in one file that none of the claims and trials beside it contains."""
    pool = _Pool(claims, trials)
    for path, entry in _entries(source.document.data, ()):
        yield from _check(source, path, entry, pool, frozenset())


class _Pool:
    """The figures of every claim and trial, read once."""

    def __init__(self, claims: Mapping[str, Claim], trials: Mapping[str, Trial]) -> None:
        self._claims = {
            name: figures(" ".join([claim.statement, claim.remark or "", *map(str, claim.figures.values())]))
            for name, claim in claims.items()
        }
        self._trials = {name: figures(_matter(trial)) for name, trial in trials.items()}
        # The number in a trial's name, as in CheckMate 459, measures nothing.
        names = {trial.name.partition(" (")[0] for trial in trials.values() if figures(trial.name)}
        longest_first = sorted(names, key=lambda name: (-len(name), name))
        self._names = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def of(self, claims: Iterable[str], trials: Iterable[str]) -> frozenset[float]:
        """Return every figure of some claims and trials."""
        found = [self._claims.get(name, frozenset()) for name in claims]
        found += [self._trials.get(name, frozenset()) for name in trials]
        return frozenset[float]().union(*found)

    def missing(self, text: str, known: frozenset[float]) -> str:
        """Return the figures of a text that are not known, the numbers in names of trials left out."""
        return ", ".join(f"{number:g}" for number in sorted(figures(self._names.sub(" ", text)) - known))


def _matter(trial: Trial) -> str:
    """Return what a trial file reports, without the numbers that only say where."""
    return trial.model_dump_json(exclude={"nct", "citation", "reported_in", "registry_note"}, indent=1)


def _of_option(source: Source[OptionFile], pool: _Pool) -> Iterator[Finding]:
    body = source.body
    cited = [item.trial for item in body.evidence]
    cited += [item.effect.trial for item in body.indications if item.effect is not None]
    everywhere = pool.of((), cited)
    for path, entry in _entries(source.document.data, ()):
        if path and path[0] in ("later_evidence", "cases", "evidence"):
            continue  # later events carry their own source
        yield from _check(source, path, entry, pool, everywhere)
    whole = pool.of(_all(source.document.data, "claims"), [*cited, *_all(source.document.data, "trials")])
    texts: list[tuple[Path_, str]] = [(("rationale",), body.rationale)]
    texts += [(("indications", index), item.rationale or "") for index, item in enumerate(body.indications)]
    texts += [(("regimen", "variants", index), item.text) for index, item in enumerate(body.regimen.variants)]
    for where, text in texts:
        yield from _missing(source, where, text, pool, whole)


def _check(
    source: Source[Any], path: Path_, entry: Mapping[str, Any], pool: _Pool, besides: frozenset[float]
) -> Iterator[Finding]:
    known = pool.of(entry.get("claims") or (), entry.get("trials") or ()) | besides
    yield from _missing(source, (*path, "text"), str(entry["text"]), pool, known)


def _missing(source: Source[Any], path: Path_, text: str, pool: _Pool, known: frozenset[float]) -> Iterator[Finding]:
    lost = pool.missing(text, known)
    if lost:
        yield source.finding("K20", path, f"gives {lost}, which no claim or trial cited here contains")


def _of_trial(source: Source[Trial]) -> Iterator[Finding]:
    trial = source.body
    for index, end in enumerate(trial.endpoints):
        if not end.verified and not end.claims and not trial.reported_in:
            message = "is neither confirmed in a publication nor reported by a review"
            yield source.finding("K20", ("endpoints", index), message)


def _entries(value: object, path: Path_) -> Iterator[tuple[Path_, Mapping[str, Any]]]:
    """Yield every mapping that has a text and cites something."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str) and ("claims" in value or "trials" in value):
            yield path, value
        for key, child in value.items():
            yield from _entries(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _entries(child, (*path, index))


def _all(value: object, key: str) -> list[str]:
    if isinstance(value, dict):
        here = value.get(key)
        own = [name for name in here if isinstance(name, str)] if isinstance(here, list) else []
        return own + [name for child in value.values() for name in _all(child, key)]
    if isinstance(value, list):
        return [name for child in value for name in _all(child, key)]
    return []
