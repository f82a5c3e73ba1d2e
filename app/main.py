"""The frame of the form: what stands on every page, and the way between pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from form import resources
from form.wording import plain
from hcc_decide.knowledge.findings import KnowledgeError

HERE = Path(__file__).parent

# An icon from this folder: the named ones of Streamlit would be fetched from the network.
st.set_page_config(page_title="hcc-decide", page_icon=str(HERE / "icon.svg"), layout="wide")
patient = st.Page(HERE / "app_pages" / "patient.py", title="Patient", default=True)
page = st.navigation([patient], position="top")

try:
    knowledge = resources.knowledge()
except (KnowledgeError, FileNotFoundError) as error:
    st.error("The rules cannot be used, so nothing is decided. `hcc-decide rules lint` says what is wrong.")
    st.text(str(error))
    st.stop()

edition = knowledge.manifest.editions[knowledge.edition]
st.title("hcc-decide", anchor=False)
st.info(f"**Intended use.** {plain(knowledge.manifest.intended_use)}", icon=":material/info:")
st.caption(
    f"Edition {plain(knowledge.edition)} ({plain(edition.label)}), cut-off {plain(edition.cut_off)} · "
    f"knowledge {knowledge.version} · sha256 {knowledge.sha256}"
)
page.run()
