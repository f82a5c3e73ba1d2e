"""Ways from one thing in the rule base to another, within the session, and the words that all details share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import streamlit as st

from form.wording import plain
from hcc_decide.browse.lookup import Kind, notice_title
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.citing import Place
from hcc_decide.knowledge.condition import fact_of
from hcc_decide.knowledge.labels import fact_label
from hcc_decide.knowledge.phrasing import fact_text
from hcc_decide.knowledge.schema import Review

CHOSEN = "rules_chosen"
"""Key under which the session keeps what was chosen last, as kind and id."""

MANY = 24
"""From more things than this one is chosen in a list; they are no longer laid out in a row."""

SINGULAR: dict[Kind, str] = {
    "option": "option",
    "staging": "staging rule",
    "notice": "notice",
    "fact": "fact",
    "trial": "trial",
    "claim": "claim",
}
"""What one thing of each kind is called."""

PLURAL: dict[Kind, str] = {
    "option": "Options",
    "staging": "Staging rules",
    "notice": "Notices",
    "fact": "Facts",
    "trial": "Trials",
    "claim": "Claims",
}
"""What the things of each kind are called."""

KIND_WORDS = {
    "indication": "indication",
    "include": "needs",
    "exclude": "excluded by",
    "reservation": "reservation",
    "caution": "caution",
    "preference": "preference",
    "variant": "regimen",
    "notice": "notice",
    "staging": "derives",
    "scope": "concerns only",
}
"""What each kind of statement does, in the words of the pages of the knowledge."""


def select(kind: Kind, name: str) -> None:
    """Choose what the page of the rules shows in full; the address says it too. For callbacks."""
    st.session_state[CHOSEN] = (kind, name)
    # In one step, so that the browser's way back has one stop for each thing.
    st.query_params.from_dict({kind: name})


def fact_links(knowledge: Knowledge, attributes: Iterable[str], row: str) -> None:
    """Show a row of ways to the facts behind attributes, each by the label that a condition gives it."""
    labels = {attribute: fact_label(knowledge, attribute) for attribute in attributes}
    ordered = sorted(labels, key=lambda attribute: labels[attribute])
    _row([("fact", fact_of(attribute), labels[attribute]) for attribute in ordered], row)


def links(knowledge: Knowledge, things: Iterable[tuple[Kind, str]], row: str) -> None:
    """Show a row of ways to things of the rule base.

    Args:
        knowledge: for their names.
        things: their kinds and ids.
        row: a name that no other row of the detail has.
    """
    _row([(kind, name, name_of(knowledge, kind, name)) for kind, name in dict.fromkeys(things)], row)


def _row(things: Iterable[tuple[Kind, str, str]], row: str) -> None:
    found = list(things)
    if len(found) > MANY:
        key = f"rules_go_{row}"
        names = {f"{kind} {name}": label for kind, name, label in found}
        st.selectbox(
            "Go to", list(names), index=None, format_func=names.__getitem__, key=key, on_change=_select_in, args=(key,)
        )
        return
    # Buttons: a link of Streamlit from a page to itself leaves the old address standing, which the next click takes up.
    with st.container(horizontal=True, gap="small"):
        for place, (kind, name, label) in enumerate(found):
            st.button(plain(label), key=f"rules_go_{row}_{place}", on_click=select, args=(kind, name))


def _select_in(key: str) -> None:
    found = st.session_state[key]
    if found is not None:
        kind, _, name = str(found).partition(" ")
        select(cast("Kind", kind), name)
        st.session_state[key] = None  # the next detail may have a list of the same name


def name_of(knowledge: Knowledge, kind: Kind, name: str) -> str:
    """Return how a thing is called."""
    if kind == "option":
        return knowledge.options[name].body.name
    if kind == "trial":
        return knowledge.trials[name].name
    if kind == "fact":
        return fact_text(knowledge, name)
    if kind == "staging":
        return next(item.body.title for item in knowledge.staging if item.fact == name)
    if kind == "notice":
        return next(notice_title(item) for item in knowledge.notices if item.name == name)
    return name


def thing_of(place: Place) -> tuple[Kind, str] | None:
    """Return the thing that a place of the files belongs to; ``None`` for a sequence, which has no detail of its own."""
    folder, _, rest = place.file.removesuffix(".yaml").partition("/")
    if folder == "options":
        return "option", rest
    if folder == "trials":
        return "trial", rest
    if folder == "staging":
        return "staging", rest.replace("-", "_")
    return ("notice", place.name) if folder == "notices" else None


def statement_name(knowledge: Knowledge, rule: str) -> str:
    """Return what a rule belongs to, by its id: the option's name, the title of the staging rule, or *notice*."""
    folder, _, rest = rule.partition("/")
    owner = rest.partition("/")[0]
    if folder == "options":
        return knowledge.options[owner].body.name
    return name_of(knowledge, "staging", owner.replace("-", "_")) if folder == "staging" else "notice"


def status(review: Review) -> str:
    """Say who has reviewed a file, as a sign and words."""
    if review.status == "reviewed":
        who = f" by {plain(review.by)}" if review.by else ""
        when = f", {plain(review.on)}" if review.on else ""
        return f":green-badge[:material/verified: reviewed]{who}{when}"
    if review.status == "retired":
        return ":gray-badge[:material/archive: retired]"
    return ":orange-badge[:material/edit_note: draft] no clinician has reviewed this file yet"


def small(names: Iterable[str]) -> str:
    """Write ids small, behind the text that rests on them."""
    found = plain(", ".join(names))
    return f" :small[:gray[{found}]]" if found else ""


def lazy(label: str, key: str, icon: str | None = None) -> st.delta_generator.DeltaGenerator | None:
    """Return an expander once it is open, ``None`` while it is closed: what nobody has opened is not drawn."""
    box = st.expander(label, key=key, icon=icon, on_change="rerun")
    return box if box.open else None
