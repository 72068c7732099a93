"""Files that are there whole or not at all, that nobody else may read, that one process holds."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Final

from streams.errors import JournalError

# Headlines, secrets that a sender may have put into an address, what was traded: for this user alone.
PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600
_OTHERS: Final = 0o077


def replace_file(
    path: Path, data: bytes, *, durable: bool = True, mode: int = 0o666, part: Path | None = None
) -> None:
    """Write a whole file in one step: a reader sees the old one or the new one.

    `durable`: on return it outlives a loss of power, name and all; without it only a crash of this
    process. `mode`: of a new file, less the umask. `part`: what is written first, by default beside
    `path`. OSError: it cannot be written.
    """
    with replacing(path, durable=durable, part=part) as fresh:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)


@contextmanager
def replacing(path: Path, *, durable: bool, part: Path | None = None) -> Iterator[Path]:
    """Give the name of a file to write; at the end it takes the place of `path`."""
    fresh = part or part_of(path)
    yield fresh
    put_in_place(fresh, path, durable=durable)


def put_in_place(fresh: Path, path: Path, *, durable: bool) -> None:
    """Have a whole file take the place of another in the same folder."""
    if durable:
        sync(fresh)
    fresh.replace(path)
    if durable:
        sync(path.parent)


def part_of(path: Path) -> Path:
    """Return the name of the file that is to take the place of `path`; a crash may leave it there."""
    return path.with_name(f"{path.name}.part")


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, outlive a loss of power (fsync(2))."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path, *, private: bool, durable: bool = False) -> None:
    """Make a folder and what is missing above it; `durable`: their names outlive a loss of power.

    `private`: what is made is for this user alone, and so is the folder itself if it was there and
    is this user's. OSError: it cannot be made, or is none.
    """
    missing = [path, *path.parents]
    missing = missing[: next((n for n, each in enumerate(missing) if each.is_dir()), len(missing))]
    for folder in reversed(missing):
        folder.mkdir(PRIVATE_FOLDER if private else 0o777, exist_ok=True)
        if durable:
            sync(folder.parent)
    if private and not missing:
        make_private(path, PRIVATE_FOLDER)


def make_private(path: Path, mode: int = PRIVATE_FILE) -> None:
    """Take from others what they may do with a file or folder that is this user's."""
    found = path.stat()
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & _OTHERS:
        path.chmod(mode)


def open_file(path: Path, mode: str, *, private: bool) -> FileIO:
    """Open a file as FileIO does; `private`: a new one, or an old one of this user's, is for them alone.

    OSError: it cannot be opened.
    """
    if not private:
        return FileIO(path, mode)
    file = FileIO(path, mode, opener=lambda name, flags: os.open(name, flags, PRIVATE_FILE))
    make_private(path)
    return file


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
