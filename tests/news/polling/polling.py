"""A poller with a time of its own: a day of waiting passes in the milliseconds its requests take."""

from __future__ import annotations

import asyncio
import functools
import heapq
import itertools
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from streams.events import SECOND_NS
from streams.http.body import Limits
from streams.http.fetch import Fetched, Fetcher
from streams.http.host_gate import HostGate
from streams.http.options import HttpOptions
from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.polling.poller import PolledFeed, Poller, PollerLimits
from streams.outcome import Outcome
from streams.time_source import TimeSource

BEGIN_NS = 1_795_689_000 * SECOND_NS  # 2026-11-26 10:30 UTC
DEADLINE_S = 20.0  # real time, that the feeds may take to come to rest
QUICK = Limits(connect_s=2.0, idle_s=0.4, total_s=0.8, slow_after_s=0.2)


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **more: Any) -> None:
        asyncio.run(test(*args, **more))

    return run


async def fetched_from(url: str, limits: Limits = QUICK) -> Fetched:
    """Return what one request, without a pause before its redirects, comes to."""
    async with Fetcher(HTTP, limits=limits, gate=HostGate(gap_s=0.0)) as fetcher:
        return await fetcher.fetch(url)


HTTP = HttpOptions(user_agent="newsquake/test")


class Time:
    """Passes when it is told to, and wakes those who sleep on the way."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now_ns(self) -> int:
        return BEGIN_NS + round(self.seconds * SECOND_NS)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._order), future))
        await future

    def asleep(self) -> int:
        return sum(not future.done() for _, _, future in self._sleepers)

    def forget(self) -> None:
        """Let go of those who slept in a loop or a poller that is no more."""
        self._sleepers.clear()

    def wake_next(self, until_s: float) -> bool:
        """Wake whoever is due first, if that is by then; False: nobody is, and it is then."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers or self._sleepers[0][0] > until_s:
            self.seconds = until_s
            return False
        due_s, _, future = heapq.heappop(self._sleepers)
        self.seconds = max(self.seconds, due_s)
        future.set_result(None)
        return True


class Kept(dict[str, bytes]):
    """States in memory."""

    def load(self, feed: str) -> bytes | None:
        return self.get(feed)

    def save(self, feed: str, state: bytes) -> None:
        self[feed] = state


class World:
    """What outlives a poller: time, its states, what was taken and what befell."""

    def __init__(self) -> None:
        self.time = Time()
        self.states: Any = Kept()
        self.outcomes: list[Outcome] = []
        self.taken: list[ParsedFeed] = []
        self.reads = 0

    def read(self, data: bytes, info: FeedInfo, received_ns: int | None) -> ParsedFeed:
        self.reads += 1
        return read_document(data, info, received_ns)

    async def take(self, _info: FeedInfo, parsed: ParsedFeed) -> int:
        self.taken.append(parsed)
        return len(parsed.headlines)

    def keys(self) -> list[str]:
        """Return the ids of the items that were taken, in order, repeats too."""
        return [each.source_key for parsed in self.taken for each in parsed.headlines]

    def befell(self) -> list[str]:
        """Return each outcome as its kind, or the reason of its failure."""
        return [each.reason or each.kind for each in self.outcomes]

    def poller(self, *feeds: PolledFeed, **options: Any) -> Poller:
        own = TimeSource(
            now_ns=self.time.now_ns,
            monotonic=self.time.monotonic,
            sleep=self.time.sleep,
            chance=random.Random(7).random,
        )
        limits = PollerLimits(request=QUICK, gap_s=0.0)
        given = {"limits": limits, "http": HTTP, "time": own, **options}
        return Poller(
            feeds,
            read=self.read,
            take=self.take,
            notice=self.outcomes.append,
            states=self.states,
            **given,
        )


def feed_of(url: str, name: str = "wire", **more: Any) -> PolledFeed:
    return PolledFeed(info=FeedInfo(name=name, source="s", url=url), **more)


class Polling:
    """A poller that runs in this context, whose feeds are left to come to rest in between."""

    def __init__(self, world: World, *feeds: PolledFeed, **options: Any) -> None:
        self._world, self._count = world, len(feeds)
        self._poller = world.poller(*feeds, **options)

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self._poller.run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def passes(self, seconds: float) -> None:
        """Let so much time pass, with all that falls due in it. Raises what ended the poller."""
        until_s = self._world.time.seconds + seconds
        await self._rest()
        while self._world.time.wake_next(until_s):
            await self._rest()

    async def _rest(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.sleep(0)
            while self._world.time.asleep() < self._count:
                if self.task.done():
                    await self.task
                await asyncio.sleep(0.0005)
