"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
