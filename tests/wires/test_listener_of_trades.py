"""The shared listener knows no news: a wire of trades goes through it, with its gap filled."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import msgspec
import pytest
from aiohttp import web

from streams.backoff import Backoff
from streams.http.options import HttpOptions
from streams.outcome import Outcome
from streams.rhythm import Rhythm
from streams.wires.contract import (
    Address,
    BackfillPage,
    Fault,
    Secret,
    Sifted,
    Step,
    WirePace,
    status_fault,
)
from streams.wires.cursor import Cursor
from streams.wires.listener import WireListener

PACE = WirePace(
    soon_s=Backoff(0.02, 0.1), slow_s=Backoff(0.02, 0.1), watch_s=0.02, ask_gap_s=0.0, overlap_s=0.0
)
DEADLINE_S = 15.0


class Trade(msgspec.Struct, frozen=True):
    """One trade of the vendor that this test invents."""

    id: str
    ts_ns: int
    price: float


Trades = tuple[Trade, ...]


class TradeServer:
    """Sends each trade to who is connected, and lists all of them over REST."""

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.sockets: set[web.WebSocketResponse] = set()
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/stream", self._stream)
        app.router.add_get("/trades", self._list)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()
        await self._runner.cleanup()

    async def trade(self, number: int) -> None:
        self.trades.append(Trade(str(number), time.time_ns(), 100.0 + number))
        for socket in [*self.sockets]:
            await socket.send_bytes(msgspec.json.encode([self.trades[-1]]))

    async def cut(self) -> None:
        for socket in [*self.sockets]:
            await socket.close()

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            self.sockets.discard(socket)
        return socket

    async def _list(self, request: web.Request) -> web.Response:
        since_ns = int(request.query["since"])
        found = [each for each in self.trades if each.ts_ns >= since_ns]
        return web.Response(body=msgspec.json.encode(found))


class TradeWire:
    """The wire of that vendor, and its own conversation."""

    name = "trades"
    pace = PACE
    keep_alive = ""
    secrets: tuple[Secret, ...] = ()

    def __init__(self, server: TradeServer) -> None:
        self._server = server

    def address(self) -> Address:
        return Address(url=f"ws://{self._server.url}/stream")

    def talk(self) -> TradeWire:
        return self

    def opened(self, *, resumed: bool) -> Step[Trades]:
        return Step(ready=True)

    def receive(self, frame: bytes, received_ns: int) -> Step[Trades]:
        return Step(parsed=msgspec.json.decode(frame, type=Trades))

    def refused(self, status: int) -> Fault:
        return status_fault(status, ())

    def asks(self, since_ns: int, until_ns: int) -> tuple[Address, ...]:
        query = (("since", str(since_ns)),)
        return (Address(url=f"http://{self._server.url}/trades", query=query),)

    def answer(self, ask: Address, body: bytes, received_ns: int) -> BackfillPage[Trades]:
        return BackfillPage(parsed=msgspec.json.decode(body, type=Trades))


class Tape:
    """The receiver: every trade once, by its id."""

    def __init__(self) -> None:
        self.trades: list[Trade] = []

    def sift(self, payload: Trades, known: Mapping[str, int]) -> Sifted[Trades]:
        new = tuple(each for each in payload if each.id not in known)
        stamps = tuple((each.id, each.ts_ns) for each in new)
        return Sifted(new, stamps, len(new), empty=not new)

    async def take(self, payload: Trades) -> int:
        self.trades += payload
        return len(payload)

    def too_large(self, fault: Fault, at_ns: int) -> Trades:
        return ()


class States(dict[str, bytes]):
    """States in memory."""

    def load(self, feed: str) -> bytes | None:
        return self.get(feed)

    def save(self, feed: str, state: bytes) -> None:
        self[feed] = state


async def until(done: Any, what: str) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < deadline_s, what
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def listening(
    server: TradeServer, tape: Tape, outcomes: list[Outcome], states: States
) -> AsyncIterator[None]:
    listener = WireListener(
        TradeWire(server),
        tape,
        notice=outcomes.append,
        states=states,
        rhythm=Rhythm(),
        http=HttpOptions(user_agent="newsquake-tests"),
    )
    task = asyncio.create_task(listener.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_trades_come_once_each_over_cuts_and_restarts(caplog: pytest.LogCaptureFixture) -> None:
    tape, outcomes, states = Tape(), list[Outcome](), States()

    async def scenario() -> None:
        async with TradeServer() as server:
            async with listening(server, tape, outcomes, states):
                await until(lambda: server.sockets, "connected")
                await server.trade(1)
                await until(lambda: len(tape.trades) == 1, "live")
                await server.cut()
                await server.trade(2)  # nobody listens
                await until(lambda: len(tape.trades) == 2, "filled")
            await server.trade(3)  # nobody lives
            async with listening(server, tape, outcomes, states):
                await until(lambda: len(tape.trades) == 3, "filled after a restart")
                await server.trade(4)
                await until(lambda: len(tape.trades) == 4, "live again")

    with caplog.at_level("DEBUG", "streams.wires"):
        asyncio.run(scenario())
    assert [each.id for each in tape.trades] == ["1", "2", "3", "4"]
    assert {each.kind for each in outcomes} == {"connected", "read", "failed"}
    assert Cursor(states["trades"]).state.cursor_ns == tape.trades[-1].ts_ns
    for decision in ("wire connected", "wire fault", "wire gap filled"):
        assert decision in caplog.text
