"""Decisions for a table in memory, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import polars as pl

from hcc_decide.cohort.decide import Decider
from hcc_decide.cohort.shape import Chunk, CohortError
from hcc_decide.engine.engine import Engine
from hcc_decide.knowledge.load import DEFAULT_EDITION, load_knowledge
from hcc_decide.patient import Patient
from hcc_decide.refusals import one_line

ROWS = 50_000
"""Rows that are decided at once."""


def decide_many(
    frame: pl.DataFrame,
    engine: Engine | None = None,
    *,
    keep: Sequence[str] = (),
    long: bool = False,
) -> pl.DataFrame:
    """Decide for every row of a table: the same answers as one decision per row, with one inference per class of patients.

    Args:
        frame: one row per patient. Columns are fields of the patient record and those named by ``keep``. Text is read as
            the cells of a CSV cohort are (lists joined with ``;``, ``[]`` for an empty list); numbers and truth values are
            taken as they are; null is not known. A field without a column is not known for anyone.
        engine: the compiled rule base; left out, the edition that ships with the program. Whoever decides for many tables
            gives one, and closes it.
        keep: columns that are no fields of the record and are carried over.
        long: one row per patient and option, in place of one row per patient.

    Returns:
        The columns of `hcc_decide.cohort.columns.SHORT`, or of ``LONG``, as text and whole numbers; ``line`` is the row of
        the table, from 1. Kept columns come after ``case_id``.

    Raises:
        CohortError: a column is unknown, or rows are refused; one line per problem, and nothing is decided.
        EngineError: the engine failed; there is no decision for anyone.

    >>> table = pl.DataFrame({"bclc_stage": ["C"], "child_pugh_class": ["A"], "ecog": [0], "prior_systemic": ["[]"]})
    >>> decide_many(table)["setting"].to_list()
    ['first_line']
    """
    check_columns(frame.columns, keep)
    used = engine or Engine(load_knowledge(None, DEFAULT_EDITION))
    try:
        decider = Decider(used)
        parts = []
        for start in range(0, max(frame.height, 1), ROWS):
            cells = frame.slice(start, ROWS)
            lines = pl.Series(range(start + 1, start + cells.height + 1), dtype=pl.Int64)
            decided = decider.decide(Chunk(start // ROWS, lines, cells))
            refused = decided.encoded.refused
            if refused:
                raise CohortError(*(f"row {row.line}: {problem}" for row in refused for problem in row.problems))
            part = decided.long(keep) if long else decided.frame(keep)
            parts.append(part.with_columns(pl.col(pl.Categorical).cast(pl.String)))
        return pl.concat(parts)
    finally:
        if engine is None:
            used.close()


def check_columns(columns: Sequence[str], keep: Sequence[str] = (), ignore: Sequence[str] = ()) -> None:
    """Refuse a table whose columns are not all known.

    Args:
        columns: of the table.
        keep: columns that are carried over.
        ignore: columns that are left out.

    Raises:
        CohortError: one line per column that is no field of the record, or that is asked for and absent.
    """
    fields = list(Patient.model_fields)
    problems = []
    for name in columns:
        if name not in fields and name not in (*keep, *ignore):
            near = get_close_matches(name.strip().lower(), fields, n=1)
            hint = f" (is it {near[0]}?)" if near else ""
            problems.append(
                f"column {one_line(name, 60)!r} is no field of the patient record{hint}; allowed are the fields of "
                "`hcc-decide schema patient`, and columns named to be kept or ignored"
            )
    problems += [
        f"column {name!r} is asked for, and the table has none of that name" for name in keep if name not in columns
    ]
    if problems:
        raise CohortError(*problems)
