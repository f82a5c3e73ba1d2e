"""Step by step: one firing after another, the working memory and the graph behind one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import streamlit as st

from form import pages, resources, state
from form.session import Case, case, fill_from_example
from form.wording import plain
from hcc_decide.decision import Decision, Step
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.proof.building import by_verdict, proof_in
from hcc_decide.proof.chain import AS_DERIVED, Chain, memory_of
from hcc_decide.proof.drawing import dot, kind_text
from hcc_decide.proof.mermaid import mermaid
from hcc_decide.proof.nodes import Node, Proof
from hcc_decide.proof.sentences import STRATA, rule_text, sentence

BEHIND, EVERY = "those behind one option", "all"
POSITION = "teach_position"
OPTION = "teach_option"
_LINK = "teach_option_link"
_CHAIN = "teach_chain"
_ALL = "all strata"
_SHOWN = 60
_FITS = 5
"""A graph of so few steps in a row fits the page; drawn over its whole width it would be blown up."""
_SIGNS = {"met": ":green[:material/check:]", "not_met": ":red[:material/close:]", "unknown": ":orange[:material/help:]"}
_ADDED, _READ = ":green[:material/add_circle:] new", ":blue[:material/visibility:] read"


def take_link(knowledge: Knowledge) -> bool | None:
    """Take over the option that the address names, once; return whether there is such an option.

    Returns:
        ``None`` when the address names none, or one that was taken over before.
    """
    named = st.query_params.get("option")
    if named is None or named == st.session_state.get(_LINK):
        return None
    st.session_state[_LINK] = named
    if named not in knowledge.options:
        return False
    st.session_state[OPTION] = named
    st.session_state["teach_scope"] = BEHIND
    st.session_state[POSITION] = 1
    return True


def show_steps(knowledge: Knowledge) -> None:
    """Show the inference for the case in the form, one step at a time."""
    st.markdown(
        "The rules work forward: the *working memory* starts with what is known of the patient, and a rule *fires* as soon as "
        "all that it asks for is in there. What it asserts is added, which may let further rules fire, until none is left. "
        "Nothing is ever taken back, and what is not known counts neither as true nor as false."
    )
    now = case(knowledge)
    if _is_empty(now):
        _offer_example(knowledge)
    if now.problems:
        st.error(
            "The record in the form is refused, so there is no inference to step through. "
            "The patient page says beside each field what is wrong.",
            icon=":material/error:",
        )
        st.page_link(pages.PATIENT.path, label="To the patient page", icon=pages.PATIENT.icon)
        return
    if now.answer is None or now.answer.decision is None:
        st.error(plain((now.answer.failure if now.answer else None) or "Nothing was decided."), icon=":material/error:")
        return
    chain = _chain(now.answer.decision, knowledge)
    scope, option, stratum = _choose(chain)
    proof = proof_in(chain, option)
    steps = [step for step in chain.steps if scope == EVERY or step.step in proof.steps]
    steps = [step for step in steps if stratum in (_ALL, step.stratum)]
    if not steps:
        st.info(
            f"No rule of this kind stands behind the verdict on {plain(proof.name)}. Choose all strata, or all steps.",
            icon=":material/info:",
        )
        _graph(proof, None)
        return
    place = _position(len(steps))
    step, fired = steps[place - 1], steps[:place]
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        _firing(chain, step, place, len(steps))
    with right:
        _memory(chain, fired, proof)
    _graph(proof, step)


def _chain(decision: Decision, knowledge: Knowledge) -> Chain:
    """Return the chain of a decision; the last one is kept, since going from step to step changes nothing of it."""
    kept: Chain | None = st.session_state.get(_CHAIN)
    if kept is None or kept.decision is not decision or kept.knowledge is not knowledge:
        kept = st.session_state[_CHAIN] = Chain(decision, knowledge)
    return kept


def _is_empty(now: Case) -> bool:
    return all(name == state.CASE or value == state.default_of(name) for name, value in now.record.items())


def _offer_example(knowledge: Knowledge) -> None:
    names = list(resources.examples())
    if not names:
        st.info("The form is empty. Fill in a patient to see more rules fire.", icon=":material/info:")
        return

    def choose() -> None:
        name = st.session_state["teach_example"]
        st.session_state["teach_example"] = None
        if name is not None:
            _restart()
            fill_from_example(knowledge, name)

    st.info(
        "The form is empty, so little can be concluded. Fill in an example, or enter a patient.", icon=":material/info:"
    )
    st.selectbox("Fill in an example", names, index=None, key="teach_example", on_change=choose)


def _restart() -> None:
    st.session_state[POSITION] = 1


def _choose(chain: Chain) -> tuple[str, str, str]:
    decision, knowledge = chain.decision, chain.knowledge
    options = by_verdict(decision)
    if st.session_state.get(OPTION) not in options:
        st.session_state[OPTION] = options[0]
    first, second, third = st.columns([1.1, 1.6, 1.5])
    scope = first.segmented_control(
        "Steps to show",
        [BEHIND, EVERY],
        default=None if "teach_scope" in st.session_state else BEHIND,
        required=True,
        key="teach_scope",
        on_change=_restart,
        persist_state="session",
    )
    ranks = {item.id: f"{item.rank}. " for item in decision.options}
    verdicts = {item.id: item.verdict.replace("_", " ") for item in decision.options}
    verdicts |= {item.id: item.verdict.replace("_", " ") for item in decision.excluded}
    option = second.selectbox(
        "Option whose verdict is explained (type to search)",
        options,
        format_func=lambda name: f"{ranks.get(name, '')}{knowledge.options[name].body.name}: {verdicts[name]}",
        key=OPTION,
        on_change=_restart,
        persist_state="session",
    )
    stratum = third.segmented_control(
        "Strata, in the order in which they run",
        [_ALL, *STRATA],
        default=None if "teach_stratum" in st.session_state else _ALL,
        required=True,
        key="teach_stratum",
        on_change=_restart,
        persist_state="session",
    )
    return str(scope), str(option), str(stratum)


def _position(total: int) -> int:
    """Show the buttons and the slider; return the place of the step to show, from 1."""
    place = min(max(int(st.session_state.get(POSITION, 1)), 1), total)
    st.session_state[POSITION] = place

    def move(to: int) -> None:
        st.session_state[POSITION] = to

    with st.container(horizontal=True, vertical_alignment="bottom"):
        for label, icon, to in (
            ("First", "first_page", 1),
            ("Back", "chevron_left", place - 1),
            ("Next", "chevron_right", place + 1),
            ("Last", "last_page", total),
        ):
            useless = to == place or not 1 <= to <= total
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"teach_{label.lower()}",
                on_click=move,
                args=(to,),
                disabled=useless,
            )
        if total > 1:
            st.slider(f"Step (1 to {total})", 1, total, key=POSITION)
    return place


def _firing(chain: Chain, step: Step, place: int, total: int) -> None:
    knowledge = chain.knowledge
    st.header(f"Step {place} of {total}: {step.stratum}", anchor=False)
    st.caption(plain(STRATA[step.stratum]))
    rule, text = rule_text(knowledge, step.rule), sentence(chain, step)
    st.markdown(f"**Rule that fires.** {plain(rule.kind)}: {plain(rule.text)}  \n:small[`{step.rule}`]")
    if step.stratum == "ranking":
        name = knowledge.options[str(step.matched["option"])].body.name
        st.markdown(f"It concerns **{plain(name)}**.")
    elif step.rule in knowledge.rules and knowledge.rules[step.rule].option:
        name = knowledge.options[knowledge.rules[step.rule].option or ""].body.name
        st.markdown(f"It belongs to **{plain(name)}**.")
    conditions = "  \n**and** ".join(plain(item) for item in text.conditions)
    st.markdown(f"**IF** {conditions}  \n**THEN** {plain(text.consequence)}")
    if any(name.startswith("not ") for name in step.asserted) and not step.rule.endswith(AS_DERIVED):
        st.caption("The rule's own condition fails for this patient, so what it would have concluded is ruled out.")
    read: dict[tuple[str, str], str] = {}
    for item in chain.read(step):
        read.setdefault((item.label, item.value), item.origin)
    st.table(
        [
            {"Fact read": plain(label), "Value": plain(value), "Where it came from": plain(origin)}
            for (label, value), origin in read.items()
        ],
        hide_index=True,
        alt="The facts that this step reads",
    )
    added = chain.added(step)
    before = [number for number in chain.asserted_by(added.id) if number < step.step]
    confirmed = f" (confirmed: step {before[0]} added it already)" if before else ""
    st.markdown(f":material/add_circle: **Fact added.** {plain(added.label)}: **{plain(added.value)}**{confirmed}")
    if rule.claims:
        with st.expander(
            "What the rule rests on",
            key="teach_claims",
            on_change="rerun",
            icon=":material/menu_book:",
        ) as expander:
            if expander.open:
                st.markdown(claims_text(knowledge, rule.claims))


def claims_text(knowledge: Knowledge, claims: Iterable[str]) -> str:
    """Write claims with the passage of the review, as a list."""
    lines = []
    for name in claims:
        claim = knowledge.claims[name]
        first, last = claim.lines
        where = f"review {knowledge.claim_reviews[name]}, lines {first} to {last}, {claim.section}"
        remark = f" *{plain(claim.remark)}*" if claim.remark else ""
        lines.append(f"- {name}: {plain(claim.statement)}{remark} :small[({plain(where)})]")
    return "\n".join(lines)


def _memory(chain: Chain, fired: Sequence[Step], proof: Proof) -> None:
    step = fired[-1]
    read_now = {node for item in chain.read(step) for node in item.nodes}
    added = chain.added(step).id
    worked_out = {
        node: chain.node(node)
        for item in fired
        for read in chain.read(item)
        for node in read.nodes
        if node.startswith("read:")
    }
    memory = {node.id: node for node in memory_of(chain, fired)} | worked_out
    st.header(f"Working memory: {len(memory)} facts", anchor=False)
    bearing = _bearing(chain, proof)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input("Search in the working memory", key="teach_find").casefold().strip()
        narrow = st.toggle(f"Only what bears on {plain(proof.name)}", value=True, key="teach_narrow")
    found = [
        node
        for node in _newest_first(memory.values(), added, read_now)
        if (node.id in {added, *read_now} or not narrow or node.id in bearing)
        and (not search or search in f"{node.label} {node.value} {node.rule or ''}".casefold())
    ]
    rows = [
        {
            "Now": _ADDED if node.id == added else _READ if node.id in read_now else "",
            "Fact": plain(node.label),
            "Value": plain(node.value),
            "From": plain(_origin(node)),
        }
        for node in found[:_SHOWN]
    ]
    if rows:
        st.table(rows, hide_index=True, alt="The working memory after this step")
    else:
        st.markdown("Nothing in the working memory fits.")
    if len(found) > _SHOWN:
        st.caption(f"{len(found) - _SHOWN} more; search to narrow them down.")


def _bearing(chain: Chain, proof: Proof) -> set[str]:
    return {node.id for node in proof.nodes} | {chain.added(chain.step(number)).id for number in proof.steps}


def _newest_first(memory: Iterable[Node], added: str, read_now: set[str]) -> list[Node]:
    """Order the memory for reading: what this step added and read, then the newest, then the record."""

    def key(node: Node) -> tuple[int, int]:
        return (0 if node.id == added else 1 if node.id in read_now else 2, -max(node.steps, default=0))

    return sorted(memory, key=key)


def _origin(node: Node) -> str:
    if node.kind == "patient":
        return "record"
    if node.kind == "read":
        return "worked out"
    return f"step {node.steps[0]}" if len(node.steps) == 1 else f"steps {', '.join(map(str, node.steps))}"


def _graph(proof: Proof, step: Step | None) -> None:
    st.header(f"The proof for {proof.name}", anchor=False)
    if step is None or not proof.steps:
        shown = proof
    elif step.step in proof.steps:
        shown = proof.until(step.step)
        how_far = "All of it" if step.step == proof.steps[-1] else "As far as this step"
        st.caption(
            f"{how_far}, from the patient's facts on the left to the verdict on the right. "
            "The thick border and the word NOW mark what this step added."
        )
    else:
        shown = proof
        st.caption(f"This step does not bear on the verdict for {plain(proof.name)}, whose whole proof is shown.")
    st.graphviz_chart(
        dot(shown, step.step if step is not None else None),
        width="stretch" if shown.depth > _FITS else "content",
        alt=f"Proof for {proof.name}: {len(shown.nodes)} facts and what rests on what; the table below says the same",
    )
    _downloads(shown)
    with st.expander("The graph as a table", key="teach_graph_table", on_change="rerun") as expander:
        if expander.open:
            st.table(graph_rows(shown, step), hide_index=True, alt=f"The proof for {proof.name} as a table")


def _downloads(shown: Proof) -> None:
    """Offer the graph as it is shown, in the languages of Graphviz and of Mermaid."""
    name = f"proof-{shown.option.replace('+', '-')}"
    with st.container(horizontal=True):
        for language, ending, draw in (("Graphviz DOT", "dot", dot), ("Mermaid", "mmd", mermaid)):
            st.download_button(
                f"Download this graph ({language})",
                partial(draw, shown),
                file_name=f"{name}.{ending}",
                mime="text/plain",
                icon=":material/download:",
                key=f"teach_download_{ending}",
                on_click="ignore",
            )


def graph_rows(proof: Proof, step: Step | None = None) -> list[dict[str, str]]:
    """Return a proof as rows of a table, each thing after those it rests on."""
    return [
        {
            "What": f"{'now: ' if step is not None and step.step in node.steps else ''}{kind_text(node)}",
            "Fact": plain(node.label),
            "Value": f"{_SIGNS.get(node.result or '', '')} {plain(node.value)}".strip(),
            "Rests on": plain("; ".join(f"{item.label}: {item.value}" for item in proof.rests_on(node.id))),
            "Steps": ", ".join(map(str, node.steps)),
        }
        for node in proof.nodes
    ]
