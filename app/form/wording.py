"""Words and signs: how values, verdicts and sources are written on the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from form.state import choice_label
from hcc_decide.decision import Criterion, Evidence, Value, Verdict
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import fact_of
from hcc_decide.knowledge.labels import fact_label
from hcc_decide.knowledge.schema import Fact
from hcc_decide.render import result_text, word

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
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$&]|:(?=\w)")


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


def option_name(knowledge: Knowledge, option: str) -> str:
    """Return the name of an option."""
    return knowledge.options[option].body.name if option in knowledge.options else option


def value_text(fact: Fact | None, value: Value) -> str:
    """Write a value with its label and unit."""
    if fact is None or value is None or isinstance(value, bool):
        return word(value)
    if isinstance(value, list):
        return ", ".join(choice_label(fact, item) for item in value) or "none"
    if isinstance(value, (int, float)) and fact.kind in ("integer", "number"):
        return f"{value:g} {fact.unit or ''}".strip()
    token = str(value)
    return token if len(token) == 1 else choice_label(fact, token) if fact.values else word(value)


def facts_text(knowledge: Knowledge, facts: Mapping[str, Value]) -> str:
    """Write the patient's own values behind a statement."""
    known = knowledge.vocabulary.facts
    pairs = (
        f"{fact_label(knowledge, name)}: {value_text(known.get(fact_of(name)), value)}" for name, value in facts.items()
    )
    return plain("; ".join(pairs))


def source(item: Evidence) -> str:
    """Write the citation of a trial with its links, marking what has not been verified."""
    parts = [plain(item.citation) + _mark(item, "citation")]
    if item.doi:
        parts.append(f"[doi:{plain(item.doi)}](https://doi.org/{_address(item.doi)}){_mark(item, 'citation.doi')}")
    if item.nct:
        parts.append(f"[{item.nct}](https://clinicaltrials.gov/study/{item.nct}){_mark(item, 'nct')}")
    rest = [name for name in item.unverified if name not in ("citation", "citation.doi", "nct")]
    if rest:
        named = ", ".join(rest).replace("_", " ").replace(".", " ")
        parts.append(f":orange[:material/help:] not verified: {plain(named)}")
    return " · ".join(parts)


def _mark(item: Evidence, part: str) -> str:
    return " (not verified)" if part in item.unverified else ""


def _address(doi: str) -> str:
    # Old identifiers hold brackets, which would end the link.
    return quote(doi, safe="/:;")
