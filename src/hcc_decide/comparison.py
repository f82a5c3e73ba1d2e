"""Why one option stands above another: the shape of the answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Key = Literal["verdict", "outlook", "evidence_level", "findings", "effect_size"]
KEYS: tuple[Key, ...] = ("verdict", "outlook", "evidence_level", "findings", "effect_size")
"""What puts options in order, the weightiest first; a key counts only where all before it are equal."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Difference(_Part):
    """One of the keys that put options in order, with what each of the two has.

    Attributes:
        key: the key.
        first, second: what each option has, in words.
        decides: whether this key settles the order; keys after it do not count.
    """

    key: Key
    first: str
    second: str
    decides: bool


class Comparison(_Part):
    """Two options of one patient, side by side.

    Attributes:
        first, second: option ids, the one that stands above first; as asked for when neither does.
        equal: whether neither stands above the other: no key tells them apart, or both are excluded and so not ranked.
        differences: every key, in the order of `KEYS`. At most one decides, and none when neither stands above.
        sentence: the whole in one sentence.
        sha256: of the knowledge that was compared by.
    """

    first: str
    second: str
    equal: bool
    differences: list[Difference]
    sentence: str
    sha256: str
