"""Theorems about all options together: no gap where treatment is expected, and an order that agrees with the ratios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, permutations

import z3

from hcc_decide.decision import USABLE, Setting
from hcc_decide.knowledge.catalogue import Knowledge, Treatment
from hcc_decide.ranking import Place, behind, effect_size
from hcc_decide.verify.asking import Asker
from hcc_decide.verify.fields import Saying
from hcc_decide.verify.results import Failure, Tally
from hcc_decide.verify.truth import Quantity
from hcc_decide.verify.world import Judged, World

MOST_ECOG = 2
ORDER = "order-agrees"
NOTICES = "notices"
GAPS: Mapping[str, Setting] = {"usable-first-line": "first_line", "usable-second-line": "second_line"}


def candidates(knowledge: Knowledge, setting: Setting) -> Iterator[Treatment]:
    """Yield the options that a board may offer in a setting outside trials, care apart."""
    for treatment in knowledge.options.values():
        if treatment.body.kind != "care" and any(
            use.body.verdict in USABLE and setting in use.settings for use in treatment.uses
        ):
            yield treatment


def gaps(knowledge: Knowledge, refused: tuple[tuple[Saying, Saying], ...], theorem: str) -> Tally:
    """Show that whoever has a complete record, advanced HCC, Child–Pugh A and ECOG 0 to 2 has a usable treatment.

    Args:
        knowledge: the rule base.
        refused: what no record may say.
        theorem: the one about the first or the second line.
    """
    setting = GAPS[theorem]
    tally = Tally()
    options = list(candidates(knowledge, setting))
    attributes = {name for treatment in options for name in treatment.attributes} | {
        "child_pugh_class",
        "bclc_stage",
        "ecog",
    }
    world = World(knowledge, attributes, refused)
    ecog = world.states["ecog"]
    assert isinstance(ecog, Quantity)
    here = [
        world.complete,
        world.coherent,
        world.among("setting", [setting]).true,
        world.among("bclc_stage", ["C"]).true,
        world.among("child_pugh_class", ["A"]).true,
        ecog.high <= MOST_ECOG,
    ]
    ask = Asker([world], tally, here)
    usable = [Judged(world, treatment).any_of(USABLE) for treatment in options]
    model = ask.smallest(z3.Not(z3.Or(usable)))
    if model is None:
        tally.hold(theorem)
    else:
        text = f"nothing is usable but supportive care, of {len(options)} options that may be in this setting"
        tally.fail(Failure(theorem, setting, text, world.record(model)))
    return tally


def notices(knowledge: Knowledge, refused: tuple[tuple[Saying, Saying], ...]) -> Tally:
    """Show that every notice can hold and can fail to hold."""
    tally = Tally()
    for rule in knowledge.notices:
        world = World(knowledge, rule.attributes, refused)
        truth = world.judge(rule)
        ask = Asker([world], tally)
        for theorem, when, text in (("live", truth.true, "never"), ("not-vacuous", truth.false, "always")):
            if ask.possible(when) is not None:
                tally.hold(theorem)
            else:
                tally.fail(Failure(theorem, rule.id, f"{text} holds: {rule.text}"))
    return tally


def order(knowledge: Knowledge) -> Tally:
    """Show that in whatever group two options meet, the smaller ratio against the same comparator stands first.

    Every group is tried, with the function that ranks.
    """
    tally = Tally()
    for comparator, places in sorted(rows(knowledge).items()):
        wrong: dict[str, str] = {}
        for size in range(2, len(places) + 1):
            for group in combinations(places, size):
                counts = [behind(place, group) for place in group]
                if counts != [behind(place, group[::-1]) for place in group]:
                    wrong[comparator] = f"the order in which {[place.option for place in group]} are looked at matters"
                for (one, first), (other, second) in permutations(zip(group, counts, strict=True), 2):
                    if _ratio(one) < _ratio(other) and first >= second:
                        wrong[f"{one.option} against {comparator}"] = f"does not stand before {other.option}"
        for subject, text in wrong.items():
            tally.fail(Failure(ORDER, subject, text))
        if not wrong:
            tally.hold(ORDER)
    return tally


def rows(knowledge: Knowledge) -> Mapping[str, list[Place]]:
    """Return the places of all indications that were measured against the same comparator, by comparator."""
    found: dict[str, list[Place]] = {}
    for treatment in knowledge.options.values():
        for use in treatment.uses:
            effect = effect_size(knowledge, use)
            if effect is not None:
                name = f"{treatment.id}/{use.body.id}"
                place = Place(name, use.body.verdict, None, use.body.evidence_level, (), (), effect)
                found.setdefault(effect.comparator, []).append(place)
    return found


def _ratio(place: Place) -> float:
    assert place.effect is not None
    return place.effect.counted
