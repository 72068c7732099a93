"""The points of a tape: six columns of int64, a point a second or a minute; what is read of them."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from agents.reacting.volatility import Volatility, VolatilityHead
from streams.events import I64

SECOND, LAST, HIGH, LOW, VOLUME, LAST_TS = range(6)
NO_POINTS: I64 = np.empty((6, 0), np.int64)  # shared by every tape that is still empty


class Block:
    """A growing block of int64 columns, a row each, trimmed at the front."""

    __slots__ = ("data", "head", "tail")

    def __init__(self, data: I64 = NO_POINTS) -> None:
        self.data = data
        self.head = 0
        self.tail = data.shape[1]

    def column(self, row: int) -> I64:
        """Return one column as a view."""
        return self.data[row, self.head : self.tail]

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

    def tobytes(self) -> bytes:
        """Return the live points, column after column."""
        return np.ascontiguousarray(self.data[:, self.head : self.tail]).tobytes()


def restored(raw: bytes) -> Block:
    """Return the block that `tobytes` wrote."""
    return Block(np.frombuffer(raw, np.int64).reshape(6, -1).copy())


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
