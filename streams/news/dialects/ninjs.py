"""Read ninjs, the IPTC's news in JSON, versions 1.x to 3.x (iptc.org/std/ninjs).

A document is one object, an array, JSON lines, or an object with `items`. The versions differ in
spelling: 1.x writes `versioncreated`, `headline`, `organisation`; 2.x and 3.x `versionCreated`,
`headlines`, `organisations`; a symbol is a `ticker` before it is a `symbol`.
"""

from __future__ import annotations

import json
from typing import Final

from streams.errors import RecordError
from streams.json_values import (
    BOM,
    Object,
    decode_json,
    object_of,
    objects_at,
    starts_json,
    text_at,
)
from streams.news.dialects.documents import (
    DocumentItem,
    one_embargo,
    pub_status_of,
    read_items,
    revision_of,
    versioned_times,
)
from streams.news.dialects.vendor_symbols import listed
from streams.news.feed import FeedInfo, ParsedFeed

# Beside `uri`, the one key that is required. Keys that other formats have as well are not here.
_MARKS: Final = (
    b'"versioncreated"', b'"firstcreated"', b'"pubstatus"', b'"headlines"', b'"embargoeduntil"',
    b'"body_text"', b'"description_text"', b"/ninjs",
)  # fmt: skip
_EMBARGO_KEYS: Final = ("embargoed", "embargoeduntil")  # 1.x, and as some write it
_MAIN_ROLES: Final = ("main", "headline", "title", "")
# Identifiers that name a security wherever it trades.
_GLOBAL_TYPES: Final = ("isin", "ric", "cusip", "sedol", "figi")


def knows(head: bytes, _url: str) -> bool:
    """Tell ninjs by its required key and one that no other format has."""
    lower = head.lower()
    return starts_json(head) and b'"uri"' in lower and any(mark in lower for mark in _MARKS)


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the items of a document. Its reasons are those of `read_items`."""
    return read_items(data, feed, received_ns, _opened, _item)


def _opened(data: bytes) -> tuple[str, list[object]]:
    document = _decoded(data)
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        document = document["items"]
    items = document if isinstance(document, list) else [document]
    found = [_lower(each) for each in items if isinstance(each, dict)]
    if items and not any("uri" in each for each in found):
        raise RecordError("not_a_feed", "no item with a uri in it")
    standard = objects_at(found[0], "standard") if found else []
    return f"ninjs{text_at(standard[0], 'version')[:10]}" if standard else "ninjs", items


def _decoded(data: bytes) -> object:
    """Return one JSON document, or each line of one that is none as a whole."""
    try:
        return _with_all_embargoes(data, decode_json(data))
    except RecordError:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [_line(line) for line in lines]


def _line(line: bytes) -> object:
    """Return what a line says, or why it cannot be read: the others may be good."""
    try:
        return _with_all_embargoes(line, decode_json(line))
    except RecordError as fault:
        return fault


def _lower(item: Object) -> Object:
    """Return an item with its keys as ninjs 1.x writes them; an embargo keeps all its spellings."""
    lower = {key.lower(): value for key, value in item.items()}
    said = [_values(value) for key, value in item.items() if key.lower() in _EMBARGO_KEYS]
    return (
        {**lower, _EMBARGO_KEYS[0]: [each for values in said for each in values]} if said else lower
    )


class _Said(list[object]):
    """All that one object says of one key."""


def _values(value: object) -> list[object]:
    return value if isinstance(value, _Said) else [value]


def _embargoes(raw: Object) -> list[object]:
    """Return what an item says of its embargo, null for none, however often and by whatever key."""
    said = raw.get(_EMBARGO_KEYS[0])
    return [each for each in said if each is not None] if isinstance(said, list) else []


def _with_all_embargoes(data: bytes, document: object) -> object:
    """Return a document again where it speaks of embargoes, each of them kept.

    Of a key that an object has twice readers of JSON keep the last (RFC 8259 section 4).
    """
    if not _speaks_of_embargo(document):
        return document
    try:
        return json.loads(data.removeprefix(BOM), object_pairs_hook=_object_of_pairs)
    except (ValueError, RecursionError) as error:
        raise RecordError("undecodable", f"not JSON: {error}") from error


def _object_of_pairs(pairs: list[tuple[str, object]]) -> Object:
    found: Object = dict(pairs)
    for name in {key for key, _ in pairs if key.lower() in _EMBARGO_KEYS}:
        found[name] = _Said(value for key, value in pairs if key == name)
    return found


def _speaks_of_embargo(document: object) -> bool:
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        document = document["items"]
    items = document if isinstance(document, list) else [document]
    return any(
        key.lower() in _EMBARGO_KEYS for each in items if isinstance(each, dict) for key in each
    )


def _item(item: object) -> DocumentItem:
    raw = _lower(object_of(item))
    revision = revision_of(text_at(raw, "version"))
    times = versioned_times(text_at(raw, "firstcreated"), text_at(raw, "versioncreated"), revision)
    return DocumentItem(
        key=text_at(raw, "uri"),
        title=_told(raw, "headline") or text_at(raw, "title", "name"),
        summary=_told(raw, "description") or _told(raw, "body"),
        url=text_at(raw, "uri"),  # kept where it is a web address
        language=text_at(raw, "language"),
        symbols=tuple(_symbols(raw)),
        published_ns=times.published_ns,
        precision_s=times.precision_s,
        updated_ns=times.updated_ns,
        revision=revision,
        pub_status=pub_status_of(text_at(raw, "pubstatus")),
        embargo=one_embargo(_embargoes(raw)),
    )


def _told(raw: Object, what: str) -> str:
    """Return a headline, description or body: the main one of a list, or a text by itself."""
    texts = [
        (text_at(each, "role", "name").lower(), text_at(each, "value"))
        for each in objects_at(raw, f"{what}s", what)
    ]
    for role in _MAIN_ROLES:
        for given, told in texts:
            if given == role and told:
                return told
    first = next((told for _, told in texts if told), "")
    return first or text_at(raw, what, f"{what}_text", f"{what}_main", f"{what}_xhtml")


def _symbols(raw: Object) -> list[str]:
    organisations = objects_at(raw, "organisations", "organisation")
    symbols = [_lower(each) for each in objects_at(raw, "symbols")]
    for organisation in organisations:
        symbols += [_lower(each) for each in objects_at(_lower(organisation), "symbols")]
    return [_symbol(each) for each in symbols]


def _symbol(each: Object) -> str:
    if text_at(each, "symboltype").rpartition(":")[2].lower() in _GLOBAL_TYPES:
        return listed(text_at(each, "symbol", "ticker"))
    return listed(text_at(each, "ticker", "symbol"), text_at(each, "exchange"))
