"""Refuse a document of RSS or Atom by its shape, before a parser spends minutes on it.

feedparser goes through all attributes of an element once for each of them, and keeps each element
that is not closed. What it would take minutes for is found here by scans that no text makes
quadratic; the processor time of a reader bounds what they miss.
"""

from __future__ import annotations

import re
from itertools import accumulate, repeat
from operator import sub
from typing import Final

from streams.errors import RecordError

# The roots of the 252 real feeds declare at most 20 namespaces; each is an attribute, too.
MAX_ATTRIBUTES: Final = 256
MAX_DEPTH: Final = 1_000  # within one item: no piece of fewer marks need be looked into

_BLANK = rb"[ \t\r\n\x0b\x0c]"
_VALUE = rb"(?:\"[^\"]*+\"|'[^']*+'|[^\s<>\"']*+)"
_WIDE = re.compile(
    rb"<[A-Za-z_:\x80-\xff][^\s<>\"']*+"
    rb"(?:[\s/]*+[^\s<>=\"'/]++(?:%b*+=%b*+%b)?){%d}" % (_BLANK, _BLANK, _VALUE, MAX_ATTRIBUTES + 1)
)
_ITEM_END = re.compile(rb"</(?:\w{1,20}:)?(?:item|entry)\b", re.IGNORECASE)
# What opens an element, or closes one; one that closes itself gives "".
_STEP = re.compile(rb"<[A-Za-z_:\x80-\xff][^<>]*+(?<=/)>|(<[A-Za-z_:\x80-\xff]|</)")
_STEPS: Final = {b"": 0, b"</": -1}
_ENTITY = re.compile(rb"<!entity", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]{0,200}encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})")
# Of bytes that do not say in ASCII what a parser then reads (EBCDIC has `<?xml` as 4C 6F A7 94).
_OTHER: Final = re.compile(r"utf[-_]?7|cp\d+|ibm\d+|hz.*|.*ebcdic.*", re.IGNORECASE)
_EBCDIC: Final = b"\x4c\x6f\xa7\x94"


def check_shape(data: bytes) -> None:
    """Raise RecordError `undecodable` for declared entities, too many attributes, too deep nesting.

    Entities can expand without bound or name files. Marks within comments and CDATA are text.
    """
    plain = _in_ascii(data)
    entities = _ENTITY.search(plain) is not None
    if not (entities or _WIDE.search(plain) or _is_deep(plain)):
        return
    marked = _without_text(plain)
    if entities and _ENTITY.search(marked):
        raise RecordError("undecodable", "it declares entities")
    if _WIDE.search(marked):
        raise RecordError("undecodable", f"an element of more than {MAX_ATTRIBUTES} attributes")
    if _is_deep(marked):
        raise RecordError("undecodable", f"elements nested deeper than {MAX_DEPTH}")


def _in_ascii(data: bytes) -> bytes:
    """Return a document so that its marks are single bytes, as they are in nearly all encodings."""
    if b"\0" in data[:64]:  # UTF-16 and UTF-32
        return data.replace(b"\0", b"")
    if data.startswith(_EBCDIC):
        return data.decode("cp037", "replace").encode()
    match = _ENCODING.search(data[:1_000])
    name = match[1].decode() if match else ""
    if not _OTHER.fullmatch(name):
        return data
    try:
        return data.decode(name, "replace").encode("utf-8", "replace")
    except (LookupError, UnicodeError, ValueError):
        return data


def _is_deep(data: bytes) -> bool:
    """Tell whether more elements than MAX_DEPTH are open at once, counted anew behind each item.

    Broken feeds leave elements open in every item, and are read all the same.
    """
    if data.count(b"<") <= MAX_DEPTH:
        return False
    return any(
        _depth(piece) > MAX_DEPTH
        for piece in _ITEM_END.split(data)
        if piece.count(b"<") > MAX_DEPTH
    )


def _depth(data: bytes) -> int:
    """Return how many elements are open at once; what closes none does not count."""
    depths = list(accumulate(map(_STEPS.get, _STEP.findall(data), repeat(1)), initial=0))
    return max(map(sub, depths, accumulate(depths, min)))


def _without_text(data: bytes) -> bytes:
    """Return a document without its comments and CDATA; one without an end is left as it is."""
    kept, at = [], 0
    ends = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}
    for match in re.finditer(rb"<!--|<!\[CDATA\[", data):
        if match.start() < at:
            continue
        end = ends.get(match[0])
        place = data.find(end, match.end()) if end else -1
        if place < 0:
            ends.pop(match[0], None)  # no later one has an end either
            continue
        kept.append(data[at : match.start()])
        at = place + 3
    kept.append(data[at:])
    return b" ".join(kept)
