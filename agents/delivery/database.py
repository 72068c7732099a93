"""The SQLite database of an outbox: tables, statements, and changes that are made wholly or not at all."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, Final

from streams.errors import StateError
from streams.files import locked
from streams.sqlite_file import opened

LAYOUT: Final = 1
# `told`: the target has taken this state; `known`: it has taken an earlier state of the alert.
TABLES: Final = """
CREATE TABLE IF NOT EXISTS item (
    number INTEGER PRIMARY KEY, target TEXT NOT NULL, alert_id TEXT NOT NULL, id TEXT NOT NULL,
    partition INTEGER NOT NULL, body BLOB, put_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL,
    tries INTEGER NOT NULL, told INTEGER NOT NULL, known INTEGER NOT NULL, UNIQUE (target, id));
CREATE INDEX IF NOT EXISTS waiting ON item (target, alert_id, number) WHERE body IS NOT NULL;
CREATE TABLE IF NOT EXISTS dead (number INTEGER PRIMARY KEY, target TEXT NOT NULL, reject BLOB NOT NULL);
"""
ITEM: Final = "SELECT number, id, alert_id, body, put_ns, tries, told, known"
OURS: Final = "partition IN (SELECT value FROM json_each(:ours))"
# The oldest state of each alert that is not over: the next one has to wait for it.
HEADS: Final = f"""
FROM item AS i WHERE target = :target AND body IS NOT NULL AND {OURS} AND NOT EXISTS (
    SELECT 1 FROM item AS e WHERE e.target = i.target AND e.alert_id = i.alert_id
    AND e.body IS NOT NULL AND e.number < i.number)
"""  # noqa: S608 - our own text
INSERT: Final = """
INSERT OR IGNORE INTO item
SELECT NULL, :target, :alert_id, :id, :partition, :body, :put_ns, :now, 0, 0, max(:known, ifnull(
    (SELECT max(told OR known) FROM item WHERE target = :target AND alert_id = :alert_id), 0))
"""
SUPERSEDE: Final = """
UPDATE item SET body = NULL WHERE target = ? AND alert_id = ? AND body IS NOT NULL AND number < ?
"""
END: Final = "UPDATE item SET body = NULL WHERE number = ?"
PENDING: Final = "SELECT partition, number, target, alert_id, body, put_ns, told OR known FROM item"


class OutboxDatabase:
    """A file that one process has open, or memory; any thread may use it."""

    def __init__(self, path: Path | None) -> None:
        """`path` None: in memory.

        JournalError: another process has the file. StateError: it cannot be opened, or is none of
        ours.
        """
        self._name = str(path or "outbox in memory")
        self._lock = threading.Lock()
        self._owner: FileIO | None = locked(path.with_suffix(".lock")) if path else None
        try:
            self._base = opened(path, TABLES, LAYOUT, synchronous="FULL", threads=True)
        except sqlite3.Error as fault:
            self._release()
            raise StateError(f"{path}: {fault}. Move it away: what waits in it is lost") from fault

    def close(self) -> None:
        """Let others open the file."""
        with self._lock:
            self._base.close()
            self._release()

    def select(self, query: str, **values: Any) -> list[Any]:  # noqa: ANN401 - what SQL takes
        """Return the rows of a query."""
        with self._lock:
            return self._base.execute(query, values).fetchall()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Commit what is changed meanwhile, all of it or nothing. OSError: it cannot be kept."""
        with self._lock:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                with self._base:
                    yield self._base
            except sqlite3.Error as fault:
                raise OSError(f"{self._name}: {fault}") from fault

    def _release(self) -> None:
        if self._owner:
            self._owner.close()
