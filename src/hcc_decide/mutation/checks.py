"""What can notice a mutant: the rule base's own checks, the cheap ones first, as far as they can see the changed file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from hcc_decide.documents import Document
from hcc_decide.knowledge.cases import expected_patients, findings_of, notice_findings
from hcc_decide.knowledge.catalogue import Knowledge, Treatment
from hcc_decide.knowledge.checks import check_options
from hcc_decide.knowledge.citations import check_citations
from hcc_decide.knowledge.citing import citing
from hcc_decide.knowledge.condition import attributes_of
from hcc_decide.knowledge.evidence import check_shape_of_evidence
from hcc_decide.knowledge.figures import unsourced
from hcc_decide.knowledge.files import RawKnowledge, Source
from hcc_decide.knowledge.findings import Finding, KnowledgeError
from hcc_decide.knowledge.load import compile_notices, compile_option, compile_staging, inspect_files
from hcc_decide.knowledge.schema import NoticeFile, OptionFile, Staging
from hcc_decide.knowledge.schema_sources import Sequence as KnownSequence
from hcc_decide.knowledge.schema_sources import Vignette
from hcc_decide.mutation.edits import Mutant
from hcc_decide.mutation.reading import QuickEngine, Reading, Ward
from hcc_decide.teaching import STANDINGS, differences, record_of

Killer = Literal["load checks", "cases", "vignettes", "coverage", "proofs"]
KILLERS: tuple[Killer, ...] = ("load checks", "cases", "vignettes", "coverage", "proofs")
Proofs = Callable[[Knowledge, str | None], list[str]]
"""Given the changed knowledge and the option that changed (``None``: staging or notices), the proofs that fail."""

ANSWERS: Mapping[str, bool | None] = {"met": True, "not_met": False, "unknown": None}
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Kill:
    """Who noticed a mutant, and what was said."""

    by: Killer
    message: str


class Checks:
    """The checks over one rule base.

    Args:
        raw: every file, read.
        proofs: further proofs, tried last.

    Raises:
        KnowledgeError: the rule base has findings before anything is changed.
    """

    def __init__(self, raw: RawKnowledge, proofs: Proofs | None = None) -> None:
        knowledge, findings = inspect_files(raw)
        if knowledge is None or findings:
            raise KnowledgeError(findings)
        self.knowledge = knowledge
        self._raw = raw
        self._proofs = proofs
        self._ward = Ward(knowledge)
        files: list[Source[Any]] = [*raw.staging, *raw.options]
        if raw.notices is not None:
            files.append(raw.notices)
        self._files = {source.file: source for source in files}
        self._stubs = [_stub(source) for source in raw.options]
        self._trials = [Source(source.file, Document({}), source.body) for source in raw.trials]
        self._citing = citing(raw)
        self._known: dict[str, frozenset[Finding]] = {}
        self._unsourced: dict[str, frozenset[str]] = {}

    def failures(self) -> Iterator[str]:
        """Yield each case, vignette and sequence that fails before anything is changed.

        While one does, a mutant could be called noticed for what is wrong already.
        """
        for treatment in self.knowledge.options.values():
            yield from (str(finding) for finding in findings_of(treatment, self.knowledge))
        yield from (str(finding) for finding in notice_findings(self.knowledge))
        yield from self._notice_cases(self.knowledge)
        yield from self._staged_cases(self.knowledge, frozenset())
        yield from self._staged(self.knowledge, frozenset())
        some = next(iter(self.knowledge.options), None)
        if some is not None:
            engine = QuickEngine(self._ward, self.knowledge, some)
            for vignette in self.knowledge.vignettes.values():
                yield from (f"{vignette.id}: {message}" for message in differences(vignette, engine))

    def kill(self, mutant: Mutant) -> Kill | None:
        """Return who notices a mutant first; ``None`` when nobody does."""
        source = self._files[mutant.file]
        data = mutant.applied(source.document.data)
        if mutant.file.startswith("options/"):
            steps = self._of_option(source, data)
        elif mutant.file.startswith("staging/"):
            steps = self._of_staging(source, data)
        else:
            steps = self._of_notices(source, data)
        return next(steps, None)

    def _of_option(self, source: Source[OptionFile], data: dict[str, Any]) -> Iterator[Kill]:
        try:
            changed = _modelled(source, data, OptionFile)
        except ValidationError as error:
            yield Kill("load checks", f"K02 {error.errors()[0]['msg']}")
            return
        treatment, findings = compile_option(changed, self.knowledge.words)
        for finding in (*findings, *sorted(self._findings(changed) - self._findings_before(source))):
            yield Kill("load checks", str(finding))
        knowledge = replace(self.knowledge, options={**self.knowledge.options, treatment.id: treatment})
        for finding in findings_of(treatment, knowledge):
            yield Kill("cases", str(finding))
        before = self.knowledge.options[treatment.id]
        for message in self._cases(treatment, before, knowledge):
            yield Kill("cases", message)
        if _rules(treatment) != _rules(before):
            for message in self._teaching(treatment, before, knowledge):
                yield Kill("vignettes", message)
        for message in self._coverage(source, changed):
            yield Kill("coverage", message)
        for message in self._proofs(knowledge, treatment.id) if self._proofs else ():
            yield Kill("proofs", message)

    def _of_staging(self, source: Source[Staging], data: dict[str, Any]) -> Iterator[Kill]:
        try:
            changed = _modelled(source, data, Staging)
        except ValidationError as error:
            yield Kill("load checks", f"K02 {error.errors()[0]['msg']}")
            return
        staging = [changed if item.file == source.file else item for item in self._raw.staging]
        raw = replace(self._raw, staging=staging, findings=[])
        compiled, findings = compile_staging(raw, self.knowledge.words)
        for finding in findings:
            yield Kill("load checks", str(finding))
        knowledge = replace(self.knowledge, staging=compiled)
        conditions = [value.condition for item in compiled for value in item.values]
        conditions += [item.guard for item in compiled if item.guard is not None]
        attributes = frozenset(name for condition in conditions for name in attributes_of(condition))
        for message in self._staged(knowledge, attributes):
            yield Kill("vignettes", message)
        for message in (*self._staged_cases(knowledge, attributes), *self._notice_cases(knowledge)):
            yield Kill("cases", message)
        for message in self._uncited(changed.file, citing(raw)):
            yield Kill("coverage", message)
        for message in self._proofs(knowledge, None) if self._proofs else ():
            yield Kill("proofs", message)

    def _of_notices(self, source: Source[NoticeFile], data: dict[str, Any]) -> Iterator[Kill]:
        try:
            changed = _modelled(source, data, NoticeFile)
        except ValidationError as error:
            yield Kill("load checks", f"K02 {error.errors()[0]['msg']}")
            return
        raw = replace(self._raw, notices=changed, findings=[])
        compiled, findings = compile_notices(raw, self.knowledge.words)
        for finding in findings:
            yield Kill("load checks", str(finding))
        knowledge = replace(self.knowledge, notices=compiled, notice_cases=tuple(changed.body.cases))
        for finding in notice_findings(knowledge):
            yield Kill("cases", str(finding))
        for message in self._notice_cases(knowledge):
            yield Kill("cases", message)
        for message in self._uncited(changed.file, citing(raw)):
            yield Kill("coverage", message)
        for message in self._proofs(knowledge, None) if self._proofs else ():
            yield Kill("proofs", message)

    def _notice_cases(self, knowledge: Knowledge) -> Iterator[str]:
        """Yield each case of a notice that is answered otherwise than it says."""
        attributes = frozenset(name for rule in knowledge.notices for name in rule.attributes)
        for case in knowledge.notice_cases:
            for answer, expected in ANSWERS.items():
                for record in getattr(case, answer):
                    reading = self._ward.restage(record, knowledge, attributes)
                    if reading.answer(f"notices/{case.rule}") is not expected:
                        yield f"the notice {case.rule} is not {answer.replace('_', ' ')} for {record}"

    def _findings(self, source: Source[OptionFile]) -> frozenset[Finding]:
        """Return what the load checks across files say of one option file."""
        options = [source if stub.file == source.file else stub for stub in self._stubs]
        alone = replace(
            self._raw, options=[source], trials=self._trials, notices=None, conflicts=None, sequences=None,
            staging=[], vignettes=[], findings=[],
        )  # fmt: skip
        found = [
            *check_options(options, self.knowledge.vocabulary),
            *check_citations(alone),
            *check_shape_of_evidence(replace(alone, trials=[])),
        ]
        return frozenset(finding for finding in found if finding.file == source.file)

    def _findings_before(self, source: Source[OptionFile]) -> frozenset[Finding]:
        if source.file not in self._known:
            self._known[source.file] = self._findings(source)
        return self._known[source.file]

    def _cases(self, treatment: Treatment, before: Treatment, knowledge: Knowledge) -> Iterator[str]:
        """Yield each case of the option that is answered otherwise than it says."""
        old = {rule.name: rule for rule in before.rules}
        settings = {use.body.id: use.settings for use in before.uses}
        changed = {rule.name for rule in treatment.rules if rule.condition != old[rule.name].condition} | {
            use.body.id for use in treatment.uses if use.settings != settings[use.body.id]
        }
        attributes = _attributes(treatment)
        for case in treatment.body.cases:
            if case.rule not in changed:
                continue
            for answer, expected in ANSWERS.items():
                for record in getattr(case, answer):
                    reading = self._ward.read(record, knowledge, attributes)
                    if reading.answer(f"options/{treatment.id}/{case.rule}") is not expected:
                        yield f"the rule {case.rule} is not {answer.replace('_', ' ')} for {record}"
        if _rules(treatment) == _rules(before):
            return
        for case in treatment.body.cases:
            for patient in expected_patients(case):
                reading = self._ward.read(patient, knowledge, attributes)
                found, _ = reading.verdict(treatment)
                if found != case.verdict or not reading.answer(f"options/{treatment.id}/{case.rule}"):
                    yield f"{case.rule} gives {found}, its case states {case.verdict}"

    def _teaching(self, treatment: Treatment, before: Treatment, knowledge: Knowledge) -> Iterator[str]:
        """Yield each vignette and sequence that is answered otherwise than it teaches."""
        attributes = _attributes(treatment)
        for sequence in knowledge.sequences:
            if sequence.option == treatment.id:
                for outcome in sequence.outcome:
                    reading = self._ward.read(record_of(sequence, outcome), knowledge, attributes)
                    yield from _sequence(sequence, outcome, reading, treatment)
        named = [item for item in knowledge.vignettes.values() if any(e.option == treatment.id for e in item.expect)]
        for vignette in named:
            reading = self._ward.read(vignette.patient, knowledge, attributes)
            yield from _verdicts(vignette, reading, {treatment.id: treatment})
        engine = QuickEngine(self._ward, knowledge, treatment.id)
        for vignette in knowledge.vignettes.values():
            # A vignette that names ranks or missing facts also sees what happens to options that it does not name.
            wide = vignette.missing or any(item.rank is not None for item in vignette.expect)
            if (vignette in named or wide) and self._moved(vignette, treatment, before, knowledge, attributes):
                for message in differences(vignette, engine):
                    yield f"{vignette.id}: {message}"

    def _moved(
        self,
        vignette: Vignette,
        treatment: Treatment,
        before: Treatment,
        knowledge: Knowledge,
        attributes: frozenset[str],
    ) -> bool:
        """Whether anything about the option is otherwise for this patient than it was."""
        now = self._ward.read(vignette.patient, knowledge, attributes)
        then = Reading(self.knowledge, now.states)
        return _picture(treatment, now) != _picture(before, then)

    def _staged(self, knowledge: Knowledge, attributes: frozenset[str]) -> Iterator[str]:
        for vignette in knowledge.vignettes.values():
            reading = self._ward.restage(vignette.patient, knowledge, attributes)
            yield from _empty(reading, vignette.id)
            yield from _verdicts(vignette, reading, knowledge.options)
        for sequence in knowledge.sequences:
            for outcome in sequence.outcome:
                reading = self._ward.restage(record_of(sequence, outcome), knowledge, attributes)
                yield from _sequence(sequence, outcome, reading, knowledge.options[sequence.option])

    def _staged_cases(self, knowledge: Knowledge, attributes: frozenset[str]) -> Iterator[str]:
        readings: dict[str, Reading] = {}
        for treatment in knowledge.options.values():
            for case in treatment.body.cases:
                rule = f"options/{treatment.id}/{case.rule}"
                for answer, expected in ANSWERS.items():
                    for record in getattr(case, answer):
                        if (key := repr(record)) not in readings:
                            readings[key] = self._ward.restage(record, knowledge, attributes)
                            yield from _empty(readings[key], f"{rule} {record}")
                        if readings[key].answer(rule) is not expected:
                            yield f"{rule} is not {answer.replace('_', ' ')} for {record}"
                for patient in expected_patients(case):
                    found, _ = readings[repr(patient)].verdict(treatment)
                    if found != case.verdict:
                        yield f"{rule} gives {found}, its case states {case.verdict}"

    def _coverage(self, source: Source[OptionFile], changed: Source[OptionFile]) -> Iterator[str]:
        alone = replace(
            self._raw, options=[changed], trials=[], notices=None, conflicts=None, sequences=None, staging=[]
        )
        yield from self._uncited(source.file, citing(alone))
        if source.file not in self._unsourced:
            self._unsourced[source.file] = frozenset(self._figures(source, source))
        yield from sorted(frozenset(self._figures(changed, source)) - self._unsourced[source.file])

    def _figures(self, source: Source[OptionFile], before: Source[OptionFile]) -> Iterator[str]:
        """Yield the figures without a source, looked for in what the unchanged file cites at most."""
        text = str(before.document.data)
        claims = [
            replace(item, body=item.body.model_copy(update={"claims": [c for c in item.body.claims if c.id in text]}))
            for item in self._raw.claims
        ]
        trials = [item for item in self._raw.trials if item.body.id in text]
        alone = replace(self._raw, options=[source], claims=claims, trials=trials, notices=None, sequences=None)
        yield from (str(finding) for finding in unsourced(alone) if finding.file == source.file)

    def _uncited(self, file: str, places: Mapping[str, Sequence[Any]]) -> Iterator[str]:
        """Yield each claim that the changed file cited and that nobody cites any more."""
        reasons = {claim.id: claim.not_encoded for source in self._raw.claims for claim in source.body.claims}
        for claim, before in self._citing.items():
            if any(place.file == file for place in before) and reasons.get(claim) is None:
                now = [place for place in before if place.file != file]
                now += [place for place in places.get(claim, ()) if place.file == file]
                if not now:
                    yield f"{claim} is cited by no rule any more"


def _modelled(source: Source[Model], data: Any, model: type[Model]) -> Source[Model]:
    return Source(source.file, Document(data), model.model_validate(data))


def _stub(source: Source[OptionFile]) -> Source[OptionFile]:
    """Return the option with nothing but its name: enough for others to name it."""
    body = source.body.model_copy(
        update={
            "drugs": [], "classes": [], "indications": source.body.indications[:1], "exclude": [], "include": [],
            "reservations": [], "cautions": [], "preferences": [], "notes": [], "later_lines": type(source.body.later_lines)(),
            "evidence": [], "later_evidence": [], "microenvironment": [],
        }
    )  # fmt: skip
    return Source(source.file, Document({}), body)


def _attributes(treatment: Treatment) -> frozenset[str]:
    return frozenset(name for rule in treatment.rules for name in rule.attributes)


def _rules(treatment: Treatment) -> list[tuple[object, ...]]:
    """Return what of an option's rules can change a decision."""
    rules = [(rule.id, rule.kind, rule.condition, rule.indications, rule.effect) for rule in treatment.rules]
    return [
        *rules,
        *((use.settings, use.body.verdict, use.body.evidence_level, use.body.effect) for use in treatment.uses),
    ]


def _picture(treatment: Treatment, reading: Reading) -> tuple[object, ...]:
    """Return everything that a decision shows of an option."""
    uses = [(use.body.id, use.body.verdict, use.body.evidence_level, use.body.effect) for use in treatment.uses]
    answers = [(rule.id, rule.kind, rule.indications, rule.effect, reading.answer(rule.id)) for rule in treatment.rules]
    opens = [(rule.id, rule.condition) for rule in treatment.rules if reading.answer(rule.id) is None]
    return reading.verdict(treatment), uses, answers, opens


def _verdicts(vignette: Vignette, reading: Reading, treatments: Mapping[str, Treatment]) -> Iterator[str]:
    possible = reading.states["setting"].values or frozenset()
    setting = next(iter(possible)) if len(possible) == 1 else "undetermined"
    if setting != vignette.setting:
        yield f"{vignette.id}: the setting is {setting}, expected is {vignette.setting}"
    for expected in vignette.expect:
        if expected.option in treatments:
            found, _ = reading.verdict(treatments[expected.option])
            if found != expected.verdict:
                yield f"{vignette.id}: {expected.option} is {found}, expected is {expected.verdict}"


def _empty(reading: Reading, where: str) -> Iterator[str]:
    """Yield each derived fact of which no value is left: the engine refuses to decide for such a patient."""
    for name, state in reading.states.items():
        if state.values is not None and not state.values:
            yield f"{where}: staging leaves no value of {name}"


def _sequence(sequence: KnownSequence, outcome: str, reading: Reading, treatment: Treatment) -> Iterator[str]:
    found, _ = reading.verdict(treatment)
    if found not in STANDINGS[sequence.standing]:
        yield f"{sequence.id} ({outcome}): {treatment.id} is {found}, the file says {sequence.standing}"
