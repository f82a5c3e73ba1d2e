"""The engine in processes of its own: a process may die, hang or be interrupted, and only its own request is lost."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from hcc_decide.decide import decide
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.patient import RecordError, parse_patient
from hcc_decide.worker import IsolatedEngine, WorkerError
from tests.engine.building import ROOT, patients

Here = Callable[[dict[str, Any]], str]

ADVANCED = {"bclc_stage": "C", "child_pugh_class": "A", "ecog": 0, "prior_systemic": []}
LATER = {**ADVANCED, "prior_systemic": ["sorafenib:progression"], "afp_ng_ml": 400}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rules, so that workers started at different times read the same, whoever edits the rules."""
    return Path(shutil.copytree(ROOT / "rules", tmp_path_factory.mktemp("snapshot") / "rules"))


@pytest.fixture(scope="module")
def engine(rules: Path) -> Iterator[Engine]:
    """The engine in this process."""
    engine = Engine(load_knowledge(rules))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def isolated(rules: Path) -> Iterator[IsolatedEngine]:
    """Two workers that the tests below share; each test leaves them in order."""
    engine = IsolatedEngine(rules=rules, workers=2)
    engine.decide(ADVANCED)
    yield engine
    engine.close()


@pytest.fixture
def single(rules: Path) -> Iterator[IsolatedEngine]:
    """One worker, started, for one test."""
    engine = IsolatedEngine(rules=rules, workers=1)
    engine.decide(ADVANCED)
    yield engine
    engine.close()


@pytest.fixture
def here(engine: Engine) -> Here:
    """Decide in this process."""

    def run(record: dict[str, Any]) -> str:
        return decide(parse_patient(record, engine.knowledge.option_ids), engine).model_dump_json()

    return run


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether a process has ended, be it collected or not."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


# The same answers


def test_a_worker_decides_as_the_engine_in_this_process_does(
    isolated: IsolatedEngine, engine: Engine, here: Here
) -> None:
    for record in [{}, ADVANCED, LATER, *patients(10, engine.knowledge.options, seed=5)]:
        assert isolated.decide(record).model_dump_json() == here(record)


@pytest.mark.parametrize(
    "record",
    [
        {"ecog": 7, "sex": "female", "child_pugh_class": "a"},
        {"afp_ng_ml": float("nan"), "age_years": "seventy"},
        {"prior_systemic": ["no-such-drug:progression", {"option": "sorafenib", "outcome": "cured"}]},
        {"prior_systemic": ["no-such-drug:progression"]},
        {"refractory_to_tace": True, "amenable_to_tace": True},
        {"région – é": "\x00", "bclc_stage": "é\ud800"},
    ],
    ids=str,
)
def test_a_record_is_refused_with_the_same_problems(
    isolated: IsolatedEngine, here: Here, record: dict[str, Any]
) -> None:
    with pytest.raises(RecordError) as expected:
        here(record)
    with pytest.raises(RecordError) as caught:
        isolated.decide(record)
    assert caught.value.problems == expected.value.problems
    assert caught.value.problems


def test_a_refused_record_costs_no_worker(single: IsolatedEngine) -> None:
    before = single.processes()
    with pytest.raises(RecordError):
        single.decide({"ecog": 7})
    with pytest.raises(RecordError, match="plain data"):
        single.decide({"age_years": datetime.date(2020, 1, 1)})
    single.decide(ADVANCED)
    assert single.processes() == before


# Workers that die, hang or are interrupted


def test_a_worker_that_dies_between_requests_is_replaced_without_a_word(single: IsolatedEngine, here: Here) -> None:
    (first,) = single.processes()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: gone(first))
    assert single.decide(LATER).model_dump_json() == here(LATER)
    assert single.processes() != [first]


def _stopped_during(
    engine: IsolatedEngine, record: dict[str, Any], pool: ThreadPoolExecutor
) -> tuple[int, Future[Any]]:
    (worker,) = engine.processes()
    os.kill(worker, signal.SIGSTOP)
    request = pool.submit(engine.decide, record)
    wait_until(lambda: not engine.processes())
    time.sleep(0.1)  # the request is on its way into the pipe
    return worker, request


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_during_a_request_costs_that_request_and_the_next_one_works(
    single: IsolatedEngine, here: Here, death: signal.Signals
) -> None:
    with ThreadPoolExecutor(1) as pool:
        worker, request = _stopped_during(single, ADVANCED, pool)
        os.kill(worker, death)
        os.kill(worker, signal.SIGCONT)
        with pytest.raises(WorkerError, match="before it answered"):
            request.result(15)
    wait_until(lambda: gone(worker))
    assert single.decide(LATER).model_dump_json() == here(LATER)


def test_a_worker_that_dies_as_it_is_handed_a_request_gives_a_worker_error_too(
    single: IsolatedEngine, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    (worker,) = single.processes()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: gone(worker))
    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "poll", lambda self: None)  # as if it had died a moment later
        with pytest.raises(WorkerError):
            single.decide(ADVANCED)
    assert single.decide(LATER).model_dump_json() == here(LATER)


def test_a_worker_that_hangs_is_replaced_after_the_time_allowed(rules: Path, here: Here) -> None:
    engine = IsolatedEngine(rules=rules, workers=1, seconds=10)
    try:
        engine.decide(ADVANCED)
        engine._seconds = 0.5
        (worker,) = engine.processes()
        os.kill(worker, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(WorkerError):
            engine.decide(ADVANCED)
        assert 0.4 < time.monotonic() - started < 8
        wait_until(lambda: gone(worker))
        engine._seconds = 30
        assert engine.decide(LATER).model_dump_json() == here(LATER)
    finally:
        engine.close()


def test_an_answer_that_nobody_waits_for_any_more_is_never_given_to_the_next_patient(
    single: IsolatedEngine, here: Here
) -> None:
    (worker,) = single.processes()
    os.kill(worker, signal.SIGSTOP)
    main = threading.main_thread().ident
    assert main == threading.get_ident()
    # A shell that starts the tests in the background hands down an ignored interrupt.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt = threading.Timer(0.5, signal.pthread_kill, [main, signal.SIGINT])
    interrupt.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            single.decide(ADVANCED)
        interrupt.join()
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until(lambda: gone(worker))
    assert single.decide(LATER).model_dump_json() == here(LATER)


def test_a_rule_base_that_does_not_load_gives_a_worker_error_each_time(tmp_path: Path) -> None:
    engine = IsolatedEngine(rules=tmp_path, workers=1)
    for _ in range(2):
        with pytest.raises(WorkerError):
            engine.decide(ADVANCED)
    engine.close()


# Many users


def test_several_threads_share_the_workers_and_each_gets_its_own_answer(
    isolated: IsolatedEngine, engine: Engine, here: Here
) -> None:
    records = patients(12, engine.knowledge.options, seed=9)
    right = [here(record) for record in records]
    with ThreadPoolExecutor(6) as pool:
        answers = [answer.model_dump_json() for answer in pool.map(isolated.decide, records * 3)]
    assert answers == right * 3
    assert len(isolated.processes()) <= 2


def test_one_user_is_served_while_the_worker_of_another_hangs(rules: Path, here: Here) -> None:
    engine = IsolatedEngine(rules=rules, workers=2)
    try:
        engine.decide(ADVANCED)
        with ThreadPoolExecutor(1) as pool:
            (worker,) = engine.processes()
            os.kill(worker, signal.SIGSTOP)
            hanging = pool.submit(engine.decide, ADVANCED)
            wait_until(lambda: not engine.processes())
            assert engine.decide(LATER).model_dump_json() == here(LATER)
            os.kill(worker, signal.SIGCONT)
            assert hanging.result(15).model_dump_json() == here(ADVANCED)
    finally:
        engine.close()


# The start


@pytest.fixture
def unused(rules: Path) -> Iterator[IsolatedEngine]:
    """Two workers, none of them started."""
    engine = IsolatedEngine(rules=rules, workers=2)
    yield engine
    engine.close()


def test_a_worker_that_is_started_ahead_takes_the_first_request(unused: IsolatedEngine, here: Here) -> None:
    unused.start()
    (worker,) = unused.processes()
    unused.start()
    assert unused.processes() == [worker], "one that is idle is enough"
    assert unused.decide(ADVANCED).model_dump_json() == here(ADVANCED)
    assert unused.processes() == [worker]


def test_a_worker_that_cannot_be_started_ahead_is_started_by_the_first_request(
    unused: IsolatedEngine, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")
        unused.start()
    assert unused.processes() == []
    assert unused.decide(ADVANCED).model_dump_json() == here(ADVANCED)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(unused.decide, [ADVANCED, LATER]))
    assert 1 <= len(unused.processes()) <= 2


def test_no_worker_is_started_ahead_of_an_engine_that_is_closed_or_busy(single: IsolatedEngine) -> None:
    with ThreadPoolExecutor(1) as pool:
        worker, request = _stopped_during(single, ADVANCED, pool)
        single.start()
        assert single.processes() == []
        os.kill(worker, signal.SIGCONT)
        request.result(15)
    single.close()
    single.start()
    assert single.processes() == []


# The end


def test_closing_ends_the_processes_and_refuses_what_comes_later(single: IsolatedEngine) -> None:
    (worker,) = single.processes()
    single.close()
    assert gone(worker)
    assert single.processes() == []
    for _ in range(2):
        with pytest.raises(WorkerError, match="ended"):
            single.decide(ADVANCED)
    single.close()


def test_closing_lets_a_request_that_is_under_way_finish_and_then_ends_its_process(
    single: IsolatedEngine, here: Here
) -> None:
    with ThreadPoolExecutor(3) as pool:
        worker, request = _stopped_during(single, ADVANCED, pool)
        waiting = pool.submit(single.decide, LATER)
        time.sleep(0.1)
        single.close()
        os.kill(worker, signal.SIGCONT)
        assert request.result(15).model_dump_json() == here(ADVANCED)
        with pytest.raises(WorkerError):
            waiting.result(15)
    assert gone(worker)
    assert single.processes() == []


PARENT = """
import os, sys
from pathlib import Path
from hcc_decide.worker import IsolatedEngine
engine = IsolatedEngine(rules=Path(sys.argv[1]), workers=1)
engine.decide({"case_id": "CASE-4711", "afp_ng_ml": 12345.5})
try:
    engine.decide({"case_id": "CASE-4711", "ecog": "SECRET"})
except ValueError:
    pass
sys.stderr.write(f"worker {engine.processes()[0]}\\n")
sys.stderr.flush()
os.kill(os.getpid(), 9)
"""


def test_a_worker_ends_with_its_parent_and_nothing_of_the_patient_is_written_anywhere() -> None:
    command = [sys.executable, "-c", PARENT, str(ROOT / "rules")]
    parent = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert parent.returncode == -signal.SIGKILL
    word, pid = parent.stderr.split()
    assert (word, parent.stdout) == ("worker", "")
    wait_until(lambda: gone(int(pid)))


def test_the_workers_of_this_process_write_nothing_to_its_output(
    isolated: IsolatedEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    isolated.decide({**ADVANCED, "case_id": "CASE-4711"})
    with pytest.raises(RecordError):
        isolated.decide({"case_id": "CASE-4711", "ecog": "SECRET"})
    assert capfd.readouterr() == ("", "")


NOISY = """
import ctypes, sys
import hcc_decide.decide as module
real = module.decide
def noisy(patient, engine):
    print("a word of Python")
    ctypes.CDLL(None).puts(b"a word of C")
    ctypes.CDLL(None).fflush(None)
    return real(patient, engine)
module.decide = noisy
from hcc_decide.worker import main
main(sys.argv[1:])
"""


def test_what_is_printed_in_a_worker_is_never_taken_for_an_answer() -> None:
    command = [sys.executable, "-c", NOISY, "reviews", str(ROOT / "rules")]
    record = '{"bclc_stage": "C", "child_pugh_class": "A", "ecog": 0, "prior_systemic": []}'
    request = f'{{"work": "decision", "arguments": {{}}, "record": {record}}}\n'
    worker = subprocess.run(command, input=request * 2, capture_output=True, text=True, timeout=60, check=True)
    assert len(worker.stdout.splitlines()) == 2
    assert "a word of" not in worker.stdout
    assert all(line.startswith("decision {") for line in worker.stdout.splitlines())


FAILING = """
import sys
import hcc_decide.decide as module
from hcc_decide.engine.network import EngineError
kinds = iter([EngineError("ruleset staging did not come to an end"), ValueError("CASE-4711 is odd"), MemoryError()])
def failing(patient, engine):
    raise next(kinds)
module.decide = failing
from hcc_decide.worker import main
main(sys.argv[1:])
"""


def test_a_failure_inside_a_worker_is_told_in_words_that_do_not_quote_the_record() -> None:
    command = [sys.executable, "-c", FAILING, "reviews", str(ROOT / "rules")]
    request = '{"work": "decision", "arguments": {}, "record": {"case_id": "CASE-4711"}}\n'
    worker = subprocess.run(command, input=request * 3, capture_output=True, text=True, timeout=60, check=True)
    assert [json.loads(line.removeprefix("failure ")) for line in worker.stdout.splitlines()] == [
        "EngineError: ruleset staging did not come to an end",
        "the decision failed with ValueError",
        "the decision failed with MemoryError",
    ]
    assert worker.stderr == ""
