"""One headline watched on one listing, from its opening to its last horizon (section 7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from streams.events import MINUTE_NS, SECOND_NS, Mention, Phase
from tests.oracle.benchmark import Benchmark
from tests.oracle.closes import close_of
from tests.oracle.line import Line
from tests.oracle.outputs import Record, as_price
from tests.oracle.tape import FINE_NS, Point, Quote, Window
from tests.oracle.venue import ceil_second

CLOSE = "session_close"
CLOSE_DELAY_NS = 15 * MINUTE_NS
SPANS_NS = {"1m": MINUTE_NS, "5m": 5 * MINUTE_NS, "15m": 15 * MINUTE_NS, "60m": 60 * MINUTE_NS}
HORIZONS = (*SPANS_NS, CLOSE)
DRIFT_NS = 30 * MINUTE_NS
BASELINE_MINUTES = 60
STALE_REGULAR_NS, STALE_ELSEWHERE_NS = 5 * MINUTE_NS, 30 * MINUTE_NS


class Task(NamedTuple):
    """Something that falls due; tasks run in the order of their first four fields."""

    due_ns: int
    listing: str
    headline_id: str
    horizon: str
    run: Callable[[], None]


class Due(NamedTuple):
    """When a horizon falls due, where its path ends, and for the close its trade date."""

    due_ns: int
    end_ns: int
    date: int | None


def bps(price: int, reference: int | None) -> Fraction | None:
    return None if reference is None else (Fraction(price, reference) - 1) * 10_000


def as_float(x: Fraction | float | None) -> float | None:
    return None if x is None else round(float(x), 6) + 0.0


@dataclass
class Watch:
    """One (headline, listing): everything measured once, and the horizons still to come."""

    mention: Mention
    line: Line
    benchmark: Benchmark | None
    arrival_ns: int | None  # the watermark when the mention came
    out: list[Record]
    opened: bool = False
    start_ns: int | None = None
    reference: int | None = None
    age_ns: int | None = None
    drift: Fraction | None = None
    baseline: Fraction = Fraction(0)  # shares a minute
    sigma: float | None = None
    market: int | None = None  # the benchmark's price at the event
    flags: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=lambda: list(HORIZONS))
    dues: dict[str, Due] = field(default_factory=dict)

    def as_of(self, due_ns: int) -> int:
        whole = ceil_second(due_ns)
        return whole if self.arrival_ns is None else max(whole, self.arrival_ns)

    def tasks(self) -> Iterator[Task]:
        event = self.mention.event_ns
        name, headline = self.line.listing.listing, self.mention.headline_id
        if not self.opened:
            yield Task(ceil_second(event), name, headline, "", self.open)
        elif self.start_ns is None:
            since = self.line.venue.retreat(self.as_of(event), FINE_NS)
            point = self.line.tape.first_after(max(event, since))
            if point is not None:
                start = max(event, point.start_ns)
                yield Task(point.end_ns, name, headline, "", lambda: self.begin(start))
        for horizon in self.waiting if self.start_ns is not None else ():
            due = ceil_second(self.dues[horizon].due_ns)
            yield Task(due, name, headline, horizon, lambda h=horizon: self.fire(h))  # type: ignore[misc]

    def open(self) -> None:
        """Measure what lies before the event, and begin where that is known already."""
        self.opened = True
        event, tape, venue = self.mention.event_ns, self.line.tape, self.line.venue
        as_of = self.as_of(event)
        self._take_reference(self._noted(tape.read(event, as_of)), as_of)
        before = tape.window(
            hour := venue.retreat(event, BASELINE_MINUTES * MINUTE_NS), event, hour, as_of
        )
        self.baseline = Fraction(sum(p.volume for p in before.points), BASELINE_MINUTES)
        self.sigma = tape.sigma(event)
        self.market = self._market_at(event, as_of)
        if venue.phase(event) is Phase.regular:
            self.begin(event)
        else:
            self._begin_from_minutes(as_of)

    def _noted(self, quote: Quote | None) -> Quote | None:
        if quote is not None and quote.coarse:
            self.flags.add("coarse")
        return quote

    def _take_reference(self, quote: Quote | None, as_of_ns: int) -> None:
        event, tape, venue = self.mention.event_ns, self.line.tape, self.line.venue
        if quote is None:
            self.reference = self.line.previous_close(venue.trade_date(event))
            if self.reference is not None:
                self.flags.add("previous_close_reference")
            return
        self.reference, self.age_ns = quote.price, venue.elapsed(quote.end_ns, event)
        regular = venue.phase(event) is Phase.regular
        if self.age_ns > (STALE_REGULAR_NS if regular else STALE_ELSEWHERE_NS):
            self.flags.add("stale_reference")
        earlier = self._noted(tape.read(venue.retreat(event, DRIFT_NS), as_of_ns))
        if earlier is not None:
            self.drift = bps(quote.price, earlier.price)

    def _market_at(self, t_ns: int, as_of_ns: int) -> int | None:
        if self.benchmark is None:
            return None
        quote = self._noted(self.benchmark.tape.read(t_ns, as_of_ns))
        return self.benchmark.previous_close(t_ns) if quote is None else quote.price

    def _begin_from_minutes(self, as_of_ns: int) -> None:
        """Begin an old reaction at the first minute that ended after the event."""
        event, tape = self.mention.event_ns, self.line.tape
        if self.line.venue.elapsed(event, as_of_ns) <= FINE_NS:
            return
        after = [m for m in tape.reachable_minutes(as_of_ns) if event < m.end_ns <= as_of_ns]
        if after:
            self.flags.add("coarse")
            self.begin(max(event, after[0].start_ns))

    def begin(self, start_ns: int) -> None:
        """Let the horizons run."""
        self.start_ns = start_ns
        venue = self.line.venue
        for horizon, span_ns in SPANS_NS.items():
            due = venue.advance(start_ns, span_ns)
            self.dues[horizon] = Due(due, ceil_second(due), None)
        date, regular_end = venue.next_close(start_ns)
        self.dues[CLOSE] = Due(regular_end + CLOSE_DELAY_NS, regular_end, date)

    def fire(self, horizon: str) -> None:
        """Write the reaction of a horizon that is due."""
        self.waiting.remove(horizon)
        due = self.dues[horizon]
        as_of = self.as_of(due.due_ns)
        flags = set(self.flags)
        price = self._price(due, as_of, flags)
        if price is None:
            self._write(horizon, {}, {*self.flags, "no_trade"})
            return
        self._write(horizon, self._measured(due, as_of, price, flags), flags)

    def no_trade(self) -> None:
        """Write whatever is not due, with null price."""
        for horizon in self.waiting:
            self._write(horizon, {}, {*self.flags, "no_trade"})
        self.waiting = []

    def _price(self, due: Due, as_of_ns: int, flags: set[str]) -> int | None:
        if due.date is not None:
            day = self.line.days.get(due.date)
            return None if day is None else close_of(day, self.line.listing.mic, due.due_ns)
        quote = self.line.tape.read(due.end_ns, as_of_ns)
        if quote is None:
            return None
        flags.update({"coarse"} if quote.coarse else ())
        return quote.price

    def _measured(self, due: Due, as_of_ns: int, price: int | None, flags: set[str]) -> Record:
        event = self.mention.event_ns
        path = self.line.tape.window(event, due.end_ns, event, as_of_ns)
        flags.update({"coarse"} if path.coarse else ())
        flags.update(() if path.points else {"untraded"})
        moved = None if price is None else bps(price, self.reference)
        return {
            "price": price,
            "return_bps": moved,
            "abnormal_bps": self._abnormal(moved, due, as_of_ns, flags),
            "z": self._z(moved, due),
            "volume_surge": self._surge(path, due),
            **self._extremes(path.points),
        }

    def _extremes(self, points: list[Point]) -> Record:
        if not points:
            return {}
        return {
            "path_high_bps": bps(max(p.high for p in points), self.reference),
            "path_low_bps": bps(min(p.low for p in points), self.reference),
        }

    def _abnormal(
        self, moved: Fraction | None, due: Due, as_of_ns: int, flags: set[str]
    ) -> Fraction | None:
        quote = None
        if self.benchmark is not None:
            quote = self.benchmark.tape.read(due.end_ns, as_of_ns)
        flags.update({"coarse"} if quote is not None and quote.coarse else ())
        market = None if quote is None else bps(quote.price, self.market)
        if market is None:
            flags.add("no_benchmark")
            return None
        return None if moved is None else moved - market

    def _minutes(self, due: Due) -> Fraction:
        """Return the trading minutes a horizon runs, at least 1; the close's to the regular end."""
        assert self.start_ns is not None
        until = due.due_ns if due.date is None else due.end_ns
        return max(Fraction(1), Fraction(self.line.venue.elapsed(self.start_ns, until), MINUTE_NS))

    def _z(self, moved: Fraction | None, due: Due) -> float | None:
        if moved is None or not self.sigma:
            return None
        return float(moved / 10_000) / (self.sigma * math.sqrt(self._minutes(due)))

    def _surge(self, path: Window, due: Due) -> Fraction | None:
        expected = self.baseline * self._minutes(due)
        return sum(p.volume for p in path.points) / expected if expected else None

    def _write(self, horizon: str, measured: Record, flags: set[str]) -> None:
        due = self.dues.get(horizon)
        price, age = measured.get("price"), self.age_ns
        names = ("return_bps", "abnormal_bps", "z", "volume_surge", "path_high_bps", "path_low_bps")
        self.out.append(
            {
                "headline_id": self.mention.headline_id,
                "issuer": self.mention.issuer,
                "listing": self.line.listing.listing,
                "horizon": horizon,
                "event_ns": self.mention.event_ns,
                "start_ns": self.start_ns,
                "due_ns": None if due is None else due.due_ns,
                "reference_price": None if self.reference is None else as_price(self.reference),
                "reference_age_s": None if age is None else as_float(Fraction(age, SECOND_NS)),
                "price": None if price is None else as_price(price),
                **{name: as_float(measured.get(name)) for name in names},
                "drift_bps": as_float(self.drift),
                "flags": tuple(sorted(flags)),
            }
        )
