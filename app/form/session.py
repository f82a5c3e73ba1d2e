"""What one session remembers: the answer, and the record it was given for. Nothing outlives the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from form import resources, state
from hcc_decide.decision import Decision
from hcc_decide.documents import DocumentError, read
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import RecordError, parse_patient
from hcc_decide.worker import WorkerError

LOST = "This request was lost, and nothing was decided. Press Decide again."
CHANGED = "The rules were changed while the form was open, so nothing was decided. Start the form again."


@dataclass(frozen=True)
class Answer:
    """A decision and the record that it was given for."""

    record: Mapping[str, Any]
    decision: Decision


def entries() -> Mapping[str, Any]:
    """Return what stands in the form, by key."""
    return cast("Mapping[str, Any]", st.session_state)


def outcome() -> Answer | str | None:
    """Return the last answer, the sentence that says why there is none, or ``None`` before any request."""
    return cast("Answer | str | None", st.session_state.get("outcome"))


def ask(record: Mapping[str, Any], knowledge: Knowledge) -> None:
    """Decide for a record. An earlier answer goes, whatever comes of this request."""
    st.session_state["outcome"] = None
    try:
        decision = resources.engine().decide(record)
    except WorkerError:
        st.session_state["outcome"] = LOST
    except RecordError as error:
        st.session_state["outcome"] = "Nothing was decided: " + "; ".join(error.problems)
    else:
        same = decision.knowledge.sha256 == knowledge.sha256
        st.session_state["outcome"] = Answer(dict(record), decision) if same else CHANGED


def fill(knowledge: Knowledge, record: Mapping[str, Any]) -> None:
    """Put a record into the form in place of what stands there; an answer given before is dropped."""
    st.session_state.update(state.state_of(record, knowledge))
    st.session_state["outcome"] = None


def fill_from_example(knowledge: Knowledge) -> None:
    """Put the chosen example into the form; one that is refused is said to be, and changes nothing."""
    name = st.session_state["example"]
    st.session_state["example"] = None  # so that it can be chosen again after changes
    path = resources.examples().get(name)
    if path is None:
        return
    try:
        fill(knowledge, parse_patient(read(str(path)).data, knowledge.option_ids).to_record())
    except (DocumentError, RecordError) as error:
        st.session_state["outcome"] = f"The example {name!r} cannot be used: {error}"
