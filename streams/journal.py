"""The local log: append, read, checkpoint. What Kafka is to many machines, on one.

A journal is a folder of segments (`streams/segment.py`), written by one thread of one process. A
crash can only tear its tail, which is cut on opening; any other damage is an error, for what
follows it may not be lost in silence. What recovery will read (the segments from the newest
checkpoint on) is verified on opening, the older ones when they are read.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from streams.errors import JournalError
from streams.files import replace_file, sync
from streams.lock import locked
from streams.segment import (
    FRAME,
    MAX_RECORD,
    damaged,
    framed_head,
    intact_after,
    loaded,
    position_of,
    records,
    segment_of,
    segments,
    spans,
)

Fsync = Literal["never", "checkpoint", "always"]

SEGMENT_BYTES: Final = 64 * 2**20
_BUFFER_BYTES: Final = 256 * 2**10  # one write call for some thousand small records
_CHECKPOINT: Final = struct.Struct("<8sQ")  # magic, next offset
_CRC: Final = struct.Struct("<I")  # crc32 of all the rest, at the end
_MAGIC: Final = b"NQCKPT1\n"


class Journal:
    """An append-only log of byte records, numbered from 0; made by `Journal.open`.

    `recovered_bytes` tells how much torn tail was cut on opening, `problems` what else was set
    aside. Every method raises JournalError; after a failed write (a full disk) nothing more is
    taken, and opening the journal again recovers what had been written.
    """

    def __init__(self, path: Path, fsync: Fsync, segment_bytes: int) -> None:
        self.path, self._fsync, self._segment_bytes = path, fsync, segment_bytes
        self.problems: list[str] = []
        self.recovered_bytes = 0
        self._pending = bytearray()
        self._refusal = ""  # why nothing can be written any more
        self._lock = locked(path / "lock")
        try:
            self._segments = segments(path)
            known = self._known_checkpoint()
            self._next, self._position = self._verify(known or 0)
            self._judge_checkpoint(known)
            self._file = FileIO(self._segments[-1].path, "ab")
        except OSError as fault:
            self._lock.close()
            raise JournalError(str(path), f"cannot be opened: {fault}") from fault
        except JournalError:
            self._lock.close()
            raise

    @classmethod
    def open(
        cls, path: Path, *, fsync: Fsync = "checkpoint", segment_bytes: int = SEGMENT_BYTES
    ) -> Journal:
        """Open the journal in the folder `path`, made if absent, and cut its torn tail.

        JournalError: another process writes it, or it is damaged before its tail.
        """
        return cls(path, fsync, segment_bytes)

    @property
    def next_offset(self) -> int:
        """The number that the next record gets: how many there are."""
        return self._next

    def append(self, payload: bytes | memoryview) -> int:
        """Add one record and return its number; `flush` makes it outlive this process."""
        size = FRAME.size + len(payload)
        if self._refusal or size > MAX_RECORD:
            raise JournalError(str(self.path), self._refusal or f"a record over {MAX_RECORD} bytes")
        if self._position + size > self._segment_bytes and self._position:
            self._roll()
        self._pending += framed_head(payload)
        self._pending += payload
        self._position += size
        self._next += 1
        if self._fsync == "always" or len(self._pending) > _BUFFER_BYTES:
            self.flush()
        return self._next - 1

    def flush(self) -> None:
        """Hand what was appended to the system; with fsync="always" to the disk."""
        self._write_out(durable=self._fsync == "always")

    def read(self, from_offset: int = 0) -> Iterator[tuple[int, memoryview]]:
        """Return (number, payload) of each record that is there now, from `from_offset` on.

        JournalError, while iterating: the record that comes next is not what was written.
        """
        self.flush()
        ends = [segment.first for segment in self._segments[1:]] + [self._next]
        parts = [part for part in zip(self._segments, ends, strict=True) if part[1] > from_offset]
        return (
            (offset, payload)
            for segment, end in parts
            for offset, payload in records(segment, end)
            if offset >= from_offset
        )

    def checkpoint(self, state: bytes) -> None:
        """Keep `state` as what follows from all records so far; atomic, the last one wins."""
        durable = self._fsync != "never"
        self._write_out(durable=durable)
        body = _CHECKPOINT.pack(_MAGIC, self._next) + state
        with self._writing():
            replace_file(
                self.path / "checkpoint",
                body + _CRC.pack(zlib.crc32(body)),
                durable=durable,
                part=self.path / "checkpoint.tmp",
            )

    def last_checkpoint(self) -> tuple[int, bytes] | None:
        """Return (number of the first record after it, state) of the newest checkpoint."""
        try:
            return _read_checkpoint(self.path / "checkpoint")
        except ValueError as fault:
            raise JournalError(str(self.path / "checkpoint"), str(fault)) from fault

    def truncate_to(self, offset: int) -> None:
        """Drop record `offset` and all after it, and a checkpoint that knew of them."""
        if not 0 <= offset <= self._next:
            raise JournalError(str(self.path), f"no record {offset}: it holds 0..{self._next - 1}")
        self.flush()
        known = self.last_checkpoint()
        with self._writing():
            if known and known[0] > offset:
                (self.path / "checkpoint").unlink()
            # Newest first: a crash in between leaves a shorter journal, never one with a gap.
            while self._segments[-1].first > offset:
                self._segments.pop().path.unlink()
            self._next, self._position = offset, position_of(self._segments[-1], offset)
            self._reopen()
            self._file.truncate(self._position)
            if self._fsync != "never":
                os.fsync(self._file.fileno())
            self._sync_folder()

    def close(self) -> None:
        """Write out what was appended and let others open the journal."""
        try:
            if not self._refusal:
                self._write_out(durable=self._fsync != "never")
        finally:
            self._refusal = self._refusal or "it is closed"
            self._file.close()
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _known_checkpoint(self) -> int | None:
        try:
            found = _read_checkpoint(self.path / "checkpoint")
        except ValueError as fault:
            self._set_aside(str(fault))
            return None
        return found[0] if found else None

    def _judge_checkpoint(self, known: int | None) -> None:
        if known is not None and known > self._next:
            self._set_aside(f"the checkpoint is at {known}, the journal ends at {self._next}")

    def _set_aside(self, problem: str) -> None:
        # Left in place it would come true again, for other records, as the journal grows.
        (self.path / "checkpoint").replace(self.path / "checkpoint.unusable")
        self.problems.append(f"{problem}; it is kept as checkpoint.unusable and not used")

    def _verify(self, from_offset: int) -> tuple[int, int]:
        """Return (next offset, end of the last segment) after cutting a torn tail."""
        *earlier, last = self._segments
        for segment, after in zip(earlier, self._segments[1:], strict=True):
            if after.first > from_offset:
                for _ in records(segment, after.first):
                    pass
        count, position, data = 0, 0, loaded(last)
        for _, end in spans(data):
            count, position = count + 1, end
        if position < len(data):
            if intact_after(data, position):
                raise damaged(last, last.first + count, position)
            os.truncate(last.path, position)
            self.recovered_bytes = len(data) - position
        return last.first + count, position

    def _roll(self) -> None:
        self._write_out(durable=self._fsync != "never")
        with self._writing():
            self._segments.append(segment_of(self.path, self._next))
            self._position = 0
            self._reopen()
            self._sync_folder()

    def _reopen(self) -> None:
        self._file.close()
        self._file = FileIO(self._segments[-1].path, "ab")

    def _write_out(self, *, durable: bool) -> None:
        data = memoryview(bytes(self._pending))
        with self._writing():
            while data:
                data = data[self._file.write(data) :]
            if durable:
                os.fsync(self._file.fileno())
        self._pending.clear()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        if self._refusal:
            raise JournalError(str(self.path), self._refusal)
        try:
            yield
        except OSError as fault:
            # What the disk holds now is unknown; the next opening will find out.
            self._refusal = f"a write failed ({fault}); mend that and open the journal again"
            raise JournalError(str(self.path), self._refusal) from fault

    def _sync_folder(self) -> None:
        if self._fsync != "never":
            sync(self.path)


def _read_checkpoint(path: Path) -> tuple[int, bytes] | None:
    """Return (next offset, state), None where there is no file; ValueError: it is damaged."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    body, crc = data[: -_CRC.size], data[-_CRC.size :]
    if not body.startswith(_MAGIC) or crc != _CRC.pack(zlib.crc32(body)):
        raise ValueError("the checkpoint is damaged")
    _, offset = _CHECKPOINT.unpack_from(body)
    return offset, body[_CHECKPOINT.size :]
