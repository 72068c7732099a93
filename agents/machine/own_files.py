"""The files that this program has made in a folder of the user's: only those may be replaced or removed.

A list in the folder has the SHA-256 and the name of each, as `sha256sum` writes them. A line comes
before the file it speaks of, so that a crash leaves nothing of ours that is not in the list; a file
that the list does not know, with these very bytes, is somebody else's.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from streams.errors import UsageError
from streams.files import put_in_place

LIST: Final = ".newsquake-files"
HEAD: Final = (
    b"# What newsquake has made here: it replaces and removes nothing else. See sha256sum(1).\n"
)


class OwnFiles:
    """What of a folder's files is ours. UsageError: the list itself is somebody else's."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._list = folder, folder / LIST
        self._known = _listed(self._list)

    def knows_none(self, names: Iterable[str]) -> bool:
        """Tell whether none of the files was ever made here."""
        return not {name for name, _ in self._known} & set(names)

    def foreign(self, names: Iterable[str]) -> list[str]:
        """Return those of the files that are there and are not ours."""
        return [name for name in names if not self._is_ours(name)]

    def adopt(self, names: Iterable[str]) -> None:
        """Take files that are there for ours."""
        for name in names:
            if (self.folder / name).is_file():
                self._claim(name, self.folder / name)

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Give the name of a file to write; at the end it takes the place of `name`.

        A crash of this process leaves the old one or the new one. OSError: it cannot be written.
        """
        path = self.folder / name
        part = path.with_name(f".newsquake-{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)  # what a crash has left, or a link that would be followed
        yield part
        self._claim(name, part)
        put_in_place(part, path, durable=False)

    def put(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        with self.replacing(name) as fresh:
            fresh.write_bytes(data)

    def remove(self, names: Iterable[str]) -> None:
        """Remove those of the files that are ours."""
        for name in names:
            if self._is_ours(name):
                (self.folder / name).unlink(missing_ok=True)

    def _is_ours(self, name: str) -> bool:
        """Tell whether a file is ours, or not there; a link on the way to it is never ours."""
        path = self.folder
        for part in Path(name).parts:
            path /= part
            if path.is_symlink():
                return False
        return not path.exists() or (path.is_file() and (name, _digest(path)) in self._known)

    def _claim(self, name: str, path: Path) -> None:
        digest = _digest(path)
        if (name, digest) in self._known:
            return
        line = f"{digest}  {name}\n".encode()
        handle = os.open(self._list, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        with os.fdopen(handle, "ab") as file:
            file.write(line if file.tell() else HEAD + line)
        self._known.add((name, digest))


def _listed(path: Path) -> set[tuple[str, str]]:
    """Return (name, digest) of each line."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(f"{path} is no file of newsquake's: move it away")
    if not path.exists():
        return set()
    head, *lines = path.read_bytes().decode("utf-8", "replace").splitlines() or [""]
    if head.encode() + b"\n" != HEAD:
        raise UsageError(f"{path} is no file of newsquake's: move it away")
    return {(line[66:], line[:64]) for line in lines if line[64:66] == "  "}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
