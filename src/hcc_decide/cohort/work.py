"""What is done with each chunk of a table, in whatever process: plain data in, plain data out.

This module does not import Polars: a process can load the rules and fork before the threads of Polars begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hcc_decide.cohort.shape import Chunk, Result
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.load import load_knowledge

if TYPE_CHECKING:
    from hcc_decide.cohort.decide import Decider


@dataclass(frozen=True)
class Work:
    """Decides for chunks. It can be pickled; a process that unpickles it loads the rules once.

    Attributes:
        edition: edition of the knowledge.
        rules: folder of the rules; ``None`` takes the ones that ship with the program.
        keep: columns that are carried over.
        given: column of what each patient was given; ``None`` when there is none.
        long: one row per patient and option.
    """

    edition: str
    rules: Path | None = None
    keep: tuple[str, ...] = ()
    given: str | None = None
    long: bool = False

    def __call__(self, chunk: Chunk) -> Result:
        """Decide for the rows of a chunk.

        Raises:
            KnowledgeError: the rules cannot be loaded in this process.
            EngineError: the engine failed.
        """
        from hcc_decide.cohort.results import result_of

        return result_of(_decider(self.edition, self.rules), chunk, keep=self.keep, given=self.given, long=self.long)

    def prepare(self) -> None:
        """Load what the first chunk will need.

        Raises:
            KnowledgeError: the rules cannot be loaded in this process.
        """
        import hcc_decide.cohort.results  # noqa: F401 - the libraries that it needs

        _decider(self.edition, self.rules)

    def close(self) -> None:
        """Free what this process loaded for its work; the next chunk loads it anew."""
        if _decider.cache_info().currsize:
            _decider(self.edition, self.rules).close()
            _decider.cache_clear()
        knowledge_of.cache_clear()


@lru_cache(maxsize=1)
def knowledge_of(edition: str, rules: Path | None) -> Knowledge:
    """Return the knowledge that this process decides with; it is loaded once.

    Raises:
        KnowledgeError: the rules have findings.
    """
    return load_knowledge(rules, edition)


@lru_cache(maxsize=1)
def _decider(edition: str, rules: Path | None) -> Decider:
    from hcc_decide.cohort.decide import Decider
    from hcc_decide.engine.engine import Engine

    return Decider(Engine(knowledge_of(edition, rules)))
