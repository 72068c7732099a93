"""The tape: a point a second that traded, and how it is read (section 6)."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from streams.events import MINUTE_NS, SECOND_NS, Phase
from tests.oracle.venue import Venue

FINE_NS = 90 * MINUTE_NS
REACH_DATES = 2  # minute points reach back two trade dates before that of the reading
FIRST_OBSERVATIONS = 20
DECAY = 0.94
CLIP = 4.0


@dataclass
class Point:
    """One second that traded, or one minute; `span_ns` tells which."""

    start_ns: int
    span_ns: int
    last: int
    last_ns: int
    high: int
    low: int
    volume: int

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.span_ns


class Quote(NamedTuple):
    """What the tape said at an instant: the price, when its point ended, whether by the minute."""

    price: int
    end_ns: int
    coarse: bool


class Window(NamedTuple):
    """The points of a stretch."""

    points: list[Point]
    coarse: bool


class Tape:
    """One listing's seconds, in order."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.points: list[Point] = []

    def at(self, t_ns: int) -> Point | None:
        """Return the point of the second that holds `t_ns`."""
        start = t_ns // SECOND_NS * SECOND_NS
        k = bisect_left(self.points, start, key=lambda p: p.start_ns)
        found = k < len(self.points) and self.points[k].start_ns == start
        return self.points[k] if found else None

    def make(self, t_ns: int, last: int, high: int, low: int, volume: int) -> None:
        start = t_ns // SECOND_NS * SECOND_NS
        k = bisect_left(self.points, start, key=lambda p: p.start_ns)
        self.points.insert(k, Point(start, SECOND_NS, last, t_ns, high, low, volume))

    def trade(self, t_ns: int, price: int, high: int, low: int, volume: int) -> None:
        """Enter an accepted row."""
        point = self.at(t_ns)
        if point is None:
            self.make(t_ns, price, high, low, volume)
            return
        point.high, point.low = max(point.high, high), min(point.low, low)
        point.volume += volume
        if t_ns >= point.last_ns:
            point.last, point.last_ns = price, t_ns

    def widen(self, t_ns: int, reference: int, high: int, low: int, volume: int) -> None:
        """Enter a row that may set the range only; any trade of its second sets the last."""
        point = self.at(t_ns)
        if point is None:
            self.make(t_ns // SECOND_NS * SECOND_NS, reference, high, low, volume)
            return
        point.high, point.low = max(point.high, high), min(point.low, low)
        point.volume += volume

    def minutes(self) -> list[Point]:
        """Return one point for each minute that traded."""
        found: dict[int, Point] = {}
        for p in self.points:
            start = p.start_ns // MINUTE_NS * MINUTE_NS
            m = found.get(start)
            if m is None:
                found[start] = Point(start, MINUTE_NS, p.last, p.last_ns, p.high, p.low, p.volume)
                continue
            m.last, m.last_ns = p.last, p.last_ns
            m.high, m.low = max(m.high, p.high), min(m.low, p.low)
            m.volume += p.volume
        return list(found.values())

    def reachable_minutes(self, as_of_ns: int) -> list[Point]:
        oldest = self.venue.days_back(self.venue.trade_date(as_of_ns), REACH_DATES)
        return [m for m in self.minutes() if self.venue.trade_date(m.start_ns) >= oldest]

    def read(self, t_ns: int, as_of_ns: int) -> Quote | None:
        """Return the newest point that ended at or before `t_ns`, as known at `as_of_ns`."""
        coarse = self.venue.elapsed(t_ns, as_of_ns) > FINE_NS
        points: Iterable[Point] = self.reachable_minutes(as_of_ns) if coarse else self.points
        ended = [p for p in points if p.end_ns <= t_ns]
        return Quote(ended[-1].last, ended[-1].end_ns, coarse) if ended else None

    def window(self, from_ns: int, to_ns: int, mark_ns: int, as_of_ns: int) -> Window:
        """Return the points that end in (from, to]; minutes if `mark` is old at `as_of`."""
        coarse = self.venue.elapsed(mark_ns, as_of_ns) > FINE_NS
        points: Iterable[Point] = self.reachable_minutes(as_of_ns) if coarse else self.points
        return Window([p for p in points if from_ns < p.end_ns <= to_ns], coarse)

    def first_after(self, t_ns: int) -> Point | None:
        """Return the first second that ends after `t_ns`."""
        k = bisect_right(self.points, t_ns, key=lambda p: p.end_ns)
        return self.points[k] if k < len(self.points) else None

    def sigma(self, t_ns: int) -> float | None:
        """Return the volatility of one minute, as a fraction, at `t_ns`."""
        squares = [r * r for r in self._minute_returns(t_ns)]
        if len(squares) < FIRST_OBSERVATIONS:
            return None
        variance = math.fsum(squares[:FIRST_OBSERVATIONS]) / FIRST_OBSERVATIONS
        for square in squares[FIRST_OBSERVATIONS:]:
            clipped = min(square, CLIP * CLIP * variance) if variance else square
            variance = DECAY * variance + (1 - DECAY) * clipped
        return math.sqrt(variance)

    def _minute_returns(self, t_ns: int) -> list[float]:
        returns: list[float] = []
        before: Point | None = None
        for m in self.minutes():
            if m.end_ns > t_ns or self.venue.phase(m.start_ns) is not Phase.regular:
                continue
            date = self.venue.trade_date(m.start_ns)
            if before is not None and self.venue.trade_date(before.start_ns) == date:
                returns.append(m.last / before.last - 1)
            before = m
        return returns
