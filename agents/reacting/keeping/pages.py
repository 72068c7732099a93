"""Final points of many tapes, appended to numbered pages: a full page is never written again.

A checkpoint writes the open page and those that filled up since the last one, so that a tape is
never rewritten whole. A page whose points nothing can reach any more gives its number back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import NamedTuple

import msgspec
import numpy as np

from agents.reacting.tapes.points import SECOND
from streams.events import I32, I64

PAGE_POINTS = 2_048  # some 100 KB: rewritten at each checkpoint until it is full


class Extent(NamedTuple):
    """What is remembered of a full page."""

    oldest: int  # second
    newest: int
    owners: tuple[int, ...]


class PageBody(msgspec.Struct, frozen=True, array_like=True):
    """A page as bytes: who owns each point, and the points, column after column."""

    names: tuple[str, ...]
    owner: bytes  # int32, indexes `names`
    points: bytes  # int64, (columns x points)


class Pages:
    """The pages of one kind, `columns` int64 a point; owners are numbers with a name each."""

    def __init__(self, kind: str, columns: int, names: list[str]) -> None:
        self._kind, self._columns, self._names = kind, columns, names
        self._index = {name: number for number, name in enumerate(names)}
        self._full: dict[int, Extent] = {}
        self._free: list[int] = []
        self._next = 1
        self._open = 0  # number of the page that grows
        self._owner: I32 = np.zeros(0, np.int32)
        self._points: I64 = np.zeros((columns, 0), np.int64)
        self._fresh: list[tuple[int, I64]] = []

    def add(self, owner: int, points: I64) -> None:
        """Append points (columns x n) of one owner."""
        if points.shape[1]:
            self._fresh.append((owner, points.copy()))

    def changes(self) -> dict[str, bytes | None]:
        """Return the pages that are new or have grown since the last call."""
        if not self._fresh:
            return {}
        numbers = np.array([owner for owner, _ in self._fresh], np.int32)
        counts = [points.shape[1] for _, points in self._fresh]
        owner = np.concatenate([self._owner, np.repeat(numbers, counts)])
        points = np.hstack([self._points, *(points for _, points in self._fresh)])
        self._fresh.clear()
        changed: dict[str, bytes | None] = {}
        while len(owner) >= PAGE_POINTS:
            whole = slice(0, PAGE_POINTS)
            changed[self._key(self._open)] = self._body(owner[whole], points[:, whole])
            self._full[self._open] = _extent(owner[whole], points[:, whole])
            self._open = self._number()
            owner, points = owner[PAGE_POINTS:], points[:, PAGE_POINTS:]
        self._owner, self._points = owner, points
        if len(owner):
            changed[self._key(self._open)] = self._body(owner, points)
        return changed

    def expired(self, needed: Callable[[int], int], oldest_needed: int) -> list[tuple[str, Extent]]:
        """Forget the full pages that lie wholly before what each of their owners needs.

        `oldest_needed` bounds what any of them may need, and is cheap to have. Returns their keys.
        """
        gone = [
            (number, extent)
            for number, extent in self._full.items()
            if extent.newest < oldest_needed
            and all(extent.newest < needed(owner) for owner in extent.owners)
        ]
        for number, _ in gone:
            del self._full[number]
            heappush(self._free, number)
        return [(self._key(number), extent) for number, extent in gone]

    def restore(self, bodies: Iterable[tuple[str, bytes]]) -> dict[int, I64]:
        """Take pages back; return the points of each owner, rising, each second once."""
        owners, blocks = [self._owner], [self._points]
        for key, body in bodies:
            page = msgspec.msgpack.decode(body, type=PageBody)
            owner, points = self._read(page)
            owners.append(owner)
            blocks.append(points)
            number = int(key.rpartition("/")[2])
            self._next = max(self._next, number + 1)
            if len(page.owner) < PAGE_POINTS * owner.itemsize:
                self._open, self._owner, self._points = number, owner, points
            elif len(owner):
                self._full[number] = _extent(owner, points)
        if self._open in self._full:  # every page was full
            self._open, self._next = self._next, self._next + 1
        self._free = sorted(set(range(self._next)) - {*self._full, self._open})
        return _by_owner(np.concatenate(owners), np.hstack(blocks))

    def _number(self) -> int:
        if self._free:
            return heappop(self._free)
        self._next += 1
        return self._next - 1

    def _key(self, number: int) -> str:
        return f"{self._kind}/{number}"

    def _body(self, owner: I32, points: I64) -> bytes:
        present, local = np.unique(owner, return_inverse=True)
        names = tuple(self._names[n] for n in present.tolist())
        return msgspec.msgpack.encode(
            PageBody(names, local.astype(np.int32).tobytes(), points.tobytes())
        )

    def _read(self, page: PageBody) -> tuple[I32, I64]:
        """Return a page's owners and points; those of a listing we do not have are left out."""
        table = np.array([self._index.get(name, -1) for name in page.names], np.int32)
        owner = table[np.frombuffer(page.owner, np.int32)]
        points = np.frombuffer(page.points, np.int64).reshape(self._columns, -1)
        known = owner >= 0
        return owner[known], points[:, known]


def _extent(owner: I32, points: I64) -> Extent:
    seconds = points[SECOND]
    return Extent(int(seconds.min()), int(seconds.max()), tuple(np.unique(owner).tolist()))


def _by_owner(owner: I32, points: I64) -> dict[int, I64]:
    order = np.lexsort((points[SECOND], owner))
    owner, points = owner[order], points[:, order]
    once = np.ones(len(owner), np.bool_)  # a point may stand in two pages: see Cells
    once[1:] = (np.diff(owner) != 0) | (np.diff(points[SECOND]) != 0)
    owner, points = owner[once], points[:, once]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    stops = np.append(starts[1:], len(owner))[: len(starts)].tolist()
    return {int(owner[lo]): points[:, lo:hi] for lo, hi in zip(starts.tolist(), stops, strict=True)}
