"""Put the real output of the first decision into README.md, after the rules or the wording have changed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(```console\n\$ \.venv/bin/hcc-decide ([^\n]+)\n).*?(```)", re.DOTALL)


def first_option(printed: str) -> str:
    """Return what is printed up to the end of the first option's first trial."""
    lines = printed.splitlines()
    trial = next(index for index, line in enumerate(lines) if line.startswith("    Trial "))
    after = next(index for index in range(trial + 1, len(lines)) if not lines[index].startswith("      "))
    return "\n".join(lines[:after]) + "\n"


def main() -> None:
    """Rewrite the block in place."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    found = BLOCK.search(text)
    if found is None:
        sys.exit("README.md has no block to refresh")
    command = [sys.executable, "-m", "hcc_decide", *found.group(2).split()]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    readme.write_text(BLOCK.sub(lambda m: m.group(1) + first_option(printed) + m.group(3), text), encoding="utf-8")


if __name__ == "__main__":
    main()
