"""Beta and residual sigma of a listing, from returns that end before the event."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt

import msgspec

from agents.reacting.closes import DailyTable
from agents.reacting.explaining import constants as c


class Estimate(msgspec.Struct, frozen=True):
    """A beta and the sigma of what it leaves; `assumed`: too few returns, beta is the prior."""

    beta: float
    sigma: float | None
    observations: int
    assumed: bool


def beta_before(own: DailyTable, market: DailyTable, date: int) -> Estimate:
    """Estimate beta from the daily closes of both before trade date `date`, the newest MOST_DAYS."""
    others = {(r.since, r.date): r.value for r in market.returns()}
    pairs = [
        (r.value, others[r.since, r.date])
        for r in own.returns()
        if r.date < date and (r.since, r.date) in others
    ][-c.MOST_DAYS :]
    return beta_of([value for value, _ in pairs], [value for _, value in pairs])


def beta_of(
    listing: Sequence[float], benchmark: Sequence[float], prior: float = c.BETA_PRIOR
) -> Estimate:
    """Estimate beta from paired returns of equal length, shrunk towards `prior`.

    `prior` is the leverage of a fund that multiplies its index (-1, 2, -3), else 1. The weight of
    the estimate is v / (v + s2), v the variance of betas among listings and s2 its own error.
    """
    count = len(listing)
    if count < c.FEWEST_DAYS:
        return Estimate(prior, None, count, assumed=True)
    own = _clipped(listing)
    mean_x, mean_y = fsum(benchmark) / count, fsum(own) / count
    spread = fsum((x - mean_x) ** 2 for x in benchmark)
    if spread <= 0.0:
        return Estimate(prior, None, count, assumed=True)
    pairs = list(zip(benchmark, own, strict=True))
    raw = fsum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread
    error = fsum((y - mean_y - raw * (x - mean_x)) ** 2 for x, y in pairs) / (count - 2)
    known = c.BETA_PRIOR_SD**2
    trust = known / (known + error / spread)
    return Estimate(trust * raw + (1.0 - trust) * prior, sqrt(error), count, assumed=False)


def _clipped(returns: Sequence[float]) -> list[float]:
    """Bound returns at some sigmas, so that an old event bends nothing."""
    mean = fsum(returns) / len(returns)
    sigma = sqrt(fsum((r - mean) ** 2 for r in returns) / len(returns))
    bound = c.CLIP_SIGMA * sigma
    return [min(max(r, mean - bound), mean + bound) for r in returns]
