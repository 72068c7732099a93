"""Every fault of a wire in any order, its server's restarts and ours: all news comes, each once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest
import uvloop

from streams.backoff import Backoff
from streams.rhythm import Expect
from tests.news.wires.push_desk import FAST, VENDORS, Desk, listening, until, wire_of
from tests.news.wires.wire_servers import FinnhubServer, WireServer

STEPS = 150
# Faults of the next connection, of which some end in a silence that must be noticed.
CONNECTIONS = ("silence", "dead", "http:503", "http:429", "error:500", "error:407", "deaf")
PACE = msgspec.structs.replace(
    FAST,
    slow_s=Backoff(0.05, 0.2),
    soon_s=Backoff(0.01, 0.05),
    ready_s=0.3,
    heartbeat_s=0.4,
    quiet_s=Backoff(0.3, 0.6),
    frame_within_s=0.5,
    keep_alive_s=0.1,
    overlap_s=0.0,  # the cursor alone must do it
)


@pytest.mark.slow
@pytest.mark.parametrize("vendor", sorted(VENDORS))
@pytest.mark.parametrize("seed", [1, 2])
def test_all_news_comes_once_whatever_breaks(vendor: str, seed: int, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with (
        contextlib.closing(desk.book),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(broken_day(vendor, desk, random.Random(seed)))
    said = Counter(desk.said())
    assert said.most_common(1)[0][1] == 1
    assert {number for number, _, _ in said} == {*range(1, max(desk.numbers()) + 1)}


async def broken_day(vendor: str, desk: Desk, chance: random.Random) -> None:
    """Publish through every fault; return when all of it has come."""
    async with VENDORS[vendor]() as server:
        # A wire that hears nothing at all on its first start has nothing to go back to.
        async with running(vendor, server, desk):
            await until(lambda: server.subscribers)
            await server.say(1)
            await until(lambda: desk.news)
        number = 1
        while number < STEPS:
            async with running(vendor, server, desk):
                for _ in range(chance.randrange(5, 40)):
                    number = await step(server, chance, number)
        server.faults.clear()
        server.rest_status = 200
        async with running(vendor, server, desk):
            await until(lambda: len({*desk.numbers()}) == number, "all of it")
            for revised in server.articles.values():
                title = revised.title
                await until(lambda n=revised.number, t=title: newest(desk, n) == t, title)


def newest(desk: Desk, number: int) -> str:
    return next(title for known, title, _ in reversed(desk.said()) if known == number)


def running(
    vendor: str, server: WireServer, desk: Desk
) -> contextlib.AbstractAsyncContextManager[asyncio.Task[None]]:
    expect = Expect(busy_per_hour=1e6, quiet_per_hour=1e6)
    return listening(wire_of(vendor, server, PACE), desk, expect)


async def step(server: WireServer, chance: random.Random, number: int) -> int:
    """Let one thing happen; return the newest number."""
    await asyncio.sleep(chance.choice([0, 0, 0.01, 0.05]))
    what = chance.random()
    if what < 0.6:
        number += 1
        await server.say(number)
    elif what < 0.7 and not isinstance(server, FinnhubServer):
        one = chance.randrange(1, number + 1)
        known = server.articles[one]
        later_s = (known.updated_ns - known.created_ns) // 10**9 + 2
        await server.say(one, f"{known.title}, revised", "updated", later_s=min(later_s, 50))
    elif what < 0.76:
        server.cut()
    elif what < 0.80:
        await server.close()
    elif what < 0.83:
        await server.stop()
        await asyncio.sleep(0.02)
        await server.start()
    elif what < 0.9:
        server.faults.append(chance.choice(CONNECTIONS))
        server.cut()
    elif what < 0.95:
        await server.send(chance.choice(["garbage", "{}", "[]", b"\xff"]))
    else:
        server.rest_status = 503 if server.rest_status == 200 else 200
    return number
