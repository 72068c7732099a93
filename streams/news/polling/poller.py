"""Poll feeds politely, for ever, and pass each document to the reader that knows its format.

Each feed has a task of its own, whose stages run one after another; all tasks share one event loop:

    feeds
    | xargs -P all           wait until due
    | xargs -P 2 each host   Fetcher.fetch     FeedState    -> Fetched      a document, 304, or a fault
    | xargs -P 2 threads     read              Fetched.body -> ParsedFeed   no network, never raises
    | xargs -P 1             take              ParsedFeed   -> int          new items, once safe
    | xargs -P all           _judge            all these    -> PollResult   state after, when again
    | xargs -P all           states.save       PollResult.state -> disk
    | xargs -P all           notice            PollResult   -> Outcome      health, metrics, log

`take` is `agents.ingest.news.NewsIntake.take`: classified by the store of seen items, published,
then marked as seen, one document at a time. Whatever cuts the pipeline off, the feed is asked again
and nothing is lost: what came before is known by its id. The rules are in docs/news-sources.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal, NamedTuple

import msgspec

from streams.backoff import stretched_s
from streams.http.body import Limits
from streams.http.fetch import Fetched, Fetcher
from streams.http.host_gate import HostGate
from streams.http.options import HttpOptions
from streams.http.rules import HOUR_S, backoff_s, fresh_s, retry_after_s, shown_url
from streams.logs import logger
from streams.news.feed import FeedInfo, ParsedFeed, Read, Take
from streams.news.polling.feed_state import FeedState, digest_of, remembered, saved
from streams.outcome import Notice, Outcome, States
from streams.time_source import MACHINE_TIME, TimeSource

log = logger(__name__)

EVENTS: Final = {
    "read": "feed read",
    "unchanged": "feed unchanged",
    "failed": "feed failed",
}  # in the log
PARSERS: Final = 2  # documents that are read at once, off the event loop
JITTER: Final = 0.1  # of a wait, added: never sooner than a server allows
NOT_A_FEED: Final = "not_a_feed"
# What readers say of a document, not of an item in it: it was none of any known format.
UNUSABLE: Final = frozenset({NOT_A_FEED, "undecodable", "too_large", "too_slow"})


class PolledFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One feed to poll, by `info.url`. Seconds."""

    info: FeedInfo
    interval_s: float = 60.0
    max_age_s: float = HOUR_S  # how far Cache-Control may stretch the interval
    user_agent: str = ""  # instead of ours, where the owner decides so


class PollerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How polite and how bounded the requests are."""

    per_host: int = 2  # requests to one host at once
    gap_s: float = 0.5  # between the beginnings of two requests to one host
    request: Limits = Limits()


USUAL_LIMITS: Final = PollerLimits()


class PollResult(NamedTuple):
    """What one poll came to: the state after it, when to ask again, and why it is so."""

    state: FeedState
    pace_s: float  # from request to request
    least_s: float  # from the response: what the server asked for
    kind: Literal["read", "unchanged", "failed"]
    reason: str = ""
    detail: str = ""
    items: int = 0
    why: str = ""  # for the log alone

    def outcome(self, feed: PolledFeed, fetched: Fetched, next_s: float) -> Outcome:
        """Return the Outcome of the poll; `next_s` is the wait until the feed is asked again."""
        return Outcome(
            feed=feed.info.name,
            at_ns=fetched.received_ns,
            kind=self.kind,
            reason=self.reason,
            detail=self.detail,
            items=self.items,
            took_s=round(fetched.took_s, 6),
            next_s=round(next_s, 3),
        )


class Poller:
    """Polls all its feeds in one event loop."""

    def __init__(
        self,
        feeds: Sequence[PolledFeed],
        *,
        read: Read,
        take: Take,
        notice: Notice,
        states: States,
        http: HttpOptions,
        limits: PollerLimits = USUAL_LIMITS,
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        """`read` never raises and runs in a thread; what `take` or `states` raise ends `run`."""
        self._feeds, self._read, self._take = tuple(feeds), read, take
        self._notice, self._states = notice, states
        self._time, self._now_ns = time, time.now_ns
        self._threads: ThreadPoolExecutor | None = None
        gate = HostGate(limits.per_host, limits.gap_s, time)
        self._fetcher = Fetcher(http, limits=limits.request, gate=gate, time=time)

    async def run(self) -> None:
        """Poll until cancelled."""
        self._threads = ThreadPoolExecutor(PARSERS, thread_name_prefix="read-feed")
        async with self._fetcher:
            total = len(self._feeds)
            follow = [self._follow(feed, i / total) for i, feed in enumerate(self._feeds)]
            tasks = [asyncio.create_task(each) for each in follow]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._threads.shutdown(wait=False, cancel_futures=True)

    async def _follow(self, feed: PolledFeed, place: float) -> None:
        """Poll one feed for ever; `place` in [0, 1) is where in the first interval it starts."""
        name = feed.info.name
        state = remembered(self._states.load(name), feed.info.url, feed.interval_s)
        wait_s = state.remaining_s(self._now_ns()) or place * feed.interval_s
        while True:
            await self._time.sleep(wait_s)
            fetched = await self._fetch(feed, state)
            ended_s = self._time.monotonic()
            result = await self._judge(feed, state, fetched)
            took_s = fetched.took_s + self._time.monotonic() - ended_s
            wait_s = self._wait_s(result, took_s)
            state = result.state.due(wait_s, self._now_ns())
            self._states.save(name, saved(state))
            _log(name, fetched, result, wait_s)
            self._notice(result.outcome(feed, fetched, wait_s))

    async def _fetch(self, feed: PolledFeed, state: FeedState) -> Fetched:
        conditions = state.conditions(self._now_ns())
        url, of_url = state.start_url, state.validated_url
        agent, configured = feed.user_agent, feed.info.url
        return await self._fetcher.fetch(url, conditions, of_url, agent, configured)

    async def _judge(self, feed: PolledFeed, state: FeedState, fetched: Fetched) -> PollResult:
        """Read what was fetched, hand it over, and return what the poll came to."""
        if fetched.reason:
            return self._failure(feed, state.failed(fetched), fetched, fetched.reason)
        pace_s, least_s = feed.interval_s, fresh_s(fetched.headers, feed.max_age_s)
        if fetched.body is None:
            after = state.unmodified(fetched)
            return PollResult(after, pace_s, least_s, "unchanged", why="304 to its validators")
        digest = digest_of(fetched.body)
        if state.knows(digest, fetched.received_ns):
            state = state.good(fetched, digest, state.held_until_ns, proved=True)
            why = "the same bytes as the document read last"
            return PollResult(state, pace_s, least_s, "unchanged", why=why)
        parsed = await self._parsed(fetched.body, feed.info, fetched.received_ns)
        items = len(parsed.headlines) + len(parsed.statuses)
        if items or digest != state.refused_hash:
            await self._take(feed.info, parsed)
        if is_no_feed(parsed):
            detail = "; ".join(f"{each.reason}: {each.detail}" for each in parsed.rejects[:1])
            return self._failure(feed, state.failed(fetched, digest), fetched, NOT_A_FEED, detail)
        if not items:
            why = "a feed without items: it is read again whatever its validators say"
            return PollResult(state.empty(fetched, digest), pace_s, least_s, "read", why=why)
        after = state.good(fetched, digest, parsed.held_until_ns, proved=not parsed.problems)
        moved = f"moved to {shown_url(after.moved_to)}" if after.moved_to else ""
        why = "; ".join(parsed.problems[:1]) or "its bytes are new"
        return PollResult(after, pace_s, least_s, "read", detail=moved, items=items, why=why)

    def _failure(
        self, feed: PolledFeed, state: FeedState, fetched: Fetched, reason: str, detail: str = ""
    ) -> PollResult:
        pace_s = backoff_s(feed.interval_s, state.failures, reason)
        asked_s = retry_after_s(fetched.headers, self._now_ns()) if fetched.status >= 400 else 0.0
        return PollResult(state, pace_s, asked_s, "failed", reason, detail or fetched.detail)

    async def _parsed(self, body: bytes, info: FeedInfo, received_ns: int) -> ParsedFeed:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._read, body, info, received_ns)

    def _wait_s(self, result: PollResult, took_s: float) -> float:
        """Return the wait from now on; the pace runs from the last request, not from its end."""
        chance = self._time.chance()
        pace_s = stretched_s(result.pace_s, JITTER, chance)
        return max(pace_s - took_s, stretched_s(result.least_s, JITTER, chance), 0.0)


def _log(name: str, fetched: Fetched, result: PollResult, next_s: float) -> None:
    """Write to the log what became of a poll, why, and when the feed is asked again."""
    log.debug(
        EVENTS[result.kind],
        feed=name,
        status=fetched.status,
        items=result.items,
        reason=result.reason,
        why=result.detail or result.why,
        failures=result.state.failures,
        next_s=round(next_s, 1),
    )


def is_no_feed(parsed: ParsedFeed) -> bool:
    """Tell whether a document was none of any known format; a feed without items is one."""
    if parsed.headlines or parsed.statuses or parsed.version:
        return False
    return any(reject.reason in UNUSABLE for reject in parsed.rejects)
