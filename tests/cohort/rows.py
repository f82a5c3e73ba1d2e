"""Records as the rows of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hcc_decide.cohort.shape import Chunk
from hcc_decide.patient import Patient


def cell(value: Any) -> str | None:
    """Write a value as the cell of a CSV table."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        plain = all(isinstance(item, str) for item in value)
        return (";".join(value) or "[]") if plain else json.dumps(value)
    return str(value)


def frame_of(records: Sequence[Mapping[str, Any]], *more: str) -> pl.DataFrame:
    """Return a table of text cells with a column for each field, and for each further name."""
    names = [*Patient.model_fields, *more]
    return pl.DataFrame(
        {name: [cell(record.get(name)) for record in records] for name in names},
        schema=dict.fromkeys(names, pl.String),
    )


def chunk_of(records: Sequence[Mapping[str, Any]], *more: str, number: int = 0, first: int = 2) -> Chunk:
    """Return records as a chunk of a CSV table whose first row stands in line ``first``."""
    cells = frame_of(records, *more)
    return Chunk(number, pl.Series(range(first, first + cells.height), dtype=pl.Int64), cells)


def frame_from(chunk: Chunk) -> pl.DataFrame:
    """Return the cells of a chunk as a frame."""
    return pl.DataFrame([chunk.cells[name] for name in chunk.cells.columns])


def items(text: str) -> list[str]:
    """Return the items of a cell."""
    return text.split(";") if text else []
