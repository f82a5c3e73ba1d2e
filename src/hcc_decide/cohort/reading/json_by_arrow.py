"""JSON Lines read by Arrow: fast, and left to the exact reader wherever Arrow might read them in another way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as arrow_json

from hcc_decide.cohort.reading.text import Block

EXACT_IN_FLOAT = 2**53
"""Whole numbers up to here are exact as floating-point numbers."""

_ARROW_BLOCK = 1 << 20
_write = json.JSONEncoder(ensure_ascii=False).encode


def table_of_lines(block: Block) -> Any:
    """Return the lines as an Arrow table, one row for each; ``None`` unless each certainly holds one proper object.

    Arrow refuses keys that are given twice, and columns of mixed types. Text that looks like a time is read as text.
    """
    content = block.content
    # Arrow cares neither for lines nor for half a pair of surrogates. Where every line begins and ends with a brace, no
    # object goes over a line break, so that as many objects as lines are one for each.
    if b"\\u" in content or not _in_braces(block):
        return None
    texts: dict[str, Any] = {}
    while True:
        try:
            table = arrow_json.read_json(
                pa.BufferReader(content),
                read_options=arrow_json.ReadOptions(block_size=_ARROW_BLOCK),
                parse_options=arrow_json.ParseOptions(explicit_schema=pa.schema(texts) if texts else None),
            )
        except (pa.ArrowException, OSError, ValueError):
            return None
        times = {field.name: pa.string() for field in table.schema if pa.types.is_timestamp(field.type)}
        if not times:
            break
        texts |= times
    return table if table.num_rows == len(block.records.ends) and "" not in table.schema.names else None


def columns_of(block: Block, table: Any, names: Sequence[str]) -> list[tuple[pl.Series, bool]] | None:
    """Return the columns of those names, and whether their cells are JSON; ``None`` when one needs an exact look.

    Args:
        block: the lines.
        table: what `table_of_lines` made of them.
        names: of the columns.
    """
    # Arrow 26 loses values behind a null in a list. Nulls behind a colon are in no list.
    content = block.content
    lists = content.count(b"null") == content.count(b":null") + content.count(b": null")
    columns = [_column(table, name, lists) for name in names]
    return None if None in columns else [column for column in columns if column is not None]


def _in_braces(block: Block) -> bool:
    codes = np.frombuffer(block.content, dtype=np.uint8)
    last = block.records.ends - 1
    last = last - (codes[last] == ord("\n"))
    last = last - (codes[last] == ord("\r"))
    return bool((codes[block.starts()] == ord("{")).all() and (codes[last] == ord("}")).all())


def _column(table: Any, name: str, lists: bool) -> tuple[pl.Series, bool] | None:
    if name not in table.schema.names or pa.types.is_null(table.schema.field(name).type):
        return pl.Series(name, [None] * table.num_rows, dtype=pl.String), False
    type_ = table.schema.field(name).type
    list_of_text = lists and pa.types.is_list(type_) and pa.types.is_string(type_.value_type)
    number = pa.types.is_floating(type_) or pa.types.is_integer(type_)
    if not (list_of_text or number or pa.types.is_string(type_) or pa.types.is_boolean(type_)):
        return None  # records: Arrow does not tell what they give as null from what they leave out
    column = table.column(name).combine_chunks()
    if pa.types.is_string(type_):
        return _in_json(column.dictionary_encode()).alias(name), True
    if list_of_text:
        values = [None if value is None else _write(value) for value in column.to_pylist()]
        return pl.Series(name, values, dtype=pl.String), True
    if pa.types.is_floating(type_):
        largest = pc.max(pc.abs(column)).as_py()
        if largest is not None and largest >= EXACT_IN_FLOAT:
            return None
    return cast(pl.Series, pl.from_arrow(column)).alias(name), False


def _in_json(texts: Any) -> pl.Series:
    """Write texts as JSON, each only once however often it occurs."""
    written = pa.array([_write(text) for text in texts.dictionary.to_pylist()], type=pa.string())
    return cast(pl.Series, pl.from_arrow(pa.DictionaryArray.from_arrays(texts.indices, written).dictionary_decode()))
