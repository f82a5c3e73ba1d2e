"""Reading YAML and JSON documents that may be hostile, with the place of every value.

Patient records and rule files both come through here. Scalars follow the YAML 1.2 core schema (``no`` is text, ``012``
is twelve, ``1e-5`` is a number); tags, anchors and aliases are refused, so that a document never means more than it shows.
"""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
MAX_VALUES = 50_000
"""Of a YAML document; a value costs far more memory than its text."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_NOT_FINITE = frozenset({".inf", "+.inf", "-.inf", ".Inf", "+.Inf", "-.Inf", ".nan", ".NaN", ".NAN", ".INF"})


class DocumentError(ValueError):
    """A document that cannot be read. The message is one plain sentence without the file's name."""


@dataclass(frozen=True)
class Place:
    """Where a value stands: line and column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """A parsed document.

    Attributes:
        data: plain mappings, lists, text, numbers, booleans and ``None``.
        places: the place of each value by its path, for example ``("include", 0, "when")``.
    """

    data: Any
    places: dict[tuple[str | int, ...], Place]

    def place(self, path: tuple[str | int, ...]) -> Place:
        """Return the place of ``path``, or of the nearest enclosing value."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))


def read_bytes(source: str | Path) -> bytes:
    """Return the bytes of a file, or of standard input for ``-``.

    Raises:
        DocumentError: the file is missing, unreadable or larger than ``MAX_BYTES``.
    """
    try:
        if str(source) == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(source).open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DocumentError("does not exist") from None
    except IsADirectoryError:
        raise DocumentError("is a folder, not a file") from None
    except (OSError, ValueError) as error:
        raise DocumentError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if len(content) > MAX_BYTES:
        raise DocumentError(f"is larger than {MAX_BYTES // 1000} kB; a record or rule file is a few kB")
    return content


def parse(content: bytes, *, json_only: bool = False) -> Document:
    """Parse one YAML or JSON document.

    Args:
        content: UTF-8 text.
        json_only: refuse anything but JSON.

    Raises:
        DocumentError: not text, not well formed, a repeated key, a tag, an anchor, an alias, or nested too deep.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not UTF-8 text (byte {error.start + 1}); is it a binary file?") from None
    if "\x00" in text:
        raise DocumentError("is not text (it holds a zero byte); is it a binary file?")
    if not text.strip():
        raise DocumentError("is empty")
    if json_only or text.lstrip().startswith("{"):
        try:
            return Document(_parse_json(text), {})
        except json.JSONDecodeError as error:
            if json_only or _looks_like_json(text):
                raise DocumentError(
                    f"is not well-formed JSON: line {error.lineno}, column {error.colno}: {error.msg}"
                ) from None
    return _parse_yaml(text)


def read(source: str | Path) -> Document:
    """Read and parse a file (see `read_bytes` and `parse`)."""
    return parse(read_bytes(source), json_only=str(source).lower().endswith(".json"))


def _looks_like_json(text: str) -> bool:
    return bool(re.match(r'\s*\{\s*"', text))


def _parse_json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                raise DocumentError(f"gives the key {key!r} twice")
            result[key] = value
        return result

    def integer(digits: str) -> int | float:
        return int(digits) if len(digits) <= 400 else math.inf

    # NaN and Infinity stay visible as numbers: the reader of the value refuses them by field.
    try:
        data = json.loads(text, object_pairs_hook=unique, parse_int=integer)
    except RecursionError:
        raise DocumentError(f"is nested deeper than {MAX_DEPTH} levels") from None
    _check_depth(data)
    return data


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise DocumentError(f"is nested deeper than {MAX_DEPTH} levels")


_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _parse_yaml(text: str) -> Document:
    try:
        depth = values = 0
        for event in yaml.parse(text, Loader=_Loader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            values += isinstance(event, yaml.NodeEvent)
            if values > MAX_VALUES:
                raise DocumentError(f"holds more than {MAX_VALUES} values (line {line})")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise DocumentError(f"uses an anchor or alias in line {line}; write the value out")
            if getattr(event, "tag", None):
                raise DocumentError(
                    f"uses the tag {str(getattr(event, 'tag', ''))[:60]!r} in line {line}; tags are not allowed"
                )
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise DocumentError(f"is nested deeper than {MAX_DEPTH} levels (line {line})")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise DocumentError(f"is not well-formed YAML: {where}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise DocumentError(f"is not well-formed YAML: {' '.join(str(error).split())}") from None
    if node is None:
        raise DocumentError("is empty")
    places: dict[tuple[str | int, ...], Place] = {}
    return Document(_build(node, (), places), places)


def _build(node: Any, path: tuple[str | int, ...], places: dict[tuple[str | int, ...], Place]) -> Any:
    places[path] = Place(node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, index), places) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise DocumentError(f"has a key that is not a plain word in line {line}")
            key: Any = key_node.value
            if not key_node.style and _INTEGER.fullmatch(key) and len(key) < 10:
                key = int(key)
            if key in result:
                raise DocumentError(f"gives the key {key!r} twice (line {line})")
            result[key] = _build(value_node, (*path, key), places)
            places[(*path, key)] = Place(line, key_node.start_mark.column + 1)
        return result
    return node.value if node.style in ("'", '"', "|", ">") else _plain(node.value)


def _plain(text: str) -> Any:
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if text in _NOT_FINITE:
        return math.nan if "n" in text.lower().replace("inf", "") else math.inf
    return text
