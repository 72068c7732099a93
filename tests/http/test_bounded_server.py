"""Our servers under those who connect and ask nothing, or more than they may: others are answered."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import time

import aiohttp
import pytest
from aiohttp import web

from streams.http import bounded_server, guard
from streams.http.bounded_server import BoundedServer

MOST = 8


async def answer(_: web.Request) -> web.Response:
    return web.Response(text="here")


def application() -> web.Application:
    app = web.Application()
    app.router.add_get("/", answer)
    return app


async def asked(port: int) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/") as response,
    ):
        return await response.text()


async def answered(port: int, limit_s: float = 10.0) -> str:
    """Ask until somebody answers."""
    end_s = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(aiohttp.ClientError):
            return await asked(port)
        assert time.monotonic() < end_s, "nobody answers"
        await asyncio.sleep(0.02)


def test_connections_beyond_the_bound_are_closed_and_room_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_server, "FIRST_REQUEST_S", 0.5)

    async def scenario() -> None:
        server = BoundedServer(application(), MOST)
        _, port = await server.start("127.0.0.1", 0)
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3 * MOST)]
        try:
            beyond = idle[MOST:]
            ended = await asyncio.wait_for(asyncio.gather(*(r.read() for r, _ in beyond)), 5)
            assert ended == [b""] * len(beyond)
            # after half a second the silent ones are gone as well, and a person is answered
            assert await answered(port) == "here"
            first = await asyncio.wait_for(asyncio.gather(*(r.read() for r, _ in idle[:MOST])), 5)
            assert first == [b""] * MOST
        finally:
            for _, writer in idle:
                writer.close()
            await server.close()

    asyncio.run(scenario())


def test_who_asks_in_time_keeps_his_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_server, "FIRST_REQUEST_S", 0.1)

    async def scenario() -> None:
        server = BoundedServer(application(), MOST)
        _, port = await server.start("127.0.0.1", 0)
        async with aiohttp.ClientSession() as session:
            for _ in range(4):
                async with session.get(f"http://127.0.0.1:{port}/") as response:
                    assert await response.text() == "here"
                await asyncio.sleep(0.06)  # beyond the first request's time in all
        await server.close()

    asyncio.run(scenario())


def test_the_bound_leaves_descriptors_to_journals() -> None:
    most = guard.most_connections()
    assert guard.FEWEST_CONNECTIONS <= most <= guard.MOST_CONNECTIONS
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert (
        most == guard.FEWEST_CONNECTIONS
        or most * guard.SERVERS + guard.RESERVED_DESCRIPTORS <= limit
    )


@pytest.mark.parametrize(
    ("limit", "most"), [(256, 42), (1024, 256), (64, 8), (resource.RLIM_INFINITY, 256)]
)
def test_the_bound_follows_the_limit(
    monkeypatch: pytest.MonkeyPatch, limit: int, most: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert guard.most_connections() == most


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("127.0.0.1:8420", "127.0.0.1"),
        ("localhost", "localhost"),
        ("[::1]:8420", "::1"),
        ("LOCALHOST:1", "LOCALHOST"),
        ("example.org:65535", "example.org"),
        ("example.org:65536", None),
        ("localhost:port", None),
        ("localhost:", None),
        ("", None),
        ("a b", None),
        ("localhost\x00", None),
        ("[::1", None),
        ("evil/127.0.0.1", None),
        ("user@localhost", None),
    ],
)
def test_a_host_header_names_a_host_or_none(header: str, host: str | None) -> None:
    assert guard.host_named(header) == host


def test_a_port_that_is_taken_is_an_error_of_the_system() -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(OSError, match="in use"):
                await BoundedServer(application()).start("127.0.0.1", taken.getsockname()[1])

    asyncio.run(scenario())
