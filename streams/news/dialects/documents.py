"""Make Headlines of a document's items, whatever its dialect: a dialect only says what each says.

What the IPTC's formats know of an item's life is obeyed here: what is withheld or under embargo
is not passed on, and what is canceled is deleted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple, NoReturn, TypeVar

import msgspec

from streams.errors import RecordError
from streams.events import RECORD_CHARS, SECOND_NS, Action, Headline, Reject
from streams.news.dialects.rss import MAX_BYTES, MAX_ITEMS
from streams.news.feed import FeedInfo, ParsedFeed, parsed_of, refused
from streams.news.item import Item, headline_of
from streams.times import FARTHEST_NS, parse_time, precision_s

STAMP_CHARS: Final = 60
HIGHEST_VERSION: Final = 10**15  # JSON readers that know floats alone are exact up to 9e15

PubStatus = Literal["usable", "withheld", "canceled", "test"]
Raw = TypeVar("Raw")


class DocumentItem(Item, frozen=True, kw_only=True):
    """What one item says, and what its publisher lets others do with it."""

    pub_status: PubStatus = "usable"
    embargo: str = ""  # when it ends: nobody may pass the item on before


class Times(NamedTuple):
    """When an item was published, how exactly that is said, and when it was changed last."""

    published_ns: int | None
    precision_s: int
    updated_ns: int | None


def read_items(
    data: bytes,
    feed: FeedInfo,
    received_ns: int | None,
    opened: Callable[[bytes], tuple[str, list[Raw]]],
    item_of: Callable[[Raw], DocumentItem],
) -> ParsedFeed:
    """Return the Headlines of a document in its order, and a Reject for all that is unusable.

    `opened` returns the format's version and the items, `item_of` reads one of them; both may
    raise RecordError. Reasons beside theirs: `too_large`, `empty_feed` and `too_many_items` for the
    document; `withheld`, `test_item`, `embargoed`, `bad_time` (of an embargo) and those of
    `make_headline` for items. Never raises.
    """
    try:
        version, items = _opened(data, opened)
    except RecordError as fault:
        beginning = data[:RECORD_CHARS].decode("utf-8", "replace")
        reject = refused(feed, fault.reason, fault.detail, received_ns, beginning)
        return ParsedFeed(rejects=(reject,))
    made, held_until_ns = _made(items[:MAX_ITEMS], feed, received_ns, item_of)
    if len(items) > MAX_ITEMS:
        detail = f"{len(items)} items, of which the first {MAX_ITEMS} were read"
        made.append(refused(feed, "too_many_items", detail, received_ns, ""))
    return parsed_of(made, version=version, held_until_ns=held_until_ns)


def _opened(data: bytes, opened: Callable[[bytes], tuple[str, list[Raw]]]) -> tuple[str, list[Raw]]:
    if len(data) > MAX_BYTES:
        raise RecordError("too_large", f"{len(data)} bytes, more than {MAX_BYTES}")
    version, items = opened(data)
    if not items:
        raise RecordError("empty_feed", f"a {version} document without items")
    return version, items


def _made(
    items: list[Raw],
    feed: FeedInfo,
    received_ns: int | None,
    item_of: Callable[[Raw], DocumentItem],
) -> tuple[list[Headline | Reject], int | None]:
    """Return what each item makes, and when the first embargo among them ends."""
    made: list[Headline | Reject] = []
    embargoes_ns: list[int] = []
    for number, raw in enumerate(items, start=1):
        record = ""
        try:
            item = item_of(raw)
            record = f"{item.title} | {item.key}"
            embargo_ns = embargo_end(item.embargo)
            headline = _headline(item, feed, embargo_ns, received_ns)
            # Where no receipt is recorded, in a replay, an embargo is over.
            if embargo_ns is not None and received_ns is not None and received_ns < embargo_ns:
                embargoes_ns.append(embargo_ns)
                _refuse_until(embargo_ns)
            made.append(headline)
        except RecordError as fault:
            detail = f"item {number}: {fault.detail}"
            made.append(refused(feed, fault.reason, detail, received_ns, record))
    return made, min(embargoes_ns, default=None)


def _refuse_until(embargo_ns: int) -> NoReturn:
    end = dt.datetime.fromtimestamp(embargo_ns // SECOND_NS, dt.UTC)
    raise RecordError("embargoed", f"not to be passed on before {end:%Y-%m-%d %H:%M:%S} UTC")


def _headline(
    item: DocumentItem, feed: FeedInfo, embargo_ns: int | None, received_ns: int | None
) -> Headline:
    if item.pub_status == "withheld":
        raise RecordError("withheld", "its publisher asks not to publish it")
    if item.pub_status == "test":
        raise RecordError("test_item", "its publisher only tests with it")
    if item.pub_status == "canceled":
        action: Action = "deleted"
    else:
        action = "updated" if item.revision else "created"
    published_ns = _public(item.published_ns, embargo_ns)
    meant = msgspec.structs.replace(item, published_ns=published_ns, action=action)
    return headline_of(meant, feed, received_ns)


def _public(published_ns: int | None, embargo_ns: int | None) -> int | None:
    """Return when the public could know an item: not before its embargo ended."""
    if published_ns is None or embargo_ns is None:
        return published_ns
    return max(published_ns, embargo_ns)


# -- what dialects have in common


def times_of(stamps: tuple[str, ...], changed: str) -> Times:
    """Return the times of an item: the first stamp that names an instant is its publication's."""
    updated_ns = parse_time(changed[:STAMP_CHARS])
    for stamp in stamps:
        published_ns = parse_time(stamp[:STAMP_CHARS])
        if published_ns is not None:
            return Times(published_ns, precision_s(stamp[:STAMP_CHARS]), updated_ns)
    return Times(None, 1, updated_ns)


def versioned_times(first: str, this: str, revision: int) -> Times:
    """Return the times of an item that tells when its first and when this version were made.

    A first version was published when it was finished, a later one when the first was made.
    """
    return times_of((first, this) if revision else (this, first), this)


def revision_of(version: str) -> int:
    """Return the revision that a version is: the first, written 1, is 0, and so is no number."""
    version = version.strip()
    if not (version.isascii() and version.isdigit()) or len(version) > STAMP_CHARS:
        return 0
    number = int(version)
    return number - 1 if 1 <= number <= HIGHEST_VERSION else 0


def pub_status_of(word: str) -> PubStatus:
    """Return the IPTC's pubStatus, written plainly, as `stat:canceled` or as its web address."""
    status = word.replace("/", ":").rpartition(":")[2].strip().lower()
    if status in {"canceled", "cancelled"}:
        return "canceled"
    return "withheld" if status == "withheld" else "usable"


def embargo_end(stamp: str) -> int | None:
    """Return when an embargo ends, None for none. RecordError: `bad_time` where nobody can tell."""
    if not stamp:
        return None
    stamp = stamp.strip()
    instant_ns = parse_time(stamp) if len(stamp) <= STAMP_CHARS else None
    if instant_ns is None:
        said = stamp[:STAMP_CHARS]
        raise RecordError("bad_time", f"its embargo ends at {said!r}, which is no time")
    return min(instant_ns, FARTHEST_NS)


def one_embargo(said: Iterable[object]) -> str:
    """Return the stamp of an embargo that is said once, or more often alike; "": it is not said.

    RecordError: `bad_time` where it is no text, an empty one, or two of them disagree. Who cannot
    tell when an item may be passed on passes nothing on.
    """
    stamps = [*said]
    for stamp in stamps:
        if not isinstance(stamp, str) or not stamp.strip():
            raise RecordError("bad_time", f"its embargo is {stamp!r:.60}, which is no time")
    ends_ns = {embargo_end(stamp) for stamp in stamps if isinstance(stamp, str)}
    if len(ends_ns) > 1:
        raise RecordError("bad_time", f"its embargo is said {len(stamps)} times, and not alike")
    return str(stamps[0]) if stamps else ""
