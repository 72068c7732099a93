"""A document tells its own dialect, and is not taken for what it only quotes."""

from __future__ import annotations

import pytest

from streams.news.dialects.recognise import host_within
from streams.news.dialects.registry import read_document
from streams.news.dialects.yahoo import asked_symbols
from streams.news.feed import FeedInfo

WIRES = ["globenewswire.com", "prnewswire.com", "businesswire.com", "news.google.com", "sec.gov"]


def told(data: bytes, url: str = "") -> str:
    return read_document(data, FeedInfo(name="f", source="s", url=url), 10**18).dialect


def rss(channel: str, item: str) -> bytes:
    return (
        f'<rss version="2.0"><channel><title>c</title><link>https://{channel}/</link>'
        f"<item><title>t</title><link>https://{item}/1</link></item></channel></rss>"
    ).encode()


@pytest.mark.parametrize("wire", WIRES)
def test_a_feed_that_links_to_a_wire_is_not_the_wire(wire: str) -> None:
    assert told(rss("blog.example.com", f"www.{wire}")) == "rss"


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("https://feed.businesswire.com/rss/home/?rss=x", "businesswire"),
        ("https://www.prnewswire.com/rss/news-releases-list.rss", "prnewswire"),
        ("https://evilprnewswire.com/rss", "rss"),
        ("https://example.com/?u=prnewswire.com", "rss"),
        ("https://prnewswire.com@example.com/", "rss"),
        ("https://prnewswire.com.example.com/", "rss"),
        ("/recorded/prnewswire.com/a.xml", "rss"),
        ("https://feeds.finance.yahoo.com/rss/2.0/headline?s=BABA", "yahoo"),
    ],
)
def test_the_address_tells_a_wire_by_its_host(url: str, dialect: str) -> None:
    assert told(rss("blog.example.com", "blog.example.com"), url) == dialect


def test_a_broken_address_is_of_no_host() -> None:
    for url in ("", "https://", "https://[", "//x", "https://\x00", "a" * 10_000):
        assert not host_within(url, "example.com")


def test_another_feed_of_nasdaq_trader_is_no_list_of_halts() -> None:
    data = rss("www.nasdaqtrader.com", "www.nasdaqtrader.com").replace(
        b"<rss", b'<rss xmlns:ndaq="http://www.nasdaqtrader.com/"'
    )
    assert told(data) == "rss"
    assert told(data, "http://www.nasdaqtrader.com/rss.aspx?feed=tradehalts") == "nasdaq_halts"


def test_a_path_that_begins_like_a_category_is_none() -> None:
    assert told(rss("example.com/rss/stocks", "example.com")) == "rss"


def test_an_aggregator_asked_for_a_wire_is_an_aggregator() -> None:
    data = (
        b'<rss version="2.0"><channel><title>site:businesswire.com - Google News</title>'
        b"<link>https://news.google.com/search?q=businesswire.com</link></channel></rss>"
    )
    assert told(data) == "source_suffix"


@pytest.mark.parametrize(
    ("url", "symbols"),
    [
        ("https://feeds.finance.yahoo.com/rss/2.0/headline?s=BABA&region=US", ("BABA",)),
        ("https://x.example.com/?s=BABA,9988.HK,BABA", ("BABA", "9988.HK")),
        ("https://x.example.com/?s=%5EGSPC#top", ("^GSPC",)),
        ("https://x.example.com/?s=A&s=B", ("A", "B")),
        ("https://x.example.com/?s=", ()),
        ("https://x.example.com/?q=s", ()),
        ("", ()),
    ],
)
def test_the_address_tells_the_symbols(url: str, symbols: tuple[str, ...]) -> None:
    assert asked_symbols(url) == symbols


def test_what_is_configured_of_a_feed_is_of_every_item() -> None:
    feed = FeedInfo(name="f", source="s", symbols=("NYSE:BABA",))
    (headline,) = read_document(rss("a.example.com", "a.example.com"), feed, 10**18).headlines
    assert headline.symbols == ("NYSE:BABA",)


def test_a_dialect_that_is_not_known_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="no dialect is called klingon"):
        read_document(b"", FeedInfo(name="f", source="s", dialect="klingon"), None)


@pytest.mark.parametrize(
    ("feed", "tier"),
    [
        ({}, "unknown"),  # anybody can write that he quotes the SEC
        ({"tier": "aggregator"}, "regulator"),
        ({"dialect": "source_suffix"}, "regulator"),
    ],
)
def test_a_quoted_publisher_is_trusted_only_where_the_feed_is(
    feed: dict[str, str], tier: str
) -> None:
    data = (
        b'<rss version="2.0"><channel><title>c</title><item><title>Acme fined - SEC</title>'
        b'<source url="https://www.sec.gov">SEC</source></item></channel></rss>'
    )
    (headline,) = read_document(data, FeedInfo(name="f", source="s", **feed), 10**18).headlines
    assert (headline.title, headline.source, headline.tier) == ("Acme fined", "SEC", tier)
