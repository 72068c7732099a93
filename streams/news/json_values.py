"""Read JSON that anybody may have written: what is not of the kind wanted counts as absent."""

from __future__ import annotations

import msgspec

from streams.errors import RecordError

Object = dict[str, object]

# Numbers beyond a float, nesting beyond the stack, bytes that are no UTF-8, integers of more
# digits than Python reads (4,300).
_UNREADABLE = (msgspec.MsgspecError, RecursionError, ValueError)
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"


def starts_json(head: bytes) -> bool:
    """Tell whether a document begins as a JSON object or array does."""
    return head.removeprefix(_BOM).lstrip(_SPACE)[:1] in {b"{", b"["}


def decode_json(data: bytes) -> object:
    """Return what a document says. RecordError: `undecodable`."""
    try:
        return msgspec.json.decode(data.removeprefix(_BOM))
    except _UNREADABLE as error:
        raise RecordError("undecodable", f"not JSON: {error}") from error


def text_at(mapping: Object, *keys: str) -> str:
    """Return the first of the keys that holds text or a whole number, as text; else ""."""
    for key in keys:
        value = mapping.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
            return str(value)
    return ""


def objects_at(mapping: Object, *keys: str) -> list[Object]:
    """Return the objects in the lists that the keys hold; an object alone is a list of one."""
    found: list[object] = []
    for key in keys:
        value = mapping.get(key)
        found += value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def texts_at(mapping: Object, key: str) -> list[str]:
    """Return the texts in the list that a key holds."""
    value = mapping.get(key)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
