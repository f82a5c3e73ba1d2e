"""Starting the form: Streamlit on this machine only, without telemetry."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

# Dark on light and light on dark at a contrast of at least 4.5 to 1; the browser's preference picks one.
THEME = {
    "theme.showWidgetBorder": "true",
    "theme.baseRadius": "small",
    "theme.headingFontSizes": '["2rem", "1.4rem", "1.2rem", "1.1rem", "1rem", "1rem"]',
    "theme.paddingTop": "3rem",
    "theme.light.primaryColor": "#0b6e75",
    "theme.light.backgroundColor": "#ffffff",
    "theme.light.secondaryBackgroundColor": "#f3f6f7",
    "theme.light.textColor": "#1c2a30",
    "theme.light.linkColor": "#0b5f8a",
    "theme.light.borderColor": "#d3dde0",
    "theme.dark.primaryColor": "#4fb3ba",
    "theme.dark.linkColor": "#7cc4ee",
}


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

    Args:
        script: the form's entry file.
        port: port on the loopback address.
        headless: do not open a browser.

    Returns:
        The exit status of the server.

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
        "logger.level": "error",
        "logger.hideWelcomeMessage": "true",
        **THEME,
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--{name}={value}" for name, value in settings.items()]
    # Ending this process ends the server with it: an exception while it waits stops the child.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0
