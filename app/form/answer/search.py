"""Finding an option by what people call it, by a drug in it, by a trial, or by why it stands where it stands."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from hcc_decide.decision import Excluded, Option
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import facts_text

_DASHES = str.maketrans(dict.fromkeys("‐‑–—", "-"))  # noqa: RUF001


def words_of(typed: str | None) -> list[str]:
    """Return the words of what somebody typed, as they are compared: without case, accents and kinds of dash."""
    return _folded(typed or "").split()


def found(item: Option | Excluded, typed: str | None, knowledge: Knowledge) -> bool:
    """Whether every word that was typed stands in an option's names, drugs or trials, or in why it is excluded.

    Nothing typed finds every option.
    """
    words = words_of(typed)
    if not words:
        return True
    text = _folded("\n".join(_texts(item, knowledge)))
    return all(word in text for word in words)


def _texts(item: Option | Excluded, knowledge: Knowledge) -> Iterator[str]:
    body = knowledge.options[item.id].body
    yield from (item.id, item.name, *item.aliases, *body.drugs)
    for trial in item.evidence:
        yield from (trial.name, trial.trial, trial.nct or "")
    if isinstance(item, Excluded):
        yield from (item.reason, item.verdict.replace("_", " "))
        for criterion in item.criteria:
            yield facts_text(knowledge, criterion.facts)


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text).translate(_DASHES)
    return "".join(char for char in apart if not unicodedata.combining(char)).casefold()
