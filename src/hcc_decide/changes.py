"""What a change of facts does: which options moved between two decisions, and by which rules.

Everything is read off the two decisions, whose traces hold the answer of every rule that was judged, and the knowledge behind
them. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from hcc_decide.decision import Caution, Criterion, Decision, Excluded, Option, Preference, Result, Value
from hcc_decide.knowledge.catalogue import Knowledge, Rule, Treatment, Use
from hcc_decide.knowledge.condition import fact_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, fact_label, option_name, value_text
from hcc_decide.movement import (
    CautionChange,
    Changes,
    CriterionChange,
    Direction,
    Displacement,
    FactChange,
    IndicationChange,
    Judged,
    OptionChange,
    Place,
    PreferenceChange,
    Reason,
    RegimenChange,
    SettingChange,
)


def changes(before: Decision, after: Decision, knowledge: Knowledge) -> Changes:
    """Compare two decisions.

    Args:
        before: the one to start from.
        after: the other, decided with the same knowledge; the patient may differ in anything.
        knowledge: that knowledge.

    Raises:
        ValueError: one of them was decided with other knowledge.
    """
    if {before.knowledge.sha256, after.knowledge.sha256} != {knowledge.sha256}:
        raise ValueError("the two decisions rest on different knowledge; decide both anew to compare them")
    one, two = _View(before, knowledge), _View(after, knowledge)
    moved = [item for treatment in knowledge.options.values() if (item := _option_change(treatment, one, two))]
    moved.sort(key=_importance)
    return Changes(facts=list(_facts(one, two)), options=moved, unchanged=len(knowledge.options) - len(moved))


class _View:
    """One decision, indexed: what each rule answered and what each fact was."""

    def __init__(self, decision: Decision, knowledge: Knowledge) -> None:
        self.decision = decision
        self.knowledge = knowledge
        self.listed: Mapping[str, Option] = {item.id: item for item in decision.options}
        self.excluded: Mapping[str, Excluded] = {item.id: item for item in decision.excluded}
        self.derived: Mapping[str, Value] = {item.fact: item.value for item in decision.derived}

    @cached_property
    def possible(self) -> Mapping[str, list[str]]:
        """The values still possible of each derived category of which staging has ruled some out."""
        gone: dict[str, set[str]] = {}
        for step in self.decision.trace:
            for name, values in step.asserted.items():
                if name.startswith("not ") and isinstance(values, list):
                    gone.setdefault(name.removeprefix("not "), set()).update(values)
        facts = self.knowledge.vocabulary.facts
        return {
            name: [str(value) for value in facts[name].values or () if str(value) not in values]
            for name, values in gone.items()
        }

    @cached_property
    def settings(self) -> frozenset[str]:
        """The settings that are still possible."""
        if self.decision.setting != "undetermined":
            return frozenset([self.decision.setting])
        every = (str(value) for value in self.knowledge.vocabulary.facts["setting"].values or ())
        return frozenset(self.possible.get("setting", every))

    @cached_property
    def holds(self) -> Mapping[str, bool]:
        """Whether each rule's sentence is true of the patient; one that is missing here is not known, or was not judged."""
        return {
            step.rule: step.asserted[step.rule] == "met"
            for step in self.decision.trace
            if step.stratum == "eligibility"
        }

    @cached_property
    def read(self) -> Mapping[str, Value]:
        """Values of the facts that were read on the way, beside those of the record."""
        found: dict[str, Value] = {}
        for step in self.decision.trace:
            for name, value in step.matched.items():
                fact = self.knowledge.vocabulary.facts.get(fact_of(name))
                # Of a number that is known as a span, the trace quotes one end.
                if step.stratum == "eligibility" and fact is not None and not fact.spans:
                    found[name] = "none" if value == "none given" else value
        for option in self.decision.options:
            parts: tuple[Criterion | Caution | Preference, ...] = (
                *option.criteria,
                *option.cautions,
                *option.preferences,
            )
            for part in parts:
                found |= part.facts
        for gone in self.decision.excluded:
            for failed in gone.criteria:
                found |= failed.facts
        return found

    def judged(self, rule: Rule, treatment: Treatment) -> bool:
        """Whether a rule bears on a use of a setting that is still possible."""
        return any(use.body.id in rule.indications and self.settings & set(use.settings) for use in treatment.uses)

    def result(self, rule: Rule, treatment: Treatment) -> Result | None:
        """What a criterion says for its option; ``None`` when it was not judged."""
        held = self.holds.get(rule.id)
        if held is None:
            return "unknown" if self.judged(rule, treatment) else None
        return "met" if held is (rule.kind in ("indication", "include")) else "not_met"

    def place(self, option: str) -> Place:
        item = self.listed.get(option)
        if item is None:
            return Place(verdict=self.excluded[option].verdict, would_be=None, rank=None, evidence_level=None)
        return Place(verdict=item.verdict, would_be=item.would_be, rank=item.rank, evidence_level=item.evidence_level)

    def use(self, treatment: Treatment) -> Use | None:
        """Return the indication that the option was judged by."""
        item = self.listed.get(treatment.id)
        if item is not None:
            return next(use for use in treatment.uses if use.rule.id == item.criteria[0].rule)
        gone = self.excluded[treatment.id]
        if gone.verdict == "not_applicable":
            return None
        failed = {part.rule for part in gone.criteria}
        return next(
            use
            for use in treatment.uses
            if self.holds.get(use.rule.id)
            and failed <= {rule.id for rules in treatment.by_use[use.body.id].values() for rule in rules}
        )

    def value(self, attribute: str) -> tuple[bool, Value]:
        """Return whether an attribute's value can be told from the decision, and the value; ``None``: not known."""
        name = fact_of(attribute)
        fact = self.knowledge.vocabulary.facts[name]
        record = self.decision.patient
        if attribute in record:
            return True, record[attribute]
        if fact.source in ("derived", "computed", "record_or_derived"):
            known = self.derived.get(name, self.read.get(name))
            return True, self._narrowed(name) if known is None else known
        if fact.source == "history" and attribute not in self.read:
            return record.get(PRIOR_SYSTEMIC) is None, None
        return True, self.read.get(attribute)

    def _narrowed(self, name: str) -> str | None:
        """Write the values that a fact can still have, when staging has ruled some out."""
        left = self.possible.get(name)
        fact = self.knowledge.vocabulary.facts[name]
        return " or ".join(value_text(fact, value) for value in left) if left else None


def _facts(before: _View, after: _View) -> Iterator[FactChange]:
    knowledge = before.knowledge
    records = before.decision.patient, after.decision.patient
    derived: list[FactChange] = []
    for name, fact in knowledge.vocabulary.facts.items():
        if fact.source == "history":
            continue
        item = FactChange(
            fact=name,
            label=fact_label(knowledge, name),
            before=before.value(name)[1],
            after=after.value(name)[1],
            derived=all(name not in record for record in records),
        )
        if item.differs and item.derived:
            derived.append(item)
        elif item.differs:
            yield item
    one, two = (record.get(PRIOR_SYSTEMIC) for record in records)
    if one != two:
        lines = [None if found is None else [line_text(line, knowledge) for line in found] for found in (one, two)]
        label = fact_label(knowledge, PRIOR_SYSTEMIC)
        yield FactChange(fact=PRIOR_SYSTEMIC, label=label, before=lines[0], after=lines[1], derived=False)
    yield from derived


def line_text(line: Mapping[str, Any], knowledge: Knowledge) -> str:
    """Write a line of prior systemic therapy: what was given, how it ended, and what else is known of it."""
    fields = knowledge.vocabulary.prior_systemic.fields
    given = line.get("name") or option_name(knowledge, line["option"])
    ended = (fields["outcome"].values or {}).get(line["outcome"], line["outcome"])
    rest = [
        f"{field.label.lower()}: {_detail(line[name])} {field.unit or ''}".strip()
        for name, field in fields.items()
        if name not in ("option", "name", "outcome") and line.get(name) is not None
    ]
    details = f" ({'; '.join(rest)})" if rest else ""
    return f"{given}, {ended}{details}"


def _detail(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else value_text(None, value)


def _option_change(treatment: Treatment, before: _View, after: _View) -> OptionChange | None:
    reasons = list(_reasons(treatment, before, after))
    one, two = before.place(treatment.id), after.place(treatment.id)
    if not reasons:
        return None
    return OptionChange(
        option=treatment.id,
        name=treatment.body.name,
        before=one,
        after=two,
        direction=_direction(one, two),
        reasons=reasons,
    )


def _direction(before: Place, after: Place) -> Direction:
    if (before.verdict, before.would_be) == (after.verdict, after.would_be):
        return "same" if before.rank == after.rank else "moved"
    (best, worst), (new_best, new_worst) = before.span, after.span
    if (best, worst) == (new_best, new_worst):
        return "moved"
    if new_best <= best and new_worst <= worst:
        return "better"
    if new_best >= best and new_worst >= worst:
        return "worse"
    return "settled" if before.verdict == "undetermined" else "opened"


def _importance(item: OptionChange) -> tuple[int, bool, int, int, str]:
    places = item.before, item.after
    best = min(place.span[0] for place in places)
    group = 0 if any(place.usable for place in places) else 2 if all(place.out_of_question for place in places) else 1
    ranks = sorted(place.rank for place in places if place.rank is not None)
    return group, item.direction == "same", best, ranks[0] if ranks else 0, item.option


def _reasons(treatment: Treatment, before: _View, after: _View) -> Iterator[Reason]:
    uses = before.use(treatment), after.use(treatment)
    if uses[0] is not uses[1]:
        yield from _other_use(uses, before, after)
    yield from _criteria(treatment, uses, before, after)
    one, two = before.listed.get(treatment.id), after.listed.get(treatment.id)
    yield from _findings(one.preferences if one else (), two.preferences if two else (), before, after)
    yield from _findings(one.cautions if one else (), two.cautions if two else (), before, after)
    if one is not None and two is not None:
        if one.regimen != two.regimen:
            variants = [
                rule for rule in treatment.of_kind("variant") if _holds(rule, before) is not _holds(rule, after)
            ]
            read = [attribute for rule in variants for attribute in rule.attributes]
            yield RegimenChange(
                before=one.regimen, after=two.regimen, facts=list(_values(dict.fromkeys(read), before, after))
            )
        if one.rank != two.rank and _own_key(one) == _own_key(two):
            yield _displacement(one, two, before, after)


def _holds(rule: Rule, view: _View) -> bool | None:
    return view.holds.get(rule.id)


def _other_use(uses: tuple[Use | None, Use | None], before: _View, after: _View) -> Iterator[Reason]:
    one, two = uses
    here, there = before.decision.setting, after.decision.setting
    elsewhere = here != there and (
        (one is not None and there not in one.settings) or (two is not None and here not in two.settings)
    )
    if elsewhere:
        yield SettingChange(before=here, after=there)
    read = [attribute for use in uses if use is not None for attribute in use.rule.attributes]
    if not elsewhere:
        read.append("setting")
    yield IndicationChange(
        before=_judged(one),
        after=_judged(two),
        facts=[fact for fact in _values(dict.fromkeys(read), before, after) if fact.differs],
    )


def _judged(use: Use | None) -> Judged | None:
    if use is None:
        return None
    return Judged(
        rule=use.rule.id,
        text=use.body.text,
        verdict=use.body.verdict,
        evidence_level=use.body.evidence_level,
        claims=list(use.body.claims),
    )


def _criteria(
    treatment: Treatment, uses: tuple[Use | None, Use | None], before: _View, after: _View
) -> Iterator[CriterionChange]:
    """Yield the criteria of the indications in force whose result changed.

    One that was asked on one side only counts when it does not speak for the option there.
    """
    in_force = {use.body.id for use in uses if use is not None}
    for rule in (*(use.rule for use in treatment.uses), *treatment.of_kind("include", "exclude", "reservation")):
        kind = rule.kind
        if kind not in ("indication", "include", "exclude", "reservation") or not rule.indications & in_force:
            continue
        one, two = before.result(rule, treatment), after.result(rule, treatment)
        # Which indication applies has been told already.
        told = kind == "indication" and uses[0] is not uses[1]
        if one == two or told or {one, two} == {None, "met"}:
            continue
        attributes = (*rule.attributes, "setting") if kind == "indication" else rule.attributes
        yield CriterionChange(
            rule=rule.id,
            of=kind,
            text=rule.text,
            before=one,
            after=two,
            facts=list(_values(attributes, before, after)),
            claims=list(rule.claims),
            trials=list(rule.trials),
        )


def _findings(
    one: Iterable[Preference | Caution], two: Iterable[Preference | Caution], before: _View, after: _View
) -> Iterator[PreferenceChange | CautionChange]:
    had, has = {item.rule: item for item in one}, {item.rule: item for item in two}
    for rule, item in {**had, **has}.items():
        if rule in had and rule in has:
            continue
        facts = list(_values(item.facts, before, after))
        if isinstance(item, Caution):
            yield CautionChange(came=rule in has, rule=rule, text=item.text, facts=facts, claims=item.claims)
        else:
            yield PreferenceChange(
                came=rule in has, rule=rule, text=item.text, effect=item.effect, facts=facts, claims=item.claims
            )


def _values(attributes: Iterable[str], before: _View, after: _View) -> Iterator[FactChange]:
    """Yield the facts behind some attributes, sets of the record as a whole; what cannot be told is left out."""
    knowledge = before.knowledge
    found: dict[str, None] = {}
    for attribute in attributes:
        name = fact_of(attribute)
        whole = knowledge.vocabulary.facts[name].source == "record"
        found[name if whole else attribute] = None
    for attribute in found:
        (told, one), (told_too, two) = before.value(attribute), after.value(attribute)
        if told and told_too:
            yield FactChange(
                fact=attribute,
                label=fact_label(knowledge, attribute),
                before=one,
                after=two,
                derived=not any(attribute in view.decision.patient for view in (before, after)),
            )


def _own_key(item: Option) -> tuple[object, ...]:
    """Return what an option brings to the order by itself."""
    effects = [finding.effect for finding in item.preferences]
    balance = effects.count("disfavours") - effects.count("favours")
    return item.verdict, item.would_be, item.evidence_level, balance


def _displacement(one: Option, two: Option, before: _View, after: _View) -> Displacement:
    had = {item.id: None for item in before.decision.options if item.rank < one.rank}
    has = {item.id: None for item in after.decision.options if item.rank < two.rank}
    return Displacement(
        came_above=[option for option in has if option not in had],
        left_above=[option for option in had if option not in has],
    )
