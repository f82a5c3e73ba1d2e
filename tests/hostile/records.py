"""Malformed patient records of every kind, read the way the command line reads them. As a program: all, with a report."""

from __future__ import annotations

import copy
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hcc_decide.case_file import read_case, write_case
from hcc_decide.documents import DocumentError, parse, read
from hcc_decide.knowledge.load import load_knowledge
from hcc_decide.patient import Patient, RecordError, parse_patient, record_from_csv
from tests.conftest import ROOT
from tests.hostile.damage import (
    DEEP,
    INSERTED,
    NESTED,
    SCALARS,
    as_json,
    as_yaml,
    damaged_bytes,
    damaged_value,
    nested,
)
from tests.hostile.watch import Input, main

LARGE = 2
"""How many inputs of each large kind there are; each costs as much as a hundred others."""

Content = tuple[str, bytes]
"""The ending of a file's name, and what it holds."""

FIELDS = tuple(Patient.model_fields)
NUMBERS = tuple(
    name for name in FIELDS if name.endswith(("_cm", "_l", "_ml", "_percent", "_years", "_kg", "inr", "nlr"))
)
FOREIGN: Mapping[str, Any] = {
    "karnofsky": 80,
    "patient": {"ecog": 1},
    "schema_version": 1,
    "ECOG": 1,
    "child pugh": "A",
    "outcome": "progression",
    "option": "sorafenib",
    "__class__": "x",
    "constructor": {"prototype": 1},
    "$ref": "#",
    "primary_site": "colorectal",
    "refractory_to_tace": True,
    "amenable_to_tace": True,
    "prior_locoregional": [],
    "prior_systemic": ["sorafenib:ongoing", "lenvatinib"],
    "tumour_count": "3",
    "ecog": 9,
    "afp_ng_ml": "400 ng/mL",
}


@cache
def examples() -> tuple[dict[str, Any], ...]:
    """Return the records of the shipped examples."""
    return tuple(read(path).data for path in sorted((ROOT / "examples").glob("*.yaml")))


@cache
def options() -> Mapping[str, str]:
    """Return every option id and alias of the shipped rules."""
    return load_knowledge(ROOT / "rules").option_ids


def _record(draw: random.Random) -> dict[str, Any]:
    return copy.deepcopy(draw.choice(examples()))


def _written(value: Any, draw: random.Random) -> Content:
    return ("json", as_json(value)) if draw.random() < 0.5 else ("yaml", as_yaml(value))


def _noise(draw: random.Random) -> Content:
    return draw.choice(("json", "yaml")), draw.randbytes(draw.choice((1, 3, 30, 300)))


def _punctuation(draw: random.Random) -> Content:
    pieces = (*INSERTED, b"ecog", b"1", b" ", b"\n", b"hcc", b"prior_systemic", b"sorafenib", b": ", b"- ", b"\n  ")
    return draw.choice(("json", "yaml")), b"".join(draw.choices(pieces, k=draw.choice((2, 5, 20, 60))))


def _damaged_yaml(draw: random.Random) -> Content:
    return "yaml", damaged_bytes(as_yaml(_record(draw)), draw)


def _damaged_json(draw: random.Random) -> Content:
    return "json", damaged_bytes(json.dumps(_record(draw), indent=draw.choice((None, 2))).encode(), draw)


def _damaged_meaning(draw: random.Random) -> Content:
    return _written(damaged_value(_record(draw), draw, FOREIGN), draw)


def _damaged_decision(draw: random.Random) -> Content:
    saved = {
        "schema_version": 1,
        "knowledge": {"edition": "reviews"},
        "patient": _record(draw),
        "options": [],
        "trace": [],
    }
    return _written(damaged_value(saved, draw, FOREIGN), draw)


def _wrong_types(draw: random.Random) -> Content:
    return _written(
        {name: draw.choice((*SCALARS, *NESTED)) for name in draw.sample(FIELDS, draw.choice((1, 3, 20)))}, draw
    )


def _absurd_numbers(draw: random.Random) -> Content:
    name = draw.choice((*NUMBERS, "tumour_count", "ecog", "child_pugh_score", "albi_grade"))
    written = draw.choice(
        (
            "NaN",
            "Infinity",
            "-Infinity",
            "1e999",
            "-1e999",
            "9" * 310,
            "9" * 5000,
            "-" + "9" * 400,
            "1." + "3" * 3000 + "e400",
        )
    )
    if draw.random() < 0.5:
        return "json", f'{{"{name}": {written}}}'.encode()
    return "yaml", f"{name}: {draw.choice((written, '.inf', '-.inf', '.nan', '.NaN'))}\n".encode()


def _too_deep(draw: random.Random) -> Content:
    value = nested(DEEP, draw)
    return _written({draw.choice(FIELDS): value} if draw.random() < 0.8 else value, draw)


def _repeated_keys(draw: random.Random) -> Content:
    name = draw.choice((*FIELDS, "x" * draw.choice((100, 20_000)), "\\u2028", "\\ud800"))
    if draw.random() < 0.5:
        return "json", f'{{"{name}": 1, "{name}": 2}}'.encode()
    key = f'"{name}"' if len(name) < 1000 and name != "\\ud800" else "a"
    return "yaml", f"{key}: 1\nb: 2\n{key}: 3\n".encode()


def _anchors_and_tags(draw: random.Random) -> Content:
    name = draw.choice(FIELDS)
    text = draw.choice(
        (
            "{n}: &a 1\nnlr: *a\n", "{n}: !!str 1\n", "{n}: !!python/object/apply:os.system [id]\n",
            "base: &b {{ecog: 1}}\n<<: *b\n",
            "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n{n}: *b\n", "!!map {{{n}: 1}}\n", "{n}: !<tag:yaml.org,2002:int> 1\n",
            "&r {n}: *r\n", "%TAG ! tag:x,2000:\n---\n{n}: !y 1\n", "{n}: !!binary aGNj\n", "--- &a\n{n}: [*a]\n",
        )
    )  # fmt: skip
    return "yaml", text.format(n=name).encode()


def _surrogates(draw: random.Random) -> Content:
    lone = draw.choice(("\\ud800", "\\udfff", "\\udc00\\ud800", "a\\ud83d"))
    shape = draw.choice(
        ('{{"case_id": "{s}"}}', '{{"{s}": 1}}', '{{"prior_systemic": ["{s}"]}}', '{{"etiology": ["{s}"]}}',
         '{{"bclc_stage": "{s}"}}',
         '{{"prior_systemic": [{{"option": "other", "name": "{s}"}}]}}', '{{"schema_version": 1, "patient": {{}}, "{s}": 1}}',
         '{{"schema_version": "{s}", "patient": {{"{s}": "{s}"}}}}', '{{"prior_systemic": [{{"{s}": 1}}]}}')
    )  # fmt: skip
    return "json", shape.format(s=lone).encode()


def _zero_bytes_and_marks(draw: random.Random) -> Content:
    ending, content = _written(_record(draw), draw)
    at = draw.randrange(1, len(content))
    return ending, content[:at] + draw.choice((b"\x00", b"\x00" * 50)) + content[at:]


def _foreign_fields(draw: random.Random) -> Content:
    names = (
        "karnofsky",
        "",
        " ecog",
        "ecog ",
        "ECOG",
        "e\ncog",
        "\u202eecog",
        "x" * 4000,
        "🦠",
        "0",
        "patient.ecog",
        "null",
    )
    return _written(
        _record(draw) | {name: draw.choice(SCALARS[:9]) for name in draw.sample(names, draw.choice((1, 2, 8)))}, draw
    )


def _contradictions(draw: random.Random) -> Content:
    return _written(
        draw.choice(
            (
                {"refractory_to_tace": True, "amenable_to_tace": True},
                {"refractory_to_tace": True, "prior_locoregional": draw.choice(([], ["resection"]))},
                {"tumour": "hcc", "primary_site": "breast"},
                {"liver_metastasis_resectable": draw.choice((True, False))},
                {"prior_systemic": ["sorafenib:ongoing", draw.choice(sorted(options()))]},
                {"prior_systemic": [{"option": "sorafenib", "name": "x"}]},
                {"prior_systemic": [{"option": "other", "outcome": "intolerance", "radiological_progression": True}]},
            )
        )
        | {"age_years": draw.randrange(100)},
        draw,
    )


def _table_cells(draw: random.Random) -> Content:
    cells = (
        "", " ", "[]", "[", ";", ";;", "hbv;alcohol", "hbv,alcohol", "TRUE", "true", "yes", "1,5", "1.5", "1e999", "-0", "١٢",
        "1_000", "0x10", "=1+1", "NULL", "NA", "nan", "inf", "9" * 5000, "sorafenib", "sorafenib:;x", "other:ongoing;other",
        "C", "0", "A ", '"', "\x00", "\ud800", "a\nb", "x" * 3000, "none", "3 cm", "≥400", "{'a': 1}",
    )  # fmt: skip
    names = (*FIELDS, "", "karnofsky", "x" * 300, "a\nb")
    row = {name: draw.choice((None, *cells)) for name in draw.sample(names, draw.choice((1, 4, 15)))}
    return "csv", json.dumps(row).encode()


def _large(draw: random.Random) -> Content:
    count = draw.choice((20_000, 100_000))
    keys = ",".join(f'"k{number}":{number % 7}' for number in range(count))
    text = draw.choice(
        (
            f"{{{keys[:999_000].rpartition(',')[0]}}}",
            f'{{"schema_version": 1, "patient": {{}}, {keys[:900_000].rpartition(",")[0]}}}',
            f'{{"etiology": [{",".join(["1"] * count)}]}}',
            f'{{"prior_systemic": [{",".join(["{}"] * count)}]}}',
            f'{{"prior_systemic": [{{{keys[:900_000].rpartition(",")[0]}}}]}}',
            f'{{"case_id": "{"x" * 950_000}"}}',
            f'{{"{"x" * 400_000}": 1, "{"x" * 400_000}": 2}}',
            "{" + '"a":{' * count,
            "\n".join(f"k{number}: 1" for number in range(count))[:999_000],
            "etiology: [" + "a, " * count + "]",
            "ecog: 1\n" + "# comment\n" * (count // 2),
            "case_id: |\n" + " a\n" * count,
            "? " * count,
            "'" * count,
            "a: " * count,
            "x" * 1_100_000,
        )
    )
    return ("json" if text.startswith("{") else "yaml"), text.encode()


KINDS: Mapping[str, Callable[[random.Random], Content]] = {
    "noise": _noise,
    "punctuation": _punctuation,
    "damaged yaml": _damaged_yaml,
    "damaged json": _damaged_json,
    "damaged meaning": _damaged_meaning,
    "damaged decision": _damaged_decision,
    "wrong types": _wrong_types,
    "absurd numbers": _absurd_numbers,
    "too deep": _too_deep,
    "repeated keys": _repeated_keys,
    "anchors and tags": _anchors_and_tags,
    "surrogates": _surrogates,
    "zero bytes": _zero_bytes_and_marks,
    "foreign fields": _foreign_fields,
    "contradictions": _contradictions,
    "table cells": _table_cells,
}
ALWAYS_REFUSED = (
    "absurd numbers",
    "too deep",
    "repeated keys",
    "anchors and tags",
    "surrogates",
    "zero bytes",
    "foreign fields",
    "contradictions",
)
"""Kinds of which no record may pass."""


def content(kind: str, seed: int) -> Content:
    """Return one malformed record; the same for each seed."""
    return (_large if kind == "large" else KINDS[kind])(random.Random(f"{kind} {seed}"))


def read_back(patient: Patient) -> None:
    """Check that an accepted record, damaged as it may be, is a patient like any other."""
    record = patient.to_record()
    assert parse_patient(record, options()) == patient
    assert read_case(write_case(record, "json"), options(), "a.json") == patient
    assert read_case(write_case(record, "yaml"), options()) == patient


def tried(ending: str, held: bytes, folder: Path) -> Callable[[], tuple[str, list[str]]]:
    """Return what reads one file in the ways of the command line and of the form."""

    def recommended() -> Patient:
        if ending == "csv":
            return parse_patient(record_from_csv(json.loads(held)), options())
        file = folder / f"case.{ending}"
        file.write_bytes(held)
        return parse_patient(read(file).data, options())

    def work() -> tuple[str, list[str]]:
        told: list[str] = []
        patient = None
        try:
            patient = recommended()
        except DocumentError as error:
            told.append(f"case: {error}")
        except RecordError as error:
            told += error.problems
        if ending != "csv":
            told += _as_case_file(ending, held, patient)
        if patient is None:
            return "refused", told
        read_back(patient)
        return "accepted", told

    return work


def _as_case_file(ending: str, held: bytes, patient: Patient | None) -> list[str]:
    """Read the file as the form does; return what was told. What the command line accepts is the same patient there."""
    try:
        loaded = read_case(held, options(), f"case.{ending}")
    except RecordError as error:
        assert patient is None
        return list(error.problems)
    if patient is not None:
        assert loaded == patient
    else:
        # A saved decision is no record, but a case file.
        assert {"schema_version", "patient"} <= parse(held).data.keys()
        read_back(loaded)
    return []


def inputs(count: int) -> Iterator[Input]:
    """Yield that many malformed records, of all kinds in turn, and the large ones among them."""
    kinds = list(KINDS)
    with tempfile.TemporaryDirectory(prefix="hcc-decide-records-") as name:
        folder = Path(name)
        for number in range(count):
            kind, seed = kinds[number % len(kinds)], number // len(kinds)
            if number % (count // (16 * LARGE)) == 0:
                kind = "large"
            ending, held = content(kind, seed)
            yield kind, seed, len(held), tried(ending, held, folder)


if __name__ == "__main__":
    examples()
    options()
    main(inputs(int(sys.argv[1])), every=5)
