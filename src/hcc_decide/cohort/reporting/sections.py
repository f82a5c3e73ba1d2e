"""The sections of a cohort's summary that say what was decided, what was excluded and why, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from hcc_decide.cohort.reporting.shape import MOST_ROWS, About, Bar, Column, Plot, Section, Table
from hcc_decide.cohort.reporting.words import (
    OPEN,
    counted,
    criterion_text,
    fact_name,
    first_choice_name,
    is_fact,
    number,
    percent,
    plain,
    rule_claims,
    rule_text,
    setting_name,
    setting_order,
    share,
    stage_name,
)
from hcc_decide.cohort.tally import Tally
from hcc_decide.decision import USABLE, VERDICTS
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name
from hcc_decide.patient import Patient
from hcc_decide.theme import PLOT_COLOURS

Key = TypeVar("Key", str, tuple[str, str])

MOST_BARS = 15
"""Bars of a plot; the table beside it has the rest."""


def table(caption: str, columns: Sequence[str | Column], rows: Iterable[Sequence[str]], most: int = MOST_ROWS) -> Table:
    """Put a table together, with its first rows when there are many.

    Args:
        caption: what it shows.
        columns: the heads; a text is a column of text, ``#`` before it makes one of numbers.
        rows: the rows, the weightiest first.
        most: how many are shown.
    """
    every = [tuple(row) for row in rows]
    heads = tuple(
        head if isinstance(head, Column) else Column(title=head.removeprefix("#"), number=head.startswith("#"))
        for head in columns
    )
    left = len(every) - most
    more = f"{counted(left, 'further row')} with smaller counts left out." if left > 0 else ""
    return Table(caption=caption, columns=heads, rows=tuple(every[:most]), more=more)


def bars(name: str, title: str, axis: str, found: Sequence[Bar], full: float | None = None) -> tuple[Plot, ...]:
    """Return a plot of single bars, or none when there is nothing to draw."""
    if not found:
        return ()
    shown = tuple(found[:MOST_BARS])
    alt = f"Bar chart: {title}. " + "; ".join(f"{bar.label}: {bar.text}" for bar in shown) + "."
    return (Plot(name=name, title=title, axis=axis, alt=alt, bars=shown, full=full),)


def decided(tally: Tally, knowledge: Knowledge, about: About) -> Section:
    """Say how many rows were decided, and what was wrong with the others."""
    rows = tally.rows + tally.refused
    sentence = f"{share(tally.rows, rows)} rows have a decision."
    if tally.refused:
        where = f" They stand whole, with the reason, in {plain(about.rejects)}." if about.rejects else ""
        sentence += f" {counted(tally.refused, 'row was', 'rows were')} refused: nothing is guessed.{where}"
    problems = table(
        "Refused rows by problem; a row with several problems counts under each",
        ("Field or problem", "#Refused rows", "#Share of the refused"),
        (
            (_problem(knowledge, problem), number(count), percent(count, tally.refused))
            for problem, count in ordered(tally.problems)
        ),
    )
    remarks = []
    if about.ignored:
        remarks.append(f"Columns not read: {', '.join(map(plain, about.ignored))}.")
    if about.absent:
        names = ", ".join(fact_name(knowledge, name) for name in about.absent)
        remarks.append(f"The table has no column for: {names}. These facts are not known of any patient.")
    return Section(
        name="decided",
        title="What was decided",
        sentence=sentence,
        remarks=tuple(remarks),
        tables=(problems,) if tally.problems else (),
    )


def _problem(knowledge: Knowledge, problem: str) -> str:
    return f"{fact_name(knowledge, problem)} ({problem})" if is_fact(knowledge, problem) else plain(problem)


def settings(tally: Tally, knowledge: Knowledge) -> Section:
    """Say in which settings and stages the patients are."""
    names = setting_order(knowledge, tally.settings)
    stages: list[str | None] = [*sorted({stage for _, stage in tally.stages if stage is not None})]
    if any(stage is None for _, stage in tally.stages):
        stages.append(None)
    heads = [f"#{f'BCLC {stage}' if stage else f'BCLC {OPEN}'}" for stage in stages]
    found = table(
        "Patients by setting and BCLC stage",
        ("Setting", "#Patients", "#Share", *heads),
        [
            (
                setting_name(knowledge, name),
                number(tally.settings[name]),
                percent(tally.settings[name], tally.rows),
                *(number(tally.stages[name, stage]) for stage in stages),
            )
            for name in names
        ],
    )
    pieces = [
        Bar(
            label=setting_name(knowledge, name),
            value=tally.stages[name, stage],
            text=number(tally.stages[name, stage]),
            series=stage_name(knowledge, stage),
        )
        for name in names
        for stage in stages
    ]
    series = tuple(zip((stage_name(knowledge, stage) for stage in stages), PLOT_COLOURS, strict=False))
    alt = "Stacked bar chart: patients by setting, each bar in pieces by BCLC stage. " + "; ".join(
        f"{setting_name(knowledge, name)}: {number(tally.settings[name])}" for name in names
    )
    plot = Plot(
        name="settings",
        title="Patients by setting and BCLC stage",
        axis="Patients",
        alt=f"{alt}.",
        bars=tuple(pieces),
        series=series,
    )
    unsettled = tally.settings["undetermined"]
    return Section(
        name="settings",
        title="Settings and stages",
        sentence=f"The setting is settled for {share(tally.rows - unsettled, tally.rows)} patients; "
        f"the BCLC stage is known for {share(_staged(tally), tally.rows)}.",
        tables=(found,),
        plots=(plot,) if pieces else (),
    )


def _staged(tally: Tally) -> int:
    return sum(count for (_, stage), count in tally.stages.items() if stage is not None)


def first_choices(tally: Tally, knowledge: Knowledge) -> Section:
    """Say what stands first, by setting."""
    without = sum(count for (_, ids), count in tally.first_choices.items() if not ids)
    overall: Counter[str] = Counter()
    for (_, ids), count in tally.first_choices.items():
        overall[ids] += count
    rows = []
    for setting in setting_order(knowledge, (setting for setting, _ in tally.first_choices)):
        found = Counter({ids: count for (where, ids), count in tally.first_choices.items() if where == setting})
        rows += [
            (
                setting_name(knowledge, setting),
                first_choice_name(knowledge, ids),
                number(count),
                percent(count, tally.settings[setting]),
            )
            for ids, count in ordered(found)
        ]
    drawn = [
        Bar(label=first_choice_name(knowledge, ids), value=count, text=number(count)) for ids, count in ordered(overall)
    ]
    return Section(
        name="first-choices",
        title="First choices",
        sentence=f"{share(tally.rows - without, tally.rows)} patients have a usable option today. Options of equal rank stand "
        "together, with a stroke between them.",
        tables=(
            table(
                "First choices by setting",
                ("Setting", "First choice", "#Patients", "#Share of the setting"),
                rows,
            ),
        ),
        plots=bars("first-choices", "First choices, all settings", "Patients", drawn),
    )


def verdicts(tally: Tally, knowledge: Knowledge) -> Section:
    """Say how often each option got each verdict."""
    counts: dict[str, Counter[str]] = {}
    for (_, option, verdict), count in tally.verdicts.items():
        counts.setdefault(option, Counter())[verdict] += count
    shown = [verdict for verdict in VERDICTS if verdict != "not_applicable"]

    def weight(option: str) -> tuple[int, int, str]:
        usable = sum(counts[option][verdict] for verdict in USABLE)
        return -usable, -counts[option]["undetermined"], option

    return Section(
        name="verdicts",
        title="Options by verdict",
        sentence="How often each option got each verdict, over all settings. Where it belongs to another setting it is "
        "not counted.",
        tables=(
            table(
                "Patients by option and verdict, the most often usable options first",
                ("Option", *(f"#{verdict.replace('_', ' ').capitalize()}" for verdict in shown)),
                (
                    (option_name(knowledge, option), *(number(counts[option][verdict]) for verdict in shown))
                    for option in sorted(counts, key=weight)
                ),
            ),
        ),
    )


def exclusions(tally: Tally, knowledge: Knowledge) -> Section:
    """Say which criteria exclude which options."""
    totals: Counter[tuple[str, str]] = Counter()
    by_setting: dict[tuple[str, str], dict[str, int]] = {}
    for (setting, option, rule), count in tally.excluded.items():
        totals[option, rule] += count
        places = by_setting.setdefault((option, rule), {})
        places[setting] = places.get(setting, 0) + count
    return Section(
        name="exclusions",
        title="Why options are excluded",
        sentence=f"{counted(len(totals), 'criterion excludes', 'criteria exclude')} at least one patient from an option. "
        "A patient who fails several criteria of an option counts under each.",
        tables=(
            table(
                "Excluded patients by option and criterion",
                ("Option", "Criterion", "#Patients", "By setting", "Claims"),
                (
                    (
                        option_name(knowledge, option),
                        criterion_text(knowledge, rule),
                        number(count),
                        "; ".join(
                            f"{setting_name(knowledge, name)}: {number(by_setting[option, rule][name])}"
                            for name in setting_order(knowledge, by_setting[option, rule])
                        ),
                        rule_claims(knowledge, rule),
                    )
                    for (option, rule), count in ordered(totals)
                ),
            ),
        ),
    )


def missing(tally: Tally, knowledge: Knowledge) -> Section:
    """Say which missing facts verdicts hang on, those first that could change first choices."""
    totals: Counter[str] = Counter()
    for (_, fact), count in tally.missing.items():
        totals[fact] += count
    order = sorted({*totals, *tally.missing_first}, key=lambda fact: (-tally.missing_first[fact], -totals[fact], fact))
    places = setting_order(knowledge, (setting for setting, _ in tally.missing))
    drawn = [
        Bar(
            label=fact_name(knowledge, fact),
            value=tally.missing_first[fact],
            text=number(tally.missing_first[fact]),
        )
        for fact in order
        if tally.missing_first[fact]
    ]
    return Section(
        name="missing",
        title="Missing facts",
        sentence="A fact counts as missing where it is not known and the verdict of an option hangs on it. Facts on "
        "which a better first choice hangs come first.",
        tables=(
            table(
                "Patients by missing fact",
                (
                    "Fact",
                    "#First choice could change",
                    "#A verdict hangs on it",
                    "#Share of all patients",
                    *(f"#{setting_name(knowledge, name)}" for name in places),
                ),
                (
                    (
                        fact_name(knowledge, fact),
                        number(tally.missing_first[fact]),
                        number(totals[fact]),
                        percent(totals[fact], tally.rows),
                        *(number(tally.missing[name, fact]) for name in places),
                    )
                    for fact in order
                ),
            ),
        ),
        plots=bars("missing", "Patients whose first choice could change, by missing fact", "Patients", drawn),
    )


def cautions(tally: Tally, knowledge: Knowledge) -> Section:
    """Say which cautions go with first choices."""
    return Section(
        name="cautions",
        title="Cautions of first choices",
        sentence="What does not exclude a first choice and must be seen before it is offered.",
        tables=(
            table(
                "Patients by first choice and caution",
                ("Option", "Caution", "#Patients", "Claims"),
                (
                    (
                        option_name(knowledge, option),
                        rule_text(knowledge, rule),
                        number(count),
                        rule_claims(knowledge, rule),
                    )
                    for (option, rule), count in ordered(tally.cautions)
                ),
            ),
        ),
    )


def notices(tally: Tally, knowledge: Knowledge) -> Section:
    """Say which notices were shown."""
    return Section(
        name="notices",
        title="Notices",
        sentence="What a board should know of a patient and that decides nothing by itself.",
        tables=(
            table(
                "Patients by notice",
                ("Notice", "#Patients", "#Share", "Claims"),
                (
                    (
                        rule_text(knowledge, rule),
                        number(count),
                        percent(count, tally.rows),
                        rule_claims(knowledge, rule),
                    )
                    for rule, count in ordered(tally.notices)
                ),
            ),
        ),
    )


def unusual(tally: Tally, knowledge: Knowledge) -> Section:
    """Say which values are allowed and unusual."""
    rows = []
    for fact, count in ordered(tally.unusual):
        units = Counter({unit: seen for (name, unit), seen in tally.other_unit.items() if name == fact})
        hint = "; ".join(f"{number(seen)} would be usual in {unit}" for unit, seen in ordered(units))
        found = knowledge.vocabulary.facts.get(fact)
        rows.append(
            (
                fact_name(knowledge, fact),
                (found.unit if found else None) or "–",
                number(count),
                number(tally.given[fact]),
                percent(count, tally.given[fact]),
                hint or "–",
            )
        )
    total = sum(tally.unusual.values())
    return Section(
        name="unusual",
        title="Unusual values",
        sentence=f"{counted(total, 'value is', 'values are')} allowed and unusual: perhaps a slip of "
        "the pen, perhaps another unit. Decisions rest on the values as they stand.",
        tables=(
            table(
                "Unusual values by fact",
                ("Fact", "Unit read", "#Unusual", "#Given", "#Share of the given", "In another unit"),
                rows,
            ),
        )
        if rows
        else (),
    )


def completeness(tally: Tally, knowledge: Knowledge, about: About) -> Section:
    """Say how often each field of the record is given."""
    fields = [name for name in Patient.model_fields if name != "case_id"]
    every = sorted({*fields, *tally.given, *about.absent}, key=lambda name: (-tally.given[name], name))
    full = [name for name in every if tally.rows and tally.given[name] == tally.rows]
    drawn = [
        Bar(
            label=fact_name(knowledge, name),
            value=100 * tally.given[name] / tally.rows,
            text=percent(tally.given[name], tally.rows),
        )
        for name in every
        if 0 < tally.given[name] < tally.rows
    ]
    shown = sorted(drawn, key=lambda bar: bar.value)
    return Section(
        name="completeness",
        title="Completeness",
        sentence=f"{number(len(full))} of {counted(len(every), 'field')} of the record are given for every "
        "patient. What is not given is not known, and never taken for no.",
        tables=(
            table(
                "Patients for whom each field is given",
                ("Field", "Name in the table", "#Given", "#Share", "Remark"),
                (
                    (
                        fact_name(knowledge, name),
                        name,
                        number(tally.given[name]),
                        percent(tally.given[name], tally.rows),
                        "no such column" if name in about.absent else "",
                    )
                    for name in every
                ),
            ),
        ),
        plots=bars(
            "completeness",
            "Columns with gaps, the least complete first",
            "Patients for whom it is given, %",
            shown,
            full=100.0,
        ),
    )


def ordered(counts: Counter[Key]) -> list[tuple[Key, int]]:
    """Return counts above zero, the largest first; equal ones by name."""
    return sorted(((key, count) for key, count in counts.items() if count), key=lambda item: (-item[1], item[0]))
