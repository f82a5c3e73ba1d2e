"""A reader in CLIPS: ``rules.clp`` is the semantics, the rule files and the patient are its facts.

Only the reading of the record (`tests.oracles.reading`) is shared, with the reader in clingo. The rule files are read
here. CLIPS keeps the knowledge; the facts about one patient are asserted, run and retracted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import clips
import yaml

from tests.oracles.answer import Answer, OracleError, Record, Value
from tests.oracles.reading import Catalogue, Reading, of_drug, read_record

PROGRAM = Path(__file__).with_name("rules.clp")

PASSING = (
    *("patient", "ready", "settled", "told", "may", "span", "never", "has-member", "open-list", "stands", "shut"),
    *("disagreement", "broken", "can", "touched", "answer", "group-truth", "condition-truth", "spot", "relevant"),
    *("applies", "finding", "outlook", "hope", "verdict"),
)
"""The templates of what is said and found of one patient; ``patient`` first, which takes most matches with it."""

TRUTH: dict[str, bool | None] = {"yes": True, "no": False, "open": None}


def _load(path: Path) -> Any:
    return yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)


def _groups(rule: Mapping[str, Any]) -> list[list[tuple[str, Any]]]:
    """Return the alternatives of a rule, each a list of tests all of which must hold."""
    shared = list(rule["when"].items()) if "when" in rule else []
    if "when_any" not in rule:
        return [shared]
    return [[*shared, *alternative.items()] for alternative in rule["when_any"]]


class _Printed(clips.Router):  # type: ignore[misc]  # clipspy has no types
    """What CLIPS prints to ``answers``."""

    def __init__(self) -> None:
        super().__init__("answers", 40)
        self.rows: list[str] = []

    def query(self, name: str) -> bool:
        return name == "answers"

    def write(self, name: str, message: str) -> None:
        self.rows.append(message)


class ClipsOracle:
    """The rules of one folder in a CLIPS environment of its own.

    Args:
        folder: the folder of the rules.
    """

    def __init__(self, folder: Path) -> None:
        self._environment = clips.Environment()
        self._environment.load(str(PROGRAM))
        self._printed = _Printed()
        self._environment.add_router(self._printed)
        self._environment.reset()
        self._templates: dict[str, Any] = {item.name: item for item in self._environment.templates()}
        self._words: dict[str, dict[str, Value]] = {}
        self._known: dict[str, int] = {}
        self._indications: list[str] = []
        self._criteria: dict[str, int] = {}
        self._numbers: set[str] = set()
        self._kinds: dict[str, str] = {}
        partial: dict[str, dict[str, frozenset[Value]]] = {}
        for fact, entry in _load(folder / "vocabulary.yaml")["facts"].items():
            self._kinds[fact] = {"set": "set", "integer": "number", "number": "number"}.get(entry["kind"], "word")
            values = [True, False] if entry["kind"] == "boolean" else (entry.get("values") or {})
            for value in values if self._kinds[fact] == "word" else []:
                label = None if entry["kind"] == "boolean" else values[value]
                if isinstance(label, dict) and "means" in label:
                    partial.setdefault(fact, {})[str(value)] = frozenset(label["means"])
                    continue
                self._words.setdefault(fact, {})[str(value)] = value
                self._tell("fact-value", fact=fact, value=str(value))
        self._derived = []
        for path in sorted((folder / "staging").iterdir()):
            self._derived.append(self._stage(_load(path)))
        classes: dict[str, frozenset[str]] = {}
        ids: dict[str, str] = {}
        for path in sorted((folder / "options").iterdir()):
            option = _load(path)
            classes[option["id"]] = frozenset(option["classes"])
            ids.update(dict.fromkeys(option.get("aliases", ()), option["id"]))
            self._option(option)
        for notice in _load(folder / "notices.yaml")["notices"]:
            self._criterion(f"notices/{notice['id']}", "notice", notice)
        self._catalogue = Catalogue(classes, ids, partial)
        self._environment.run()

    # The rule files as facts

    def _tell(self, template: str, **slots: Any) -> None:
        self._templates[template].assert_fact(**slots)

    def _question(self, fact: str, test: Any) -> int:
        """Assert a test, once for all rules that ask it, and return its number."""
        key = f"{fact} {test!r}"
        if key in self._known:
            return self._known[key]
        number = self._known[key] = len(self._known)
        words: dict[str, Any] = test if isinstance(test, dict) else {"any_of": [test]}
        about = of_drug(fact, words["of"]) if "of" in words else fact
        if self._kinds[fact] == "number":
            self._numbers.add(about)
        self._tell("question", id=number, fact=about, kind=clips.Symbol(self._kinds[fact]))
        for word, against in words.items():
            if word == "of":
                continue
            if self._kinds[fact] == "number":
                self._tell("limit", question=number, how=clips.Symbol(word), value=float(against))
                continue
            how = clips.Symbol(word.removesuffix("_of"))
            self._tell("asks", question=number, how=how)
            for value in against:
                self._tell("listed", question=number, how=how, value=str(value))
        return number

    def _condition(self, groups: list[list[tuple[str, Any]]]) -> int:
        key = repr(groups)
        if key in self._known:
            return self._known[key]
        number = self._known[key] = len(self._known)
        self._tell("condition", id=number)
        for tests in groups:
            group = self._known[f"group {len(self._known)}"] = len(self._known)
            self._tell("group", id=group)
            self._tell("in-condition", condition=number, group=group)
            for fact, test in tests:
                self._tell("in-group", group=group, question=self._question(fact, test))
        return number

    def _stage(self, body: Mapping[str, Any]) -> str:
        fact: str = body["fact"]
        only = self._condition([list(body["only"].items())]) if "only" in body else clips.Symbol("nil")
        otherwise = clips.Symbol("unknown" if body.get("otherwise") == "unknown" else "exclude")
        self._tell("derived", fact=fact, otherwise=otherwise, only=only)
        for value in body["values"]:
            self._tell("definition", fact=fact, value=str(value["value"]), condition=self._condition(_groups(value)))
        return fact

    def _criterion(self, name: str, kind: str, body: Mapping[str, Any]) -> int:
        number = len(self._criteria)
        self._criteria[name] = self._condition(_groups(body))
        self._tell("criterion", id=number, kind=clips.Symbol(kind), condition=self._criteria[name])
        return number

    def _option(self, option: Mapping[str, Any]) -> None:
        name: str = option["id"]
        self._tell("option", id=name)
        uses: dict[str, int] = {}
        for use in option["indications"]:
            uses[use["id"]] = len(self._indications)
            self._indications.append(f"options/{name}/{use['id']}")
            self._tell(
                "indication",
                id=uses[use["id"]],
                option=name,
                base=clips.Symbol(use["verdict"]),
                condition=self._condition(_groups(use)),
            )
            for setting in use["settings"]:
                self._tell("in-setting", indication=uses[use["id"]], setting=setting)
        bodies = [(kind.removesuffix("s"), body) for kind in ("include", "exclude") for body in option.get(kind) or ()]
        bodies += [("reservation", body) for body in option.get("reservations") or ()]
        bodies += [("caution", body) for body in option.get("cautions") or ()]
        bodies += [("preference", body) for body in option.get("preferences") or ()]
        bodies += [("variant", body) for body in option["regimen"].get("variants", ())]
        for kind, body in bodies:
            number = self._criterion(f"options/{name}/{body['id']}", kind, body)
            for use in body.get("for", uses):
                self._tell("bears", criterion=number, indication=uses[use])

    # One patient

    def answer(self, record: Record) -> Answer:
        """Answer for one record.

        Raises:
            OracleError: no value of a derived fact is left.
        """
        reading = read_record(record, self._catalogue)
        try:
            self._assert(reading)
            self._environment.run()
            return self._read()
        finally:
            self._environment.eval(
                f"(progn$ (?name (create$ {' '.join(PASSING)})) (do-for-all-facts ((?found ?name)) TRUE (retract ?found)))"
            )

    def _assert(self, reading: Reading) -> None:
        # As one text, because clipspy keeps a fact that Python asserted for good, which makes CLIPS slower and slower.
        facts = [
            f'(told (fact "{fact}") (value "{value}"))' for fact, values in reading.words.items() for value in values
        ]
        for fact, (low, high) in reading.numbers.items():
            facts.append(f'(span (fact "{fact}") (low {float(low)!r}) (high {float(high)!r}))')
        facts += [f'(never (fact "{fact}"))' for fact in reading.never & self._numbers]
        for fact, members in reading.members.items():
            for how, found in (("sure", members.sure), ("unsure", members.unsure)):
                facts += [f'(has-member (fact "{fact}") (value "{member}") (how {how}))' for member in found]
            if members.open:
                facts.append(f'(open-list (fact "{fact}"))')
        # The patient last: what waits for one looks at the whole record at once.
        facts.append("(patient (id 1))")
        self._environment.eval(f"(progn (assert {' '.join(facts)}) TRUE)")

    def _found(self, template: str, *slots: str) -> Iterator[list[str]]:
        """Yield some slots of every fact of a template. A line of text each is quicker than a Python object for each."""
        self._printed.rows.clear()
        self._environment.eval(f"(told-of {template} {' '.join(slots)})")
        for row in list(self._printed.rows):
            yield [word.strip('"') for word in row.split()]

    def _read(self) -> Answer:
        for [fact] in self._found("broken", "fact"):
            raise OracleError(f"no value of {fact} is left")
        left: dict[str, set[Value]] = {fact: set() for fact in self._derived}
        for fact, value in self._found("may", "fact", "value"):
            if fact in left:
                left[fact].add(self._words[fact][value])
        truths = {
            int(condition): TRUTH[truth] for condition, truth in self._found("condition-truth", "condition", "truth")
        }
        rules = {name: truths.get(condition) for name, condition in self._criteria.items()}
        rules |= {
            self._indications[int(number)]: TRUTH[truth]
            for number, truth in self._found("applies", "indication", "truth")
        }
        verdicts = self._found("verdict", "option", "verdict", "would-be")
        return Answer(
            {fact: frozenset(values) for fact, values in left.items()},
            frozenset(fact for [fact] in self._found("disagreement", "fact")),
            rules,
            _once((name, (verdict, None if then == "none" else then)) for name, verdict, then in verdicts),
        )


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make a mapping of pairs, and refuse a second answer under one name."""
    answers: dict[str, Any] = {}
    for name, answer in pairs:
        if name in answers:
            raise OracleError(f"{name} is answered twice")
        answers[name] = answer
    return answers
