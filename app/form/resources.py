"""What all sessions share: the knowledge, for labels and questions, and the engine in its own process."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.load import DEFAULT_EDITION, load_knowledge
from hcc_decide.knowledge.locate import bundled
from hcc_decide.worker import IsolatedEngine


@st.cache_resource(show_spinner="Reading the rules …")
def knowledge() -> Knowledge:
    """Return the rules that ship with the program.

    Raises:
        KnowledgeError: the rules have findings.
    """
    return load_knowledge(None, DEFAULT_EDITION)


@st.cache_resource(show_spinner=False)
def engine() -> IsolatedEngine:
    """Return the engine that decides. A crash of it costs one request, never the form."""
    return IsolatedEngine(edition=DEFAULT_EDITION)


def examples() -> dict[str, Path]:
    """Return the example patients by name; an installation without the source tree has none."""
    try:
        folder = bundled("examples")
    except FileNotFoundError:
        return {}
    return {path.stem.replace("-", " "): path for path in sorted(folder.glob("*.yaml"))}
