"""How much of the reviews the rule base encodes, and how much of the rule base is tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcc_decide.decision import USABLE
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.facts import read_facts
from hcc_decide.engine.shadow import derive
from hcc_decide.knowledge.catalogue import Knowledge, Treatment, Use
from hcc_decide.knowledge.citing import Place, citing
from hcc_decide.knowledge.condition import State, judge
from hcc_decide.knowledge.figures import unsourced
from hcc_decide.knowledge.files import RawKnowledge, read_files
from hcc_decide.knowledge.findings import Finding
from hcc_decide.patient import RecordError, parse_patient
from hcc_decide.teaching import differences, disagreements

Record = dict[str, Any]


@dataclass(frozen=True)
class ReviewCount:
    """The claims of one review.

    Attributes:
        actionable: claims that a rule can act on.
        deciding: actionable claims on which something rests that the engine infers.
        shown: actionable claims that stand behind a text, trial or sequence, and behind no inference.
        listed: actionable claims with a reason why no rule encodes them.
        missing: actionable claims with neither.
        background: claims that are not actionable.
    """

    review: str
    actionable: int
    deciding: int
    shown: int
    listed: int
    missing: int
    background: int


@dataclass(frozen=True)
class Witness:
    """Two patients that show where an indication begins: it holds for one and not for the other.

    Attributes:
        fires: a record for which the indication holds, if one was found.
        misses: a record with one fact changed for which it does not hold, if one was found.
    """

    option: str
    indication: str
    fires: Record | None
    misses: Record | None


@dataclass(frozen=True)
class Coverage:
    """Everything that `measure` found; ``gaps`` is empty when nothing is missing."""

    reviews: tuple[ReviewCount, ...]
    witnesses: tuple[Witness, ...]
    figures: tuple[Finding, ...]
    untaught: tuple[str, ...]
    failures: tuple[str, ...]

    @property
    def untested(self) -> tuple[str, ...]:
        """Options with an indication that no patient of the files fires, or that no near miss leaves out."""
        return tuple(sorted({item.option for item in self.witnesses if item.fires is None or item.misses is None}))

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        missing = sum(item.missing for item in self.reviews)
        return not (missing or self.untested or self.figures or self.untaught or self.failures)

    def report(self) -> Iterator[str]:
        """Yield the lines that the command line prints."""
        yield "Actionable claims of the reviews"
        yield f"  {'review':<8}{'actionable':>11}{'encoded':>9}{'shown':>7}{'listed':>8}{'missing':>9}{'background':>12}"
        for item in (*self.reviews, _sum(self.reviews)):
            yield (
                f"  {item.review:<8}{item.actionable:>11}{item.deciding:>9}{item.shown:>7}{item.listed:>8}"
                f"{item.missing:>9}{item.background:>12}"
            )
        yield "  encoded: something rests on it that is inferred; shown: it stands behind a note, trial or sequence;"
        yield "  listed: the claim's file says why no rule can be made of it"
        for title, gaps in (
            ("Options without a fired and a nearly fired test", self.untested),
            ("Figures without a source", tuple(map(str, self.figures))),
            ("Usable verdicts that no vignette teaches", self.untaught),
            ("Vignettes and sequences that the rule base answers otherwise", self.failures),
        ):
            yield f"{title}: {len(gaps)}"
            yield from (f"  {gap}" for gap in gaps)


def _sum(reviews: tuple[ReviewCount, ...]) -> ReviewCount:
    names = ("actionable", "deciding", "shown", "listed", "missing", "background")
    return ReviewCount("all", **{name: sum(getattr(item, name) for item in reviews) for name in names})


def measure(folder: Path, engine: Engine) -> Coverage:
    """Measure a rule base.

    Args:
        folder: the folder from which the engine's knowledge was loaded.
        engine: the compiled rule base.

    Raises:
        EngineError: the engine failed on a patient of the files.
    """
    raw = read_files(folder)
    knowledge = engine.knowledge
    failures = [
        f"vignette {item.id}: {text}" for item in knowledge.vignettes.values() for text in differences(item, engine)
    ]
    failures += [f"sequence {item.id}: {text}" for item in knowledge.sequences for text in disagreements(item, engine)]
    try:
        parse_patient(dict(knowledge.typical_patient), knowledge.option_ids)
    except RecordError as error:
        failures.append(f"typical patient of the sequences: the record is refused: {'; '.join(error.problems)}")
    return Coverage(
        reviews=tuple(review_counts(raw)),
        witnesses=tuple(witnesses(knowledge)),
        figures=tuple(unsourced(raw)),
        untaught=tuple(untaught(knowledge)),
        failures=tuple(failures),
    )


def review_counts(raw: RawKnowledge) -> Iterator[ReviewCount]:
    """Yield the counts of each review, by number."""
    places = citing(raw)
    claims = [(source.body.review, claim) for source in raw.claims for claim in source.body.claims]
    for review in sorted({name for name, _ in claims}):
        counts = {"deciding": 0, "shown": 0, "listed": 0, "missing": 0, "background": 0}
        for name, claim in claims:
            if name == review:
                counts[_standing(claim.actionable, claim.not_encoded, places.get(claim.id, ()))] += 1
        yield ReviewCount(review, actionable=sum(counts.values()) - counts["background"], **counts)


def _standing(actionable: bool, reason: str | None, places: tuple[Place, ...]) -> str:
    if not actionable:
        return "background"
    if any(place.role == "decides" for place in places):
        return "deciding"
    return "shown" if places else "listed" if reason else "missing"


def untaught(knowledge: Knowledge) -> Iterator[str]:
    """Yield each usable verdict of an option that no vignette expects, as ``option: verdict``."""
    taught = {(item.option, item.verdict) for vignette in knowledge.vignettes.values() for item in vignette.expect}
    for treatment in knowledge.options.values():
        for verdict in USABLE:
            if any(use.body.verdict == verdict for use in treatment.uses) and (treatment.id, verdict) not in taught:
                yield f"{treatment.id}: {verdict}"


def witnesses(knowledge: Knowledge) -> Iterator[Witness]:
    """Yield, for each indication, a patient of the files whom it fits and one with one fact changed whom it does not."""
    finder = _Finder(knowledge)
    for treatment in knowledge.options.values():
        for use in treatment.uses:
            fires = finder.firing(treatment, use)
            misses = None if fires is None else finder.near_miss(treatment, use, fires)
            yield Witness(treatment.id, use.body.id, fires, misses)


class _Finder:
    """Looks for witnesses among the vignettes' patients and the cases of option files.

    It reads conditions as the shadow does; what it finds is for the engine to confirm.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._attributes = knowledge.attributes()
        self._states: dict[str, Mapping[str, State] | None] = {}
        vignettes = knowledge.vignettes.values()
        self._patients: list[Record] = [dict(item.patient) for item in vignettes]
        self._values: dict[str, list[Any]] = {}
        for patient in self._patients:
            for field, value in patient.items():
                if field != "case_id" and value not in self._values.setdefault(field, []):
                    self._values[field].append(value)

    def firing(self, treatment: Treatment, use: Use) -> Record | None:
        """Return a patient for whom an indication applies."""
        fragments = [
            dict(fragment) for case in treatment.body.cases if case.rule == use.body.id for fragment in case.met
        ]
        candidates = [*self._patients, *({**patient, **extra} for extra in fragments for patient in self._patients)]
        return next((record for record in candidates if self._applies(use, record) is True), None)

    def near_miss(self, treatment: Treatment, use: Use, fires: Record) -> Record | None:
        """Return the patient with one fact changed, or as a near miss of the file's cases has it, whom it does not fit.

        For an indication with a condition of its own the setting stays one of the indication's.
        """
        cases = [case for case in treatment.body.cases if case.rule == use.body.id]
        changes = [dict(fragment) for case in cases for fragment in case.not_met]
        changes += [{field: value} for field, values in self._values.items() for value in values]
        for change in changes:
            record = self._sound({**fires, **change}, change)
            if record != fires:
                here = use.rule.condition is None or self._in_setting(use, record)
                if here and self._applies(use, record) is False:
                    return record
        return None

    def _sound(self, record: Record, change: Record) -> Record:
        """Leave out the fields that a change makes senseless, such as the primary site when the tumour becomes another."""
        try:
            parse_patient(dict(record), self._knowledge.option_ids)
        except RecordError as error:
            refused = {problem.partition(":")[0] for problem in error.problems} - change.keys()
            return {field: value for field, value in record.items() if field not in refused}
        return record

    def _applies(self, use: Use, record: Record) -> bool | None:
        states = self._known(record)
        return None if states is None else judge(use.applies, states)

    def _in_setting(self, use: Use, record: Record) -> bool:
        states = self._known(record)
        return states is not None and (states["setting"].values or frozenset()) <= frozenset(use.settings)

    def _known(self, record: Record) -> Mapping[str, State] | None:
        """Return what is known of the patient; ``None`` when the record contradicts itself."""
        key = repr(sorted(record.items(), key=lambda item: item[0]))
        knowledge = self._knowledge
        if key not in self._states:
            try:
                patient = parse_patient(dict(record), knowledge.option_ids)
            except RecordError:
                self._states[key] = None
            else:
                self._states[key] = derive(knowledge, read_facts(patient, knowledge, self._attributes))[0]
        return self._states[key]
