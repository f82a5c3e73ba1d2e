"""Reading YAML and JSON documents that may be hostile, with the place of every value.

Patient records and rule files both come through here. Scalars follow the YAML 1.2 core schema (``no`` is text, ``012``
is twelve, ``1e-5`` is a number); tags, anchors and aliases are refused, so that a document never means more than it shows.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import yaml

from hcc_decide.refusals import shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
MAX_VALUES = 50_000
"""Of one document, keys included; a value costs far more memory than its text, and a wrong one a line of refusal."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMERIC = frozenset("+-.0123456789")
"""What a number begins with."""
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOT_FINITE = frozenset({".inf", "+.inf", "-.inf", ".Inf", "+.Inf", "-.Inf", ".nan", ".NaN", ".NAN", ".INF"})


Path_ = tuple[str | int, ...]
"""The way to a value: keys of mappings, and indices of lists."""


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
        text: what it was read from; empty for JSON, whose places are not told.
    """

    data: Any
    text: str = field(default="", repr=False, compare=False)

    @cached_property
    def places(self) -> Mapping[Path_, Place]:
        """The place of each value by its path, for example ``("include", 0, "when")``; for a key, where the key stands."""
        if not self.text:
            return {}
        node = yaml.compose(self.text, Loader=_Loader)
        return {(): _place(node), **dict(_places(node, ()))}

    def place(self, path: Path_) -> Place:
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
        DocumentError: not text, not well formed, a repeated key, a tag, an anchor, an alias, nested too deep, or of too
            many values.
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
            return Document(_parse_json(text))
        except json.JSONDecodeError as error:
            if json_only or _looks_like_json(text):
                raise DocumentError(
                    f"is not well-formed JSON: line {error.lineno}, column {error.colno}: {error.msg}"
                ) from None
    return Document(_parse_yaml(text), text)


def read(source: str | Path) -> Document:
    """Read and parse a file (see `read_bytes` and `parse`)."""
    return parse(read_bytes(source), json_only=str(source).lower().endswith(".json"))


def _looks_like_json(text: str) -> bool:
    return bool(re.match(r'\s*\{\s*"', text))


def _parse_json(text: str) -> Any:
    try:
        data = _JSON.decode(text)
    except RecursionError:
        raise DocumentError(f"is nested deeper than {MAX_DEPTH} levels") from None
    _check_size(data)
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DocumentError(f"gives the key {shown(twice)} twice")
    return result


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= 400 else math.inf


# NaN and Infinity stay visible as numbers: the reader of the value refuses them by field.
_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer)


def _check_size(data: Any) -> None:
    level, count = [data], 1
    for _ in range(MAX_DEPTH + 1):
        count += sum(len(value) for value in level if isinstance(value, dict))  # its keys
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        count += len(level)
        if count > MAX_VALUES:
            raise DocumentError(f"holds more than {MAX_VALUES} values")
        if not level:
            return
    raise DocumentError(f"is nested deeper than {MAX_DEPTH} levels")


_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _parse_yaml(text: str) -> Any:
    try:
        return _Reader(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise DocumentError(f"is not well-formed YAML: {where}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise DocumentError(f"is not well-formed YAML: {' '.join(str(error).split())}") from None


class _Reader:
    """Builds the data while the parser goes through the text, once.

    What makes a document dangerous ends the reading at once. What is merely wrong is told when the text has been read to
    its end, so that a danger further down is told first.
    """

    def __init__(self, text: str) -> None:
        self._next: Callable[[], Any] = _Loader(text).get_event
        self._values = 0
        self._wrong_key: str | None = None

    def document(self) -> Any:
        """Read to the end and return the value."""
        self._next()  # the start of the text
        if isinstance(self._next(), yaml.StreamEndEvent):
            raise DocumentError("is empty")
        data = self._value(self._next(), 0)
        self._next()  # the end of the document
        another = self._next()
        if not isinstance(another, yaml.StreamEndEvent):
            while not isinstance(event := self._next(), yaml.StreamEndEvent):
                if isinstance(event, yaml.NodeEvent):
                    self._value(event, 0)
            where = _place(another)
            raise DocumentError(
                f"is not well-formed YAML: line {where.line}, column {where.column}: but found another document"
            )
        if self._wrong_key is not None:
            raise DocumentError(self._wrong_key)
        return data

    def _value(self, event: Any, depth: int) -> Any:
        """Return the value that begins with an event, having read to its end."""
        self._values += 1
        if self._values > MAX_VALUES or event.anchor or event.tag:
            self._refuse(event)
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return event.value if event.style else _plain(event.value)
        if depth == MAX_DEPTH:
            raise DocumentError(f"is nested deeper than {MAX_DEPTH} levels (line {_place(event).line})")
        following = self._next
        if kind is yaml.SequenceStartEvent:
            items = []
            while type(event := following()) is not yaml.SequenceEndEvent:
                items.append(self._value(event, depth + 1))
            return items
        mapping: dict[int | str, Any] = {}
        while type(event := following()) is not yaml.MappingEndEvent:
            key = self._key(event, depth + 1)
            if key in mapping:
                self._refuse_key(f"gives the key {shown(key)} twice (line {_place(event).line})")
            mapping[key] = self._value(following(), depth + 1)
        return mapping

    def _key(self, event: Any, depth: int) -> int | str:
        if type(event) is yaml.ScalarEvent:
            self._values += 1
            if self._values > MAX_VALUES or event.anchor or event.tag:
                self._refuse(event)
            return _key(event)
        self._refuse_key(f"has a key that is not a plain word in line {_place(event).line}")
        self._value(event, depth)
        return ""

    def _refuse_key(self, message: str) -> None:
        self._wrong_key = self._wrong_key or message

    def _refuse(self, event: Any) -> NoReturn:
        """Refuse what makes a document mean more than it shows, or grow to more than it should."""
        line = _place(event).line
        if self._values > MAX_VALUES:
            raise DocumentError(f"holds more than {MAX_VALUES} values (line {line})")
        if event.anchor:  # an alias has one too
            raise DocumentError(f"uses an anchor or alias in line {line}; write the value out")
        raise DocumentError(f"uses the tag {event.tag[:60]!r} in line {line}; tags are not allowed")


def _place(item: Any) -> Place:
    return Place(item.start_mark.line + 1, item.start_mark.column + 1)


def _key(scalar: Any) -> int | str:
    text: str = scalar.value
    if text[:1] in _NUMERIC and not scalar.style and len(text) < 10 and _INTEGER.fullmatch(text):
        return int(text)
    return text


def _places(node: Any, path: Path_) -> Iterator[tuple[Path_, Place]]:
    """Yield the place of every value of a document that has been read without objection."""
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            yield (*path, index), _place(child)
            yield from _places(child, (*path, index))
    elif isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            yield (*path, _key(key)), _place(key)
            yield from _places(child, (*path, _key(key)))


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if text in _NOT_FINITE:
        return math.nan if "n" in text.lower().replace("inf", "") else math.inf
    return text
