"""Frames to the partitions of `market`: each row to that of its issuer, numbered there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from streams.events import I32, TickFrame
from streams.topics import partition_of

ROWS = ("ts_ns", "price", "size", "flags", "open", "high", "low", "start_ns")
Places = npt.NDArray[np.int16]  # numpy sorts 16 bits by radix; MOST_PARTITIONS is far below


class Partitioned:
    """Split frames by partition and number each partition's rows (DESIGN 4.7, 5).

    A row goes to the partition of its listing's issuer; a listing nobody knows is its own issuer.
    `next_seq` holds the number of each partition's next row, and may be read at any time.
    """

    def __init__(
        self, partitions: int, issuer_of: Mapping[str, str], run: str, next_seq: Sequence[int] = ()
    ) -> None:
        self.run = run
        self.next_seq = list(next_seq) or [0] * partitions
        if len(self.next_seq) != partitions:
            raise ValueError(f"{len(self.next_seq)} numbers for {partitions} partitions")
        self._issuer_of = issuer_of
        self._home: dict[str, int] = {}
        self._named: tuple[str, ...] = ()  # the table that `_homes` is of
        self._homes: Places = np.zeros(0, np.int16)

    def home(self, listing: str) -> int:
        """Return the partition that a listing's rows go to."""
        home = self._home.get(listing)
        if home is None:
            issuer = self._issuer_of.get(listing, listing)
            home = self._home[listing] = partition_of(issuer, len(self.next_seq))
        return home

    def split(self, frame: TickFrame) -> list[tuple[int, TickFrame]]:
        """Return (partition, its rows in their order), rising; each part names only what it uses."""
        if not len(frame.ts_ns):
            return []
        places = self._places(frame)
        first = int(places[0])
        if bool((places == first).all()):
            return [(first, self._numbered(first, frame, slice(None)))]
        order = np.argsort(places, kind="stable")
        cuts = np.flatnonzero(np.diff(places[order])) + 1
        return [
            (home := int(places[rows[0]]), self._numbered(home, frame, rows))
            for rows in np.split(order, cuts)
        ]

    def _places(self, frame: TickFrame) -> Places:
        # A replay's frames share one table, so it is looked up once.
        if frame.listings is not self._named:
            self._named = frame.listings
            self._homes = np.array([self.home(name) for name in frame.listings], np.int16)
        return self._homes[frame.listing]

    def _numbered(
        self, home: int, frame: TickFrame, rows: slice | npt.NDArray[np.intp]
    ) -> TickFrame:
        listings, listing = _trimmed(frame.listings, frame.listing[rows], 0)
        exchanges, exchange = frame.exchanges[:1], None
        if frame.exchange is not None:
            exchanges, exchange = _trimmed(frame.exchanges, frame.exchange[rows], 1)
        whole: dict[str, Any] = {name: getattr(frame, name) for name in ROWS}
        part = msgspec.structs.replace(
            frame,
            run=self.run,
            first_seq=self.next_seq[home],
            listings=listings,
            listing=listing,
            exchanges=exchanges,
            exchange=exchange,
            **{name: None if column is None else column[rows] for name, column in whole.items()},
        )
        self.next_seq[home] += len(listing)
        return part


def _trimmed(names: tuple[str, ...], index: I32, keep: int) -> tuple[tuple[str, ...], I32]:
    """Return the first `keep` names and those that `index` uses, and the index into them."""
    used = np.zeros(len(names), np.bool_)
    used[:keep] = True
    used[index] = True
    kept = np.flatnonzero(used)
    if len(kept) == len(names):
        return names, index
    number = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return tuple(names[i] for i in kept.tolist()), number[index]
