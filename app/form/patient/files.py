"""A case as a file: loaded into the form, and saved from it. Nothing is kept on the server."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from form.session import Case, fill
from form.wording import plain
from hcc_decide.case_file import Format, file_name, read_case, write_case
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import RecordError

REFUSED = "The file was not loaded, and the form is as it was."
LOADED = "The case was loaded. It stands in the form in place of what was there."
NOT_SAVED = "A file with entries that are refused could not be loaded again. Put them right to save the case."

_MIME = {"yaml": "application/yaml", "json": "application/json"}
_ROUND = "case_file_round"
_PROBLEMS = "case_file_problems"


def show_files(case: Case, knowledge: Knowledge) -> None:
    """Show where a case is loaded from a file and saved to one.

    A file that is accepted replaces what stands in the form; one that is refused changes nothing, and why is said beside it.

    Args:
        case: what stands in the form.
        knowledge: for the options that prior lines may name.
    """
    load, save = st.columns(2)
    with load:
        key = f"case_file_{st.session_state.setdefault(_ROUND, 0)}"
        held = st.file_uploader(
            "Load a case",
            type=["yaml", "yml", "json"],
            key=key,
            on_change=_load,
            args=(key, knowledge),
            max_upload_size=1,
            help="A case that was saved here, a patient record, or a saved decision (JSON), which is decided anew.",
        )
        if held is not None:
            _show_refusal(st.session_state.get(_PROBLEMS, ()))
    with save:
        st.markdown("Save the case")
        with st.container(horizontal=True):
            _save(case, "yaml")
            _save(case, "json")
        if case.problems:
            st.caption(NOT_SAVED)


def _load(key: str, knowledge: Knowledge) -> None:
    held: UploadedFile | None = st.session_state[key]
    st.session_state[_PROBLEMS] = ()
    if held is None:
        return
    try:
        patient = read_case(held.getvalue(), knowledge.option_ids, held.name)
    except RecordError as error:
        st.session_state[_PROBLEMS] = error.problems
        return
    fill(knowledge, patient.to_record())
    # A new uploader is empty: the server drops the file, and the same one can be loaded again after changes.
    st.session_state[_ROUND] += 1
    st.toast(LOADED, icon=":material/check:")


def _show_refusal(problems: tuple[str, ...]) -> None:
    if problems:
        told = "\n".join(f"- {plain(problem)}" for problem in problems)
        st.error(f"{REFUSED}\n\n{told}", icon=":material/error:")


def _save(case: Case, format_: Format) -> None:
    st.download_button(
        f"Save as {format_.upper()}",
        "" if case.problems else write_case(case.record, format_),
        file_name=file_name(case.record, format_),
        mime=_MIME[format_],
        icon=":material/download:",
        key=f"case_file_save_{format_}",
        on_click="ignore",
        disabled=bool(case.problems),
    )
