"""How a refused record is told: one line per problem, with the field, the value and what is allowed."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails


def kind_of(value: object) -> str:
    """Name the kind of a value that is no mapping."""
    names = {list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number"}
    return "empty" if value is None else names.get(type(value), "not a mapping")


def shown(value: object) -> str:
    """Write a value as given, printable and short."""
    try:
        text = "true" if value is True else "false" if value is False else "null" if value is None else repr(value)
    except ValueError:  # Python writes out no whole number of thousands of digits
        text = "a number of thousands of digits"
    return one_line(text, 60)


def one_line(text: str, length: int) -> str:
    """Write a text that comes from a file so that it stays on one line, printable and not longer than that."""
    text = "".join(character if character.isprintable() else "?" for character in text[: length + 1])
    return text if len(text) <= length else text[: length - 3] + "..."


def further(count: int) -> list[str]:
    """Write how many problems are not told one by one: one line, or none."""
    return [f"and {count} more problem{'s' if count > 1 else ''}"] if count else []


def _field(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part + 1}]" if isinstance(part, int) else ("." if path else "") + (str(part) or "''")
    return one_line(path, 80)


def problem(error: ErrorDetails) -> str:
    """Write one error of pydantic as a line that names the field, the value and what is allowed."""
    location, context = error["loc"], error.get("ctx", {})
    name, kind, value = _field(location), error["type"], error["input"]
    if kind == "extra_forbidden":
        return f"{name}: {shown(value)} is given for an unknown field; allowed are the fields of `hcc-decide schema patient`"
    if kind == "invalid_key" or not name:
        return f"{shown(value)}: is no field's name; allowed are the fields of `hcc-decide schema patient`"
    if kind == "contradiction":
        return f"{name}: {error['msg']}"
    if kind == "option":
        return (
            f"{name}: {shown(value)} is not an option of the catalogue; "
            "allowed are its option ids, or `other` with a `name`"
        )
    if kind == "missing":
        return f"{name}: is missing; allowed is an option id, or `other`"
    return f"{name}: {shown(value)} is refused; {_allowed(kind, context) or error['msg']}"


def _allowed(kind: str, context: dict[str, Any]) -> str | None:
    """Say what is allowed, for the kinds of error that pydantic names."""
    match kind:
        case "literal_error":
            return f"allowed is {context['expected'].replace(' or ', ', ')}"
        case "greater_than":
            return f"allowed is a number above {context['gt']:g}"
        case "greater_than_equal":
            return f"allowed is {context['ge']:g} or more"
        case "less_than_equal":
            return f"allowed is {context['le']:g} or less"
        case "string_too_long":
            return f"allowed are at most {context['max_length']} characters"
        case "too_long":
            return f"allowed are at most {context['max_length']} items"
        case _:
            return {
                "bool_type": "allowed is true or false",
                "string_too_short": "allowed is text that is not empty",
                "string_type": "allowed is text",
                "string_unicode": "allowed is text in Unicode",
                "tuple_type": "allowed is a list",
                "model_type": "allowed is an option id, or a mapping with `option` and `outcome`",
            }.get(kind)
