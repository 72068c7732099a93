"""Push wires against real servers: nothing is lost and nothing told twice."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable

import msgspec
import pytest

from streams.backoff import Backoff
from streams.news.feed import FeedInfo, ParsedFeed
from streams.news.wires.receiver import NewsReceiver
from streams.rhythm import Expect, Rhythm
from streams.wires.listener import WireListener
from tests.news.wires.push_desk import (
    FAST,
    HTTP,
    VENDORS,
    Desk,
    Nowhere,
    every_vendor,
    listening,
    until,
    wire_of,
)
from tests.news.wires.wire_servers import (
    AlpacaServer,
    Article,
    WireServer,
)

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
    pace = msgspec.structs.replace(FAST, frame_within_s=0.4, quiet_s=Backoff(0.3, 10.0))

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
            wire = wire_of(vendor, server)
            push = WireListener(
                wire,
                NewsReceiver(wire.feed, wire.secrets, take),
                notice=lambda _: None,
                states=Nowhere(),
                rhythm=Rhythm(),
                http=HTTP,
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
