"""What the pages and the read API show, kept in one SQLite file by whoever hears the outputs.

Everything in it was made elsewhere and can be filled in again: the journal, the topics or OUT are
what counts. A record that comes twice is there once. Rows go 35 days after they were stored, the
oldest ones before that where the file would grow past its size.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final, Self

from agents.machine.clock import now_ns
from agents.web.tables import LAYOUT, TABLES, prune
from streams.codec import encode_json
from streams.errors import StateError
from streams.events import DAY_NS, MINUTE_NS, Alert, Headline, Mention, Move, Reaction, content_id
from streams.files import locked
from streams.logs import logger
from streams.reference.universe import Universe
from streams.sqlite_file import LayoutError, opened

KEPT_NS: Final = 35 * DAY_NS
MOST_BYTES: Final = 2 * 2**30
PRUNE_NS: Final = 10 * MINUTE_NS  # between looks at what may go
WRITE_TIMEOUT_S: Final = 5.0

log = logger(__name__)


class Store:
    """The file, open for writing in one process at a time. Used by one thread."""

    def __init__(
        self, path: Path, *, kept_ns: int | None = KEPT_NS, most_bytes: int = MOST_BYTES
    ) -> None:
        """`kept_ns` None: nothing goes. JournalError: another process has it. StateError: unusable."""
        self.path, self._kept_ns, self._most_bytes = path, kept_ns, most_bytes
        self._lock = locked(path.with_suffix(".lock"))
        self._open, self._pruned_ns = False, 0
        try:
            self._base = _opened(path)
        except sqlite3.Error as fault:
            self._lock.close()
            raise StateError(f"{path}: {fault}. Move it away: it is filled in again") from fault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Keep what was added and let others open it."""
        self.commit()
        self._base.close()
        self._lock.close()

    # -- writing

    def add(self, record: object, stored_ns: int, scored_ns: int | None = None) -> None:
        """Take a record in; of kinds that are not shown nothing is kept.

        `scored_ns` is when a Mention left the scoring stage, None where nobody knows.
        """
        match record:
            case Headline():
                self._headline(record, stored_ns)
            case Mention():
                self._mention(record, stored_ns, scored_ns)
            case Reaction():
                self._reaction(record, stored_ns)
            case Alert():
                self._alert(record, stored_ns)
            case Move():
                self._line(record.listing, record.issuer)

    def follow(self, universe: Universe) -> None:
        """Learn which listing is whose, before anything has been said of it."""
        for listing in universe.listings.values():
            self._line(listing.listing, listing.issuer)

    def commit(self) -> None:
        """Show what was added to whoever reads, and let go of what is old."""
        if self._open:
            self._base.execute("COMMIT")
            self._open = False
        if self._kept_ns is not None and now_ns() - self._pruned_ns >= PRUNE_NS:
            self._pruned_ns = now_ns()
            self.prune(now_ns())

    def prune(self, at_ns: int) -> None:
        """Let go of what was stored too long ago, and of the oldest where the file is too big."""
        assert self._kept_ns is not None
        prune(self._base, at_ns, self._kept_ns, self._most_bytes)

    def _headline(self, record: Headline, stored_ns: int) -> None:
        body = encode_json(record)
        key = record.headline_id, record.revision
        self._write("INSERT OR REPLACE INTO revision VALUES (?, ?, ?, ?)", *key, stored_ns, body)
        self._write(
            "INSERT INTO headline VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " revision = excluded.revision, event_ns = excluded.event_ns,"
            " deleted = excluded.deleted, stored_ns = excluded.stored_ns, record = excluded.record"
            " WHERE excluded.revision >= revision",
            *key, record.event_ns, record.action == "deleted", stored_ns, body,
        )  # fmt: skip

    def _mention(self, record: Mention, stored_ns: int, scored_ns: int | None) -> None:
        self._write(
            "INSERT INTO mention VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " revision = excluded.revision, scored_ns = excluded.scored_ns,"
            " stored_ns = excluded.stored_ns, record = excluded.record"
            " WHERE excluded.revision > revision",
            record.headline_id, record.issuer, record.revision,
            scored_ns, stored_ns, encode_json(record),
        )  # fmt: skip
        self._named(record.issuer, record.headline_id, stored_ns)

    def _reaction(self, record: Reaction, stored_ns: int) -> None:
        key = record.headline_id, record.listing, record.horizon
        body = encode_json(record)
        self._write("INSERT OR REPLACE INTO reaction VALUES (?, ?, ?, ?, ?)", *key, stored_ns, body)
        self._named(record.issuer, record.headline_id, stored_ns)
        self._line(record.listing, record.issuer)

    def _alert(self, record: Alert, stored_ns: int) -> None:
        body = encode_json(record)
        known = self._write(
            "INSERT OR IGNORE INTO transition (alert_id, digest, stored_ns, record)"
            " VALUES (?, ?, ?, ?)",
            record.alert_id, content_id(body.decode()), stored_ns, body,
        )  # fmt: skip
        if not known:
            return
        self._write(
            "INSERT INTO alert VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " state = excluded.state, updated_ns = excluded.updated_ns,"
            " stored_ns = excluded.stored_ns, record = excluded.record"
            " WHERE excluded.updated_ns >= updated_ns",
            record.alert_id, record.listing, record.state,
            record.opened_ns, record.updated_ns, stored_ns, body,
        )  # fmt: skip
        self._line(record.listing, record.issuer)
        for cause in record.attribution.candidates:
            self._named(record.issuer, cause.headline_id, stored_ns)

    def _named(self, issuer: str, headline_id: str, stored_ns: int) -> None:
        self._write("INSERT OR REPLACE INTO named VALUES (?, ?, ?)", issuer, headline_id, stored_ns)

    def _line(self, listing: str, issuer: str) -> None:
        self._write("INSERT OR REPLACE INTO line VALUES (?, ?)", listing, issuer)

    def _write(self, statement: str, *values: Any) -> bool:  # noqa: ANN401 - what SQLite stores
        """Write within the open transaction; tell whether a row has changed."""
        if not self._open:
            self._base.execute("BEGIN IMMEDIATE")
            self._open = True
        return self._base.execute(statement, values).rowcount > 0

    # -- how far topics were read

    def place(self, topic: str, partition: int) -> int | None:
        """Return the offset of the first record that was not taken in, None where none was."""
        row = self._base.execute(
            "SELECT next FROM place WHERE topic = ? AND partition = ?", (topic, partition)
        ).fetchone()
        return None if row is None else int(row[0])

    def set_place(self, topic: str, partition: int, next_offset: int) -> None:
        """Remember how far a partition was read, together with what was read."""
        self._write("INSERT OR REPLACE INTO place VALUES (?, ?, ?)", topic, partition, next_offset)


def _opened(path: Path) -> sqlite3.Connection:
    """Open the file, making it new where there is none or one of another layout."""
    for _ in range(2):
        try:
            return opened(
                path,
                TABLES,
                LAYOUT,
                synchronous="NORMAL",
                threads=False,
                shrinks=True,
                timeout_s=WRITE_TIMEOUT_S,
            )
        except LayoutError as fault:
            log.warning("the store is of another layout: it is filled in again", fault=str(fault))
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
    raise sqlite3.DatabaseError("it cannot be made new")
