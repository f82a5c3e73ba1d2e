"""Reading every file under ``rules/`` into its model, with a finding for each thing that is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from hcc_decide.documents import Document, DocumentError, Path_, read, read_bytes
from hcc_decide.knowledge.findings import Finding
from hcc_decide.knowledge.schema import Manifest, NoticeFile, OptionFile, Staging, Vocabulary
from hcc_decide.knowledge.schema_sources import ClaimFile, ConflictFile, SequenceFile, Trial, Vignette
from hcc_decide.refusals import one_line, shown

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Source(Generic[Model]):
    """One file: its name below ``rules/``, its text positions and its model."""

    file: str
    document: Document
    body: Model

    def finding(self, code: str, path: Path_, message: str) -> Finding:
        """Return a finding at ``path`` inside this file."""
        return _finding(self.file, self.document.place(path).line, code, path, message)


@dataclass
class RawKnowledge:
    """Every file that could be read, and what was wrong with the others."""

    manifest: Source[Manifest] | None = None
    vocabulary: Source[Vocabulary] | None = None
    notices: Source[NoticeFile] | None = None
    staging: list[Source[Staging]] = field(default_factory=list)
    options: list[Source[OptionFile]] = field(default_factory=list)
    trials: list[Source[Trial]] = field(default_factory=list)
    claims: list[Source[ClaimFile]] = field(default_factory=list)
    vignettes: list[Source[Vignette]] = field(default_factory=list)
    conflicts: Source[ConflictFile] | None = None
    sequences: Source[SequenceFile] | None = None
    findings: list[Finding] = field(default_factory=list)
    sha256: str = ""


KINDS = ("staging", "options", "trials", "claims", "vignettes")
SINGLE_FILES = ("knowledge.yaml", "vocabulary.yaml", "notices.yaml", "conflicts.yaml", "sequences.yaml")
SURVIVORS = "survivors.yaml"
"""What `hcc_decide.mutation` reads; it holds no knowledge."""
EXCEPTIONS = "exceptions.yaml"
"""What `hcc_decide.verify` reads; it holds no knowledge."""
SYNTHETIC = "synthetic.yaml"
"""What `hcc_decide.knowledge.synthetic_checks` reads; no decision needs it."""


_KEY_LENGTH = 120
_MESSAGE_LENGTH = 600
_MOST_FINDINGS = 100
"""About the shape of one file; nobody reads more."""


def _finding(file: str, line: int, code: str, path: Path_, message: str) -> Finding:
    """Return a finding that is one short line, whatever a file and the keys in it are called."""
    named = one_line(file, _KEY_LENGTH), line, code, one_line(dotted(path), _KEY_LENGTH)
    return Finding(*named, one_line(message, _MESSAGE_LENGTH))


def dotted(path: Path_) -> str:
    """Write a path as a rule author reads it: ``include[1].when``."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else ("." if text else "") + str(part)
    return text


def read_files(folder: Path) -> RawKnowledge:
    """Read every knowledge file below ``folder``; nothing is raised, findings say what failed."""
    raw = RawKnowledge(sha256=fingerprint(folder))
    raw.manifest = _single(raw, folder, "knowledge.yaml", Manifest)
    raw.vocabulary = _single(raw, folder, "vocabulary.yaml", Vocabulary)
    raw.notices = _single(raw, folder, "notices.yaml", NoticeFile)
    raw.staging = list(_each(raw, folder, "staging", Staging))
    raw.options = list(_each(raw, folder, "options", OptionFile))
    raw.trials = list(_each(raw, folder, "trials", Trial))
    raw.claims = list(_each(raw, folder, "claims", ClaimFile))
    raw.vignettes = list(_each(raw, folder, "vignettes", Vignette))
    # A rule base without known conflicts or sequences is a small one, not a broken one.
    if (folder / "conflicts.yaml").exists():
        raw.conflicts = _single(raw, folder, "conflicts.yaml", ConflictFile)
    if (folder / "sequences.yaml").exists():
        raw.sequences = _single(raw, folder, "sequences.yaml", SequenceFile)
    raw.findings += _strays(folder)
    return raw


def read_file(folder: Path, name: str, model: type[Model]) -> tuple[Source[Model] | None, list[Finding]]:
    """Read one file below ``folder`` into a model; it is ``None`` when the findings say why it cannot be."""
    raw = RawKnowledge()
    return _single(raw, folder, name, model), raw.findings


def _strays(folder: Path) -> Iterator[Finding]:
    """Find files that look like knowledge and would never be read."""
    known = (*SINGLE_FILES, SURVIVORS, EXCEPTIONS, SYNTHETIC)
    for path in sorted(folder.rglob("*.y*ml")):
        name = path.relative_to(folder)
        read_here = (len(name.parts) == 2 and name.parts[0] in KINDS) or name.as_posix() in known
        if path.suffix != ".yaml" or not read_here:
            message = "the file would not be read; files end in .yaml and stand in their kind's folder"
            yield _finding(name.as_posix(), 1, "K01", (), message)


def fingerprint(folder: Path) -> str:
    """Return the sha256 over names and contents of all YAML files below ``folder``, without those that cannot be read."""
    digest = hashlib.sha256()
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.yaml") if path.is_file()}
    for place, path in sorted(found.items()):
        name = place.encode(errors="surrogateescape")
        try:
            content = read_bytes(path).replace(b"\r\n", b"\n")
        except DocumentError:
            continue  # a finding (K01), so that nothing is ever decided under this stamp
        digest.update(b"%d %s %d " % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()


def _single(raw: RawKnowledge, folder: Path, name: str, model: type[Model]) -> Source[Model] | None:
    return _read(raw, folder, folder / name, model)


def _each(raw: RawKnowledge, folder: Path, kind: str, model: type[Model]) -> Iterator[Source[Model]]:
    for path in sorted((folder / kind).glob("*.yaml")):
        source = _read(raw, folder, path, model)
        if source is not None:
            yield source


def _read(raw: RawKnowledge, folder: Path, path: Path, model: type[Model]) -> Source[Model] | None:
    file = path.relative_to(folder).as_posix()
    if path.exists() and not (path.is_file() or path.is_dir()):
        # Reading a pipe would wait for ever.
        raw.findings.append(_finding(file, 1, "K01", (), "the file is no plain file"))
        return None
    try:
        document = read(path)
    except DocumentError as error:
        raw.findings.append(_finding(file, 1, "K01", (), f"the file {error}"))
        return None
    try:
        return Source(file, document, model.model_validate(document.data))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        for problem in problems[:_MOST_FINDINGS]:
            # Python writes `for_`; the file says `for`.
            location = tuple("for" if part == "for_" else part for part in problem["loc"])
            message = {
                "extra_forbidden": "is not a key of this file; see rules/README.md for the shape",
                "missing": "is missing",
            }.get(problem["type"], f"{problem['msg'][0].lower()}{problem['msg'][1:]}; found {shown(problem['input'])}")
            raw.findings.append(_finding(file, document.place(location).line, "K02", location, message))
        if len(problems) > _MOST_FINDINGS:
            message = f"{len(problems) - _MOST_FINDINGS} more things in this file are wrong"
            raw.findings.append(_finding(file, 1, "K02", (), message))
        return None
