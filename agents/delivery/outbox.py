"""What waits to be delivered, in a file: it outlives this process, and each state of an alert is in once.

A row is one state of an alert for one target. It is committed before `put` returns and stays until
the target has it, so that a crash at any point leads to a repeat with the same id, never to a loss.
Rows belong to a partition of `alerts`, and only those of partitions that are ours are handed out:
another worker may have the others, and two senders would contradict each other.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from streams.codec import decode_json, encode_json
from streams.errors import CodecError, StateError
from streams.events import DAY_NS, Alert, Reject, content_id
from streams.lock import locked
from streams.sqlite_file import opened

LAYOUT: Final = 1
KEPT_NS: Final = 3 * DAY_NS  # that a row is remembered after it is over, against repeats
PRUNE_NS: Final = DAY_NS // 24
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS item (
    number INTEGER PRIMARY KEY, target TEXT NOT NULL, alert_id TEXT NOT NULL, id TEXT NOT NULL,
    partition INTEGER NOT NULL, body BLOB, put_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL,
    tries INTEGER NOT NULL, told INTEGER NOT NULL, known INTEGER NOT NULL, UNIQUE (target, id));
CREATE INDEX IF NOT EXISTS waiting ON item (target, alert_id, number) WHERE body IS NOT NULL;
CREATE TABLE IF NOT EXISTS dead (number INTEGER PRIMARY KEY, target TEXT NOT NULL, reject BLOB NOT NULL);
"""
# The oldest state of each alert that is not over: the next one has to wait for it.
_HEADS: Final = """
FROM item AS i WHERE target = :target AND body IS NOT NULL
AND partition IN (SELECT value FROM json_each(:ours)) AND NOT EXISTS (
    SELECT 1 FROM item AS e WHERE e.target = i.target AND e.alert_id = i.alert_id
    AND e.body IS NOT NULL AND e.number < i.number)
"""


# `known`: the target has been told of an earlier state of the alert.
_INSERT: Final = """
INSERT OR IGNORE INTO item
SELECT NULL, :target, :alert_id, :id, :partition, :body, :put_ns, :now, 0, 0, max(:known, ifnull(
    (SELECT max(told OR known) FROM item WHERE target = :target AND alert_id = :alert_id), 0))
"""
_SUPERSEDE: Final = """
UPDATE item SET body = NULL WHERE target = ? AND alert_id = ? AND body IS NOT NULL AND number < ?
"""
_ITEM: Final = "SELECT number, id, alert_id, body, put_ns, tries, told, known"
_OURS: Final = "partition IN (SELECT value FROM json_each(:ours))"


class Item(NamedTuple):
    """A state of an alert on its way to a target."""

    number: int
    id: str  # of the state: the same at each try, in each process
    alert: Alert
    put_ns: int
    tries: int  # that failed since it was put, or told last
    told: bool  # at least once
    known: bool  # the target was told of the alert, in this state or an earlier one


class Waiting(NamedTuple):
    """A state that is not over, as it is handed from one process to another."""

    target: str
    alert_id: str
    body: bytes
    put_ns: int
    known: bool


class Buried(NamedTuple):
    """A dead letter."""

    number: int
    target: str
    reject: Reject


def delivery_id(body: bytes) -> str:
    """Return the id of a state of an alert, by its JSON."""
    return content_id(body.decode())


class DeliveryQueue:
    """The file, open in one process at a time; any thread may call."""

    def __init__(self, path: Path) -> None:
        """JournalError: another process has it. StateError: it cannot be opened, or is none of ours."""
        self._path, self._lock = path, threading.Lock()
        self._ours: frozenset[int] = frozenset()
        self._term = 0
        self._pruned_ns = 0
        self._owner = locked(path.with_suffix(".lock"))
        try:
            self._base = opened(path, _TABLES, LAYOUT, synchronous="FULL", threads=True)
        except sqlite3.Error as fault:
            self._owner.close()
            raise StateError(f"{path}: {fault}. Move it away: what waits in it is lost") from fault

    def close(self) -> None:
        """Let others open it."""
        with self._lock:
            self._base.close()
            self._owner.close()

    # -- whose partitions

    @property
    def term(self) -> int:
        """Return the number of times that all was let go."""
        return self._term

    def take_on(self, partition: int, term: int) -> None:
        """Hand out the rows of a partition from now on, unless all was let go since `term`."""
        with self._lock:
            if term == self._term:
                self._ours |= {partition}

    def let_go(self) -> None:
        """Hand out nothing any more until partitions are taken on again."""
        with self._lock:
            self._term += 1
            self._ours = frozenset()

    # -- in

    def put(self, alert: Alert, targets: Mapping[str, bool], partition: int, now_ns: int) -> None:
        """Keep a state for its targets; what was put before is left as it is.

        True of a target: the state takes the place of the alert's earlier ones. OSError: the disk
        is full, say.
        """
        body = encode_json(alert)
        with self._change() as base:
            for target, newest_only in targets.items():
                waiting = Waiting(target, alert.alert_id, body, now_ns, known=False)
                added = base.execute(_INSERT, _row(waiting, partition, now_ns))
                if newest_only and added.rowcount:
                    base.execute(_SUPERSEDE, (target, alert.alert_id, added.lastrowid))
            if now_ns - self._pruned_ns > PRUNE_NS:
                base.execute("DELETE FROM item WHERE put_ns < ?", (now_ns - KEPT_NS,))
                self._pruned_ns = now_ns

    # -- out

    def due(self, target: str, now_ns: int, limit: int) -> list[Item]:
        """Return what is to be sent now, the longest due first; of each alert one state."""
        rows = self._select(
            f"{_ITEM} {_HEADS} AND due_ns <= :now ORDER BY due_ns, number LIMIT :limit",
            target=target,
            now=now_ns,
            limit=limit,
        )
        return self._items(target, rows)

    def next_due_ns(self, target: str) -> int | None:
        """Return when something is to be sent next, None where nothing is."""
        ((due_ns,),) = self._select(f"SELECT min(due_ns) {_HEADS}", target=target)
        return None if due_ns is None else int(due_ns)

    def older_than(self, target: str, put_ns: int) -> list[Item]:
        """Return what was put before an instant and is not over, untold or told."""
        rows = self._select(
            f"{_ITEM} FROM item WHERE target = :target AND body IS NOT NULL AND put_ns < :put"
            f" AND {_OURS} ORDER BY number",
            target=target,
            put=put_ns,
        )
        return self._items(target, rows)

    def backlog(self, target: str) -> int:
        """Return how many states the target has not been told yet."""
        ((count,),) = self._select(
            f"SELECT count(*) FROM item WHERE {_OURS} AND target = :target AND body IS NOT NULL"  # noqa: S608 - our own text
            " AND NOT told",
            target=target,
        )
        return int(count)

    def later(self, item: Item, due_ns: int, *, told: bool) -> None:
        """Send it again at `due_ns`: it failed, or was told and has to be told again."""
        with self._change() as base:
            base.execute(
                "UPDATE item SET due_ns = ?, tries = ?, told = told OR ? WHERE number = ?",
                (due_ns, 0 if told else item.tries + 1, told, item.number),
            )

    def hasten(self, target: str, now_ns: int) -> None:
        """Have all due now that waits because an earlier try failed."""
        with self._change() as base:
            base.execute(
                "UPDATE item SET due_ns = ? WHERE target = ? AND body IS NOT NULL AND tries > 0",
                (now_ns, target),
            )

    def over(self, item: Item) -> None:
        """Send it no more: the target has it, or is not to have it."""
        with self._change() as base:
            base.execute("UPDATE item SET body = NULL WHERE number = ?", (item.number,))

    # -- dead letters

    def bury(self, number: int, target: str, reject: Reject) -> None:
        """Send an item no more and keep the dead letter until somebody has taken it."""
        with self._change() as base:
            base.execute("UPDATE item SET body = NULL WHERE number = ?", (number,))
            base.execute("INSERT INTO dead VALUES (NULL, ?, ?)", (target, encode_json(reject)))

    def buried(self) -> list[Buried]:
        """Return the dead letters that nobody has taken yet."""
        rows = self._select("SELECT number, target, reject FROM dead ORDER BY number")
        return [Buried(number, target, decode_json(body, Reject)) for number, target, body in rows]

    def taken(self, buried: Buried) -> None:
        """Forget a dead letter: it is where it belongs."""
        with self._change() as base:
            base.execute("DELETE FROM dead WHERE number = ?", (buried.number,))

    # -- hand-over to another process

    def unfinished(self, partition: int) -> list[Waiting]:
        """Return the states of a partition's alerts that are not over, the oldest first."""
        rows = self._select(
            "SELECT target, alert_id, body, put_ns, told OR known FROM item WHERE partition = :partition"
            " AND body IS NOT NULL ORDER BY number",
            partition=partition,
        )
        return [Waiting(name, id_, body, at_ns, bool(k)) for name, id_, body, at_ns, k in rows]

    def resume(self, partition: int, waiting: Iterable[Waiting], now_ns: int) -> None:
        """Have exactly these states of a partition wait, unless they are known to be over.

        What is only in this file is of a time before others had the partition, or is about to be
        put again. What was put more than a day ago has long been told: a checkpoint is written
        only when the next record comes.
        """
        fresh = (each for each in waiting if now_ns - each.put_ns < DAY_NS)
        with self._change() as base:
            base.execute("CREATE TEMP TABLE wanted (target TEXT, id TEXT)")
            for each in fresh:
                row = _row(each, partition, now_ns)
                base.execute("INSERT INTO wanted VALUES (:target, :id)", row)
                base.execute(_INSERT, row)
            base.execute(
                "DELETE FROM item WHERE partition = ? AND body IS NOT NULL"
                " AND (target, id) NOT IN (SELECT target, id FROM wanted)",
                (partition,),
            )
            base.execute("DROP TABLE wanted")

    # -- the file

    def _select(self, query: str, **values: Any) -> list[Any]:  # noqa: ANN401 - what SQL takes
        with self._lock:
            ours = msgspec.json.encode(sorted(self._ours)).decode()
            return self._base.execute(query, {"ours": ours, **values}).fetchall()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Commit what is changed meanwhile, all of it or nothing. OSError: it cannot be kept."""
        with self._lock:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                with self._base:
                    yield self._base
            except sqlite3.Error as fault:
                raise OSError(f"{self._path}: {fault}") from fault

    def _items(self, target: str, rows: Iterable[Any]) -> list[Item]:
        """Return rows as items; one that another version of this program wrote is a dead letter."""
        items = []
        for number, id_, alert_id, body, put_ns, tries, told, known in rows:
            try:
                alert = decode_json(body, Alert)
            except CodecError as fault:
                text, what = (
                    body.decode("utf-8", "replace"),
                    f"{target}: {alert_id}: {fault.detail}",
                )
                letter = Reject(
                    stage="deliver", reason=fault.reason, detail=what, ts_ns=None, record=text
                )
                self.bury(number, target, letter)
                continue
            items.append(Item(number, id_, alert, put_ns, tries, bool(told), bool(told or known)))
        return items


def _row(waiting: Waiting, partition: int, now_ns: int) -> dict[str, Any]:
    """Return a state as it is inserted."""
    id_ = delivery_id(waiting.body)
    return {**waiting._asdict(), "id": id_, "partition": partition, "now": now_ns}
