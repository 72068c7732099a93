"""Documents that mean harm, in every dialect: inert, cut, counted, and in bounded time.

Each dialect has a document with a place for a title and one for a link. What is done to them is
done to all; the bombs and the external entities are for those that are XML.
"""

from __future__ import annotations

import html
import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.news.dialects.registry import NAMES, read_document
from streams.news.dialects.rss import MAX_BYTES
from streams.news.dialects.tickers import tickers_in
from streams.news.feed import AUTO, FeedInfo, ParsedFeed
from streams.news.item import MAX_SYMBOLS
from streams.text import SUMMARY_CHARS, TITLE_CHARS, URL_CHARS
from tests.limits import limited

NOON_NS = 1_758_715_200_000_000_000
STAMP, ISO = "Wed, 24 Sep 2025 12:00:00 GMT", "2025-09-24T12:00:00Z"
GOOD_LINK = "https://www.example.com/1"
# Of one document of 10 MB on a shared core; a poller's pace is minutes.
LIMIT_S = 40
# What is put into the middle of a document: pieces of others, and what their readers stumble over.
STUFFING = [
    b"</item><item>", b"</entry><entry>", b"<title>", b"</title>", b"<source url='x'>", b"<category>",
    b"<dc:identifier/>", b"<ndaq:HaltDate>1/1/1</ndaq:HaltDate>", b"&#xD800;", b"]]>", b"<![CDATA[",
    b'"', b"\\ud800", b"null", b"{}", b"[[", b"1e999", b",,,,,,,", b"\r\n", b"\x00", b"\xff\xfe",
]  # fmt: skip

Build = Callable[[str, str], str]  # (title, link), both escaped as the format wants it


def rss(channel: str, item: str = "") -> Build:
    def build(title: str, link: str) -> str:
        return (
            f'<rss version="2.0"><channel><title>c</title><link>{channel}</link>'
            f"<item><title>{title}</title><link>{link}</link><description>{title}</description>"
            f'<guid isPermaLink="false">1</guid><pubDate>{STAMP}</pubDate>{item}</item>'
            "</channel></rss>"
        )

    return build


def edgar(title: str, link: str) -> str:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry>'
        f'<title>8-K - {title} (0000000123) (Filer)</title><link href="{link}"/>'
        f"<summary>Item 8.01: {title}</summary><updated>{ISO}</updated>"
        "<id>urn:tag:sec.gov,2008:accession-number=0000000123-25-000001</id></entry></feed>"
    )


def nasdaq_halts(title: str, link: str) -> str:
    return (
        '<rss version="2.0" xmlns:ndaq="http://www.nasdaqtrader.com/"><channel><item>'
        f"<title>{title}</title><link>{link}</link><ndaq:IssueSymbol>ACME</ndaq:IssueSymbol>"
        "<ndaq:HaltDate>09/24/2025</ndaq:HaltDate><ndaq:HaltTime>09:00:00</ndaq:HaltTime>"
        f"<ndaq:Market>NASDAQ</ndaq:Market><ndaq:ReasonCode>{title}</ndaq:ReasonCode>"
        "</item></channel></rss>"
    )


def newsml(title: str, link: str) -> str:
    return (
        f'<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{link}" version="1">'
        f"<itemMeta><versionCreated>{ISO}</versionCreated></itemMeta><contentMeta>"
        f"<headline>{title}</headline><description>{title}</description>"
        "</contentMeta></newsItem>"
    )


def nyse_halts(title: str, _link: str) -> str:
    header = "Halt Date,Halt Time,Symbol,Name,Exchange,Reason,Resume Date,NYSE Resume Time"
    return f'{header}\n2025-09-24,09:00:00,ACME,"{title}",NYSE,"{title}",,\n'


def json_feed(title: str, link: str) -> str:
    return (
        '{"version": "https://jsonfeed.org/version/1.1", "title": "c", "items": [{"id": "1", '
        f'"url": {link}, "title": {title}, "summary": {title}, "date_published": "{ISO}"}}]}}'
    )


def ninjs(title: str, link: str) -> str:
    return (
        f'{{"uri": {link}, "versioncreated": "{ISO}", "headline": {title}, "body_text": {title}}}'
    )


def hkex(title: str, link: str) -> str:
    return (
        '{"newsInfoLst": [{"newsId": 1, "relTime": "24/09/2025 20:00", "stock": [{"sc": "00700"}], '
        f'"title": {title}, "webPath": {link}}}]}}'
    )


XML: dict[str, Build] = {
    "rss": rss("https://feed.example.com/"),
    "globenewswire": rss("https://www.globenewswire.com/"),
    "prnewswire": rss("https://www.prnewswire.com/"),
    "businesswire": rss("https://www.businesswire.com/"),
    "yahoo": rss("https://finance.yahoo.com/"),
    "source_suffix": rss("https://news.google.com/", '<source url="javascript:x">Reuters</source>'),
    "edgar": edgar,
    "nasdaq_halts": nasdaq_halts,
    "newsml": newsml,
}
OTHERS: dict[str, Build] = {
    "nyse_halts": nyse_halts, "json_feed": json_feed, "ninjs": ninjs, "hkex": hkex,
}  # fmt: skip
EVERY = sorted({*XML, *OTHERS})
JSON = {"json_feed", "ninjs", "hkex"}
# Newlines end a row of CSV, and a quote its cell.
CSV_BREAKS = re.compile(r'[\r\n"]')


def document(dialect: str, title: str, link: str = GOOD_LINK) -> bytes:
    """Return a document with a title and a link as its format escapes them."""
    if dialect in JSON:
        text = OTHERS[dialect](json.dumps(title), json.dumps(link))
    elif dialect in XML:
        text = XML[dialect](html.escape(title), html.escape(link))
    else:
        text = OTHERS[dialect](CSV_BREAKS.sub(" ", title), link)
    return text.encode("utf-8", "surrogatepass")


def read(dialect: str, data: bytes) -> ParsedFeed:
    with limited(LIMIT_S, dialect):
        return read_document(data, FeedInfo(name="f", source="s", dialect=dialect), NOON_NS)


def said(parsed: ParsedFeed) -> str:
    """Return every text that could reach a log, an alert or a page."""
    return msgspec.json.encode([parsed.headlines, parsed.statuses, parsed.rejects]).decode()


def test_every_dialect_is_tried() -> None:
    assert set(EVERY) == set(NAMES) - {AUTO}


@pytest.mark.parametrize("dialect", EVERY)
def test_a_harmless_document_is_read_and_known(dialect: str) -> None:
    parsed = read(AUTO, document(dialect, "Acme rises"))
    assert parsed.dialect == dialect
    assert not parsed.rejects
    assert len(parsed.headlines) + len(parsed.statuses) == 1


# -- titles and links


@pytest.mark.parametrize("dialect", EVERY)
@pytest.mark.parametrize(
    "title",
    [
        "Acme <script>alert('x')</script>rises",
        "Acme <ScRiPt src=//x.example.com>alert('x')</sCrIpT >rises",
        "Acme &lt;script&gt;alert('x')&lt;/script&gt;rises",
        "Acme <img src=x onerror=alert('x')>rises",
        "Acme <svg/onload=alert('x')>rises",
        "Acme <!--<script>alert('x')</script>-->rises",
        "Acme <style>alert('x')</style>rises",
        "Acme <iframe srcdoc='alert'>rises",
        "Acme <a href=\"javascript:alert('x')\">rises</a>",
    ],
)
def test_scripts_in_titles_are_gone(dialect: str, title: str) -> None:
    parsed = read(dialect, document(dialect, title))
    assert parsed.headlines or parsed.statuses
    text = said(parsed).lower()
    assert "rises" in text
    for harm in ("<", "alert", "script", "onerror", "onload", "srcdoc"):
        assert harm not in text


@pytest.mark.parametrize("dialect", EVERY)
def test_controls_and_bidi_marks_are_gone(dialect: str) -> None:
    unseen = "\u202e\u202a\u2066\u2069\u200b\u200e\u00ad\ufeff\x7f"
    if dialect not in XML:  # XML itself forbids them
        unseen += "\x00\x01\x07\x1b"
    parsed = read(dialect, document(dialect, f"Ac{unseen}me\x85ri{unseen}ses"))
    text = said(parsed)
    # U+0085 is an end of line: a blank, and no end of a row. feedparser takes it for Windows' "...".
    assert "Acme rises" in text.replace("\u2026", " ")
    for char in (*unseen, "\x85"):
        assert char not in text
        assert json.dumps(char)[1:-1] not in text.lower()


@pytest.mark.parametrize("dialect", sorted({*XML, "json_feed", "ninjs", "hkex"} - {"nasdaq_halts"}))
@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/hostname",
        "https:javascript:alert(1)",
        "//[",
    ],
)
def test_a_link_is_a_web_link_or_none(dialect: str, link: str) -> None:
    (headline,) = read(dialect, document(dialect, "Acme rises", link)).headlines
    assert headline.url in ("", "https://www1.hkexnews.hk//[")


@pytest.mark.parametrize("dialect", EVERY)
def test_what_is_no_text_at_all_is_refused(dialect: str) -> None:
    for data in (b"", b"\x00" * 1_000, b"\xff\xfe\xfa" * 1_000, b"<" * 10_000, b"[" * 100_000):
        parsed = read(dialect, data)
        assert not parsed.headlines
        assert not parsed.statuses
        assert {reject.reason for reject in parsed.rejects} <= {"not_a_feed", "undecodable"}
        assert parsed.rejects


@given(st.data())
def test_no_document_that_was_cut_and_stuffed_raises(data: st.DataObject) -> None:
    dialect = data.draw(st.sampled_from(EVERY))
    whole = document(dialect, "Acme (NYSE: ACME) rises - Reuters")
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    stuffing = data.draw(st.sampled_from(STUFFING) | st.binary(max_size=20))
    damaged = whole[:start] + stuffing + whole[end:]
    for named in (dialect, AUTO):
        parsed = read(named, damaged)
        for text in (said(parsed), parsed.version, *parsed.problems):
            text.encode()


# -- sizes


@pytest.mark.slow
@pytest.mark.parametrize("dialect", EVERY)
@pytest.mark.parametrize("unit", ["A", "<", "&amp;", "<b>", "NYSE: A, ", "Item 8.01: "])
def test_a_title_of_megabytes_is_cut(dialect: str, unit: str) -> None:
    # The document has it twice, and each of `<` and `&` is escaped: 8.4 MB of letters, 1.2 of others.
    chars = 4_200_000 if unit == "A" else 600_000
    parsed = read(dialect, document(dialect, unit * (chars // len(html.escape(unit)))))
    assert len(said(parsed)) < 10_000
    for headline in parsed.headlines:
        assert len(headline.title) <= TITLE_CHARS
        assert len(headline.summary) <= SUMMARY_CHARS
        assert len(headline.url) <= URL_CHARS
        assert len(headline.symbols) <= MAX_SYMBOLS
    assert parsed.headlines or parsed.statuses or parsed.rejects


@pytest.mark.parametrize("dialect", EVERY)
def test_a_document_beyond_the_limit_is_not_read(dialect: str) -> None:
    begin = time.perf_counter()
    parsed = read(dialect, document(dialect, "A" * MAX_BYTES))
    assert [reject.reason for reject in parsed.rejects] == ["too_large"]
    assert not parsed.headlines
    assert time.perf_counter() - begin < 5


def test_a_release_about_everyone_keeps_some_symbols() -> None:
    category = '<category domain="https://www.globenewswire.com/rss/stock">NYSE:A{}</category>'
    many = "".join(category.format(number) for number in range(2_000))
    data = rss("https://www.globenewswire.com/", many)("Acme rises", GOOD_LINK).encode()
    (headline,) = read("globenewswire", data).headlines
    assert len(headline.symbols) == MAX_SYMBOLS


@pytest.mark.parametrize(
    "text",
    [
        "NYSE/" * 600,
        "NYSE, " * 500,
        "NYSE : " * 400,
        "(NYSE: " + "A, " * 900,
        "NYSE: " + "A-B/" * 700,
        "NYSE: 9988 (HKD Counter) and " * 100,
        "nasdaq global select " * 140,
        "NYSE:" + " " * 3_000,
    ],
)
def test_tickers_are_looked_for_in_linear_time(text: str) -> None:
    with limited(2, text[:20]):
        list(tickers_in(text))


# -- entities


def with_doctype(dialect: str, declarations: str, title: str) -> bytes:
    """Return an XML document with a DTD; the title is not escaped, so that it may refer to it."""
    body = XML[dialect](title, GOOD_LINK)
    root = body[1 : re.search(r"[ >]", body).start()]  # type: ignore[union-attr]
    return f'<?xml version="1.0"?><!DOCTYPE {root} {declarations}>{body}'.encode()


LAUGHS = '<!ENTITY l0 "lol">' + "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 13)
)
BOMBS = {
    "billion_laughs": (LAUGHS, "&l12;"),
    "quadratic": (f'<!ENTITY q "{"A" * 100_000}">', "&q;" * 50_000),
    "parameter": (
        '<!ENTITY % a "AAAAAAAAAA"><!ENTITY % b "%a;%a;%a;%a;"><!ENTITY c "%b;%b;%b;">',
        "&c;" * 1_000,
    ),
    "itself": ('<!ENTITY a "&b;&b;"><!ENTITY b "&a;&a;">', "&a;"),
}


@pytest.mark.parametrize("dialect", sorted(XML))
@pytest.mark.parametrize("bomb", BOMBS)
def test_entities_do_not_expand_without_bound(dialect: str, bomb: str) -> None:
    declarations, title = BOMBS[bomb]
    data = with_doctype(dialect, f"[{declarations}]", title)
    begin = time.perf_counter()
    parsed = read(dialect, data)
    assert time.perf_counter() - begin < 10
    assert len(said(parsed)) < 10_000
    assert parsed.rejects or parsed.problems or parsed.headlines or parsed.statuses


@pytest.mark.parametrize("dialect", sorted(XML))
def test_no_external_entity_is_read_or_fetched(dialect: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the-secret-words")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.dtd"
        for declarations, title in (
            (f'[<!ENTITY x SYSTEM "{secret.as_uri()}">]', "Acme &x; rises"),
            (f'[<!ENTITY x SYSTEM "{secret}">]', "Acme &x; rises"),
            (f'[<!ENTITY x SYSTEM "{address}">]', "Acme &x; rises"),
            (f'[<!ENTITY % x SYSTEM "{address}"> %x;]', "Acme rises"),
            (f'SYSTEM "{address}"', "Acme rises"),
            (f'PUBLIC "-//X//Y" "{address}"', "Acme rises"),
        ):
            parsed = read(dialect, with_doctype(dialect, declarations, title))
            assert "the-secret-words" not in said(parsed)
            assert parsed.rejects or parsed.headlines or parsed.statuses
        with pytest.raises(BlockingIOError):
            server.accept()
