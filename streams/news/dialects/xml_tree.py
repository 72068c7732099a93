"""Read XML that anybody may have written into a tree of elements without namespaces.

Expat fetches nothing by itself; a document that declares entities is refused, since such entities
can expand without bound or name files. Depth and size are bounded.
"""

from __future__ import annotations

import html
import re
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from streams.errors import RecordError

MAX_DEPTH: Final = 200
MAX_ELEMENTS: Final = 500_000  # 50 MB as a tree, 220 MB with attributes

_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})")
# Of more than one byte a character, which expat does not read by itself.
_WIDE: Final = frozenset(
    "gb2312 gbk gb18030 big5 big5-hkscs shift_jis sjis euc-jp euc-kr iso-2022-jp".split()
)


def read_tree(data: bytes) -> Element:
    """Return the root of a document. RecordError: `undecodable`, `too_large`."""
    data, encoding = _decodable(data)
    reader = _Reader(encoding)
    try:
        return reader.read(data)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise RecordError("undecodable", f"not XML: {error}") from error


def _decodable(data: bytes) -> tuple[bytes, str | None]:
    """Return the document and its encoding, None where expat is to find it."""
    match = _DECLARED.match(data)
    encoding = match[1].decode().lower() if match else ""
    if encoding not in _WIDE:
        return data, None
    return data.decode(encoding, "replace").encode(), "utf-8"


class _Reader:
    """One reading of one document; the names of elements and attributes lose their namespace."""

    def __init__(self, encoding: str | None) -> None:
        self._depth = self._elements = 0
        self._tree = TreeBuilder()
        self._parser = parser = expat.ParserCreate(encoding, " ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._tree.data
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._skipped

    def read(self, data: bytes) -> Element:
        self._parser.Parse(data, True)  # noqa: FBT003 -- expat takes no keywords
        root: Element = self._tree.close()
        return root

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise RecordError("undecodable", f"elements nested deeper than {MAX_DEPTH}")
        if self._elements > MAX_ELEMENTS:
            raise RecordError("too_large", f"more than {MAX_ELEMENTS} elements")
        self._tree.start(_local(name), {_local(key): text for key, text in attributes.items()})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(_local(name))

    def _doctype(self, _name: str, _system: str | None, _public: str | None, subset: int) -> None:
        if subset:
            raise RecordError("undecodable", "a DOCTYPE with declarations of its own")

    def _entity(self, *_declaration: object) -> None:
        raise RecordError("undecodable", "it declares entities")

    def _skipped(self, name: str, is_parameter: int) -> None:
        """Read an entity that an external DTD would declare, as HTML does."""
        if not is_parameter:
            self._tree.data(html.unescape(f"&{name};"))


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
