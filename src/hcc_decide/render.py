"""Decisions and explanations as text for the terminal and as Markdown. The same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from hcc_decide.decision import (
    Caution,
    Criterion,
    Decision,
    Evidence,
    Excluded,
    Missing,
    Notice,
    Option,
    Preference,
    SourceConflict,
    Value,
)
from hcc_decide.lines import WIDTH, Line, heading, wrap
from hcc_decide.worth.words import could_change

if TYPE_CHECKING:  # the form renders decisions without loading the engine
    from hcc_decide.explain import Explanation, JudgedIndication

MARKS = {"met": "[x]", "not_met": "[ ]", "unknown": "[?]"}
SIGNS = {"favours": "+", "disfavours": "-", "noted": "·"}
_EXCLUDED_AS = {
    "not_recommended": "not recommended",
    "ineligible": "ineligible",
    "not_applicable": "for another setting",
}


def word(value: Value) -> str:
    """Write a fact's value for people."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def facts(values: Mapping[str, Value]) -> str:
    """Write facts as ``name: value`` pairs."""
    return "; ".join(f"{name}: {word(value)}" for name, value in values.items())


def result_text(item: Criterion) -> str:
    """Say what a criterion found, in words that need no colour and no tick."""
    if item.kind in ("include", "indication"):
        return {"met": "met", "not_met": "NOT met", "unknown": "not known"}[item.result]
    if item.kind == "exclude":
        return {"met": "does not apply", "not_met": "APPLIES", "unknown": "cannot be excluded"}[item.result]
    return {"met": "does not apply", "not_met": "applies", "unknown": "not known"}[item.result]


def kind_text(item: Criterion) -> str:
    """Name the kind of a criterion as boards speak."""
    return {
        "indication": "Indication",
        "include": "Needs",
        "exclude": "Exclusion",
        "reservation": "Reservation",
    }[item.kind]


def citation(item: Evidence) -> str:
    """Write a trial's citation with DOI and registry number, saying what is not verified."""
    doi = f" doi:{item.doi}" + (" (not verified)" if "citation.doi" in item.unverified else "") if item.doi else ""
    nct = f" {item.nct}" + (" (not verified)" if "nct" in item.unverified else "") if item.nct else ""
    return f"{item.citation}.{doi}{nct}"


def within_trials(item: Option) -> bool:
    """Whether only a trial could offer an option, now or once what is missing is known."""
    return "investigational" in (item.verdict, item.would_be)


def evidence_word(item: Evidence) -> str:
    """Say which way a trial points, or that it is still under way."""
    return "ongoing" if item.status == "ongoing" else item.direction


def text(decision: Decision, labels: Mapping[str, str]) -> list[Line]:
    """Return a decision as terminal text of at most 80 columns.

    Args:
        decision: the decision.
        labels: label of each setting.
    """
    stamp = decision.knowledge
    lines = wrap(
        f"hcc-decide, edition {stamp.edition}, knowledge {stamp.version}, sha256 {stamp.sha256[:16]}",
        "",
        role="dim",
    )
    setting = labels.get(decision.setting, decision.setting)
    lines += wrap(f"Setting: {setting}", "", "  ", "title")
    for item in decision.derived:
        if item.fact != "setting":
            lines += wrap(f"{item.fact} {word(item.value)}, from {', '.join(item.from_)}", "  derived: ", role="dim")
    open_outlook = [item for item in decision.options if item.would_be in ("ineligible", "not_recommended")]
    lines += _in_short(decision, open_outlook)
    lines += heading("Options")
    if len(decision.options) == len(open_outlook):
        lines += wrap("None of the catalogue comes into question. Discuss.", "  ")
    for option in decision.options:
        if option not in open_outlook:
            lines += _option_text(option)
            for notice in decision.notices:
                if notice.option == option.id:
                    lines += wrap(notice.text, "    ", "      ")
    if open_outlook:
        lines += heading("Not settled, but out of question either way")
        for option in open_outlook:
            failed = [item for item in option.criteria if item.result == "not_met" and item.kind != "reservation"]
            why = "; ".join(
                f"{kind_text(item)} {item.text} ({facts(item.facts)}): {result_text(item)}" for item in failed
            )
            lines += wrap(f"{option.name}: {why or 'the evidence for this use is negative'}", "  ", "    ")
    if decision.missing:
        lines += heading("Missing")
        for missing in decision.missing:
            lines += wrap(f"{missing.question} ({missing.fact}) {_wanted_for(missing)}", "  ? ")
    lines += heading("Excluded")
    for verdict, group in grouped(decision.excluded):
        lines += [Line(f"  {verdict.replace('_', ' ')}", "title")]
        for names, reason in by_reason(group):
            lines += wrap(f"{names}: {reason}", "    ", "      ")
    listed = {option.id for option in decision.options}
    notices = [notice for notice in decision.notices if notice.option not in listed]
    if notices:
        lines += heading("Notices")
        for notice in notices:
            lines += wrap(f"{_named(notice, decision)}{_claims(notice.claims)}", "  - ")
    lines += heading("Intended use")
    lines += wrap(decision.intended_use, "  ")
    return lines


def _in_short(decision: Decision, open_outlook: Sequence[Option]) -> list[Line]:
    """Return the ranking in a few lines: what leads by name, what needs a trial or fails by number."""
    leading: list[Line] = []
    counts: dict[str, int] = {}
    hopeless = {option.id for option in open_outlook}
    for option in decision.options:
        if option.id in hopeless:
            counts["out of question either way"] = counts.get("out of question either way", 0) + 1
        elif within_trials(option):
            counts["investigational"] = counts.get("investigational", 0) + 1
        else:
            outlook = f", would be {option.would_be}" if option.would_be else ""
            leading += wrap(f"{option.name}: {option.verdict}{outlook}", f"{option.rank:>3}  ", role=option.verdict)
    lines = heading("In short") + (leading or wrap("No option is preferred, recommended or alternative.", "  "))
    for verdict, group in grouped(decision.excluded):
        counts[_EXCLUDED_AS[verdict]] = len(group)
    rest = ", ".join(f"{number} {words}" for words, number in counts.items())
    return lines + wrap(f"{rest}.", "  Further: ", "    ", "dim") if rest else lines


def _wanted_for(missing: Missing) -> str:
    """Say what hangs on a missing fact, and what it could change where that is known."""
    worth = f"{could_change(missing.worth)}; " if missing.worth is not None else ""
    return f"{worth}would help to decide: {', '.join(missing.would_decide)}"


def _named(notice: Notice, decision: Decision) -> str:
    """Put the option's name before a notice that concerns one."""
    names = {item.id: item.name for item in decision.options} | {item.id: item.name for item in decision.excluded}
    return f"{names[notice.option]}: {notice.text}" if notice.option else notice.text


def grouped(excluded: Sequence[Excluded]) -> list[tuple[str, list[Excluded]]]:
    """Group excluded options by verdict, in the order of verdicts."""
    order = ("not_recommended", "ineligible", "not_applicable")
    return [(verdict, found) for verdict in order if (found := [item for item in excluded if item.verdict == verdict])]


def by_reason(group: Sequence[Excluded]) -> list[tuple[str, str]]:
    """Return the options of one verdict by reason; those that belong elsewhere for one reason share a line."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in group:
        # A failed criterion or a negative trial is an option's own affair, even in the same words.
        own = "" if item.verdict == "not_applicable" else item.id
        found.setdefault((own, f"{item.reason}{_claims(item.claims)}"), []).append(item.name)
    return [(", ".join(names), reason) for (_, reason), names in found.items()]


def _claims(claims: Iterable[str]) -> str:
    found = ", ".join(claims)
    return f" [{found}]" if found else ""


def _option_text(option: Option) -> list[Line]:
    verdict = option.verdict.replace("_", " ").upper()
    if option.would_be:
        verdict += f", would be {option.would_be.replace('_', ' ')}"
    head = f"{option.rank:>2}  {option.name}"
    room = WIDTH - len(verdict) - 1
    lines = [Line("")]
    if len(head) <= room:
        lines.append(Line(f"{head:<{room}} {verdict}", option.verdict))
    else:
        lines += [*wrap(head, "", "    ", option.verdict), Line(f"    {verdict}", option.verdict)]
    brief = option.verdict == "investigational"
    lines += wrap(option.regimen, "    Regimen: ")
    lines += wrap(option.ranked_here_because, "    Here because: ", "      ")
    for item in option.criteria:
        if item.kind == "indication" or not brief:
            lines += _criterion_text(item, "    ")
    lines += _findings_text(option.cautions, option.preferences, "    ")
    if brief:
        # A board weighs these only within a trial; `explain` shows the rest.
        for trial in option.evidence:
            lines += wrap(f"{trial.name} ({evidence_word(trial)}) {trial.nct or ''}".rstrip(), "    Trial ", "      ")
        if option.conflicts:
            points = "; ".join(conflict.about.rstrip(".") for conflict in option.conflicts)
            lines += wrap(f"{points}.", "    Sources disagree: ", "      ")
        return lines
    for trial in option.evidence:
        lines += _evidence_text(trial, "    ")
    if option.conflicts:
        # Both values of each stand in the JSON, in Markdown, in the form and in `explain`.
        lines += wrap("Sources disagree (all values: explain):", "    ")
        for conflict in option.conflicts:
            lines += wrap(f"{conflict.about.rstrip('.')}. Used: {conflict.used}", "      - ")
    return lines


def _criterion_text(item: Criterion, indent: str) -> list[Line]:
    head = f"{indent}{MARKS[item.result]} "
    body = f"{kind_text(item)}: {item.text} - {result_text(item)} ({facts(item.facts)}){_claims(item.claims)}"
    return wrap(body, head, role=item.result)


def _findings_text(cautions: Sequence[Caution], preferences: Sequence[Preference], indent: str) -> list[Line]:
    lines: list[Line] = []
    for caution in cautions:
        lines += wrap(
            f"CAUTION: {caution.text} ({facts(caution.facts)}){_claims(caution.claims)}",
            f"{indent}!   ",
            role="caution",
        )
    for item in preferences:
        head = f"{indent}{SIGNS[item.effect]}   "
        lines += wrap(f"{item.effect}: {item.text} ({facts(item.facts)}){_claims(item.claims)}", head)
    return lines


def _evidence_text(trial: Evidence, indent: str) -> list[Line]:
    lines = wrap(f"{trial.name} ({evidence_word(trial)}): {trial.summary}", f"{indent}Trial ", f"{indent}  ")
    return lines + wrap(citation(trial), f"{indent}  ", role="dim")


def explanation_text(item: Explanation) -> list[Line]:
    """Return the explanation of one option as terminal text of at most 80 columns."""
    verdict = item.verdict.replace("_", " ").upper()
    if item.would_be:
        verdict += f", would be {item.would_be.replace('_', ' ')}"
    lines = [*wrap(f"{item.name}: {verdict}", "", "  ", item.verdict)]
    if item.aliases:
        lines += wrap(f"Also known as: {', '.join(item.aliases)}", "  ", "    ")
    lines += wrap(f"Setting: {item.setting.replace('_', ' ')}", "  ")
    lines += wrap(item.reason, "  Why: ", "    ")
    lines += wrap(item.regimen, "  Regimen: ", "    ")
    lines += wrap(item.rationale, "  Rationale: ", "    ")
    for indication in item.indications:
        lines += _indication_text(indication)
    if item.missing:
        lines += heading("Missing")
        for missing in item.missing:
            lines += wrap(f"{missing.question} ({missing.fact})", "  ? ")
    if item.evidence:
        lines += heading("Trials")
        for trial in item.evidence:
            lines += _evidence_text(trial, "  ")
    for title, parts in _supporting(item):
        if parts:
            lines += heading(title)
            for part in parts:
                lines += wrap(part, "  - ")
    lines += heading("What the reviews say")
    for claim in item.claims:
        where = f"review {claim.review}, lines {claim.lines[0]} to {claim.lines[1]} ({claim.section})"
        lines += wrap(f"{claim.statement}", f"  {claim.id} ", "    ")
        lines += wrap(where, "    ", role="dim")
        if claim.figures:
            lines += wrap(
                "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in claim.figures.items()),
                "    figures: ",
            )
        if claim.remark:
            lines += wrap(claim.remark, "    remark: ")
    return lines


def _supporting(item: Explanation) -> list[tuple[str, list[str]]]:
    """Return titled lists of what stands behind an option and decides nothing."""
    return [
        ("Notes", [f"{note.kind.replace('_', ' ')}: {note.text}{_claims(note.claims)}" for note in item.notes]),
        (
            "Tumour microenvironment (teaching; decides nothing)",
            [
                f"{effect.part.replace('_', ' ')}, {effect.direction} ({effect.model}): "
                f"{effect.text}{_claims(effect.claims)}"
                for effect in item.microenvironment
            ],
        ),
        (
            "Later lines",
            [f"{step.effect} {step.name}: {step.text}{_claims(step.claims)}" for step in item.later_lines],
        ),
        ("Where sources disagree", [conflict_text(conflict) for conflict in item.conflicts]),
    ]


def conflict_text(item: SourceConflict) -> str:
    """Say in one passage what sources say differently, what is used and why."""
    values = "; ".join(f"{value.source}: {value.value}" for value in item.values)
    return f"{item.about.rstrip('.')}. {values.rstrip('.')}. Used: {item.used.rstrip('.')}. {item.why}"


def _indication_text(indication: JudgedIndication) -> list[Line]:
    lead = "Indication that decides" if indication.decides else "Other indication"
    lines = heading(lead)
    base = f"{indication.verdict.replace('_', ' ')}, evidence level {indication.evidence_level}"
    lines += wrap(f"{indication.text} ({base})", "  ")
    for item in indication.criteria:
        lines += _criterion_text(item, "  ")
        lines += wrap(item.rule, "      ", role="dim")
    lines += _findings_text(indication.cautions, indication.preferences, "  ")
    return lines


def markdown(decision: Decision, labels: Mapping[str, str]) -> str:
    """Return a decision as Markdown."""
    stamp = decision.knowledge
    out = ["# Treatment options", "", f"Setting: **{labels.get(decision.setting, decision.setting)}**", ""]
    if decision.derived:
        out += ["| derived fact | value | from | rule |", "| --- | --- | --- | --- |"]
        out += [f"| {d.fact} | {word(d.value)} | {', '.join(d.from_)} | `{d.rule}` |" for d in decision.derived]
        out.append("")
    for option in decision.options:
        outlook = f", would be {option.would_be.replace('_', ' ')}" if option.would_be else ""
        out += [f"## {option.rank}. {option.name}: {option.verdict.replace('_', ' ')}{outlook}", ""]
        out += [f"Regimen: {option.regimen}", "", option.ranked_here_because, ""]
        out += ["| criterion | result | facts | claims |", "| --- | --- | --- | --- |"]
        out += [
            f"| {kind_text(c)}: {c.text} | {result_text(c)} | {facts(c.facts)} | {', '.join(c.claims)} |"
            for c in option.criteria
        ]
        out.append("")
        out += [f"- **Caution**: {c.text} ({facts(c.facts)}){_claims(c.claims)}" for c in option.cautions]
        out += [f"- {p.effect}: {p.text} ({facts(p.facts)}){_claims(p.claims)}" for p in option.preferences]
        out += [f"- {e.name} ({evidence_word(e)}): {e.summary} {citation(e)}" for e in option.evidence]
        out += [f"- Sources disagree: {conflict_text(c)}" for c in option.conflicts]
        out.append("")
    if decision.missing:
        out += ["## Missing", ""]
        out += [f"- {m.question} (`{m.fact}`) {_wanted_for(m)}" for m in decision.missing]
        out.append("")
    out += ["## Excluded", "", "| option | verdict | reason |", "| --- | --- | --- |"]
    for _, group in grouped(decision.excluded):
        out += [f"| {e.name} | {e.verdict.replace('_', ' ')} | {e.reason} |" for e in group]
    if decision.notices:
        out += [
            "",
            "## Notices",
            "",
            *(f"- {_named(notice, decision)}{_claims(notice.claims)}" for notice in decision.notices),
        ]
    out += ["", "## Intended use", "", decision.intended_use, ""]
    out += [f"Edition {stamp.edition}, knowledge {stamp.version}, sha256 `{stamp.sha256}`", ""]
    return "\n".join(out)
