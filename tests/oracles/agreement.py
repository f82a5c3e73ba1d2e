"""The answers of the program and of its shadow, and the differences between all readers of the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from hcc_decide.engine.engine import Engine
from hcc_decide.engine.facts import read_facts
from hcc_decide.engine.network import EngineError
from hcc_decide.engine.shadow import Shadow
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.patient import parse_patient
from tests.oracles.answer import Answer, OracleError, Record, Value
from tests.oracles.asp import Asp
from tests.oracles.clips_oracle import ClipsOracle
from tests.oracles.naive import Naive


def program_answer(engine: Engine, record: Record) -> Answer:
    """Answer as durable-rules does.

    Args:
        engine: compiled with ``check=False``, so that a difference from the shadow is reported and not raised.
        record: a record that the contract accepts.

    Raises:
        RecordError: the contract refuses the record.
        EngineError: there is no decision.
    """
    knowledge = engine.knowledge
    inference = engine.infer(parse_patient(record, knowledge.option_ids))
    return Answer(
        derived={item.fact: _values(inference.states[item.fact].values) for item in knowledge.staging},
        disagreements=frozenset(inference.disagreements),
        rules=dict(inference.results),
        verdicts={name: (standing.verdict, standing.would_be) for name, standing in inference.standings.items()},
    )


def shadow_answer(engine: Engine, record: Record, rules: Iterable[str]) -> Answer:
    """Answer as the shadow interpreter does.

    Args:
        engine: any engine of the same knowledge.
        record: a record that the contract accepts.
        rules: ids of the rules to judge.
    """
    knowledge = engine.knowledge
    shadow = Shadow(
        knowledge, read_facts(parse_patient(record, knowledge.option_ids), knowledge, knowledge.attributes())
    )
    return Answer(
        derived={item.fact: _values(shadow.states[item.fact].values) for item in knowledge.staging},
        disagreements=frozenset(shadow.disagreements),
        rules={name: shadow.answer(name) for name in rules},
        verdicts={name: shadow.verdict(treatment) for name, treatment in knowledge.options.items()},
    )


def _values(values: frozenset[Value] | None) -> frozenset[Value]:
    return frozenset() if values is None else values


def differences(program: Answer, others: Mapping[str, Answer]) -> list[str]:
    """Say, one sentence each, where a reader differs from the program; nothing when all agree.

    Args:
        program: the answer of durable-rules; its rules are those that are compared.
        others: the other answers, by the reader's name.
    """
    found: list[str] = []
    for reader, other in others.items():
        found += _compared(reader, "can be", _shown(program.derived), _shown(other.derived))
        if other.disagreements != program.disagreements:
            found.append(
                f"given against derived: the program finds {sorted(program.disagreements)}, "
                f"{reader} finds {sorted(other.disagreements)}"
            )
        judged = {name: str(other.rules[name]) if name in other.rules else "not judged" for name in program.rules}
        found += _compared(reader, "is", {name: str(held) for name, held in program.rules.items()}, judged)
        found += _compared(reader, "is", _spoken(program.verdicts), _spoken(other.verdicts))
    return found


def _shown(derived: Mapping[str, frozenset[Value]]) -> dict[str, str]:
    # repr tells 1 from True and from "1"
    return {fact: ", ".join(sorted(repr(value) for value in values)) for fact, values in derived.items()}


def _spoken(verdicts: Mapping[str, tuple[str, str | None]]) -> dict[str, str]:
    return {name: verdict + (f" (would be {then})" if then else "") for name, (verdict, then) in verdicts.items()}


def _compared(reader: str, verb: str, program: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return [
        f"{name} {verb} {program.get(name, 'absent')} by the program, {other.get(name, 'absent')} by {reader}"
        for name in sorted(program.keys() | other.keys())
        if program.get(name) != other.get(name)
    ]


class Readers:
    """The program, its shadow and the three oracles, ready to be asked.

    Args:
        rules: the rule base.
        read_by_oracles: another folder for the three oracles, to see that a change of a rule is noticed.
    """

    def __init__(self, rules: Path, read_by_oracles: Path | None = None) -> None:
        self.engine = Engine(load_knowledge(rules), check=False)
        other = read_by_oracles or rules
        naive, clips, asp = Naive(other), ClipsOracle(other), Asp(other)
        self.oracles: dict[str, Callable[[Sequence[Record]], list[Answer]]] = {
            "the naive reader": lambda records: [naive.answer(record) for record in records],
            "clingo": asp.answers,
            "CLIPS": lambda records: [clips.answer(record) for record in records],
        }

    def differences(self, records: Sequence[Record]) -> list[list[str]]:
        """Say for each record where a reader differs from the program; a reader without an answer differs."""
        return [found for found, _ in self.compared(records)]

    def compared(self, records: Sequence[Record]) -> list[tuple[list[str], Answer | None]]:
        """Return the differences and the program's answer, if it gives one, for each record."""
        answers = {name: _asked(ask, records) for name, ask in self.oracles.items()}
        return [
            self._compared(record, {name: given[number] for name, given in answers.items()})
            for number, record in enumerate(records)
        ]

    def _compared(self, record: Record, answers: Mapping[str, Answer | OracleError]) -> tuple[list[str], Answer | None]:
        try:
            program = program_answer(self.engine, record)
        except EngineError as error:
            return [f"the program gives no decision: {error}"], None
        others = {"the shadow": shadow_answer(self.engine, record, program.rules)}
        others |= {name: answer for name, answer in answers.items() if isinstance(answer, Answer)}
        silent = [
            f"{name} gives no answer: {answer}" for name, answer in answers.items() if isinstance(answer, OracleError)
        ]
        return [*silent, *differences(program, others)], program


def _asked(
    ask: Callable[[Sequence[Record]], list[Answer]], records: Sequence[Record]
) -> Sequence[Answer | OracleError]:
    """Ask for all records at once, and one by one only if that fails."""
    try:
        return ask(records)
    except OracleError as error:
        if len(records) == 1:
            return [error]
        return [answer for record in records for answer in _asked(ask, [record])]
