"""What has been seen of every item, so that each revision goes on once; and what sources remember.

One SQLite file. An item is known by its id; its newest revision, and what its earlier ones said,
tell a repeat from a change. Wires repeat themselves all day: a feed of thirty items polled each
minute says each of them hundreds of times.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from streams.errors import StateError
from streams.events import DAY_NS, Headline, Reject, Status, content_id
from streams.files import locked
from streams.logs import logger
from streams.sqlite_file import opened, opened_read_only

NewsItem = Headline | Status | Reject
Verdict = Literal["new", "revision", "repeat", "stale"]

LAYOUT: Final = 1
KEPT_NS: Final = 35 * DAY_NS  # after an item was last seen; a feed may list a month
TOUCH_NS: Final = DAY_NS  # the day it was last seen is exact enough
MOST_CONTENTS: Final = 16  # of one item that are remembered
PRUNE_NS: Final = DAY_NS
SHOWN_CHARS: Final = 200  # of a rejected record, in the log

log = logger(__name__)
# What the log says of an item.
EVENTS: Final[dict[Verdict, str]] = {
    "new": "item new",
    "revision": "item revised",
    "repeat": "item known",
    "stale": "item is an old copy",
}

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


class ItemJudgement(NamedTuple):
    """What an item is, why, what to remember of it, and the item to pass on; None: nothing."""

    verdict: Verdict
    why: str
    known: Known | None = None
    item: NewsItem | None = None


class Classified(NamedTuple):
    """What of a document is new, and what must be marked as seen once that is safe elsewhere."""

    fresh: list[NewsItem]
    notes: list[Known]
    repeats: int  # said before, word for word
    stale: int  # a revision older than one that is known
    revisions: int  # of the fresh ones, items that were known with other words


class SeenItems:
    """The store of items seen, open in one process at a time. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """JournalError: another process has it. StateError: it cannot be opened, or is none of ours."""
        self._lock = locked(path.with_suffix(".lock"))
        self._pruned_ns = 0
        try:
            self._base = opened(path, _TABLES, LAYOUT, synchronous="NORMAL", threads=False)
            self._base.execute("PRAGMA secure_delete = ON")  # older states held keys of feeds
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

    def classify(self, items: Iterable[NewsItem], now_ns: int) -> Classified:
        """Tell new items from known ones; a changed headline gets the next revision.

        The store itself does not change until `mark_seen`.
        """
        fresh: list[NewsItem] = []
        met: dict[str, Known] = {}
        count: dict[Verdict, int] = dict.fromkeys(EVENTS, 0)
        told = log.isEnabledFor(logging.DEBUG)
        for item in items:
            id_, content = _identity(item)
            judged = _judged(item, id_, content, met.get(id_) or self._known(id_), now_ns)
            count[judged.verdict] += 1
            if judged.known is not None:
                met[id_] = judged.known
            if judged.item is not None:
                fresh.append(judged.item)
            if told:
                _tell(judged.item or item, id_, judged)
        counts = count["repeat"], count["stale"], count["revision"]
        return Classified(fresh, list(met.values()), *counts)

    def mark_seen(self, found: Classified, now_ns: int) -> None:
        """Remember what `classify` found; all of it or nothing."""
        if found.notes:
            self._base.execute("BEGIN")
            self._base.executemany(
                "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?)", found.notes
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
    """Return all that sources remember, also while another process has the store open.

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
) -> ItemJudgement:
    """Return what an item is; `content` stands for what it says now, `known` for what it said."""
    numbered = item.revision if isinstance(item, Headline) else 0
    updated_ns = item.updated_ns if isinstance(item, Headline) else None
    if known is None:
        first = Known(id_, numbered, updated_ns, content, now_ns)
        return ItemJudgement("new", "its id was never seen", first, item)
    verdict, why = _verdict(content, numbered, updated_ns, known)
    if verdict != "revision" or not isinstance(item, Headline):
        touched = known._replace(seen_ns=now_ns) if now_ns - known.seen_ns > TOUCH_NS else None
        if verdict == "revision":
            verdict, why = "repeat", "halts and rejects have no revisions"
        return ItemJudgement(verdict, why, touched)
    revision = max(known.revision + 1, numbered)
    newest_ns = max(filter(None, (updated_ns, known.updated_ns)), default=None)
    contents = (content + known.contents)[: 8 * MOST_CONTENTS]
    action = "updated" if item.action == "created" else item.action
    revised = msgspec.structs.replace(item, revision=revision, action=action)
    return ItemJudgement(
        "revision", why, Known(id_, revision, newest_ns, contents, now_ns), revised
    )


def _older(updated_ns: int | None, known_ns: int | None) -> bool:
    return updated_ns is not None and known_ns is not None and updated_ns < known_ns


def _verdict(
    content: bytes, numbered: int, updated_ns: int | None, known: Known
) -> tuple[Verdict, str]:
    """Tell what a known item's words are, and why: a repeat, stale, or a revision.

    Words that are dated before the newest ones, or were said before them, are an old copy out of
    some cache, unless their publisher dates them later than all that we know: they were put back.
    """
    if known.contents[:8] == content:
        return "repeat", "its words are those seen last"
    if 0 < numbered < known.revision:
        return "stale", "its revision is older than the one seen"
    if _older(updated_ns, known.updated_ns):
        return "stale", "it is dated before the one seen"
    earlier = {known.contents[at : at + 8] for at in range(0, len(known.contents), 8)}
    if content not in earlier:
        return "revision", "its words are new"
    if updated_ns is not None and updated_ns > (known.updated_ns or updated_ns):
        return "revision", "earlier words are put back under a later date"
    return "stale", "its words were seen before those seen last"


def _tell(item: NewsItem, id_: str, judged: ItemJudgement) -> None:
    """Write to the log what became of an item."""
    if isinstance(item, Reject):
        event = "item rejected" if judged.verdict == "new" else "item rejected before"
        log.debug(event, reason=item.reason, detail=item.detail, record=item.record[:SHOWN_CHARS])
    elif isinstance(item, Status):
        log.debug(EVENTS[judged.verdict], listing=item.listing, action=item.action, why=judged.why)
    else:
        log.debug(
            EVENTS[judged.verdict],
            feed=item.feed,
            headline_id=id_,
            source_key=item.source_key,
            revision=item.revision,
            title=item.title,
            why=judged.why,
        )
