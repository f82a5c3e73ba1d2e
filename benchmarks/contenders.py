"""The ways of running the rules that are measured, each with what it returns for comparison."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.conclusions import Conclusions, conclusions_of, differences
from benchmarks.networks import on_clips, on_durable_rules
from benchmarks.plain import PlainRules
from benchmarks.zen import ZenRules
from hcc_decide.decide import decide
from hcc_decide.decision import Decision
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.facts import read_facts
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import Patient

DECISION, CHECKED, UNCHECKED = "decision", "checked", "unchecked"
DURABLE, CLIPS, ZEN, PLAIN, READING = "durable-rules", "clips", "zen", "plain", "reading"

LABELS = {
    DECISION: "hcc-decide: whole decision",
    CHECKED: "hcc-decide: inference with the shadow check",
    UNCHECKED: "hcc-decide: inference without the shadow check",
    DURABLE: "rules alone on durable-rules",
    CLIPS: "rules alone on CLIPS",
    ZEN: "rules alone on GoRules Zen",
    PLAIN: "rules alone as plain Python (if and else)",
    READING: "reading the record alone",
}


Run = Callable[[Patient], Any]
Differs = Callable[[Any, Conclusions], list[str]]


@dataclass(frozen=True)
class Contender:
    """One way of running the rules.

    Attributes:
        key: its name in `LABELS`.
        run: what is timed: one patient, from the checked record to the answer.
        differs: names every difference between that answer and what hcc-decide concluded; ``None`` when the
            contender concludes nothing.
        seconds_to_build: from the loaded knowledge to the first answer.
    """

    key: str
    run: Run
    differs: Differs | None
    seconds_to_build: float


def contenders(knowledge: Knowledge, first: Patient, keys: Iterable[str] = tuple(LABELS)) -> list[Contender]:
    """Build the contenders, in the order of `LABELS`.

    Args:
        knowledge: the rule base that all of them run.
        first: the patient whose answer ends the build, because networks are built when first used.
        keys: which to build.
    """

    def compare_inference(answer: Any, ours: Conclusions) -> list[str]:
        return differences(conclusions_of(answer, knowledge), ours)

    makers: dict[str, Callable[[], tuple[Run, Differs | None]]] = {
        DECISION: lambda: (_deciding(Engine(knowledge)), compare_decision),
        CHECKED: lambda: (Engine(knowledge).infer, compare_inference),
        UNCHECKED: lambda: (Engine(knowledge, check=False).infer, compare_inference),
        DURABLE: lambda: (on_durable_rules(knowledge).conclude, differences),
        CLIPS: lambda: (on_clips(knowledge).conclude, differences),
        ZEN: lambda: (ZenRules(knowledge).conclude, differences),
        PLAIN: lambda: (PlainRules(knowledge).conclude, differences),
        READING: lambda: (_reading(knowledge), None),
    }
    found = []
    for key in LABELS:
        if key in keys:
            started = time.perf_counter()
            run, differs = makers[key]()
            run(first)
            found.append(Contender(key, run, differs, time.perf_counter() - started))
    return found


def _deciding(engine: Engine) -> Callable[[Patient], Decision]:
    return lambda patient: decide(patient, engine)


def _reading(knowledge: Knowledge) -> Callable[[Patient], Any]:
    attributes = knowledge.attributes()
    return lambda patient: read_facts(patient, knowledge, attributes)


def compare_decision(answer: Decision, ours: Conclusions) -> list[str]:
    """Name every option whose verdict in a decision is not the one concluded."""
    verdicts = {item.id: (item.verdict, item.would_be) for item in answer.options}
    verdicts |= {item.id: (item.verdict, ours.verdicts[item.id][1]) for item in answer.excluded}
    return differences(Conclusions(ours.derived, ours.disagreements, ours.results, verdicts), ours)


def compare(knowledge: Knowledge, rivals: Sequence[Contender], patients: Sequence[Patient]) -> dict[str, list[str]]:
    """Return, for each contender that concludes something, one line per patient on whom it differs."""
    engine = Engine(knowledge)
    wrong: dict[str, list[str]] = {rival.key: [] for rival in rivals if rival.differs is not None}
    for number, patient in enumerate(patients, start=1):
        ours = conclusions_of(engine.infer(patient), knowledge)
        for rival in rivals:
            if rival.differs is not None:
                found = rival.differs(rival.run(patient), ours)
                if found:
                    wrong[rival.key].append(f"patient {number}: {'; '.join(found[:5])}")
    engine.close()
    return wrong
