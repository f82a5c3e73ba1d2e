"""``python -m benchmarks``: measure, compare and print; with ``--write`` also write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tools.running_form import FormError

from benchmarks.ahead import AheadRun, ahead_section, measure_ahead
from benchmarks.browser import InBrowser, measure_browser
from benchmarks.cohort_report import CohortRun, cohort_section
from benchmarks.cohorts import Sizes, measure_cohorts
from benchmarks.contenders import CLIPS, DECISION, PLAIN, compare, contenders
from benchmarks.form import measure_edits
from benchmarks.form_report import FormRun, form_section
from benchmarks.machine import busy, machine
from benchmarks.memory import measure_memory
from benchmarks.patients import example_patients, varied_patients
from benchmarks.report import Run, markdown, rules_of
from benchmarks.sections import with_section
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
    _say("loading the knowledge")
    knowledge = load_knowledge()
    if options.only is not None:
        sections: dict[str, Callable[[], str]] = {
            "form": lambda: form_section(_form(knowledge, options, others)),
            "ahead": lambda: ahead_section(_ahead(knowledge, others)),
            "cohort": lambda: cohort_section(_cohort(knowledge, options, others)),
        }
        section = sections[options.only]()
        print(section)
        if options.write:
            _write(with_section(REPORT.read_text(encoding="utf-8"), section))
        return 0
    run = _rules(knowledge, options, others)
    if options.edits or options.openings:
        run = replace(run, form=_form(knowledge, options, others))
    if options.ahead:
        run = replace(run, ahead=_ahead(knowledge, others))
    if options.cohort_rows:
        run = replace(run, cohort=_cohort(knowledge, options, others))
    report = markdown(run)
    print(report, end="")
    if options.write:
        _write(report)
    return 1 if any(run.wrong.values()) else 0


def _rules(knowledge: Knowledge, options: argparse.Namespace, others: bool) -> Run:
    """Measure everything but the form."""
    _say("building the contenders")
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
    return Run(
        machine=machine("durable-rules", "clipspy", "zen-engine"),
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


def _form(knowledge: Knowledge, options: argparse.Namespace, others: bool) -> FormRun:
    """Measure the form; without a browser, only what happens on the server."""
    browser: InBrowser | None = None
    if options.openings:
        _say(f"opening the form in the browser, {options.openings} times, and typing {options.typed} numbers")
        try:
            browser = measure_browser(knowledge, options.openings, options.typed)
        except FormError as error:
            _say(f"left out: {error}")
    _say(f"editing every example on every page, {options.edits} times each")
    edits = measure_edits(knowledge, options.edits, options.seed) if options.edits else {}
    about = machine("streamlit") | {"Knowledge": f"{knowledge.version}, edition {knowledge.edition}"}
    if browser is not None:
        about |= {"Chromium": browser.version}
    return FormRun(about, others, edits, browser)


def _ahead(knowledge: Knowledge, others: bool) -> AheadRun:
    """Measure what lies beyond one decision."""
    _say("weighing missing facts, searching counterfactuals and looking ahead")
    about = machine("durable-rules", "z3-solver") | {"Knowledge": f"{knowledge.version}, edition {knowledge.edition}"}
    return AheadRun(about, others, measure_ahead(knowledge))


def _cohort(knowledge: Knowledge, options: argparse.Namespace, others: bool) -> CohortRun:
    """Measure cohorts."""
    _say(f"deciding a cohort of up to {options.cohort_rows:,} rows")
    about = machine("durable-rules", "clipspy", "zen-engine", "polars")
    about |= {"Knowledge": f"{knowledge.version}, edition {knowledge.edition}"}
    return CohortRun(about, others, measure_cohorts(knowledge, Sizes().at_most(options.cohort_rows)))


def _write(report: str) -> None:
    REPORT.write_text(report, encoding="utf-8")
    _say("wrote docs/benchmarks.md")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure beside CLIPS, Zen and plain Python."
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md from this run")
    parser.add_argument("--only", choices=["form", "ahead", "cohort"], help="measure, and write, only this part")
    parser.add_argument("--patients", type=int, default=189, help="generated patients besides the examples")
    parser.add_argument("--seed", type=int, default=1, help="seed of the generated patients and edits")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds")
    parser.add_argument("--starts", type=int, default=7, help="fresh processes; 0 leaves the start-up out")
    parser.add_argument("--decisions", type=int, default=10_000, help="to watch memory over; 0 leaves it out")
    parser.add_argument("--openings", type=int, default=9, help="starts of the form, in a browser; 0 leaves it out")
    parser.add_argument("--typed", type=int, default=30, help="numbers typed in the browser")
    parser.add_argument("--edits", type=int, default=5, help="of each example on each page; 0 leaves them out")
    parser.add_argument(
        "--ahead", action=argparse.BooleanOptionalAction, default=True, help="what lies beyond one decision"
    )
    parser.add_argument(
        "--cohort-rows", type=int, default=1_000_000, help="rows of the largest cohort; 0 leaves cohorts out"
    )
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
