"""Steps as sentences: the rule in words, and what it did here as IF and THEN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hcc_decide.decision import Step
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.proof.chain import AS_DERIVED, AS_GIVEN, DISAGREEMENT, ONLY_LEFT, Chain
from hcc_decide.proof.words import kind_word, value_of

STRATA: Mapping[str, str] = {
    "staging": "Staging: facts are derived from facts, up to the stage and the setting.",
    "eligibility": "Eligibility: every sentence of the options that may come into question is judged: it holds or it does not.",
    "ranking": "Ranking: what was found of one use of an option is folded into its verdict, by the same rules for all options.",
}
"""What each stratum does, in the order in which they run."""

_GENERAL: Mapping[str, str] = {
    AS_GIVEN: "A value that the record gives is the one in force.",
    AS_DERIVED: "Where the record gives no value, what staging derives is in force.",
    ONLY_LEFT: "When all values but one are ruled out, that one holds.",
    DISAGREEMENT: "A value given that staging rules out is kept, and the disagreement is noted.",
}
_RANKING: Mapping[str, str] = {
    "blocked-by-criterion": "A needed criterion that is not met stands against the use.",
    "blocked-by-exclusion": "An exclusion that applies stands against the use.",
    "open-criterion": "A needed criterion that is not known leaves the use open.",
    "open-exclusion": "An exclusion that cannot be excluded leaves the use open.",
    "open-reservation": "A reservation that is not known leaves the use open.",
    "reserved": "A reservation applies, so that a preferred or recommended use becomes an alternative.",
    "not-applicable": "A use that does not fit this patient is not applicable.",
    "ineligible": "A use that fits, with something against it, is ineligible.",
    "undetermined": "A use that fits, with nothing against it and something still open, is undetermined.",
    "undetermined-setting": "A use of which it is not known whether it fits is undetermined.",
    "outlook-ineligible": "With something against the use already, it would be ineligible whatever is still missing.",
}


@dataclass(frozen=True)
class RuleText:
    """A rule in words.

    Attributes:
        kind: what it does, in a word or two.
        text: the sentence.
        claims, trials: ids of what it rests on.
    """

    kind: str
    text: str
    claims: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sentence:
    """A firing in words: what held, and what follows."""

    conditions: tuple[str, ...]
    consequence: str


def rule_text(knowledge: Knowledge, rule_id: str) -> RuleText:
    """Return a rule of the trace in words.

    Raises:
        KeyError: the knowledge lacks the rule.
    """
    stratum, _, name = rule_id.partition("/")
    if stratum == "ranking":
        return RuleText("Verdict", _ranking_text(name))
    if stratum != "staging":
        rule = knowledge.rules[rule_id]
        return RuleText(kind_word(rule.kind), rule.text, rule.claims, rule.trials)
    place, _, tail = rule_id.rpartition("/")
    derived = next(item for item in knowledge.staging if item.rule == place)
    claims = tuple(derived.body.claims)
    for value in derived.values:
        if value.rule == rule_id:
            shown = value_of(knowledge, derived.fact, value.value)
            return RuleText(derived.body.title, f"{shown}: {value.text}", claims)
    return RuleText(derived.body.title, _GENERAL[tail], claims)


def _ranking_text(name: str) -> str:
    if name in _RANKING:
        return _RANKING[name]
    base = name.removeprefix("outlook-")
    reserved = base.endswith("-with-reservation")
    verdict = base.removesuffix("-with-reservation").replace("_", " ")
    lowered = "alternative" if verdict in ("preferred", "recommended") else verdict
    if name.startswith("outlook-"):
        start = f"If what is missing turns out well, a use whose evidence makes it {verdict} would be"
        return f"{start} {lowered}, since a reservation applies." if reserved else f"{start} {verdict}."
    if reserved:
        return f"A use that fits, with nothing against it and nothing open, but with a reservation: {verdict} becomes {lowered}."
    return f"A use that fits, with nothing against it, nothing open and no reservation, is what its evidence makes it: {verdict}."


def sentence(chain: Chain, step: Step) -> Sentence:
    """Return what a step did, as conditions that held and the consequence."""
    read = [item for item in chain.read(step) if item.name != "option"]
    added = chain.added(step)
    label = f"“{added.label}”" if added.kind == "criterion" else added.label
    # A span that is known exactly is read twice, for each of its bounds.
    conditions = dict.fromkeys(f"{item.label}: {item.value}" for item in read)
    return Sentence(tuple(conditions), f"{label}: {added.value}")
