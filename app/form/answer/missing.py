"""Facts that are missing, by worth: what each could change, what each would decide, and its field beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import streamlit as st

from form import pages, resources, state, units
from form.patient.fields import refusal, show_fact
from form.sections import section
from form.session import CHANGED, Case, entries, kept
from form.wording import badge, plain
from hcc_decide.decision import USABLE, VERDICTS, Decision, Missing, Verdict
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import capital, option_name
from hcc_decide.worker import WorkerError
from hcc_decide.worth.order import by_worth
from hcc_decide.worth.shape import Worth, Worths
from hcc_decide.worth.words import ORDER, change_parts, could_change, fact_worth, first_words, missing_text, remarks

IN_FULL = "answer_would_decide"
REORDER = "answer_reorder"
NOT_WEIGHED = "What each fact is worth was lost; the answer itself is not affected. The facts stand in the usual order."

_ASKED = "answer_asked"
_IN_ORDER = "answer_asked_in_order"
_WEIGHED = "answer_weighed"
_KEPT = 8
_OF_LINE = re.compile(r"prior_systemic\[(?P<option>[^\]]+)\]\.(?P<field>\w+)")


def show_missing(case: Case, decision: Decision | None, knowledge: Knowledge) -> None:
    """Show each missing fact with its field, by worth.

    What was answered here stays until the page is left, so that a slip can be mended, and stays where it is, so that nothing
    jumps under somebody's hand: what comes up meanwhile is put at the end, and a button puts all in order again.

    Args:
        case: the case as it stands.
        decision: what was decided; ``None`` while the record is refused: what was answered here can then be mended here.
        knowledge: for labels, questions and fields.
    """
    missing = decision.missing if decision else []
    worths, problem = _worths(case.record, missing, knowledge)
    by_fact = {item.fact: item for item in worths.facts} if worths else {}
    asked = _asked_in_this_visit(missing, list(by_fact))
    open_ones = {item.fact for item in missing}
    shown = [item for item in asked.values() if item.fact in open_ones or _answered(item.fact, case.record)]
    if not shown:
        return
    st.header(f"Missing facts ({len(open_ones)})" if decision else "Answered here", anchor=False)
    if problem:
        st.warning(problem, icon=":material/warning:")
    elif worths:
        _about_order([item.fact for item in shown if item.fact in open_ones], worths)
    would_be = _outlooks(decision)
    for item in shown:
        with st.container(border=True, key=f"answer_missing_{_name(item.fact)}"):
            worth = by_fact.get(item.fact)
            _item(item, case, knowledge, would_be, worth, worths, answered=item.fact not in open_ones)
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


def _worths(
    record: Mapping[str, Any], missing: Sequence[Missing], knowledge: Knowledge
) -> tuple[Worths | None, str | None]:
    """Return what the missing facts are worth, or why that is not known; both ``None`` when nothing is missing."""
    if not missing:
        return None, None
    try:
        found = kept(
            _WEIGHED, [knowledge.sha256, record], lambda: resources.engine().ask(Worths, "worth", record), most=_KEPT
        )
    except WorkerError:
        return None, NOT_WEIGHED
    return (found, None) if found.sha256 == knowledge.sha256 else (None, CHANGED)


def weighed(record: Mapping[str, Any], decision: Decision, knowledge: Knowledge) -> Decision:
    """Return a decision with its missing facts in order of worth, as `hcc-decide recommend` prints it.

    Args:
        record: what was decided for.
        decision: what was decided; returned as it is when what facts are worth is lost.
        knowledge: the knowledge of the decision.
    """
    worths, _ = _worths(record, decision.missing, knowledge)
    return by_worth(decision, worths) if worths is not None else decision


def _asked_in_this_visit(missing: Sequence[Missing], in_order: Sequence[str]) -> Mapping[str, Missing]:
    """Return what has been asked since the page was opened; what came up together stands in order of worth.

    Args:
        missing: what is missing now.
        in_order: the same facts in order of worth; empty when that is not known.
    """
    # Streamlit drops the state of a section with the page that shows it: without it, this is another visit.
    if IN_FULL not in st.session_state:
        st.session_state[_ASKED] = {}
        st.session_state[_IN_ORDER] = False
    asked = cast("dict[str, Missing]", st.session_state[_ASKED])
    now = {item.fact: item for item in missing}
    ordered = {fact: now[fact] for fact in in_order} if in_order else now
    if in_order and not st.session_state[_IN_ORDER]:
        asked = st.session_state[_ASKED] = {
            **ordered,
            **{fact: item for fact, item in asked.items() if fact not in now},
        }
        st.session_state[_IN_ORDER] = True
    asked.update(ordered)
    return asked


def _about_order(shown: Sequence[str], worths: Worths) -> None:
    """Say what the order is, or, when answers given here have changed it, offer to follow."""
    if list(shown) == [item.fact for item in worths.facts]:
        st.caption(plain(ORDER))
        return
    st.caption("The order by worth has changed since; the facts stay where they are until you put them in order.")
    st.button("Put in order of worth", icon=":material/sort:", key=REORDER, on_click=_put_in_order)


def _put_in_order() -> None:
    st.session_state[_IN_ORDER] = False


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


def _item(
    item: Missing,
    case: Case,
    knowledge: Knowledge,
    would_be: Mapping[str, Verdict],
    worth: Worth | None,
    worths: Worths | None,
    *,
    answered: bool,
) -> None:
    question, field, decides = st.columns([4, 4, 5], vertical_alignment="top")
    refused = any(place in case.problems for place in _places(item.fact, case.record))
    mark = ":green[:material/check:] answered: " if answered and not refused else ""
    question.markdown(f"{mark}**{plain(item.question)}**")
    with field:
        _field(item.fact, case, knowledge)
    if answered:
        return
    if worth is not None and worths is not None:
        could = could_change(fact_worth(worth, worths.first), lambda option: option_name(knowledge, option))
        decides.markdown(f"**{plain(capital(could))}.**")
    decides.markdown("  \n".join(_decides(item, knowledge, would_be)))
    if worth is not None and worths is not None:
        _answers(worth, worths.first, knowledge)


def _answers(worth: Worth, today: tuple[str, ...], knowledge: Knowledge) -> None:
    """Show what each answer would do, folded."""
    full = section("What each answer would do", key=worth_key(worth.fact))
    if not full.open:
        return
    full.table(
        [
            {
                "Answer": plain(capital(outcome.text)),
                "First choice": plain(first_words(outcome, today, knowledge)),
                "What changes": plain(". ".join(capital(part) for part in change_parts(outcome, knowledge))),
                "Then": plain(missing_text(outcome)),
            }
            for outcome in worth.outcomes
        ],
        hide_index=True,
        alt=f"What each answer would do: {worth.label}",
    )
    for remark in remarks(worth, knowledge):
        full.caption(plain(remark))


def worth_key(fact: str) -> str:
    """Return the key of the section that says what each answer to the question about a fact would do."""
    return f"answer_worth_{_name(fact)}"


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
