"""Ticks as they arrive -> frames that grow with the load, points and Clocks, for the market topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import numpy as np

from streams.events import NEVER_NS, SECOND_NS, Clock, Status, TickFrame
from streams.prices.framer import Broadcast
from streams.prices.numbering import Numbering
from streams.prices.partitioned import Partitioned
from streams.prices.rows import Rows, concat, select
from streams.reference.calendars import Calendar
from streams.reference.exchanges import REGION_OF_MIC

FRAME_NS: Final = 10_000_000  # 100 frames a second and partition at most (guides/faust.md 10)
FRAME_ROWS: Final = 1000
# The point of a second goes with the Clock two seconds after its start. A row may come up to a
# second late, as rows do at the turn of a second and a bar does by nature; later than that no
# point may go, for a crossing reads all that ended a second before its Clock (semantics 8).
HOLD_S: Final = 2
AHEAD_S: Final = 5  # a row further past the Clock is rejected as `future` and makes no point


class FrameLog(Protocol):
    """Where frames and Clocks go, in the order of each partition of `market`."""

    def send_frame(self, partition: int, frame: TickFrame) -> None:
        """Accept a frame for a partition."""

    def send_status(self, partition: int, status: Status) -> None:
        """Accept a halt or a resumption for a partition."""

    def send_clock(self, clock: Clock) -> None:
        """Accept a Clock for every partition, and for the headlines."""


class Tick(NamedTuple):
    """One row as a source has it; a bar has all of open, high, low and start_ns."""

    listing: str
    ts_ns: int
    price: int  # millionths of the currency unit; a bar's close
    size: int = 0  # shares
    flags: int = 0  # streams.events.Flag
    exchange: str = ""
    open: int | None = None
    high: int | None = None
    low: int | None = None
    start_ns: int | None = None


class LiveFramer:
    """Keep one open frame a partition, cut 10 ms after its first row or at 1000 rows.

    Wall time is what the caller passes. `log` gets what is to be published, in order; `numbering`
    is kept ahead of it. What `log` raises is passed on.
    """

    def __init__(
        self,
        log: FrameLog,
        issuer_of: Mapping[str, str],
        numbering: Numbering,
        broadcasts: Mapping[str, Calendar],
    ) -> None:
        self._log, self._numbering = log, numbering
        partitions = len(numbering.rows)
        self._issuer_of = issuer_of
        parts = {listing: listing.rpartition(".") for listing in issuer_of}
        self._american = {
            symbol: listing
            for listing, (symbol, _, mic) in parts.items()
            if REGION_OF_MIC.get(mic) == "US"
        }
        self._split = Partitioned(partitions, issuer_of, numbering.run, numbering.rows)
        self._open: list[list[Tick]] = [[] for _ in range(partitions)]
        self._cut_ns: dict[int, int] = {}  # partition -> when its open frame is cut
        self._points = {name: LivePoints(name, each) for name, each in broadcasts.items()}
        self._next_point = {name: numbering.points.get(name, 0) for name in broadcasts}
        self._clock_ns = 0

    @property
    def due_ns(self) -> int | None:
        """When the next frame must be cut; None: none is open."""
        return min(self._cut_ns.values(), default=None)

    @property
    def clock_ns(self) -> int:
        """Return the newest Clock that was sent, 0 before the first."""
        return self._clock_ns

    def add(self, ticks: Iterable[Tick], now_ns: int) -> None:
        """Take rows in, in the order in which they arrived."""
        self.cut_due(now_ns)
        for tick in ticks:
            home = self._split.home(tick.listing)
            rows = self._open[home]
            if not rows:
                self._cut_ns[home] = now_ns + FRAME_NS
            rows.append(tick)
            if len(rows) == FRAME_ROWS:
                self._cut(home)

    def cut_due(self, now_ns: int) -> None:
        """Send the frames that have been open for 10 ms."""
        for home in [home for home, cut_ns in self._cut_ns.items() if cut_ns <= now_ns]:
            self._cut(home)

    def status(self, status: Status) -> bool:
        """Send a halt or a resumption behind the rows that came before it; False: nobody follows it."""
        listing = self._followed(status.listing)
        if listing is None:
            return False
        home = self._split.home(listing)
        if home in self._cut_ns:
            self._cut(home)
        self._log.send_status(home, msgspec.structs.replace(status, listing=listing))
        return True

    def _followed(self, listing: str) -> str | None:
        """Return the listing as the universe has it: a halt holds on every American exchange."""
        if listing in self._issuer_of:
            return listing
        symbol, _, mic = listing.rpartition(".")
        return self._american.get(symbol) if REGION_OF_MIC.get(mic) == "US" else None

    def clock(self, ts_ns: int) -> None:
        """Close all frames, send the points that are complete, and a Clock to every partition.

        One that is not later than the last is left out: a clock that was set back waits.
        """
        if ts_ns <= self._clock_ns:
            return
        self._clock_ns = ts_ns
        self.cut_due(NEVER_NS)
        for name, points in self._points.items():
            frame = points.due(ts_ns)
            if frame is not None:
                self._send_points(name, frame)
        self._log.send_clock(Clock(ts_ns=ts_ns))

    def close(self) -> None:
        """Send the open frames, and remember where the numbers go on."""
        self.cut_due(NEVER_NS)
        self._numbering.close(self._split.next_seq, self._next_point)

    def _cut(self, home: int) -> None:
        del self._cut_ns[home]
        rows, self._open[home] = self._open[home], []
        ((_, frame),) = self._split.split(frame_of(rows))
        self._numbering.reserve(self._split.next_seq, self._next_point)
        self._log.send_frame(home, frame)
        for name, points in self._points.items():
            if name in frame.listings:
                points.take(frame)

    def _send_points(self, name: str, points: TickFrame) -> None:
        first = self._next_point[name]
        run = f"{self._split.run}:{points.run}"
        frame = msgspec.structs.replace(points, run=run, first_seq=first)
        self._next_point[name] += len(frame.ts_ns)
        self._numbering.reserve(self._split.next_seq, self._next_point)
        for home in range(len(self._open)):
            self._log.send_frame(home, frame)


class LivePoints:
    """The points of one broadcast listing as `Broadcast` makes them, from rows as they come.

    A row that comes after its second's point has gone is in no point, and counted in `late`.
    """

    def __init__(self, listing: str, calendar: Calendar) -> None:
        self._listing, self._calendar = listing, calendar
        self._waiting: list[Rows] = []
        self._closed_s = -1  # the newest second whose point has gone
        self.late = 0

    def take(self, frame: TickFrame) -> None:
        """Take the rows of the listing out of a frame."""
        rows = _rows_of(frame)
        number = frame.listings.index(self._listing)
        self._waiting.append(select(rows, rows.listing == number))

    def due(self, clock_ns: int) -> TickFrame | None:
        """Return the points that go with this Clock; None where there are none."""
        before_s, clock_s = self._closed_s, clock_ns // SECOND_NS
        self._closed_s = max(before_s, clock_s - HOLD_S)
        if not self._waiting:
            return None
        rows = concat(self._waiting)
        second = rows.ts_ns // SECOND_NS
        ready = second <= self._closed_s
        late = second <= before_s
        self.late += int(late.sum())
        later = ~ready & (second <= clock_s + AHEAD_S)
        self._waiting = [select(rows, later)] if later.any() else []
        whole = select(rows, ready & ~late)
        return Broadcast(whole, self._listing, self._calendar).due(NEVER_NS)


def frame_of(ticks: list[Tick]) -> TickFrame:
    """Return rows as one frame, not numbered yet; trades leave the columns of bars out."""
    listing, ts_ns, price, size, flags, exchange, *bar = zip(*ticks, strict=True)
    listings = {name: number for number, name in enumerate(dict.fromkeys(listing))}
    exchanges = {name: number for number, name in enumerate(dict.fromkeys(("", *exchange)))}
    columns: dict[str, Any] = {}
    if any(start is not None for start in bar[-1]):
        stand_ins = (price, price, price, ts_ns)  # a trade's own, among bars
        for name, column, own in zip(Tick._fields[6:], bar, stand_ins, strict=True):
            mixed = [x if x is not None else y for x, y in zip(column, own, strict=True)]
            columns[name] = np.array(mixed, np.int64)
    return TickFrame(
        run="",
        first_seq=0,
        listings=tuple(listings),
        listing=np.array([listings[name] for name in listing], np.int32),
        ts_ns=np.array(ts_ns, np.int64),
        price=np.array(price, np.int64),
        size=np.array(size, np.int64),
        flags=np.array(flags, np.int32),
        exchanges=tuple(exchanges),
        exchange=np.array([exchanges[name] for name in exchange], np.int32),
        **columns,
    )


def _rows_of(frame: TickFrame) -> Rows:
    """Return a frame as rows; when they were known is of no account here."""
    assert frame.exchange is not None
    price, ts_ns = frame.price, frame.ts_ns
    return Rows(
        listing=frame.listing,
        known_ns=ts_ns,
        ts_ns=ts_ns,
        start_ns=ts_ns if frame.start_ns is None else frame.start_ns,
        price=price,
        open=price if frame.open is None else frame.open,
        high=price if frame.high is None else frame.high,
        low=price if frame.low is None else frame.low,
        size=frame.size,
        flags=frame.flags,
        exchange=frame.exchange,
        listings=frame.listings,
        exchanges=frame.exchanges,
    )
