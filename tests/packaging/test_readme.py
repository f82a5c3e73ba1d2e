"""What the README shows is what the program prints."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_decision_in_the_readme_is_the_real_output() -> None:
    block = re.search(r"```console\n\$ \.venv/bin/hcc-decide ([^\n]+)\n(.*?)```", README, re.DOTALL)
    assert block is not None
    command = [sys.executable, "-m", "hcc_decide", *block.group(1).split()]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.startswith(block.group(2))


def test_every_file_that_the_readme_links_exists() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
