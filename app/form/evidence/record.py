"""One trial in full: design, arms, results, safety, where it is told, and which options cite it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from form import pages
from form.charts import show_plot
from form.wording import cited, plain
from hcc_decide.browse.results import (
    ForestRow,
    arm_name,
    measure_text,
    outcome_text,
    publication,
    ratio_text,
    result_rows,
    values_text,
    verified_text,
)
from hcc_decide.browse.trials import citing_options, claims_about, later_about
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name, setting_labels
from hcc_decide.knowledge.schema_sources import Conflict, Trial

KINDS = {
    "within_review": "within one review",
    "between_reviews": "between reviews",
    "review_and_publication": "review and publication",
    "misprint": "misprint",
}
"""What kind of disagreement a conflict is, in words."""

_DIRECTIONS = {"supports": "thumb_up", "against": "thumb_down", "mixed": "thumbs_up_down", "ongoing": "pending"}


def show_record(knowledge: Knowledge, trial: Trial) -> None:
    """Show everything the rule base has of a trial."""
    st.subheader(plain(trial.name), anchor=False)
    st.markdown(plain(trial.summary))
    st.markdown(cited(publication(trial)))
    st.table(facts_of(knowledge, trial), hide_index=True, hide_header=True)
    _part("Arms")
    st.table(arms_of(knowledge, trial), hide_index=True)
    rows = result_rows(knowledge, [trial.id], None)
    if rows:
        _part("Results")
        show_plot(rows, key=f"evidence_record_{trial.id}", alt=alt_of(trial, rows))
        st.table(results_of(knowledge, trial, rows), hide_index=True)
    if trial.safety:
        _part("Safety")
        st.markdown(_listed(safety_of(trial)))
    later = later_about(knowledge, trial)
    if later:
        _part("Later than the reviews; changes no verdict")
        st.markdown(_listed(f"{event.date}: {plain(event.text)} *{plain(event.source)}*" for event in later))
    if trial.discrepancies:
        _part("Where what is printed does not agree")
        st.markdown(_listed(map(plain, trial.discrepancies)))
    conflicts = [knowledge.conflicts[place] for place in sorted(knowledge.conflicts_of.get(trial.id, ()))]
    if conflicts:
        _part("Conflicts between sources that name this trial")
        st.markdown(_listed(map(conflict_line, conflicts)))
    _citing(knowledge, trial)
    told = claims_of(knowledge, trial)
    if told or trial.reported_in:
        _part("Where the reviews tell of it")
        st.markdown(passages_text(trial))
        if told:
            st.table(told, hide_index=True)


def place_text(review: str, lines: Sequence[int]) -> str:
    """Say where in a review something stands."""
    first, last = lines
    return f"review {review}, line {first}" if first == last else f"review {review}, lines {first} to {last}"


def short_setting(setting: str) -> str:
    """Return a setting in few words, for tables."""
    return setting.replace("_", " ")


def facts_of(knowledge: Knowledge, trial: Trial) -> list[dict[str, str]]:
    """Return design and population as rows, each marked when it is not verified."""
    labels = setting_labels(knowledge)
    found = {
        "Status": trial.status,
        "Setting": ", ".join(labels[name] for name in trial.settings) + _mark(trial, "settings"),
        "Phase": trial.phase + _mark(trial, "phase"),
        "Design": trial.design + _mark(trial, "design"),
        "Population": trial.population + _mark(trial, "population"),
        "Patients enrolled": ("not known" if trial.enrolled is None else str(trial.enrolled))
        + _mark(trial, "enrolled"),
        "Primary endpoint": (trial.primary_endpoint or "not stated") + _mark(trial, "primary_endpoint"),
        "Result of the primary endpoint": outcome_text(trial.primary_endpoint_met)
        + _mark(trial, "primary_endpoint_met"),
    }
    if trial.status == "ongoing":
        expected = trial.expected_completion or "not stated"
        found["Expected completion"] = expected + _mark(trial, "expected_completion")
    if trial.registry_note:
        found["Registry"] = trial.registry_note
    parts = [name.partition(".")[2] for name in trial.unverified if name.startswith("citation.")]
    if parts:
        found["Not verified in the citation"] = ", ".join(
            {"doi": "DOI", "pmid": "PMID"}.get(name, name) for name in parts
        )
    return [{"": f"**{name}**", " ": plain(value)} for name, value in found.items()]


def arms_of(knowledge: Knowledge, trial: Trial) -> list[dict[str, str]]:
    """Return the arms as rows."""
    mark = _mark(trial, "arms")
    return [
        {
            "Arm": plain(arm.id.replace("-", " ")),
            "Given": plain(arm.text + mark),
            "Option": plain(option_name(knowledge, arm.option)) if arm.option else "–",
            "Patients": "–" if arm.n is None else str(arm.n),
        }
        for arm in trial.arms
    ]


def results_of(knowledge: Knowledge, trial: Trial, rows: Iterable[ForestRow]) -> list[dict[str, str]]:
    """Return every endpoint as a row with its figures, what is not verified and what a review prints differently."""
    claims = {end.id: end.claims for end in trial.endpoints}
    arms = {
        end.id: {arm.id: arm_name(knowledge, arm) for arm in trial.arms}.get(end.arm, "") for end in trial.endpoints
    }
    return [
        {
            "Endpoint": plain(measure_text(row.measure)),
            "Analysis": plain(row.analysis or "–"),
            "Arms": plain(f"{arms[row.endpoint]} vs {row.control}" if row.control else arms[row.endpoint]),
            "Value": plain(values_text(row)),
            "Hazard ratio (interval, 95 % unless stated)": plain(ratio_text(row)),
            "P": plain(row.p or "–"),
            "How sure": verified_mark(row),
            "Printed differently": plain(row.review_prints or "–"),
            "Claims": plain(", ".join(claims[row.endpoint]) or "–"),
        }
        for row in rows
    ]


def verified_mark(row: ForestRow) -> str:
    """Say as a sign and words what of a row is confirmed."""
    sign = ":orange[:material/help:]" if row.not_verified else ":green[:material/check:]"
    return f"{sign} {plain(verified_text(row))}"


def safety_of(trial: Trial) -> list[str]:
    """Return the safety results as Markdown, each marked when it is not verified."""
    whole = _mark(trial, "safety")
    return [
        plain(item.text + (_mark(trial, f"safety[{number}]") or whole))
        + (f" :small[:gray[{', '.join(item.claims)}]]" if item.claims else "")
        for number, item in enumerate(trial.safety, start=1)
    ]


def passages_text(trial: Trial) -> str:
    """Say in which lines of which review a trial stands."""
    found = [place_text(item.review, item.lines) for item in trial.reported_in]
    return plain("; ".join(found)) if found else "No passage is recorded."


def claims_of(knowledge: Knowledge, trial: Trial) -> list[dict[str, str]]:
    """Return the claims that a trial's figures rest on, as rows."""
    found = [knowledge.claims[name] for name in claims_about(trial) if name in knowledge.claims]
    return [
        {
            "Claim": claim.id,
            "Says": plain(claim.statement) + (f" *{plain(claim.remark)}*" if claim.remark else ""),
            "Where": place_text(knowledge.claim_reviews[claim.id], claim.lines),
        }
        for claim in found
    ]


def conflict_line(conflict: Conflict) -> str:
    """Write a conflict in one paragraph: what about, every value with its source, the one used and why."""
    values = "; ".join(f"{plain(value.source)}: {plain(value.value)}" for value in conflict.values)
    return f"**{plain(conflict.about)}:** {values}. **Used:** {plain(conflict.used)} **Why:** {plain(conflict.why)}"


def alt_of(trial: Trial, rows: Iterable[ForestRow]) -> str:
    """Say in words what the forest plot of one trial shows."""
    found = [f"{measure_text(row.measure)} {ratio_text(row)}" for row in rows if row.hr is not None]
    return f"Forest plot of {trial.name}, hazard ratios with intervals: {'; '.join(found)}. The table below has the figures."


def _citing(knowledge: Knowledge, trial: Trial) -> None:
    _part("Options that cite it")
    found = citing_options(knowledge, trial.id)
    if not found:
        st.markdown("No option cites this trial.")
    for item in found:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                pages.RULES.path,
                label=plain(option_name(knowledge, item.option)),
                icon=pages.RULES.icon,
                query_params={"option": item.option},
            )
            words = [_direction(knowledge, trial, item.option, *direction) for direction in item.directions]
            count = len(item.rules)
            words += [f"{count} {'rule names' if count == 1 else 'rules name'} it"] if count else []
            st.markdown(", ".join(words))


def _direction(knowledge: Knowledge, trial: Trial, option: str, direction: str, uses: Sequence[str]) -> str:
    """Say how a trial counts for an option; one that is under way counts neither way."""
    word = "ongoing" if trial.status == "ongoing" else direction
    texts = [use.text for use in knowledge.options[option].body.indications if use.id in uses]
    return f":material/{_DIRECTIONS[word]}: {word}" + (f" ({plain('; '.join(texts))})" if texts else "")


def _part(title: str) -> None:
    st.markdown(f"#### {title}")


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _mark(trial: Trial, part: str) -> str:
    return " (not verified)" if part in trial.unverified else ""
