"""The summary of a cohort as a few lines for the terminal."""

from __future__ import annotations

from collections import Counter

from hcc_decide.cohort.concordance import score
from hcc_decide.cohort.reporting.sections import ordered
from hcc_decide.cohort.reporting.shape import About
from hcc_decide.cohort.reporting.summary import other_units
from hcc_decide.cohort.reporting.words import (
    counted,
    fact_name,
    first_choice_name,
    number,
    percent,
    plain,
    rate_text,
    setting_name,
    setting_order,
    share,
)
from hcc_decide.cohort.tally import Tally
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.lines import Line, wrap

NO_BREAK = "\N{NO-BREAK SPACE}"
_FEW = 3


def summary_lines(tally: Tally, knowledge: Knowledge, about: About) -> list[Line]:
    """Return what a cohort came to, in some ten to twenty lines.

    Args:
        tally: the counts over the whole table.
        knowledge: for labels.
        about: what else is known of the run.
    """
    rows = tally.rows + tally.refused
    lines = (
        wrap("SYNTHETIC patients: nothing here says anything about real ones.", "", role="title")
        if about.synthetic
        else []
    )
    lines += _wrap(
        f"{share(tally.rows, rows)} rows decided in {about.seconds:.1f} s: {plain(about.output)}", "", "  ", "title"
    )
    if tally.classes:
        lines += _wrap(f"{counted(tally.classes, 'distinct class', 'distinct classes')} of patients", "", "  ", "dim")
    for unit in other_units(tally, knowledge):
        lines += _wrap(unit.text(knowledge), "Warning: ", "  ", "title")
    if tally.refused:
        where = f", kept in {plain(about.rejects)}" if about.rejects else ""
        lines += _wrap(f"{number(tally.refused)}{where}{_problems(tally, knowledge)}", "Refused: ", "  ")
    if not tally.rows:
        return lines
    lines += _wrap(_settings(tally, knowledge), "Settings: ", "  ")
    lines += _wrap(_first_choices(tally, knowledge), "First choices: ", "  ")
    missing = _missing(tally, knowledge)
    if missing:
        lines += _wrap(missing, "Missing facts on which a better first choice hangs: ", "  ")
    if about.given is not None:
        found = score(tally)
        lines += _wrap(
            f"{counted(found.judged, 'patient')} judged of {number(found.told)} told. "
            f"First choice {rate_text(found.first_choice)}; usable at all {rate_text(found.usable)}. "
            "A disagreement is a question, not an error.",
            "Concordance: ",
            "  ",
        )
    stamp = f"edition {knowledge.edition}, knowledge {knowledge.version}, sha256 {knowledge.sha256[:16]}"
    return [*lines, *_wrap(stamp, "", role="dim")]


def _problems(tally: Tally, knowledge: Knowledge) -> str:
    found = ordered(tally.problems)
    told = [f"{fact_name(knowledge, name)} ({number(count)})" for name, count in found[:_FEW]]
    return "".join(f"; {problem}" for problem in told) + _more(len(found) - _FEW)


def _settings(tally: Tally, knowledge: Knowledge) -> str:
    return "; ".join(
        f"{setting_name(knowledge, name)} {number(tally.settings[name])} ({percent(tally.settings[name], tally.rows)})"
        for name in setting_order(knowledge, tally.settings)
        if tally.settings[name]
    )


def _first_choices(tally: Tally, knowledge: Knowledge) -> str:
    overall: Counter[str] = Counter()
    for (_, ids), count in tally.first_choices.items():
        overall[ids] += count
    found = ordered(overall)
    told = [
        f"{first_choice_name(knowledge, ids)} {number(count)} ({percent(count, tally.rows)})"
        for ids, count in found[: 2 * _FEW]
    ]
    return "; ".join(told) + _more(len(found) - 2 * _FEW)


def _missing(tally: Tally, knowledge: Knowledge) -> str:
    found = ordered(tally.missing_first)
    told = [f"{fact_name(knowledge, fact)} ({counted(count, 'patient')})" for fact, count in found[:_FEW]]
    return "; ".join(told) + _more(len(found) - _FEW)


def _wrap(text: str, first: str, rest: str | None = None, role: str = "text") -> list[Line]:
    """Break a text into lines; a percent sign stays with its number."""
    return wrap(text.replace(" %", f"{NO_BREAK}%"), first, rest, role)


def _more(count: int) -> str:
    return f"; {number(count)} more" if count > 0 else ""
