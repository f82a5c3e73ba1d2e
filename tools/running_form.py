"""The form, started as a user starts it, and a Chromium that talks to nobody else; for tests, screenshots and benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)


class FormError(RuntimeError):
    """The form did not start, or there is no browser. The message says what was seen."""


def chromium() -> str:
    """Return the browser's path: the one that ``CHROMIUM`` names, or Debian's.

    Raises:
        FormError: it is no program.
    """
    wanted = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
    found = shutil.which(wanted)
    if found is None:
        raise FormError(f"{wanted} is no program; install Chromium, or name one with CHROMIUM=/path")
    return found


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running_form(folder: Path, *, seconds: float = 60) -> Iterator[str]:
    """Start the form in a folder, yield its address, and stop it afterwards.

    Args:
        folder: where it runs, and where ``output`` keeps what it prints.
        seconds: how long it may take until it answers.

    Raises:
        FormError: it ended or did not answer in time, or its server outlived it.
    """
    port = free_port()
    command = [str(Path(sys.executable).parent / "hcc-decide"), "form", "--headless", "--port", str(port)]
    output = folder / "output"
    with output.open("wb") as stream:
        program = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream, start_new_session=True)
    try:
        _wait_until_healthy(program, port, output, time.monotonic() + seconds)
        yield f"http://127.0.0.1:{port}"
        program.terminate()
        program.wait(20)
        end = time.monotonic() + 10
        while listens(port):
            if time.monotonic() > end:
                raise FormError("the server outlived the program that started it")
            time.sleep(0.1)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def _wait_until_healthy(program: subprocess.Popen[bytes], port: int, output: Path, end: float) -> None:
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                return
        except OSError:
            if program.poll() is not None:
                raise FormError(f"the form ended: {output.read_text(errors='replace')}") from None
            if time.monotonic() > end:
                raise FormError("the form did not answer in time") from None
            time.sleep(0.05)
