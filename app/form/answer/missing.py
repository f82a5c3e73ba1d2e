"""Facts that are missing: what each would decide, and its field beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import streamlit as st

from form import pages, state, units
from form.patient.fields import refusal, show_fact
from form.sections import section
from form.session import Case, entries
from form.wording import badge, plain
from hcc_decide.decision import USABLE, VERDICTS, Decision, Missing, Verdict
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name

IN_FULL = "answer_would_decide"

_ASKED = "answer_asked"
_OF_LINE = re.compile(r"prior_systemic\[(?P<option>[^\]]+)\]\.(?P<field>\w+)")


def show_missing(case: Case, decision: Decision | None, knowledge: Knowledge) -> None:
    """Show each missing fact with its field. What was answered here stays until the page is left, so that a slip can be mended.

    Args:
        case: the case as it stands.
        decision: what was decided; ``None`` while the record is refused: what was answered here can then be mended here.
        knowledge: for labels, questions and fields.
    """
    asked = _asked_in_this_visit(decision.missing if decision else [])
    open_ones = {item.fact for item in decision.missing} if decision else set()
    shown = [item for item in asked.values() if item.fact in open_ones or _answered(item.fact, case.record)]
    if not shown:
        return
    st.header(f"Missing facts ({len(open_ones)})" if decision else "Answered here", anchor=False)
    would_be = _outlooks(decision)
    for item in shown:
        with st.container(border=True, key=f"answer_missing_{_name(item.fact)}"):
            _item(item, case, knowledge, would_be, answered=item.fact not in open_ones)
    full = section("Everything that each would help to decide", key=IN_FULL)
    if full.open:
        full.table(
            [
                {
                    "Missing": plain(item.label),
                    "Would help to decide": plain(", ".join(option_name(knowledge, x) for x in item.would_decide)),
                }
                for item in shown
            ],
            hide_index=True,
            alt="Missing facts with every option that each would help to decide",
        )


def _asked_in_this_visit(missing: Sequence[Missing]) -> Mapping[str, Missing]:
    """Return what has been asked since the page was opened, in the order in which it came up."""
    # Streamlit drops the state of a section with the page that shows it: without it, this is another visit.
    if IN_FULL not in st.session_state:
        st.session_state[_ASKED] = {}
    asked = cast("dict[str, Missing]", st.session_state[_ASKED])
    asked.update({item.fact: item for item in missing})
    return asked


def _outlooks(decision: Decision | None) -> Mapping[str, Verdict]:
    return {item.id: item.would_be for item in decision.options if item.would_be} if decision else {}


def _lines(fact: str, record: Mapping[str, Any]) -> tuple[list[int], str] | None:
    """Return the numbers of the prior lines that a missing fact asks about, and the field; ``None`` for other facts."""
    found = _OF_LINE.fullmatch(fact)
    if found is None:
        return None
    lines = record.get(state.PRIOR) or ()
    return [number for number, line in enumerate(lines, 1) if line.get("option") == found["option"]], found["field"]


def _answered(fact: str, record: Mapping[str, Any]) -> bool:
    of_line = _lines(fact, record)
    if of_line is None:
        return fact in record
    numbers, field = of_line
    return any(field in record[state.PRIOR][number - 1] for number in numbers)


def _places(fact: str, record: Mapping[str, Any]) -> list[str]:
    """Return where the problems of a fact's entries stand."""
    of_line = _lines(fact, record)
    return [fact] if of_line is None else [f"{state.PRIOR}[{number}].{of_line[1]}" for number in of_line[0]]


def _name(fact: str) -> str:
    return re.sub(r"\W+", "_", fact)


def _item(item: Missing, case: Case, knowledge: Knowledge, would_be: Mapping[str, Verdict], *, answered: bool) -> None:
    question, field, decides = st.columns([4, 4, 5], vertical_alignment="top")
    refused = any(place in case.problems for place in _places(item.fact, case.record))
    mark = ":green[:material/check:] answered: " if answered and not refused else ""
    question.markdown(f"{mark}**{plain(item.question)}**")
    with field:
        _field(item.fact, case, knowledge)
    if not answered:
        decides.markdown("  \n".join(_decides(item, knowledge, would_be)))


def _decides(item: Missing, knowledge: Knowledge, would_be: Mapping[str, Verdict]) -> list[str]:
    """Say what hangs on a fact: by name what a board could offer, by number what only a trial could."""
    by_outlook: dict[Verdict, list[str]] = {}
    for option in item.would_decide:
        by_outlook.setdefault(would_be.get(option, "undetermined"), []).append(option_name(knowledge, option))
    lines = ["Would help to decide, with the verdict if it turns out well:"]
    for outlook in sorted(by_outlook, key=VERDICTS.index):
        names = by_outlook[outlook]
        named = outlook in USABLE or len(names) <= 3
        lines.append(f"{badge(outlook)} {plain(', '.join(names)) if named else f'{len(names)} options, named below'}")
    return lines


def _field(fact: str, case: Case, knowledge: Knowledge) -> None:
    of_line = _lines(fact, case.record)
    if of_line is not None:
        numbers, field = of_line
        for number in numbers:
            _line_field(number, field, knowledge)
            refusal(case.problems.get(f"{state.PRIOR}[{number}].{field}", ()))
    elif fact == state.PRIOR:
        _prior(case, knowledge)
    else:
        _fact(fact, case, knowledge)


def _fact(name: str, case: Case, knowledge: Knowledge) -> None:
    fact = knowledge.vocabulary.facts[name]
    show_fact(name, fact)
    problems = case.problems.get(name, ())
    if fact.also_in:
        number, unit = entries().get(state.key_of(name)), units.unit_of(name, fact, entries())
        problems = [units.as_typed(problem, number, case.record.get(name), fact, unit) for problem in problems]
    refusal(problems)


def _prior(case: Case, knowledge: Knowledge) -> None:
    label = knowledge.vocabulary.prior_systemic.label
    if case.record.get(state.PRIOR) is None:
        st.button(
            f"{label}: none", icon=":material/check:", key="answer_no_prior", on_click=_set_prior, args=(state.NONE,)
        )
    elif not case.record[state.PRIOR]:
        st.markdown(f"{plain(label)}: none")
        st.button(
            "Take this back",
            icon=":material/undo:",
            key="answer_prior_back",
            on_click=_set_prior,
            args=(state.NOT_KNOWN,),
        )
    st.page_link(pages.PATIENT.path, label="Enter the lines on the Patient page", icon=pages.PATIENT.icon)


def _set_prior(value: str) -> None:
    st.session_state[state.PRIOR] = value


def _line_field(number: int, name: str, knowledge: Knowledge) -> None:
    field = knowledge.vocabulary.prior_systemic.fields[name]
    unit = f", {field.unit}" if field.unit else ""
    label, key = plain(f"{field.label} (line {number}{unit})"), state.line_key(number, name)
    if field.unit is not None:
        st.number_input(
            label,
            value=None,
            step=1.0,
            format="%g",
            placeholder=state.NOT_KNOWN,
            key=key,
            help=plain(field.question),
        )
    else:
        st.segmented_control(
            label, [state.NOT_KNOWN, *state.YES_NO], required=True, key=key, help=plain(field.question), wrap=True
        )
