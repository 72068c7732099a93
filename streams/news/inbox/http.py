"""Take documents of news that somebody else posts: `POST /` with the document as its body.

202 says that the document is safe here. Anything else says that it is not, and the sender keeps
it: 422 where it had to be rejected, 503 where it may be sent again.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from aiohttp import web

from streams.errors import NewsquakeError
from streams.events import SECOND_NS
from streams.http.bounded_server import BoundedServer
from streams.http.guard import host_named, is_loopback, is_own_name
from streams.logs import logger
from streams.news.dialects.registry import read_document
from streams.news.dialects.rss import MAX_BYTES
from streams.news.feed import FeedInfo, ParsedFeed, Read, Take
from streams.news.inbox.folder import HEARD_S, outcome_of, tell_taken
from streams.outcome import Notice, Outcome

log = logger(__name__)

MOST_AT_ONCE: Final = 8  # documents in memory: 80 MB
BODY_S: Final = 30.0  # that a sender may take over one document
RETRY_S: Final = 1  # after which a sender that was told 503 may try again


class HttpInbox:
    """One HTTP server on one address. Without a token it serves this machine alone."""

    def __init__(
        self,
        feed: FeedInfo,
        take: Take,
        notice: Notice,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        read: Read = read_document,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`port` 0: any that is free, see `address`."""
        self._feed, self._take, self._notice = feed, take, notice
        self._host, self._port, self._now_ns = host, port, now_ns
        self._read = read  # in a thread
        self._token = token.encode() if token else None
        self._at_once = 0
        self.address: tuple[str, int] | None = None  # once it listens

    async def run(self) -> None:
        """Serve until cancelled. OSError: the address cannot be had."""
        app = web.Application(client_max_size=MAX_BYTES)
        app.router.add_post("/", self._post)
        server = BoundedServer(app)
        try:
            self.address = await server.start(self._host, self._port)
            self._tell("connected", f"listens at {self.url}")
            while True:
                await asyncio.sleep(HEARD_S)
                self._tell("unchanged")
        finally:
            self.address = None
            await server.close()

    @property
    def url(self) -> str:
        """Return where documents are posted to; the port is the real one once it listens."""
        host, port = self.address or (self._host, self._port)
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def _tell(self, kind: Literal["connected", "unchanged"], detail: str = "") -> None:
        name, at_ns = self._feed.name, self._now_ns()
        self._notice(Outcome(feed=name, at_ns=at_ns, kind=kind, detail=detail))

    def _tell_refused(self, status: int, sender: str) -> None:
        """Write to the log that a request was turned away before it was read."""
        log.debug("inbox request refused", feed=self._feed.name, status=status, sender=sender)

    async def _post(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            self._tell_refused(refusal.status, request.remote or "")
            return refusal
        if self._at_once >= MOST_AT_ONCE:
            self._tell_refused(503, request.remote or "")
            return _busy(f"{self._at_once} documents are being taken")
        self._at_once += 1
        try:
            async with asyncio.timeout(BODY_S):
                data = await request.read()
            received_ns = self._now_ns()
            return await self._taken(data, received_ns)
        except TimeoutError:
            return _answer(408, reason="too_slow", detail=f"no whole document in {BODY_S:.0f} s")
        finally:
            self._at_once -= 1

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Return the refusal of a sender that may not post here, None for one that may.

        A browser names the page that posts as Origin: no page may, or any would reach this machine.
        """
        if self._token is not None:
            scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
            given = shown.strip().encode("utf-8", "surrogateescape")
            if scheme.lower() == "bearer" and hmac.compare_digest(given, self._token):
                return None
            return _answer(401, {"WWW-Authenticate": "Bearer"}, reason="no_token")
        host = host_named(request.headers.get("Host", ""))
        own = host is not None and is_own_name(host)  # else a name that is pointed at us
        if own and is_loopback(request.remote) and "Origin" not in request.headers:
            return None
        return _answer(
            403, reason="not_local", detail="without a token, only programs of this machine"
        )

    async def _taken(self, data: bytes, received_ns: int) -> web.Response:
        began_s = time.monotonic()
        parsed = await asyncio.to_thread(self._read, data, self._feed, received_ns)
        try:
            new = await self._take(self._feed, parsed)
        except (NewsquakeError, OSError) as fault:
            failed = Outcome(
                feed=self._feed.name,
                at_ns=received_ns,
                kind="failed",
                reason="not_taken",
                detail=str(fault),
            )
            self._notice(failed)
            return _busy("it could not be kept")
        outcome = outcome_of(self._feed, parsed, received_ns, time.monotonic() - began_s)
        tell_taken(outcome, parsed)
        self._notice(outcome)
        return _verdict(parsed, new, received_ns)


def _verdict(parsed: ParsedFeed, new: int, now_ns: int) -> web.Response:
    """Return 202 with the counts, or 422 with the reason where nothing was usable."""
    rejects = [{"reason": each.reason, "detail": each.detail} for each in parsed.rejects]
    items = len(parsed.headlines) + len(parsed.statuses)
    if items or not rejects:
        return _answer(202, items=items, new=new, dialect=parsed.dialect, rejects=rejects)
    headers = {}
    if parsed.held_until_ns is not None:
        wait_ns = parsed.held_until_ns - now_ns
        headers["Retry-After"] = str(-(-wait_ns // SECOND_NS))
    return _answer(422, headers, **rejects[0], rejects=rejects)


def _busy(detail: str) -> web.Response:
    return _answer(503, {"Retry-After": str(RETRY_S)}, reason="busy", detail=detail)


def _answer(status: int, headers: dict[str, str] | None = None, **body: object) -> web.Response:
    return web.Response(
        status=status,
        headers=headers,
        body=msgspec.json.encode(body),
        content_type="application/json",
    )
