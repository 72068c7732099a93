"""Make Headlines of the items of wires: vendors differ only in where each thing stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streams.errors import RecordError
from streams.events import RECORD_CHARS, Headline, Reject
from streams.json_values import Object, object_of
from streams.news.feed import FeedInfo, ParsedFeed, parsed_of, refused
from streams.news.item import Item, headline_of
from streams.wires.frames import raw_text

ItemOf = Callable[[Object], Item]


def read_items(
    raws: Sequence[object], item_of: ItemOf, feed: FeedInfo, received_ns: int, dialect: str
) -> ParsedFeed:
    """Return the Headlines of raw items, in their order, and a Reject for all that is unusable."""
    made: list[Headline | Reject] = []
    for raw in raws:
        try:
            made.append(headline_of(item_of(object_of(raw)), feed, received_ns))
        except RecordError as fault:
            text = raw_text(raw, 2 * RECORD_CHARS)
            made.append(refused(feed, fault.reason, fault.detail, received_ns, text))
    return parsed_of(made, dialect=dialect)


def refused_frame(
    frame: bytes, fault: RecordError, feed: FeedInfo, received_ns: int, dialect: str
) -> ParsedFeed:
    """Return the Reject of a whole frame."""
    record = frame[:RECORD_CHARS].decode("utf-8", "replace")
    return parsed_of(
        [refused(feed, fault.reason, fault.detail, received_ns, record)], dialect=dialect
    )
