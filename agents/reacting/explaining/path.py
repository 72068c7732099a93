"""The path of a move: the gap and the traded minutes up to the crossing, as steps.

All returns are logarithms, so that the steps of a path add up to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import msgspec


class Point(msgspec.Struct, frozen=True):
    """A price of the listing and of what it is measured against, at the end of a step.

    `clock_min` is the listing's traded clock: minutes of the regular phase that have passed plus
    minutes outside it in which the listing traded. `benchmark` is None where none is known.
    """

    ts_ns: int
    clock_min: float
    price: float
    benchmark: float | None = None
    sector: float | None = None  # index of the sector's residuals, any positive scale


class Step(msgspec.Struct, frozen=True):
    """One stretch of the path. `start_ns` is the trade before it: in between nobody traded."""

    start_ns: int
    end_ns: int
    start_min: float
    end_min: float
    listing: float
    market: float | None
    sector: float | None


def steps_of(points: Sequence[Point]) -> list[Step]:
    """Return the steps between points in order of time, the previous close first."""
    return [_step(a, b) for a, b in zip(points, points[1:], strict=False)]


def _step(a: Point, b: Point) -> Step:
    return Step(
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
