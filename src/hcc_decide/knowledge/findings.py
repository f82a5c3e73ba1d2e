"""What can be wrong with a rule base, each with a stable code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CODES: dict[str, str] = {
    "K01": "the file cannot be read as a document",
    "K02": "the file does not have the expected shape",
    "K03": "a condition does not fit the vocabulary",
    "K04": "a trial, endpoint or arm that is cited does not exist",
    "K05": "a claim that is cited does not exist",
    "K06": "an id is used twice, or the file's name is not its id",
    "K07": "a derived fact depends on itself, or is derived twice or not at all",
    "K08": "an option lacks an indication",
    "K09": "two indications of one option do not exclude each other",
    "K10": "an option, class or indication that is named does not exist",
    "K11": "a rule outgrows what the rule engine does safely",
    "K12": "the vocabulary and the patient record disagree",
    "K13": "a rule is attached to an indication on which it can have no effect",
    "K14": "an option could be offered again after it failed",
    "K15": "a rule lacks a case that fires it, a near miss or an unknown, or a case contradicts it",
    "K16": "a claim is neither encoded nor listed with a reason, or it is both",
    "K17": "a text could show for the wrong tumour",
    "K18": "a verdict does not fit its evidence level",
    "K19": "a trial's status does not fit what its file says",
    "K20": "a figure stands in no source that is cited for it",
}


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, where, and what to do.

    Attributes:
        file: path below ``rules/``.
        line: counted from 1.
        code: one of ``CODES``.
        key: the place inside the file, for example ``include[1].when``.
        message: one sentence.
    """

    file: str
    line: int
    code: str
    key: str
    message: str

    def __str__(self) -> str:
        """Format as one line."""
        where = f" {self.key}:" if self.key else ""
        return f"{self.file}:{self.line}: {self.code}{where} {self.message}"


class KnowledgeError(ValueError):
    """A rule base that must not be used.

    Attributes:
        findings: everything found, in order of file and line.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        """Keep the findings, each once."""
        self.findings = tuple(sorted(set(findings)))
        super().__init__("\n".join(map(str, self.findings)))
