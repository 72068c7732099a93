"""What a push wire remembers, over reconnects and restarts: how far its news is safe.

The cursor is the newest stamp up to which nothing is missing. While a gap is being filled, news
that comes live does not move it: or a crash would lose what lies between.
"""

from __future__ import annotations

from typing import Final

import msgspec

from streams.events import MINUTE_NS, Headline
from streams.news.feed import ParsedFeed

MOST_VERSIONS: Final = 512  # newest items whose stamps are known: several times a replay's 100
AHEAD_NS: Final = MINUTE_NS  # that a vendor's clock may be ahead of ours
MOST_FRAMES: Final = 1_024  # deliveries whose ids are known


class Kept(msgspec.Struct):
    """What is saved."""

    cursor_ns: int | None = None  # by the server's clock
    last_item_ns: int | None = None  # by ours: when the socket spoke last
    rhythm: bytes = b""
    versions: dict[str, int] = msgspec.field(default_factory=dict)  # headline id -> newest stamp


class Progress:
    """The progress of one wire. `state` is what `snapshot` gave. msgspec.DecodeError: it is not."""

    def __init__(self, state: bytes | None = None) -> None:
        self.kept = msgspec.msgpack.decode(state, type=Kept) if state else Kept()
        self._frames: dict[str, None] = {}
        self._gap_newest_ns: int | None = None  # newest stamp that came while a gap was open
        self._gap = False

    def snapshot(self, rhythm: bytes) -> bytes:
        """Return what must be kept over restarts."""
        self.kept.rhythm = rhythm
        return msgspec.msgpack.encode(self.kept)

    # -- the gap

    def open_gap(self, now_ns: int) -> int | None:
        """Return where the news that may be missing begins; None on the very first start."""
        since_ns = self.kept.cursor_ns
        if since_ns is None:
            self.kept.cursor_ns = now_ns
        self._gap, self._gap_newest_ns = True, None
        return since_ns

    def reach(self, instant_ns: int) -> None:
        """Note that a back-fill is complete up to there."""
        self.kept.cursor_ns = max(self.kept.cursor_ns or instant_ns, instant_ns)

    def close_gap(self) -> None:
        """Note that nothing is missing any more."""
        self._gap = False
        if self._gap_newest_ns is not None:
            self.reach(self._gap_newest_ns)

    # -- news

    def delivered(self, frame_id: str) -> bool:
        """Tell whether a delivery of this id was taken before."""
        return frame_id in self._frames

    def fresh(self, parsed: ParsedFeed) -> tuple[ParsedFeed, int]:
        """Leave out versions older than one that was taken; return the rest and how many are new.

        A replay or a back-fill brings them after the newer one. A later version of an item that is
        known is an update, whether the wire says so or not.
        """
        known = dict[str, int]()
        kept: list[Headline] = []
        new = 0
        for headline in parsed.headlines:
            stamp_ns, id_ = _stamp(headline), headline.headline_id
            before_ns = known.get(id_, self.kept.versions.get(id_))
            later = 0 < (before_ns or 0) < stamp_ns
            if 0 < stamp_ns < (before_ns or 0):
                continue
            new += later or before_ns is None
            known[id_] = max(stamp_ns, before_ns or 0)
            kept.append(_updated(headline) if later else headline)
        return msgspec.structs.replace(parsed, headlines=tuple(kept)), new

    def taken(self, parsed: ParsedFeed, received_ns: int, frame_id: str = "") -> None:
        """Note that news is safe."""
        versions = self.kept.versions
        for headline in parsed.headlines:
            before_ns = versions.pop(headline.headline_id, 0)  # so that the newest stand last
            versions[headline.headline_id] = max(before_ns, _stamp(headline))
        _bound(versions, MOST_VERSIONS)
        if frame_id:
            self._frames[frame_id] = None
            _bound(self._frames, MOST_FRAMES)
        # A stamp ahead of our clock would hide what comes until then.
        stamps = [min(_stamp(headline), received_ns) for headline in parsed.headlines]
        newest_ns = max(stamps, default=0)
        if self._gap:
            self._gap_newest_ns = max(self._gap_newest_ns or 0, newest_ns)
        else:
            self.reach(newest_ns)


def _stamp(headline: Headline) -> int:
    """Return when this version was written, by the source; 0 where that is not known.

    One that is far ahead of our clock would pass for newer than all that follows.
    """
    stamps = (headline.published_ns, headline.updated_ns)
    newest_ns = max((each for each in stamps if each is not None), default=0)
    return min(newest_ns, (headline.received_ns or newest_ns) + AHEAD_NS)


def _updated(headline: Headline) -> Headline:
    action = "updated" if headline.action == "created" else headline.action
    return msgspec.structs.replace(headline, action=action)


def _bound(known: dict[str, int] | dict[str, None], most: int) -> None:
    while len(known) > most:
        del known[next(iter(known))]
