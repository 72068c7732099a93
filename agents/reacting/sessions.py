"""Phases, trade dates and trading time of one venue, looked up in its calendar."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from streams.events import DAY_NS, I64, MINUTE_NS, Phase
from streams.reference.calendars import Calendar

TRADING = (Phase.pre, Phase.regular, Phase.closing_auction, Phase.post)
SESSION_CLOSE_DELAY_NS = 15 * MINUTE_NS  # XHKG's closing auction ends up to 10 min after 16:00


class Sessions:
    """Answer what one venue was doing at an instant; shared by its listings, never changed.

    Instants outside the calendar are clamped to its first or last segment.
    """

    def __init__(self, calendar: Calendar) -> None:
        self.first_ns = int(calendar.bounds_ns[0])
        self.end_ns = int(calendar.bounds_ns[-1])
        self._bounds_ns, self._is_regular = calendar.bounds_ns, calendar.phases == Phase.regular
        self._bounds: list[int] = calendar.bounds_ns.tolist()
        self._phases: list[int] = calendar.phases.tolist()
        self._dates: list[int] = calendar.dates.tolist()
        trading = np.isin(calendar.phases, [int(p) for p in TRADING])
        lengths = np.where(trading, np.diff(calendar.bounds_ns), 0)
        self._trading: list[bool] = trading.tolist()
        self._elapsed: list[int] = [0, *np.cumsum(lengths).tolist()]
        regular = np.where(self._is_regular, np.diff(calendar.bounds_ns), 0)
        self._regular: list[int] = [0, *np.cumsum(regular).tolist()]
        self._offsets: list[int] = calendar.utc_offset_ns.tolist()
        self.place = calendar.zone.rpartition("/")[2].replace("_", " ")
        self._session_dates: list[int] = calendar.session_dates.tolist()
        self._regular_ends: list[int] = calendar.regular_end_ns.tolist()
        self._last_ends: list[int] = calendar.last_end_ns.tolist()

    def segment(self, t_ns: int) -> int:
        """Return the index of the segment that holds `t_ns`."""
        return min(max(bisect_right(self._bounds, t_ns) - 1, 0), len(self._phases) - 1)

    def segment_bounds(self, segment: int) -> tuple[int, int]:
        """Return the first instant of a segment and the first one after it."""
        return self._bounds[segment], self._bounds[segment + 1]

    def phase(self, t_ns: int) -> Phase:
        """Return the phase at `t_ns`."""
        return Phase(self._phases[self.segment(t_ns)])

    def phase_of(self, segment: int) -> Phase:
        """Return the phase of a segment."""
        return Phase(self._phases[segment])

    def date_of(self, segment: int) -> int:
        """Return the trade date (days since 1970) of a segment; of a closed one, the next."""
        return self._dates[segment]

    def trade_date(self, t_ns: int) -> int:
        """Return the trade date at `t_ns`."""
        return self._dates[self.segment(t_ns)]

    def trading_time(self, t_ns: int) -> int:
        """Return the trading nanoseconds from the calendar's start to `t_ns`."""
        t = min(max(t_ns, self.first_ns), self.end_ns)
        segment = self.segment(t)
        inside = t - self._bounds[segment] if self._trading[segment] else 0
        return self._elapsed[segment] + inside

    def regular_time(self, t_ns: int) -> int:
        """Return the nanoseconds of regular phases from the calendar's start to `t_ns`."""
        t = min(max(t_ns, self.first_ns), self.end_ns)
        segment = self.segment(t)
        inside = t - self._bounds[segment] if self.phase_of(segment) is Phase.regular else 0
        return self._regular[segment] + inside

    def outside_regular(self, ts_ns: I64) -> I64:
        """Return those of rising instants that lie in no regular phase."""
        at = np.searchsorted(self._bounds_ns, ts_ns, "right") - 1
        found: I64 = ts_ns[~self._is_regular[np.clip(at, 0, len(self._phases) - 1)]]
        return found

    def advance(self, t_ns: int, trading_ns: int) -> int:
        """Return the earliest instant by which `trading_ns` of trading have passed since `t_ns`."""
        target = self.trading_time(t_ns) + trading_ns
        j = bisect_left(self._elapsed, target)
        if j >= len(self._bounds):
            return self.end_ns
        return self._bounds[j] - (self._elapsed[j] - target)

    def retreat(self, t_ns: int, trading_ns: int) -> int:
        """Return the latest instant `trading_ns` of trading before `t_ns`."""
        target = self.trading_time(t_ns) - trading_ns
        if target < 0:
            return self.first_ns
        j = bisect_right(self._elapsed, target)
        if j >= len(self._bounds):
            return t_ns
        return self._bounds[j] - (self._elapsed[j] - target)

    def next_regular_end(self, t_ns: int) -> tuple[int, int] | None:
        """Return (trade date, instant) of the first regular end after `t_ns`; None beyond the calendar."""
        j = bisect_right(self._regular_ends, t_ns)
        return (
            (self._session_dates[j], self._regular_ends[j]) if j < len(self._regular_ends) else None
        )

    def previous_regular_end(self, t_ns: int) -> int:
        """Return the last regular end before `t_ns`, or a day before it at the calendar's start."""
        j = bisect_left(self._regular_ends, t_ns)
        return self._regular_ends[j - 1] if j else t_ns - DAY_NS

    def regular_end_before(self, date: int) -> int:
        """Return the end of the last regular phase before trade date `date`."""
        j = bisect_left(self._session_dates, date)
        return self._regular_ends[j - 1] if j else self.first_ns

    def local_ns(self, t_ns: int) -> int:
        """Return the venue's local time as if it were UTC: by the offset of its trade date."""
        j = bisect_left(self._session_dates, self.trade_date(t_ns))
        return t_ns + self._offsets[min(j, len(self._offsets) - 1)]

    def reach(self, t_ns: int) -> int:
        """Return the start of the trade date two before that of `t_ns`: how far minutes are read."""
        j = bisect_left(self._session_dates, self.trade_date(t_ns)) - 3
        return self._last_ends[j] if j >= 0 else self.first_ns

    def close_due(self, date: int) -> int:
        """Return when the session close of trade date `date` falls due."""
        j = min(bisect_left(self._session_dates, date), len(self._regular_ends) - 1)
        return self._regular_ends[j] + SESSION_CLOSE_DELAY_NS

    def last_end(self, date: int) -> int:
        """Return the end of the last phase of trade date `date`."""
        j = bisect_left(self._session_dates, date)
        return self._last_ends[min(j, len(self._last_ends) - 1)]
