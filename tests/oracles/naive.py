"""A naive interpreter: the semantics of docs/semantics.md and rules/README.md, read as literally as possible.

What is known of a fact is the set of its possible values. A test tries them one by one. Nothing is compiled, indexed
or shared with the program or with the other readers; the history of therapy and the scores are written out here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from tests.oracles.answer import Answer, OracleError, Record

Truth = bool | None

NEVER = "never given"
"""Stands for the dose of a drug that was never given; it passes no test."""

BEST_FIRST = ["preferred", "recommended", "alternative", "investigational", "not_recommended", "ineligible"]
"""The contract's order of verdicts, without those that say that nothing is decided."""


def every(truths: Iterable[Truth]) -> Truth:
    """Kleene's "and": false as soon as one is false, true when all are."""
    found = list(truths)
    return False if False in found else None if None in found else True


def some(truths: Iterable[Truth]) -> Truth:
    """Kleene's "or": true as soon as one is true, false when all are false."""
    found = list(truths)
    return True if True in found else None if None in found else False


def opposite(truth: Truth) -> Truth:
    """Kleene's "not"."""
    return None if truth is None else not truth


def passes(test: Any, value: Any) -> bool:
    """Tell whether one value of a category or number passes a test."""
    if value == NEVER:
        return False
    if not isinstance(test, dict):
        return bool(value == test)
    outcome: dict[str, Callable[[Any], bool]] = {
        "any_of": lambda listed: value in listed,
        "none_of": lambda listed: value not in listed,
        "at_least": lambda limit: value >= limit,
        "at_most": lambda limit: value <= limit,
        "above": lambda limit: value > limit,
        "below": lambda limit: value < limit,
    }
    return all(outcome[word](against) for word, against in test.items() if word != "of")


def tried(test: Any, possible: Iterable[Any] | None) -> Truth:
    """True when every possible value passes, false when none does, otherwise unknown."""
    if possible is None:
        return None
    outcomes = {passes(test, value) for value in possible}
    return outcomes.pop() if len(outcomes) == 1 else None


class Line:
    """One line of prior systemic therapy, and what can be said of it."""

    def __init__(self, entry: Any, names: Mapping[str, str], classes: Mapping[str, Sequence[str]]) -> None:
        if isinstance(entry, str):
            option, _, outcome = entry.partition(":")
            entry = {"option": option.strip(), "outcome": outcome.strip() or "progression"}
        self.option: str = names.get(entry["option"], entry["option"])
        self.named = entry.get("name") is not None
        self.outcome = entry.get("outcome") or "progression"
        self.entry = entry
        self._classes = classes

    def is_option(self, option: str) -> Truth:
        """Tell whether this line was the option; a drug that nobody named may have been any."""
        if self.option == "other":
            return False if self.named else None
        return self.option == option

    def is_class(self, drug_class: str) -> Truth:
        """Tell whether a drug of the class was given; nobody knows the class of a drug outside the catalogue."""
        if self.option == "other":
            return None
        return drug_class in self._classes[self.option]

    @property
    def progressed(self) -> bool:
        return self.outcome in ("progression", "progression_and_intolerance")

    @property
    def not_tolerated(self) -> bool:
        return self.outcome in ("intolerance", "progression_and_intolerance")

    @property
    def imaged(self) -> Truth:
        """Tell whether imaging showed progression on this line."""
        told: Truth = self.entry.get("radiological_progression")
        return every([self.progressed, told])


def points_of(record: Record) -> list[set[int]]:
    """For each of the five Child–Pugh items, the points that are possible (Pugh 1973, INR for prothrombin time)."""
    items: list[set[int]] = []
    bilirubin, albumin, inr = (record.get(name) for name in ("bilirubin_umol_l", "albumin_g_l", "inr"))
    if bilirubin is None:
        items.append({1, 2, 3})
    else:
        # The limits are 2 and 3 mg/dL. A value converted from mg/dL carries the rounding of the conversion.
        mg_dl = (Decimal(str(bilirubin)) / Decimal("17.1")).quantize(Decimal("1e-9"))
        items.append({1} if mg_dl < 2 else {2} if mg_dl <= 3 else {3})
    items.append({1, 2, 3} if albumin is None else {1} if albumin > 35 else {2} if albumin >= 28 else {3})
    items.append({1, 2, 3} if inr is None else {1} if inr < 1.7 else {2} if inr <= 2.3 else {3})
    ascites, encephalopathy = record.get("ascites"), record.get("encephalopathy")
    items.append({1, 2, 3} if ascites is None else {["none", "mild", "moderate_severe"].index(ascites) + 1})
    grades = ["none", "grade_1_2", "grade_3_4"]
    items.append({1, 2, 3} if encephalopathy is None else {grades.index(encephalopathy) + 1})
    return items


def albi_of(record: Record) -> set[Decimal] | None:
    """The ALBI score (Johnson 2015), or ``None`` while bilirubin or albumin is missing."""
    bilirubin, albumin = record.get("bilirubin_umol_l"), record.get("albumin_g_l")
    if bilirubin is None or albumin is None:
        return None
    with localcontext() as context:
        context.prec = 40
        score = Decimal("0.66") * Decimal(str(bilirubin)).log10() - Decimal("0.085") * Decimal(str(albumin))
    return {score}


class Naive:
    """The rules of one folder, and the answer for one patient at a time.

    Args:
        folder: the folder of the rules.
    """

    def __init__(self, folder: Path) -> None:
        def read(path: Path) -> Any:
            return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)

        self.vocabulary: dict[str, Any] = read(folder / "vocabulary.yaml")["facts"]
        self.staging = [read(path) for path in sorted((folder / "staging").glob("*.yaml"))]
        self.options = [read(path) for path in sorted((folder / "options").glob("*.yaml"))]
        self.notices: list[Any] = read(folder / "notices.yaml")["notices"]
        self.names = {alias: option["id"] for option in self.options for alias in option.get("aliases") or []}
        self.classes = {option["id"]: option["classes"] for option in self.options}

    def answer(self, record: Record) -> Answer:
        """Answer for one record.

        Raises:
            OracleError: two values of one derived fact are established at once, or none is left.
        """
        return _Patient(self, record).answer()


class _Patient:
    """One patient: the record, what was derived from it, and every question that a rule may ask."""

    def __init__(self, rules: Naive, record: Record) -> None:
        self.rules = rules
        self.record = {name: value for name, value in record.items() if value is not None}
        # The contract's two defaults.
        self.record.setdefault("tumour", "hcc")
        self.record.setdefault("intent", "treatment")
        told = self.record.get("prior_systemic")
        self.lines = None if told is None else [Line(entry, rules.names, rules.classes) for entry in told]
        self.derived: dict[str, set[Any]] = {}
        self.disagreements: set[str] = set()

    # What is known of a fact

    def domain(self, fact: str) -> list[Any]:
        """Return every value that a category or a yes-or-no fact can take."""
        entry = self.rules.vocabulary[fact]
        if entry["kind"] == "boolean":
            return [True, False]
        return [value for value, label in entry["values"].items() if not (isinstance(label, dict) and "means" in label)]

    def possible(self, fact: str) -> set[Any] | None:
        """Return the possible values; ``None`` for a number of which nothing is known."""
        entry = self.rules.vocabulary[fact]
        if entry["source"] == "computed":
            return self.computed(fact)
        if entry["source"] == "history":
            return self.history(fact)
        if fact in self.derived:
            return self.derived[fact]
        if fact in self.record:
            value = self.record[fact]
            label = (entry.get("values") or {}).get(value)
            return set(label["means"]) if isinstance(label, dict) and "means" in label else {value}
        return set(self.domain(fact)) if entry["kind"] in ("boolean", "category") else None

    def computed(self, fact: str) -> set[Any] | None:
        """Return what the arithmetic leaves possible."""
        if fact == "albi_score":
            return albi_of(self.record)
        sums = {sum(points) for points in product(*points_of(self.record))}
        score = self.record.get("child_pugh_score")
        if fact == "child_pugh_points":
            return sums if score is None else {score}
        if fact == "child_pugh_points_beyond_score":
            # The vocabulary gives this number no span: it is what is left of the difference however the items that are
            # missing turn out, which is nothing while the score is among the sums that are possible.
            return None if score is None else {min(abs(score - points) for points in sums)}
        raise OracleError(f"nothing is known of the arithmetic of {fact}")

    def history(self, fact: str) -> set[Any] | None:
        """Return what the lines of therapy say of a fact that is not about a single option or class."""
        if fact == "systemic_lines":
            return None if self.lines is None else {len(self.lines)}
        if self.lines is None:
            return {True, False}
        if fact == "any_progression":
            return {any(line.progressed for line in self.lines)}
        if fact == "ongoing_line":
            return {any(line.outcome == "ongoing" for line in self.lines)}
        raise OracleError(f"nothing is known of the history {fact}")

    def is_member(self, fact: str, member: str) -> Truth:
        """Tell whether a list holds a member."""
        if self.rules.vocabulary[fact]["source"] != "history":
            return member in self.record[fact] if fact in self.record else None
        if self.lines is None:
            return None
        question: dict[str, Callable[[Line], Truth]] = {
            "prior_option": lambda line: line.is_option(member),
            "progressed_on": lambda line: every([line.progressed, line.is_option(member)]),
            "not_tolerated": lambda line: every([line.not_tolerated, line.is_option(member)]),
            "failed_option": lambda line: every([line.progressed or line.not_tolerated, line.is_option(member)]),
            "prior_class": lambda line: line.is_class(member),
            "progressed_on_class": lambda line: every([line.progressed, line.is_class(member)]),
            "radiological_progression": lambda line: every([line.imaged, line.is_option(member)]),
        }
        return some(question[fact](line) for line in self.lines)

    def detail(self, fact: str, option: str) -> set[Any] | None:
        """Return a number of the last line of an option; ``None`` while it is not known."""
        if self.lines is None:
            return None
        for line in reversed(self.lines):
            given = line.is_option(option)
            if given is None:
                return None
            if given:
                number = line.entry.get(fact)
                return None if number is None else {number}
        return {NEVER}

    # What a rule asks

    def test(self, fact: str, test: Any) -> Truth:
        """Judge one test."""
        entry = self.rules.vocabulary[fact]
        if entry["kind"] == "set":
            parts: list[Truth] = []
            for word, members in test.items():
                held = [self.is_member(fact, member) for member in members]
                parts.append({"any_of": some(held), "all_of": every(held), "none_of": opposite(some(held))}[word])
            return every(parts)
        if isinstance(test, dict) and "of" in test:
            return tried(test, self.detail(fact, test["of"]))
        return tried(test, self.possible(fact))

    def group(self, tests: Mapping[str, Any]) -> Truth:
        """Judge tests all of which must hold."""
        return every(self.test(fact, test) for fact, test in tests.items())

    def condition(self, rule: Mapping[str, Any]) -> Truth:
        """Judge the ``when`` and the ``when_any`` of a rule."""
        parts: list[Truth] = []
        if "when" in rule:
            parts.append(self.group(rule["when"]))
        if "when_any" in rule:
            parts.append(some(self.group(tests) for tests in rule["when_any"]))
        return every(parts)

    # Staging

    def stage(self) -> None:
        """Derive fact by fact, each after those that it reads."""
        waiting = {entry["fact"]: entry for entry in self.rules.staging}
        while waiting:
            ready = [name for name, entry in waiting.items() if not (self.reads(entry) & set(waiting))]
            if not ready:
                raise OracleError(f"facts wait for each other: {sorted(waiting)}")
            for name in ready:
                self.derive(waiting.pop(name))

    @staticmethod
    def reads(entry: Mapping[str, Any]) -> set[str]:
        """Return the facts that a derivation reads."""
        groups = [entry.get("only") or {}]
        for value in entry["values"]:
            groups += [value.get("when") or {}, *(value.get("when_any") or [])]
        return {fact for tests in groups for fact in tests}

    def derive(self, entry: Mapping[str, Any]) -> None:
        """Work out the possible values of one derived fact, and whether a given value agrees."""
        fact = entry["fact"]
        left = set(self.domain(fact))
        if "only" not in entry or self.group(entry["only"]) is True:
            truths = {value["value"]: self.condition(value) for value in entry["values"]}
            established = {value for value, truth in truths.items() if truth is True}
            if len(established) > 1:
                raise OracleError(f"{fact} is {sorted(map(str, established))} at once")
            if established:
                left = established
            elif entry.get("otherwise") != "unknown":
                left -= {value for value, truth in truths.items() if truth is False}
            if not left:
                raise OracleError(f"no value of {fact} is left")
        if fact in self.record:
            given = self.record[fact]
            if given not in left:
                self.disagreements.add(fact)
            left = {given}
        self.derived[fact] = left

    # Options

    def answer(self) -> Answer:
        """Derive, judge and fold."""
        self.stage()
        settings = self.derived["setting"]
        rules: dict[str, Truth] = {f"notices/{rule['id']}": self.condition(rule) for rule in self.rules.notices}
        verdicts: dict[str, tuple[str, str | None]] = {}
        for option in self.rules.options:
            if not settings & {setting for use in option["indications"] for setting in use["settings"]}:
                verdicts[option["id"]] = ("not_applicable", None)
                continue
            judged = {
                rule["id"]: self.condition(rule)
                for kind in ("include", "exclude", "reservations", "cautions", "preferences")
                for rule in option.get(kind) or []
            } | {rule["id"]: self.condition(rule) for rule in option["regimen"].get("variants") or []}
            applies = {use["id"]: self.applies(use) for use in option["indications"]}
            rules |= {f"options/{option['id']}/{name}": truth for name, truth in {**judged, **applies}.items()}
            outcomes = [self.outcome(option, use, applies[use["id"]], judged) for use in option["indications"]]
            verdicts[option["id"]] = best(outcomes)
        return Answer(
            derived={fact: frozenset(left) for fact, left in self.derived.items()},
            disagreements=frozenset(self.disagreements),
            rules=rules,
            verdicts=verdicts,
        )

    def applies(self, use: Mapping[str, Any]) -> Truth:
        """Tell whether an indication applies: its setting and its condition."""
        return every([tried({"any_of": use["settings"]}, self.possible("setting")), self.condition(use)])

    @staticmethod
    def outcome(
        option: Mapping[str, Any], use: Mapping[str, Any], applies: Truth, judged: Mapping[str, Truth]
    ) -> tuple[str, str | None]:
        """Read the table of verdicts in docs/semantics.md from top to bottom, for one indication."""

        verdict: str = use["verdict"]

        def results(kind: str) -> list[Truth]:
            # What can have no effect on an indication does not bear on it (K13 in docs/findings.md).
            touches = ("preferred", "recommended", "alternative", "investigational")
            if verdict not in (touches[:2] if kind == "reservations" else touches):
                return []
            rules = option.get(kind) or []
            return [judged[rule["id"]] for rule in rules if "for" not in rule or use["id"] in rule["for"]]

        include, exclude, reservations = results("include"), results("exclude"), results("reservations")
        if applies is False:
            return "not_applicable", None
        fails = False in include or True in exclude
        if fails:
            verdict = "ineligible"
        elif True in reservations:
            verdict = "alternative"
        open_criteria = None in [*include, *exclude, *reservations]
        if applies is None or (open_criteria and not fails):
            return "undetermined", verdict
        return verdict, None


def best(outcomes: Sequence[tuple[str, str | None]]) -> tuple[str, str | None]:
    """Return the outcome of the indication that applies, else the best that may apply."""
    for verdict, would_be in outcomes:
        if verdict not in ("undetermined", "not_applicable"):
            return verdict, would_be
    hoped = [would_be for verdict, would_be in outcomes if verdict == "undetermined" and would_be is not None]
    return ("undetermined", min(hoped, key=BEST_FIRST.index)) if hoped else ("not_applicable", None)
