"""One request: its document whatever its coding, or its failure by name; bounded in memory and time."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import random
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import FetchError
from streams.http.body import MAX_BYTES, Limits, read_body
from streams.http.fetch import Fetched, Fetcher, agent_name
from streams.http.options import HttpOptions
from tests.http import misbehaving as bad
from tests.news.polling.polling import QUICK, fetched_from, in_loop

DOCUMENT = bad.rss(*(f"item {n}" for n in range(200)))


def zipped(data: bytes) -> bytes:
    """Return the same bytes at any time: they name a test on each of its processes."""
    return gzip.compress(data, mtime=0)


MEMORY_BYTES = 30_000_000  # six times the limit of a body


async def got(answer: bad.Answer, limits: Limits = QUICK) -> Fetched:
    async with bad.serving() as server:
        server.answers["/feed"] = answer
        return await fetched_from(server.url(), limits)


def br(data: bytes) -> bytes:
    return bytes(cramjam.brotli.compress(data))


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


# -- codings


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        (None, DOCUMENT),
        ("identity", DOCUMENT),
        ("utf-8", DOCUMENT),  # a charset in the wrong place
        ("gzip", zipped(DOCUMENT)),
        ("x-gzip", zipped(DOCUMENT)),
        ("GZIP, ", zipped(DOCUMENT)),
        ("gzip", zipped(DOCUMENT[:99]) + zipped(DOCUMENT[99:])),
        ("gzip", zipped(DOCUMENT) + bytes(512)),  # padded
        ("gzip", DOCUMENT),  # says so and is not
        (None, zipped(DOCUMENT)),  # is and does not say so
        ("deflate", zlib.compress(DOCUMENT)),
        ("deflate", raw_deflate(DOCUMENT)),
        ("br", br(DOCUMENT)),
        ("br", br(b"")),
    ],
)
@in_loop
async def test_a_body_is_decoded(encoding: str | None, sent: bytes) -> None:
    headers = {"Content_Encoding": encoding} if encoding else {}
    fetched = await got(bad.document(sent, **headers))
    assert (fetched.reason, fetched.detail) == ("", "")
    assert fetched.body == (b"" if sent == br(b"") else DOCUMENT)


@pytest.mark.parametrize(
    ("encoding", "sent", "reason"),
    [
        ("gzip", zipped(DOCUMENT)[:-1], "truncated"),
        ("gzip", zipped(DOCUMENT)[:20], "truncated"),
        ("gzip", zipped(DOCUMENT)[:-8] + bytes(8), "bad_encoding"),  # its checksum
        ("deflate", zlib.compress(DOCUMENT)[:-1], "truncated"),
        ("deflate", raw_deflate(DOCUMENT)[:-1], "truncated"),
        ("br", br(DOCUMENT)[:-1], "bad_encoding"),
        ("br", DOCUMENT, "bad_encoding"),
        ("deflate", DOCUMENT, "bad_encoding"),
        ("zstd", DOCUMENT, "bad_encoding"),
        ("gzip, br", DOCUMENT, "bad_encoding"),
        ("gzip", gzip.compress(b"") * 101, "bomb"),
    ],
)
@in_loop
async def test_a_body_that_cannot_be_decoded_is_none(
    encoding: str, sent: bytes, reason: str
) -> None:
    fetched = await got(bad.document(sent, Content_Encoding=encoding))
    assert (fetched.reason, fetched.body) == (reason, None)


@pytest.mark.parametrize("charset", ["utf-16", "nonsense", "\xff"])
@in_loop
async def test_a_wrong_charset_changes_nothing(charset: str) -> None:
    fetched = await got(bad.document(DOCUMENT, Content_Type=f"text/xml; charset={charset}"))
    assert fetched.body == DOCUMENT


# -- sizes


@in_loop
async def test_a_document_of_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    noise = random.Random(1).randbytes(100_000)
    limits = Limits(max_bytes=100_000)
    for encode, name in ((gzip.compress, "gzip"), (br, "br"), (bytes, "identity")):
        fits = await got(bad.document(encode(noise), Content_Encoding=name), limits)
        over = bad.document(encode(noise + b"x"), Content_Encoding=name, Content_Length=None)
        assert fits.body == noise
        assert (await got(over, limits)).reason == "too_large"


@in_loop
async def test_a_length_that_is_too_large_is_not_waited_for() -> None:
    head = bad.response(200, b"<rss", Content_Length=10**12)
    assert (await got(bad.dripping(head, b" ", 0.01))).reason == "too_large"


@in_loop
async def test_a_body_without_an_end_is_left_at_the_limit() -> None:
    head = bad.response(200, b"<rss>", Content_Length=None)
    fetched = await got(bad.dripping(head, b"x" * 50_000, 0.0), Limits())
    assert fetched.reason == "too_large"


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    return {
        "gzip": bad.bomb(),
        "br": br(bytes(50_000_000)),
        "gzip twice": gzip.compress(bad.bomb()),
    }


@pytest.mark.parametrize("name", ["gzip", "br", "gzip twice"])
def test_a_bomb_does_not_go_off(name: str, bombs: dict[str, bytes]) -> None:
    answer = bad.document(bombs[name], Content_Encoding=name.split(maxsplit=1)[0])
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    fetched = asyncio.run(got(answer))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fetched.body is None or fetched.body == bad.bomb()  # once is a file of a megabyte
    assert fetched.reason == ("" if name == "gzip twice" else "bomb")
    assert peak - before < MEMORY_BYTES


@in_loop
async def test_a_header_without_an_end_is_left() -> None:
    fetched = await got(bad.dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 9_000, 0.0))
    assert fetched.reason == "bad_http"


# -- never raises


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "deflate", "br", "x, y", "zstd"]))
def test_any_bytes_are_a_body_or_a_named_failure(data: bytes, encoding: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for n in range(0, len(data), 7):
            yield data[n : n + 7]

    body, reason = b"", ""
    try:
        body = asyncio.run(read_body(chunks(), encoding, Limits(), lambda: 0.0))
    except FetchError as error:
        reason = error.reason
    assert reason in {"", "truncated", "bad_encoding", "bomb", "too_large"}
    assert len(body) <= MAX_BYTES


@pytest.mark.parametrize("seed", range(20))
@in_loop
async def test_any_bytes_are_a_response_or_a_named_failure(seed: int) -> None:
    chance = random.Random(seed)
    response = bytearray(bad.response(200, bz2.compress(DOCUMENT)[:40], ETag='"x"', Age=3))
    for _ in range(chance.randrange(1, 12)):
        response[chance.randrange(len(response))] = chance.randrange(256)
    fetched = await got(bad.raw(bytes(response)))
    assert fetched.reason or fetched.body is not None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://127.0.0.1/", "bad_url"),
        ("http://", "bad_url"),
        ("127.0.0.1/feed", "bad_url"),
        ("http://127.0.0.1:99999/", "bad_url"),
        ("http://a..b/", "bad_url"),
        (f"http://\u2603{'a' * 70}.com/", "bad_url"),
        ("", "bad_url"),
        ("http://127.0.0.1:1/feed", "connect"),
        ("http://nobody.invalid/feed", "dns"),
    ],
)
@in_loop
async def test_a_url_that_leads_nowhere_is_named(url: str, reason: str) -> None:
    async with Fetcher(HttpOptions(user_agent="x"), limits=QUICK) as fetcher:
        fetched = await fetcher.fetch(url)
    assert (fetched.reason, fetched.status, fetched.body) == (reason, 0, None)


def test_the_name_we_give_says_who_to_write_to() -> None:
    name, _, contact = agent_name("mailto:me@example.org").partition(" ")
    assert name.startswith("newsquake/")
    assert contact == "(+mailto:me@example.org)"
    assert agent_name("a\r\nX: y(\u2603)").endswith(" (+aX: y)")
    assert "(" not in agent_name()
