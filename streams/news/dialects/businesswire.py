"""Business Wire's RSS: tickers stand in the text, and each channel links a release its own way.

Some of its channels answer with a feed that has no items: that is `empty_feed`, never a quiet day.
"""

from __future__ import annotations

import re

import msgspec

from streams.news.dialects.recognise import is_of
from streams.news.dialects.rss import Entry, parse_feed
from streams.news.dialects.tickers import with_tickers
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.item import Item

# `/news/home/20250924006789/en/The-Title?feedref=...`: the number and the language are the same
# in every channel and after a new title, the rest of the link is not.
_RELEASE = re.compile(r"/news/home/(\d{14})/([A-Za-z-]{2,7})(?:/|$)")


def knows(head: bytes, url: str) -> bool:
    """Tell whether a document is Business Wire's."""
    return is_of("businesswire.com", head, url)


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the releases of one document; rejects are those of `parse_feed`."""
    return parse_feed(data, feed, received_ns, _refined)


def _refined(entry: Entry, item: Item) -> Item:
    if match := _RELEASE.search(item.url):
        key = f"{match[1]}/{match[2]}"
        item = msgspec.structs.replace(item, key=key, language=match[2])
    return with_tickers(entry, item)
