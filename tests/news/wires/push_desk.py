"""What tests of push wires share: where news goes, wires with short waits, lives of a process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from streams.backoff import Backoff
from streams.events import Headline, Reject
from streams.http.options import HttpOptions
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.seen_items import SeenItems
from streams.news.wires.alpaca import AlpacaNews
from streams.news.wires.benzinga import BenzingaNews
from streams.news.wires.finnhub import FinnhubNews
from streams.news.wires.receiver import NewsReceiver, NewsWire
from streams.outcome import Outcome
from streams.rhythm import Expect, Rhythm
from streams.wires.contract import Secret, WirePace
from streams.wires.listener import WireListener
from tests.news.wires.wire_servers import (
    SECRET,
    SYMBOL,
    AlpacaServer,
    BenzingaServer,
    FinnhubServer,
    WireServer,
)

VENDORS: dict[str, type[WireServer]] = {
    "alpaca": AlpacaServer,
    "benzinga": BenzingaServer,
    "finnhub": FinnhubServer,
}
every_vendor = pytest.mark.parametrize("vendor", sorted(VENDORS))
# The real waits, some hundred times faster; a silence is only looked for where a test wants it.
FAST = WirePace(
    soon_s=Backoff(0.02, 0.2),
    slow_s=Backoff(0.4, 1.0),
    connect_s=5.0,
    ready_s=1.0,
    healthy_s=0.3,
    heartbeat_s=5.0,
    quiet_s=Backoff(3_600.0, 7_200.0),
    watch_s=0.02,
    ask_gap_s=0.0,
)
DEADLINE_S = 15.0
HTTP = HttpOptions(user_agent="newsquake-tests (tests@example.com)")


class Desk:
    """Behind `take`: a book, so that only what is new counts, and what was told meanwhile."""

    def __init__(self, path: Path) -> None:
        self.book = SeenItems(path / "book.sqlite")
        self.news: list[Headline] = []
        self.rejects: list[Reject] = []
        self.outcomes: list[Outcome] = []
        self.takes = 0
        self.slow_s = 0.0

    async def take(self, feed: FeedInfo, parsed: ParsedFeed) -> int:
        self.takes += 1
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        now_ns = time.time_ns()
        found = self.book.classify([*parsed.headlines, *parsed.rejects], now_ns)
        self.book.mark_seen(found, now_ns)
        self.news += [each for each in found.fresh if isinstance(each, Headline)]
        self.rejects += [each for each in found.fresh if isinstance(each, Reject)]
        return len(found.fresh)

    def said(self) -> list[tuple[int, str, str]]:
        """Return (number, title, action) of all that was new, in the order of arrival."""
        return [(int(h.source_key), h.title, h.action) for h in self.news]

    def numbers(self) -> list[int]:
        return [number for number, _, _ in self.said()]

    def reasons(self) -> list[str]:
        return [each.reason for each in self.outcomes if each.kind in {"failed", "silent"}]

    def connected(self) -> int:
        return sum(each.kind == "connected" for each in self.outcomes)


def wire_of(vendor: str, server: WireServer, pace: WirePace = FAST, key: str = SECRET) -> NewsWire:
    feed = FeedInfo(name=vendor, source=vendor, tier="wire")
    secret = Secret(key, "THE_KEY")
    urls: dict[str, Any] = {"stream_url": server.stream_url, "rest_url": server.rest_url}
    if vendor == "alpaca":
        return AlpacaNews(feed=feed, key=secret, secret=secret, pace=pace, **urls)
    if vendor == "benzinga":
        return BenzingaNews(feed=feed, token=secret, pace=pace, **urls)
    return FinnhubNews(feed=feed, token=secret, symbols=(SYMBOL,), pace=pace, **urls)


@contextlib.asynccontextmanager
async def listening(
    wire: NewsWire, desk: Desk, expect: Expect | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a wire as one life of a process would."""
    push = WireListener(
        wire,
        NewsReceiver(wire.feed, wire.secrets, desk.take),
        notice=desk.outcomes.append,
        states=desk.book,
        rhythm=Rhythm(expect),
        http=HTTP,
    )
    task = asyncio.create_task(push.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(done: Callable[[], object], what: str = "") -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < deadline_s, f"not in {DEADLINE_S:g} s: {what}"
        await asyncio.sleep(0.005)


class Nowhere:
    """States that keep nothing."""

    def load(self, feed: str) -> bytes | None:
        return None

    def save(self, feed: str, state: bytes) -> None:
        pass
