"""Make Headlines of the items of wires: vendors differ only in where each thing stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from streams.errors import RecordError
from streams.events import SECOND_NS, Headline, Reject
from streams.news.dialects.json_values import Object, object_of
from streams.news.feed import RECORD_CHARS, FeedInfo, ParsedFeed, parsed_of, refused
from streams.news.item import Item, headline_of
from streams.times import epoch_to_ns, parse_time

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


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
            made.append(refused(feed, fault.reason, fault.detail, received_ns, _as_text(raw)))
    return parsed_of(made, dialect=dialect)


def array_of(value: object, what: str) -> list[object]:
    """Return an array. RecordError: `undecodable`."""
    if not isinstance(value, list):
        raise RecordError("undecodable", f"{what}: {type(value).__name__} is no array")
    return value


def refused_frame(
    frame: bytes, fault: RecordError, feed: FeedInfo, received_ns: int, dialect: str
) -> ParsedFeed:
    """Return the Reject of a whole frame."""
    record = frame[:RECORD_CHARS].decode("utf-8", "replace")
    return parsed_of(
        [refused(feed, fault.reason, fault.detail, received_ns, record)], dialect=dialect
    )


def instant_at(raw: Object, *keys: str) -> int | None:
    """Return the first of the keys that holds an instant, in ns UTC."""
    instants = (_instant(raw.get(key)) for key in keys)
    return next((each for each in instants if each is not None), None)


def rfc3339(instant_ns: int) -> str:
    """Return an instant as requests want it: UTC, to the whole second before it."""
    return dt.datetime.fromtimestamp(instant_ns // SECOND_NS, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(value: object) -> int | None:
    if isinstance(value, str):
        return parse_time(value)
    if isinstance(value, dt.datetime):  # msgpack has a type for it
        aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return (aware - EPOCH) // dt.timedelta(microseconds=1) * 1_000
    if isinstance(value, int | float) and not isinstance(value, bool):
        return epoch_to_ns(value)
    return None


def _as_text(raw: object) -> str:
    try:
        return msgspec.json.encode(raw)[: 2 * RECORD_CHARS].decode("utf-8", "replace")
    except (TypeError, ValueError, OverflowError, RecursionError):
        return f"{type(raw).__name__} that JSON cannot hold"
