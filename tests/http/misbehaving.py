"""A real HTTP server on a free port of 127.0.0.1 that behaves as a test tells it to, however badly.

It speaks bytes over a socket, so that it can break every rule, and keeps what it was asked.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

BOMB_MB = 1_000


class Asked(NamedTuple):
    """One request as it came."""

    at_s: float
    path: str
    headers: dict[str, str]  # names in lower case

    @property
    def conditional(self) -> bool:
        return "if-none-match" in self.headers or "if-modified-since" in self.headers


Answer = Callable[[asyncio.StreamWriter, Asked], Awaitable[None]]


class Server:
    """Answers each path as `answers` says, 404 where it says nothing."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.at_once = self.most_at_once = 0
        self.port = 0
        self.scheme = "http"
        self._talks: set[asyncio.Task[None]] = set()

    def url(self, path: str = "/feed", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        # Cancelled when the test is over; asyncio.streams would report that as a fault.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            await self._answer(writer, head.decode("latin-1"))
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter, head: str) -> None:
        first, *lines = head.split("\r\n")
        fields = (line.split(":", 1) for line in lines if line)
        headers = {name.lower(): value.strip() for name, value in fields}
        asked = Asked(time.monotonic(), first.split(" ")[1], headers)
        self.asked.append(asked)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.answers.get(asked.path.split("?")[0], status(404))(writer, asked)
        finally:
            self.at_once -= 1

    async def stop(self) -> None:
        for task in self._talks:
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()
    socket = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=tls)
    server.port = socket.sockets[0].getsockname()[1]
    server.scheme = "https" if tls else "http"
    try:
        yield server
    finally:
        socket.close()
        await server.stop()
        await socket.wait_closed()


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a server's context with a certificate for 127.0.0.1 that nobody has signed."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1".split()
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out"]
    subprocess.run([*command, str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


# -- documents


def rss(*titles: str, minute: int = 0) -> bytes:
    """Return a small RSS document with one item a title, each with a guid made of it."""
    items = "".join(
        f"<item><guid>{title}</guid><title>Story {title} told</title>"
        f"<pubDate>Thu, 26 Nov 2026 10:{minute:02}:00 GMT</pubDate></item>"
        for title in titles
    )
    text = (
        f"<?xml version='1.0'?><rss version='2.0'><channel><title>t</title>{items}</channel></rss>"
    )
    return text.encode()


PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please wait</body></html>"


def bomb(megabytes: int = BOMB_MB) -> bytes:
    """Return gzip that inflates to so many megabytes of zeros: one block again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"", mtime=0)[:10] + block * megabytes + packer.flush() + bytes(8)


# -- answers


def raw(data: bytes) -> Answer:
    """Send exactly these bytes, then close."""

    async def answer(writer: asyncio.StreamWriter, asked: Asked) -> None:
        writer.write(data)
        await writer.drain()

    return answer


def response(code: int, body: bytes = b"", **headers: object) -> bytes:
    """Return a response as bytes; a header's name has `_` for `-`; Content_Length=None leaves it out."""
    fields = {"Content_Length": len(body), "Connection": "close", **headers}
    lines = [f"{n.replace('_', '-')}: {v}" for n, v in fields.items() if v is not None]
    return "\r\n".join([f"HTTP/1.1 {code} Said", *lines, "", ""]).encode("latin-1") + body


def status(code: int, body: bytes = b"", **headers: object) -> Answer:
    return raw(response(code, body, **headers))


def document(body: bytes, **headers: object) -> Answer:
    return status(200, body, **headers)


def redirect(code: int, location: str) -> Answer:
    return status(code, Location=location)


def conditional(body: bytes, etag: str) -> Answer:
    """Behave: 304 to whoever has it, else the document with its validators."""

    async def answer(writer: asyncio.StreamWriter, asked: Asked) -> None:
        same = asked.headers.get("if-none-match") == etag
        writer.write(response(304, ETag=etag) if same else response(200, body, ETag=etag))
        await writer.drain()

    return answer


def dripping(head: bytes, byte: bytes, pause_s: float) -> Answer:
    """Send the head, then one byte each `pause_s` for ever."""

    async def answer(writer: asyncio.StreamWriter, asked: Asked) -> None:
        writer.write(head)
        while True:
            writer.write(byte)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return answer


async def never(writer: asyncio.StreamWriter, asked: Asked) -> None:
    """Take the request and say nothing."""
    await asyncio.Event().wait()


async def reset(writer: asyncio.StreamWriter, asked: Asked) -> None:
    """Cut the connection with a RST."""
    writer.transport.abort()


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def zipped(body: bytes) -> Answer:
    return document(gzipped(body), Content_Encoding="gzip")
