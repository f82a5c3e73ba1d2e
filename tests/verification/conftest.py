"""The shipped rule base with something changed, so that a theorem fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.load import inspect_knowledge
from hcc_decide.verify.fields import Saying, contradictions
from tests.conftest import ROOT

Change = Callable[..., Knowledge]
Refused = tuple[tuple[Saying, Saying], ...]


@pytest.fixture(scope="session")
def refused(knowledge: Knowledge) -> Refused:
    """What no record may say."""
    return contradictions(knowledge.vocabulary.facts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped rules."""
    return Path(shutil.copytree(ROOT / "rules", tmp_path / "rules"))


@pytest.fixture
def changed(folder: Path) -> Change:
    """Change files of the copy, each as (file, what stands there once, what shall stand there), and load it.

    Findings are left aside: the proofs are asked what the checks on loading would find already.
    """

    def change(*edits: tuple[str, str, str]) -> Knowledge:
        for file, old, new in edits:
            path = folder / file
            text = path.read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
            path.write_text(text.replace(old, new), encoding="utf-8")
        knowledge, _ = inspect_knowledge(folder)
        assert knowledge is not None
        return knowledge

    return change
