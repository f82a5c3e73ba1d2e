"""The values that a fact may take instead, as far as rules can tell them apart, and how each can come about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import z3

from hcc_decide.answers import ENDINGS, answers, changed, line_detail
from hcc_decide.changes import line_text
from hcc_decide.counterfactual.question import Question
from hcc_decide.counterfactual.shape import WAYS_ABOUT, By, Needed
from hcc_decide.engine.inference import Inference
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import Span, fact_of, member_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, value_text
from hcc_decide.knowledge.phrasing import test_text
from hcc_decide.knowledge.schema import Fact, PartialValue
from hcc_decide.patient import Patient, RecordError, parse_patient
from hcc_decide.scores import CUT_OFFS

ONGOING = "ongoing"
ALBI = "albi_score"
"""The score whose cut-offs in one value hang on the other, and are known to some digits only."""


@dataclass(frozen=True)
class Candidate:
    """Values of one fact that rules cannot tell apart.

    Attributes:
        value: one of them, as a record holds it.
        text: all of them in words.
        span: of a number, all of them.
        by: how they can come about.
        when: true exactly when the fact has one of them; a variable of `Question.named`.
    """

    value: Any
    text: str
    span: Span | None
    by: By
    when: z3.BoolRef


class Values:
    """The values that facts of one record may take instead."""

    def __init__(self, knowledge: Knowledge, inference: Inference, question: Question) -> None:
        """Look at nothing yet."""
        self._knowledge = knowledge
        self._patient = inference.patient
        self._inference = inference
        self._question = question
        self._record = inference.patient.to_record()
        self._histories: tuple[Candidate, ...] | None = None
        self._known: dict[object, tuple[Candidate, ...]] = {}

    def with_values(self, values: Mapping[str, Any]) -> Patient:
        """Return the patient with other values.

        Raises:
            RecordError: the record is refused.
        """
        record = self._record
        for name, value in values.items():
            record = changed(record, name, value)
        return parse_patient(record, self._knowledge.option_ids)

    def of(self, fact: str, point: Mapping[str, Any]) -> tuple[Candidate, ...]:
        """Return what rules can tell of a fact.

        Args:
            fact: the fact.
            point: values of the facts that change: a score's cut-off in one value can depend on the others.
        """
        if fact == PRIOR_SYSTEMIC:
            if self._histories is None:
                self._histories = tuple(self._of_history())
            return self._histories
        key = fact, tuple(str(point.get(name)) for name in self._scored_with(fact))
        if key not in self._known:
            self._known[key] = tuple(self._of_fact(fact, self._context(fact, point)))
        return self._known[key]

    def _context(self, fact: str, point: Mapping[str, Any]) -> Patient:
        """Return the rest of the record, without what gives a fact cut-offs of a score that does not matter here."""
        context = self.with_values(point)
        scored = self._knowledge.vocabulary.facts[ALBI].from_ if ALBI in self._knowledge.vocabulary.facts else []
        if fact not in scored or self._question.reads(ALBI):
            return context
        # Other scores have the same cut-offs in it, whatever the other values are.
        return context.model_copy(update={name: None for name in scored if name != fact})

    def _scored_with(self, fact: str) -> list[str]:
        """Return the facts on which the cut-offs of scores in a fact depend."""
        scores = (item.from_ for item in self._knowledge.vocabulary.facts.values() if fact in item.from_)
        return sorted({name for names in scores for name in names} - {fact})

    def _of_fact(self, fact: str, context: Patient) -> Iterator[Candidate]:
        kind = self._kind(fact)
        for item in answers(self._knowledge, context, fact):
            value, text = item.value, item.text
            if kind.kind == "set" and line_detail(fact) is None:
                value = self._with_unread(fact, value)
                text = value_text(kind, value)
            if item.span is not None:
                if self._rounded_cut_off(fact, item.span):
                    continue
                value = _tidy(value, item.span)
            when = self._question.within(fact, item.span) if item.span else self._question.given(fact, value)
            yield Candidate(value, text, item.span, self._by(fact, value, item.span), self._question.named(when))

    def _rounded_cut_off(self, fact: str, span: Span) -> bool:
        """Whether a span is the one number at which a score changes, known to some digits only: nobody can tell its side."""
        if span.low != span.high or not self.by_rounded_score(fact):
            return False
        return span.low not in (*CUT_OFFS.get(fact, ()), *self._knowledge.limits.get(fact, ()))

    def by_rounded_score(self, fact: str) -> bool:
        """Whether a score that matters here has rounded cut-offs in a fact."""
        known = self._knowledge.vocabulary.facts.get(ALBI)
        return known is not None and fact in known.from_ and self._question.reads(ALBI)

    def _with_unread(self, fact: str, value: Sequence[str]) -> list[str]:
        """Return a set with the members of today's that no rule reads."""
        read = {member_of(name) for name in self._knowledge.attributes() if fact_of(name) == fact}
        return sorted([*value, *(name for name in self._record.get(fact, ()) if name not in read)])

    def extending(self, lines: Sequence[Any]) -> Iterator[Candidate]:
        """Yield histories that go on from the recorded one with some lines; none where nothing is recorded."""
        for recorded, text in self._bases():
            with contextlib.suppress(RecordError):
                whole = [*recorded, *lines]
                further = f"further: {self._lines_text(lines)}"
                yield self._lines(whole, f"{text}, then {further}" if text else further, "course")[1]

    def nearest_first(self, fact: str, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
        """Return candidates in order: what comes about most easily first, and of numbers the nearest to today's."""
        now = None if fact == PRIOR_SYSTEMIC or line_detail(fact) else getattr(self._patient, fact)

        def place(item: Candidate) -> tuple[int, float]:
            away = 0.0 if item.span is None or now is None else abs(float(item.value) - float(now))
            return WAYS_ABOUT.index(item.by), away

        return tuple(sorted(candidates, key=place))

    def exactly(self, fact: str, value: Any) -> Candidate:
        """Return one value as a candidate."""
        if fact == PRIOR_SYSTEMIC:
            return self._lines(value, self._lines_text(value), "course" if self._extends(value) else "fixed")[1]
        span = None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            span = Span(float(value), False, float(value), False)
        text = value_text(self._kind(fact), value)
        when = self._question.named(self._question.given(fact, value))
        return Candidate(value, text, span, self._by(fact, value, span), when)

    # Lines of therapy.

    def _of_history(self) -> Iterator[Candidate]:
        """Yield histories that rules of the option tell apart: what goes on from the recorded ones first, then the shortest."""
        seen: set[object] = set()
        for lines, text, by in self._histories_in_order():
            told, candidate = self._lines(lines, text, by)
            if told not in seen:
                seen.add(told)
                yield candidate

    def _histories_in_order(self) -> Iterator[tuple[list[Any], str, By]]:
        recorded = self._record.get(PRIOR_SYSTEMIC)
        single = answers(self._knowledge, self._patient, PRIOR_SYSTEMIC)
        bases = list(self._bases())
        yield from ((lines, text, "course") for lines, text in bases if text)
        for lines, text in bases:
            for item in single:
                if item.value:
                    further = f"a further line: {item.text}"
                    yield [*lines, *item.value], f"{text}, then {further}" if text else further, "course"
        by: By = "test" if recorded is None else "fixed"
        for item in single:
            extends = recorded == [] and bool(item.value)
            text = f"a first line: {item.text}" if extends else item.text if not item.value else f"only {item.text}"
            yield list(item.value), text, "course" if extends else by

    def _bases(self) -> Iterator[tuple[list[Any], str]]:
        """Yield what further lines can follow: the recorded lines, a last one that goes on ended, and how."""
        recorded = self._record.get(PRIOR_SYSTEMIC)
        if recorded and recorded[-1]["outcome"] == ONGOING:
            outcomes = self._knowledge.vocabulary.prior_systemic.fields["outcome"].values or {}
            for ending in ENDINGS:
                ended = {**recorded[-1], "outcome": ending}
                yield [*recorded[:-1], ended], f"the last line ends: {outcomes.get(ending, ending)}"
        elif recorded:
            yield list(recorded), ""

    def _lines(self, lines: Sequence[Any], text: str, by: By) -> tuple[object, Candidate]:
        told, when = self._question.lines(self.with_values({PRIOR_SYSTEMIC: list(lines)}))
        recorded = self._record.get(PRIOR_SYSTEMIC)
        return told, Candidate(list(lines), text, None, "test" if recorded is None else by, self._question.named(when))

    def _extends(self, lines: Sequence[Any]) -> bool:
        recorded = self._record.get(PRIOR_SYSTEMIC) or []
        return len(lines) > len(recorded) and list(lines[: len(recorded)]) == list(recorded)

    def _lines_text(self, lines: Sequence[Any]) -> str:
        clean = self.with_values({PRIOR_SYSTEMIC: list(lines)}).to_record()[PRIOR_SYSTEMIC]
        return "; then ".join(line_text(line, self._knowledge) for line in clean) or "none"

    # How values come about.

    def _by(self, fact: str, value: Any, span: Span | None) -> By:
        detail = line_detail(fact)
        if detail is not None:
            return "fixed" if self._inference.states[f"{detail[1]}[{detail[0]}]"].known else "test"
        now = getattr(self._patient, fact)
        if now is None:
            return "test"
        kind = self._kind(fact)
        partial = (kind.values or {}).get(now) if kind.kind == "category" else None
        if isinstance(partial, PartialValue) and value in partial.means:
            return "test"
        able = kind.modifiable
        if able is None:
            return "fixed"
        if able.direction is not None:
            assert span is not None
            reached = span.high <= now if able.direction == "lower" else span.low >= now
        else:
            reached = value in able.becomes(now)
        return "treatment" if reached else "fixed"

    def _kind(self, fact: str) -> Fact:
        detail = line_detail(fact)
        return self._knowledge.vocabulary.facts[fact if detail is None else detail[1]]

    # Words.

    def now(self, fact: str) -> str:
        """Write today's value of a fact."""
        if fact == PRIOR_SYSTEMIC:
            lines = self._record.get(PRIOR_SYSTEMIC)
            return "not known" if lines is None else self._lines_text(lines)
        detail = line_detail(fact)
        if detail is None:
            value = self._record.get(fact)
        else:
            option, field = detail
            mine = [line.get(field) for line in self._record[PRIOR_SYSTEMIC] if line["option"] == option]
            value = mine[-1]
        return value_text(self._kind(fact), value)

    def how(self, fact: str) -> str | None:
        """Say what brings other values of a fact about."""
        if line_detail(fact) is not None or fact == PRIOR_SYSTEMIC:
            return None
        able = self._kind(fact).modifiable
        return able.how if able is not None else None

    def needed(self, fact: str, candidates: Iterable[Candidate]) -> list[Needed]:
        """Write values that do, those of the same origin together and neighbouring numbers as one span."""
        found: list[Needed] = []
        every = list(candidates)
        for by in WAYS_ABOUT:
            mine = [item for item in every if item.by == by]
            found += [Needed(text=text, by=by) for text in dict.fromkeys(self._texts(fact, mine))]
        return found

    def _texts(self, fact: str, candidates: Sequence[Candidate]) -> Iterator[str]:
        detail, whole = line_detail(fact), fact != PRIOR_SYSTEMIC and self._kind(fact).kind == "integer"
        attribute = fact if detail is None else f"{detail[1]}[{detail[0]}]"
        numbers = [item for item in candidates if item.span is not None]
        merged: list[Candidate] = []
        for item in sorted(numbers, key=_place):
            before = merged[-1].span if merged else None
            assert item.span is not None
            # A cut-off that is rounded is no value of its own.
            gap = before is not None and self._rounded_cut_off(fact, Span(before.high, False, item.span.low, False))
            if before is not None and (gap or _touch(before, item.span, whole=whole)):
                joined = Span(before.low, before.low_open, item.span.high, item.span.high_open)
                merged[-1] = replace(merged[-1], span=joined, text="")
            else:
                merged.append(item)
        for item in merged:
            assert item.span is not None
            rounded = replace(item.span, low=round(item.span.low, 2), high=round(item.span.high, 2))
            yield item.text or test_text(self._knowledge, attribute, rounded)
        yield from (item.text for item in candidates if item.span is None)


def _tidy(value: float, span: Span) -> float | int:
    """Return a number of a span as people write it; they do not write 17.6649 where 18 does."""
    for digits in range(3):
        rounded = round(value, digits)
        # No number of a record is below 0, and some may not be 0.
        if rounded > 0 and span.low < rounded < span.high:
            return int(rounded) if rounded.is_integer() else rounded
    return int(value) if float(value).is_integer() else value


def _place(item: Candidate) -> tuple[float, bool]:
    assert item.span is not None
    return item.span.low, item.span.low_open


def _touch(one: Span, other: Span, *, whole: bool) -> bool:
    if whole and other.low == one.high + 1:
        return True
    return one.high == other.low and not (one.high_open and other.low_open)
