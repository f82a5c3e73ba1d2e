"""Several answers to one question in one phrase: ``at least 400 ng/mL``, ``A or B``, ``with TACE, without SBRT``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from hcc_decide.answers import Answer, line_detail, span_text
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Span
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, choice_label
from hcc_decide.knowledge.phrasing import either
from hcc_decide.knowledge.schema import Fact

WHATEVER = "whatever the answer"

_Cube = Mapping[str, bool]
"""Which members a set has and lacks; the others may be in it or not."""


def joined(knowledge: Knowledge, fact: str, chosen: Sequence[Answer], every: Sequence[Answer]) -> str:
    """Write some of the answers to a question as one phrase.

    Args:
        knowledge: for labels and units.
        fact: what is asked, as `hcc_decide.answers.answers` takes it.
        chosen: the answers to write, in the order of ``every``; at least one.
        every: all answers that are possible.
    """
    if len(chosen) == len(every) and fact != PRIOR_SYSTEMIC:
        return WHATEVER
    if chosen[0].span is not None:
        return either([span_text(knowledge, fact, span) for span in _runs(chosen, every)])
    known = knowledge.vocabulary.facts.get(fact)
    if fact == PRIOR_SYSTEMIC:
        return _histories(chosen)
    if known is not None and known.kind == "set" and line_detail(fact) is None:
        return _sets(known, chosen, every)
    return either([answer.text for answer in chosen])


def _runs(chosen: Sequence[Answer], every: Sequence[Answer]) -> Iterator[Span]:
    """Yield the numbers of some answers, those that lie side by side as one span."""
    places = {answer: place for place, answer in enumerate(every)}
    wanted = [places[answer] for answer in chosen]
    for _, run in itertools.groupby(enumerate(wanted), lambda item: item[1] - item[0]):
        spans = [every[place].span for _, place in run]
        first, last = spans[0], spans[-1]
        assert first is not None
        assert last is not None
        yield Span(first.low, first.low_open, last.high, last.high_open)


def _histories(chosen: Sequence[Answer]) -> str:
    """Write histories of at most one line; treatments with the same endings are put together."""
    endings: dict[str, list[str]] = {}
    none: list[str] = []
    for answer in chosen:
        if answer.value:
            what, _, ending = answer.text.rpartition(": ")
            endings.setdefault(what, []).append(ending)
        else:
            none.append(answer.text)
    by_endings: dict[tuple[str, ...], list[str]] = {}
    for what, found in endings.items():
        by_endings.setdefault(tuple(found), []).append(what)
    return "; ".join([*none, *(f"{either(names)}: {either(found)}" for found, names in by_endings.items())])


def _sets(fact: Fact, chosen: Sequence[Answer], every: Sequence[Answer]) -> str:
    """Write which members a set has and lacks, in as few alternatives as a greedy choice finds."""
    members = list(dict.fromkeys(member for answer in every for member in answer.value))
    known = [frozenset(answer.value) for answer in every]
    rest = dict.fromkeys(frozenset(answer.value) for answer in chosen)
    wanted = frozenset(rest)
    cubes = [
        (cube, inside)
        for cube in _cubes(members)
        if (inside := [found for found in known if _fits(found, cube)]) and wanted.issuperset(inside)
    ]
    taken: list[_Cube] = []
    while rest:
        # What says the most in the fewest words: cubes come with the fewest members first, and the first of equals is taken.
        cube, inside = max(cubes, key=lambda item: sum(found in rest for found in item[1]))
        taken.append(cube)
        for found in inside:
            rest.pop(found, None)
    # One member of several: together they are one phrase.
    single = [member for cube in taken if len(cube) == 1 for member, sign in cube.items() if sign]
    phrases = [f"with {either([choice_label(fact, member) for member in single])}"] if single else []
    phrases += [_cube_text(fact, cube) for cube in taken if not (len(cube) == 1 and all(cube.values()))]
    return "; or ".join(phrases)


def _cubes(members: Sequence[str]) -> Iterator[_Cube]:
    """Yield every way to ask for some members and to refuse others, those that name the fewest members first."""
    for count in range(len(members) + 1):
        for named in itertools.combinations(members, count):
            for signs in itertools.product((True, False), repeat=count):
                yield dict(zip(named, signs, strict=True))


def _fits(found: frozenset[str], cube: _Cube) -> bool:
    return all((member in found) is wanted for member, wanted in cube.items())


def _cube_text(fact: Fact, cube: _Cube) -> str:
    have, lack = (
        [choice_label(fact, member) for member, sign in cube.items() if sign is wanted] for wanted in (True, False)
    )
    parts = [f"with {either(have, 'and')}"] if have else []
    parts += [f"without {either(lack)}"] if lack else []
    return ", ".join(parts)
