"""A fact: what it is, where it comes from, what it is compared with and who depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

import streamlit as st

from form.rules.links import KIND_WORDS, lazy, links, statement_name
from form.rules.yaml_text import show_yaml
from form.wording import plain
from hcc_decide.browse.lookup import Kind
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.dependence import SETTING, Comparison, Dependence, Reader, dependence, sources_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, fact_label, value_text
from hcc_decide.knowledge.phrasing import condition_text, fact_text, test_text
from hcc_decide.knowledge.schema import Fact, Limits, PartialValue

_LONG = 12
_NAMED = 6
_KINDS = {
    "boolean": "yes or no",
    "category": "one of several values",
    "integer": "a whole number",
    "number": "a number",
    "set": "any of several values",
}
_SOURCES = {
    "record": "Typed in with the patient.",
    "record_or_derived": "Typed in with the patient, or derived when it is left out.",
    "derived": "Derived from other facts by the staging rules; nobody types it in.",
    "history": "Read off the lines of prior systemic therapy.",
    "computed": "Computed by arithmetic from other facts.",
}


@st.cache_resource(show_spinner=False, max_entries=128, hash_funcs={Knowledge: attrgetter("sha256")})
def _dependence(knowledge: Knowledge, fact: str) -> Dependence:
    return dependence(knowledge, fact)


def show_fact(knowledge: Knowledge, name: str) -> None:
    """Show a fact of the vocabulary, or the lines of prior systemic therapy, and who depends on it."""
    st.header(plain(fact_text(knowledge, name)), anchor=False)
    if name == PRIOR_SYSTEMIC:
        _show_lines(knowledge)
    else:
        _show_body(name, knowledge.vocabulary.facts[name])
    sources = sources_of(knowledge)
    if name in sources:
        st.markdown("**It comes from:**")
        links(knowledge, [("fact", source) for source in sorted(sources[name])], "sources")
    if any(derived.fact == name for derived in knowledge.staging):
        st.markdown("**Derived by:**")
        links(knowledge, [("staging", name)], "derived")
    found = _dependence(knowledge, name)
    if found.comparisons:
        _show_comparisons(knowledge, name, found.comparisons)
    _show_dependants(knowledge, found)
    head = f"{name}:"
    show_yaml(knowledge, "vocabulary.yaml", head, key="rules_fact_yaml")


def _show_lines(knowledge: Knowledge) -> None:
    lines = knowledge.vocabulary.prior_systemic
    st.markdown(f"Fact · prior treatment · a list of lines · `{PRIOR_SYSTEMIC}`")
    st.markdown(f"**Question:** {plain(lines.question)}")
    st.table(
        [
            {
                "Field of a line": plain(field.label),
                "Question": plain(field.question),
                "Values": plain(", ".join((field.values or {}).values()) or field.unit or ""),
            }
            for field in lines.fields.values()
        ],
        hide_index=True,
    )


def _show_body(name: str, fact: Fact) -> None:
    unit = f" in {plain(fact.unit)}" if fact.unit else ""
    st.markdown(f"Fact · {plain(fact.group.replace('_', ' '))} · {_KINDS[fact.kind]}{unit} · `{name}`")
    lines = [f"**Where it comes from:** {_SOURCES[fact.source]}"]
    if fact.question:
        lines.insert(0, f"**Question:** {plain(fact.question)}")
    if fact.description:
        lines.append(f"**Description:** {plain(fact.description)}")
    if fact.range:
        lines.append(f"**Allowed:** {_limits(fact, fact.range)}")
    if fact.plausible:
        lines.append(
            f"**Plausible:** {_limits(fact, fact.plausible)}; beyond that a notice asks whether the unit is right"
        )
    if fact.also_in:
        others = "; ".join(f"{unit}, one of which is {factor:g} {fact.unit}" for unit, factor in fact.also_in.items())
        lines.append(f"**Also taken in:** {plain(others)}")
    if fact.code:
        lines.append(f"**Code:** {plain(f'{fact.code.system} {fact.code.code}')}")
    if fact.members:
        what = "options of the catalogue" if fact.members == "options" else "drug classes"
        lines.append(f"**Values:** the {what}")
    st.markdown("  \n".join(lines))
    if fact.values:
        st.table([_value(value, label) for value, label in fact.values.items()], hide_index=True)


def _limits(fact: Fact, limits: Limits) -> str:
    words = (
        ("at least", limits.at_least),
        ("above", limits.above),
        ("at most", limits.at_most),
        ("below", limits.below),
    )
    return " and ".join(plain(f"{word} {value_text(fact, bound)}") for word, bound in words if bound is not None)


def _value(value: str | int, label: str | PartialValue) -> dict[str, str]:
    if isinstance(label, PartialValue):
        return {"Value": plain(str(value)), "Meaning": plain(f"{label.label}: {' or '.join(label.means)}")}
    return {"Value": plain(str(value)), "Meaning": plain(label)}


def _show_comparisons(knowledge: Knowledge, name: str, comparisons: Sequence[Comparison]) -> None:
    number = name != PRIOR_SYSTEMIC and knowledge.vocabulary.facts[name].kind in ("integer", "number")
    st.subheader("Cut-points" if number else "What rules ask of it", anchor=False)
    several = len({item.attribute for item in comparisons}) > 1 or "[" in comparisons[0].attribute
    rows = []
    for item in comparisons:
        owners = list(dict.fromkeys(statement_name(knowledge, statement.id) for statement in item.statements))
        more = f" and {len(owners) - _NAMED} more" if len(owners) > _NAMED else ""
        row = {"Of": plain(fact_label(knowledge, item.attribute))} if several else {}
        rows.append(
            row
            | {
                "Asked": plain(test_text(knowledge, item.attribute, item.test)),
                "Rules": str(len(item.statements)),
                "By": plain("; ".join(owners[:_NAMED]) + more),
            }
        )
    if len(rows) <= _LONG:
        st.table(rows, hide_index=True)
        return
    box = lazy(f"All {len(rows)} tests", "rules_fact_tests")
    if box is not None:
        box.table(rows, hide_index=True)


def _show_dependants(knowledge: Knowledge, found: Dependence) -> None:
    st.subheader("Who depends on it", anchor=False)
    direct = [reader for reader in found.readers if reader.direct]
    if direct:
        st.markdown(f"**Directly:** {_count(direct)}")
        _table(knowledge, direct)
    else:
        st.markdown("No rule reads it directly.")
    ways: dict[tuple[str, ...], list[Reader]] = {}
    for reader in found.readers:
        if not reader.direct:
            ways.setdefault(reader.path, []).append(reader)
    by_setting = [(path, readers) for path, readers in ways.items() if path[-1] == SETTING]
    others = sorted(((p, r) for p, r in ways.items() if p[-1] != SETTING), key=lambda way: (len(way[0]), way[0]))
    if others:
        st.markdown("**Through other facts:**")
    for place, (path, readers) in enumerate(others):
        shown = " → ".join(fact_text(knowledge, step) for step in path[1:])
        box = lazy(f"→ {plain(shown)} ({_count(readers)})", f"rules_fact_way_{place}")
        if box is not None:
            with box:
                _rows(knowledge, readers, f"way_{place}")
    for path, readers in by_setting:
        shown = " → ".join(fact_text(knowledge, step) for step in path[1:])
        indications = [reader for reader in readers if reader.statement.kind == "indication"]
        options = len({reader.statement.option for reader in indications})
        st.markdown(
            f"**Through the setting** (→ {plain(shown)}): every indication names the settings in which it applies, so "
            f"{len(indications)} indications of {options} options hang on it."
        )


def _things(readers: Iterable[Reader]) -> Iterator[tuple[Kind, str]]:
    """Yield what statements belong to: options, staging rules and notices, in the order of the rule base."""
    for statement in dict.fromkeys(reader.statement for reader in readers):
        if statement.option is not None:
            yield "option", statement.option
        elif statement.derives is not None:
            yield "staging", statement.derives
        else:
            yield "notice", statement.id.rpartition("/")[2]


def _count(readers: Sequence[Reader]) -> str:
    rules = len(readers)
    options = len({reader.statement.option for reader in readers if reader.statement.option})
    words = f"{rules} rule{'' if rules == 1 else 's'}"
    return f"{words}, of {options} option{'' if options == 1 else 's'}" if options else words


def _table(knowledge: Knowledge, readers: Sequence[Reader]) -> None:
    if len(readers) <= _LONG:
        _rows(knowledge, readers, "direct")
        return
    box = lazy(f"Every rule that reads it ({len(readers)})", "rules_fact_direct")
    if box is not None:
        with box:
            _rows(knowledge, readers, "direct")


def _rows(knowledge: Knowledge, readers: Sequence[Reader], row: str) -> None:
    rows = []
    for reader in readers:
        statement = reader.statement
        condition = condition_text(knowledge, statement.condition) if statement.condition else "its settings alone"
        rows.append(
            {
                "Where": plain(statement_name(knowledge, statement.id)),
                "Kind": KIND_WORDS[statement.kind],
                "Rule": plain(statement.text),
                "Condition": plain(condition),
            }
        )
    st.table(rows, hide_index=True)
    links(knowledge, _things(readers), row)
