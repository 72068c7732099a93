"""What the Table holds of one partition: cells, and heads that say which of them count.

A checkpoint writes many records, and a crash may come between any two of them; a worker that was
frozen may even write an old checkpoint after its successors have written newer ones. Therefore:

* **No two workers write the same key**: it has the epoch of its writer's turn in it. So a stale
  write takes nothing away from a successor, neither when it is read back nor when Kafka compacts.
* **A turn has two slots for a cell** and writes to the one that its last whole checkpoint does not
  need. A checkpoint counts only once its head is there, listing the version of every cell.
* **The head of the latest turn counts**, of one turn's the newest. An epoch is the time at which a
  worker was given the partition, and later than all that it finds in the changelog.
* **Keys are deleted late**: those of earlier turns that a checkpoint gives up go with the next one,
  when it is there and nobody can start from an older one. With the second of a turn goes all that
  was found and belongs to no whole checkpoint: what torn and stale ones have left.

This is exact (tests/workers/test_checkpoints.py) while a worker writes **at most one checkpoint, or the
rest of one, after a successor has read the changelog**. Of a second one it is not: it may write a
slot or delete a key that the successor still names, namely of a cell that the first has given up
and that the successor has not yet written itself. Then `found` raises StateError until it has. So a
worker must not begin a checkpoint where it may have been replaced during the one before
(`Shell._check_frozen`).

Clocks may differ between machines as long as a worker that has not yet written anything has a lower
epoch than its successor. Where it has a higher one, its stale checkpoint would count as the newest;
`found` passes over it for what the group has committed since. Where both have the same, as long as
clocks are behind an epoch in the changelog, the two are taken for one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from streams.errors import StateError

HEAD: Final = "_"
LAYOUT: Final = 1  # of the cells; raise it with any change of what the stages keep
MOST_TURNS: Final = 200  # kept of who has had a partition; a replay's are a few dozen
TERM_NS: Final = 10**9  # after the epochs found: whoever wrote them may begin terms of its own yet
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
    layout: int = LAYOUT


class Ledger:
    """The cells of one partition as its owner keeps them."""

    def __init__(
        self, partition: int, epoch: int, head: Head | None = None, keys: Iterable[bytes] = ()
    ) -> None:
        """`head` is what `found` gave, `keys` are all those of the table that it was found in.

        The epoch is put after every epoch of the keys.
        """
        self._partition = partition
        self._cells = dict(head.cells) if head else {}
        present = {key: place.epoch for key in keys if (place := _place(partition, key))}
        self.epoch = max([epoch, *(each + TERM_NS for each in present.values())])
        self.base = self._cells[HEAD][1] if head else -1
        self.turns = [*(head.turns if head else ()), Turn(self.epoch, self.base)][-MOST_TURNS:]
        needed = {_key(partition, cell, version) for cell, version in self._cells.items()}
        oldest = self._cells[HEAD][0] if head else 0
        self._strange = [key for key in present if present[key] < oldest and key not in needed]
        self._given_up: list[bytes] = []  # by the newest checkpoint, and still there

    def checkpoint(
        self, offset: int, changes: Mapping[str, bytes | None]
    ) -> list[tuple[bytes, bytes | None]]:
        """Return the records (key, value) to write, in order, the head last; None deletes a key.

        The checkpoint before must be there wholly. In `changes` None says that a cell ends. Another
        one after the same record begins a new term, for a version is an epoch and an offset: as if
        this worker had replaced itself.
        """
        if self._cells.get(HEAD, (0, 0, 0))[:2] == (self.epoch, offset):
            self._begin_term(offset)
        deleted, self._given_up, self._strange = self._given_up, self._strange, []
        records: list[tuple[bytes, bytes | None]] = [(key, None) for key in deleted]
        for cell, body in changes.items():
            if body is not None:
                records.append(self._record(cell, offset, body))
            elif cell in self._cells:
                self._give_up(cell)
        records.append(self._head(offset))
        return records

    def _begin_term(self, base: int) -> None:
        self.epoch, self.base = self.epoch + 1, base
        self.turns = [*self.turns, Turn(self.epoch, base)][-MOST_TURNS:]

    def _head(self, offset: int) -> tuple[bytes, bytes]:
        key = self._moved(HEAD, offset)
        body = msgspec.msgpack.encode(Head(self._cells, self.turns))
        return key, _VERSION.pack(self.epoch, offset) + body

    def _record(self, cell: str, offset: int, body: bytes) -> tuple[bytes, bytes]:
        return self._moved(cell, offset), _VERSION.pack(self.epoch, offset) + body

    def _moved(self, cell: str, offset: int) -> bytes:
        """Return the key for a new value: the slot that the last whole checkpoint does not need."""
        epoch, _, slot = self._cells.get(cell, (self.epoch, 0, 1))
        if epoch != self.epoch:
            self._give_up(cell)
            slot = 1
        self._cells[cell] = version = (self.epoch, offset, 1 - slot)
        return _key(self._partition, cell, version)

    def _give_up(self, cell: str) -> None:
        """Forget a cell and remember to delete its key, once the head without it is there."""
        self._given_up.append(_key(self._partition, cell, self._cells.pop(cell)))


def found(
    partition: int, table: Mapping[bytes, bytes], committed: int = 0
) -> tuple[Head, dict[str, bytes]] | None:
    """Return the newest whole checkpoint of a partition and its cells; None: there is none.

    `committed` is the group's offset: a checkpoint that lacks a record before it is passed over.
    StateError: there are heads, but the cells they name are not there.
    """
    heads = [value for key, value in table.items() if _is_head(partition, key)]
    for value in sorted(heads, key=version_of, reverse=True):
        if version_of(value).offset + 1 < committed:
            continue
        head = _head_in(value)
        cells = _cells(partition, table, head)
        if cells is not None:
            return head, cells
    if heads:
        raise StateError(
            f"partition {partition}: no whole checkpoint up to record {committed} in the changelog. "
            "Was it written by somebody else, or by a worker that was cut off for long? Start a new "
            "--prefix, or replay from the inputs"
        )
    return None


def _head_in(value: bytes) -> Head:
    try:
        head = msgspec.msgpack.decode(memoryview(value)[_VERSION.size :], type=Head)
    except msgspec.DecodeError as fault:
        raise StateError(f"the changelog holds a head that is none: {fault}") from fault
    if head.layout != LAYOUT:
        raise StateError(
            f"the changelog is of layout {head.layout}, this program reads {LAYOUT}: start a new --prefix"
        )
    return head


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


class _Place(NamedTuple):
    """What a key says."""

    epoch: int
    cell: bytes


def _key(partition: int, cell: str, version: tuple[int, int, int]) -> bytes:
    epoch, _, slot = version
    return f"{partition}/{epoch}/{slot}/{cell}".encode()


def _place(partition: int, key: bytes) -> _Place | None:
    """Return what a key says, None for one of another partition, or of somebody else."""
    parts = key.split(b"/", 3)
    if len(parts) < 4 or parts[0] != b"%d" % partition or not parts[1].isdigit():
        return None
    return _Place(int(parts[1]), parts[3])


def _is_head(partition: int, key: bytes) -> bool:
    place = _place(partition, key)
    return place is not None and place.cell == HEAD.encode()


def _cells(partition: int, table: Mapping[bytes, bytes], head: Head) -> dict[str, bytes] | None:
    """Return the bodies of the cells that a head names, None unless all are there."""
    cells = {}
    for cell, version in head.cells.items():
        value = table.get(_key(partition, cell, version))
        if value is None or version_of(value) != version[:2]:
            return None
        if cell != HEAD:
            cells[cell] = value[_VERSION.size :]
    return cells
