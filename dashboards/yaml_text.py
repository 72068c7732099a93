"""Write plain values as YAML, the same bytes on each run; no more of YAML than rule files need."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

Value = str | int | list["Value"] | dict[str, "Value"]

# A text that YAML reads back as that text without quotes: none of its own signs, no number, no
# word such as `on` or `null`.
_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.:-]*[A-Za-z0-9_/]|[A-Za-z_]")
_WORDS: Final = frozenset("y n yes no on off true false null".split())


def to_yaml(value: dict[str, Value], heading: str) -> str:
    """Return a document; `heading` is its comment, a line or several."""
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    return comment + "\n".join(_mapping(value)) + "\n"


def _lines(value: Value) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _mapping(value)
    elif isinstance(value, list):
        yield from _sequence(value)


def _mapping(value: dict[str, Value]) -> Iterator[str]:
    for key, inner in value.items():
        name = _scalar(key)
        if isinstance(inner, dict | list) and inner:
            yield f"{name}:"
            yield from (f"  {line}" for line in _lines(inner))
        elif isinstance(inner, str) and "\n" in inner:
            yield f"{name}: |-"
            yield from (f"  {line}" for line in inner.splitlines())
        else:
            yield f"{name}: {_scalar(inner)}"


def _sequence(value: list[Value]) -> Iterator[str]:
    for inner in value:
        if not isinstance(inner, dict | list) or not inner:
            yield f"- {_scalar(inner)}"
            continue
        first, *rest = _lines(inner)
        yield f"- {first}"
        yield from (f"  {line}" for line in rest)


def _scalar(value: Value) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if '"' in value or "\\" in value:  # single quotes: the text as it stands
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(value)
