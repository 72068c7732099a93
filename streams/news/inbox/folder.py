"""Watch a folder for documents of news that somebody else puts there.

The folder is looked at again and again. A file that two looks find unchanged is complete, is read
by the feed's dialect and handed over; only then is it remembered, by name, size and time of change.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from streams.events import SECOND_NS
from streams.logs import logger
from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo, ParsedFeed, Read, Take
from streams.news.inbox.files import Stamp, files_in, move_file, read_file
from streams.outcome import Notice, Outcome, States
from streams.text import clean_text

log = logger(__name__)

SAVE_S: Final = 1.0  # at most between a file's acceptance and its being remembered, in a backlog
HEARD_S: Final = 60.0  # between two notices that all is well, where nothing comes
SETTLED: Final = 0.9  # of an interval; two looks are seldom exactly one apart
NAME_CHARS: Final = 255  # of a file, by every file system in use


class Seen(msgspec.Struct, frozen=True):
    """A file that was read; `held_until_ns`: an embargo in it ends then, and it is read again."""

    size: int
    mtime_ns: int
    held_until_ns: int | None = None

    @property
    def stamp(self) -> Stamp:
        """Return what the file was when it was read."""
        return Stamp(self.size, self.mtime_ns)


class WatchedFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder to watch, and how."""

    path: Path
    pattern: str = "*"  # of the names of files, as a shell has it
    interval_s: float = 1.0  # between two looks
    done: Path | None = None  # where files go that were read; None: they stay


class FolderInbox:
    """One watched folder. Hidden files, subfolders and symbolic links in it are passed over."""

    def __init__(
        self,
        feed: FeedInfo,
        folder: WatchedFolder,
        take: Take,
        notice: Notice,
        states: States,
        *,
        read: Read = read_document,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """What `take` raises ends `run`; `read` is called in a thread."""
        self._read_document = read
        self._feed, self._folder, self._pattern = feed, folder.path, folder.pattern
        self._take, self._notice, self._states = take, notice, states
        self._interval_s, self._done, self._now_ns = folder.interval_s, folder.done, now_ns
        self._seen: dict[str, Seen] = {}
        self._last: dict[str, Stamp] = {}  # what an earlier look found, and when that was
        self._last_s = -math.inf
        self._faults: dict[str, str] = {}  # told once, by file or by the folder's own name ""
        self._saved_s = self._heard_s = time.monotonic()
        self._changed = False

    async def run(self) -> None:
        """Look until cancelled."""
        self._seen = remembered(self._states.load(self._feed.name))
        while True:
            began_s = time.monotonic()
            try:
                await self._look()
            finally:
                self._remember()
            await asyncio.sleep(self._wait_s(time.monotonic() - began_s))

    async def _look(self) -> None:
        """Read what has settled since the last look, in the order of its names."""
        try:
            found = await asyncio.to_thread(files_in, self._folder, self._pattern)
        except OSError as fault:
            self._fault("", "no_folder", str(fault))
            return
        if self._faults.pop("", None) or time.monotonic() - self._heard_s > HEARD_S:
            self._tell(Outcome(feed=self._feed.name, at_ns=self._now_ns(), kind="unchanged"))
        self._forget(found)
        settled = self._settled(found)
        for name in sorted(found):
            stamp = found[name]
            if self._is_due(name, stamp, settled=name in settled):
                await self._read(name, stamp)
            if self._done is not None and self._is_done(name, stamp):
                await self._put_away(name, stamp, self._done)

    def _settled(self, found: dict[str, Stamp]) -> set[str]:
        """Return the files that did not change for an interval: a look may come sooner."""
        now_s = time.monotonic()
        if now_s - self._last_s < SETTLED * self._interval_s:
            return set()
        settled = {name for name, stamp in found.items() if self._last.get(name) == stamp}
        self._last, self._last_s = found, now_s
        return settled

    def _is_due(self, name: str, stamp: Stamp, *, settled: bool) -> bool:
        seen = self._seen.get(name)
        if seen is None or seen.stamp != stamp:
            return settled
        return seen.held_until_ns is not None and seen.held_until_ns <= self._now_ns()

    def _is_done(self, name: str, stamp: Stamp) -> bool:
        seen = self._seen.get(name)
        return seen is not None and seen.stamp == stamp and seen.held_until_ns is None

    async def _read(self, name: str, stamp: Stamp) -> None:
        began_s, received_ns = time.monotonic(), self._now_ns()
        path = self._folder / name
        feed = msgspec.structs.replace(self._feed, url=str(path))
        try:
            parsed = await asyncio.to_thread(
                read_file, path, stamp, feed, received_ns, self._read_document
            )
        except OSError as fault:
            self._fault(name, "unreadable", str(fault))
            return
        self._faults.pop(name, None)
        if parsed is None:
            log.debug("inbox file waits", feed=self._feed.name, file=name, why="it still changes")
            return
        again = name in self._seen and self._seen[name].stamp == stamp
        await self._take(self._feed, _named(parsed, name, again=again))
        self._seen[name] = Seen(*stamp, parsed.held_until_ns)
        self._changed = True
        outcome = outcome_of(self._feed, parsed, received_ns, time.monotonic() - began_s)
        tell_taken(outcome, parsed, file=name)
        self._tell(outcome)
        if time.monotonic() - self._saved_s > SAVE_S:
            self._remember()

    async def _put_away(self, name: str, stamp: Stamp, done: Path) -> None:
        try:
            await asyncio.to_thread(move_file, self._folder / name, stamp, done)
        except OSError as fault:
            self._fault(name, "not_moved", str(fault))

    def _forget(self, found: dict[str, Stamp]) -> None:
        """Drop what is no longer there, so that memory is bounded by the folder."""
        gone = self._seen.keys() - found.keys()
        for name in gone:
            del self._seen[name]
        for name in self._faults.keys() - found.keys():
            del self._faults[name]
        self._changed |= bool(gone)

    def _remember(self) -> None:
        if self._changed:
            names = {os.fsencode(name): seen for name, seen in self._seen.items()}
            self._states.save(self._feed.name, msgspec.msgpack.encode(names))
            self._saved_s, self._changed = time.monotonic(), False

    def _wait_s(self, took_s: float) -> float:
        """Return the time to the next look: an interval after this one, or the end of an embargo."""
        now_ns = self._now_ns()
        ends_ns = (seen.held_until_ns or 0 for seen in self._seen.values())
        held_s = [(end_ns - now_ns) / SECOND_NS for end_ns in ends_ns if end_ns > now_ns]
        return max(min([self._interval_s - took_s, *held_s]), 0.0)

    def _tell(self, outcome: Outcome) -> None:
        self._heard_s = time.monotonic()
        self._notice(outcome)

    def _fault(self, name: str, reason: str, detail: str) -> None:
        """Say that a file or the folder cannot be used, once until it changes."""
        if self._faults.get(name) == reason:
            return
        self._faults[name] = reason
        log.debug("inbox file failed", feed=self._feed.name, file=name, reason=reason, why=detail)
        self._tell(
            Outcome(
                feed=self._feed.name,
                at_ns=self._now_ns(),
                kind="failed",
                reason=reason,
                detail=detail,
                next_s=self._interval_s,
            )
        )


def outcome_of(feed: FeedInfo, parsed: ParsedFeed, at_ns: int, took_s: float) -> Outcome:
    """Return what a pushed document came to; one of which nothing is usable is a failure."""
    items = len(parsed.headlines) + len(parsed.statuses)
    first = parsed.rejects[0] if parsed.rejects and not items else None
    return Outcome(
        feed=feed.name,
        at_ns=at_ns,
        kind="failed" if first else "read",
        reason=first.reason if first else "",
        detail=first.detail if first else "",
        items=items,
        took_s=round(took_s, 6),
    )


def tell_taken(outcome: Outcome, parsed: ParsedFeed, **where: str) -> None:
    """Write to the log whether a pushed document was taken or refused, and why."""
    event = "inbox document refused" if outcome.kind == "failed" else "inbox document taken"
    log.debug(
        event,
        feed=outcome.feed,
        dialect=parsed.dialect,
        items=outcome.items,
        rejects=len(parsed.rejects),
        reason=outcome.reason,
        why=outcome.detail,
        **where,
    )


def remembered(state: bytes | None) -> dict[str, Seen]:
    """Return the files of a saved state; one of another kind of source is as good as none."""
    if state is None:
        return {}
    try:
        kept = msgspec.msgpack.decode(state, type=dict[bytes, Seen])
    except msgspec.MsgspecError:
        return {}
    return {os.fsdecode(name): seen for name, seen in kept.items()}


def _named(parsed: ParsedFeed, name: str, *, again: bool) -> ParsedFeed:
    """Return what a file held with its name in the rejects, which are told at the first time only.

    A file is read again for what an embargo held back; nothing else in it can have changed.
    """
    if again:
        return msgspec.structs.replace(parsed, rejects=())
    rejects = tuple(
        msgspec.structs.replace(each, detail=f"{each.detail} (in {clean_text(name, NAME_CHARS)})")
        for each in parsed.rejects
    )
    return msgspec.structs.replace(parsed, rejects=rejects)
