"""The demo's headlines: hand-written items of `headlines.jsonl` turned into RSS 2.0 bytes.

Four invented sources publish them, each with its own habits: the zone its stamps are written in,
whether they carry seconds, and how long after publication a reader sees an item. Written as real
feed bytes, so that the demo walks the whole way from bytes to alert.
"""

from __future__ import annotations

import calendar
import time
from importlib import resources
from typing import Literal
from xml.sax.saxutils import escape

import msgspec

from streams.events import SECOND_NS, content_id

ITEMS_FILE = "headlines.jsonl"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

FeedName = Literal["wire", "outlet", "aggregator", "filings"]


class DemoItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One invented headline; `at` is UTC, `YYYY-MM-DDTHH:MM` with or without seconds."""

    feed: FeedName
    at: str
    about: str  # a story of the day, "price-report", "other" (unrelated) or "trap" (a false friend)
    title: str
    summary: str = ""

    @property
    def published_ns(self) -> int:
        """Return the stamp in nanoseconds UTC."""
        form = "%Y-%m-%dT%H:%M" if self.at.count(":") == 1 else "%Y-%m-%dT%H:%M:%S"
        return calendar.timegm(time.strptime(self.at, form)) * SECOND_NS


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """How one source writes its feed."""

    name: FeedName
    source: str
    title: str
    zone: str  # as written in pubDate
    offset_s: int  # of that zone, ahead of UTC
    precision: Literal["second", "minute"]
    delay_s: int  # from publication to a reader's receipt


FEEDS = (
    Feed(
        name="wire",
        source="demo-wire",
        title="Demo Wire",
        zone="GMT",
        offset_s=0,
        precision="minute",
        delay_s=2,
    ),
    Feed(
        name="outlet",
        source="demo-outlet",
        title="Demo Outlet: markets and business",
        zone="+0800",
        offset_s=8 * 3600,
        precision="second",
        delay_s=20,
    ),
    Feed(
        name="aggregator",
        source="demo-aggregator",
        title="Demo Aggregator: everything",
        zone="-0400",
        offset_s=-4 * 3600,
        precision="second",
        delay_s=90,
    ),
    Feed(
        name="filings",
        source="demo-filings",
        title="Demo Filings: company announcements",
        zone="GMT",
        offset_s=0,
        precision="minute",
        delay_s=10,
    ),
)


def read_items() -> list[DemoItem]:
    """Return the hand-written items in the order of their file."""
    text = resources.files(__package__).joinpath(ITEMS_FILE).read_bytes()
    decoder = msgspec.json.Decoder(DemoItem)
    return [decoder.decode(line) for line in text.splitlines() if line.strip()]


def feed_bytes(feed: Feed, items: list[DemoItem]) -> bytes:
    """Return `feed`'s RSS 2.0 document over its share of `items`, newest first as feeds are."""
    own = [item for item in items if item.feed == feed.name]
    own.sort(key=lambda item: (-item.published_ns, item.title))
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0">\n<channel>\n'
        f"<title>{escape(feed.title)}</title>\n"
        f"<link>https://example.com/{feed.name}/</link>\n"
        "<description>Invented headlines of the Newsquake demo day</description>\n"
        "<language>en</language>\n"
    )
    body = "".join(_item_xml(feed, item) for item in own)
    return (head + body + "</channel>\n</rss>\n").encode()


def _item_xml(feed: Feed, item: DemoItem) -> str:
    guid = content_id(feed.source, item.at, item.title)
    summary = f"<description>{escape(item.summary)}</description>\n" if item.summary else ""
    return (
        "<item>\n"
        f"<title>{escape(item.title)}</title>\n"
        f"<link>https://example.com/{feed.name}/{guid}</link>\n"
        f'<guid isPermaLink="false">{guid}</guid>\n'
        f"<pubDate>{pub_date(feed, item.published_ns)}</pubDate>\n"
        f"{summary}</item>\n"
    )


def pub_date(feed: Feed, published_ns: int) -> str:
    """Return an RFC 822 stamp in the feed's zone, with seconds only if the feed writes them."""
    local = time.gmtime(published_ns // SECOND_NS + feed.offset_s)
    day = f"{WEEKDAYS[local.tm_wday]}, {local.tm_mday:02d} {MONTHS[local.tm_mon - 1]} "
    clock = f"{local.tm_hour:02d}:{local.tm_min:02d}"
    seconds = f":{local.tm_sec:02d}" if feed.precision == "second" else ""
    return f"{day}{local.tm_year} {clock}{seconds} {feed.zone}"
