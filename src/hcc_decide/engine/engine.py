"""The engine as the rest of the program sees it: a knowledge, ready to judge patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hcc_decide.engine.by_class import ByClass
from hcc_decide.engine.fold import Fold
from hcc_decide.engine.inference import Inference, Standing, infer, judge_option
from hcc_decide.engine.program import Program
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.condition import State
from hcc_decide.patient import Patient

if TYPE_CHECKING:
    from hcc_decide.engine.tables import Tables


class Engine:
    """A compiled rule base. Many threads may share one; a forked child builds its own networks by itself.

    Args:
        knowledge: the rule base.
        check: let the shadow judge every decision (see `hcc_decide.engine.shadow`).
        module: the engine module, for tests; ``None`` takes durable-rules.

    Raises:
        FenceError: naming the rule that durable-rules could not run correctly.
    """

    def __init__(self, knowledge: Knowledge, *, check: bool = True, module: Any = None) -> None:
        """Compile the rule base; no network is built before the first decision."""
        self.knowledge = knowledge
        self._check = check
        self._program = Program(knowledge, module)
        self._fold = Fold(module)
        self._attributes = knowledge.attributes()

    def infer(self, patient: Patient, also: Iterable[str] = ()) -> Inference:
        """Run the rule base for one patient.

        Args:
            patient: the record.
            also: ids of options whose rules are judged even where their setting is out of question.

        Raises:
            EngineError: there is no decision; the next one is not affected.
        """
        return infer(
            patient,
            self.knowledge,
            self._program,
            self._fold,
            attributes=self._attributes,
            also=[self.knowledge.options[name] for name in also],
            check=self._check,
        )

    def judge(self, option: str, states: Mapping[str, State]) -> tuple[Mapping[str, bool | None], Standing]:
        """Judge one option for what is known of the attributes that its rules read (`inference.judge_option`).

        Raises:
            EngineError: the engine failed.
        """
        return judge_option(self.knowledge.options[option], states, self.knowledge, self._program, self._fold)

    def by_class(self) -> ByClass:
        """Return what infers once for each class of patients, for work that asks about many alike."""
        return ByClass(self.knowledge, self._program, self._fold, attributes=self._attributes, check=self._check)

    def tables(self) -> Tables:
        """Return what judges whole columns of patients, each class of what a rule reads once."""
        # Only cohorts need numpy, and one decision need not wait for it.
        from hcc_decide.engine.tables import Tables

        return Tables(self.knowledge, self._program, self._fold, check=self._check)

    def close(self) -> None:
        """Free the networks of this process, for example before another knowledge is loaded."""
        self._program.close()
        self._fold.close()
