"""Documents of the dialects that are not RSS, wrong in every place: always headlines or rejects."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.news.dialects import hkex, json_feed, newsml, ninjs
from streams.news.dialects.registry import read_document
from streams.news.dialects.xml_tree import MAX_DEPTH, MAX_ELEMENTS
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.item import MAX_SYMBOLS
from streams.times import parse_time

FEEDS = Path(__file__).resolve().parents[2] / "feeds"
FEED = FeedInfo(name="f", source="s", tier="wire")
NOON_NS = parse_time("2026-07-16T12:00:00Z")
REASONS = {
    "undecodable", "not_a_feed", "empty_feed", "too_large", "no_title", "no_time", "past", "future",
    "withheld", "embargoed", "test_item", "bad_time",
}  # fmt: skip
DIALECTS = {"hkex": hkex, "json_feed": json_feed, "ninjs": ninjs, "newsml": newsml}
GOOD = {
    "hkex": json.loads((FEEDS / "hkex/english_two_counters.json").read_bytes()),
    "json_feed": json.loads((FEEDS / "json_feed/version_1_1.json").read_bytes()),
    "ninjs": json.loads((FEEDS / "ninjs/version_2_list.json").read_bytes()),
}
XML = [path.read_bytes() for path in sorted((FEEDS / "newsml").glob("*.xml"))]

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**300), 10**300)
    | st.floats()
    | st.text()
    | st.sampled_from(["2026-07-16T12:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01", "1e999"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every value within a document."""
    if isinstance(value, dict):
        inner = list(value.items())
    else:
        inner = list(enumerate(value)) if isinstance(value, list) else []
    return [path, *(each for key, below in inner for each in places(below, (*path, key)))]


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def check(parsed: ParsedFeed) -> None:
    assert parsed.headlines or parsed.rejects
    assert {reject.reason for reject in parsed.rejects} <= REASONS
    assert msgspec.json.decode(msgspec.json.encode(parsed), type=ParsedFeed) == parsed


@pytest.mark.parametrize("name", GOOD)
@given(data=st.data())
def test_a_wrong_value_anywhere_is_no_more_than_a_reject(name: str, data: st.DataObject) -> None:
    document = GOOD[name]
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document)))
        document = with_value(document, path, data.draw(anything))
    written = json.dumps(document).encode()  # with NaN and Infinity, which JSON has not
    for received_ns in (None, NOON_NS):
        check(DIALECTS[name].read(written, FEED, received_ns))
        check(read_document(written, FEED, received_ns))


@pytest.mark.parametrize("name", DIALECTS)
@given(data=st.binary(max_size=300) | anything.map(lambda value: json.dumps(value).encode()))
def test_anything_at_all_is_read_or_rejected(name: str, data: bytes) -> None:
    check(DIALECTS[name].read(data, FEED, NOON_NS))


@given(data=st.data())
def test_xml_with_bytes_changed_is_read_or_rejected(data: st.DataObject) -> None:
    document = bytearray(data.draw(st.sampled_from(XML)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(document) - 1))
        end = start + data.draw(st.integers(0, 30))
        document[start:end] = data.draw(
            st.binary(max_size=6) | st.just(bytes(document[end : end + 40]))
        )
    for received_ns in (None, NOON_NS):
        check(newsml.read(bytes(document), FEED, received_ns))
        check(read_document(bytes(document), FEED, received_ns))


@given(values=st.lists(st.text(max_size=40), min_size=6, max_size=6))
def test_xml_with_any_values_is_read_or_rejected(values: list[str]) -> None:
    guid, version, made, status, embargo, symbol = (
        value.replace("&", "").replace("<", "").replace('"', "") for value in values
    )
    document = (
        f'<newsItem guid="{guid}" version="{version}"><itemMeta><versionCreated>{made}'
        f'</versionCreated><pubStatus qcode="{status}"/><embargoed>{embargo}</embargoed></itemMeta>'
        f'<contentMeta><headline>{guid}{made}</headline></contentMeta><hasInstrument symbol="{symbol}"/>'
        "</newsItem>"
    )
    check(newsml.read(document.encode("utf-8", "surrogatepass"), FEED, NOON_NS))


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[" * 1_000_000,
        b'{"items":' * 100_000,
        b"9" * 1_000_000,
        b'{"newsInfoLst":[' + b"9" * 5_000 + b"]}",
        b'{"uri":1e999}',
        b'{"uri":"\xff\xfe"}',
        b'{"uri":"\\ud800"}',
        b'{"uri":NaN}',
        b"\xef\xbb\xbf",
        b"<a>" * 1_000_000,
        b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1),
        b'<?xml version="1.0" encoding="utf-7"?><newsItem/>',
        b'<?xml version="1.0" encoding="rot13"?><newsItem/>',
        b'<?xml version="1.0" encoding="gb18030"?><newsItem>\xff\xff</newsItem>',
        b'<!DOCTYPE newsItem SYSTEM "http://127.0.0.1:9/x.dtd"><newsItem>&nope;</newsItem>',
        b'<!DOCTYPE n [<!ENTITY % p SYSTEM "file:///etc/hostname">%p;]><newsItem/>',
        b"<n:newsItem/>",
    ],
    ids=range(18),
)  # fmt: skip
def test_hostile_documents_are_rejected(name: str, data: bytes) -> None:
    parsed = DIALECTS[name].read(data, FEED, NOON_NS)
    check(parsed)
    if name != "newsml":
        assert parsed.headlines == ()


def test_a_document_of_too_many_elements_is_rejected() -> None:
    document = b"<newsItem>" + b"<a/>" * MAX_ELEMENTS + b"</newsItem>"
    assert [each.reason for each in newsml.read(document, FEED, None).rejects] == ["too_large"]


def test_an_entity_of_an_external_dtd_is_read_as_in_html() -> None:
    document = (
        b'<!DOCTYPE newsItem SYSTEM "http://127.0.0.1:9/x.dtd"><newsItem guid="g"><itemMeta>'
        b"<versionCreated>2026-07-16T12:00:00Z</versionCreated></itemMeta>"
        b"<contentMeta><headline>Caf&eacute; S&amp;P &nope;</headline></contentMeta></newsItem>"
    )
    assert newsml.read(document, FEED, None).headlines[0].title == "Caf\u00e9 S&P &nope;"


def test_a_line_that_cannot_be_read_leaves_the_others() -> None:
    good = b'{"uri": "u", "headline": "Good", "versioncreated": "2026-07-16T12:00:00Z"}'
    parsed = ninjs.read(b"\n".join((good, b'{"uri": ', b"42", b"", good)), FEED, NOON_NS)
    assert [headline.title for headline in parsed.headlines] == ["Good", "Good"]
    assert [(each.reason, each.detail[:11]) for each in parsed.rejects] == [
        ("undecodable", "f: item 2: "),
        ("undecodable", "f: item 3: "),
    ]


@pytest.mark.parametrize("name", ["hkex", "json_feed", "ninjs"])
def test_an_item_that_is_no_object_is_a_reject(name: str) -> None:
    document = copy.deepcopy(GOOD[name])
    next(value for value in document.values() if isinstance(value, list)).insert(0, "x")
    parsed = DIALECTS[name].read(json.dumps(document).encode(), FEED, NOON_NS)
    assert parsed.headlines
    assert parsed.rejects[0].detail == "f: item 1: an item that is str, no object"


def test_an_item_has_no_more_symbols_than_travel_well() -> None:
    stocks = [{"sc": f"{number:05}"} for number in range(1, 10_000)]
    item = {"newsId": 1, "title": "t", "relTime": "16/07/2026 08:13", "stock": stocks}
    document = json.dumps({"newsInfoLst": [item]}).encode()
    assert len(hkex.read(document, FEED, NOON_NS).headlines[0].symbols) == MAX_SYMBOLS
