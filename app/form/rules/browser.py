"""The way to a rule: what is asked for in the address, the search, its filters and the list of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import cast, get_args

import streamlit as st

from form.rules.links import CHOSEN, PLURAL, SINGULAR, select
from form.wording import plain
from hcc_decide.browse.lookup import KINDS, Entry, Hit, Kind, excerpt, index, search
from hcc_decide.decision import VERDICTS
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, setting_labels
from hcc_decide.knowledge.schema import Review

_SHOWN = "rules_shown"
_FOUND = "rules_found"
_PAGE = 15


@dataclass(frozen=True)
class Chosen:
    """What the page shows in full.

    Attributes:
        kind: its kind.
        id: its id, as the rule base has it; as it was asked for when there is no such thing.
        known: whether there is such a thing.
    """

    kind: Kind
    id: str
    known: bool


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Knowledge: attrgetter("sha256")})
def _entries(knowledge: Knowledge) -> tuple[Entry, ...]:
    return index(knowledge)


def choose(knowledge: Knowledge) -> Chosen | None:
    """Return what is asked for in the address, or else what was chosen last; the address is kept in step.

    Addresses hold ids of the rule base only, nothing of a patient.
    """
    for kind in KINDS:
        if kind in st.query_params:
            chosen = _resolve(knowledge, kind, st.query_params[kind])
            if chosen.known:
                st.session_state[CHOSEN] = (chosen.kind, chosen.id)
            return chosen
    last = st.session_state.get(CHOSEN)
    if last is None:
        return None
    kind, name = last
    st.query_params[kind] = name
    return _resolve(knowledge, kind, name)


def _resolve(knowledge: Knowledge, kind: Kind, asked: str) -> Chosen:
    names = {
        "option": knowledge.option_ids,
        "staging": {item.fact: item.fact for item in knowledge.staging},
        "notice": {item.name: item.name for item in knowledge.notices},
        "fact": {name: name for name in (PRIOR_SYSTEMIC, *knowledge.vocabulary.facts)},
        "trial": {name: name for name in knowledge.trials},
        "claim": {name: name for name in knowledge.claims},
    }[kind]
    found = names.get(asked)
    return Chosen(kind, asked if found is None else found, found is not None)


def show_search(knowledge: Knowledge) -> list[Hit]:
    """Show the search box and the filters, and return what they leave."""
    wide, *narrow = st.columns([2.2, 1, 1, 1], vertical_alignment="bottom")
    text = wide.text_input(
        "Search by drug, fact, trial, claim or word",
        key="rules_search",
        type="search",
        icon=":material/search:",
        placeholder="All words must occur; beginnings of words will do",
        persist_state="session",
        on_change=_from_the_top,
    )
    labels = setting_labels(knowledge)
    choices = (
        ("setting", "Options for the setting", {name: labels[name] for name in labels if name != "undetermined"}),
        ("verdict", "Options with the verdict", {name: name.replace("_", " ") for name in _verdicts(knowledge)}),
        (
            "status",
            "Options whose file is",
            {name: name for name in get_args(Review.model_fields["status"].annotation)},
        ),
    )
    wanted = {
        name: place.selectbox(
            label,
            list(values),
            index=None,
            format_func=values.__getitem__,
            placeholder="any",
            key=f"rules_{name}",
            persist_state="session",
            on_change=_from_the_top,
        )
        for place, (name, label, values) in zip(narrow, choices, strict=True)
    }
    kinds = st.pills(
        "Kinds",
        KINDS,
        selection_mode="multi",
        format_func=PLURAL.__getitem__,
        key="rules_kinds",
        persist_state="session",
        on_change=_from_the_top,
    )
    hits = [hit for hit in search(_entries(knowledge), text or "") if not kinds or hit.kind in kinds]
    if any(wanted.values()):
        hits = [hit for hit in hits if hit.kind == "option" and _fits(knowledge, hit.id, **wanted)]
    return hits


def _verdicts(knowledge: Knowledge) -> list[str]:
    given = {use.body.verdict for treatment in knowledge.options.values() for use in treatment.uses}
    return [verdict for verdict in VERDICTS if verdict in given]


def _fits(knowledge: Knowledge, name: str, *, setting: str | None, verdict: str | None, status: str | None) -> bool:
    treatment = knowledge.options[name]
    if status and treatment.body.review.status != status:
        return False
    if not (setting or verdict):
        return True
    # Setting and verdict must belong to one and the same indication.
    return any(
        (not setting or setting in use.settings) and (not verdict or use.body.verdict == verdict)
        for use in treatment.uses
    )


def show_found(knowledge: Knowledge, hits: Sequence[Hit], chosen: Chosen | None) -> None:
    """Show the list of what was found; choosing one shows it in full."""
    limit = int(st.session_state.get(_SHOWN, _PAGE))
    shown = list(hits[:limit])
    if not hits:
        st.info("Nothing was found. Try fewer words, or take a filter away.", icon=":material/search_off:")
        return
    names = {f"{hit.kind} {hit.id}": hit for hit in shown}
    now = f"{chosen.kind} {chosen.id}" if chosen else None
    st.session_state[_FOUND] = now if now in names else None
    st.radio(
        f"Found: {len(hits)}" if len(hits) == len(shown) else f"Found: {len(hits)}, of which the first {len(shown)}",
        list(names),
        index=None,
        format_func=lambda name: f"{plain(names[name].title)} :small[:gray[{SINGULAR[names[name].kind]}]]",
        captions=[_caption(knowledge, hit) for hit in shown],
        key=_FOUND,
        on_change=_choose_found,
    )
    if len(hits) > limit:
        st.button(f"Show {min(_PAGE, len(hits) - limit)} more", key="rules_more", on_click=_show_more)


def _caption(knowledge: Knowledge, hit: Hit) -> str:
    if hit.words and hit.text != hit.title:
        return plain(f"{hit.where}: {hit.excerpt}")
    if hit.kind == "option":
        labels = setting_labels(knowledge)
        uses = knowledge.options[hit.id].uses
        found = dict.fromkeys((use.body.verdict.replace("_", " "), labels[use.settings[0]]) for use in uses)
        return plain("; ".join(f"{verdict}: {setting}" for verdict, setting in found))
    if hit.kind == "claim":
        return plain(excerpt(knowledge.claims[hit.id].statement, ()))
    if hit.kind == "trial":
        trial = knowledge.trials[hit.id]
        return plain(f"phase {trial.phase}, primary endpoint: {trial.primary_endpoint_met.replace('_', ' ')}")
    return plain(hit.id.replace("_", " ").replace("-", " "))


def _from_the_top() -> None:
    st.session_state[_SHOWN] = _PAGE


def _show_more() -> None:
    st.session_state[_SHOWN] = int(st.session_state.get(_SHOWN, _PAGE)) + _PAGE


def _choose_found() -> None:
    found = st.session_state[_FOUND]
    if found is None:
        return
    kind, _, name = str(found).partition(" ")
    select(cast("Kind", kind), name)
