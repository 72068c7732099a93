"""SEC EDGAR's current filings as Atom: form, company, CIK and role stand in the title.

One filing gives an entry for each party (Filer, Subject, Filed by), all with one id: here each is
a headline of its own, keyed `accession:CIK`, because parties of one filing may come in different
documents. `updated` is the time of acceptance. The items of an 8-K become part of the title.
"""

from __future__ import annotations

import re

import msgspec

from streams.news.dialects.rss import Entry, parse_feed, with_symbols
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.item import Item
from streams.text import SUMMARY_CHARS, clean_text

MARK = b"sec.gov,2008:accession-number"

# `8-K - ALIBABA GROUP (0001577552) (Filer)`; a feed of one company has `8-K - Current report`.
_TITLE = re.compile(
    r"(?P<form>\S.{0,30}?) - (?P<name>.+) \((?P<cik>[0-9]{1,10})\)(?: \((?P<role>[^()]+)\))?"
)
_ACCESSION = re.compile(r"accession-number=([0-9-]{1,40})")
_COMPANY_FOLDER = re.compile(r"/edgar/data/(?P<cik>[0-9]{1,10})/")
_ITEM = re.compile(r"\bItem ([0-9]{1,2}\.[0-9]{2}):? ")
EXHIBITS = "9.01"  # of nearly every 8-K, and no news: out of the title unless it is alone


def knows(head: bytes, _url: str) -> bool:
    """Tell whether a document lists filings of EDGAR."""
    return MARK in head


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return a headline for each party of each filing; rejects are those of `parse_feed`."""
    return parse_feed(data, feed, received_ns, _refined)


def _refined(_entry: Entry, item: Item) -> Item:
    title = _TITLE.fullmatch(clean_text(item.title))
    items = _items_of(clean_text(item.summary, SUMMARY_CHARS))
    cik = _cik(title or _COMPANY_FOLDER.search(item.url))
    accession = _ACCESSION.search(item.key)
    filing = msgspec.structs.replace(
        item,
        key=":".join(filter(None, (accession[1], cik))) if accession else item.key,
        title=_named(title, items) if title else item.title,
        summary="; ".join(f"Item {number} {text}" for number, text in items.items()),
    )
    return with_symbols(filing, (f"CIK:{cik}",) if cik else ())


def _cik(match: re.Match[str] | None) -> str:
    """Return the SEC's number of a company with its leading zeros, "" where none is written."""
    return match["cik"].zfill(10) if match else ""


def _items_of(summary: str) -> dict[str, str]:
    """Return the items of an 8-K, `2.02` -> `Results of Operations and Financial Condition`."""
    _, *parts = _ITEM.split(summary)
    return {number: text.strip() for number, text in zip(parts[::2], parts[1::2], strict=True)}


def _named(title: re.Match[str], items: dict[str, str]) -> str:
    role = title["role"]
    party = title["name"] if role in (None, "Filer") else f"{title['name']} ({role})"
    told = [number for number in items if number != EXHIBITS] or list(items)
    what = "; ".join(f"Item {number} {items[number]}".rstrip() for number in told)
    return f"{title['form']} {party}: {what}" if what else f"{title['form']} {party}"
