"""The report for the record: shown, printed, or taken away as PDF and Word."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

import streamlit as st

from form import pages, resources
from form.report import show_report, today
from form.session import Case, case
from form.wording import plain
from hcc_decide.decision import Decision
from hcc_decide.report.content import Report, report
from hcc_decide.report.pdf import pdf
from hcc_decide.report.word import word


def _report(decision: Decision) -> Report:
    with st.container(key="report_inputs"):
        heading = st.text_input(
            "Heading of the report, e.g. a pseudonym",
            max_chars=120,
            key="report_heading",
            autocomplete="off",
            help="Stands on the report and nowhere else: not in a file name, and it is gone when you leave this page.",
        )
        full = st.checkbox(
            "With the full basis",
            key="report_full",
            help="Adds every checklist, all evidence, what sources disagree on and the passages of the reviews, from page 2 on.",
        )
    return report(decision, knowledge, on=today(), heading=heading or "", full=full, program=version("hcc-decide"))


def _downloads(made: Report) -> None:
    name = f"treatment-options-{made.date}"
    # Made on the click: setting a report takes longer than an edit may.
    with st.container(horizontal=True, key="report_downloads"):
        st.download_button(
            "Download as PDF",
            partial(pdf, made),
            file_name=f"{name}.pdf",
            mime="application/pdf",
            icon=":material/picture_as_pdf:",
            key="report_pdf",
            on_click="ignore",
        )
        st.download_button(
            "Download as Word",
            partial(word, made),
            file_name=f"{name}.docx",
            mime="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            icon=":material/docs:",
            key="report_word",
            on_click="ignore",
        )
    st.caption(
        "To print, use the browser's print command: it prints the report alone. The PDF fits on one page where it can."
    )


def _none(now: Case) -> None:
    if now.problems:
        st.error("There is no report: some entries are refused.", icon=":material/error:")
        st.page_link(pages.PATIENT.path, label="Mend the entries on the Patient page", icon=pages.PATIENT.icon)
    elif now.answer is not None and now.answer.failure:
        st.error(plain(now.answer.failure), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", key="report_retry")


knowledge = resources.knowledge()
now = case(knowledge)
made: Report | None = None
with st.container(key="report_tools"):
    st.title("Report", anchor=False)
    if now.decision is None:
        _none(now)
    else:
        made = _report(now.decision)
        _downloads(made)
if made is not None:
    show_report(made)
