"""Case files: a patient record kept as a JSON or YAML file, and read again later, perhaps by another version.

A case file holds the plain record of the contract, as `hcc-decide recommend` takes it. A saved decision is read too: its
``patient`` is the record, and it is decided anew. A file that cannot be read completely is refused: what a newer version
knows of a patient is never dropped in silence.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import yaml
from yaml.representer import BaseRepresenter

from hcc_decide.decision import Decision
from hcc_decide.documents import MAX_BYTES, DocumentError, parse
from hcc_decide.patient import MAX_PROBLEMS, Patient, PriorLine, RecordError, parse_patient
from hcc_decide.refusals import further, one_line, shown

Format = Literal["json", "yaml"]

SCHEMA_VERSION = 1
"""The version of the saved decision whose ``patient`` this program reads."""

_DECISION = ("schema_version", "patient")
_OF_ANOTHER_VERSION = (
    "allowed are the fields of `hcc-decide schema patient`",
    "allowed are its option ids, or `other` with a `name`",
)
_MAYBE_NEWER = "; a newer version of hcc-decide may have written this file"
# Bare in every reader of YAML, 1.1 and 1.2; all other text is quoted, since "0", "1e-5" or "no" would not stay text.
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*")
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])(\..*)?", re.IGNORECASE)
_SETS = frozenset({"etiology", "prior_locoregional"})
_NAME_LENGTH = 60


def read_case(content: bytes, options: Mapping[str, str] | None, name: str = "") -> Patient:
    """Read a case file.

    Args:
        content: the bytes of the file.
        options: every option id and alias of the catalogue, with the id it stands for; ``None`` skips that check.
        name: what the file is called; one that ends with ``.json`` must be JSON.

    Returns:
        The patient, checked like any record.

    Raises:
        RecordError: the file is no record, a broken one, or one of a newer version; one line per problem, all at once.
    """
    if len(content) > MAX_BYTES:
        raise RecordError([f"the file is larger than {MAX_BYTES // 1000} kB; a record is a few kB"])
    try:
        data = parse(content, json_only=name.lower().endswith(".json")).data
    except DocumentError as error:
        raise RecordError([f"the file {error}"]) from None
    problems: list[str] = []
    if isinstance(data, Mapping) and any(key in data for key in _DECISION):
        problems, data = _of_decision(data)
        if data is None:
            raise RecordError(problems)
    try:
        patient = parse_patient(data, options)
    except RecordError as error:
        problems += [f"{line}{_MAYBE_NEWER}" if line.endswith(_OF_ANOTHER_VERSION) else line for line in error.problems]
    if problems:
        raise RecordError(problems)
    return patient


def _of_decision(data: Mapping[Any, Any]) -> tuple[list[str], object]:
    """Return what is wrong with a saved decision around its record, and the record; ``None`` when nothing can be read."""
    version = data.get("schema_version")
    whole = isinstance(version, int) and not isinstance(version, bool)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        return [
            f"schema_version: {shown(version)} says that a newer version of hcc-decide wrote this file; "
            f"this one reads {SCHEMA_VERSION}"
        ], None
    problems = []
    if "schema_version" not in data:
        problems.append(f"schema_version: is missing; a saved decision says which it has, and {SCHEMA_VERSION} is read")
    elif version != SCHEMA_VERSION or not whole:
        problems.append(f"schema_version: {shown(version)} is refused; allowed is {SCHEMA_VERSION}")
    foreign = [key for key in data if key not in Decision.model_fields]
    problems += [
        f"{one_line(str(key), 80) or repr(key)}: is no part of a saved decision{_MAYBE_NEWER}"
        for key in foreign[:MAX_PROBLEMS]
    ]
    problems += further(len(foreign[MAX_PROBLEMS:]))
    if data.get("patient") is None:
        return [*problems, "patient: is missing; a saved decision holds the record there"], None
    return problems, data["patient"]


def write_case(record: Mapping[str, Any], format_: Format) -> bytes:
    """Write a record as a case file that `read_case` reads back as the same patient.

    Args:
        record: a record as `Patient.to_record` gives it, or as the form holds it; what is ``None`` is left out.
        format_: ``json`` or ``yaml``.

    Returns:
        UTF-8 text. Fields stand in the order of the contract, so that equal records give equal files.
    """
    data = _ordered(record)
    if format_ == "json":
        return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode()
    text = yaml.dump(
        data,
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        default_flow_style=None,
        width=10_000,
    )
    return str(text).encode()


def file_name(record: Mapping[str, Any], format_: Format) -> str:
    """Return a name for a case file: the case id as far as every file system takes it, else ``case``.

    >>> file_name({"case_id": "Board 7/2: Å"}, "yaml")
    'Board-7-2-A.yaml'
    """
    text = unicodedata.normalize("NFKD", str(record.get("case_id") or ""))
    text = re.sub(r"[^A-Za-z0-9._-]+", "-", "".join(c for c in text if not unicodedata.combining(c)))
    stem = re.sub(r"-{2,}", "-", text)[:_NAME_LENGTH].strip("-._")
    if _RESERVED.fullmatch(stem):
        stem = f"case-{stem}"
    return f"{stem or 'case'}.{format_}"


def _ordered(record: Mapping[str, Any]) -> dict[str, Any]:
    order = [*Patient.model_fields, *sorted(record.keys() - Patient.model_fields.keys())]
    data = {name: _plain(record[name]) for name in order if record.get(name) is not None}
    for name in _SETS & data.keys():
        # A set that was chosen in another order is the same set.
        data[name] = sorted(data[name])
    if "prior_systemic" in data:
        data["prior_systemic"] = [_line(line) for line in data["prior_systemic"]]
    return data


def _line(line: Any) -> Any:
    if not isinstance(line, dict):
        return line
    order = [*PriorLine.model_fields, *sorted(line.keys() - PriorLine.model_fields.keys())]
    return {name: line[name] for name in order if line.get(name) is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    # People write 812, not 812.0; the reader makes the same number of both.
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _text(dumper: BaseRepresenter, value: Any) -> yaml.Node:
    bare = _BARE.fullmatch(value) and value.lower() not in _NOT_TEXT
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if bare else '"')


class _Dumper(yaml.SafeDumper):
    """Writes text so that this program's reader, which follows YAML 1.2, and others give the same text back."""

    yaml_representers: ClassVar = {**yaml.SafeDumper.yaml_representers, str: _text}

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = False) -> yaml.MappingNode:
        """Write one field per line; only lists of tokens stand in one line."""
        return super().represent_mapping(tag, mapping, flow_style=flow_style)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the reader refuses anchors
        """Write a value out each time."""
        return True
