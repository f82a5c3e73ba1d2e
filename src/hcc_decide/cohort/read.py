"""Opening a table of patients, whatever its format."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from hcc_decide.cohort.reading.table import Kind, Table
from hcc_decide.cohort.shape import CohortError

SUFFIXES: dict[str, Kind] = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def kind_of_table(path: Path) -> Kind:
    """Return the format that a file's name says.

    Raises:
        CohortError: it says none that is read and written.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise CohortError(
            f"{path}: the name must end with one of {', '.join(SUFFIXES)}; that says which kind of table it is"
        )
    return kind


def open_table(path: Path, *, rows: int = 100_000, others: Collection[str] = ()) -> Table:
    """Open a table for reading, as a context manager.

    Args:
        path: a CSV (``.csv``), Parquet (``.parquet``) or JSON Lines file (``.jsonl``, ``.ndjson``).
        rows: how many rows a chunk has at most.
        others: columns that are no facts of a patient, and may be of types that no record has, such as dates.

    Raises:
        CohortError: it is missing, empty, unreadable or not what its name says; or its columns have no names, one name
            twice, or types that no patient record has.
    """
    kind = kind_of_table(path)
    if kind == "csv":
        from hcc_decide.cohort.reading.delimited import CsvTable

        return CsvTable(path, rows)
    if kind == "parquet":
        from hcc_decide.cohort.reading.columnar import ParquetTable

        return ParquetTable(path, rows, others)
    from hcc_decide.cohort.reading.json_lines import JsonLinesTable

    return JsonLinesTable(path, rows)
