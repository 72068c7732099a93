"""GlobeNewswire's RSS and Atom: tickers and ISINs are categories, stamps have no seconds.

Its `dc:` elements are of a namespace of its own; feedparser gives those it does not know as
`dc_identifier`. The guid is a link that holds the title, so the identifier is the better key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from streams.news.dialects.recognise import is_of
from streams.news.dialects.rss import Entry, parse_feed, text_of, with_symbols
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.item import Item
from streams.times import parse_time

# `https://www.globenewswire.com/rss/stock`, `http` in 2021; the term is `Nasdaq:ACME`.
SYMBOL_SCHEME = re.compile(r"/rss/(?:stock|ISIN)/?$", re.IGNORECASE)
# feedparser fills an empty category with the text of the next, which may be a subject.
SYMBOL = re.compile(r"(?:[^:]{2,40}:)?[\w./ -]{1,12}")
_MARK = re.compile(rb"dublincore\.org/documents/dcmi-namespace|/rss/(?:stock|ISIN)/?[\"']")


def knows(head: bytes, url: str) -> bool:
    """Tell whether a document is GlobeNewswire's, by its host, its namespace or its categories."""
    return is_of("globenewswire.com", head, url) or _MARK.search(head) is not None


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the releases of one document; rejects are those of `parse_feed`."""
    return parse_feed(data, feed, received_ns, _refined)


def _refined(entry: Entry, item: Item) -> Item:
    modified = text_of(entry, "dc_modified")
    item = msgspec.structs.replace(
        item,
        key=text_of(entry, "dc_identifier") or item.key,
        updated_ns=parse_time(modified) if modified else item.updated_ns,
    )
    return with_symbols(item, filter(SYMBOL.fullmatch, _terms(entry)))


def _terms(entry: Entry) -> Iterator[str]:
    for tag in dict.get(entry, "tags") or ():
        if SYMBOL_SCHEME.search(str(tag.get("scheme") or "")):
            yield str(tag.get("term") or "").strip()
