"""What is sent and written of the decisions for a chunk."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hcc_decide.cohort.columns import plain_text
from hcc_decide.cohort.concordance import concord
from hcc_decide.cohort.counting import count_refused, tally_of
from hcc_decide.cohort.decide import Decider
from hcc_decide.cohort.shape import Chunk, Refused, Result


def result_of(
    decider: Decider, chunk: Chunk, *, keep: Sequence[str] = (), given: str | None = None, long: bool = False
) -> Result:
    """Decide for the rows of a chunk.

    Args:
        decider: decides.
        chunk: the rows.
        keep: columns that are carried over.
        given: column of what each patient was given; ``None`` when there is none.
        long: one row per patient and option.

    Raises:
        EngineError: the engine failed.
    """
    decided = decider.decide(chunk)
    tally = tally_of(decided)
    count_refused(tally, chunk.broken)
    broken = [Refused(row.line, (row.reason,), text=row.text) for row in chunk.broken]
    refused = sorted((*decided.encoded.refused, *broken), key=lambda row: row.line)
    table = decided.long_table(keep) if long else decided.table(keep)
    disagreements = None
    if given is not None:
        agreement = concord(
            plain_text(chunk, given).gather(decided.encoded.rows).cast(pl.String),
            decided,
            decider.knowledge,
            tally,
        )
        disagreements = agreement.disagreements
        if not long:
            for column in agreement.columns:
                table = table.append_column(column.name, column.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return Result(
        chunk.number,
        table,
        disagreements,
        tuple(refused),
        tally,
        pl.Series(decided.encoded.keys, dtype=pl.UInt64),
    )
