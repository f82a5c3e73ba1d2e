"""The command line, inside this process and in one of its own."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hcc_decide import cli, cli_common
from hcc_decide.knowledge.load import load_knowledge
from tests.conftest import ROOT


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


Invoke = Callable[..., Answer]
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'hcc-decide'; from hcc_decide.cli import main; main()"]
CALM = {"NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "PYTHONIOENCODING", "PYTHONHASHSEED"}


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with settings of its own for colour, width and encoding."""
    kept = {name: value for name, value in os.environ.items() if name not in CALM}
    kept["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), *filter(None, [kept.get("PYTHONPATH")])])
    return kept | settings


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run a command in this process; an exception that it leaves unhandled is raised here."""
    monkeypatch.setattr(cli_common, "load_knowledge", loaded_once)

    def run(*arguments: str, stdin: str | bytes = b"") -> Answer:
        result = CliRunner().invoke(cli.app, list(arguments), input=stdin, catch_exceptions=False)
        return Answer(result.exit_code, result.stdout, result.stderr)

    return run


@functools.cache
def _loaded(folder: Path, edition: str) -> object:
    return load_knowledge(folder, edition)


def loaded_once(folder: Path, edition: str) -> object:
    """Load the shipped rules once for all tests; others each time."""
    return _loaded(folder, edition) if folder == ROOT / "rules" else load_knowledge(folder, edition)


@pytest.fixture
def run() -> Run:
    """Run a command in a process of its own and return its bytes."""

    def start(
        *arguments: str, stdin: bytes = b"", settings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            env=environment(**(settings or {})),
            cwd=ROOT,
            timeout=60,
            check=False,
        )

    return start
