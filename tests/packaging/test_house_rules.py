"""Rules of the house that a reader could break without noticing."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from hcc_decide.knowledge.catalogue import Knowledge
from tests.conftest import ROOT

PYTHON = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "app").rglob("*.py")])


def _docstrings(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def _words(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every word of the code, docstrings and comments left out."""
    source = path.read_text(encoding="utf-8")
    skipped = _docstrings(ast.parse(source))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT and token.start[0] not in skipped:
            for word in re.findall(r"[A-Za-z][A-Za-z0-9-]+", token.string):
                yield token.start[0], word


def test_no_python_code_names_a_drug_or_a_trial(knowledge: Knowledge) -> None:
    drugs = {drug.lower() for item in knowledge.options.values() for drug in item.body.drugs}
    trials = {trial.id for trial in knowledge.trials.values() if len(trial.id) > 4}
    # One trial is called SEARCH, and code searches.
    assert "search" in trials
    named = [
        f"{path.relative_to(ROOT)}:{line}: {word}"
        for path in PYTHON
        for line, word in _words(path)
        if word.lower() in drugs | (trials - {"search"}) or word == "SEARCH"
    ]
    assert named == []


def test_the_form_asks_the_worker_and_never_the_engine() -> None:
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.startswith("hcc_decide.engine")], path


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 460
