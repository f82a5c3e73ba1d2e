"""The answer on the page: headline, ranked options with checklists, missing and excluded, trace."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from form.wording import badge, facts_text, option_name, plain, result, source, value_text
from hcc_decide.decision import (
    VERDICTS,
    Caution,
    Criterion,
    Decision,
    Evidence,
    Excluded,
    Note,
    Notice,
    Option,
    Preference,
)
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import fact_label
from hcc_decide.render import conflict_text, evidence_word, grouped, kind_text, within_trials, word

OUT_OF_QUESTION = ("ineligible", "not_recommended")
_EFFECTS = {"favours": "add_circle", "disfavours": "do_not_disturb_on", "noted": "info"}
_DIRECTIONS = {"supports": "thumb_up", "against": "thumb_down", "mixed": "thumbs_up_down"}


def show_answer(decision: Decision, knowledge: Knowledge) -> None:
    """Show a decision.

    Args:
        decision: what was decided.
        knowledge: for labels, and for the passages behind the claims.
    """
    in_question = [item for item in decision.options if item.would_be not in OUT_OF_QUESTION]
    out_of_question = [item for item in decision.options if item.would_be in OUT_OF_QUESTION]
    by_option: dict[str, list[Notice]] = {}
    for notice in decision.notices:
        by_option.setdefault(notice.option or "", []).append(notice)

    _headline(decision, in_question, knowledge)
    for notice in by_option.get("", ()):
        st.info(plain(notice.text) + _claims(notice.claims), icon=":material/campaign:")

    st.subheader("Options", anchor=False)
    if not in_question:
        st.markdown("None of the catalogue comes into question. Discuss.")
    cards = [item for item in in_question if not within_trials(item)]
    for number, option in enumerate(cards):
        _card(option, knowledge, by_option.get(option.id, ()), expanded=number == 0)
    investigational = [item for item in in_question if within_trials(item)]
    if investigational:
        with st.expander(f"{badge('investigational')} Only within trials ({len(investigational)})", expanded=not cards):
            _investigational(investigational, knowledge, by_option)
    if out_of_question:
        with st.expander(f"Not settled, but out of question either way ({len(out_of_question)})"):
            _open_table(out_of_question, knowledge)
    if decision.missing:
        _missing(decision, knowledge)
    if decision.excluded:
        st.subheader("Excluded", anchor=False)
        for verdict, members in grouped(decision.excluded):
            with st.expander(
                f"{badge(members[0].verdict)} {len(members)} {'option' if len(members) == 1 else 'options'}"
            ):
                _excluded(members, knowledge, by_option, with_sources=verdict != "not_applicable")
    st.subheader("How it came about", anchor=False)
    _derivation(decision, knowledge)
    _download(decision)


def _headline(decision: Decision, options: Sequence[Option], knowledge: Knowledge) -> None:
    setting = value_text(knowledge.vocabulary.facts["setting"], decision.setting)
    with st.container(border=True, key="headline"):
        st.markdown(f"#### Setting: {plain(setting)}")
        if options:
            first = [item for item in options if item.rank == options[0].rank]
            outlook = f", would be {badge(first[0].would_be)}" if first[0].would_be else ""
            names = " and ".join(f"**{plain(item.name)}**" for item in first)
            lead = "First option" if len(first) == 1 else "First options, of equal standing"
            st.markdown(f"{lead}: {names} {badge(first[0].verdict)}{outlook}")
            better = VERDICTS[: VERDICTS.index(first[0].verdict)]
            open_ones = [item for item in options if item.would_be in better and item not in first]
            if first[0].verdict != "undetermined" and open_ones:
                named = ", ".join(f"**{plain(item.name)}** {badge(item.verdict)}" for item in open_ones)
                st.markdown(f"Could come before it, depending on what is missing: {named}")
        else:
            st.markdown("First option: none of the catalogue comes into question.")
        stages = [item for item in decision.derived if item.fact != "setting" and not isinstance(item.value, bool)]
        if stages:
            facts = knowledge.vocabulary.facts
            found = "; ".join(
                f"{facts[item.fact].label}: {value_text(facts[item.fact], item.value)}" for item in stages
            )
            st.markdown(f"Derived from what was entered: {plain(found)}.")
        if decision.missing:
            count = len(decision.missing)
            facts_missing = "1 missing fact" if count == 1 else f"{count} missing facts"
            st.markdown(f"{facts_missing} would help to decide: see *Missing facts*.")


def _card(option: Option, knowledge: Knowledge, notices: Iterable[Notice], *, expanded: bool) -> None:
    outlook = f" would be {badge(option.would_be)}" if option.would_be else ""
    level = f" · evidence level {option.evidence_level}" if option.evidence_level is not None else ""
    label = f"**{option.rank}. {plain(option.name)}** {badge(option.verdict)}{outlook}{level}"
    with st.expander(label, expanded=expanded):
        st.markdown(
            f"{_also_known(option)}**Regimen:** {plain(option.regimen)}  \n"
            f"**Ranked here because:** {plain(option.ranked_here_because)}"
        )
        for caution in option.cautions:
            shown = facts_text(knowledge, caution.facts)
            text = f"**Caution:** {plain(caution.text)} ({shown}){_claims(caution.claims)}"
            st.warning(text, icon=":material/warning:")
        _checklist(option.criteria, knowledge)
        if option.preferences:
            _heading("For and against, in this patient")
            st.markdown(
                "\n".join(
                    f"- :material/{_EFFECTS[item.effect]}: {item.effect}: {plain(item.text)} "
                    f"({facts_text(knowledge, item.facts)}){_claims(item.claims)}"
                    for item in option.preferences
                )
            )
        if option.evidence:
            _heading("Evidence")
            _sources(option.evidence)
        if option.conflicts:
            _heading("Where the sources disagree")
            st.markdown("\n".join(f"- {plain(conflict_text(item))}" for item in option.conflicts))
        later = list(notices)
        if later:
            _heading("Later than the reviews; changes no verdict")
            st.markdown("\n".join(f"- {plain(item.text)}" for item in later))
        if option.notes:
            with st.expander(f"Notes ({len(option.notes)})", icon=":material/notes:"):
                st.markdown(
                    "\n".join(
                        f"- *{plain(note.kind.replace('_', ' '))}*: {plain(note.text)}{_claims(note.claims)}"
                        for note in option.notes
                    )
                )
        _passages(option, knowledge)


def _also_known(option: Option) -> str:
    return f"**Also known as:** {plain(', '.join(option.aliases))}  \n" if option.aliases else ""


def _investigational(options: Iterable[Option], knowledge: Knowledge, notices: Mapping[str, list[Notice]]) -> None:
    """Show what only a trial could offer in one table; the command `explain` has the rest."""
    rows = [
        {
            "Rank": item.rank,
            "Option": plain(item.name),
            "Standing": badge(item.verdict),
            "Use": plain(item.criteria[0].text),
            "Cautions": "; ".join(
                f":material/warning: {plain(caution.text)} ({facts_text(knowledge, caution.facts)})"
                for caution in item.cautions
            ),
            "Trials": "; ".join(
                f"{plain(trial.name)} ({evidence_word(trial)}): {plain(trial.summary)} {source(trial)}"
                for trial in item.evidence
            ),
            "Where the sources disagree": "; ".join(plain(conflict.about.rstrip(".")) for conflict in item.conflicts),
            "Later than the reviews": "; ".join(plain(notice.text) for notice in notices.get(item.id, ())),
        }
        for item in options
    ]
    st.table(rows, hide_index=True)


def _heading(text: str) -> None:
    st.markdown(f"**{text}**")


def _claims(claims: Iterable[str]) -> str:
    found = ", ".join(claims)
    return f" :small[:gray[{found}]]" if found else ""


def _checklist(criteria: Sequence[Criterion], knowledge: Knowledge) -> None:
    rows = [
        {
            "Kind": kind_text(item),
            "Criterion": plain(item.text[:1].upper() + item.text[1:]),
            "Result": result(item),
            "This patient": facts_text(knowledge, item.facts),
            "Claims": ", ".join(item.claims),
        }
        for item in criteria
    ]
    st.table(rows, hide_index=True)


def _sources(evidence: Iterable[Evidence]) -> None:
    st.markdown(
        "\n".join(
            f"- **{plain(item.name)}** :material/{_DIRECTIONS[item.direction]}: {evidence_word(item)}: "
            f"{plain(item.summary)}  \n  {source(item)}"
            for item in evidence
        )
    )


def _passages(option: Option, knowledge: Knowledge) -> None:
    parts: tuple[Criterion | Caution | Preference | Note, ...] = (
        *option.criteria,
        *option.cautions,
        *option.preferences,
        *option.notes,
    )
    cited = [
        claim for claim in dict.fromkeys(claim for part in parts for claim in part.claims) if claim in knowledge.claims
    ]
    if not cited:
        return
    with st.expander(f"What the reviews say ({len(cited)})", icon=":material/menu_book:"):
        lines = []
        for name in cited:
            claim = knowledge.claims[name]
            first, last = claim.lines
            where = f"review {knowledge.claim_reviews[name]}, lines {first} to {last}, {claim.section}"
            remark = f" *{plain(claim.remark)}*" if claim.remark else ""
            lines.append(f"- {name}: {plain(claim.statement)}{remark} :small[:gray[{plain(where)}]]")
        st.markdown("\n".join(lines))


def _failures(criteria: Iterable[Criterion], knowledge: Knowledge) -> str:
    return "; ".join(
        f"{kind_text(item)}: {plain(item.text)}: {result(item)} ({facts_text(knowledge, item.facts)})"
        for item in criteria
        if item.result == "not_met" and item.kind != "reservation"
    )


def _open_table(options: Iterable[Option], knowledge: Knowledge) -> None:
    rows = [
        {
            "Option": plain(item.name),
            "Would be": badge(item.would_be) if item.would_be else "",
            "Why": _failures(item.criteria, knowledge) or "the evidence for this use is negative",
        }
        for item in options
    ]
    st.table(rows, hide_index=True)


def _missing(decision: Decision, knowledge: Knowledge) -> None:
    st.subheader("Missing facts", anchor=False)
    rows = [
        {
            "Question": plain(item.question),
            "Field": plain(item.label),
            "Would help to decide": plain(", ".join(option_name(knowledge, option) for option in item.would_decide)),
        }
        for item in decision.missing
    ]
    st.table(rows, hide_index=True)


def _excluded(
    members: Iterable[Excluded],
    knowledge: Knowledge,
    notices: Mapping[str, list[Notice]],
    *,
    with_sources: bool,
) -> None:
    rows = []
    for item in members:
        # The criteria say the same as the reason, with labels and units in place of names.
        why = _failures(item.criteria, knowledge) or plain(item.reason)
        later = "; ".join(plain(notice.text) for notice in notices.get(item.id, ()))
        row = {"Option": plain(item.name), "Reason": f"{why} Later: {later}" if later else why}
        if with_sources:
            row["Evidence"] = "; ".join(
                f"{plain(trial.name)} ({evidence_word(trial)}): {source(trial)}" for trial in item.evidence
            )
        rows.append(row)
    st.table(rows, hide_index=True)


def _derivation(decision: Decision, knowledge: Knowledge) -> None:
    facts = knowledge.vocabulary.facts
    with st.expander(f"Derived facts ({len(decision.derived)})"):
        st.table(
            [
                {
                    "Fact": plain(facts[item.fact].label),
                    "Value": plain(value_text(facts[item.fact], item.value)),
                    "From": plain(", ".join(fact_label(knowledge, name) for name in item.from_)),
                    "Rule": f"`{item.rule}`",
                }
                for item in decision.derived
            ],
            hide_index=True,
        )
    with st.expander(f"Trace: every rule that fired ({len(decision.trace)} steps)"):
        st.dataframe(
            [
                {
                    "Step": step.step,
                    "Stratum": step.stratum,
                    "Rule": step.rule,
                    "Read": "; ".join(f"{name}: {word(value)}" for name, value in step.matched.items()),
                    "Asserted": "; ".join(f"{name}: {word(value)}" for name, value in step.asserted.items()),
                }
                for step in decision.trace
            ],
            hide_index=True,
        )


def _download(decision: Decision) -> None:
    st.download_button(
        "Download this decision (JSON)",
        json.dumps(decision.model_dump(mode="json"), ensure_ascii=False, indent=2),
        file_name="decision.json",
        mime="application/json",
        icon=":material/download:",
        key="download",
        on_click="ignore",
    )
