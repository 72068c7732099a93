"""A TOML file read into a frozen struct; each fault names its line and what would be valid."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from streams.errors import ConfigError

T = TypeVar("T")
KeyPath = tuple[str | int, ...]  # ("prices", 1, "bar"): the table `bar` in the second [[prices]]

_BARE_OR_QUOTED: Final = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_NAMES: Final = rf"{_BARE_OR_QUOTED}(?:\s*\.\s*{_BARE_OR_QUOTED})*"
_ARRAY_HEADER = re.compile(rf"\s*\[\[\s*({_NAMES})\s*\]\]\s*(?:#.*)?$")
_HEADER = re.compile(rf"\s*\[\s*({_NAMES})\s*\]\s*(?:#.*)?$")
_KEY = re.compile(rf"\s*({_NAMES})\s*=")
_LONG_STRING = re.compile(r'"""|' + "'''")

_SYNTAX_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_FAULT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<at>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_OWN_CHECK = re.compile(r"([a-z_]+): (.+)", re.DOTALL)  # raised by a struct's __post_init__


def load_toml(path: Path, type_: type[T]) -> T:
    """Return the `type_` that the file at `path` describes.

    ConfigError: no such file, no TOML, an unknown or missing key, a value that does not fit.
    """
    text = _text(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        line = _SYNTAX_LINE.search(str(fault))
        what = str(fault)[: line.start()] if line else str(fault)
        at = int(line[1]) if line else text.count("\n") + 1
        raise ConfigError(str(path), f"not TOML: {what}", at) from fault
    try:
        return msgspec.convert(data, type_)
    except msgspec.ValidationError as fault:
        at_key, message = _explained(str(fault), type_, data)
    raise ConfigError(str(path), message, _line_of(text, at_key))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise ConfigError(str(path), f"cannot be read: {fault.strerror}") from fault
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise ConfigError(str(path), "not UTF-8, as TOML must be", line) from fault


def _explained(fault: str, type_: type, data: dict[str, Any]) -> tuple[KeyPath, str]:
    """Return (the key a validation fault is about, the fault in the user's words)."""
    parts = _FAULT.fullmatch(fault)
    what, place = (parts["what"], _path(parts["at"] or "")) if parts else (fault, ())
    if found := _UNKNOWN.fullmatch(what):
        keys = _field_names(_node(type_, place))
        hint = f'unknown key "{found[1]}"{_within(place)}; {_suggested(found[1], keys)}'
        return (*place, found[1]), hint
    if found := _MISSING.fullmatch(what):
        keys = _field_names(_node(type_, place), required=True)
        needed = ", ".join(keys)
        return place, f'missing key "{found[1]}"{_within(place)}; required keys: {needed}'
    if found := _OWN_CHECK.fullmatch(what):
        return (*place, found[1]), f'key "{found[1]}"{_within(place)}: {found[2]}'
    node, key = _node(type_, place), str(place[-1]) if place else ""
    if isinstance(node, inspect.LiteralType):
        value = str(_value(data, place))
        what = f'"{value}" is not known; {_suggested(value, [str(v) for v in node.values])}'
    return place, f'key "{key}"{_within(place[:-1])}: {what}'


def _suggested(word: str, valid: list[str]) -> str:
    near = difflib.get_close_matches(word, valid, n=1)
    guess = f'did you mean "{near[0]}"? ' if near else ""
    return f"{guess}valid: {', '.join(valid)}"


def _within(place: KeyPath) -> str:
    """Say where a key stands, as the file spells it: ` in [[prices]] #2, bar`."""
    words = []
    for here, after in zip(place, (*place, "")[1:], strict=True):
        if isinstance(here, str):
            words.append(f"[[{here}]] #{after + 1}" if isinstance(after, int) else here)
    if words and not words[0].startswith("["):
        words[0] = f"[{words[0]}]"
    return f" in {', '.join(words)}" if words else ""


def _path(at: str) -> KeyPath:
    return tuple(int(index) if index else name for name, index in _STEP.findall(at))


def _value(data: Any, place: KeyPath) -> Any:  # noqa: ANN401 - whatever the file holds there
    for step in place:
        data = data[step]
    return data


def _node(type_: type, place: KeyPath) -> inspect.Type:
    """Return what is expected at `place`."""
    node = _unwrapped(inspect.type_info(type_))
    for step in place:
        if isinstance(node, inspect.StructType) and isinstance(step, str):
            node = next(each.type for each in node.fields if each.encode_name == step)
        elif isinstance(node, inspect.VarTupleType | inspect.ListType):
            node = node.item_type
        node = _unwrapped(node)
    return node


def _unwrapped(node: inspect.Type) -> inspect.Type:
    if isinstance(node, inspect.UnionType):
        return next(each for each in node.types if not isinstance(each, inspect.NoneType))
    return node


def _field_names(node: inspect.Type, *, required: bool = False) -> list[str]:
    if not isinstance(node, inspect.StructType):
        return []
    return [each.encode_name for each in node.fields if each.required or not required]


def _line_of(text: str, key: KeyPath) -> int | None:
    """Return the line of `key`, or of the nearest table around it that has one."""
    lines = _key_lines(text)
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key)


def _key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line on which each table begins and each key is set.

    It reads only what `tomllib` has accepted. Keys inside an inline table are not listed: they
    stand on the line of the table's own key.
    """
    lines: dict[KeyPath, int] = {}
    entries: dict[KeyPath, int] = {}  # the index of the newest entry of each array of tables
    table: KeyPath = ()
    for number, line in _outside_long_strings(text):
        if found := _ARRAY_HEADER.match(line):
            array = _resolved((), found[1], entries, last=False)
            entries[array] = entries.get(array, -1) + 1
            here = table = (*array, entries[array])
        elif found := _HEADER.match(line):
            here = table = _resolved((), found[1], entries)
        elif found := _KEY.match(line):
            here = _resolved(table, found[1], entries)
        else:
            continue
        for size in range(1, len(here) + 1):  # a table begins where any part of it does
            lines.setdefault(here[:size], number)
    return lines


def _resolved(
    table: KeyPath, names: str, entries: dict[KeyPath, int], *, last: bool = True
) -> KeyPath:
    """Return the full path of dotted `names`; `last`: the last one may be an array, too."""
    path = table
    words = [word.strip("\"'") for word in re.findall(_BARE_OR_QUOTED, names)]
    for number, word in enumerate(words, 1):
        path = (*path, word)
        if path in entries and (last or number < len(words)):
            path = (*path, entries[path])
    return path


def _outside_long_strings(text: str) -> list[tuple[int, str]]:
    kept, closing = [], ""
    for number, line in enumerate(text.split("\n"), 1):
        if not closing:
            kept.append((number, line))
        for quotes in _LONG_STRING.findall(line):
            if not closing:
                closing = quotes
            elif closing == quotes:
                closing = ""
    return kept
