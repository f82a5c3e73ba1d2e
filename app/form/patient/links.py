"""Links to the form. They name an example at most, never anything of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

import streamlit as st

from form import resources, state
from form.session import entries, fill_from_example
from hcc_decide.knowledge.catalogue import Knowledge

EXAMPLE = "example"
"""The one parameter that an address of the patient page can have."""

_OPENED = "patient_opened_link"
_STANDING = "patient_standing_example"


def fill_in_example(knowledge: Knowledge, name: str) -> None:
    """Put an example into the form and remember which, for the link.

    Args:
        knowledge: for the facts.
        name: the example's name; words are joined by blanks or, as in addresses, by hyphens.
    """
    spoken = name.replace("-", " ")
    fill_from_example(knowledge, spoken)
    if spoken in resources.examples():
        st.session_state[_STANDING] = (spoken, state.record_of(entries(), knowledge))


def follow_link(knowledge: Knowledge) -> None:
    """Fill in the example that the address names, once; what is changed afterwards stays changed."""
    named = st.query_params.get(EXAMPLE)
    if named is not None and named != st.session_state.get(_OPENED):
        fill_in_example(knowledge, named)
    st.session_state[_OPENED] = named


def standing_example(record: Mapping[str, Any]) -> str | None:
    """Return the name of the example that stands in the form unchanged, if any."""
    name, filled = cast("tuple[str | None, Any]", st.session_state.get(_STANDING, (None, None)))
    return name if record == filled else None


def tell_the_truth_in_the_address(record: Mapping[str, Any]) -> None:
    """Take an example's name out of the address when the form holds something else by now."""
    named = st.query_params.get(EXAMPLE)
    if named is not None and standing_example(record) != named.replace("-", " "):
        # What was opened stays remembered until the browser has followed: one that is a step behind still names the example.
        del st.query_params[EXAMPLE]


def address(record: Mapping[str, Any]) -> str:
    """Return the address of the form: bare, or with the name of the example that stands in it unchanged."""
    name = standing_example(record)
    return (st.context.url or "") + (f"?{EXAMPLE}={quote(name.replace(' ', '-'))}" if name else "")
