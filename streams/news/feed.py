"""What is known of a feed, and what one document or frame of it held.

The poller, the push wires, the watched folders and every dialect between them speak these records.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import msgspec

from streams.events import RECORD_CHARS, Headline, Reject, Status, Tier
from streams.text import clean_text
from streams.times import DAY_S

MOST_ITEMS = 5_000  # new ones of one document that a run takes, where nobody says otherwise
AUTO = "auto"  # the dialect is told from the document


class FeedInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one feed beside its bytes; `precision_s` None = judge by each stamp."""

    name: str
    source: str
    tier: Tier = "unknown"
    precision_s: int | None = None
    delay_s: float = 0
    lateness_bound_s: float = DAY_S
    language: str = ""
    url: str = ""
    dialect: str = AUTO
    symbols: tuple[str, ...] = ()  # of every item, where the feed is about one company


class ParsedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """What one document held; `version` is the format's, such as "rss20", "atom10", ""."""

    headlines: tuple[Headline, ...] = ()
    statuses: tuple[Status, ...] = ()
    rejects: tuple[Reject, ...] = ()
    version: str = ""
    dialect: str = ""
    problems: tuple[str, ...] = ()  # mended while reading
    held_until_ns: int | None = None  # the first end of an embargo in it: read it again then


def parsed_of(
    made: Iterable[Headline | Status | Reject],
    *,
    version: str = "",
    dialect: str = "",
    problems: tuple[str, ...] = (),
    held_until_ns: int | None = None,
) -> ParsedFeed:
    """Return what was made of a document's items, sorted by kind."""
    items = [*made]
    return ParsedFeed(
        headlines=tuple(each for each in items if isinstance(each, Headline)),
        statuses=tuple(dict.fromkeys(each for each in items if isinstance(each, Status))),
        rejects=tuple(each for each in items if isinstance(each, Reject)),
        version=version,
        dialect=dialect,
        problems=problems,
        held_until_ns=held_until_ns,
    )


# Returns how many items were new, once they are where no crash of ours takes them; only then may a
# source remember that it has them.
Take = Callable[[FeedInfo, ParsedFeed], Awaitable[int]]

# Returns what a document of a feed holds; the third is when it came. It never raises.
Read = Callable[[bytes, FeedInfo, int | None], ParsedFeed]


def refused(
    feed: FeedInfo, reason: str, detail: str, received_ns: int | None, record: str
) -> Reject:
    """Return the Reject of a document or an item of a feed; all texts are cleaned and cut."""
    text = clean_text(record, RECORD_CHARS)
    detail = clean_text(f"{feed.name}: {detail}", RECORD_CHARS)
    return Reject(stage="read", reason=reason, detail=detail, ts_ns=received_ns, record=text)
