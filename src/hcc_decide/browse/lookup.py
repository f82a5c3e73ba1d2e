"""Finding things in the rule base by drug, fact, trial, claim or word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge, Rule, Treatment
from hcc_decide.knowledge.condition import Condition, attributes_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, fact_label
from hcc_decide.knowledge.phrasing import fact_text
from hcc_decide.knowledge.schema import Fact, PartialValue
from hcc_decide.knowledge.schema_sources import Claim, Trial
from hcc_decide.sources import cite

Kind = Literal["option", "staging", "notice", "fact", "trial", "claim"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What can be found, in the order in which it stands when nothing is searched for."""

NAME, PART, RULE, TEXT, ASIDE = 12, 8, 5, 3, 1
"""How much a match counts: in a name, in what a thing is made of, in a rule, in a text, in what only stands beside it."""

_EXACT = 1000
_AROUND = 70
_TITLE = 90
_WITHIN = 3
_WORD = re.compile(r"[^\W_]+")
# Who types a fact's name asks for the fact before the many things that name it.
_EQUALS: tuple[Kind, ...] = ("fact", "staging", "option", "notice", "trial", "claim")


@dataclass(frozen=True)
class Field:
    """One text of a thing, by which it can be found.

    Attributes:
        where: what the text is, for people.
        weight: how much a match in it counts.
        text: the text.
        folded: the text as it is compared.
    """

    where: str
    weight: int
    text: str
    folded: str


@dataclass(frozen=True)
class Entry:
    """A thing that can be found: its kind, id, title and texts."""

    kind: Kind
    id: str
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Hit:
    """A thing that was found.

    Attributes:
        kind, id, title: what it is.
        where: in which of its texts; empty when nothing was searched for.
        text: that text.
        words: what was searched for, folded.
        score: how well it fits; the higher the better.
    """

    kind: Kind
    id: str
    title: str
    where: str = ""
    text: str = ""
    words: tuple[str, ...] = ()
    score: int = 0

    @property
    def excerpt(self) -> str:
        """The text around the match, on one line."""
        return excerpt(self.text, self.words)


def fold(text: str) -> str:
    """Return a text as it is compared: small letters without accents, Greek letters by name, words apart by one blank."""
    plain = text.casefold()
    if not plain.isascii():
        letters = unicodedata.normalize("NFKD", plain).casefold()
        plain = "".join(_latin(letter) for letter in letters if not unicodedata.combining(letter))
    return " ".join(_WORD.findall(plain))


def _latin(letter: str) -> str:
    name = "" if letter.isascii() else unicodedata.name(letter, "")
    return name.rpartition(" ")[2].lower() if name.startswith("GREEK SMALL LETTER ") else letter


def index(knowledge: Knowledge) -> tuple[Entry, ...]:
    """Return everything that can be found, to be searched any number of times."""
    found = [_option(knowledge, treatment) for treatment in knowledge.options.values()]
    found += [_staging(knowledge, derived) for derived in knowledge.staging]
    found += [_notice(knowledge, notice) for notice in knowledge.notices]
    found.append(_prior_lines(knowledge))
    found += [_fact(knowledge, name, fact) for name, fact in knowledge.vocabulary.facts.items()]
    found += [_trial(trial) for trial in knowledge.trials.values()]
    found += [_claim(knowledge, claim) for claim in knowledge.claims.values()]
    return tuple(found)


def search(entries: Iterable[Entry], text: str) -> tuple[Hit, ...]:
    """Return what a text finds, best first.

    Every word must be found somewhere in the thing, at the beginning of a word; only when nothing at all is found that way
    may longer ones stand within one. Case, accents, hyphens and the like make no difference. Without a word everything is found.

    Args:
        entries: what to search (see `index`).
        text: words, as typed.
    """
    words = tuple(word for word in map(fold, text.split()) if word)
    every = tuple(entries)
    if not words:
        return tuple(sorted((Hit(entry.kind, entry.id, entry.title) for entry in every), key=_order))
    hits = [hit for entry in every if (hit := _match(entry, words, " ")) is not None]
    if not hits and all(len(word) >= _WITHIN for word in words):
        hits = [hit for entry in every if (hit := _match(entry, words, "")) is not None]
    return tuple(sorted(hits, key=_order))


def _order(hit: Hit) -> tuple[int, int, str, str]:
    kinds = _EQUALS if hit.words else KINDS
    return -hit.score, kinds.index(hit.kind), fold(hit.title), hit.id


def _match(entry: Entry, words: tuple[str, ...], before: str) -> Hit | None:
    score, whole = 0, " ".join(words)
    best: tuple[int, int, int] = (0, 0, 0)
    shown = entry.fields[0]
    for word in words:
        weights = [_weight(field, word, before) for field in entry.fields]
        if not max(weights):
            return None
        score += max(weights)
    for place, field in enumerate(entry.fields):
        weights = [_weight(field, word, before) for word in words]
        quality = (len([weight for weight in weights if weight]), sum(weights), -place)
        if quality > best:
            best, shown = quality, field
        if field.weight == NAME and field.folded == whole:
            score += _EXACT
    return Hit(entry.kind, entry.id, entry.title, shown.where, shown.text, words, score)


def _weight(field: Field, word: str, before: str) -> int:
    padded = f" {field.folded} "
    if f" {word} " in padded:
        return 2 * field.weight
    return field.weight if before + word in padded else 0


def excerpt(text: str, words: Iterable[str]) -> str:
    """Return a text around the first of some words that are found in it, on one line.

    Args:
        text: the text.
        words: folded words (see `fold`).
    """
    line = " ".join(text.split())
    if len(line) <= 2 * _AROUND:
        return line
    spans = [(found.start(), fold(found.group())) for found in _WORD.finditer(line)]
    firsts = [word.split()[0] for word in words]
    starts = (start for start, token in spans if any(token.startswith(first) for first in firsts))
    start = next(starts, 0)
    begin, end = max(0, start - _AROUND), min(len(line), start + _AROUND)
    if begin:
        begin = line.find(" ", begin, start) + 1 or begin
    if end < len(line):
        end = line.rfind(" ", start, end) if line.rfind(" ", start, end) > start else end
    return f"{'… ' if begin else ''}{line[begin:end]}{' …' if end < len(line) else ''}"


def _fields(parts: Iterable[tuple[str, int, str | None]]) -> tuple[Field, ...]:
    return tuple(Field(where, weight, text, fold(text)) for where, weight, text in parts if text)


def _read(knowledge: Knowledge, conditions: Iterable[Condition | None]) -> Iterator[tuple[str, int, str]]:
    """Yield the facts that conditions read, so that a search by fact finds the rule."""
    attributes = {attribute for condition in conditions for attribute in attributes_of(condition or ())}
    for attribute in sorted(attributes):
        yield "reads the fact", RULE, fact_label(knowledge, attribute)
        yield "reads the fact", RULE, attribute.replace("[", " ").replace("]", "")


def _option(knowledge: Knowledge, treatment: Treatment) -> Entry:
    body = treatment.body
    parts: list[tuple[str, int, str | None]] = [("name", NAME, body.name), ("id", NAME, body.id)]
    parts += [("also called", NAME, alias) for alias in body.aliases]
    parts += [("drug", PART, drug) for drug in body.drugs]
    parts += [("class", PART, knowledge.vocabulary.classes[name]) for name in body.classes]
    parts += [("target", PART, target) for target in body.targets]
    for item in body.evidence:
        trial = knowledge.trials[item.trial]
        parts += [("trial", PART, trial.name), ("trial", PART, trial.id), ("trial", PART, trial.nct)]
    parts += [(_rule_word(rule), RULE, rule.text) for rule in treatment.rules]
    parts += _read(knowledge, (rule.condition for rule in treatment.rules))
    parts += [("regimen", TEXT, body.regimen.text), ("rationale", TEXT, body.rationale)]
    parts += [("note", TEXT, note.text) for note in body.notes]
    parts += [("later line", TEXT, step.text) for step in (*body.later_lines.opens, *body.later_lines.closes)]
    parts += [("beyond the reviews", ASIDE, event.text) for event in body.later_evidence]
    parts += [("tumour microenvironment", ASIDE, effect.text) for effect in body.microenvironment]
    cited = sorted({claim for rule in treatment.rules for claim in rule.claims} | set(body.regimen.claims))
    parts += [("cites", RULE, claim) for claim in cited]
    return Entry("option", body.id, body.name, _fields(parts))


def _rule_word(rule: Rule) -> str:
    words = {"include": "needs", "exclude": "excluded by", "variant": "regimen"}
    return words.get(rule.kind, rule.effect or rule.kind)


def _staging(knowledge: Knowledge, derived: DerivedFact) -> Entry:
    body = derived.body
    parts: list[tuple[str, int, str | None]] = [
        ("title", NAME, body.title),
        ("derives", PART, fact_text(knowledge, body.fact)),
        ("derives", PART, body.fact),
    ]
    parts += [("value", RULE, value.text) for value in derived.values]
    parts += _read(knowledge, (derived.guard, *(value.condition for value in derived.values)))
    parts += [("source", TEXT, body.source), ("disagreement", TEXT, body.disagreement)]
    parts += [("cites", RULE, claim) for claim in body.claims]
    return Entry("staging", body.fact, body.title, _fields(parts))


def _notice(knowledge: Knowledge, notice: Rule) -> Entry:
    parts: list[tuple[str, int, str | None]] = [("text", PART, notice.text), ("id", NAME, notice.name)]
    parts += _read(knowledge, [notice.condition])
    parts += [("cites", RULE, claim) for claim in notice.claims]
    return Entry("notice", notice.name, notice_title(notice), _fields(parts))


def notice_title(notice: Rule) -> str:
    """Return the first sentence of a notice, cut where it is long."""
    sentence = " ".join(notice.text.split()).split(". ", 1)[0].rstrip(".")
    return sentence if len(sentence) <= _TITLE else sentence[:_TITLE].rsplit(" ", 1)[0] + " …"


def _fact(knowledge: Knowledge, name: str, fact: Fact) -> Entry:
    label = fact_text(knowledge, name)
    parts: list[tuple[str, int, str | None]] = [
        ("label", NAME, label),
        ("name", NAME, name),
        ("question", TEXT, fact.question),
        ("description", TEXT, fact.description),
        ("unit", ASIDE, fact.unit),
        ("code", PART, f"{fact.code.system} {fact.code.code}" if fact.code else None),
    ]
    for value in (fact.values or {}).values():
        parts.append(("value", TEXT, value.label if isinstance(value, PartialValue) else value))
    return Entry("fact", name, label, _fields(parts))


def _prior_lines(knowledge: Knowledge) -> Entry:
    lines = knowledge.vocabulary.prior_systemic
    parts: list[tuple[str, int, str | None]] = [
        ("label", NAME, lines.label),
        ("name", NAME, PRIOR_SYSTEMIC),
        ("question", TEXT, lines.question),
    ]
    parts += [("field", TEXT, field.label) for field in lines.fields.values()]
    return Entry("fact", PRIOR_SYSTEMIC, lines.label, _fields(parts))


def _trial(trial: Trial) -> Entry:
    parts: list[tuple[str, int, str | None]] = [
        ("name", NAME, trial.name),
        ("id", NAME, trial.id),
        ("registry number", NAME, trial.nct),
        ("summary", TEXT, trial.summary),
        ("population", TEXT, trial.population),
        ("design", TEXT, trial.design),
        ("citation", TEXT, cite(trial.citation) if trial.citation else None),
        ("citation", TEXT, trial.citation.doi if trial.citation else None),
    ]
    parts += [("arm", PART, arm.option) for arm in trial.arms]
    parts += [("arm", TEXT, arm.text) for arm in trial.arms]
    return Entry("trial", trial.id, trial.name, _fields(parts))


def _claim(knowledge: Knowledge, claim: Claim) -> Entry:
    review = knowledge.claim_reviews[claim.id]
    parts: list[tuple[str, int, str | None]] = [
        ("id", NAME, claim.id),
        ("statement", TEXT, claim.statement),
        ("remark", TEXT, claim.remark),
        ("section", ASIDE, f"review {review}, {claim.section}"),
        ("not encoded", ASIDE, claim.not_encoded),
    ]
    parts += [("subject", RULE, subject) for subject in claim.subjects]
    return Entry("claim", claim.id, f"{claim.id}, review {review}", _fields(parts))
