"""The smallest record that still shows what a record showed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hcc_decide.patient import RecordError, parse_patient
from tests.oracles.agreement import Readers

Plain = dict[str, Any]


def smallest_disagreement(readers: Readers, record: Plain, difference: str) -> tuple[Plain, list[str]]:
    """Return the smallest record with this difference that one can get from a record, and all its differences."""

    def shows(less: Plain) -> bool:
        try:
            # The oracles do not check records, so only what the contract accepts is put to them.
            parse_patient(less, readers.engine.knowledge.option_ids)
        except RecordError:
            return False
        return difference in readers.differences([less])[0]

    less = smallest(record, shows)
    return less, readers.differences([less])[0]


def smallest(record: Plain, shows: Callable[[Plain], bool]) -> Plain:
    """Take away facts, items of lists and details of lines, one at a time, as long as the rest still shows it.

    Args:
        record: a record for which ``shows`` is true.
        shows: whether a record shows it; false for one that the contract refuses.
    """
    while True:
        smaller = next((less for less in _less(record) if shows(less)), None)
        if smaller is None:
            return record
        record = smaller


def _less(record: Plain) -> Iterator[Plain]:
    for name in record:
        yield {key: value for key, value in record.items() if key != name}
    for name, value in record.items():
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield {**record, name: [*value[:index], *value[index + 1 :]]}
                if isinstance(item, dict):
                    for key in item:
                        line = {other: item[other] for other in item if other != key}
                        yield {**record, name: [*value[:index], line, *value[index + 1 :]]}
