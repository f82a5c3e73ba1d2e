"""Put the real output of commands into README.md and docs/, after the rules or the wording have changed.

    python tools/refresh_outputs.py

In a Markdown file, a comment before a fenced block says what stands in it, whole or from one line up to before another:

    <!-- output: recommend examples/child-pugh-b.yaml | from OPTIONS | until EXCLUDED -->

The lines are the first one that contains the text, and from there the next one that does. A block of the kind ``console`` begins
with the command as people type it.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROMPT = "$ .venv/bin/hcc-decide "
BLOCK = re.compile(r"(<!-- output: (?P<what>.+?) -->\n```(?P<kind>\w+)\n)(?P<shown>.*?)(```)", re.DOTALL)


class OutputError(ValueError):
    """A block asks for what its command does not print."""


@dataclass(frozen=True)
class Shown:
    """What a block shows.

    Attributes:
        command: the arguments of ``hcc-decide``.
        start: text of the first line shown; empty shows from the beginning.
        stop: text of the first line after that is not shown any more; empty shows up to the end.
    """

    command: str
    start: str = ""
    stop: str = ""

    @classmethod
    def read(cls, text: str) -> Shown:
        """Read what a comment says.

        >>> Shown.read("compare a.yaml x y | until KEY")
        Shown(command='compare a.yaml x y', start='', stop='KEY')
        """
        command, *parts = text.split(" | ")
        bounds = dict(part.split(" ", 1) for part in parts)
        if unknown := bounds.keys() - {"from", "until"}:
            raise OutputError(f"{text}: {', '.join(sorted(unknown))} is neither from nor until")
        return cls(command, bounds.get("from", ""), bounds.get("until", ""))

    def cut(self, printed: str) -> str:
        """Return the lines of an output that are shown.

        Raises:
            OutputError: the output lacks a line that was named.
        """
        lines = printed.splitlines()
        start = self._place(lines, self.start, 0) if self.start else 0
        stop = self._place(lines, self.stop, start + 1) if self.stop else len(lines)
        return "\n".join(lines[start:stop]).strip("\n") + "\n"

    def _place(self, lines: list[str], text: str, after: int) -> int:
        found = next((number for number, line in enumerate(lines) if number >= after and text in line), None)
        if found is None:
            raise OutputError(f"hcc-decide {self.command} prints no line with {text!r} where it is looked for")
        return found


def run(command: str) -> str:
    """Return what a command prints.

    Raises:
        OutputError: it ends with another status than 0.
    """
    from hcc_decide.cli import app

    printed = io.StringIO()
    with redirect_stdout(printed):
        status = app(shlex.split(command), standalone_mode=False)
    if status:
        raise OutputError(f"hcc-decide {command} ends with status {status}")
    return printed.getvalue()


def refreshed(text: str, run: Callable[[str], str] = run) -> str:
    """Return a Markdown text with the output of each command as it is now."""

    def block(found: re.Match[str]) -> str:
        shown = Shown.read(found["what"])
        prompt = f"{PROMPT}{shown.command}\n" if found["kind"] == "console" else ""
        return f"{found[1]}{prompt}{shown.cut(run(shown.command))}```"

    return BLOCK.sub(block, text)


def pages() -> Iterator[Path]:
    """Yield the Markdown files that show outputs."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        if BLOCK.search(page.read_text(encoding="utf-8")):
            yield page


def main() -> int:
    """Rewrite the blocks in place; status 1 when one cannot be."""
    known: dict[str, str] = {}

    def once(command: str) -> str:
        if command not in known:
            known[command] = run(command)
        return known[command]

    for page in pages():
        try:
            page.write_text(refreshed(page.read_text(encoding="utf-8"), once), encoding="utf-8")
        except OutputError as error:
            print(f"{page.relative_to(ROOT)}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
