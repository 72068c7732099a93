"""One made market for every contender: the same ticks as our log and as JSON.

Every listing trades within a few cents of a price 2.9 % above its previous close, so that a tick
of 51.52 passes the 3 % level without being far from the one before it. Only planned ticks do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import msgspec
import numpy as np

from agents.reacting.config import DailyRow, EngineConfig
from streams.events import (
    I32,
    I64,
    SECOND_NS,
    Clock,
    Flag,
    Listing,
    MarketRecord,
    Mention,
    TickFrame,
)
from streams.messages import Message, to_message
from streams.reference.calendars import calendar_for

MIC = "XNYS"
DAY = 20_355  # 2025-09-24 in days since 1970: regular from 13:30 to 20:00 UTC
START_NS = (DAY * 86_400 + 14 * 3600) * SECOND_NS
TICKS_PER_S = 20_000  # of event time
CLOSE, USUAL, CROSSING = 50_000_000, 51_430_000, 51_520_000  # millionths; 3 % is 51.50
CENT = 10_000
BEFORE_S = 10  # of event time, from the opening trades to the start
OPENING_TRADES = 4  # of each listing before anything else: three release the first far ones
EXCHANGES = ("", *"ABCDEFGH")
BENCHMARK = f"SPY.{MIC}"
POINTS = "points"  # the run that the benchmark's are numbered in
MENTIONS_AT_START = 60  # their session close keeps as many reactions open throughout


class Ticks(NamedTuple):
    """The columns of a stream of ticks; `crossings` are the rows that pass the level, rising."""

    names: tuple[str, ...]
    opening: int  # rows before the start
    listing: I32
    ts_ns: I64
    price: I64
    size: I64
    exchange: I32
    crossings: I64

    def __len__(self) -> int:
        return len(self.listing)


class JsonTick(msgspec.Struct, frozen=True):
    """A tick as the peers read it."""

    symbol: str
    price: float
    size: int
    exchange: str
    ts_ns: int


class Log(NamedTuple):
    """What is put into a topic, and how many ticks there are up to and with each message."""

    keys: list[bytes | None]
    messages: list[Message]
    ticks: list[int]
    crossings: dict[str, int]  # listing -> the message in which it passes the level

    def rate(self, records: int, seconds: float) -> float:
        """Return ticks/s of a reader that took the first records, timed from the first one."""
        return (self.ticks[records - 1] - self.ticks[0]) / seconds


def issuer_of(name: str) -> str:
    return name.partition(".")[0]


def engine_config(names: tuple[str, ...]) -> EngineConfig:
    """Return all that the engine does, for these listings: levels, news, a benchmark."""
    listings = tuple(
        Listing(
            listing=name, issuer=issuer_of(name), symbol=issuer_of(name), mic=MIC, currency="USD"
        )
        for name in (*names, BENCHMARK)
    )
    return EngineConfig(
        listings=listings,
        calendars={MIC: calendar_for(MIC)},
        benchmark=BENCHMARK,
        daily=tuple(DailyRow(listing=x.listing, date=DAY - 1, close=CLOSE) for x in listings),
    )


def make_ticks(count: int, listings: int, every: int) -> Ticks:
    """Return an opening and `count` ticks spread evenly over the listings.

    One in each stretch of `every` passes the level: each time the next listing's, for a level is
    passed once a day. The last one passes it in the opening, as a sign that a worker is at work.
    """
    random = np.random.default_rng(7)
    opening = OPENING_TRADES * listings
    rows = opening + count
    listing = random.integers(0, listings, rows)
    listing[:opening] = np.arange(opening) % listings
    price = USUAL + CENT * random.integers(-3, 4, rows)
    stretches = np.arange(min(count // every, listings - 1))
    crossings = opening + stretches * every + random.integers(0, every, len(stretches))
    listing[crossings], price[crossings] = stretches, CROSSING
    price[opening - 1] = CROSSING
    return Ticks(
        names=tuple(f"L{number:04}.{MIC}" for number in range(listings)),
        opening=opening,
        listing=listing.astype(np.int32),
        ts_ns=times_ns(opening, count),
        price=price,
        size=100 * random.integers(1, 20, rows),
        exchange=(np.arange(rows) % 8 + 1).astype(np.int32),
        crossings=crossings,
    )


def times_ns(opening: int, count: int) -> I64:
    """Return the event times: the opening before the start, the others evenly from then on."""
    step_ns = SECOND_NS // TICKS_PER_S
    before = START_NS - BEFORE_S * SECOND_NS + np.arange(opening) * step_ns
    return np.concatenate((before, START_NS + np.arange(count) * step_ns))


# -- as our log


def our_log(ticks: Ticks, size: int) -> Log:
    """Return the ticks in frames of `size`, with the Clocks, the news and the market's points."""
    keys, messages, upto = [], [], []
    crossings = {}
    at = 0  # of the next crossing
    for record, rows in records(ticks, size):
        keys.append(record.issuer.encode() if isinstance(record, Mention) else None)
        messages.append(to_message(record))
        upto.append(rows)
        while at < len(ticks.crossings) and ticks.crossings[at] < rows:
            crossings[ticks.names[at]] = len(messages) - 1
            at += 1
    return Log(keys, messages, upto, crossings)


def records(ticks: Ticks, size: int) -> Iterator[tuple[MarketRecord, int]]:
    """Yield each record of our log, and how many ticks there are up to and with it."""
    return chain(opening_records(ticks, size), day_records(ticks, size))


def opening_records(ticks: Ticks, size: int) -> Iterator[tuple[MarketRecord, int]]:
    """Yield those of the opening, and news after it, early enough to be open at the start."""
    yield Clock(ts_ns=START_NS - BEFORE_S * SECOND_NS), 0
    for lo in range(0, ticks.opening, size):
        hi = min(lo + size, ticks.opening)
        yield frame(ticks, lo, hi), hi
    for second in range(1 - BEFORE_S, 0):
        yield from ((record, ticks.opening) for record in at_second(second, ticks))


def day_records(ticks: Ticks, size: int) -> Iterator[tuple[MarketRecord, int]]:
    """Yield those from the start on: before the ticks of each second what belongs to it."""
    for lo in range(ticks.opening, len(ticks), size):
        second, within = divmod(lo - ticks.opening, TICKS_PER_S)
        if within == 0:
            yield from ((record, lo) for record in at_second(second, ticks))
        hi = min(lo + size, len(ticks))
        yield frame(ticks, lo, hi), hi


def frame(ticks: Ticks, lo: int, hi: int) -> TickFrame:
    """Return some rows as a frame that names only the listings it holds."""
    present, listing = np.unique(ticks.listing[lo:hi], return_inverse=True)
    return TickFrame(
        run="bench",
        first_seq=lo,
        listings=tuple(ticks.names[number] for number in present.tolist()),
        listing=listing.astype(np.int32),
        ts_ns=ticks.ts_ns[lo:hi],
        price=ticks.price[lo:hi],
        size=ticks.size[lo:hi],
        flags=np.zeros(hi - lo, np.int32),
        exchanges=EXCHANGES,
        exchange=ticks.exchange[lo:hi],
    )


def at_second(second: int, ticks: Ticks) -> Iterator[MarketRecord]:
    """Yield what comes before the ticks of a second: the market's point, the Clock, the news."""
    now_ns = START_NS + second * SECOND_NS
    yield market_point(second, now_ns)
    yield Clock(ts_ns=now_ns)
    early = second == 1 - BEFORE_S
    for number in range(MENTIONS_AT_START) if early else [MENTIONS_AT_START + second + BEFORE_S]:
        yield mention(number, issuer_of(ticks.names[number % len(ticks.names)]), now_ns)


def market_point(second: int, now_ns: int) -> TickFrame:
    return TickFrame(
        run=POINTS,
        first_seq=second + BEFORE_S,
        listings=(BENCHMARK,),
        listing=np.zeros(1, np.int32),
        ts_ns=np.array([now_ns - 1]),
        price=np.array([CLOSE + CENT * (second % 7)]),
        size=np.array([1000]),
        flags=np.full(1, int(Flag.point), np.int32),
    )


def mention(number: int, issuer: str, now_ns: int) -> Mention:
    return Mention(
        headline_id=f"h{number}",
        revision=0,
        issuer=issuer,
        relevance=0.9,
        evidence=(f"exchange:NYSE: {issuer}",),
        vader=0.4,
        direction=0.5,
        scorer="bench",
        event_types=("earnings",),
        story_id=f"s{number}",
        novelty=1.0,
        event_ns=now_ns,
        known_ns=now_ns,
        published_ns=now_ns,
        received_ns=now_ns,
        title=f"{issuer} reports a quarter above what was expected of it",
        source="wire",
        tier="wire",
    )


# -- as anybody's JSON


def json_log(ticks: Ticks) -> Log:
    """Return the same ticks as JSON, one a message, keyed by symbol."""
    names = [issuer_of(name) for name in ticks.names]
    columns = (ticks.listing, ticks.price / 1_000_000, ticks.size, ticks.exchange, ticks.ts_ns)
    encoder = msgspec.json.Encoder()
    keys, messages = [], []
    for number, price, size, place, ts_ns in zip(*(c.tolist() for c in columns), strict=True):
        tick = JsonTick(names[number], price, size, EXCHANGES[place], ts_ns)
        keys.append(names[number].encode())
        messages.append(Message(encoder.encode(tick), ()))
    return Log(keys, messages, list(range(1, len(ticks) + 1)), {})
