"""News as a wire brings it: old versions left out, updates marked, our keys hidden, handed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec.structs import replace

from streams.events import Headline
from streams.news.feed import FeedInfo, ParsedFeed, Take, refused
from streams.wires.contract import Fault, Secret, Sifted, Wire, scrubbed
from streams.wires.cursor import version_stamp


class NewsWire(Wire[ParsedFeed], Protocol):
    """A wire that brings news."""

    @property
    def feed(self) -> FeedInfo:
        """Return whose news it is."""


class NewsReceiver:
    """The receiver of one news wire; `take` is where its news goes."""

    def __init__(self, feed: FeedInfo, secrets: tuple[Secret, ...], take: Take) -> None:
        self._feed, self._secrets, self._take = feed, secrets, take

    def sift(self, payload: ParsedFeed, known: Mapping[str, int]) -> Sifted[ParsedFeed]:
        """Leave out versions older than one that was taken.

        A replay or a back-fill brings them after the newer one. A later version of an item that is
        known is an update, whether the wire says so or not.
        """
        met = dict[str, int]()
        kept: list[Headline] = []
        stamps: list[tuple[str, int]] = []
        new = 0
        for headline in payload.headlines:
            stamp_ns, id_ = stamp_of(headline), headline.headline_id
            before_ns = met.get(id_, known.get(id_))
            later = 0 < (before_ns or 0) < stamp_ns
            if 0 < stamp_ns < (before_ns or 0):
                continue
            new += later or before_ns is None
            met[id_] = max(stamp_ns, before_ns or 0)
            kept.append(_updated(headline) if later else headline)
            stamps.append((id_, stamp_ns))
        rest = replace(self._scrubbed(payload), headlines=tuple(kept))
        return Sifted(rest, tuple(stamps), new, empty=not (kept or rest.rejects))

    async def take(self, payload: ParsedFeed) -> int:
        """Hand news over; return how many items were new."""
        return await self._take(self._feed, payload)

    def too_large(self, fault: Fault, at_ns: int) -> ParsedFeed:
        """Return the reject of a frame that was too large to be read."""
        return ParsedFeed(rejects=(refused(self._feed, "too_large", fault.detail, at_ns, ""),))

    def _scrubbed(self, parsed: ParsedFeed) -> ParsedFeed:
        """Hide our keys in rejects: a server may repeat them."""
        secrets, rejects = self._secrets, parsed.rejects
        clean = (
            replace(r, detail=scrubbed(r.detail, secrets), record=scrubbed(r.record, secrets))
            for r in rejects
        )
        return replace(parsed, rejects=tuple(clean)) if rejects else parsed


def stamp_of(headline: Headline) -> int:
    """Return when this version of a headline was written, by its source, in ns; 0 = not known."""
    return version_stamp((headline.published_ns, headline.updated_ns), headline.received_ns)


def _updated(headline: Headline) -> Headline:
    action = "updated" if headline.action == "created" else headline.action
    return replace(headline, action=action)
