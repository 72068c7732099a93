"""Records in the journal of inputs, as one source or another may have brought them: it must start and go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from streams.codec import Record, encode
from streams.events import DAY_NS, SECOND_NS, Clock, Correction, Flag, Status, TickFrame
from tests.attack.registry import attack, hold
from tests.attack.running import System
from tests.strategies import mention

HIGHEST = 2**63 - 1
STARTS = "a run starts over them, takes in what comes, ends at SIGTERM, and starts again; "


def frame(rows: Sequence[Sequence[int]], listings: tuple[str, ...], **more: Any) -> TickFrame:
    """Return rows of (listing, instant, price, size, flags) as a frame, not numbered."""
    listing, ts_ns, price, size, flags = zip(*rows, strict=True)
    wide = {"ts_ns": ts_ns, "price": price, "size": size}
    columns: dict[str, Any] = {name: np.array(each, np.int64) for name, each in wide.items()}
    columns |= {"listing": np.array(listing, np.int32), "flags": np.array(flags, np.int32)}
    return TickFrame(**{"run": "", "first_seq": 0, "listings": listings, **columns, **more})


def started(base: Path, records: Iterable[Record]) -> System:
    """Let a run find the records, twice."""
    system = System(base)
    system.inject(encode(each) for each in records)
    for _ in range(2):
        with system.run() as run:
            run.up()
            run.answers()
            run.ends()
    return system


@attack(1, STARTS + "a reject names it", limit_s=90)
def row_beyond_int64(base: Path) -> None:
    """A frame's row of 2^62 and one of 2^63 - 1 millionths."""
    now_ns = System(base).now_ns()
    rows = [(0, now_ns + n, price, 1, 0) for n, price in enumerate((2**62, HIGHEST))]
    system = started(base, [Clock(ts_ns=now_ns), frame(rows, ("JD.XNAS",))])
    hold(system.reasons() & {"bad_price", "engine_fault"}, "no reject names it")


@attack(1, STARTS + "rejects name them", limit_s=90)
def bars_at_the_edges(base: Path) -> None:
    """Bars whose prices, sizes and beginnings lie at both ends of int64."""
    now_ns = System(base).now_ns()
    edges = (HIGHEST, -HIGHEST - 1, 2**62, 0, -1, 1)
    rows = [(0, now_ns + n, edge, edge, 1) for n, edge in enumerate(edges)]
    column = np.array(edges, np.int64)
    bars = [
        frame(rows, ("JD.XNAS",), open=column, high=column, low=column, start_ns=start)
        for start in (column, np.full(len(edges), now_ns, np.int64))
    ]
    started(base, [Clock(ts_ns=now_ns), *bars])


@attack(2, STARTS + "the point is refused", limit_s=90)
def points_of_no_price(base: Path) -> None:
    """Points of the benchmark at 0, below 0 and at 2^63 - 1, then a rise that is measured against it."""
    now_ns = System(base).now_ns()
    prices = (0, -1, HIGHEST)
    rows = [(0, now_ns - (9 - n) * SECOND_NS, p, 1, 2) for n, p in enumerate(prices)]
    points = frame(rows, ("SPY.XNYS",))
    news = mention("a", "BABA", now_ns - 5 * SECOND_NS)
    trades = [(0, now_ns + n, 110_000_000 + n, 9, 0) for n in range(4)]
    places = {"exchanges": ("", "N", "P", "Q", "Z"), "exchange": np.array([1, 2, 3, 4], np.int32)}
    system = started(
        base, [Clock(ts_ns=now_ns), points, news, frame(trades, ("BABA.XNYS",), **places)]
    )
    hold(system.alerts(), "a rise of 10 % raises no alert")


def _trade(now_ns: int, price: int = 100_000_000) -> TickFrame:
    return frame([(0, now_ns, price, 1, 0)], ("BABA.XNYS",))


@attack(2, STARTS + "no reaction is written twice", limit_s=90, ci=True)
def headline_back_after_ten_days(base: Path) -> None:
    """An id whose reaction waits for a trade comes again ten days later, with other news between."""
    now_ns = System(base).now_ns()
    old_ns = now_ns - 11 * DAY_NS
    again = mention("same", "BABA", old_ns)
    log: list[Record] = [Clock(ts_ns=old_ns), again, Clock(ts_ns=now_ns - DAY_NS)]
    log += [mention("other", "BABA", now_ns - DAY_NS), again, _trade(now_ns - DAY_NS), again]
    system = started(base, [*log, _trade(now_ns), Clock(ts_ns=now_ns + SECOND_NS)])
    _no_twins(system)


@attack(2, STARTS + "no reaction is written twice", limit_s=90)
def headline_back_while_it_is_watched(base: Path) -> None:
    """The same where its first trade is known and its horizons run when it comes again."""
    now_ns = System(base).now_ns()
    old_ns = now_ns - 10 * DAY_NS
    again = mention("same", "BABA", old_ns)
    log: list[Record] = [Clock(ts_ns=old_ns), again, Clock(ts_ns=now_ns)]
    log += [_trade(now_ns), Clock(ts_ns=now_ns + 3 * SECOND_NS)]
    log += [mention("other", "BABA", now_ns), again, Clock(ts_ns=now_ns + 9 * SECOND_NS)]
    log += [_trade(now_ns + 10 * SECOND_NS), Clock(ts_ns=now_ns + DAY_NS)]
    _no_twins(started(base, log))


def _no_twins(system: System) -> None:
    keys = [
        (each.headline_id, each.listing, each.horizon, each.event_ns)
        for each in system.records()
        if type(each).__name__ == "Reaction"
    ]
    twins = {key for key in keys if keys.count(key) > 1}
    hold(not twins, f"{len(twins)} reactions twice: {sorted(twins)[:1]}")


@attack(3, STARTS + "whatever it cannot use is a reject", limit_s=90)
def records_of_nobody(base: Path) -> None:
    """Listings, issuers, corrections and halts that nobody follows, at impossible times."""
    log: list[Record] = []
    for ts_ns in (0, -1, HIGHEST, -HIGHEST - 1):
        log += [
            Status(listing="NOBODY.XNYS", ts_ns=ts_ns, action="halt"),
            Status(listing="BABA.XNYS", ts_ns=ts_ns, action="resume"),
            Correction(listing="BABA.XNYS", ts_ns=ts_ns, exchange="N", trade_id="1", price=ts_ns),
            mention("m", "NOBODY", ts_ns),
            mention(f"m{ts_ns}", "BABA", ts_ns),
            frame([(0, ts_ns, 1_000_000, 1, 0)], ("NOBODY.XNYS",)),
        ]
    started(base, log)


@attack(3, STARTS + "rows are known by their numbers", limit_s=90)
def numbers_at_the_edges(base: Path) -> None:
    """Frames whose first number is 2^63 - 1, or runs back, under the run of our own framer."""
    now_ns = System(base).now_ns()
    rows = [(0, now_ns + n, 30_000_000, 1, 0) for n in range(5)]
    frames = [
        frame(rows, ("JD.XNAS",), run="x", first_seq=first) for first in (HIGHEST, 0, HIGHEST, 5)
    ]
    started(base, [Clock(ts_ns=now_ns), *frames])


@attack(3, STARTS + "the flags mean nothing where they mean nothing", limit_s=90)
def every_flag(base: Path) -> None:
    """All 32 bits of flags, one by one and together, of trades and of bars without their columns."""
    now_ns = System(base).now_ns()
    flags = [1 << n for n in range(31)] + [2**31 - 1, -(2**31), sum(Flag)]
    listings = ("BABA.XNYS", "SPY.XNYS", "JD.XNAS")
    rows = [
        (n % 3, now_ns + n, (100_000_000, 600_000_000, 30_000_000)[n % 3], 1, flag)
        for n, flag in enumerate(flags * 3)
    ]
    started(base, [Clock(ts_ns=now_ns), frame(rows, listings), Clock(ts_ns=now_ns + SECOND_NS)])
