"""Aggregators in the manner of Google News: the publisher is an element, and ends the title.

`Alibaba shares jump - Reuters` beside `<source url="https://www.reuters.com">Reuters</source>` is
Reuters' headline `Alibaba shares jump`. A suffix that no element confirms is left alone. Anybody can
write such an element, so a publisher's trust is lent only to what a known aggregator says, or a
feed that is configured as one.
"""

from __future__ import annotations

import functools
import re

import msgspec

from streams.events import Tier
from streams.news.dialects.recognise import is_of
from streams.news.dialects.rss import Entry, parse_feed, text_of
from streams.news.feed import AUTO, FeedInfo, ParsedFeed
from streams.news.item import Item
from streams.reference.sources import tier_of
from streams.text import URL_CHARS, clean_text

SOURCE_CHARS = 100
_DASHES = "-|\u2013\u2014"
_SOURCE = re.compile(rb"<source\s[^<>]{0,500}>([^<>]{1,200})</source>", re.IGNORECASE)


def knows(head: bytes, url: str) -> bool:
    """Tell whether a document is Google News', or the title of its first item ends in its source."""
    if is_of("news.google.com", head, url):
        return True
    source = _SOURCE.search(head)
    if source is None:
        return False
    name = re.escape(source[1].strip())
    return re.search(rb"[-|] " + name + rb"\s{0,9}(?:\]\]>)?\s{0,9}</title>", head) is not None


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the items of one document as their publishers'; rejects are those of `parse_feed`."""
    trusted = feed.dialect != AUTO or feed.tier != "unknown"
    return parse_feed(data, feed, received_ns, functools.partial(_refined, trusted=trusted))


def _refined(entry: Entry, item: Item, *, trusted: bool) -> Item:
    element = dict.get(entry, "source")
    if not isinstance(element, dict):
        return item
    publisher = clean_text(text_of(element, "title"), SOURCE_CHARS)
    if not publisher:
        return item
    tier = _tier(text_of(element, "href")[:URL_CHARS], publisher) if trusted else item.tier
    title = _without_suffix(clean_text(item.title), publisher)
    return msgspec.structs.replace(item, title=title, source=publisher, tier=tier)


def _tier(href: str, publisher: str) -> Tier:
    """Return the publisher's tier by its host, else by its name; the aggregator's is not its own."""
    tier = tier_of(href)
    return tier if tier != "unknown" else tier_of(publisher)


def _without_suffix(title: str, publisher: str) -> str:
    head = title.removesuffix(publisher).rstrip()
    bare = head.rstrip(_DASHES).rstrip()
    # Some word must be left, and a dash must have stood between it and the name.
    return bare if bare and bare != head and len(head) < len(title) else title
