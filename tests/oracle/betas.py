"""Beta of a listing from its daily closes and its benchmark's (section 10)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from agents.reacting.explaining import constants as c
from tests.oracle.closes import DailyRow, previous_close


def beta_on(date: int, own: Sequence[DailyRow], market: Sequence[DailyRow]) -> float:
    """Return beta on a trade date; the prior where too few days are known of both."""
    of_market = changes(market)
    both = [day for day in sorted(changes(own)) if day in of_market and day[1] < date]
    both = both[-c.MOST_DAYS :]
    if len(both) < c.FEWEST_DAYS:
        return c.BETA_PRIOR
    of_own = changes(own)
    x = [of_market[day] for day in both]
    y = clipped([of_own[day] for day in both])
    n = len(both)
    mx, my = math.fsum(x) / n, math.fsum(y) / n
    sxx = math.fsum((a - mx) ** 2 for a in x)
    if not sxx:
        return c.BETA_PRIOR
    slope = math.fsum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sxx
    left = math.fsum((b - my - slope * (a - mx)) ** 2 for a, b in zip(x, y, strict=True))
    noise = left / (n - 2) / sxx
    spread = c.BETA_PRIOR_SD**2
    return (slope * spread + c.BETA_PRIOR * noise) / (spread + noise)


def changes(rows: Sequence[DailyRow]) -> dict[tuple[int, int], float]:
    """Return log returns by (trade date before, trade date)."""
    days = sorted(r.date for r in rows if r.close is not None)
    closes = {r.date: r.close for r in rows if r.close is not None}
    found = {}
    for before, day in pairwise(days):
        base = previous_close(day, [r for r in rows if r.date <= day], {})
        if base is not None:
            found[before, day] = math.log(closes[day] / base)
    return found


def clipped(values: Sequence[float]) -> list[float]:
    """Bound values at some standard deviations from their mean."""
    mean = math.fsum(values) / len(values)
    sigma = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
    low, high = mean - c.CLIP_SIGMA * sigma, mean + c.CLIP_SIGMA * sigma
    return [max(low, min(high, v)) for v in values]
