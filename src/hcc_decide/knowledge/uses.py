"""Who leans on a claim or a trial, from the knowledge in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hcc_decide.documents import Document
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.citing import Place, citing
from hcc_decide.knowledge.files import RawKnowledge, Source
from hcc_decide.knowledge.schema import NoticeFile
from hcc_decide.knowledge.schema_sources import SequenceFile


def citers(knowledge: Knowledge) -> Mapping[str, tuple[Place, ...]]:
    """Return every place that cites each claim, as `hcc_decide.knowledge.citing.citing` finds it in the files.

    Conflicts and vignettes name claims too, but encode nothing; they are left out.
    """
    notices = [{"id": notice.name, "claims": list(notice.claims)} for notice in knowledge.notices]
    sequences = [sequence.model_dump() for sequence in knowledge.sequences]
    # `citing` reads the documents; the bodies of files that hold many things are not kept and not needed.
    raw = RawKnowledge(
        notices=Source("notices.yaml", Document({"notices": notices}), NoticeFile(notices=[])),
        sequences=Source(
            "sequences.yaml",
            Document({"sequences": sequences}),
            SequenceFile.model_construct(typical_patient={}, sequences=[]),
        ),
        staging=[
            Source(f"{derived.rule}.yaml", Document(derived.body.model_dump()), derived.body)
            for derived in knowledge.staging
        ],
        options=[
            Source(knowledge.sources[name], Document(treatment.body.model_dump()), treatment.body)
            for name, treatment in knowledge.options.items()
        ],
        trials=[
            Source(f"trials/{trial.id}.yaml", Document(trial.model_dump()), trial)
            for trial in knowledge.trials.values()
        ],
    )
    return citing(raw)


@dataclass(frozen=True)
class TrialUses:
    """Who leans on a trial.

    Attributes:
        evidence: options that name it as evidence, with the direction.
        rules: ids of rules that cite it.
        effects: ids of indications whose effect size it gives.
        sequences: ids of sequences that cite it.
        conflicts: ids of conflicts that name it.
    """

    evidence: tuple[tuple[str, str], ...]
    rules: tuple[str, ...]
    effects: tuple[str, ...]
    sequences: tuple[str, ...]
    conflicts: tuple[str, ...]


def trial_uses(knowledge: Knowledge, trial: str) -> TrialUses:
    """Return who leans on a trial."""
    options = knowledge.options.values()
    return TrialUses(
        evidence=tuple(
            (item.id, part.direction) for item in options for part in item.body.evidence if part.trial == trial
        ),
        rules=tuple(rule.id for rule in knowledge.rules.values() if trial in rule.trials),
        effects=tuple(
            use.rule.id
            for item in options
            for use in item.uses
            if use.body.effect is not None and use.body.effect.trial == trial
        ),
        sequences=tuple(item.id for item in knowledge.sequences if trial in item.trials),
        conflicts=tuple(knowledge.conflicts[place].id for place in sorted(knowledge.conflicts_of.get(trial, ()))),
    )
