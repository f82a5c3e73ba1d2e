"""Exercises: a teaching case, a commitment, and only then the answer with its reasons."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import streamlit as st

from form import pages
from form.session import ask, fill, say
from form.teach.marking import NOBODY, Commitment, Mark, Score, asked, marks
from form.teach.steps import claims_text
from form.wording import badge, plain
from hcc_decide.decision import VERDICTS, Decision, Verdict
from hcc_decide.headline import headline
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, fact_label, option_name, setting_labels
from hcc_decide.knowledge.schema_sources import Vignette
from hcc_decide.patient import parse_patient
from hcc_decide.proof.words import kind_word, record_text
from hcc_decide.render import within_trials

EXERCISE = "teach_exercise"
SETTING = "teach_setting"
_ALL = "all settings"
_LINK = "teach_exercise_link"
_COMMITTED = "teach_committed"
_SCORES = "teach_scores"
_SIGNS = {
    True: ":green[:material/check:] right",
    False: ":red[:material/close:] wrong",
    None: ":material/remove: not answered, not counted",
}


def take_link(knowledge: Knowledge) -> bool | None:
    """Take over the exercise that the address names, once; return whether there is such an exercise.

    Returns:
        ``None`` when the address names none, or one that was taken over before.
    """
    named = st.query_params.get("vignette")
    if named is None or named == st.session_state.get(_LINK):
        return None
    st.session_state[_LINK] = named
    if named not in knowledge.vignettes:
        return False
    st.session_state[SETTING], st.session_state[EXERCISE] = _ALL, named
    return True


def show_exercises(knowledge: Knowledge) -> None:
    """Show one exercise: the case and the questions, or once committed the answer."""
    st.markdown(
        "Fictional patients. Read the case, commit to an answer, and only then see what the system decides, with its reasons. "
        "Questions may be left out; they are then not counted."
    )
    progress = st.container()
    vignette = _chosen(knowledge)
    st.header(vignette.title, anchor=False)
    st.markdown(plain(vignette.story))
    record = parse_patient(vignette.patient, knowledge.option_ids).to_record()
    commitment = _commitments().get(vignette.id)
    with st.expander("The patient's facts", expanded=commitment is None):
        st.table(
            [
                {"Fact": plain(fact_label(knowledge, name)), "Value": plain(record_text(knowledge, name, record[name]))}
                for name in (*knowledge.vocabulary.facts, PRIOR_SYSTEMIC)
                if name in record
            ],
            hide_index=True,
            alt="The patient's facts; what is not listed is not known",
        )
        st.caption("What is not listed is not known.")
    if commitment is None:
        _questions(vignette, knowledge)
    else:
        _answer(vignette, commitment, record, knowledge)
    with progress:
        _progress(knowledge)


def _commitments() -> dict[str, Commitment]:
    return cast("dict[str, Commitment]", st.session_state.setdefault(_COMMITTED, {}))


def _scores() -> dict[str, Score]:
    return cast("dict[str, Score]", st.session_state.setdefault(_SCORES, {}))


def _progress(knowledge: Knowledge) -> None:
    done, scores = _commitments(), _scores()
    total = sum(scores.values(), Score())
    st.markdown(
        f"**{len(done)} of {len(knowledge.vignettes)} exercises done in this session.** "
        f"Answers: {total.right} right, {total.wrong} wrong, {total.left_out} left out or not marked."
    )


# Choosing.


def _in_setting(knowledge: Knowledge, setting: str) -> list[str]:
    return [item.id for item in knowledge.vignettes.values() if setting in (_ALL, item.setting)]


def _chosen(knowledge: Knowledge) -> Vignette:
    labels = setting_labels(knowledge)
    present = {item.setting for item in knowledge.vignettes.values()}
    settings = [_ALL, *(name for name in labels if name in present)]
    if st.session_state.get(SETTING) not in settings:
        st.session_state[SETTING] = _ALL
    first, second, third = st.columns([1, 2, 0.9], vertical_alignment="bottom")
    setting = first.selectbox(
        "Setting",
        settings,
        format_func=lambda name: labels.get(name, name),
        key=SETTING,
        persist_state="session",
    )
    names = _in_setting(knowledge, setting)
    if st.session_state.get(EXERCISE) not in names:
        st.session_state[EXERCISE] = names[0]
    done = _commitments()
    chosen = second.selectbox(
        "Exercise (type to search)",
        names,
        format_func=lambda name: f"{knowledge.vignettes[name].title}{' (done)' if name in done else ''}",
        key=EXERCISE,
        persist_state="session",
    )

    def draw() -> None:
        left = [name for name in names if name not in done and name != chosen] or names
        st.session_state[EXERCISE] = random.choice(left)

    third.button("A random one", icon=":material/casino:", key="teach_random", on_click=draw)
    if setting != _ALL:
        st.caption("Choosing by setting answers the first question in advance.")
    return knowledge.vignettes[chosen]


def _next_of(knowledge: Knowledge, current: str) -> str:
    """Return the exercise after one, of the same choice of settings; those not done yet come first."""
    names = _in_setting(knowledge, st.session_state[SETTING])
    place = names.index(current)
    following = [*names[place + 1 :], *names[:place]] or names
    return next((name for name in following if name not in _commitments()), following[0])


# Asking.


def _key(vignette: Vignette, question: str) -> str:
    return f"teach_answer_{vignette.id}_{question}"


def _questions(vignette: Vignette, knowledge: Knowledge) -> None:
    labels, meanings = setting_labels(knowledge), knowledge.manifest.verdicts
    everything = sorted(knowledge.options, key=lambda name: option_name(knowledge, name).lower())

    def commit() -> None:
        _commitments()[vignette.id] = Commitment(
            setting=st.session_state.get(_key(vignette, "setting")),
            verdicts={item.option: st.session_state.get(_key(vignette, item.option)) for item in vignette.expect},
            first=st.session_state.get(_key(vignette, "first")),
        )

    st.subheader("Your answer", anchor=False)
    with st.form(f"teach_form_{vignette.id}"):
        left, right = st.columns(2)
        left.selectbox(
            "Which setting is this?",
            list(labels),
            index=None,
            format_func=lambda name: labels[name],
            placeholder="Choose a setting",
            key=_key(vignette, "setting"),
        )
        right.selectbox(
            "Which option would you choose first? (type to search)",
            [NOBODY, *everything],
            index=None,
            format_func=lambda name: _option(knowledge, name),
            placeholder="Choose an option",
            key=_key(vignette, "first"),
        )
        st.markdown("What is the verdict on each of these options?")
        left, right = st.columns(2)
        for column, item in zip([left, right] * len(vignette.expect), asked(vignette), strict=False):
            column.selectbox(
                option_name(knowledge, item.option),
                list(VERDICTS),
                index=None,
                format_func=lambda name: f"{name.replace('_', ' ')}: {meanings[name]}",
                placeholder="Choose a verdict",
                key=_key(vignette, item.option),
            )
        st.form_submit_button("Commit", icon=":material/lock:", on_click=commit, key=_key(vignette, "commit"))
    st.caption("After committing the answer cannot be changed; the exercise can be started anew.")


def _option(knowledge: Knowledge, name: str) -> str:
    return "no option of the catalogue" if name == NOBODY else option_name(knowledge, name)


# Answering.


def _answer(vignette: Vignette, commitment: Commitment, record: Mapping[str, object], knowledge: Knowledge) -> None:
    answer = ask(record, knowledge)
    found = marks(vignette, commitment, answer.decision)
    if answer.decision is not None:
        _scores()[vignette.id] = Score.of(found)
    st.subheader("Your answer beside the system's", anchor=False)
    if answer.decision is None:
        st.error(plain(answer.failure or "Nothing was decided."), icon=":material/error:")
    _marks(found, knowledge, decided=answer.decision is not None)
    st.subheader("Why", anchor=False)
    _reasons(vignette, knowledge)
    st.info(f"**What this case teaches.** {plain(vignette.teaches)}", icon=":material/school:")
    if answer.decision is not None:
        _decision(answer.decision, knowledge)
    _ways_on(vignette, record, knowledge)


def _marks(found: Sequence[Mark], knowledge: Knowledge, *, decided: bool) -> None:
    labels = setting_labels(knowledge)
    words: dict[str, Callable[[str], str]] = {
        "setting": lambda name: plain(labels[name]),
        "verdict": lambda name: badge(cast("Verdict", name)),
        "first": lambda name: plain(_option(knowledge, name)),
    }
    questions = {"setting": "The setting", "first": "The first choice"}
    rows = []
    for mark in found:
        word = words[mark.question]
        rows.append(
            {
                "Question": questions.get(mark.question) or plain(option_name(knowledge, mark.option or "")),
                "You": word(mark.given) if mark.given is not None else "no answer",
                "The case expects": " or ".join(map(word, mark.expected)) or "not known",
                "The system decides": " or ".join(map(word, mark.found)) if decided else "nothing was decided",
                "Result": _SIGNS[mark.right] if mark.expected else ":material/help: cannot be marked",
            }
        )
    st.table(rows, hide_index=True, alt="Your answers, what the case expects and what the system decides")
    if decided and any(mark.expected != mark.found for mark in found):
        st.warning(
            "The system decides otherwise than the case expects. Discuss which is right.", icon=":material/warning:"
        )


def _reasons(vignette: Vignette, knowledge: Knowledge) -> None:
    for item in asked(vignette):
        lines = [f"**{plain(option_name(knowledge, item.option))}** {badge(item.verdict)}: {plain(item.why)}"]
        for name in item.rules:
            rule = knowledge.rules[f"options/{item.option}/{name}"]
            where = _passages(knowledge, rule.claims)
            lines.append(f"- {kind_word(rule.kind)}: {plain(rule.text)} :small[({plain(where)})]")
        st.markdown("\n".join(lines))
    with st.expander(
        "What the reviews say", key=f"teach_case_claims_{vignette.id}", on_change="rerun", icon=":material/menu_book:"
    ) as expander:
        if expander.open:
            rules = [
                knowledge.rules[f"options/{item.option}/{name}"] for item in vignette.expect for name in item.rules
            ]
            claims = dict.fromkeys([*vignette.claims, *(claim for rule in rules for claim in rule.claims)])
            st.markdown(claims_text(knowledge, claims))


def _passages(knowledge: Knowledge, claims: Sequence[str]) -> str:
    parts = []
    for name in claims:
        first, last = knowledge.claims[name].lines
        parts.append(f"{name}: review {knowledge.claim_reviews[name]}, lines {first} to {last}")
    return "; ".join(parts)


def _decision(decision: Decision, knowledge: Knowledge) -> None:
    st.subheader("The system's answer", anchor=False)
    st.markdown(f"**{plain(headline(decision, knowledge))}**")
    options = decision.in_question
    shown = [item for item in options if not within_trials(item)]
    if shown:
        st.table(
            [
                {
                    "Rank": item.rank,
                    "Option": plain(item.name),
                    "Verdict": badge(item.verdict) + (f", would be {badge(item.would_be)}" if item.would_be else ""),
                    "Ranked here because": plain(item.ranked_here_because),
                }
                for item in shown
            ],
            hide_index=True,
            alt="The options in order",
        )
    only_trials = len(options) - len(shown)
    if only_trials:
        st.caption(f"{only_trials} more only within trials; the answer page lists them all.")
    if decision.missing:
        questions = [f"- {plain(item.question)}" for item in decision.missing]
        st.markdown("Still to be asked, the weightiest first:\n" + "\n".join(questions))


def _ways_on(vignette: Vignette, record: Mapping[str, object], knowledge: Knowledge) -> None:
    def open_case(message: str) -> None:
        fill(knowledge, record)
        say(message)

    def step_through() -> None:
        open_case(f"The form now holds the teaching case “{vignette.title}”.")
        st.session_state["teach_part"] = "Step by step"
        st.session_state["teach_position"] = 1

    def go_on() -> None:
        st.session_state[EXERCISE] = _next_of(knowledge, vignette.id)

    def start_anew() -> None:
        _commitments().pop(vignette.id, None)
        _scores().pop(vignette.id, None)

    st.caption("Opening the case replaces what stands in the form.")
    with st.container(horizontal=True):
        st.button("Next exercise", icon=":material/skip_next:", key="teach_next_exercise", on_click=go_on)
        opened = st.button(
            "Open this case in the form",
            icon=":material/edit_note:",
            key="teach_open",
            on_click=open_case,
            args=(f"The form now holds the teaching case “{vignette.title}”, a fictional patient.",),
        )
        st.button("Step through this case", icon=":material/footprint:", key="teach_walk", on_click=step_through)
        st.button("Start this exercise anew", icon=":material/restart_alt:", key="teach_anew", on_click=start_anew)
    with st.popover("Link to this exercise", icon=":material/link:"):
        # An address to copy: a link to the page that it stands on would leave the old one in the browser.
        st.code(f"{st.context.url or ''}?vignette={vignette.id}", language=None, wrap_lines=True)
    if opened:
        st.switch_page(pages.PATIENT.path)
