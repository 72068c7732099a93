"""All sources of news as one source: feeds polled, wires listened to, folders and the inbox watched.

They share one event loop on the source's thread. What they read goes one way, a document at a time:

    ParsedFeed | SeenItems.classify  -> Classified   new, revised; repeats and old copies end here
               | emit                -> ItemBatch    to the publishing thread, which accepts it
               | SeenItems.mark_seen -> disk         only what is safe there
               | FeedHealth.took     -> FeedRecord   counts, lateness, who was first

A crash in between has a document read again, and never loses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from agents.ingest.feed_health import FeedHealth
from agents.ingest.news_plan import NewsPlan
from agents.ingest.source import Emit, ItemBatch
from agents.machine.clock import now_ns
from streams.errors import StateError
from streams.events import Headline
from streams.news.dialects.readers import ReaderPool
from streams.news.feed import MOST_ITEMS, FeedInfo, ParsedFeed, refused
from streams.news.seen_items import NewsItem, SeenItems
from streams.outcome import Outcome

SAVE_S: Final = 5.0  # between two savings of what is counted of feeds
SLICE: Final = 200  # items handed over at once: the run sends its Clocks in between
Say = Callable[[str], None]


class NewsSource:
    """The news that newsquake.toml names; `say` is told when a feed begins to fail, and when it heals."""

    name = "news"

    def __init__(self, plan: NewsPlan, path: Path, say: Say) -> None:
        """`path` is the file of the store of seen items."""
        self._plan, self._path, self._say = plan, path, say
        self._failing: set[str] = set()  # feeds of which that has been said
        self.health: FeedHealth | None = None  # once it runs

    def run(self, emit: Emit) -> None:
        """Emit news until the process ends.

        JournalError, StateError: the store of seen items is not usable. OSError: the inbox's address is not free.
        """
        try:
            asyncio.run(self._live(emit))
        except ExceptionGroup as group:
            fault = _first(group)
            if isinstance(fault, sqlite3.Error):
                raise StateError(f"{self._path}: {fault}") from group
            raise fault from group

    async def _live(self, emit: Emit) -> None:
        with contextlib.closing(SeenItems(self._path)) as seen:
            self.health = health = FeedHealth(self._plan.expects, seen)
            intake = NewsIntake(seen, health, emit, self._plan.most_items)

            def notice(outcome: Outcome) -> None:
                failures = health.records[outcome.feed].failing
                health.notice(outcome)
                self._tell(outcome, failures)

            readers = ReaderPool(say=self._say)
            try:
                async with asyncio.TaskGroup() as group:
                    if self._plan.reads:
                        group.create_task(asyncio.to_thread(readers.warm))
                    for run in self._plan.runs(intake.take, notice, seen, readers.read):
                        group.create_task(run)
                    group.create_task(_saved(health))
            finally:
                readers.close()

    def _tell(self, outcome: Outcome, failures: int) -> None:
        feed = outcome.feed
        if outcome.kind == "silent":
            self._say(f"{feed} is silent: {outcome.detail}")
        elif outcome.kind == "connected" and outcome.detail:
            self._say(f"{feed} {outcome.detail}")
        elif outcome.kind == "failed" and feed not in self._failing:
            self._failing.add(feed)
            again = "" if outcome.next_s is None else f"; next try in {outcome.next_s:.0f} s"
            self._say(f"{feed}: {outcome.reason}: {outcome.detail}{again}")
        elif outcome.kind != "failed" and feed in self._failing:
            self._failing.remove(feed)
            self._say(f"{feed} works again, after {failures} failure{'s' * (failures != 1)}")


class NewsIntake:
    """Where the documents of all sources come in."""

    def __init__(
        self, seen: SeenItems, health: FeedHealth, emit: Emit, most: int = MOST_ITEMS
    ) -> None:
        """`most`: new items of one document that are taken."""
        self._seen, self._health, self._emit, self._most = seen, health, emit, most
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hand-over")
        self._one = asyncio.Lock()  # at a time, so that two feeds with one item say it once

    async def take(self, feed: FeedInfo, parsed: ParsedFeed) -> int:
        """Accept what a document held; return how many items were new, once they are safe.

        It is handed over in slices, between which other documents, ticks and Clocks have their turn.
        """
        items, new = [*_in_order(parsed)], 0
        if len(items) > self._most:
            items = await self._newest(feed, items)
        for at in range(0, max(len(items), 1), SLICE):
            async with self._one:
                found = self._seen.classify(items[at : at + SLICE], now_ns())
                if found.fresh:
                    await self._safe(found.fresh)
                self._seen.mark_seen(found, now_ns())
            self._health.took(feed.name, found, now_ns())
            new += len(found.fresh)
        return new

    async def _newest(self, feed: FeedInfo, items: list[NewsItem]) -> list[NewsItem]:
        """Return the items that are known and the newest of the others, as many as may be; and a reject.

        What is left out is not marked as seen: it is new when the document is read again.
        """
        kept: list[NewsItem] = []
        fresh = 0
        for end in range(len(items), 0, -SLICE):
            part = items[max(end - SLICE, 0) : end]
            new = len(self._seen.classify(part, now_ns()).fresh)
            await asyncio.sleep(0)  # other feeds have their turn
            if fresh + new <= self._most:
                kept[:0] = part
                fresh += new
        left_out = len(items) - len(kept)
        if left_out:
            detail = f"{left_out} of {len(items)} items are left out: at most {self._most} new ones"
            detail += " of one document are taken (news.most_items)"
            kept.append(refused(feed, "too_many_items", detail, now_ns(), ""))
        return kept

    async def _safe(self, items: list[NewsItem]) -> None:
        """Return when the publishing thread has the items where no crash of ours takes them."""
        loop = asyncio.get_running_loop()
        accepted = asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(accepted.set)

        # Not one of the threads that documents are read in: slow ones may have them all.
        await loop.run_in_executor(self._thread, self._emit, ItemBatch([*items], tell))
        await accepted.wait()


def _in_order(parsed: ParsedFeed) -> Iterable[NewsItem]:
    """Return a document's items, the oldest first: feeds begin with the newest."""
    headlines: list[Headline] = sorted(parsed.headlines, key=lambda each: each.event_ns)
    return itertools.chain(headlines, parsed.statuses, parsed.rejects)


async def _saved(health: FeedHealth) -> None:
    """Keep the records of health, until cancelled."""
    while True:
        health.save()
        await asyncio.sleep(SAVE_S)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """Return what ended the first of the tasks that failed; the others were then cancelled."""
    fault = group.exceptions[0]
    return _first(fault) if isinstance(fault, ExceptionGroup) else fault
