"""Which rules read a fact, and through what: the way from what is typed in to what a rule tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from hcc_decide.knowledge.catalogue import Knowledge, Rule, RuleKind
from hcc_decide.knowledge.condition import Condition, Test, attributes_of, fact_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC

SETTING = "setting"
StatementKind = RuleKind | Literal["staging", "scope"]


@dataclass(frozen=True)
class Statement:
    """Anything in the rule base that reads facts.

    Attributes:
        id: the rule's id; a staging file's ``only`` has that of the file.
        kind: what the statement does; ``staging`` derives a value, ``scope`` says of whom a fact is derived.
        text: its sentence.
        condition: when it holds; ``None`` for an indication that only its settings limit.
        option: the option that it belongs to, if any.
        derives: the fact that it derives, if any.
    """

    id: str
    kind: StatementKind
    text: str
    condition: Condition | None
    option: str | None = None
    derives: str | None = None

    @property
    def facts(self) -> frozenset[str]:
        """The facts that it reads. Every indication also reads the setting, because it names settings."""
        read = {fact_of(attribute) for attribute in attributes_of(self.condition or ())}
        return frozenset(read | {SETTING} if self.kind == "indication" else read)


@dataclass(frozen=True)
class Reader:
    """A statement that hangs on a fact.

    Attributes:
        statement: the statement.
        path: from the fact asked about to the one that the statement reads; one name when it reads it directly.
    """

    statement: Statement
    path: tuple[str, ...]

    @property
    def direct(self) -> bool:
        """Whether the statement reads the fact itself."""
        return len(self.path) == 1


@dataclass(frozen=True)
class Comparison:
    """One test that rules put to a fact, and which rules: a cut-point of a number, or a value.

    Attributes:
        attribute: the fact, or one member of it.
        test: what is asked of it.
        statements: who asks.
    """

    attribute: str
    test: Test
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Dependence:
    """Everything that hangs on one fact.

    Attributes:
        fact: its name.
        paths: every fact that comes of it, by name, with the shortest way there; its own name first.
        readers: every statement that reads it or one of those, in the order of the rule base; a statement that reads
            several of them stands here once for each.
        comparisons: what the fact itself is compared with.
    """

    fact: str
    paths: Mapping[str, tuple[str, ...]]
    readers: tuple[Reader, ...]
    comparisons: tuple[Comparison, ...]


def statements(knowledge: Knowledge) -> Iterator[Statement]:
    """Yield everything that reads facts: staging, then options, then notices."""
    for derived in knowledge.staging:
        if derived.guard is not None:
            yield Statement(
                derived.rule, "scope", f"{derived.body.title}: whom it concerns", derived.guard, derives=derived.fact
            )
        for value in derived.values:
            yield Statement(value.rule, "staging", value.text, value.condition, derives=derived.fact)
    for treatment in knowledge.options.values():
        yield from (_of(rule) for rule in treatment.rules)
    yield from (_of(notice) for notice in knowledge.notices)


def _of(rule: Rule) -> Statement:
    return Statement(rule.id, rule.kind, rule.text, rule.condition, rule.option)


def sources_of(knowledge: Knowledge) -> Mapping[str, frozenset[str]]:
    """Return, for each fact that is not typed in, the facts that it is made from in one step."""
    found: dict[str, set[str]] = {}
    for name, fact in knowledge.vocabulary.facts.items():
        if fact.source == "history":
            found[name] = {PRIOR_SYSTEMIC}
        elif fact.from_:
            found[name] = set(fact.from_)
    for statement in statements(knowledge):
        if statement.derives is not None:
            found.setdefault(statement.derives, set()).update(statement.facts)
    return {name: frozenset(read) for name, read in found.items()}


def paths_from(fact: str, sources: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    """Return every fact that comes of one, with the shortest way there; of equally short ways the first by name.

    Args:
        fact: where to begin.
        sources: what each fact is made from (see `sources_of`).
    """
    found: dict[str, tuple[str, ...]] = {fact: (fact,)}
    edge = [fact]
    while edge:
        step: dict[str, tuple[str, ...]] = {}
        for name in sorted(sources):
            ways = [found[before] for before in edge if before in sources[name]]
            if name not in found and ways:
                step[name] = (*min(ways), name)
        found |= step
        edge = list(step)
    return found


def dependence(knowledge: Knowledge, fact: str) -> Dependence:
    """Return everything that hangs on a fact.

    Args:
        knowledge: the rule base.
        fact: a fact of the vocabulary, or ``prior_systemic``.

    Raises:
        KeyError: there is no such fact.
    """
    if fact != PRIOR_SYSTEMIC and fact not in knowledge.vocabulary.facts:
        raise KeyError(fact)
    paths = paths_from(fact, sources_of(knowledge))
    readers: list[Reader] = []
    compared: dict[tuple[str, Test], list[Statement]] = {}
    for statement in statements(knowledge):
        ways = sorted((paths[name] for name in statement.facts & paths.keys()), key=lambda path: (len(path), path))
        readers += [Reader(statement, path) for path in ways]
        literals = {literal for conjunction in statement.condition or () for literal in conjunction}
        for literal in literals:
            if fact_of(literal.attribute) == fact:
                compared.setdefault((literal.attribute, literal.test), []).append(statement)
    comparisons = [Comparison(attribute, test, tuple(found)) for (attribute, test), found in compared.items()]
    return Dependence(fact, paths, tuple(readers), tuple(sorted(comparisons, key=_in_order)))


def _in_order(comparison: Comparison) -> tuple[str, float, float, str]:
    low, high = getattr(comparison.test, "low", 0.0), getattr(comparison.test, "high", 0.0)
    values = getattr(comparison.test, "values", ())
    return comparison.attribute, max(low, -1e300), high, str(sorted(map(str, values)))
