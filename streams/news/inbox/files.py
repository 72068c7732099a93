"""The files of a watched folder: listed, read only while they stay what they were, put away."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import stat
from pathlib import Path
from typing import Final, NamedTuple

from streams.news.dialects.registry import read_document
from streams.news.dialects.rss import MAX_BYTES
from streams.news.feed import FeedInfo, ParsedFeed, Read, refused

# Never follow a link, never wait for a pipe; where a system has neither, the check of the kind is all.
OPEN_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Stamp(NamedTuple):
    """What tells one content of a file from the next."""

    size: int
    mtime_ns: int


def files_in(folder: Path, pattern: str) -> dict[str, Stamp]:
    """Return the regular files of a folder whose names match. OSError: it cannot be looked at."""
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not fnmatch.fnmatchcase(entry.name, pattern):
                continue
            with contextlib.suppress(FileNotFoundError):  # gone since the listing
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found[entry.name] = _stamp(status)
    return found


def read_file(
    path: Path, stamp: Stamp, feed: FeedInfo, received_ns: int, read: Read = read_document
) -> ParsedFeed | None:
    """Return what a file holds, None where it is no longer what it was. OSError: unreadable."""
    if stamp.size > MAX_BYTES:
        detail = f"{stamp.size} bytes, more than {MAX_BYTES}"
        return ParsedFeed(rejects=(refused(feed, "too_large", detail, received_ns, ""),))
    # A name may have become a link or a pipe since it was looked at.
    with os.fdopen(os.open(path, OPEN_FLAGS), "rb") as file:
        if not _is(os.fstat(file.fileno()), stamp):
            return None
        data = file.read(stamp.size + 1)
        if not _is(os.fstat(file.fileno()), stamp):
            return None
    return read(data, feed, received_ns)


def move_file(path: Path, stamp: Stamp, folder: Path) -> None:
    """Move a file that is still what it was; one of its name that is there already is kept."""
    if not _is(path.lstat(), stamp):
        return
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / path.name
    if place.exists():
        place = folder / f"{path.stem}.{stamp.mtime_ns}{path.suffix}"
    shutil.move(path, place)


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns)


def _is(status: os.stat_result, stamp: Stamp) -> bool:
    return stat.S_ISREG(status.st_mode) and _stamp(status) == stamp
