"""What was accepted and is not yet acknowledged, on disk, so that it outlives its process.

A journal cannot drop its beginning, so a spool is a row of journals, each a folder named by the
number of its first record. One that is acknowledged whole is removed, so that the disk holds what
waits and about one journal more. `append` hands each record to the system: it survives the death
of the process (kill -9). Only what `begin_sync` was asked for outlives a loss of power as well.
"""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

from streams.errors import JournalError
from streams.journal import Journal
from streams.journal_files import remove_journal
from streams.segment import FRAME, Segment, damaged, segment_of, spans

JOURNAL_BYTES: Final = 16 * 2**20
READ_BYTES: Final = 256 * 2**10
_ENDLESS: Final = 2**60  # a journal here is one file; the spool begins a new journal instead
_NAME: Final = re.compile(r"\d{20}")
_NUMBER: Final = struct.Struct("<Q")


class Spool:
    """A queue of byte records on disk, numbered from 0; appended by any thread, taken by one.

    `next` is the number that the next record gets, `acknowledged` that of the first one which is
    not known to be acknowledged: taking begins there. JournalError: another process has it, the
    disk is full, or it is damaged.
    """

    def __init__(self, folder: Path, journal_bytes: int = JOURNAL_BYTES) -> None:
        self.folder, self._journal_bytes = folder, journal_bytes
        self._lock = threading.Lock()
        # It holds no record: its lock keeps other processes out, its checkpoint the number.
        self._mark = Journal.open(folder / "acknowledged", fsync="never")
        try:
            names = (each.name for each in folder.iterdir() if _NAME.fullmatch(each.name))
            self._firsts = sorted(map(int, names)) or [0]
            self._begin(self._firsts[-1])
        except JournalError:
            self._mark.close()
            raise
        found = self._mark.last_checkpoint()
        marked = _NUMBER.unpack(found[1])[0] if found else 0
        self.acknowledged: int = min(max(marked, self._firsts[0]), self.next)
        self._file: FileIO | None = None  # of the journal that is read
        self._rest = b""
        self._follow(max(first for first in self._firsts if first <= self.acknowledged))

    def append(self, payload: bytes) -> int:
        """Keep a record and return its number; it survives this process from here on."""
        with self._lock:
            if self._size + len(payload) + FRAME.size > self._journal_bytes and self._size:
                self._journal.close()
                self._begin(self.next)
                self._firsts.append(self.next)
            self._journal.append(payload)
            self._journal.flush()
            self._size += len(payload) + FRAME.size
            self.next += 1
            return self.next - 1

    def begin_sync(self) -> Callable[[], None]:
        """Return what makes all records so far outlive a loss of power (see Journal.begin_sync)."""
        with self._lock:
            return self._journal.begin_sync()

    def take(self) -> list[tuple[int, bytes]]:
        """Return (number, record) of some that were not taken yet, in order; none: no more are here."""
        while True:
            first, end = self._bounds()
            if self._taken < end:
                found = self._read(first, end)
                if found:
                    return found
            elif first == self._firsts[-1]:
                return []
            else:
                self._follow(end)

    def acknowledge(self, number: int) -> None:
        """Remember that all records before `number` are acknowledged, and give back their disk."""
        if number == self.acknowledged:
            return
        self._mark.checkpoint(_NUMBER.pack(number))
        self.acknowledged = number
        with self._lock:
            while len(self._firsts) > 1 and self._firsts[1] <= number:
                with suppress(OSError):  # what stays is found, and removed, at the next start
                    remove_journal(self._path(self._firsts.pop(0)))

    def close(self) -> None:
        """Let others open it."""
        if self._file:
            self._file.close()
        self._journal.close()
        self._mark.close()

    def _begin(self, first: int) -> None:
        path = self._path(first)
        self._journal = Journal.open(path, segment_bytes=_ENDLESS)
        self._size = segment_of(path, 0).path.stat().st_size
        self.next: int = first + self._journal.next_offset

    def _path(self, first: int) -> Path:
        return self.folder / f"{first:020d}"

    def _bounds(self) -> tuple[int, int]:
        """Return the numbers of the first record of the journal that is read and of the one after it."""
        with self._lock:
            later = [first for first in self._firsts if first > self._reading]
            return self._reading, later[0] if later else self.next

    def _follow(self, first: int) -> None:
        """Begin to read the journal whose first record has that number."""
        if self._file:
            self._file.close()
        self._reading = self._taken = first
        self._file, self._rest = FileIO(segment_of(self._path(first), 0).path), b""

    def _read(self, first: int, end: int) -> list[tuple[int, bytes]]:
        """Return the next records before `end` that are not acknowledged; their bytes are there."""
        assert self._file is not None
        fresh = self._file.read(READ_BYTES)
        data = memoryview(self._rest + fresh)
        found: list[tuple[int, bytes]] = []
        before, position = self._taken, 0
        for start, stop in spans(data):
            if self._taken == end:
                break
            if self._taken >= self.acknowledged:
                found.append((self._taken, bytes(data[start:stop])))
            self._taken, position = self._taken + 1, stop
        self._rest = bytes(data[position:])
        if not fresh and self._taken == before:
            segment = Segment(0, segment_of(self._path(first), 0).path)
            raise damaged(segment, self._taken - first, self._file.tell() - len(self._rest))
        return found
