"""What the tests of both inboxes share: documents, a desk that takes them, and patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from streams.news.feed import FeedInfo, ParsedFeed

FEED = FeedInfo(name="drop", source="Example Wire", tier="wire")
PATIENCE_S = 30.0


class Desk:
    """Takes what an inbox hands over; `open` may be cleared, `fault` set."""

    def __init__(self) -> None:
        self.takes: list[ParsedFeed] = []
        self.known: set[str] = set()
        self.waiting = 0
        self.fault: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def take(self, feed: FeedInfo, parsed: ParsedFeed) -> int:
        assert feed == FEED
        self.waiting += 1
        try:
            await self.open.wait()
        finally:
            self.waiting -= 1
        if self.fault is not None:
            raise self.fault
        self.takes.append(parsed)
        ids = {headline.headline_id for headline in parsed.headlines} - self.known
        self.known |= ids
        return len(ids)

    @property
    def titles(self) -> list[str]:
        return [headline.title for parsed in self.takes for headline in parsed.headlines]


def ninjs(title: str, **more: str) -> bytes:
    """Return an item by that name, published at noon."""
    item = {
        "uri": f"urn:{title}",
        "versionCreated": "2026-07-16T12:00:00Z",
        "headlines": [{"value": title}],
    }
    return msgspec.json.encode(item | more)


async def until(
    condition: Callable[[], bool], running: asyncio.Task[None], limit_s: float = PATIENCE_S
) -> None:
    """Return once the condition holds; raise what ended the task that was to bring it about."""
    deadline_s = time.monotonic() + limit_s
    while not condition():
        if running.done():
            running.result()
        assert time.monotonic() < deadline_s, "it did not come about"
        await asyncio.sleep(0.005)
