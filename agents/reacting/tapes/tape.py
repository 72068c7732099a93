"""The tape: what one listing traded, a point a second, and a point a minute behind it.

All reactions read only this. Reading at instant `t` uses what ended at or before `t`; a point is
final once the watermark has passed its end, so a read gives the same answer whenever it is made.
"""

from __future__ import annotations

import numpy as np

from agents.reacting.sessions import Sessions
from agents.reacting.tapes.minute_fold import MINUTE_S, MinuteFold
from agents.reacting.tapes.points import SECOND, Block, Path, Price, TapeState, points_from
from streams.events import I64, MINUTE_NS, SECOND_NS

FINE_NS = 90 * MINUTE_NS  # trading time within which seconds are kept and read (DESIGN 7)
SLACK_NS = 30 * MINUTE_NS  # kept beyond it, so that a deferred read finds what a prompt one found
PRUNE_AT = 16_384  # points; pruning is looked at only beyond this length


class Tape:
    """Seconds, minutes and volatility of one listing.

    A read of older time folds the minutes it needs: they are final by then, so folding early or late
    makes the same minutes.
    """

    __slots__ = ("_sessions", "by_minute", "by_second", "newest_second")

    def __init__(self, sessions: Sessions, state: TapeState | None = None) -> None:
        self._sessions = sessions
        if state is None:
            self.by_second, self.by_minute = Block(), MinuteFold()
        else:
            self.by_second = Block(points_from(state.seconds))
            minutes = points_from(state.minutes)
            self.by_minute = MinuteFold(minutes, state.folded, state.volatility)
        self.newest_second = int(self.by_second.column(SECOND)[-1]) if self else -1

    def __bool__(self) -> bool:
        return bool(self.by_second)

    def state(self) -> TapeState:
        """Return what `__init__` needs to make this tape again."""
        minutes = self.by_minute
        return TapeState(
            self.by_second.tobytes(), minutes.tobytes(), minutes.folded, minutes.volatility
        )

    # -- writing

    def extend(self, block: I64) -> None:
        """Append points in rising seconds, none older than the newest; the first may join it."""
        seconds = self.by_second
        if block[SECOND, 0] == self.newest_second:
            seconds.join(seconds.tail - seconds.head - 1, block[:, 0])
            block = block[:, 1:]
        if block.shape[1]:
            seconds.extend(block)
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
        at = self.by_second.place(second)
        if self.by_second.column(SECOND)[at] == second:
            self.by_second.join(at, point[:, 0])
        else:
            self.by_second.insert(at, point)

    def fold(self, until_ns: int) -> None:
        """Make the minutes that end at or before `until_ns`, which the watermark has passed."""
        self.by_minute.fold(self.by_second, until_ns, self._sessions)

    def prune(self, watermark_ns: int) -> None:
        """Drop what no reading as of `watermark_ns` or later can reach.

        A replay prunes by the wall clock, so this must never change an answer.
        """
        seconds, minutes = self.by_second, self.by_minute
        if len(seconds) <= PRUNE_AT:
            return
        self.fold(watermark_ns)
        oldest = self._sessions.retreat(watermark_ns, FINE_NS + SLACK_NS) // SECOND_NS
        older = seconds.place(oldest)
        drop = min(max(older - 1, 0), minutes.folded)  # the newest older one may still be the last
        seconds.trim(drop)
        minutes.folded -= drop
        minutes.trim(minutes.place(self._sessions.reach(watermark_ns) // SECOND_NS))

    # -- reading

    def at(self, t_ns: int, as_of_ns: int) -> Price | None:
        """Return the price at `t_ns` as it is to be read at `as_of_ns`; None before the tape."""
        if self._is_fine(t_ns, as_of_ns):
            return self.by_second.newest_by(t_ns, SECOND_NS, coarse=False)
        self.fold(t_ns)
        price = self.by_minute.newest_by(t_ns, MINUTE_NS, coarse=True)
        reached = price and price.end_ns - MINUTE_NS >= self._sessions.reach(as_of_ns)
        return price if reached else None

    def path(self, after_ns: int, until_ns: int, as_of_ns: int) -> Path:
        """Return the extremes of the points that end after `after_ns` and by `until_ns`."""
        if self._is_fine(after_ns, as_of_ns):
            return self.by_second.path(after_ns, until_ns, 1, coarse=False)
        self.fold(until_ns)
        since_ns = max(after_ns, self._sessions.reach(as_of_ns))
        return self.by_minute.path(since_ns, until_ns, MINUTE_S, coarse=True)

    def seconds(self, after_ns: int, until_ns: int) -> I64:
        """Return the points (6 x n) of the seconds that end after `after_ns` and by `until_ns`."""
        lo = self.by_second.place(after_ns // SECOND_NS)
        hi = self.by_second.place(until_ns // SECOND_NS)
        return self.by_second.points(lo, max(lo, hi))

    def minutes(self, after_ns: int, until_ns: int) -> I64:
        """Return the minutes (6 x n) that end after `after_ns` and by `until_ns`, final or not."""
        minutes = self.by_minute.with_unfolded(self.by_second)
        lo = np.searchsorted(minutes[SECOND], after_ns // SECOND_NS - MINUTE_S, "right")
        hi = np.searchsorted(minutes[SECOND], until_ns // SECOND_NS - MINUTE_S, "right")
        return minutes[:, lo : max(lo, hi)]

    def newest(self, most: int) -> I64:
        """Return a copy of the newest points (6 x n, n <= `most`), unfinished ones among them."""
        live = len(self.by_second)
        return self.by_second.points(max(live - most, 0), live).copy()

    def first_end_after(self, t_ns: int, as_of_ns: int) -> int | None:
        """Return the end of the first second that ends after `t_ns`; None if none has traded.

        Seconds that are too old to be read at `as_of_ns` do not count.
        """
        column = self.by_second.column(SECOND)
        since_ns = max(t_ns, self._sessions.retreat(as_of_ns, FINE_NS))
        at = self.by_second.place(since_ns // SECOND_NS)
        return (int(column[at]) + 1) * SECOND_NS if at < len(column) else None

    def first_minute_after(self, t_ns: int, as_of_ns: int) -> int | None:
        """Return the start of the first minute point that ends after `t_ns` and by `as_of_ns`.

        None where seconds are read at `as_of_ns`, or where no minute has traded since.
        """
        if self._is_fine(t_ns, as_of_ns):
            return None
        self.fold(as_of_ns)
        column = self.by_minute.column(SECOND)
        since_ns = max(t_ns, self._sessions.reach(as_of_ns))
        at = self.by_minute.place(since_ns // SECOND_NS - MINUTE_S, "right")
        if at >= len(column) or (int(column[at]) + MINUTE_S) * SECOND_NS > as_of_ns:
            return None
        return int(column[at]) * SECOND_NS

    def sigma(self, t_ns: int) -> float | None:
        """Return the one-minute volatility (a fraction) known at `t_ns`."""
        self.fold(t_ns)
        known = self.by_minute.volatility
        return None if known is None else known.sigma(t_ns)

    def _is_fine(self, t_ns: int, as_of_ns: int) -> bool:
        """Tell whether `t_ns` is read from seconds: older instants are read from minutes."""
        elapsed = self._sessions.trading_time
        return elapsed(as_of_ns) - elapsed(t_ns) <= FINE_NS
