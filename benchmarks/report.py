"""The benchmark's report, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.ahead import AheadRun, ahead_section
from benchmarks.cohort_report import CohortRun, cohort_section
from benchmarks.contenders import CHECKED, CLIPS, DECISION, DURABLE, LABELS, PLAIN, READING, UNCHECKED, ZEN
from benchmarks.form_report import FormRun, form_section
from benchmarks.memory import Memory
from benchmarks.steps import PHASES
from benchmarks.tables import table
from benchmarks.timing import Times
from hcc_decide.engine.program import Program
from hcc_decide.knowledge.catalogue import Knowledge


@dataclass(frozen=True)
class Run:
    """Everything that one run of the benchmark found.

    Attributes:
        machine: the rows that describe machine, versions and date.
        busy: whether other work ran on the machine when the run began.
        rules: the rows that describe the rule base.
        patients: what patients there were, in words.
        compared: how many patients were compared.
        rounds: how many rounds were timed.
        times: by contender.
        built: seconds from the loaded knowledge to the first answer, by contender.
        wrong: by contender, one line per patient on whom it differs from hcc-decide.
        memory: by contender; empty when it was not measured.
        startup: seconds by phase; empty when it was not measured.
        form: what was seen of the form; ``None`` when it was not measured.
        ahead: what was seen beyond one decision; ``None`` when it was not measured.
        cohort: what was seen of cohorts; ``None`` when it was not measured.
    """

    machine: Mapping[str, str]
    busy: bool
    rules: Mapping[str, str]
    patients: str
    compared: int
    rounds: int
    times: Mapping[str, Times]
    built: Mapping[str, float]
    wrong: Mapping[str, Sequence[str]]
    memory: Mapping[str, Memory]
    startup: Mapping[str, float]
    form: FormRun | None = None
    ahead: AheadRun | None = None
    cohort: CohortRun | None = None


def rules_of(knowledge: Knowledge) -> dict[str, str]:
    """Return the rows that describe the rule base."""
    program = Program(knowledge)
    sizes = {
        "staging": len(program.staging.rules),
        "notices": len(program.notices.rules),
        **{
            setting.replace("_", " "): sum(len(ruleset.rules) for ruleset in group)
            for setting, group in program.eligibility.items()
        },
    }
    written = sum(len(item.values) for item in knowledge.staging) + len(knowledge.notices)
    written += sum(len(treatment.rules) for treatment in knowledge.options.values())
    return {
        "Knowledge": f"{knowledge.version}, edition {knowledge.edition}, {len(knowledge.options)} options",
        "Rules as written": str(written),
        "Network rules": f"{sum(sizes.values())}: " + ", ".join(f"{name} {size}" for name, size in sizes.items()),
    }


INTRODUCTION = """\
Written by `python -m benchmarks --write` (`make bench ARGS=--write`); every number is from one run. All contenders run
the same rules on the same patients and take turns, so ratios are worth more than absolute numbers, and differences
under 20 % mean nothing."""

NETWORK_RULES = """\
Network rules are what the engine runs: a sentence and its negation, each alternative a rule of its own. A patient meets
the staging rules, the notices, and the rules of the settings that are possible."""

WARM = """\
Median of {rounds} interleaved rounds; p50 and p95 over all of them. Relative speed: the inference with the shadow check
is 1. Build: from the loaded knowledge to the first answer. Wrong: of {compared} patients, those on whom derived facts,
disagreements, the result of any rule or the verdict of any option differ from those of hcc-decide; of a whole decision
the verdicts are compared.

- The whole decision is the inference with the shadow check, the ranking and the text of every option: criteria,
  reasons, citations, missing facts and the trace.
- The inference returns results and verdicts with the trace of every firing in canonical order.
- “Rules alone” returns derived facts, results and verdicts, without trace and check: staging, then notices and the
  possible settings, then the verdicts, in plain code but for Zen. durable-rules and CLIPS get the same network rules
  and the same facts from the same code. CLIPS has one environment per ruleset, reset for each patient, used in the
  fastest of several ways that were tried; durable-rules is used as hcc-decide uses it, so it also hands back what each
  firing matched.
- Zen goes once through one decision graph of expression nodes, generated from the conditions: staging, rules and
  verdicts all in Zen, without JavaScript, loaded in the fastest of several ways that were tried.
- Plain Python is one generated function per ruleset, from the same conditions: what the answer costs when nothing has
  to show why.
- Reading the record is part of every row."""

MEMORY = "Resident memory in MB, each contender in a process of its own, every patient drawn anew."

STARTUP = """\
Medians over fresh processes, compiled modules in place. The phases are taken in processes of their own and add up to
the whole only about."""


def markdown(run: Run) -> str:
    """Return the whole report."""
    rows = [_times_row(key, run) for key in LABELS if key in run.times]
    header = ("", "per second", "p50, ms", "p95, ms", "relative speed", "build, ms", "wrong")
    parts = [
        "# Benchmarks",
        INTRODUCTION + (" Other work ran on the machine at the time." if run.busy else ""),
        table(("", ""), [*run.machine.items(), *run.rules.items(), ("Patients", run.patients)]),
        NETWORK_RULES,
        "## Warm decisions",
        table(header, rows, numbers=True),
        WARM.format(rounds=run.rounds, compared=run.compared),
        *_remarks(run),
    ]
    if run.memory:
        parts += ["## Memory", _memory(run.memory)]
    if run.startup:
        parts += ["## From start to the first decision", _startup(run.startup)]
    if run.cohort is not None:
        parts.append(cohort_section(run.cohort))
    if run.ahead is not None:
        parts.append(ahead_section(run.ahead))
    if run.form is not None:
        parts.append(form_section(run.form))
    return "\n\n".join(parts) + "\n"


def _times_row(key: str, run: Run) -> tuple[str, ...]:
    times, wrong = run.times[key], run.wrong.get(key)
    return (
        LABELS[key],
        f"{times.per_second:,.0f}",
        f"{times.p50:.2f}",
        f"{times.p95:.2f}",
        f"{times.per_second / run.times[CHECKED].per_second:.2f}",
        f"{1000 * run.built[key]:,.0f}",
        "" if wrong is None else str(len(wrong)),
    )


def _remarks(run: Run) -> list[str]:
    speed = {key: times.per_second for key, times in run.times.items()}
    rows = [
        ("The shadow check leaves", CHECKED, UNCHECKED, "of the speed without it"),
        ("CLIPS runs the same network rules at", CLIPS, DURABLE, "times the speed of durable-rules"),
        ("Zen runs the rules at", ZEN, DURABLE, "times the speed of durable-rules"),
        ("Plain Python runs the rules at", PLAIN, DURABLE, "times the speed of durable-rules"),
        ("Reading the record is", DECISION, READING, "of the time of a whole decision"),
    ]
    lines = [
        f"- {start} {speed[one] / speed[other]:.2f} {end}."
        for start, one, other, end in rows
        if one in speed and other in speed
    ]
    return ["In this run:", "\n".join(lines)] if lines else []


def _memory(memory: Mapping[str, Memory]) -> str:
    (decisions,) = {item.decisions for item in memory.values()}
    rows = [
        (LABELS[key], f"{item.loaded:.0f}", f"{item.warm:.0f}", f"{item.after:.0f}", f"{item.growth:+.1f}")
        for key, item in memory.items()
    ]
    header = ("", "knowledge loaded", "after 1,000", f"after {decisions:,} more", "growth per 10,000")
    return table(header, rows, numbers=True) + "\n\n" + MEMORY


def _startup(startup: Mapping[str, float]) -> str:
    names = {
        "interpreter": "a Python that does nothing",
        **{phase: phase for phase in PHASES},
        "whole": "`hcc-decide recommend`, start to end",
    }
    rows = [(name, f"{1000 * startup[key]:,.0f}") for key, name in names.items()]
    return table(("", "ms"), rows, numbers=True) + "\n\n" + STARTUP
