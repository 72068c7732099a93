"""The endpoint `/metrics`: a small server on threads of its own, on loopback unless told otherwise."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from agents.machine.clock import elapsed_s
from agents.metrics.exposition import OPENMETRICS, TEXT
from streams.errors import NewsquakeError
from streams.http.guard import host_named, is_loopback, is_own_name, most_connections

PATH: Final = "/metrics"
PATIENCE_S: Final = 10.0  # with a client that asks or reads slowly; Prometheus's scrape_timeout
MOST_THREADS: Final = 16  # scrapes at once: two Prometheus and a few people need less


class MetricsServer:
    """Serve what `document` returns; it is given whether OpenMetrics is asked for. A thread a scrape."""

    def __init__(self, host: str, port: int, document: Callable[[bool], bytes]) -> None:
        """Listen; `port` 0: any that is free. NewsquakeError: the address cannot be listened on."""
        names = {"document": staticmethod(document), "own_only": is_loopback(host)}
        handler = type("Handler", (_Handler,), names)
        try:
            self._server = _server_class(host)((host, port), handler)
        except OSError as fault:
            raise NewsquakeError(
                f"[metrics] {host}:{port} cannot be listened on: {fault.strerror}; give another port"
            ) from fault
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self._server.server_port}{PATH}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    """A thread a connection, so many at once and each for so long: beyond that it is closed."""

    daemon_threads = True

    def __init__(self, *args: Any) -> None:  # noqa: ANN401 - as inherited
        super().__init__(*args)
        self._most = min(MOST_THREADS, most_connections())
        self._open: dict[socket.socket, float] = {}  # until when each may take

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as inherited
        """Give the connection a thread, if there is one left."""
        if len(self._open) >= self._most:
            self.shutdown_request(request)
            return
        self._open[request] = elapsed_s() + PATIENCE_S
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as inherited
        """End a connection, whoever asks for it."""
        self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End what takes too long; called twice a second (socketserver.BaseServer.serve_forever)."""
        now_s = elapsed_s()
        for request, until_s in list(self._open.items()):
            if until_s < now_s:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)  # its thread finds it ended, and closes it

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as inherited
        """Say nothing of a client that went away; anything else is a fault of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server_class(host: str) -> type[_Server]:
    return _Server6 if ":" in host else _Server


class _Handler(BaseHTTPRequestHandler):
    document: Callable[[bool], bytes]
    own_only: bool  # nobody else's name leads here: a page elsewhere pointed one at us
    timeout = PATIENCE_S

    def do_GET(self) -> None:
        host = host_named(self.headers.get("Host", "localhost"))  # HTTP/1.0 has none
        if host is None:
            self.send_error(HTTPStatus.BAD_REQUEST, "the Host header names no host")
            return
        if self.own_only and not is_own_name(host):
            self.send_error(HTTPStatus.FORBIDDEN, "reached as 127.0.0.1 or localhost only")
            return
        if self.path.partition("?")[0] not in {PATH, "/"}:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        openmetrics = "application/openmetrics-text" in self.headers.get("Accept", "")
        body = self.document(openmetrics)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", OPENMETRICS if openmetrics else TEXT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as inherited
        """Log nothing: a scrape comes every few seconds."""
