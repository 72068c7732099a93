"""An SQLite file of ours: how it is opened, for writing and for reading, and how another layout is told."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from streams.files import PRIVATE_FILE, make_private

READ_TIMEOUT_S: Final = 5.0  # for whoever writes the file to let go of it


class LayoutError(sqlite3.DatabaseError):
    """The file is of a layout that this program does not read."""


class ForeignFileError(sqlite3.DatabaseError):
    """The file is another program's."""


def opened(
    path: Path | None,
    tables: str,
    layout: int,
    *,
    synchronous: Literal["NORMAL", "FULL"],
    threads: bool,
    shrinks: bool = False,
    timeout_s: float = 1.0,
) -> sqlite3.Connection:
    """Return the file with its tables, made where they are missing; `path` None: it is in memory.

    It is for this user alone: SQLite gives what it writes beside it the same mode (sqlite.org/src,
    findCreateFileMode).
    `threads`: any may use it. `shrinks`: a new file is made so that it can give pages back.
    Transactions begin where the caller says so. sqlite3.Error: it cannot be opened or is no SQLite
    file. LayoutError: it is of another layout, ForeignFileError: another program's; it is left as it is.
    """
    if path:
        _make_private(path)
    base = sqlite3.connect(
        path or ":memory:",
        timeout=timeout_s,
        isolation_level=None,
        check_same_thread=not threads,
    )
    try:
        found: int = base.execute("PRAGMA user_version").fetchone()[0]
        if found not in {0, layout}:
            raise LayoutError(f"it is of layout {found}, this program reads {layout}")
        if not found and base.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise ForeignFileError("it is another program's: its tables are not ours")
        if shrinks and not found:
            base.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before anything is in it
        base.execute("PRAGMA journal_mode = WAL")
        base.execute(f"PRAGMA synchronous = {synchronous}")
        base.executescript(f"BEGIN IMMEDIATE; {tables} PRAGMA user_version = {layout}; COMMIT")
    except sqlite3.Error:
        base.close()
        raise
    return base


def _make_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                make_private(path.with_name(path.name + end))
    except OSError as fault:
        raise sqlite3.OperationalError(f"unable to open it: {fault}") from fault


def opened_read_only(path: Path) -> sqlite3.Connection:
    """Return a file that another process may write; sqlite3.Error: there is none.

    The name is quoted: in the URI that SQLite needs for this, `?`, `#` and `%` end or escape a
    path (sqlite.org/uri.html).
    """
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, timeout=READ_TIMEOUT_S, isolation_level=None
    )
