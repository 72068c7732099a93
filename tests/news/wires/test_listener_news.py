"""Revisions, deletions, repeats and back-fills of push wires."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest

from tests.news.wires.push_desk import (
    FAST,
    VENDORS,
    Desk,
    every_vendor,
    listening,
    until,
    wire_of,
)
from tests.news.wires.wire_servers import (
    AlpacaServer,
    BenzingaServer,
)

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
