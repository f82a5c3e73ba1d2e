"""Before and after side by side, and what moved by which rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from form.sections import section
from form.sources import claims
from form.wording import badge, plain, result
from hcc_decide.decision import Decision, Result
from hcc_decide.headline import headline
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.labels import setting_labels
from hcc_decide.movement import (
    Changes,
    CriterionChange,
    Direction,
    FactChange,
    OptionChange,
    Place,
    PreferenceChange,
    Reason,
)
from hcc_decide.render import kind_text, within_trials
from hcc_decide.render_changes import (
    DIRECTIONS,
    as_criterion,
    bases,
    changed_itself,
    displacement_text,
    effect_text,
    facts_shown,
    indication_text,
    nothing_moves,
    offered,
    sorted_out,
    told,
    unchanged_text,
    values_text,
)

_SIGNS: dict[Direction, tuple[str, str]] = {
    "better": ("trending_up", "green"),
    "worse": ("trending_down", "red"),
    "settled": ("check_circle", "blue"),
    "opened": ("help", "orange"),
    "moved": ("swap_vert", ""),
    "same": ("drag_handle", ""),
}


def show_facts(found: Changes, knowledge: Knowledge) -> None:
    """Show which facts differ, those that were changed and those that follow from them."""
    entered = [item for item in found.facts if not item.derived]
    derived = [item for item in found.facts if item.derived]
    lines = [f"**{plain(item.label)}:** {plain(values_text(item, knowledge))}" for item in entered]
    lines += [f"Follows from it: **{plain(item.label)}:** {plain(values_text(item, knowledge))}" for item in derived]
    st.markdown("\n".join(f"- {line}" for line in lines))


def show_side_by_side(before: Decision, after: Decision, found: Changes, knowledge: Knowledge) -> None:
    """Show both answers in short, with marks on what moved."""
    moves = {item.option: item for item in found.options}
    left, right = st.columns(2, border=True)
    here, there = {item.id for item in offered(before)}, {item.id for item in offered(after)}
    with left:
        st.subheader("Before", anchor=False)
        st.markdown(f"**{plain(headline(before, knowledge))}**")
        _ranked(before, "Before", {option: _gone(moves[option].after) for option in here - there if option in moves})
    with right:
        st.subheader("After", anchor=False)
        st.markdown(f"**{plain(headline(after, knowledge))}**")
        _ranked(
            after,
            "After",
            {option: _mark(moves[option], new=option not in here) for option in there if option in moves},
        )


def _ranked(decision: Decision, title: str, marks: dict[str, str]) -> None:
    rows = [
        {
            "Rank": item.rank,
            "Option": plain(item.name),
            "Standing": badge(item.verdict) + (f" would be {badge(item.would_be)}" if item.would_be else ""),
            "Change": marks.get(item.id, ""),
        }
        for item in offered(decision)
    ]
    if rows:
        st.table(rows, hide_index=True, alt=f"{title}: ranked options with what moved")
    else:
        st.markdown("Nothing that a board could offer comes into question.")
    trials = sum(within_trials(item) for item in decision.in_question)
    if trials:
        st.caption(f"and {trials} {'option' if trials == 1 else 'options'} only within trials")


def _gone(after: Place) -> str:
    now = after.would_be or after.verdict
    return f":red[:material/remove_circle:] gone: {plain(now.replace('_', ' '))}"


def _mark(item: OptionChange, *, new: bool) -> str:
    before, after = item.before, item.after
    if new:
        was = before.would_be or before.verdict
        return f":green[:material/add_circle:] new: was {plain(was.replace('_', ' '))}"
    if before.rank is not None and after.rank is not None and before.rank != after.rank:
        up = after.rank < before.rank
        return f":material/{'arrow_upward' if up else 'arrow_downward'}: {'up' if up else 'down'} from {before.rank}"
    if item.direction != "same":
        return _direction(item.direction)
    return ":material/info: see below"


def show_moves(found: Changes, knowledge: Knowledge, *, key: str) -> None:
    """Show each option that stands differently and why, what a board could offer first.

    Args:
        found: what differs.
        knowledge: for labels.
        key: before the keys of the sections.
    """
    parts, note = sorted_out(found), nothing_moves(found)
    if note is not None:
        st.info(note, icon=":material/check:")
    if not found.options:
        return
    for item in parts.own:
        with st.container(border=True, key=f"{key}_card_{_slug(item.option)}"):
            st.markdown(f"**{plain(item.name)}** {_from_to(item)}")
            st.markdown("\n".join(f"- {text}" for text in _texts(item, knowledge)))
    if parts.displaced:
        st.markdown("**Only displaced by others; their own standing is the same**")
        st.markdown(
            "\n".join(
                f"- **{plain(item.name)}** {_from_to(item)}: {'; '.join(_texts(item, knowledge))}"
                for item in parts.displaced
            )
        )
    for name, title, items in parts.folded:
        _folded(title, items, knowledge, key=f"{key}_{name}")
    st.markdown(unchanged_text(found.unchanged))


def _slug(option: str) -> str:
    # Style sheets and browser tests name a container by its key, where a plus has a meaning of its own.
    return option.replace("+", "_and_")


def _folded(title: str, items: Sequence[OptionChange], knowledge: Knowledge, *, key: str) -> None:
    if not items:
        return
    shown = section(f"{title} ({len(items)})", key=key)
    if not shown.open:
        return
    own = [item for item in items if changed_itself(item)]
    shifted = [plain(item.name) for item in items if item not in own]
    if shifted:
        shown.markdown(f"Only displaced, with the same standing ({len(shifted)}): {', '.join(shifted)}.")
    if own:
        shown.table(
            [
                {
                    "Option": plain(item.name),
                    "Before": _standing(item.before),
                    "After": _standing(item.after),
                    "Why": "; ".join(_texts(item, knowledge)),
                }
                for item in own
            ],
            hide_index=True,
            alt=f"{title}: options with their standing before and after, and why",
        )


def _standing(place: Place) -> str:
    outlook = f" would be {badge(place.would_be)}" if place.would_be else ""
    rank = f" rank {place.rank}" if place.rank is not None else ""
    return f"{badge(place.verdict)}{outlook}{rank}"


def _from_to(item: OptionChange) -> str:
    before, after = item.before, item.after
    if item.direction == "same":
        return f"{_standing(after)} · {_direction('same')}"
    if (before.verdict, before.would_be) == (after.verdict, after.would_be):
        up = (after.rank or 0) < (before.rank or 0)
        sign = f":material/{'arrow_upward' if up else 'arrow_downward'}: {'up' if up else 'down'}"
        return f"{badge(after.verdict)} · rank {before.rank} → {after.rank} · {sign}"
    return f"{_standing(before)} → {_standing(after)} · {_direction(item.direction)}"


def _direction(direction: Direction) -> str:
    icon, colour = _SIGNS[direction]
    sign = f":{colour}[:material/{icon}:]" if colour else f":material/{icon}:"
    return f"{sign} {DIRECTIONS[direction]}"


def _texts(item: OptionChange, knowledge: Knowledge) -> list[str]:
    return [_reason(reason, knowledge) for reason in told(item)]


def _reason(reason: Reason, knowledge: Knowledge) -> str:
    if reason.kind == "setting":
        named = setting_labels(knowledge)
        return f":material/signpost: Setting: {plain(named[reason.before])} → {plain(named[reason.after])}"
    if reason.kind == "indication":
        facts = _in_brackets(reason.facts, knowledge)
        return f":material/description: {plain(indication_text(reason))}{facts}{claims(bases(reason))}"
    if reason.kind == "criterion":
        return _criterion(reason, knowledge)
    if reason.kind == "regimen":
        return f":material/medication: Regimen: {plain(reason.before)} → {plain(reason.after)}" + _in_brackets(
            reason.facts, knowledge
        )
    if reason.kind == "others":
        return f":material/swap_vert: {plain(displacement_text(reason, knowledge))}"
    if isinstance(reason, PreferenceChange):
        lead = f":material/{'add' if reason.came else 'remove'}: {effect_text(reason)}"
    else:
        lead = f":orange[:material/warning:] **{'Caution now' if reason.came else 'Caution no longer applies'}**"
    return f"{lead}: {plain(reason.text)}{_in_brackets(reason.facts, knowledge)}{_basis(reason.rule, reason.claims)}"


def _criterion(reason: CriterionChange, knowledge: Knowledge) -> str:
    name = kind_text(as_criterion(reason, "unknown"))
    change = f"{_result(reason, reason.before)} → {_result(reason, reason.after)}"
    facts = _in_brackets(reason.facts, knowledge)
    return f"{name}: {plain(reason.text)}: {change}{facts}{_basis(reason.rule, reason.claims)}"


def _result(reason: CriterionChange, found: Result | None) -> str:
    return "not asked" if found is None else result(as_criterion(reason, found))


def _in_brackets(facts: Iterable[FactChange], knowledge: Knowledge) -> str:
    shown = [f"{plain(item.label)}: {plain(values_text(item, knowledge))}" for item in facts_shown(facts)]
    return f" ({'; '.join(shown)})" if shown else ""


def _basis(rule: str, cited: Sequence[str]) -> str:
    return claims([rule, *cited])
