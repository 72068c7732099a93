"""Where a leg of a move began: the onset that its causes are timed against."""

from __future__ import annotations

import numpy as np

from agents.reacting.attribution import Leg
from agents.reacting.listing_state import ListingState
from agents.reacting.moves import Crossing
from agents.reacting.tapes.points import HIGH, LOW, SECOND
from streams.events import MINUTE_NS, SECOND_NS

WINDOW_NS = 60 * MINUTE_NS  # trading time looked back over (DESIGN 7)


def leg_of(crossing: Crossing, line: ListingState, market_return: float | None) -> Leg:
    """Return the leg that ends in `crossing`, read from the seconds completed before it."""
    since = line.sessions.retreat(crossing.ts_ns, WINDOW_NS)
    first = line.state.first_trade_ns
    start = max(since, first if first is not None else crossing.ts_ns)
    onset_ns, half_ns = _run(crossing, line, start, first_in_window=first is None or first >= since)
    return Leg(
        ts_ns=crossing.ts_ns,
        level_pct=crossing.levels_pct[-1],
        onset_ns=onset_ns,
        half_ns=half_ns,
        day_return=crossing.price / crossing.close - 1.0,
        market_return=market_return,
    )


def _run(
    crossing: Crossing, line: ListingState, start_ns: int, *, first_in_window: bool
) -> tuple[int, int]:
    """Return (onset, instant when half of the leg was done)."""
    sign = 1 if crossing.direction == "up" else -1
    points = line.tape.seconds(start_ns, crossing.ts_ns)
    seconds = points[SECOND]
    opposite = sign * points[LOW if sign > 0 else HIGH]
    same = sign * points[HIGH if sign > 0 else LOW]
    top, close = sign * crossing.price, sign * crossing.close
    low = int(opposite.min()) if len(seconds) else top
    first = line.state.first_trade_ns
    base = low
    if close < low and first_in_window:
        onset, base = (crossing.ts_ns if first is None else first), close
    elif len(seconds):
        near = np.flatnonzero(10 * (opposite - low) <= max(top - low, 0))
        onset = int(seconds[near[-1]]) * SECOND_NS
    else:
        onset = crossing.ts_ns
    done = np.flatnonzero(2 * (same - base) >= top - base)
    half = int(seconds[done[0]]) * SECOND_NS if len(done) else crossing.ts_ns
    return onset, max(half, onset)
