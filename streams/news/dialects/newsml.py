"""Read NewsML-G2 and NewsML 1.2, the IPTC's news in XML (iptc.org/standards).

G2: `newsItem`, alone or in a `newsMessage`, with its securities as `hasInstrument`. 1.2, as
Business Wire writes it: `NewsItem`, with tickers in Metadata of the type "Securities Identifier".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from streams.errors import RecordError
from streams.news.dialects.documents import (
    DocumentItem,
    one_embargo,
    pub_status_of,
    read_items,
    revision_of,
    versioned_times,
)
from streams.news.dialects.vendor_symbols import listed
from streams.news.dialects.xml_tree import read_tree
from streams.news.feed import FeedInfo, ParsedFeed

NAMESPACE: Final = b"http://iptc.org/std/nar/2006-10-01/"
_MARKS: Final = (NAMESPACE, b"<NewsML", b"<newsMessage", b"<newsItem")
_SECURITIES: Final = "securities identifier"
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)?(.*)")


def knows(head: bytes, _url: str) -> bool:
    """Tell both versions by the namespace or the root, in UTF-16 as well."""
    plain = head.replace(b"\0", b"")
    return b"<" in plain and any(mark in plain for mark in _MARKS)


def read(data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    """Return the news items of a document. Its reasons are those of `read_items`."""
    return read_items(data, feed, received_ns, _opened, _item)


def _opened(data: bytes) -> tuple[str, list[Element]]:
    root = read_tree(data)
    if root.tag == "NewsML":
        return f"newsml{root.get('Version', '1')[:10]}", root.findall("NewsItem")
    if root.tag == "newsItem":
        return "newsmlg2", [root]
    if root.tag in {"newsMessage", "packageItem", "conceptItem", "knowledgeItem"}:
        return "newsmlg2", root.findall("itemSet/newsItem")
    raise RecordError("not_a_feed", f"a document of {root.tag[:60]}, not of news items")


def _item(item: Element) -> DocumentItem:
    return _item_g2(item) if item.tag == "newsItem" else _item_1(item)


# -- NewsML-G2


def _item_g2(item: Element) -> DocumentItem:
    revision = revision_of(item.get("version", ""))
    first, this = _text(item, "itemMeta/firstCreated"), _text(item, "itemMeta/versionCreated")
    times = versioned_times(first, this, revision)
    language = item.find("contentMeta/language")
    return DocumentItem(
        key=item.get("guid", ""),
        title=_text(item, "contentMeta/headline") or _text(item, "itemMeta/title"),
        summary=_text(item, "contentMeta/description") or _first_paragraph(item),
        url=item.get("guid", ""),  # kept where it is a web address
        language=item.get("lang", "") if language is None else language.get("tag", ""),
        symbols=tuple(_instrument(each) for each in item.iter("hasInstrument")),
        published_ns=times.published_ns,
        precision_s=times.precision_s,
        updated_ns=times.updated_ns,
        revision=revision,
        pub_status=pub_status_of(_status_g2(item)),
        embargo=one_embargo(filter(None, _embargoes_g2(item))),
    )


def _status_g2(item: Element) -> str:
    """Return the pubStatus; an embargo without an end is one to withhold it."""
    status = item.find("itemMeta/pubStatus")
    word = "" if status is None else status.get("qcode") or status.get("uri") or ""
    endless = "" in _embargoes_g2(item)
    return "withheld" if endless and pub_status_of(word) == "usable" else word


def _embargoes_g2(item: Element) -> list[str]:
    return ["".join(each.itertext()).strip() for each in item.iter("embargoed")]


def _instrument(instrument: Element) -> str:
    symbol, source = instrument.get("symbol", ""), instrument.get("symbolsrc", "")
    if source.rpartition(":")[2].lower() in {"ric", "isin"}:
        return listed(symbol)
    return listed(symbol, instrument.get("marketlabel") or instrument.get("market") or "")


# -- NewsML 1.2


def _item_1(item: Element) -> DocumentItem:
    identifier, management = "Identification/NewsIdentifier", "NewsManagement"
    parts = [_text(item, f"{identifier}/{part}") for part in ("ProviderId", "DateId", "NewsItemId")]
    revision = revision_of(_text(item, f"{identifier}/RevisionId"))
    times = versioned_times(
        _spaced(_text(item, f"{management}/FirstCreated")),
        _spaced(_text(item, f"{management}/ThisRevisionCreated")),
        revision,
    )
    status, embargo = _status_1(item)
    return DocumentItem(
        key=":".join(parts) if parts[-1] else "",
        title=_text(item, ".//HeadLine"),
        summary=_first_paragraph(_body(item)),
        language=_formal(item.find(".//DescriptiveMetadata/Language")),
        symbols=tuple(_securities(item)),
        published_ns=times.published_ns,
        precision_s=times.precision_s,
        updated_ns=times.updated_ns,
        revision=revision,
        pub_status=pub_status_of(status),
        embargo=embargo,
    )


def _status_1(item: Element) -> tuple[str, str]:
    """Return the status and the end of an embargo; one without an end is to be withheld."""
    words = [_formal(each).lower() for each in item.iterfind("NewsManagement/Status")]
    if "embargoed" not in words:
        return (words[0] if words else ""), ""
    stamps = item.iterfind("NewsManagement/StatusWillChange/DateAndTime")
    ends = [_spaced("".join(each.itertext()).strip()) for each in stamps]
    end = one_embargo(filter(None, ends))
    return ("usable" if end and "" not in ends else "withheld"), end


def _body(item: Element) -> Element | None:
    """Return the component of the text; there are others for the headline and the contact."""
    for component in item.iter("NewsComponent"):
        if _formal(component.find("Role")).lower() in {"body", "main"}:
            return component
    return None


def _securities(item: Element) -> Iterator[str]:
    """Yield the symbols of each block of properties: tickers and their exchanges, in order."""
    for metadata in item.iter("Metadata"):
        if _formal(metadata.find("MetadataType")).lower() == _SECURITIES:
            tickers = _properties(metadata, "ticker symbol")
            exchanges = _properties(metadata, "exchange")
            pairs = itertools.zip_longest(tickers, exchanges[: len(tickers)], fillvalue="")
            yield from (listed(ticker, exchange) for ticker, exchange in pairs)


def _properties(metadata: Element, name: str) -> list[str]:
    return [
        each.get("Value", "") for each in metadata.iter("Property") if _formal(each).lower() == name
    ]


def _formal(element: Element | None) -> str:
    return "" if element is None else element.get("FormalName", "").strip()


def _spaced(stamp: str) -> str:
    """Return `20130605T210000+0000` as ISO 8601 with its separators; any other as it is."""
    match = _COMPACT.fullmatch(stamp[:60])
    if match is None:
        return stamp
    year, month, day, hour, minute, second, zone = match.groups()
    seconds = f":{second}" if second else ""
    return f"{year}-{month}-{day}T{hour}:{minute}{seconds}{zone}"


# -- text


def _text(element: Element, path: str) -> str:
    """Return the first text at a path that is not empty, without the markup within it."""
    found = ("".join(each.itertext()).strip() for each in element.iterfind(path))
    return next(filter(None, found), "")


def _first_paragraph(element: Element | None) -> str:
    paragraphs = () if element is None else element.iter("p")
    return next(filter(None, ("".join(each.itertext()).strip() for each in paragraphs)), "")
