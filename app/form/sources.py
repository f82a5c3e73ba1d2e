"""What stands behind a statement: trials, claims of the reviews by line, and where sources disagree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from form.wording import cited, plain
from hcc_decide.browse.results import measure_text
from hcc_decide.decision import Evidence, Notice, SourceConflict
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.schema_sources import Endpoint, Trial
from hcc_decide.render import evidence_word

DIRECTIONS: Mapping[str, str] = {
    "supports": "thumb_up",
    "against": "thumb_down",
    "mixed": "thumbs_up_down",
    "ongoing": "pending",
}
"""The sign of each way in which a trial can point."""

_PARTS: Mapping[str, str] = {
    "arms": "arms and doses",
    "arm_value": "result of the treated arm",
    "ci": "interval",
    "control_value": "result of the control arm",
    "doi": "DOI",
    "enrolled": "number of patients",
    "hr": "hazard ratio",
    "journal": "journal",
    "p": "P value",
    "pmid": "PubMed number",
    "primary_endpoint_met": "whether the primary endpoint was met",
    "settings": "setting",
}
"""Parts of a trial's file whose names are not words as they stand."""

_SHOWN_ELSEWHERE = ("citation", "citation.doi", "nct")
"""Parts that are marked where they stand."""

_NUMBERED = re.compile(r"(?P<part>\w+)\[(?P<number>\d+)\]")


def claims(names: Iterable[str]) -> str:
    """Write claim ids in small print, nothing when there are none."""
    found = ", ".join(names)
    return f" :small[:gray[{plain(found)}]]" if found else ""


def unverified_text(item: Evidence, knowledge: Knowledge) -> str:
    """Say which parts of a trial's entry no retrieved publication confirmed; empty when there are none."""
    trial = knowledge.trials.get(item.trial)
    found: dict[str, list[str]] = {}
    for name in item.unverified:
        if name not in _SHOWN_ELSEWHERE:
            whole, part = _named(name, trial)
            found.setdefault(whole, []).extend([part] if part else [])
    texts = [f"{whole}: {', '.join(parts)}" if parts else whole for whole, parts in found.items()]
    return "; ".join(sorted(texts, key=lambda text: text.startswith("citation")))


def _named(name: str, trial: Trial | None) -> tuple[str, str]:
    """Return the part of a trial's file that a path names, and the part of that part."""
    whole, _, rest = name.partition(".")
    numbered = _NUMBERED.fullmatch(whole)
    if numbered is not None:
        return f"{numbered['part']}, result {numbered['number']}", ""
    if whole == "endpoints" and trial is not None:
        end_id, _, part = rest.partition(".")
        end = next((item for item in trial.endpoints if item.id == end_id), None)
        return (_endpoint(end, trial) if end else "an endpoint"), _word(part)
    return _word(whole), _word(rest)


def _endpoint(end: Endpoint, trial: Trial) -> str:
    """Name an endpoint, with its analysis or arm where the trial has several of that measure."""
    alike = [item for item in trial.endpoints if item.measure == end.measure]
    if len(alike) == 1:
        return measure_text(end.measure)
    told = end.analysis or end.arm.replace("-", " ")
    return f"{measure_text(end.measure)} ({told})"


def _word(name: str) -> str:
    return _PARTS.get(name, name.replace("_", " "))


def trial_line(item: Evidence, knowledge: Knowledge) -> str:
    """Write one trial: which way it points, what it found, where it is published, and what is not verified."""
    word = evidence_word(item)
    rest = unverified_text(item, knowledge)
    mark = f"  \n:orange[:material/help:] Not verified in a publication: {plain(rest)}" if rest else ""
    return f"**{plain(item.name)}** :material/{DIRECTIONS[word]}: {word}: {plain(item.summary)}  \n{cited(item)}{mark}"


def conflict_text(item: SourceConflict) -> str:
    """Write what sources say differently, the value used and why."""
    values = "".join(f"\n    - {plain(value.source)}: {plain(value.value)}" for value in item.values)
    return (
        f"- **{plain(item.about.rstrip('.'))}**{values}\n"
        f"    - :material/check: **Used:** {plain(item.used)} **Why:** {plain(item.why)}"
    )


def later_text(notices: Iterable[Notice]) -> str:
    """Write what happened after the edition's cut-off, one event to a line."""
    return "  \n".join(plain(notice.text) for notice in notices)


def conflicts_in_short(conflicts: Iterable[SourceConflict]) -> str:
    """Name what sources disagree about, one point to a line."""
    return "  \n".join(plain(conflict.about.rstrip(".")) for conflict in conflicts)


def trials_text(evidence: Iterable[Evidence], knowledge: Knowledge) -> str:
    """Write trials one below the other, for a cell of a table."""
    return "  \n".join(trial_line(item, knowledge) for item in evidence)


def without_empty_columns(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Leave out the columns of a table in which no row has anything, so that the others have room."""
    used = [name for name in (rows[0] if rows else {}) if any(row[name] for row in rows)]
    return [{name: row[name] for name in used} for row in rows]


def passages(names: Iterable[str], knowledge: Knowledge) -> list[dict[str, str]]:
    """Return a table of what the reviews say under some claims, by line."""
    rows = []
    for name in dict.fromkeys(names):
        claim = knowledge.claims.get(name)
        if claim is not None:
            first, last = claim.lines
            references = f"; its references {', '.join(map(str, claim.references))}" if claim.references else ""
            where = f"review {knowledge.claim_reviews[claim.id]}, lines {first} to {last}, {claim.section}{references}"
            rows.append(
                {
                    "Claim": f"**{claim.id}**: {plain(where)}",
                    "What the review says": plain(claim.statement),
                    "Remark": plain(claim.remark or ""),
                }
            )
    return without_empty_columns(rows)
