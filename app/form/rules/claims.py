"""What rules rest on: claims of the reviews and trials, and who leans on each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import streamlit as st

from form import pages
from form.rules.links import lazy, links, statement_name, thing_of
from form.rules.yaml_text import claim_file, show_yaml
from form.wording import plain
from hcc_decide.browse.lookup import Kind
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.citing import Place
from hcc_decide.knowledge.schema_sources import Claim
from hcc_decide.knowledge.uses import citers, trial_uses
from hcc_decide.sources import cite

_MET = {
    "met": ":green-badge[:material/check: primary endpoint met]",
    "missed": ":red-badge[:material/close: primary endpoint missed]",
    "partly": ":orange-badge[:material/contrast: primary endpoint partly met]",
    "not_tested": ":gray-badge[:material/remove: no primary endpoint tested]",
    "awaited": ":violet-badge[:material/hourglass_empty: ongoing, result awaited]",
}


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Knowledge: attrgetter("sha256")})
def cited_by(knowledge: Knowledge) -> Mapping[str, tuple[Place, ...]]:
    """Return who cites each claim; worked out once for each knowledge."""
    return citers(knowledge)


def passage(knowledge: Knowledge, claim: Claim) -> str:
    """Say where in the reviews a claim stands."""
    first, last = claim.lines
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    return f"review {knowledge.claim_reviews[claim.id]}, {lines}"


def show_claims(knowledge: Knowledge, claims: Iterable[str], *, key: str) -> None:
    """Offer what the reviews say, claim by claim."""
    cited = [knowledge.claims[name] for name in sorted(set(claims)) if name in knowledge.claims]
    box = lazy(f"What the reviews say ({len(cited)})", key, ":material/menu_book:") if cited else None
    if box is None:
        return
    with box:
        st.table(
            [
                {
                    "Claim": f"**{plain(claim.id)}** {plain(f'{passage(knowledge, claim)}, {claim.section}')}",
                    "What the review says": plain(claim.statement)
                    + (f" *{plain(claim.remark)}*" if claim.remark else ""),
                }
                for claim in cited
            ],
            hide_index=True,
        )
        links(knowledge, [("claim", claim.id) for claim in cited], "claims")


def show_claim(knowledge: Knowledge, name: str) -> None:
    """Show one claim: what the review says, where, and who rests on it."""
    claim = knowledge.claims[name]
    st.header(f"{plain(name)}", anchor=False)
    use = "a rule can act on it" if claim.actionable else "background"
    st.markdown(f"Claim of the reviews · {plain(claim.kind.replace('_', ' '))} · {use}")
    st.markdown(f"**{plain(claim.statement)}**")
    if claim.remark:
        st.markdown(f"**Remark:** {plain(claim.remark)}")
    references = ", ".join(map(str, claim.references)) or "none"
    st.markdown(
        f"**Passage:** {plain(passage(knowledge, claim))}  \n**Section:** {plain(claim.section)}  \n"
        f"**References of the review:** {references}  \n"
        f"**About:** {plain(', '.join(subject.replace('_', ' ') for subject in claim.subjects)) or 'nothing named'}"
    )
    if claim.figures:
        st.subheader("Figures", anchor=False)
        st.table(
            [
                {"Figure": plain(key.replace("_", " ")), "Value": plain(_figure(value))}
                for key, value in claim.figures.items()
            ],
            hide_index=True,
        )
    st.subheader("Who rests on it", anchor=False)
    _show_citers(knowledge, claim)
    _conflicts(knowledge, knowledge.conflicts_of.get(name, frozenset()))
    taught = [item.title for item in knowledge.vignettes.values() if name in item.claims]
    if taught:
        st.markdown("**Vignettes that teach it:** " + plain("; ".join(taught)))
    file = claim_file(knowledge, name)
    if file is not None:
        show_yaml(knowledge, file, f"- id: {name}", key="rules_claim_yaml")


def _show_citers(knowledge: Knowledge, claim: Claim) -> None:
    places = cited_by(knowledge).get(claim.id, ())
    if not places:
        reason = plain(claim.not_encoded) if claim.not_encoded else "no reason is given"
        st.markdown(f"Nothing encodes it. **Why not:** {reason}")
        return
    for role, label in (("decides", "Rules that decide"), ("shown", "Shown behind a note, a trial or a sequence")):
        found = [place for place in places if place.role == role]
        if found:
            st.markdown(f"**{label}** ({len(found)})")
            st.table([_citer(knowledge, place) for place in found], hide_index=True)
    things = [thing for place in places if (thing := thing_of(place)) is not None]
    links(knowledge, things, "citers")


def _citer(knowledge: Knowledge, place: Place) -> dict[str, str]:
    thing = thing_of(place)
    if thing is None:
        return {"Where": "Sequence", "Entry": plain(place.name)}
    kind, name = thing
    rule = knowledge.rules.get(f"options/{name}/{place.name}") if kind == "option" else None
    where = knowledge.trials[name].name if kind == "trial" else statement_name(knowledge, _rule_id(kind, name))
    return {
        "Where": plain(where),
        "Entry": plain(rule.text if rule else place.name.replace("_", " ").replace(".", ", ")),
    }


def _rule_id(kind: Kind, name: str) -> str:
    return {"option": f"options/{name}/", "staging": f"staging/{name}/"}.get(kind, "notices/")


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key.replace('_', ' ')}: {_figure(item)}" for key, item in value.items())
    return ", ".join(map(_figure, value)) if isinstance(value, list) else str(value)


def _conflicts(knowledge: Knowledge, places: Iterable[int]) -> None:
    found = [knowledge.conflicts[place] for place in sorted(places)]
    if not found:
        return
    st.subheader("Where the sources disagree", anchor=False)
    st.markdown(
        "\n".join(
            f"- {plain(item.about.rstrip('.'))}. **Used:** {plain(item.used)} {plain(item.why)}" for item in found
        )
    )


def show_trial(knowledge: Knowledge, name: str) -> None:
    """Show one trial in short and who leans on it; all its figures stand on the page of the evidence."""
    trial = knowledge.trials[name]
    st.header(plain(trial.name), anchor=False)
    st.markdown(f"Trial · phase {plain(trial.phase)} · {plain(trial.design)} {_MET[trial.primary_endpoint_met]}")
    st.markdown(f"**{plain(trial.summary)}**")
    enrolled = "not known" if trial.enrolled is None else str(trial.enrolled)
    st.markdown(
        f"**Population:** {plain(trial.population)}  \n**Patients:** {enrolled}  \n"
        f"**Primary endpoint:** {plain(trial.primary_endpoint or 'not stated')}  \n"
        f"**Citation:** {plain(cite(trial.citation))}{f' · {trial.nct}' if trial.nct else ''}"
    )
    if trial.unverified:
        st.markdown(f":orange[:material/help:] **Not verified:** {plain(_parts(trial.unverified))}")
    st.page_link(
        pages.EVIDENCE.path,
        label="All its figures, on the page of the evidence",
        icon=pages.EVIDENCE.icon,
        query_params={"trial": name},
    )
    uses = trial_uses(knowledge, name)
    st.subheader("Who leans on it", anchor=False)
    rows = [
        {"Where": plain(knowledge.options[option].body.name), "How": f"evidence: {direction}"}
        for option, direction in uses.evidence
    ]
    rows += [
        {"Where": plain(statement_name(knowledge, rule)), "How": f"cited by: {plain(knowledge.rules[rule].text)}"}
        for rule in uses.rules
    ]
    rows += [
        {"Where": plain(statement_name(knowledge, rule)), "How": "effect size of an indication, for the ranking"}
        for rule in uses.effects
    ]
    rows += [{"Where": "Sequence", "How": plain(item.replace("-", " "))} for item in uses.sequences]
    if rows:
        st.table(rows, hide_index=True)
        links(
            knowledge, [("option", option) for option in _options(uses.evidence, (*uses.rules, *uses.effects))], "users"
        )
    else:
        st.markdown("No option and no rule leans on it.")
    _conflicts(knowledge, knowledge.conflicts_of.get(name, frozenset()))
    show_claims(knowledge, _trial_claims(knowledge, name), key="rules_trial_claims")
    show_yaml(knowledge, f"trials/{name}.yaml", key="rules_trial_yaml")


def _parts(unverified: Sequence[str]) -> str:
    return ", ".join(unverified).replace("_", " ").replace(".", " ")


def _options(evidence: Iterable[tuple[str, str]], rules: Iterable[str]) -> list[str]:
    return [option for option, _ in evidence] + [rule.split("/")[1] for rule in rules]


def _trial_claims(knowledge: Knowledge, name: str) -> list[str]:
    trial = knowledge.trials[name]
    return [
        *(claim for endpoint in trial.endpoints for claim in endpoint.claims),
        *(claim for item in trial.safety for claim in item.claims),
    ]
