"""Before and after side by side, and what moved by which rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from form.sections import section
from form.sources import claims
from form.wording import badge, plain, result
from hcc_decide.decision import Criterion, Decision, Option, Result
from hcc_decide.headline import headline
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import fact_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, option_name, setting_labels, value_text
from hcc_decide.movement import (
    Changes,
    CriterionChange,
    Direction,
    Displacement,
    FactChange,
    IndicationChange,
    Judged,
    OptionChange,
    Place,
    PreferenceChange,
    Reason,
)
from hcc_decide.render import kind_text, within_trials

_WORDS: dict[Direction, str] = {
    "better": ":green[:material/trending_up:] better",
    "worse": ":red[:material/trending_down:] worse",
    "settled": ":blue[:material/check_circle:] settled",
    "opened": ":orange[:material/help:] no longer settled",
    "moved": ":material/swap_vert: moved",
    "same": ":material/drag_handle: stands as before",
}
_EFFECTS = {
    ("favours", True): "Speaks for it now",
    ("favours", False): "No longer speaks for it",
    ("disfavours", True): "Speaks against it now",
    ("disfavours", False): "No longer speaks against it",
    ("noted", True): "Noted now",
    ("noted", False): "No longer noted",
}
_MOST_NAMES = 4


def show_facts(found: Changes, knowledge: Knowledge) -> None:
    """Show which facts differ, those that were changed and those that follow from them."""
    entered = [item for item in found.facts if not item.derived]
    derived = [item for item in found.facts if item.derived]
    lines = [f"**{plain(item.label)}:** {_values(item, knowledge)}" for item in entered]
    lines += [f"Follows from it: **{plain(item.label)}:** {_values(item, knowledge)}" for item in derived]
    st.markdown("\n".join(f"- {line}" for line in lines))


def show_side_by_side(before: Decision, after: Decision, found: Changes, knowledge: Knowledge) -> None:
    """Show both answers in short, with marks on what moved."""
    moves = {item.option: item for item in found.options}
    left, right = st.columns(2, border=True)
    here, there = {item.id for item in _offered(before)}, {item.id for item in _offered(after)}
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


def _offered(decision: Decision) -> list[Option]:
    """Return what a board could offer, now or once more is known."""
    return [item for item in decision.in_question if not within_trials(item)]


def _ranked(decision: Decision, title: str, marks: dict[str, str]) -> None:
    rows = [
        {
            "Rank": item.rank,
            "Option": plain(item.name),
            "Standing": badge(item.verdict) + (f" would be {badge(item.would_be)}" if item.would_be else ""),
            "Change": marks.get(item.id, ""),
        }
        for item in _offered(decision)
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
        return _WORDS[item.direction]
    return ":material/info: see below"


def show_moves(found: Changes, knowledge: Knowledge, *, key: str) -> None:
    """Show each option that stands differently and why, what a board could offer first.

    Args:
        found: what differs.
        knowledge: for labels.
        key: before the keys of the sections.
    """
    elsewhere = [item for item in found.options if _left(item)]
    rest = [item for item in found.options if item not in elsewhere]
    usable = [item for item in rest if item.before.usable or item.after.usable]
    cards = [item for item in usable if any(reason.kind != "others" for reason in item.reasons)]
    displaced = [item for item in usable if item not in cards]
    hopeless = [item for item in rest if item.before.out_of_question and item.after.out_of_question]
    trials = [item for item in rest if item not in usable and item not in hopeless]
    if not found.options:
        st.info("Nothing moves: every option stands exactly as before, for the same reasons.", icon=":material/check:")
        return
    if not any(item.direction != "same" for item in found.options):
        st.info("Nothing moves: every verdict and every rank is as before. What else differs:", icon=":material/check:")
    elif not usable and not elsewhere:
        st.info("Nothing moves that a board could offer outside a trial.", icon=":material/check:")
    for item in cards:
        with st.container(border=True, key=f"{key}_card_{_slug(item.option)}"):
            st.markdown(f"**{plain(item.name)}** {_from_to(item)}")
            st.markdown("\n".join(f"- {text}" for text in _texts(item, knowledge)))
    if displaced:
        st.markdown("**Only displaced by others; their own standing is the same**")
        st.markdown(
            "\n".join(
                f"- **{plain(item.name)}** {_from_to(item)}: {'; '.join(_texts(item, knowledge))}" for item in displaced
            )
        )
    _folded("Belong to another setting or use now", elsewhere, knowledge, key=f"{key}_elsewhere")
    _folded("Only within trials", trials, knowledge, key=f"{key}_trials")
    _folded("Out of question before and after", hopeless, knowledge, key=f"{key}_hopeless")
    count = found.unchanged
    st.markdown(f"{count} {'option stands' if count == 1 else 'options stand'} exactly as before.")


def _slug(option: str) -> str:
    # Style sheets and browser tests name a container by its key, where a plus has a meaning of its own.
    return option.replace("+", "_and_")


def _left(item: OptionChange) -> bool:
    return item.after.verdict == "not_applicable" and item.before.verdict != "not_applicable"


def _folded(title: str, items: Sequence[OptionChange], knowledge: Knowledge, *, key: str) -> None:
    if not items:
        return
    shown = section(f"{title} ({len(items)})", key=key)
    if not shown.open:
        return
    own = [item for item in items if any(reason.kind != "others" for reason in item.reasons)]
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
        return f"{_standing(after)} · {_WORDS['same']}"
    if (before.verdict, before.would_be) == (after.verdict, after.would_be):
        up = (after.rank or 0) < (before.rank or 0)
        sign = f":material/{'arrow_upward' if up else 'arrow_downward'}: {'up' if up else 'down'}"
        return f"{badge(after.verdict)} · rank {before.rank} → {after.rank} · {sign}"
    return f"{_standing(before)} → {_standing(after)} · {_WORDS[item.direction]}"


def _texts(item: OptionChange, knowledge: Knowledge) -> list[str]:
    """Write the reasons; findings of an option that is out of question now are no longer told."""
    out = item.after.rank is None
    return [
        _reason(reason, knowledge)
        for reason in item.reasons
        if not (out and reason.kind in ("preference", "caution")) or len(item.reasons) == 1
    ]


def _reason(reason: Reason, knowledge: Knowledge) -> str:
    if reason.kind == "setting":
        named = setting_labels(knowledge)
        return f":material/signpost: Setting: {plain(named[reason.before])} → {plain(named[reason.after])}"
    if reason.kind == "indication":
        facts = _in_brackets(reason.facts, knowledge)
        return f":material/description: {_indication(reason)}{facts}{_bases(reason)}"
    if reason.kind == "criterion":
        return _criterion(reason, knowledge)
    if reason.kind == "regimen":
        return f":material/medication: Regimen: {plain(reason.before)} → {plain(reason.after)}" + _in_brackets(
            reason.facts, knowledge
        )
    if reason.kind == "others":
        return f":material/swap_vert: {_displacement(reason, knowledge)}"
    if isinstance(reason, PreferenceChange):
        lead = f":material/{'add' if reason.came else 'remove'}: {_EFFECTS[reason.effect, reason.came]}"
    else:
        lead = f":orange[:material/warning:] **{'Caution now' if reason.came else 'Caution no longer applies'}**"
    return f"{lead}: {plain(reason.text)}{_in_brackets(reason.facts, knowledge)}{_basis(reason.rule, reason.claims)}"


def _indication(reason: IndicationChange) -> str:
    one, two = reason.before, reason.after
    if one is not None and two is not None:
        return f"Judged by another of its uses: {_use(one)} before, {_use(two)} now"
    if two is not None:
        return f"A use of it applies now: {_use(two)}"
    return f"A use of it no longer applies: {_use(one)}" if one is not None else "No use of it applies"


def _use(item: Judged) -> str:
    verdict = item.verdict.replace("_", " ")
    return f"“{plain(item.text)}” ({plain(verdict)} by the evidence, level {item.evidence_level})"


def _bases(reason: IndicationChange) -> str:
    uses = [item for item in (reason.before, reason.after) if item is not None]
    return claims([part for item in uses for part in (item.rule, *item.claims)])


def _criterion(reason: CriterionChange, knowledge: Knowledge) -> str:
    name = kind_text(_as_criterion(reason, "unknown"))
    change = f"{_result(reason, reason.before)} → {_result(reason, reason.after)}"
    facts = _in_brackets(reason.facts, knowledge)
    return f"{name}: {plain(reason.text)}: {change}{facts}{_basis(reason.rule, reason.claims)}"


def _result(reason: CriterionChange, found: Result | None) -> str:
    return "not asked" if found is None else result(_as_criterion(reason, found))


def _as_criterion(item: CriterionChange, found: Result) -> Criterion:
    return Criterion(
        rule=item.rule,
        kind=item.of,
        text=item.text,
        result=found,
        holds=None,
        facts={},
        claims=item.claims,
        trials=item.trials,
    )


def _displacement(reason: Displacement, knowledge: Knowledge) -> str:
    parts = []
    if reason.came_above:
        parts.append(f"{_names(reason.came_above, knowledge)} came above it")
    if reason.left_above:
        parts.append(f"{_names(reason.left_above, knowledge)} no longer above it")
    return "; ".join(parts) or "options above it share ranks otherwise than before"


def _names(options: Sequence[str], knowledge: Knowledge) -> str:
    names = [option_name(knowledge, option) for option in options]
    if len(names) > _MOST_NAMES + 1:
        names = [*names[:_MOST_NAMES], f"{len(names) - _MOST_NAMES} more"]
    return plain(names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}")


def _in_brackets(facts: Iterable[FactChange], knowledge: Knowledge) -> str:
    """Write the facts behind a reason with both values; those that are the same only where none differs."""
    every = list(facts)
    shown = [item for item in every if item.differs] or every
    return f" ({'; '.join(f'{plain(item.label)}: {_values(item, knowledge)}' for item in shown)})" if shown else ""


def _values(item: FactChange, knowledge: Knowledge) -> str:
    if item.fact == PRIOR_SYSTEMIC:
        return _lines(item)
    fact = knowledge.vocabulary.facts.get(fact_of(item.fact))
    before, after = (
        f"{value:.3g}".replace("-", "−")
        if isinstance(value, float) and item.derived and fact is not None and fact.source == "computed"
        else value_text(fact, value)
        for value in (item.before, item.after)
    )
    return plain(f"{before} → {after}") if item.differs else plain(after)


def _lines(item: FactChange) -> str:
    """Write lines of therapy; where some were added, only those."""
    before, after = item.before, item.after
    if isinstance(before, list) and isinstance(after, list) and after[: len(before)] == before:
        return plain(f"added: {_numbered(after, len(before))}")
    return " → ".join(
        plain(_numbered(lines, 0) if isinstance(lines, list) else value_text(None, lines)) for lines in (before, after)
    )


def _numbered(lines: Sequence[str], known: int) -> str:
    told = [f"line {number}: {line}" for number, line in enumerate(lines, start=1) if number > known]
    return "; ".join(told) or "none"


def _basis(rule: str, cited: Sequence[str]) -> str:
    return claims([rule, *cited])
