"""parse_feed on hostile and on real documents: never a crash, never a silent loss."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.news.dialects import rss
from streams.news.dialects.rss import FeedInfo, ParsedFeed, parse_feed

FEED = FeedInfo(name="f", source="s", tier="wire")
NOON_NS = 1_758_715_200_000_000_000
REASONS = {
    "too_large", "undecodable", "not_a_feed", "empty_feed", "too_many_items", "no_title",
    "no_time", "past", "future",
}  # fmt: skip
ITEM = b"<item><title>t</title><pubDate>Wed, 24 Sep 2025 12:00:00 GMT</pubDate></item>"
FRAGMENTS = [
    b"<rss version='2.0'>", b"<channel>", b"<item>", b"</item>", b"<feed>", b"<entry>", b"</entry>",
    b"<title>", b"</title>", b"<guid>", b"<link>", b"<pubDate>", b"&#xD800;", b"&#99999999;",
    b"<width>", b"</width>", b"<![CDATA[", b"]]>", b"<!DOCTYPE x [", b"<!ENTITY a 'b'>", b"&a;",
    b"<?xml version='1.0' encoding='\xff'?>", b"<?xml version='1.0' encoding='a\x00b'?>",
    b"<?xml version='1.0' encoding='punycode'?>", b"\xff\xfe", b"<gml:pos srsDimension='x'>",
]  # fmt: skip


def reasons(parsed: ParsedFeed) -> list[str]:
    return [reject.reason for reject in parsed.rejects]


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=8), max_size=30).map(b"".join)
)
def test_no_bytes_crash_it_and_something_is_always_said(data: bytes) -> None:
    parsed = parse_feed(data, FEED, NOON_NS)
    assert parsed.headlines or parsed.rejects
    assert set(reasons(parsed)) <= REASONS
    for reject in parsed.rejects:
        (reject.record + reject.detail).encode()


@pytest.mark.parametrize(
    "document",
    [
        b"<?xml version='1.0' encoding='\xff'?><rss version='2.0'>" + ITEM,
        b"<?xml version='1.0' encoding='a\x00b'?><rss version='2.0'>" + ITEM,
        b"<?xml version='1.0' encoding='punycode'?><rss version='2.0'>" + ITEM,
        b"<rss version='2.0'>" + ITEM + b"<broken>&#xD800;",
    ],
    ids=["byte", "nul", "codec", "surrogate"],
)
def test_what_stops_feedparser_is_mended_once(document: bytes) -> None:
    parsed = parse_feed(document, FEED, NOON_NS)
    assert [headline.title for headline in parsed.headlines] == ["t"]
    assert parsed.problems


def test_a_document_that_cannot_be_mended_is_undecodable() -> None:
    parsed = parse_feed(b"<rss version='2.0'><channel>" + ITEM + b"</width>", FEED, NOON_NS)
    if not parsed.headlines:  # should feedparser learn to read it, so much the better
        assert reasons(parsed) == ["undecodable"]


def test_a_document_beyond_the_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rss, "MAX_BYTES", 100)
    assert reasons(parse_feed(ITEM * 2, FEED, NOON_NS)) == ["too_large"]


def test_items_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rss, "MAX_ITEMS", 3)
    parsed = parse_feed(b"<rss version='2.0'>" + ITEM * 5, FEED, NOON_NS)
    assert len(parsed.headlines) == 3
    assert reasons(parsed) == ["too_many_items"]


def test_no_file_is_opened_for_a_document_that_is_a_path(tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_bytes(b"<rss version='2.0'>" + ITEM)
    assert reasons(parse_feed(str(feed).encode(), FEED, NOON_NS)) == ["not_a_feed"]


def test_deep_nesting_is_survived_or_refused_by_name() -> None:
    data = b"<rss version='2.0'><channel>" + b"<a>" * 900 + ITEM
    assert len(parse_feed(data, FEED, NOON_NS).headlines) == 1
    data = b"<rss version='2.0'><channel>" + b"<a>" * 20_000 + ITEM
    (reject,) = parse_feed(data, FEED, NOON_NS).rejects
    assert (reject.reason, reject.detail) == ("undecodable", "f: elements nested deeper than 1000")


def test_the_declared_precision_wins_over_the_stamp() -> None:
    minute = FeedInfo(name="f", source="s", precision_s=60)
    (headline,) = parse_feed(b"<rss version='2.0'>" + ITEM, minute, None).headlines
    assert headline.precision_s == 60
    assert headline.known_ns == headline.event_ns + 60 * 10**9
