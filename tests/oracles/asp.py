"""A reader in answer set programming: ``rules.lp`` is the semantics, the rule files and the patients are its facts.

Only the reading of the record (`tests.oracles.reading`) is shared, with the reader in CLIPS. The rule files are
read here. The logic program compares whole numbers, so each limit in the rules, and each measurement, is told by its
rank among the limits of its fact.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import clingo
import yaml

from tests.oracles.answer import Answer, OracleError, Record, Value
from tests.oracles.reading import Catalogue, Reading, of_drug, read_record

PROGRAM = Path(__file__).with_name("rules.lp")
LIMITS = ("at_least", "at_most", "above", "below")
MEMBERS = ("any_of", "none_of", "all_of")
KINDS = {
    "include": "include",
    "exclude": "exclude",
    "reservations": "reservation",
    "cautions": "caution",
    "preferences": "preference",
}


def _yaml(path: Path) -> Any:
    with path.open(encoding="utf-8") as stream:
        return yaml.load(stream, Loader=yaml.CSafeLoader)


def _quoted(value: Value) -> str:
    """Write a value as text of the logic program; truth values and grades keep their YAML spelling."""
    return json.dumps(json.dumps(value) if isinstance(value, (bool, int)) else value)


class Asp:
    """The rules of one folder as facts, and the answers for a batch of patients.

    Args:
        folder: the folder of the rules.
    """

    def __init__(self, folder: Path) -> None:
        self._facts: list[str] = []
        self._vocabulary: dict[str, Any] = _yaml(folder / "vocabulary.yaml")["facts"]
        self._limits: dict[str, list[float]] = {}
        self._numbers: dict[str, int] = {}
        self._pending: list[tuple[int, str, str, float]] = []
        self._rules: list[tuple[str, int | None]] = []
        self._domain: dict[str, dict[str, Value]] = {}
        self._vocabulary_facts()
        self.derived = [self._staging(_yaml(path)) for path in sorted(folder.glob("staging/*.yaml"))]
        options = [_yaml(path) for path in sorted(folder.glob("options/*.yaml"))]
        for option in options:
            self._option(option)
        for notice in _yaml(folder / "notices.yaml")["notices"]:
            self._rule(f"notices/{notice['id']}", "notice", self._condition(notice))
        for test, word, fact, limit in self._pending:
            self._say(word, test, self._rank(fact, limit))
        self._knowledge = "\n".join(dict.fromkeys(self._facts))
        self._catalogue = Catalogue(
            classes={option["id"]: frozenset(option["classes"]) for option in options},
            ids={alias: option["id"] for option in options for alias in option.get("aliases", [])},
            partial={
                name: {
                    str(value): frozenset(label["means"])
                    for value, label in entry["values"].items()
                    if isinstance(label, dict) and "means" in label
                }
                for name, entry in self._vocabulary.items()
                if entry["kind"] == "category"
            },
        )

    # The rule files as facts

    def _say(self, predicate: str, *arguments: int | str) -> None:
        self._facts.append(f"{predicate}({','.join(str(argument) for argument in arguments)}).")

    def _number(self, *what: object) -> int:
        """Number tests, groups and conditions; equal ones share a number."""
        return self._numbers.setdefault(json.dumps(what, sort_keys=True), len(self._numbers))

    def _vocabulary_facts(self) -> None:
        for name, entry in self._vocabulary.items():
            if entry["kind"] == "boolean":
                values: list[Value] = [True, False]
            elif entry["kind"] == "category":
                values = [value for value, label in entry["values"].items() if isinstance(label, str)]
                values += [
                    value
                    for value, label in entry["values"].items()
                    if isinstance(label, dict) and "means" not in label
                ]
            else:
                continue
            self._domain[name] = {json.loads(_quoted(value)): value for value in values}
            for value in values:
                self._say("value", _quoted(name), _quoted(value))

    def _test(self, fact: str, body: Any) -> int:
        number = self._number("test", fact, body)
        kind = self._vocabulary[fact]["kind"]
        if not isinstance(body, dict):
            body = {"any_of": [body]}
        if kind in ("integer", "number"):
            name = of_drug(fact, body["of"]) if "of" in body else fact
            self._say("number", number, _quoted(name))
            for word in LIMITS:
                if word in body:
                    self._limits.setdefault(name, []).append(float(body[word]))
                    self._pending.append((number, word, name, float(body[word])))
            return number
        self._say("set" if kind == "set" else "word", number, _quoted(fact))
        for word in MEMBERS:
            for value in body.get(word, []):
                self._say(word, number, _quoted(value))
        return number

    def _condition(self, body: Mapping[str, Any]) -> int:
        """Write a ``when``, a ``when_any`` or both; without either, a condition that always holds."""
        always = body.get("when", {})
        groups = [{**always, **tests} for tests in body.get("when_any", [{}])]
        if any(set(always) & set(tests) for tests in body.get("when_any", [])):
            raise OracleError("a fact is tested by `when` and by `when_any` of one rule")
        condition = self._number("condition", groups)
        for tests in groups:
            group = self._number("group", tests)
            self._say("part", condition, group)
            for fact, test in tests.items():
                self._say("holds", group, self._test(fact, test))
        return condition

    def _staging(self, body: Mapping[str, Any]) -> str:
        fact: str = body["fact"]
        self._say("derived", _quoted(fact))
        if body.get("otherwise") != "unknown":
            self._say("closed", _quoted(fact))
        if "only" in body:
            self._say("only", _quoted(fact), self._condition({"when": body["only"]}))
        for value in body["values"]:
            self._say("defines", _quoted(fact), _quoted(value["value"]), self._condition(value))
        return fact

    def _rule(self, name: str, kind: str, condition: int) -> int:
        self._rules.append((name, None if kind == "indication" else condition))
        number = len(self._rules) - 1
        self._say("is", number, kind)
        self._say("when", number, condition)
        return number

    def _option(self, option: Mapping[str, Any]) -> None:
        own = _quoted(option["id"])
        self._say("option", own)
        uses: dict[str, int] = {}
        for use in option["indications"]:
            number = self._rule(f"options/{option['id']}/{use['id']}", "indication", self._condition(use))
            uses[use["id"]] = number
            self._say("indication", number, own, use["verdict"])
            for setting in use["settings"]:
                self._say("in_setting", number, _quoted(setting))
        for key, kind in KINDS.items():
            for rule in option.get(key) or []:
                number = self._rule(f"options/{option['id']}/{rule['id']}", kind, self._condition(rule))
                for use in rule.get("for", uses):
                    self._say("bears", number, uses[use])
        for variant in option["regimen"].get("variants", []):
            self._rule(f"options/{option['id']}/{variant['id']}", "variant", self._condition(variant))

    def _rank(self, fact: str, value: float) -> int:
        """An odd number for a limit of the rules, an even one for what lies between two."""
        limits = sorted(set(self._limits[fact]))
        place = bisect_left(limits, value)
        return 2 * place + (place < len(limits) and limits[place] == value)

    # Patients as facts

    def _patient(self, number: int, reading: Reading) -> Iterable[str]:
        yield f"patient({number})."
        for fact, values in reading.words.items():
            yield f"told({number},{_quoted(fact)})."
            for value in values:
                yield f"may({number},{_quoted(fact)},{_quoted(value)})."
        for fact, (low, high) in reading.numbers.items():
            if fact in self._limits:
                yield f"span({number},{_quoted(fact)},{self._rank(fact, low)},{self._rank(fact, high)})."
        for fact in reading.never:
            if fact in self._limits:
                yield f"never({number},{_quoted(fact)})."
        for fact, members in reading.members.items():
            for member in members.sure:
                yield f"sure({number},{_quoted(fact)},{_quoted(member)})."
            for member in members.unsure:
                yield f"unsure({number},{_quoted(fact)},{_quoted(member)})."
            if members.open:
                yield f"open({number},{_quoted(fact)})."

    def answers(self, records: Sequence[Record]) -> list[Answer]:
        """Answer for a batch of records, which share one grounding of the rules.

        Raises:
            OracleError: the program has no single answer, or no value of a derived fact is left for a record.
        """
        # Predicates without a single fact are meant (2: no info messages).
        control = clingo.Control(["0", "--warn=none"])
        control.load(str(PROGRAM))
        patients = [
            line
            for number, record in enumerate(records)
            for line in self._patient(number, read_record(record, self._catalogue))
        ]
        control.add("base", [], self._knowledge)
        control.add("base", [], "\n".join(patients))
        control.ground([("base", [])])
        models: list[str] = []
        control.solve(on_model=lambda model: models.append(str(model)))
        if len(models) != 1:
            raise OracleError(f"the logic program has {len(models)} answers")
        return self._read(models[0], len(records))

    def _read(self, model: str, count: int) -> list[Answer]:
        # Read as text: a Python object for each of so many atoms and arguments takes longer than the inference.
        left: list[dict[str, set[Value]]] = [{fact: set() for fact in self.derived} for _ in range(count)]
        disagreements: list[set[str]] = [set() for _ in range(count)]
        conditions: list[dict[int, bool]] = [{} for _ in range(count)]
        uses: list[dict[int, set[str]]] = [defaultdict(set) for _ in range(count)]
        verdicts: list[dict[str, tuple[str, str | None]]] = [{} for _ in range(count)]
        for atom in model.split():
            name, _, rest = atom.partition("(")
            number, *arguments = (part.strip('"') for part in rest[:-1].split(","))
            patient = int(number)
            if name in ("true", "false"):
                if int(arguments[0]) in conditions[patient]:
                    raise OracleError("a condition is both true and false")
                conditions[patient][int(arguments[0])] = name == "true"
            elif name in ("applies", "may_apply"):
                uses[patient][int(arguments[0])].add(name)
            elif name == "verdict":
                option, verdict, would_be = arguments
                if option in verdicts[patient]:
                    raise OracleError(f"{option} has two verdicts")
                verdicts[patient][option] = (verdict, None if would_be == "none" else would_be)
            elif name == "left":
                fact, value = arguments
                left[patient][fact].add(self._domain[fact][value])
            elif name == "disagrees":
                disagreements[patient].add(arguments[0])
            else:
                raise OracleError(f"no value of {arguments[0]} is left")
        return [
            Answer(
                {fact: frozenset(values) for fact, values in left[number].items()},
                frozenset(disagreements[number]),
                self._judged(conditions[number], uses[number]),
                verdicts[number],
            )
            for number in range(count)
        ]

    def _judged(self, conditions: Mapping[int, bool], uses: Mapping[int, set[str]]) -> dict[str, bool | None]:
        """Answer for each rule: an indication applies, may apply or does not; of any other its condition tells."""
        rules: dict[str, bool | None] = {}
        for number, (name, condition) in enumerate(self._rules):
            if condition is not None:
                rules[name] = conditions.get(condition)
            else:
                found = uses.get(number, set())
                rules[name] = True if "applies" in found else None if found else False
        return rules
