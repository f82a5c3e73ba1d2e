"""Small rules and facts for the tests of the engine, and programs that run in a process of their own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hcc_decide.engine.network import RuleSet
from hcc_decide.engine.rules import NetFact, NetRule, NetTest
from hcc_decide.knowledge.condition import Span
from hcc_decide.patient import OUTCOMES

ROOT = Path(__file__).resolve().parents[2]


def yes(name: str) -> NetTest:
    """Test that a fact is true."""
    return NetTest(name, True)


def is_(name: str, value: str) -> NetTest:
    """Test that a fact has a value."""
    return NetTest(name, value)


def within(name: str, **bounds: Any) -> NetTest:
    """Test that a number lies in a span."""
    return NetTest(name, span=Span(**bounds))


def rule(source: str, *tests: NetTest) -> NetRule:
    """Return a rule that says that it fired."""
    return NetRule(source, tests, NetFact("fired", source))


def fired(ruleset: RuleSet, facts: Sequence[NetFact]) -> list[str]:
    """Run once and return the rules that fired, sorted."""
    return sorted(firing.rule.source for firing in ruleset.run(facts))


STALE_MEMORY = {"MALLOC_PERTURB_": "85", "MallocPreScribble": "1", "MallocScribble": "1"}
"""Makes the C library hand out memory that is not zero, as it is in a process that has run for long."""


def program(module: str, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a module of the tests in a new process, in which new memory is never zero."""
    return subprocess.run(
        # Python warns of forks beside threads, which is what some of these programs are about.
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", f"tests.engine.{module}", *arguments],
        cwd=ROOT,
        env=os.environ | STALE_MEMORY,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def how_it_ended(process: subprocess.CompletedProcess[str]) -> str:
    """Return the signal that ended a process, or its last line of output."""
    if process.returncode < 0:
        return signal.Signals(-process.returncode).name
    lines = (process.stdout + process.stderr).strip().splitlines()
    return lines[-1] if lines else f"silent, code {process.returncode}"


def patients(number: int, options: Iterable[str], *, seed: int = 7) -> list[dict[str, Any]]:
    """Return records of patients with HCC, most of them nearly complete, always the same ones for a seed."""
    draw = random.Random(seed)
    drugs = sorted(options)
    choices: dict[str, list[Any]] = {
        "bclc_stage": ["0", "A", "B", "C", "C", "D"],
        "child_pugh_class": ["A", "A", "B", "C"],
        "ecog": [0, 0, 1, 2, 3],
        "afp_ng_ml": [3, 399.9, 400, 401, 1e5],
        "portal_vein_invasion": ["none", "branch", "main", "unspecified"],
        "extrahepatic_spread": [True, False],
        "varices": ["none", "treated", "untreated", "unspecified"],
        "bilirubin_umol_l": [8.5, 34.2, 51.3, 90],
        "albumin_g_l": [24, 28, 35, 41.5],
        "etiology": [["hbv"], ["hcv", "alcohol"], ["masld"], []],
        "region": ["us", "eu", "china", "japan", "other"],
        "autoimmune_disease": [True, False, False],
        "cirrhosis": [True, False],
    }
    records = []
    for _ in range(number):
        record = {name: draw.choice(values) for name, values in choices.items() if draw.random() < 0.85}
        lines = [f"{draw.choice(drugs)}:{draw.choice(OUTCOMES[:3])}" for _ in range(draw.choice([0, 0, 1, 1, 2]))]
        record |= {"prior_systemic": lines} if draw.random() < 0.95 else {}
        records.append(record)
    return records
