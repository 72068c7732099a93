"""Push wires against real servers: nothing lost, nothing twice, no storm, no secret told."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.events import Headline, Reject
from streams.news.alpaca_news import AlpacaNews
from streams.news.benzinga_news import BenzingaNews
from streams.news.book import NewsBook
from streams.news.feed import FeedInfo, Outcome, ParsedFeed
from streams.news.finnhub_news import FinnhubNews
from streams.news.push import PushWire
from streams.news.rhythm import Expect, Rhythm
from streams.news.wire import Pace, Secret, Wire
from tests.news.wire_servers import (
    SECRET,
    SYMBOL,
    AlpacaServer,
    Article,
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
FAST = Pace(
    soon_s=(0.02, 0.2),
    slow_s=(0.4, 1.0),
    connect_s=5.0,
    ready_s=1.0,
    healthy_s=0.3,
    heartbeat_s=5.0,
    quiet_s=(3_600.0, 7_200.0),
    watch_s=0.02,
    ask_gap_s=0.0,
)
DEADLINE_S = 15.0


class Desk:
    """Behind `take`: a book, so that only what is new counts, and what was told meanwhile."""

    def __init__(self, path: Path) -> None:
        self.book = NewsBook(path / "book.sqlite")
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
        found = self.book.sort([*parsed.headlines, *parsed.rejects], now_ns)
        self.book.note(found, now_ns)
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


def wire_of(vendor: str, server: WireServer, pace: Pace = FAST, key: str = SECRET) -> Wire:
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
    wire: Wire, desk: Desk, expect: Expect | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a wire as one life of a process would."""
    push = PushWire(
        wire,
        take=desk.take,
        notice=desk.outcomes.append,
        states=desk.book,
        rhythm=Rhythm(expect),
        user_agent="newsquake-tests (tests@example.com)",
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


@pytest.fixture
def run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Callable[..., Desk]:
    """Return what runs a scenario on a new desk; no secret may show anywhere afterwards."""

    def run_it(scenario: Callable[[Desk], Coroutine[Any, Any, None]]) -> Desk:
        desk = Desk(tmp_path)
        with caplog.at_level(logging.DEBUG, "streams"), caplog.at_level(logging.DEBUG, "aiohttp"):
            try:
                asyncio.run(scenario(desk))
            finally:
                desk.book.close()
        told = f"{desk.outcomes} {desk.rejects} {desk.news} {caplog.text}"
        assert SECRET not in told
        return desk

    return run_it


# -- the same for every vendor


@every_vendor
def test_news_goes_on_as_it_comes(vendor: str, run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server, listening(wire_of(vendor, server), desk):
            await until(lambda: server.subscribers)
            for number in range(1, 21):
                await server.say(number)
            await until(lambda: len(desk.news) == 20)

    desk = run(scenario)
    assert desk.numbers() == [*range(1, 21)]
    assert {each.kind for each in desk.outcomes} == {"connected", "read"}
    (headline, *_) = desk.news
    assert headline.symbols in {("ACME",), ("NYSE:ACME",)}
    assert headline.received_ns is not None
    assert headline.published_ns is not None
    assert headline.tier == "wire"


async def cut(server: WireServer) -> None:
    server.cut()


async def restart(server: WireServer) -> None:
    await server.stop()
    await server.start()


FAULTS = {"close": WireServer.close, "cut": cut, "restart": restart}


@every_vendor
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_nothing_is_lost_or_told_twice_between_sockets(
    vendor: str, fault: str, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server, listening(wire_of(vendor, server), desk):
            await until(lambda: server.subscribers)
            number = 0
            for _ in range(4):
                connected = len(server.connected_s)
                await server.say(number := number + 1)
                await until(lambda: len(desk.news) >= number, "heard")
                await FAULTS[fault](server)
                for _ in range(3):  # said while nobody listens, or just as somebody comes back
                    await server.say(number := number + 1)
                await until(lambda n=connected: len(server.connected_s) > n, "back")
                await until(lambda: server.subscribers, "subscribed")
                await server.say(number := number + 1)
                await until(lambda: len(desk.news) >= number, "filled")

    desk = run(scenario)
    assert sorted(desk.numbers()) == [*range(1, 21)]
    assert set(desk.reasons()) <= {"closed", "cut", "unreachable", "connection_limit"}


@every_vendor
def test_nothing_is_lost_or_told_twice_over_restarts_of_ours(
    vendor: str, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            number = 0
            for _ in range(4):
                async with listening(wire_of(vendor, server), desk):
                    await until(lambda: server.subscribers)
                    await server.say(number := number + 1)
                    await until(lambda: len(desk.news) >= number)
                await until(lambda: not server.subscribers)
                await server.say(number := number + 1)
            async with listening(wire_of(vendor, server), desk):
                await until(lambda: len(desk.news) >= number)

    desk = run(scenario)
    assert sorted(desk.numbers()) == [*range(1, 9)]


@every_vendor
def test_a_wire_that_is_killed_while_news_is_taken_brings_it_again(
    vendor: str, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            async with listening(wire_of(vendor, server), desk):
                await until(lambda: server.subscribers)
                await server.say(1)
                await until(lambda: desk.news)
                desk.slow_s = 60.0
                takes = desk.takes
                await server.say(2)
                await until(lambda: desk.takes > takes)
            desk.slow_s = 0.0
            async with listening(wire_of(vendor, server), desk):
                await until(lambda: len(desk.news) == 2)

    assert run(scenario).numbers() == [1, 2]


@every_vendor
def test_a_fault_does_not_break_off_what_is_being_taken(
    vendor: str, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server, listening(wire_of(vendor, server), desk):
            await until(lambda: server.subscribers)
            desk.slow_s = 0.3
            await server.say(1)
            await until(lambda: desk.takes)
            server.cut()
            await until(lambda: desk.news)
            assert desk.takes == 1

    assert run(scenario).numbers() == [1]


@every_vendor
def test_a_slow_desk_loses_nothing_and_is_not_taken_for_silence(
    vendor: str, run: Callable[..., Desk]
) -> None:
    pace = msgspec.structs.replace(FAST, frame_within_s=0.4, quiet_s=(0.3, 10.0))

    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            wire = wire_of(vendor, server, pace)
            async with listening(wire, desk, Expect(busy_per_hour=1e6, quiet_per_hour=1e6)):
                await until(lambda: server.subscribers)
                desk.slow_s = 0.5
                for number in range(1, 5):
                    await server.say(number)
                await until(lambda: len(desk.news) == 4)

    assert sorted(run(scenario).numbers()) == [1, 2, 3, 4]


# -- wires that are dead


@every_vendor
def test_a_silent_socket_is_left_ever_more_patiently(vendor: str, run: Callable[..., Desk]) -> None:
    pace = msgspec.structs.replace(FAST, quiet_s=(0.15, 60.0))
    servers: list[WireServer] = []

    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            servers.append(server)
            server.faults.extend(["silence"] * 3)
            wire = wire_of(vendor, server, pace)
            async with listening(wire, desk, Expect(busy_per_hour=1e6, quiet_per_hour=1e6)):
                await until(lambda: server.subscribers)
                await server.say(1)
                await until(lambda: len(server.connected_s) == 4)
                await until(lambda: server.subscribers)
                await server.say(2)
                await until(lambda: len(desk.news) == 2)

    desk = run(scenario)
    assert sorted(desk.numbers()) == [1, 2]
    assert desk.reasons()[:3] == ["silent"] * 3
    gaps_s = [
        b - a for a, b in zip(servers[0].connected_s, servers[0].connected_s[1:], strict=False)
    ]
    assert gaps_s[0] >= 0.15
    assert gaps_s[1] >= 0.3
    assert gaps_s[2] >= 0.6


@every_vendor
def test_a_quiet_hour_is_no_silence(vendor: str, run: Callable[..., Desk]) -> None:
    pace = msgspec.structs.replace(FAST, quiet_s=(0.05, 60.0))

    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            wire = wire_of(vendor, server, pace)
            async with listening(wire, desk, Expect(busy_per_hour=60, quiet_per_hour=2)):
                await until(lambda: server.subscribers)
                started_s = time.monotonic()
                await until(lambda: time.monotonic() - started_s > 0.5)
                assert len(server.connected_s) == 1

    assert run(scenario).reasons() == []


@every_vendor
def test_a_half_open_connection_is_found_by_pings(vendor: str, run: Callable[..., Desk]) -> None:
    pace = msgspec.structs.replace(FAST, heartbeat_s=0.2)

    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            server.faults.append("dead")
            async with listening(wire_of(vendor, server, pace), desk):
                await until(lambda: len(server.connected_s) == 2)
                await until(lambda: desk.connected() == 2)

    assert run(scenario).reasons()[0] == "no_pong"


@pytest.mark.parametrize("vendor", ["benzinga", "finnhub"])
def test_a_server_whose_own_pings_stop_is_left(vendor: str, run: Callable[..., Desk]) -> None:
    pace = msgspec.structs.replace(FAST, keep_alive_s=0.05, frame_within_s=0.3)

    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            server.faults.append("dead")
            async with listening(wire_of(vendor, server, pace), desk):
                await until(lambda: desk.connected() == 2)
                healthy_s = time.monotonic()
                await until(lambda: time.monotonic() - healthy_s > 0.7)
                assert len(server.connected_s) == 2  # pongs and pings hold the second one

    assert run(scenario).reasons() == ["no_frames"]


def test_a_handshake_that_stalls_is_given_up(run: Callable[..., Desk]) -> None:
    pace = msgspec.structs.replace(FAST, ready_s=0.2)

    async def scenario(desk: Desk) -> None:
        async with AlpacaServer() as server:
            server.faults.append("deaf")
            async with listening(wire_of("alpaca", server, pace), desk):
                await until(lambda: server.subscribers)

    assert run(scenario).reasons() == ["timeout"]


# -- refusals, and no storm of connections


@every_vendor
@pytest.mark.parametrize(
    ("status", "reason"), [(401, "auth_failed"), (403, "auth_failed"), (503, "server_error")]
)
def test_a_refused_upgrade_is_tried_again(
    vendor: str, status: int, reason: str, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            server.faults.append(f"http:{status}")
            async with listening(wire_of(vendor, server), desk):
                await until(lambda: server.subscribers)

    desk = run(scenario)
    assert desk.reasons() == [reason]
    (told,) = [each for each in desk.outcomes if each.kind == "failed"]
    assert told.next_s is not None
    assert (told.next_s >= 0.2) == (reason == "auth_failed")


@every_vendor
def test_a_wrong_key_is_told_by_the_name_of_its_variable_and_retried_slowly(
    vendor: str, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            async with listening(wire_of(vendor, server, key="wrong-key-0815"), desk):
                started_s = time.monotonic()
                await until(lambda: time.monotonic() - started_s > 1.2)
            assert len(server.connected_s) <= 4
            assert "wrong-key-0815" not in str(desk.outcomes)

    desk = run(scenario)
    assert set(desk.reasons()) == {"auth_failed"}
    assert "THE_KEY" in desk.outcomes[0].detail
    assert desk.connected() == 0


@every_vendor
def test_a_server_that_ends_every_connection_is_not_stormed(
    vendor: str, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server, listening(wire_of(vendor, server), desk):
            started_s = time.monotonic()
            while time.monotonic() - started_s < 1.5:
                server.cut()
                await asyncio.sleep(0.002)
            # Waits of at least 10, 20, 40, 80 and then 100 ms: 4 + 1.35 s / 100 ms, and the first.
            assert 3 <= len(server.connected_s) <= 19

    run(scenario)


@every_vendor
def test_a_server_that_is_gone_is_waited_for(vendor: str, run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        server = VENDORS[vendor]()
        await server.start()
        await server.stop()
        async with listening(wire_of(vendor, server), desk):
            await until(lambda: len(desk.outcomes) >= 4)
            await server.start()
            await until(lambda: server.subscribers)
            await server.stop()

    assert set(run(scenario).reasons()) <= {"unreachable", "cut"}


def test_an_unknown_host_is_a_failure_like_any_other(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        server = BenzingaServer()
        wire = wire_of("benzinga", server)
        assert isinstance(wire, BenzingaNews)
        nowhere = msgspec.structs.replace(wire, stream_url="ws://no-such-host.invalid/stream")
        async with listening(nowhere, desk):
            await until(lambda: len(desk.outcomes) >= 2)

    assert set(run(scenario).reasons()) == {"unreachable"}


def test_a_second_benzinga_connection_waits_for_the_first_to_end(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with BenzingaServer() as server:
            server.faults.extend(["http:429"] * 3)
            async with listening(wire_of("benzinga", server), desk):
                await until(lambda: server.subscribers)
                await server.say(1)
                await until(lambda: desk.news)

    desk = run(scenario)
    assert desk.reasons() == ["connection_limit"] * 3
    assert [each.next_s for each in desk.outcomes[:3] if each.next_s is not None][2] <= 0.2


@pytest.mark.parametrize(
    ("code", "reason", "slowly"),
    [
        (405, "symbol_limit", True),
        (406, "connection_limit", True),
        (407, "slow_client", False),
        (409, "not_entitled", True),
        (410, "bad_request", True),
        (500, "server_error", False),
    ],
)
def test_an_error_of_alpaca_is_a_failure(
    code: int, reason: str, slowly: bool, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with AlpacaServer() as server:
            server.faults.append(f"error:{code}")
            async with listening(wire_of("alpaca", server), desk):
                await until(desk.connected)

    desk = run(scenario)
    assert desk.reasons() == [reason]
    assert desk.outcomes[0].kind == "failed"
    assert desk.outcomes[0].next_s is not None
    assert (desk.outcomes[0].next_s >= 0.2) == slowly


def test_a_subscription_that_is_empty_is_a_failure(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with AlpacaServer() as server:
            server.granted = False
            async with listening(wire_of("alpaca", server), desk):
                await until(desk.reasons)

    desk = run(scenario)
    assert set(desk.reasons()) == {"symbol_limit"}
    assert desk.connected() == 0


def test_too_many_symbols_of_finnhub_are_a_failure(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with FinnhubServer() as server:
            server.faults.append("error:0")
            async with listening(wire_of("finnhub", server), desk):
                await until(lambda: desk.connected() == 2)

    assert run(scenario).reasons() == ["symbol_limit"]


# -- revisions, deletions, repeats


@pytest.mark.parametrize("vendor", ["alpaca", "benzinga"])
def test_revisions_come_once_each_whatever_way_they_come(
    vendor: str, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            async with listening(wire_of(vendor, server), desk):
                await until(lambda: server.subscribers)
                await server.say(1, "First words")
                await server.say(1, "Second words", "updated", later_s=2)
                await until(lambda: len(desk.news) == 2)
            async with listening(wire_of(vendor, server), desk):
                await until(lambda: server.subscribers)
                await server.say(2)
                await until(lambda: len(desk.news) == 3)

    desk = run(scenario)
    assert [(n, t) for n, t, _ in desk.said()][:2] == [(1, "First words"), (1, "Second words")]
    assert [(h.revision, h.action) for h in desk.news] == [
        (0, "created"),
        (1, "updated"),
        (0, "created"),
    ]


def test_a_replay_does_not_bring_old_words_back(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with BenzingaServer() as server:
            async with listening(wire_of("benzinga", server), desk):
                await until(lambda: server.subscribers)
                await server.say(1, "Known words")
                await until(lambda: desk.news)
                server.faults.append("silence")
                await server.close()
                await until(lambda: desk.connected() == 2)
                await server.say(1, "Words of a while", "updated", later_s=2)
                await server.say(1, "Newest words", "updated", later_s=4)
            server.replay_s = 0.3  # the back-fill is quicker, and has the newest words alone
            async with listening(wire_of("benzinga", server), desk):
                await until(lambda: desk.said()[-1][1] == "Newest words")
                await until(lambda: server.replays)
                await server.say(2, "The end")
                await until(lambda: desk.said()[-1][1] == "The end")

    titles = [title for _, title, _ in run(scenario).said()]
    assert titles == ["Known words", "Newest words", "The end"]


def test_a_deletion_is_told_and_not_undone(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with BenzingaServer() as server:
            for life in (1, 2):
                async with listening(wire_of("benzinga", server), desk):
                    await until(lambda: server.subscribers)
                    if life == 1:
                        await server.say(1)
                        await server.say(1, action="deleted")
                    await server.say(life + 1)
                    await until(lambda last=life + 1: desk.numbers()[-1:] == [last])

    desk = run(scenario)
    assert [(n, a) for n, _, a in desk.said() if n == 1] == [(1, "created"), (1, "deleted")]


@every_vendor
def test_repeated_frames_are_told_once(vendor: str, run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server, listening(wire_of(vendor, server), desk):
            await until(lambda: server.subscribers)
            frame = server.frame(await server.say(1))
            for _ in range(5):
                await server.send(frame)
            await server.say(2)
            await until(lambda: desk.numbers() == [1, 2])

    run(scenario)


# -- frames that are none


@every_vendor
def test_garbage_is_set_aside_and_the_socket_goes_on(vendor: str, run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server, listening(wire_of(vendor, server), desk):
            await until(lambda: server.subscribers)
            for frame in ("{", "\x00", f"your key is {SECRET}", b"\xff\xfe\x00", b"\xc1"):
                await server.send(frame)
            await server.say(1)
            await until(lambda: desk.news)
            assert len(server.connected_s) == 1

    desk = run(scenario)
    assert {each.reason for each in desk.rejects} == {"undecodable"}
    assert any("your key is ***" in each.record for each in desk.rejects)


@every_vendor
def test_a_frame_that_is_too_large_costs_one_connection(
    vendor: str, run: Callable[..., Desk]
) -> None:
    pace = msgspec.structs.replace(FAST, max_frame_bytes=10_000)

    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server, listening(wire_of(vendor, server, pace), desk):
            await until(lambda: server.subscribers)
            if isinstance(server, BenzingaServer):
                server.cache.append("x" * 20_000)  # a replay would bring it again
            await server.send("x" * 20_000)
            await until(lambda: desk.connected() == 2)
            await server.say(1)
            await until(lambda: desk.news)
            assert len(server.connected_s) == 2

    desk = run(scenario)
    assert desk.reasons() == ["too_large"]
    assert [each.reason for each in desk.rejects] == ["too_large"]


# -- back-fills that fail


@every_vendor
def test_a_back_fill_that_fails_is_tried_until_it_does_not(
    vendor: str, run: Callable[..., Desk]
) -> None:
    async def scenario(desk: Desk) -> None:
        async with VENDORS[vendor]() as server:
            async with listening(wire_of(vendor, server), desk):
                await until(lambda: server.subscribers)
            await until(lambda: not server.subscribers)
            await server.say(1)
            if isinstance(server, BenzingaServer):
                server.cache.clear()
            server.rest_status = 503
            for _ in range(2):  # the gap stays open over a restart, whatever comes live meanwhile
                async with listening(wire_of(vendor, server), desk):
                    await until(lambda: server.subscribers)
                    number = 2 + len(desk.news)
                    await server.say(number)
                    await until(lambda number=number: number in desk.numbers())
                    await until(lambda: len(server.asked) >= 3)
                    if isinstance(server, BenzingaServer):
                        server.cache.clear()
                    server.asked.clear()
            assert 1 not in desk.numbers()
            async with listening(wire_of(vendor, server), desk):
                await until(lambda: len(server.asked) >= 2)
                server.rest_status = 200
                await until(lambda: 1 in desk.numbers())

    desk = run(scenario)
    assert sorted(desk.numbers()) == [1, 2, 3]
    assert set(desk.reasons()) == {"server_error"}
    assert all(each.detail.startswith("back-fill: ") for each in desk.outcomes if each.reason)


def test_a_long_gap_is_filled_in_pages(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        for vendor in ("alpaca", "benzinga"):
            async with VENDORS[vendor]() as server:
                async with listening(wire_of(vendor, server), desk):
                    await until(lambda: server.subscribers)
                await until(lambda: not server.subscribers)
                for number in range(1, 251):
                    await server.say(number)
                told = len(desk.news)
                async with listening(wire_of(vendor, server), desk):
                    await until(lambda told=told: len(desk.news) == told + 250)
                assert len(server.asked) >= 3

    desk = run(scenario)
    assert sorted(desk.numbers()) == sorted([*range(1, 251)] * 2)


def test_a_gap_of_weeks_is_filled_from_where_it_may_be(run: Callable[..., Desk]) -> None:
    pace = msgspec.structs.replace(FAST, longest_gap_s=0.01)

    async def scenario(desk: Desk) -> None:
        async with AlpacaServer() as server:
            async with listening(wire_of("alpaca", server, pace), desk):
                await until(lambda: server.subscribers)
            await until(lambda: time.time_ns() - (cursor_of(desk) or 0) > 2 * 10**7)
            async with listening(wire_of("alpaca", server, pace), desk):
                await until(lambda: server.asked)

    (told,) = [each for each in run(scenario).outcomes if each.reason]
    assert (told.kind, told.reason) == ("failed", "gap_too_long")


def cursor_of(desk: Desk) -> int | None:
    cursor_ns: int | None = msgspec.msgpack.decode(desk.book.load("alpaca") or b"")["cursor_ns"]
    return cursor_ns


# -- what breaks us


def test_what_take_raises_ends_the_wire(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async def broken(feed: FeedInfo, parsed: ParsedFeed) -> int:
            raise OSError("disk full")

        desk.take = broken  # type: ignore[method-assign]
        async with AlpacaServer() as server:
            with pytest.raises(OSError, match="disk full"):  # noqa: PT012 -- as the context ends
                async with listening(wire_of("alpaca", server), desk) as task:
                    await until(lambda: server.subscribers)
                    await server.say(1)
                    await until(task.done)

    run(scenario)


def test_a_state_that_cannot_be_read_is_begun_anew(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        desk.book.save("alpaca", b"\xc1")
        async with AlpacaServer() as server, listening(wire_of("alpaca", server), desk):
            await until(lambda: server.subscribers)

    assert run(scenario).reasons() == ["bad_state"]


def test_the_rhythm_is_kept_over_restarts(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with AlpacaServer() as server:
            async with listening(wire_of("alpaca", server), desk):
                await until(lambda: server.subscribers)
                await server.say(1)
                await until(lambda: desk.news)
            kept = msgspec.msgpack.decode(desk.book.load("alpaca") or b"")
            learned = Rhythm(None, kept["rhythm"])
            assert learned._learned.count == 1
            async with listening(wire_of("alpaca", server), desk):
                await until(lambda: server.asked)
                await server.say(2)
                await until(lambda: len(desk.news) == 2)
            kept = msgspec.msgpack.decode(desk.book.load("alpaca") or b"")
            assert Rhythm(None, kept["rhythm"])._learned.count == 2

    run(scenario)


# -- for days


@pytest.mark.slow
@every_vendor
def test_memory_is_flat_over_a_hundred_thousand_frames(vendor: str) -> None:
    blocks: list[int] = []

    async def flow() -> None:
        taken = 0

        async def take(feed: FeedInfo, parsed: ParsedFeed) -> int:
            nonlocal taken
            taken += len(parsed.headlines)
            if taken in {40_000, 100_000}:
                gc.collect()
                blocks.append(sys.getallocatedblocks())
            return 1

        async with VENDORS[vendor]() as server:
            push = PushWire(
                wire_of(vendor, server),
                take=take,
                notice=lambda _: None,
                states=Nowhere(),
                rhythm=Rhythm(),
                user_agent="newsquake-tests",
            )
            task = asyncio.create_task(push.run())
            await until(lambda: server.subscribers)
            for number in range(100_000):
                now_ns = 1_758_715_260 * 10**9 + number * 10**9
                article = Article(
                    number=number, title="Words", created_ns=now_ns, updated_ns=now_ns
                )
                await server.send(server.frame(article))
            await until(lambda: taken == 100_000)
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(flow())
    # A set that kept an entry a frame would have grown by 60,000 of them.
    assert blocks[1] - blocks[0] < 5_000


class Nowhere:
    """States that keep nothing."""

    def load(self, feed: str) -> bytes | None:
        return None

    def save(self, feed: str, state: bytes) -> None:
        pass
