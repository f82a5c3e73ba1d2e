"""What is done with each chunk of a table, in whatever process: plain data in, plain data out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from hcc_decide.cohort.columns import plain_text
from hcc_decide.cohort.concordance import concord
from hcc_decide.cohort.counting import count_refused, tally_of
from hcc_decide.cohort.decide import Decider
from hcc_decide.cohort.shape import Chunk, Refused, Result
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.load import load_knowledge


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
        decided = _decider(self.edition, self.rules).decide(chunk)
        tally = tally_of(decided)
        count_refused(tally, chunk.broken)
        broken = [Refused(row.line, (row.reason,), text=row.text) for row in chunk.broken]
        refused = sorted((*decided.encoded.refused, *broken), key=lambda row: row.line)
        table = decided.long(self.keep) if self.long else decided.frame(self.keep)
        disagreements = None
        if self.given is not None:
            agreement = concord(
                plain_text(chunk, self.given).gather(decided.encoded.rows).cast(pl.String),
                decided,
                decided.wording.tables.knowledge,
                tally,
            )
            disagreements = agreement.disagreements
            if not self.long:
                table = table.hstack(agreement.columns)
        return Result(
            chunk.number,
            table,
            disagreements,
            tuple(refused),
            tally,
            pl.Series(decided.encoded.keys, dtype=pl.UInt64),
        )

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
    return Decider(Engine(knowledge_of(edition, rules)))
