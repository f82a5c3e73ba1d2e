"""Sections of a page that open and close, and hold nothing while they are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import streamlit as st

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

_OPEN = "answer_open"


def section(label: str, *, key: str, opened: bool = False, icon: str | None = None) -> ExpanderContainer:
    """Return an expander to fill only ``if section.open``.

    It stays as somebody left it, whatever becomes of its label and on whatever pages one has been meanwhile; Streamlit by
    itself closes one whose label changes.

    Args:
        label: what stands on it.
        key: its key, the same for the same matter.
        opened: whether it is open at first.
        icon: a sign before the label.
    """
    known = _known()
    state = st.session_state.get(key)
    st.session_state[key] = known.get(key, opened) if state is None else bool(state)
    found = st.expander(label, key=key, icon=icon, on_change="rerun")
    known[key] = bool(found.open)
    return found


def open_section(key: str) -> None:
    """Open a section that has not been shown yet in this run."""
    st.session_state[key] = True


def _known() -> dict[str, bool]:
    return cast("dict[str, bool]", st.session_state.setdefault(_OPEN, {}))
