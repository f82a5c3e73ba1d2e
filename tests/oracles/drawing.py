"""Records for the comparison: those of the property tests, and besides what lies at the limits of the rules."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.properties.strategies import mended, records

CHILD_PUGH = {"bilirubin_umol_l": (34.2, 51.3), "albumin_g_l": (28.0, 35.0), "inr": (1.7, 2.3)}
"""Where the points of the Child–Pugh items change (Pugh 1973), which no rule says."""

ALBI = (-2.60, -1.39)
"""Where the ALBI grade changes (Johnson 2015)."""

METASTASIS = ("primary_site", "liver_metastasis_resectable")
"""What the contract takes of a liver metastasis only."""

OUTCOMES = ["progression", "intolerance", "progression_and_intolerance", "completed", "ongoing"]
LIMITS = ("at_least", "at_most", "above", "below")


def tests_of(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield every fact and its test in a rule file."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("when", "only") and isinstance(value, Mapping):
                yield from value.items()
            elif key == "when_any":
                for group in value:
                    yield from group.items()
            else:
                yield from tests_of(value)
    elif isinstance(node, list):
        for item in node:
            yield from tests_of(item)


class Drawn:
    """What the rules of one folder say of where records are worth drawing.

    Attributes:
        options: every option id.
        named: options that some rule asks of the lines of therapy.
        limits: for each number, the limits that the rules compare it with.
    """

    def __init__(self, rules: Path) -> None:
        files = [*sorted((rules / "options").glob("*.yaml")), *sorted((rules / "staging").glob("*.yaml"))]
        files.append(rules / "notices.yaml")
        vocabulary = _read(rules / "vocabulary.yaml")["facts"]
        self.options = sorted(path.stem for path in files[: len(list((rules / "options").glob("*.yaml")))])
        named: set[str] = set()
        limits: dict[str, set[float]] = {name: set(numbers) for name, numbers in CHILD_PUGH.items()}
        for path in files:
            for fact, test in tests_of(_read(path)):
                if not isinstance(test, Mapping):
                    continue
                if vocabulary[fact].get("members") == "options" and fact != "failed_option":
                    named |= {member for word in ("any_of", "none_of", "all_of") for member in test.get(word, ())}
                named |= {test["of"]} if "of" in test else set()
                for word in LIMITS:
                    if word in test:
                        limits.setdefault(fact, set()).add(test[word])
        self.named = sorted(named)
        self.limits = limits
        self.kinds = {fact: str(vocabulary[fact]["kind"]) for fact in limits}
        self.ranges: dict[str, Mapping[str, float]] = {fact: vocabulary[fact].get("range", {}) for fact in limits}
        self.recorded = [fact for fact in limits if vocabulary[fact]["source"] == "record"]

    def beside(self, fact: str) -> list[float]:
        """Return every limit of a number and one step to either side, as far as the record allows them."""
        found: set[float] = set()
        for limit in self.limits[fact]:
            if self.kinds[fact] == "integer":
                found |= {limit - 1, limit, limit + 1}
                continue
            found |= {limit, round(limit - 0.1, 6), round(limit + 0.1, 6)}
            # Points of bilirubin change at a round number of mg/dL, so that the last digit of µmol/L means nothing.
            tiny = fact != "bilirubin_umol_l"
            found |= {math.nextafter(limit, -math.inf), math.nextafter(limit, math.inf)} if tiny else set()
        allowed = self.ranges[fact]
        lowest, highest = allowed.get("at_least", -math.inf), allowed.get("at_most", math.inf)
        return sorted(
            number for number in found if lowest <= number <= highest and number > allowed.get("above", -math.inf)
        )


def _read(path: Path) -> Any:
    return yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)


def _weighted(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw from one of some strategies; one that is named twice is drawn from twice as often, unlike with `one_of`."""
    return st.integers(0, len(strategies) - 1).flatmap(lambda index: strategies[index])


def lines(drawn: Drawn) -> st.SearchStrategy[list[Any]]:
    """Draw lines of therapy, mostly of options that rules ask for; only the last may be ongoing."""
    named = st.sampled_from(drawn.named)
    options = _weighted(named, named, st.sampled_from(drawn.options))
    other = st.fixed_dictionaries({"option": st.just("other")}, optional={"name": st.just("a trial drug")})
    details: dict[str, st.SearchStrategy[Any]] = {
        "outcome": st.sampled_from(OUTCOMES),
        "radiological_progression": st.sampled_from([True, False, None]),
        "last_daily_dose_mg": st.sampled_from([*drawn.beside("last_daily_dose_mg"), None]),
        "tolerated_days_of_last_28": st.sampled_from([*drawn.beside("tolerated_days_of_last_28"), None]),
    }
    known = st.fixed_dictionaries({"option": options})
    full = st.builds(
        lambda line, more: {**line, **more}, _weighted(known, known, other), st.fixed_dictionaries({}, optional=details)
    )
    line = _weighted(full, full, options)
    one, some = st.lists(line, min_size=1, max_size=1), st.lists(line, min_size=2, max_size=3)
    return _weighted(st.just([]), one, one, some).map(_consistent)


def _consistent(entries: list[Any]) -> list[Any]:
    """Take back what the contract refuses: an ongoing line before another, imaging without progression."""
    kept: list[Any] = []
    for number, entry in enumerate(entries):
        line = entry
        if isinstance(entry, dict):
            line = dict(entry)
            if line.get("outcome") == "ongoing" and number < len(entries) - 1:
                del line["outcome"]
            if line.get("radiological_progression") and "progression" not in line.get("outcome", "progression"):
                del line["radiological_progression"]
        kept.append(line)
    return kept


BOARD: dict[str, st.SearchStrategy[Any]] = {
    "tumour": st.just("hcc"),
    "bclc_stage": st.sampled_from(["C", "C", "C", "B", "A", "0"]),
    "child_pugh_class": st.sampled_from(["A", "A", "B"]),
    "ecog": st.sampled_from([0, 1, 2]),
    "intent": st.sampled_from(["treatment", "treatment", "treatment", "adjuvant", "neoadjuvant"]),
}
"""What makes an ordinary patient of a board, so that not nearly everybody is end-stage or of unknown setting."""

JUDGED: dict[str, st.SearchStrategy[Any]] = {
    **{f"amenable_to_{name}": st.booleans() for name in ("resection", "ablation", "transplant", "tace")},
    "refractory_to_tace": st.booleans(),
    "region": st.sampled_from(["us", "eu", "china", "japan", "other"]),
}
"""What else a board says, and the setting hangs on."""


@st.composite
def _albi(draw: st.DrawFn) -> dict[str, float]:
    """Draw bilirubin and albumin that put the score just on either side of a limit."""
    bilirubin = draw(st.sampled_from([5.0, 17.1, 34.2, 51.3, 80.0]))
    score = draw(st.sampled_from(ALBI)) + draw(st.sampled_from([-1e-7, 1e-7]))
    return {"bilirubin_umol_l": bilirubin, "albumin_g_l": (0.66 * math.log10(bilirubin) - score) / 0.085}


def any_record(drawn: Drawn) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a record that the contract accepts.

    Facts may be missing, known in part, or given against what others say; numbers lie at the limits of the rules.
    """
    hcc = records(drawn.options)
    metastasis = records(drawn.options, tumour="liver_metastasis")
    limits = {fact: st.sampled_from(drawn.beside(fact)) for fact in drawn.recorded}
    board = st.fixed_dictionaries(BOARD, optional=JUDGED)
    besides = {name: strategy for name, strategy in {**JUDGED, **limits}.items() if name not in BOARD}
    treated = st.fixed_dictionaries({**BOARD, "prior_systemic": lines(drawn)}, optional=besides)
    overlays = [
        st.just({}),
        st.fixed_dictionaries({}, optional={"prior_systemic": lines(drawn), **limits}),
        *(board, treated, treated, treated),
        _albi(),
    ]
    return st.builds(_overlaid, _weighted(hcc, hcc, hcc, hcc, metastasis), _weighted(*overlays))


def _overlaid(record: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    record = {**record, **overlay}
    if record["tumour"] == "hcc":
        record = {name: value for name, value in record.items() if name not in METASTASIS}
    return mended(record)


class _Lists:
    """Hides a strategy whose text would name every option several times over from messages."""

    def __init__(self, rules: Path, size: int) -> None:
        self.strategy = st.lists(any_record(Drawn(rules)), min_size=size, max_size=size)


@st.composite
def _list_of(draw: st.DrawFn, lists: _Lists) -> list[dict[str, Any]]:
    return draw(lists.strategy)


def batches(rules: Path, size: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw lists of records; the rules are read once, when the first is drawn."""
    return st.deferred(lambda: _list_of(_Lists(rules, size)))
