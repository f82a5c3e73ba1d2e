"""Trials under way when the reviews were written, by setting."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from form.wording import plain
from hcc_decide.browse.results import arm_name
from hcc_decide.browse.trials import citing_options, later_about
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import option_name, setting_labels
from hcc_decide.knowledge.schema_sources import Trial

_SETTING = "evidence_ongoing_setting"
_EVERY = "every setting"


def show_ongoing(knowledge: Knowledge) -> None:
    """Show the ongoing trials, a table for each setting."""
    st.header("Ongoing trials", anchor=False)
    labels = setting_labels(knowledge)
    ongoing = [trial for trial in knowledge.trials.values() if trial.status == "ongoing"]
    settings = [name for name in labels if any(name in trial.settings for trial in ongoing)]
    counts = {name: sum(name in trial.settings for trial in ongoing) for name in settings} | {_EVERY: len(ongoing)}
    st.session_state.setdefault(_SETTING, _EVERY)
    chosen = st.segmented_control(
        "Setting",
        [_EVERY, *settings],
        format_func=lambda name: f"{labels.get(name, name)} ({counts[name]})",
        required=True,
        key=_SETTING,
        persist_state="session",
    )
    st.markdown(
        f"{len(ongoing)} trials that the reviews call ongoing. A trial that belongs to several settings stands under each. "
        "Of some, more became known later; that stands below each table."
    )
    for setting in settings if chosen in (None, _EVERY) else [str(chosen)]:
        here = sorted(
            (trial for trial in ongoing if setting in trial.settings), key=lambda trial: trial.name.casefold()
        )
        st.subheader(f"{labels[setting][:1].upper()}{labels[setting][1:]} ({len(here)})", anchor=False)
        st.table(_rows(knowledge.sha256, tuple(trial.id for trial in here), knowledge), hide_index=True)
        later = _later(knowledge.sha256, tuple(trial.id for trial in here), knowledge)
        if later:
            st.markdown("Known later; it changes no verdict of this edition:")
            st.markdown("\n".join(later))


@st.cache_data(show_spinner=False)
def _rows(sha256: str, trials: tuple[str, ...], _knowledge: Knowledge) -> list[dict[str, str]]:
    del sha256  # names the knowledge for the cache
    return ongoing_rows(_knowledge, [_knowledge.trials[name] for name in trials])


def ongoing_rows(knowledge: Knowledge, trials: Sequence[Trial]) -> list[dict[str, str]]:
    """Return the rows of a table of ongoing trials, as Markdown."""
    return [
        {
            "Trial": f"**{plain(trial.name)}**",
            "Phase": plain(trial.phase),
            "Design": plain(trial.design),
            "Arms": plain("; ".join(dict.fromkeys(arm_name(knowledge, arm) for arm in trial.arms))),
            "Expected completion": trial.expected_completion or "not stated",
            "Registry": _registry(trial),
            "Options": plain(_options(knowledge, trial)),
            "Not verified": plain(_not_verified(trial)),
            "Known later": "yes, see below" if later_about(knowledge, trial) else "–",
        }
        for trial in trials
    ]


@st.cache_data(show_spinner=False)
def _later(sha256: str, trials: tuple[str, ...], _knowledge: Knowledge) -> list[str]:
    """Return what became known of these trials after the reviews, as a Markdown list."""
    del sha256  # names the knowledge for the cache
    return [
        f"- **{plain(_knowledge.trials[name].name)}**, {event.date}: {plain(event.text)} *{plain(event.source)}*"
        for name in trials
        for event in later_about(_knowledge, _knowledge.trials[name])
    ]


def _options(knowledge: Knowledge, trial: Trial) -> str:
    return ", ".join(option_name(knowledge, item.option) for item in citing_options(knowledge, trial.id)) or "none"


def _registry(trial: Trial) -> str:
    if trial.nct is None:
        return "no number known"
    return f"[{trial.nct}](https://clinicaltrials.gov/study/{trial.nct})"


def _not_verified(trial: Trial) -> str:
    """Return which of the columns nobody has confirmed, by their names."""
    columns = {
        "phase": "phase",
        "design": "design",
        "arms": "arms",
        "settings": "setting",
        "expected_completion": "completion",
        "nct": "registry number",
    }
    return ", ".join(word for part, word in columns.items() if part in trial.unverified) or "–"
