"""One item as its document or frame says it, and the Headline of it: the end of every dialect."""

from __future__ import annotations

from typing import Final

import msgspec

from streams.events import Action, Headline, Tier
from streams.news.feed import FeedInfo
from streams.news.headline import HeadlineParts, make_headline
from streams.text import clean_text

LANGUAGE_CHARS: Final = 20
MAX_SYMBOLS: Final = 200  # of one item: a round-up of the market names a hundred companies


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What one item says: texts as they came, not cleaned yet; times in ns UTC."""

    key: str
    title: str
    summary: str = ""
    url: str = ""
    language: str = ""
    symbols: tuple[str, ...] = ()
    published_ns: int | None = None
    precision_s: int = 1  # of `published_ns`, as it is written
    updated_ns: int | None = None
    revision: int = 0
    action: Action = "created"
    source: str = ""  # "": the feed's
    tier: Tier | None = None  # None: the feed's


def headline_of(item: Item, feed: FeedInfo, received_ns: int | None) -> Headline:
    """Return an item's Headline; what is configured of the feed goes before what the item says.

    Raises RecordError as `make_headline`.
    """
    title = item.title
    if item.action == "deleted" and not title and item.key:
        title = f"deleted: {item.key}"  # a deletion need not repeat what it deletes
    exact_s = item.precision_s if feed.precision_s is None else feed.precision_s
    return make_headline(
        HeadlineParts(
            source=item.source or feed.source,
            source_key=item.key,
            feed=feed.name,
            title=title,
            summary=item.summary,
            url=item.url,
            language=clean_text(feed.language or item.language, LANGUAGE_CHARS),
            symbols=distinct(*feed.symbols, *item.symbols[:MAX_SYMBOLS]),
            published_ns=item.published_ns,
            precision_s=exact_s if item.published_ns is not None else 1,
            delay_s=feed.delay_s,
            updated_ns=item.updated_ns,
            received_ns=received_ns,
            lateness_bound_s=feed.lateness_bound_s,
            revision=item.revision,
            action=item.action,
            tier=item.tier or feed.tier,
        )
    )


def distinct(*symbols: str) -> tuple[str, ...]:
    """Return the symbols in their order, each once, none empty."""
    return tuple(dict.fromkeys(filter(None, symbols)))
