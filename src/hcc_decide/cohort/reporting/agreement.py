"""The section of a cohort's summary that sets what was given beside what the rules say, with the rule of scoring."""

from __future__ import annotations

from collections import Counter
from typing import cast

import polars as pl

from hcc_decide.cohort.concordance import (
    AGREEMENTS,
    INTERVAL,
    JUDGED,
    NO_OPTION,
    SEPARATOR,
    Agreement,
    Rate,
    Score,
    score,
)
from hcc_decide.cohort.reporting.sections import MOST_BARS, ordered, table
from hcc_decide.cohort.reporting.shape import (
    MOST_DISAGREEMENTS,
    MOST_ROWS,
    About,
    Bar,
    Disagreement,
    Plot,
    Section,
    Table,
)
from hcc_decide.cohort.reporting.words import (
    AGREEMENT_WORDS,
    counted,
    criterion_text,
    first_choice_name,
    interval_text,
    number,
    percent,
    plain,
    rate_text,
    rule_claims,
    setting_name,
    setting_order,
    share,
)
from hcc_decide.cohort.tally import Tally
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name
from hcc_decide.theme import PLOT_COLOURS

QUESTION = (
    "A disagreement is a question, not an error. The record may lack what the board knew, the treatment may be older or younger "
    "than the knowledge, and a patient may have wished otherwise. A rate says how often the record and this version of the rules "
    "come to the same; it does not measure the quality of care."
)
"""How a disagreement is to be read."""

_BLUE, _VERMILION, _GREEN, _PURPLE, _AMBER, _SKY, _GREY = PLOT_COLOURS
_COLOURS = dict(zip(JUDGED, (_BLUE, _SKY, _PURPLE, _VERMILION, _GREY), strict=True))
_MOST_TEXTS = 50


def first_disagreements(frame: pl.DataFrame, most: int = MOST_DISAGREEMENTS) -> tuple[Disagreement, ...]:
    """Return the first disagreements of a table for a report.

    Args:
        frame: rows as `cohort.concordance.Concord.disagreements` has them.
        most: how many.
    """
    return tuple(
        Disagreement(
            line=row["line"],
            case_id=row["case_id"],
            setting=row["setting"],
            option=row["given_option"],
            agreement=row["agreement"],
            rank=row["rank"],
            verdict=row["verdict"],
            would_be=row["would_be"],
            not_met=row["not_met"] or "",
            first_choice=row["first_choice"] or "",
        )
        for row in frame.head(most).iter_rows(named=True)
    )


def concordance(tally: Tally, knowledge: Knowledge, about: About) -> Section:
    """Set what was given beside what the rules say."""
    whole = score(tally)
    settings = setting_order(knowledge, (setting for setting, _, _ in tally.concordance))
    by_setting = [(name, score(tally, setting=name)) for name in settings]
    wrong = whole.judged - whole.counts["first_choice"]
    tables = [
        _rule(whole),
        _rates(whole, by_setting, knowledge),
        _counts(whole, by_setting, knowledge),
        _by_option(tally, knowledge),
    ]
    if tally.reasons:
        tables.append(_reasons(tally, knowledge))
    if tally.not_understood:
        tables.append(_not_understood(tally))
    if about.disagreements:
        tables.append(_disagreements(about, knowledge, wrong))
    return Section(
        name="concordance",
        title="Concordance with what was given",
        sentence=f"Column {plain(about.given or '')}: told for {share(whole.told, tally.rows)} patients, of whom "
        f"{number(whole.judged)} ({percent(whole.judged, whole.told)}) are judged. "
        f"First choice: {rate_text(whole.first_choice)}. Usable at all: {rate_text(whole.usable)}.",
        remarks=(
            QUESTION,
            f"Knowledge: edition {knowledge.edition}, version {knowledge.version}, cut-off "
            f"{knowledge.manifest.editions[knowledge.edition].cut_off}. Intervals: {INTERVAL}.",
        ),
        tables=tuple(tables),
        plots=_plots(by_setting, knowledge),
    )


def _rule(whole: Score) -> Table:
    return table(
        "The rule of scoring: the denominator of every rate is what is judged",
        ("What was given", "Meaning", "Judged", "#Patients"),
        (
            (
                AGREEMENT_WORDS[name].capitalize(),
                meaning,
                "yes" if name in JUDGED else "no",
                number(whole.counts[name]),
            )
            for name, meaning in AGREEMENTS.items()
        ),
    )


def _rates(whole: Score, by_setting: list[tuple[str, Score]], knowledge: Knowledge) -> Table:
    return table(
        "Rates by setting; the denominator is what is judged",
        ("Setting", "#Judged", *_rate_heads("First choice"), *_rate_heads("Usable at all")),
        (
            (name, number(found.judged), *_rate_cells(found.first_choice), *_rate_cells(found.usable))
            for name, found in _rows(whole, by_setting, knowledge)
        ),
    )


def _counts(whole: Score, by_setting: list[tuple[str, Score]], knowledge: Knowledge) -> Table:
    return table(
        "Patients by setting and by how what was given stands",
        ("Setting", *(f"#{AGREEMENT_WORDS[kind].capitalize()}" for kind in AGREEMENTS)),
        (
            (name, *(number(found.counts[kind]) for kind in AGREEMENTS))
            for name, found in _rows(whole, by_setting, knowledge)
        ),
    )


def _rows(whole: Score, by_setting: list[tuple[str, Score]], knowledge: Knowledge) -> list[tuple[str, Score]]:
    return [("All settings", whole), *((setting_name(knowledge, name), found) for name, found in by_setting)]


def _rate_heads(name: str) -> tuple[str, str, str]:
    return f"#{name}", "#Rate", "#95 % interval"


def _rate_cells(rate: Rate) -> tuple[str, str, str]:
    return number(rate.numerator), percent(rate.numerator, rate.denominator), interval_text(rate)


def _by_option(tally: Tally, knowledge: Knowledge) -> Table:
    found: dict[str, Counter[Agreement]] = {}
    for (_, agreement, option), count in tally.concordance.items():
        if option != NO_OPTION:
            found.setdefault(option, Counter())[cast(Agreement, agreement)] += count
    scores = {option: Score({kind: counts[kind] for kind in AGREEMENTS}) for option, counts in found.items()}
    others = [kind for kind in AGREEMENTS if kind not in ("first_choice", "not_understood", "not_told")]
    return table(
        "Concordance by option given",
        (
            "Option given",
            "#Patients",
            "#Judged",
            *_rate_heads("First choice"),
            *(f"#{AGREEMENT_WORDS[kind].capitalize()}" for kind in others),
        ),
        (
            (
                option_name(knowledge, option),
                number(scores[option].told),
                number(scores[option].judged),
                *_rate_cells(scores[option].first_choice),
                *(number(scores[option].counts[kind]) for kind in others),
            )
            for option in sorted(scores, key=lambda option: (-scores[option].told, option))
        ),
    )


def _reasons(tally: Tally, knowledge: Knowledge) -> Table:
    return table(
        "Criteria that an option given fails; a patient who fails several counts under each",
        ("Option given", "Criterion", "#Patients", "Claims"),
        (
            (
                option_name(knowledge, option),
                criterion_text(knowledge, rule),
                number(count),
                rule_claims(knowledge, rule),
            )
            for (option, rule), count in ordered(tally.reasons)
        ),
    )


def _not_understood(tally: Tally) -> Table:
    return table(
        "Texts that are no id or alias of one option",
        ("Text", "#Patients"),
        ((plain(text, 80), number(count)) for text, count in ordered(tally.not_understood)),
        most=_MOST_TEXTS,
    )


def _disagreements(about: About, knowledge: Knowledge, total: int) -> Table:
    shown = about.disagreements
    found = table(
        "Disagreements in the order of the table: judged patients who were not given a first choice",
        ("#Line", "Case", "Setting", "Given", "Standing", "First choice", "Criteria not met"),
        (
            (
                str(item.line),
                plain(item.case_id) if item.case_id else "–",
                setting_name(knowledge, item.setting),
                option_name(knowledge, item.option),
                _standing(item),
                first_choice_name(knowledge, item.first_choice),
                "; ".join(criterion_text(knowledge, rule) for rule in item.not_met.split(SEPARATOR) if rule) or "–",
            )
            for item in shown
        ),
        most=max(MOST_ROWS, MOST_DISAGREEMENTS),
    )
    file = f" {plain(about.disagreements_file)} lists all." if about.disagreements_file else ""
    return found.model_copy(update={"more": f"{counted(len(shown), 'row')} of {number(total)} shown.{file}"})


def _standing(item: Disagreement) -> str:
    verdict = item.verdict.replace("_", " ")
    return f"{verdict}, rank {item.rank}" if item.rank is not None else verdict


def _plots(by_setting: list[tuple[str, Score]], knowledge: Knowledge) -> tuple[Plot, ...]:
    judged = [(name, found) for name, found in by_setting if found.judged][:MOST_BARS]
    if not judged:
        return ()
    labels = [f"{setting_name(knowledge, name)} (n = {number(found.judged)})" for name, found in judged]
    pieces = tuple(
        Bar(
            label=label,
            value=100 * found.counts[kind] / found.judged,
            text=percent(found.counts[kind], found.judged),
            series=AGREEMENT_WORDS[kind],
        )
        for label, (_, found) in zip(labels, judged, strict=True)
        for kind in JUDGED
    )
    told = (
        f"{label}: "
        + ", ".join(f"{AGREEMENT_WORDS[kind]} {percent(found.counts[kind], found.judged)}" for kind in JUDGED)
        for label, (_, found) in zip(labels, judged, strict=True)
    )
    return (
        Plot(
            name="concordance",
            title="How what was given stands to the rules, by setting",
            axis="Judged patients, %",
            alt=f"Stacked bar chart: shares of the judged patients by setting. {'; '.join(told)}.",
            bars=pieces,
            series=tuple((AGREEMENT_WORDS[kind], _COLOURS[kind]) for kind in JUDGED),
            full=100.0,
        ),
    )
