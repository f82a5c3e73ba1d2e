"""The form comes up: rules and libraries are read ahead, once for all sessions, and nothing is left when it ends."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from streamlit.testing.v1 import AppTest
from tools.running_form import free_port, listens

from form import resources
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.findings import Finding, KnowledgeError
from hcc_decide.worker import IsolatedEngine
from tests.conftest import ROOT

Open = Callable[[], AppTest]


@pytest.fixture
def cold() -> Iterator[IsolatedEngine]:
    """An engine to start with, and a form that has read nothing yet."""
    resources.knowledge.clear()
    resources.engine.clear()
    engine = IsolatedEngine()
    yield engine
    engine.close()
    resources.knowledge.clear()
    resources.engine.clear()


# Reading ahead


def test_the_rules_are_read_once_however_many_sessions_come_while_they_are_read(
    cold: IsolatedEngine, open_form: Open, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[object] = []

    def read(*wanted: object) -> Knowledge:
        reads.append(wanted)
        time.sleep(0.3)
        return knowledge

    monkeypatch.setattr(resources, "load_knowledge", read)
    ahead = threading.Thread(target=resources.get_ready, args=(cold,))
    ahead.start()
    with ThreadPoolExecutor(4) as sessions:
        found = list(sessions.map(lambda _: resources.knowledge(), range(8)))
    ahead.join()
    assert all(one is knowledge for one in found)
    for _ in range(2):
        assert not open_form().exception
    assert len(reads) == 1
    assert resources.engine() is cold


def test_the_engine_that_was_started_ahead_answers_every_session(cold: IsolatedEngine, open_form: Open) -> None:
    cold.start()
    (worker,) = cold.processes()
    resources.get_ready(cold)
    for _ in range(2):
        assert not open_form().exception
    assert cold.processes() == [worker]


def test_without_reading_ahead_the_first_session_reads(cold: IsolatedEngine, open_form: Open) -> None:
    assert not open_form().exception
    assert resources.engine() is resources.engine()
    resources.engine().close()


def test_rules_with_findings_do_not_stop_the_start_and_are_told_on_the_page(
    cold: IsolatedEngine, open_form: Open, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def read(*wanted: object) -> Knowledge:
        raise KnowledgeError([Finding("options/x.yaml", 3, "K02", "include[1]", "is missing")])

    monkeypatch.setattr(resources, "load_knowledge", read)
    resources.get_ready(cold)
    assert capfd.readouterr() == ("", "")
    page = open_form()
    assert not page.exception
    assert "nothing is decided" in page.error[0].value
    assert "options/x.yaml" in page.text[0].value


@pytest.mark.parametrize("name", [*resources.FIRST_PAGE, *resources.OTHER_PAGES])
def test_what_is_imported_ahead_is_there_to_import(name: str) -> None:
    assert importlib.util.find_spec(name) is not None


FIRST_PAGE = """
import json, logging, sys
sys.path.insert(0, sys.argv[1])
logging.disable(logging.WARNING)
from streamlit.testing.v1 import AppTest
from form import resources
from hcc_decide.worker import IsolatedEngine
engine = IsolatedEngine()
resources.get_ready(engine)
page = AppTest.from_file(sys.argv[1] + "/main.py", default_timeout=60)
page.query_params["example"] = "after-sorafenib-afp-812"
page.run()
engine.close()
print(json.dumps([bool(page.exception), sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def test_the_first_page_shows_its_answer_without_the_libraries_of_plots_and_reports() -> None:
    command = [sys.executable, "-c", FIRST_PAGE, str(ROOT / "app")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    threw, modules = json.loads(done.stdout)
    assert not threw
    assert not {"pandas", "altair", "docx", "typst"} & set(modules), "these would hold up the first answer"


# The end


def started(folder: Path) -> tuple[subprocess.Popen[bytes], int, Path]:
    """Start the form as a user does, in a folder that keeps what it says."""
    port, output = free_port(), folder / "output"
    command = [str(Path(sys.executable).parent / "hcc-decide"), "form", "--headless", "--port", str(port)]
    # A shell that starts the tests in the background hands down an ignored interrupt.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with output.open("wb") as stream:
        program = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream, start_new_session=True)
    signal.signal(signal.SIGINT, before)
    return program, port, output


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended, be it collected or not."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("moment", ["while it starts", "when it listens"])
def test_whenever_and_however_the_form_is_ended_no_process_of_it_is_left(
    tmp_path: Path, moment: str, end: signal.Signals
) -> None:
    program, port, output = started(tmp_path)
    try:
        form = psutil.Process(program.pid)
        # A process that was only just begun still has the name of the one that began it.
        wait_for(lambda: any("hcc_decide.worker" in child.cmdline() for child in form.children()))
        if moment == "when it listens":
            wait_for(lambda: listens(port))
        workers = form.children(recursive=True)
        program.send_signal(end)
        program.wait(60)
        wait_for(lambda: all(map(gone, workers)))
        assert not listens(port)
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()
    said = output.read_text()
    assert "Traceback" not in said
    assert "WARNING" not in said


def test_ctrl_c_ends_the_form_in_order(tmp_path: Path) -> None:
    program, port, output = started(tmp_path)
    try:
        wait_for(lambda: listens(port))
        time.sleep(1)  # it listens a moment before it takes signals in its own way
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == 0
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()
    first, *rest = [line.strip() for line in output.read_text().splitlines() if line.strip()]
    assert first == f"The form is at http://127.0.0.1:{port} and nowhere else. Ctrl-C ends it."
    assert set(rest) <= {"Stopping..."}
