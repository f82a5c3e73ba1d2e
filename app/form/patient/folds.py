"""Fields that are folded away until they are wanted.

What is folded and what is not is settled once for each patient that is filled in, so that nothing opens or closes while
someone types; only an entry that is refused opens what it stands in.
"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_OPEN = "patient_open_"


def fold(name: str, label: str, *, known: int, refused: int) -> DeltaGenerator:
    """Return a box that stands open when something in it was known as the patient was filled in.

    Args:
        name: its name, unique on the page.
        label: what is in it; how much of it is known, and how much is refused, is added.
        known: how many of its entries are known.
        refused: how many of them are refused.
    """
    key = _OPEN + name
    if refused or key not in st.session_state:
        st.session_state[key] = bool(refused or known)
    counts = f"{known} known" + (f", {refused} refused" if refused else "")
    # Not one of those that answer to their key: their identity hangs on the label, and with every count that changes they
    # would close and lose the field in which someone types.
    return st.expander(f"{label} ({counts})", expanded=st.session_state[key], key=f"patient_fold_{name}")


def forget_folds() -> None:
    """Settle anew what stands open, for a patient who has just been filled in, or lines that have moved."""
    for key in [str(key) for key in st.session_state]:
        if key.startswith(_OPEN):
            del st.session_state[key]
