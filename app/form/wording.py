"""Words and signs: how values, verdicts and sources are written on the page."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Protocol
from urllib.parse import quote

from hcc_decide.decision import Criterion, Evidence, Value, Verdict
from hcc_decide.knowledge import labels
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.render import result_text

_SIGNS: Mapping[Verdict, tuple[str, str]] = {
    "preferred": ("star", "green"),
    "recommended": ("check_circle", "green"),
    "alternative": ("alt_route", "blue"),
    "investigational": ("science", "violet"),
    "undetermined": ("help", "orange"),
    "not_recommended": ("thumb_down", "red"),
    "ineligible": ("block", "red"),
    "not_applicable": ("remove_circle", "gray"),
}
_RESULT_SIGNS = {"met": ("check", "green"), "not_met": ("close", "red"), "unknown": ("help", "orange")}
_MARKUP = re.compile(
    r"[\\`*_{}\[\]<>#|~$&@]|:(?=[\w/])|(?<=\bwww)\.|^[-+=](?=[\s=-])|(?<=^\d)[.)](?=\s)|(?<=^\d\d)[.)](?=\s)"
)


class Cited(Protocol):
    """Anything that names its publication and its registry number, and says which of them are not verified."""

    @property
    def citation(self) -> str:
        """The citation in one line."""
        ...

    @property
    def doi(self) -> str | None:
        """The identifier of the publication."""
        ...

    @property
    def nct(self) -> str | None:
        """The registry number."""
        ...

    @property
    def unverified(self) -> Collection[str]:
        """Names of what is not verified, as trial files write them."""
        ...


def plain(text: str) -> str:
    """Escape text so that the page shows it as it is, whatever Markdown it looks like."""
    return _MARKUP.sub(lambda found: "\\" + found.group(), " ".join(text.split()))


def badge(verdict: Verdict) -> str:
    """Write a verdict as a sign and a word; the colour only repeats them."""
    icon, colour = _SIGNS[verdict]
    return f":{colour}-badge[:material/{icon}: {verdict.replace('_', ' ')}]"


def result(item: Criterion) -> str:
    """Write what a criterion found as a sign and words."""
    icon, colour = _RESULT_SIGNS[item.result]
    if item.kind == "reservation" and item.result == "not_met":
        icon, colour = "priority_high", "orange"
    return f":{colour}[:material/{icon}:] {result_text(item)}"


def facts_text(knowledge: Knowledge, facts: Mapping[str, Value]) -> str:
    """Write the patient's own values behind a statement, each with its label."""
    return plain(labels.facts_text(knowledge, facts))


def source(item: Evidence) -> str:
    """Write the citation of a trial with its links, marking what has not been verified."""
    parts = [cited(item)]
    rest = [name for name in item.unverified if name not in ("citation", "citation.doi", "nct")]
    if rest:
        named = ", ".join(rest).replace("_", " ").replace(".", " ")
        parts.append(f":orange[:material/help:] not verified: {plain(named)}")
    return " · ".join(parts)


def cited(item: Cited) -> str:
    """Write the citation of a trial with links to the publication and the registry, each marked when not verified."""
    parts = [plain(item.citation) + _mark(item, "citation")]
    if item.doi:
        parts.append(f"[doi:{plain(item.doi)}](https://doi.org/{_address(item.doi)}){_mark(item, 'citation.doi')}")
    if item.nct:
        parts.append(f"[{item.nct}](https://clinicaltrials.gov/study/{item.nct}){_mark(item, 'nct')}")
    return " · ".join(parts)


def _mark(item: Cited, part: str) -> str:
    return " (not verified)" if part in item.unverified else ""


def _address(doi: str) -> str:
    # Old identifiers hold brackets, which would end the link.
    return quote(doi, safe="/:;")
