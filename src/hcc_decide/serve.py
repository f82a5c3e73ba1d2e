"""Starting the form: Streamlit on this machine only, without telemetry."""

from __future__ import annotations

import gc
import importlib
import socket
import sys
import threading
import time
from pathlib import Path

from hcc_decide import theme
from hcc_decide.worker import IsolatedEngine

PAUSE = 3.0
"""Seconds between what the first page needs and what only other pages need, so that the one is not held up by the other."""


class PortInUseError(OSError):
    """The port is taken, perhaps by a form that is already open."""


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortInUseError(f"port {port} is in use; a form may be open already, or name another port") from None


def serve_form(script: Path, *, port: int, headless: bool) -> int:
    """Run the form until it is stopped.

    The server is this process. The engine's process takes longest to be ready, so it is started first; the rules are
    read and libraries imported while the server comes up and a browser finds it.

    Args:
        script: the form's entry file.
        port: port on the loopback address.
        headless: do not open a browser.

    Returns:
        The exit status.

    Raises:
        PortInUseError: nothing was started.
    """
    _check_port(port)
    print(f"The form is at http://127.0.0.1:{port} and nowhere else. Ctrl-C ends it.", flush=True)  # noqa: T201
    settings = {
        "server.address": "127.0.0.1",
        "server.port": str(port),
        "server.headless": str(headless).lower(),
        "server.showEmailPrompt": "false",
        "server.fileWatcherType": "none",
        "server.maxUploadSize": "1",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        # An error would offer to ask a search engine or a language model about it.
        "client.showErrorLinks": "false",
        "logger.level": "error",
        "logger.hideWelcomeMessage": "true",
        **theme.settings(),
    }
    command = ["run", str(script), *(f"--{name}={value}" for name, value in settings.items())]
    # The collector has nothing to find while all that is made is kept, and looking costs a fifth of the start.
    gc.disable()
    engine = IsolatedEngine()
    engine.start()
    try:
        from streamlit.web import cli

        # Where Streamlit looks for the modules of its script, so that both take the same ones.
        sys.path.insert(0, str(script.parent))
        # Not before Streamlit is imported: two threads must not import parts of one package that need each other.
        threading.Thread(target=_get_ready, args=(engine,), name="get-ready", daemon=True).start()
        cli.main(command, prog_name="streamlit", standalone_mode=False)
    except KeyboardInterrupt:
        pass
    finally:
        engine.close()
    return 0


def _get_ready(engine: IsolatedEngine) -> None:
    try:
        resources = importlib.import_module("form.resources")
        resources.get_ready(engine)
        time.sleep(PAUSE)
        resources.get_other_pages_ready()
    finally:
        # What there is now stays, so that the collector need not go through it at every edit. It only finds circles: what a
        # session drops goes at once, as ever.
        gc.collect()
        gc.freeze()
        gc.enable()
