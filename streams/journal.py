"""The local log: append, read, checkpoint. What Kafka is to many machines, on one.

A journal is a folder of segments (`streams/segment.py`), written by one thread of one process. A
crash can only tear its tail, which is cut on opening; any other damage is an error, for what
follows it may not be lost in silence. What recovery will read (the segments from the newest
checkpoint on) is verified on opening, the older ones when they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import FileIO
from pathlib import Path
from typing import Final, Literal

from streams.checkpoint_file import CheckpointFile, JournalCheckpoint
from streams.errors import JournalError
from streams.files import PRIVATE_FOLDER, locked, make_private
from streams.journal_files import LOCK
from streams.logs import logger
from streams.recovery import recovered
from streams.segment import (
    FRAME,
    MAX_RECORD,
    framed_head,
    position_of,
    records,
    segment_of,
    segments,
)
from streams.segment_writer import SegmentWriter

Fsync = Literal["never", "checkpoint", "always"]

SEGMENT_BYTES: Final = 64 * 2**20
_BUFFER_BYTES: Final = 256 * 2**10  # one write call for some thousand small records

log = logger(__name__)


@contextmanager
def _opening(path: Path, lock: FileIO) -> Iterator[None]:
    """Let others have the journal where it cannot be opened; JournalError: it cannot, and why."""
    try:
        yield
    except OSError as fault:
        lock.close()
        raise JournalError(str(path), f"cannot be opened: {fault}") from fault
    except JournalError:
        lock.close()
        raise


class Journal(AbstractContextManager["Journal"]):
    """An append-only log of byte records, numbered from 0; made by `Journal.open`.

    `recovered_bytes` tells how much torn tail was cut on opening, `problems` what else was set
    aside. Every method raises JournalError; after a failed write (a full disk) nothing more is
    taken, and opening the journal again recovers what had been written.
    """

    def __init__(
        self, path: Path, fsync: Fsync, segment_bytes: int, *, private: bool, outlives: bool
    ) -> None:
        self.path, self._fsync, self._segment_bytes = path, fsync, segment_bytes
        self._pending = bytearray()
        self._checkpoint = CheckpointFile(path, private=private)
        syncs = fsync != "never"
        self._lock = locked(path / LOCK, private=private, durable=syncs)
        with _opening(path, self._lock):
            if private:
                make_private(path, PRIVATE_FOLDER)
            self._segments = segments(path, private=private)
            found = recovered(self._segments, self._checkpoint, outlives=outlives)
            last = self._segments[-1]
            self._writer = SegmentWriter(path, last, syncs=syncs, private=private)
            self._writer.sync_folder()
        self._next, self._position = found.next_offset, found.position
        self.recovered_bytes, self.problems = found.cut_bytes, found.problems
        for problem in found.problems:
            log.warning("journal is not as it was left", journal=str(path), problem=problem)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        fsync: Fsync = "checkpoint",
        segment_bytes: int = SEGMENT_BYTES,
        private: bool = True,
        outlives: bool = False,
    ) -> Journal:
        """Open the journal in the folder `path`, made if absent, and cut its torn tail.

        `private`: the folder and its files are for this user alone. `outlives`: the state of a
        checkpoint holds even where records that it knew are gone. JournalError: another process
        writes it, or it is damaged before its tail.
        """
        return cls(path, fsync, segment_bytes, private=private, outlives=outlives)

    @property
    def next_offset(self) -> int:
        """The number that the next record gets: how many there are."""
        return self._next

    def append(self, payload: bytes | memoryview) -> int:
        """Add one record and return its number; `flush` makes it outlive this process."""
        size = FRAME.size + len(payload)
        if self._writer.refusal or size > MAX_RECORD:
            refusal = self._writer.refusal or f"a record over {MAX_RECORD} bytes"
            raise JournalError(str(self.path), refusal)
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
        with self._writer.guarded():
            self._checkpoint.write(self._next, state, durable=durable)

    def begin_sync(self) -> Callable[[], None]:
        """Return what makes all records so far outlive a loss of power, to be called once, on any thread.

        OSError, when it is called: the disk did not take them.
        """
        self._write_out(durable=False)
        return self._writer.begin_sync()

    def last_checkpoint(self) -> JournalCheckpoint | None:
        """Return (number of the first record after it, state) of the newest checkpoint."""
        try:
            return self._checkpoint.read()
        except ValueError as fault:
            raise JournalError(str(self._checkpoint.path), str(fault)) from fault

    def truncate_to(self, offset: int) -> None:
        """Drop record `offset` and all after it, and a checkpoint that knew of them."""
        if not 0 <= offset <= self._next:
            raise JournalError(str(self.path), f"no record {offset}: it holds 0..{self._next - 1}")
        self.flush()
        with self._writer.guarded():
            self._checkpoint.forget(offset)
            # Newest first: a crash in between leaves a shorter journal, never one with a gap.
            while self._segments[-1].first > offset:
                self._segments.pop().path.unlink()
            self._next, self._position = offset, position_of(self._segments[-1], offset)
            self._writer.turn_to(self._segments[-1])
            self._writer.truncate(self._position)
            self._writer.sync_folder()

    def close(self) -> None:
        """Write out what was appended and let others open the journal."""
        try:
            if not self._writer.refusal:
                self._write_out(durable=self._fsync != "never")
        finally:
            self._writer.close()
            self._lock.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _roll(self) -> None:
        self._write_out(durable=self._fsync != "never")
        with self._writer.guarded():
            self._segments.append(segment_of(self.path, self._next))
            self._position = 0
            self._writer.turn_to(self._segments[-1])
            self._writer.sync_folder()

    def _write_out(self, *, durable: bool) -> None:
        self._writer.write(bytes(self._pending), durable=durable)
        self._pending.clear()
