"""The tape: what one listing traded, a point a second, and a point a minute behind it.

All reactions read only this. Reading at instant `t` uses what ended at or before `t`; a point is
final once the watermark has passed its end, so a read gives the same answer whenever it is made.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from agents.reacting.sessions import Sessions
from agents.reacting.volatility import Volatility
from streams.events import I64, MINUTE_NS, SECOND_NS, Phase

FINE_NS = 90 * MINUTE_NS  # trading time within which seconds are kept and read (DESIGN 7)
SLACK_NS = 30 * MINUTE_NS  # kept beyond it, so that a deferred read finds what a prompt one found
PRUNE_AT = 16_384  # points; pruning is looked at only beyond this length
SECOND, LAST, HIGH, LOW, VOLUME, LAST_TS = range(6)
MINUTE_S = 60


class Price(NamedTuple):
    """A price read from the tape: the end of its second (or minute) and whether it is coarse."""

    price: int
    end_ns: int
    coarse: bool


class Path(NamedTuple):
    """Highest high, lowest low and volume over a stretch of the tape; `points` may be 0."""

    points: int
    high: int
    low: int
    volume: int
    coarse: bool


class TapeState(msgspec.Struct, frozen=True):
    """What a snapshot keeps of a tape."""

    seconds: bytes
    minutes: bytes
    folded: int
    volatility: Volatility | None


_NO_POINTS: I64 = np.empty((6, 0), np.int64)  # shared by every tape that is still empty


class _Points:
    """A growing block of int64 columns, trimmed at the front."""

    __slots__ = ("data", "head", "tail")

    def __init__(self, data: I64 = _NO_POINTS) -> None:
        self.data = data
        self.head = 0
        self.tail = data.shape[1]

    def column(self, row: int) -> I64:
        """Return one column as a view."""
        return self.data[row, self.head : self.tail]

    def extend(self, block: I64) -> None:
        """Append a block of points (6 x n)."""
        n = block.shape[1]
        if self.tail + n > self.data.shape[1]:
            self._grow(n)
        self.data[:, self.tail : self.tail + n] = block
        self.tail += n

    def _grow(self, n: int) -> None:
        live = self.tail - self.head
        data = np.empty((6, max(2 * live, live + n, 4)), np.int64)
        data[:, :live] = self.data[:, self.head : self.tail]
        self.data, self.head, self.tail = data, 0, live

    def insert(self, at: int, point: I64) -> None:
        """Insert a point at position `at`, counted from the first live one."""
        rest = self.data[:, self.head + at : self.tail].copy()
        self.tail = self.head + at
        self.extend(point)
        self.extend(rest)

    def tobytes(self) -> bytes:
        """Return the live points, column after column."""
        return np.ascontiguousarray(self.data[:, self.head : self.tail]).tobytes()


def _restored(raw: bytes) -> _Points:
    return _Points(np.frombuffer(raw, np.int64).reshape(6, -1).copy())


class Tape:
    """Seconds, minutes and volatility of one listing."""

    __slots__ = ("_folded", "_minutes", "_seconds", "_sessions", "newest_second", "volatility")

    def __init__(self, sessions: Sessions, state: TapeState | None = None) -> None:
        self._sessions = sessions
        self._seconds = _restored(state.seconds) if state else _Points()
        self._minutes = _restored(state.minutes) if state else _Points()
        self._folded = state.folded if state else 0  # live seconds already in minutes
        self.volatility = state.volatility if state else None  # made by the first minute
        self.newest_second = int(self._seconds.column(SECOND)[-1]) if self else -1

    def __bool__(self) -> bool:
        return bool(self._seconds.tail > self._seconds.head)

    def state(self) -> TapeState:
        """Return what `__init__` needs to make this tape again."""
        return TapeState(
            self._seconds.tobytes(), self._minutes.tobytes(), self._folded, self.volatility
        )

    # -- writing

    def extend(self, block: I64) -> None:
        """Append points in rising seconds, none older than the newest; the first may join it."""
        if block[SECOND, 0] == self.newest_second:
            self._join(self._seconds.tail - 1, block[:, 0])
            block = block[:, 1:]
        if block.shape[1]:
            self._seconds.extend(block)
            self.newest_second = int(block[SECOND, -1])

    def add(
        self, ts_ns: int, last: int, high: int, low: int, volume: int, *, sets_last: bool = True
    ) -> None:
        """Add one accepted row to the point of its second, making it in order where missing."""
        second = ts_ns // SECOND_NS
        last_ts = ts_ns if sets_last else second * SECOND_NS - 1  # any trade of the second wins
        point = np.array([[second], [last], [high], [low], [volume], [last_ts]], np.int64)
        if second >= self.newest_second:
            self.extend(point)
            return
        at = int(np.searchsorted(self._seconds.column(SECOND), second))
        if self._seconds.column(SECOND)[at] == second:
            self._join(self._seconds.head + at, point[:, 0])
        else:
            self._seconds.insert(at, point)

    def _join(self, index: int, point: I64) -> None:
        data = self._seconds.data
        data[HIGH, index] = max(data[HIGH, index], point[HIGH])
        data[LOW, index] = min(data[LOW, index], point[LOW])
        data[VOLUME, index] += point[VOLUME]
        if point[LAST_TS] >= data[LAST_TS, index]:
            data[LAST, index], data[LAST_TS, index] = point[LAST], point[LAST_TS]

    # -- reading

    def at(self, t_ns: int, as_of_ns: int) -> Price | None:
        """Return the price at `t_ns` as it is to be read at `as_of_ns`; None before the tape."""
        if self._is_fine(t_ns, as_of_ns):
            return self._newest(self._seconds, t_ns, SECOND_NS, coarse=False)
        self.fold(t_ns)
        price = self._newest(self._minutes, t_ns, MINUTE_NS, coarse=True)
        reached = price and price.end_ns - MINUTE_NS >= self._sessions.reach(as_of_ns)
        return price if reached else None

    def path(self, after_ns: int, until_ns: int, as_of_ns: int) -> Path:
        """Return the extremes of the points that end after `after_ns` and by `until_ns`."""
        if self._is_fine(after_ns, as_of_ns):
            return self._stretch(self._seconds, after_ns, until_ns, 1, coarse=False)
        self.fold(until_ns)
        since_ns = max(after_ns, self._sessions.reach(as_of_ns))
        return self._stretch(self._minutes, since_ns, until_ns, MINUTE_S, coarse=True)

    def seconds(self, after_ns: int, until_ns: int) -> I64:
        """Return the points (6 x n) of the seconds that end after `after_ns` and by `until_ns`."""
        column = self._seconds.column(SECOND)
        lo = int(np.searchsorted(column, after_ns // SECOND_NS))
        hi = int(np.searchsorted(column, until_ns // SECOND_NS))
        head = self._seconds.head
        return self._seconds.data[:, head + lo : head + max(lo, hi)]

    def first_end_after(self, t_ns: int, as_of_ns: int) -> int | None:
        """Return the end of the first second that ends after `t_ns`; None if none has traded.

        Seconds that are too old to be read at `as_of_ns` do not count.
        """
        column = self._seconds.column(SECOND)
        since_ns = max(t_ns, self._sessions.retreat(as_of_ns, FINE_NS))
        at = int(np.searchsorted(column, since_ns // SECOND_NS))
        return (int(column[at]) + 1) * SECOND_NS if at < len(column) else None

    def first_minute_after(self, t_ns: int, as_of_ns: int) -> int | None:
        """Return the start of the first minute point that ends after `t_ns` and by `as_of_ns`.

        None where seconds are read at `as_of_ns`, or where no minute has traded since.
        """
        if self._is_fine(t_ns, as_of_ns):
            return None
        self.fold(as_of_ns)
        column = self._minutes.column(SECOND)
        since_ns = max(t_ns, self._sessions.reach(as_of_ns))
        at = int(np.searchsorted(column, since_ns // SECOND_NS - MINUTE_S, "right"))
        if at >= len(column) or (int(column[at]) + MINUTE_S) * SECOND_NS > as_of_ns:
            return None
        return int(column[at]) * SECOND_NS

    def sigma(self, t_ns: int) -> float | None:
        """Return the one-minute volatility (a fraction) known at `t_ns`."""
        self.fold(t_ns)
        return None if self.volatility is None else self.volatility.sigma(t_ns)

    def _is_fine(self, t_ns: int, as_of_ns: int) -> bool:
        elapsed = self._sessions.trading_time
        return elapsed(as_of_ns) - elapsed(t_ns) <= FINE_NS

    @staticmethod
    def _newest(points: _Points, t_ns: int, length_ns: int, *, coarse: bool) -> Price | None:
        newest_start = (t_ns - length_ns) // SECOND_NS
        at = int(np.searchsorted(points.column(SECOND), newest_start, "right")) - 1
        if at < 0:
            return None
        index = points.head + at
        end = int(points.data[SECOND, index]) * SECOND_NS + length_ns
        return Price(int(points.data[LAST, index]), end, coarse)

    @staticmethod
    def _stretch(points: _Points, after: int, until: int, length_s: int, *, coarse: bool) -> Path:
        column = points.column(SECOND)
        lo = int(np.searchsorted(column, after // SECOND_NS - length_s, "right"))
        hi = int(np.searchsorted(column, until // SECOND_NS - length_s, "right"))
        if hi <= lo:
            return Path(0, 0, 0, 0, coarse)
        part = points.data[:, points.head + lo : points.head + hi]
        high, low = int(part[HIGH].max()), int(part[LOW].min())
        return Path(hi - lo, high, low, int(part[VOLUME].sum()), coarse)

    # -- minutes

    def fold(self, until_ns: int) -> None:
        """Make minute points of the seconds of every minute that ends at or before `until_ns`.

        Only call it with an instant the watermark has passed: those seconds are final.
        """
        limit = until_ns // MINUTE_NS * MINUTE_S
        column = self._seconds.column(SECOND)
        stop = int(np.searchsorted(column, limit))
        if stop <= self._folded:
            return
        head = self._seconds.head
        part = self._seconds.data[:, head + self._folded : head + stop]
        self._folded = stop
        self._append_minutes(part)

    def _append_minutes(self, part: I64) -> None:
        minute = part[SECOND] // MINUTE_S * MINUTE_S
        starts = np.flatnonzero(np.diff(minute, prepend=-1))
        ends = np.append(starts[1:], len(minute)) - 1
        block = np.empty((6, len(starts)), np.int64)
        block[SECOND] = minute[starts]
        block[LAST], block[LAST_TS] = part[LAST, ends], part[LAST_TS, ends]
        block[HIGH] = np.maximum.reduceat(part[HIGH], starts)
        block[LOW] = np.minimum.reduceat(part[LOW], starts)
        block[VOLUME] = np.add.reduceat(part[VOLUME], starts)
        self._minutes.extend(block)
        self.volatility = self.volatility or Volatility()
        for second, last in zip(block[SECOND].tolist(), block[LAST].tolist(), strict=True):
            segment = self._sessions.segment(second * SECOND_NS)
            if self._sessions.phase_of(segment) is Phase.regular:
                end_ns = (second + MINUTE_S) * SECOND_NS
                self.volatility.observe(self._sessions.date_of(segment), end_ns, last)

    def prune(self, watermark_ns: int) -> None:
        """Drop what no reading as of `watermark_ns` or later can reach.

        A replay prunes by the wall clock, so this must never change an answer.
        """
        if self._seconds.tail - self._seconds.head <= PRUNE_AT:
            return
        self.fold(watermark_ns)
        oldest = self._sessions.retreat(watermark_ns, FINE_NS + SLACK_NS) // SECOND_NS
        older = int(np.searchsorted(self._seconds.column(SECOND), oldest))
        drop = min(max(older - 1, 0), self._folded)  # the newest of the older may still be the last
        self._seconds.head += drop
        self._folded -= drop
        reach = self._sessions.reach(watermark_ns) // SECOND_NS
        self._minutes.head += int(np.searchsorted(self._minutes.column(SECOND), reach))
