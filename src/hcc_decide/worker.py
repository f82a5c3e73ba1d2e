"""The engine in a process of its own: a crash costs one request, and the next one works.

The parent sends each worker a request as a line of JSON over a pipe. The worker answers in one line: a word that says what
the answer is, a blank, and the answer as JSON. Nothing else that a worker prints reaches the parent or a log.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar, cast

from pydantic import BaseModel

from hcc_decide.comparison import Comparison
from hcc_decide.decision import Decision
from hcc_decide.patient import RecordError

if TYPE_CHECKING:  # the form asks workers, and has no engine of its own
    from hcc_decide.engine.engine import Engine
    from hcc_decide.patient import Patient

Model = TypeVar("Model", bound=BaseModel)
Work = Literal["decision", "comparison", "worth", "sequence", "counterfactual"]
"""What can be asked of a worker, and what its answer is when all went well."""
Kind = Work | Literal["problems", "failure"]
"""What an answer of a worker is."""


BUFFER = 1 << 20
"""Bytes that are read at once; an answer has up to a million."""
UNREADABLE = "the decision process gave an answer that cannot be read"


class WorkerError(RuntimeError):
    """The worker died or did not answer; this request is lost, the next one gets a new worker."""


class _Worker:
    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hcc_decide.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=BUFFER,
        )

    def ask(self, request: str, seconds: float) -> tuple[str, bytes]:
        """Send one request and wait for its answer: what it is, and its JSON."""
        timer = threading.Timer(seconds, self.process.kill)
        timer.start()
        try:
            cast("IO[bytes]", self.process.stdin).write(request.encode() + b"\n")
            cast("IO[bytes]", self.process.stdin).flush()
            line = cast("IO[bytes]", self.process.stdout).readline()
        except (OSError, ValueError) as error:
            raise WorkerError(f"the decision process has stopped ({type(error).__name__})") from None
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            raise WorkerError("the decision process stopped before it answered")
        kind, _, answer = line.partition(b" ")
        return kind.decode(errors="replace"), answer

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what could not be sent any more
                    stream.close()


class IsolatedEngine:
    """Decides in worker processes. Safe to share among threads.

    Args:
        edition: edition of the knowledge.
        rules: folder of the rules; ``None`` takes the ones that ship with the program.
        workers: how many requests may run at once.
        seconds: how long a request may take before its worker is replaced.
    """

    def __init__(
        self, *, edition: str = "reviews", rules: Path | None = None, workers: int = 2, seconds: float = 60
    ) -> None:
        """Remember how to start workers; the first request starts the first one."""
        self._arguments = [edition, *([str(rules)] if rules else [])]
        self._seconds = seconds
        self._closed = False
        self._closing = threading.Lock()
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)
        # One that is forgotten without `close` leaves no process behind.
        weakref.finalize(self, _stop_all, self._idle)

    def start(self) -> None:
        """Start one worker ahead of the first request, without waiting until it is ready.

        None is started when one is idle already, when all are busy, or when the engine is closed. If it cannot be
        started, the first request tries again.
        """
        with self._closing:
            if self._closed or self.processes():
                return
            with contextlib.suppress(queue.Empty, OSError):
                self._idle.get_nowait()
                worker = None
                try:
                    worker = _Worker(self._arguments)
                finally:
                    self._idle.put(worker)

    def decide(self, record: Mapping[str, Any]) -> Decision:
        """Decide for one record.

        Raises:
            RecordError: the record is refused, one line per problem.
            WorkerError: the worker died or failed, or the engine is closed; nothing was decided.
        """
        return self.ask(Decision, "decision", record)

    def compare(self, record: Mapping[str, Any], first: str, second: str) -> Comparison:
        """Say why one option stands above another for one record.

        Args:
            record: the record.
            first: id or alias of an option of the catalogue.
            second: id or alias of another.

        Raises:
            RecordError: the record is refused, one line per problem.
            WorkerError: the worker died or failed, or the engine is closed; nothing was compared.
        """
        return self.ask(Comparison, "comparison", record, first=first, second=second)

    def ask(self, model: type[Model], work: Work, record: Mapping[str, Any], **arguments: object) -> Model:
        """Have some work done for one record.

        Args:
            model: the model of the answer.
            work: what is asked for.
            record: the record.
            arguments: what else the work asks for, as plain data; see `_works`.

        Raises:
            RecordError: the record is refused, one line per problem.
            WorkerError: the worker died or failed, or the engine is closed; nothing was answered.
        """
        try:
            request = json.dumps({"work": work, "record": dict(record), "arguments": arguments})
        except (TypeError, ValueError) as error:
            raise RecordError([f"the record is not plain data ({error})"]) from None
        worker = self._idle.get()
        try:
            if self._closed:
                raise WorkerError("the decision processes have been ended")
            if worker is not None and worker.process.poll() is not None:
                worker.stop()
                worker = None  # it died between requests, so nothing is lost
            if worker is None:
                worker = _Worker(self._arguments)
            kind, answer = worker.ask(request, self._seconds)
        except BaseException:
            # Whatever ended the wait: an answer that still comes must not be taken for the next patient's.
            if worker is not None:
                worker.stop()
                worker = None
            raise
        finally:
            with self._closing:
                if self._closed and worker is not None:
                    worker.stop()
                    worker = None
                self._idle.put(worker)
        try:
            if kind == work:
                return model.model_validate_json(answer)
            told = json.loads(answer)
        except ValueError:
            # Not in the words of who could not read it: these would quote the record.
            raise WorkerError(UNREADABLE) from None
        if kind == "problems":
            raise RecordError(told)
        raise WorkerError(told if kind == "failure" else UNREADABLE)

    def processes(self) -> list[int]:
        """Return the process ids of idle workers."""
        return [worker.process.pid for worker in list(self._idle.queue) if worker is not None]

    def close(self) -> None:
        """Stop the workers, busy ones after their answer; requests are refused from now on."""
        with self._closing:
            self._closed = True
            idle: list[_Worker | None] = []
            with contextlib.suppress(queue.Empty):
                while True:
                    idle.append(self._idle.get_nowait())
        for worker in idle:
            if worker is not None:
                worker.stop()
            self._idle.put(None)


def _stop_all(idle: queue.LifoQueue[_Worker | None]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            worker = idle.get_nowait()
            if worker is not None:
                worker.stop()


def _works(engine: Engine) -> Mapping[Work, Callable[..., BaseModel]]:
    """Return what can be asked: each takes the patient and the arguments of the request."""
    by_class = engine.by_class()

    def decision(patient: Patient) -> BaseModel:
        from hcc_decide.decide import decide

        return decide(patient, engine)

    def comparison(patient: Patient, first: str, second: str) -> BaseModel:
        from hcc_decide.compare import compare

        return compare(patient, engine, first, second)

    def worth(patient: Patient) -> BaseModel:
        from hcc_decide.worth.weigh import weigh

        return weigh(patient, by_class)

    def sequence(patient: Patient, plan: Mapping[str, Any]) -> BaseModel:
        from hcc_decide.sequence.build import build
        from hcc_decide.sequence.plan import Plan

        return build(patient, by_class, Plan.model_validate(plan))

    def counterfactual(patient: Patient, option: str, to: str | None = None) -> BaseModel:
        from hcc_decide.counterfactual.search import search

        return search(patient, by_class, option, to)

    return {
        "decision": decision,
        "comparison": comparison,
        "worth": worth,
        "sequence": sequence,
        "counterfactual": counterfactual,
    }


def main(arguments: list[str]) -> None:
    """Serve requests on standard input until it ends."""
    from hcc_decide.engine.engine import Engine
    from hcc_decide.engine.network import EngineError
    from hcc_decide.knowledge.load import load_knowledge
    from hcc_decide.patient import parse_patient

    folder = Path(arguments[1]) if len(arguments) > 1 else None
    # Only answers go to the parent: whatever else is printed, from C as well, would be taken for one.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    # What is read stays, so the collector need not go through it again. It runs between requests: nobody waits for it then.
    gc.disable()
    engine = Engine(load_knowledge(folder, arguments[0]))
    works = _works(engine)
    gc.freeze()

    def answer(line: str) -> tuple[Kind, str]:
        try:
            request = json.loads(line)
            patient = parse_patient(request["record"], engine.knowledge.option_ids)
            work: Work = request["work"]
            return work, works[work](patient, **request["arguments"]).model_dump_json()
        except RecordError as error:
            return "problems", json.dumps(error.problems)
        except EngineError as error:
            return "failure", json.dumps(f"{type(error).__name__}: {error}")
        except Exception as error:  # the parent is told, whatever it was, but not in words that may quote the record
            return "failure", json.dumps(f"the decision failed with {type(error).__name__}")

    for line in sys.stdin:
        print(*answer(line), file=answers, flush=True)
        gc.collect()


if __name__ == "__main__":
    main(sys.argv[1:])
