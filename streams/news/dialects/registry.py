"""The dialects that documents of news come in: one line each here, one file each beside this one.

A dialect is told by its document, or named by the feed's configuration. The first that knows a
document reads it; plain RSS and Atom, last, take whatever is left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from streams.news.dialects import (
    businesswire,
    edgar,
    globenewswire,
    google_news,
    hkex,
    json_feed,
    nasdaq_halts,
    newsml,
    ninjs,
    nyse_halts,
    prnewswire,
    yahoo,
)
from streams.news.dialects.rss import parse_feed
from streams.news.feed import AUTO, FeedInfo, ParsedFeed

HEAD_BYTES: Final = 4_096  # that a dialect may look at to know its own


class Dialect(NamedTuple):
    """One way to write news down."""

    name: str
    knows: Callable[[bytes, str], bool]  # (the document's first bytes, its URL or path)
    read: Callable[[bytes, FeedInfo, int | None], ParsedFeed]  # never raises


DIALECTS: Final[tuple[Dialect, ...]] = (
    Dialect("hkex", hkex.knows, hkex.read),
    Dialect("json_feed", json_feed.knows, json_feed.read),
    Dialect("ninjs", ninjs.knows, ninjs.read),
    Dialect("newsml", newsml.knows, newsml.read),
    Dialect("nasdaq_halts", nasdaq_halts.knows, nasdaq_halts.read),
    Dialect("nyse_halts", nyse_halts.knows, nyse_halts.read),
    Dialect("edgar", edgar.knows, edgar.read),
    # An aggregator's channel may be named after the wire that it was asked for.
    Dialect("source_suffix", google_news.knows, google_news.read),
    Dialect("yahoo", yahoo.knows, yahoo.read),
    Dialect("globenewswire", globenewswire.knows, globenewswire.read),
    Dialect("prnewswire", prnewswire.knows, prnewswire.read),
    Dialect("businesswire", businesswire.knows, businesswire.read),
    Dialect("rss", lambda _head, _url: True, parse_feed),
)
NAMES: Final = (AUTO, *(dialect.name for dialect in DIALECTS))


def read_document(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return what a document holds, by the feed's dialect or by its own looks. Never raises."""
    dialect = _dialect_of(data, feed)
    return msgspec.structs.replace(dialect.read(data, feed, received_ns), dialect=dialect.name)


def _dialect_of(data: bytes, feed: FeedInfo) -> Dialect:
    head = data[:HEAD_BYTES]
    for dialect in DIALECTS:
        named = feed.dialect == dialect.name
        if named or (feed.dialect == AUTO and dialect.knows(head, feed.url)):
            return dialect
    raise ValueError(f"{feed.name}: no dialect is called {feed.dialect}")
