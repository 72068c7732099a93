"""Fetch one document over HTTP: bounded in size and time, each failure by its name.

Redirects are followed here and not by aiohttp, so that their kind, their loops and a loss of
encryption are seen, and validators go to no other URL than the one that gave them. Bodies are
decoded here too, so that none can grow beyond its limit. No cookie is kept; proxies that the
environment names are used only where the owner says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from types import TracebackType
from typing import Final, Self

import aiohttp
import msgspec

from streams.errors import FetchError
from streams.http.body import USUAL_LIMITS, Limits, read_body, wire_limit
from streams.http.faults import KNOWN, ask_once, named_fault
from streams.http.host_gate import HostGate
from streams.http.options import HttpOptions
from streams.http.reach import Reach, checked_socket, current, networks_of
from streams.http.rules import (
    ACCEPT,
    ACCEPT_ENCODING,
    PERMANENT,
    REDIRECTS,
    Validators,
    is_downgrade,
    plain_url,
    redirect_target,
    refusal_of,
    server_of,
    shown_url,
    validators_of,
)
from streams.text import clean_text
from streams.time_source import MACHINE_TIME, TimeSource

CONNECTIONS: Final = 100  # at once, to all hosts together: 500 MB of bodies at the very worst
DNS_KEPT_S: Final = 300
DETAIL_CHARS: Final = 300
CHUNK_BYTES: Final = 65_536
DOCUMENT: Final = frozenset({200, 203})  # 203: a proxy has changed it on the way
NOT_MODIFIED: Final = 304
# Headers that decisions and people are interested in.
KEPT_HEADERS: Final = (
    "Age", "Cache-Control", "Content-Encoding", "Content-Type", "Date", "ETag", "Last-Modified",
    "Location", "Retry-After", "Server",
)  # fmt: skip


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request and its redirects; `body` None where it gave no document."""

    url: str  # that was asked for
    final_url: str  # at the end of the redirects
    status: int = 0  # of the last response, 0 where there was none
    headers: dict[str, str] = {}  # of it, those in KEPT_HEADERS
    body: bytes | None = None
    hops: tuple[int, ...] = ()  # the statuses of the redirects
    reason: str = ""  # of a failure: one of streams.http.rules.REASONS
    detail: str = ""
    received_ns: int = 0  # when the last byte was here
    took_s: float = 0.0  # waits for the host's turn not counted

    @property
    def moved(self) -> bool:
        """Tell whether every redirect on the way was for good."""
        return bool(self.hops) and PERMANENT.issuperset(self.hops)

    @property
    def validators(self) -> Validators:
        """Return what to send back with the next request, once the document has proved good."""
        return validators_of(self.headers)


class _Trail:
    """The state of one fetch on its way through redirects."""

    def __init__(self, url: str) -> None:
        self.asked = self.url = url
        self.seen = {url}
        self.hops: list[int] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.took_s = 0.0
        self.reach = Reach()

    def answered(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        found = ((name, response.headers.get(name)) for name in KEPT_HEADERS)
        self.headers = {name: value for name, value in found if value is not None}

    def turn_to(self, limit: int) -> None:
        """Follow the redirect that was answered last. Raises FetchError."""
        location = self.headers.get("Location", "")
        target = redirect_target(self.url, location)
        if not target:
            raise FetchError("bad_redirect", f"{self.status} to {shown_url(location)!r}")
        if is_downgrade(self.url, target):
            raise FetchError("downgrade", f"from {shown_url(self.url)} to {shown_url(target)}")
        if target in self.seen:
            raise FetchError("redirect_loop", f"back to {shown_url(target)}")
        if len(self.hops) >= limit:
            raise FetchError("too_many_redirects", f"more than {limit}")
        self.reach.redirected = True
        self.hops.append(self.status)
        self.seen.add(target)
        self.url = target

    def end(self, received_ns: int, body: bytes | None, fault: FetchError | None) -> Fetched:
        return Fetched(
            url=self.asked,
            final_url=self.url,
            status=self.status,
            headers=self.headers,
            body=body,
            hops=tuple(self.hops),
            reason=fault.reason if fault else "",
            detail=clean_text(fault.detail, DETAIL_CHARS) if fault else "",
            received_ns=received_ns,
            took_s=self.took_s,
        )


class Fetcher:
    """One HTTP client for all feeds; an asynchronous context."""

    def __init__(
        self,
        http: HttpOptions,
        *,
        limits: Limits = USUAL_LIMITS,
        gate: HostGate | None = None,  # None: of its own, as polite as by default
        time: TimeSource = MACHINE_TIME,
    ) -> None:
        self._http, self._limits = http, limits
        self._now_ns, self._gate = time.now_ns, gate or HostGate(time=time)
        # Not the connector's own limit: waiting for that would count as the server's time.
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                force_close=True,
                ssl=self._http.tls or True,
                ttl_dns_cache=DNS_KEPT_S,
                # A proxy resolves by itself, and is where its owner has put it.
                socket_factory=None if self._http.trust_env else checked_socket,
            ),
            middlewares=(ask_once,),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=self._http.trust_env,
            headers={"Accept": ACCEPT, "Accept-Encoding": ACCEPT_ENCODING},
            timeout=aiohttp.ClientTimeout(
                total=limits.total_s, sock_connect=limits.connect_s, sock_read=limits.idle_s
            ),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def fetch(
        self,
        url: str,
        validators: Validators | None = None,
        of_url: str = "",
        user_agent: str = "",
        configured: str = "",
    ) -> Fetched:
        """Return the document at `url`, or why there is none. Never raises but when cancelled.

        `validators` are sent to `of_url` alone, the URL that gave them. A 304 has status 304, no
        body and no reason. `configured` is the URL that a redirect once led away from to `url`:
        the networks that it is in are allowed, and no others but the web.
        """
        trail = _Trail(plain_url(url) or url)
        body = fault = None
        current.set(trail.reach)
        try:
            if configured not in {"", url}:
                trail.reach.redirected = True
                trail.reach.allowed |= await networks_of(server_of(configured))
            body = await self._walk(trail, validators or Validators(), of_url, user_agent)
        except FetchError as error:
            fault = error
        except KNOWN as error:
            fault = named_fault(error)
        if fault is not None and trail.reach.refused:
            fault = FetchError("bad_redirect", f"to {trail.reach.refused}")
        return trail.end(self._now_ns(), body, fault)

    async def _walk(
        self, trail: _Trail, validators: Validators, of_url: str, user_agent: str
    ) -> bytes | None:
        """Go from redirect to redirect to the document. Raises FetchError and KNOWN."""
        if not plain_url(trail.url):
            raise FetchError("bad_url", f"{shown_url(trail.url)} is no http or https URL")
        while True:
            conditional = validators.headers() if trail.url == of_url else {}
            body = await self._hop(trail, conditional, user_agent)
            if trail.status not in REDIRECTS:
                return body
            trail.turn_to(self._limits.redirects)

    async def _hop(
        self, trail: _Trail, conditional: Mapping[str, str], user_agent: str
    ) -> bytes | None:
        """Make one request and return its document, None for a redirect or a 304."""
        sent = {**conditional, "User-Agent": user_agent or self._http.user_agent}
        async with self._gate.turn(server_of(trail.url)), self._connections:
            began_s = time.monotonic()
            try:
                async with self._response(trail.url, sent) as response:
                    trail.answered(response)
                    return await self._document(response, asked=bool(conditional))
            finally:
                trail.took_s += time.monotonic() - began_s

    @asynccontextmanager
    async def _response(
        self, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a response; one that was not read to its end costs its connection, not our time."""
        assert self._session is not None
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            try:
                yield response
            finally:
                if not response.content.at_eof():
                    response.close()

    async def _document(self, response: aiohttp.ClientResponse, *, asked: bool) -> bytes | None:
        if response.status in DOCUMENT:
            return await self._body(response)
        if response.status == NOT_MODIFIED:
            if not asked:
                raise FetchError("unasked_304", "not modified, to a request without a condition")
            return None
        if response.status in REDIRECTS:
            return None
        raise FetchError(refusal_of(response.status), f"{response.status} {response.reason or ''}")

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        length, most = response.content_length, wire_limit(self._limits.max_bytes)
        if length is not None and length > most:
            raise FetchError("too_large", f"{length} bytes, more than {most}")
        encoding = response.headers.get("Content-Encoding", "")
        chunks = response.content.iter_chunked(CHUNK_BYTES)
        return await read_body(chunks, encoding, self._limits, time.monotonic)


async def fetch_once(url: str, http: HttpOptions) -> Fetched:
    """Return the document at one URL, asked for without conditions, or why there is none."""
    async with Fetcher(http) as fetcher:
        return await fetcher.fetch(url)


def agent_name(contact: str = "") -> str:
    """Return the User-Agent we give ourselves; `contact` is an address or a URL of the owner."""
    printable = "".join(c for c in contact if " " <= c <= "~" and c not in "()")
    return f"newsquake/{version('newsquake')}" + (f" (+{printable})" if printable else "")
