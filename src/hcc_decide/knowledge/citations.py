"""Checks of what files cite: trials, endpoints, arms, claims and ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from hcc_decide.documents import Path_
from hcc_decide.knowledge.files import RawKnowledge, Source
from hcc_decide.knowledge.findings import Finding
from hcc_decide.knowledge.schema import OptionFile
from hcc_decide.knowledge.schema_sources import Trial

_CODES = {"claims": "K05", "trials": "K04"}


def check_citations(raw: RawKnowledge) -> Iterator[Finding]:
    """Yield a finding for each trial, endpoint, arm or claim that is cited and missing, and for each repeated id."""
    trials = {source.body.id: source.body for source in raw.trials}
    claims = frozenset(claim.id for source in raw.claims for claim in source.body.claims)
    options = {source.body.id for source in raw.options}
    single = [source for source in (raw.notices, raw.conflicts, raw.sequences) if source is not None]
    sources: list[Source[Any]] = [*single, *raw.staging, *raw.options, *raw.trials, *raw.vignettes]
    for source in sources:
        yield from _listed(source, {"claims": claims, "trials": frozenset(trials)})
    for option in raw.options:
        yield from _effects(option, trials)
        for index, evidence in enumerate(option.body.evidence):
            if evidence.trial not in trials:
                yield option.finding("K04", ("evidence", index, "trial"), _absent("trial", evidence.trial))
    for trial in raw.trials:
        yield from _arms(trial, options)
    for source in raw.vignettes:
        for index, expected in enumerate(source.body.expect):
            if expected.option not in options:
                yield source.finding("K10", ("expect", index, "option"), _no_option(expected.option))
    if raw.sequences is not None:
        for index, sequence in enumerate(raw.sequences.body.sequences):
            for key, option_id in (("after", sequence.after), ("option", sequence.option)):
                if option_id not in options:
                    yield raw.sequences.finding("K10", ("sequences", index, key), _no_option(option_id))
    yield from _repeated_claims(raw)
    yield from _misnamed_files(raw)
    yield from _repeated_names(raw)
    for option in raw.options:
        yield from _repeated_rules(option)


def uncited(source: Source[Any], claims: Collection[str], trials: Collection[str]) -> Iterator[Finding]:
    """Yield a finding for each claim and trial that one file cites and that is not among these."""
    yield from _listed(source, {"claims": frozenset(claims), "trials": frozenset(trials)})


def _no_option(name: str) -> str:
    return f"names {name}, which rules/options does not have"


def _absent(kind: str, name: object) -> str:
    return f"cites the {kind} {name}, which rules/{kind}s does not have"


def _listed(source: Source[Any], known: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Look at every list of claims and trials, wherever it stands in the file."""
    for path, key, names in _lists(source.document.data, known.keys()):
        for index, name in enumerate(names):
            if not isinstance(name, str) or name not in known[key]:
                yield source.finding(_CODES[key], (*path, index), _absent(key[:-1], name))


def _lists(document: object, keys: Collection[str]) -> Iterator[tuple[Path_, str, list[Any]]]:
    """Yield every list under one of the keys, in no particular order."""
    waiting: list[tuple[Path_, Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in members:
            if isinstance(child, (dict, list)):
                waiting.append(((*path, key), child))
                if isinstance(child, list) and isinstance(key, str) and key in keys:
                    yield (*path, key), key, child


def _effects(option: Source[OptionFile], trials: dict[str, Trial]) -> Iterator[Finding]:
    for index, indication in enumerate(option.body.indications):
        if indication.effect is None:
            continue
        path: Path_ = ("indications", index, "effect")
        trial = trials.get(indication.effect.trial)
        if trial is None:
            yield option.finding("K04", path, _absent("trial", indication.effect.trial))
        elif not any(end.id == indication.effect.endpoint for end in trial.endpoints):
            message = f"cites the endpoint {indication.effect.endpoint}, which {trial.id} does not have"
            yield option.finding("K04", path, message)


def _arms(source: Source[Trial], options: set[str]) -> Iterator[Finding]:
    arms = {arm.id for arm in source.body.arms}
    for index, end in enumerate(source.body.endpoints):
        for key, arm in (("arm", end.arm), ("control", end.control)):
            if arm is not None and arm not in arms:
                yield source.finding(
                    "K04", ("endpoints", index, key), f"names the arm {arm}, which the trial does not have"
                )
    for index, trial_arm in enumerate(source.body.arms):
        if trial_arm.option is not None and trial_arm.option not in options:
            yield source.finding("K10", ("arms", index, "option"), _no_option(trial_arm.option))


def _repeated_claims(raw: RawKnowledge) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for source in raw.claims:
        for index, claim in enumerate(source.body.claims):
            if claim.id in seen:
                message = f"repeats the claim {claim.id} of {seen[claim.id]}"
                yield source.finding("K06", ("claims", index, "id"), message)
            seen[claim.id] = source.file


def _misnamed_files(raw: RawKnowledge) -> Iterator[Finding]:
    sources: list[Source[Any]] = [*raw.options, *raw.trials, *raw.vignettes]
    for source in sources:
        if source.file.rpartition("/")[2] != f"{source.body.id}.yaml":
            message = f"calls itself {source.body.id}; the file must be named {source.body.id}.yaml"
            yield source.finding("K06", ("id",), message)
    facts = raw.vocabulary.body.facts if raw.vocabulary else {}
    for derived in raw.staging:
        if derived.body.fact not in facts or "derived" not in facts[derived.body.fact].source:
            continue  # reported as K07
        name = f"{derived.body.fact.replace('_', '-')}.yaml"
        if derived.file.rpartition("/")[2] != name:
            yield derived.finding("K06", ("fact",), f"derives {derived.body.fact}; the file must be named {name}")


def _repeated_names(raw: RawKnowledge) -> Iterator[Finding]:
    names: dict[str, str] = {}
    for source in raw.options:
        for name in (source.body.id, *source.body.aliases):
            if name in names:
                yield source.finding("K06", ("id",), f"uses the name {name}, which {names[name]} uses already")
            names[name] = source.file


def _repeated_rules(option: Source[OptionFile]) -> Iterator[Finding]:
    body = option.body
    keys = (
        *("indications", "include", "exclude", "reservations", "cautions", "preferences"),
        *("notes", "microenvironment", "later_evidence"),
    )
    places: list[tuple[Path_, str]] = [
        ((key, index, "id"), item.id) for key in keys for index, item in enumerate(getattr(body, key))
    ]
    places += [(("regimen", "variants", index, "id"), item.id) for index, item in enumerate(body.regimen.variants)]
    yield from _twice(option, places, "uses the rule id {} twice")
    cases: list[tuple[Path_, str]] = [(("cases", index, "rule"), item.rule) for index, item in enumerate(body.cases)]
    yield from _twice(option, cases, "has cases for the rule {} in two places")


def _twice(option: Source[OptionFile], places: Sequence[tuple[Path_, str]], message: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, name in places:
        if name in seen:
            yield option.finding("K06", path, message.format(name))
        seen.add(name)
