"""What has been seen of every item, so that each revision goes on once; and what sources remember.

One SQLite file. An item is known by its id; its newest revision, and what its earlier ones said,
tell a repeat from a change. Wires repeat themselves all day: a feed of thirty items polled each
minute says each of them hundreds of times.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from streams.errors import StateError
from streams.events import DAY_NS, Headline, Reject, Status, content_id
from streams.lock import locked
from streams.sqlite_file import opened, opened_read_only

NewsItem = Headline | Status | Reject

LAYOUT: Final = 1
KEPT_NS: Final = 35 * DAY_NS  # after an item was last seen; a feed may list a month
TOUCH_NS: Final = DAY_NS  # the day it was last seen is exact enough
MOST_CONTENTS: Final = 16  # of one item that are remembered
PRUNE_NS: Final = DAY_NS

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS state (feed TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL, updated_ns INTEGER, contents BLOB NOT NULL,
    seen_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS item_seen ON item (seen_ns);
"""


class Known(NamedTuple):
    """An item as it was seen last; `contents` are 8 bytes for each thing it said, newest first."""

    id: str
    revision: int
    updated_ns: int | None
    contents: bytes
    seen_ns: int


class Sorted(NamedTuple):
    """What of a document is new, and what the book must be told once it is safe elsewhere."""

    fresh: list[NewsItem]
    notes: list[Known]
    repeats: int  # said before, word for word
    stale: int  # a revision older than one that is known
    revisions: int  # of the fresh ones, items that were known with other words


class NewsBook:
    """The book, open in one process at a time. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """JournalError: another process has it. StateError: it cannot be opened, or is none of ours."""
        self._lock = locked(path.with_suffix(".lock"))
        self._pruned_ns = 0
        try:
            self._base = opened(path, _TABLES, LAYOUT, synchronous="NORMAL", threads=False)
        except sqlite3.Error as fault:
            self._lock.close()
            raise StateError(
                f"{path}: {fault}. Move it away: items that are still in their feeds are then read again"
            ) from fault

    def close(self) -> None:
        """Let others open it."""
        self._base.close()
        self._lock.close()

    # -- what sources remember

    def load(self, feed: str) -> bytes | None:
        """Return what was saved last for a feed, None where nothing was."""
        row = self._base.execute("SELECT body FROM state WHERE feed = ?", (feed,)).fetchone()
        return None if row is None else bytes(row[0])

    def save(self, feed: str, state: bytes) -> None:
        """Keep a feed's state; it outlives this process from here on."""
        self._base.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (feed, state))

    # -- items

    def sort(self, items: Iterable[NewsItem], now_ns: int) -> Sorted:
        """Tell new items from known ones; a changed headline gets the next revision.

        The book itself does not change until `note`.
        """
        found = Sorted([], [], 0, 0, 0)
        met: dict[str, Known] = {}
        repeats = stale = revisions = 0
        for item in items:
            id_, content = _identity(item)
            known = met.get(id_) or self._known(id_)
            verdict, note, item_as_new = _judged(item, id_, content, known, now_ns)
            repeats += verdict == "repeat"
            stale += verdict == "stale"
            revisions += verdict == "revision"
            if note is not None:
                met[id_] = note
            if item_as_new is not None:
                found.fresh.append(item_as_new)
        return found._replace(
            notes=list(met.values()), repeats=repeats, stale=stale, revisions=revisions
        )

    def note(self, sorted_: Sorted, now_ns: int) -> None:
        """Remember what `sort` found; all of it or nothing."""
        if sorted_.notes:
            self._base.execute("BEGIN")
            self._base.executemany(
                "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?)", sorted_.notes
            )
            self._base.execute("COMMIT")
        if now_ns - self._pruned_ns > PRUNE_NS:
            self._base.execute("DELETE FROM item WHERE seen_ns < ?", (now_ns - KEPT_NS,))
            self._pruned_ns = now_ns

    def __len__(self) -> int:
        row: tuple[int] = self._base.execute("SELECT count(*) FROM item").fetchone()
        return row[0]

    def _known(self, id_: str) -> Known | None:
        row = self._base.execute("SELECT * FROM item WHERE id = ?", (id_,)).fetchone()
        return None if row is None else Known(*row)


def read_states(path: Path) -> dict[str, bytes]:
    """Return all that sources remember, also while another process has the book open.

    StateError: there is no such file, or it is none of ours.
    """
    try:
        base = opened_read_only(path)
        try:
            return {feed: bytes(body) for feed, body in base.execute("SELECT * FROM state")}
        finally:
            base.close()
    except sqlite3.Error as fault:
        raise StateError(f"{path}: {fault}") from fault


def _identity(item: NewsItem) -> tuple[str, bytes]:
    """Return (what an item is known by, 8 bytes for what it says).

    Neither times nor the link count: feeds date and link the same words anew at every reading.
    """
    if isinstance(item, Headline):
        ended = "deleted" if item.action == "deleted" else ""
        said = content_id(item.title, item.summary, *sorted(item.symbols), ended)
        return item.headline_id, bytes.fromhex(said)
    if isinstance(item, Status):
        id_ = content_id("status", item.listing, item.ts_ns, item.action)
        return id_, bytes.fromhex(content_id(item.reason))
    feed = item.detail.partition(":")[0]
    return content_id("reject", feed, item.reason, item.record or item.detail), b"reject.."


def _judged(
    item: NewsItem, id_: str, content: bytes, known: Known | None, now_ns: int
) -> tuple[str, Known | None, NewsItem | None]:
    """Return (verdict, what to remember, the item to pass on)."""
    numbered = item.revision if isinstance(item, Headline) else 0
    updated_ns = item.updated_ns if isinstance(item, Headline) else None
    if known is None:
        return "new", Known(id_, numbered, updated_ns, content, now_ns), item
    verdict = _verdict(content, numbered, updated_ns, known)
    if verdict != "revision" or not isinstance(item, Headline):
        touched = known._replace(seen_ns=now_ns) if now_ns - known.seen_ns > TOUCH_NS else None
        return ("repeat" if verdict == "revision" else verdict), touched, None
    revision = max(known.revision + 1, numbered)
    newest_ns = max(filter(None, (updated_ns, known.updated_ns)), default=None)
    contents = (content + known.contents)[: 8 * MOST_CONTENTS]
    action = "updated" if item.action == "created" else item.action
    revised = msgspec.structs.replace(item, revision=revision, action=action)
    return "revision", Known(id_, revision, newest_ns, contents, now_ns), revised


def _older(updated_ns: int | None, known_ns: int | None) -> bool:
    return updated_ns is not None and known_ns is not None and updated_ns < known_ns


def _verdict(content: bytes, numbered: int, updated_ns: int | None, known: Known) -> str:
    """Tell what a known item's words are: a repeat, stale, or a revision.

    Words that are dated before the newest ones, or were said before them, are an old copy out of
    some cache, unless their publisher dates them later than all that we know: they were put back.
    """
    if known.contents[:8] == content:
        return "repeat"
    if 0 < numbered < known.revision or _older(updated_ns, known.updated_ns):
        return "stale"
    earlier = {known.contents[at : at + 8] for at in range(0, len(known.contents), 8)}
    if content not in earlier:
        return "revision"
    put_back = updated_ns is not None and updated_ns > (known.updated_ns or updated_ns)
    return "revision" if put_back else "stale"
