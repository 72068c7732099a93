"""What a push wire remembers, over reconnects and restarts: how far all that it brought is safe.

The cursor is the newest stamp up to which nothing is missing. While a gap is being filled, what
comes live does not move it: or a crash would lose what lies between.

    open_gap         reach (a page is safe) ...          close_gap
    ---|------------------>-------------------------------|---> taken moves the cursor again
       the cursor stands; `taken` notes the newest stamp  and it jumps to that

`streams.wires.delivery.Delivery` is the only one that calls what writes here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from streams.events import MINUTE_NS

MOST_VERSIONS: Final = 512  # newest items whose stamps are known: several times a replay's 100
AHEAD_NS: Final = MINUTE_NS  # that a vendor's clock may be ahead of ours
MOST_FRAMES: Final = 1_024  # deliveries whose ids are known


class CursorState(msgspec.Struct):
    """What is saved. The names of the fields are on disk."""

    cursor_ns: int | None = None  # by the server's clock
    last_item_ns: int | None = None  # by ours: when the socket spoke last
    rhythm: bytes = b""
    versions: dict[str, int] = msgspec.field(default_factory=dict)  # item id -> newest stamp


class Cursor:
    """The cursor of one wire. `saved` is what `snapshot` gave. msgspec.DecodeError: it is not."""

    def __init__(self, saved: bytes | None = None) -> None:
        self.state = msgspec.msgpack.decode(saved, type=CursorState) if saved else CursorState()
        self._frames: dict[str, None] = {}
        self._gap_newest_ns: int | None = None  # newest stamp that came while a gap was open
        self._gap = False

    def snapshot(self, rhythm: bytes) -> bytes:
        """Return what must be kept over restarts."""
        self.state.rhythm = rhythm
        return msgspec.msgpack.encode(self.state)

    # -- the gap

    def open_gap(self, now_ns: int) -> int | None:
        """Return where what may be missing begins; None on the very first start."""
        since_ns = self.state.cursor_ns
        if since_ns is None:
            self.state.cursor_ns = now_ns
        self._gap, self._gap_newest_ns = True, None
        return since_ns

    def reach(self, instant_ns: int) -> None:
        """Note that a back-fill is complete up to there."""
        self.state.cursor_ns = max(self.state.cursor_ns or instant_ns, instant_ns)

    def close_gap(self) -> None:
        """Note that nothing is missing any more."""
        self._gap = False
        if self._gap_newest_ns is not None:
            self.reach(self._gap_newest_ns)

    # -- what came

    def delivered(self, frame_id: str) -> bool:
        """Tell whether a delivery of this id was taken before."""
        return frame_id in self._frames

    def taken(
        self, stamps: Iterable[tuple[str, int]], received_ns: int, frame_id: str = ""
    ) -> None:
        """Note that items, each (id, stamp in ns), are safe."""
        versions, newest_ns = self.state.versions, 0
        for id_, stamp_ns in stamps:
            before_ns = versions.pop(id_, 0)  # so that the newest stand last
            versions[id_] = max(before_ns, stamp_ns)
            # A stamp ahead of our clock would hide what comes until then.
            newest_ns = max(newest_ns, min(stamp_ns, received_ns))
        _bound(versions, MOST_VERSIONS)
        if frame_id:
            self._frames[frame_id] = None
            _bound(self._frames, MOST_FRAMES)
        if self._gap:
            self._gap_newest_ns = max(self._gap_newest_ns or 0, newest_ns)
        else:
            self.reach(newest_ns)


def version_stamp(instants_ns: Iterable[int | None], received_ns: int | None) -> int:
    """Return when a version of an item was written, by its source; 0 where that is not known.

    A stamp more than AHEAD_NS ahead of our clock would pass for newer than all that follows.
    """
    newest_ns = max((each for each in instants_ns if each is not None), default=0)
    return min(newest_ns, (received_ns or newest_ns) + AHEAD_NS)


def _bound(known: dict[str, int] | dict[str, None], most: int) -> None:
    while len(known) > most:
        del known[next(iter(known))]
