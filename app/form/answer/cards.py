"""The ranked options, a card for each: cautions, checklist, findings, evidence, and what the reviews say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from form import charts
from form.sections import open_section, section
from form.sources import claims, conflict_text, passages, trial_line
from form.wording import badge, facts_text, plain, result
from hcc_decide.browse import results
from hcc_decide.decision import Caution, Criterion, Note, Notice, Option, Preference
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.render import kind_text

LATER = "Later than the reviews; changes no verdict"
DISAGREE = "Where the sources disagree"

_EFFECTS = {"favours": "add_circle", "disfavours": "do_not_disturb_on", "noted": "info"}
_LEADER = "answer_leader"


def card_key(option: str) -> str:
    """Return the key of an option's card."""
    return f"answer_card_{option}"


def show_cards(options: Sequence[Option], knowledge: Knowledge, notices: Mapping[str, Sequence[Notice]]) -> None:
    """Show a card for each option, in order; the first one is open, the others stay as they were.

    Args:
        options: the options, by rank.
        knowledge: for labels, trials and passages.
        notices: notices by option.
    """
    if options and st.session_state.get(_LEADER) != options[0].id:
        open_section(card_key(options[0].id))
        st.session_state[_LEADER] = options[0].id
    for option in options:
        card = section(_label(option), key=card_key(option.id))
        if card.open:
            with card:
                _card(option, knowledge, notices.get(option.id, ()))


def _label(option: Option) -> str:
    outlook = f" would be {badge(option.would_be)}" if option.would_be else ""
    level = f" · evidence level {option.evidence_level}" if option.evidence_level is not None else ""
    count = len(option.cautions)
    cautions = f" · :orange[:material/warning:] {count} {'caution' if count == 1 else 'cautions'}" if count else ""
    return f"**{option.rank}. {plain(option.name)}** {badge(option.verdict)}{outlook}{level}{cautions}"


def _card(option: Option, knowledge: Knowledge, notices: Sequence[Notice]) -> None:
    for caution in option.cautions:
        shown = facts_text(knowledge, caution.facts)
        text = f"**Caution:** {plain(caution.text)} ({shown}){claims(caution.claims)}"
        st.warning(text, icon=":material/warning:")
    known_as = f"**Also known as:** {plain(', '.join(option.aliases).replace('_', ' '))}  \n" if option.aliases else ""
    st.markdown(
        f"{known_as}**Regimen:** {plain(option.regimen)}  \n"
        f"**Ranked here because:** {plain(option.ranked_here_because)}"
    )
    _heading("Criteria")
    st.table(_checklist(option.criteria, knowledge), hide_index=True, alt=f"Criteria of {option.name}")
    if option.preferences:
        _heading("For and against, in this patient")
        st.markdown(
            "\n".join(
                f"- :material/{_EFFECTS[item.effect]}: {item.effect}: {plain(item.text)} "
                f"({facts_text(knowledge, item.facts)}){claims(item.claims)}"
                for item in option.preferences
            )
        )
    _evidence(option, knowledge)
    if option.conflicts:
        _heading(DISAGREE)
        st.markdown("\n".join(conflict_text(item) for item in option.conflicts))
    if notices:
        _heading(LATER)
        st.markdown("\n".join(f"- {plain(item.text)}" for item in notices))
    _notes(option)
    _passages(option, knowledge)


def _heading(text: str) -> None:
    st.subheader(text, anchor=False)


def _checklist(criteria: Iterable[Criterion], knowledge: Knowledge) -> list[dict[str, str]]:
    return [
        {
            "Kind": kind_text(item),
            "Criterion": plain(item.text[:1].upper() + item.text[1:]),
            "Result": result(item),
            "This patient": facts_text(knowledge, item.facts),
            "Claims": ", ".join(item.claims),
        }
        for item in criteria
    ]


def _evidence(option: Option, knowledge: Knowledge) -> None:
    if not option.evidence:
        return
    _heading("Evidence")
    rows = results.forest_rows(knowledge, [item.trial for item in option.evidence])
    if rows:
        names = ", ".join(dict.fromkeys(row.name for row in rows))
        charts.show_forest(
            rows,
            key=f"answer_forest_{option.id}",
            alt=f"Hazard ratios with their intervals for {option.name}: {names}. The table below has the same figures.",
        )
    lines = [trial_line(item, knowledge).replace("\n", "\n  ") for item in option.evidence]
    st.markdown("\n".join(f"- {line}" for line in lines))


def _notes(option: Option) -> None:
    if option.notes:
        notes = section(
            f"Notes for counselling ({len(option.notes)})",
            key=f"answer_notes_{option.id}",
            icon=":material/notes:",
        )
        if notes.open:
            notes.markdown(
                "\n".join(
                    f"- *{plain(note.kind.replace('_', ' '))}*: {plain(note.text)}{claims(note.claims)}"
                    for note in option.notes
                )
            )


def _passages(option: Option, knowledge: Knowledge) -> None:
    parts: tuple[Criterion | Caution | Preference | Note, ...] = (
        *option.criteria,
        *option.cautions,
        *option.preferences,
        *option.notes,
    )
    cited = [
        name for name in dict.fromkeys(claim for part in parts for claim in part.claims) if name in knowledge.claims
    ]
    if cited:
        found = section(
            f"What the reviews say, by line ({len(cited)})",
            key=f"answer_passages_{option.id}",
            icon=":material/menu_book:",
        )
        if found.open:
            found.table(
                passages(cited, knowledge), hide_index=True, alt=f"Passages of the reviews behind {option.name}"
            )
