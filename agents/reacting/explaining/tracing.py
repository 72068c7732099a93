"""Trace the path of a move on the tape, and beside it the market's and the sector's.

```
Crossing -> trace: previous close, first trade, ends of traded minutes, the crossing itself
         -> quiet minutes joined (path.borders)
         -> measured: the benchmark's and the sector's price at each point, as far as known
```
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log
from typing import Final

import msgspec

from agents.reacting.benchmark import Benchmark
from agents.reacting.explaining.listing_clock import ListingClock
from agents.reacting.explaining.path import PathPoint, borders
from agents.reacting.explaining.surroundings import Surroundings
from agents.reacting.listing_state import ListingState
from agents.reacting.moves import Crossing
from agents.reacting.sessions import Sessions
from agents.reacting.tapes.points import LAST, SECOND
from streams.events import DAY_NS, MINUTE_NS, SECOND_NS
from streams.explanation import OtherLine

LARGEST: Final = 29  # minutes that stand alone: at most 60 steps (path.borders)
LOOK_BACK_NS: Final = DAY_NS
# A row may lie 5 s ahead of the newest Clock, so once the watermark (2 s behind) has passed an
# instant by so much, every point of the benchmark up to it has come.
SETTLE_NS: Final = 4 * SECOND_NS
AGAIN_NS: Final = MINUTE_NS  # until the benchmark's first price of a trade date is looked for again


class MoveCase(msgspec.Struct, frozen=True):
    """A move to be explained: its path as it was traced, and how far the market is known.

    In the state of an earlier release, which kept no path, there are no points.
    """

    look_back_ns: int  # earliest event time of a candidate
    other_line: OtherLine | None
    points: tuple[PathPoint, ...] = ()
    market_close: int | None = None  # the benchmark's previous close; None: there is no market
    market_known: bool = False  # it has traded on the trade date
    market_due_ns: int | None = None  # when the market is to be read again; None: it is settled

    @property
    def crossed_ns(self) -> int:
        """Return when the level was passed."""
        return self.points[-1].ts_ns


def look_back(ts_ns: int, close_ns: int, sessions: Sessions) -> int:
    """Return the start of the look-back: 24 h ago, or an earlier regular or previous close."""
    return min(ts_ns - LOOK_BACK_NS, close_ns, sessions.previous_regular_end(ts_ns))


def case_of(
    crossing: Crossing,
    line: ListingState,
    around: Surroundings,
    known_ns: int,
    other_line: OtherLine | None,
) -> MoveCase:
    """Return the case of a crossing; the market is read as it was known at `known_ns`."""
    sessions, ts_ns = line.sessions, crossing.ts_ns
    close_ns = sessions.regular_end_before(line.state.date)
    since_ns = look_back(ts_ns, close_ns, sessions)
    clock = ListingClock(line.tape, sessions, since_ns, ts_ns)
    prices = _joined(_traced(crossing, line, close_ns))
    points = tuple(PathPoint(t, clock.at(t), float(price)) for t, price in prices)
    market = around.market(line)
    close = None if market is None else market.previous_close(ts_ns)
    due_ns = None if close is None else _ceil(ts_ns) + SETTLE_NS
    case = MoveCase(since_ns, other_line, points, close, market_known=False, market_due_ns=due_ns)
    return measured(case, line, around, min(_ceil(ts_ns), known_ns))


def settled(case: MoveCase, line: ListingState, around: Surroundings) -> MoveCase:
    """Return the case with the market read again, due now; it is due again while unknown.

    Each wait is twice as long as the one before: a Clock that jumps over days finds few of them.
    """
    assert case.market_due_ns is not None
    waited_ns = case.market_due_ns - SETTLE_NS - _ceil(case.crossed_ns)
    found = measured(case, line, around, case.market_due_ns - SETTLE_NS)
    due_ns = None if found.market_known else case.market_due_ns + max(AGAIN_NS, waited_ns)
    return msgspec.structs.replace(found, market_due_ns=due_ns)


def measured(case: MoveCase, line: ListingState, around: Surroundings, until_ns: int) -> MoveCase:
    """Return the case with the market and the sector at each point, read up to `until_ns`."""
    market, close = around.market(line), case.market_close
    priced: list[int | None] = [None for _ in case.points]
    known = False
    if market is not None and close is not None:
        priced, known = _market(case.points, market, close, until_ns)
    points = tuple(
        msgspec.structs.replace(
            point,
            benchmark=None if price is None else float(price),
            sector=around.sector_at(line, min(_ceil(point.ts_ns), until_ns), until_ns),
        )
        for point, price in zip(case.points, priced, strict=True)
    )
    return msgspec.structs.replace(case, points=points, market_known=known)


def _market(
    points: Sequence[PathPoint], market: Benchmark, close: int, until_ns: int
) -> tuple[list[int | None], bool]:
    """Return the benchmark's price at each point, and whether it is known at the last.

    Before its first price of the trade date that is its previous close. The last point takes a first
    price that comes after it.
    """
    date = market.sessions.trade_date(points[-1].ts_ns)
    prices: list[int | None] = [close]
    price = None
    for point in points[1:]:
        price = market.price_on(date, min(_ceil(point.ts_ns), until_ns), until_ns)
        prices.append(close if price is None else price)
    if price is None:
        price = market.price_on(date, until_ns, until_ns)
        prices[-1] = close if price is None else price
    return prices, price is not None


def _traced(crossing: Crossing, line: ListingState, close_ns: int) -> list[tuple[int, int]]:
    """Return (instant, price) of the previous close, the first trade, the minutes, the crossing."""
    found = [(close_ns, crossing.close)]
    first_ns, first = line.state.first_trade_ns, line.state.first_price
    if first_ns is not None and first is not None and first_ns < crossing.ts_ns:
        found.append((first_ns, first))
        # what the first trade's own second ends with adds nothing to it
        minutes = line.tape.minutes(_ceil(first_ns + 1), crossing.ts_ns)
        ends = (minutes[SECOND] * SECOND_NS + MINUTE_NS).tolist()
        found += zip(ends, minutes[LAST].tolist(), strict=True)
    return [*found, (crossing.ts_ns, crossing.price)]


def _joined(prices: list[tuple[int, int]]) -> list[tuple[int, int]]:
    returns = [log(after / before) for (_, before), (_, after) in pairwise(prices)]
    return [prices[k] for k in borders(returns, LARGEST)]


def _ceil(t_ns: int) -> int:
    return -(-t_ns // SECOND_NS) * SECOND_NS
