"""Frames keep rows and numbers; a broadcast listing's seconds are sent once each, complete."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from streams.events import SECOND_NS, Flag
from streams.prices.framer import Broadcast, frames
from streams.prices.rows import Rows
from streams.reference.calendars import calendar_for

OPEN_NS = 1_758_720_600 * SECOND_NS  # 24 September 2025, 13:30 UTC
SPY = "SPY.XNYS"
OTHER = "IBM.XNYS"


def rows_of(*items: tuple[str, float, int, int, int]) -> Rows:
    """Make trades of (listing, seconds after the open, price, size, flags)."""
    ts = np.array([OPEN_NS + round(at * SECOND_NS) for _, at, *_ in items], np.int64)
    price = np.array([item[2] for item in items], np.int64)
    names = (SPY, OTHER)
    return Rows(
        listing=np.array([names.index(item[0]) for item in items], np.int32),
        known_ns=ts,
        ts_ns=ts,
        start_ns=ts,
        price=price,
        open=price,
        high=price,
        low=price,
        size=np.array([item[3] for item in items], np.int64),
        flags=np.array([item[4] for item in items], np.int32),
        exchange=np.zeros(len(items), np.int32),
        listings=names,
    )


@pytest.mark.parametrize(("size", "lengths"), [(1, [1] * 5), (2, [2, 2, 1]), (7, [5])])
def test_frames_are_cut_and_numbered(size: int, lengths: list[int]) -> None:
    rows = rows_of(*((SPY, i, 100 + i, 10, 0) for i in range(7)))
    made = list(frames(rows, 1, 6, size, "run"))
    assert [len(f.ts_ns) for f in made] == lengths
    assert [f.first_seq for f in made] == list(range(1, 6, size))
    assert [p for f in made for p in f.price.tolist()] == [101, 102, 103, 104, 105]
    assert all(f.high is None for f in made)


def sent(broadcast: Broadcast, at_s: float) -> list[tuple[Any, ...]]:
    frame = broadcast.due(OPEN_NS + round(at_s * SECOND_NS))
    if frame is None:
        return []
    assert frame.high is not None
    assert frame.low is not None
    assert (frame.flags & Flag.point != 0).all()
    seconds = ((frame.ts_ns - OPEN_NS) // SECOND_NS).tolist()
    columns = (frame.price.tolist(), frame.high.tolist(), frame.low.tolist(), frame.size.tolist())
    return list(zip(seconds, *columns, strict=True))


def test_a_second_is_sent_with_the_first_clock_after_it() -> None:
    rows = rows_of(
        (SPY, 0.1, 100, 1, 0), (OTHER, 0.2, 7, 9, 0), (SPY, 0.9, 99, 2, 0), (SPY, 3.0, 105, 4, 0)
    )
    broadcast = Broadcast(rows, SPY, calendar_for("XNYS"))
    assert sent(broadcast, 0) == []
    assert sent(broadcast, 1) == [(0, 99, 100, 99, 3)]
    assert sent(broadcast, 3) == []
    assert sent(broadcast, 60) == [(3, 105, 105, 105, 4)]
    assert sent(broadcast, 90) == []


def test_what_may_not_set_a_price_makes_no_point() -> None:
    silent = int(Flag.no_last | Flag.no_range)
    rows = rows_of(
        (SPY, 0.1, 100, 1, silent),
        (SPY, 1.1, 101, 1, int(Flag.extended)),  # Form T in the regular phase
        (SPY, 2.1, 102, 1, int(Flag.official_close)),
        (SPY, -60.0, 103, 1, int(Flag.extended)),  # and before it, where it is a full trade
    )
    assert sent(Broadcast(rows, SPY, calendar_for("XNYS")), 60) == [(-60, 103, 103, 103, 1)]


def test_skip_takes_points_as_sent() -> None:
    rows = rows_of(*((SPY, i, 100 + i, 1, 0) for i in range(4)))
    broadcast = Broadcast(rows, SPY, calendar_for("XNYS"))
    broadcast.skip(OPEN_NS + 2 * SECOND_NS)
    assert [second for second, *_ in sent(broadcast, 60)] == [2, 3]


def test_a_listing_that_never_trades_sends_nothing() -> None:
    rows = rows_of((OTHER, 0.2, 7, 9, 0))
    assert sent(Broadcast(rows, SPY, calendar_for("XNYS")), 60) == []
    assert sent(Broadcast(rows, "NOBODY.XNYS", calendar_for("XNYS")), 60) == []
