"""Which record is being applied, written where it outlives the process, and who looks that it ends.

The mark is a few bytes of a mapped file: writing it costs no system call, and whatever kills the
process, the next one finds at which record it was. A record at which a start hung, or at which
three in a row died, is set aside (streams/set_aside.py).
"""

from __future__ import annotations

import mmap
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from streams.files import open_file
from streams.set_aside import MOST_DEATHS

NOBODY_AT: Final = -1
# Of processor time. The largest record takes some 10 ms, a row of many applied together 0.05 ms at
# most; what takes so much longer does not end.
HUNG_S: Final = 5.0
HUNG_ROW_S: Final = 0.0005
LOOK_S: Final = 0.5
HUNG_EXIT: Final = 70  # sysexits.h, EX_SOFTWARE: an internal software error
# The records that are being applied: the first, the one behind the last; outputs kept before them.
_NOW: Final = struct.Struct("<qqq")
# Where the last start died: the same two; how many have in a row, and whether it hung.
_BEFORE: Final = struct.Struct("<qqqq")
_NOTHING: Final = _NOW.pack(NOBODY_AT, NOBODY_AT, 0)
_EMPTY: Final = _NOTHING + _BEFORE.pack(NOBODY_AT, NOBODY_AT, 0, 0)


class Death(NamedTuple):
    """Where the last start ended while it applied a record, or several together."""

    number: int
    stop: int  # the number behind the last of them
    kept: int  # outputs that there were before
    starts: int  # that died there in a row
    hung: bool

    @property
    def is_fault(self) -> bool:
        """Tell whether it is the record's fault: any process may be killed once at any record."""
        return self.hung or self.starts >= MOST_DEATHS

    def said(self) -> str:
        """Return what happened, as a Reject says it."""
        return "the engine hung" if self.hung else f"{self.starts} starts in a row died at it"


class ApplyingMark:
    """The mark of one log; `death` is what was found of the start before this one."""

    def __init__(self, path: Path) -> None:
        """OSError: the file cannot be made."""
        with open_file(path, "a+", private=True) as file:
            if path.stat().st_size != len(_EMPTY):
                file.truncate(0)
                file.write(_EMPTY)
                file.flush()
            self._map = mmap.mmap(file.fileno(), len(_EMPTY))
        self.death = self._found()

    def _found(self) -> Death | None:
        number, stop, kept = _NOW.unpack_from(self._map, 0)
        before, behind, starts, hung = _BEFORE.unpack_from(self._map, _NOW.size)
        if number < 0:
            self._map[:] = _EMPTY
            return None
        starts = starts + 1 if before < stop and number < behind else 1
        self._map[:] = _NOTHING + _BEFORE.pack(number, stop, starts, 0)
        return Death(number, stop, kept, starts, bool(hung))

    def begin(self, number: int, stop: int, kept: int = 0) -> None:
        """Note that records from `number` to `stop` are being applied from here on."""
        _NOW.pack_into(self._map, 0, number, stop, kept)

    def end(self) -> None:
        """Note that they have been."""
        self._map[: _NOW.size] = _NOTHING

    def hang(self) -> None:
        """Note that the record being applied will not come to its end."""
        before, behind, starts, _ = _BEFORE.unpack_from(self._map, _NOW.size)
        _BEFORE.pack_into(self._map, _NOW.size, before, behind, starts, 1)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()


class HangWatch:
    """Looks, on a thread of its own, whether what was begun comes to its end.

    Counted is processor time: a machine that stood still has not hung. `begin` and `end` are called
    for every record, by one thread at a time, and cost an addition.
    """

    def __init__(self, hung: Callable[[str], None]) -> None:
        """`hung` is called once with the place at which it goes round; it should end the process."""
        self._hung = hung
        self._turn = 0  # odd while something is being applied
        self._limit_s = HUNG_S
        self._thread = threading.get_ident()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="hang-watch", daemon=True).start()

    def begin(self, rows: int = 0) -> None:
        """Note that a record, or so many rows, are being applied from here on."""
        self._thread, self._limit_s = threading.get_ident(), HUNG_S + rows * HUNG_ROW_S
        self._turn += 1

    def end(self) -> None:
        """Note that it has been, well or not."""
        self._turn += 1

    def close(self) -> None:
        """Look no more."""
        self._closed.set()

    def _watch(self) -> None:
        seen, began_s = 0, 0.0
        while not self._closed.wait(LOOK_S):
            used_s = time.process_time()
            if self._turn % 2 == 0 or self._turn != seen:
                seen, began_s = self._turn, used_s
            elif used_s - began_s >= self._limit_s:
                self._hung(self._place())
                return

    def _place(self) -> str:
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - its documented name
        return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "nowhere"
