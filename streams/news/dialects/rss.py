"""Read one feed document, RSS 0.9x-2.0, RDF or Atom, however broken: bytes in, Headlines out.

feedparser does the XML and the recovery from its faults; it is given bytes, so it neither opens
nor fetches anything, and expands no external entity. Its own sanitiser is off: only text is kept,
and `streams.text` cleans that in a third of the time.

A dialect over RSS or Atom is one function: `parse_feed` gives it each entry and what it read of
it, and it answers with what the entry means.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from xml.sax import SAXException

import feedparser
import msgspec

from streams.errors import RecordError
from streams.events import RECORD_CHARS, Headline, Reject, Status
from streams.news.dialects.shape import check_shape
from streams.news.feed import FeedInfo, ParsedFeed, parsed_of, refused
from streams.news.item import MAX_SYMBOLS, Item, distinct, headline_of
from streams.text import clean_text
from streams.times import parse_time, precision_s

# Four times the largest of 252 real feeds. One core reads such a document in 7 s if it is well
# formed and in 17 s if not; half of it, all nesting, took 24 s. A poller's limit should be lower.
MAX_BYTES = 10_000_000
MAX_ITEMS = 50_000

# feedparser has no error of its own for a document that its handlers stumble over. The first
# three are what 6.0.14 raised on 400,000 mutated feeds; the others were never seen, and stand here
# because a feed must not stop the process.
PARSER_ERRORS = (
    ValueError,  # with UnicodeError: an encoding or a character reference that cannot be
    LookupError,  # with KeyError and IndexError: elements closed that were never opened
    TypeError,  # a closing element whose opening one left no value
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    SAXException,
)

# Where a document says so little else: the first date wins. Atom's `updated` is required and
# `published` is not; RSS 1.0 has only Dublin Core's date, which feedparser files as `updated`.
DATE_KEYS = ("published", "created", "updated")
SYMBOL_CHARS = 60

_DECLARATION = re.compile(rb"^\s*<\?xml[^>]{0,500}\?>")
_CHARACTER_REFERENCE = re.compile(rb"&#(?:(\d{1,9})|[xX]([0-9A-Fa-f]{1,8}));?")

Entry = dict[str, Any]  # as feedparser gives it


# May raise RecordError, which makes a Reject of the entry.
Refine = Callable[[Entry, Item], Item | tuple[Status, ...]]


def with_symbols(item: Item, symbols: Iterable[str]) -> Item:
    """Return the item with more symbols behind its own: each once, cleaned, MAX_SYMBOLS at most."""
    cleaned = (clean_text(symbol, SYMBOL_CHARS) for symbol in symbols)
    symbols = distinct(*item.symbols, *cleaned)[:MAX_SYMBOLS]
    return msgspec.structs.replace(item, symbols=symbols)


def plain(_entry: Entry, item: Item) -> Item:
    """Return the item as it was read."""
    return item


def parse_feed(
    data: bytes, feed: FeedInfo, received_ns: int | None, refine: Refine = plain
) -> ParsedFeed:
    """Return the Headlines of one document in its order, and a Reject for all that is unusable.

    `refine` says what an entry means in a dialect: another Item, or Statuses instead of a headline.
    Reasons: `too_large`, `undecodable`, `not_a_feed` and `empty_feed` for the document,
    `no_title`, `no_time`, `past`, `future`, `too_many_items` and those of `refine` for items.
    Never raises.
    """
    if len(data) > MAX_BYTES:
        detail = f"{len(data)} bytes, more than {MAX_BYTES}"
        return ParsedFeed(rejects=(refused(feed, "too_large", detail, received_ns, ""),))
    try:
        check_shape(data)
    except RecordError as fault:
        return _unreadable(data, feed, received_ns, (fault.reason, fault.detail))
    document, problems = _parse(data)
    version = str(document.get("version") or "")
    entries = document.get("entries") or []
    if fault := _fault(version, entries, problems):
        whole = _unreadable(data, feed, received_ns, fault)
        return msgspec.structs.replace(whole, version=version, problems=problems)
    made = list(_items(document, entries[:MAX_ITEMS], feed, received_ns, refine))
    if len(entries) > MAX_ITEMS:
        detail = f"{len(entries)} items, of which the first {MAX_ITEMS} were read"
        made.append(refused(feed, "too_many_items", detail, received_ns, ""))
    return parsed_of(made, version=version, problems=problems)


def _unreadable(
    data: bytes, feed: FeedInfo, received_ns: int | None, fault: tuple[str, str]
) -> ParsedFeed:
    """Return the Reject of a whole document, with its beginning."""
    beginning = data[:RECORD_CHARS].decode("utf-8", "replace")
    return ParsedFeed(rejects=(refused(feed, *fault, received_ns, beginning),))


def _parse(data: bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Parse; where feedparser stumbles, once more without the parts it stumbles over."""
    problems: list[str] = []
    for attempt in (data, _mended(data)):
        try:
            document: dict[str, Any] = feedparser.parse(
                io.BytesIO(attempt), sanitize_html=False, resolve_relative_uris=False
            )
        except PARSER_ERRORS as error:
            problems.append(f"{type(error).__name__}: {error}"[:200])
            continue
        if document.get("bozo"):
            problems.append(str(document.get("bozo_exception"))[:200])
        return document, tuple(problems)
    return {"undecodable": True}, tuple(problems)


def _mended(data: bytes) -> bytes:
    """Drop the XML declaration, which may name an impossible encoding, and impossible characters.

    Characters that XML 1.0 section 2.2 excludes, such as lone surrogates, cannot be encoded.
    """
    return _CHARACTER_REFERENCE.sub(_possible, _DECLARATION.sub(b"", data))


def _possible(match: re.Match[bytes]) -> bytes:
    code = int(match[1]) if match[1] else int(match[2], 16)
    return match[0] if code < 0xD800 or 0xE000 <= code < 0x110000 else b""


def _fault(version: str, entries: list[Any], problems: tuple[str, ...]) -> tuple[str, str] | None:
    """Return why the document as a whole is unusable: a reason and its detail."""
    if entries:
        return None
    if version:
        return "empty_feed", f"a {version} document without items"
    said = "; ".join(problems) or "no element of RSS or Atom"
    # Two errors in a row: neither the document nor its mended form could be read.
    return ("undecodable" if len(problems) > 1 else "not_a_feed"), said


def _items(
    document: dict[str, Any],
    entries: list[Entry],
    feed: FeedInfo,
    received_ns: int | None,
    refine: Refine,
) -> Iterator[Headline | Status | Reject]:
    language = text_of(document.get("feed") or {}, "language")
    for number, entry in enumerate(entries, start=1):
        try:
            meant = refine(entry, _item(entry, language))
            if isinstance(meant, Item):
                yield headline_of(meant, feed, received_ns)
            else:
                yield from meant
        except RecordError as error:
            keys = ("title", "link", "id", *DATE_KEYS)
            record = " | ".join(text for key in keys if (text := text_of(entry, key)))
            yield refused(feed, error.reason, f"item {number}: {error.detail}", received_ns, record)


def _item(entry: Entry, language: str) -> Item:
    published_ns, stamp = _published(entry)
    updated = text_of(entry, "updated")
    return Item(
        key=text_of(entry, "id"),
        title=text_of(entry, "title"),
        summary=text_of(entry, "summary"),
        url=text_of(entry, "link"),
        language=text_of(entry, "language") or language,
        published_ns=published_ns,
        precision_s=precision_s(stamp) if stamp else 1,
        updated_ns=parse_time(updated) if updated else None,
    )


def _published(entry: Entry) -> tuple[int | None, str]:
    """Return the first date of the item that can be read, in ns UTC, and its text."""
    for key in DATE_KEYS:
        stamp = text_of(entry, key)
        instant_ns = parse_time(stamp) if stamp else None
        if instant_ns is not None:
            return instant_ns, stamp
    return None, ""


def text_of(mapping: dict[str, Any], key: str) -> str:
    """Return a text element, "" if absent or not text.

    `dict.get` on purpose: feedparser's own `get` answers `updated` with `published`.
    """
    value = dict.get(mapping, key)
    return value if isinstance(value, str) else ""
