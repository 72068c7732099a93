"""The tables of the store of pages and read API, and how they lose their oldest rows."""

from __future__ import annotations

import sqlite3
from typing import Final

from streams.logs import logger

LAYOUT: Final = 1
PRUNE_ROWS: Final = 2000  # of one table at a time: a live run stores on the thread that publishes
SHARE_OF_TIME: Final = 10  # a file that is too big loses the oldest tenth of its time
_RECORDS: Final = """
CREATE TABLE IF NOT EXISTS headline (
    headline_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, event_ns INTEGER NOT NULL,
    deleted INTEGER NOT NULL, stored_ns INTEGER NOT NULL, record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS headline_time ON headline (event_ns, headline_id);
CREATE TABLE IF NOT EXISTS revision (
    headline_id TEXT NOT NULL, revision INTEGER NOT NULL, stored_ns INTEGER NOT NULL,
    record BLOB NOT NULL, PRIMARY KEY (headline_id, revision)
);
CREATE TABLE IF NOT EXISTS mention (
    headline_id TEXT NOT NULL, issuer TEXT NOT NULL, revision INTEGER NOT NULL,
    scored_ns INTEGER, stored_ns INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (headline_id, issuer)
);
CREATE TABLE IF NOT EXISTS reaction (
    headline_id TEXT NOT NULL, listing TEXT NOT NULL, horizon TEXT NOT NULL,
    stored_ns INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (headline_id, listing, horizon)
);
CREATE TABLE IF NOT EXISTS named (
    issuer TEXT NOT NULL, headline_id TEXT NOT NULL, stored_ns INTEGER NOT NULL,
    PRIMARY KEY (issuer, headline_id)
);
CREATE TABLE IF NOT EXISTS alert (
    alert_id TEXT PRIMARY KEY, listing TEXT NOT NULL, state TEXT NOT NULL,
    opened_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL, stored_ns INTEGER NOT NULL,
    record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS alert_time ON alert (opened_ns, alert_id);
CREATE TABLE IF NOT EXISTS transition (
    number INTEGER PRIMARY KEY, alert_id TEXT NOT NULL, digest TEXT NOT NULL,
    stored_ns INTEGER NOT NULL, record BLOB NOT NULL, UNIQUE (alert_id, digest)
);
CREATE TABLE IF NOT EXISTS line (listing TEXT PRIMARY KEY, issuer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS place (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
);
"""
_AGING: Final = ("headline", "revision", "mention", "reaction", "named", "alert", "transition")
_STORED: Final = "".join(
    f"CREATE INDEX IF NOT EXISTS {t}_stored ON {t} (stored_ns);" for t in _AGING
)
TABLES: Final = _RECORDS + _STORED

log = logger(__name__)


def prune(base: sqlite3.Connection, at_ns: int, kept_ns: int, most_bytes: int) -> None:
    """Delete what was stored more than `kept_ns` ago, and the oldest where the file is too big."""
    _forget(base, at_ns - kept_ns)
    while _size(base) > most_bytes:
        oldest_ns = _oldest_ns(base)
        if oldest_ns is None:
            return
        before_ns = oldest_ns + max(1, (at_ns - oldest_ns) // SHARE_OF_TIME)
        log.debug(
            "the store is too big: its oldest rows go", bytes=_size(base), before_ns=before_ns
        )
        _forget(base, before_ns)


def _forget(base: sqlite3.Connection, before_ns: int) -> None:
    for table in _AGING:
        gone = PRUNE_ROWS
        while gone == PRUNE_ROWS:
            gone = base.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table}"  # noqa: S608 - our own names
                " WHERE stored_ns < ? LIMIT ?)",
                (before_ns, PRUNE_ROWS),
            ).rowcount
    base.executescript("PRAGMA incremental_vacuum")  # `execute` gives one page back


def _size(base: sqlite3.Connection) -> int:
    """Return the bytes in use, without those that wait in the log."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (int(base.execute(f"PRAGMA {n}").fetchone()[0]) for n in names)
    return (pages - free) * size


def _oldest_ns(base: sqlite3.Connection) -> int | None:
    found = [
        base.execute(f"SELECT min(stored_ns) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
        for table in _AGING
    ]
    return min((each for each in found if each is not None), default=None)
