"""Damage to documents: to their bytes, and to what they say. The same random source always gives the same damage."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import yaml

DEEP = 40
"""Levels of nesting that no document may have."""

SCALARS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53, 2**63, -(2**64), 10**30, 10**300, 0.0, -0.0, 1.5, 5e-324, 1.7e308,
    float("inf"), float("-inf"), float("nan"), "", " ", "0", "012", "1e400", "no", "NaN", "A", "sorafenib", "other",
    "a\nb", "\u2028", "\ufeff", "\x1b[31m", "\u202eabc", "é" * 40, "x" * 5000, "sorafenib:", ":", "[]", "{}", "💥", "\x85",
)  # fmt: skip
"""Values that stand in a document where others belong."""

NESTED: tuple[Any, ...] = ([], {}, [None], [[]], [{}], {"": None}, {"a": {"b": [1]}}, [1, "a", None], {"any_of": []})

INSERTED: tuple[bytes, ...] = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\t", b"\r\n", b"\r", b"\x1b[2J", b"\xe2\x80\xa8", b"\xc2\x85", b"\xed\xa0\x80",
    b"&a ", b"*a", b"!!python/object/apply:os.system ", b"!x ", b"<<: ", b"? ", b"- ", b": ", b"#", b"'", b'"', b"{", b"}",
    b"[", b"]", b",", b"|", b">", b"%YAML 9.9\n", b"\n---\n", b"\n...\n", b"\\ud800", b"\\u0000", b"1e999", b"-", b"@", b"`",
    b"\n  ", b"\n", b"9" * 500,
)  # fmt: skip

Value = dict[str, Any]


def damaged_bytes(content: bytes, draw: random.Random) -> bytes:
    """Damage a text in one to three places, without regard to what it means."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        content = draw.choice(_WAYS)(content, draw)
    return content


def _place(content: bytes, draw: random.Random) -> int:
    return draw.randrange(len(content) + 1)


def _truncated(content: bytes, draw: random.Random) -> bytes:
    return content[: _place(content, draw)]


def _flipped(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 4, 40))):
        if changed:
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _inserted(content: bytes, draw: random.Random) -> bytes:
    at = _place(content, draw)
    return content[:at] + draw.choice(INSERTED) * draw.choice((1, 1, 1, 3, 200)) + content[at:]


def _cut(content: bytes, draw: random.Random) -> bytes:
    start = _place(content, draw)
    return content[:start] + content[start + draw.randrange(1, 60) :]


def _repeated(content: bytes, draw: random.Random) -> bytes:
    start = _place(content, draw)
    piece = content[start : start + draw.randrange(1, 80)]
    return content[:start] + piece * draw.choice((2, 2, 50)) + content[start:]


def _lines_moved(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _line_repeated(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines))
    return b"\n".join(lines)


def _indented_anew(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    at = draw.randrange(len(lines))
    lines[at] = draw.choice((b"\t", b" ", b"      ", b"")) + lines[at].lstrip()
    return b"\n".join(lines)


def _other_encoding(content: bytes, draw: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(draw.choice(("utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-16-le", "cp500")), "replace")


def _line_ends(content: bytes, draw: random.Random) -> bytes:
    return content.replace(b"\n", draw.choice((b"\r\n", b"\r", b"\n\n", b"\x85", b"\xe2\x80\xa9", b"")))


_WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _truncated, _flipped, _inserted, _inserted, _cut, _repeated, _lines_moved, _line_repeated, _indented_anew,
    _other_encoding, _line_ends,
)  # fmt: skip


def nested(levels: int, draw: random.Random) -> Any:
    """Return a value nested that deep."""
    value: Any = draw.choice(SCALARS[:16])
    for _ in range(levels):
        value = [value] if draw.random() < 0.5 else {"a": value}
    return value


def damaged_value(value: Any, draw: random.Random, foreign: Mapping[str, Any]) -> Any:
    """Damage what a document says in one to four places.

    Args:
        value: the document.
        draw: the random source.
        foreign: keys that belong elsewhere, each with a value, to put where they do not belong.
    """
    result = copy.deepcopy(value)
    for _ in range(draw.choice((1, 1, 2, 4))):
        places = holders(result)
        if not places:
            return result
        _damage(draw.choice(places), draw, foreign)
    return result


def holders(value: Any) -> list[Any]:
    """Return the mappings and lists in a value that hold anything."""
    found, pending = [], [value]
    while pending:
        current = pending.pop()
        if isinstance(current, (dict, list)) and current:
            found.append(current)
            pending.extend(current.values() if isinstance(current, dict) else current)
    return found


def _damage(holder: Any, draw: random.Random, foreign: Mapping[str, Any]) -> None:
    key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    what = draw.choice(
        ("drop", "retype", "retype", "nest", "wrap", "many", "foreign", "foreign", "rename", "deep", "move")
    )
    match what:
        case "drop":
            del holder[key]
        case "retype":
            holder[key] = draw.choice(SCALARS)
        case "nest":
            holder[key] = copy.deepcopy(draw.choice(NESTED))
        case "wrap":
            holder[key] = [holder[key]] if draw.random() < 0.5 else {"a": holder[key]}
        case "many":
            holder[key] = [copy.deepcopy(holder[key]) for _ in range(draw.choice((2, 3, 60)))]
        case "deep":
            holder[key] = nested(draw.choice((3, 10, DEEP)), draw)
        case "move":
            holder[key] = copy.deepcopy(
                holder[draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))]
            )
        case "rename" if isinstance(holder, dict):
            holder[draw.choice(("", "x" * 300, "a\nb", "\x00", "é", f"{key} ", "for_", "1", "a[b"))] = holder.pop(key)
        case _ if isinstance(holder, dict):
            name = draw.choice(list(foreign))
            holder[name] = copy.deepcopy(foreign[name])
        case _:
            holder.append(copy.deepcopy(draw.choice(list(foreign.values()))))


def as_json(value: Any) -> bytes:
    """Write a value as JSON, lone surrogates as escapes, numbers that are none as Python writes them."""
    return json.dumps(value).encode()


def as_yaml(value: Any) -> bytes:
    """Write a value as YAML without anchors."""
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    plain = type("Plain", (dumper,), {"ignore_aliases": lambda self, data: True})
    return str(yaml.dump(value, Dumper=plain, allow_unicode=False, sort_keys=False)).encode()
