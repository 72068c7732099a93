"""An SQLite file of ours: how it is opened, and how one of another layout is told."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal


def opened(
    path: Path, tables: str, layout: int, *, synchronous: Literal["NORMAL", "FULL"], threads: bool
) -> sqlite3.Connection:
    """Return the file with its tables, made where they are missing; `threads`: any may use it.

    Transactions begin where the caller says so. sqlite3.Error: it cannot be opened, is no SQLite
    file, or is of another layout.
    """
    base = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=not threads)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute(f"PRAGMA synchronous = {synchronous}")
    base.executescript(f"BEGIN IMMEDIATE; {tables} COMMIT")
    found: int = base.execute("PRAGMA user_version").fetchone()[0]
    if found not in {0, layout}:
        raise sqlite3.DatabaseError(f"it is of layout {found}, this program reads {layout}")
    base.execute(f"PRAGMA user_version = {layout}")
    return base
