"""Real servers that speak each vendor's protocol, over WebSocket and REST, with faults on demand.

`say` publishes an article; whoever is subscribed hears it, and the REST side lists it. `faults`
holds what befalls the next connections, one each:

* `silence`: it is subscribed, and hears nothing but pings
* `dead`: as silence, and no ping of the client's is answered (a half-open TCP connection)
* `deaf`: the vendor's own handshake is never answered
* `http:NNN`: the upgrade is refused with this status
* `error:NNN`: the error of that code instead of the subscription (Alpaca, Finnhub)
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator
from email.utils import format_datetime
from typing import Any, Self

import msgspec
from aiohttp import WSMsgType, web

SECRET = "s3cret-of-the-wire"  # the key, token and secret of all of them
SYMBOL = "ACME"


class Article(msgspec.Struct, kw_only=True):
    """One article, at its newest revision."""

    number: int
    title: str
    created_ns: int
    updated_ns: int
    action: str = "created"

    def stamp(self, of: str) -> dt.datetime:
        return dt.datetime.fromtimestamp(getattr(self, of) // 10**9, dt.UTC)


class WireServer:
    """What all vendors have in common. `port` 0 = any that is free; kept over restarts."""

    def __init__(self) -> None:
        self.port = 0
        self.faults: deque[str] = deque()
        self.connected_s: list[float] = []  # when each upgrade was asked for
        self.asked: list[str] = []  # the query of each REST request
        self.heard: list[str] = []  # every text of every client
        self.articles: dict[int, Article] = {}
        self.rest_status = 200
        self.retry_after = "0"  # of refusals
        self._sockets: dict[web.WebSocketResponse, str] = {}  # those subscribed -> their fault
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/stream", self._stream)
        app.router.add_get("/rest", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Cut everybody off and listen no more."""
        self.cut()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/stream"

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/rest"

    # -- what tests do

    @property
    def subscribers(self) -> int:
        return len(self._sockets)

    async def say(
        self, number: int, title: str = "", action: str = "created", later_s: int = 0
    ) -> Article:
        """Publish an article, a revision of it, or its deletion, stamped so much later."""
        now_ns = time.time_ns()
        known = self.articles.get(number)
        article = Article(
            number=number,
            title=title or (known.title if known else f"Acme says number {number}"),
            created_ns=known.created_ns if known else now_ns,
            updated_ns=now_ns + later_s * 10**9,
            action=action,
        )
        self.articles[number] = article
        await self.send(self.frame(article))
        return article

    async def send(self, frame: str | bytes) -> None:
        """Send a frame to all who are subscribed and not silenced."""
        for socket, fault in list(self._sockets.items()):
            if not fault:
                with contextlib.suppress(ConnectionError):
                    await (
                        socket.send_str(frame)
                        if isinstance(frame, str)
                        else socket.send_bytes(frame)
                    )

    def cut(self) -> None:
        """Cut every TCP connection without a word."""
        for transport in self._transports.values():
            transport.abort()
        self._sockets.clear()

    async def close(self) -> None:
        """Close every socket in form."""
        for socket in list(self._sockets):
            await socket.close(code=1000, message=b"bye")

    # -- the protocol

    def frame(self, article: Article) -> str:
        raise NotImplementedError

    async def handshake(self, socket: web.WebSocketResponse, fault: str) -> bool:
        """Greet a client; tell whether it is subscribed."""
        raise NotImplementedError

    async def text(self, socket: web.WebSocketResponse, text: str) -> None:
        """Answer what a client says afterwards."""

    def refusal(self, request: web.Request) -> int:
        """Return the status that an upgrade is refused with, 0 for none."""
        raise NotImplementedError

    def page(self, request: web.Request) -> Any:
        raise NotImplementedError

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.connected_s.append(time.monotonic())
        fault = self.faults.popleft() if self.faults else ""
        if fault.startswith("http:"):
            return web.Response(status=int(fault[5:]), headers={"Retry-After": self.retry_after})
        if status := self.refusal(request):
            return web.Response(status=status, text=str(request.url))
        socket = web.WebSocketResponse(autoping=fault != "dead")
        await socket.prepare(request)
        assert request.transport is not None
        self._transports[socket] = request.transport
        try:
            if await self.handshake(socket, fault):
                self._sockets[socket] = fault if fault in {"silence", "dead"} else ""
                async for text in self._texts(socket):
                    await self.text(socket, text)
        except ConnectionError:
            pass
        finally:
            self._sockets.pop(socket, None)
            self._transports.pop(socket, None)
        return socket

    async def _texts(self, socket: web.WebSocketResponse) -> AsyncIterator[str]:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.heard.append(message.data)
                yield message.data

    async def next_text(self, socket: web.WebSocketResponse) -> Any:
        async for text in self._texts(socket):
            return json.loads(text)
        return {}

    async def _rest(self, request: web.Request) -> web.Response:
        self.asked.append(request.query_string)
        if self.rest_status != 200:
            return web.Response(status=self.rest_status, headers={"Retry-After": self.retry_after})
        return web.json_response(self.page(request))


class AlpacaServer(WireServer):
    """docs.alpaca.markets; `granted` False: the subscription is confirmed and is empty."""

    granted = True
    page_items = 3  # so that tests need not say fifty

    def refusal(self, request: web.Request) -> int:
        return 0

    async def handshake(self, socket: web.WebSocketResponse, fault: str) -> bool:
        if fault == "deaf":
            await self.next_text(socket)
            return False
        await socket.send_json([{"T": "success", "msg": "connected"}])
        said = await self.next_text(socket)
        if (said.get("key"), said.get("secret")) != (SECRET, SECRET):
            await self._fail(socket, 402, f"auth failed for {said.get('key')}")
            return False
        if self._sockets:
            await self._fail(socket, 406, "connection limit exceeded")
            return False
        await socket.send_json([{"T": "success", "msg": "authenticated"}])
        said = await self.next_text(socket)
        if fault.startswith("error:"):
            # As the real one does: after 405 the socket stays open and says nothing.
            await self._fail(
                socket, int(fault[6:]), "as the test wants it", close=fault != "error:405"
            )
            return fault == "error:405"
        news = said.get("news", []) if self.granted else []
        await socket.send_json([{"T": "subscription", "trades": [], "news": news}])
        return True

    async def _fail(
        self, socket: web.WebSocketResponse, code: int, said: str, *, close: bool = True
    ) -> None:
        await socket.send_json([{"T": "error", "code": code, "msg": said}])
        if close:
            await socket.close()

    def frame(self, article: Article) -> str:
        return json.dumps([{"T": "n", **self._article(article)}])

    def _article(self, article: Article) -> dict[str, Any]:
        return {
            "id": article.number, "headline": article.title, "summary": "", "author": "A. Writer",
            "created_at": self._time(article.created_ns), "updated_at": self._time(article.updated_ns),
            "url": None, "content": "", "symbols": [SYMBOL], "source": "examplewire",
        }  # fmt: skip

    @staticmethod
    def _time(instant_ns: int) -> str:
        whole = dt.datetime.fromtimestamp(instant_ns // 10**9, dt.UTC)
        return f"{whole:%Y-%m-%dT%H:%M:%S}.{instant_ns % 10**9:09}Z"

    def page(self, request: web.Request) -> Any:
        if request.headers.get("APCA-API-SECRET-KEY") != SECRET:
            raise web.HTTPForbidden
        since = dt.datetime.fromisoformat(request.query["start"]).timestamp() * 1e9
        listed = [
            a for a in self.articles.values() if a.updated_ns >= since and a.action != "deleted"
        ]
        listed.sort(key=lambda a: a.updated_ns)
        first = int(request.query.get("page_token", "0"))
        end = first + self.page_items
        token = str(end) if end < len(listed) else None
        return {"news": [self._article(a) for a in listed[first:end]], "next_page_token": token}


class BenzingaServer(WireServer):
    """docs.benzinga.com; a replay begins `replay_s` after it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.replay_s = 0.0
        self.replays = 0
        self.cache: deque[str] = deque(maxlen=100)

    def refusal(self, request: web.Request) -> int:
        if request.query.get("token") != SECRET:
            return 401
        return 429 if self._sockets else 0

    async def handshake(self, socket: web.WebSocketResponse, fault: str) -> bool:
        return True

    async def text(self, socket: web.WebSocketResponse, text: str) -> None:
        fault = self._sockets.get(socket)
        if text == "ping" and fault != "dead":
            await socket.send_str("pong")
        if text == "replay" and not fault:
            await asyncio.sleep(self.replay_s)
            for frame in list(self.cache):
                await socket.send_str(frame)
            self.replays += 1

    def frame(self, article: Article) -> str:
        data = {
            "action": article.action, "id": article.number,
            "timestamp": dt.datetime.now(dt.UTC).isoformat(), "content": self._article(article),
        }  # fmt: skip
        envelope = {
            "id": str(uuid.uuid4()),
            "api_version": "websocket/v1",
            "kind": "news",
            "data": data,
        }
        self.cache.append(json.dumps(envelope))
        return self.cache[-1]

    def _article(self, article: Article) -> dict[str, Any]:
        return {
            "id": article.number, "author": "A. Writer", "title": article.title, "teaser": "",
            "created": format_datetime(article.stamp("created_ns")),
            "updated": format_datetime(article.stamp("updated_ns")),
            "body": "", "url": "", "channels": [], "stocks": [{"name": SYMBOL, "exchange": "NYSE"}],
        }  # fmt: skip

    def page(self, request: web.Request) -> Any:
        if request.query.get("token") != SECRET:
            raise web.HTTPUnauthorized
        since_ns = int(request.query["updatedSince"]) * 10**9
        size, page = int(request.query["pageSize"]), int(request.query["page"])
        listed = [
            a for a in self.articles.values() if a.updated_ns >= since_ns and a.action != "deleted"
        ]
        listed.sort(key=lambda a: -a.created_ns)
        return [self._article(a) for a in listed[page * size : (page + 1) * size]]


class FinnhubServer(WireServer):
    """finnhub.io; pings by a message of its own every `ping_s`."""

    ping_s = 0.1

    def refusal(self, request: web.Request) -> int:
        return 0 if request.query.get("token") == SECRET else 401

    async def handshake(self, socket: web.WebSocketResponse, fault: str) -> bool:
        said = await self.next_text(socket)
        if fault.startswith("error:"):
            await socket.send_json({"type": "error", "msg": "Subscribing to too many symbols"})
            return True
        asyncio.get_running_loop().create_task(self._ping(socket, fault))
        return bool(said == {"type": "subscribe-news", "symbol": SYMBOL})

    async def _ping(self, socket: web.WebSocketResponse, fault: str) -> None:
        while not socket.closed and fault != "dead":
            with contextlib.suppress(ConnectionError):
                await socket.send_json({"type": "ping"})
            await asyncio.sleep(self.ping_s)

    def frame(self, article: Article) -> str:
        return json.dumps({"type": "news", "data": [self._article(article)]})

    def _article(self, article: Article) -> dict[str, Any]:
        return {
            "category": "company", "datetime": article.created_ns // 10**9, "id": article.number,
            "headline": article.title, "image": "", "related": SYMBOL, "source": "Examplewire",
            "summary": "", "url": "",
        }  # fmt: skip

    def page(self, request: web.Request) -> Any:
        if request.headers.get("X-Finnhub-Token") != SECRET:
            raise web.HTTPUnauthorized
        days = request.query["from"], request.query["to"]
        listed = [
            a
            for a in self.articles.values()
            if days[0] <= f"{a.stamp('created_ns'):%Y-%m-%d}" <= days[1]
        ]
        return [self._article(a) for a in sorted(listed, key=lambda a: -a.created_ns)]
