"""The newest checkpoint of a journal: one small file, replaced as a whole.

magic of 8 bytes, u64 next offset, state, u32 crc32 of all before it (numbers little-endian)
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final

from streams.files import replace_file

_HEAD: Final = struct.Struct("<8sQ")  # magic, next offset
_CRC: Final = struct.Struct("<I")  # crc32 of all the rest, at the end
_MAGIC: Final = b"NQCKPT1\n"


class CheckpointFile:
    """The file `checkpoint` in a journal's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint"

    def read(self) -> tuple[int, bytes] | None:
        """Return (next offset, state), None where there is no file; ValueError: it is damaged."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        body, crc = data[: -_CRC.size], data[-_CRC.size :]
        if not body.startswith(_MAGIC) or crc != _CRC.pack(zlib.crc32(body)):
            raise ValueError("the checkpoint is damaged")
        _, offset = _HEAD.unpack_from(body)
        return offset, body[_HEAD.size :]

    def write(self, next_offset: int, state: bytes, *, durable: bool) -> None:
        """Replace it; a crash leaves the old one or the new one. OSError: it cannot be written."""
        body = _HEAD.pack(_MAGIC, next_offset) + state
        data = body + _CRC.pack(zlib.crc32(body))
        part = self.path.with_name("checkpoint.tmp")
        replace_file(self.path, data, durable=durable, part=part)

    def remove(self) -> None:
        """Forget it."""
        self.path.unlink()

    def set_aside(self, problem: str) -> str:
        """Keep it under another name and return what is said of it.

        Left in place it would come true again, for other records, as the journal grows.
        """
        self.path.replace(self.path.with_name("checkpoint.unusable"))
        return f"{problem}; it is kept as checkpoint.unusable and not used"
