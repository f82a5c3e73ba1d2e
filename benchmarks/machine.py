"""What the numbers were measured on: processor, cores, memory, versions and date."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

NAMES = {"clipspy": "CLIPS", "streamlit": "Streamlit", "zen-engine": "GoRules Zen"}
WRITTEN = {"clipspy": "clipspy "}


def processor() -> str:
    """Return the processor's model name, or its architecture where the system does not say."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine(*packages: str) -> dict[str, str]:
    """Return the rows of the table that describes the run.

    Args:
        packages: whose versions count, besides Python's.
    """
    memory = psutil.virtual_memory().total / 2**30
    return {
        "Date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "Processor": f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GB",
        "Python": platform.python_version(),
        **{NAMES.get(package, package): f"{WRITTEN.get(package, '')}{version(package)}" for package in packages},
    }


def busy() -> bool:
    """Whether other work kept at least half a core of the machine in the last minute."""
    return psutil.getloadavg()[0] >= 0.5
