"""What all sessions share: the knowledge, for labels and questions, and the engine in its own process."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from pathlib import Path

import streamlit as st

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.findings import KnowledgeError
from hcc_decide.knowledge.load import DEFAULT_EDITION, load_knowledge
from hcc_decide.knowledge.locate import bundled
from hcc_decide.worker import IsolatedEngine

FIRST_PAGE = (
    "form.patient.fields",
    "form.patient.files",
    "form.patient.glance",
    "numpy",
    "PIL.Image",
    "streamlit.emojis",
)
"""What showing the first page imports, by itself and by Streamlit."""
OTHER_PAGES = ("pandas", "altair", "form.charts")


@st.cache_resource(show_spinner=False)
def knowledge() -> Knowledge:
    """Return the rules that ship with the program.

    Raises:
        KnowledgeError: the rules have findings.
    """
    return load_knowledge(None, DEFAULT_EDITION)


@st.cache_resource(show_spinner=False)
def engine(_started: IsolatedEngine | None = None) -> IsolatedEngine:
    """Return the engine that decides, the same for all. A crash of it costs one request, never the form.

    Args:
        _started: the engine to take when there is none yet; left out, a new one.
    """
    return _started or IsolatedEngine(edition=DEFAULT_EDITION)


def get_ready(started: IsolatedEngine) -> None:
    """Fetch what the first session would wait for; what fails here is met again by its page, and told there.

    Args:
        started: the engine that all sessions shall take.
    """
    engine(started)
    with contextlib.suppress(KnowledgeError, FileNotFoundError):
        knowledge()
    _import(FIRST_PAGE)
    # Streamlit does this once, before the first element; it goes through all modules, and the next time remembers them.
    inspect.stack()


def get_other_pages_ready() -> None:
    """Import what pages other than the first need, and what takes longer than all of theirs."""
    _import(OTHER_PAGES)


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def examples() -> dict[str, Path]:
    """Return the example patients by name; an installation without the source tree has none."""
    try:
        folder = bundled("examples")
    except FileNotFoundError:
        return {}
    return {path.stem.replace("-", " "): path for path in sorted(folder.glob("*.yaml"))}
