"""Push wires that are dead, refused or sent garbage: found, told, tried again, and no storm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec
import pytest

from streams.backoff import Backoff
from streams.news.wires.benzinga import BenzingaNews
from streams.rhythm import Expect
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
    SECRET,
    AlpacaServer,
    BenzingaServer,
    FinnhubServer,
    WireServer,
)

# -- wires that are dead


@every_vendor
def test_a_silent_socket_is_left_ever_more_patiently(vendor: str, run: Callable[..., Desk]) -> None:
    pace = msgspec.structs.replace(FAST, quiet_s=Backoff(0.15, 60.0))
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
    pace = msgspec.structs.replace(FAST, quiet_s=Backoff(0.05, 60.0))

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


def test_a_server_says_when_to_come_back(run: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        async with BenzingaServer() as server:
            server.retry_after = "1"
            server.faults.append("http:429")
            async with listening(wire_of("benzinga", server), desk):
                await until(lambda: server.subscribers)

    assert run(scenario).outcomes[0].next_s == 1.0


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
