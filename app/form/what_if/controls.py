"""Changes to try out on the case: which facts, with what value, and which lines of therapy are added.

The form's own fields are left alone. What is tried out stands under keys of its own, one for each entry of the form's state,
and gives a second record beside the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from form import state, units
from form.patient.fields import refusal
from form.patient.lines import OTHER_LABEL, treatments
from form.session import entries, fill
from form.wording import plain
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import choice_label, option_name
from hcc_decide.knowledge.schema import Fact, LineField
from hcc_decide.patient import OTHER

CHOSEN = "whatif_chosen"
NEXT = "whatif_next"
_PREFIX = "whatif_entry_"
_ADDED = "whatif_added"
_BASE = "whatif_base"
_DONE = "whatif_done"
_COLUMNS = 3
_MOST_SEGMENTS = 5
_LONGEST_ROW = 30


@dataclass(frozen=True)
class Entry:
    """One entry of the form that can be tried out with another value.

    Attributes:
        key: its key in the form's state.
        place: where the record's refusals name it.
        label, question: as people call it and ask for it; the label with its unit.
        tokens: what can be chosen, token by token with its label; ``None`` for what is typed in.
        several: whether several tokens can be chosen.
        fact: the fact behind it, ``None`` for an entry of a line.
        text: whether words are typed in, not a number.
    """

    key: str
    place: str
    label: str
    question: str
    tokens: Mapping[str, str] | None
    several: bool = False
    fact: str | None = None
    text: bool = False


def entries_of(record: Mapping[str, Any], knowledge: Knowledge) -> dict[str, Entry]:
    """Return every entry that can be tried out for a case, by key: its facts, and the lines of therapy that it has."""
    form = state.state_of(record, knowledge)
    found = [_of_fact(name, fact) for name, fact in state.shown(knowledge, form).items()]
    prior = knowledge.vocabulary.prior_systemic
    answers = {token: token for token in (state.NOT_KNOWN, state.NONE)}
    found.append(Entry(state.PRIOR, state.PRIOR, prior.label, prior.question, answers))
    for number, line in enumerate(record.get(state.PRIOR) or (), start=1):
        name = line.get("name") or option_name(knowledge, line["option"])
        found += _of_line(number, f"Line {number} ({name}): ", line["option"], knowledge)
    return {entry.key: entry for entry in found}


def _of_fact(name: str, fact: Fact) -> Entry:
    # A number that is being changed keeps the unit in which it was taken up.
    unit = st.session_state.get(_unit_key(state.key_of(name))) if state.key_of(name) in chosen() else None
    unit = unit or units.unit_of(name, fact, entries())
    label = f"{fact.label} ({unit})" if unit else fact.label
    tokens = state.choices(fact)
    offered: dict[str, str] | None = None
    if tokens is not None:
        first = state.NONE if fact.kind == "set" else None if state.default_of(name) else state.NOT_KNOWN
        offered = {first: first} if first else {}
        offered |= {token: choice_label(fact, token) for token in tokens}
    question = " ".join(text for text in (fact.question, fact.description) if text)
    return Entry(state.key_of(name), name, label, question, offered, fact.kind == "set", name)


def _of_line(number: int, before: str, option: str, knowledge: Knowledge) -> list[Entry]:
    return [
        Entry(
            state.line_key(number, name),
            f"{state.PRIOR}[{number}].{name}",
            f"{before}{field.label}{f' ({field.unit})' if field.unit else ''}",
            field.question,
            _line_tokens(name, field, knowledge),
            text=name == "name",
        )
        for name, field in knowledge.vocabulary.prior_systemic.fields.items()
        if name != "name" or option == OTHER
    ]


def _line_tokens(name: str, field: LineField, knowledge: Knowledge) -> Mapping[str, str] | None:
    if name == "option":
        return {**treatments(knowledge), OTHER: OTHER_LABEL}
    if field.values is not None:
        return field.values
    if field.unit is not None or name == "name":
        return None
    return {token: token for token in (state.NOT_KNOWN, *state.YES_NO)}


def chosen() -> list[str]:
    """Return the keys of the entries that are being changed."""
    return list(st.session_state.get(CHOSEN, ()))


def added() -> int:
    """Return how many lines of therapy have been added."""
    return int(st.session_state.get(_ADDED, 0))


def any_changes() -> bool:
    """Whether something is being tried out."""
    return bool(chosen() or added())


def made_for() -> Mapping[str, Any] | None:
    """Return the case that the changes were made for, ``None`` while there are none."""
    return cast("Mapping[str, Any] | None", st.session_state.get(_BASE)) if any_changes() else None


def drop_what_does_not_fit(offered: Mapping[str, Entry]) -> int:
    """Take back changes of entries that the case does not have; return how many there were."""
    kept = [key for key in chosen() if key in offered]
    gone = len(chosen()) - len(kept)
    if gone:
        st.session_state[CHOSEN] = kept
    return gone


def changed_record(record: Mapping[str, Any], knowledge: Knowledge) -> dict[str, Any]:
    """Return the record with the changes, unchecked."""
    form = state.state_of(record, knowledge)
    for key in chosen():
        form[key] = st.session_state.get(_PREFIX + key)
        unit = st.session_state.get(_unit_key(key))
        if unit is not None:
            form[units.unit_key(key.removeprefix(state.key_of("")))] = unit
    before = lines_before(form)
    for number in range(1, added() + 1):
        for key, field in _added_keys(number):
            form[state.line_key(before + number, field)] = st.session_state.get(key)
    if added():
        form[state.PRIOR], form[state.PRIOR_COUNT] = state.LINES, before + added()
    return state.record_of(form, knowledge)


def lines_before(form: Mapping[str, Any]) -> int:
    """Return how many lines a state of the form holds."""
    return int(form[state.PRIOR_COUNT]) if form[state.PRIOR] == state.LINES else 0


def take_up(record: Mapping[str, Any], key: str, token: Any, knowledge: Knowledge) -> None:
    """Change one entry of a case to a value; for callbacks."""
    _begin(record)
    _put(key, token, knowledge)
    st.session_state[CHOSEN] = [*(name for name in chosen() if name != key), key]


def add_line(record: Mapping[str, Any], option: str) -> None:
    """Add a line of therapy that ended with progression; for callbacks."""
    _add(record, {"option": option, "outcome": "progression"})


def _add(record: Mapping[str, Any], line: Mapping[str, Any]) -> None:
    _begin(record)
    number = added() + 1
    entries_of_line = state.line_state(number, line)
    for key, field in _added_keys(number):
        st.session_state[key] = entries_of_line[state.line_key(number, field)]
    st.session_state[_ADDED] = number


def try_out(record: Mapping[str, Any], changed: Mapping[str, Any], knowledge: Knowledge) -> None:
    """Try out another record in place of what is tried out now; for callbacks.

    Args:
        record: the case.
        changed: the record that it shall become; every fact that differs is an entry of the case.
        knowledge: for the fields of the form.
    """
    start_over()
    before, after = state.state_of(record, knowledge), state.state_of(changed, knowledge)
    of_lines = (state.PRIOR, state.PRIOR_COUNT)
    for key in [key for key in after if key not in of_lines and not key.startswith("line_")]:
        if before[key] != after[key]:
            take_up(record, key, after[key], knowledge)
    had: list[Mapping[str, Any]] = list(record.get(state.PRIOR) or ())
    lines: list[Mapping[str, Any]] = list(changed.get(state.PRIOR) or ())
    goes_on = len(lines) >= len(had) and all(
        one["option"] == other["option"] for one, other in zip(had, lines, strict=False)
    )
    if before[state.PRIOR] != after[state.PRIOR] and not lines:
        take_up(record, state.PRIOR, after[state.PRIOR], knowledge)
    elif goes_on:
        for key in [key for key in before if key.startswith("line_") and had]:
            if before[key] != after[key]:
                take_up(record, key, after[key], knowledge)
    else:
        # Other lines than those of the case: none of those, and the others added.
        take_up(record, state.PRIOR, state.NONE, knowledge)
    for line in lines[len(had) if goes_on else 0 :]:
        _add(record, line)


def start_over() -> None:
    """Take every change back; for callbacks."""
    st.session_state[CHOSEN] = []
    st.session_state[_ADDED] = 0
    st.session_state[_BASE] = None


def use_for(record: Mapping[str, Any]) -> None:
    """Use the changes for another case than the one they were made for; for callbacks."""
    st.session_state[_BASE] = dict(record)


def put_into_form(record: Mapping[str, Any], knowledge: Knowledge) -> None:
    """Let the form hold the changed record; for callbacks."""
    fill(knowledge, record)
    start_over()
    st.session_state[_DONE] = True


def was_put_into_form() -> bool:
    """Whether the changes have just gone into the form; true once."""
    return bool(st.session_state.pop(_DONE, False))


def _begin(record: Mapping[str, Any]) -> None:
    if not any_changes():
        st.session_state[_BASE] = dict(record)


def _put(key: str, value: Any, knowledge: Knowledge) -> None:
    name = key.removeprefix(state.key_of(""))
    fact = knowledge.vocabulary.facts.get(name) if key.startswith(state.key_of("")) else None
    if fact is not None and fact.also_in:
        # In the unit that the form has now; it stays with this number.
        unit = units.unit_of(name, fact, entries())
        st.session_state[_unit_key(key)] = unit
        value = units.from_record(value, fact, unit)
    st.session_state[_PREFIX + key] = value


def _unit_key(key: str) -> str:
    return f"whatif_unit_{key}"


def _added_keys(number: int) -> list[tuple[str, str]]:
    fields = [key.removeprefix(state.line_key(1, "")) for key in state.line_state(1, {})]
    return [(f"whatif_line_{number}_{field}", field) for field in fields]


def show_choice(
    record: Mapping[str, Any], offered: Mapping[str, Entry], leaders: Iterable[str], knowledge: Knowledge
) -> None:
    """Show where facts are picked to be changed, and where a line of therapy is added.

    Args:
        record: the case.
        offered: its entries.
        leaders: ids of the options that lead, to be offered first as the next line.
        knowledge: for labels.
    """
    facts, line = st.columns([3, 2])
    facts.multiselect(
        "Facts to change",
        list(offered),
        format_func=lambda key: offered[key].label if key in offered else key,
        placeholder="Choose facts; type to search",
        select_all=False,
        key=CHOSEN,
        on_change=_take_up_chosen,
        args=(record, knowledge),
        persist_state="session",
        help="Each gets its field below, with the value of the case to start from.",
    )
    named = treatments(knowledge)
    first = [option for option in leaders if option in named]
    line.selectbox(
        "Add a line of systemic therapy",
        [*first, *(option for option in named if option not in first), OTHER],
        index=None,
        format_func=lambda option: named.get(option, OTHER_LABEL),
        placeholder="And after progression on …",
        key=NEXT,
        on_change=_add_chosen_line,
        args=(record,),
        help="Adds a line after those of the case, ended by progression; how it ended can be changed below.",
    )


def _take_up_chosen(record: Mapping[str, Any], knowledge: Knowledge) -> None:
    form, before = state.state_of(record, knowledge), st.session_state.get("whatif_had", [])
    if not before and not added():
        st.session_state[_BASE] = dict(record)
    for key in chosen():
        if key not in before:
            value = form.get(key)
            _put(key, state.NONE if key == state.PRIOR else value, knowledge)


def _add_chosen_line(record: Mapping[str, Any]) -> None:
    option = st.session_state[NEXT]
    st.session_state[NEXT] = None  # so that the same can be added again
    if option is not None:
        add_line(record, option)


def show_changes(
    record: Mapping[str, Any], offered: Mapping[str, Entry], problems: state.Problems, knowledge: Knowledge
) -> None:
    """Show the field of each entry that is being changed and of each added line, with why a value is refused."""
    st.session_state["whatif_had"] = chosen()
    form = state.state_of(record, knowledge)
    keys = [key for key in chosen() if key in offered]
    for start in range(0, len(keys), _COLUMNS):
        for column, key in zip(st.columns(_COLUMNS), keys[start : start + _COLUMNS], strict=False):
            with column:
                _control(offered[key], _PREFIX + key)
                st.caption(f"In the case: {plain(_as_it_is(offered[key], form, knowledge))}")
                refusal(problems.get(offered[key].place, ()))
    before = lines_before(form)
    if st.session_state.get(_PREFIX + state.PRIOR) in (state.NONE, state.NOT_KNOWN) and state.PRIOR in keys:
        before = 0
    for number in range(1, added() + 1):
        _show_line(number, before, problems, knowledge)
    if added() and not before and state.PRIOR not in record:
        st.caption("Whether there were earlier lines is not known in the case; the added ones count as the only ones.")
    shown = {offered[key].place for key in keys}
    for place, found in problems.items():
        if place not in shown and not _of_added(place, before):
            refusal(f"{_named(place, offered)}{message}" for message in found)


def _named(place: str, offered: Mapping[str, Entry]) -> str:
    label = next((entry.label for entry in offered.values() if entry.place == place), place)
    return f"{label}: " if label else ""


def _of_added(place: str, before: int) -> bool:
    return any(place.startswith(f"{state.PRIOR}[{before + number}]") for number in range(1, added() + 1))


def _as_it_is(entry: Entry, form: Mapping[str, Any], knowledge: Knowledge) -> str:
    """Write what the case has for an entry, as it would stand in the field."""
    value = form.get(entry.key)
    if entry.key == state.PRIOR and value == state.LINES:
        return f"{form[state.PRIOR_COUNT]} so far"
    if entry.several:
        return ", ".join((entry.tokens or {}).get(token, token) for token in value or ()) or state.NOT_KNOWN
    if entry.tokens is not None:
        return entry.tokens.get(str(value), str(value))
    if entry.fact is not None and value is not None:
        fact, unit = knowledge.vocabulary.facts[entry.fact], st.session_state.get(_unit_key(entry.key))
        return f"{units.from_record(value, fact, unit):.6g} {unit or fact.unit or ''}".strip()
    return state.NOT_KNOWN if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value)


def _control(entry: Entry, key: str) -> None:
    label, helped, tokens = plain(entry.label), plain(entry.question) or None, entry.tokens
    if tokens is not None:
        # What stands there may be none of the choices, such as a treatment that is named by hand.
        offered = list(tokens)
        if entry.several:
            st.multiselect(
                label,
                offered,
                format_func=lambda token: tokens.get(token, token),
                placeholder=state.NOT_KNOWN,
                select_all=False,
                key=key,
                help=helped,
                persist_state="session",
            )
        elif len(offered) <= _MOST_SEGMENTS and sum(len(tokens[token]) for token in offered) <= _LONGEST_ROW:
            st.segmented_control(
                label,
                offered,
                format_func=lambda token: tokens.get(token, token),
                required=True,
                key=key,
                help=helped,
                wrap=True,
                persist_state="session",
            )
        else:
            current = st.session_state.get(key)
            if current is not None and current not in tokens:
                offered.append(current)
            st.selectbox(
                label,
                offered,
                format_func=lambda token: tokens.get(token, token),
                key=key,
                help=helped,
                persist_state="session",
            )
    elif entry.text:
        st.text_input(label, key=key, help=helped, persist_state="session")
    else:
        # No limits: the browser would drop a number outside them, where the record says what is wrong.
        st.number_input(
            label,
            value=None,
            step=1.0,
            format="%g",
            placeholder=state.NOT_KNOWN,
            key=key,
            help=helped,
            persist_state="session",
        )


def _show_line(number: int, before: int, problems: state.Problems, knowledge: Knowledge) -> None:
    place = f"{state.PRIOR}[{before + number}]"
    keys = {field: key for key, field in _added_keys(number)}
    option = str(st.session_state.get(keys["option"]))
    members = _of_line(before + number, f"Line {before + number}: ", option, knowledge)
    with st.container(border=True, key=f"whatif_added_line_{number}"):
        refusal(problems.get(place, ()))
        for start in range(0, len(members), _COLUMNS):
            for column, entry in zip(st.columns(_COLUMNS), members[start : start + _COLUMNS], strict=False):
                with column:
                    _control(entry, keys[entry.place.rpartition(".")[2]])
                    refusal(problems.get(entry.place, ()))
        if number == added():
            label = f"Take line {before + number} back"
            st.button(label, icon=":material/undo:", key=f"whatif_take_back_{number}", on_click=_take_line_back)


def _take_line_back() -> None:
    st.session_state[_ADDED] = added() - 1
