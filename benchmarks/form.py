"""The form after an edit: how long a run of a page's script takes on the server, with the engine in its own process."""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from benchmarks.patients import edits, example_records
from hcc_decide.decision import Decision
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.patient import parse_patient
from hcc_decide.worker import IsolatedEngine

APP = Path(__file__).resolve().parents[1] / "app"
SECONDS = 60


class CountingEngine(IsolatedEngine):
    """The engine in its own process, which notes how long each decision took as the form sees it."""

    def __init__(self) -> None:
        """Start nothing yet."""
        super().__init__()
        self.taken: list[float] = []

    def decide(self, record: Mapping[str, Any]) -> Decision:
        """Decide, and note the seconds."""
        started = time.perf_counter()
        try:
            return super().decide(record)
        finally:
            self.taken.append(time.perf_counter() - started)


@dataclass(frozen=True)
class Edits:
    """What edits cost on one page.

    Attributes:
        runs: seconds of each run of the script after an edit, the test harness's reading of the page included.
        decisions: seconds of each decision that these runs asked for, the way to the other process included.
        again: how many decisions were asked for when the script ran without an edit; none is right.
    """

    runs: Sequence[float]
    decisions: Sequence[float]
    again: int


def measure_edits(knowledge: Knowledge, count: int, seed: int, pages: Sequence[str] = ()) -> dict[str, Edits]:
    """Edit every example on every page, and time each run of the script.

    An edit changes one fact or the prior lines of the record, as drawn from the vocabulary; edits of one example add up.

    Args:
        knowledge: for the vocabulary and the limits that rules name.
        count: edits of each example on each page.
        seed: the same seed gives the same edits.
        pages: titles of the pages; all of them when empty.

    Returns:
        What edits cost, by the page's title.

    Raises:
        RuntimeError: a page threw.
    """
    if str(APP) not in sys.path:
        sys.path.insert(0, str(APP))
    from form import pages as menu
    from form import resources

    engine = CountingEngine()
    logging.disable(logging.WARNING)  # Streamlit says of every widget that it is not in a browser
    resources.engine.clear()
    resources.engine(engine)
    try:
        engine.decide({})
        resources.knowledge()
        entries = [entry for section in menu.SECTIONS.values() for entry in section]
        chosen = [entry for entry in entries if not pages or entry.title in pages]
        for entry in chosen:
            AppTest.from_file(str(APP / "main.py"), default_timeout=SECONDS).switch_page(entry.path).run()
        # As the form does once it is ready: its collector does not go through rules and libraries at every edit.
        gc.collect()
        gc.freeze()
        return {entry.title: _on_page(entry.path, engine, knowledge, count, seed) for entry in chosen}
    finally:
        gc.unfreeze()
        engine.close()
        resources.engine.clear()
        logging.disable(logging.NOTSET)


def _on_page(path: str, engine: CountingEngine, knowledge: Knowledge, count: int, seed: int) -> Edits:
    from form import state

    runs: list[float] = []
    decisions: list[float] = []
    again = 0
    for name, record in example_records().items():
        page = AppTest.from_file(str(APP / "main.py"), default_timeout=SECONDS)
        before = state.state_of(parse_patient(dict(record), knowledge.option_ids).to_record(), knowledge)
        _enter(page, before)
        page.switch_page(path)
        # The second run has nothing left to import or to do for the first time.
        for _ in range(2):
            page.run()
        for edited in edits(record, knowledge, count, f"{seed} {name}"):
            after = state.state_of(edited, knowledge)
            _enter(page, {key: value for key, value in after.items() if before.get(key) != value})
            before |= after
            asked = len(engine.taken)
            started = time.perf_counter()
            page.run()
            runs.append(time.perf_counter() - started)
            decisions += engine.taken[asked:]
            if page.exception:
                raise RuntimeError(f"{path} threw: {page.exception[0].message}")
        asked = len(engine.taken)
        page.run()
        again += len(engine.taken) - asked
    return Edits(runs, decisions, again)


def _enter(page: AppTest, entries: Mapping[str, Any]) -> None:
    for key, value in entries.items():
        page.session_state[key] = value
