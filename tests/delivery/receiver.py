"""A real HTTP receiver on a free port of 127.0.0.1 that answers as a test tells it to, however badly."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Got(NamedTuple):
    """One request as it came."""

    at_s: float
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Remembers what came; `answer` says what to do with each: a status, or none and it hangs up."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.got: list[Got] = []
        self.answer: Callable[[Got], int | None] = lambda _: 200
        self.headers: dict[str, str] = {}
        self.scheme = "http"
        self.ending = threading.Event()
        self._server = server

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._server.server_port}/hook"

    def taken(self) -> list[Got]:
        """Return what was answered with a 200."""
        return [got for got in self.got if self.answer(got) == 200]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        got = Got(time.monotonic(), self.path, headers, body)
        receiver.got.append(got)
        status = receiver.answer(got)
        if status is None:
            self.connection.close()
            return
        self.send_response(status)
        for name, value in receiver.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving(tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Receiver]:
    server = _Server(("127.0.0.1", port), _Handler)
    server.receiver = Receiver(server)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.receiver.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.receiver
    finally:
        server.receiver.ending.set()
        server.shutdown()
        server.server_close()
        thread.join()
