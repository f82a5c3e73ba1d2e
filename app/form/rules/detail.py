"""What was chosen on the page of the rules, in full."""

from __future__ import annotations

import streamlit as st

from form import session, state
from form.rules.browser import Chosen
from form.rules.claims import show_claim, show_trial
from form.rules.facts import show_fact
from form.rules.links import SINGULAR, lazy
from form.rules.options import show_notice, show_option, show_staging
from form.wording import plain
from hcc_decide.decision import Decision
from hcc_decide.knowledge.catalogue import Knowledge

_PARTS = (
    ("indication (its settings and its condition)", "the option applies", "it belongs elsewhere", "undetermined"),
    ("needs", "goes on", "ineligible", "undetermined"),
    ("excluded by", "ineligible", "goes on", "undetermined: cannot be excluded"),
    ("reservation", "preferred and recommended become alternative", "goes on", "undetermined"),
    ("caution", "shown", "–", "–"),
    ("favours, disfavours", "counted in the ranking", "–", "–"),
    ("noted; notes; beyond the reviews", "shown; decides nothing", "–", "–"),
)


def show_chosen(knowledge: Knowledge, chosen: Chosen | None) -> None:
    """Show what was chosen; what is asked for and does not exist is said."""
    if chosen is None or not chosen.known:
        if chosen is not None:
            st.warning(
                f"There is no {SINGULAR[chosen.kind]} “{plain(chosen.id)}” in this edition of the knowledge. "
                "Search for it, or choose from the list.",
                icon=":material/link_off:",
            )
        _show_start(knowledge)
    elif chosen.kind == "option":
        show_option(knowledge, chosen.id, _decision(knowledge))
    elif chosen.kind == "staging":
        show_staging(knowledge, chosen.id)
    elif chosen.kind == "notice":
        show_notice(knowledge, chosen.id)
    elif chosen.kind == "fact":
        show_fact(knowledge, chosen.id)
    elif chosen.kind == "trial":
        show_trial(knowledge, chosen.id)
    else:
        show_claim(knowledge, chosen.id)


def _decision(knowledge: Knowledge) -> Decision | None:
    """Return the decision for the patient in the form; an untouched form has no patient to speak of."""
    record = state.record_of(session.entries(), knowledge)
    untouched = state.record_of(state.state_of({}, knowledge), knowledge)
    return None if record == untouched else session.case(knowledge).decision


def _show_start(knowledge: Knowledge) -> None:
    st.header("How to read the rules", anchor=False)
    st.markdown(
        f"{len(knowledge.options)} options, {len(knowledge.staging)} staging rules, {len(knowledge.notices)} notices, "
        f"{len(knowledge.vocabulary.facts)} facts, {len(knowledge.trials)} trials and {len(knowledge.claims)} claims of "
        "the reviews. Search, or choose from the list, to read one in full: its rules in words, the claims behind them, who "
        "depends on it and the YAML file that a rule author edits."
    )
    st.markdown(
        "Every condition is **true, false or unknown**. A fact that is missing is never taken for *no* and has no default: it "
        "leaves the condition unknown."
    )
    st.table(
        [
            {"Part of an option": part, "Met": met, "Not met": not_met, "Unknown": unknown}
            for part, met, not_met, unknown in _PARTS
        ],
        hide_index=True,
    )
    box = lazy("Levels of evidence and verdicts", "rules_scales", ":material/stairs:")
    if box is not None:
        levels = knowledge.manifest.evidence_levels
        box.table(
            [
                {"Level": str(level), "Evidence": plain(item.label), "Meaning": plain(item.description)}
                for level, item in levels.items()
            ],
            hide_index=True,
        )
        box.table(
            [
                {"Verdict": name.replace("_", " "), "Meaning": plain(meaning)}
                for name, meaning in knowledge.manifest.verdicts.items()
            ],
            hide_index=True,
        )
