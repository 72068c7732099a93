"""Gaps that look like splits."""

from __future__ import annotations

import pytest

from agents.reacting.explaining.path import PathPoint
from agents.reacting.explaining.splits import suspect_split


def path(close: float, first: float, market: float | None = 1.0) -> tuple[PathPoint, PathPoint]:
    """Return a gap, the market's return over it being `market` - 1."""
    before = None if market is None else 100.0
    after = None if market is None else 100.0 * market
    return PathPoint(0, 0.0, close, before), PathPoint(1, 0.0, first, after)


@pytest.mark.parametrize(
    ("close", "first", "split"),
    [
        (700.0, 100.0, (7, 1)),
        (645.57, 92.70, (7, 1)),
        (100.0, 50.4, (2, 1)),
        (100.0, 66.0, (3, 2)),
        (1.02, 10.1, (1, 10)),
        (2500.0, 125.0, (20, 1)),
        (100.0, 54.0, None),
        (100.0, 92.0, None),
        (100.0, 108.0, None),
        (100.0, 100.0, None),
        (100.0, 71.0, None),
    ],
)
def test_ratios(close: float, first: float, split: tuple[int, int] | None) -> None:
    assert suspect_split(path(close, first)) == split
    assert suspect_split(path(close, first, None)) == split


def test_a_day_on_which_the_market_fell_splits_nothing() -> None:
    assert suspect_split(path(100.0, 50.0, 0.97)) is None
    assert suspect_split(path(100.0, 50.0, 0.985)) == (2, 1)
