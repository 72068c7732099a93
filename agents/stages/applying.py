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

from streams.set_aside import MOST_DEATHS

NOBODY_AT: Final = -1
# Of processor time for one record, of which the largest takes some 10 ms: it will not end.
HUNG_S: Final = 10.0
LOOK_S: Final = 0.5
HUNG_EXIT: Final = 70  # sysexits.h, EX_SOFTWARE: an internal software error
_NOW: Final = struct.Struct("<qq")  # the record that is being applied, outputs kept before it
_BEFORE: Final = struct.Struct("<qqq")  # where the last start died, how many have, whether it hung
_EMPTY: Final = _NOW.pack(NOBODY_AT, 0) + _BEFORE.pack(NOBODY_AT, 0, 0)


class Death(NamedTuple):
    """Where the last start ended while it applied a record."""

    number: int
    kept: int  # outputs that there were before the record
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
        with path.open("a+b") as file:
            if path.stat().st_size != len(_EMPTY):
                file.truncate(0)
                file.write(_EMPTY)
                file.flush()
            self._map = mmap.mmap(file.fileno(), len(_EMPTY))
        self.death = self._found()

    def _found(self) -> Death | None:
        number, kept = _NOW.unpack_from(self._map, 0)
        before, starts, hung = _BEFORE.unpack_from(self._map, _NOW.size)
        if number < 0:
            self._map[:] = _EMPTY
            return None
        starts = starts + 1 if number == before else 1
        self._map[:] = _NOW.pack(NOBODY_AT, 0) + _BEFORE.pack(number, starts, 0)
        return Death(number, kept, starts, bool(hung))

    def begin(self, number: int, kept: int = 0) -> None:
        """Note that a record is being applied from here on."""
        _NOW.pack_into(self._map, 0, number, kept)

    def end(self) -> None:
        """Note that it has been."""
        _NOW.pack_into(self._map, 0, NOBODY_AT, 0)

    def hang(self) -> None:
        """Note that the record being applied will not come to its end."""
        before, starts, _ = _BEFORE.unpack_from(self._map, _NOW.size)
        _BEFORE.pack_into(self._map, _NOW.size, before, starts, 1)

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
        self._thread = threading.get_ident()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="hang-watch", daemon=True).start()

    def begin(self) -> None:
        """Note that a record is being applied from here on."""
        self._thread = threading.get_ident()
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
            elif used_s - began_s >= HUNG_S:
                self._hung(self._place())
                return

    def _place(self) -> str:
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - its documented name
        return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "nowhere"
