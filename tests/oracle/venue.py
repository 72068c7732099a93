"""A venue's day, read segment by segment: phases, trade dates and trading time."""

from __future__ import annotations

import datetime as dt
import functools
from bisect import bisect_left, bisect_right

from streams.events import SECOND_NS, Phase
from streams.reference.calendars import Calendar

TRADING = {Phase.pre, Phase.regular, Phase.closing_auction, Phase.post}
EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()


def iso_date(day: int) -> str:
    return dt.date.fromordinal(EPOCH_ORDINAL + day).isoformat()


def ceil_second(t_ns: int) -> int:
    """Round an instant up to a whole second."""
    return -(-t_ns // SECOND_NS) * SECOND_NS


class Venue:
    """One calendar as plain lists."""

    def __init__(self, calendar: Calendar) -> None:
        self.bounds: list[int] = calendar.bounds_ns.tolist()
        self.phases = [Phase(p) for p in calendar.phases.tolist()]
        self.dates: list[int] = calendar.dates.tolist()
        self.session_dates: list[int] = calendar.session_dates.tolist()
        self.regular_ends: list[int] = calendar.regular_end_ns.tolist()
        self.last_ends: list[int] = calendar.last_end_ns.tolist()

    def segment(self, t: int) -> int:
        return bisect_right(self.bounds, t) - 1

    def phase(self, t: int) -> Phase:
        return self.phases[self.segment(t)]

    def trade_date(self, t: int) -> int:
        return self.dates[self.segment(t)]

    def elapsed(self, a: int, b: int) -> int:
        """Return the trading time from `a` to `b`, ns; 0 where `b` is not later."""
        total, k = 0, self.segment(a)
        while a < b and k < len(self.phases):
            end = min(self.bounds[k + 1], b)
            if self.phases[k] in TRADING:
                total += end - a
            a, k = end, k + 1
        return total

    def advance(self, t: int, span: int) -> int:
        """Return the earliest instant with `span` ns of trading time between `t` and it."""
        k = self.segment(t)
        while span > 0 and k < len(self.phases):
            end = self.bounds[k + 1]
            if self.phases[k] in TRADING:
                if end - t >= span:
                    return t + span
                span -= end - t
            t, k = end, k + 1
        return t

    def retreat(self, t: int, span: int) -> int:
        """Return the latest instant with `span` ns of trading time between it and `t`."""
        k = self.segment(t)
        while span > 0 and k >= 0:
            start = self.bounds[k]
            if self.phases[k] in TRADING:
                if t - start >= span:
                    return t - span
                span -= t - start
            t, k = start, k - 1
        return t

    def next_close(self, start: int) -> tuple[int, int]:
        """Return the first trade date whose regular end is later than `start`, and that end."""
        k = bisect_right(self.regular_ends, start)
        return self.session_dates[k], self.regular_ends[k]

    def last_end(self, day: int) -> int:
        return self.last_ends[bisect_left(self.session_dates, day)]

    def days_back(self, day: int, count: int) -> int:
        """Return the trade date `count` sessions before `day`."""
        return self.session_dates[max(0, bisect_left(self.session_dates, day) - count)]


@functools.cache
def venue_of(calendar: Calendar) -> Venue:
    return Venue(calendar)
