"""Why one option stands above another, from the keys that put them in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hcc_decide.comparison import KEYS, Comparison, Difference
from hcc_decide.decide import excluded
from hcc_decide.decision import VERDICTS, Criterion, Verdict
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.inference import Inference
from hcc_decide.knowledge.catalogue import Knowledge, Rule
from hcc_decide.knowledge.labels import facts_text
from hcc_decide.missing import OpenFacts, label_of
from hcc_decide.patient import Patient
from hcc_decide.ranking import EffectSize, Place, rank

NOT_RANKED = "not ranked"


@dataclass(frozen=True)
class _Side:
    """One of the two options.

    Attributes:
        verdict: its verdict.
        because: what an undetermined option waits for, or why an excluded one is; empty for the others.
        place: where it stands; ``None`` for an excluded option, which has no rank.
    """

    id: str
    name: str
    verdict: Verdict
    because: str
    place: Place | None

    @property
    def key(self) -> tuple[int, ...]:
        """The keys that sort it, one for each of `KEYS`; an excluded option has only the first."""
        return self.place.key if self.place is not None else (VERDICTS.index(self.verdict),)

    @property
    def standing(self) -> str:
        """Verdict and reason in words."""
        return _word(self.verdict) + (f" – {self.because}" if self.because else "")


def compare(patient: Patient, engine: Engine, first: str, second: str) -> Comparison:
    """Say which of two options stands above the other for a patient, and by which key.

    Args:
        patient: the record.
        engine: the compiled rule base.
        first: id or alias of an option.
        second: id or alias of another; the order does not matter.

    Raises:
        KeyError: the catalogue lacks one of them.
        EngineError: the rule base or the engine failed.
    """
    knowledge = engine.knowledge
    asked = [knowledge.option_ids[name] for name in (first, second)]
    inference = engine.infer(patient)
    places = rank(knowledge, inference)
    by_option = {place.option: place for place in places}
    one, two = (_side(knowledge, inference, option, by_option.get(option)) for option in asked)
    decides = _deciding(one, two)
    if decides is not None and two.key < one.key:
        one, two = two, one
    words = zip(_words(one, places, knowledge), _words(two, places, knowledge), strict=True)
    return Comparison(
        first=one.id,
        second=two.id,
        equal=decides is None,
        differences=[
            Difference(key=key, first=left, second=right, decides=number == decides)
            for number, (key, (left, right)) in enumerate(zip(KEYS, words, strict=True))
        ],
        sentence=_sentence(one, two, decides, places, knowledge),
        sha256=knowledge.sha256,
    )


def _side(knowledge: Knowledge, inference: Inference, option: str, place: Place | None) -> _Side:
    treatment = knowledge.options[option]
    verdict = inference.standings[option].verdict
    because = ""
    if place is None:
        found = excluded(knowledge, inference, treatment)
        # The criteria say the same as the reason, with labels and units in place of names.
        because = "; ".join(_failure(knowledge, item) for item in found.criteria) or found.reason.rstrip(".")
    elif verdict == "undetermined":
        waiting = [label_of(knowledge, fact) for fact in OpenFacts(knowledge, inference).behind(treatment)]
        because = f"not known: {', '.join(waiting)}" if waiting else ""
    return _Side(option, treatment.body.name, verdict, because, place)


def _failure(knowledge: Knowledge, item: Criterion) -> str:
    lead = "excluded by" if item.kind == "exclude" else "not met"
    return f"{lead}: {item.text.rstrip('.')} ({facts_text(knowledge, item.facts)})"


def _deciding(one: _Side, two: _Side) -> int | None:
    """Return the number of the key that settles the order; ``None`` when neither option stands above the other."""
    if one.place is None and two.place is None:
        return None
    pairs = zip(one.key, two.key, strict=False)
    return next((number for number, (left, right) in enumerate(pairs) if left != right), None)


def _words(side: _Side, places: Sequence[Place], knowledge: Knowledge) -> tuple[str, ...]:
    """Say what an option has under each of `KEYS`."""
    place = side.place
    if place is None:
        return (side.standing, *[NOT_RANKED] * (len(KEYS) - 1))
    return (
        side.standing,
        f"would be {_word(place.would_be)}" if place.would_be else "settled",
        f"{place.level} ({knowledge.manifest.evidence_levels[place.level].label})",
        _findings(place),
        _effect_of(place, places),
    )


def _findings(place: Place) -> str:
    texts = [
        f"{lead}: {_texts(rules)}" for lead, rules in (("For", place.favours), ("Against", place.disfavours)) if rules
    ]
    return ". ".join([_balance(place), *texts])


def _balance(place: Place) -> str:
    return f"{len(place.favours) or 'none'} for it, {len(place.disfavours) or 'none'} against"


def _texts(rules: Iterable[Rule]) -> str:
    return "; ".join(rule.text.rstrip(".") for rule in rules)


def _comparator(place: Place, places: Iterable[Place]) -> str | None:
    """Return what an option's effect is measured against among options of equal keys.

    An option that others were compared with is measured against itself; ``None``: it has no effect size.
    """
    rivals = {other.effect.comparator for other in places if other.group == place.group and other.effect is not None}
    if place.option in rivals:
        return place.option
    return place.effect.comparator if place.effect is not None else None


def _effect_of(place: Place, places: Sequence[Place]) -> str:
    against = _comparator(place, places)
    if against is None:
        after = "the one that has" if place.behind == 1 else f"the {place.behind} that have one"
        return "no hazard ratio" + (f"; stands after {after}" if place.behind else "")
    row = [other for other in places if other.group == place.group and _comparator(other, places) == against]
    where = (
        f"place {place.behind + 1} of {len(row)} in that comparison"
        if len(row) > 1
        else "no other option here is in that comparison"
    )
    if place.effect is None or against == place.option:
        return f"what others were compared with, so it counts as 1; {where}"
    return f"{_ratio(place.effect)}; {where}"


def _ratio(effect: EffectSize) -> str:
    interval = effect.interval
    measure = effect.measure.replace("_free_", "-free ").replace("_", " ")
    text = f"hazard ratio {effect.hr:g}{interval} for {measure} against {effect.comparator_name} in {effect.trial}"
    text += "" if effect.verified else ", as the review prints it"
    return text if effect.counted != 1.0 else f"{text}, which does not count as a difference"


def _sentence(one: _Side, two: _Side, decides: int | None, places: Sequence[Place], knowledge: Knowledge) -> str:
    if one.id == two.id:
        return f"Both names mean {one.name}."
    if one.place is None and two.place is None:
        return (
            f"Neither comes into question, so neither stands above the other: "
            f"{one.name} is {one.standing}; {two.name} is {two.standing}."
        )
    if decides == 0:
        return (
            f"{one.name} stands above {two.name}: its verdict is {one.standing}, that of {two.name} is {two.standing}."
        )
    # Both are listed: an excluded one differs from a listed one in its verdict.
    assert one.place is not None
    assert two.place is not None
    if decides is None:
        shared = _shared(one.place, len(KEYS))
        return f"{one.name} and {two.name} stand equal: {shared}; {_no_effect(one.place, two.place, places)}."
    left, right = (
        _words(side, places, knowledge)[decides] if KEYS[decides] != "findings" else _balance(place)
        for side, place in ((one, one.place), (two, two.place))
    )
    if KEYS[decides] == "outlook":
        reason = f"{one.name} {left} if what is missing turns out well, {two.name} {right}"
    elif KEYS[decides] == "evidence_level":
        reason = f"{one.name} rests on evidence level {left}, {two.name} on level {right}"
    elif KEYS[decides] == "findings":
        reason = f"of the findings in this patient {one.name} has {left}; {two.name} has {right}"
    else:
        reason = f"{one.name}: {left}; {two.name}: {right}"
    return f"{one.name} stands above {two.name}: {_shared(one.place, decides)}; {reason}."


def _shared(place: Place, keys: int) -> str:
    """Say what the first keys are, in which two options are equal."""
    parts = [f"both have the verdict {_word(place.verdict)}"]
    if keys > 1 and place.would_be:
        parts.append(f"would be {_word(place.would_be)}")
    if keys > 2:
        parts.append(f"rest on evidence level {place.level}")
    if keys > 3:
        parts.append("have the same balance of findings in this patient")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _no_effect(one: Place, two: Place, places: Sequence[Place]) -> str:
    """Say why effect sizes put neither option first."""
    left, right = _comparator(one, places), _comparator(two, places)
    if left is None and right is None:
        return "neither has a hazard ratio that would tell them apart"
    if left == right:
        return "their effects against the same comparator do not differ"
    return "their hazard ratios are against different comparators, which are not set against each other"


def _word(token: str) -> str:
    return token.replace("_", " ")
