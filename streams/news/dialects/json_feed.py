"""Read JSON Feed, versions 1.0 and 1.1 (jsonfeed.org)."""

from __future__ import annotations

import re
from typing import Final

from streams.errors import RecordError
from streams.json_values import (
    decode_json,
    list_at,
    object_of,
    starts_json,
    text_at,
    texts_at,
)
from streams.news.dialects.documents import DocumentItem, read_items, times_of
from streams.news.dialects.vendor_symbols import symbol_of_tag
from streams.news.feed import FeedInfo, ParsedFeed
from streams.text import clean_text

# Of the text of an item that has no title: about what a headline is long.
BEGINNING_CHARS: Final = 200

_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/(1(?:\.\d)?)/?")


def knows(head: bytes, _url: str) -> bool:
    """Tell a JSON Feed by its version, whose slashes may be escaped."""
    return starts_json(head) and b"jsonfeed.org/version" in head.replace(b"\\", b"")


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the items of one JSON Feed. Its reasons are those of `read_items`."""

    def opened(data: bytes) -> tuple[str, list[tuple[object, str]]]:
        document = decode_json(data)
        match = _VERSION.fullmatch(_version_of(document))
        if not isinstance(document, dict) or match is None:
            raise RecordError("not_a_feed", "no version of JSON Feed in it")
        language = text_at(document, "language")
        items = list_at(document, "items")
        return f"jsonfeed{match[1]}", [(item, language) for item in items]

    return read_items(data, feed, received_ns, opened, _item)


def _version_of(document: object) -> str:
    return text_at(document, "version")[:100].strip() if isinstance(document, dict) else ""


def _item(item_and_language: tuple[object, str]) -> DocumentItem:
    item, language = item_and_language
    raw = object_of(item)
    content = text_at(raw, "content_text", "content_html")
    changed = text_at(raw, "date_modified")
    times = times_of((text_at(raw, "date_published"), changed), changed)
    return DocumentItem(
        key=text_at(raw, "id"),
        title=text_at(raw, "title")
        or _beginning(text_at(raw, "content_text", "summary") or content),
        summary=text_at(raw, "summary") or content,
        url=text_at(raw, "url", "external_url"),
        language=text_at(raw, "language") or language,
        symbols=tuple(symbol_of_tag(tag) for tag in texts_at(raw, "tags")),
        published_ns=times.published_ns,
        precision_s=times.precision_s,
        updated_ns=times.updated_ns,
    )


def _beginning(content: str) -> str:
    """Return the beginning of a text, not cut within a word."""
    whole = clean_text(content)
    if len(whole) <= BEGINNING_CHARS:
        return whole
    cut = whole[: BEGINNING_CHARS + 1]
    return cut.rpartition(" ")[0] or cut[:-1]
