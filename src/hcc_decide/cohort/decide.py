"""The decisions for a chunk of a table: checked, classed, judged and ranked, and a sample of them decided one by one as well."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcc_decide.cohort.columns import Decided, Part
from hcc_decide.cohort.encode import Encoder
from hcc_decide.cohort.gaps import Gaps
from hcc_decide.cohort.judge import Judge, Staged
from hcc_decide.cohort.places import Places
from hcc_decide.cohort.shape import Chunk
from hcc_decide.cohort.texts import JOINT
from hcc_decide.cohort.wording import Wording
from hcc_decide.decision import Setting
from hcc_decide.engine.engine import Engine
from hcc_decide.engine.network import EngineError
from hcc_decide.missing import OpenFacts, missing_facts
from hcc_decide.ranking import rank

CONTROLS = 2
"""Patients of each chunk whom the engine also decides one by one, the first and the last; the answers must be equal."""


class Decider:
    """Decides for chunks of a table; what the engine told once is remembered.

    Attributes:
        knowledge: the rule base.
        tables: the answers of the engine.
    """

    def __init__(self, engine: Engine) -> None:
        """Know nothing yet.

        Args:
            engine: judges each class of what a rule reads once.
        """
        self.knowledge = engine.knowledge
        self.tables = engine.tables()
        self._engine = engine
        # Option by option, with small networks: those of whole settings would take more memory than all else.
        self._alone = engine.by_class()
        self._encoder = Encoder(engine.knowledge)
        self._judge = Judge(self.tables, self._encoder)
        self._gaps = Gaps(self.tables, self._encoder)
        self._places = Places(self.tables)
        self._wording = Wording(self.tables, self._encoder, self._places)

    def decide(self, chunk: Chunk) -> Decided:
        """Decide for every row of a chunk that is accepted.

        Args:
            chunk: the rows; columns that are no fields of the record are ignored.

        Raises:
            EngineError: there is no decision, for any of them.
        """
        encoded = self._encoder.encode(chunk)
        staged = self._judge.stage(encoded.codes, encoded.classes)
        self._places.make_room()
        self._wording.make_room()
        parts = [self._part(staged, possible, rows) for possible, rows in staged.parts]
        rankings, texts = self._places.rankings, self._wording.missing_texts
        decided = Decided(chunk, encoded, staged, parts, rankings, texts, self._wording)
        self._control(chunk, decided)
        return decided

    def _part(self, staged: Staged, possible: frozenset[Setting], rows: npt.NDArray[np.int64]) -> Part:
        judged = self._judge.judge(staged, possible, rows)
        gaps = self._gaps.missing(judged)
        setting = self._wording.setting(possible)
        return Part(setting, rows, judged, self._places.rank(judged), gaps, self._wording.missing(gaps))

    def close(self) -> None:
        """Free the networks of the engine."""
        self._engine.close()

    def _control(self, chunk: Chunk, decided: Decided) -> None:
        """Decide for a few rows, spread over the chunk, as for single patients.

        Raises:
            EngineError: an answer differs.
        """
        rows = decided.encoded.rows
        if not len(rows):
            return
        for place in np.unique(np.linspace(0, len(rows) - 1, CONTROLS).astype(np.int64)).tolist():
            patient = self._encoder.patient(chunk, int(rows[place]))
            inference = self._alone.infer(patient)
            order = JOINT.join(
                f"{item.rank}:{item.option}:{item.verdict}" + (f":{item.would_be}" if item.would_be else "")
                for item in rank(self.knowledge, inference)
            )
            missing = missing_facts(self.knowledge, inference, OpenFacts(self.knowledge, inference))
            alone = (inference.setting, order, JOINT.join(item.fact for item in missing))
            if alone != decided.answer(place):
                line = chunk.lines[int(rows[place])]
                raise EngineError(f"line {line} is decided otherwise alone than in the table; no decision is given")
