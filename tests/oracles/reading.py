"""From a record to what it says of each fact, for the two readers that are engines: clingo and CLIPS.

They share this module, because neither does arithmetic on measurements. The naive reader has its own version, and the
program another. Nothing here reads the rules; what a record means is taken from docs/patient-record.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.oracles.answer import Record, Value

LISTS = ("etiology", "prior_locoregional")
"""Facts of the record that are lists."""

HISTORY = (
    *("prior_option", "progressed_on", "not_tolerated", "failed_option", "radiological_progression"),
    *("prior_class", "progressed_on_class"),
)
"""Lists that are read off the lines of prior systemic therapy."""

PROGRESSED = frozenset({"progression", "progression_and_intolerance"})
STOPPED = frozenset({"intolerance", "progression_and_intolerance"})


@dataclass(frozen=True)
class Catalogue:
    """What a reader must tell of the rules to have a record read.

    Attributes:
        classes: the drug classes of each option.
        ids: the option id behind each alias.
        partial: for each fact, the values that stand for several, and for which.
    """

    classes: Mapping[str, frozenset[str]]
    ids: Mapping[str, str]
    partial: Mapping[str, Mapping[str, frozenset[Value]]]


@dataclass
class Members:
    """What is known of a list.

    Attributes:
        sure: members that it holds.
        unsure: members that it may hold.
        open: it may hold any other besides.
    """

    sure: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    open: bool = False


@dataclass
class Reading:
    """What a record says.

    Attributes:
        words: for categories and yes-or-no facts that the record speaks of, the values left.
        numbers: for numbers of which something is known, the lowest and the highest value.
        never: numbers that do not exist, such as the dose of a drug that was never given.
        members: for each list, its members.
    """

    words: dict[str, frozenset[Value]] = field(default_factory=dict)
    numbers: dict[str, tuple[float, float]] = field(default_factory=dict)
    never: set[str] = field(default_factory=set)
    members: dict[str, Members] = field(default_factory=dict)


def of_drug(fact: str, option: str) -> str:
    """Name the number that a fact holds for one option."""
    return f"{fact}[{option}]"


def read_record(record: Record, catalogue: Catalogue) -> Reading:
    """Read a record that the contract accepts."""
    reading = Reading()
    told = {"tumour": "hcc", "intent": "treatment"} | {
        name: value for name, value in record.items() if value is not None
    }
    for name, value in told.items():
        if name in (*LISTS, "prior_systemic", "case_id"):
            continue
        if isinstance(value, (bool, str)) or name == "albi_grade":
            reading.words[name] = catalogue.partial.get(name, {}).get(str(value), frozenset([value]))
        else:
            reading.numbers[name] = (float(value), float(value))
    for name in LISTS:
        reading.members[name] = Members(sure=set(told[name])) if name in told else Members(open=True)
    _child_pugh(told, reading)
    _albi(told, reading)
    _history(told.get("prior_systemic"), catalogue, reading)
    return reading


def _step(value: float, first: bool, second: bool) -> tuple[int, int]:
    points = 1 if first else 2 if second else 3
    return points, points


def _child_pugh(told: Record, reading: Reading) -> None:
    """Add up the five items of Pugh 1973 (INR for prothrombin time); one that is missing has 1 to 3 points."""
    low = high = 0
    for name in ("bilirubin_umol_l", "albumin_g_l", "inr", "ascites", "encephalopathy"):
        value = told.get(name)
        span = (1, 3)
        if value is not None and name == "bilirubin_umol_l":
            # 2 and 3 mg/dL; the tolerance lets 3 × 17.1 be 3 mg/dL although binary fractions make it a little more.
            span = _step(value, value < 34.2 - 8e-9, value <= 51.3 + 8e-9)
        elif value is not None and name == "albumin_g_l":
            span = _step(value, value > 35, value >= 28)
        elif value is not None and name == "inr":
            span = _step(value, value < 1.7, value <= 2.3)
        elif value is not None:
            span = _step(0, value == "none", value in ("mild", "grade_1_2"))
        low, high = low + span[0], high + span[1]
    score = told.get("child_pugh_score")
    if score is None:
        reading.numbers["child_pugh_points"] = (low, high)
        return
    reading.numbers["child_pugh_points"] = (score, score)
    # How far the score lies outside what the items allow; the vocabulary gives this number no span.
    outside = low - score if score < low else score - high if score > high else 0
    reading.numbers["child_pugh_points_beyond_score"] = (outside, outside)


def _albi(told: Record, reading: Reading) -> None:
    """Compute the ALBI score of Johnson 2015."""
    if "bilirubin_umol_l" in told and "albumin_g_l" in told:
        score = math.log(told["bilirubin_umol_l"]) / math.log(10) * 0.66 - 0.085 * told["albumin_g_l"]
        reading.numbers["albi_score"] = (score, score)


def _history(lines: object, catalogue: Catalogue, reading: Reading) -> None:
    """Read off the lines of prior systemic therapy what the vocabulary lists under ``source: history``."""
    members = {name: Members(open=lines is None) for name in HISTORY}
    reading.members |= members
    if not isinstance(lines, (list, tuple)):
        return
    details = ("last_daily_dose_mg", "tolerated_days_of_last_28")
    for name in details:
        reading.never |= {of_drug(name, option) for option in catalogue.classes}
    reading.numbers["systemic_lines"] = (len(lines), len(lines))
    reading.words["any_progression"] = reading.words["ongoing_line"] = frozenset([False])
    for entry in lines:
        line = (
            dict(entry)
            if isinstance(entry, Mapping)
            else dict(zip(("option", "outcome"), entry.split(":"), strict=False))
        )
        option = catalogue.ids.get(line["option"].strip(), line["option"].strip())
        outcome = (line.get("outcome") or "progression").strip()
        imaging = line.get("radiological_progression")
        if outcome in PROGRESSED:
            reading.words["any_progression"] = frozenset([True])
        if outcome == "ongoing":
            reading.words["ongoing_line"] = frozenset([True])
        lists = {
            "prior_option": True,
            "progressed_on": outcome in PROGRESSED,
            "not_tolerated": outcome in STOPPED,
            "failed_option": outcome in PROGRESSED | STOPPED,
            "radiological_progression": outcome in PROGRESSED and imaging is not False,
            "prior_class": True,
            "progressed_on_class": outcome in PROGRESSED,
        }
        for name in (name for name, concerned in lists.items() if concerned):
            of_class = name.endswith("_class")
            if option == "other":
                # A drug with a name is outside the catalogue: no option of it, and of a class that nobody knows.
                members[name].open |= of_class or line.get("name") is None
            elif name == "radiological_progression" and imaging is None:
                members[name].unsure.add(option)
            else:
                members[name].sure |= catalogue.classes[option] if of_class else {option}
        for name in details:
            if option == "other" and line.get("name") is None:
                # It may have been any option, so that of none the last line is known any more.
                for known in catalogue.classes:
                    reading.never.discard(of_drug(name, known))
                    reading.numbers.pop(of_drug(name, known), None)
            elif option != "other":
                reading.never.discard(of_drug(name, option))
                reading.numbers.pop(of_drug(name, option), None)
                if line.get(name) is not None:
                    reading.numbers[of_drug(name, option)] = (float(line[name]), float(line[name]))
