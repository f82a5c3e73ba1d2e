"""Checks that verdicts fit their evidence levels and that trial files fit their status."""

from __future__ import annotations

from collections.abc import Iterator

from hcc_decide.knowledge.files import RawKnowledge, Source
from hcc_decide.knowledge.findings import Finding
from hcc_decide.knowledge.schema_sources import Citation, Endpoint, Trial


def check_shape_of_evidence(raw: RawKnowledge) -> Iterator[Finding]:
    """Yield a finding for each indication and each trial whose parts contradict each other."""
    levels = raw.manifest.body.evidence_levels if raw.manifest else {}
    for option in raw.options:
        for index, indication in enumerate(option.body.indications):
            level = levels.get(indication.evidence_level)
            if level is None:
                message = f"names the level {indication.evidence_level}, which knowledge.yaml does not have"
                yield option.finding("K18", ("indications", index, "evidence_level"), message)
            elif level.no_patients and indication.verdict != "not_recommended":
                message = (
                    f"is {indication.verdict} although its level says that no patient has been treated ({level.label})"
                )
                yield option.finding("K18", ("indications", index, "verdict"), message)
    for trial in raw.trials:
        yield from _status(trial)


def _status(source: Source[Trial]) -> Iterator[Finding]:
    trial = source.body
    ongoing = trial.status == "ongoing"
    if ongoing != (trial.primary_endpoint_met == "awaited"):
        yield source.finding("K19", ("primary_endpoint_met",), "is `awaited` exactly while the trial is ongoing")
    if ongoing and trial.endpoints:
        yield source.finding("K19", ("endpoints",), "gives results of an ongoing trial")
    if not ongoing and trial.citation is None:
        yield source.finding("K19", ("citation",), "is missing although the trial is reported; unknown parts are null")
    if not ongoing and trial.expected_completion is not None:
        yield source.finding("K19", ("expected_completion",), "is given although the trial is reported")
    known = _parts(trial)
    for index, name in enumerate(trial.unverified):
        if name not in known:
            yield source.finding("K19", ("unverified", index), f"names {name}, which is no part of this trial file")


def _parts(trial: Trial) -> frozenset[str]:
    """Return the names by which `unverified` may speak of the parts of a trial file."""
    endpoints = {f"endpoints.{end.id}" for end in trial.endpoints}
    figures = {f"endpoints.{end.id}.{part}" for end in trial.endpoints for part in Endpoint.model_fields}
    citation = {f"citation.{part}" for part in Citation.model_fields} if trial.citation else set()
    safety = {f"safety[{number}]" for number, _ in enumerate(trial.safety, start=1)}
    return frozenset(Trial.model_fields).union(endpoints, figures, citation, safety)
