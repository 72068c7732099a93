"""The two newest checkpoints of a journal: small files, each replaced as a whole.

magic of 8 bytes, u64 next offset, state, u32 crc32 of all before it (numbers little-endian)
"""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from streams.files import open_file, replacing

_HEAD: Final = struct.Struct("<8sQ")  # magic, next offset
_CRC: Final = struct.Struct("<I")  # crc32 of all the rest, at the end
_MAGIC: Final = b"NQCKPT1\n"
NEWEST: Final = "checkpoint"
BEFORE: Final = "checkpoint.before"
UNUSABLE: Final = "checkpoint.unusable"
CHECKPOINT_NAMES: Final = (NEWEST, BEFORE, UNUSABLE, "checkpoint.tmp", "checkpoint.before.tmp")


class JournalCheckpoint(NamedTuple):
    """The number of the first record after it, and the state."""

    next_offset: int
    state: bytes


class CheckpointFile:
    """The file `checkpoint` in a journal's folder, and the one before it."""

    def __init__(self, folder: Path, *, private: bool) -> None:
        self.path, self._private = folder / NEWEST, private
        self._before = folder / BEFORE

    def read(self) -> JournalCheckpoint | None:
        """Return the newest, None where there is none; ValueError: it is damaged."""
        return _read(self.path)

    def write(self, next_offset: int, state: bytes, *, durable: bool) -> None:
        """Replace it; a crash leaves the old one or the new one. OSError: it cannot be written.

        `durable`: it outlives a loss of power, and the one that was there is kept, too.
        """
        body = _HEAD.pack(_MAGIC, next_offset) + state
        part = self.path.with_name("checkpoint.tmp")
        with replacing(self.path, durable=durable, part=part) as fresh:
            with open_file(fresh, "wb", private=self._private) as file:
                for piece in (body, _CRC.pack(zlib.crc32(body))):
                    rest = memoryview(piece)
                    while rest:
                        rest = rest[file.write(rest) :]
            if durable:
                self._keep_before()

    def forget(self, after: int) -> None:
        """Remove those that know of a record `after` or a later one."""
        for path in (self.path, self._before):
            with suppress(ValueError):
                found = _read(path)
                if found and found.next_offset > after:
                    path.unlink()
        self.promote()

    def set_aside(self, problem: str) -> str:
        """Keep the newest under another name, have the one before take its place; return what is said.

        Left in place it would come true again, for other records, as the journal grows.
        """
        self.path.replace(self.path.with_name(UNUSABLE))
        self.promote()
        return f"{problem}; it is kept as {UNUSABLE} and not used"

    def promote(self) -> bool:
        """Have the one before be the newest where that is not there; tell whether it is now."""
        if self.path.exists() or not self._before.exists():
            return False
        self._before.replace(self.path)
        return True

    def _keep_before(self) -> None:
        """Give the newest its second name, so that there is no moment without it."""
        if not self.path.exists():
            return
        part = self._before.with_name("checkpoint.before.tmp")
        part.unlink(missing_ok=True)
        try:
            os.link(self.path, part)
        except OSError:  # a file system without links: for a moment there is only the one before
            self.path.replace(self._before)
        else:
            part.replace(self._before)


def _read(path: Path) -> JournalCheckpoint | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    body, crc = data[: -_CRC.size], data[-_CRC.size :]
    if not body.startswith(_MAGIC) or crc != _CRC.pack(zlib.crc32(body)):
        raise ValueError("the checkpoint is damaged")
    _, offset = _HEAD.unpack_from(body)
    return JournalCheckpoint(offset, body[_HEAD.size :])
