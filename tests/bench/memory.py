"""What state weighs, in a snapshot and in memory, and what a frame costs to pack and unpack."""

from __future__ import annotations

import gc
import time
import tracemalloc
from pathlib import Path

import numpy as np

from agents.reacting.config import EngineConfig, Rule
from agents.reacting.engine import Engine
from agents.replay.play.inputs import Inputs, read_inputs
from streams.codec import decode, encode
from streams.events import MINUTE_NS, SECOND_NS, Clock, Listing, TickFrame
from streams.reference.calendars import calendar_for
from tests.bench.replay import SYMBOLS, played_on, regular_mentions, timed, write_folder

LISTINGS = 10_000
MIC = "XNYS"
OPENING_NS = 1_380_893_400 * SECOND_NS  # 2013-10-04 13:30 UTC, a Friday: New York opens
QUIET_MINUTES = 20  # one trade in each, then nothing: a listing that nobody watches
FRAME_ROWS = 1_000
PACKED = 1_000  # times a frame is packed and unpacked


def measure(data: Path, scratch: Path, repeats: int) -> dict[str, float]:
    """Return bytes a listing and microseconds a frame, a Clock and a snapshot."""
    inputs = read_inputs(write_folder(data, scratch / "in"), (Rule(),), lambda _: None)
    return {**idle(LISTINGS), **busy(inputs), **codec(repeats)}


# -- idle listings


def idle(count: int) -> dict[str, float]:
    """Return what `count` listings cost that never traded, and that traded a little today."""
    calendar_for(MIC)  # in memory once, whatever is listed
    tracemalloc.start()
    tiny = Engine(config_of(1))
    shared_bytes = traced_bytes()
    del tiny
    engine = Engine(config_of(count))
    born_bytes = traced_bytes() - shared_bytes
    unborn_bytes = len(engine.snapshot())
    trade_a_little(engine, count)
    grown_bytes = traced_bytes() - shared_bytes
    tracemalloc.stop()
    snapshot_s, _, snapshot = timed(3, engine.snapshot)
    return {
        "untraded_listing_bytes": born_bytes / count,
        "untraded_snapshot_bytes": unborn_bytes / count,
        "quiet_listing_bytes": grown_bytes / count,
        "quiet_snapshot_bytes": len(snapshot) / count,
        "snapshot_ms_10000_listings": snapshot_s * 1e3 * LISTINGS / count,
        "clock_us_10000_listings": clock_s(engine) * 1e6,
    }


def traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def config_of(count: int) -> EngineConfig:
    """Return an engine's configuration with `count` listings, each of an issuer of its own."""
    listings = tuple(
        Listing(listing=f"L{i}.{MIC}", issuer=f"L{i}", symbol=f"L{i}", mic=MIC, currency="USD")
        for i in range(count)
    )
    calendars = {MIC: calendar_for(MIC)}
    return EngineConfig(listings=listings, calendars=calendars, benchmark=f"L0.{MIC}")


def trade_a_little(engine: Engine, count: int) -> None:
    """Send one trade of each listing a minute, with a Clock before each minute's."""
    names = tuple(engine.listings)
    for minute in range(QUIET_MINUTES):
        now_ns = OPENING_NS + minute * MINUTE_NS
        engine.apply(Clock(ts_ns=now_ns))
        engine.apply(
            TickFrame(
                run="bench",
                first_seq=minute * count,
                listings=names,
                listing=np.arange(count, dtype=np.int32),
                ts_ns=np.full(count, now_ns, np.int64),
                price=np.full(count, 50_000_000 + minute * 10_000, np.int64),
                size=np.full(count, 100, np.int64),
                flags=np.zeros(count, np.int32),
            )
        )


def clock_s(engine: Engine) -> float:
    """Return the seconds that one Clock takes when nothing is due."""
    first_ns = engine.clock_ns + SECOND_NS
    began_s = time.perf_counter()
    for second in range(100):
        engine.apply(Clock(ts_ns=first_ns + second * SECOND_NS))
    return (time.perf_counter() - began_s) / 100


# -- busy ones


def busy(inputs: Inputs) -> dict[str, float]:
    """Return a busy listing's part of the snapshot at the end of its week, pruned as in a replay.

    Of four listings, the benchmark's second tape included.
    """
    engine = Engine(inputs.engine)
    played_on(engine, inputs, regular_mentions(inputs.rows.known_ns))
    engine.prune()
    snapshot_s, _, snapshot = timed(3, engine.snapshot)
    return {
        "busy_snapshot_bytes": len(snapshot) / len(SYMBOLS),
        "busy_snapshot_ms": snapshot_s * 1e3 / len(SYMBOLS),
    }


# -- frames


def codec(repeats: int) -> dict[str, float]:
    """Return microseconds to encode and to decode a frame of 1,000 trades."""
    frame = frame_of(FRAME_ROWS)
    data = encode(frame)
    packing_s, _, _ = timed(repeats, lambda: [encode(frame) for _ in range(PACKED)])
    unpacking_s, _, _ = timed(repeats, lambda: [decode(data) for _ in range(PACKED)])
    return {
        "codec_encode_us": packing_s / PACKED * 1e6,
        "codec_decode_us": unpacking_s / PACKED * 1e6,
        "codec_frame_bytes": len(data),
    }


def frame_of(rows: int) -> TickFrame:
    """Return a frame of trades of a hundred listings on ten exchanges."""
    number = np.arange(rows)
    return TickFrame(
        run="bench",
        first_seq=0,
        listings=tuple(f"L{i}.{MIC}" for i in range(100)),
        listing=(number % 100).astype(np.int32),
        ts_ns=OPENING_NS + number * 1_000_000,
        price=50_000_000 + number * 100,
        size=np.full(rows, 100, np.int64),
        flags=np.zeros(rows, np.int32),
        exchanges=("", *"ABCDEFGHIJ"),
        exchange=(number % 10 + 1).astype(np.int32),
    )
