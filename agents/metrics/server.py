"""The endpoint `/metrics`: a small server on threads of its own, on loopback unless told otherwise."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from agents.metrics.exposition import OPENMETRICS, TEXT
from streams.errors import NewsquakeError

PATH: Final = "/metrics"
PATIENCE_S: Final = 10.0  # with a client that asks or reads slowly; Prometheus's scrape_timeout


class MetricsServer:
    """Serve what `document` returns; it is given whether OpenMetrics is asked for. A thread a scrape."""

    def __init__(self, host: str, port: int, document: Callable[[bool], bytes]) -> None:
        """Listen; `port` 0: any that is free. NewsquakeError: the address cannot be listened on."""
        handler = type("Handler", (_Handler,), {"document": staticmethod(document)})
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
    daemon_threads = True

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
    timeout = PATIENCE_S

    def do_GET(self) -> None:
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
