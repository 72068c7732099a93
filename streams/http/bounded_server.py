"""An aiohttp application on one address, bounded: so many connections, each asking in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from streams.http.guard import FIRST_REQUEST_S, IDLE_S, most_connections

CLOSE_S: Final = 5.0  # that requests being answered have at the end
BACKLOG: Final = 16  # asyncio accepts as many at once, before it closes those beyond the bound


class BoundedServer:
    """One listening server. A connection beyond the bound is closed before a byte of it is read."""

    def __init__(
        self,
        app: web.Application,
        most: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`most`: connections at once; None: what this process's limit of descriptors leaves.

        `headers`: of the answer to what is no HTTP, which never reaches the application.
        """
        self._headers = headers or {}
        self._most = most_connections() if most is None else most
        self._silent: set[web.RequestHandler] = set()  # nothing asked yet
        app.middlewares.append(self._note_request())
        self._runner = web.AppRunner(app, shutdown_timeout=CLOSE_S)
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen, and return the real address. OSError: it cannot be had."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._connection, host, port, backlog=BACKLOG)
        found, real, *_ = self._listening.sockets[0].getsockname()
        return str(found), int(real)

    async def close(self) -> None:
        """Stop listening; requests that are being answered have a few seconds to end."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()

    def _connection(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        assert server is not None
        if len(server.connections) >= self._most:
            return _TurnedAway()
        loop = asyncio.get_running_loop()
        made = _Connection(server, loop, self._headers)
        self._silent.add(made)
        loop.call_later(FIRST_REQUEST_S, self._end_if_silent, made)
        return made

    def _end_if_silent(self, connection: web.RequestHandler) -> None:
        if connection in self._silent:
            self._silent.discard(connection)
            connection.force_close()
            if connection.transport is not None:
                connection.transport.abort()

    def _note_request(self) -> Middleware:
        silent = self._silent

        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            silent.discard(request.protocol)
            return await handler(request)

        return note


class _Connection(web.RequestHandler):
    """A connection whose answer to what is no HTTP has the headers of every other."""

    __slots__ = ("_headers",)

    def __init__(
        self, server: web.Server, loop: asyncio.AbstractEventLoop, headers: Mapping[str, str]
    ) -> None:
        super().__init__(server, loop=loop, keepalive_timeout=IDLE_S)
        self._headers = headers

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer as aiohttp does."""
        answer = super().handle_error(request, status, exc, message)
        answer.headers.update(self._headers)
        return answer


class _TurnedAway(asyncio.Protocol):
    """A connection that is closed as soon as it is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class _OnlyFaultsOfOurs(logging.Filter):
    """A request that is no HTTP is answered with 400, and is no fault of ours to be told."""

    def filter(self, record: logging.LogRecord) -> bool:
        fault = record.exc_info[1] if record.exc_info else None
        return not isinstance(fault, HttpProcessingError)


logging.getLogger("aiohttp.server").addFilter(_OnlyFaultsOfOurs())
