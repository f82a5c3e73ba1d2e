"""The chain of inference: what each step read, where that came from, and what it added to the working memory.

A step of the trace names facts as people do. One name can stand for three things, which are kept apart here: what the record
gives (``record:``), what staging derives beside a given value (``derived:``), and the value in force (``fact:``). ``=`` marks
a value that holds and ``!`` one that is ruled out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from hcc_decide.decision import Decision, Result, Step, Value
from hcc_decide.engine.facts import read_facts, shown
from hcc_decide.knowledge.catalogue import Knowledge, Rule, RuleKind, Treatment, Use
from hcc_decide.knowledge.condition import State, fact_of
from hcc_decide.knowledge.labels import PRIOR_SYSTEMIC, fact_label
from hcc_decide.patient import Patient, parse_patient
from hcc_decide.proof.nodes import Kind, Node, Read
from hcc_decide.proof.words import (
    NOT_GIVEN,
    criterion_text,
    derived_label,
    finding_text,
    name_of_attribute,
    points_against,
    record_text,
    result_of,
    value_of,
)

AS_GIVEN, AS_DERIVED, ONLY_LEFT, DISAGREEMENT = "as-given", "as-derived", "only-value-left", "disagreement"
SUMMED = "child_pugh_points"
"""Given as ``child_pugh_score`` or summed from its items."""
ABSENT = "not given"
FEW = 4
"""Values still open that are worth naming."""
FINDINGS = ("blocked", "open", "reserved")
CRITERIA: tuple[RuleKind, ...] = ("include", "exclude", "reservation")


def bare(name: str) -> str:
    """Return the attribute behind a name of the trace."""
    return name.removeprefix("not ").rstrip("~<>@!")


@dataclass(frozen=True)
class Judged:
    """How the criteria of one use turned out.

    Attributes:
        findings: for each name that rules of the ranking stratum read, the values that hold.
    """

    use: Use
    findings: Mapping[str, frozenset[str]]


class Chain:
    """The steps of a decision in the order in which each comes after those it reads."""

    def __init__(self, decision: Decision, knowledge: Knowledge) -> None:
        """Index a decision's trace.

        Args:
            decision: any decision.
            knowledge: the knowledge that it was made with.
        """
        self.decision = decision
        self.knowledge = knowledge
        self.patient: Patient = parse_patient(decision.patient, knowledge.option_ids)
        self.steps: tuple[Step, ...] = tuple(sorted(decision.trace, key=_causal))
        self._place = {step.step: place for place, step in enumerate(self.steps)}
        self._by_number = {step.step: step for step in self.steps}
        self._staged = {item.fact: item for item in knowledge.staging}
        self._asserting: dict[str, list[int]] = {}
        self._added: dict[int, str] = {}
        for step in self.steps:
            name = self._added[step.step] = self._id_of(step)
            self._asserting.setdefault(name, []).append(step.step)
        self._states: dict[str, State] = {}
        self._judged: dict[str, tuple[Judged, ...]] = {}
        self._reads: dict[int, tuple[Read, ...]] = {}

    # What a step added.

    def step(self, number: int) -> Step:
        """Return a step by its number."""
        return self._by_number[number]

    def added(self, step: Step) -> Node:
        """Return what a step asserted."""
        return self.node(self._added[step.step], (step.step,))

    def asserted_by(self, name: str, before: int | None = None) -> list[int]:
        """Return the numbers of the steps that assert a node, those before one step only if it is given."""
        steps = self._asserting.get(name, [])
        return steps if before is None else [number for number in steps if self._place[number] < self._place[before]]

    def _id_of(self, step: Step) -> str:
        ((name, value),) = step.asserted.items()
        if step.stratum == "ranking":
            return f"ranking:{step.matched['option']}:{name}={value}"
        if step.stratum == "eligibility":
            return f"rule:{name}"
        if name == DISAGREEMENT:
            return f"disagreement:{value}"
        fact = bare(name)
        space = "fact" if step.rule.endswith((AS_GIVEN, AS_DERIVED)) else self._space(fact)
        if name.startswith("not "):
            (gone,) = value if isinstance(value, list) else [value]
            return f"{space}:{fact}!{gone}"
        return f"{space}:{fact}={value}"

    def _space(self, fact: str) -> str:
        return "derived" if fact in self._staged and self._staged[fact].given else "fact"

    # Nodes, by id.

    def node(self, name: str, steps: Iterable[int] = ()) -> Node:
        """Return the node of an id, as asserted by some steps."""
        space, _, rest = name.partition(":")
        numbers = tuple(steps)
        if space == "record":
            return self._record(rest)
        if space == "read":
            return self._read_node(rest)
        if space == "rule":
            return self._criterion(rest, numbers)
        if space == "base":
            return self._base(rest)
        if space == "ranking":
            option, _, finding = rest.rpartition(":")
            what, _, found = finding.partition("=")
            kind: Kind = "verdict" if what == "verdict" else "finding"
            label, value = finding_text(self.knowledge, option, what, found)
            return Node(id=name, kind=kind, label=label, value=value, rule=self._rule(numbers), steps=numbers)
        if space == "disagreement":
            label = fact_label(self.knowledge, rest)
            text = "given and derived disagree"
            return Node(id=name, kind="derived", label=label, value=text, rule=self._rule(numbers), steps=numbers)
        return self._staged_node(name, space, rest, numbers)

    def _rule(self, steps: tuple[int, ...]) -> str | None:
        return self._by_number[steps[0]].rule if steps else None

    def _record(self, fact: str) -> Node:
        value = self.decision.patient.get(fact)
        label, text = fact_label(self.knowledge, fact), record_text(self.knowledge, fact, value)
        known = value is not None and (fact == PRIOR_SYSTEMIC or self.state(fact, settled=False).known)
        return Node(id=f"record:{fact}", kind="patient", label=label, value=text, known=known)

    def _read_node(self, attribute: str) -> Node:
        state = self.state(attribute)
        value = shown(state, self.knowledge.vocabulary.facts[fact_of(attribute)])
        text = value_of(self.knowledge, attribute, value if state.applicable else NOT_GIVEN)
        label = name_of_attribute(self.knowledge, attribute)
        return Node(id=f"read:{attribute}", kind="read", label=label, value=text, known=state.known)

    def _criterion(self, rule_id: str, steps: tuple[int, ...]) -> Node:
        rule = self.knowledge.rules[rule_id]
        held = self.held(rule_id)
        result: Result = result_of(held, against=points_against(rule))
        name = f"rule:{rule_id}"
        value = criterion_text(rule, held)
        return Node(
            id=name,
            kind="criterion",
            label=rule.text,
            value=value,
            known=held is not None,
            result=result,
            role=rule.kind,
            rule=rule_id,
            steps=steps,
        )

    def _base(self, rule_id: str) -> Node:
        rule = self.knowledge.rules[rule_id]
        use = next(use for use in self.knowledge.options[rule.option or ""].uses if use.rule.id == rule_id)
        level = use.body.evidence_level
        text = f"{use.body.verdict.replace('_', ' ')}, evidence level {level}"
        return Node(id=f"base:{rule_id}", kind="knowledge", label="The evidence for this use", value=text, rule=rule_id)

    def _staged_node(self, name: str, space: str, rest: str, steps: tuple[int, ...]) -> Node:
        negative = "=" not in rest
        fact, _, value = rest.partition("!" if negative else "=")
        label = derived_label(self.knowledge, fact, space, given=self._staged[fact].given)
        if value == "?":
            left = sorted(map(str, self.state(fact).values or ()))
            some = " or ".join(value_of(self.knowledge, fact, item) for item in left)
            text = f"not settled; open: {some}" if 1 < len(left) <= FEW else "not settled"
            return Node(id=name, kind="derived", label=label, value=text, known=False)
        text = value_of(self.knowledge, fact, {"True": True, "False": False}.get(value, value))
        text = f"not {text}" if negative else text
        return Node(id=name, kind="derived", label=label, value=text, rule=self._rule(steps), steps=steps)

    # What is known.

    def held(self, rule: str) -> bool | None:
        """Return whether a sentence about the patient holds, ``None`` when that is not known."""
        found = self._asserting.get(f"rule:{rule}")
        if not found:
            return None
        return next(iter(self._by_number[found[0]].asserted.values())) == "met"

    def state(self, attribute: str, *, settled: bool = True) -> State:
        """Return what is known of an attribute once all steps have fired.

        Args:
            attribute: as conditions name it.
            settled: for facts that staging derives, with what it derived; otherwise as the record gives it.
        """
        fact = fact_of(attribute)
        domain = self.knowledge.domain(attribute)
        if settled and fact in self._staged:
            held = [value for value in domain.values if self._asserting.get(f"fact:{fact}={value}")]
            left = [value for value in domain.values if not self._asserting.get(f"fact:{fact}!{value}")]
            return State(values=frozenset(held or left))
        if attribute not in self._states:
            self._states |= read_facts(self.patient, self.knowledge, (attribute,))
        return self._states[attribute]

    @cached_property
    def settings(self) -> frozenset[str]:
        """The settings that are still possible."""
        return frozenset(map(str, self.state("setting").values or ()))

    def judged(self, treatment: Treatment) -> tuple[Judged, ...]:
        """Return how the uses of an option fared that belong to a possible setting."""
        if treatment.id in self._judged:
            return self._judged[treatment.id]
        found: list[Judged] = []
        for use in treatment.uses:
            if not self.settings & set(use.settings):
                continue
            results: dict[str, frozenset[str]] = {"applies": frozenset([result_of(self.held(use.rule.id))])}
            for kind in CRITERIA:
                rules = treatment.by_use[use.body.id].get(kind, ())
                results[kind] = frozenset(result_of(self.held(rule.id), against=kind == "exclude") for rule in rules)
            blocked = "not_met" in results["include"] | results["exclude"]
            is_open = any("unknown" in results[kind] for kind in CRITERIA)
            reserved = "met" in results["reservation"]
            for name, holds in zip(FINDINGS, (blocked, is_open, reserved), strict=True):
                results[name] = frozenset(["yes" if holds else "no"])
            results["base"] = frozenset([use.body.verdict])
            found.append(Judged(use, results))
        self._judged[treatment.id] = tuple(found)
        return self._judged[treatment.id]

    @cached_property
    def _ranking(self) -> Mapping[str, tuple[Step, ...]]:
        found: dict[str, list[Step]] = {}
        for step in self.steps:
            if step.stratum == "ranking":
                found.setdefault(str(step.matched["option"]), []).append(step)
        return {option: tuple(steps) for option, steps in found.items()}

    def ranking_of(self, judged: Judged) -> tuple[Step, ...]:
        """Return the steps of the ranking stratum that concern one use."""
        return tuple(step for step in self._ranking.get(judged.use.rule.option or "", ()) if _concerns(step, judged))

    # What a step read.

    def read(self, step: Step) -> tuple[Read, ...]:
        """Return what a step read, each thing with where it came from."""
        if step.step not in self._reads:
            self._reads[step.step] = tuple(
                self._read_in_ranking(step, name, str(value))
                if step.stratum == "ranking"
                else self._read(step, name, value)
                for name, value in step.matched.items()
            )
        return self._reads[step.step]

    def _read(self, step: Step, name: str, value: Value) -> Read:
        attribute = bare(name)
        fact = self.knowledge.vocabulary.facts[fact_of(attribute)]
        label = name_of_attribute(self.knowledge, attribute)
        text = value_of(self.knowledge, attribute, value)
        if name.startswith("not "):
            gone = value if isinstance(value, list) else [str(value)]
            text = "not " + ", ".join(value_of(self.knowledge, attribute, item) for item in gone)
        if attribute in self._staged:
            return self._read_staged(step, name, value, text)
        if fact.source in ("history", "computed"):
            bounds = self.state(attribute)
            if fact.source == "computed" and not bounds.known:
                text = f"{'at least' if value == bounds.low else 'at most'} {text}"
            origin = "read off the prior lines" if fact.source == "history" else "calculated from the record"
            return Read(name=name, label=label, value=text, origin=origin, nodes=(f"read:{attribute}",))
        node = f"record:{fact_of(attribute)}"
        return Read(name=name, label=label, value=text, origin="the patient record", nodes=(node,))

    def _read_staged(self, step: Step, name: str, value: Value, text: str) -> Read:
        fact = bare(name)
        staged = self._staged[fact]
        own, tail = step.rule.startswith(staged.rule + "/"), step.rule.rpartition("/")[2]
        label = derived_label(self.knowledge, fact, "fact", given=False)
        given = own and (tail == AS_GIVEN or value == NOT_GIVEN or (tail == DISAGREEMENT and name == fact))
        if given:
            text = ABSENT if value == NOT_GIVEN else text
            node = f"record:{fact}"
            return Read(name=name, label=f"{label}, as given", value=text, origin="the patient record", nodes=(node,))
        space = self._space(fact) if own else "fact"
        label = derived_label(self.knowledge, fact, space, given=staged.given)
        values = [str(item) for item in self.knowledge.domain(fact).values]
        gone = (
            [str(item) for item in value]
            if isinstance(value, list)
            else [item for item in values if item != str(value)]
        )
        nodes: list[str] = []
        if not name.startswith("not ") and not (own and tail == ONLY_LEFT):
            nodes = [found for found in [f"{space}:{fact}={value}"] if self.asserted_by(found, step.step)]
        if not nodes:
            # Known by what had been ruled out by then; a value that holds rules out the others.
            nodes = [found for item in gone if self.asserted_by(found := f"{space}:{fact}!{item}", step.step)]
            covered = {found.rpartition("!")[2] for found in nodes}
            if name.startswith("not ") or (own and tail == ONLY_LEFT):
                rest = [item for item in gone if item not in covered]
                nodes += [
                    found
                    for item in values
                    if rest and item not in gone and self.asserted_by(found := f"{space}:{fact}={item}", step.step)
                ]
            if nodes and not name.startswith("not "):
                ruled_out = ", ".join(value_of(self.knowledge, fact, item) for item in values if item in covered)
                text = f"not {ruled_out}" if ruled_out else text
        steps = tuple(sorted({number for found in nodes for number in self.asserted_by(found, step.step)}))
        return Read(
            name=name,
            label=label,
            value=text,
            origin=_from_steps(steps),
            nodes=tuple(nodes),
            steps=steps,
        )

    def _read_in_ranking(self, step: Step, name: str, value: str) -> Read:
        option = str(step.matched["option"])
        treatment = self.knowledge.options[option]
        if name == "option":
            return Read(name=name, label="Option", value=treatment.body.name, origin="the option in question", nodes=())
        label, text = finding_text(self.knowledge, option, name, value)
        uses = [item for item in self.judged(treatment) if _concerns(step, item)]
        if name == "base":
            nodes = tuple(f"base:{item.use.rule.id}" for item in uses)
            return Read(name=name, label=label, value=text, origin="the rule base", nodes=nodes)
        finding = f"ranking:{option}:{name}={value}"
        if name in FINDINGS and value == "yes":
            steps = tuple(self.asserted_by(finding, step.step))
            return Read(name=name, label=label, value=text, origin=_from_steps(steps), nodes=(finding,), steps=steps)
        rules = {rule.id: None for item in uses for rule in self.behind(item, name, value)}
        nodes = tuple(f"rule:{rule}" for rule in rules)
        steps = tuple(sorted({number for node in nodes for number in self.asserted_by(node)}))
        if not nodes:
            nodes = tuple(f"base:{item.use.rule.id}" for item in uses)
            origin = "the rule base, which names nothing of the kind"
        elif name in FINDINGS:
            origin = "looked for and not found"
        else:
            origin = _from_steps(steps) if steps else "no rule could settle it"
        return Read(name=name, label=label, value=text, origin=origin, nodes=nodes, steps=steps)

    def behind(self, judged: Judged, name: str, value: str) -> tuple[Rule, ...]:
        """Return the criteria of a use that a value read in the ranking stratum rests on.

        For what was found missing (``blocked: no`` and the like) these are the criteria that could have said otherwise.
        """
        if name == "applies":
            return (judged.use.rule,)
        rules = self.knowledge.options[judged.use.rule.option or ""].by_use[judged.use.body.id]
        if name in CRITERIA:
            return tuple(
                rule
                for kind in CRITERIA
                if kind == name
                for rule in rules.get(kind, ())
                if result_of(self.held(rule.id), against=name == "exclude") == value
            )
        kinds = {"blocked": CRITERIA[:2], "open": CRITERIA, "reserved": CRITERIA[2:]}[name]
        return tuple(rule for kind in kinds for rule in rules.get(kind, ()) if self.held(rule.id) is not None)

    def sources(self, attribute: str) -> tuple[str, ...]:
        """Return the entries of the record that a score or a fact of the history is worked out from."""
        fact = self.knowledge.vocabulary.facts[fact_of(attribute)]
        if fact.source == "history":
            return (PRIOR_SYSTEMIC,)
        names = [name for name in fact.from_ if self.decision.patient.get(name) is not None]
        if fact_of(attribute) == SUMMED and fact.from_[:1] == names[:1]:
            return tuple(names[:1])
        return tuple(names)


def _causal(step: Step) -> tuple[int, str, int, int]:
    """In the ranking stratum, what the criteria amount to comes before the verdicts that read it."""
    if step.stratum != "ranking":
        return (0, "", 0, step.step)
    return (1, str(step.matched["option"]), int(not set(step.asserted) & set(FINDINGS)), step.step)


def _concerns(step: Step, judged: Judged) -> bool:
    return all(value in judged.findings[name] for name, value in step.matched.items() if name != "option")


def _from_steps(steps: tuple[int, ...]) -> str:
    if not steps:
        return "no rule"
    listed = ", ".join(map(str, steps[:4])) + (f" and {len(steps) - 4} more" if len(steps) > 4 else "")
    return f"step {listed}" if len(steps) == 1 else f"steps {listed}"


def memory(decision: Decision, knowledge: Knowledge, steps: Iterable[Step] | None = None) -> tuple[Node, ...]:
    """Return the working memory: the record, and what some steps have asserted.

    Args:
        decision: any decision.
        knowledge: the knowledge that it was made with.
        steps: the steps that have fired, in order; all of the decision's when left out.
    """
    chain = Chain(decision, knowledge)
    return memory_of(chain, chain.steps if steps is None else steps)


def memory_of(chain: Chain, steps: Iterable[Step]) -> tuple[Node, ...]:
    """Return the working memory of a chain that is there already; see `memory`."""
    found = {f"record:{name}": chain.node(f"record:{name}") for name in chain.decision.patient if name != "case_id"}
    for step in steps:
        node = chain.added(step)
        if node.id in found:
            node = node.model_copy(update={"steps": (*found[node.id].steps, *node.steps)})
        found[node.id] = node
    return tuple(found.values())
