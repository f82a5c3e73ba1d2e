"""Options, staging rules and notices as readable text, with their claims and the YAML behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import streamlit as st

from form import pages
from form.rules.claims import show_claims
from form.rules.links import fact_links, lazy, links, small, status
from form.rules.yaml_text import show_yaml
from form.wording import badge, plain, source
from hcc_decide.browse.lookup import notice_title
from hcc_decide.decision import Decision
from hcc_decide.knowledge.catalogue import DerivedFact, Knowledge, Rule, RuleKind, Treatment, Use
from hcc_decide.knowledge.condition import attributes_of
from hcc_decide.knowledge.labels import capital, option_name, setting_labels, value_text
from hcc_decide.knowledge.phrasing import alternatives, condition_text, fact_text
from hcc_decide.knowledge.schema import LaterLine, NoteBody
from hcc_decide.knowledge.schema_sources import Sequence
from hcc_decide.render import conflict_text, evidence_word
from hcc_decide.sources import conflicts, evidence

CRITERIA: dict[RuleKind, str] = {
    "include": "needs",
    "exclude": "excluded by",
    "reservation": "reservation",
    "caution": "caution",
    "preference": "preference",
}
"""The kinds of rules of an option besides its indications, in the order in which they are judged."""


def show_option(knowledge: Knowledge, name: str, decision: Decision | None) -> None:
    """Show everything the rule base knows of an option.

    Args:
        knowledge: the rule base.
        name: the option's id.
        decision: what was decided for the patient in the form, if anything.
    """
    treatment = knowledge.options[name]
    body = treatment.body
    st.header(plain(body.name), anchor=False)
    st.markdown(f"Option · {body.kind} · `{body.id}` {status(body.review)}")
    if decision is not None:
        _show_standing(decision, name)
    _show_identity(knowledge, treatment)
    st.markdown(plain(body.rationale))
    _show_indications(knowledge, treatment)
    _show_criteria(knowledge, treatment)
    _show_evidence(knowledge, treatment)
    _show_later_lines(knowledge, treatment)
    _show_aside(knowledge, treatment)
    read = {name for rule in treatment.rules for name in rule.attributes}
    if read:
        st.subheader("Facts that its rules read", anchor=False)
        fact_links(knowledge, read, "facts")
    show_claims(knowledge, _claims(treatment), key="rules_claims")
    show_yaml(knowledge, knowledge.sources[name], key="rules_yaml")


def _show_standing(decision: Decision, name: str) -> None:
    with st.container(border=True):
        for item in decision.options:
            if item.id == name:
                outlook = f", would be {badge(item.would_be)}" if item.would_be else ""
                st.markdown(
                    f"**The patient in the form:** {badge(item.verdict)}{outlook} · rank {item.rank} · "
                    f"{plain(item.ranked_here_because)}"
                )
        for excluded in decision.excluded:
            if excluded.id == name:
                st.markdown(f"**The patient in the form:** {badge(excluded.verdict)} · {plain(excluded.reason)}")
        st.page_link(pages.ANSWER.path, label="To the whole answer", icon=pages.ANSWER.icon)


def _show_identity(knowledge: Knowledge, treatment: Treatment) -> None:
    body = treatment.body
    lines = [
        ("Also called", ", ".join(body.aliases)),
        ("Drugs", ", ".join(drug.replace("_", " ") for drug in body.drugs)),
        ("Classes", ", ".join(knowledge.vocabulary.classes[item] for item in body.classes)),
        ("Targets", ", ".join(body.targets)),
    ]
    text = "  \n".join(f"**{label}:** {plain(value)}" for label, value in lines if value)
    text += f"  \n**Regimen:** {plain(body.regimen.text)}{small(body.regimen.claims)}"
    variants = [
        f"- {plain(rule.text)} – when *{plain(condition_text(knowledge, rule.condition))}*"
        for rule in treatment.of_kind("variant")
        if rule.condition
    ]
    st.markdown("\n".join([text.strip(), "", *variants]))


def _show_indications(knowledge: Knowledge, treatment: Treatment) -> None:
    st.subheader("Indications", anchor=False)
    labels, levels = setting_labels(knowledge), knowledge.manifest.evidence_levels
    st.table(
        [
            {
                "Use": f"{plain(capital(use.body.text))}{small(use.body.claims)}",
                "Settings": plain(", ".join(labels[item] for item in use.settings)),
                "Verdict": badge(use.body.verdict),
                "Evidence": plain(f"level {use.body.evidence_level}: {levels[use.body.evidence_level].label}"),
                "Condition": plain(condition_text(knowledge, use.rule.condition))
                if use.rule.condition
                else "none beyond its settings",
            }
            for use in treatment.uses
        ],
        hide_index=True,
    )
    notes = [note for use in treatment.uses for note in _about(knowledge, use)]
    if notes:
        st.markdown("\n".join(f"- {note}" for note in notes))


def _about(knowledge: Knowledge, use: Use) -> Iterator[str]:
    """Yield what else is said of an indication: its own rationale, dates, and the result that counts in the ranking."""
    name, body = plain(capital(use.body.text)), use.body
    if body.rationale:
        yield f"**{name}.** {plain(body.rationale)}"
    if body.since or body.until or body.provenance == "update":
        span = " ".join(f"{word} {when}" for word, when in (("since", body.since), ("until", body.until)) if when)
        origin = "added after the reviews" if body.provenance == "update" else "from the reviews"
        yield f"{name}: {plain(f'{origin} {span}'.strip())}"
    if body.effect:
        trial = knowledge.trials[body.effect.trial]
        yield f"{name}: the effect size for the ranking is that of {plain(trial.name)}"


def _show_criteria(knowledge: Knowledge, treatment: Treatment) -> None:
    rules = [rule for kind in CRITERIA for rule in treatment.of_kind(kind)]
    if not rules:
        return
    st.subheader("Criteria, cautions and findings", anchor=False)
    several = len(treatment.uses) > 1
    st.table([_criterion(knowledge, treatment, rule, several) for rule in rules], hide_index=True)


def _criterion(knowledge: Knowledge, treatment: Treatment, rule: Rule, several: bool) -> dict[str, str]:
    row = {
        "Kind": rule.effect or CRITERIA[rule.kind],
        "Rule": f"{plain(capital(rule.text))}{_basis(knowledge, rule)}",
        "Condition": plain(condition_text(knowledge, rule.condition)) if rule.condition else "",
    }
    if several:
        named = [use.body.id.replace("-", " ") for use in treatment.uses if use.body.id in rule.indications]
        row["For"] = "all" if len(named) == len(treatment.uses) else plain(", ".join(named))
    return row


def _show_evidence(knowledge: Knowledge, treatment: Treatment) -> None:
    if not treatment.body.evidence:
        return
    st.subheader("Evidence", anchor=False)
    # One line for each entry of the file, in its order.
    for item, entry in zip(evidence(knowledge, treatment, None), treatment.body.evidence, strict=True):
        limited = f", for {plain(', '.join(entry.for_).replace('-', ' '))}" if entry.for_ else ""
        met = knowledge.trials[item.trial].primary_endpoint_met.replace("_", " ")
        endpoint = "" if item.status == "ongoing" else f", primary endpoint {met}"
        st.markdown(
            f"**{plain(item.name)}** ({evidence_word(item)}{endpoint}{limited}): {plain(item.summary)}  \n{source(item)}"
        )
        st.page_link(
            pages.EVIDENCE.path,
            label=f"{plain(item.name)} among the evidence",
            icon=pages.EVIDENCE.icon,
            query_params={"trial": item.trial},
        )


def _show_later_lines(knowledge: Knowledge, treatment: Treatment) -> None:
    steps = treatment.body.later_lines
    known = [item for item in knowledge.sequences if treatment.id in (item.after, item.option)]
    if not (steps.opens or steps.closes or known):
        return
    st.subheader("Later lines", anchor=False)
    lines = [_step(knowledge, "opens", step) for step in steps.opens]
    lines += [_step(knowledge, "closes", step) for step in steps.closes]
    if lines:
        st.markdown("\n".join(lines))
        links(knowledge, [("option", step.option) for step in (*steps.opens, *steps.closes)], "steps")
    box = lazy(f"Known sequences ({len(known)})", "rules_sequences", ":material/route:") if known else None
    if box is not None:
        box.table(
            [
                {
                    "First": plain(option_name(knowledge, item.after)),
                    "How it ended": " or ".join(item.outcome),
                    "Then": plain(option_name(knowledge, item.option)),
                    "Standing": item.standing,
                    "What is known": f"{plain(item.text)}{_basis(knowledge, item)}",
                }
                for item in known
            ],
            hide_index=True,
        )


def _step(knowledge: Knowledge, word: str, step: LaterLine) -> str:
    return f"- **{word}** {plain(option_name(knowledge, step.option))}: {plain(step.text)}{_basis(knowledge, step)}"


def _show_aside(knowledge: Knowledge, treatment: Treatment) -> None:
    """Show what decides nothing: notes, later events, disagreements of the sources, teaching matter."""
    body = treatment.body
    if body.later_evidence:
        st.subheader("Beyond the reviews", anchor=False)
        st.markdown("These events change no verdict of this edition.")
        st.markdown(
            "\n".join(
                f"- {plain(item.date)}, {item.kind}: {plain(item.text)} Source: {plain(item.source)}"
                for item in body.later_evidence
            )
        )
    found = conflicts(knowledge, treatment, None)
    box = lazy(f"Where the sources disagree ({len(found)})", "rules_conflicts", ":material/balance:") if found else None
    if box is not None:
        box.markdown("\n".join(f"- {plain(conflict_text(item))}" for item in found))
    box = lazy(f"Notes ({len(body.notes)})", "rules_notes", ":material/notes:") if body.notes else None
    if box is not None:
        box.markdown(
            "\n".join(
                f"- *{plain(note.kind.replace('_', ' '))}*: {plain(note.text)}{_basis(knowledge, note)}"
                for note in body.notes
            )
        )
    effects = body.microenvironment
    label = f"Tumour microenvironment: teaching matter, decides nothing ({len(effects)})"
    box = lazy(label, "rules_microenvironment", ":material/biotech:") if effects else None
    if box is not None:
        box.table(
            [
                {
                    "Part": plain(item.part.replace("_", " ")),
                    "Direction": item.direction,
                    "Seen in": item.model,
                    "What": f"{plain(item.text)}{small(item.claims)}",
                }
                for item in effects
            ],
            hide_index=True,
        )


def _basis(knowledge: Knowledge, item: Rule | NoteBody | LaterLine | Sequence) -> str:
    """Write what an entry rests on: claims by id, trials by name."""
    return small([*item.claims, *(knowledge.trials[trial].name for trial in item.trials)])


def _claims(treatment: Treatment) -> list[str]:
    """Return every claim that an option's file cites."""
    body = treatment.body
    return [
        *body.regimen.claims,
        *(claim for rule in treatment.rules for claim in rule.claims),
        *(claim for note in body.notes for claim in note.claims),
        *(claim for effect in body.microenvironment for claim in effect.claims),
        *(claim for step in (*body.later_lines.opens, *body.later_lines.closes) for claim in step.claims),
        *(claim for item in body.evidence for claim in item.claims),
    ]


def show_staging(knowledge: Knowledge, name: str) -> None:
    """Show how a fact is derived, value by value."""
    derived = next(item for item in knowledge.staging if item.fact == name)
    body = derived.body
    st.header(plain(body.title), anchor=False)
    given = "when the record leaves it out" if derived.given else "always; nobody types it in"
    st.markdown(f"Staging rule · derives *{plain(fact_text(knowledge, name))}*, {given}")
    lines = [f"**Source:** {plain(body.source)}{small(body.claims)}"]
    if derived.guard is not None:
        lines.append(f"**Only for:** {plain(condition_text(knowledge, derived.guard))}; of others nothing is derived")
    if derived.excludes:
        lines.append("**When a condition fails:** its value is excluded; what cannot be told stays open")
    else:
        lines.append("**When a condition fails:** nothing follows from that")
    if body.disagreement:
        lines.append(f"**When the record gives another value:** {plain(body.disagreement)}")
    st.markdown("  \n".join(lines))
    st.subheader("Values", anchor=False)
    st.table(_values(knowledge, derived), hide_index=True)
    st.markdown("**The fact itself, and who depends on it:**")
    links(knowledge, [("fact", name)], "itself")
    conditions = [value.condition for value in derived.values] + [derived.guard or ()]
    st.markdown("**Facts that it reads:**")
    fact_links(knowledge, [item for condition in conditions for item in attributes_of(condition)], "facts")
    show_claims(knowledge, body.claims, key="rules_claims")
    show_yaml(knowledge, f"{derived.rule}.yaml", key="rules_yaml")


def _values(knowledge: Knowledge, derived: DerivedFact) -> Iterable[dict[str, str]]:
    fact = knowledge.vocabulary.facts[derived.fact]
    rows = []
    for value in derived.values:
        ways = [plain(way) for way in alternatives(knowledge, value.condition)]
        rows.append(
            {
                "Value": plain(value_text(fact, value.value)),
                "In words": plain(capital(value.text)),
                "Condition": ways[0]
                if len(ways) == 1
                else "  \n".join(f"({n}) {way}" for n, way in enumerate(ways, 1)),
            }
        )
    return rows


def show_notice(knowledge: Knowledge, name: str) -> None:
    """Show a sentence that concerns the patient and no option."""
    notice = next(item for item in knowledge.notices if item.name == name)
    st.header(plain(notice_title(notice)), anchor=False)
    st.markdown("Notice · shown with the answer; it excludes nothing")
    st.markdown(f"**{plain(notice.text)}**{small(notice.claims)}")
    if notice.condition is not None:
        st.markdown(f"**Shown when:** {plain(condition_text(knowledge, notice.condition))}")
    st.markdown("**Facts that it reads:**")
    fact_links(knowledge, notice.attributes, "facts")
    show_claims(knowledge, notice.claims, key="rules_claims")
    show_yaml(knowledge, "notices.yaml", f"- id: {name}", key="rules_yaml")
