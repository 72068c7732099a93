"""A file that one process holds: who else wants it is told whose it is."""

from __future__ import annotations

import fcntl
import os
from io import FileIO
from pathlib import Path

from streams.errors import JournalError
from streams.files import make_folder, open_file


def locked(path: Path, *, private: bool = True, durable: bool = False) -> FileIO:
    """Return the lock, held until it is closed or the process ends; its folder is made if absent.

    `private`: the file, and folders that are made, are for this user alone. `durable`: the folders
    outlive a loss of power.

    JournalError: another process has it, or the folder cannot be written.
    """
    try:
        if not path.parent.is_dir():
            make_folder(path.parent, private=private, durable=durable)
        lock = open_file(path, "a+", private=private)
    except OSError as fault:
        raise JournalError(str(path.parent), f"cannot be opened: {fault}") from fault
    try:
        free = taken(lock.fileno())
    except OSError as fault:
        lock.close()
        raise JournalError(str(path.parent), f"cannot be locked: {fault}") from fault
    if not free:
        lock.seek(0)
        owner = lock.read(20).decode("ascii", "replace")
        lock.close()
        message = f"process {owner} has it open; stop that one or use another folder"
        raise JournalError(str(path.parent), message)
    lock.truncate(0)
    lock.write(str(os.getpid()).encode())
    return lock


def taken(handle: int, *, wait: bool = False) -> bool:
    """Take the lock of an open file or folder; False: another process has it (`wait`: wait for that).

    The lock goes when the file is closed, or its process ends (flock(2)). OSError: none can be had.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
