"""The program as it is started: bytes, exit statuses, locales and terminals."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import PROGRAM, Run, environment
from tests.conftest import ROOT

EXAMPLE = "examples/after-sorafenib-afp-812.yaml"
ADVANCED = b"bclc_stage: C\nchild_pugh_class: A\necog: 1\nprior_systemic: []\n"
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7])(?:;\d+)*m")


def test_the_same_patient_gives_the_same_bytes_on_every_run_in_any_order_and_locale(run: Run, tmp_path: Path) -> None:
    record = yaml.safe_load((ROOT / EXAMPLE).read_text(encoding="utf-8"))
    shuffled = dict(sorted(record.items(), reverse=True))
    shuffled["prior_systemic"] = [dict(reversed(line.items())) for line in record["prior_systemic"]]
    shuffled["etiology"] = record["etiology"] * 2
    (tmp_path / "shuffled.json").write_text(json.dumps(shuffled), encoding="utf-8")
    as_json = [
        run("recommend", EXAMPLE, "--format", "json", settings={"PYTHONHASHSEED": "0"}),
        run("recommend", EXAMPLE, "--format", "json", settings={"PYTHONHASHSEED": "0"}),
        run("recommend", EXAMPLE, "--format", "json", settings={"PYTHONHASHSEED": "4711"}),
        run("recommend", str(tmp_path / "shuffled.json"), "--format", "json", settings={"PYTHONIOENCODING": "latin-1"}),
    ]
    as_text = [
        run("recommend", EXAMPLE, settings={"PYTHONHASHSEED": "1"}),
        run("recommend", str(tmp_path / "shuffled.json"), settings={"PYTHONIOENCODING": "ascii", "COLUMNS": "40"}),
        run("recommend", EXAMPLE, settings={"TERM": "dumb", "NO_COLOR": "1", "LC_ALL": "C", "PYTHONHASHSEED": "2"}),
    ]
    for answers in (as_json, as_text):
        first = answers[0]
        assert first.returncode == 0
        assert "Child–Pugh" in first.stdout.decode("utf-8")
        assert all((other.returncode, other.stdout, other.stderr) == (0, first.stdout, b"") for other in answers)


def test_text_in_a_pipe_has_no_escape_codes(run: Run) -> None:
    answer = run("recommend", "-", stdin=ADVANCED, settings={"TERM": "xterm-256color", "COLORTERM": "truecolor"})
    assert answer.returncode == 0
    assert b"\x1b" not in answer.stdout
    assert b"\r" not in answer.stdout
    assert max(len(line) for line in answer.stdout.decode("utf-8").splitlines()) <= 80


@pytest.mark.parametrize(
    ("arguments", "stdin", "status"),
    [
        (("recommend", "-"), ADVANCED, 0),
        (("rules", "lint"), b"", 0),
        (("--help",), b"", 0),
        (("recommend", "-"), b"ecog: 9\n", 2),
        (("recommend", "-"), b"[" * 100_000, 2),
        (("recommend", "-", "--edition", "tomorrow"), ADVANCED, 2),
        (("recommend",), b"", 2),
        (("recommend", "-", "--rules", "docs"), ADVANCED, 1),
    ],
    ids=["decision", "lint", "help", "out of range", "too deep", "edition", "no patient", "no rule base"],
)
def test_the_exit_status_is_0_for_an_answer_2_for_a_refusal_and_1_for_a_failure(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], stdin: bytes, status: int
) -> None:
    given = tuple(str(tmp_path) if part == "docs" else part for part in arguments)
    answer = run(*given, stdin=stdin)
    assert answer.returncode == status
    assert bool(answer.stdout) is (status == 0)
    assert bool(answer.stderr) is (status != 0)
    assert b"Traceback" not in answer.stderr


def test_a_reader_that_goes_away_is_no_reason_for_a_traceback() -> None:
    process = subprocess.Popen(
        [*PROGRAM, "recommend", EXAMPLE, "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert b"Traceback" not in said


def on_a_terminal(**settings: str) -> bytes:
    """Run the program on a terminal of its own and return what appears there."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "recommend", EXAMPLE],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=environment(TERM="xterm-256color", **settings),
        cwd=ROOT,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so when the other side has closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    return shown


def test_a_terminal_gets_colour_unless_it_wants_none() -> None:
    coloured, plain = on_a_terminal(), on_a_terminal(NO_COLOR="1")
    assert COLOUR.search(coloured)
    assert not COLOUR.search(plain)
    codes = re.compile(rb"\x1b\[[\d;]*m")
    assert codes.sub(b"", coloured) == codes.sub(b"", plain)


def test_a_port_in_use_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "hcc_decide", "form", "--headless", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"--port: port {port} is in use; a form may be open already, or name another port\n"
