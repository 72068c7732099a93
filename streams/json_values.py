"""Read JSON documents that anybody may have written: what is not of the kind wanted is absent."""

from __future__ import annotations

from typing import Final

import msgspec

from streams.errors import RecordError

Object = dict[str, object]

# Numbers beyond 64 bits and floats, nesting beyond the stack, bytes that are no UTF-8.
_UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeError)
BOM: Final = b"\xef\xbb\xbf"


def starts_json(head: bytes) -> bool:
    """Tell whether a document begins as a JSON object or array does."""
    return head.removeprefix(BOM).lstrip(b" \t\r\n")[:1] in {b"{", b"["}


def decode_json(data: bytes) -> object:
    """Return what a document says. RecordError: `undecodable`."""
    try:
        return msgspec.json.decode(data.removeprefix(BOM))
    except _UNREADABLE as error:
        raise RecordError("undecodable", f"not JSON: {error}") from error


def object_of(item: object) -> Object:
    """Return an item of a list. RecordError: `undecodable`, where it is no object."""
    if isinstance(item, RecordError):
        raise item
    if not isinstance(item, dict):
        raise RecordError("undecodable", f"an item that is {type(item).__name__}, no object")
    return item


def text_at(mapping: Object, *keys: str) -> str:
    """Return the first of the keys that holds text or a whole number, as text; else ""."""
    for key in keys:
        value = mapping.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
            return str(value)
    return ""


def list_at(mapping: Object, key: str) -> list[object]:
    """Return the list that a key holds; an object alone is a list of one."""
    value = mapping.get(key)
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


def objects_at(mapping: Object, *keys: str) -> list[Object]:
    """Return the objects in the lists that the keys hold."""
    return [each for key in keys for each in list_at(mapping, key) if isinstance(each, dict)]


def texts_at(mapping: Object, key: str) -> list[str]:
    """Return the texts in the list that a key holds."""
    return [each for each in list_at(mapping, key) if isinstance(each, str)]
