"""Write to the last segment of a journal; after a failed write nothing more is taken."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from streams.errors import JournalError
from streams.files import open_file, sync
from streams.segment import Segment


class SegmentWriter:
    """The open end of a journal. OSError, from the constructor: the segment cannot be opened.

    `refusal` says why nothing can be written any more, "" while it can; `syncs`: files and folder
    are to outlive the system, too; `private`: files are for this user alone.
    """

    def __init__(self, folder: Path, segment: Segment, *, syncs: bool, private: bool) -> None:
        self._folder, self._syncs, self._private = folder, syncs, private
        self.refusal = ""
        self._file = open_file(segment.path, "ab", private=self._private)

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn an OSError in the block into the JournalError that refuses all that follows."""
        if self.refusal:
            raise JournalError(str(self._folder), self.refusal)
        try:
            yield
        except OSError as fault:
            # What the disk holds now is unknown; the next opening will find out.
            self.refusal = f"a write failed ({fault}); mend that and open the journal again"
            raise JournalError(str(self._folder), self.refusal) from fault

    def write(self, data: bytes, *, durable: bool) -> None:
        """Hand `data` to the system; `durable`: to the disk."""
        rest = memoryview(data)
        with self.guarded():
            while rest:
                rest = rest[self._file.write(rest) :]
            if durable:
                os.fsync(self._file.fileno())

    def begin_sync(self) -> Callable[[], None]:
        """Return what syncs the segment as it is now, to be called once, on any thread.

        An earlier segment was synced when it was full. OSError, when it is called: the disk did not
        take it.
        """
        try:
            handle = os.dup(self._file.fileno())
        except OSError:  # no descriptor is left: then it is done now
            os.fsync(self._file.fileno())
            return lambda: None

        def sync() -> None:
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

        return sync

    def turn_to(self, segment: Segment) -> None:
        """Go on in another segment."""
        self._file.close()
        self._file = open_file(segment.path, "ab", private=self._private)

    def truncate(self, position: int) -> None:
        """Cut the segment."""
        self._file.truncate(position)
        if self._syncs:
            os.fsync(self._file.fileno())

    def sync_folder(self) -> None:
        """Make names that were added, replaced or removed outlive the system, where that is wanted."""
        if self._syncs:
            sync(self._folder)

    def close(self) -> None:
        """Close the file; nothing can be written any more."""
        self.refusal = self.refusal or "it is closed"
        self._file.close()
