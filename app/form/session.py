"""What one session remembers: what stands in the form, and the answers it has had. Nothing outlives the session."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import streamlit as st

from form import resources, state
from hcc_decide.decision import Decision
from hcc_decide.documents import DocumentError, read
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import RecordError, parse_patient
from hcc_decide.worker import WorkerError

Kept = TypeVar("Kept")

LOST = "This request was lost, and nothing was decided. What you entered is still here; try again."
CHANGED = "The rules were changed while the form was open, so nothing was decided. Start the form again."

_STORE = "case_entries"
_ANSWERS = "case_answers"
_SAID = "case_said"
_PAGE = "case_page"
_KEPT = 8


@dataclass(frozen=True)
class Answer:
    """What came of one request.

    Attributes:
        record: the record that was asked about.
        decision: what was decided; ``None`` when there is none.
        failure: the sentence that says why there is none.
    """

    record: Mapping[str, Any]
    decision: Decision | None
    failure: str | None = None


@dataclass(frozen=True)
class Case:
    """The case as the form holds it now.

    Attributes:
        record: the record, unchecked; what is not known is left out.
        problems: why it is refused, by field; empty when it is accepted.
        answer: what was decided for it; ``None`` while it is refused.
    """

    record: Mapping[str, Any]
    problems: state.Problems
    answer: Answer | None

    @property
    def decision(self) -> Decision | None:
        """The decision, ``None`` when there is none."""
        return self.answer.decision if self.answer is not None else None


def remember(knowledge: Knowledge, page: str) -> None:
    """Keep what stands in the form while its page is not shown; called once, before anything of a page.

    Streamlit forgets a field that a page does not show, and a field on another page is another field to it, which starts
    empty unless its value is put in by hand.

    Args:
        knowledge: for the fields of an empty form.
        page: the page that is about to be shown.
    """
    store = cast("dict[str, Any]", st.session_state.setdefault(_STORE, state.state_of({}, knowledge)))
    for key in [str(key) for key in st.session_state if state.is_field(str(key))]:
        store[key] = st.session_state[key]
    turned = st.session_state.get(_PAGE) != page
    st.session_state[_PAGE] = page
    for key, value in store.items():
        if turned or key not in st.session_state:
            st.session_state[key] = value


def entries() -> Mapping[str, Any]:
    """Return what stands in the form, by key."""
    return cast("Mapping[str, Any]", st.session_state)


def case(knowledge: Knowledge) -> Case:
    """Return the case as it stands, decided."""
    record = state.record_of(entries(), knowledge)
    problems = state.problems_of(record, knowledge)
    return Case(record, problems, None if problems else ask(record, knowledge))


def ask(record: Mapping[str, Any], knowledge: Knowledge) -> Answer:
    """Decide for a record, or say why not. The last few answers are kept, failures are not."""
    kept = cast("dict[str, Answer]", st.session_state.setdefault(_ANSWERS, {}))
    name = json.dumps(record, sort_keys=True)
    if name in kept:
        kept[name] = kept.pop(name)
        return kept[name]
    try:
        decision = resources.engine().decide(record)
    except WorkerError:
        return Answer(record, None, LOST)
    except RecordError as error:
        return Answer(record, None, "Nothing was decided: " + "; ".join(error.problems))
    if decision.knowledge.sha256 != knowledge.sha256:
        return Answer(record, None, CHANGED)
    kept[name] = Answer(record, decision)
    for oldest in list(kept)[:-_KEPT]:
        del kept[oldest]
    return kept[name]


def kept(store: str, asked: object, answer: Callable[[], Kept], most: int = 16) -> Kept:
    """Return the answer to a question, the one of before when this session has asked it already.

    Args:
        store: key of the session's state that holds such answers.
        asked: the question as plain data: all that the answer depends on.
        answer: asks; what it raises is raised, and nothing is kept.
        most: how many answers are kept, the last ones.
    """
    known = cast("dict[str, Kept]", st.session_state.setdefault(store, {}))
    name = json.dumps(asked, sort_keys=True)
    if name not in known:
        known[name] = answer()
        for oldest in list(known)[:-most]:
            del known[oldest]
    return known[name]


def fill(knowledge: Knowledge, record: Mapping[str, Any]) -> None:
    """Put a record into the form in place of what stands there.

    Only before the form's fields are shown: from a callback, or at the top of a page.
    """
    for key in [str(key) for key in st.session_state if state.is_field(str(key))]:
        del st.session_state[key]
    st.session_state[_STORE] = state.state_of(record, knowledge)
    st.session_state.update(st.session_state[_STORE])


def fill_from_example(knowledge: Knowledge, name: str) -> None:
    """Put an example into the form; one that is refused is said to be, and changes nothing."""
    path = resources.examples().get(name)
    if path is None:
        say(f"There is no example {name!r}.")
        return
    try:
        fill(knowledge, parse_patient(read(str(path)).data, knowledge.option_ids).to_record())
    except (DocumentError, RecordError) as error:
        say(f"The example {name!r} cannot be used: {error}")


def say(message: str) -> None:
    """Leave a message for the page that is shown next."""
    st.session_state.setdefault(_SAID, []).append(message)


def said() -> list[str]:
    """Take the messages that were left."""
    return cast("list[str]", st.session_state.pop(_SAID, []))
