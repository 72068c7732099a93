"""Yahoo Finance's headlines of one symbol: no item says whose it is, the feed's address does."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from streams.news.dialects.recognise import is_of
from streams.news.dialects.rss import parse_feed
from streams.news.feed import FeedInfo, ParsedFeed


def knows(head: bytes, url: str) -> bool:
    """Tell whether a document is Yahoo Finance's."""
    return is_of("finance.yahoo.com", head, url)


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the items of one document, each with the one symbol that the address asks for.

    Where it asks for several, no item tells which it is about: that is a problem of the feed.
    """
    asked = asked_symbols(feed.url)
    if len(asked) != 1:
        asked_for_none = parse_feed(data, feed, received_ns)
        return _doubted(asked_for_none, asked) if asked else asked_for_none
    symbols = tuple(dict.fromkeys((*feed.symbols, *asked)))
    return parse_feed(data, msgspec.structs.replace(feed, symbols=symbols), received_ns)


def asked_symbols(url: str) -> tuple[str, ...]:
    """Return the symbols of `?s=BABA,9988.HK`, each once."""
    listed = ",".join(parse_qs(url.partition("#")[0].partition("?")[2]).get("s", ()))
    return tuple(dict.fromkeys(symbol.strip() for symbol in listed.split(",") if symbol.strip()))


def _doubted(parsed: ParsedFeed, asked: tuple[str, ...]) -> ParsedFeed:
    problem = f"one address for {len(asked)} symbols: no item says whose it is; ask for one each"
    return msgspec.structs.replace(parsed, problems=(*parsed.problems, problem))
