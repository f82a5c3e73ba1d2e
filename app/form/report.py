"""The report on the page: shown from the same model that the PDF and the Word file are set from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from urllib.parse import quote

import streamlit as st

from form.wording import plain
from hcc_decide.report.basis import Basis, OptionBasis
from hcc_decide.report.content import Choice, Report
from hcc_decide.report.words import Citation


def today() -> date:
    """Return the date that the report carries."""
    return date.today()


def show_report(report: Report) -> None:
    """Show everything that a report says.

    Args:
        report: the report; the full basis is shown when it holds one.
    """
    with st.container(border=True, key="report_sheet"):
        st.header(report.title, anchor=False)
        about = [f"Case **{plain(report.case_id)}**"] if report.case_id else []
        st.markdown(" · ".join([*about, plain(report.date)]))
        if report.heading:
            st.markdown(f"**{plain(report.heading)}**")
        with st.container(key="report_headline"):
            st.markdown(f"**{plain(report.headline)}**")
        st.subheader("Patient", anchor=False)
        groups = [(group.label, "; ".join(group.items)) for group in report.facts]
        groups += [("Derived", "; ".join(report.derived))] if report.derived else []
        _list(f"**{plain(label)}.** {plain(text)}" for label, text in groups)
        st.subheader("Options", anchor=False)
        if report.choices:
            st.table([_choice(item) for item in report.choices], hide_index=True)
        else:
            st.markdown("No option of the catalogue can be offered outside a trial. Discuss.")
        with st.container(key="report_rest"):
            _rest(report)
        if report.basis is not None:
            _basis(report, report.basis)
        with st.container(key="report_stamp"):
            st.caption(f"{plain(report.stamp)}; sha256 {report.sha256}")


def _choice(item: Choice) -> dict[str, str]:
    points = "".join(f" **{plain(point.word)}:** {plain(point.text)}." for point in item.points)
    trials = f" **Trials** {plain(item.trials)}." if item.trials else ""
    sources = f" {plain(item.sources)}" if item.sources else ""
    return {
        "Rank": str(item.rank),
        "Option, verdict, regimen": f"**{plain(item.name)}**: *{plain(item.standing)}*  \n{plain(item.regimen)}",
        "Why it stands here, cautions, for and against, trials": f"{plain(item.reason)}{points}{trials}{sources}",
    }


def _rest(report: Report) -> None:
    _section("Not known, and would matter", report.open)
    _names("Only within trials", report.trials_only)
    _names("Not settled, but out of question either way", report.unsettled)
    _section("Notices", (*report.notices, *report.later))
    for group in report.excluded:
        st.subheader(plain(f"{group.label} ({group.count})"), anchor=False)
        st.markdown(plain("; ".join(group.items)))
    if report.elsewhere:
        st.markdown(f"**For another setting:** {report.elsewhere} options.")
    if report.citations:
        st.subheader("Trials cited († figures in part not verified)", anchor=False)
        _citations(report.citations, short=True)
    st.subheader("Intended use", anchor=False)
    st.markdown(plain(report.intended_use))


def _section(title: str, items: Sequence[str]) -> None:
    if items:
        st.subheader(title, anchor=False)
        _list(map(plain, items))


def _names(title: str, names: Sequence[str]) -> None:
    if names:
        st.subheader(f"{title} ({len(names)})", anchor=False)
        st.markdown(plain("; ".join(names)))


def _list(items: Iterable[str]) -> None:
    st.markdown("\n".join(f"- {item}" for item in items))


def _citations(citations: Iterable[Citation], *, short: bool) -> None:
    lines = []
    for one in citations:
        text = f"{one.number}. {plain(one.name)}. {plain(one.text)}"
        if one.doi:
            text += f"; [doi:{plain(one.doi)}](https://doi.org/{quote(one.doi, safe='/:;')}){one.doi_mark}"
        if one.nct:
            text += f"; [{one.nct}](https://clinicaltrials.gov/study/{one.nct}){one.nct_mark}"
        if one.remark:
            text += " †" if short else f" ({plain(one.remark)})"
        lines.append(text)
    st.markdown("\n".join(lines))


def _basis(report: Report, basis: Basis) -> None:
    st.header("Full basis", anchor=False)
    if basis.derived:
        st.subheader("Derived facts", anchor=False)
        _list(
            f"**{plain(one.fact)}:** {plain(one.value)}, from {plain(one.sources)} (`{one.rule}`)"
            for one in basis.derived
        )
    for option in basis.options:
        _option(option)
    if basis.trials_only:
        st.header("Only within trials, or out of question either way", anchor=False)
        for option in basis.trials_only:
            _option(option)
    for entry in basis.excluded:
        st.header(plain(f"Excluded: {entry.title}"), anchor=False)
        _list(map(plain, entry.items))
    if basis.passages:
        st.header("What the reviews say", anchor=False)
        _list(f"**{one.claim}** {plain(one.statement)} ({plain(one.where)})" for one in basis.passages)
    st.header("Trials cited", anchor=False)
    _citations((*report.citations, *basis.citations), short=False)


def _option(option: OptionBasis) -> None:
    st.subheader(plain(f"{option.name}: {option.standing}"), anchor=False)
    st.markdown(f"**Why it stands here.** {plain(option.reason)}")
    if option.checks:
        st.table(
            [
                {
                    "Kind": check.kind,
                    "Criterion": plain(check.text),
                    "Result": plain(check.result),
                    "This patient": plain(check.values),
                    "Claims": check.claims,
                }
                for check in option.checks
            ],
            hide_index=True,
        )
    # One element for all of it: a full basis has hundreds of lists.
    st.markdown(
        "\n\n".join(
            f"**{plain(entry.title)}**\n\n" + "\n".join(f"- {plain(item)}" for item in entry.items)
            for entry in option.entries
        )
    )
