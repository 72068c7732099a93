"""A read-only HTTP API and small pages: headlines, alerts and their evidence, for links and annotations.

It shows what a store holds (agents/web/store.py) and writes nothing. Without a token it
answers only to this machine, by one of its own names: against DNS rebinding, by which a page elsewhere
points a name of its own at this address.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web
from yarl import URL

from agents.web import answers as web_answers
from agents.web import markup
from agents.web import pages as web_pages
from agents.web.parameters import ALERTS, HEADLINES, ParameterError, span_of
from agents.web.reader import Reader, Span
from streams.errors import NewsquakeError
from streams.http.bounded_server import BoundedServer
from streams.http.guard import host_named, is_own_name
from streams.logs import logger

START_S: Final = 10.0
NEWEST: Final = (20, 50)  # alerts and headlines on the first page
OPEN: Final = ("/healthz", "/style.css")  # they tell nothing: for probes, and for a page's looks
SAFE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "newsquake",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logger(__name__)


class WebServer:
    """The server, on a thread and an event loop of its own."""

    def __init__(self, store: Path, host: str, port: int, token: str | None) -> None:
        """`port` 0: any that is free, see `address`. NewsquakeError: it cannot be listened on."""
        self._store, self._host, self._port, self._token = store, host, port, token
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._up = threading.Event()
        self._fault: Exception | None = None
        self.address = ""
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()
        self._up.wait(START_S)
        if not self.address:
            self.close()
            raise NewsquakeError(
                f"web: {host}:{port} cannot be listened on ({self._fault}); give another --port, "
                "or port in [web] of newsquake.toml"
            )

    def close(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except (OSError, OverflowError, sqlite3.Error) as fault:
            self._fault = fault
        finally:
            self._loop.close()
            self._up.set()

    async def _serve(self) -> None:
        reader = Reader(self._store)
        server = BoundedServer(application(reader, self._token), headers=SAFE_HEADERS)
        try:
            host, port = await server.start(self._host, self._port)
            self.address = str(URL.build(scheme="http", host=host, port=port))
            self._up.set()
            await self._stop.wait()
        finally:
            await server.close()
            reader.close()


def application(reader: Reader, token: str | None) -> web.Application:
    """Return the application over a store."""
    app = web.Application(middlewares=[_guard(token)], client_max_size=1024)
    pages = _Pages(reader)
    app.router.add_get("/", pages.index)
    app.router.add_get("/healthz", pages.health)
    app.router.add_get("/style.css", pages.style)
    app.router.add_get("/h/{id}", pages.headline)
    app.router.add_get("/a/{id}", pages.alert)
    app.router.add_get("/api/headlines", pages.headlines)
    app.router.add_get("/api/alerts", pages.alerts)
    app.router.add_get("/api/alerts/{id}", pages.alert_json)
    return app


class _Pages:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def index(self, _: web.Request) -> web.Response:
        alerts = self._reader.alerts(Span(limit=NEWEST[0]))
        headlines = self._reader.headlines(Span(limit=NEWEST[1]))
        return _html(web_pages.index_page(headlines, alerts))

    async def health(self, _: web.Request) -> web.Response:
        self._reader.probe()
        return _json({"state": "ok"})

    async def style(self, _: web.Request) -> web.Response:
        return web.Response(text=markup.STYLE, content_type="text/css", charset="utf-8")

    async def headline(self, request: web.Request) -> web.Response:
        key, as_json = _key(request)
        page = self._reader.headline(key)
        if page is None:
            return _missing("no such headline; they are kept for 35 days", as_json=as_json)
        if as_json:
            return _json(web_answers.headline_page_answer(page))
        return _html(web_pages.headline_page(page))

    async def alert(self, request: web.Request) -> web.Response:
        key, as_json = _key(request)
        page = self._reader.alert(key)
        if page is None:
            return _missing("no such alert; they are kept for 35 days", as_json=as_json)
        if as_json:
            return _json(web_answers.alert_page_answer(page))
        return _html(web_pages.alert_page(page))

    async def alert_json(self, request: web.Request) -> web.Response:
        page = self._reader.alert(request.match_info["id"])
        if page is None:
            return _missing("no such alert; they are kept for 35 days", as_json=True)
        return _json(web_answers.alert_page_answer(page))

    async def headlines(self, request: web.Request) -> web.Response:
        span = span_of(request.query, HEADLINES)
        issuer = None if span.listing is None else self._reader.issuer_of(span.listing)
        found = self._reader.headlines(span)
        rows = [web_answers.headline_answer(each, issuer, span.listing) for each in found]
        return _listed(request, span, rows, ("event_ns", "headline_id"))

    async def alerts(self, request: web.Request) -> web.Response:
        span = span_of(request.query, ALERTS)
        rows = [web_answers.alert_answer(each) for each in self._reader.alerts(span)]
        return _listed(request, span, rows, ("opened_ns", "alert_id"))


# -- who may ask, and how any answer looks


def _guard(token: str | None) -> Any:  # noqa: ANN401 - aiohttp's own decorated function
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = _refusal(request, token) or await handler(request)
        except ParameterError as fault:
            answer = _json({"error": str(fault)}, HTTPStatus.BAD_REQUEST)
        except web.HTTPException as fault:  # 404, 405: aiohttp's own words, with our headers
            answer = _json({"error": fault.reason}, HTTPStatus(fault.status))
            answer.headers.update({k: v for k, v in fault.headers.items() if k == "Allow"})
        except sqlite3.Error as fault:
            log.warning("the store cannot be read", path=request.path, fault=str(fault))
            words = {"error": "the store cannot be read just now; try again"}
            answer = _json(words, HTTPStatus.SERVICE_UNAVAILABLE)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            log.debug("request refused", path=request.path, status=answer.status)
        answer.headers.update(SAFE_HEADERS)
        return answer

    return guard


def _refusal(request: web.Request, token: str | None) -> web.StreamResponse | None:
    host = host_named(request.headers.get("Host", ""))
    if host is None:
        return _json({"error": "the Host header names no host"}, HTTPStatus.BAD_REQUEST)
    if request.path in OPEN:
        return None
    if token is None:
        if is_own_name(host):
            return None
        words = "without a token it is reached as 127.0.0.1 or localhost only"
        return _json({"error": words}, HTTPStatus.FORBIDDEN)
    if hmac.compare_digest(_shown_token(request), token.encode()):
        return None
    answer = _json({"error": "a token is needed"}, HTTPStatus.UNAUTHORIZED)
    answer.headers["WWW-Authenticate"] = 'Basic realm="newsquake", charset="UTF-8"'
    return answer


def _shown_token(request: web.Request) -> bytes:
    """Return the token: of a program as Bearer, of a browser as the password under any name."""
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    given = shown.strip().encode("utf-8", "surrogateescape")
    if scheme.lower() == "bearer":
        return given
    try:
        return base64.b64decode(given, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def _key(request: web.Request) -> tuple[str, bool]:
    """Return the id in the path, and whether JSON is asked for: by `.json`, or by Accept."""
    key = request.match_info["id"]
    accepted = request.headers.get("Accept", "")
    wanted = "application/json" in accepted and "text/html" not in accepted
    return key.removesuffix(".json"), wanted or key.endswith(".json")


def _listed(
    request: web.Request, span: Span, rows: list[dict[str, Any]], key: tuple[str, str]
) -> web.Response:
    """Return the rows; a full answer has a Link to what comes after it (RFC 8288)."""
    answer = _json(rows)
    if len(rows) == span.limit:
        place = f"{rows[-1][key[0]]}:{rows[-1][key[1]]}"
        rest = request.rel_url.update_query(before=place)
        answer.headers["Link"] = f'<{rest}>; rel="next"'
    return answer


def _missing(words: str, *, as_json: bool) -> web.Response:
    if as_json:
        return _json({"error": words}, HTTPStatus.NOT_FOUND)
    return _html(web_pages.fault_page(words), HTTPStatus.NOT_FOUND)


def _json(body: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json"
    )


def _html(text: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={"Vary": "Accept"},
    )
