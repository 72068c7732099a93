"""The points of a tape: six columns of int64, a point a second or a minute; what is read of them.

A point is a bar of one second (or minute): its last, high and low price, its volume, and the time of its
last trade.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
import numpy as np

from agents.reacting.tapes.volatility import Volatility, VolatilityHead
from streams.events import I64, SECOND_NS

SECOND, LAST, HIGH, LOW, VOLUME, LAST_TS = range(6)
NO_POINTS: I64 = np.empty((6, 0), np.int64)  # shared by every tape that is still empty


class Price(NamedTuple):
    """A price read from the tape: the end of its second (or minute) and whether it is coarse."""

    price: int
    end_ns: int
    coarse: bool


class Path(NamedTuple):
    """Highest high, lowest low and volume over a stretch of the tape; `points` may be 0."""

    points: int
    high: int
    low: int
    volume: int
    coarse: bool


class Block:
    """A growing block of points, rising by second, trimmed at the front.

    Three cursors into `data`: the live points are `head` to `tail`; the first `saved` of these stand in
    checkpoints already (agents/reacting/tapes/tape_parts.py).
    """

    __slots__ = ("data", "head", "saved", "tail")

    def __init__(self, data: I64 = NO_POINTS) -> None:
        self.data = data
        self.head = self.saved = 0
        self.tail: int = data.shape[1]

    def __len__(self) -> int:
        return self.tail - self.head

    def column(self, row: int) -> I64:
        """Return one column as a view."""
        return self.data[row, self.head : self.tail]

    def points(self, start: int, stop: int) -> I64:
        """Return points (6 x n) by position, counted from the first live one, as a view."""
        return self.data[:, self.head + start : self.head + stop]

    def place(self, second: int, side: Literal["left", "right"] = "left") -> int:
        """Return how many live points lie before `second` (`right`: at or before it)."""
        return int(np.searchsorted(self.data[SECOND, self.head : self.tail], second, side))

    # -- writing

    def extend(self, block: I64) -> None:
        """Append a block of points (6 x n)."""
        n = block.shape[1]
        if self.tail + n > self.data.shape[1]:
            self._grow(n)
        self.data[:, self.tail : self.tail + n] = block
        self.tail += n

    def _grow(self, n: int) -> None:
        live = self.tail - self.head
        data = np.empty((6, max(2 * live, live + n, 4)), np.int64)
        data[:, :live] = self.data[:, self.head : self.tail]
        self.data, self.head, self.tail = data, 0, live

    def insert(self, at: int, point: I64) -> None:
        """Insert a point at position `at`, counted from the first live one."""
        rest = self.data[:, self.head + at : self.tail].copy()
        self.tail = self.head + at
        self.extend(point)
        self.extend(rest)

    def join(self, at: int, point: I64) -> None:
        """Add one row to the live point at position `at`, which is of the same second."""
        data, index = self.data, self.head + at
        data[HIGH, index] = max(data[HIGH, index], point[HIGH])
        data[LOW, index] = min(data[LOW, index], point[LOW])
        data[VOLUME, index] += point[VOLUME]
        if point[LAST_TS] >= data[LAST_TS, index]:
            data[LAST, index], data[LAST_TS, index] = point[LAST], point[LAST_TS]

    def trim(self, n: int) -> None:
        """Forget the oldest `n` live points."""
        self.head += n
        self.saved = max(self.saved - n, 0)

    def save(self, stop: int) -> I64:
        """Return the live points up to position `stop` that no checkpoint has, which now has them."""
        start, self.saved = self.saved, max(self.saved, stop)
        return self.points(start, self.saved)

    # -- reading

    def newest_by(self, t_ns: int, length_ns: int, *, coarse: bool) -> Price | None:
        """Return the last price of the newest point that ends at or before `t_ns`; None: there is none."""
        at = self.place((t_ns - length_ns) // SECOND_NS, "right") - 1
        if at < 0:
            return None
        index = self.head + at
        end = int(self.data[SECOND, index]) * SECOND_NS + length_ns
        return Price(int(self.data[LAST, index]), end, coarse)

    def path(self, after_ns: int, until_ns: int, length_s: int, *, coarse: bool) -> Path:
        """Return the extremes and volume of the points that end after `after_ns` and by `until_ns`."""
        lo = self.place(after_ns // SECOND_NS - length_s, "right")
        hi = self.place(until_ns // SECOND_NS - length_s, "right")
        if hi <= lo:
            return Path(0, 0, 0, 0, coarse)
        part = self.points(lo, hi)
        high, low = int(part[HIGH].max()), int(part[LOW].min())
        return Path(hi - lo, high, low, int(part[VOLUME].sum()), coarse)

    def tobytes(self) -> bytes:
        """Return the live points, column after column."""
        return np.ascontiguousarray(self.data[:, self.head : self.tail]).tobytes()


def points_from(raw: bytes) -> I64:
    """Return the points that `Block.tobytes` wrote."""
    return np.frombuffer(raw, np.int64).reshape(6, -1).copy()


class TapeState(msgspec.Struct, frozen=True):
    """What a snapshot keeps of a tape."""

    seconds: bytes
    minutes: bytes
    folded: int
    volatility: Volatility | None


class Loose(msgspec.Struct, frozen=True, array_like=True):
    """What a checkpoint keeps of a tape beside the points that are final."""

    tail: bytes  # the seconds that may still change
    folded_second: int  # the newest second that is part of a minute, -1: none
    volatility: VolatilityHead | None
