"""Proving everything: every theorem, over every option and derived fact, in several processes."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.files import EXCEPTIONS
from hcc_decide.knowledge.load import DEFAULT_EDITION, load_knowledge
from hcc_decide.verify.exceptions import Judgement, judge_failures, read_exceptions
from hcc_decide.verify.exhaustive import THEOREM as COMBINATIONS
from hcc_decide.verify.exhaustive import enumerate_option
from hcc_decide.verify.fields import Saying, contradictions
from hcc_decide.verify.options import OptionProofs
from hcc_decide.verify.pairs import CHANGES, PairProofs, transitions
from hcc_decide.verify.replay import replay
from hcc_decide.verify.results import THEOREMS, Tally
from hcc_decide.verify.shapes import by_shape
from hcc_decide.verify.staging import StagingProofs
from hcc_decide.verify.whole import GAPS, NOTICES, ORDER, gaps, notices, order

Refused = tuple[tuple[Saying, Saying], ...]


@dataclass(frozen=True)
class Report:
    """What was proved of a rule base.

    Attributes:
        tally: what was shown of each theorem.
        judgement: what did not hold, reviewed or open, and exceptions that are stale.
        seconds: how long it took.
        options: how many options were looked at.
    """

    tally: Tally
    judgement: Judgement
    seconds: float
    options: int

    def lines(self) -> Iterator[str]:
        """Yield the lines that the command line prints."""
        failed = Counter(item.theorem for item in self.judgement.open)
        reviewed = Counter(item.theorem for item, _ in self.judgement.reviewed)
        yield f"{'proved':>7} {'reviewed':>9} {'open':>5}  for every patient"
        for name, sentence in THEOREMS.items():
            if self.tally.proved.get(name) or failed[name] or reviewed[name]:
                yield f"{self.tally.proved.get(name, 0):>7} {reviewed[name]:>9} {failed[name]:>5}  {sentence} ({name})"
        yield f"{self.options} options, {self.tally.queries:,} questions to the solver, {self.seconds:.0f} s"
        if self.tally.combinations:
            yield f"{self.tally.combinations:,} combinations of classes, all there are of {self.tally.enumerated} options"
        for failure in self.judgement.open:
            yield ""
            yield f"{failure.theorem}: {failure.subject} {failure.text}"
            for title, record in (("patient", failure.patient), ("then", failure.other)):
                if record is not None:
                    yield f"  {title}: {json.dumps(record, ensure_ascii=False)}"
        for theorem, subject in self.judgement.stale:
            yield ""
            yield f"{EXCEPTIONS}: nothing fails for {subject} in {theorem} any more; take the exception out"

    @property
    def proved(self) -> bool:
        """Whether every theorem holds but for reviewed exceptions, none of which is stale."""
        return not self.judgement.open and not self.judgement.stale


def verify(
    folder: Path,
    edition: str = DEFAULT_EDITION,
    *,
    options: Sequence[str] = (),
    processes: int = 1,
    most: int = 0,
) -> Report:
    """Prove a rule base.

    Args:
        folder: the folder that holds ``knowledge.yaml``.
        edition: an edition that it names.
        options: only the theorems about these options; all theorems when empty.
        processes: how many processes share the work.
        most: enumerate the combinations of classes of each option too, as a whole where there are no more than this; 0 does not.

    Raises:
        KnowledgeError: the rules have findings.
        ExceptionsError: the file of exceptions cannot be used.
        SolverError: the solver gave up, so nothing is proved.
    """
    started = time.perf_counter()
    knowledge = load_knowledge(folder, edition)
    exceptions = read_exceptions(folder)
    chosen = list(options or knowledge.options)
    parts = list(_parts(knowledge, chosen, everything=not options, most=most))
    tally = Tally()
    # Every process reads the rules once; the parts are dealt out in turn, the long ones first.
    batches = [parts[number::processes] for number in range(processes)]
    if processes == 1:
        tally.add([prove_parts(folder, edition, batches[0], most=most)])
    else:
        with ProcessPoolExecutor(max_workers=processes, mp_context=get_context("spawn")) as pool:
            tally.add(pool.map(partial(prove_parts, folder, edition, most=most), batches))
    judgement = judge_failures(tally.failures, exceptions, whole=not options)
    return Report(tally, judgement, time.perf_counter() - started, len(chosen))


@dataclass(frozen=True)
class Part:
    """A part of the proof.

    Attributes:
        kind: which theorems.
        subjects: the options that they are about, all of one shape; or the derived fact; or what is proved of the whole.
    """

    kind: Literal["pairs", "whole", "option", "staging", "replay", "combinations"]
    subjects: tuple[str, ...]


def _parts(knowledge: Knowledge, options: Sequence[str], *, everything: bool, most: int) -> Iterator[Part]:
    """Yield all parts, the long ones first."""
    if everything:
        yield from (Part("whole", (theorem,)) for theorem in (CHANGES, *GAPS, ORDER, NOTICES))
    alike = by_shape(knowledge, options).values()
    yield from (Part("pairs", tuple(group)) for group in sorted(alike, key=lambda group: -_size(knowledge, group[0])))
    if most:
        yield from (Part("combinations", (option,)) for option in options)
    for option in options:
        yield Part("option", (option,))
        yield Part("replay", (option,))
    if everything:
        yield from (Part("staging", (item.fact,)) for item in knowledge.staging)


def _size(knowledge: Knowledge, option: str) -> int:
    return len(knowledge.options[option].rules)


def prove_parts(folder: Path, edition: str, parts: Iterable[Part], *, most: int) -> Tally:
    """Prove some parts, in this process.

    Raises:
        KnowledgeError, ExceptionsError, SolverError: as `verify`.
    """
    knowledge = load_knowledge(folder, edition)
    refused = contradictions(knowledge.vocabulary.facts)
    engine = Engine(knowledge)
    allowed = read_exceptions(folder).transitions()
    try:
        return Tally().add(_prove(engine, refused, allowed, part, most) for part in parts)
    finally:
        engine.close()


def unproved(knowledge: Knowledge, option: str | None, reviewed: frozenset[tuple[str, str]]) -> list[str]:
    """Return what does not hold of one option, or of staging and the whole, in sentences.

    Args:
        knowledge: the rule base.
        option: the option; ``None`` takes derived facts, notices and what all options do together.
        reviewed: theorem and subject of every failure that is meant so.

    Raises:
        SolverError: the solver gave up.
    """
    refused = contradictions(knowledge.vocabulary.facts)
    if option is not None:
        tally = prove_option(knowledge, option, refused)
    else:
        tally = Tally().add(StagingProofs(knowledge, item.fact, refused).run() for item in knowledge.staging)
        tally.add([notices(knowledge, refused), *(gaps(knowledge, refused, theorem) for theorem in GAPS)])
    return [
        f"{item.theorem}: {item.subject} {item.text}"
        for item in tally.failures
        if (item.theorem, item.subject) not in reviewed
    ]


def prove_option(knowledge: Knowledge, option: str, refused: Refused) -> Tally:
    """Prove every theorem about one option that needs no engine.

    Raises:
        SolverError: the solver gave up.
    """
    return Tally().add([OptionProofs(knowledge, option, refused).run(), PairProofs(knowledge, option, refused).run()])


def _prove(
    engine: Engine, refused: Refused, allowed: Mapping[str, Iterable[tuple[str, str]]], part: Part, most: int
) -> Tally:
    knowledge, subject = engine.knowledge, part.subjects[0]
    if part.kind == "pairs":
        return _pairs(knowledge, part.subjects, refused)
    if part.kind == "option":
        return OptionProofs(knowledge, subject, refused).run()
    if part.kind == "replay":
        return replay(engine, subject, refused)
    if part.kind == "combinations":
        return _combinations(engine, subject, most)
    if part.kind == "staging":
        return StagingProofs(knowledge, subject, refused).run()
    if subject == CHANGES:
        return transitions(knowledge, refused, allowed)
    if subject == NOTICES:
        return notices(knowledge, refused)
    return order(knowledge) if subject == ORDER else gaps(knowledge, refused, subject)


def _combinations(engine: Engine, option: str, most: int) -> Tally:
    found = enumerate_option(engine, option, most)
    proved = {} if found.failures else {COMBINATIONS: 1}
    return Tally(proved, list(found.failures), combinations=found.combinations, enumerated=int(found.whole))


def _pairs(knowledge: Knowledge, options: Sequence[str], refused: Refused) -> Tally:
    """Prove the theorems about two patients for one of several options that differ in name only; for each when it fails."""
    first = PairProofs(knowledge, options[0], refused).run()
    if first.failures:
        return Tally().add([first, *(PairProofs(knowledge, other, refused).run() for other in options[1:])])
    for theorem, count in first.proved.items():
        first.proved[theorem] = count * len(options)
    return first
