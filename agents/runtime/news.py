"""All sources of news as one source: feeds polled, wires listened to, folders and the inbox watched.

They share one event loop on the source's thread. What they read passes the book, goes to the
publishing thread, and is noted in the book when that one has it safe: a crash in between has it
read again, and never loses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from agents.runtime.clock import now_ns
from agents.runtime.feed_health import FeedHealth
from agents.runtime.news_plan import NewsPlan
from agents.runtime.source import Hand, Handful
from streams.events import Headline
from streams.news.book import NewsBook, NewsItem
from streams.news.feed import FeedInfo, Outcome, ParsedFeed

SAVE_S: Final = 5.0  # between two savings of what is counted of feeds
Say = Callable[[str], None]


class NewsSource:
    """The news that newsquake.toml names; `say` is told when a feed begins to fail, and when it heals."""

    name = "news"

    def __init__(self, plan: NewsPlan, path: Path, say: Say) -> None:
        """`path` is the book's file."""
        self._plan, self._path, self._say = plan, path, say
        self.health: FeedHealth | None = None  # once it runs

    def run(self, hand: Hand) -> None:
        """Hand over news until the process ends. JournalError, StateError: the book is not usable."""
        asyncio.run(self._live(hand))

    async def _live(self, hand: Hand) -> None:
        with contextlib.closing(NewsBook(self._path)) as book:
            self.health = health = FeedHealth(self._plan.expects, book)
            desk = Desk(book, health, hand)

            def notice(outcome: Outcome) -> None:
                failing = health.records[outcome.feed].failing
                health.notice(outcome)
                self._tell(outcome, failing)

            async with asyncio.TaskGroup() as group:
                for run in self._plan.runs(desk.take, notice, book):
                    group.create_task(run)
                group.create_task(_saved(health))

    def _tell(self, outcome: Outcome, failing: int) -> None:
        if outcome.kind == "failed" and not failing:
            again = "" if outcome.next_s is None else f"; next try in {outcome.next_s:.0f} s"
            self._say(f"{outcome.feed}: {outcome.reason}: {outcome.detail}{again}")
        elif outcome.kind == "silent":
            self._say(f"{outcome.feed} is silent: {outcome.detail}")
        elif outcome.kind != "failed" and failing:
            self._say(f"{outcome.feed} is well again after {failing} failures")


class Desk:
    """Where the sources' documents come in: book, publishing thread, book, health."""

    def __init__(self, book: NewsBook, health: FeedHealth, hand: Hand) -> None:
        self._book, self._health, self._hand = book, health, hand
        self._one = asyncio.Lock()  # at a time, so that two feeds with one item say it once

    async def take(self, feed: FeedInfo, parsed: ParsedFeed) -> int:
        """Accept what a document held; return how many items were new, once they are safe."""
        items = _in_order(parsed)
        async with self._one:
            found = self._book.sort(items, now_ns())
            if found.fresh:
                await self._safe(found.fresh)
            self._book.note(found, now_ns())
        self._health.took(feed.name, found, now_ns())
        return len(found.fresh)

    async def _safe(self, items: list[NewsItem]) -> None:
        """Return when the publishing thread has the items where no crash of ours takes them."""
        loop = asyncio.get_running_loop()
        accepted = loop.create_future()

        def tell() -> None:
            loop.call_soon_threadsafe(accepted.set_result, None)

        await asyncio.to_thread(self._hand, Handful([*items], tell))
        await accepted


def _in_order(parsed: ParsedFeed) -> Iterable[NewsItem]:
    """Return a document's items, the oldest first: feeds begin with the newest."""
    headlines: list[Headline] = sorted(parsed.headlines, key=lambda each: each.event_ns)
    return itertools.chain(headlines, parsed.statuses, parsed.rejects)


async def _saved(health: FeedHealth) -> None:
    """Keep the records of health, until cancelled."""
    while True:
        health.save()
        await asyncio.sleep(SAVE_S)
