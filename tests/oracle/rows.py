"""Take a TickFrame apart into rows, and put rows together into a TickFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.events import Flag, TickFrame

WITH_RANGE = Flag.bar | Flag.point


class Row(NamedTuple):
    """One tick; a trade's open, high and low are its price, its start its own time."""

    listing: str
    ts_ns: int
    price: int
    size: int = 1
    flags: Flag = Flag(0)
    exchange: str = ""
    open: int | None = None
    high: int | None = None
    low: int | None = None
    start_ns: int | None = None

    @property
    def session_ns(self) -> int:
        """Return the instant whose phase and trade date count: a bar's start, a trade's time."""
        if Flag.bar in self.flags and self.start_ns is not None:
            return self.start_ns
        return self.ts_ns

    @property
    def prices(self) -> tuple[int, int, int, int]:
        """Return open, high, low and close."""
        if not self.flags & WITH_RANGE:
            return self.price, self.price, self.price, self.price
        parts = [self.price if p is None else p for p in (self.open, self.high, self.low)]
        return parts[0], parts[1], parts[2], self.price


def rows_of(frame: TickFrame) -> list[Row]:
    rows = []
    for i in range(len(frame.ts_ns)):
        at = 0 if frame.exchange is None else int(frame.exchange[i])
        rows.append(
            Row(
                listing=frame.listings[int(frame.listing[i])],
                ts_ns=int(frame.ts_ns[i]),
                price=int(frame.price[i]),
                size=int(frame.size[i]),
                flags=Flag(int(frame.flags[i])),
                exchange=frame.exchanges[at],
                open=None if frame.open is None else int(frame.open[i]),
                high=None if frame.high is None else int(frame.high[i]),
                low=None if frame.low is None else int(frame.low[i]),
                start_ns=None if frame.start_ns is None else int(frame.start_ns[i]),
            )
        )
    return rows


def frame_of(rows: Sequence[Row], run: str = "r", first_seq: int = 0) -> TickFrame:
    """Return the frame of `rows`; its optional columns are None where no row needs them."""
    listings = tuple(sorted({row.listing for row in rows}))
    exchanges = ("", *sorted({row.exchange for row in rows} - {""}))
    ranged = any(row.flags & WITH_RANGE for row in rows)
    parts = np.array([row.prices for row in rows], np.int64) if ranged else None
    named = len(exchanges) > 1
    return TickFrame(
        run=run,
        first_seq=first_seq,
        listings=listings,
        listing=np.array([listings.index(row.listing) for row in rows], np.int32),
        ts_ns=np.array([row.ts_ns for row in rows], np.int64),
        price=np.array([row.price for row in rows], np.int64),
        size=np.array([row.size for row in rows], np.int64),
        flags=np.array([int(row.flags) for row in rows], np.int32),
        exchanges=exchanges,
        exchange=np.array([exchanges.index(r.exchange) for r in rows], np.int32) if named else None,
        open=None if parts is None else parts[:, 0].copy(),
        high=None if parts is None else parts[:, 1].copy(),
        low=None if parts is None else parts[:, 2].copy(),
        start_ns=np.array([row.session_ns for row in rows], np.int64) if ranged else None,
    )
