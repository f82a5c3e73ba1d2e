"""From the words of a rule file (``when``) to a condition, checked against the vocabulary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from hcc_decide.knowledge.condition import (
    MAX_CONJUNCTIONS,
    Condition,
    ConditionError,
    Conjunction,
    Domain,
    Literal,
    OneOf,
    Scalar,
    Span,
    absorb,
    conjoin,
)
from hcc_decide.knowledge.schema import Conditional, Fact, PartialValue, Vocabulary

_LIMITS = ("at_least", "above", "at_most", "below")
_CHOICES = ("any_of", "none_of", "all_of")
_LARGEST = 1e300


@dataclass(frozen=True)
class Words:
    """The vocabulary with the members that its sets may have.

    Attributes:
        facts: every fact by name.
        members: option ids and class ids, by ``options`` and ``classes``.
    """

    facts: Mapping[str, Fact]
    members: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, vocabulary: Vocabulary, options: Sequence[str]) -> Words:
        """Join the vocabulary with the option ids of the catalogue."""
        return cls(vocabulary.facts, {"options": tuple(options), "classes": tuple(vocabulary.classes)})

    def values(self, name: str) -> tuple[Scalar, ...]:
        """Return the exact values of a boolean or category, or the members of a set."""
        fact = self.facts[name]
        if fact.kind == "boolean":
            return (True, False)
        if fact.kind == "set" and fact.members:
            return self.members[fact.members]
        return tuple(value for value, label in (fact.values or {}).items() if not isinstance(label, PartialValue))

    def domain(self, attribute: str) -> Domain:
        """Return what values an attribute can take."""
        name = attribute.partition("[")[0]
        fact = self.facts[name]
        if fact.kind in ("integer", "number"):
            return Domain(per_member=fact.per is not None, spans=fact.spans)
        if fact.kind == "set":
            return Domain(values=(True, False))
        derived = fact.source in ("derived", "record_or_derived")
        open_values = any(isinstance(label, PartialValue) for label in (fact.values or {}).values())
        return Domain(values=self.values(name), partial=fact.kind == "category" and (derived or open_values))

    def condition(self, body: Conditional) -> Condition | None:
        """Return the condition of a rule body, ``None`` when it has none.

        Raises:
            ConditionError: with one sentence that names the fact and what is allowed.
        """
        if body.when is not None and body.when_any is not None:
            raise ConditionError("has both `when` and `when_any`; keep one")
        alternatives = [body.when] if body.when is not None else body.when_any
        if alternatives is None:
            return None
        conjunctions: list[Conjunction] = []
        for tests in alternatives:
            if not tests:
                raise ConditionError("has an empty condition; it would always hold")
            parts = [self._tests(name, test) for name, test in tests.items()]
            for choice in product(*parts):
                conjunctions.append(conjoin(literal for part in choice for literal in part))
                if len(conjunctions) > MAX_CONJUNCTIONS:
                    raise ConditionError(
                        f"needs more than {MAX_CONJUNCTIONS} combinations; split it into smaller derived facts"
                    )
        return absorb(conjunctions)

    def _tests(self, name: str, test: Any) -> list[Conjunction]:
        fact = self.facts.get(name)
        if fact is None:
            raise ConditionError(f"names the fact `{name}`, which vocabulary.yaml does not have")
        if fact.kind in ("integer", "number"):
            return [(self._span(name, fact, test),)]
        if fact.kind == "set":
            return self._set(name, test)
        return [(Literal(name, OneOf(self._choice(name, test))),)]

    def _choice(self, name: str, test: Any) -> frozenset[Scalar]:
        values = self.values(name)
        if not isinstance(test, dict):
            self._check(name, [test], values)
            return frozenset([test])
        unknown = [key for key in test if key not in ("any_of", "none_of")]
        if unknown or not test:
            raise ConditionError(f"tests `{name}` with {unknown or 'nothing'}; allowed are a value, any_of and none_of")
        chosen = set(values)
        for key, listed in test.items():
            self._check(name, listed, values)
            chosen = chosen & set(listed) if key == "any_of" else chosen - set(listed)
        if not chosen or len(chosen) == len(values):
            raise ConditionError(f"tests `{name}` so that it {'never' if not chosen else 'always'} holds")
        return frozenset(chosen)

    def _set(self, name: str, test: Any) -> list[Conjunction]:
        if not isinstance(test, dict) or not test or any(key not in _CHOICES for key in test):
            raise ConditionError(f"tests the set `{name}` wrongly; allowed are any_of, none_of and all_of")
        for listed in test.values():
            self._check(name, listed, self.values(name))
        every = [member for listed in test.values() for member in listed]
        if len(set(every)) != len(every):
            raise ConditionError(f"lists a value of `{name}` under two of any_of, none_of and all_of; keep one")
        result: list[Conjunction] = [()]
        for key, listed in test.items():
            literals = [Literal(f"{name}[{member}]", OneOf(frozenset([key != "none_of"]))) for member in listed]
            additions: list[Conjunction] = (
                [(literal,) for literal in literals] if key == "any_of" else [tuple(literals)]
            )
            result = [(*done, *more) for done, more in product(result, additions)]
        return result

    @staticmethod
    def _check(name: str, listed: Any, values: Sequence[Scalar]) -> None:
        if not isinstance(listed, list) or not listed:
            raise ConditionError(f"tests `{name}` with {listed!r}; a list of values is expected")
        for value in listed:
            # `1 == True` in Python, so the type decides as well.
            if not any(type(value) is type(allowed) and value == allowed for allowed in values):
                shown = ", ".join("true" if v is True else "false" if v is False else str(v) for v in values[:40])
                raise ConditionError(f"gives `{name}` the value {value!r}; allowed are {shown}")
        if len(set(listed)) != len(listed):
            raise ConditionError(f"lists a value of `{name}` twice")

    def _span(self, name: str, fact: Fact, test: Any) -> Literal:
        if not isinstance(test, dict):
            raise ConditionError(f"tests the number `{name}` with {test!r}; allowed are {', '.join(_LIMITS)}")
        limits = dict(test)
        attribute = name
        if fact.per:
            member = limits.pop("of", None)
            if member not in self.members[fact.per]:
                raise ConditionError(f"tests `{name}` without `of:` and one of the {fact.per}")
            attribute = f"{name}[{member}]"
        if not limits or any(key not in _LIMITS for key in limits):
            raise ConditionError(f"tests the number `{name}` wrongly; allowed are {', '.join(_LIMITS)}")
        for key, value in limits.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LARGEST < value < _LARGEST:
                raise ConditionError(f"compares `{name}` with {value!r} ({key}); a finite number is expected")
        if {"at_least", "above"} <= limits.keys() or {"at_most", "below"} <= limits.keys():
            raise ConditionError(f"gives `{name}` two lower or two upper limits; keep one")
        span = Span(
            low=float(limits.get("at_least", limits.get("above", -math.inf))),
            low_open="above" in limits,
            high=float(limits.get("at_most", limits.get("below", math.inf))),
            high_open="below" in limits,
        )
        if span.low > span.high or (span.low == span.high and (span.low_open or span.high_open)):
            raise ConditionError(f"gives `{name}` limits that no number meets")
        return Literal(attribute, span)
