"""PR Newswire's RSS: no element names the company, its tickers stand in the text."""

from __future__ import annotations

from streams.news.dialects.recognise import is_of
from streams.news.dialects.rss import parse_feed
from streams.news.dialects.tickers import with_tickers
from streams.news.feed import FeedInfo, ParsedFeed


def knows(head: bytes, url: str) -> bool:
    """Tell whether a document is PR Newswire's."""
    return is_of("prnewswire.com", head, url)


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the releases of one document; rejects are those of `parse_feed`."""
    return parse_feed(data, feed, received_ns, with_tickers)
