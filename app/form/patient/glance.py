"""The answer at a glance, beside the fields: it changes with every entry."""

from __future__ import annotations

import streamlit as st

from form import pages
from form.session import Case
from form.wording import badge, plain
from hcc_decide.decision import Decision, Derivation, Option
from hcc_decide.headline import headline
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import fact_label, value_text
from hcc_decide.render import within_trials

MOST_OPTIONS = 9
MOST_MISSING = 4


def show_glance(case: Case, knowledge: Knowledge) -> None:
    """Show what is decided for the case as it stands, in short, or why nothing is.

    Args:
        case: the case.
        knowledge: for labels.
    """
    with st.container(key="glance", border=True):
        st.header("At a glance", anchor=False)
        if case.problems:
            count = sum(len(found) for found in case.problems.values())
            refused = "1 entry is refused" if count == 1 else f"{count} entries are refused"
            fields = [fact_label(knowledge, place.partition("[")[0]) for place in case.problems if place]
            named = ", ".join(dict.fromkeys(fields))
            reason = f"No answer: {refused} ({named or 'see above'}). The reason stands beside each."
            st.error(plain(reason), icon=":material/error:")
        elif case.answer is not None and case.answer.decision is not None:
            _decision(case.answer.decision, knowledge)
        elif case.answer is not None:
            st.error(plain(case.answer.failure or ""), icon=":material/error:")
            st.button("Try again", icon=":material/refresh:", key="patient_again")


def _decision(decision: Decision, knowledge: Knowledge) -> None:
    st.markdown(f"**{plain(headline(decision, knowledge))}**")
    open_ones = decision.in_question
    offered = [item for item in open_ones if not within_trials(item)]
    if decision.setting == "undetermined":
        # What hangs on the setting would read like a ranking over several; what settles it comes first.
        _missing(decision)
        _options([item for item in offered if item.would_be is None], more_within_trials=0)
    else:
        _options(offered, more_within_trials=len(open_ones) - len(offered))
        _missing(decision)
    notices = sum(notice.option is None for notice in decision.notices)
    if notices:
        st.markdown(f":material/campaign: {notices} {'notice' if notices == 1 else 'notices'} about this patient")
    derived = [item for item in decision.derived if not isinstance(item.value, bool)]
    if derived:
        st.markdown("**As derived:** " + " · ".join(_derived(item, knowledge) for item in derived))
    st.page_link(pages.ANSWER.path, label="The whole answer, with reasons and sources", icon=pages.ANSWER.icon)


def _options(options: list[Option], *, more_within_trials: int) -> None:
    lines = [_option(item) for item in options[:MOST_OPTIONS]]
    if len(options) > MOST_OPTIONS:
        lines.append(f"and {len(options) - MOST_OPTIONS} more")
    if more_within_trials:
        lines.append(f"{badge('investigational')} {more_within_trials} only within trials")
    if lines:
        st.markdown("\n".join(f"- {line}" for line in lines))


def _option(item: Option) -> str:
    text = f"**{item.rank}.** {plain(item.name)} {badge(item.verdict)}"
    if item.would_be:
        text += f" would be {badge(item.would_be)}"
    if item.cautions:
        count = len(item.cautions)
        text += f" :material/warning: {count} {'caution' if count == 1 else 'cautions'}"
    return text


def _missing(decision: Decision) -> None:
    count = len(decision.missing)
    if count:
        named = ", ".join(plain(item.label) for item in decision.missing[:MOST_MISSING])
        rest = f" and {count - MOST_MISSING} more" if count > MOST_MISSING else ""
        facts = "1 fact is missing" if count == 1 else f"{count} facts are missing"
        st.markdown(f":material/help: **{facts}:** {named}{rest}")


def _derived(item: Derivation, knowledge: Knowledge) -> str:
    fact = knowledge.vocabulary.facts[item.fact]
    value = f"{item.value:.3g}".replace("-", "−") if isinstance(item.value, float) else value_text(fact, item.value)
    return f"{plain(fact_label(knowledge, item.fact))}: {plain(value)}"
