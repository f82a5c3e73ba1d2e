"""What a clinician has looked at and let stand: the reviewed exceptions from the theorems, in one file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from hcc_decide.documents import DocumentError, read
from hcc_decide.knowledge.files import EXCEPTIONS, dotted
from hcc_decide.knowledge.schema import Strict, Text
from hcc_decide.verify.results import THEOREMS, Failure


class ExceptionsError(ValueError):
    """The file of exceptions cannot be used. The message is one line per problem."""


class Reviewed(Strict):
    """One reason for which a theorem does not hold of some subjects.

    Attributes:
        theorem: name of the theorem.
        subjects: the rules, options or facts, as the proof names them.
        reason: why it is meant so.
        claims: what the reviews say to it, where they do.
    """

    theorem: Text
    subjects: Annotated[list[Text], Field(min_length=1)]
    reason: Text
    claims: list[Text] = Field(default_factory=list)


class Change(Strict):
    """What being worse off may do to the setting.

    Attributes:
        fact: the fact that is worse.
        changes: each setting with those that it may become.
        reason: by what rule.
    """

    fact: Text
    changes: dict[Text, list[Text]]
    reason: Text
    claims: list[Text] = Field(default_factory=list)


class Exceptions(Strict):
    """``exceptions.yaml``."""

    exceptions: list[Reviewed] = Field(default_factory=list)
    settings_when_worse: list[Change] = Field(default_factory=list)

    def subjects(self) -> frozenset[tuple[str, str]]:
        """Return theorem and subject of every reviewed failure."""
        return frozenset((item.theorem, subject) for item in self.exceptions for subject in item.subjects)

    def transitions(self) -> dict[str, list[tuple[str, str]]]:
        """Return every expected change of setting by the fact that is worse."""
        return {
            change.fact: [(one, two) for one, others in change.changes.items() for two in others]
            for change in self.settings_when_worse
        }


@dataclass(frozen=True)
class Judgement:
    """What is left of failures once the reviewed ones are taken out.

    Attributes:
        open: failures that nobody has reviewed.
        reviewed: failures with the reason for which they stand.
        stale: exceptions, as theorem and subject, that nothing failed for.
    """

    open: tuple[Failure, ...]
    reviewed: tuple[tuple[Failure, str], ...]
    stale: tuple[tuple[str, str], ...]


def read_exceptions(folder: Path) -> Exceptions:
    """Read the exceptions of a rule base; one without the file has none.

    Raises:
        ExceptionsError: the file cannot be read, or names a theorem that there is not.
    """
    path = folder / EXCEPTIONS
    if not path.exists():
        return Exceptions()
    try:
        document = read(path)
        found = Exceptions.model_validate(document.data)
    except DocumentError as error:
        raise ExceptionsError(f"{EXCEPTIONS}: {error}") from None
    except ValidationError as error:
        lines = [
            f"{EXCEPTIONS}:{document.place(item['loc']).line}: {dotted(item['loc'])} {item['msg']}"
            for item in error.errors()
        ]
        raise ExceptionsError("\n".join(lines)) from None
    unknown = [item.theorem for item in found.exceptions if item.theorem not in THEOREMS]
    if unknown:
        raise ExceptionsError(
            f"{EXCEPTIONS}: no theorem is called {', '.join(unknown)}; allowed are {', '.join(THEOREMS)}"
        )
    return found


def judge_failures(failures: Iterable[Failure], exceptions: Exceptions, *, whole: bool) -> Judgement:
    """Tell reviewed failures from open ones.

    Args:
        failures: what the proofs found.
        exceptions: what was reviewed.
        whole: whether everything was proved, so that an exception that nothing failed for is stale.
    """
    reasons = {(item.theorem, subject): item.reason for item in exceptions.exceptions for subject in item.subjects}
    found = list(failures)
    failed = {(item.theorem, item.subject) for item in found}
    return Judgement(
        open=tuple(item for item in found if (item.theorem, item.subject) not in reasons),
        reviewed=tuple(
            (item, reasons[item.theorem, item.subject]) for item in found if (item.theorem, item.subject) in reasons
        ),
        stale=tuple(key for key in reasons if whole and key not in failed),
    )
