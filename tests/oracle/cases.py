"""The moves that alerts explain: their paths, when the market is read, and what is told (section 10)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agents.reacting.explaining.constants import BETA_PRIOR
from streams.events import MINUTE_NS, SECOND_NS, Mention, Phase
from tests.oracle.benchmark import Benchmark
from tests.oracle.betas import beta_on
from tests.oracle.division import Point, Told, divided
from tests.oracle.line import Line
from tests.oracle.venue import TRADING, Venue, ceil_second

DAY_NS = 86_400 * SECOND_NS
SETTLE_NS = 4 * SECOND_NS
ALONE = 29
CHANGE = 0.05


@dataclass
class Case:
    """One alert's move."""

    line: Line
    benchmark: Benchmark | None
    crossed_ns: int
    since_ns: int
    points: list[Point]
    market_close: int | None
    due_ns: int | None  # when the market is read next
    told: list[tuple[str, Told]]

    def clock(self, x: int) -> float:
        return clock_at(self.line, self.since_ns, self.crossed_ns, x)

    def beta(self) -> float:
        if self.benchmark is None:
            return BETA_PRIOR
        date = self.line.venue.trade_date(self.crossed_ns)
        return beta_on(date, self.line.daily, self.benchmark.daily)

    def explain(self, transition: str, mentions: Mapping[str, Mention]) -> None:
        """Divide anew; an update is told only where something has changed."""
        beta = self.beta()
        found = divided(self.points, list(mentions.values()), self.since_ns, self.clock, beta)
        if transition != "updated" or changed(self.told[-1][1], found):
            self.told.append((transition, found))

    def read_market(self, until_ns: int) -> bool:
        """Put the benchmark's prices beside the points; tell whether the last is known."""
        if self.benchmark is None or self.market_close is None:
            return False
        prices = [self._price(min(ceil_second(p.ts_ns), until_ns), until_ns) for p in self.points]
        prices[0] = None
        if prices[-1] is None:
            prices[-1] = self._price(until_ns, until_ns)
        close = self.market_close
        self.points = [
            p._replace(market=close if price is None else price)
            for p, price in zip(self.points, prices, strict=True)
        ]
        return prices[-1] is not None

    def _price(self, t_ns: int, as_of_ns: int) -> int | None:
        assert self.benchmark is not None
        venue = self.benchmark.venue
        quote = self.benchmark.tape.read(t_ns, as_of_ns)
        if quote is None or venue.trade_date(quote.end_ns - 1) != venue.trade_date(self.crossed_ns):
            return None
        return quote.price

    def settle(self, mentions: Mapping[str, Mention]) -> None:
        """Read the market when that is due."""
        assert self.due_ns is not None
        if self.read_market(self.due_ns - SETTLE_NS):
            self.due_ns = None
            self.explain("updated", mentions)
        else:
            first_ns = ceil_second(self.crossed_ns) + SETTLE_NS
            self.due_ns += max(MINUTE_NS, self.due_ns - first_ns)


def case_of(
    line: Line, benchmark: Benchmark | None, t_ns: int, price: int, known_ns: int | None
) -> Case:
    """Trace a crossing; `known_ns` bounds what is known of the market, None where nothing does."""
    day, venue = line.day, line.venue
    assert day is not None
    assert day.previous_close is not None
    e = max(end for end in venue.regular_ends if venue.trade_date(end - 1) < day.date)
    since_ns = min(t_ns - DAY_NS, e, max(end for end in venue.regular_ends if end < t_ns))
    path = [(e, day.previous_close)]
    if day.first_trade_ns is not None and day.first_trade_ns < t_ns:
        assert day.first_price is not None
        path.append((day.first_trade_ns, day.first_price))
        second_ends = (day.first_trade_ns // SECOND_NS + 1) * SECOND_NS
        path += [(m.end_ns, m.last) for m in line.tape.minutes() if second_ends < m.end_ns <= t_ns]
    path = joined([*path, (t_ns, price)])
    points = [Point(t, clock_at(line, since_ns, t_ns, t), p, None) for t, p in path]
    close = None if benchmark is None else benchmark.previous_close(t_ns)
    due = None if close is None else ceil_second(t_ns) + SETTLE_NS
    case = Case(line, benchmark, t_ns, since_ns, points, close, due, [])
    whole = ceil_second(t_ns)
    case.read_market(whole if known_ns is None else min(whole, known_ns))
    return case


def joined(path: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join the quiet steps of a long path."""
    sizes = [abs(math.log(b[1] / a[1])) for a, b in pairwise(path)]
    if len(sizes) <= 2 * ALONE + 2:
        return list(path)
    kept = {0, *sorted(range(1, len(sizes)), key=lambda k: (-sizes[k], k))[:ALONE]}
    inner = [path[k] for k in range(1, len(sizes)) if k - 1 in kept or k in kept]
    return [path[0], *inner, path[-1]]


def clock_at(line: Line, since_ns: int, crossed_ns: int, x: int) -> float:
    venue = line.venue
    traded = [
        m
        for m in line.tape.minutes()
        if venue.phase(m.start_ns) is not Phase.regular
        and since_ns < m.end_ns <= min(x, crossed_ns)
    ]
    minutes = regular_ns(venue, since_ns, x) / MINUTE_NS + len(traded)
    phase = venue.phase(crossed_ns)
    if x > crossed_ns and phase in TRADING and phase is not Phase.regular:
        end = venue.bounds[venue.segment(crossed_ns) + 1]
        minutes += (min(x, end) - crossed_ns) / MINUTE_NS
    return minutes


def regular_ns(venue: Venue, a: int, b: int) -> int:
    """Return the regular time from `a` to `b`, negative where `b` is earlier."""
    if b < a:
        return -regular_ns(venue, b, a)
    total, k = 0, venue.segment(a)
    while a < b:
        end = min(venue.bounds[k + 1], b)
        if venue.phases[k] is Phase.regular:
            total += end - a
        a, k = end, k + 1
    return total


def changed(before: Told, after: Told) -> bool:
    def first(told: Told) -> str:
        return told.causes[0][0] if told.causes else ""

    old, new = ({story: share for story, _, share in told.causes} for told in (before, after))
    gaps = [abs(old.get(story, 0.0) - new.get(story, 0.0)) for story in {**old, **new}]
    gaps += [abs(before.market - after.market), abs(before.unexplained - after.unexplained)]
    return first(before) != first(after) or max(gaps) >= CHANGE
