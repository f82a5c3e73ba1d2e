"""Lines of prior systemic therapy as cells of a table: short forms where they say all, else JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from hcc_decide.patient import PriorLine

NO_LINES = "[]"
_SHORT = ("option", "outcome")
"""What a short form tells."""
_QUOTED = frozenset({"option", "name", "outcome"})
"""Fields of a line that are text."""


def history_cells(lines: Sequence[Mapping[str, pl.Series]], told: npt.NDArray[np.bool_] | None = None) -> pl.Series:
    """Write the lines of each patient as one cell, as `patient.record_from_csv` reads it.

    Args:
        lines: the fields of the first line, of the second …, each a series of text over all patients with at least
            ``option`` and ``outcome``. A patient has a line when it has an option, and no line after one that is missing.
        told: whose lines are known; ``None``: everybody's.

    Returns:
        One cell for each patient; ``[]`` where there is no line, null where they are not known.
    """
    frame = pl.DataFrame({f"{at}.{name}": cells for at, line in enumerate(lines) for name, cells in line.items()})
    treated = lines[0]["option"].is_not_null()
    more = [f"{at}.{name}" for at, line in enumerate(lines) for name in line if name not in _SHORT]
    short = pl.concat_str([_short(at) for at in range(len(lines))], separator=";", ignore_nulls=True)
    long = pl.concat_str([_long(at, list(line)) for at, line in enumerate(lines)], separator=", ", ignore_nulls=True)
    detailed = pl.any_horizontal(pl.col(name).is_not_null() for name in more) if more else pl.lit(False)
    cell = pl.when(detailed).then(pl.format("[{}]", long)).otherwise(short)
    # Most patients have no line, so only the others are written.
    written = frame.filter(treated).select(cell.alias("cell"))["cell"]
    cells = pl.Series([NO_LINES]).new_from_index(0, frame.height).scatter(treated.arg_true(), written)
    return cells if told is None else cells.set(~pl.Series(told), None)


def _short(at: int) -> pl.Expr:
    option, outcome = pl.col(f"{at}.option"), pl.col(f"{at}.outcome")
    usual = outcome.is_null() | (outcome == PriorLine.model_fields["outcome"].default)
    return pl.when(usual).then(option).otherwise(pl.concat_str(option, outcome, separator=":"))


def _long(at: int, names: Sequence[str]) -> pl.Expr:
    fields = [
        pl.format(f'"{name}": "{{}}"' if name in _QUOTED else f'"{name}": {{}}', pl.col(f"{at}.{name}"))
        for name in PriorLine.model_fields
        if name in names
    ]
    known = pl.concat_str(fields, separator=", ", ignore_nulls=True)
    # Braces of JSON, not places of a format.
    line = pl.concat_str(pl.lit("{"), known, pl.lit("}"))
    return pl.when(pl.col(f"{at}.option").is_not_null()).then(line)
