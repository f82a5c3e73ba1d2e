"""Every mutant of a rule base: one slip of the pen in one staging, notice or option file."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from hcc_decide.decision import Setting
from hcc_decide.documents import Path_
from hcc_decide.engine.fold import BASE
from hcc_decide.knowledge.citing import DECIDING
from hcc_decide.knowledge.condition import Condition, ConditionError, Literal, Span, absorb, conjoin, fact_of
from hcc_decide.knowledge.files import RawKnowledge
from hcc_decide.knowledge.schema import Conditional, Limits
from hcc_decide.knowledge.schema_sources import Endpoint, Trial
from hcc_decide.knowledge.wording import Words
from hcc_decide.mutation.edits import ABSENT, Absent, Mutant
from hcc_decide.mutation.slips import Change, changed_tests

SETTINGS: tuple[str, ...] = tuple(name for name in get_args(Setting) if name != "undetermined")
LEVELS = range(1, 6)
EFFECTS = ("favours", "disfavours", "noted")
SINGULAR = {
    "indications": "indication",
    "include": "criterion",
    "exclude": "exclusion",
    "reservations": "reservation",
    "cautions": "caution",
    "preferences": "preference",
    "variants": "variant",
    "values": "staging value",
    "notices": "notice",
}


def mutants(raw: RawKnowledge) -> list[Mutant]:
    """Return every mutant, in order of file and place; none of them means the same as the file itself.

    Args:
        raw: a rule base without findings.
    """
    if raw.vocabulary is None:
        return []
    words = Words.of(raw.vocabulary.body, sorted(source.body.id for source in raw.options))
    maker = _Maker(words, {source.body.id: source.body for source in raw.trials})
    found: list[Mutant] = []
    for staging in raw.staging:
        found += maker.of_staging(staging.file, staging.document.data)
    if raw.notices is not None:
        found += maker.of_notices(raw.notices.file, raw.notices.document.data)
    for option in raw.options:
        found += maker.of_option(option.file, option.document.data)
    names = [mutant.name for mutant in found]
    assert len(set(names)) == len(names), sorted({name for name in names if names.count(name) > 1})
    return found


class _Maker:
    """Makes the mutants of single files.

    Args:
        words: the vocabulary with its members.
        trials: the trials, for the endpoints that an effect could name instead.
    """

    def __init__(self, words: Words, trials: dict[str, Trial]) -> None:
        self._words = words
        self._trials = trials

    def of_staging(self, file: str, data: dict[str, Any]) -> Iterator[Mutant]:
        """Yield the mutants of a staging file."""
        stem = file.removesuffix(".yaml")
        other = {"excluded": "unknown", "unknown": "excluded"}[data.get("otherwise", "excluded")]
        yield Mutant(f"{stem}: otherwise -> {other}", "otherwise changed", file, ("otherwise",), other)
        yield from self._claims(file, stem, (), data)
        if "only" in data:
            yield Mutant(f"{stem}: only dropped", "condition dropped", file, ("only",), ABSENT)
            for change in self._conjunction(data["only"]):
                yield Mutant(f"{stem}: only {change.label}", change.kind, file, ("only",), change.value)
        for index, item in enumerate(data["values"]):
            where, name = ("values", index), f"{stem}/{str(item['value']).lower()}"
            yield _dropped(file, name, "values", where)
            for value in self._words.values(data["fact"]):
                if value != item["value"] or type(value) is not type(item["value"]):
                    label = f"{name}: value -> {str(value).lower()}"
                    yield Mutant(label, "value swapped", file, (*where, "value"), value)
            yield from self._conditions(file, name, where, item)

    def of_notices(self, file: str, data: dict[str, Any]) -> Iterator[Mutant]:
        """Yield the mutants of the notices."""
        for index, item in enumerate(data["notices"]):
            where, name = ("notices", index), f"notices/{item['id']}"
            yield _dropped(file, name, "notices", where)
            yield from self._claims(file, name, where, item)
            yield from self._conditions(file, name, where, item)

    def of_option(self, file: str, data: dict[str, Any]) -> Iterator[Mutant]:
        """Yield the mutants of an option file."""
        for key in DECIDING:
            for index, item in enumerate(data.get(key) or []):
                where, name = (key, index), f"options/{data['id']}/{item['id']}"
                yield _dropped(file, name, key, where)
                if key == "indications":
                    yield from self._indication(file, name, where, item)
                if "for" in item:
                    yield Mutant(f"{name}: for dropped", "for dropped", file, (*where, "for"), ABSENT)
                if key == "preferences":
                    for effect in EFFECTS:
                        if effect != item["effect"]:
                            label = f"{name}: effect {item['effect']} -> {effect}"
                            yield Mutant(label, "effect of a preference flipped", file, (*where, "effect"), effect)
                yield from self._claims(file, name, where, item)
                yield from self._conditions(file, name, where, item)
        for index, item in enumerate(data["regimen"].get("variants") or []):
            place, name = ("regimen", "variants", index), f"options/{data['id']}/{item['id']}"
            yield _dropped(file, name, "variants", place)
            yield from self._conditions(file, name, place, item)

    def _indication(self, file: str, name: str, where: Path_, item: dict[str, Any]) -> Iterator[Mutant]:
        place = BASE.index(item["verdict"])
        for verdict in (*BASE[max(place - 1, 0) : place], *BASE[place + 1 : place + 2]):
            label = f"{name}: verdict {item['verdict']} -> {verdict}"
            yield Mutant(label, "verdict changed", file, (*where, "verdict"), verdict)
        level = item["evidence_level"]
        for other in (level - 1, level + 1):
            if other in LEVELS:
                label = f"{name}: evidence_level {level} -> {other}"
                yield Mutant(label, "evidence level changed", file, (*where, "evidence_level"), other)
        settings = item["settings"]
        for setting in SETTINGS:
            rest = [given for given in settings if given != setting]
            if setting not in settings:
                label, kind, rest = f"{name}: setting {setting} added", "setting added", [*settings, setting]
            elif rest:
                label, kind = f"{name}: setting {setting} dropped", "setting dropped"
            else:
                continue
            yield Mutant(label, kind, file, (*where, "settings"), rest)
        conditional = [key for key in ("when", "when_any") if key in item]
        for key in conditional:
            yield Mutant(f"{name}: {key} dropped", "condition dropped", file, (*where, key), ABSENT)
        if "effect" in item:
            yield from self._effect(file, name, where, item["effect"])

    def _effect(self, file: str, name: str, where: Path_, effect: dict[str, str]) -> Iterator[Mutant]:
        trial = self._trials.get(effect["trial"])
        ends = {end.id: end for end in trial.endpoints} if trial else {}
        if _has_ratio(ends.get(effect["endpoint"])):
            yield Mutant(f"{name}: effect dropped", "effect size dropped", file, (*where, "effect"), ABSENT)
        for end in ends.values():
            # Where neither endpoint has a ratio, there is no effect size before and none after.
            if end.id != effect["endpoint"] and any(_has_ratio(item) for item in (end, ends.get(effect["endpoint"]))):
                label = f"{name}: effect {effect['endpoint']} -> {end.id}"
                yield Mutant(label, "effect size of another endpoint", file, (*where, "effect", "endpoint"), end.id)

    def _claims(self, file: str, name: str, where: Path_, item: dict[str, Any]) -> Iterator[Mutant]:
        for index, claim in enumerate(item.get("claims") or []):
            yield Mutant(f"{name}: claim {claim} removed", "claim removed", file, (*where, "claims", index), ABSENT)

    def _conditions(self, file: str, name: str, where: Path_, item: dict[str, Any]) -> Iterator[Mutant]:
        if "when" in item:
            for change in self._conjunction(item["when"]):
                if not self._same({"when": item["when"]}, {"when": change.value}):
                    yield Mutant(f"{name}: {change.label}", change.kind, file, (*where, "when"), change.value)
        alternatives = item.get("when_any") or []
        for index, tests in enumerate(alternatives):
            changes = list(self._conjunction(tests))
            if len(alternatives) > 1:
                changes.append(Change("alternative dropped", "dropped", ABSENT))
            for change in changes:
                others = [*alternatives[:index], *alternatives[index + 1 :]]
                now = others if isinstance(change.value, Absent) else [*others, change.value]
                if not self._same({"when_any": alternatives}, {"when_any": now}):
                    label, path = f"{name}: [{index + 1}] {change.label}", (*where, "when_any", index)
                    yield Mutant(label, change.kind, file, path, change.value)

    def _conjunction(self, tests: dict[str, Any]) -> Iterator[Change]:
        for fact, test in tests.items():
            for change in changed_tests(fact, test, self._words):
                yield Change(change.kind, f"{fact} {change.label}", {**tests, fact: change.value})
            if len(tests) > 1:
                rest = {name: value for name, value in tests.items() if name != fact}
                yield Change("condition dropped", f"{fact} dropped", rest)

    def _same(self, one: dict[str, Any], other: dict[str, Any]) -> bool:
        """Whether two conditions mean the same, so that exchanging them is no error."""
        try:
            first, second = (self._words.condition(Conditional(**body)) for body in (one, other))
        except ConditionError:
            return False
        return first is not None and second is not None and self._plain(first) == self._plain(second)

    def _plain(self, condition: Condition) -> Condition:
        return absorb(conjoin(self._whole(literal) for literal in part) for part in condition)

    def _whole(self, literal: Literal) -> Literal:
        """Write the span of a whole number with closed bounds, and without a bound at which its range ends anyway."""
        fact = self._words.facts[fact_of(literal.attribute)]
        if not isinstance(literal.test, Span):
            return literal
        span, limits = literal.test, fact.range or Limits()
        low, low_open, high, high_open = span.low, span.low_open, span.high, span.high_open
        if fact.kind == "integer":
            low = math.floor(low) + 1 if low_open and math.isfinite(low) else _ceil(low)
            high = math.ceil(high) - 1 if high_open and math.isfinite(high) else _floor(high)
            low_open = high_open = False
        if fact.per is None:
            if _beyond(low, limits.at_least, low_open) or (limits.above is not None and low <= limits.above):
                low, low_open = -math.inf, False
            if _beyond(-high, _negative(limits.at_most), high_open) or (
                limits.below is not None and high >= limits.below
            ):
                high, high_open = math.inf, False
        return Literal(literal.attribute, Span(low, low_open, high, high_open))


def _has_ratio(end: Endpoint | None) -> bool:
    return end is not None and end.hr is not None and end.control is not None


def _ceil(value: float) -> float:
    return math.ceil(value) if math.isfinite(value) else value


def _floor(value: float) -> float:
    return math.floor(value) if math.isfinite(value) else value


def _beyond(bound: float, limit: float | None, is_open: bool) -> bool:
    """Whether a lower bound leaves out nothing above a closed limit."""
    return limit is not None and (bound < limit or (bound == limit and not is_open))


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def _dropped(file: str, name: str, key: str, where: Path_) -> Mutant:
    return Mutant(f"{name}: dropped", f"{SINGULAR[key]} dropped", file, where, ABSENT)


def sampled(every: Sequence[Mutant], number: int, seed: int) -> list[Mutant]:
    """Return a sample in order of the whole; the same number and seed give the same sample.

    Each mutant is taken by a hash of its name, so that a change of one file hardly changes the sample of the others.
    """

    def draw(mutant: Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {mutant.name}".encode()).digest()

    chosen = {mutant.name for mutant in sorted(every, key=draw)[:number]}
    return [mutant for mutant in every if mutant.name in chosen]
