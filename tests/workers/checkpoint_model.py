"""A partition, its changelog and its workers, so small that every way to go wrong is near.

What the state holds follows from the offset alone, so it is known what any checkpoint must say. The
changelog is a list; it is read back as the workers do (`agents/workers/faust_app.py:_newest_of`).
"""

from __future__ import annotations

import functools
from types import SimpleNamespace

from agents.workers.checkpoints import (
    MANIFEST,
    Checkpoint,
    CheckpointIndex,
    CheckpointManifest,
    Version,
    newest_whole,
    valid_terms,
)
from agents.workers.faust_app import _newest_of

KEYS = tuple("abcdef")
Content = dict[str, bytes]


def what_happens(key: str, offset: int) -> str:
    """Return what a record does to a state key: "writes", "ends" or nothing.

    `a` is written once and never again, as a full page is; `b` always; the others end and return.
    """
    if key in "ab":
        return "writes" if key == "b" or offset == 0 else ""
    number = (7 * offset + 3 * KEYS.index(key)) % 11
    return "writes" if number < 4 else "ends" if number == 4 else ""


@functools.cache
def content_at(offset: int) -> Content:
    """Return what all state keys hold once the records up to this one are applied."""
    content = dict(content_at(offset - 1)) if offset >= 0 else {}
    for key in KEYS if offset >= 0 else ():
        happens = what_happens(key, offset)
        if happens == "writes":
            content[key] = f"{key} of {offset}".encode()
        elif happens == "ends":
            content.pop(key, None)
    return content


def changes(after: int, offset: int) -> dict[str, bytes | None]:
    """Return the state keys that the records after one, up to another, have changed."""
    offsets = range(after + 1, offset + 1)
    content = content_at(offset)
    return {k: content.get(k) for k in KEYS if any(what_happens(k, o) for o in offsets)}


class Worker:
    """One term: it applies, and writes its checkpoints record by record."""

    def __init__(self, index: CheckpointIndex, stale: int) -> None:
        self.index = index
        self.applied = self.saved = index.base
        self.unwritten: list[tuple[bytes, bytes | None]] = []
        self.undelivered: list[Version] = []
        self.traced = False  # something of it is in the changelog
        self.stale = stale  # checkpoints that it may still begin once it is replaced

    def apply(self) -> None:
        self.applied += 1
        self.undelivered.append(Version(self.index.epoch, self.applied))

    def begin(self) -> None:
        changed = changes(self.saved, self.applied)
        if self.applied == self.saved:  # another one after the same record, as of a deliver worker
            changed = {"b": content_at(self.applied)["b"]}
        self.unwritten = self.index.checkpoint(self.applied, changed)
        self.saved = self.applied


class Partition:
    """The changelog, what the group has committed, the outputs, and the workers not yet dead."""

    def __init__(self, stale: int, *, told: bool) -> None:
        """`told`: `newest_whole` is given the committed offset, without which it must be right as well."""
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

    def found(self, table: dict[bytes, bytes]) -> Checkpoint | None:
        return newest_whole(0, table, self.committed if self._told else 0)

    def start(self, wall: int) -> None:
        """Give the partition to a new worker. StateError: the changelog is of no use to it."""
        while wall in self.epochs:
            wall += 1
        self.owner, table = None, self.table()
        kept = self.found(table)
        for worker in self.workers:
            worker.stale -= bool(worker.unwritten)
        if kept and self.twice_replaced_die:
            older = kept.manifest.versions[MANIFEST].epoch
            self.workers = [each for each in self.workers if each.index.epoch >= older]
        self.owner = Worker(
            CheckpointIndex(0, wall, kept.manifest if kept else None, table), self._stale
        )
        self.epochs |= {wall, self.owner.index.epoch}
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
        offset = kept.manifest.versions[MANIFEST].offset
        assert offset + 1 >= self.committed
        assert kept.state == content_at(offset)
        assert self.valid_outputs(kept.manifest, offset) == [*range(offset + 1)]

    def valid_outputs(self, manifest: CheckpointManifest, offset: int) -> list[int]:
        valid = {
            epoch: range(first, last + 1) for epoch, first, last in valid_terms(manifest.terms)
        }
        own = (each.offset for each in self.outputs if each.offset in valid.get(each.epoch, ()))
        return sorted(each for each in own if each <= offset)
