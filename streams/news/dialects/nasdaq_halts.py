"""Nasdaq Trader's trade halts of all American exchanges: RSS whose `ndaq:` elements are the row.

The time of a halt is in those only: an item's own date is the midnight of its day. A row is edited
in place when trading resumes, so that the same halt comes again, with its resumption.
"""

from __future__ import annotations

import msgspec

from streams.events import Status
from streams.news.dialects.recognise import channel_of
from streams.news.dialects.rss import Entry, parse_feed, text_of
from streams.news.dialects.us_halts import halt_statuses
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.item import Item


def knows(head: bytes, url: str) -> bool:
    """Tell whether a document is Nasdaq Trader's list of halts; it has other feeds beside it."""
    channel = channel_of(head).lower()
    halts = b"trade halts" in channel or b"ndaq:haltdate" in head.lower() or "tradehalts" in url
    return b"xmlns:ndaq=" in channel and halts


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the halts and resumptions of one document; a list without halts is a quiet day.

    Rejects: `bad_row`, `past`, `future` for rows, those of `parse_feed` for the document.
    """
    parsed = parse_feed(data, feed, received_ns, _statuses)
    faults = tuple(reject for reject in parsed.rejects if reject.reason != "empty_feed")
    return msgspec.structs.replace(parsed, rejects=faults)


def _statuses(entry: Entry, _item: Item) -> tuple[Status, ...]:
    row = {name: text_of(entry, f"ndaq_{name}") for name in (
        "issuesymbol", "market", "reasoncode", "haltdate", "halttime", "resumptiondate",
        "resumptiontradetime",
    )}  # fmt: skip
    return halt_statuses(
        row["issuesymbol"],
        row["market"],
        (row["haltdate"], row["halttime"]),
        (row["resumptiondate"], row["resumptiontradetime"]),
        row["reasoncode"],
    )
