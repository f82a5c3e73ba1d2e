"""The frame of the form: what stands on every page, and the way between pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from form import pages, resources
from form.session import remember
from form.wording import plain
from hcc_decide.knowledge.findings import KnowledgeError

HERE = Path(__file__).parent

# An icon from this folder: the named ones of Streamlit would be fetched from the network.
st.set_page_config(page_title="hcc-decide", page_icon=str(HERE / "icon.svg"), layout="wide")
page = st.navigation(
    {
        section: [
            st.Page(HERE / entry.path, title=entry.title, icon=entry.icon, default=entry is pages.PATIENT)
            for entry in entries
        ]
        for section, entries in pages.SECTIONS.items()
    },
    position="top",
)
st.logo(str(HERE / "logo.svg"), size="large")
st.html(HERE / "form" / "style.css")

try:
    knowledge = resources.knowledge()
except (KnowledgeError, FileNotFoundError) as error:
    st.error("The rules cannot be used, so nothing is decided. `hcc-decide rules lint` says what is wrong.")
    st.text(str(error))
    st.stop()

remember(knowledge, page.title)
edition = knowledge.manifest.editions[knowledge.edition]
with st.container(key="frame"):
    st.caption(f"**Intended use.** {plain(knowledge.manifest.intended_use)}")
page.run()
with st.container(key="stamp"):
    st.caption(
        f"Edition {plain(knowledge.edition)} ({plain(edition.label)}), cut-off {plain(edition.cut_off)} · "
        f"knowledge {knowledge.version} · sha256 {knowledge.sha256}"
    )
