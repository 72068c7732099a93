"""The path of a move: the gap and the traded minutes up to the crossing, as steps.

All returns are logarithms, so that the steps of a path add up to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log

import msgspec


class PathPoint(msgspec.Struct, frozen=True, array_like=True):
    """A price of the listing, and of what it is measured against, at the end of a step.

    `clock_min` is the listing's clock: the minutes of regular phases that have passed, plus those
    outside them in which it traded. `benchmark` and `sector` are prices on any positive scale
    (the sector's: an index of the median residual), None where none is known.
    """

    ts_ns: int
    clock_min: float
    price: float
    benchmark: float | None = None
    sector: float | None = None


class MeasuredStep(msgspec.Struct, frozen=True):
    """One stretch of the path, from the trade before it to the trade that ends it."""

    start_ns: int
    end_ns: int
    start_min: float
    end_min: float
    listing: float
    market: float | None
    sector: float | None


def steps_of(points: Sequence[PathPoint]) -> list[MeasuredStep]:
    """Return the steps between points in order of time, the previous close first."""
    return [_step(a, b) for a, b in pairwise(points)]


def borders(returns: Sequence[float], largest: int) -> list[int]:
    """Return the points (0 = before the first step) at which a path is cut, quiet steps joined.

    The first step, the gap, and the `largest` others by size (of equal ones the earlier) stand
    alone; steps between them that follow each other become one. So at most 2 * `largest` + 2
    steps are left; a path of no more than that is left as it is.
    """
    count = len(returns)
    if count <= 2 * largest + 2:
        return list(range(count + 1))
    ranked = sorted(range(1, count), key=lambda k: (-abs(returns[k]), k))
    alone = [0, *ranked[:largest]]
    return sorted({0, count, *alone, *(k + 1 for k in alone)})


def _step(a: PathPoint, b: PathPoint) -> MeasuredStep:
    return MeasuredStep(
        start_ns=a.ts_ns,
        end_ns=b.ts_ns,
        start_min=a.clock_min,
        end_min=b.clock_min,
        listing=log(b.price / a.price),
        market=_log_return(a.benchmark, b.benchmark),
        sector=_log_return(a.sector, b.sector),
    )


def _log_return(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else log(after / before)
