"""A small rule base of real files, and damaged files of every kind put into it. As a program: all of them, with a report."""

from __future__ import annotations

import atexit
import copy
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from hcc_decide import documents
from hcc_decide.knowledge import files
from hcc_decide.knowledge.findings import CODES
from hcc_decide.knowledge.load import inspect_knowledge
from hcc_decide.patient import Patient
from tests.conftest import ROOT
from tests.hostile.damage import as_yaml, damaged_bytes, damaged_value, holders
from tests.hostile.watch import Input, main

RULES = ROOT / "rules"
SHARED = 150_000
"""Bytes of the sound files beside a damaged one, for the work that a rule base may cost."""

CLAIM = re.compile(r"\b[A-Z]{2,4}-\d{3}\b")

WHOLE = (
    "knowledge.yaml",
    "vocabulary.yaml",
    "notices.yaml",
    *(f"staging/{path.name}" for path in sorted((RULES / "staging").glob("*.yaml"))),
    "options/icaritin.yaml",
    "options/erlotinib.yaml",
    "options/ablation.yaml",
    "vignettes/supportive-ecog-3.yaml",
    "vignettes/curative-ablation-very-early.yaml",
)
"""Real files that are taken whole."""

PARTS = {"conflicts.yaml": 3, "sequences.yaml": 2}
"""Real files of which the first items are taken."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "knowledge": ("knowledge.yaml",),
    "vocabulary": ("vocabulary.yaml",),
    "notices": ("notices.yaml",),
    "conflicts": ("conflicts.yaml",),
    "sequences": ("sequences.yaml",),
    "staging": tuple(name for name in WHOLE if name.startswith("staging/")),
    "option": tuple(name for name in WHOLE if name.startswith("options/")),
    "vignette": tuple(name for name in WHOLE if name.startswith("vignettes/")),
    "trial": ("trials/icaritin-phase3.yaml", "trials/search.yaml", "trials/storm.yaml"),
    "claims": ("claims/all.yaml",),
}

STUB = """\
id: {id}
name: A stand-in for {id}
kind: procedure
drugs: []
classes: []
targets: []
regimen: {{text: once}}
indications:
  - id: adjuvant
    text: after resection
    settings: [adjuvant]
    verdict: not_recommended
    evidence_level: 2
    provenance: review
    claims: [{claim}]
rationale: Stands for an option that files of this rule base name.
review: {{status: draft}}
"""

FOREIGN: Mapping[str, Any] = {
    "id": "Not An Id",
    "when": {"ecog": {"at_least": 2}},
    "when_any": [{"ecog": {"at_most": 1}}, {"child_pugh_class": "A"}],
    "only": {"bclc_stage": "A"},
    "for": ["nowhere"],
    "claims": ["ZZZ-999", 7, [1], {"a": 1}],
    "trials": [["a"], None],
    "settings": ["first_line", "first_line"],
    "ecog": {"at_least": 1e301},
    "child_pugh_class": {"none_of": ["A", "B", "C"]},
    "etiology": {"any_of": ["hbv"], "none_of": ["hbv"]},
    "bclc_stage": "A",
    "prior_option": {"all_of": ["sorafenib"] * 3},
    "evidence_level": 99,
    "values": {"a": "b", "1": 2},
    "kind": "number",
    "source": "derived",
    "members": "classes",
    "per": "options",
    "range": {"at_least": -1e999, "above": 3},
    "fact": "bclc_stage",
    "value": 1.5,
    "effect": {"trial": "nowhere", "endpoint": "os"},
    "means": ["a", "b"],
}
"""What stands in some file of a rule base, put into another place."""


def build(folder: Path) -> None:
    """Write the small rule base: real files, the trials and claims that they cite, and stand-ins for options they name."""
    for name in WHOLE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(RULES / name, folder / name)
    for name, count in PARTS.items():
        (folder / name).write_text(_first_items((RULES / name).read_text("utf-8"), count), "utf-8")
    for name in KINDS["trial"]:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(RULES / name, folder / name)
    # A trial can name an option, and an option a trial, so it goes round until nothing is missing.
    while missing := list(_named_and_missing(folder)):
        for kind, name in missing:
            if kind == "trials":
                shutil.copy(RULES / kind / f"{name}.yaml", folder / kind / f"{name}.yaml")
            else:
                (folder / kind / f"{name}.yaml").write_text(STUB.format(id=name, claim="SYS-001"), "utf-8")
    cited = {claim for path in folder.rglob("*.yaml") for claim in CLAIM.findall(path.read_text("utf-8"))}
    (folder / "claims").mkdir()
    (folder / "claims" / "all.yaml").write_text(_claims(cited), "utf-8")


def _named_and_missing(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the trials and options, each with its kind, that some file names and that the folder does not have."""
    values: set[str] = set()
    pending: list[Any] = [documents.read(path).data for path in folder.rglob("*.yaml")]
    while pending:
        current = pending.pop()
        if isinstance(current, str):
            values.add(current)
        elif isinstance(current, (dict, list)):
            pending.extend(current.values() if isinstance(current, dict) else current)
    for kind in ("trials", "options"):
        for path in sorted((RULES / kind).glob("*.yaml")):
            if path.stem in values and not (folder / kind / path.name).exists():
                yield kind, path.stem


def _first_items(text: str, count: int) -> str:
    """Return a file of one long list with the first of its items."""
    starts = [found.start() for found in re.finditer(r"^  - id: ", text, re.MULTILINE)]
    return text[: starts[count]]


def _claims(wanted: set[str]) -> str:
    """Return the real claims of these ids, in one file."""
    parts = []
    for path in sorted((RULES / "claims").glob("*.yaml")):
        for part in re.split(r"^(?=  - id: )", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            found = CLAIM.search(part)
            if found is not None and found[0] in wanted:
                parts.append(part if part.endswith("\n") else f"{part}\n")
    return 'review: "000"\nclaims:\n' + "".join(parts)


def damaged_file(kind: str, seed: int) -> tuple[str, bytes]:
    """Return the name of a file of a kind, and its damaged content; the same for each seed."""
    draw = random.Random(f"{kind} {seed}")
    name = draw.choice(KINDS[kind])
    content = (_sound() / name).read_bytes()
    way = seed % 5
    if way == 0:
        return name, damaged_bytes(content, draw)
    data = documents.parse(content).data
    if way == 1:
        for _ in range(2):
            data = _aimed(data, draw)
        return name, as_yaml(data)
    return name, as_yaml(damaged_value(data, draw, FOREIGN))


def _aimed(data: Any, draw: random.Random) -> Any:
    """Damage a document where its meaning is: what it names, compares with or limits, and how much of it there is."""
    spots = [
        (holder, key)
        for holder in holders(data)
        for key in (holder if isinstance(holder, dict) else range(len(holder)))
    ]
    named = [(holder, key) for holder, key in spots if key in FOREIGN]
    holder, key = draw.choice(named or spots)
    value = holder[key]
    match draw.randrange(4):
        case 0 if isinstance(value, list) and value:
            holder[key] = [copy.deepcopy(draw.choice(value)) for _ in range(draw.choice((30, 60)))]
        case 1 if isinstance(value, dict):
            holder[key] = {f"{name}-{number}": item for number in range(30) for name, item in value.items()}
        case 2:
            other, name = draw.choice(named or spots)
            holder[key] = copy.deepcopy(other[name])
        case _:
            holder[key] = copy.deepcopy(FOREIGN.get(key, FOREIGN["when"]) if isinstance(key, str) else "x")
    return data


@cache
def _sound() -> Path:
    """Return the folder of the small rule base; each process has one, and takes it away at its end."""
    folder = Path(tempfile.mkdtemp(prefix="hcc-decide-rules-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    build(folder)
    return folder


@contextmanager
def damaged(name: str, content: bytes) -> Iterator[Path]:
    """Put a damaged file into the small rule base for a while; yields its folder."""
    file = _sound() / name
    before = file.read_bytes()
    file.write_bytes(content)
    try:
        yield _sound()
    finally:
        file.write_bytes(before)


@contextmanager
def sound_parts_read_once() -> Iterator[None]:
    """Let what hundreds of rule bases share be worked out once: the sound files, and the schema of the patient record."""
    known = {content: documents.parse(content) for content in (path.read_bytes() for path in _sound().rglob("*.yaml"))}
    schema = Patient.model_json_schema()

    def read(source: Path) -> documents.Document:
        content = documents.read_bytes(source)
        return known[content] if content in known else documents.parse(content)

    with mock.patch.object(files, "read", read), mock.patch.object(Patient, "model_json_schema", return_value=schema):
        yield


def inspected(folder: Path) -> tuple[str, list[str]]:
    """Inspect a rule base; return whether it is sound or refused, and the findings, each with its parts checked."""
    knowledge, findings = inspect_knowledge(folder)
    for finding in findings:
        assert finding.code in CODES, finding
        assert finding.line >= 1, finding
        assert finding.file.endswith((".yaml", ".yml")), finding
        assert finding.message, finding
    if not findings:
        assert knowledge is not None
        return "sound", []
    return "refused", [str(finding) for finding in findings[:200]]


def tried(name: str, content: bytes) -> Callable[[], tuple[str, list[str]]]:
    """Return what puts one damaged file into the small rule base and inspects it."""

    def work() -> tuple[str, list[str]]:
        with damaged(name, content) as folder:
            return inspected(folder)

    return work


def inputs(count: int) -> Iterator[Input]:
    """Yield that many damaged files, of all kinds in turn."""
    kinds = list(KINDS)
    for number in range(count):
        kind, seed = kinds[number % len(kinds)], number // len(kinds)
        name, content = damaged_file(kind, seed)
        yield kind, seed, len(content) + SHARED, tried(name, content)


if __name__ == "__main__":
    with sound_parts_read_once():
        main(inputs(int(sys.argv[1])), every=7)
