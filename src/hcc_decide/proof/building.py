"""The steps behind one verdict, put together as a graph: patient facts, derived facts, criteria, verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hcc_decide.decision import USABLE, VERDICTS, Decision, Step, Verdict
from hcc_decide.knowledge.catalogue import Knowledge, Treatment, Use
from hcc_decide.knowledge.condition import Condition, fact_of, holds
from hcc_decide.knowledge.labels import setting_labels
from hcc_decide.proof.chain import ABSENT, CRITERIA, FINDINGS, ONLY_LEFT, Chain, Judged
from hcc_decide.proof.nodes import Edge, Node, Proof

ROOT = "verdict"
_SETTLED = (*USABLE, "investigational", "not_recommended", "ineligible")
_CLEAR = {"blocked": "nothing stands against it", "open": "nothing is open", "reserved": "no reservation applies"}


def proof_of(decision: Decision, knowledge: Knowledge, option: str) -> Proof:
    """Return the proof of one option's verdict, listed or excluded.

    Args:
        decision: any decision.
        knowledge: the knowledge that it was made with.
        option: an option id of the catalogue.

    Raises:
        KeyError: the catalogue lacks the option.
    """
    return proof_in(Chain(decision, knowledge), option)


def proof_in(chain: Chain, option: str) -> Proof:
    """Return the proof of one option's verdict within a chain that is there already; see `proof_of`."""
    return _Builder(chain, chain.knowledge.options[option]).build()


class _Builder:
    """Walks back from a verdict. Nodes and edges are kept by id, so that each is there once."""

    def __init__(self, chain: Chain, treatment: Treatment) -> None:
        self.chain, self.treatment = chain, treatment
        self.verdict: Verdict = chain.decision.verdict_of(treatment.id)
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str, int | None], Edge] = {}
        self.done: set[int] = set()

    def build(self) -> Proof:
        decision, name = self.chain.decision, self.treatment.body.name
        would_be = next((item.would_be for item in decision.options if item.id == self.treatment.id), None)
        judged = self.chain.judged(self.treatment)
        bearing = [item for item in judged if self._verdict(item) == self.verdict]
        bearing = bearing[:1] if self.verdict in _SETTLED else list(judged)
        elsewhere = [use for use in self.treatment.uses if use not in [item.use for item in judged]]
        apart = len(bearing) > 1 or (bool(elsewhere) and bool(bearing) and self.verdict not in _SETTLED)
        root_steps: list[int] = []
        for item in bearing:
            if apart:
                self._use(item)
            else:
                root_steps += self._fold(item, ROOT)
        if elsewhere and self.verdict not in _SETTLED:
            self._elsewhere(elsewhere)
        if self.verdict == "undetermined":
            self._outlook([item for item in bearing if self._verdict(item) == "undetermined"], would_be)
        value = self.verdict.replace("_", " ")
        if would_be:
            value += f", would be {would_be.replace('_', ' ')}"
        node = Node(id=ROOT, kind="verdict", label=name, value=value, steps=tuple(sorted(set(root_steps))))
        self.nodes.pop(ROOT, None)
        self.nodes[ROOT] = node
        steps = [step.step for step in self.chain.steps if step.step in self.done]
        return Proof(
            option=self.treatment.id,
            name=name,
            verdict=self.verdict,
            would_be=would_be,
            root=ROOT,
            nodes=tuple(self._in_order()),
            edges=tuple(self.edges.values()),
            steps=tuple(steps),
        )

    def _in_order(self) -> Iterator[Node]:
        """Yield each node after those it rests on."""
        rests: dict[str, list[str]] = {name: [] for name in self.nodes}
        for edge in self.edges.values():
            rests[edge.target].append(edge.source)
        seen: set[str] = set()

        def visit(name: str) -> Iterator[Node]:
            if name not in seen:
                seen.add(name)
                for source in rests[name]:
                    yield from visit(source)
                yield self.nodes[name]

        for name in self.nodes:
            yield from visit(name)

    # The ranking stratum.

    def _steps(self, judged: Judged, name: str) -> list[Step]:
        return [step for step in self.chain.ranking_of(judged) if name in step.asserted]

    def _verdict(self, judged: Judged) -> str:
        return str(self._steps(judged, "verdict")[0].asserted["verdict"])

    def _use(self, judged: Judged) -> None:
        """Put the verdict of one use of several between its criteria and the verdict of the option."""
        name = f"use:{judged.use.rule.id}"
        steps = self._fold(judged, name)
        self.nodes[name] = Node(
            id=name,
            kind="verdict",
            label=f"Use: {judged.use.body.text}",
            value=self._verdict(judged).replace("_", " "),
            rule=judged.use.rule.id,
            steps=tuple(steps),
        )
        self._link(name, ROOT, max(steps))

    def _fold(self, judged: Judged, target: str) -> list[int]:
        steps = self._steps(judged, "verdict")
        for step in steps:
            self._folded(judged, step, target)
        outlook = [step.asserted["outlook"] for step in self._steps(judged, "outlook")]
        if self._verdict(judged) == "undetermined" and "ineligible" not in outlook:
            self._still_open(judged, target)
        return [step.step for step in steps]

    def _folded(self, judged: Judged, step: Step, target: str) -> None:
        """Link what a step of the ranking stratum read of one use to what it asserted."""
        self.done.add(step.step)
        for name, value in step.matched.items():
            if name == "option":
                continue
            if name == "base":
                self._base(judged, target, step.step)
            elif name in FINDINGS and value == "yes":
                self._finding(judged, name, target, step.step)
            elif name in FINDINGS:
                self._clear(judged, step, name, target)
            else:
                for rule in self.chain.behind(judged, name, str(value)):
                    self._criterion(rule.id, rule.condition if name != "applies" else judged.use.applies)
                    self._link(f"rule:{rule.id}", target, step.step)

    def _still_open(self, judged: Judged, target: str) -> None:
        """Link what is not known and would still have to be, even where less leaves the verdict undetermined already."""
        rules = self.treatment.by_use[judged.use.body.id]
        for rule in (rule for kind in CRITERIA for rule in rules.get(kind, ())):
            node = f"rule:{rule.id}"
            if self.chain.held(rule.id) is None and node not in self.nodes:
                self._criterion(rule.id, rule.condition)
                self._link(node, target, None)

    def _base(self, judged: Judged, target: str, step: int | None) -> None:
        node = f"base:{judged.use.rule.id}"
        self.nodes.setdefault(node, self.chain.node(node))
        self._link(node, target, step)

    def _finding(self, judged: Judged, name: str, target: str, reader: int) -> None:
        """Put what stands against a use, leaves it open or lowers it between the criteria and the verdict."""
        node = f"{name}:{judged.use.rule.id}"
        steps = [step for step in self._steps(judged, name) if step.asserted[name] == "yes"]
        for step in steps:
            self._folded(judged, step, node)
        numbers = tuple(step.step for step in steps)
        shown = self.chain.node(f"ranking:{self.treatment.id}:{name}=yes", numbers)
        self.nodes[node] = shown.model_copy(update={"id": node})
        self._link(node, target, reader)

    def _clear(self, judged: Judged, step: Step, name: str, target: str) -> None:
        """Put one node for all that was looked for and not found between the criteria and the verdict."""
        names = [item for item in FINDINGS if step.matched.get(item) == "no"]
        rules = {rule.id: rule for item in names for rule in self.chain.behind(judged, item, "no")}
        node = f"clear:{judged.use.rule.id}:{'+'.join(names)}"
        if name == names[0]:
            text = "; ".join(_CLEAR[item] for item in names)
            self.nodes[node] = Node(id=node, kind="finding", label="Looked for and not found", value=text)
            for rule in rules.values():
                self._criterion(rule.id, rule.condition)
                self._link(f"rule:{rule.id}", node, None)
            if not rules:
                self._base(judged, node, None)
            self._link(node, target, step.step)

    def _outlook(self, uses: Sequence[Judged], would_be: Verdict | None) -> None:
        """Add where the best verdict comes from that is still possible."""
        for judged in uses:
            steps = [step for step in self._steps(judged, "outlook") if step.asserted["outlook"] == would_be]
            if steps:
                node = f"outlook:{judged.use.rule.id}"
                for step in steps:
                    self._folded(judged, step, node)
                numbers = tuple(step.step for step in steps)
                shown = self.chain.node(f"ranking:{self.treatment.id}:outlook={would_be}", numbers)
                self.nodes[node] = shown.model_copy(update={"id": node})
                self._link(node, ROOT, max(numbers))
                return

    def _elsewhere(self, uses: Iterable[Use]) -> None:
        """Say that uses belong to settings that are out of the question."""
        labels, settings = setting_labels(self.chain.knowledge), {name for use in uses for name in use.settings}
        named = ", ".join(label for name, label in labels.items() if name in settings)
        node = f"elsewhere:{self.treatment.id}"
        self.nodes[node] = Node(
            id=node,
            kind="criterion",
            label=f"{'Uses' if len(self.treatment.uses) > 1 else 'The use'} for another setting: {named}",
            value="NOT met",
            result="not_met",
        )
        (held, *others) = sorted(self.chain.settings)
        if others:
            for name in sorted(settings):
                ruled_out = f"fact:setting!{name}"
                self._derived(ruled_out, self.chain.asserted_by(ruled_out))
                self._link(ruled_out, node, None)
        else:
            self._derived(f"fact:setting={held}", self.chain.asserted_by(f"fact:setting={held}"))
            self._link(f"fact:setting={held}", node, None)
        self._link(node, ROOT, None)

    # Criteria and facts.

    def _criterion(self, rule: str, condition: Condition | None) -> None:
        node = f"rule:{rule}"
        if node in self.nodes:
            return
        steps = self.chain.asserted_by(node)
        self.nodes[node] = self.chain.node(node, steps)
        for number in steps:
            self._fired(number, node)
        if not steps:
            for attribute in open_in(chain=self.chain, condition=condition or ()):
                self._link(self._unknown(attribute), node, None)

    def _fired(self, number: int, target: str) -> None:
        """Link what a step read to what it asserted."""
        self.done.add(number)
        for read in self.chain.read(self.chain.step(number)):
            for source in read.nodes if read.value != ABSENT else ():
                if source.startswith(("fact:", "derived:")):
                    self._derived(source, self.chain.asserted_by(source, number))
                else:
                    self._given(source)
                self._link(source, target, number)

    def _given(self, node: str) -> None:
        """Add an entry of the record, or what is worked out from entries."""
        if node not in self.nodes:
            self.nodes[node] = self.chain.node(node)
            if node.startswith("read:"):
                for name in self.chain.sources(node.removeprefix("read:")):
                    self._given(f"record:{name}")
                    self._link(f"record:{name}", node, None)

    def _derived(self, node: str, steps: Sequence[int]) -> None:
        """Add a fact of staging with the firings behind it.

        That no other value is left adds nothing where a rule asserted the value itself.
        """
        direct = [number for number in steps if not self.chain.step(number).rule.endswith(ONLY_LEFT)]
        known = self.nodes[node].steps if node in self.nodes else ()
        new = [number for number in direct or steps if number not in known]
        if not new and node in self.nodes:
            return
        self.nodes[node] = self.chain.node(node, sorted({*known, *new}))
        for number in new:
            self._fired(number, node)

    def _unknown(self, attribute: str) -> str:
        """Add what is not known of an attribute, with what would have to be known first; return its node."""
        name = fact_of(attribute)
        fact = self.chain.knowledge.vocabulary.facts[name]
        if fact.source == "record":
            node = f"record:{name}"
            self._given(node)
            return node
        node = f"fact:{name}=?" if self._is_staged(name) else f"read:{attribute}"
        if node in self.nodes:
            return node
        self.nodes[node] = self.chain.node(node)
        if fact.source == "history":
            self._rests_on_record(["prior_systemic"], node)
        elif fact.source == "computed":
            self._rests_on_record(list(fact.from_), node)
        elif fact.source == "record_or_derived":
            self._rests_on_record([name], node)
        else:
            derived = next(item for item in self.chain.knowledge.staging if item.fact == name)
            possible = self.chain.state(name).values or frozenset()
            for value in derived.values:
                if value.value in possible or possible == frozenset([True, False]):
                    for found in open_in(self.chain, value.condition):
                        self._link(self._unknown(found), node, None)
        return node

    def _is_staged(self, name: str) -> bool:
        return any(item.fact == name for item in self.chain.knowledge.staging)

    def _rests_on_record(self, names: Iterable[str], node: str) -> None:
        for name in names:
            self._given(f"record:{name}")
            self._link(f"record:{name}", node, None)

    def _link(self, source: str, target: str, step: int | None) -> None:
        self.edges.setdefault((source, target, step), Edge(source=source, target=target, step=step))


def open_in(chain: Chain, condition: Condition) -> Iterator[str]:
    """Yield the attributes that leave a condition open, each once."""
    found: dict[str, None] = {}
    for conjunction in condition:
        judged = [(literal, holds(literal.test, chain.state(literal.attribute))) for literal in conjunction]
        if not any(answer is False for _, answer in judged):
            found |= {literal.attribute: None for literal, answer in judged if answer is None}
    yield from found


def by_verdict(decision: Decision) -> list[str]:
    """Return every option of a decision: the listed ones by rank, then the excluded ones by verdict and name."""
    excluded = sorted(decision.excluded, key=lambda item: (VERDICTS.index(item.verdict), item.name.lower()))
    return [*(item.id for item in decision.options), *(item.id for item in excluded)]
