"""Find the tickers that releases write behind their exchange: `(NASDAQ: SSAT)`, `NYSE: A, B`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streams.news.dialects.rss import Entry, with_symbols
from streams.news.item import Item
from streams.reference.exchanges import REGION_OF_EXCHANGE
from streams.text import SUMMARY_CHARS, clean_text

# The longest name first, or "nasdaq" would be found in "nasdaq global market" and no colon after.
_NAMES = "|".join(map(re.escape, sorted(REGION_OF_EXCHANGE, key=len, reverse=True)))
_VENUE = re.compile(rf"\b(?:{_NAMES})\b", re.IGNORECASE)
# Capitals and digits only, so that "NYSE: the market" has none; what a colon follows is the next
# exchange. A slash may stand before a class (`BRK/B`) and between symbols (`GOOG/GOOGL`).
_SYMBOL = r"[\"']?[A-Z0-9]{1,6}(?:[.\-][A-Z]{1,3}|/[A-Z])?[\"']?(?![\w:]| :)"
_COUNTER = r" \((?:HKD|RMB|USD) [Cc]ounter\)"  # behind Hong Kong's lines in several currencies
_JOINT = r"(?: ?[,;/&] ?(?:and )?| and )"
_WRITTEN = re.compile(
    rf"(?<![\w.])(?P<venues>(?i:{_NAMES})(?:{_JOINT}(?i:{_NAMES})){{0,3}}) ?: ?"
    rf"(?P<symbols>{_SYMBOL}(?:(?:{_COUNTER})?{_JOINT}{_SYMBOL}){{0,9}})"
)
_EACH = re.compile(rf"{_COUNTER}|({_SYMBOL})")


def with_tickers(_entry: Entry, item: Item) -> Item:
    """Return a release's item with the tickers that its title and its summary write out."""
    texts = (clean_text(item.title), clean_text(item.summary, SUMMARY_CHARS))
    return with_symbols(item, (ticker for text in texts for ticker in tickers_in(text)))


def tickers_in(text: str) -> Iterator[str]:
    """Yield `NASDAQ:SSAT` of every ticker in cleaned text, in its order."""
    if ":" not in text:
        return
    for match in _WRITTEN.finditer(text):
        symbols = [each.strip("\"'") for each in _EACH.findall(match["symbols"]) if each]
        for venue in _VENUE.findall(match["venues"]):
            yield from (f"{venue}:{symbol}" for symbol in symbols)
