"""A file that one process holds: who else wants it is told whose it is."""

from __future__ import annotations

import fcntl
import os
from io import FileIO
from pathlib import Path

from streams.errors import JournalError


def locked(path: Path) -> FileIO:
    """Return the lock, held until it is closed or the process ends.

    JournalError: another process has it, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileIO(path, "a+")
    except OSError as fault:
        raise JournalError(str(path.parent), f"cannot be opened: {fault}") from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        lock.seek(0)
        owner = lock.read(20).decode("ascii", "replace")
        lock.close()
        message = f"process {owner} has it open; stop that one or use another folder"
        raise JournalError(str(path.parent), message) from fault
    lock.truncate(0)
    lock.write(str(os.getpid()).encode())
    return lock
