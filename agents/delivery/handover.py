"""Whose partitions they are, and what goes from one owner of a partition to the next.

A deliver worker keeps what is pending in memory; the truth is the checkpoint in the Table (cells
`waiting/N`, agents/workers/deliver.py). Whoever gets a partition restores from it:

* a state in the checkpoint that this process has not finished is pending;
* one that this process has finished already (it had the partition before) is not sent again;
* one that only this process has is of a time before others had the partition, or its record comes
  again from the topic: it is dropped.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from agents.delivery.database import INSERT, PENDING, OutboxDatabase
from streams.events import DAY_NS, content_id


class PendingDelivery(NamedTuple):
    """A state that is not over, as it is handed from one process to another (an array in a cell)."""

    target: str
    alert_id: str
    body: bytes
    put_ns: int
    known: bool  # the target was told of the alert, in this state or an earlier one

    @property
    def id(self) -> str:
        """Return the id of the state."""
        return delivery_id(self.body)


class Held(NamedTuple):
    """A state with its place in the outbox."""

    partition: int
    number: int
    pending: PendingDelivery


class PartitionLease:
    """The partitions of `alerts` that are ours; any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ours: frozenset[int] = frozenset()
        self._term = 0

    @property
    def term(self) -> int:
        """Return how often all was released."""
        return self._term

    def acquire(self, partition: int, term: int) -> None:
        """Count a partition as ours from now on, unless all was released since `term`."""
        with self._lock:
            if term == self._term:
                self._ours |= {partition}

    def release(self) -> None:
        """Count no partition as ours until it is acquired again."""
        with self._lock:
            self._term += 1
            self._ours = frozenset()

    def as_json(self) -> str:
        """Return the partitions as SQLite reads a list."""
        return msgspec.json.encode(sorted(self._ours)).decode()


def delivery_id(body: bytes) -> str:
    """Return the id of a state of an alert, by its JSON: the same at each try, in each process."""
    return content_id(body.decode())


def row_of(pending: PendingDelivery, partition: int, now_ns: int) -> dict[str, Any]:
    """Return a state as it is inserted."""
    return {**pending._asdict(), "id": pending.id, "partition": partition, "now": now_ns}


def pending_of(base: OutboxDatabase, partition: int) -> dict[int, PendingDelivery]:
    """Return the states of a partition's alerts that are not over, by their numbers, oldest first."""
    rows = base.select(
        f"{PENDING} WHERE partition = :partition AND body IS NOT NULL ORDER BY number",
        partition=partition,
    )
    return {each.number: each.pending for each in map(_held, rows)}


def held(change: sqlite3.Connection, number: int) -> Held:
    """Return a state that is not over, by its number."""
    return _held(change.execute(f"{PENDING} WHERE number = ?", (number,)).fetchone())


def _held(row: tuple[Any, ...]) -> Held:
    partition, number, target, alert_id, body, put_ns, known = row
    return Held(partition, number, PendingDelivery(target, alert_id, body, put_ns, bool(known)))


def restore(
    base: OutboxDatabase, partition: int, pending: Iterable[PendingDelivery], now_ns: int
) -> None:
    """Have exactly these states of a partition pend, but for those that were finished here.

    A state of more than a day ago is left out: a checkpoint by an earlier version of this program
    was written only when the next record came, so it was told long since.
    """
    fresh = [each for each in pending if now_ns - each.put_ns < DAY_NS]
    kept = msgspec.json.encode([f"{each.target} {each.id}" for each in fresh]).decode()
    with base.change() as change:
        change.execute(
            "DELETE FROM item WHERE partition = ? AND body IS NOT NULL"
            " AND target || ' ' || id NOT IN (SELECT value FROM json_each(?))",
            (partition, kept),
        )
        change.executemany(INSERT, [row_of(each, partition, now_ns) for each in fresh])
