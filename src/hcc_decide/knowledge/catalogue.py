"""The knowledge in memory: checked, compiled and indexed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from hcc_decide.decision import Setting
from hcc_decide.knowledge.condition import Condition, Domain, OneOf, Scalar, Span, absorb, attributes_of, conjoin
from hcc_decide.knowledge.condition import Literal as FactTest
from hcc_decide.knowledge.schema import Case, Indication, Manifest, OptionFile, Staging, Vocabulary
from hcc_decide.knowledge.schema_sources import Claim, Conflict, Course, Sequence, Trial, Vignette
from hcc_decide.knowledge.wording import Words

RuleKind = Literal["indication", "include", "exclude", "reservation", "caution", "preference", "variant", "notice"]


@dataclass(frozen=True)
class Rule:
    """One sentence about the patient that is true, false or unknown.

    Attributes:
        id: ``options/<option>/<rule>`` or ``notices/<rule>``.
        kind: what the sentence does for its option.
        text: the sentence.
        condition: when it holds; ``None`` for an indication that only its settings limit.
        option: the option it belongs to, if any.
        indications: the indications it bears on (ids without the option).
        claims, trials: its basis.
        effect: for preferences, which way it points.
    """

    id: str
    kind: RuleKind
    text: str
    condition: Condition | None
    option: str | None = None
    indications: frozenset[str] = frozenset()
    claims: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()
    effect: Literal["favours", "disfavours", "noted"] | None = None

    @property
    def name(self) -> str:
        """The last part of the id."""
        return self.id.rpartition("/")[2]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes the rule reads."""
        return attributes_of(self.condition) if self.condition is not None else ()


@dataclass(frozen=True)
class Use:
    """An indication of an option, ready to be judged.

    Attributes:
        rule: the sentence of the indication, whose condition is its ``when`` (settings apart).
        settings: where it applies.
        body: the indication as written.
    """

    rule: Rule
    settings: tuple[Setting, ...]
    body: Indication

    @cached_property
    def applies(self) -> Condition:
        """The whole condition under which it applies: its settings and its ``when``."""
        setting = FactTest("setting", OneOf(frozenset(self.settings)))
        return absorb(conjoin((setting, *part)) for part in (self.rule.condition or ((),)))


@dataclass(frozen=True)
class Treatment:
    """One option of the catalogue with its compiled rules, in file order."""

    body: OptionFile
    uses: tuple[Use, ...]
    rules: tuple[Rule, ...]

    @property
    def id(self) -> str:
        """The option id."""
        return self.body.id

    @cached_property
    def settings(self) -> frozenset[Setting]:
        """Every setting that some indication names."""
        return frozenset(setting for use in self.uses for setting in use.settings)

    @cached_property
    def by_use(self) -> Mapping[str, Mapping[RuleKind, tuple[Rule, ...]]]:
        """The rules that bear on each indication, by kind."""
        found: dict[str, dict[RuleKind, tuple[Rule, ...]]] = {use.body.id: {} for use in self.uses}
        for rule in self.rules:
            for name in rule.indications & found.keys():
                found[name][rule.kind] = (*found[name].get(rule.kind, ()), rule)
        return found

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute that its rules read, and the setting, sorted."""
        found = {"setting"}
        for rule in (*(use.rule for use in self.uses), *self.rules):
            found.update(rule.attributes)
        return tuple(sorted(found))

    def of_kind(self, *kinds: RuleKind) -> tuple[Rule, ...]:
        """Return the rules of some kinds, in file order."""
        return tuple(rule for rule in self.rules if rule.kind in kinds)


@dataclass(frozen=True)
class Derivation:
    """How one value of a derived fact comes about.

    Attributes:
        rule: ``staging/<file>/<value>``.
        value: the value it establishes.
        condition: when.
    """

    rule: str
    value: Scalar
    text: str
    condition: Condition


@dataclass(frozen=True)
class DerivedFact:
    """A fact that staging derives.

    Attributes:
        body: the staging file.
        values: its derivations.
        given: whether the record may give the fact instead.
        excludes: whether a derivation that fails excludes its value.
        guard: whom the fact concerns; of others nothing is derived.
    """

    body: Staging
    values: tuple[Derivation, ...]
    given: bool
    excludes: bool
    guard: Condition | None = None

    @property
    def fact(self) -> str:
        """The name of the fact."""
        return self.body.fact

    @property
    def rule(self) -> str:
        """The id of the staging file's rules taken together."""
        return f"staging/{self.body.fact.replace('_', '-')}"

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute that it is derived from, sorted; whether the record gives the fact is not among them."""
        found = set(attributes_of(self.guard or ()))
        found.update(name for value in self.values for name in attributes_of(value.condition))
        return tuple(sorted(found))


@dataclass(frozen=True)
class Knowledge:
    """A whole edition of the knowledge.

    Attributes:
        edition: the edition's name.
        sha256: over every file, name and content.
        staging: derived facts, each after the ones it reads.
        options: every option by id, sorted.
        option_ids: every id and alias with the id it stands for.
        notices: sentences that concern the patient and no option.
        notice_cases: patient fragments that fire a notice, nearly fire it, or leave it open.
        conflicts: places where sources disagree.
        sequences: what is known of giving one treatment after another.
        typical_patient: a record, without prior lines, with which the docs show what follows each treatment.
        course: how lines of therapy can end and what the record then says.
        vignettes: teaching cases by id.
    """

    edition: str
    manifest: Manifest
    sha256: str
    vocabulary: Vocabulary
    words: Words
    staging: tuple[DerivedFact, ...]
    options: Mapping[str, Treatment]
    option_ids: Mapping[str, str]
    trials: Mapping[str, Trial]
    claims: Mapping[str, Claim]
    claim_reviews: Mapping[str, str]
    notices: tuple[Rule, ...]
    notice_cases: tuple[Case, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    typical_patient: Mapping[str, Any] = field(default_factory=dict)
    course: Course = field(default_factory=Course)
    vignettes: Mapping[str, Vignette] = field(default_factory=dict)
    sources: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def version(self) -> str:
        """The knowledge's own version."""
        return self.manifest.version

    @cached_property
    def domains(self) -> Mapping[str, Domain]:
        """What values each attribute that rules read can take."""
        return {attribute: self.words.domain(attribute) for attribute in self.attributes()}

    def domain(self, attribute: str) -> Domain:
        """Return what values an attribute can take."""
        return self.domains.get(attribute) or self.words.domain(attribute)

    def conditions(self) -> Iterator[Condition]:
        """Yield every condition of staging, options and notices."""
        for derived in self.staging:
            if derived.guard is not None:
                yield derived.guard
            yield from (value.condition for value in derived.values)
        for rule in self.rules.values():
            if rule.condition is not None:
                yield rule.condition

    def attributes(self) -> tuple[str, ...]:
        """Return every attribute that some rule reads, sorted."""
        found = {"setting", *(derived.fact for derived in self.staging)}
        for condition in self.conditions():
            found.update(attributes_of(condition))
        return tuple(sorted(found))

    @cached_property
    def limits(self) -> Mapping[str, tuple[float, ...]]:
        """The constants that rules compare each number with, sorted, by its attribute."""
        found: dict[str, set[float]] = {}
        for condition in self.conditions():
            for literal in (part for conjunction in condition for part in conjunction):
                if isinstance(literal.test, Span):
                    bounds = {literal.test.low, literal.test.high}
                    found.setdefault(literal.attribute, set()).update(filter(math.isfinite, bounds))
        return {attribute: tuple(sorted(values)) for attribute, values in found.items()}

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """Every rule of options and notices by its full id."""
        every = [rule for treatment in self.options.values() for rule in treatment.rules]
        return {rule.id: rule for rule in (*every, *self.notices)}

    @cached_property
    def conflicts_of(self) -> Mapping[str, frozenset[int]]:
        """The places in ``conflicts`` of those that name a claim or a trial, by its id."""
        found: dict[str, set[int]] = {}
        for place, conflict in enumerate(self.conflicts):
            for value in conflict.values:
                for name in (*value.claims, *value.trials):
                    found.setdefault(name, set()).add(place)
        return {name: frozenset(places) for name, places in found.items()}


def read_by_staging(knowledge: Knowledge) -> tuple[str, ...]:
    """Return what of a record staging reads: attributes that it derives from, and facts that may be given instead."""
    derived = {item.fact for item in knowledge.staging}
    given = {item.fact for item in knowledge.staging if item.given}
    found = {name for item in knowledge.staging for name in item.attributes}
    return tuple(sorted((found | given) - (derived - given)))
