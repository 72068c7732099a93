"""The tape: what one listing traded, a point a second, and a point a minute behind it.

All reactions read only this. Reading at instant `t` uses what ended at or before `t`; a point is
final once the watermark has passed its end, so a read gives the same answer whenever it is made.
"""

from __future__ import annotations

import numpy as np

from agents.reacting.points import (
    HIGH,
    LAST,
    LAST_TS,
    LOW,
    SECOND,
    VOLUME,
    Block,
    Loose,
    Path,
    Price,
    TapeState,
    restored,
)
from agents.reacting.sessions import Sessions
from agents.reacting.volatility import Volatility
from streams.events import I64, MINUTE_NS, SECOND_NS, Phase

FINE_NS = 90 * MINUTE_NS  # trading time within which seconds are kept and read (DESIGN 7)
SLACK_NS = 30 * MINUTE_NS  # kept beyond it, so that a deferred read finds what a prompt one found
PRUNE_AT = 16_384  # points; pruning is looked at only beyond this length
MINUTE_S = 60


class Tape:
    """Seconds, minutes and volatility of one listing."""

    __slots__ = (
        "_folded",
        "_minutes",
        "_saved",
        "_saved_minutes",
        "_seconds",
        "_sessions",
        "newest_second",
        "volatility",
    )

    def __init__(self, sessions: Sessions, state: TapeState | None = None) -> None:
        self._sessions = sessions
        self._seconds = restored(state.seconds) if state else Block()
        self._minutes = restored(state.minutes) if state else Block()
        self._folded = state.folded if state else 0  # live seconds already in minutes
        self._saved = self._saved_minutes = 0  # live points that `take_final` has given away
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

    def newest(self, most: int) -> I64:
        """Return a copy of the newest points (6 x n, n <= `most`), unfinished ones among them."""
        seconds = self._seconds
        return seconds.data[:, max(seconds.head, seconds.tail - most) : seconds.tail].copy()

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
    def _newest(points: Block, t_ns: int, length_ns: int, *, coarse: bool) -> Price | None:
        newest_start = (t_ns - length_ns) // SECOND_NS
        at = int(np.searchsorted(points.column(SECOND), newest_start, "right")) - 1
        if at < 0:
            return None
        index = points.head + at
        end = int(points.data[SECOND, index]) * SECOND_NS + length_ns
        return Price(int(points.data[LAST, index]), end, coarse)

    @staticmethod
    def _stretch(points: Block, after: int, until: int, length_s: int, *, coarse: bool) -> Path:
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
        self._saved = max(self._saved - drop, 0)
        reach = self._sessions.reach(watermark_ns) // SECOND_NS
        gone = int(np.searchsorted(self._minutes.column(SECOND), reach))
        self._minutes.head += gone
        self._saved_minutes = max(self._saved_minutes - gone, 0)

    # -- checkpoints in parts (agents/reacting/cells.py)

    def take_final(self, final_ns: int) -> I64:
        """Return the seconds that end by `final_ns` and were not returned before; none changes."""
        stop = int(np.searchsorted(self._seconds.column(SECOND), final_ns // SECOND_NS))
        start, self._saved = self._saved, max(self._saved, stop)
        head = self._seconds.head
        return self._seconds.data[:, head + start : head + self._saved]

    def take_minutes(self) -> I64 | None:
        """Return the minutes folded since the last call, and their sigmas as a seventh row."""
        start, self._saved_minutes = self._saved_minutes, self._minutes.tail - self._minutes.head
        if start == self._saved_minutes:
            return None
        part = self._minutes.data[:, self._minutes.head + start : self._minutes.tail]
        known = self.volatility
        ends = ((part[SECOND] + MINUTE_S) * SECOND_NS).tolist()
        sigmas = [known.exactly(end) if known else None for end in ends]
        row = np.array([np.nan if s is None else s for s in sigmas], np.float64)
        return np.vstack((part, row.view(np.int64)))

    def loose(self) -> Loose:
        """Return what `rebuilt` needs beside all that was taken."""
        seconds, folded = self._seconds, self._folded
        return Loose(
            seconds.data[:, seconds.head + self._saved : seconds.tail].tobytes(),
            int(seconds.column(SECOND)[folded - 1]) if folded else -1,
            self.volatility.head() if self.volatility else None,
        )

    def rebuilt(self, seconds: I64, minutes: I64, loose: Loose) -> Tape:
        """Return the tape whose taken seconds (6 x n) and minutes (7 x n) these are, each rising."""
        tape = Tape(self._sessions)
        tape._seconds.extend(seconds)
        tape._saved = seconds.shape[1]
        tape._seconds.extend(restored(loose.tail).data)
        tape._minutes.extend(minutes[:-1])
        tape._saved_minutes = minutes.shape[1]
        column = tape._seconds.column(SECOND)
        tape._folded = int(np.searchsorted(column, loose.folded_second, "right"))
        tape.newest_second = int(column[-1]) if tape else -1
        if loose.volatility is not None:
            sigmas = np.ascontiguousarray(minutes[-1]).view(np.float64)
            known = ~np.isnan(sigmas)
            ends = (minutes[SECOND][known] + MINUTE_S) * SECOND_NS
            tape.volatility = Volatility.rebuilt(
                loose.volatility, ends.tolist(), sigmas[known].tolist()
            )
        return tape

    def needs(self, watermark_ns: int) -> tuple[int, int]:
        """Return the oldest second and minute that a reading from now on can reach.

        Older ones may be forgotten, but for the newest of the older seconds.
        """
        second = self._sessions.retreat(watermark_ns, FINE_NS + SLACK_NS) // SECOND_NS
        minute = self._sessions.reach(watermark_ns) // SECOND_NS
        if self.volatility and self.volatility.ends_ns:
            minute = min(minute, self.volatility.ends_ns[0] // SECOND_NS - MINUTE_S)
        return second, minute

    def newest_before(self, second: int) -> I64:
        """Return the newest point before `second` (6 x 1), or none (6 x 0)."""
        at = int(np.searchsorted(self._seconds.column(SECOND), second))
        index = self._seconds.head + at
        return self._seconds.data[:, index - min(at, 1) : index]
