"""A line is a headline, a tick or a reject with its number, however the bytes are cut."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.json_lines import MOST_LINE_BYTES, LineItem, LineReader
from streams.events import Headline, Reject
from streams.prices.live import Tick

NOW_NS = 1_758_720_600_000_000_000

HEADLINE = b'{"title": "Alibaba lifts its AI budget", "id": 42, "source": "reuters.com"}'
TICK = b'{"listing": "BABA.XNYS", "price": 178.25, "ts_ns": 1758720600000000000, "size": 100}'


def read(*pieces: bytes) -> list[LineItem]:
    reader = LineReader("stdin")
    items = [item for piece in pieces for item in reader.feed(piece, NOW_NS)]
    return [*items, *reader.end(NOW_NS)]


def test_a_headline_is_received_now() -> None:
    (item,) = read(HEADLINE.replace(b"}", b', "received": 5, "published": "2025-09-24T13:29Z"}\n'))
    assert isinstance(item, Headline)
    assert (item.received_ns, item.known_ns) == (NOW_NS, NOW_NS)
    assert (item.published_ns, item.precision_s) == (NOW_NS - 60 * 10**9, 60)
    assert (item.source, item.source_key, item.feed) == ("reuters.com", "42", "stdin")
    assert item.tier == "wire"


def test_a_tick_is_in_millionths() -> None:
    assert read(TICK) == [Tick("BABA.XNYS", NOW_NS, 178_250_000, 100)]
    more = TICK.replace(b"}", b', "exchange": "N", "flags": 256, "vendor": [1]}')
    assert read(more) == [Tick("BABA.XNYS", NOW_NS, 178_250_000, 100, 256, "N")]


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b"nope", "undecodable", "stdin:3: no JSON object: JSON is malformed"),
        (b"[1]", "undecodable", "stdin:3: no JSON object: Expected `object`, got `array`"),
        (b"\xff\xfe", "undecodable", "stdin:3: no JSON object"),
        (b"[" * 5000, "undecodable", "stdin:3: no JSON object"),
        (b"{}", "unknown_line", "stdin:3: neither title (a headline) nor price (a tick)"),
        (b'{"title": null}', "no_title", "stdin:3: nothing is left of the title"),
        (b'{"title": "\\ud800"}', "undecodable", "stdin:3: "),
        (b'{"price": "5", "listing": "A", "ts_ns": 1}', "undecodable", "Expected `float`"),
        (b'{"price": 5}', "undecodable", "missing required field `listing`"),
        (b'{"price": 1e300, "listing": "A", "ts_ns": 1}', "bad_price", "is not above 0"),
        (b'{"price": 5e12, "listing": "A", "ts_ns": 1}', "bad_price", "at most 1,000,000,000"),
        (b'{"price": 1, "listing": "A", "ts_ns": 1, "size": -1}', "bad_size", "size -1"),
        (b'{"price": 1, "listing": "A", "ts_ns": 1, "flags": 2}', "bad_flags", "not for a tick"),
        (b'{"price": 1, "listing": "A", "ts_ns": 99999999999999999999}', "undecodable", "64 bits"),
        (
            b'{"price": 1, "listing": "A", "ts_ns": 1, "flags": 4294967296}',
            "bad_flags",
            "not fit",
        ),
    ],
)
def test_anything_else_is_rejected_with_its_line(line: bytes, reason: str, detail: str) -> None:
    tick, item, after = read(b"\n" + TICK + b"\n" + line + b"\n" + TICK)
    assert isinstance(item, Reject)
    assert (item.stage, item.reason, item.ts_ns) == ("read", reason, NOW_NS)
    assert detail in item.detail
    assert item.record == line[:2000].decode("utf-8", "replace")
    assert tick == after


def test_an_endless_line_is_one_reject_and_costs_no_memory() -> None:
    reader = LineReader("stdin")
    pieces = [b"x" * 65_536] * 64
    found = [item for piece in pieces for item in reader.feed(piece, NOW_NS)]
    assert [item.reason for item in found if isinstance(item, Reject)] == ["too_long"]
    assert len(reader._rest) <= MOST_LINE_BYTES
    after = [*reader.feed(b"xx\n" + TICK + b"\nz\n", NOW_NS)]
    assert isinstance(after[0], Tick)
    assert isinstance(after[1], Reject)
    assert after[1].detail.startswith("stdin:3: ")


@given(
    lines=st.lists(st.sampled_from([HEADLINE, TICK, b"{}", b"", b" ", b"nope"])),
    cuts=st.lists(st.integers(0, 400)),
    ended=st.booleans(),
)
def test_how_the_bytes_are_cut_does_not_matter(
    lines: list[bytes], cuts: list[int], ended: bool
) -> None:
    data = b"\n".join(lines) + b"\n" * ended
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]
    whole = [item for line in lines if line.strip() for item in read(line)]
    plain = [
        msgspec.structs.replace(x, detail=x.detail.partition(": ")[2])
        if isinstance(x, Reject)
        else x
        for x in (*whole, *read(*pieces))
    ]
    assert plain[: len(whole)] == plain[len(whole) :]


def test_a_byte_order_mark_before_the_first_line_is_no_part_of_it() -> None:
    line = b'{"listing": "BABA.XNYS", "price": 178.25, "ts_ns": 1758720600000000000}\n'
    (first, second) = LineReader("stdin").feed(b"\xef\xbb\xbf" + line + line, NOW_NS)
    assert isinstance(first, Tick)
    assert first == second
