"""Conditions in words, in the form in which a patient's own values are written: ``Child–Pugh class: A or B``.

Label and test stand on either side of a colon, so that a sentence stays right whatever a fact is called, and so that a
condition and the value that meets it can be compared at a glance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import (
    Condition,
    Inapplicable,
    Literal,
    OneOf,
    Scalar,
    Span,
    Test,
    fact_of,
    member_of,
)
from hcc_decide.knowledge.labels import MEMBER, PRIOR_SYSTEMIC, capital, choice_label, spoken, uncapital
from hcc_decide.knowledge.schema import Fact


@dataclass(frozen=True)
class _Members:
    """At least one of these members belongs to a set, or, where ``wanted`` is false, none of them."""

    fact: str
    members: frozenset[str]
    wanted: bool


_Part = Literal | _Members


def condition_text(knowledge: Knowledge, condition: Condition) -> str:
    """Write a condition as one passage.

    Args:
        knowledge: for labels, units and the order of facts.
        condition: what must hold.

    Returns:
        For example ``Child–Pugh class: A or B, and ECOG performance status: at most 1``. Alternatives are joined by *or*;
        behind a semicolon where one of them has several parts.
    """
    parts = [_parts(knowledge, alternative) for alternative in _folded(condition)]
    joint = ", or " if all(len(found) == 1 for found in parts) else "; or "
    return capital(joint.join(_all_of(found) for found in parts))


def fact_text(knowledge: Knowledge, name: str) -> str:
    """Return the label of a whole fact; where it has a place for an option or a class, it stands for any."""
    if name == PRIOR_SYSTEMIC:
        return knowledge.vocabulary.prior_systemic.label
    fact = knowledge.vocabulary.facts[name]
    general = "(any drug class)" if fact.members == "classes" else "(any option)"
    return fact.label.replace(MEMBER, general)


def alternatives(knowledge: Knowledge, condition: Condition) -> tuple[str, ...]:
    """Write each of the alternatives of a condition, of which one suffices."""
    return tuple(capital(_all_of(_parts(knowledge, alternative))) for alternative in _folded(condition))


def test_text(knowledge: Knowledge, attribute: str, test: Test) -> str:
    """Write what one test asks of an attribute, without its label: ``at least 400 ng/mL``, ``A or B``, ``no``."""
    fact = knowledge.vocabulary.facts[fact_of(attribute)]
    if isinstance(test, Inapplicable):
        return "does not exist"
    if isinstance(test, Span):
        return _span(fact, test)
    return _choice(fact, test.values, knowledge.domain(attribute).values)


def either(words: Sequence[str], joint: str = "or") -> str:
    """Join words as people do: ``A, B or C``; a comma goes before the last one where a word has its own *and* or comma."""
    if len(words) < 2:
        return "".join(words)
    comma = "," if any("," in word or " and " in word or " or " in word for word in words) else ""
    return f"{', '.join(words[:-1])}{comma} {joint} {words[-1]}"


def _folded(condition: Condition) -> list[frozenset[_Part]]:
    """Put alternatives that differ only in the member of a set back together: the ``any_of`` of the file."""
    found = [_gathered(conjunction) for conjunction in condition]
    changed = True
    while changed:
        changed = False
        for place, one in enumerate(found):
            for other in found[place + 1 :]:
                joined = _joined(one, other)
                if joined is not None:
                    found[place] = joined
                    found.remove(other)
                    changed = True
                    break
            if changed:
                break
    return found


def _gathered(conjunction: Iterable[Literal]) -> frozenset[_Part]:
    parts: set[_Part] = set()
    refused: dict[str, set[str]] = {}
    for literal in conjunction:
        fact, member = fact_of(literal.attribute), member_of(literal.attribute)
        if member is None or not isinstance(literal.test, OneOf):
            parts.add(literal)
        elif True in literal.test.values:
            parts.add(_Members(fact, frozenset([member]), wanted=True))
        else:
            refused.setdefault(fact, set()).add(member)
    return frozenset(parts | {_Members(fact, frozenset(members), wanted=False) for fact, members in refused.items()})


def _joined(one: frozenset[_Part], other: frozenset[_Part]) -> frozenset[_Part] | None:
    mine, theirs = one - other, other - one
    if len(mine) != 1 or len(theirs) != 1:
        return None
    (left,), (right,) = mine, theirs
    if not (isinstance(left, _Members) and isinstance(right, _Members)):
        return None
    if not (left.wanted and right.wanted and left.fact == right.fact):
        return None
    return (one & other) | {_Members(left.fact, left.members | right.members, wanted=True)}


def _all_of(parts: Sequence[str]) -> str:
    return ", and ".join(parts)


def _parts(knowledge: Knowledge, alternative: frozenset[_Part]) -> list[str]:
    """Write the parts of an alternative in the order of the vocabulary, those of a set without names of its own as one."""
    order = {name: place for place, name in enumerate(knowledge.vocabulary.facts)}
    found: dict[str, list[_Part]] = {}
    for part in sorted(alternative, key=_sorted_by):
        found.setdefault(_fact(part), []).append(part)
    written: list[str] = []
    for name in sorted(found, key=lambda name: order[name]):
        fact = knowledge.vocabulary.facts[name]
        sets = [part for part in found[name] if isinstance(part, _Members)]
        if sets and MEMBER not in fact.label:
            written.append(f"{uncapital(fact.label)}: {_membership(fact, sets)}")
        else:
            written += [_part(knowledge, fact, part) for part in found[name]]
    return written


def _fact(part: _Part) -> str:
    return part.fact if isinstance(part, _Members) else fact_of(part.attribute)


def _sorted_by(part: _Part) -> tuple[bool, str]:
    # What is wanted comes before what is refused.
    return (
        isinstance(part, _Members) and not part.wanted,
        str(sorted(part.members)) if isinstance(part, _Members) else "",
    )


def _part(knowledge: Knowledge, fact: Fact, part: _Part) -> str:
    if isinstance(part, _Members):
        names = either([spoken(knowledge, fact, member) for member in _in_order(knowledge, fact, part.members)])
        return f"{uncapital(fact.label.replace(MEMBER, names))}: {'yes' if part.wanted else 'no'}"
    member = member_of(part.attribute)
    label = fact.label if member is None else fact.label.replace(MEMBER, spoken(knowledge, fact, member))
    return f"{uncapital(label)}: {test_text(knowledge, part.attribute, part.test)}"


def _in_order(knowledge: Knowledge, fact: Fact, members: Iterable[str]) -> list[str]:
    known = list(knowledge.words.members.get(fact.members or "", ()))
    return sorted(members, key=known.index)


def _membership(fact: Fact, sets: Iterable[_Members]) -> str:
    known = [str(value) for value in fact.values or {}]
    wanted: list[str] = []
    refused = ""
    for part in sets:
        names = [choice_label(fact, name) for name in known if name in part.members]
        if part.wanted:
            wanted.append(either(names))
        else:
            refused = f"not {names[0]}" if len(names) == 1 else f"neither {either(names, 'nor')}"
    return ", but ".join(part for part in (" and ".join(wanted), refused) if part)


def _choice(fact: Fact, values: frozenset[Scalar], domain: Sequence[Scalar]) -> str:
    if fact.kind in ("boolean", "set"):
        return either(["yes" if value else "no" for value in sorted(values, reverse=True)])
    names = [_value(fact, value) for value in domain if value in values]
    others = [_value(fact, value) for value in domain if value not in values]
    if len(names) > 2 * len(others) > 0:
        # Shorter, and what the author meant: anything but these.
        return f"not {others[0]}" if len(others) == 1 else f"neither {either(others, 'nor')}"
    return either(names)


def _value(fact: Fact, value: Scalar) -> str:
    token = str(value)
    return token if len(token) == 1 else choice_label(fact, token)


def _span(fact: Fact, span: Span) -> str:
    unit = f" {fact.unit}" if fact.unit else ""
    low, high = _figure(span.low), _figure(span.high)
    lowest, highest = _range(fact)
    closed = not span.low_open and not span.high_open
    if span.low == span.high or (closed and fact.kind == "integer" and span.high == lowest):
        return f"{high}{unit}"
    if closed and fact.kind == "integer" and span.low == highest:
        return f"{low}{unit}"
    if closed and math.isfinite(span.low) and math.isfinite(span.high):
        return f"{low} to {high}{unit}"
    parts = []
    if math.isfinite(span.low):
        parts.append(f"{'above' if span.low_open else 'at least'} {low}{unit}")
    if math.isfinite(span.high):
        parts.append(f"{'below' if span.high_open else 'at most'} {high}{unit}")
    text = " and ".join(parts)
    # Some rules only ask that a number is there.
    return f"{text} (any known value)".strip() if not text or _covers(span, fact) else text


def _range(fact: Fact) -> tuple[float, float]:
    found = fact.range
    low = found.at_least if found and found.at_least is not None else -math.inf
    high = found.at_most if found and found.at_most is not None else math.inf
    return float(low), float(high)


def _covers(span: Span, fact: Fact) -> bool:
    if fact.range is None or math.isfinite(span.high):
        return False
    if fact.range.above is not None:
        return span.low <= fact.range.above
    return fact.range.at_least is not None and span.low <= fact.range.at_least and not span.low_open


def _figure(value: float) -> str:
    return f"{value:.15g}".replace("-", "−")
