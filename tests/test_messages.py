"""Records as Kafka messages: what comes back, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from streams.bounds import HIGHEST_PRICE
from streams.codec import encode
from streams.errors import CodecError, RecordError
from streams.events import Clock, Flag, Headline, Status, TickFrame
from streams.messages import SingleTick, from_message, market_record, to_message

TICK = {"listing": "BABA.XNYS", "price": 178.25, "ts_ns": 1_758_722_400_000_000_000}


def frame() -> TickFrame:
    return SingleTick(listing="9988.XHKG", price=164.2, ts_ns=5, size=7, exchange="H").frame()


@pytest.mark.parametrize(
    "record",
    [Clock(ts_ns=5, final=True), Status(listing="A.XNYS", ts_ns=1, action="halt"), frame()],
)
def test_a_record_comes_back(record: Any) -> None:
    message = to_message(record)
    assert encode(market_record(*message)) == encode(record)
    assert dict(message.headers) == {"type": type(record).__name__.encode(), "schema": b"1"}


def test_the_value_of_all_but_frames_is_json() -> None:
    assert json.loads(to_message(Clock(ts_ns=5)).value) == {"ts_ns": 5, "final": False}


def test_a_single_tick_is_a_frame_of_one_row() -> None:
    record = market_record(json.dumps({**TICK, "size": 100, "venue": "extra"}).encode(), None)
    assert isinstance(record, TickFrame)
    assert (record.run, record.listings) == ("", ("BABA.XNYS",))
    assert (record.price.tolist(), record.size.tolist()) == ([178_250_000], [100])
    assert record.ts_ns.tolist() == [TICK["ts_ns"]]
    assert np.array_equal(record.exchange, [0])


def test_a_foreign_headline_is_json() -> None:
    fields = {"headline_id": "h", "source": "s", "source_key": "k", "title": "t", "published_ns": 1}
    value = json.dumps({**fields, "event_ns": 1, "known_ns": 1}).encode()
    assert isinstance(from_message(value, (), Headline), Headline)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (None, None),
        (b"", None),
        (b"\xff\xfe", None),
        (b"{}", None),
        (b"[1]", []),
        (json.dumps({**TICK, "price": "free"}).encode(), None),
        (json.dumps({**TICK, "ts_ns": 2**70}).encode(), None),
        (json.dumps({**TICK, "size": 2**63}).encode(), None),
        (b'{"ts_ns":1}', [("type", b"Clock")]),
        (b'{"ts_ns":1}', [("type", b"Clock"), ("schema", b"9")]),
        (b'{"ts_ns":1}', [("type", b"Clock"), ("schema", b"x")]),
        (b'{"ts_ns":1}', [("type", b"Klock"), ("schema", b"1")]),
        (b'{"ts_ns":1}', [("type", b"TickFrame"), ("schema", b"1")]),
    ],
)
def test_what_is_no_record_is_a_codec_error(value: Any, headers: Any) -> None:
    with pytest.raises(CodecError):
        market_record(value, headers)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"price": 1e300}, "bad_price"),
        ({"price": 5e12}, "bad_price"),  # 2^62 millionths and more
        ({"price": 1e9 + 0.01}, "bad_price"),
        ({"price": 0}, "bad_price"),
        ({"price": -1}, "bad_price"),
        ({"price": 1e-9}, "bad_price"),
        ({"size": -1}, "bad_size"),
        ({"size": 10**12 + 1}, "bad_size"),
        ({"size": 2**63 - 1}, "bad_size"),
        ({"flags": 2**40}, "bad_flags"),
        ({"flags": int(Flag.point)}, "bad_flags"),
        ({"flags": int(Flag.bar | Flag.extended)}, "bad_flags"),
    ],
)
def test_a_tick_that_nobody_may_send_is_refused_by_name(fields: Any, reason: str) -> None:
    with pytest.raises(RecordError) as refused:
        market_record(json.dumps({**TICK, **fields}).encode(), None)
    assert refused.value.reason == reason


@pytest.mark.parametrize("fields", [{"price": 1e9}, {"price": 1e-6}, {"size": 10**12}])
def test_a_tick_at_the_bounds_is_taken(fields: Any) -> None:
    record = market_record(json.dumps({**TICK, **fields}).encode(), None)
    assert isinstance(record, TickFrame)
    assert 0 < record.price[0] <= HIGHEST_PRICE
