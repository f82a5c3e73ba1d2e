"""Loading a rule base: read, check, compile. A rule base with a finding is never used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hcc_decide.documents import Path_
from hcc_decide.knowledge.catalogue import (
    Derivation,
    DerivedFact,
    Knowledge,
    Rule,
    RuleKind,
    Treatment,
    Use,
)
from hcc_decide.knowledge.checks import check_contract, check_options, order_staging
from hcc_decide.knowledge.citations import check_citations
from hcc_decide.knowledge.condition import Condition, ConditionError, negate
from hcc_decide.knowledge.courses import check_course
from hcc_decide.knowledge.evidence import check_shape_of_evidence
from hcc_decide.knowledge.files import RawKnowledge, Source, read_files
from hcc_decide.knowledge.findings import Finding, KnowledgeError
from hcc_decide.knowledge.locate import bundled
from hcc_decide.knowledge.schema import Conditional, OptionFile, RuleBody, Staging
from hcc_decide.knowledge.schema_sources import Course
from hcc_decide.knowledge.wording import Words

DEFAULT_EDITION = "reviews"


def load_knowledge(folder: Path | None = None, edition: str = DEFAULT_EDITION) -> Knowledge:
    """Load a rule base.

    Args:
        folder: the folder that holds ``knowledge.yaml``; ``None`` takes the one that ships with the program.
        edition: an edition that ``knowledge.yaml`` names.

    Raises:
        KnowledgeError: with every finding, when anything is wrong.
    """
    knowledge, findings = inspect_knowledge(folder or bundled("rules"), edition)
    if knowledge is None or findings:
        raise KnowledgeError(findings)
    return knowledge


def inspect_knowledge(folder: Path, edition: str = DEFAULT_EDITION) -> tuple[Knowledge | None, list[Finding]]:
    """Load a rule base and return it with the findings; it is ``None`` when too much is wrong to build it."""
    return inspect_files(read_files(folder), edition)


def inspect_files(raw: RawKnowledge, edition: str = DEFAULT_EDITION) -> tuple[Knowledge | None, list[Finding]]:
    """Check and compile files that are read already, as `inspect_knowledge` does; ``raw.findings`` grows with the findings."""
    findings = raw.findings
    if raw.manifest is None or raw.vocabulary is None or raw.notices is None:
        return None, sorted(set(findings))
    manifest, vocabulary = raw.manifest.body, raw.vocabulary.body
    if edition not in manifest.editions:
        allowed = ", ".join(manifest.editions)
        findings.append(raw.manifest.finding("K10", ("editions",), f"has no edition {edition!r}; allowed is {allowed}"))
        return None, sorted(set(findings))
    findings += check_contract(raw.vocabulary)
    options = sorted(raw.options, key=lambda source: source.body.id)
    words = Words.of(vocabulary, [source.body.id for source in options])
    staging = order_staging(_staging(raw, words), findings, words)
    treatments = {source.body.id: _treatment(source, words, findings) for source in options}
    notices = _notices(raw, words, findings)
    findings += check_citations(raw)
    findings += check_options(options, vocabulary)
    findings += check_shape_of_evidence(raw)
    findings += check_course(raw)
    knowledge = Knowledge(
        edition=edition,
        manifest=manifest,
        sha256=raw.sha256,
        vocabulary=vocabulary,
        words=words,
        staging=staging,
        options=treatments,
        option_ids=_names(options),
        trials={source.body.id: source.body for source in raw.trials},
        claims={claim.id: claim for source in raw.claims for claim in source.body.claims},
        claim_reviews={claim.id: source.body.review for source in raw.claims for claim in source.body.claims},
        notices=notices,
        notice_cases=tuple(raw.notices.body.cases),
        conflicts=tuple(raw.conflicts.body.conflicts) if raw.conflicts else (),
        sequences=tuple(raw.sequences.body.sequences) if raw.sequences else (),
        typical_patient=raw.sequences.body.typical_patient if raw.sequences else {},
        course=raw.sequences.body if raw.sequences else Course(),
        vignettes={source.body.id: source.body for source in raw.vignettes},
        sources={source.body.id: source.file for source in options},
    )
    return knowledge, sorted(set(findings))


def compile_option(source: Source[OptionFile], words: Words) -> tuple[Treatment, list[Finding]]:
    """Compile one option file, and return what compiling it finds; checks across files are for `inspect_files`."""
    findings: list[Finding] = []
    return _treatment(source, words, findings), findings


def compile_staging(raw: RawKnowledge, words: Words) -> tuple[tuple[DerivedFact, ...], list[Finding]]:
    """Compile the staging files, each fact after the ones it reads; ``raw.findings`` grows with what is found."""
    staging = order_staging(_staging(raw, words), raw.findings, words)
    return staging, raw.findings


def compile_notices(raw: RawKnowledge, words: Words) -> tuple[tuple[Rule, ...], list[Finding]]:
    """Compile the notices, and return what compiling them finds."""
    findings: list[Finding] = []
    return _notices(raw, words, findings), findings


def _names(options: Sequence[Source[OptionFile]]) -> dict[str, str]:
    names = {alias: source.body.id for source in options for alias in source.body.aliases}
    return names | {source.body.id: source.body.id for source in options}


def _compile(
    source: Source[Any],
    path: Path_,
    body: Conditional,
    words: Words,
    findings: list[Finding],
) -> Condition | None:
    try:
        condition = words.condition(body)
        if condition is not None:
            negate(
                condition,
                {literal.attribute: words.domain(literal.attribute) for part in condition for literal in part},
            )
        return condition
    except ConditionError as error:
        key = "when" if body.when is not None else "when_any"
        findings.append(source.finding("K03", (*path, key), str(error)))
        return None


def _staging(raw: RawKnowledge, words: Words) -> list[tuple[Source[Staging], DerivedFact]]:
    result = []
    for source in raw.staging:
        body = source.body
        fact = words.facts.get(body.fact)
        if fact is None or fact.source not in ("derived", "record_or_derived"):
            raw.findings.append(
                source.finding(
                    "K07", ("fact",), f"derives `{body.fact}`, which vocabulary.yaml does not list as derived"
                )
            )
            continue
        values = []
        for index, value in enumerate(body.values):
            path: Path_ = ("values", index)
            allowed = words.values(body.fact)
            # An integer category keeps its type; YAML tells 1 from "1".
            if not any(type(value.value) is type(item) and value.value == item for item in allowed):
                raw.findings.append(
                    source.finding(
                        "K03",
                        (*path, "value"),
                        f"derives a value that `{body.fact}` cannot have: {value.value!r}",
                    )
                )
                continue
            condition = _compile(source, path, value, words, raw.findings)
            if condition is None:
                if value.when is None and value.when_any is None:
                    raw.findings.append(source.finding("K02", path, "needs `when` or `when_any`"))
                continue
            stem = body.fact.replace("_", "-")
            shown = str(value.value).lower().replace("_", "-")
            assert not isinstance(value.value, float)
            values.append(Derivation(f"staging/{stem}/{shown}", value.value, value.text, condition))
        guard = None
        if body.only is not None:
            guard = _compile(source, (), Conditional(when=body.only), words, raw.findings)
        given, excludes = fact.source == "record_or_derived", body.otherwise == "excluded"
        derived = DerivedFact(body, tuple(values), given, excludes, guard)
        result.append((source, derived))
    return result


def _notices(raw: RawKnowledge, words: Words, findings: list[Finding]) -> tuple[Rule, ...]:
    assert raw.notices is not None
    rules = []
    for index, body in enumerate(raw.notices.body.notices):
        condition = _compile(raw.notices, ("notices", index), body, words, findings)
        if condition is not None:
            rules.append(Rule(f"notices/{body.id}", "notice", body.text, condition, claims=tuple(body.claims)))
        elif body.when is None and body.when_any is None:
            findings.append(raw.notices.finding("K02", ("notices", index), "needs `when` or `when_any`"))
    return tuple(rules)


def _treatment(source: Source[OptionFile], words: Words, findings: list[Finding]) -> Treatment:
    body = source.body
    uses: list[Use] = []
    rules: list[Rule] = []
    for index, indication in enumerate(body.indications):
        condition = _compile(source, ("indications", index), indication, words, findings)
        rule = Rule(
            f"options/{body.id}/{indication.id}",
            "indication",
            indication.text,
            condition,
            body.id,
            frozenset([indication.id]),
            tuple(indication.claims),
        )
        rules.append(rule)
        uses.append(Use(rule, tuple(indication.settings), indication))
    open_uses = frozenset(item.id for item in body.indications if item.verdict != "not_recommended")
    lowered = frozenset(item.id for item in body.indications if item.verdict in ("preferred", "recommended"))
    every = frozenset(item.id for item in body.indications)
    groups: list[tuple[RuleKind, str, Sequence[RuleBody], frozenset[str]]] = [
        ("include", "include", body.include, open_uses),
        ("exclude", "exclude", body.exclude, open_uses),
        ("reservation", "reservations", body.reservations, lowered),
        ("caution", "cautions", body.cautions, every),
        ("preference", "preferences", body.preferences, every),
    ]
    for kind, key, bodies, default in groups:
        for index, item in enumerate(bodies):
            path: Path_ = (key, index)
            condition = _compile(source, path, item, words, findings)
            chosen = frozenset(item.for_) if item.for_ else default
            if item.when is None and item.when_any is None:
                findings.append(source.finding("K02", path, "needs `when` or `when_any`"))
            if not chosen <= every:
                findings.append(
                    source.finding(
                        "K10",
                        (*path, "for"),
                        f"names {', '.join(sorted(chosen - every))}, which is no indication here",
                    )
                )
            if not chosen <= default:
                findings.append(
                    source.finding(
                        "K13",
                        (*path, "for"),
                        f"names {', '.join(sorted(chosen - default))}, where a rule of `{key}` changes nothing",
                    )
                )
            if condition is None:
                continue
            rules.append(
                Rule(
                    f"options/{body.id}/{item.id}",
                    kind,
                    item.text,
                    condition,
                    body.id,
                    chosen,
                    tuple(item.claims),
                    tuple(item.trials),
                    getattr(item, "effect", None),
                )
            )
    for index, variant in enumerate(body.regimen.variants):
        condition = _compile(source, ("regimen", "variants", index), variant, words, findings)
        if condition is not None:
            rules.append(
                Rule(
                    f"options/{body.id}/{variant.id}",
                    "variant",
                    variant.text,
                    condition,
                    body.id,
                    every,
                    tuple(body.regimen.claims),
                )
            )
    return Treatment(body, tuple(uses), tuple(rules))
