"""How the report of a cohort words counts, shares, rules and facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hcc_decide.cohort.concordance import SEPARATOR, Agreement, Rate
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import capital, choice_label, option_name, setting_labels
from hcc_decide.missing import label_of
from hcc_decide.refusals import one_line

AGREEMENT_WORDS: Mapping[Agreement, str] = {
    "first_choice": "first choice",
    "usable": "usable, not first",
    "investigational": "investigational",
    "against": "against",
    "elsewhere": "another setting",
    "undetermined": "undetermined",
    "not_understood": "not understood",
    "not_told": "not told",
}
NO_FIRST = "no usable option"
OPEN = "not settled"
"""A BCLC stage that is not settled."""

_LONGEST = 200


def number(count: int) -> str:
    """Write a count.

    >>> number(1234567)
    '1,234,567'
    """
    return f"{count:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Write a count with its noun.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number(count)} {noun if count == 1 else plural or noun + 's'}"


def percent(part: int, whole: int) -> str:
    """Write a share with one decimal; it reads 0 or 100 only where it is exactly that, and ``–`` of nothing.

    >>> percent(1, 3), percent(1, 10_000), percent(9_999, 10_000), percent(5, 5), percent(0, 0)
    ('33.3 %', '<0.1 %', '>99.9 %', '100 %', '–')
    """
    if not whole:
        return "–"
    if part in (0, whole):
        return "100 %" if part else "0 %"
    if part / whole < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if part / whole >= 0.9995 else f"{100 * part / whole:.1f} %"


def share(part: int, whole: int) -> str:
    """Write how many of how many, with the share.

    >>> share(1, 3)
    '1 of 3 (33.3 %)'
    """
    return f"{number(part)} of {number(whole)} ({percent(part, whole)})"


def rate_text(rate: Rate) -> str:
    """Write a rate with its numerator, denominator and interval.

    >>> rate_text(Rate(8, 10))
    '8 of 10: 80.0 % (95 % interval 49.0 to 94.3 %)'
    >>> rate_text(Rate(0, 0))
    '0 of 0: no rate'
    """
    parts = f"{number(rate.numerator)} of {number(rate.denominator)}"
    if rate.share is None:
        return f"{parts}: no rate"
    return f"{parts}: {percent(rate.numerator, rate.denominator)} (95 % interval {interval_text(rate)})"


def interval_text(rate: Rate) -> str:
    """Write the interval of a rate alone, ``–`` of nobody.

    >>> interval_text(Rate(8, 10))
    '49.0 to 94.3 %'
    """
    if rate.interval is None:
        return "–"
    low, high = rate.interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def setting_name(knowledge: Knowledge, setting: str) -> str:
    """Return how a setting is called; one that is not settled is said to be."""
    if setting == "undetermined":
        return "Setting not settled"
    return capital(setting_labels(knowledge).get(setting, setting))


def setting_order(knowledge: Knowledge, settings: Iterable[str]) -> list[str]:
    """Return settings in the order of the vocabulary, the undetermined one last."""
    ranks = {name: place for place, name in enumerate(setting_labels(knowledge))}
    return sorted(set(settings), key=lambda name: (name == "undetermined", ranks.get(name, len(ranks)), name))


def stage_name(knowledge: Knowledge, stage: str | None) -> str:
    """Return how a BCLC stage is called."""
    return OPEN if stage is None else choice_label(knowledge.vocabulary.facts["bclc_stage"], stage)


def first_choice_name(knowledge: Knowledge, ids: str) -> str:
    """Return the names of first choices of equal rank."""
    names = [option_name(knowledge, option) for option in ids.split(SEPARATOR) if option]
    return " / ".join(names) or NO_FIRST


def fact_name(knowledge: Knowledge, fact: str) -> str:
    """Return the label of a fact; what is no fact is shown as it is, on one line."""
    return label_of(knowledge, fact) if is_fact(knowledge, fact) else one_line(fact, _LONGEST)


def is_fact(knowledge: Knowledge, fact: str) -> bool:
    """Whether a name is that of a field of the record, or of a detail of its lines of therapy."""
    return fact in knowledge.vocabulary.facts or fact == "prior_systemic" or fact.startswith("prior_systemic[")


def rule_text(knowledge: Knowledge, rule: str) -> str:
    """Return the sentence of a rule or notice by its id; an id that the knowledge lacks is shown as it is."""
    if rule in knowledge.rules:
        return knowledge.rules[rule].text
    family, _, rest = rule.partition("/")
    subject, _, name = rest.rpartition("/")
    if family == "staging":
        found = next((item.body for item in knowledge.staging if rule == f"{item.rule}/disagreement"), None)
        if found is not None:
            return found.disagreement or f"{found.title}: given and derived disagree; the value given is used."
    if family == "vocabulary" and subject in knowledge.vocabulary.facts:
        return f"{fact_name(knowledge, subject)} is unusual; check the value and its unit."
    if family == "options" and subject in knowledge.options:
        for event in knowledge.options[subject].body.later_evidence:
            if event.id == name:
                return f"Beyond the reviews ({event.date}): {event.text.strip()}"
    return one_line(rule, _LONGEST)


def criterion_text(knowledge: Knowledge, rule: str) -> str:
    """Return the sentence of a criterion that excludes, with what it found."""
    found = knowledge.rules.get(rule)
    if found is None:
        return rule_text(knowledge, rule)
    return f"{'Exclusion that applies' if found.kind == 'exclude' else 'Not met'}: {found.text}"


def rule_claims(knowledge: Knowledge, rule: str) -> str:
    """Return the claims behind a rule."""
    if rule in knowledge.rules:
        return ", ".join(knowledge.rules[rule].claims)
    staged = next((item.body for item in knowledge.staging if rule == f"{item.rule}/disagreement"), None)
    return ", ".join(staged.claims) if staged is not None else ""


def plain(text: str, longest: int = _LONGEST) -> str:
    """Write a text of somebody else on one line, printable and short."""
    return one_line(" ".join(text.split()), longest)
