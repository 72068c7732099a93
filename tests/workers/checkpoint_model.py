"""A partition, its changelog and its workers, so small that every way to go wrong is near.

What the cells hold follows from the offset alone, so it is known what any checkpoint must say. The
changelog is a list; it is read back as the workers do (`agents/workers/faust_app.py:_newest_of`).
"""

from __future__ import annotations

import functools
from types import SimpleNamespace

from agents.workers.checkpoints import HEAD, Head, Ledger, Version, found, valid_turns
from agents.workers.faust_app import _newest_of

CELLS = tuple("abcdef")
Content = dict[str, bytes]


def what_happens(cell: str, offset: int) -> str:
    """Return what a record does to a cell: "writes", "ends" or nothing.

    `a` is written once and never again, as a full page is; `b` always; the others end and return.
    """
    if cell in "ab":
        return "writes" if cell == "b" or offset == 0 else ""
    number = (7 * offset + 3 * CELLS.index(cell)) % 11
    return "writes" if number < 4 else "ends" if number == 4 else ""


@functools.cache
def content_at(offset: int) -> Content:
    """Return what all cells hold once the records up to this one are applied."""
    content = dict(content_at(offset - 1)) if offset >= 0 else {}
    for cell in CELLS if offset >= 0 else ():
        happens = what_happens(cell, offset)
        if happens == "writes":
            content[cell] = f"{cell} of {offset}".encode()
        elif happens == "ends":
            content.pop(cell, None)
    return content


def changes(after: int, offset: int) -> dict[str, bytes | None]:
    """Return the cells that the records after one, up to another, have changed."""
    offsets = range(after + 1, offset + 1)
    content = content_at(offset)
    return {c: content.get(c) for c in CELLS if any(what_happens(c, o) for o in offsets)}


class Worker:
    """One turn: it applies, and writes its checkpoints record by record."""

    def __init__(self, ledger: Ledger, stale: int) -> None:
        self.ledger = ledger
        self.applied = self.saved = ledger.base
        self.unwritten: list[tuple[bytes, bytes | None]] = []
        self.undelivered: list[Version] = []
        self.traced = False  # something of it is in the changelog
        self.stale = stale  # checkpoints that it may still begin once it is replaced

    def apply(self) -> None:
        self.applied += 1
        self.undelivered.append(Version(self.ledger.epoch, self.applied))

    def begin(self) -> None:
        changed = changes(self.saved, self.applied)
        if self.applied == self.saved:  # another one after the same record, as of a deliver worker
            changed = {"b": content_at(self.applied)["b"]}
        self.unwritten = self.ledger.checkpoint(self.applied, changed)
        self.saved = self.applied


class Partition:
    """The changelog, what the group has committed, the outputs, and the workers not yet dead."""

    def __init__(self, stale: int, *, told: bool) -> None:
        """`told`: `found` is given the committed offset, without which it must be right as well."""
        self.log: list[tuple[bytes, bytes | None]] = []
        self.committed = 0
        self.outputs: set[Version] = set()
        self.owner: Worker | None = None
        self.workers: list[Worker] = []
        self.epochs: set[int] = set()
        self._stale, self._told = stale, told
        self.twice_replaced_die = False

    def table(self) -> dict[bytes, bytes]:
        store = SimpleNamespace(data={}, _key_partition={})
        messages = (SimpleNamespace(key=k, value=v, partition=0) for k, v in self.log)
        _newest_of(store)(SimpleNamespace(message=message) for message in messages)
        table: dict[bytes, bytes] = store.data
        return table

    def found(self, table: dict[bytes, bytes]) -> tuple[Head, Content] | None:
        return found(0, table, self.committed if self._told else 0)

    def start(self, wall: int) -> None:
        """Give the partition to a new worker. StateError: the changelog is of no use to it."""
        while wall in self.epochs:
            wall += 1
        self.owner, table = None, self.table()
        kept = self.found(table)
        for worker in self.workers:
            worker.stale -= bool(worker.unwritten)
        if kept and self.twice_replaced_die:
            older = kept[0].cells[HEAD][0]
            self.workers = [each for each in self.workers if each.ledger.epoch >= older]
        self.owner = Worker(Ledger(0, wall, kept[0] if kept else None, table), self._stale)
        self.epochs |= {wall, self.owner.ledger.epoch}
        self.workers.append(self.owner)

    def may_begin(self, worker: Worker) -> bool:
        free = not worker.unwritten and worker.applied >= max(worker.saved, 0)
        return free and (worker is self.owner or worker.stale > 0)

    def begin(self, worker: Worker) -> None:
        worker.stale -= worker is not self.owner
        self.deliver(worker)
        worker.begin()

    def deliver(self, worker: Worker) -> None:
        self.outputs |= set(worker.undelivered)
        worker.undelivered = []

    def write(self, worker: Worker, count: int, *, commit: bool) -> None:
        """Write some records of a checkpoint; Kafka lets only the owner commit a whole one."""
        worker.traced |= bool(worker.unwritten[:count])
        self.log += worker.unwritten[:count]
        del worker.unwritten[:count]
        if commit and not worker.unwritten and worker is self.owner:
            self.committed = worker.saved + 1

    def die(self, worker: Worker) -> None:
        self.workers.remove(worker)
        if self.owner is worker:
            self.owner = None

    def compact(self, end: int, *, forget_deletes: bool) -> None:
        """Keep the last record of each key before a place in the log, as Kafka's cleaner does."""
        last = {key: number for number, (key, _) in enumerate(self.log[:end])}
        kept = [self.log[number] for number in sorted(last.values())]
        self.log[:end] = [each for each in kept if each[1] is not None or not forget_deletes]

    def check(self) -> None:
        """Hold what is read back against the truth. StateError: nothing can be."""
        kept = self.found(self.table())
        if kept is None:
            assert self.committed == 0
            return
        head, cells = kept
        offset = head.cells[HEAD][1]
        assert offset + 1 >= self.committed
        assert cells == content_at(offset)
        assert self.valid_outputs(head, offset) == [*range(offset + 1)]

    def valid_outputs(self, head: Head, offset: int) -> list[int]:
        valid = {epoch: range(first, last + 1) for epoch, first, last in valid_turns(head.turns)}
        own = (each.offset for each in self.outputs if each.offset in valid.get(each.epoch, ()))
        return sorted(each for each in own if each <= offset)
