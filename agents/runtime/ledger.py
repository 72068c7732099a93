"""What the Table holds of one partition: cells in two slots, and a head that names the valid ones.

A checkpoint writes many records, and a crash may come between any two of them; a worker that was
frozen may even write an old checkpoint after its successor has written newer ones. So no cell that
the newest whole checkpoint needs is ever overwritten by the next one, which goes to the other slot
of each cell, and a checkpoint counts only once its head is there, listing the version of every cell.

A version is (epoch, offset): whose turn it was, and the last record applied. The epoch is the time
at which a worker was given the partition, and always later than those it finds. Where two values of
one slot are read back, the newer version counts (`newer`), whatever their order in the changelog.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from streams.errors import StateError

HEAD: Final = "_"
MOST_TURNS: Final = 200  # kept of who has had a partition; a replay's are a few dozen
_VERSION: Final = struct.Struct(">QQ")


class Version(NamedTuple):
    """Who wrote a value, and how far it had come."""

    epoch: int  # ns UTC of the assignment
    offset: int  # of the last record applied


class Turn(NamedTuple):
    """A worker's time with a partition: it went on after record `base`."""

    epoch: int
    base: int


class Head(msgspec.Struct, frozen=True, array_like=True):
    """A whole checkpoint: the versions it is made of."""

    cells: dict[str, tuple[int, int, int]]  # cell -> epoch, offset, slot
    turns: list[Turn]


class Ledger:
    """The cells of one partition as its owner keeps them."""

    def __init__(self, partition: int, epoch: int, head: Head | None = None) -> None:
        """`head` is what `found` gave; the epoch is put after every epoch it knows."""
        self._partition = partition
        self._cells = dict(head.cells) if head else {}
        past = head.turns if head else []
        self.epoch = max(epoch, *(turn.epoch + 1 for turn in past)) if past else epoch
        self.base = self._cells[HEAD][1] if head else -1
        self.turns = [*past, Turn(self.epoch, self.base)][-MOST_TURNS:]

    def checkpoint(
        self, offset: int, changes: Mapping[str, bytes | None]
    ) -> list[tuple[bytes, bytes]]:
        """Return the records (key, value) to write, in order, the head last; None: a cell ends."""
        records = []
        for cell, body in changes.items():
            if body is None:
                self._cells.pop(cell, None)
            else:
                records.append(self._record(cell, offset, body))
        slot = self._slot(HEAD)
        self._cells[HEAD] = (self.epoch, offset, slot)
        body = msgspec.msgpack.encode(Head(self._cells, self.turns))
        key = _key(self._partition, HEAD, slot)
        return [*records, (key, _VERSION.pack(self.epoch, offset) + body)]

    def _record(self, cell: str, offset: int, body: bytes) -> tuple[bytes, bytes]:
        slot = self._slot(cell)
        self._cells[cell] = (self.epoch, offset, slot)
        return _key(self._partition, cell, slot), _VERSION.pack(self.epoch, offset) + body

    def _slot(self, cell: str) -> int:
        """Return the slot that the newest whole checkpoint does not need."""
        known = self._cells.get(cell)
        return 0 if known is None else 1 - known[2]


def found(partition: int, table: Mapping[bytes, bytes]) -> tuple[Head, dict[str, bytes]] | None:
    """Return the newest whole checkpoint of a partition and its cells; None: there is none.

    StateError: there are heads, but the cells they name are not there.
    """
    heads = [(version_of(v), v) for v in _heads(partition, table)]
    for _, value in sorted(heads, reverse=True):
        head = msgspec.msgpack.decode(memoryview(value)[_VERSION.size :], type=Head)
        cells = _cells(partition, table, head)
        if cells is not None:
            return head, cells
    if heads:
        raise StateError(
            f"partition {partition}: no whole checkpoint in the changelog. Was it compacted or "
            "written by somebody else? Start a new --prefix, or replay from the inputs"
        )
    return None


def newer(value: bytes, held: bytes | None) -> bool:
    """Tell whether a value that is read back replaces the one held for the same key."""
    return held is None or version_of(value) >= version_of(held)


def version_of(value: bytes) -> Version:
    """Return the version of a value; of one that is too short to have any, the lowest."""
    if len(value) < _VERSION.size:
        return Version(0, 0)
    return Version(*_VERSION.unpack_from(value))


def valid_turns(turns: Iterable[Turn]) -> list[tuple[int, int, int]]:
    """Return (epoch, first offset, last offset) of what each turn did that was not done again."""
    rising = list(turns)
    ends = [turn.base for turn in rising[1:]] + [2**62]
    return [(turn.epoch, turn.base + 1, end) for turn, end in zip(rising, ends, strict=True)]


def _key(partition: int, cell: str, slot: int) -> bytes:
    return f"{partition}/{slot}/{cell}".encode()


def _heads(partition: int, table: Mapping[bytes, bytes]) -> list[bytes]:
    keys = (_key(partition, HEAD, slot) for slot in (0, 1))
    return [table[key] for key in keys if key in table]


def _cells(partition: int, table: Mapping[bytes, bytes], head: Head) -> dict[str, bytes] | None:
    """Return the bodies of the cells that a head names, None unless all are there."""
    cells = {}
    for cell, (epoch, offset, slot) in head.cells.items():
        value = table.get(_key(partition, cell, slot))
        if value is None or version_of(value) != (epoch, offset):
            return None
        if cell != HEAD:
            cells[cell] = value[_VERSION.size :]
    return cells
