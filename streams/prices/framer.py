"""Rows into frames, and the completed seconds of a broadcast listing into points."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from streams.events import I32, I64, SECOND_NS, Flag, Phase, TickFrame
from streams.prices.rows import Rows
from streams.reference.calendars import Calendar

SILENT = int(
    Flag.no_last | Flag.first_last | Flag.official_close | Flag.official_open | Flag.corrected_close
)
COLUMNS = ("listing", "ts_ns", "price", "size", "flags", "open", "high", "low", "start_ns")
EXTENDED, BAR, POINT = int(Flag.extended), int(Flag.bar), int(Flag.point)


def frames(rows: Rows, lo: int, hi: int, size: int, run: str) -> Iterator[TickFrame]:
    """Yield rows `lo` to `hi` as frames of at most `size` rows, numbered by their place."""
    for start in range(lo, hi, size):
        yield frame_of(rows, slice(start, min(start + size, hi)), run, start)


def frame_of(rows: Rows, part: slice, run: str, first_seq: int) -> TickFrame:
    """Return some rows as one frame; trades leave the columns of bars out."""
    flags = rows.flags[part]
    bars = bool((flags & BAR).any())
    return TickFrame(
        run=run,
        first_seq=first_seq,
        listings=rows.listings,
        listing=rows.listing[part],
        ts_ns=rows.ts_ns[part],
        price=rows.price[part],
        size=rows.size[part],
        flags=flags,
        exchanges=rows.exchanges,
        exchange=rows.exchange[part],
        open=rows.open[part] if bars else None,
        high=rows.high[part] if bars else None,
        low=rows.low[part] if bars else None,
        start_ns=rows.start_ns[part] if bars else None,
    )


class Broadcast:
    """The points of one broadcast listing, each sent just before the first Clock after its second.

    A bar's rows are known only at its end, so its point goes a second later. The point holds what may set a
    price; the bad-tick filter is the reader's.
    """

    def __init__(self, rows: Rows, listing: str, calendar: Calendar) -> None:
        number = rows.listings.index(listing) if listing in rows.listings else -1
        mine = np.flatnonzero(rows.listing == number)
        mine = mine[_sets_last(rows, mine, calendar)]
        mine = mine[np.argsort(rows.ts_ns[mine] // SECOND_NS, kind="stable")]
        second = rows.ts_ns[mine] // SECOND_NS
        starts = np.flatnonzero(np.diff(second, prepend=-1))
        self._frame = _points(rows, mine, starts, listing)
        known = rows.known_ns[mine] // SECOND_NS
        newest = np.maximum.reduceat(known, starts) if len(starts) else known
        self._sent_ns: I64 = np.maximum.accumulate(newest + 1) * SECOND_NS
        self._next = 0

    def skip(self, clock_ns: int) -> None:
        """Take everything up to and with this Clock as sent."""
        self._next = int(np.searchsorted(self._sent_ns, clock_ns, "right"))

    def due(self, clock_ns: int) -> TickFrame | None:
        """Return the points that go with the Clocks up to `clock_ns`; None where there are none."""
        lo, hi = self._next, int(np.searchsorted(self._sent_ns, clock_ns, "right"))
        self._next = max(lo, hi)
        return _cut(self._frame, lo, hi) if hi > lo else None


def _sets_last(rows: Rows, mine: I64, calendar: Calendar) -> npt.NDArray[np.bool_]:
    flags = rows.flags[mine]
    segment = np.searchsorted(calendar.bounds_ns, rows.start_ns[mine], "right") - 1
    phases = calendar.phases[np.clip(segment, 0, len(calendar.phases) - 1)]
    formal = (flags & EXTENDED != 0) & (phases == Phase.regular)
    sets: npt.NDArray[np.bool_] = (
        (flags & SILENT == 0) & ~formal & (phases != Phase.closed) & (rows.price[mine] > 0)
    )
    return sets


def _points(rows: Rows, mine: npt.NDArray[np.int64], starts: I64, listing: str) -> TickFrame:
    ends = np.append(starts[1:], len(mine))[: len(starts)] - 1
    none = np.zeros(0, np.int64)
    high = np.maximum.reduceat(rows.high[mine], starts) if len(starts) else none
    low = np.minimum.reduceat(rows.low[mine], starts) if len(starts) else none
    volume = np.add.reduceat(rows.size[mine], starts) if len(starts) else none
    newest = mine[ends]
    flags: I32 = (rows.flags[newest] & BAR) | POINT
    return TickFrame(
        run=f"points:{listing}",
        first_seq=0,
        listings=(listing,),
        listing=np.zeros(len(starts), np.int32),
        ts_ns=rows.ts_ns[newest],
        price=rows.price[newest],
        size=volume,
        flags=flags.astype(np.int32),
        open=rows.price[newest],
        high=high,
        low=low,
        start_ns=rows.start_ns[newest],
    )


def _cut(frame: TickFrame, lo: int, hi: int) -> TickFrame:
    columns = {name: getattr(frame, name) for name in COLUMNS}
    part = {name: None if whole is None else whole[lo:hi] for name, whole in columns.items()}
    return msgspec.structs.replace(frame, first_seq=lo, **part)
