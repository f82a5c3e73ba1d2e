"""A look ahead in words: for the terminal, and the sentences that pictures and pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hcc_decide.lines import Line, heading, wrap
from hcc_decide.sequence.shape import Figure, Known, Lost, Node, Offer, Opened, SequenceTree, Step, Taken

BASIS = (
    "Every decision below is made by the same rules as today's, for the record that would hold then. It is no "
    "forecast: nothing is said of how likely an ending is or when it comes."
)
NOTHING_MEASURED = "no trial of the reviews measured this sequence"


def verdict_text(item: Offer | Opened | Lost) -> str:
    """Write a verdict, and what an undetermined one would be."""
    if item.would_be is not None:
        return f"undetermined, would be {_words(item.would_be)}"
    return _words(item.verdict)


def waiting_text(item: Offer | Opened) -> str:
    """Name the facts that an option waits for; empty when it waits for none."""
    return "waits for " + ", ".join(fact.label for fact in item.waits_for) if item.waits_for else ""


def opened_text(item: Opened) -> str:
    """Write an option that has come within reach."""
    parts = [verdict_text(item), waiting_text(item)]
    return f"{item.name} ({'; '.join(part for part in parts if part)})"


def lost_text(item: Lost) -> str:
    """Write an option that is out of reach, why, and which choice would have kept it."""
    kept = f", kept by {_listed(item.kept_by)}" if item.kept_by else ""
    return f"{item.name}{kept}: {item.reason}"


def figure_text(item: Figure) -> str:
    """Write a result.

    >>> figure_text(Figure(measure="overall_survival", unit="months", value=26.0, control_value=19.2, hr=None, text="by review"))
    'overall survival 26.0 against 19.2 months (by review)'
    """
    against = f" against {item.control_value}" if item.control_value is not None else ""
    unit = " %" if item.unit == "percent" else f" {item.unit}"
    ratio = f", hazard ratio {item.hr}" if item.hr is not None else ""
    return f"{_words(item.measure)} {item.value}{against}{unit}{ratio} ({item.text})"


def beyond_text(item: Known) -> str:
    """Say that the patients behind an entry may not have had all the lines; empty when they had."""
    if not item.further_lines:
        return ""
    lines = "an earlier line" if item.further_lines == 1 else f"{item.further_lines} earlier lines"
    return f"Here {lines} came before that the source does not name"


def known_text(item: Known) -> str:
    """Write what is known of a sequence, with its figures, trials and claims."""
    figures = "; ".join(figure_text(figure) for figure in item.figures) or "no figure"
    parts = [item.text.rstrip("."), beyond_text(item), f"Trials: {_trials(item)}" if item.trials else ""]
    told = ". ".join(part for part in parts if part)
    return f"{item.name}: {figures}. {told} [{', '.join(item.claims)}]"


def measured_text(item: Known) -> str:
    """Write the first figure of a sequence, with its trials."""
    trials = ", ".join(trial.name for trial in item.trials) or "no trial named"
    return f"{item.name}: {figure_text(item.figures[0])} [{trials}]"


def known_again_text(item: Known) -> str:
    """Write what is known of a sequence and has been told in full before."""
    trials = ", ".join(trial.name for trial in item.trials) or "no trial named"
    told = figure_text(item.figures[0]) if item.figures else "no figure"
    return f"{item.name}: {told}; all of it above [{trials}]"


def _trials(item: Known) -> str:
    return ", ".join(f"{trial.name}{f' ({trial.nct})' if trial.nct else ''}" for trial in item.trials)


def step_text(step: Step | Taken) -> str:
    """Write a step in a few words."""
    return f"{step.name}, then {step.ending_label}"


def steps_text(steps: Sequence[Step]) -> str:
    """Write steps that take the same option and differ in how it ends, as `together` gives them."""
    return f"{steps[0].name}, then {' or '.join(step.ending_label for step in steps)}"


def together(steps: Iterable[Step]) -> list[list[Step]]:
    """Put the steps of one decision together that differ in nothing but how the line ends."""
    found: dict[str, list[Step]] = {}
    for step in steps:
        told = step.model_dump_json(exclude={"ending", "ending_label"})
        found.setdefault(told, []).append(step)
    return list(found.values())


def way_text(node: Node) -> str:
    """Write the lines on the first way to a decision."""
    return "; ".join(step_text(item) for item in node.taken) or "today"


def offers_text(node: Node, most: int | None = None) -> str:
    """Write the options of a decision in one line, at most so many of them."""
    shown = node.offers[:most]
    texts = [f"{offer.rank}. {offer.name} ({verdict_text(offer)})" for offer in shown]
    if len(node.offers) > len(shown):
        texts.append(f"and {len(node.offers) - len(shown)} more")
    return "; ".join(texts) or "no option to offer"


def alt_text(tree: SequenceTree) -> str:
    """Say in a few sentences what a picture of the look ahead shows."""
    today = tree.nodes[0]
    followed = [offer.name for offer in today.offers if offer.followed]
    deepest = max(node.ahead for node in tree.nodes)
    begins = f"It goes on from {_listed(followed)}" if followed else "It goes on from no option"
    far = f", up to {_count(deepest, 'line')} ahead" if deepest else ""
    measured = sum(1 for step in tree.steps if step.measured)
    size = f"Tree of {_count(len(tree.nodes), 'decision')} and {_count(len(tree.steps), 'step')}"
    return (
        f"{size}, from today ({today.setting_label}). {begins}{far}. "
        f"After {measured} of the steps a trial measured what may follow. The tables below say the same."
    )


def summary_text(tree: SequenceTree) -> str:
    """Say how large the look ahead is."""
    text = f"{_count(len(tree.nodes), 'decision')} up to {_count(tree.plan.depth, 'line')} ahead"
    if tree.ways > len(tree.nodes):
        text += f"; equal ones are shown once, {tree.ways} without that"
    return text


def text(tree: SequenceTree, *, full: bool = False) -> list[Line]:
    """Write a look ahead for a terminal, as an indented tree. A decision that is met again is written once.

    Args:
        tree: the look ahead.
        full: give the reason of every option and every change, and all that is known of each sequence; otherwise today's
            reasons, every caution, what each step changes, and the first figure of what was measured.
    """
    stamp = tree.knowledge
    lines = [
        Line("The lines that may follow", "title"),
        Line(f"edition {stamp.edition}, knowledge {stamp.version}, sha256 {stamp.sha256[:12]}", "dim"),
        *wrap(f"{summary_text(tree)}. {BASIS}", ""),
    ]
    lines += _assumptions(tree)
    lines += heading("Tree")
    lines += _Tree(tree, full).lines(tree.nodes[0], 0)
    if not full:
        lines += [
            Line(""),
            *wrap("In short; --full adds the reason of every option and change, and all sources.", "", role="dim"),
        ]
    lines += heading("Intended use")
    lines += wrap(tree.intended_use, "", role="dim")
    return lines


def _assumptions(tree: SequenceTree) -> list[Line]:
    lines = heading("Assumed on the way")
    for item in tree.assumed or ["Nothing: no line is followed"]:
        lines += wrap(item, "- ")
    lines += wrap("All else stays as it is recorded today. Of what often changes these are:", "")
    for fact in tree.as_today:
        lines += wrap(f"{fact.label}: {fact.text}", "- ")
    return lines


class _Tree:
    """Writes decisions under the steps that lead to them."""

    def __init__(self, tree: SequenceTree, full: bool) -> None:
        self._tree = tree
        self._full = full
        self._written: set[str] = set()
        self._told: set[tuple[str, int]] = set()
        self._nodes = {node.id: node for node in tree.nodes}
        self._steps: dict[str, list[Step]] = {}
        for step in tree.steps:
            self._steps.setdefault(step.source, []).append(step)

    def lines(self, node: Node, indent: int) -> list[Line]:
        """Write a decision and all that follows it."""
        pad = " " * indent
        if node.id in self._written:
            return wrap(f"[{node.id}] {node.setting_label}: as above", pad, pad + "    ")
        self._written.add(node.id)
        lines = wrap(f"[{node.id}] {node.setting_label}", pad, role="title")
        lines += self._offers(node, pad)
        if node.id == self._tree.nodes[0].id:
            for item in self._tree.known_today if self._full else ():
                lines += wrap(
                    f"known of this after the last line so far: {self._known(item)}", pad + "  ", pad + "    "
                )
        if node.stop is not None:
            lines += wrap(f"{node.stop.text}.", pad + "  ", role="dim")
        # As deep as it goes there is still room for words.
        inner = min(indent + 4, 24)
        for alike in together(self._steps.get(node.id, ())):
            lines += wrap(f"> {steps_text(alike)}", pad + "  ", pad + "    ", role="title")
            lines += self._changes(alike[0], " " * inner)
            lines += self.lines(self._nodes[alike[0].target], inner)
        return lines

    def _offers(self, node: Node, pad: str) -> list[Line]:
        # Where it stops the options stand in one line; their reasons are in the other formats.
        if not self._steps.get(node.id) or not (self._full or node.ahead == 0):
            return wrap(offers_text(node), pad + "  ") + self._cautions(node, pad)
        lines: list[Line] = []
        for offer in node.offers:
            mark = "" if offer.not_followed is None else f" Not followed: {offer.not_followed}."
            said = f"{offer.rank}. {offer.name}: {offer.ranked_here_because}{mark}"
            lines += wrap(said, pad + "  ", pad + "     ", role=offer.verdict)
            for caution in offer.cautions:
                lines += wrap(f"Caution: {caution.text}", pad + "     ", role="caution")
        return lines or wrap(offers_text(node), pad + "  ")

    def _cautions(self, node: Node, pad: str) -> list[Line]:
        by_text: dict[str, list[str]] = {}
        for offer in node.offers:
            for caution in offer.cautions:
                by_text.setdefault(caution.text, []).append(offer.name)
        lines: list[Line] = []
        for said, names in by_text.items():
            lines += wrap(f"Caution with {_listed(names)}: {said}", pad + "  ", pad + "    ", role="caution")
        return lines

    def _changes(self, step: Step, pad: str) -> list[Line]:
        return self._every_change(step, pad) if self._full else self._changes_in_short(step, pad)

    def _changes_in_short(self, step: Step, pad: str) -> list[Line]:
        groups = {
            "opens": [opened_text(item) for item in step.opens],
            "closes": [item.name for item in step.closes],
            "foregone": [item.name for item in step.foregone],
            "measured": [measured_text(item) for item in step.measured],
        }
        lines: list[Line] = []
        for word, texts in groups.items():
            if texts:
                lines += wrap(f"{word}: {'; '.join(texts)}", pad, pad + "  ")
        return lines if step.measured or not step.not_measured else lines + wrap(NOTHING_MEASURED, pad, role="dim")

    def _every_change(self, step: Step, pad: str) -> list[Line]:
        groups: list[tuple[str, Iterable[str]]] = [
            ("opens", (opened_text(item) for item in step.opens)),
            ("closes", grouped(step.closes)),
            ("foregone", (lost_text(item) for item in step.foregone)),
            (
                "as its entry says",
                (f"{item.kind} {item.name}: {item.text} [{', '.join(item.claims)}]" for item in step.said),
            ),
            ("measured", (self._known(item) for item in step.measured)),
            ("known, without a figure", (self._known(item) for item in step.known if not item.figures)),
        ]
        lines: list[Line] = []
        for word, texts in groups:
            for said in texts:
                lines += wrap(f"{word}: {said}", pad, pad + "  ")
        return lines + self._unmeasured(step, pad)

    def _known(self, item: Known) -> str:
        told = (item.id, item.further_lines)
        if told in self._told:
            return known_again_text(item)
        self._told.add(told)
        return known_text(item)

    def _unmeasured(self, step: Step, pad: str) -> list[Line]:
        names = {offer.option: offer.name for offer in self._nodes[step.target].offers}
        missing = [names[option] for option in step.not_measured if option in names]
        if not missing:
            return []
        return wrap(f"{NOTHING_MEASURED}: {_listed(missing)}", pad, pad + "  ", role="dim")


def grouped(items: Sequence[Lost]) -> list[str]:
    """Write options that are out of reach, those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for item in items:
        by_reason.setdefault(item.reason, []).append(item.name)
    return [f"{_listed(names)}: {reason}" for reason, names in by_reason.items()]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _words(name: str) -> str:
    return name.replace("_", " ")
