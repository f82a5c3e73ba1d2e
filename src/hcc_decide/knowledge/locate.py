"""Where the rules are: inside the installed package, or beside the source tree."""

from __future__ import annotations

from pathlib import Path


def bundled(folder: str) -> Path:
    """Return a folder that ships with the program, ``rules`` or ``app``.

    Raises:
        FileNotFoundError: neither the package nor the source tree has it.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / folder, package.parents[1] / folder):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the folder {folder}/ is missing from this installation")
