"""Tell a gap that looks like a split of the shares from one that looks like a move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agents.reacting.explaining.path import PathPoint

NEAR: Final = 0.02  # of the ratio: what a share may have moved on the day of its split
MARKET: Final = 0.02  # a market that moved so much over the gap explains one
# New shares for old ones, as companies split: 2:1 to 20:1 and 3:2; the other way, 1:2 to 1:20.
RATIOS: Final = ((3, 2), *((n, 1) for n in range(2, 21)), (2, 3), *((1, n) for n in range(2, 21)))


def suspect_split(points: Sequence[PathPoint]) -> tuple[int, int] | None:
    """Return the split (new, old) that the gap of a path looks like, None for none.

    Where two ratios are as near, the one with the smaller numbers.
    """
    close, first = points[0], points[1]
    if close.benchmark and first.benchmark:
        moved = first.benchmark / close.benchmark - 1.0
        if abs(moved) >= MARKET:
            return None
    ratio = close.price / first.price
    errors = [(abs(ratio * old / new - 1.0), new + old, (new, old)) for new, old in RATIOS]
    error, _, split = min(errors)
    return split if error <= NEAR else None
