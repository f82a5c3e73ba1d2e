"""``python -m benchmarks``: measure, compare and print; with ``--write`` also write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import CLIPS, DECISION, PLAIN, compare, contenders
from benchmarks.machine import busy, machine
from benchmarks.memory import measure_memory
from benchmarks.patients import example_patients, varied_patients
from benchmarks.report import Run, markdown, rules_of
from benchmarks.startup import measure_startup
from benchmarks.timing import measure
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.patient import Patient

REPORT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        0, or 1 when a contender concludes something else than hcc-decide about any patient.
    """
    options = _parser().parse_args(arguments)
    others = busy()
    _say("loading the knowledge and building the contenders")
    knowledge = load_knowledge()
    patients = [*example_patients(knowledge), *varied_patients(knowledge, options.patients, options.seed)]
    rivals = contenders(knowledge, patients[0])
    _say(f"comparing the conclusions on {len(patients)} patients")
    wrong = compare(knowledge, rivals, patients)
    for key, lines in wrong.items():
        for line in lines[:10]:
            _say(f"{key} differs on {line}")
    _say(f"timing, {options.rounds} rounds")
    times = measure(rivals, patients, options.rounds)
    _say("starting fresh processes")
    startup = measure_startup(options.starts) if options.starts else {}
    _say(f"watching memory over {options.decisions} decisions")
    watched = (DECISION, CLIPS, PLAIN) if options.decisions else ()
    memory = measure_memory(watched, options.decisions, options.seed)
    run = Run(
        machine=machine(),
        busy=others,
        rules=rules_of(knowledge),
        patients=_described(knowledge, patients, options.patients, options.seed),
        compared=len(patients),
        rounds=options.rounds,
        times=times,
        built={rival.key: rival.seconds_to_build for rival in rivals},
        wrong=wrong,
        memory=memory,
        startup=startup,
    )
    report = markdown(run)
    print(report, end="")
    if options.write:
        REPORT.write_text(report, encoding="utf-8")
        _say("wrote docs/benchmarks.md")
    return 1 if any(wrong.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure beside CLIPS and plain Python.")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md from this run")
    parser.add_argument("--patients", type=int, default=189, help="generated patients besides the examples")
    parser.add_argument("--seed", type=int, default=1, help="seed of the generated patients")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds")
    parser.add_argument("--starts", type=int, default=7, help="fresh processes; 0 leaves the start-up out")
    parser.add_argument("--decisions", type=int, default=10_000, help="to watch memory over; 0 leaves it out")
    return parser


def _described(knowledge: Knowledge, patients: Sequence[Patient], generated: int, seed: int) -> str:
    engine = Engine(knowledge, check=False)
    settings = Counter(engine.infer(patient).setting.replace("_", " ") for patient in patients)
    engine.close()
    spread = ", ".join(f"{setting} {count}" for setting, count in settings.most_common())
    return f"{len(patients) - generated} examples and {generated} variations of them (seed {seed}): {spread}"


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
