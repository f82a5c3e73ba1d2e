"""Numbers: the field in which one is typed, and the unit beside it."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st

from form import state, units
from form.patient.lines import KEPT
from form.session import entries
from hcc_decide.knowledge.schema import Fact

_SHOWN = "patient_typed"

Shown = tuple[int, str, float | None]
"""A field that shows a number in a unit that was chosen: which one it is, the unit, and the value in the fact's own unit."""


def show_number(name: str, fact: Fact, label: str, helped: str | None) -> None:
    """Show the field of a number, with its units where it has several.

    Args:
        name: the fact's name.
        fact: the fact.
        label: what the field is called.
        helped: what stands beside it as help.
    """
    unit = units.unit_of(name, fact, entries())
    if not fact.also_in or unit is None:
        _field(fact, label, helped, key=state.key_of(name), value=None, persist_state=KEPT)
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xxsmall", key=f"patient_number_{name}"):
        if name in entries().get(units.CHOSEN, {}):
            _in_chosen_unit(name, fact, label, helped, unit)
        else:
            _field(fact, label, helped, key=state.key_of(name), value=None, persist_state=KEPT)
        switch = f"patient_unit_{name}"
        if st.session_state.get(switch) != unit:
            st.session_state[switch] = unit
        st.segmented_control(
            f"Unit of {fact.label}",
            list(units.units_of(fact)),
            required=True,
            key=switch,
            on_change=_choose_unit,
            args=(name, switch),
            label_visibility="collapsed",
        )


def _field(fact: Fact, label: str, helped: str | None, *, shape: str = "%g", **more: Any) -> None:
    # No limits: the browser would drop a number outside them, where the record says what is wrong.
    st.number_input(label, step=_step(fact), format=shape, placeholder=state.NOT_KNOWN, help=helped, **more)


def _in_chosen_unit(name: str, fact: Fact, label: str, helped: str | None, unit: str) -> None:
    """Show a number in a unit that was chosen; what is typed goes into the form in the fact's own unit.

    A browser keeps the number of each field for itself and may be a step behind. So each change of the unit, and each number
    that comes from elsewhere, gets a new field that begins with what the form holds: what an old one says can be late, but
    never be taken for another unit.
    """
    key, shown = state.key_of(name), _shown()
    value = entries().get(key)
    # No field has this key now; Streamlit forgets what no field shows unless it is set.
    st.session_state[key] = value
    number, *was = shown.get(name, (0, None, None))
    if was != [unit, value] or name not in shown:
        number += 1
    shown[name] = (number, unit, value)
    begins = units.from_record(value, fact, unit)
    _field(
        fact,
        label,
        helped,
        shape=units.number_format(begins, converted=unit != fact.unit),
        key=f"typed_{name}_{number}",
        value=begins,
        on_change=_take_over,
        args=(name, fact, unit, number),
    )


def _take_over(name: str, fact: Fact, unit: str, number: int) -> None:
    value = units.to_record(st.session_state[f"typed_{name}_{number}"], fact, unit)
    st.session_state[state.key_of(name)] = value
    _shown()[name] = (number, unit, value)


def _shown() -> dict[str, Shown]:
    return cast("dict[str, Shown]", st.session_state.setdefault(_SHOWN, {}))


def _choose_unit(name: str, switch: str) -> None:
    st.session_state[units.CHOSEN] = {**st.session_state.get(units.CHOSEN, {}), name: st.session_state[switch]}


def _step(fact: Fact) -> float:
    fine = fact.kind == "number" and fact.plausible is not None and (fact.plausible.at_least or 1) < 1
    return 0.1 if fine else 1.0
