"""Checks of meaning: order of derivation, exclusive indications, agreement with the patient record."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from hcc_decide.documents import Path_
from hcc_decide.knowledge.catalogue import DerivedFact
from hcc_decide.knowledge.condition import (
    Condition,
    ConditionError,
    Domain,
    Inapplicable,
    Literal,
    OneOf,
    Span,
    attributes_of,
    fact_of,
)
from hcc_decide.knowledge.files import Source
from hcc_decide.knowledge.findings import Finding
from hcc_decide.knowledge.schema import (
    EvidenceBody,
    Fact,
    Indication,
    LaterEvidence,
    LaterLine,
    MicroenvironmentEffect,
    NoteBody,
    OptionFile,
    PartialValue,
    Staging,
    Vocabulary,
)
from hcc_decide.knowledge.wording import Words
from hcc_decide.patient import Patient


def order_staging(
    derived: Sequence[tuple[Source[Staging], DerivedFact]], findings: list[Finding], words: Words
) -> tuple[DerivedFact, ...]:
    """Put derived facts after the ones they read; report facts derived twice, in a circle or not at all."""
    by_fact: dict[str, tuple[Source[Staging], DerivedFact]] = {}
    for source, item in derived:
        if item.fact in by_fact:
            findings.append(
                source.finding(
                    "K07",
                    ("fact",),
                    f"derives `{item.fact}`, which {by_fact[item.fact][0].file} derives already",
                )
            )
        by_fact[item.fact] = (source, item)
    for name, fact in words.facts.items():
        if fact.source == "derived" and name not in by_fact:
            findings.append(
                Finding("vocabulary.yaml", 1, "K07", f"facts.{name}", "is derived, but no staging file derives it")
            )
    ordered: dict[str, DerivedFact] = {}
    while len(ordered) < len(by_fact):
        ready = sorted(
            name
            for name, (_, item) in by_fact.items()
            if name not in ordered and all(read in ordered for read in _reads(item) if read in by_fact)
        )
        if not ready:
            for name in sorted(_circles({name: _reads(by_fact[name][1]) for name in by_fact.keys() - ordered.keys()})):
                findings.append(
                    by_fact[name][0].finding("K07", ("fact",), f"derives `{name}` from itself, directly or in a circle")
                )
            break
        ordered |= {name: by_fact[name][1] for name in ready}
    return tuple(ordered.values())


def _circles(reads: Mapping[str, set[str]]) -> set[str]:
    """Drop the facts that only read a circle and are read by none that is left."""
    left = set(reads)
    while outside := {name for name in left if not any(name in reads[other] for other in left)}:
        left -= outside
    return left


def _reads(item: DerivedFact) -> set[str]:
    conditions = [value.condition for value in item.values] + ([item.guard] if item.guard else [])
    return {fact_of(name) for condition in conditions for name in attributes_of(condition)}


def check_options(options: Sequence[Source[OptionFile]], vocabulary: Vocabulary) -> Iterator[Finding]:
    """Yield findings about single option files that the schema cannot see."""
    ids = [source.body.id for source in options]
    words = Words.of(vocabulary, ids)
    for source in options:
        body = source.body
        if not body.indications:
            yield source.finding("K08", ("indications",), "names no indication, so nobody could ever be given it")
        for index, name in enumerate(body.classes):
            if name not in vocabulary.classes:
                yield source.finding(
                    "K10", ("classes", index), f"names the class {name}, which vocabulary.yaml does not have"
                )
        known = {indication.id for indication in body.indications}
        for path, limited in _limited(body):
            if limited and not set(limited) <= known:
                yield source.finding("K10", (*path, "for"), "names an indication that this file does not have")
        for key in ("opens", "closes"):
            for index, later in enumerate(getattr(body.later_lines, key)):
                if later.option not in ids:
                    yield source.finding(
                        "K10",
                        ("later_lines", key, index),
                        f"names {later.option}, which rules/options does not have",
                    )
        yield from _exclusive(source, words)
        yield from _never_again(source, words)
        yield from _two_tumours(source)


def _limited(body: OptionFile) -> Iterator[tuple[Path_, Sequence[str] | None]]:
    """Yield every entry but rules that may be limited to indications, with its limits."""
    groups: list[
        tuple[Path_, Sequence[EvidenceBody | NoteBody | LaterLine | LaterEvidence | MicroenvironmentEffect]]
    ] = [
        (("evidence",), body.evidence),
        (("notes",), body.notes),
        (("later_lines", "opens"), body.later_lines.opens),
        (("later_lines", "closes"), body.later_lines.closes),
        (("later_evidence",), body.later_evidence),
        (("microenvironment",), body.microenvironment),
    ]
    for path, items in groups:
        for index, item in enumerate(items):
            yield (*path, index), item.for_


def _two_tumours(source: Source[OptionFile]) -> Iterator[Finding]:
    """Ask for `for` on everything in a file that serves both tumours, so that neither sees what is the other's."""
    body = source.body
    metastasis = {item.id for item in body.indications if "liver_metastasis" in item.settings}
    primary = {item.id for item in body.indications if set(item.settings) - {"liver_metastasis"}}
    if not metastasis or not primary:
        return
    rules: list[tuple[Path_, Sequence[str] | None]] = [
        ((key, index), rule.for_)
        for key in ("include", "exclude", "reservations", "cautions", "preferences")
        for index, rule in enumerate(getattr(body, key))
    ]
    for path, limited in [*rules, *_limited(body)]:
        named = set(limited or ())
        if not named or (named & metastasis and named & primary):
            message = (
                "needs `for`, so that it shows for hepatocellular carcinoma or for liver metastasis and not for both"
            )
            yield source.finding("K17", path, message)
    for index, item in enumerate(body.indications):
        if item.rationale is None and item.id in metastasis:
            yield source.finding("K17", ("indications", index), "needs a `rationale` of its own")


def _exclusive(source: Source[OptionFile], words: Words) -> Iterator[Finding]:
    for (first, one), (second, other) in combinations(enumerate(source.body.indications), 2):
        if set(one.settings) & set(other.settings) and not _apart(one, other, words):
            sibling = source.body.indications[first].id
            message = f"can apply together with {sibling}; give both a condition on one fact that tells them apart"
            yield source.finding("K09", ("indications", second), message)


def _apart(one: Indication, other: Indication, words: Words) -> bool:
    try:
        left, right = words.condition(one), words.condition(other)
    except ConditionError:
        return True  # reported where the condition is compiled
    return disjoint(left or ((),), right or ((),), words)


def disjoint(left: Condition, right: Condition, words: Words) -> bool:
    """Whether no patient can meet both conditions, as far as single attributes tell."""
    return all(
        any(a.attribute == b.attribute and _literals_apart(a, b, words.domain(a.attribute)) for a in one for b in other)
        for one in left
        for other in right
    )


def _literals_apart(a: Literal, b: Literal, domain: Domain) -> bool:
    if isinstance(a.test, OneOf) and isinstance(b.test, OneOf):
        return not (a.test.values & b.test.values & frozenset(domain.values))
    if isinstance(a.test, Span) and isinstance(b.test, Span):
        first, second = sorted((a.test, b.test), key=lambda span: (span.low, span.low_open))
        return first.high < second.low or (first.high == second.low and (first.high_open or second.low_open))
    return isinstance(a.test, Inapplicable) != isinstance(b.test, Inapplicable)


def _never_again(source: Source[OptionFile], words: Words) -> Iterator[Finding]:
    body = source.body
    if not body.drugs or all(item.verdict == "not_recommended" for item in body.indications):
        return
    # Nothing has failed before a first line, so the exclusion could never apply.
    if {setting for item in body.indications for setting in item.settings} == {"first_line"}:
        return
    for rule in body.exclude:
        try:
            condition = words.condition(rule)
        except ConditionError:
            continue
        if rule.for_ is None and condition == ((Literal(f"failed_option[{body.id}]", OneOf(frozenset([True]))),),):
            return
    yield source.finding(
        "K14",
        ("exclude",),
        f"needs an exclusion `failed_option: {{any_of: [{body.id}]}}` for all its indications",
    )


def check_contract(source: Source[Vocabulary]) -> Iterator[Finding]:
    """Yield a finding for each fact on which the vocabulary and the patient record disagree."""
    facts = source.body.facts
    fields = dict(Patient.model_fields)
    for name in ("case_id", "prior_systemic"):
        fields.pop(name)
    limits = Patient.model_json_schema()["properties"]
    recorded = {name for name, fact in facts.items() if fact.source in ("record", "record_or_derived")}
    for name in sorted(recorded - fields.keys()):
        yield source.finding("K12", ("facts", name), "is read from the record, which has no such field")
    for name in sorted(fields.keys() - recorded):
        yield source.finding("K12", ("facts",), f"lacks `{name}`, which the record has")
    for name in sorted(recorded & fields.keys()):
        for path, message in _disagreements(facts[name], _literal_values(fields[name].annotation), limits[name]):
            yield source.finding("K12", ("facts", name, *path), message)


def _disagreements(fact: Fact, allowed: Sequence[object], schema: dict[str, Any]) -> Iterator[tuple[Path_, str]]:
    values = () if fact.values is None else tuple(fact.values)
    if set(map(repr, allowed)) != set(map(repr, values)):
        yield (), f"lists the values {list(values)}, the record allows {list(allowed)}"
    if fact.question is None:
        yield (), "needs a question for the form"
    for value, label in (fact.values or {}).items():
        if isinstance(label, PartialValue) and not set(label.means) <= set(values) - {value}:
            yield ("values", value), "means values that the fact does not have"
    if fact.kind in ("integer", "number"):
        held = schema.get("anyOf", [schema])[0]
        if held.get("type") not in ("integer", "number"):
            yield ("kind",), "calls a number what is none in the record"
            return
        # As pydantic names the limits of a field that a validator of our own comes before.
        words = {"ge": "at_least", "le": "at_most", "gt": "above", "lt": "below"}
        limits = {words[key]: limit for key, limit in held.items() if key in words}
        said = fact.range.model_dump(exclude_none=True) if fact.range else {}
        if limits != said:
            yield ("range",), f"is {said}, the record allows {limits}"


def _literal_values(annotation: object) -> tuple[object, ...]:
    found: list[object] = []
    pending = [annotation]
    while pending:
        current = pending.pop()
        if typing.get_origin(current) is typing.Literal:
            found.extend(typing.get_args(current))
        else:
            pending.extend(reversed(typing.get_args(current)))
    return tuple(found)
