"""Documents of RSS and Atom that are refused by their shape, and those that only look so."""

from __future__ import annotations

import time

import pytest

from streams.errors import RecordError
from streams.news.dialects.registry import read_document
from streams.news.dialects.shape import MAX_ATTRIBUTES, MAX_DEPTH, check_shape
from streams.news.feed import FeedInfo

FEED = FeedInfo(name="f", source="s")
ITEM = b"<item><guid>1</guid><title>Words %s</title></item>"
RSS = b"%s<rss version='2.0' %s><channel><title>t</title>%s</channel></rss>"
ENTITY = b"<!DOCTYPE rss [<!ENTITY x 'spelled out'>]>"


def wide(number: int, value: bytes = b'"%d"') -> bytes:
    return b" ".join(b"a%d=%s" % (n, value.replace(b"%d", b"%d" % n)) for n in range(number))


REFUSED = {
    "entity": RSS % (ENTITY, b"", ITEM % b"&x;"),
    "entity in lower case": RSS % (ENTITY.replace(b"ENTITY", b"entity"), b"", ITEM % b"&x;"),
    "entity in UTF-16": (RSS % (ENTITY, b"", ITEM % b"&x;")).decode().encode("utf-16"),
    "entity in UTF-7": b"<?xml version='1.0' encoding='utf-7'?>"
    + ENTITY.replace(b"<", b"+ADw-") + RSS % (b"", b"", ITEM % b"&x;"),
    "entity in EBCDIC": (RSS % (b"<?xml version='1.0'?>" + ENTITY, b"", ITEM % b"&x;")).decode().encode("cp037"),
    "external entity": RSS % (b"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>", b"", ITEM % b"&x;"),
    "entity behind a comment": RSS % (b"<!-- <a> -->" + ENTITY, b"", ITEM % b"&x;"),
    "entity behind an open comment": RSS % (b"<!-- " + ENTITY, b"", ITEM % b"&x;"),
    "entity in Atom": ENTITY + b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><title>&x;</title></entry></feed>",
    "attributes": RSS % (b"", b"", b"<item " + wide(20_000) + b"><title>x</title></item>"),
    "attributes without values": RSS % (b"", b"", b"<item " + b"a " * 20_000 + b"><title>x</title></item>"),
    "attributes with marks in them": RSS % (b"", b"", b"<item " + wide(20_000, b"'<'") + b"/>"),
    "an element of attributes without an end": b"<rss><channel><item " + wide(20_000),
    "namespaces": RSS % (b"", wide(100_000).replace(b"a", b"xmlns:a"), ITEM % b""),
    "depth": b"<rss version='2.0'><channel><item>" + b"<div>" * 500_000,
    "depth that is closed": RSS % (b"", b"", b"<item>" + b"<a>" * 9_000 + b"</a>" * 9_000 + b"</item>"),
    "depth behind closings": RSS % (b"", b"", b"</a>" * 9_000 + b"<a>" * 9_000),
}  # fmt: skip


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_a_document_of_such_a_shape_is_a_reject_and_costs_nothing(data: bytes) -> None:
    began_s = time.process_time()
    parsed = read_document(data, FEED, 10**18)
    assert time.process_time() - began_s < 5, "it was parsed"
    assert not parsed.headlines
    assert [reject.reason for reject in parsed.rejects] == ["undecodable"]


TAKEN = {
    "marks of an entity in CDATA": ITEM % b"<![CDATA[how to write <!ENTITY x 'y'>]]>",
    "marks of an entity in a comment": b"<!-- <!ENTITY x 'y'> -->" + ITEM % b"",
    "many attributes in CDATA": ITEM % (b"<![CDATA[<a " + wide(4_000) + b">]]>"),
    "open elements in CDATA": ITEM % (b"<![CDATA[" + b"<br>" * 4_000 + b"]]>"),
    "open elements in many items": (ITEM % b"<br>x") * 4_000,
    "as many attributes as may be": b"<item " + wide(MAX_ATTRIBUTES) + b"><title>x</title></item>",
    "elements that close themselves": ITEM % (b"x" + b"<br/>" * 4_000),
}  # fmt: skip


@pytest.mark.parametrize("items", TAKEN.values(), ids=TAKEN.keys())
def test_what_is_text_is_no_shape(items: bytes) -> None:
    assert read_document(RSS % (b"", b"", items), FEED, 10**18).headlines


@pytest.mark.parametrize(
    "part",
    [b"<!--", b"<![CDATA[", b"<a ", b"<a b='", b'<a b="', b"<a b=", b"<a<", b"</item", b"<?", b"a "
     b"<!-- <a ", b"<!ENTITY <!--", b"<a b='<a c=\"", b"<div></div>", b"<br/>", b"'\"<a "],
)  # fmt: skip
def test_no_text_makes_a_scan_quadratic(part: bytes) -> None:
    def cost_s(size: int) -> float:
        data = b"<rss>" + part * (size // len(part))
        began_s = time.process_time()
        try:
            check_shape(data)
        except RecordError:
            pass
        return time.process_time() - began_s

    assert cost_s(4_000_000) < 20 * max(cost_s(1_000_000), 0.05)


def test_the_depth_that_is_refused_is_the_one_that_is_said() -> None:
    check_shape(b"<a>" * MAX_DEPTH)
    with pytest.raises(RecordError, match=f"deeper than {MAX_DEPTH}"):
        check_shape(b"<a>" * (MAX_DEPTH + 1))
